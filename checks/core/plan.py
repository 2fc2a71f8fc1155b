"""What a run is to do: the inventory, the controls, and the items their product expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from checks.core.controls import LOCK, ControlSet, load_controls, select
from checks.core.errors import ControlError
from checks.core.hooks import Deployment
from checks.core.inventory import load_inventory
from checks.core.model import Control, Gap, Inventory, Target
from checks.core.policy import PolicyDocument, policy_for, read_lock

Item = tuple[str, str]
"""Ids of a control and of one of its targets."""


@dataclass(frozen=True)
class Plan:
    """Loaded alike in the controlling process and in every worker."""

    inventory: Inventory
    policy: PolicyDocument
    controls: ControlSet
    targets: Mapping[str, tuple[Target, ...]]  # by control id
    errors: Mapping[str, ControlError]  # by file name: broken, or selecting nothing
    folder: Path

    @property
    def expected(self) -> list[Item]:
        """Every item this run owes a verdict."""
        return [(control, target.id) for control, targets in self.targets.items() for target in targets]

    def control_in(self, path: Path) -> Control | None:
        """Return the control a file holds, if it loaded."""
        return self.controls.by_file.get(path.name)

    def gaps(self, judged: set[Item]) -> tuple[Gap, ...]:
        """Return what was expected and gave no verdict, whatever the cause."""
        missing = [
            Gap(control, target, "did not run (deselected, or the run ended early)")
            for control, target in self.expected
            if (control, target) not in judged
        ]
        named = {
            name: clause.id
            for s in self.controls.sections
            for clause in s.clauses
            for name in clause.controls
        }
        broken = {name for name in named if name not in self.controls.controls}
        return (
            *missing,
            *(
                Gap(name, None, f"no control file has this id; coverage of clause {named[name]} names it")
                for name in sorted(broken)
            ),
        )


def make_plan(root: Path, folder: Path, inventory: Path, environment: str, deployment: Deployment) -> Plan:
    """Load everything; raises an ``AuthorError`` for what stops the whole run."""
    loaded = load_inventory(
        inventory,
        environment,
        deployment.addresses,
        overlay=deployment.overlay,
        shown=relative(inventory, root),
    )
    shown = relative(folder, root)
    lock = folder / LOCK
    policy = policy_for(
        read_lock(lock, shown=f"{shown}/{LOCK}"), loaded.environment.policy, shown=f"{shown}/{LOCK}"
    )
    controls = load_controls(folder, policy, shown=shown)
    targets: dict[str, tuple[Target, ...]] = {}
    errors = dict(controls.broken)
    for name, control in controls.by_file.items():
        try:
            targets[control.id] = select(control, loaded)
        except ControlError as error:
            errors[name] = error
    return Plan(loaded, policy, controls, targets, errors, folder)


def relative(path: Path, root: Path) -> str:
    """Return ``path`` as people below ``root`` would write it."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.name
