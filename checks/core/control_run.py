"""One run of controls: plan it, run it, judge it as a whole, and hand it to those who listen."""

from __future__ import annotations

import json
import os
import pickle
import platform
import socket
import uuid
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from checks.core import order
from checks.core.controls import is_control_file
from checks.core.errors import AuthorError
from checks.core.hooks import Deployment
from checks.core.items import ControlFile, ControlItem, plan_key, session_key
from checks.core.model import Earlier, Run, Severity, Status, Verdict
from checks.core.plan import Item, Plan, make_plan
from checks.core.session import Session
from checks.core.terminal import write_summary

VIOLATION, UNASSESSED = 1, 3


@dataclass
class ControlRun:
    """One run of controls, in the controlling process or in an xdist worker."""

    config: pytest.Config = field(repr=False)
    folder: Path
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    deployment: Deployment = field(default_factory=lambda: Deployment({}))
    verdicts: dict[Item, Verdict] = field(default_factory=dict)
    run: Run | None = None

    @property
    def worker(self) -> bool:
        """Whether this is an xdist worker, which writes no report."""
        return "workerinput" in self.config.__dict__

    @property
    def gate(self) -> Severity:
        """The severity from which a violation fails the run."""
        return Severity(self.config.getoption("--gate"))

    @property
    def plan(self) -> Plan:
        """The plan of this run."""
        return self.config.stash[plan_key]

    # ── before ───────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Have the deployment started, then load inventory and controls."""
        environment = str(self.config.getoption("--environment"))
        if self.worker:
            sent = json.loads(self.config.__dict__["workerinput"]["policyproof"])
            self.deployment = Deployment(**sent)
        else:
            # A broken inventory is told before anything is started.
            plan = self._plan(environment)
            found = self.config.hook.pytest_policyproof_deploy(config=self.config, environment=environment)
            self.deployment = found or self.deployment
        if self.worker or found is not None:
            plan = self._plan(environment)
        self.config.stash[plan_key] = plan
        self.config.stash[session_key] = Session(
            plan.inventory,
            plan.controls.waivers,
            plan.policy.marks,
            policy=plan.policy.as_version(),
            citing=plan.controls.citing,
            timeout=float(self.config.getoption("--timeout-target")),
            memory=self._memory,
            recall=partial(self._recall, environment),
            evidence=self.config.hook.pytest_policyproof_evidence(
                config=self.config, environment=environment
            ),
        )
        # One bad control must not blind the rest of the run.
        self.config.option.continue_on_collection_errors = True

    @property
    def _memory(self) -> Path | None:
        """The file that is offered as memory of earlier looks."""
        name = self.config.getoption("--scan-memo")
        return None if name is None else self.config.invocation_params.dir / str(name)

    def _recall(self, environment: str, control: str, target: str) -> Earlier | None:
        found: Earlier | None = self.config.hook.pytest_policyproof_recall(
            config=self.config, environment=environment, control=control, target=target
        )
        return found

    def _plan(self, environment: str) -> Plan:
        inventory = Path(str(self.config.getoption("--inventory")))
        bases = (self.config.invocation_params.dir, self.config.rootpath)
        found = next((base / inventory for base in bases if (base / inventory).exists()), inventory)
        addresses = {**os.environ, **self.deployment.addresses}
        deployment = Deployment(addresses, self.deployment.overlay)
        try:
            return make_plan(self.config.rootpath, self.folder, found, environment, deployment)
        except AuthorError as error:
            raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker where the deployment is."""
        sent = {"addresses": dict(self.deployment.addresses), "overlay": dict(self.deployment.overlay)}
        node.workerinput["policyproof"] = json.dumps(sent)

    def pytest_report_header(self) -> list[str]:
        """Say first of all which environment is looked at."""
        environment = self.plan.inventory.environment
        lines = [f"environment: {environment.label.upper()} ({environment.id})"]
        if environment.synthetic:
            lines.append("             synthetic data: this run says nothing about production")
        if self.deployment.note:
            lines.append(f"deployment: {self.deployment.note}")
        if self.deployment.planted:
            lines.append(f"planted: {', '.join(self.deployment.planted)}")
        plan = self.plan
        lines.append(
            f"policy: {plan.policy.id} ({len(plan.policy.clauses)} clauses);"
            f" {len(plan.controls.controls)} controls, {len(plan.expected)} items expected"
        )
        return lines

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> ControlFile | None:
        """Collect the YAML files of the controls folder."""
        if file_path.parent == self.folder and is_control_file(file_path):
            return ControlFile.from_parent(parent, path=file_path)
        return None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let what waits for a browser come last: nothing else waits for it."""
        order.waiting_last(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Have what takes long begin; a worker of xdist does not know yet what it will be given."""
        if not self.worker and not self.config.option.collectonly:
            self.config.stash[session_key].begin(order.begun_ahead(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Have one process look at a target that is looked at once, where the user names no other way."""
        return order.scheduler(config, log) if config.getvalue("dist") == "load" else None

    # ── during ───────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Hang the verdict on the report of the call."""
        report: Any = yield
        if isinstance(item, ControlItem) and call.when == "call" and item.verdict is not None:
            verdict, control = item.verdict, item.control
            report.policyproof = pickle.dumps(verdict) if self.worker else verdict
            report.policyproof_word = self._word(verdict)
            # On the item: pytest's JUnit file takes them from the report of the teardown.
            item.user_properties[:] = [
                ("control", control.id),
                ("target", item.target.id),
                ("environment", self.plan.inventory.environment.id),
                ("severity", control.severity.value),
                ("clauses", ", ".join(control.clauses)),
                ("owner", control.owner),
                ("verdict", verdict.status.value),
                ("state", "waived" if verdict.waived else verdict.status.value),
            ]
            report.user_properties = list(item.user_properties)
            if report.policyproof_word == "below gate":
                report.outcome = "passed"  # reported, and no reason to stop the deploy
        return report

    def _word(self, verdict: Verdict) -> str:
        if verdict.waived:
            return "waived"
        if verdict.status is Status.FAIL:
            severity = self.plan.controls.controls[verdict.control].severity
            return "failed" if severity.rank <= self.gate.rank else "below gate"
        return "passed" if verdict.status is Status.PASS else "not assessed"

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, Any] | None:
        """Give each verdict its own letter and word."""
        word = getattr(report, "policyproof_word", None)
        if word is None:
            return None
        letter, loud, colour = {
            "passed": (".", "PASS", {"green": True}),
            "failed": ("F", "FAIL", {"red": True}),
            "waived": ("w", "WAIVED", {"yellow": True}),
            "below gate": ("b", "FAIL (below gate)", {"yellow": True}),
            "not assessed": ("N", "NOT ASSESSED", {"yellow": True}),
        }[word]
        return word, letter, (loud, colour)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the verdicts that arrive, from this process or from a worker."""
        sent = getattr(report, "policyproof", None)
        if sent is None or self.worker:
            return
        verdict = pickle.loads(sent) if isinstance(sent, bytes) else sent  # noqa: S301  from our own worker
        self.verdicts[verdict.control, verdict.target] = verdict

    # ── after ────────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close what was opened; judge the run as a whole and hand it to those who listen."""
        if plan_key not in self.config.stash:
            return
        self.config.stash[session_key].close()
        if self.worker or self.config.option.collectonly:
            return
        exit_code = self._exit_code(int(exitstatus))
        self.run = self._describe(exit_code)
        session.exitstatus = exit_code
        self.config.hook.pytest_policyproof_finish(config=self.config, run=self.run)

    def _exit_code(self, exitstatus: int) -> int:
        """Return the exit code of the run; pytest's own for an interruption or wrong usage."""
        if exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR):
            return exitstatus
        words = {self._word(verdict) for verdict in self.verdicts.values()}
        if "failed" in words:
            return VIOLATION
        missing = self.plan.gaps(set(self.verdicts)) and not self.config.getoption("--partial")
        if "not assessed" in words or self.plan.errors or missing or not self.verdicts:
            return UNASSESSED
        # Something else failed in the same run (the project's own tests, an internal error).
        return exitstatus if exitstatus != pytest.ExitCode.NO_TESTS_COLLECTED else UNASSESSED

    def _describe(self, exit_code: int) -> Run:
        plan = self.plan
        try:
            ours = version("policyproof")
        except PackageNotFoundError:
            ours = "unknown"
        return Run(
            id=str(uuid.uuid4()),
            environment=plan.inventory.environment,
            planted=self.deployment.planted,
            started=self.started,
            ended=datetime.now(UTC),
            version=ours,
            python=platform.python_version(),
            host=socket.gethostname(),
            gate=self.gate,
            exit_code=exit_code,
            policy=plan.policy.as_version(),
            sections=plan.controls.sections,
            controls=plan.controls.controls,
            targets=plan.inventory.targets,
            verdicts=tuple(self.verdicts[key] for key in sorted(self.verdicts)),
            gaps=plan.gaps(set(self.verdicts)),
            errors=tuple(str(error) for _, error in sorted(plan.errors.items())),
            waivers=plan.controls.waivers,
            digests={"inventory": plan.inventory.digest, **plan.controls.digests},
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write what was not assessed, what did not run, and the closing table."""
        if self.run is not None:
            write_summary(terminalreporter, self.run)
