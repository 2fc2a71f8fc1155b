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
