"""What a run leaves pending, as a report lists it, and what an earlier one in the ledger left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from checks.core.model import Earlier, Pending
from reports import shape
from reports.ledger import Ledger, LedgerError


def listed(pending: Iterable[Pending]) -> list[shape.Pending]:
    """Return what is pending in the shape of a report; moments in UTC, to the second."""
    return [
        shape.Pending(place=one.place, what=one.what, made=_text(one.made), due=_text(one.due))
        for one in pending
    ]


def recalled(ledger: Ledger, environment: str, control: str, target: str) -> Earlier:
    """Return what the latest run on ``environment`` that judged ``control`` on ``target`` left pending."""
    try:
        for run in ledger.entries(environment=environment, newest_first=True):
            if control not in run.read()["evidence"]:
                continue
            verdicts = ledger.verdicts(run, control)
            if verdicts is None:
                return Earlier(problem=f"the observations of run {run.number} were pruned")
            mine = next((one for one in verdicts if one["target"] == target), None)
            if mine is not None:
                found = tuple(
                    Pending(
                        one["place"],
                        one["what"],
                        datetime.fromisoformat(one["made"]),
                        datetime.fromisoformat(one["due"]),
                    )
                    for one in mine.get("pending", ())
                )
                return Earlier(found, run.number)
    except LedgerError as error:
        return Earlier(problem=str(error))
    return Earlier()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
