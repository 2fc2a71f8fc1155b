"""Which blocks a chain of entries still has, by its heads alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reports.ledger.chain import Entry, LedgerError
from reports.ledger.packing import named


def living(entries: Callable[[], Iterable[Entry]], before: str | None = None) -> set[str]:
    """Return the digests of all blocks that entries name and no prune among them removed.

    With ``before``, as if one more prune of runs that ended before that moment came last. ``entries``
    is called twice, so that heads need not be kept. Raises :class:`LedgerError` for a head of no known shape.
    """
    prunes = [(one.number, one.read_prune()["before"]) for one in entries() if one.kind == "prune"]
    result: set[str] = set()
    for one in entries():
        if one.kind != "run":
            continue
        old = before is not None and one.ended < before
        old = old or any(number > one.number and one.ended < moment for number, moment in prunes)
        try:
            result.update(digest for digest, prunable in named(one.read()) if not (old and prunable))
        except (KeyError, TypeError, AttributeError):
            raise LedgerError(f"entry {one.number} is in no shape that this version knows") from None
    return result
