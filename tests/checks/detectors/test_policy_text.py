"""Sections, sentences and fingerprints of a policy, as text and as a web page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.policy_text import fingerprint, read_policy, sentences

TEXT = """\
Privacy policy
Effective date: 2026-11-01 · Version 1.2

1. What we do
We run a service, e.g. for No. 7 Ltd. customers. We are careful.

2. What we keep
Little. It is gone after 30 days.
"""
PAGE = """\
<!doctype html><html><head><title>1. Not this</title><style>p {}</style></head><body><nav>2. Nor this</nav>
<h1>Privacy policy</h1><p>Effective date: 2026-11-01 · Version 1.2</p>
<h2>1. What we do</h2><p>We run a service, e.g. for No. 7 Ltd. customers. We <b>are</b>
 careful.</p><script>3. Nor this.</script>
<h2>2. What we keep</h2><p>Little. It is gone&nbsp;after 30 days.</p></body></html>
"""


@pytest.mark.parametrize("text", [TEXT, PAGE], ids=["text", "page"])
def test_sections_sentences_version_and_date(text: str) -> None:
    policy = read_policy(text)
    assert {clause: fingerprint(words) for clause, words in policy.clauses.items()} == {
        clause: fingerprint(words)
        for clause, words in {
            "1.1": "We run a service, e.g. for No. 7 Ltd. customers.",
            "1.2": "We are careful.",
            "2.1": "Little.",
            "2.2": "It is gone after 30 days.",
        }.items()
    }
    assert policy.titles == {1: "What we do", 2: "What we keep"}
    assert (policy.version, policy.effective) == ("1.2", "2026-11-01")

    assert policy.preamble == ("Privacy policy",)
    assert list(policy.marks()) == ["1.1", "1.2", "2.1", "2.2", "1.0", "2.0", "0.1"]


@pytest.mark.parametrize(
    ("before", "preamble"),
    [
        ("<h1>Privacy</h1>", ["Privacy"]),
        ("<h1>Shop</h1><p>Menu</p><h1>Privacy</h1><p>We care. Really.", ["Privacy", "We care.", "Really."]),
        ("<h1>Shop</h1><main><p>You agree.</p><h1>Privacy</h1>", ["You agree.", "Privacy"]),
        ("<main><main><p>You agree.</p>", ["You agree."]),
        ("<header>Shop</header><nav>Menu</nav><p>You agree.</p>", ["Shop", "You agree."]),
        ("<p>Shop</p><main>", []),
        ("<h1>Privacy</h1><p>Version 3</p><p>Last updated on 1. May 2026</p>", ["Privacy"]),
        ("<h1>Privacy</h1><p>In force: soon</p>", ["Privacy", "In force: soon"]),
    ],
)
def test_what_stands_before_section_1(before: str, preamble: list[str]) -> None:
    text = f"<html><body>{before}<h1>1. One</h1><p>Yes.</p><h1>2. Two</h1><p>No.</p>"
    policy = read_policy(text)
    assert list(policy.preamble) == preamble
    assert policy.clauses == {"1.1": "Yes.", "2.1": "No."}


@pytest.mark.parametrize(
    "line",
    [
        "Effective date: 2026-11-01 · Version 1.2",
        "Last updated: 1. November 2026",
        "LAST UPDATED: Nov 3rd, 2027. v2.1",
        "",
    ],
)
@pytest.mark.parametrize("place", ["top", "end", "within"])
def test_a_date_is_no_text_wherever_it_stands(line: str, place: str) -> None:
    plain = read_policy("Privacy\n1. One\nYes.\n2. Two\nNo.\n").marks()
    top, within, end = (line if place == where else "" for where in ("top", "within", "end"))
    assert read_policy(f"Privacy\n{top}\n1. One\nYes.\n{within}\n2. Two\nNo.\n{end}\n").marks() == plain


def test_a_sentence_with_a_date_in_it_is_text() -> None:
    """Before section 1 but for the date itself, which is locked as such; in a section wholly."""
    text = "This policy, in force since 1 May 2026, is ours.\n1. One\nIt was updated on 2 May 2026 by us.\n"
    marks = read_policy(text).marks()
    assert read_policy(text.replace("1 May 2026", "2026-06-03")).marks() == marks
    assert read_policy(text.replace("is ours", "is theirs")).marks()["0.1"] != marks["0.1"]
    assert read_policy(text.replace("2 May", "3 May")).marks()["1.1"] != marks["1.1"]


@pytest.mark.parametrize("text", ["", "No heading at all.", "<html><p>Sign in</p></html>", "\0\1"])
def test_what_is_no_policy_has_no_clause(text: str) -> None:
    assert read_policy(text).clauses == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("We don't  sell.", "We don’t sell.", True),
        ("after\u00a030 days", "after 30 days", True),
        ("We sell.", "We don't sell.", False),
        ("30 days", "90 days", False),
        ("Never sold.", "never sold.", False),
    ],
)
def test_fingerprints_are_blind_to_shape_and_to_nothing_else(one: str, other: str, same: bool) -> None:
    assert (fingerprint(one) == fingerprint(other)) is same


@given(st.text(alphabet="aA1.!? \n\u00a0()\"'", max_size=80))
def test_sentences_lose_no_word(paragraph: str) -> None:
    kept = "".join("".join(sentences(" ".join(paragraph.split()))).split())
    lost = "".join(paragraph.split())
    assert len(kept) <= len(lost)
    assert sorted(c for c in kept if c.isalnum()) == sorted(c for c in lost if c.isalnum())
