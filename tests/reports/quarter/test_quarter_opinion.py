"""The rules: an opinion never gets better by a failing run, or by a passing one that is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.quarter.commitments import _reason
from reports.quarter.opinion import DEFAULT_LIMITS, OPINIONS, Sight, Window, judge, rules, worst_opinion
from reports.quarter.period import DAY
from reports.quarter.shape import ControlFacts, OpinionWord

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
WINDOW = Window(BEGIN.timestamp(), (BEGIN + timedelta(days=92)).timestamp())


def sight(at: float, letter: str, removed: bool = False) -> Sight:
    when = BEGIN + timedelta(days=at)
    return Sight(when.timestamp(), f"{when:%Y-%m-%d}", letter, removed)


def facts(*seen: Sight, window: Window = WINDOW) -> ControlFacts:
    return judge("X-1", sorted(seen, key=lambda one: one.at), window, DEFAULT_LIMITS)


def daily(letters: str = "p" * 92) -> list[Sight]:
    return [sight(0.5 + n, letter) for n, letter in enumerate(letters) if letter != "-"]


def rank(seen: list[Sight]) -> int:
    return OPINIONS.index(facts(*seen)["opinion"])


@pytest.mark.parametrize(
    ("letters", "opinion", "said"),
    [
        ("p" * 92, "held-throughout", "92 runs on 92 days"),
        ("p" * 40 + "f" * 3 + "p" * 49, "held-with-exceptions", "failed in 3 runs"),
        ("p" * 40 + "w" * 3 + "p" * 49, "held-with-exceptions", "waiver in 3 runs"),
        ("w" * 92, "held-with-exceptions", "waiver in 92 runs"),
        ("p" * 40 + "f" * 7 + "p" * 45, "did-not-hold", "for 8.0 days"),
        ("p" * 40 + "f" * 6 + "p" * 46, "held-with-exceptions", "within 7.0 days"),
        ("p" * 91 + "f", "did-not-hold", "no later run"),
        ("p" * 90 + "fn", "did-not-hold", "no later run"),
        ("p" * 90 + "f-", "did-not-hold", "no later run"),
        ("f" + "-" * 91, "did-not-hold", "no later run"),
        ("p" * 40 + "-" * 7 + "p" * 45, "not-sufficiently-observed", "9 November 2026"),
        ("p" * 40 + "n" * 7 + "p" * 45, "not-sufficiently-observed", "no run showed it"),
        ("p" * 40 + "d" * 7 + "p" * 45, "not-sufficiently-observed", "no run showed it"),
        ("-" * 8 + "p" * 84, "not-sufficiently-observed", "from 1 October 2026"),
        ("p" * 84 + "-" * 8, "not-sufficiently-observed", "to 1 January 2027"),
        ("p" + "-" * 91, "not-sufficiently-observed", "no run showed it"),
        ("n" * 92, "not-sufficiently-observed", "No run of the period showed"),
        ("-" * 92, "not-sufficiently-observed", "No run of the period had it"),
    ],
)
def test_a_quarter_of_daily_runs(letters: str, opinion: str, said: str) -> None:
    told = facts(*daily(letters))
    assert told["opinion"] == opinion
    assert said in told["reason"]
    assert (told["days"], told["runs"]) == (
        sum(letter in "pfw" for letter in letters),
        len(letters.replace("-", "")),
    )


def test_runs_without_evidence_show_nothing_but_their_failures_stay() -> None:
    gone = [sight(0.5 + n, "p", removed=True) for n in range(92)]
    assert facts(*gone)["opinion"] == "not-sufficiently-observed"
    assert facts(*gone)["days"] == 0
    failed = [*daily("p" * 40), sight(40.5, "f", removed=True), *daily("-" * 50 + "p" * 42)]
    assert facts(*failed)["opinion"] == "did-not-hold"


def test_few_days_are_not_enough_however_short_the_window() -> None:
    window = Window(WINDOW.since, WINDOW.since + 4 * DAY)
    told = facts(*daily("pppp"), window=window)
    assert told["opinion"] == "not-sufficiently-observed"
    assert "on 4 days; at least 5" in told["reason"]


def test_runs_at_the_same_moment_and_after_the_end() -> None:
    twice = [one for one in daily() for _ in range(2)]
    assert facts(*twice)["opinion"] == "held-throughout"
    assert facts(*daily(), sight(95, "p"))["longest_gap"] == 3.5 * DAY  # a clock that ran ahead adds no days
    assert facts(*daily("p" * 60), sight(120, "p"))["opinion"] == "not-sufficiently-observed"


def test_the_longest_gap_counts_both_ends() -> None:
    told = facts(sight(30, "p"), sight(50, "f"), sight(60, "p"))
    assert (told["longest_gap"], told["longest_unshown"]) == (32 * DAY, 32 * DAY)
    assert (told["gap_since"], told["gap_until"]) == ("2026-11-30T00:00:00Z", "2027-01-01T00:00:00Z")


BRIEF = settings(max_examples=100, deadline=None)  # the machine may be busy
LETTERS = st.sampled_from("ppppppfwnd")
SIGHTS = st.lists(st.builds(sight, st.floats(0, 91.9, allow_nan=False), LETTERS, st.booleans()), max_size=40)
REGULAR = st.lists(st.sampled_from("pppppppppppppppfwnd-"), min_size=92, max_size=92).map(daily)
SEEN = SIGHTS | REGULAR


@BRIEF
@given(SEEN, st.floats(0, 91.9, allow_nan=False))
def test_a_failing_run_more_never_betters_an_opinion(seen: list[Sight], at: float) -> None:
    assert rank([*seen, sight(at, "f")]) <= rank(seen)


@BRIEF
@given(SEEN, st.data())
def test_a_run_that_showed_nothing_wrong_is_never_better_left_out(
    seen: list[Sight], data: st.DataObject
) -> None:
    harmless = [one for one in seen if one.letter not in "fw"]
    gone = data.draw(st.sets(st.sampled_from(range(len(harmless))))) if harmless else set()
    left = {id(one) for n, one in enumerate(harmless) if n in gone}
    assert rank([one for one in seen if id(one) not in left]) <= rank(seen)


@BRIEF
@given(SEEN, st.data())
def test_evidence_that_is_removed_never_betters_an_opinion(seen: list[Sight], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(0, len(seen))))
    removed = [Sight(x.at, x.day, x.letter, x.removed or n in gone) for n, x in enumerate(seen)]
    assert rank(removed) <= rank(seen)


@BRIEF
@given(SEEN)
def test_nothing_is_held_that_was_not_looked_at(seen: list[Sight]) -> None:
    told = facts(*seen)
    if told["opinion"].startswith("held"):
        assert told["days_shown"] >= DEFAULT_LIMITS["least_days"]
        assert told["longest_unshown"] <= DEFAULT_LIMITS["gap_days"] * DAY
    if told["opinion"] == "held-throughout":
        assert told["failing_runs"] == told["waived_runs"] == 0


def test_every_opinion_has_its_rule_and_none_is_worse_than_nothing() -> None:
    assert [rule["opinion"] for rule in rules(DEFAULT_LIMITS)] == list(OPINIONS)
    assert worst_opinion([]) == "not-sufficiently-observed"
    assert worst_opinion(["held-throughout", "did-not-hold"]) == "did-not-hold"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "C-1: Not shown for 57.4 days."),
        (2, "Not shown for 57.4 days: C-1 and C-2."),
        (4, "Not shown for 57.4 days: C-1, C-2, C-3 and C-4."),
        (5, "Not shown for 57.4 days: C-1, C-2, C-3 and 2 more."),
    ],
)
def test_a_reason_is_told_once_for_all_controls_that_share_it(count: int, said: str) -> None:
    facts = [
        cast(
            ControlFacts,
            {"control": f"C-{n}", "opinion": "not-held", "reason": "Not shown for 57.4 days."},
        )
        for n in range(1, count + 1)
    ]
    assert _reason(cast(OpinionWord, "not-held"), facts, None) == said
