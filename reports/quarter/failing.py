"""Failing periods: one control on one target, from the first run that said so until it was mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reports.quarter.before import Item, earlier
from reports.quarter.history import History, Past
from reports.quarter.period import at
from reports.quarter.shape_failing import Acceptance, Ended, FailingPeriod, Found, Turn
from reports.quarter.timelines import STATE, obligations
from reports.shape import Verdict


@dataclass(slots=True)
class Episode:
    """A failing period while it is gathered."""

    item: Item
    first: int  # places in the history
    last: int
    letter: str
    turns: list[tuple[str, int]]
    runs: int = 1
    unseen: int = 0
    ended: int | None = None
    how: Ended = "open"
    gone: int | None = None  # since when no run has it any more
    earlier: float | None = field(default=None)  # failing before the period: since when
    fixed_before: float | None = None  # mended before the period, once


def episodes(history: History) -> list[Episode]:
    """Return what failed, or was waived, in the order in which it was first seen."""
    done: list[Episode] = []
    going: dict[Item, Episode] = {}
    for index, run in enumerate(history.runs):
        failing = run.plan.failing(run.states)
        for item in [item for item in going if item not in failing]:
            one, letter = going[item], run.plan.letter(run.states, item)
            if letter is None:
                one.gone = index if one.gone is None else one.gone
            elif letter == "p":
                one.ended, one.how = index, "fixed"
                done.append(going.pop(item))
            else:
                one.unseen, one.gone = one.unseen + 1, None
        for item in sorted(failing):
            letter = run.plan.letter(run.states, item) or "f"
            known = going.get(item)
            if known is None:
                going[item] = Episode(item, index, index, letter, [(letter, index)])
                continue
            known.last, known.runs, known.gone = index, known.runs + 1, None
            if letter != known.letter:
                known.letter = letter
                known.turns.append((letter, index))
    for one in going.values():
        if one.gone is not None:
            one.ended, one.how = one.gone, "removed"
        else:
            one.how = "waived" if one.letter == "w" else "open"
    done += going.values()
    _look_back(history, done)
    return sorted(done, key=lambda one: (one.first, one.item))


def _look_back(history: History, done: list[Episode]) -> None:
    """Note what was failing when the period began, since when, and what was mended once before."""
    told = earlier(history, {one.item for one in done})
    for one in done:
        before = told[one.item]
        one.fixed_before = before.fixed
        opened = history.runs[: one.first]
        if before.failing_since is not None and all(
            run.plan.letter(run.states, one.item) != "p" for run in opened
        ):
            one.earlier = before.failing_since


def failing_periods(history: History, found: list[Episode]) -> list[FailingPeriod]:
    """Return the failing periods with what the first and the last run found."""
    stated = obligations(history)
    severities = {row.control: row.severity for run in history.runs[-1:] for row in run.plan.rows}
    told = []
    for number, one in enumerate(found, start=1):
        control, target = one.item
        known = stated.get(control)
        first, last = history.runs[one.first], history.runs[one.last]
        ended = None if one.ended is None else history.runs[one.ended]
        seen_first, seen_last = (_verdict(history, run, one.item) for run in (first, last))
        listed, more = _found(history, first, last, one.item, seen_first, seen_last)
        remediation = known.remediation if known else None
        told.append(
            FailingPeriod(
                id=f"F-{number}",
                control=control,
                title=known.title if known else control,
                severity=known.severity if known else severities.get(control, ""),
                target=target,
                clauses=list(known.clauses) if known else [],
                first_seen=first.started,
                first_run=first.number,
                began_before=None if one.earlier is None else at(one.earlier),
                last_seen=last.started,
                last_run=last.number,
                good_before=_good_before(history, one),
                ended=ended.started if ended else None,
                ended_run=ended.number if ended else None,
                how=one.how,
                commit_first=first.brief["commit"],
                commit_ended=ended.brief["commit"] if ended else None,
                seconds=length(history, one),
                runs=one.runs,
                unseen_runs=one.unseen,
                turns=[
                    Turn(
                        state=STATE[letter],
                        since=history.runs[turn].started,
                        number=history.runs[turn].number,
                    )
                    for letter, turn in one.turns
                ],
                reason=seen_last["reason"] if seen_last else None,
                remediation=remediation,
                findings=listed,
                more=more,
                evidence_removed=seen_first is None or seen_last is None,
                waivers=_accepted(history, one, seen_first, seen_last),
            )
        )
    return told


def length(history: History, one: Episode) -> float:
    """Return how long it failed, up to the end of the period where it was not mended; in seconds."""
    since = history.runs[one.first].at if one.earlier is None else one.earlier
    until = history.until if one.ended is None else history.runs[one.ended].at
    return max(0.0, until - since)


def _good_before(history: History, one: Episode) -> str | None:
    for run in reversed(history.runs[: one.first]):
        if run.plan.letter(run.states, one.item) == "p":
            return run.started
    return None


def _verdict(history: History, run: Past, item: Item) -> Verdict | None:
    """Return what a run recorded of one control on one target; ``None`` where it is no longer there."""
    verdicts = history.verdicts(run, item[0])
    return next((one for one in verdicts or () if one["target"] == item[1]), None)


def fingerprints(history: History, run: Past) -> dict[Item, tuple[frozenset[str], int]]:
    """Return the fingerprints of what failed in a run, and how many more there were; outlives a prune."""
    listed: list[Any] = history.block(run, run.findings)
    return {(row[0], row[1]): (frozenset(row[2]), row[3]) for row in listed}


def _found(
    history: History, first: Past, last: Past, item: Item, was: Verdict | None, now: Verdict | None
) -> tuple[list[Found], int]:
    """Return the findings of the first and the last run, and how many more the last one had."""
    found: dict[str, Found] = {}
    for verdict, key in ((was, "in_first"), (now, "in_last")):
        for finding in verdict["findings"] if verdict else ():
            name = finding["fingerprint"] or ""
            known = found.get(name)
            if known is None:
                known = found[name] = Found(
                    fingerprint=name,
                    subject=finding["subject"],
                    detail=finding["detail"],
                    location=finding["location"],
                    remediation=finding["remediation"],
                    in_first=False,
                    in_last=False,
                )
            known[key] = True  # type: ignore[literal-required]
    more = 0
    for run, key in ((first, "in_first"), (last, "in_last")):
        names, more = fingerprints(history, run).get(item, (frozenset(), 0))
        for name in sorted(names):
            known = found.setdefault(
                name,
                Found(
                    fingerprint=name,
                    subject=None,
                    detail=None,
                    location=None,
                    remediation=None,
                    in_first=False,
                    in_last=False,
                ),
            )
            known[key] = True  # type: ignore[literal-required]
    return list(found.values()), more


def _accepted(history: History, one: Episode, was: Verdict | None, now: Verdict | None) -> list[Acceptance]:
    """Return the waivers that accepted it in the first and last run, and where it turned into waived."""
    verdicts = [was, now]
    verdicts += [
        _verdict(history, history.runs[turn], one.item) for letter, turn in one.turns if letter == "w"
    ]
    accepted: dict[tuple[str, str, str], None] = {}
    for verdict in verdicts:
        if verdict is not None and verdict["state"] == "waived":
            for waiver in verdict["waivers"]:
                accepted[waiver["approver"], waiver["reason"], waiver["expires"]] = None
    return [Acceptance(approver=who, reason=why, expires=until) for who, why, until in accepted]
