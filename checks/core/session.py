"""Runs a control on a target: each target is opened once, and every check on it shares the view."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.connectors import AHEAD, connector
from checks.connectors.declared import Declared
from checks.core import registry
from checks.core.errors import NotAssessed, NotOptedIn
from checks.core.judge import Judgement
from checks.core.model import (
    Control,
    Dataset,
    Earlier,
    Inventory,
    Observation,
    PolicyVersion,
    Target,
    Verdict,
    Waiver,
)
from checks.core.registry import Scope


@dataclass
class Session:
    """Everything the items of one process share."""

    inventory: Inventory
    waivers: Sequence[Waiver] = ()
    locked: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 10.0  # seconds to connect, and for one answer
    memory: Path | None = None  # of earlier looks, for checks that may leave out what has not changed
    evidence: Path | None = None  # folder for what looks leave behind
    policy: PolicyVersion | None = None
    citing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # clause → controls that cite it
    recall: Callable[[str, str], Earlier | None] | None = None  # of a control and a target, by their ids
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _stack: ExitStack = field(default_factory=ExitStack)
    _views: dict[str, Any] = field(default_factory=dict)
    _refusals: dict[str, NotAssessed] = field(default_factory=dict)

    def close(self) -> None:
        """Close every view; safe to call twice."""
        self._views.clear()
        self._stack.close()

    def begin(self, target_ids: Iterable[str]) -> None:
        """Have looks that take long begin beside those of the other targets.

        What goes wrong is told by the items that judge the target, when they are run.
        """
        for target_id in target_ids:
            if self.inventory.targets[target_id].kind in AHEAD:
                with suppress(NotAssessed):
                    self.view(target_id).begin()

    def run(self, control: Control, target: Target) -> Verdict:
        """Run every check of ``control`` on ``target`` and judge what they saw."""
        started, clock = datetime.now(UTC), time.perf_counter()
        mine = [w for w in self.waivers if w.control == control.id and w.target in (target.id, "*")]
        judgement = Judgement(waivers=mine, today=self.now.date())
        versions: dict[str, str] = {}
        follows = any(registry.find(call.name).follows for call in control.checks)
        earlier = self.recall(control.id, target.id) if follows and self.recall else None
        for call in control.checks:
            found = registry.find(call.name)
            versions[call.name] = found.version
            before = judgement.counts.total()
            judgement.hear(self._observe(found, target, call.params, earlier))
            if judgement.counts.total() == before and judgement.broke is None:
                judgement.broke = f"check {call.name} looked at nothing"
        status, reason = judgement.conclude()
        # What was pending stays so until it was seen to be gone, also where this look broke off.
        pending = {each.key: each for each in (earlier.pending if earlier else ())} | judgement.pending
        return Verdict(
            control=control.id,
            target=target.id,
            status=status,
            reason=reason,
            findings=tuple(judgement.findings),
            unseen=tuple(judgement.unseen),
            evidence=tuple(judgement.evidence),
            counts=dict(judgement.counts),
            measures=dict(judgement.measures),
            waived_by=judgement.waived_by,
            started=started,
            seconds=time.perf_counter() - clock,
            checks=versions,
            crash=judgement.crash,
            pending=tuple(pending[key] for key in sorted(pending) if not pending[key].gone),
        )

    def _observe(
        self, found: registry.Check, target: Target, params: Mapping[str, Any], earlier: Earlier | None
    ) -> Iterator[Observation]:
        bound = found.bind(params)
        environment = self.inventory.environment
        if found.changes is not None and found.changes not in environment.drills:
            raise NotOptedIn(
                f"it would change its target, and environment {environment.id} does not opt in"
                f" (drills: [{found.changes}] in {self.inventory.path})"
            )
        view = Declared(target) if found.declared else self.view(target.id)
        arguments = [view]
        if found.scoped:
            known = (self.locked, self.memory, self.policy, self.citing, earlier)
            arguments.append(Scope(self.inventory, self.now, target, self.view, *known))
        yield from found.function(*arguments, **bound)

    def view(self, target_id: str) -> Any:
        """Return the view of a target, opened at the first call; a refusal is remembered too."""
        if target_id in self._refusals:
            raise self._refusals[target_id].with_traceback(None)
        if target_id not in self._views:
            try:
                self._views[target_id] = self._open(self.inventory.targets[target_id])
            except NotAssessed as error:
                self._refusals[target_id] = error
                raise
        return self._views[target_id]

    def _open(self, target: Target) -> Any:
        kind = connector(target.kind)
        if isinstance(target.spec, Dataset):
            return kind(target, self.view(target.spec.store))
        more = {"evidence": self.evidence} if target.kind == "browser" else {}
        return self._stack.enter_context(kind.open(target, timeout=self.timeout, **more))
