"""What is told apart, how deep is looked, and that nothing is passed over."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
import zstandard

from checks.core.errors import NotAssessed
from checks.scanner import formats
from checks.scanner.expand import expand, kind_of, open_file, skipped
from checks.scanner.formats import format_of
from checks.scanner.source import Budget, Item, Limits, Skipped, Stream, Table

CARD = b"4111111111111111"
TEXT = b"".join(b"line %d of a log\n" % number for number in range(30_000)) + CARD + b"\n"


def lzma_alone(raw: bytes) -> bytes:
    return lzma.compress(raw, lzma.FORMAT_ALONE)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda raw: gzip.compress(raw, 1),
    "bz2": bz2.compress,
    "xz": lambda raw: lzma.compress(raw, preset=0),
    "lzma": lzma_alone,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return out.getvalue()


def tarred(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def look(items: Iterator[Item]) -> dict[str, bytes | str]:
    """By name: the bytes of a stream or table, or why it was skipped or broke off."""
    seen: dict[str, bytes | str] = {}
    for item in items:
        assert item.name.isprintable()
        if isinstance(item, Skipped):
            assert "\n" not in item.reason
            seen[item.name] = item.reason
            continue
        chunks = item.chunks if isinstance(item, Stream) else item.blocks
        data = bytearray()
        try:
            for chunk in chunks:
                assert 0 < len(chunk) <= 2**18 + 4096 or isinstance(item, Table)
                data += chunk
            seen[item.name] = bytes(data)
        except NotAssessed as error:
            seen[item.name] = skipped(item.name, error).reason
    return seen


def seen(name: str, raw: bytes, limits: Limits | None = None) -> dict[str, bytes | str]:
    return look(expand(name, io.BytesIO(raw), Budget(limits or Limits())))


# ── plain and compressed ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("raw", [b"a line\n", CARD, bytes(range(256)) * 40, b"\x7fELF" + TEXT, TEXT])
def test_everything_else_is_its_bytes(raw: bytes) -> None:
    assert seen("some.bin", raw) == {"some.bin": raw}


def test_an_empty_file_is_a_stream_without_chunks() -> None:
    (item,) = expand("empty", io.BytesIO(), Budget())
    assert isinstance(item, Stream)
    assert list(item.chunks) == []


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("raw", [TEXT, b"", b"x"], ids=["text", "empty", "short"])
def test_compressed_files_keep_their_name(ending: str, raw: bytes) -> None:
    assert seen(f"app.log.{ending}", COMPRESS[ending](raw)) == {f"app.log.{ending}": raw}


@pytest.mark.parametrize("ending", COMPRESS)
def test_members_one_after_the_other_and_compressed_twice(ending: str) -> None:
    compress = COMPRESS[ending]
    twice = compress(TEXT) + compress(b"more\n")
    assert seen("a", twice) == {"a": TEXT + b"more\n"}
    assert seen("a", COMPRESS["gz"](twice)) == {"a": TEXT + b"more\n"}


@pytest.mark.parametrize("ending", COMPRESS)
def test_cut_off_anywhere_it_is_not_the_whole(ending: str) -> None:
    raw = COMPRESS[ending](b"one line of text\n" * 20)
    for kept in range(len(raw)):
        (found,) = seen(f"app.log.{ending}", raw[:kept]).values()
        assert isinstance(found, str) or (ending == "lzma" and kept < 14), kept


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize(
    "behind", [b"4111 1111 1111 1111 in clear\n", b"\x28\xb5\x2f\xfd\xff\xff\xff", b"PK"]
)
def test_something_else_behind_is_seen(ending: str, behind: bytes) -> None:
    (found,) = seen("a", COMPRESS[ending](TEXT) + behind).values()
    assert "damaged" in str(found) or "truncated" in str(found)


def zstd_flushed(raw: bytes) -> bytes:
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        for at in range(0, len(raw), 100):
            writer.write(raw[at : at + 100])
            writer.flush()
    return out.getvalue()


def test_zstd_frames_of_every_kind() -> None:
    skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"
    plain = zstandard.ZstdCompressor(write_content_size=False).compress(b"two\n")
    zeros = COMPRESS["zst"](bytes(300_000))
    raw = skippable + COMPRESS["zst"](b"one\n") + bytes(7) + plain + COMPRESS["zst"](b"") + zeros
    expected = b"one\ntwo\n" + bytes(300_000)
    assert seen("a.zst", COMPRESS["zst"](b"") + raw) == {"a.zst": expected}
    flushed = zstd_flushed(TEXT[:9000])
    assert seen("a.zst", raw + flushed + skippable) == {"a.zst": expected + TEXT[:9000]}
    for kept in range(len(flushed)):
        (found,) = seen("a.zst", flushed[:kept]).values()
        assert isinstance(found, str)


DAMAGED = "is damaged, or followed by something else"


def test_a_damaged_file_within_a_file_that_zstd_reads() -> None:
    raw = bytearray(COMPRESS["gz"](COMPRESS["zst"](os.urandom(300_000))))
    raw[-6] ^= 1  # the checksum of the outer one
    assert seen("a.zst.gz", bytes(raw)) == {"a.zst.gz": DAMAGED}


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_bomb_is_stopped_in_flat_memory(ending: str) -> None:
    raw = COMPRESS[ending](COMPRESS[ending](bytes(60_000_000)))
    tracemalloc.start()
    (found,) = expand(f"bomb.{ending}.{ending}", io.BytesIO(raw), Budget(Limits(expanded=30_000_000)))
    assert isinstance(found, Stream)
    with pytest.raises(NotAssessed, match="expands to more than 30000000 bytes"):
        for _ in found.chunks:
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20  # lzma's own window is 8 MiB


def test_a_spent_budget_ends_the_file_with_one_reason() -> None:
    members = {f"{number}.txt": TEXT[:1000] for number in range(50)}
    found = seen("many.zip", zipped({"in.zip": zipped(members)}), Limits(expanded=20_000))
    reasons = [name for name, value in found.items() if isinstance(value, str)]
    assert len(reasons) <= 2  # the member at which it ran out, and the rest
    assert "many.zip" in reasons
    found = seen("many.zip", zipped({"in.zip": zipped(members)}), Limits(members=10))
    assert found == {"many.zip": "many.zip!in.zip holds more than 10 members"}


def test_too_deep_is_skipped_and_its_siblings_are_read() -> None:
    raw = CARD
    for _ in range(9):
        raw = tarred({"in": raw})
    inner = "!".join(["in"] * 8)
    assert seen("a.tar", raw) == {
        f"a.tar!{inner}": "lies within more than 8 containers, and is a tar archive itself"
    }
    assert seen("a.tar", tarred({"in": raw, "beside": CARD}), Limits(depth=1)) == {
        "a.tar!in": "lies within more than 1 containers, and is a tar archive itself",
        "a.tar!beside": CARD,
    }


def test_a_part_too_large_to_be_spooled_is_skipped() -> None:
    inner = zipped({"a": os.urandom(5000)})
    found = seen("a.tar", tarred({"in.zip": inner, "beside": CARD}), Limits(spooled=4000))
    assert found == {"a.tar!in.zip": "is larger than 4000 bytes, within another file", "a.tar!beside": CARD}


# ── readers and their faults ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"7z\xbc\xaf\x27\x1c", "", "a 7z archive"),
        (b"Rar!\x1a\x07\x00", "", "a rar archive"),
        (b"\x04\x22\x4d\x18", "", "compressed with lz4"),
        (b"MSCF\0\0\0\0", "", "a cab archive"),
        (b"age-encryption.org/v1\n", "", "encrypted with age"),
        (b"-----BEGIN PGP MESSAGE-----\n", "", "encrypted with OpenPGP"),
        (b"\x8c\x0d\x04\x09\x03\x02" + bytes(20), "a.gpg", "encrypted with OpenPGP"),
        (b"\x85\x01\x0c\x03" + b"12345678" + b"\x01\x08" + bytes(9), "a.gpg", "encrypted with OpenPGP"),
        (b"LUKS\xba\xbe\0\2", "", "a LUKS volume"),
        (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", "", "a KeePass database"),
        (b"LZIP\x01", "", "compressed with lzip"),
        (b"Salted__12345678", "", "encrypted with OpenSSL"),
    ],
)
def test_what_is_not_read_is_named(head: bytes, name: str, kind: str) -> None:
    name = name or "file"
    assert seen(name, head) == {name: f"is {kind}, which is not read"}
    assert seen("a.tar", tarred({name: head, "beside": CARD})) == {
        f"a.tar!{name}": f"is {kind}, which is not read",
        "a.tar!beside": CARD,
    }


OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("old.xls", OLD_OFFICE + CARD),
        ("some.parquet", b"\x01\0" + CARD),
        ("secret.tar.gz", b"\x01\0" + CARD * 3),
    ],
)
def test_bytes_that_are_not_all_are_searched_and_doubted(name: str, raw: bytes) -> None:
    stream, doubt = expand(name, io.BytesIO(raw), Budget())
    assert isinstance(stream, Stream)
    assert b"".join(stream.chunks) == raw
    assert isinstance(doubt, Skipped)


MAIL = b"Received: from a.example\r\nMessage-ID: <1@a.example>\r\n\r\nbody\r\n"


def ooxml(name: str) -> bytes:
    return zipped({name: b"<xml/>", "xl/workbook.xml": b"<xml/>"})


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a", b"SQLite format 3\0", "an SQLite database"),
        ("a", b"PAR1\x15\x00", "a Parquet file"),
        ("a.txt", b"PAR1 is how this text begins", None),
        ("a", b"ARROW1\0\0", "an Arrow file"),
        ("a", b"\xff\xff\xff\xff\xf8\0\0\0\x14\0\0\0", "an Arrow stream"),
        ("a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ("a", b"ORC\0\x03", "an ORC file"),
        ("a", b"ORCHARD of words", None),
        ("a", b"Obj\x01\x04", "an Avro file"),
        ("a", b"%PDF-1.7\n", "a PDF document"),
        ("a", b"junk\n%PDF-1.7\n", "a PDF document"),
        ("a.log", b"junk\n%PDF-1.7\n", None),
        ("report.xlsx", ooxml("other.xml"), "an Office document"),
        ("a", ooxml("[Content_Types].xml"), "an Office document"),
        ("a.zip", ooxml("[Content_Types].xml"), "a zip archive"),
        ("a", zipped({"mimetype": b"application/vnd.oasis.opendocument.text"}, 0), "an Office document"),
        ("a", zipped({"mimetype": b"application/epub+zip"}, 0), "a zip archive"),
        ("tool.jar", b"#!/bin/sh\nexec java -jar $0\n", "named as a zip archive"),
        ("a", MAIL, "a mailbox or mail"),
        ("a.log", MAIL, None),
        ("a.log.1", MAIL, None),
        ("1700000000.M1P2.host:2,s", b"Date: now\nMIME-Version: 1.0\n", "a mailbox or mail"),
        ("a", b"Date: now\nSubject: no mail\n", None),
        ("inbox", b"From a@b Thu Jan  1 00:00:00 2026\nSubject: x\n", "a mailbox or mail"),
        ("a", b"From here on it is text\nand more: text", None),
        ("inbox.mbox", b"From a", "a mailbox or mail"),
        ("a.eml", b"Subject: x\n", "a mailbox or mail"),
        ("a.gz", b"", "cut off"),
        ("a.tar", bytes(10240), None),
        ("a", b"BZh9 is how this line begins", None),
        ("a", b"PGDMP\x01\x0e\0", "a dump in pg_dump's custom format"),
        ("a", b"]\0\0 no lzma", None),
    ],
)
def test_formats_are_told_by_bytes_and_by_name_where_these_do_not_suffice(
    tmp_path: Path, name: str, head: bytes, kind: str | None
) -> None:
    found = format_of(head[:4096], name.lower())
    assert (found.name if found else None) == kind
    (tmp_path / name).write_bytes(head)
    assert kind_of(tmp_path / name) is found


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a reader of our own in place of all others: for files that begin with ``!``."""

    def write(source: str) -> None:
        (tmp_path / "reader_under_test.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "reader_under_test", raising=False)
        tar = next(kind for kind in formats.FORMATS if kind.name == "a tar archive")
        ours = formats.Format(
            "of that kind", lambda head, name: head[:1] == b"!", "reader_under_test:items", True, "columnar"
        )
        monkeypatch.setattr(formats, "_WITHOUT_MAGIC", (tar, ours))

    return write


@pytest.mark.parametrize(
    "where", ["import no_such_library\ndef items(*_): yield", "def items(*_):\n  import no_lib\n  yield"]
)
def test_a_missing_library_names_the_extra(reader: Callable[[str], None], where: str) -> None:
    reader(where)
    reason = "is of that kind, and its library is missing; install policyproof[columnar]"
    assert seen("a.tar", tarred({"it": b"!", "beside": CARD})) == {"a.tar!it": reason, "a.tar!beside": CARD}


@pytest.mark.parametrize(
    ("body", "error"), [("1 / 0", ZeroDivisionError), ("import checks.no_such_module", ImportError)]
)
def test_a_bug_of_ours_is_no_reason(reader: Callable[[str], None], body: str, error: type[Exception]) -> None:
    reader(f"def items(*_):\n  {body}\n  yield")
    with pytest.raises(error):
        seen("a.tar", tarred({"it": b"!"}))


def test_a_reader_that_must_seek_is_given_a_file_that_can(reader: Callable[[str], None]) -> None:
    reader(
        "from checks.scanner.source import Stream, Skipped\n"
        "from checks.core.errors import Unreadable\n"
        "def items(name, file, context):\n"
        "  file.seek(-3, 2); end = file.read(); file.seek(0)\n"
        "  yield Stream(name + '!end', iter([end]))\n"
        "  raise Unreadable(f'{name}: it ends there')\n"
    )
    assert seen("a.tar", tarred({"it": b"!abc"})) == {"a.tar!it!end": b"abc", "a.tar!it": "it ends there"}
    assert seen("it", b"!abc") == {"it!end": b"abc", "it": "it ends there"}


def test_without_the_library_for_zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = tarred({"a.zst": COMPRESS["zst"](b"x"), "beside": CARD})
    monkeypatch.setitem(sys.modules, "zstandard", None)
    found = seen("a.tar", raw)
    assert found == {"a.tar!a.zst": "zstd needs a library; install policyproof[zstd]", "a.tar!beside": CARD}


# ── files on the disk ────────────────────────────────────────────────────────────────────────────


def test_files_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "logs.tar.gz"
    path.write_bytes(gzip.compress(tarred({"app.log": TEXT})))
    assert look(open_file(path, "shown/logs.tar.gz", Budget())) == {"shown/logs.tar.gz!app.log": TEXT}
    assert list(open_file(path, "x", Budget(), skip_plain=True))
    path.write_bytes(TEXT)
    assert look(open_file(path, "a", Budget())) == {"a": TEXT}
    assert list(open_file(path, "a", Budget(), skip_plain=True)) == []
    path.write_bytes(b"")
    assert look(open_file(path, "a", Budget(), skip_plain=True)) == {"a": "is truncated"}


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert look(open_file(tmp_path / "pipe", "pipe", Budget())) == {"pipe": "is no regular file"}
    assert look(open_file(tmp_path / "gone", "gone", Budget())) == {
        "gone": "is gone since its folder was listed"
    }
    with pytest.raises(NotAssessed):
        kind_of(tmp_path / "pipe")


class Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation


@pytest.mark.parametrize("raw", [TEXT, gzip.compress(TEXT), tarred({"x": TEXT}), zipped({"x": TEXT}), b""])
def test_files_without_seeking(raw: bytes) -> None:
    file: BinaryIO = Unseekable(raw)
    found = look(expand("a", file, Budget()))
    assert list(found.values()) == [TEXT if raw else b""]


def test_a_disk_that_fails_is_no_end() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError(5, "Input/output error")
            return data

        read1 = read

    for raw in (TEXT, gzip.compress(TEXT)[:-4], tarred({"x": TEXT})[:5000]):
        found = look(expand("a", Failing(raw), Budget()))
        assert any("Input/output error" in str(value) for value in found.values())
