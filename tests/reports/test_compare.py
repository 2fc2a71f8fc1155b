"""Two runs held against each other: nothing is fixed that was not looked at, nothing new is lost."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import factories
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.core.errors import Unreadable
from checks.core.judge import Judgement
from checks.core.model import Gap, Location, Observation, Run, Status, Verdict
from reports.compare import Past, brief, compare, named, past, past_summary
from reports.ledger import Ledger
from reports.ledger.packing import controls_of
from reports.shape import Summary
from reports.shape.compare import Comparison
from reports.summary import summarise

ITEMS = (("CARD-02", "cloud-db"), ("CARD-02", "project-db"), ("PROC-02", "mailer"), ("RET-02", "request-log"))


def seen(subjects: Sequence[str]) -> tuple[Observation, ...]:
    return tuple(
        Observation.violated(subject, "Visa number 453978******9469", location=Location("a.sql", line))
        for line, subject in enumerate(subjects, start=1)
    )


def failing(control: str, target: str, *subjects: str, more: int = 0, reason: str = "violations") -> Verdict:
    return replace(
        factories.passing(control, target),
        status=Status.FAIL,
        reason=reason,
        findings=seen(subjects),
        counts={"violated": len(subjects) + more},
    )


def without(run: Run, *items: tuple[str, str]) -> Run:
    kept = tuple(one for one in run.verdicts if (one.control, one.target) not in items)
    return replace(run, verdicts=kept)


def having(*verdicts: Verdict) -> Summary:
    return summarise(factories.having(factories.clean(), *verdicts))


def found(comparison: Comparison) -> dict[str, list[tuple[str, str]]]:
    return {
        turn: [(one["target"], one["subject"]) for one in comparison[turn]]
        for turn in ("new", "still_failing", "fixed", "no_longer_assessed")
        if comparison[turn]
    }


WAS = failing("CARD-02", "cloud-db", "a", "b")


def test_new_still_failing_and_fixed() -> None:
    now = having(failing("CARD-02", "cloud-db", "b", "c"))
    assert found(compare(now, having(WAS))) == {
        "new": [("cloud-db", "c")],
        "still_failing": [("cloud-db", "b")],
        "fixed": [("cloud-db", "a")],
    }


def test_with_no_run_before_everything_is_new() -> None:
    comparison = compare(having(WAS), None)
    assert found(comparison) == {"new": [("cloud-db", "a"), ("cloud-db", "b")]}
    assert comparison["baseline"] is None
    assert brief(comparison) == [
        "no run before this one on this environment: 2 new",
        "  new: critical CARD-02 on cloud-db: a: Visa number 453978******9469",
        "  new: critical CARD-02 on cloud-db: b: Visa number 453978******9469",
    ]


def test_what_passes_now_is_fixed() -> None:
    (one, other) = compare(having(), having(WAS))["fixed"]
    assert (one["was"], one["now"], one["subject"]) == ("fail", "pass", "a")
    assert other["location"] == {"path": "a.sql", "line": 2}


def test_what_could_not_be_assessed_is_never_fixed() -> None:
    now = having(factories.unreached("CARD-02", "cloud-db"))
    lost = compare(now, having(WAS))
    assert found(lost) == {"no_longer_assessed": [("cloud-db", "a"), ("cloud-db", "b")]}
    assert {one["now"] for one in lost["no_longer_assessed"]} == {"not-assessed"}


def test_what_did_not_run_is_never_fixed() -> None:
    run = without(factories.clean(), ("CARD-02", "cloud-db"))
    now = summarise(replace(run, gaps=(Gap("CARD-02", "cloud-db", "did not run"),)))
    lost = compare(now, having(WAS))
    assert found(lost) == {"no_longer_assessed": [("cloud-db", "a"), ("cloud-db", "b")]}
    assert {one["now"] for one in lost["no_longer_assessed"]} == {"did-not-run"}


def test_a_target_taken_out_is_no_longer_assessed() -> None:
    now = summarise(without(factories.clean(), ("CARD-02", "cloud-db"), ("SALE-01", "paddle")))
    lost = compare(now, having(WAS))
    assert found(lost) == {"no_longer_assessed": [("cloud-db", "a"), ("cloud-db", "b"), ("paddle", "")]}
    whole = lost["no_longer_assessed"][2]
    assert (whole["fingerprint"], whole["was"], whole["now"]) == (None, "pass", None)


def test_a_control_that_could_not_be_loaded_did_not_run() -> None:
    run = without(factories.clean(), ("CARD-02", "cloud-db"), ("CARD-02", "project-db"))
    run = replace(
        run,
        controls={name: one for name, one in run.controls.items() if name != "CARD-02"},
        gaps=(Gap("CARD-02", None, "no control file has this id"),),
    )
    lost = compare(summarise(run), having(WAS))["no_longer_assessed"]
    assert {one["now"] for one in lost} == {"did-not-run"}
    assert {one["title"] for one in lost} == {"No stored value is a full card number"}


def test_a_look_that_broke_off_fixes_nothing() -> None:
    # The words are the judge's own: were they to change, this must not pass unseen.
    judge = Judgement()

    def look() -> object:
        yield Observation.violated("b", "Visa number 453978******9469")
        raise Unreadable("the line broke")

    judge.hear(look())  # type: ignore[arg-type]
    status, reason = judge.conclude()
    assert status is Status.FAIL
    now = having(failing("CARD-02", "cloud-db", "b", reason=reason))
    assert found(compare(now, having(WAS))) == {
        "still_failing": [("cloud-db", "b")],
        "no_longer_assessed": [("cloud-db", "a")],
    }


def test_what_lay_beside_something_unseen_is_not_fixed() -> None:
    now = failing("CARD-02", "cloud-db", "b")
    now = replace(now, unseen=(Observation.unseen("c", "refused"),), counts={"violated": 1, "unseen": 1})
    assert found(compare(having(now), having(WAS)))["no_longer_assessed"] == [("cloud-db", "a")]


def test_what_a_list_was_cut_before_is_not_fixed() -> None:
    now = having(failing("CARD-02", "cloud-db", "b", more=9))
    assert found(compare(now, having(WAS))) == {
        "new": [("cloud-db", "")],  # nine more cannot all have been there before
        "still_failing": [("cloud-db", "b")],
        "no_longer_assessed": [("cloud-db", "a")],
    }


def test_unlisted_findings_are_new_as_far_as_they_must_be() -> None:
    before = having(failing("CARD-02", "cloud-db", "a", "b", more=9))
    for more, turn in ((9, "still_failing"), (10, "new"), (2, "still_failing")):
        now = having(failing("CARD-02", "cloud-db", "a", "b", more=more))
        assert ("cloud-db", "") in found(compare(now, before))[turn]
    fixed = compare(having(), before)["fixed"]
    assert "9 more, which the report does not list" in {one["detail"] for one in fixed}


def test_a_waiver_closes_and_its_end_opens_anew() -> None:
    waiver = factories.waiver(date(2026, 12, 31))
    verdict = failing("PROC-02", "mailer", "mailer.a")
    run = factories.having(factories.clean(), replace(verdict, waived_by=(waiver,)))
    waived = summarise(replace(run, waivers=(waiver,)))
    (closed,) = compare(waived, having(verdict))["fixed"]
    assert closed["now"] == "waived"
    (opened,) = compare(having(verdict), waived)["new"]
    assert opened["was"] == "waived"
    assert found(compare(waived, waived)) == {}


def test_the_worst_come_first() -> None:
    now = having(failing("PROC-02", "mailer", "m"), failing("RET-02", "request-log", "r"), WAS)
    assert [one["severity"] for one in compare(now, None)["new"]] == [
        "critical",
        "critical",
        "high",
        "medium",
    ]


def test_brief_counts_what_it_does_not_name() -> None:
    now = having(failing("CARD-02", "cloud-db", *(f"column_{n:03}" for n in range(50))))
    lines = brief(compare(now, having()))
    assert lines[0] == "since run 0: 50 new, 0 still failing, 0 fixed, 0 no longer assessed"
    assert len(lines) == 22
    assert lines[-1] == "  and 30 more new"


def test_a_hostile_name_stays_in_one_line() -> None:
    change = compare(summarise(factories.hostile()), None)["new"][0]
    assert "\n" not in named(change)


def test_from_the_ledger_it_is_the_same_and_a_prune_takes_only_the_words(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    waiver = factories.waiver()
    before = summarise(
        replace(
            factories.having(
                factories.violating(),
                WAS,
                factories.unreached("SALE-02", "site"),
                replace(failing("RET-02", "request-log", "x"), waived_by=(waiver,)),
                failing("RET-01", "cloud-db.orders", "o"),
            ),
            waivers=(waiver,),
            gaps=(Gap("RET-09", None, "no control file has this id"),),
        )
    )
    entry = ledger.append(before)
    now = having(failing("CARD-02", "cloud-db", "b", "c"), factories.unreached("RET-01", "cloud-db.orders"))
    now["run"]["id"] = "another"
    ledger.append(now)
    known: Summary = copy.deepcopy(before)
    known["ledger"] = ledger.recall(entry)["ledger"]
    assert compare(now, past(ledger, entry)) == compare(now, known)

    ledger.prune("2027-01-01T00:00:00Z", "P1D")
    words = ("subject", "detail", "location")
    pruned, whole = compare(now, past(Ledger(ledger.path), entry)), compare(now, known)
    assert {one["detail"] for one in pruned["fixed"]} == {"its evidence was pruned from the ledger"}
    assert pruned["baseline"] == whole["baseline"]

    def bare(comparison: Comparison) -> list[list[tuple[str, str]]]:
        changes = [one for turn in found(comparison) for one in comparison[turn]]  # type: ignore[literal-required]
        return sorted(sorted((k, str(v)) for k, v in one.items() if k not in words) for one in changes)

    assert bare(pruned) == bare(whole)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────

_SUBJECTS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4)
_WHAT: st.SearchStrategy[str | tuple[str, list[str], int]] = st.one_of(
    st.sampled_from(("pass", "not-assessed", "gap", "absent")),
    st.tuples(
        st.sampled_from(("fail", "fail", "broke off", "unseen", "waived")),
        _SUBJECTS,
        st.sampled_from((0, 0, 3)),
    ),
)


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    """A run in which each of :data:`ITEMS` came to anything at all."""
    run = factories.clean()
    for item in ITEMS:
        what = draw(_WHAT)
        if what in ("gap", "absent"):
            run = without(run, item)
            if what == "gap":
                run = replace(run, gaps=(*run.gaps, Gap(*item, "did not run")))
        elif what == "not-assessed":
            run = factories.having(run, factories.unreached(*item))
        elif not isinstance(what, str):
            kind, subjects, more = what
            verdict = failing(*item, *subjects, more=more)
            if kind == "broke off":
                verdict = replace(verdict, reason="1 violation; then the look broke off: the line broke")
            elif kind == "unseen":
                verdict = replace(verdict, counts={**verdict.counts, "unseen": 1})
            elif kind == "waived":
                verdict = replace(verdict, waived_by=(factories.waiver(),))
            run = factories.having(run, verdict)
    return summarise(replace(run, waivers=(factories.waiver(),)))


def opened(summary: Summary) -> Counter[tuple[str, str, str | None]]:
    return Counter(
        (control["id"], verdict["target"], finding["fingerprint"])
        for control in controls_of(summary)
        for verdict in control["verdicts"]
        if verdict["state"] == "fail"
        for finding in verdict["findings"]
    )


def told(comparison: Comparison, *turns: str) -> Counter[tuple[str, str, str | None]]:
    return Counter(
        (one["control"], one["target"], one["fingerprint"])
        for turn in turns
        for one in comparison[turn]  # type: ignore[literal-required]
        if one["fingerprint"] is not None
    )


@settings(max_examples=60, deadline=None)
@given(summaries(), summaries())
def test_every_finding_has_one_turn(now: Summary, before: Summary) -> None:
    comparison = compare(now, before)
    assert told(comparison, "still_failing", "fixed", "no_longer_assessed") == opened(before)
    assert told(comparison, "new", "still_failing") == opened(now)
    states = {
        (control["id"], verdict["target"]): verdict
        for control in controls_of(now)
        for verdict in control["verdicts"]
    }
    for one in comparison["fixed"]:
        verdict = states[one["control"], one["target"]]
        assert one["now"] == verdict["state"]
        assert verdict["state"] in ("pass", "waived", "fail")
        if verdict["state"] == "fail":
            assert verdict["counts"]["violated"] == len(verdict["findings"])
            assert not verdict["counts"]["unseen"]
            assert "broke off" not in verdict["reason"]
    # What was reached and is not any more is named, whatever it came to.
    lost = {(one["control"], one["target"]) for one in comparison["no_longer_assessed"]}
    for control in controls_of(before):
        for verdict in control["verdicts"]:
            key = control["id"], verdict["target"]
            if verdict["state"] != "not-assessed" and (
                key not in states or states[key]["state"] == "not-assessed"
            ):
                assert key in lost


@settings(max_examples=30, deadline=None)
@given(summaries(), summaries(), st.integers())
def test_order_changes_nothing(now: Summary, before: Summary, seed: int) -> None:
    chance = random.Random(seed)
    assert compare(shuffled(now, chance), shuffled(before, chance)) == compare(now, before)


def shuffled(summary: Summary, chance: random.Random) -> Summary:
    result = copy.deepcopy(summary)
    chance.shuffle(result["sections"])
    for part in result["sections"]:
        chance.shuffle(part["controls"])
    for control in controls_of(result):
        chance.shuffle(control["verdicts"])
        chance.shuffle(control["gaps"])
        for verdict in control["verdicts"]:
            chance.shuffle(verdict["findings"])
    return result


@settings(max_examples=30, deadline=None)
@given(summaries())
def test_against_itself_nothing_is_new_or_fixed(summary: Summary) -> None:
    comparison = compare(summary, summary)
    assert not comparison["new"]
    assert not comparison["fixed"]
    assert not comparison["no_longer_assessed"]
    assert isinstance(past_summary(summary), Past)
