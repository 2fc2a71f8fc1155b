"""How something is recognised in text: pure functions that return masked findings."""
