"""A read-only local web view of the ledger: pages that need no script and no other host."""
