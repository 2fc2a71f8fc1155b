"""Card numbers found in rows, text and files: where they are said to be, and what was not looked at."""

from __future__ import annotations

import gzip
import random
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from checks.connectors.sql import SqlStore
from checks.connectors.text_lines import TextBytes
from checks.core.errors import Unreadable
from checks.scanner.finding import Match
from checks.scanner.search import InFile, InRows, InText
from checks.scanner.source import Skipped
from tests.checks.connectors.conftest import target

CARD = "4556 7375 8689 9855"
PLAIN = CARD.replace(" ", "")


def rows(path: Path, *statements: str, table: str = "note") -> tuple[list[tuple[str, str, str]], int]:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    with SqlStore.open(target(f"sqlite:///{path}")) as store:
        scan = store.text_rows(table)
        found = [(row, column, match.masked) for row, column, match in InRows(scan)]
        return found, scan.rows


def test_row_and_column_of_a_number(tmp_path: Path) -> None:
    values = ", ".join(f"({number}, 'wörter\n\x1f', NULL, 'a')" for number in range(1, 2500))
    found, read = rows(
        tmp_path / "a.db",
        "CREATE TABLE note (id INTEGER PRIMARY KEY, one TEXT, two TEXT, three BLOB)",
        f"INSERT INTO note VALUES {values}",
        f"UPDATE note SET three = '{CARD}' WHERE id = 7",
        f"UPDATE note SET two = 'ü{PLAIN}' WHERE id = 2000",
        f"UPDATE note SET one = CAST('{CARD}' AS BLOB), three = {PLAIN} WHERE id = 2499",
    )
    mask = "455673******9855"
    assert found == [
        ("id=7", "three", mask),
        ("id=2000", "two", mask),
        ("id=2499", "one", mask),
        ("id=2499", "three", mask),
    ]
    assert read == 2499


def test_values_side_by_side_are_no_number(tmp_path: Path) -> None:
    found, _ = rows(
        tmp_path / "a.db",
        "CREATE TABLE note (a TEXT, b TEXT, c TEXT, d TEXT)",
        "INSERT INTO note VALUES ('4556', '7375', '8689', '9855'), ('45567375', '86899855', '', '')",
    )
    assert found == []


def test_an_empty_table_and_one_without_text(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.db", "CREATE TABLE note (a TEXT)") == ([], 0)
    made = ("CREATE TABLE note (at DATE)", "INSERT INTO note VALUES ('2026-01-01')")
    assert rows(tmp_path / "b.db", *made) == ([], 1)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_of_a_text(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(pack(b"first\n" * 90_000 + f"pan {CARD}\n\nlast".encode()))
    scan = InText(TextBytes(path, "log"))
    assert [(match.line, match.masked) for match in scan] == [(90_001, "455673******9855")]
    assert scan.lines == 90_003
    assert scan.bytes == 540_000 + len(f"pan {CARD}\n\nlast")


def test_a_damaged_text_raises(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(f"{CARD}\n".encode() + b"one\n" * 9000)[:-9])
    found = []
    with pytest.raises(Unreadable):
        found.extend(iter(InText(TextBytes(path, "log"))))
    assert [match.masked for match in found] == ["455673******9855"]


def test_parts_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"one\n{CARD}\n")
    (tmp_path / "b.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(90))
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a.log", "a.log")
        archive.add(tmp_path / "b.7z", "b.7z")
    scan = InFile(tmp_path / "all.tar.gz", "all.tar.gz")
    (first, match), (second, passed_over) = scan
    assert isinstance(match, Match)
    assert (first.endswith("!a.log"), match.line, match.masked) == (True, 2, "455673******9855")
    assert isinstance(passed_over, Skipped)
    assert second.endswith("!b.7z")
    assert "7z" in passed_over.reason
    assert (scan.lines, scan.bytes) == (2, 24)


def test_what_does_not_scan_loads_no_compiler() -> None:
    script = (
        "import sys, policyproof.__main__, checks.cards, checks.core.pytest_plugin\n"
        "from checks.core.registry import checks_in\n"
        "checks_in('cards')\n"
        "print([name for name in ('numba', 'numpy', 'llvmlite') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_numba_the_extra_is_named() -> None:
    script = (
        "import sys\n"
        "sys.modules['numba'] = None\n"
        "from checks.core.errors import MissingDriver\n"
        "from checks.scanner.search import engine\n"
        "try:\n"
        "    engine()\n"
        "except MissingDriver as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "the card scanner needs numba (pip install 'policyproof[scan]')"


def test_what_breaks_off_is_skipped_and_the_rest_goes_on(tmp_path: Path) -> None:
    packed = gzip.compress(f"{CARD}\n".encode() + random.Random(1).randbytes(9 * 2**20))
    (tmp_path / "a.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "b.log").write_text(f"{CARD}\n")
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(tmp_path / "a.gz", "a.gz")
        archive.add(tmp_path / "b.log", "b.log")
    seen = list(InFile(tmp_path / "all.tar", "all.tar"))
    assert [(part, type(what)) for part, what in seen] == [
        ("all.tar!a.gz", Match),
        ("all.tar!a.gz", Skipped),
        ("all.tar!b.log", Match),
    ]
