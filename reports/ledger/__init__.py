"""The ledger: the append-only, hash-chained record of every run."""

from reports.ledger.chain import GENESIS, Entry, Fault, LedgerError, canonical, chained, sha256
from reports.ledger.ledger import ChangeRow, Ledger
from reports.ledger.packing import FindingRow, PlanRow

__all__ = [
    "GENESIS",
    "ChangeRow",
    "Entry",
    "Fault",
    "FindingRow",
    "Ledger",
    "LedgerError",
    "PlanRow",
    "canonical",
    "chained",
    "sha256",
]
