"""What is kept and shown of a run: the ledger and its renderings."""
