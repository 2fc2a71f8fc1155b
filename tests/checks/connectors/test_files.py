"""Files of a target: all that match, in order, and an error for whatever cannot be seen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checks.connectors.files import resolve
from checks.core.errors import (
    MissingAddress,
    NotAssessed,
    Nothing,
    Refused,
    TimedOut,
    Unreachable,
    Unreadable,
)
from checks.core.model import Address, Files, Target


def target(root: Path | None, pattern: str, *, may_be_empty: bool = False) -> Target:
    spec = Files("app-log", "log", "Log", pattern, "iso", may_be_empty=may_be_empty)
    address = Address("LOG_DIR", None if root is None else str(root))
    return Target("app-log", "log", "Log", spec, address)


def paths(root: Path, pattern: str) -> list[str]:
    return [file.path for file in resolve(target(root, pattern))]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("a.log", "b.log.1", ".hidden.log", "x/a.log", "x/y/z.log", "x/y/note.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("line\n")
    return root


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user whom permissions bind, where the tests run as root."""
    if os.getuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.log*", [".hidden.log", "a.log", "b.log.1"]),
        ("*/*.log", ["x/a.log"]),
        ("**/*.log", [".hidden.log", "a.log", "x/a.log", "x/y/z.log"]),
        ("x/**", ["x/a.log", "x/y/note.txt", "x/y/z.log"]),
        ("./[ab].log", ["a.log"]),
        ("x/y/z.log", ["x/y/z.log"]),
    ],
)
def test_every_file_that_matches_is_found_in_order(tree: Path, pattern: str, found: list[str]) -> None:
    assert paths(tree, pattern) == found


def test_a_link_inside_the_root_is_followed_and_its_file_counts_once(tree: Path) -> None:
    (tree / "0-current.log").symlink_to("a.log")
    (tree / "linked").symlink_to("x")
    (tree / "x" / "up").symlink_to("..")
    assert paths(tree, "**/*.log") == [".hidden.log", "a.log", "linked/a.log", "linked/y/z.log"]


def test_the_root_may_be_a_link(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    assert paths(tmp_path / "link", "a.log") == ["a.log"]


def test_a_dangling_link_that_is_no_match_hides_nothing(tree: Path) -> None:
    (tree / "gone").symlink_to("nowhere")
    assert "a.log" in paths(tree, "**/*.log")


@pytest.mark.parametrize(
    ("prepare", "pattern", "error"),
    [
        (lambda root: None, "*.none", Nothing),
        (lambda root: None, "x", Nothing),
        (lambda root: None, "../*", Unreadable),
        (lambda root: None, "/etc/*", Unreadable),
        (lambda root: (root / "out.log").symlink_to("/etc/hostname"), "*.log", Unreadable),
        (lambda root: (root / "out").symlink_to("/etc"), "*/*.log", Unreadable),
        (lambda root: (root / "gone.log").symlink_to("nowhere"), "*.log", Unreadable),
        (lambda root: (root / "loop.log").symlink_to("loop.log"), "*.log", Unreadable),
        (lambda root: os.mkfifo(root / "pipe.log"), "*.log", Unreadable),
    ],
)
def test_what_cannot_be_looked_at_raises(
    tree: Path, prepare: Callable[[Path], object], pattern: str, error: type[NotAssessed]
) -> None:
    prepare(tree)
    with pytest.raises(error) as caught:
        resolve(target(tree, pattern))
    assert str(tree) not in caught.value.reason
    assert caught.value.reason.startswith("app-log: ")


def test_a_root_that_does_not_answer(tmp_path: Path, tree: Path) -> None:
    for root in (tmp_path / "missing", tree / "a.log", Path("\0")):
        with pytest.raises(Unreachable, match=r"\$LOG_DIR"):
            resolve(target(root, "*"))
    with pytest.raises(MissingAddress, match="LOG_DIR"):
        resolve(target(None, "*"))


def test_none_may_match_where_the_inventory_says_so(tree: Path) -> None:
    assert resolve(target(tree, "*.none", may_be_empty=True)) == ()


@pytest.mark.parametrize("closed", ["", "x/y"])
def test_a_folder_that_may_not_be_read_is_refused(closed: str) -> None:
    with tempfile.TemporaryDirectory(prefix="policyproof-test-") as folder:
        root = Path(folder)
        (root / "x" / "y").mkdir(parents=True)
        root.chmod(0o755)
        (root / closed).chmod(0)
        with as_nobody(), pytest.raises(Refused, match="permission denied") as caught:
            resolve(target(root, "**/*.log"))
        assert folder not in caught.value.reason
        root.chmod(0o755)
        (root / closed).chmod(0o755)


def test_a_walk_ends_in_time(tree: Path) -> None:
    with pytest.raises(TimedOut):
        resolve(target(tree, "**/*.log"), timeout=-1)


def test_odd_names_are_printable(tree: Path) -> None:
    Path(os.fsdecode(bytes(tree) + b"/o\xffdd\n\x1b[31m.log")).write_text("line\n")
    assert paths(tree, "o*.log") == ["o�dd??[31m.log"]
