"""Which recorded run another is held against, by the words that a person or a pipeline has for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports.ledger import Entry, Ledger, LedgerError

GREEN = "last-green"
"""The last run before, on the same environment, that stopped nothing."""
SHORTEST = 7
"""Digits of a commit that are enough to name it."""
_COMMIT = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}", re.IGNORECASE)


def baseline(ledger: Ledger, run: Entry, ref: str) -> Entry:
    """Return the run that ``ref`` names: a number, the beginning of an id or of a commit, or ``last-green``.

    Raises ``LedgerError`` unless there is one, before ``run`` and on its environment: a baseline that is
    not there must not make all that fails look new, nor anything look fixed.
    """
    found = _green(ledger, run) if ref == GREEN else _named(ledger, run, ref)
    if found is None:
        what = "no run that stopped nothing" if ref == GREEN else f"no run {ref!r}"
        raise LedgerError(f"{ledger.name}: {what} is recorded before run {run.number} on {run.environment}")
    if found.environment != run.environment:
        where = found.environment or "no environment"
        raise LedgerError(f"{ledger.name}: baseline {ref} was on {where}, not on {run.environment}")
    if found.number >= run.number:
        raise LedgerError(f"{ledger.name}: baseline {ref} is not before run {run.number}")
    return found


def _named(ledger: Ledger, run: Entry, ref: str) -> Entry | None:
    if ref.isascii() and ref.isdecimal():
        found = ledger.find(int(ref))
        if found is not None or len(ref) < SHORTEST:  # a number that is not there is no beginning of an id
            return found
    return ledger.find_run(ref) or _of_commit(ledger, run, ref)


def _of_commit(ledger: Ledger, run: Entry, ref: str) -> Entry | None:
    """Return the last run of a commit; raises ``LedgerError`` if several commits begin so."""
    if not _COMMIT.fullmatch(ref):
        return None
    latest: dict[str, Entry] = {}
    for entry in _before(ledger, run):
        git = entry.read()["run"]["git"]
        if git is not None and git["commit"].startswith(ref.lower()):
            latest.setdefault(git["commit"], entry)
    if len(latest) > 1:
        raise LedgerError(f"{ledger.name}: several commits begin with {ref!r}; give more of it")
    return next(iter(latest.values()), None)


def _green(ledger: Ledger, run: Entry) -> Entry | None:
    return next((entry for entry in _before(ledger, run) if entry.read()["verdict"]["exit_code"] == 0), None)


def _before(ledger: Ledger, run: Entry) -> Iterator[Entry]:
    return ledger.entries(environment=run.environment, newest_first=True, before=run.number)
