"""Text out of files: the same lines from every compression and encoding, and never a part for the whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.connectors.text_lines import TextBlocks, TextBytes
from checks.core.errors import NotAssessed, Refused, TooLarge, Unreachable, Unreadable
from checks.detectors.cards import find_cards
from tests.checks.connectors.test_files import as_nobody

CARD = "4111111111111111"
TEXT = "".join(f"line {number} of a log, wörter, {number * 7919}\n" for number in range(60_000)).encode()


def xz(raw: bytes) -> bytes:
    return lzma.compress(raw, preset=0)


def zstd(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(raw)


def zstd_unsized(raw: bytes) -> bytes:
    """As a pipe is compressed: the frame does not say how much it holds."""
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        writer.write(raw)
    return out.getvalue()


def bz2_(raw: bytes) -> bytes:
    return bz2.compress(raw, 1)


def gz(raw: bytes) -> bytes:
    return gzip.compress(raw, 1, mtime=0)


@dataclass(frozen=True)
class Line:
    """One line, or one part of a very long line."""

    number: int
    text: str


class LineScan:
    """The blocks of a file taken apart into lines."""

    def __init__(self, blocks: TextBlocks) -> None:
        self._blocks = blocks

    @property
    def lines(self) -> int:
        return self._blocks.lines

    @property
    def bytes(self) -> int:
        return self._blocks.size

    def __iter__(self) -> Iterator[Line]:
        for block in self._blocks:
            texts = [block.text] if block.part is not None else block.text.split("\n")
            for number, text in enumerate(texts, block.number):
                yield Line(number, text)


COMPRESSED = [gz, bz2_, xz, zstd, zstd_unsized]
every_compression = pytest.mark.parametrize("compress", COMPRESSED)


def scan(path: Path, raw: bytes | None = None, **limits: int) -> LineScan:
    if raw is not None:
        path.write_bytes(raw)
    return LineScan(TextBlocks(path, f"log: {path.name}", **limits))


def texts(path: Path, raw: bytes | None = None, **limits: int) -> list[str]:
    return [line.text for line in scan(path, raw, **limits)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.mark.parametrize("compress", [bytes, *COMPRESSED])
def test_every_line_is_read(path: Path, compress: Callable[[bytes], bytes]) -> None:
    lines = scan(path, compress(TEXT))
    read = list(lines)
    assert [line.text for line in read] == TEXT.decode().split("\n")[:-1]
    assert [line.number for line in read] == list(range(1, 60_001))
    assert (lines.lines, lines.bytes) == (60_000, len(TEXT))


@every_compression
def test_members_one_after_the_other_and_padding(path: Path, compress: Callable[[bytes], bytes]) -> None:
    raw = compress(b"one\nt") + compress(b"") + compress(b"wo\n") + bytes(512)
    assert texts(path, raw) == ["one", "two"]


@every_compression
def test_an_empty_text_is_no_line(path: Path, compress: Callable[[bytes], bytes]) -> None:
    lines = scan(path, compress(b""))
    assert list(lines) == []
    assert (lines.lines, lines.bytes) == (0, 0)


@every_compression
def test_what_was_cut_off_is_not_the_whole(path: Path, compress: Callable[[bytes], bytes]) -> None:
    raw = compress(TEXT)
    for kept in (len(raw) - 1, len(raw) // 2, 20):
        with pytest.raises(Unreadable, match=r"log: app\.log is truncated"):
            texts(path, raw[:kept])


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_name_of_a_compressed_file_with_hardly_a_byte_in_it(tmp_path: Path, suffix: str, size: int) -> None:
    with pytest.raises(Unreadable, match="truncated"):
        texts(tmp_path / f"app.log{suffix}", b"\x1f\x8b\x08\x00\x00"[:size])


@pytest.mark.parametrize("compress", [gz, bz2_, xz, zstd])
def test_damage_is_seen(path: Path, compress: Callable[[bytes], bytes]) -> None:
    raw = bytearray(compress(TEXT))
    raw[len(raw) // 2] ^= 0x55
    with pytest.raises(Unreadable, match=r"damaged|truncated"):
        texts(path, bytes(raw))


@every_compression
def test_something_else_behind_is_seen(path: Path, compress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        texts(path, compress(b"one\n") + b"4111 1111 1111 1111 and more of it\n")


@every_compression
def test_a_bomb_is_stopped_in_flat_memory(path: Path, compress: Callable[[bytes], bytes]) -> None:
    path.write_bytes(compress((b"0" * 999 + b"\n") * 40_000))
    tracemalloc.start()
    with pytest.raises(TooLarge, match="more than 20000000 bytes"):
        sum(1 for _ in scan(path, limit=20_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 * 2**20


def test_a_large_file_is_read_in_flat_memory(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(30):
            file.write(TEXT)
    tracemalloc.start()
    blocks = TextBlocks(path, "log")
    for _ in blocks:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert blocks.lines == 30 * 60_000
    assert peak < 12 * 2**20


@pytest.mark.parametrize("name", ["app.log.gz", "app.log"])
def test_the_first_bytes_count_and_not_the_name(tmp_path: Path, name: str) -> None:
    assert texts(tmp_path / name, b"a line that is long enough\n") == ["a line that is long enough"]
    assert texts(tmp_path / name, gz(b"one\n")) == ["one"]
    assert texts(tmp_path / name, b"BZh9 is how this long line begins\n") == [
        "BZh9 is how this long line begins"
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\x0bc\x85\n", ["a\rb\x0bc\ufffd"]),
        (b"caf\xe9 4111\n", ["caf\ufffd 4111"]),
        ("\ufeffbom\nzwei\n".encode(), ["bom", "zwei"]),
        ("\ufeffä\r\n€\n".encode("utf-16-le"), ["ä", "€"]),
        ("\ufeffä\n€\n".encode("utf-16-be"), ["ä", "€"]),
        ("\ufeffä\n€\n".encode("utf-32-le"), ["ä", "€"]),
        ("\ufeffä\n€\n".encode("utf-32-be"), ["ä", "€"]),
    ],
)
def test_endings_and_encodings(path: Path, raw: bytes, expected: list[str]) -> None:
    assert texts(path, raw) == expected
    if raw:
        assert texts(path, gz(raw)) == expected


def test_a_long_text_of_two_bytes_a_character(path: Path) -> None:
    assert texts(path, ("\ufeff" + TEXT.decode()).encode("utf-16-le")) == TEXT.decode().split("\n")[:-1]


def archive(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("app.log", "one\n")
    else:
        with tarfile.open(fileobj=out, mode="w") as file:
            file.addfile(tarfile.TarInfo("app.log"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"text\0text\n", "binary"),
        (TEXT + b"\0", "binary"),
        (gz(b"text\0text\n"), "binary"),
        ("no mark\n".encode("utf-16-le"), "binary"),
        (archive("zip"), "a zip archive"),
        (archive("tar"), "a tar archive"),
        (gz(archive("tar")), "a tar archive"),
        (gz(xz(b"one\n")), "compressed twice"),
        (b"\x04\x22\x4d\x18 and so on", "lz4"),
        (b"PGDMP and so on", "custom format"),
    ],
)
def test_what_is_no_text_is_not_read(path: Path, raw: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        texts(path, raw)


def test_a_file_that_is_gone_refused_or_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="gone"):
        texts(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="no regular file"):
        texts(tmp_path / "pipe")
    with pytest.raises(Unreadable, match=r"no regular file|cannot be read"):
        texts(tmp_path)
    with tempfile.TemporaryDirectory(prefix="policyproof-test-") as folder:
        Path(folder).chmod(0o755)
        closed = Path(folder, "app.log")
        closed.write_text("one\n")
        closed.chmod(0)
        with as_nobody(), pytest.raises(Refused, match="permission denied"):
            texts(closed)


def test_messages_and_values_show_no_text(path: Path) -> None:
    blocks = TextBlocks(path, "log")
    path.write_text(CARD)
    assert all(CARD not in repr(block) for block in blocks)
    with pytest.raises(NotAssessed) as caught:
        texts(path, CARD.encode() + b"\0")
    assert CARD not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    before=st.text(st.sampled_from('ab,"{ é€'), max_size=400),
    after=st.text(st.sampled_from('xy,"} é€'), max_size=400),
    limit=st.integers(80, 300),
)
def test_no_number_is_missed_where_a_long_line_is_cut(
    path: Path, before: str, after: str, limit: int
) -> None:
    raw = f"first\n{before} 4111 1111 1111 1111 {after}".encode()
    lines = list(scan(path, raw, line_limit=limit))
    hits = [(line.number, hit.masked) for line in lines for hit in find_cards(line.text)]
    assert set(hits) == {(2, "411111******1111")}
    assert all(len(line.text.encode()) <= limit + 4 for line in lines[1:])


@pytest.mark.parametrize("filler", [b"ab", b"a,", b"\xc3\xa9"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\nshort\n"])
def test_a_line_over_the_limit_counts_once(path: Path, filler: bytes, end: bytes) -> None:
    raw = b"one\n" + filler * 3_000_000 + CARD.encode() + end
    lines = scan(path, raw, line_limit=2**20)
    read = list(lines)
    assert lines.lines == 2 + end.count(b"short")
    assert {line.number for line in read if len(line.text) > 10} == {2}
    assert max(len(line.text.encode()) for line in read) <= 2**20 + 4
    assert "\ufffd\ufffd" not in "".join(line.text for line in read)
    assert [hit.masked for line in read for hit in find_cards(line.text)] == ["411111******1111"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("compress", [bytes, *COMPRESSED])
def test_bytes_are_those_of_the_blocks(path: Path, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    for ending in ("", "\n"):
        path.write_bytes(compress(f"one\nwörter{ending}".encode(encoding)))
        text = TextBytes(path, "log")
        assert b"".join(text) == f"one\nwörter{ending}".encode()
        assert text.unended is not bool(ending)


def test_bytes_of_what_is_no_text_raise(path: Path) -> None:
    for raw, problem in ((b"one\n\0", "binary"), (gz(TEXT)[:-9], "truncated")):
        path.write_bytes(raw)
        with pytest.raises(Unreadable, match=problem):
            list(TextBytes(path, "log"))
    path.write_bytes(b"")
    text = TextBytes(path, "log")
    assert (list(text), text.unended, text.size) == ([], False, 0)
