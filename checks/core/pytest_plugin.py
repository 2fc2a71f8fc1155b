"""The pytest plugin: ``pytest controls/`` runs every control on every target it applies to.

Does nothing at all in a run that does not touch the controls folder, so that a project's own tests
are not disturbed by having policyproof installed; what a control run needs is imported only then.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.core import hooks, registry
from checks.core.model import Severity

LOCK = "policy.lock"
"""What tells a folder of ours; spelt out so that the loader need not be imported."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a control run."""
    group = parser.getgroup("policyproof", "policyproof: the privacy policy as code")
    group.addoption(
        "--environment", default="lab", metavar="NAME", help="environment of the inventory (default: lab)"
    )
    group.addoption(
        "--inventory", default="inventory.yaml", metavar="FILE", help="inventory file (default: %(default)s)"
    )
    group.addoption(
        "--gate",
        default=Severity.LOW.value,
        choices=[severity.value for severity in Severity],
        help="violations below this severity are reported without failing the run (default: %(default)s)",
    )
    group.addoption(
        "--timeout-target",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="time a target has to answer (default: %(default)s)",
    )
    group.addoption(
        "--scan-memo",
        metavar="FILE",
        help="memory of earlier looks: controls that say 'unchanged: skip' do not read again what has not"
        " changed since, and the report says so (default: everything is read)",
    )
    group.addoption(
        "--partial",
        action="store_true",
        help="let the controls selected (by -k, -m, a path) decide the exit code alone;"
        " the report still says that it is incomplete",
    )
    parser.addini("policyproof_controls", "folder of the controls, relative to the root", default="controls")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make our hooks known to the lab, the reports, and anybody else."""
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the recorder if controls are to run."""
    for severity in Severity:
        config.addinivalue_line("markers", f"{severity.value}: controls of this severity")
    for family in registry.families():
        config.addinivalue_line("markers", f"{family}: controls that use checks of this family")
    for number in range(1, 100):
        config.addinivalue_line(
            "markers", f"section_{number}: controls that cite section {number} of the policy"
        )
    folder = controls_folder(config)
    if _touches(config, folder):
        from checks.core.control_run import ControlRun

        config.pluginmanager.register(ControlRun(config, folder), "policyproof-run")


def controls_folder(config: pytest.Config) -> Path:
    """Return the folder that holds the controls."""
    return (config.rootpath / str(config.getini("policyproof_controls"))).resolve()


def _touches(config: pytest.Config, folder: Path) -> bool:
    """Whether the paths asked for lie in, or contain, the controls folder."""
    if "workerinput" in config.__dict__:
        return config.__dict__["workerinput"].get("policyproof") is not None
    for argument in config.args:
        path = (config.invocation_params.dir / argument.split("::")[0]).resolve()
        if path == folder or folder in path.parents:
            return True
        # Somebody else's project may be tested from above, and its controls folder be none of ours.
        if path in folder.parents and (folder / LOCK).is_file():
            return True
    return False
