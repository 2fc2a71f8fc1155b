"""The three hooks by which the rest of the house takes part in a run without ``checks`` knowing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from checks.core.model import Earlier, Run


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment started for this run.

    ``addresses`` maps environment variables to values and comes before ``os.environ``; ``overlay``
    is merged into the parsed inventory (mappings by key, anything else replaces; ``None`` removes);
    ``planted`` names the violations it holds; ``note`` is one line for the header.
    """

    addresses: Mapping[str, str] = field(repr=False)
    overlay: Mapping[str, Any] = field(default_factory=dict)
    planted: tuple[str, ...] = ()
    note: str = ""


@pytest.hookspec(firstresult=True)
def pytest_policyproof_deploy(config: pytest.Config, environment: str) -> Deployment | None:
    """Return the deployment that serves ``environment``, started if need be; ``None`` if not yours.

    Called once, in the controlling process, before collection.
    """


@pytest.hookspec(firstresult=True)
def pytest_policyproof_evidence(config: pytest.Config, environment: str) -> Path | None:
    """Return the folder for files that a look leaves as evidence; ``None`` if none are to be kept.

    Called once in each process that runs controls. The folder need not exist.
    """


@pytest.hookspec
def pytest_policyproof_finish(config: pytest.Config, run: Run) -> None:
    """Receive the whole run; called once, in the controlling process, after the last item.

    An implementation may return nothing; what it wrote it tells in the terminal summary.
    """


@pytest.hookspec(firstresult=True)
def pytest_policyproof_recall(
    config: pytest.Config, environment: str, control: str, target: str
) -> Earlier | None:
    """Return what the latest run on ``environment`` that judged ``control`` on ``target`` left pending.

    ``None`` without a record of earlier runs. Called also in xdist's workers; raises nothing.
    """
