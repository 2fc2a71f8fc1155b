"""Waivers and attestations that were declared in a period, from what each run repeats of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from reports.quarter.history import History, Past
from reports.quarter.period import at
from reports.quarter.shape_coverage import Attested, WaiverRecord
from reports.shape import Attestation, Waiver


def _listed(history: History, name: str) -> Iterator[tuple[Past, list[Any]]]:
    """Yield what each run lists; what is equal to the run before's is parsed once."""
    digest = ""
    values: list[Any] = []
    for run in history.runs:
        if run.parts[name] != digest:
            digest, values = run.parts[name], history.part(run, name)
        yield run, values


@dataclass(slots=True)
class _Seen:
    """A waiver, and the runs that told of it."""

    waiver: Waiver
    first: Past
    last: Past
    runs: int = 0


def waivers(history: History) -> list[WaiverRecord]:
    """Return every waiver that a run of the period declared, by control and target."""
    found: dict[tuple[str, ...], _Seen] = {}
    before = {_key(one) for one in history.part(history.before, "waivers")} if history.before else set()
    for run, listed in _listed(history, "waivers"):
        for waiver in listed:
            known = found.setdefault(_key(waiver), _Seen(waiver, run, run))
            known.waiver, known.last = waiver, run
            known.runs += waiver["accepts"] > 0
    return [_record(history, known, key in before) for key, known in sorted(found.items())]


def _key(waiver: Waiver) -> tuple[str, ...]:
    return (
        waiver["control"],
        waiver["target"],
        waiver["subject"],
        waiver["approver"],
        waiver["expires"],
        waiver["reason"],
    )


def _record(history: History, known: _Seen, old: bool) -> WaiverRecord:
    waiver, last = known.waiver, history.runs[-1]
    today = _today(history)
    expired = waiver["expires"] < today
    here = known.last is last
    ceased = f"{date.fromisoformat(waiver['expires']) + timedelta(days=1)}"  # the last day still counts
    return WaiverRecord(
        control=waiver["control"],
        target=waiver["target"],
        subject=waiver["subject"],
        reason=waiver["reason"],
        approver=waiver["approver"],
        expires=waiver["expires"],
        first_seen=known.first.started,
        last_seen=known.last.started,
        granted=not old and (history.before is not None or known.first is not history.runs[0]),
        expired=f"{history.period.since:%Y-%m-%d}" <= ceased <= today,
        status="expired" if expired else "in-force" if here else "withdrawn",
        runs=known.runs,
    )


def _today(history: History) -> str:
    """Return the last day of the period; of one that is not over, the day of the report."""
    return at(history.until - 1)[:10]


def attestations(history: History) -> list[Attested]:
    """Return every attestation that a run of the period declared, as it was told last."""
    found: dict[str, Attested] = {}
    for run, listed in _listed(history, "attestations"):
        for one in listed:
            found[one["id"]] = _attested(found.get(one["id"]), one, run)
    today = _today(history)
    for known in found.values():
        known["expired"] = known["expires"] < today
    return [found[name] for name in sorted(found)]


def _attested(known: Attested | None, one: Attestation, run: Past) -> Attested:
    renewals = known["renewals"] if known else []
    if known and known["dated"] != one["dated"]:
        renewals = [*renewals, known["dated"]]
    return Attested(
        id=one["id"],
        title=one["title"],
        statement=one["statement"],
        owner=one["owner"],
        dated=one["dated"],
        expires=one["expires"],
        expired=False,  # told once the period is known to its end
        state=one["state"],
        first_seen=known["first_seen"] if known else run.started,
        last_seen=run.started,
        renewals=renewals,
    )
