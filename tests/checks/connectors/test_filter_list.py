"""A filter list of the user's: rules name requests, and what is no list is never taken for one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checks.connectors import filter_list
from checks.connectors.filter_list import FilterLists
from checks.core.errors import MissingDriver, NotAssessed, Nothing, TooLarge, Unreadable

PAGE = "https://www.site.example/"
RULES = r"""[Adblock Plus 2.0]
! Title: of a test
||tracker.example^
||partner.example^$third-party
/pixel.gif?$image
@@||tracker.example/allowed.js
site.example##.advertisement
/^https?:\/\/[a-z]{8}\.example\/ .*x/
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


@pytest.mark.parametrize(
    ("url", "kind", "rule"),
    [
        ("https://cdn.tracker.example/a.js", "script", "||tracker.example^"),
        ("https://tracker.example/allowed.js", "script", None),
        ("https://partner.example/x", "fetch", "||partner.example^$third-party"),
        ("https://www.site.example/pixel.gif?u=1", "image", "/pixel.gif?$image"),
        ("https://www.site.example/pixel.gif?u=1", "script", None),
        ("https://nottracker.example/", "xhr", None),
        ("https://www.site.example/", "eventsource", None),
    ],
)
def test_requests_are_named(file: Path, url: str, kind: str, rule: str | None) -> None:
    file.write_text(RULES, "utf-8")
    lists = FilterLists.load([file], "site")
    assert lists.names(url, PAGE, kind) == rule
    assert (lists.rules, lists.lost) == (5, 0)


def test_lists_add_up_and_a_rule_that_is_not_understood_is_counted(file: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text("||other.example^\n||new.example^$option-of-tomorrow\n" + "/a/b/c.\n" * 60, "utf-8")
    file.write_text(RULES, "utf-8")
    lists = FilterLists.load([file, more], "site")
    assert (lists.rules, lists.lost) == (67, 1)
    assert lists.names("https://other.example/", PAGE, "image") == "||other.example^"
    assert lists.names("https://tracker.example/", PAGE, "image") == "||tracker.example^"


def test_a_long_rule_is_shortened_and_an_address_it_cannot_take_is_told_without_it(file: Path) -> None:
    file.write_text("||tracker.example^$domain=" + "|".join(f"d{n}.example" for n in range(30)), "utf-8")
    lists = FilterLists.load([file], "site")
    assert len(lists.names("https://tracker.example/", "https://d3.example/", "script") or "") == 80
    with pytest.raises(Unreadable) as caught:
        lists.names("who=ada@person.example", PAGE, "script")
    assert "ada" not in caught.value.reason


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"", Nothing, "has no rules"),
        (b"[Adblock Plus 2.0]\n! nothing yet\nsite.example##.x\n", Nothing, "has no rules"),
        (b"<!doctype html>\n<p>Not found", Unreadable, "line 1: no rule of the Adblock format"),
        (b"||a.example^\n0.0.0.0 b.example\n", Unreadable, "line 2: no rule"),
        (b"||a.example^\n\xff\xfe", Unreadable, "no text in UTF-8"),
        (b"||a.example^\0\n", Unreadable, "line 1: no rule"),
        (b"||a^$one-thing\n||b^$another\n||c^\n", Unreadable, "2 of 3 rules are not understood"),
    ],
)
def test_what_is_no_list_is_not_assessed(
    file: Path, content: bytes, kind: type[NotAssessed], words: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(kind) as caught:
        FilterLists.load([file], "site")
    assert caught.value.reason.startswith("site: filter list list.txt")
    assert words in caught.value.reason


def test_a_list_that_is_missing_or_a_folder_or_too_large(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Nothing, match=r"site: filter list list\.txt does not exist"):
        FilterLists.load([file], "site")
    with pytest.raises(Unreadable, match="cannot be read"):
        FilterLists.load([file.parent], "site")
    monkeypatch.setattr(filter_list, "LIMIT", 10)
    file.write_text(RULES, "utf-8")
    with pytest.raises(TooLarge, match="larger than"):
        FilterLists.load([file], "site")


def test_without_the_library_one_line_names_the_extra(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adblock", None)
    with pytest.raises(MissingDriver, match=r"pip install 'policyproof\[filters\]'"):
        FilterLists.load([file], "site")
