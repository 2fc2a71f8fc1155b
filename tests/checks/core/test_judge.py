"""The rule of verdict: there is no path from *did not look* to *pass*."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.errors import Unreachable
from checks.core.judge import KEPT, Judgement
from checks.core.model import Measure, Observation, Outcome, Status, Waiver

MET = Observation.met("a", "fine", Measure(3, "rows"))
BAD = Observation.violated("b", "not fine")
GAP = Observation.unseen("c", "unreadable")
EMPTY = Observation.met("d", "fine", Measure(0, "rows"))
MAY_BE_EMPTY = Observation.met("d", "fine", Measure(0, "rows", may_be_empty=True))


def judge(*seen: Observation, error: Exception | None = None) -> Judgement:
    def look() -> Iterator[Observation]:
        yield from seen
        if error is not None:
            raise error

    judgement = Judgement()
    judgement.hear(look())
    return judgement


@pytest.mark.parametrize(
    ("seen", "error", "status"),
    [
        ((), None, Status.NOT_ASSESSED),
        ((MET,), None, Status.PASS),
        ((MET, BAD), None, Status.FAIL),
        ((MET, GAP), None, Status.NOT_ASSESSED),
        ((BAD, GAP), None, Status.FAIL),
        ((EMPTY,), None, Status.NOT_ASSESSED),
        ((MET, EMPTY), None, Status.NOT_ASSESSED),
        ((MAY_BE_EMPTY,), None, Status.PASS),
        ((MET,), Unreachable("gone"), Status.NOT_ASSESSED),
        ((), Unreachable("gone"), Status.NOT_ASSESSED),
        ((BAD,), Unreachable("gone"), Status.FAIL),
        ((MET,), ZeroDivisionError("x"), Status.NOT_ASSESSED),
        ((BAD,), ZeroDivisionError("x"), Status.FAIL),
    ],
)
def test_what_observations_mean(
    seen: tuple[Observation, ...], error: Exception | None, status: Status
) -> None:
    assert judge(*seen, error=error).conclude()[0] is status


observations = st.builds(
    lambda outcome, looked, empty: Observation(
        "s", outcome, "d", Measure(looked, "rows", may_be_empty=empty)
    ),
    st.sampled_from(Outcome),
    st.integers(0, 5),
    st.booleans(),
)


@given(st.lists(observations), st.none() | st.builds(Unreachable, st.just("gone")) | st.builds(ValueError))
def test_a_pass_needs_a_whole_look(seen: list[Observation], error: Exception | None) -> None:
    status, reason = judge(*seen, error=error).conclude()
    whole = (
        error is None
        and seen
        and all(
            o.outcome is Outcome.MET and o.measure and (o.measure.looked or o.measure.may_be_empty)
            for o in seen
        )
    )
    assert (status is Status.PASS) == bool(whole)
    assert (status is Status.FAIL) == any(o.outcome is Outcome.VIOLATED for o in seen)
    assert reason
    assert "\n" not in reason


def test_a_crash_is_shown_without_the_value_it_tripped_over() -> None:
    judgement = judge(MET, error=ValueError("invalid literal: jane@example.org"))
    assert "crashed" in (judgement.broke or "")
    shown = f"{judgement.conclude()} {judgement.crash}"
    assert "jane" not in shown
    assert "test_judge.py" in shown
    assert "ValueError" in shown


def test_counts_go_on_where_the_lists_are_cut() -> None:
    judgement = judge(*[BAD] * (KEPT + 7))
    assert len(judgement.findings) == KEPT
    assert judgement.counts["violated"] == KEPT + 7
    assert judgement.conclude()[1] == f"{KEPT + 7} violations"


TODAY = date(2026, 11, 24)


def waiver(subject: str, expires: date = TODAY) -> Waiver:
    return Waiver("X-01", "t", subject, "reason", "somebody", expires)


@pytest.mark.parametrize(
    ("waivers", "seen", "waived"),
    [
        ([waiver("b")], [BAD], True),
        ([waiver("*")], [BAD, MET], True),
        ([waiver("b", date(2026, 11, 23))], [BAD], False),  # expired yesterday
        ([waiver("x")], [BAD], False),
        ([waiver("b")], [BAD, Observation.violated("other", "x")], False),
        ([waiver("b")], [BAD, GAP], False),  # what was not seen cannot be accepted
        ([waiver("*")], [MET], False),
        ([waiver("b")], [BAD] * (KEPT + 1) + [Observation.violated("other", "x")], False),
    ],
)
def test_a_waiver_accepts_all_or_nothing(
    waivers: list[Waiver], seen: list[Observation], waived: bool
) -> None:
    judgement = Judgement(waivers=waivers, today=TODAY)
    judgement.hear(seen)
    assert bool(judgement.waived_by) is waived
