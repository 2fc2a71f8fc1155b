"""The memory of earlier scans: when it is believed, and when everything is read again."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from hashlib import blake2b
from pathlib import Path

import pytest

from checks.scanner.memo import MAX_AGE, Memo, options_digest
from checks.scanner.places import Place, places

RUN = "5f0c6a0e-3a51-4a53-9c1c-0d9b8f6f2a10"
OPTIONS = "some options"
CLEAN = json.dumps({"findings": [], "bytes": 5, "skipped": []})
HASH = blake2b(b"clean").digest()
LATER = 10.0  # seconds between the writing of a file and a look at it, as it is told


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "scans.memo"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "clean.log"
    path.write_bytes(b"clean")
    return path


def place(path: Path) -> Place:
    found = next(places(str(path)))
    assert isinstance(found, Place)
    return found


def keep(memory: Path, found: Place, result: str = CLEAN, run: str = RUN, content: bytes = HASH) -> bool:
    memo = Memo(memory, run=run)
    kept = memo.remember(found, OPTIONS, content, result, read_at=Path(found.address).stat().st_ctime + LATER)
    memo.close()
    return kept


def is_known(memory: Path, found: Place, options: str = OPTIONS, age: float = MAX_AGE) -> bool:
    memo = Memo(memory, run=RUN, max_age=age)
    known = memo.known(found, options)
    memo.close()
    return known is not None


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests are run a minute after the files they read were written."""
    now = time.time
    monkeypatch.setattr("checks.scanner.memo.time.time", lambda: now() + 60)


def test_a_file_that_has_not_changed_is_known_with_the_look_it_stands_for(memory: Path, path: Path) -> None:
    assert not is_known(memory, place(path))
    assert keep(memory, place(path))
    memo = Memo(memory, run="another")
    known = memo.known(place(path), OPTIONS)
    memo.close()
    assert known is not None
    assert memo.notice is None
    assert (known.result, known.run) == (CLEAN, RUN)
    assert known.read.timestamp() == pytest.approx(path.stat().st_ctime + LATER)
    assert known.read.tzinfo is not None
    assert memory.stat().st_mode & 0o777 == 0o600


def test_what_changed_is_not_known(memory: Path, path: Path) -> None:
    before = path.stat()
    found = place(path)
    assert keep(memory, found)
    assert not is_known(memory, found, "other options")
    path.write_bytes(b"4111111111111111")
    assert not is_known(memory, place(path))
    # Of the same size, with the old time put back: the inode's own time tells.
    path.write_bytes(b"41111")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place(path).size == found.size
    assert not is_known(memory, place(path))


def test_another_file_under_the_name_is_not_known(memory: Path, path: Path) -> None:
    assert keep(memory, place(path))
    path.rename(path.with_name("old.log"))
    path.write_bytes(b"clean")
    assert not is_known(memory, place(path))
    assert not is_known(memory, place(path.with_name("old.log")))


def test_what_was_written_just_now_is_not_trusted(memory: Path, path: Path) -> None:
    memo = Memo(memory, run=RUN)
    written = path.stat().st_ctime
    assert not memo.remember(place(path), OPTIONS, HASH, CLEAN, read_at=written + 1.5)
    assert not memo.remember(place(path), OPTIONS, HASH, CLEAN, read_at=written - 100)
    assert memo.remember(place(path), OPTIONS, HASH, CLEAN, read_at=written + 2.5)
    memo.close()


@pytest.mark.parametrize(
    "result",
    [
        '{"skipped": ["x"]}',
        '{"pan": "4111111111111111"}',
        '{"pan": "4111 1111 1111 1111"}',
        '{"pan": 4111111111111111}',
        "[]",
        "no JSON",
    ],
)
def test_what_is_incomplete_or_not_masked_is_not_kept(memory: Path, path: Path, result: str) -> None:
    assert not keep(memory, place(path), result)
    assert not is_known(memory, place(path))


def test_neither_is_what_cannot_be_told_to_be_the_same(memory: Path, path: Path) -> None:
    memo = Memo(memory, run=RUN)
    now = time.time()
    assert not memo.remember(place(path), OPTIONS, b"", CLEAN, read_at=now + LATER)
    assert not memo.remember(Place("x", "memory://x", 5, ""), OPTIONS, HASH, CLEAN, read_at=now)
    assert not memo.remember(Place("x", "http://x/x", -1, '"tag"'), OPTIONS, HASH, CLEAN, read_at=now)
    assert memo.remember(Place("x", "s3://b/x", 5, '"tag"'), OPTIONS, HASH, CLEAN, read_at=now)
    assert memo.known(Place("x", "s3://b/x", 5, '"tag"'), OPTIONS) is not None
    assert memo.known(Place("x", "s3://b/x", 5, '"tug"'), OPTIONS) is None
    assert memo.known(Place("x", "s3://b/x", 5, ""), OPTIONS) is None
    memo.close()


def test_nothing_raw_is_in_the_file(memory: Path, tmp_path: Path) -> None:
    telling = tmp_path / "4111111111111111.csv"
    telling.write_bytes(b"x")
    assert not keep(memory, place(telling))
    large = tmp_path / "customers"
    large.write_bytes(b"x" * 5000)
    small = tmp_path / "small"
    small.write_bytes(b"4111111111111111")
    assert keep(memory, place(large))
    assert keep(memory, place(small), '{"masked": "411111******1111"}', content=b"s" * 64)
    data = b"".join(each.read_bytes() for each in tmp_path.glob("scans.memo*"))
    assert b"customers" not in data
    assert HASH in data
    assert b"s" * 64 not in data, "of so small a file it could be guessed what it holds"
    assert re.search(rb"\d{13}", data) is None
    with pytest.raises(ValueError, match="long number"):
        Memo(memory, run="4111111111111111")


def test_an_old_look_stands_for_nothing(memory: Path, path: Path) -> None:
    assert keep(memory, place(path))
    assert is_known(memory, place(path), age=600)
    assert not is_known(memory, place(path), age=1)
    assert not is_known(memory, place(path))


@pytest.mark.parametrize("damage", ["garbage", "header", "page", "value", "shorter"])
def test_a_damaged_memory_is_thrown_away(memory: Path, path: Path, damage: str) -> None:
    assert keep(memory, place(path))
    data = bytearray(memory.read_bytes())
    if damage == "garbage":
        data[:] = b"garbage" * 1000
    elif damage == "header":
        data[:16] = bytes(16)
    elif damage == "page":
        data[100:120] = b"\xff" * 20
    elif damage == "value":
        at = data.index(b'"bytes": 5')
        data[at + 9] = ord("6")
    else:
        del data[5000:]
    memory.write_bytes(data)
    memo = Memo(memory, run=RUN)
    assert memo.known(place(path), OPTIONS) is None
    if damage != "shorter":  # SQLite takes the rest of a page for empty, and what was in it is not known
        assert memo.notice == "memory of earlier scans scans.memo was damaged; everything is read again"
    assert memo.remember(place(path), OPTIONS, HASH, CLEAN, read_at=path.stat().st_ctime + LATER)
    memo.close()
    assert is_known(memory, place(path))


def test_an_empty_file_becomes_a_memory(memory: Path, path: Path) -> None:
    memory.touch(0o600)
    assert keep(memory, place(path))
    assert is_known(memory, place(path))


def test_a_memory_that_others_may_write_is_not_believed(memory: Path, path: Path) -> None:
    assert keep(memory, place(path))
    memory.chmod(0o666)
    memo = Memo(memory, run=RUN)
    assert memo.known(place(path), OPTIONS) is None
    assert memo.notice is not None
    assert "was open to others" in memo.notice
    memo.close()
    assert memory.stat().st_mode & 0o777 == 0o600


def test_what_is_no_memory_is_left_alone(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "ledger.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE runs (x)")
    database.close()
    other.chmod(0o600)
    (tmp_path / "link").symlink_to(other)
    for name, words in (("ledger.sqlite", "another kind"), ("link", "opened"), ("no/where", "opened")):
        memo = Memo(tmp_path / name, run=RUN)
        assert memo.known(place(path), OPTIONS) is None
        assert not memo.remember(place(path), OPTIONS, HASH, CLEAN, read_at=time.time())
        assert memo.notice is not None
        assert words in memo.notice
        memo.close()
    with sqlite3.connect(other) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    database.close()


def test_threads_and_processes_share_it(memory: Path, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from checks.scanner.memo import Memo\n"
        "from checks.scanner.places import Place\n"
        f"memo = Memo(Path(sys.argv[1]), run={RUN!r})\n"
        "for n in range(100):\n"
        "    place = Place('x', f's3://{sys.argv[2]}/{n}', 5, 'tag')\n"
        f"    assert memo.remember(place, {OPTIONS!r}, b'hash', '{{}}', read_at=time.time()), memo.notice\n"
        "assert memo.notice is None\n"
    )
    root = Path(__file__).parents[3]
    others = [subprocess.Popen([sys.executable, "-c", script, memory, name], cwd=root) for name in "ab"]
    memo = Memo(memory, run=RUN)

    def keep_some(name: str) -> None:
        for number in range(100):
            found = Place("x", f"s3://{name}/{number}", 5, "tag")
            assert memo.remember(found, OPTIONS, HASH, CLEAN, read_at=time.time())

    threads = [threading.Thread(target=keep_some, args=(name,)) for name in "cd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(30) for other in others] == [0, 0]
    for name in "abcd":
        for number in range(100):
            assert memo.known(Place("x", f"s3://{name}/{number}", 5, "tag"), OPTIONS) is not None
    memo.close()


def test_while_another_process_holds_it_everything_is_read(
    memory: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keep(memory, place(path))
    monkeypatch.setattr("checks.scanner.memo._BUSY", 0.1)
    memo = Memo(memory, run=RUN)
    other = sqlite3.connect(memory, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    late = Memo(memory, run=RUN)
    assert not memo.remember(place(path), OPTIONS, HASH, CLEAN, read_at=time.time())
    assert memo.notice is not None
    assert "could not be used throughout" in memo.notice
    assert late.known(place(path), OPTIONS) is None
    assert late.notice is not None
    other.execute("ROLLBACK")
    other.close()
    assert memo.known(place(path), OPTIONS) is not None
    memo.close()
    late.close()


def test_the_options_are_told_apart() -> None:
    first = options_digest({"encoded": True, "limits": (1, 2)})
    assert first == options_digest({"limits": (1, 2), "encoded": True})
    assert first != options_digest({"encoded": False, "limits": (1, 2)})
