"""``pytest controls/`` on a lab that runs already, against the bare start of pytest."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.project import run

ROOT = Path(__file__).parent.parent


def measure() -> list[str]:
    """Return the lines of the result."""
    began = time.perf_counter()
    lab = subprocess.Popen([sys.executable, "-m", "lab", "up"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert lab.stdout is not None
        lab.stdout.readline()  # it says so when it is up
        ready = time.perf_counter() - began
        plain = min(run(ROOT, "controls/") for _ in range(3))
        both = min(run(ROOT, "controls/", "-n", "2") for _ in range(3))
    finally:
        lab.terminate()
        lab.wait(30)
    with tempfile.TemporaryDirectory() as made:
        Path(made, "pytest.ini").write_text("[pytest]\n")
        Path(made, "test_one.py").write_text("def test_one():\n    pass\n")
        bare = min(run(Path(made)) for _ in range(3))
    return [
        f"Lab: ready {ready:.1f} s after the command. Bound: 5 s.",
        f"`pytest controls/` on the running lab: {plain:.1f} s, {both:.1f} s with `-n 2`; a bare pytest run"
        f" of one test takes {bare:.1f} s ({plain / bare:.1f} times). Bound: 10 s.",
    ]
