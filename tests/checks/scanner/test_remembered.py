"""Files that have not changed since an earlier look: known only where nothing can have been missed."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.scanner.remembered import Remembered


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "scan.memo"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was last written long before any look: the time of a look is moved, not the file's."""
    path = tmp_path / "app.log.1"
    path.write_text("a line\n")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 60)
    return path


def learnt(memory: Path, path: Path, how: str = "log") -> None:
    with Remembered(memory, how) as first:
        assert not first.knows(path)
        first.learn(path)


def test_a_file_that_has_not_changed(memory: Path, log: Path) -> None:
    learnt(memory, log)
    with Remembered(memory, "log") as again:
        assert again.knows(log)
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        assert (again.files, again.bytes, again.since, again.until) == (1, 7, day, day)
        assert again.said == (
            f"1 files (7 bytes) not read again: unchanged since they were read without a finding ({day})"
        )


def test_without_a_memory_nothing_is_known(log: Path) -> None:
    with Remembered(None, "log") as nothing:
        assert not nothing.knows(log)
        nothing.learn(log)
        assert not nothing.knows(log)
        assert nothing.files == 0


def test_a_file_that_has_changed_or_was_looked_at_in_another_way(memory: Path, log: Path) -> None:
    learnt(memory, log)
    learnt(memory, log, "backup")  # the way of looking is another
    before = log.stat()
    log.write_text("b line\n")
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))  # anyone may set it back
    with Remembered(memory, "log") as again:
        assert not again.knows(log)
        assert not again.knows(log.with_name("gone"))


def test_a_file_that_changes_while_it_is_looked_at(memory: Path, log: Path) -> None:
    with Remembered(memory, "log") as first:
        assert not first.knows(log)
        with log.open("a") as more:
            more.write("more\n")
        first.learn(log)
        first.learn(log.with_name("never asked for"))
    with Remembered(memory, "log") as again:
        assert not again.knows(log)


def test_a_database_with_another_half_is_read(memory: Path, log: Path) -> None:
    learnt(memory, log)
    Path(f"{log}-wal").write_bytes(b"x")
    with Remembered(memory, "log") as again:
        assert not again.knows(log)


def test_a_memory_that_cannot_be_used_means_that_everything_is_read(memory: Path, log: Path) -> None:
    memory.mkdir()
    with Remembered(memory, "log") as none:
        assert not none.knows(log)
        none.learn(log)
        assert none.notice is not None
        assert "everything is read" in none.notice
