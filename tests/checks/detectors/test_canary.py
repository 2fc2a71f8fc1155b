"""Markers of canaries: found by their key in any text, told apart, and noise to anybody else."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.detectors.canary import LENGTH, Canaries

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
OURS, OTHERS = Canaries("a key of our own, kept"), Canaries("another key altogether")


@given(before=st.text(max_size=40), after=st.text(max_size=40), upper=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_marker_is_found_in_any_text(before: str, after: str, upper: bool) -> None:
    canary = OURS.new(NOW)
    marker = OURS.marker(canary, "email")
    text = f"{before}{marker.upper() if upper else marker}{after}"
    (seen,) = OURS.sightings(text)
    assert seen.code == canary.code
    assert OURS.field_of(seen, ["name", "email", "new_email"]) == "email"


@given(text=st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_nothing_is_found_where_none_is(text: str) -> None:
    assert list(OURS.sightings(text)) == []


def test_a_later_run_tells_when_a_canary_was_made_from_the_key_alone() -> None:
    marker = OURS.marker(OURS.new(NOW - timedelta(days=40)), "name")
    (seen,) = Canaries("a key of our own, kept").sightings(marker)
    assert seen.code is not None
    assert OURS.of(seen.code).made == NOW - timedelta(days=40)


@given(before=st.text(max_size=9), after=st.text(max_size=9), glued=st.text("ab/+", max_size=5))
@settings(max_examples=100, deadline=None)
def test_a_marker_in_base64_is_found(before: str, after: str, glued: str) -> None:
    canary = OURS.new(NOW)
    text = f"{before}{OURS.marker(canary, 'email')}@{after}".encode()
    for encode in (b64encode, urlsafe_b64encode):
        seen = list(OURS.sightings(f'"{glued}{encode(text).decode()}"'))
        assert {OURS.field_of(each, ["name", "email"]) for each in seen} == {"email"}


def test_a_marker_in_a_json_web_token_is_found() -> None:
    canary = OURS.new(NOW)
    parts = ('{"alg":"HS256"}', f'{{"sub":"{OURS.marker(canary, "email")}@x.example"}}', "signed, as it were")
    token = ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    assert [each.code for each in OURS.sightings(f"GET / Bearer {token}")] == [canary.code]


def test_another_key_sees_nothing() -> None:
    assert list(OTHERS.sightings(OURS.marker(OURS.new(NOW), "name"))) == []


def test_markers_fit_a_mailbox_and_a_path() -> None:
    marker = OURS.marker(OURS.new(NOW), "email")
    assert len(marker) == LENGTH <= 64  # RFC 5321, 4.5.3.1.1
    assert marker.isalnum()
    assert marker == marker.lower()


@pytest.mark.parametrize(("kept", "told", "named"), [(12, False, False), (19, True, False), (22, True, True)])
def test_a_marker_that_a_column_cut_is_seen_all_the_same(kept: int, told: bool, named: bool) -> None:
    canary = OURS.new(NOW)
    (seen,) = OURS.sightings(f"{OURS.marker(canary, 'email')[:kept]}…")
    assert (seen.code == canary.code) is told
    assert (OURS.field_of(seen, ["email", "name"]) == "email") is named


def test_what_is_shown_of_a_canary_is_neither_its_code_nor_a_marker() -> None:
    canary = OURS.new(NOW)
    assert canary.code not in canary.shown
    assert list(OURS.sightings(repr(canary))) == []
    assert canary.code not in repr(canary)


def test_two_canaries_of_one_second_differ() -> None:
    assert len({OURS.new(NOW).code for _ in range(50)}) > 20


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        Canaries("secret")
