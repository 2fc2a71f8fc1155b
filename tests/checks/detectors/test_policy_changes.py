"""What became of each sentence, told by fingerprints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.policy_changes import called, changes, known_to, not_locked, places

LOCKED = {"1.1": "a", "1.2": "b", "2.1": "c", "2.2": "d", "3.1": "e"}


@pytest.mark.parametrize(
    ("published", "told"),
    [
        (LOCKED, []),
        (LOCKED | {"2.1": "x"}, [("altered", "2.1", "2.1")]),
        ({"1.1": "a", "1.2": "x", "1.3": "b", "2.1": "c", "2.2": "d", "3.1": "e"}, [("added", None, "1.2")]),
        ({"1.1": "a", "1.2": "b", "2.1": "d", "3.1": "e"}, [("removed", "2.1", None)]),
        (LOCKED | {"4.1": "new"}, [("added", None, "4.1")]),
        ({"1.1": "b", "2.1": "c", "2.2": "d", "3.1": "e", "3.2": "a"}, [("moved", "1.1", "3.2")]),
        (
            {"1.1": "a", "1.2": "b", "2.1": "c", "3.1": "d", "4.1": "e"},
            [("moved", "2.2", "3.1"), ("moved", "3.1", "4.1")],
        ),
        ({}, [("removed", clause, None) for clause in LOCKED]),
    ],
    ids=["same", "altered", "added", "removed", "at the end", "moved", "heading put in", "empty"],
)
def test_changes(published: dict[str, str], told: list[tuple[str, str | None, str | None]]) -> None:
    assert [(one.kind, one.was, one.now) for one in changes(LOCKED, published)] == told


WHOLE = {"0.1": "t", "1.0": "A", "1.1": "a", "1.2": "b", "2.0": "B", "2.1": "c", "2.2": "d"}


@pytest.mark.parametrize(
    ("published", "told"),
    [
        (WHOLE | {"2.0": "X"}, [("altered", "2.0", "2.0")]),
        (WHOLE | {"2.0": "X", "2.1": "y"}, [("altered", "2.0", "2.0"), ("altered", "2.1", "2.1")]),
        (WHOLE | {"0.1": "x", "0.2": "y"}, [("altered", "0.1", "0.1"), ("added", None, "0.2")]),
        ({place: mark for place, mark in WHOLE.items() if place != "0.1"}, [("removed", "0.1", None)]),
        (
            {"0.1": "t", "1.0": "A", "1.1": "a", "2.0": "N", "2.1": "b", "3.0": "B", "3.1": "c", "3.2": "d"},
            [("added", None, "2.0")],
        ),
        (
            {"0.1": "t", "1.0": "A", "1.1": "a", "1.2": "b", "1.3": "c", "1.4": "d"},
            [("removed", "2.0", None)],
        ),
        (
            {"0.1": "t", "1.0": "A", "2.0": "B", "2.1": "a", "2.2": "b", "2.3": "c", "2.4": "d"},
            [("moved", "2.0", "2.0")],
        ),
        (
            {"0.1": "t", "1.0": "A", "1.1": "a", "1.2": "b", "1.3": "c", "2.0": "B", "2.1": "d"},
            [("moved", "2.1", "1.3")],
        ),
        (
            {"0.1": "t", "1.0": "B", "1.1": "a", "1.2": "b", "2.0": "A", "2.1": "c", "2.2": "d"},
            [("altered", "1.0", "1.0"), ("altered", "2.0", "2.0")],
        ),
    ],
    ids=[
        "heading",
        "and sentence",
        "preamble",
        "no preamble",
        "new",
        "gone",
        "moved",
        "moved by one",
        "exchanged",
    ],
)
def test_headings_and_what_stands_before_them(
    published: dict[str, str], told: list[tuple[str, str | None, str | None]]
) -> None:
    assert [(one.kind, one.was, one.now) for one in changes(WHOLE, published)] == told


def test_places_in_words() -> None:
    assert [called(place) for place in ("9.2", "9.0", "0.3")] == [
        "9.2",
        "the heading of section 9",
        "sentence 3 before section 1",
    ]
    altered = changes(WHOLE, WHOLE | {"0.1": "x", "2.0": "y"})
    assert places(altered) == "before section 1 and in section 2"
    assert places(changes(LOCKED, {})) == "in sections 1, 2, 3"
    assert places(changes(WHOLE, WHOLE | {"0.1": "x"})) == "before section 1"


def test_only_what_a_lock_has_is_compared() -> None:
    assert not_locked(LOCKED) == ["headings", "preamble"]
    assert not_locked(WHOLE) == []
    clauses = {"1.1": "a", "1.2": "b", "2.1": "c", "2.2": "d"}
    assert known_to(LOCKED, WHOLE) == clauses
    assert known_to({"1.0": "A"} | LOCKED, WHOLE) == clauses | {"1.0": "A", "2.0": "B"}
    assert known_to(WHOLE, LOCKED) == LOCKED


texts = st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=4).map(
    lambda sections: {
        f"{s}.{n}": mark for s, marks in enumerate(sections) for n, mark in enumerate(marks, not s)
    }
)


@given(texts, texts)
def test_no_difference_goes_untold_and_nothing_is_told_of_none(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert bool(changes(one, other)) is (one != other)
