"""A scan over real files: where what is found stands, however it is cut, sampled, timed or broken off."""

from __future__ import annotations

import gzip
import random
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from checks.core.errors import AuthorError
from checks.scanner import work as work_module
from checks.scanner.engine import Engine
from checks.scanner.located import Names
from checks.scanner.parts import END, Piece, parts
from checks.scanner.places import Excluded, places
from checks.scanner.result import Finding
from checks.scanner.sample import UNIT, Sample, bound, seconds_of, share_of
from checks.scanner.scan import Request, Scan
from checks.scanner.source import Skipped

CARD, OTHER = "4111111111111111", "5555555555554444"
LINE = b"2026-01-01T00:00:00Z INFO order 1234 of customer 99 took 15 ms at /api/orders/list\n"


def found(scan: Scan) -> list[Finding]:
    """Return what a scan finds; nothing may be skipped."""
    every = list(scan)
    assert not [each for each in every if isinstance(each, Skipped)]
    return [each for each in every if isinstance(each, Finding)]


def scanned(path: Path, **more: object) -> list[Finding]:
    return found(Scan(replace(Request((str(path),)), **more)))  # type: ignore[arg-type]


def large(path: Path, size: int, every: int) -> list[tuple[int, int]]:
    """Write lines of ``size`` bytes in all, a card in each ``every``-th; return offset and line of them."""
    places, lines = [], []
    at = 0
    while at < size:
        line = LINE
        if len(lines) % every == 0:
            places.append((at + 5, len(lines) + 1))
            line = f"card {CARD} paid\n".encode()
        lines.append(line)
        at += len(line)
    path.write_bytes(b"".join(lines))
    return places


def test_offset_and_line_of_plain_compressed_and_nested_files(tmp_path: Path) -> None:
    text = f"one\ntwo {CARD}\n".encode()
    (tmp_path / "a.log").write_bytes(text)
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(text))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("in/d.log.gz", gzip.compress(text))
    scan = Scan(Request((str(tmp_path),)))
    where = [(each.source, each.offset, each.line, each.masked) for each in found(scan)]
    assert where == [
        (f"{tmp_path}/{name}", 8, 2, "411111******1111")
        for name in ("a.log", "b.log.gz", "c.zip!in/d.log.gz")
    ]
    assert (scan.totals.files, scan.totals.bytes, scan.totals.findings) == (3, 3 * len(text), 3)
    assert scan.totals.test_numbers == 3


def test_fingerprints_are_the_same_within_a_run_and_differ_between_runs(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"{CARD}\n{OTHER}\n{CARD}\n")
    first, other, again = (each.fingerprint for each in scanned(tmp_path))
    assert first == again != other
    assert scanned(tmp_path)[0].fingerprint != first


def test_a_row_of_a_table_is_known_by_its_key_and_column(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("CREATE TABLE paid (id, at, note, PRIMARY KEY (id, at)) WITHOUT ROWID")
        rows = [(f"k{number}", "today", "nothing to see") for number in range(40_000)]
        rows[30_000] = (OTHER, "today", f"paid with {CARD}")
        connection.executemany("INSERT INTO paid VALUES (?, ?, ?)", rows)
        connection.commit()
    scan = Scan(Request((str(tmp_path),)))
    hits = found(scan)
    assert {each.source for each in hits} == {f"{tmp_path}/shop.db!paid"}
    assert [(each.table, each.column) for each in hits] == [("paid", "id"), ("paid", "note")]
    assert {each.row for each in hits} == {"id=555555******4444, at=today"}
    assert {(each.offset, each.line) for each in hits} == {(0, 1)}  # the first in the order of the key
    assert scan.totals.rows >= 40_000


def test_numbers_in_names_are_found_once_and_never_shown(tmp_path: Path) -> None:
    folder = tmp_path / f"card-{CARD}"
    folder.mkdir()
    for name in ("a.txt", "b.txt", f"{OTHER}.txt"):
        (folder / name).write_text("nothing\n")
    with tarfile.open(folder / "c.tar", "w") as archive:
        for name in ("x", f"y/{OTHER}", f"y/{OTHER}.old"):
            archive.addfile(tarfile.TarInfo(name))
    hits = found(scan := Scan(Request((str(tmp_path),))))
    assert {each.place for each in hits} == {"name"}
    root = f"{tmp_path}/card-411111******1111"
    assert [each.source for each in hits] == [
        f"{root}/555555******4444.txt",
        f"{root}/555555******4444.txt",
        f"{root}/c.tar!y/555555******4444",
        f"{root}/c.tar!y/555555******4444.old",
    ]
    assert CARD not in repr(hits) + repr(scan.totals)
    assert OTHER not in repr(hits) + repr(scan.totals)


def test_what_is_skipped_is_masked_too(tmp_path: Path) -> None:
    (tmp_path / f"{CARD}.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    (tmp_path / f"{OTHER}-link").symlink_to(tmp_path / "nowhere")
    skipped = [each for each in Scan(Request((str(tmp_path),))) if isinstance(each, Skipped)]
    assert [each.name for each in skipped] == [
        f"{tmp_path}/555555******4444-link",
        f"{tmp_path}/411111******1111.7z",
    ]


@pytest.mark.parametrize("size", [UNIT, 3 * UNIT])
def test_it_makes_no_difference_where_a_file_is_cut(tmp_path: Path, size: int) -> None:
    places = large(tmp_path / "large.log", 5 * UNIT, every=500)
    data = bytearray((tmp_path / "large.log").read_bytes())
    for cut in range(UNIT, len(data), UNIT):  # across every cut, and right behind it
        data[cut - 40 : cut + 40] = (
            f" {CARD}\n".rjust(49, "x").encode() + f" {OTHER}\n".ljust(31, "x").encode()
        )
    (tmp_path / "large.log").write_bytes(data)
    key = bytes(16)
    whole = scanned(tmp_path, key=key)
    assert scanned(tmp_path, key=key, size=size) == whole
    assert len(whole) >= len(places) - 5 + 8
    lines = bytes(data).split(b"\n")
    for each in whole:
        assert each.line is not None
        assert each.masked[-4:].encode() in lines[each.line - 1]


def test_a_part_of_many_findings_goes_on_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / name).write_text(f"{CARD}{' ' * 783}\n" * 1000)
    monkeypatch.setattr(work_module, "LISTED", 10**9)
    key = bytes(16)
    whole = scanned(tmp_path, key=key)
    assert len(whole) == 3000
    assert whole[-1].line == 1000
    for listed in (100, 1000):
        monkeypatch.setattr(work_module, "LISTED", listed)
        scan = Scan(Request((str(tmp_path),), key=key))
        assert found(scan) == whole
        assert (scan.totals.files, scan.totals.findings) == (3, 3000)
        assert scan.totals.bytes == 3 * 800 * 1000


def test_what_is_beyond_the_most_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "MOST", 100)
    (tmp_path / "a.gz").write_bytes(gzip.compress(f"{CARD}\n".encode() * 1000))
    scan = Scan(Request((str(tmp_path),)))
    assert len(found(scan)) == 100
    assert (scan.totals.findings, scan.totals.unlisted) == (1000, 900)


def test_a_broken_file_is_read_up_to_where_it_breaks(tmp_path: Path) -> None:
    noise = random.Random(0).randbytes(9 * UNIT // 2).hex().encode()
    data = gzip.compress(noise + f"\n{CARD}\n".encode() + noise[:1000], 1)
    (tmp_path / "a.gz").write_bytes(data[:-300])
    scan = Scan(Request((str(tmp_path),)))
    hit, skipped = list(scan)
    assert isinstance(hit, Finding)
    assert hit.offset == len(noise) + 1
    assert skipped == Skipped(f"{tmp_path}/a.gz", "is truncated")
    assert dict(scan.totals.reasons) == {"is truncated": 1}


def test_small_files_make_one_part_and_large_ones_several(tmp_path: Path) -> None:
    for number in range(1100):
        (tmp_path / f"{number:04}").write_bytes(b"x")
    (tmp_path / "9large").write_bytes(LINE * 40_000)
    (tmp_path / "9zip.gz").write_bytes(gzip.compress(random.Random(0).randbytes(3 * UNIT)))
    cut = list(parts(places(str(tmp_path)), size=UNIT))
    assert [len(part.pieces) for part in cut] == [500, 500, 100, 1, 1, 1, 1, 1]
    assert [part.number for part in cut] == list(range(8))
    last = [
        (piece.start, piece.stop) for part in cut[3:] for piece in part.pieces if isinstance(piece, Piece)
    ]
    assert last == [(0, UNIT), (UNIT, 2 * UNIT), (2 * UNIT, 3 * UNIT), (3 * UNIT, END), (0, None)]


def test_a_fault_of_ours_skips_the_file_and_says_nothing_of_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError(CARD)

    monkeypatch.setattr(work_module, "format_of", fails)
    (tmp_path / "a").write_text("x\n")
    (skipped,) = Scan(Request((str(tmp_path),)))
    assert isinstance(skipped, Skipped)
    assert "a fault of the scanner's own (ValueError in test_scan.py" in skipped.reason
    assert CARD not in skipped.reason


def test_a_sample_is_the_same_for_the_same_seed_and_about_its_share(tmp_path: Path) -> None:
    large(tmp_path / "large.log", 64 * UNIT, every=1000)
    for number in range(400):
        (tmp_path / f"{number:03}").write_text(f"{CARD}\n")
    key = bytes(16)
    scan = Scan(Request((str(tmp_path),), sample=Sample(0.25, 1), key=key))
    hits = found(scan)
    totals = scan.totals
    assert totals.of == 464 + 1  # the large file's last block is begun
    assert 60 < totals.units < 180
    assert 0 < totals.struck <= totals.units
    assert scanned(tmp_path, sample=Sample(0.25, 1), key=key, size=2 * UNIT) == hits
    assert scanned(tmp_path, sample=Sample(0.25, 2), key=key) != hits
    whole = {astuple(replace(each, line=None)) for each in scanned(tmp_path, key=key)}
    assert {astuple(replace(each, line=None)) for each in hits} < whole
    blocks = [each for each in hits if each.source.endswith("large.log")]
    assert {each.line for each in blocks} == {None}


def test_a_container_is_in_a_sample_or_not(tmp_path: Path) -> None:
    data = gzip.compress(random.Random(0).randbytes(2 * UNIT))
    for number in range(20):
        (tmp_path / f"{number}.gz").write_bytes(data)
    scan = Scan(Request((str(tmp_path),), sample=Sample(0.5)))
    assert found(scan) == []
    assert scan.totals.of == 20
    assert 0 < scan.totals.units < 20
    assert scan.totals.bytes == scan.totals.units * 2 * UNIT


def test_a_time_budget_ends_the_scan_and_says_how_far_it_came(tmp_path: Path) -> None:
    large(tmp_path / "large.log", 40 * UNIT, every=1000)
    key = bytes(16)
    whole = scanned(tmp_path, key=key)
    assert scanned(tmp_path, key=key, budget=60.0) == whole
    scan = Scan(Request((str(tmp_path),), key=key, budget=1e-9))
    assert found(scan) == []
    assert (scan.handed_out, scan.parts, scan.totals.bytes) == (0, 6, 0)


def test_parts_that_time_left_out_leave_lines_unknown(tmp_path: Path) -> None:
    large(tmp_path / "large.log", 3 * UNIT, every=1000)
    key = bytes(16)
    log = tmp_path / "large.log"
    whole = scanned(log, key=key)
    scan = Scan(Request((str(log),), key=key, size=UNIT))
    cut = list(parts(places(str(log)), size=UNIT))
    settings = work_module.Settings(key)
    seen = [
        each
        for part in (cut[0], cut[2], cut[3])
        for each in scan._one(part, work_module.work(settings, part))
        if isinstance(each, Finding)
    ]
    first = [each for each in whole if each.offset < UNIT]
    third = [each for each in whole if 2 * UNIT <= each.offset < 3 * UNIT]
    assert seen[: len(first)] == first
    assert seen[len(first) : len(first) + len(third)] == [replace(each, line=None) for each in third]


def test_what_is_excluded_is_named_and_counted(tmp_path: Path) -> None:
    (tmp_path / "keep.log").write_text("x\n")
    (tmp_path / f"{CARD}.iso").write_text(CARD)
    scan = Scan(Request((str(tmp_path),), exclude=("*.iso",)))
    assert list(scan) == [Excluded(f"{tmp_path}/411111******1111.iso", "*.iso")]
    assert (scan.totals.files, scan.totals.excluded) == (1, 1)


def test_what_is_unchanged_and_held_nothing_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checks.scanner.memo.RACY", 0.0)
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "clean.log").write_bytes(LINE * 40_000)  # in four parts
    (folder / "clean.gz").write_bytes(gzip.compress(LINE))
    (folder / "found.log").write_bytes(LINE * 20_000 + f"{CARD}\n".encode() + LINE * 20_000)
    (folder / "small.log").write_bytes(b"nothing\n")
    (folder / "broken.gz").write_bytes(gzip.compress(LINE * 1000)[:-4])
    named = folder / f"card-{CARD}"
    named.mkdir()
    (named / "a").write_bytes(LINE)
    (named / "b").write_bytes(LINE)

    def scanned_again(**more: object) -> tuple[list[str], Scan]:
        scan = Scan(replace(Request((str(folder),), memo=tmp_path / "memo", size=UNIT), **more))  # type: ignore[arg-type]
        return [each.name if isinstance(each, Skipped) else each.source for each in scan], scan

    first, scan = scanned_again()
    assert (scan.totals.files, scan.totals.unchanged, scan.notice) == (7, 0, None)
    again, scan = scanned_again()
    assert again == first
    assert (scan.totals.files, scan.totals.unchanged) == (4, 3)
    assert list(scan.unchanged.values()) == [3]
    (folder / "small.log").write_bytes(b"something\n")
    assert scanned_again(jobs=2)[1].totals.unchanged == 2
    assert scanned_again(encoded=False)[1].totals.unchanged == 0
    (tmp_path / "memo").write_bytes(b"no database" * 100)
    _, scan = scanned_again()
    assert scan.totals.unchanged == 0
    assert scan.notice is not None


@pytest.mark.parametrize(
    ("text", "share"), [("2%", 0.02), ("0.5", 0.5), (".25", 0.25), ("100%", 1.0), ("1", 1.0)]
)
def test_a_share_is_read(text: str, share: float) -> None:
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["0", "0%", "101%", "2", "-1", "x", "", "nan", "1e-3"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(AuthorError, match="a share above 0"):
        share_of(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("1h30m", 5400), ("0.5h", 1800)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "x", "5d", "-1", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(AuthorError, match="a duration such as"):
        seconds_of(text)


def test_the_rule_of_three() -> None:
    assert bound(300) == 0.01
    assert bound(0) == bound(2) == 1.0


def test_nothing_loads_the_compiler_before_something_is_scanned() -> None:
    code = (
        "import sys; import policyproof.__main__, checks.scanner.scan, checks.scanner.work, checks.cards;"
        "policyproof.__main__.parser();"
        "slow = {'numba', 'numpy', 'distributed', 'fsspec'}; print(sorted(slow & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_a_name_is_searched_once_per_part() -> None:
    names = Names(Engine(doubtful=True))
    assert len(names.searched(f"{CARD}/a")[1]) == 1
    assert names.searched(f"{CARD}/b")[1] == []
    assert len(names.searched(f"{CARD}0/{OTHER}!b")[1]) == 1
    assert names.searched(f"{CARD}0/{OTHER}")[1] == []
    names.begin()
    assert len(names.searched(f"{CARD}/b")[1]) == 1
