"""What breaks off early: a number before that is told, the rest is said to be unread, and nothing leaks."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.connectors.text_lines import TextBytes
from checks.core.errors import TooLarge, Unreadable
from checks.scanner.chunks import ChunkFile
from checks.scanner.finding import Match
from checks.scanner.search import InFile, InText
from checks.scanner.source import Limits, Skipped, spool

CARD = b"4556737586899855"
MASK = "455673******9855"


def breaks_off(*chunks: bytes, error: Exception | None = None) -> Iterator[bytes]:
    yield from chunks
    raise error or Unreadable("it is truncated")


@pytest.mark.parametrize("error", [Unreadable("it is truncated"), OSError(5, "Input/output error")])
def test_a_spooled_file_is_closed_when_its_chunks_raise(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    made: list[Any] = []
    real = tempfile.SpooledTemporaryFile

    def noted(*args: Any, **options: Any) -> Any:
        made.append(real(*args, **options))
        return made[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", noted)
    with pytest.raises(type(error)):
        spool("x", breaks_off(b"a" * 50, b"b" * 50, error=error), Limits(in_memory=60))
    with pytest.raises(TooLarge):
        spool("x", [b"a" * 50, b"b" * 50], Limits(in_memory=60, spooled=80))
    assert [file.closed for file in made] == [True, True]


@pytest.mark.parametrize("error", [Unreadable("it is truncated"), OSError(5, "Input/output error")])
def test_what_was_peeked_at_before_an_error_is_still_read(error: Exception) -> None:
    file = ChunkFile(breaks_off(b"one ", b"two", error=error))
    assert file.peek(4096) == b"one two"
    assert file.read1() == b"one two"
    for _ in range(2):  # the end is never made up
        with pytest.raises(type(error)):
            file.read(1)
    with pytest.raises(type(error)):
        ChunkFile(breaks_off(error=error)).peek()


@pytest.mark.parametrize("before", [b"", b"a line\n" * 60, b"a line\n" * 550])
@pytest.mark.parametrize("name", ["app.log.gz", "all.tar.gz"])
def test_a_number_in_the_first_bytes_of_a_file_that_breaks_off(
    tmp_path: Path, before: bytes, name: str
) -> None:
    """Within what the format is told by, and behind it."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(before + CARD + b"\n")[:-4])
    first, second = [what for _, what in InFile(path, name)]
    assert isinstance(first, Match)
    assert first.masked == MASK
    assert isinstance(second, Skipped)
    assert "truncated" in second.reason


@pytest.mark.parametrize("before", [b"", b"a line\n" * 60, b"a line\n" * 550])
def test_a_number_in_the_first_bytes_of_a_log_that_breaks_off(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(before + CARD + b"\n")[:-4])
    found = []
    with pytest.raises(Unreadable, match="truncated"):
        found.extend(iter(InText(TextBytes(path, "log"))))
    assert [match.masked for match in found] == [MASK]


def test_a_whole_file_is_spooled() -> None:
    with spool("x", [b"a" * 50, b"b" * 50], Limits(in_memory=60)) as file:
        assert file.read() == b"a" * 50 + b"b" * 50
        assert isinstance(file.seek(0), int)
