"""Walks of real directories: what is found, once each, and what is said not to have been read."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.core.errors import NotAssessed, Refused, Unreachable, Unreadable
from checks.scanner.places import Excluded, Place, name_bytes, opened, places
from checks.scanner.source import Skipped

CARD = b"4111111111111111"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "b" / "deep").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"clean")
    (root / "b" / "card.txt").write_bytes(b"pan " + CARD)
    (root / "b" / "deep" / "empty").write_bytes(b"")
    (root / "c.txt").write_bytes(b"clean")
    return root


@pytest.fixture
def nobody() -> Iterator[Path]:
    """Yield a directory of someone who is not root, as whom the test goes on."""
    with tempfile.TemporaryDirectory(prefix="policyproof-") as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


def names(root: Path | str, exclude: tuple[str, ...] = ()) -> list[str]:
    return [item.name for item in places(str(root), exclude=exclude) if isinstance(item, Place)]


def skipped(root: Path | str) -> dict[str, str]:
    return {item.name: item.reason for item in places(str(root)) if isinstance(item, Skipped)}


def test_a_tree_is_read_in_order(tree: Path) -> None:
    found = list(places(str(tree)))
    assert [item.name for item in found] == ["a.txt", "c.txt", "b/card.txt", "b/deep/empty"]
    card = found[2]
    assert isinstance(card, Place)
    assert card.size == 20
    with opened(card) as file:
        assert CARD in file.read()
        assert file.seek(4) == 4
        assert file.read(16) == CARD
    status = (tree / "b" / "card.txt").stat()
    assert card.stamp == f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"
    assert pickle.loads(pickle.dumps(card)) == card  # noqa: S301


def test_the_stamp_changes_with_what_is_overwritten_under_its_old_time(tree: Path) -> None:
    path = tree / "a.txt"
    before = path.stat()
    first = next(places(str(path)))
    path.write_bytes(b"CLEAN")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = next(places(str(path)))
    assert isinstance(first, Place)
    assert isinstance(second, Place)
    assert first.size == second.size
    assert first.stamp != second.stamp


def test_a_single_file_is_called_as_it_was_asked_for(tree: Path) -> None:
    path = tree / "b" / "card.txt"
    place = next(places(str(path)))
    assert isinstance(place, Place)
    assert place.name == str(path)
    assert name_bytes(place) == bytes(path)


def test_an_empty_directory_holds_nothing(tmp_path: Path) -> None:
    assert list(places(str(tmp_path))) == []


def test_a_missing_path_is_an_error_with_a_suggestion(tree: Path) -> None:
    with pytest.raises(Unreachable, match=r"does not exist \(did you mean 'a\.txt'\?\)"):
        list(places(str(tree / "a.tx")))
    (tree / CARD.decode()).write_bytes(b"")
    with pytest.raises(Unreachable) as caught:
        list(places(str(tree / "411111111111")))
    assert CARD.decode() not in str(caught.value)
    with pytest.raises(Unreachable):
        list(places("nul\0"))
    with pytest.raises(Unreachable):
        list(places(""))


def test_a_file_and_links_to_it_are_read_once(tree: Path) -> None:
    (tree / "0-link").symlink_to(tree / "c.txt")
    (tree / "z-link").symlink_to("a.txt")
    (tree / "hard").hardlink_to(tree / "a.txt")
    (tree / "b-again").symlink_to("b")
    assert names(tree) == ["a.txt", "c.txt", "b/card.txt", "b/deep/empty"]


def test_links_that_leave_the_tree_are_followed_once(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(CARD)
    (outside / "up").symlink_to(tree)
    (tree / "l1").symlink_to(outside / "x")
    (tree / "l2").symlink_to(outside / "x")
    (tree / "l3").symlink_to(outside)
    (tree / "l4").symlink_to(outside)
    (outside / "y").write_bytes(b"")
    assert names(tree) == ["a.txt", "c.txt", "b/card.txt", "b/deep/empty", "l1", "l3/y"]
    place = next(item for item in places(str(tree)) if item.name == "l1")
    assert isinstance(place, Place)
    with opened(place) as file:
        assert file.read() == CARD


def test_a_link_to_what_the_tree_lies_in_ends(tree: Path) -> None:
    (tree / "b" / "up").symlink_to("..")
    (tree / "above").symlink_to("../..", target_is_directory=True)
    other = tree.parent / "other"
    other.write_bytes(b"x")
    found = names(tree)
    assert found[:4] == ["a.txt", "c.txt", "b/card.txt", "b/deep/empty"]
    assert len(found) == len(set(found))
    assert f"above/{tree.parent.name}/other" in found
    assert not [name for name in found[4:] if name.endswith("card.txt") and tree.parent.name in name]


def test_links_to_nothing_and_in_a_loop_are_named(tree: Path) -> None:
    (tree / "gone").symlink_to("nowhere")
    (tree / "ring").symlink_to("ring2")
    (tree / "ring2").symlink_to("ring")
    assert skipped(tree) == {
        "gone": "is a link that points at nothing",
        "ring": "is a link in a loop",
        "ring2": "is a link in a loop",
    }


def test_what_is_no_regular_file_is_named_and_blocks_nothing(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "s"))
        assert skipped(tree) == {"pipe": "is a pipe", "s": "is a socket"}
    assert skipped("/dev/null") == {"/dev/null": "is a device"}
    assert skipped(tree / "pipe") == {str(tree / "pipe"): "is a pipe"}
    with pytest.raises(Unreadable, match="no regular file"):
        opened(Place("pipe", str(tree / "pipe"), 0, ""))


def test_what_may_not_be_read_is_named(nobody: Path) -> None:
    (nobody / "shut").mkdir()
    (nobody / "shut" / "x").write_bytes(CARD)
    (nobody / "secret").write_bytes(CARD)
    (nobody / "secret").chmod(0)
    (nobody / "shut").chmod(0)
    assert skipped(nobody) == {"secret": "permission denied", "shut": "permission denied"}
    with pytest.raises(Refused, match="permission denied"):
        list(places(str(nobody / "shut" / "x")))
    with pytest.raises(Refused):
        opened(Place("secret", str(nobody / "secret"), 16, ""))
    (nobody / "shut").chmod(0o700)


def test_a_file_that_is_gone_is_an_error(tree: Path) -> None:
    place = next(places(str(tree)))
    assert isinstance(place, Place)
    (tree / "a.txt").unlink()
    with pytest.raises(NotAssessed, match="gone"):
        opened(place)


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no Linux")
def test_file_systems_of_the_kernel_are_not_descended_into(tree: Path) -> None:
    assert list(skipped("/proc")) == ["/proc"]
    assert "proc" in skipped("/proc/self/status")["/proc/self/status"]
    (tree / "p").symlink_to("/proc")
    assert list(skipped(tree)) == ["p"]


def test_a_socket_behind_a_link_is_named(tree: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, tempfile.TemporaryDirectory() as short:
        server.bind(f"{short}/s")
        (tree / "s").symlink_to(f"{short}/s")
        assert skipped(tree) == {"s": "is a socket"}


def test_exclusions_are_counted(tree: Path) -> None:
    found = list(places(str(tree), exclude=("deep", "b/*.txt", "[c].*")))
    assert [item.name for item in found if isinstance(item, Place)] == ["a.txt"]
    assert [item for item in found if isinstance(item, Excluded)] == [
        Excluded("c.txt", "[c].*"),
        Excluded("b/card.txt", "b/*.txt"),
        Excluded("b/deep", "deep"),
    ]


def test_names_are_kept_to_the_byte(tmp_path: Path) -> None:
    odd = b"\xff\n4111 1111 1111 1111.csv"
    inner = tmp_path / os.fsdecode(b"d\xfe")
    inner.mkdir()
    (inner / os.fsdecode(odd)).write_bytes(b"x")
    place = next(places(str(tmp_path)))
    assert isinstance(place, Place)
    assert place.name.isprintable()
    assert name_bytes(place) == b"d\xfe/" + odd
    with opened(pickle.loads(pickle.dumps(place))) as opened_again:  # noqa: S301
        assert opened_again.read() == b"x"


def test_a_deep_tree_needs_no_recursion() -> None:
    # Not below pytest's own directory, which it removes by recursion.
    top = Path(tempfile.mkdtemp(prefix="policyproof-"))
    try:
        here = top
        for _ in range(1100):
            here = here / "d"
            here.mkdir()
        (here / "x").write_bytes(CARD)
        assert names(top) == ["d/" * 1100 + "x"]
    finally:
        subprocess.run(["rm", "-rf", "--", top], check=True)


def test_what_vanishes_during_the_walk_is_named(tree: Path) -> None:
    walk = places(str(tree))
    next(walk)
    (tree / "b" / "card.txt").unlink()
    (tree / "c.txt").unlink()
    assert Skipped("c.txt", "is gone since its folder was listed") in list(walk)


def test_the_walk_does_not_hold_up_others(tree: Path) -> None:
    """A pipe that another thread waits on neither blocks the walk nor is opened by it."""
    os.mkfifo(tree / "pipe")
    ended = threading.Event()
    thread = threading.Thread(target=lambda: (names(tree), ended.set()))
    thread.start()
    thread.join(5)
    assert ended.is_set()
