"""Arrow arrays as the text that is searched, whole columns at a time, and batches as blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from checks.scanner.source import BLOCK, FIELD

pa = import_module("pyarrow")
pc = import_module("pyarrow.compute")
types = pa.types

_PIECE = 2**20
"""Bytes of text, about, that are made at a time: enough to make a call a column cheap."""
_ROWS = 2**16
"""Rows of a piece at most: those of a column of nulls take no bytes."""
_NUMBER = 20
"""Bytes of a number, a date or the like as text, at most, about."""
# As values of Arrow: what it is given as one of Python's, it asks each time whether pandas made it.
_LARGE = pa.scalar(1e9)
"""Arrow writes floating point numbers in full digits only below it, about."""
_EXACT, _ZERO = pa.scalar(2.0**63), pa.scalar(0.0)
_NO_DISTANCE, _NO_TEXT, _FIRST = pa.scalar(0, pa.int64()), pa.scalar(""), pa.array([0], pa.int64())
_EMPTY, _LINE, _FIELD, _SPACE, _ITEM = (
    pa.scalar(text, pa.large_binary()) for text in (b"", b"\n", FIELD, b" ", b", ")
)


def paths(schema: Any) -> tuple[str, ...]:
    """Return the names of the columns of a ``Schema``; a struct's fields are columns, named ``a.b``."""
    return tuple(path for field in schema for path in _paths(field.name, field.type))


def blocks(batch: Any) -> Iterator[bytes]:
    """Yield the rows of a ``RecordBatch`` as :class:`checks.scanner.source.Table` wants them."""
    for first in range(0, batch.num_rows, _ROWS):
        columns = [column for array in batch.slice(first, _ROWS).columns for column in _columns(array)]
        if columns:
            yield from _halves(columns)


def longest(array: Any) -> int:
    """Return how many bytes the longest value of ``array`` takes in memory when it is decoded."""
    kind = array.type
    if types.is_dictionary(kind):
        values = array.dictionary
        if not (_is_binary(values.type) and len(values)):
            return _NUMBER
        return int(pc.max(pc.binary_length(values)).as_py() or 0)
    if types.is_struct(kind):
        return sum(map(longest, array.flatten()))
    if isinstance(array, pa.ExtensionArray):
        return longest(array.storage)
    if _is_list(kind):
        return longest(_items(array))
    return int(kind.byte_width) if types.is_fixed_size_binary(kind) else _NUMBER


def _paths(path: str, kind: Any) -> Iterator[str]:
    if isinstance(kind, pa.BaseExtensionType):
        yield from _paths(path, kind.storage_type)
    elif types.is_struct(kind):
        for at in range(kind.num_fields):
            yield from _paths(f"{path}.{kind.field(at).name}", kind.field(at).type)
    else:
        yield path


def _columns(array: Any) -> Iterator[Any]:
    """Yield the columns of :func:`paths`."""
    if isinstance(array, pa.ExtensionArray):
        yield from _columns(array.storage)
    elif types.is_struct(array.type):
        for child in array.flatten():
            yield from _columns(child)
    else:
        yield array


def _halves(columns: list[Any]) -> Iterator[bytes]:
    """Yield the rows in as many pieces as make each about ``_PIECE`` bytes of text."""
    rows = len(columns[0])
    if rows == 1 or sum(map(_size, columns)) <= _PIECE:
        yield from _rows(columns)
        return
    half = rows // 2
    yield from _halves([column.slice(0, half) for column in columns])
    yield from _halves([column.slice(half) for column in columns])


def _size(array: Any) -> int:
    """Return how many bytes of text ``array`` makes, about. Encoded values count as often as they occur."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _size(array.storage)
    if types.is_dictionary(kind):
        values = array.dictionary
        if types.is_nested(values.type):
            return int(values.nbytes) * len(array)
        if not _is_binary(values.type):
            return _NUMBER * len(array)
        lengths = pc.binary_length(values).take(array.indices)
        return len(array) + int(pc.sum(lengths.cast(pa.int64())).as_py() or 0)
    if types.is_run_end_encoded(kind):
        return max(int(array.values.nbytes), _NUMBER) * len(array)
    if types.is_struct(kind):
        return sum(map(_size, array.flatten()))
    if _is_list(kind):
        return len(array) + _size(_items(array))
    return int(array.nbytes) + (1 if _is_binary(kind) else _NUMBER) * len(array)


def _rows(columns: list[Any]) -> Iterator[bytes]:
    texts = [_text(column) for column in columns]
    rows = _joined(texts)
    raw = _bytes(rows)
    if raw.count(b"\n") != len(rows) or raw.count(FIELD) != len(rows) * (len(texts) - 1):
        rows = _joined([_plain(text) for text in texts])
        raw = _bytes(rows)
    if len(raw) <= BLOCK:
        yield raw
        return
    step = max(1, len(rows) * BLOCK // len(raw))
    for first in range(0, len(rows), step):
        yield _bytes(rows.slice(first, step))


def _joined(texts: list[Any]) -> Any:
    """Return an array of rows. Nulls are empty."""
    rows = texts[0] if len(texts) == 1 else _side_by_side(texts, _FIELD)
    return _side_by_side([rows, _EMPTY], _LINE)


def _side_by_side(texts: list[Any], separator: Any) -> Any:
    return pc.binary_join_element_wise(*texts, separator, null_handling="replace", null_replacement="")


def _plain(text: Any) -> Any:
    return pc.replace_substring(pc.replace_substring(text, "\n", " "), FIELD.decode(), " ")


def _bytes(rows: Any) -> bytes:
    """Return all values of an array of ``large_binary``, which lie one behind the other."""
    _, offsets, data = rows.buffers()
    view = memoryview(offsets).cast("q")
    first, last = view[rows.offset], view[rows.offset + len(rows)]
    return bytes(data[first : last]) if last > first else b""  # fmt: skip


def _text(array: Any) -> Any:
    """Return ``array`` as an array of ``large_binary`` of the same length.

    Raises ``pa.ArrowNotImplementedError`` for a type that has no text.
    """
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _text(array.storage)
    if types.is_dictionary(kind):
        return _text(array.dictionary.take(array.indices))
    if types.is_run_end_encoded(kind):
        return _text(pc.run_end_decode(array))
    if types.is_struct(kind):
        return _struct(array)
    if types.is_union(kind):
        return _union(array)
    if _is_list(kind):
        return _list(array)
    if types.is_floating(kind):
        array = _floating(array)
    elif types.is_decimal(kind):
        array = _decimal(array)
    elif types.is_timestamp(kind):
        # A zone may be one that this machine does not know.
        array = array.cast(pa.timestamp(kind.unit)).cast(pa.string())
    elif types.is_interval(kind):
        array = array.view(pa.binary(kind.bit_width // 8))
    elif not _is_binary(kind) and not types.is_null(kind):
        array = array.cast(pa.string())
    return array.cast(pa.large_binary())


def _struct(array: Any) -> Any:
    children = array.flatten()
    if not children:
        return pa.nulls(len(array), pa.large_binary())
    return _side_by_side([_text(child) for child in children], _ITEM)


def _list(array: Any) -> Any:
    """Return the values of each list in one text.

    Between them is what continues no number: four numbers of four digits are not one of sixteen.
    """
    values = pc.fill_null(_text(_items(array)), _EMPTY)
    lengths = pc.fill_null(_lengths(array), _NO_DISTANCE)
    offsets = pa.concat_arrays([_FIRST, pc.cumulative_sum(lengths)])
    return pc.binary_join(pa.LargeListArray.from_arrays(offsets, values), _ITEM)


def _union(array: Any) -> Any:
    kind, length = array.type, len(array)
    texts = []
    # From the buffers: what pyarrow gives as "type_codes" and "offsets" begins elsewhere in a slice.
    buffers = array.buffers()
    codes = pa.Array.from_buffers(pa.int8(), length, [None, buffers[1]], offset=array.offset)
    place = pa.array(range(length), pa.int32())
    if kind.mode == "dense":
        place = pa.Array.from_buffers(pa.int32(), length, [None, buffers[2]], offset=array.offset)
    for at, code in enumerate(kind.type_codes):
        chosen = pc.equal(codes, pa.scalar(code, pa.int8()))
        # Only what is chosen: elsewhere a place may be none of this child.
        texts.append(_text(array.field(at).take(pc.if_else(chosen, place, None))))
    return pc.coalesce(*texts) if texts else pa.nulls(length, pa.large_binary())


def _floating(array: Any) -> Any:
    """Return as strings, in full digits: Arrow writes ``4.1e+15`` for what was a number of 16 digits."""
    values = array.cast(pa.float64())
    text = array.cast(pa.string())
    size = pc.abs(values)
    large = pc.and_(pc.greater_equal(size, _LARGE), pc.less(size, _EXACT))
    if not pc.any(large).as_py():
        return text
    values = pc.if_else(large, values, _ZERO)
    whole = pc.trunc(values)
    fraction = pc.utf8_slice_codeunits(pc.abs(pc.subtract(values, whole)).cast(pa.string()), 1)
    digits = pc.binary_join_element_wise(whole.cast(pa.int64()).cast(pa.string()), fraction, _NO_TEXT)
    return pc.if_else(large, digits, text)


def _decimal(array: Any) -> Any:
    """Return as strings without an exponent, which Arrow writes where the scale is negative."""
    if array.type.scale < 0:
        array = array.cast(pa.decimal256(76, 0))
    return array.cast(pa.string())


def _items(array: Any) -> Any:
    """Return the values of all lists that are not null, in order."""
    if types.is_map(array.type):
        array = _as_list(array)
    return array.flatten()


def _lengths(array: Any) -> Any:
    return pc.list_value_length(_as_list(array) if types.is_map(array.type) else array).cast(pa.int64())


def _as_list(array: Any) -> Any:
    entry = pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])
    return array.cast(pa.list_(entry))


def _is_list(kind: Any) -> bool:
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
        or types.is_map(kind)
    )


def _is_binary(kind: Any) -> bool:
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )
