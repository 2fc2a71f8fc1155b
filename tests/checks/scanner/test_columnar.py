"""Parquet, Arrow and ORC: every type as text, damaged and hostile files, and nothing that leaks."""

from __future__ import annotations

import base64
import io
import struct
import sys
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import orc as orc_files
from pyarrow import parquet as parquet_files
from pyarrow.parquet import encryption

from checks.core.errors import Unreadable
from checks.scanner import columnar_orc, columnar_parquet
from checks.scanner.chunks import file_of
from checks.scanner.expand import expand, open_file
from checks.scanner.source import BLOCK, Budget, Limits, Table
from tests.checks.scanner.test_expand import look, zipped

CARD = 4111111111111111
Found = dict[str, bytes | str]


def parquet(table: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    parquet_files.write_table(table, out, **options)
    return out.getvalue()


def arrow_file(table: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def arrow_stream(table: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def orc(table: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    orc_files.write_table(table, out, **options)
    return out.getvalue()


Writer = Callable[..., bytes]
ARROW: list[Writer] = [arrow_file, arrow_stream]
WRITERS: list[Writer] = [parquet, *ARROW, orc]


def read(raw: bytes, limits: Limits | None = None) -> Found:
    return look(expand("t", io.BytesIO(raw), Budget(limits or Limits())))


def rows(raw: bytes) -> bytes:
    found = read(raw)["t"]
    assert isinstance(found, bytes), found
    return found


def columns(raw: bytes) -> tuple[str, ...]:
    (table,) = (item for item in expand("t", io.BytesIO(raw), Budget()) if isinstance(item, Table))
    assert table.key == ()
    return table.columns


@pytest.mark.parametrize("write", WRITERS)
def test_usual_types(write: Writer, tmp_path: Path) -> None:
    table = pa.table(
        {
            "whole": pa.array([CARD, None, -1], pa.int64()),
            "double": pa.array([float(CARD), 1.5, None]),
            "text": ["pay\nwith\x1fé", "", None],
            "raw": pa.array([b"\0\xff4111", None, b""]),
            "exact": pa.array([Decimal(CARD), Decimal("1.25"), None], pa.decimal128(38, 4)),
            "flag": [True, False, None],
            "when": pa.array([0, None, 1], pa.timestamp("ms")),
            "few": pa.array(["a", "b", "a"])
            if write is orc
            else pa.array(["a", "b", "a"]).dictionary_encode(),
        }
    )
    raw = write(table)
    lines = rows(raw).split(b"\n")
    assert lines[0].startswith(
        b"4111111111111111\x1f4111111111111111\x1fpay with \xc3\xa9\x1f\0\xff4111"
        b"\x1f4111111111111111.0000\x1ftrue\x1f1970"
    )
    assert lines[1] == b"\x1f1.5\x1f\x1f\x1f1.2500\x1ffalse\x1f\x1fb"
    assert lines[2].startswith(b"-1\x1f\x1f\x1f\x1f\x1f\x1f1970")
    assert lines[2].endswith(b"\x1fa")
    assert lines[3:] == [b""]
    assert columns(raw) == tuple(table.column_names)

    path = tmp_path / "t.bin"
    path.write_bytes(raw)
    assert look(open_file(path, "t", Budget())) == read(raw)
    assert look(expand("z", io.BytesIO(zipped({"t": raw})), Budget()))["z!t"] == rows(raw)
    assert look(expand("t", file_of([raw[:5], raw[5:]]), Budget())) == read(raw)


@pytest.mark.parametrize("write", WRITERS)
def test_nested_types(write: Writer) -> None:
    table = pa.table(
        {
            "s": [{"a": CARD, "b": {"c": "x"}}, None],
            "l": [[4111, 1111, 1111, 1111], None],
            "m": pa.array([[("k", 1.5)], []], pa.map_(pa.string(), pa.float64())),
            "ls": [[{"x": CARD, "y": None}, {"x": 2, "y": "z"}], [None]],
            "ll": [[["a"], ["b\n", "c"]], [[], None]],
        }
    )
    raw = write(table)
    assert columns(raw) == ("s.a", "s.b.c", "l", "m", "ls", "ll")
    first, second, last = rows(raw).split(b"\n")
    assert first == (
        b"4111111111111111\x1fx\x1f4111, 1111, 1111, 1111\x1fk, 1.5\x1f4111111111111111, , 2, z\x1fa, b , c"
    )
    assert second.count(b"\x1f") == 5
    assert not second.strip(b"\x1f, ")
    assert last == b""


@pytest.mark.parametrize("write", ARROW)
def test_types_of_arrow_alone(write: Writer) -> None:
    views = pa.concat_arrays(
        [pa.array([[9]], pa.list_view(pa.int64())), pa.array([[CARD, 2]], pa.list_view(pa.int64()))]
    )
    table = pa.table(
        {
            "view": pa.array(["x" * 20, None], pa.string_view()),
            "fixed": pa.array([b"abc", None], pa.binary(3)),
            "list view": views,
            "pair": pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
            "none": pa.nulls(2),
            "zone": pa.array([0, None], pa.timestamp("us", "Nowhere/None")),
            "interval": pa.array([pa.MonthDayNano([1, 2, 3]), None]),
            "far": pa.array([2**62, 2**31], pa.int64()).cast(pa.timestamp("s")),
            "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
            "half": pa.array([1.5, None], pa.float16()),
            "scaled": pa.array([Decimal(CARD) * 1000, None], pa.decimal128(30, -3)),
            "float": [CARD + 0.5, -1e300],
            "run": pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([CARD])),
            "dense": pa.UnionArray.from_dense(
                pa.array([0, 1], pa.int8()),
                pa.array([1, 0], pa.int32()),
                [pa.array([3, CARD]), pa.array(["x"])],
            ),
            "sparse": pa.UnionArray.from_sparse(
                pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["x", "y"])]
            ),
            "coded": pa.DictionaryArray.from_arrays(
                pa.array([1, 0]), pa.array([Decimal("1.5"), Decimal(CARD)])
            ),
            "id": pa.ExtensionArray.from_storage(
                pa.uuid(), pa.array([b"4111111111111111"] * 2, pa.binary(16))
            ),
        }
    )
    first, second, last = rows(write(table)).split(b"\n")
    assert first.split(b"\x1f") == [
        *(b"x" * 20, b"abc", b"9", b"1, 2", b"", b"1970-01-01 00:00:00.000000"),
        b"\x01\0\0\0\x02\0\0\0\x03" + bytes(7),
        b"<value out of range: 4611686018427387904>",
        *(b"18446744073709551615", b"1.5", b"4111111111111111000", b"4111111111111111.5"),
        *(b"4111111111111111", b"4111111111111111", b"1", b"4111111111111111.0", b"4111111111111111"),
    ]
    assert second.split(b"\x1f")[2:] == [
        *(b"4111111111111111, 2", b"", b"", b"", b"", b"2038-01-19 03:14:08", b"0", b"", b"", b"-1e+300"),
        *(b"4111111111111111", b"x", b"y", b"1.5", b"4111111111111111"),
    ]
    assert last == b""


@pytest.mark.parametrize("write", ARROW)
def test_slices_are_those_rows(write: Writer) -> None:
    codes = pa.array([number % 2 for number in range(9)], pa.int8())
    places = pa.array([number // 2 for number in range(9)], pa.int32())
    table = pa.table(
        {
            "dense": pa.UnionArray.from_dense(codes, places, [pa.array(range(5)), pa.array(list("abcde"))]),
            "long": ["x" * BLOCK * 2] * 9,  # so that each row is made apart
        }
    )
    made = rows(write(table)).splitlines()
    assert [line.split(b"\x1f")[0] for line in made] == [b"0", b"a", b"1", b"b", b"2", b"c", b"3", b"d", b"4"]


@pytest.mark.parametrize("write", WRITERS)
def test_no_rows(write: Writer) -> None:
    raw = write(pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())}))
    assert rows(raw) == b""
    assert columns(raw) == ("a", "b")


@pytest.mark.parametrize("write", [parquet, *ARROW])
def test_no_columns(write: Writer) -> None:
    assert rows(write(pa.table({}))) == b""


@pytest.mark.parametrize("write", WRITERS)
def test_names_and_metadata(write: Writer) -> None:
    inner = pa.field("inner 4111", pa.int64())
    field = pa.field("a\n", pa.struct([inner]), metadata={"note": "of a field"})
    schema = pa.schema([field], metadata={"key": str(CARD), "raw": b"\xff"})
    raw = write(pa.Table.from_pylist([{"a\n": {"inner 4111": 1}}], schema=schema))
    found = read(raw)["t!metadata"]
    assert isinstance(found, bytes)
    assert b"a\n" in found
    assert b"inner 4111\n" in found
    assert columns(raw) == ("a?.inner 4111",)
    if write is not orc:
        assert b"key: 4111111111111111\n" in found
        assert b"raw: \xff\n" in found
        assert b"note: of a field\n" in found


@pytest.mark.parametrize("make", [pa.ipc.new_file, pa.ipc.new_stream])
def test_metadata_of_batches(make: Any) -> None:
    out, batch = io.BytesIO(), pa.record_batch({"a": [1]})
    with make(out, batch.schema) as writer:
        writer.write_batch(batch, custom_metadata={"note": str(CARD)})
    assert read(out.getvalue()) == {
        "t!metadata": b"a\n",
        "t": b"1\n",
        "t!metadata of batches": b"note: 4111111111111111\n",
    }


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
def test_codecs_of_parquet(codec: str) -> None:
    table = pa.table({"a": range(5000), "b": [str(CARD)] * 5000})
    made = rows(parquet(table, compression=codec, row_group_size=700, write_page_index=True))
    assert made == b"".join(b"%d\x1f4111111111111111\n" % number for number in range(5000))


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "zlib", "zstd", "lz4"])
def test_codecs_of_orc(codec: str) -> None:
    table = pa.table({"a": range(5000), "b": [str(CARD)] * 5000})
    assert rows(orc(table, compression=codec)).count(b"\x1f4111111111111111\n") == 5000


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize("write", ARROW)
def test_codecs_of_arrow(write: Writer, codec: str) -> None:
    table = pa.table({"a": range(5000), "b": pa.array([str(CARD)] * 5000).dictionary_encode()})
    assert rows(write(table, compression=codec)).count(b"\x1f4111111111111111\n") == 5000


@pytest.mark.parametrize(
    "encoding",
    ["PLAIN", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"],
)
def test_encodings_of_parquet(encoding: str) -> None:
    texts = "BYTE_ARRAY" in encoding or encoding == "PLAIN"
    table = pa.table({"a": [str(CARD)] * 3000 if texts else pa.array([CARD] * 3000)})
    options = {"use_dictionary": False, "column_encoding": {"a": encoding}, "data_page_version": "2.0"}
    assert rows(parquet(table, **options)) == b"4111111111111111\n" * 3000


@pytest.mark.parametrize("kind", ["large_string", "string_view", "binary_view", "large_binary", "binary"])
def test_texts_of_few_values_in_parquet(kind: str) -> None:
    few = pa.array([str(CARD), None, "a\nb"] * 3000).cast(getattr(pa, kind)())
    assert rows(parquet(pa.table({"a": few}))) == b"4111111111111111\n\na b\n" * 3000


@pytest.mark.parametrize("write", [parquet, *ARROW])
def test_text_that_is_none(write: Writer) -> None:
    buffers = pa.array([b"\xff4111", b"b", None]).buffers()
    text = pa.Array.from_buffers(pa.string(), 3, buffers)
    assert rows(write(pa.table({"a": text}))) == b"\xff4111\nb\n\n"


@pytest.mark.parametrize("write", WRITERS)
def test_cut_off_anywhere(write: Writer) -> None:
    raw = write(pa.table({"a": [str(CARD)] * 50, "b": range(50)}))
    for size in range(64, len(raw), len(raw) // 3 if write is orc else 7):
        reasons = [value for value in read(raw[:size]).values() if isinstance(value, str)]
        assert reasons, size
        assert all("truncated" in reason or "damaged" in reason for reason in reasons)


@pytest.mark.parametrize("write", WRITERS)
def test_damaged_anywhere(write: Writer) -> None:
    raw = write(pa.table({"a": [str(CARD), "x", None] * 9, "b": [[1, 2], [], None] * 9}))
    for at in range(12, len(raw), len(raw) // 3 if write is orc else 3):
        damaged = bytearray(raw)
        damaged[at] ^= 0xFF
        for value in read(bytes(damaged), Limits(expanded=2**22)).values():
            assert isinstance(value, bytes) or "4111" not in value


def test_checksums_of_pages() -> None:
    raw = bytearray(parquet(pa.table({"a": [str(CARD)]}), write_page_checksum=True, write_statistics=False))
    at = raw.find(b"4111111111111111")
    raw[at] ^= 1
    assert read(bytes(raw))["t"] == "is damaged or truncated"


def test_stream_without_end_or_with_more() -> None:
    raw = arrow_stream(pa.table({"a": [CARD]}))
    assert read(raw[:-8])["t"] == "is truncated: the mark of its end is missing"
    assert read(raw + raw)["t"] == "is followed by something else"


@pytest.mark.parametrize("readable_footer", [True, False])
def test_encrypted_parquet(readable_footer: bool) -> None:
    class Keys(encryption.KmsClient):
        def wrap_key(self, key: bytes, master: str) -> bytes:
            return base64.b64encode(key)

        def unwrap_key(self, wrapped: bytes, master: str) -> bytes:
            return base64.b64decode(wrapped)

    table, out = pa.table({"a": [CARD], "b": ["x"]}), io.BytesIO()
    properties = encryption.CryptoFactory(lambda config: Keys()).file_encryption_properties(
        encryption.KmsConnectionConfig(),
        encryption.EncryptionConfiguration(
            footer_key="k", column_keys={"k": ["a"]}, plaintext_footer=readable_footer
        ),
    )
    with parquet_files.ParquetWriter(out, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    reason = "is encrypted" if readable_footer else "is an encrypted Parquet file, which is not read"
    assert read(out.getvalue())["t"] == reason


@pytest.mark.parametrize("write", WRITERS)
def test_budget(write: Writer) -> None:
    raw = write(pa.table({"a": ["x" * 1000] * 1000}))
    assert read(raw, Limits(expanded=2**19))["t"] == f"expands to more than {2**19} bytes"


def test_few_long_values_take_little_memory() -> None:
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000), pa.array(["y" * 100_000]))
    before = pa.total_allocated_bytes()
    for raw in (parquet(pa.table({"a": long, "b": range(20_000)})), arrow_file(pa.table({"a": long}))):
        peak, size = 0, 0
        for item in expand("t", io.BytesIO(raw), Budget()):
            if isinstance(item, Table):
                for number, block in enumerate(item.blocks):
                    peak, size = max(peak, pa.total_allocated_bytes() - before), size + len(block)
                    if number > 200:
                        break
        assert size > 10_000_000
        assert peak < 2**26


def test_a_batch_that_expands_too_far() -> None:
    raw = arrow_stream(pa.table({"a": pa.array([0] * 2**17)}), compression="zstd")
    assert len(raw) < 2000
    assert read(raw, Limits(spooled=2**19))["t"] == f"has a batch of more than {2**19} bytes"


def test_a_column_that_expands_too_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar_parquet, "_PAGE", 2**16)
    raw = parquet(pa.table({"a": pa.array([0] * 2**17)}), compression="zstd", use_dictionary=False)
    assert read(raw)["t"] == "has a column that expands to more than 256 times its size"


def test_flat_memory_of_python() -> None:
    raw = parquet(pa.table({"a": range(300_000), "b": [str(CARD)] * 300_000}))
    tracemalloc.start()
    try:
        for item in expand("t", io.BytesIO(raw), Budget()):
            if isinstance(item, Table):
                assert sum(block.count(b"\n") for block in item.blocks) == 300_000
        assert tracemalloc.get_traced_memory()[1] < 8 * BLOCK
    finally:
        tracemalloc.stop()


def test_the_file_is_left_open_and_its_errors_are_told() -> None:
    raw = parquet(pa.table({"a": pc.cast(pa.array(range(50_000)), pa.string())}))

    class Failing(io.BytesIO):
        broken = False

        def read(self, size: int | None = -1, /) -> bytes:
            if self.broken and size != 8:
                raise OSError(5, "secret 4111111111111111")
            return super().read(size)

    file = Failing(raw)
    found = {}
    for item in expand("t", file, Budget()):
        if isinstance(item, Table):
            file.broken = True
            found |= look(iter([item]))
    assert "cannot be read" in str(found["t"])
    assert not file.closed


def test_a_column_twice() -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([CARD])], names=["a", "a"])
    for write in [parquet, *ARROW]:
        assert rows(write(twice)) == b"1\x1f4111111111111111\n"
    assert read(orc(twice))["t"] == "has two columns of the same name, which are not read"


def test_offsets_that_point_nowhere() -> None:
    raw = arrow_file(pa.table({"a": ["x" * 30, "y" * 30, "z" * 30]}))
    at = raw.find(struct.pack("<4i", 0, 30, 60, 90))
    damaged = raw[:at] + struct.pack("<4i", 0, 2**30, 60, 90) + raw[at + 16 :]
    assert read(damaged)["t"] == "is damaged or truncated"


def test_the_process_that_reads_orc_is_ended() -> None:
    raw = orc(pa.table({"a": [f"{number} {CARD}" for number in range(200_000)]}))
    source = columnar_orc.orc("t", io.BytesIO(raw))
    next(source.batches)
    source.close.__self__._process.kill()  # type: ignore[attr-defined]
    with pytest.raises(Unreadable, match=r"^t is damaged or truncated$"):
        list(source.batches)
    source.close()


def test_a_damaged_orc_file_does_not_end_the_scanner() -> None:
    raw = bytearray(orc(pa.table({"a": [str(CARD), "x", None] * 9, "b": [[1, 2], [], None] * 9})))
    raw[297] ^= 0xFF  # ends the library of pyarrow 26
    assert len(read(bytes(raw))) > 0


def test_a_table_of_orc_that_nobody_asks_for() -> None:
    raw = orc(pa.table({"a": [f"{number} {CARD}" for number in range(200_000)]}))
    assert [item.name for item in expand("t", io.BytesIO(raw), Budget())] == ["t!metadata", "t"]


@pytest.mark.parametrize("write", WRITERS)
def test_without_the_library(write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write(pa.table({"a": [CARD]}))
    for module in [name for name in sys.modules if name.startswith("checks.scanner.") and "columnar" in name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (reason,) = read(raw).values()
    assert str(reason).endswith("and its library is missing; install policyproof[columnar]")
