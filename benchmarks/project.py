"""Projects made for measuring: a controls folder, an inventory, and what they look at."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HEAD = """\
version: 1
organization: Benchmark
own_hosts: [localhost]
home_regions: [DE]
environments:
  bench: {label: Benchmark, prefix: BENCH_, policy: bench, synthetic: true}
"""

DATASET = """\
      d{n}:
        table: t{n}
        title: Table {n}
        subjects: [customer]
        purposes: [essential.service.operations]
        columns:
          id: system.identifier
          email: user.contact.email
          note: user.content.message
          made: system.timestamp
        retention: {{keep: P10Y, clock: made, basis: contract, deletion: nightly job}}
"""

CONTROL = """\
id: {id}
title: Measured control {id}
clauses: ["1.1"]
commitment: Something is promised.
severity: high
owner: benchmark
applies_to: {{kind: {kind}}}
check: {check}
params: {params}
remediation: None is needed.
"""


def write(folder: Path, stores: Mapping[str, range], controls: Sequence[tuple[str, str, str]]) -> None:
    """Write a project: ``stores`` maps an id to the numbers of its tables; controls: kind, check, params."""
    (folder / "controls").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    lines = [HEAD, "stores:\n"]
    for store, numbers in stores.items():
        address = store.upper().replace("-", "_") + "_URL"
        lines.append(f"  {store}:\n    kind: sql\n    title: Store\n    address: {address}\n    datasets:\n")
        lines += (DATASET.format(n=n) for n in numbers)
    (folder / "inventory.yaml").write_text("".join(lines))
    for number, (kind, check, params) in enumerate(controls, 1):
        text = CONTROL.format(id=f"BENCH-{number:02d}", kind=kind, check=check, params=params)
        (folder / "controls" / f"c{number:02d}.yaml").write_text(text)
    (folder / "controls" / "coverage.yaml").write_text(
        'sections: {1: {title: One, clauses: {"1.1": {status: automated, commitment: Something.}}}}\n'
    )
    (folder / "policy.txt").write_text("1. One\n\nSomething is promised to everybody.\n")
    lock = [sys.executable, "-m", "policyproof", "policy", "lock", "policy.txt", "--as", "bench"]
    subprocess.run(lock, cwd=folder, check=True, capture_output=True)


def run(folder: Path, *arguments: str, exit_code: int = 0, **variables: str) -> float:
    """Run pytest in ``folder`` as a user would, in a process of its own; return seconds of wall time."""
    # Compiled code is kept between runs, as it is where nobody switches that off.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode != exit_code:
        raise SystemExit(
            f"exit {done.returncode} instead of {exit_code}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
        )
    return seconds
