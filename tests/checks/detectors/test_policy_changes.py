"""What became of each sentence, told by fingerprints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.policy_changes import changes

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


texts = st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=4).map(
    lambda sections: {
        f"{s}.{n}": mark for s, marks in enumerate(sections, 1) for n, mark in enumerate(marks, 1)
    }
)


@given(texts, texts)
def test_no_difference_goes_untold_and_nothing_is_told_of_none(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert bool(changes(one, other)) is (one != other)
