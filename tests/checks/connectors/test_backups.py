"""Backups: manifests held against their files, every line of the dumps, and the rows of a table."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.connectors.backups import BackupSet, BackupSets
from checks.connectors.copy_rows import CopyRows
from checks.connectors.text_lines import TextBlocks
from checks.core.errors import Nothing, TooLarge, Unreachable, Unreadable
from checks.core.model import Address, Files, Target
from lab import backups as lab_backups
from lab import copyformat
from lab.rows import Table

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ACCOUNTS = Table(
    "account",
    ("id", "email", "created_at", "deleted_at"),
    [
        (1, "ada@example.org", NOW - timedelta(days=9), None),
        (2, "a\tb\nc\\d\\N", NOW - timedelta(days=8), NOW - timedelta(days=7)),
        (3, None, NOW - timedelta(days=8), None),
    ],
)
USERS = Table("user", ("id", "createdAt"), [(1, NOW - timedelta(days=9))])


def target(root: Path, pattern: str = "*/manifest.json", **more: Any) -> Target:
    options = {"stores": ["cloud-db", "project-db"]}
    spec = Files("nightly", "backup", "Dumps", pattern, "manifest", options=options, **more)
    return Target("nightly", "backup", "Dumps", spec, Address("BACKUP_DIR", str(root)))


def opened(root: Path, **more: Any) -> BackupSets:
    with BackupSets.open(target(root, **more)) as backups:
        return backups


def only(root: Path) -> BackupSet:
    (backup,) = opened(root).sets()
    return backup


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One good set in ``tmp_path``."""
    return lab_backups.write_set(tmp_path, "cloud-db", NOW, [ACCOUNTS, USERS])


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    manifest = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not ...}))


def put(folder: Path, dump: str) -> None:
    """Replace the dump and make the manifest agree."""
    raw = gzip.compress(dump.encode())
    (folder / "dump.sql.gz").write_bytes(raw)
    entry = {"path": "dump.sql.gz", "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    edit(folder, files=[entry])


def test_a_good_set(folder: Path, tmp_path: Path) -> None:
    backup = only(tmp_path)
    assert backup.problem is None
    assert (backup.name, backup.store, backup.taken) == ("2026-11-25-cloud-db", "cloud-db", NOW)
    assert [file.path for file in backup.files] == ["2026-11-25-cloud-db/dump.sql.gz"]
    assert backup.tables == {"account": 3, "user": 1}
    assert str(backup.location) == "2026-11-25-cloud-db/manifest.json"


def test_rows_are_read_as_they_were_written(folder: Path, tmp_path: Path) -> None:
    backups = opened(tmp_path)
    rows = backups.rows(backups.sets()[0], "account")
    read = list(rows)
    assert rows.rows == 3
    assert [row["id"] for row in read] == ["1", "2", "3"]
    assert [row["email"] for row in read] == ["ada@example.org", "a\tb\nc\\d\\N", None]
    assert [row["deleted_at"] for row in read] == [None, "2026-11-18 12:00:00+00", None]
    assert list(backups.rows(backups.sets()[0], "user")) == [
        {"id": "1", "createdAt": "2026-11-16 12:00:00+00"}
    ]


def test_none_at_all_or_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Nothing):
        opened(tmp_path)
    with pytest.raises(Unreachable):
        opened(tmp_path / "missing")
    assert opened(tmp_path, may_be_empty=True).sets() == []


def listed(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (entry,) = json.loads((folder / "manifest.json").read_text())["files"]
        entry = {key: value for key, value in {**entry, **changes}.items() if value is not ...}
        edit(folder, files=[entry])

    return change


def link_out(folder: Path) -> None:
    shutil.move(folder / "dump.sql.gz", folder.parent.parent / "elsewhere.gz")
    (folder / "dump.sql.gz").symlink_to(folder.parent.parent / "elsewhere.gz")


def write(name: str, raw: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(raw)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (write("manifest.json", b""), "is empty"),
        (write("manifest.json", b'{"taken": '), "is not JSON"),
        (write("manifest.json", b"\xff\xfe\x00"), "is not JSON"),
        (write("manifest.json", b"[" * 100_000), "is not JSON"),
        (write("manifest.json", b"[]"), "is no JSON object"),
        (write("manifest.json", b" " * (17 * 2**20)), "larger than 16 MiB"),
        (lambda f: edit(f, taken=...), "does not say when"),
        (lambda f: edit(f, taken="yesterday"), "does not say when"),
        (lambda f: edit(f, taken=1), "does not say when"),
        (lambda f: edit(f, taken="2026-11-25T12:00:00"), "without a time zone"),
        (lambda f: edit(f, store=...), "names no store"),
        (lambda f: edit(f, store="a b"), "names no store"),
        (lambda f: edit(f, store="other-db"), "does not list"),
        (lambda f: edit(f, files=...), "names no files"),
        (lambda f: edit(f, files=[]), "names no files"),
        (lambda f: edit(f, files=["dump.sql.gz"]), "no path for file 1"),
        (lambda f: edit(f, tables=...), "how many rows"),
        (lambda f: edit(f, tables={"account": "3"}), "how many rows"),
        (lambda f: edit(f, tables={"account": True}), "how many rows"),
        (lambda f: edit(f, files=json.loads((f / "manifest.json").read_text())["files"] * 2), "twice"),
        (listed(path=...), "no path for file 1"),
        (listed(sha256=...), "no SHA-256 for file 1"),
        (listed(bytes=...), "no size for file 1"),
        (listed(path="/etc/hostname"), "leaves its folder"),
        (listed(path="../../etc/hostname"), "leaves its folder"),
        (listed(path="a\0b"), "leaves its folder"),
        (listed(path="other.sql.gz"), "is missing"),
        (listed(path="."), "no path for file 1|leaves its folder|no regular file"),
        (listed(bytes=1), "has not the size"),
        (listed(sha256="0" * 64), "has not the SHA-256"),
        (link_out, "leaves its folder"),
        (lambda f: (f / "dump.sql.gz").unlink(), "is missing"),
        (write("dump.sql.gz", b""), "has not the size"),
        (write("second.sql", b"one\n"), "does not name .*second.sql"),
    ],
)
def test_a_manifest_is_believed_only_as_far_as_it_holds(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    (tmp_path / "root").mkdir()
    folder = Path(shutil.move(folder, tmp_path / "root"))
    spoil(folder)
    backup = only(tmp_path / "root")
    assert backup.problem is not None
    assert backup.name == "2026-11-25-cloud-db"
    assert backup.problem.startswith("nightly: 2026-11-25-cloud-db")
    assert str(tmp_path) not in backup.problem
    assert re.search(why, backup.problem)


def test_what_has_no_manifest_is_a_problem(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "dump.sql.gz").write_bytes(b"x")
    (tmp_path / "loose.sql").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    sets = {backup.name: backup.problem for backup in opened(tmp_path).sets()}
    assert sets["2026-11-25-cloud-db"] is None
    assert {name for name, problem in sets.items() if problem} == {"old", "loose.sql"}


HEAD = "COPY public.account (id, note) FROM stdin;\n"


@pytest.mark.parametrize(
    ("dump", "tables", "error", "why"),
    [
        ("", {"account": 0}, Unreadable, "no plain dump of table account"),
        ("INSERT INTO account VALUES (1, 'x');\n", {"account": 1}, Unreadable, "no plain dump"),
        (HEAD + "1\tx\n", {"account": 1}, Unreadable, "breaks off"),
        (HEAD + "1\tx\ty\n\\.\n", {"account": 1}, Unreadable, "3 fields"),
        (HEAD + "\n\\.\n", {"account": 1}, Unreadable, "0 fields"),
        (HEAD + "1\tx\n\\.\n", {"account": 2}, Unreadable, "not as many as"),
        ("COPY public.other (a) FROM stdin;\n\\.\n", {"account": 0}, Unreadable, "does not name"),
        ("COPY account FROM '/tmp/x';\n", {"account": 0}, Unreadable, "not pg_dump's"),
    ],
)
def test_a_dump_that_is_not_whole(
    folder: Path, tmp_path: Path, dump: str, tables: dict[str, int], error: type[Exception], why: str
) -> None:
    put(folder, dump)
    edit(folder, tables=tables)
    backups = opened(tmp_path)
    (backup,) = backups.sets()
    assert backup.problem is None
    with pytest.raises(error, match=why):
        list(backups.rows(backup, "account"))


def test_a_truncated_dump_with_a_manifest_that_agrees(folder: Path, tmp_path: Path) -> None:
    raw = (folder / "dump.sql.gz").read_bytes()[:-10]
    (folder / "dump.sql.gz").write_bytes(raw)
    edit(
        folder, files=[{"path": "dump.sql.gz", "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}]
    )
    backups = opened(tmp_path)
    (backup,) = backups.sets()
    with pytest.raises(Unreadable, match="truncated"):
        list(backups.rows(backup, "account"))


def copy_rows(path: Path, dump: str, table: str, count: int, **limits: int) -> list[dict[str, str | None]]:
    path.write_text(dump)
    return list(CopyRows("set", [("dump", TextBlocks(path, "dump", **limits))], table, {table: count}))


@pytest.mark.parametrize(
    ("header", "table", "columns"),
    [
        ("COPY public.account (id)", "account", ["id"]),
        ("COPY account (id)", "account", ["id"]),
        ('COPY public."user" (id, "createdAt")', "user", ["id", "createdAt"]),
        (
            'COPY billing."odd na:me%" ("a,b", "say ""hi""", c)',
            "billing.odd na:me%",
            ["a,b", 'say "hi"', "c"],
        ),
    ],
)
def test_headers(tmp_path: Path, header: str, table: str, columns: list[str]) -> None:
    dump = f"{header} FROM stdin;\n" + "\t".join("x" for _ in columns) + "\n\\.\n"
    assert copy_rows(tmp_path / "dump", dump, table, 1) == [dict.fromkeys(columns, "x")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"\N", None),
        (r"\\N", r"\N"),
        (r"x\N", "xN"),
        (r"\b\f\n\r\t\v", "\b\f\n\r\t\v"),
        (r"\101\x42\x4a", "ABJ"),
        (r"\303\244", "ä"),
        (r"\xc3\xa4", "ä"),
        (r"\ä", "ä"),
        ("", ""),
    ],
)
def test_escapes(tmp_path: Path, text: str, value: str | None) -> None:
    assert copy_rows(tmp_path / "dump", f"{HEAD}1\t{text}\n\\.\n", "account", 1)[0]["note"] == value


@given(
    st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, values: list[str | None]) -> None:
    table = Table("account", ("id", "note"), [(number, value) for number, value in enumerate(values)])
    path = tmp_path_factory.mktemp("dump") / "dump.sql"
    read = copy_rows(path, copyformat.dump([table]), "account", len(values))
    assert [row["note"] for row in read] == values


def test_a_row_too_long_is_not_cut(tmp_path: Path) -> None:
    dump = f"{HEAD}1\t{'x' * 3_000_000}\n\\.\n"
    with pytest.raises(TooLarge, match="dump:2"):
        copy_rows(tmp_path / "dump", dump, "account", 1, line_limit=1000)
