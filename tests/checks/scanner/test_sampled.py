"""A part of some files, by chance or by time: which, how much of them, and what is not said of the rest."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from checks.connectors.text_lines import TextBytes
from checks.scanner.clock import ENDLESS, Clock, Until
from checks.scanner.finding import Match
from checks.scanner.sample import UNIT, Sample, bound_said
from checks.scanner.sampled import BEFORE, InLog, InSample
from checks.scanner.search import InFile
from checks.scanner.source import Skipped

CARD = "4556 7375 8689 9855"
LINE = b"a line of text, and some more of it\n"


def clock(ticks: int) -> Clock:
    """A clock that is over when it was asked for the time so many times."""
    steps = count()
    return Clock(ticks, lambda: float(next(steps)))


def texts(*paths: Path, sample: Sample | None = None, timed: Clock = ENDLESS, seed: int = 0) -> InSample:
    """As the check of logs looks."""
    return InSample(
        [(path.name, path) for path in paths],
        lambda name, path, timed: InLog(name, TextBytes(path, name), timed),
        sample=sample,
        seed=seed,
        clock=timed,
        text=True,
    )


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A file of 42 blocks with a number at every 1,080,020 bytes."""
    path = tmp_path / "app.log"
    path.write_bytes((f"pan {CARD}\n".encode() + LINE * 30_000) * 40)
    return path


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "app.log.1.gz"
    path.write_bytes(gzip.compress(LINE))
    return path


def test_a_sample_of_text_takes_blocks_and_says_how_many(plain: Path, packed: Path) -> None:
    size = plain.stat().st_size
    seen = []
    for seed in (1, 1, 2):
        scan = texts(plain, packed, sample=Sample(0.5, seed))
        found = [(name, match.offset) for name, match in scan if isinstance(match, Match)]
        assert scan.units_of == -(-size // UNIT) + 1
        assert 5 < scan.units < 40
        assert scan.cut is False
        assert all(plain.read_bytes()[at : at + 19] == CARD.encode() for _, at in found)
        seen.append(found)
    assert seen[0] == seen[1] != seen[2]
    assert 5 < len(seen[0]) < 35
    whole = texts(plain, packed, sample=Sample(1.0))
    assert len(list(whole)) == 40
    assert whole.units == whole.units_of
    assert whole.bytes == size + len(LINE)


def test_time_takes_blocks_in_an_order_of_chance(plain: Path, packed: Path) -> None:
    orders = []
    for seed in (1, 1, 2):
        scan = texts(plain, packed, timed=clock(12), seed=seed)
        orders.append([match.offset for _, match in scan if isinstance(match, Match)])
        assert scan.cut is True
        assert 8 <= scan.units <= 12
        assert scan.units_of == 43
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(orders[0])
    enough = texts(plain, packed, timed=clock(10_000))
    assert len(list(enough)) == 40
    assert (enough.cut, enough.units) == (False, 43)


def test_a_sample_and_time(plain: Path) -> None:
    scan = texts(plain, sample=Sample(0.5, 1), timed=clock(6), seed=1)
    everything = {m.offset for _, m in texts(plain, sample=Sample(0.5, 1)) if isinstance(m, Match)}
    assert {match.offset for _, match in scan if isinstance(match, Match)} < everything
    assert (scan.cut, scan.units_of) == (True, 42)


@pytest.mark.parametrize("ticks", [0, 3])
def test_a_file_that_is_not_read_to_its_end_is_none_of_the_units(tmp_path: Path, ticks: int) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(f"{CARD}\n".encode() + LINE * 200_000))
    scan = texts(path, timed=clock(ticks))
    assert len([match for _, match in scan if isinstance(match, Match)]) == (1 if ticks else 0)
    assert (scan.cut, scan.units, scan.units_of) == (True, 0, 1)
    inside = InFile(path, path.name, clock(ticks))
    assert len(list(inside)) == (1 if ticks else 0)
    assert inside.cut


def test_what_is_no_text_is_not_taken_for_looked_at(tmp_path: Path) -> None:
    """In blocks too: binary, archives, and text in UTF-16, which is read whole."""
    binary, archive, wide = tmp_path / "a.log", tmp_path / "b.log", tmp_path / "c.log"
    binary.write_bytes(LINE * 50_000 + b"\0\n")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("in.log", CARD)
    wide.write_bytes(f"one\n{CARD}\n".encode("utf-16"))
    for sample in (None, Sample(1.0)):
        scan = texts(binary, archive, wide, sample=sample)
        seen = [(name, what.reason if isinstance(what, Skipped) else what.masked) for name, what in scan]
        assert seen == [
            ("a.log", "is binary, not text"),
            ("b.log", "is a zip archive, which is not read"),
            ("c.log", "455673******9855"),
        ]
        assert (scan.units, scan.units_of) == (2, 4)


def test_a_file_that_is_gone_is_skipped_and_the_rest_goes_on(tmp_path: Path, plain: Path) -> None:
    scan = texts(tmp_path / "gone.log", plain)
    (_, first), *others = scan
    assert isinstance(first, Skipped)
    assert len(others) == 40


def test_until_leaves_nothing_out_where_nothing_is_left() -> None:
    for ticks, seen, cut in ((0, [], True), (2, [1, 2], True), (3, [1, 2, 3], False)):
        until = Until(iter([1, 2, 3]), clock(ticks))
        assert list(until) == seen
        assert until.cut is cut
    nothing: Iterator[int] = iter(())
    until = Until(nothing, clock(0))
    assert list(until) == []
    assert until.cut is False


def test_time_is_shared_out() -> None:
    shared = Clock(100.0, lambda: 10.0)
    assert shared.part(3).end == 40.0
    assert shared.part(1).end == 100.0
    assert Clock(5.0, lambda: 10.0).part(2).over
    assert ENDLESS.part(2) is ENDLESS
    assert not Clock.of(None).limited
    assert Clock.of(2.0, lambda: 1.0).end == 3.0


def test_the_bound_of_a_large_sample_is_not_rounded_to_nothing() -> None:
    assert "at most 0.003% of the rows" in bound_said(100_000, "rows", 7)
    assert "at most 0.15% of the rows" in bound_said(2_000, "rows", 7)
    assert "at most 100.00% of the rows" in bound_said(2, "rows", 7)


def test_the_bytes_before_a_block_are_the_engines() -> None:
    from checks.scanner import engine

    assert BEFORE == engine.BEFORE
