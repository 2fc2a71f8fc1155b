"""Every file of a tree once: links, loops, pipes, what may not be entered, what is left out."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from checks.core.errors import NotAssessed, Refused, Unreachable
from checks.scanner.places import Excluded, Place, opened, places
from checks.scanner.source import Skipped
from tests.checks.connectors.test_files import as_nobody


def names(root: Path, **options: list[str]) -> list[str]:
    return [found.name for found in places(str(root), **options) if isinstance(found, Place)]


def skipped(root: Path) -> dict[str, str]:
    return {found.name: found.reason for found in places(str(root)) if isinstance(found, Skipped)}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("b/deep/er/two.log", "a.log", "b/one.log", "c/.hidden", "ä ö.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_a_tree_in_order_and_one_file(tree: Path) -> None:
    assert names(tree) == ["a.log", "b/deep/er/two.log", "b/one.log", "c/.hidden", "ä ö.txt"]
    (place,) = places(str(tree / "a.log"))
    assert isinstance(place, Place)
    assert (place.name, place.size) == (str(tree / "a.log"), 5)
    with opened(place) as file:
        assert (file.read(), file.seekable()) == (b"a.log", True)


def test_links_and_loops(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "far.log").write_text("far")
    (outside / "back").symlink_to(tree)
    (tree / "loop").symlink_to(tree)
    (tree / "up").symlink_to(tmp_path)
    (tree / "link.log").symlink_to(tree / "a.log")
    (tree / "out").symlink_to(outside)
    (tree / "out-again").symlink_to(outside)
    (tree / "hard.log").hardlink_to(tree / "b/one.log")
    (tree / "self").symlink_to(tree / "self")
    (tree / "gone").symlink_to(tree / "nothing")
    # Of two names of one file the first counts.
    assert names(tree) == ["a.log", "b/deep/er/two.log", "b/one.log", "c/.hidden", "out/far.log", "ä ö.txt"]
    assert skipped(tree) == dict.fromkeys(("gone", "self"), "is a link that points at nothing")


def test_what_is_no_file_is_skipped_and_nothing_waits(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listening, tempfile.TemporaryDirectory() as short:
        listening.bind(f"{short}/socket")
        (tree / "socket").symlink_to(f"{short}/socket")
        assert skipped(tree) == dict.fromkeys(("pipe", "socket"), "is a device, a pipe or a socket")


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no /proc here")
def test_the_kernels_own_files_are_not_entered(tree: Path) -> None:
    (tree / "proc").symlink_to("/proc")
    assert skipped(tree) == {"proc": "is a file system of the kernel's, not of files"}


def test_a_folder_without_permission() -> None:
    with tempfile.TemporaryDirectory(prefix="policyproof-test-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "closed").mkdir()
        (root / "closed").chmod(0)
        (root / "open.log").write_text("x")
        with as_nobody():
            assert names(root) == ["open.log"]
            assert "permission denied" in skipped(root)["closed"]
            with pytest.raises(Refused):
                list(places(str(root / "closed" / "x")))


def test_exclusions_are_told(tree: Path) -> None:
    found = list(places(str(tree), exclude=["b/*", "*.txt"]))
    excluded = [item for item in found if isinstance(item, Excluded)]
    assert excluded == [
        Excluded("b/deep", "b/*"),
        Excluded("b/one.log", "b/*"),
        Excluded("ä ö.txt", "*.txt"),
    ]
    assert names(tree, exclude=["b/*", "*.txt"]) == ["a.log", "c/.hidden"]


def test_a_stamp_changes_with_the_file(tree: Path) -> None:
    (before,) = places(str(tree / "a.log"))
    os.utime(tree / "a.log", ns=(1, 1))
    (after,) = places(str(tree / "a.log"))
    assert isinstance(before, Place)
    assert isinstance(after, Place)
    assert before.stamp != after.stamp


def test_nothing_there_and_gone_later(tree: Path) -> None:
    with pytest.raises(Unreachable, match="does not exist"):
        list(places(str(tree / "missing")))
    (place,) = places(str(tree / "a.log"))
    assert isinstance(place, Place)
    (tree / "a.log").unlink()
    with pytest.raises(NotAssessed, match="gone"):
        opened(place)


def test_a_tree_deeper_than_the_stack(tmp_path: Path) -> None:
    home = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(300):
            Path("d").mkdir()
            os.chdir("d")
        Path("end.log").write_text("x")
    finally:
        os.chdir(home)
    (found,) = places(str(tmp_path))
    assert found.name.endswith("d/d/end.log")
