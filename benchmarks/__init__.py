"""Ratios against a peer in the same run; ``python -m benchmarks`` measures, ``README.md`` has the results."""
