"""Avro: every type as text, codecs, damaged and hostile files, and nothing that leaks."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
import zstandard

from checks.scanner import read_avro
from checks.scanner.chunks import file_of
from checks.scanner.expand import expand, open_file
from checks.scanner.source import BLOCK, Budget, Limits, Table
from tests.checks.scanner.test_expand import look

CARD = 4111111111111111
Found = dict[str, bytes | str]
LONG: dict[str, Any] = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}


def record(**fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": n, "type": t} for n, t in fields.items()]}


def avro(schema: Any, records: list[Any], **options: Any) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, schema, records, **options)
    return out.getvalue()


def container(schema: Any, *blocks: tuple[int, bytes], codec: str = "null") -> bytes:
    """A file as it is stored, for what no writer writes."""

    def text(raw: bytes) -> bytes:
        return read_avro._encoded(len(raw)) + raw

    head = b"avro.schema", json.dumps(schema).encode(), b"avro.codec", codec.encode()
    sync = b"s" * 16
    stored = [read_avro._encoded(count) + text(data) + sync for count, data in blocks]
    return b"Obj\x01\x04" + b"".join(map(text, head)) + b"\0" + sync + b"".join(stored)


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


def test_usual_types(tmp_path: Path) -> None:
    schema = record(
        whole="long",
        small=["null", "int"],
        double="double",
        text="string",
        raw="bytes",
        flag="boolean",
        none="null",
        choice={"type": "enum", "name": "E", "symbols": ["A", "B"]},
        fixed={"type": "fixed", "name": "F", "size": 3},
        mixed=["null", "long", "string", "double"],
    )
    first = (CARD, None, float(CARD), "pay\nwith\x1fé", b"\0\xff4111", True, None, "A", b"abc", "x")
    second = (-1, 7, 1.5, "", b"", False, None, "B", b"\xff\n\x1f", CARD)
    names = [field["name"] for field in schema["fields"]]
    raw = avro(schema, [dict(zip(names, values, strict=True)) for values in (first, second)])
    assert rows(raw) == (
        b"4111111111111111\x1f\x1f4111111111111111\x1fpay with \xc3\xa9"
        b"\x1f\0\xff4111\x1ftrue\x1f\x1fA\x1fabc\x1fx\n"
        b"-1\x1f7\x1f1.5\x1f\x1f\x1ffalse\x1f\x1fB\x1f\xff  \x1f4111111111111111\n"
    )
    assert columns(raw) == tuple(names)

    path = tmp_path / "t.bin"
    path.write_bytes(raw)
    assert look(open_file(path, "t", Budget())) == read(raw)
    assert look(expand("t", file_of([raw[at : at + 1] for at in range(len(raw))]), Budget())) == read(raw)


def test_logical_types() -> None:
    schema = record(
        exact={"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2},
        short={"type": "fixed", "name": "D", "size": 9, "logicalType": "decimal", "precision": 18},
        when=["null", {"type": "long", "logicalType": "timestamp-micros"}],
        day={"type": "int", "logicalType": "date"},
        id={"type": "string", "logicalType": "uuid"},
    )
    values = {"exact": Decimal(CARD), "short": Decimal(CARD), "when": 2**62, "day": -(2**31), "id": "not one"}
    assert rows(avro(schema, [values])) == (
        b"4111111111111111.00\x1f4111111111111111\x1f4611686018427387904\x1f-2147483648\x1fnot one\n"
    )


def test_a_decimal_of_more_digits_than_said() -> None:
    schema = record(a={"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1})
    value = (CARD * 10).to_bytes(8, "big")
    assert rows(container(schema, (1, b"\x10" + value))) == b"4111111111111111.0\n"


def test_nested_types() -> None:
    inner = {
        "type": "record",
        "name": "I",
        "fields": [{"name": "x", "type": "long"}, {"name": "y", "type": "string"}],
    }
    schema = record(
        i=["null", inner],
        again="I",
        list={"type": "array", "items": "int"},
        map={"type": "map", "values": ["null", "double"]},
        records={"type": "array", "items": "I"},
        either=["I", "string"],
    )
    one = {"x": CARD, "y": "z"}
    full = {
        "i": one,
        "again": one,
        "list": [4111, 1111, 1111, 1111],
        "map": {"k": 1.5},
        "records": [one, one],
    }
    sparse = {"i": None, "again": one, "list": [], "map": {"n": None}, "records": [], "either": "text"}
    raw = avro(schema, [full | {"either": one}, sparse])
    assert columns(raw) == ("i.x", "i.y", "again.x", "again.y", "list", "map", "records", "either")
    card, pair = b"4111111111111111", b"x, 4111111111111111, y, z"
    assert [line.split(b"\x1f") for line in rows(raw).splitlines()] == [
        [card, b"z", card, b"z", b"4111, 1111, 1111, 1111", b"k, 1.5", pair + b", " + pair, pair],
        [b"", b"", card, b"z", b"", b"n, ", b"", b"text"],
    ]


@pytest.mark.parametrize(
    ("schema", "value"), [("long", CARD), ("string", str(CARD)), (["null", "long"], CARD)]
)
def test_rows_that_are_no_records(schema: Any, value: Any) -> None:
    raw = avro(schema, [value])
    assert rows(raw) == b"4111111111111111\n"
    assert columns(raw) == ("value",)


def test_names_in_spaces() -> None:
    kind = {"type": "fixed", "name": "F", "namespace": "other", "size": 1}
    schema = record(a=kind, b="other.F", c={"type": "enum", "name": "E", "symbols": ["S"]}, d="E")
    schema["namespace"] = "space"
    value = {"a": b"1", "b": b"2", "c": "S", "d": "S"}
    assert rows(avro(schema, [value])) == b"1\x1f2\x1fS\x1fS\n"


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz", "snappy"])
def test_codecs(codec: str) -> None:
    raw = avro(LONG, [{"a": CARD}] * 3000, codec=codec, sync_interval=1000)
    assert rows(raw) == b"4111111111111111\n" * 3000
    damaged = bytearray(raw)
    damaged[len(raw) // 2] ^= 0xFF
    assert codec == "null" or "damaged" in str(read(bytes(damaged))["t"])


def test_codecs_of_other_writers() -> None:
    value = read_avro._encoded(CARD)
    packed = zlib.compressobj(wbits=-15)
    deflated = packed.compress(value) + packed.flush()
    zstd = zstandard.ZstdCompressor().compress(value)
    assert rows(container(LONG, (1, deflated), codec="deflate")) == b"4111111111111111\n"
    assert rows(container(LONG, (1, zstd), codec="zstandard")) == b"4111111111111111\n"
    assert read(container(LONG, (1, deflated + b"12345"), codec="deflate"))["t"] == "is damaged"
    assert read(container(LONG, (1, deflated[:-1]), codec="deflate"))["t"] == "is damaged"
    assert read(container(LONG, (1, b"123"), codec="snappy"))["t"] == "is damaged"


def test_a_codec_that_is_not_known() -> None:
    assert read(container(LONG, codec="what"))["t"] == "is compressed with a codec that is not read"


def test_no_rows() -> None:
    assert rows(avro(LONG, [])) == b""


def test_header_as_a_stream() -> None:
    schema = LONG | {"doc": str(CARD)}
    found = read(avro(schema, [], metadata={"note": str(CARD)}))["t!metadata"]
    assert isinstance(found, bytes)
    assert b"note: 4111111111111111\n" in found
    assert b'"doc": "4111111111111111"' in found


def test_text_that_is_none() -> None:
    assert rows(container(record(a="string"), (1, b"\x0a\xff4111"))) == b"\xff4111\n"


def test_cut_off_anywhere() -> None:
    raw = avro(LONG, [{"a": CARD}] * 20, codec="deflate")
    for size in range(4, len(raw)):
        at_an_end = raw[:size].count(raw[-16:]) == 1 and raw[:size].endswith(raw[-16:])
        reasons = [value for value in read(raw[:size]).values() if isinstance(value, str)]
        assert at_an_end or any("truncated" in reason or "damaged" in reason for reason in reasons), size


def test_damaged_anywhere() -> None:
    raw = avro(
        record(a=["null", "string"], b={"type": "array", "items": "long"}), [{"a": str(CARD), "b": [1]}] * 9
    )
    for at in range(4, len(raw)):
        damaged = bytearray(raw)
        damaged[at] ^= 0xFF
        for value in read(bytes(damaged), Limits(expanded=2**20)).values():
            assert isinstance(value, bytes) or "4111" not in value


NOTHING = {"type": "record", "name": "Z", "fields": [{"name": "n", "type": "null"}]}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("null", "has rows that take no bytes"),
        (NOTHING, "has rows that take no bytes"),
        (record(a={"type": "array", "items": "null"}), "has lists of what takes no bytes"),
        (record(z=NOTHING, a={"type": "array", "items": "Z"}), "has lists of what takes no bytes"),
        (record(a=["null", "R"]), "has records within themselves, which are not read"),
        (
            record(a={"type": "bytes", "logicalType": "decimal", "scale": 2**30}),
            f"has a decimal of {2**30} places",
        ),
        ({"type": "what 4111"}, "is damaged, or has a schema that is not read"),
        ({"kind": "what 4111"}, "has no valid schema"),
        ([1], "has no valid schema"),
    ],
)
def test_schemas_that_are_not_read(schema: Any, reason: str) -> None:
    assert read(container(schema, (1, b"\2")))["t"] == reason


def test_schemas_without_limit() -> None:
    chain: Any = "long"
    for number in range(100):
        chain = record(a=chain) | {"name": f"N{number}"}
    assert read(container(chain))["t"] == "has a schema of more than 64 levels"
    fields = {"f0": record(a="long") | {"name": "N0"}}
    for number in range(1, 100):
        fields[f"f{number}"] = record(a=f"N{number - 1}") | {"name": f"N{number}"}
    assert read(container(record(**fields)))["t"] == "has a schema of more than 64 levels"
    fields = {"f0": record(a="long") | {"name": "N0"}}
    for number in range(1, 40):
        before = f"N{number - 1}"
        fields[f"f{number}"] = record(a=before, b=before) | {"name": f"N{number}"}
    assert read(container(record(**fields)))["t"] == "has more than 65536 columns"
    assert "t" in read(container(json.loads("[" * 500 + "]" * 500)))


def test_budget() -> None:
    raw = avro(record(a="string"), [{"a": "x" * 1000}] * 2000, codec="deflate")
    assert read(raw, Limits(expanded=2**19))["t"] == f"expands to more than {2**19} bytes"


@pytest.mark.parametrize("codec", ["deflate", "snappy", "bzip2"])
def test_a_block_that_expands_too_far(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_avro, "_LONGEST", 2**18)
    raw = avro(record(a="string"), [{"a": "x" * 2**19}], codec=codec, sync_interval=2**20)
    assert read(raw)["t"] == f"has a block of more than {2**18} bytes"


def test_flat_memory() -> None:
    raw = avro(record(a="string"), [{"a": "x" * 100}] * 50_000, codec="deflate")
    tracemalloc.start()
    try:
        for item in expand("t", io.BytesIO(raw), Budget()):
            if isinstance(item, Table):
                assert sum(block.count(b"\n") for block in item.blocks) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 12 * BLOCK
    finally:
        tracemalloc.stop()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = avro(LONG, [{"a": CARD}], codec="snappy")
    monkeypatch.setitem(sys.modules, "cramjam", None)
    assert str(read(raw)["t"]).endswith("whose library is missing (pip install 'policyproof[columnar]')")
    monkeypatch.setitem(sys.modules, "fastavro", None)
    assert read(raw) == {
        "t": "is an Avro file, and its library is missing; install policyproof[columnar]",
    }
