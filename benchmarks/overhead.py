"""What a control × target item costs, against a bare pytest run of as many trivial parametrised tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.project import run, write

ITEMS = 5_000
BARE = """\
import pytest

@pytest.mark.parametrize("n", range({items}))
def test_trivial(n):
    assert n >= 0
"""


def measure() -> list[str]:
    """Return the lines of the result."""
    with tempfile.TemporaryDirectory() as made:
        bare, ours = Path(made) / "bare", Path(made) / "ours"
        bare.mkdir()
        (bare / "pytest.ini").write_text("[pytest]\n")
        (bare / "test_trivial.py").write_text(BARE.format(items=ITEMS))
        controls = [("dataset", "retention.limit_declared", "{longest: P10Y}")] * 10
        write(ours, {"main-db": range(ITEMS // 10)}, controls)
        # Interleaved, so that a slow minute of the machine hits both.
        times = [
            (run(bare), run(ours, "controls", "--environment", "bench", BENCH_MAIN_DB_URL="sqlite://"))
            for _ in range(3)
        ]
    peer, mine = (min(seconds) for seconds in zip(*times, strict=True))  # those least disturbed
    return [
        f"Control overhead, {ITEMS} items: {mine / peer:.2f} times a bare pytest run of as many trivial tests"
        f" ({mine:.1f} s against {peer:.1f} s; best of 3, reports and ledger written). Bound: 1.5."
    ]
