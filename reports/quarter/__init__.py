"""The quarterly audit report, computed from the ledger alone: what held, since when, and what shows it."""
