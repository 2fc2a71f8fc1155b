"""A year of runs of a team that deploys twenty times a day, and what the ledger and its reports cost."""
