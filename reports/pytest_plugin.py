"""Listens for the end of a run: records it in the ledger and writes the reports.

Inert in a run without controls: the hook it answers is then never called.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from checks.core.model import Earlier, Run

if TYPE_CHECKING:
    from reports.ledger import Entry, Ledger
    from reports.shape import Summary

CANNOT_WRITE = 4
"""Exit code where all went well but its proof could not be kept."""


@dataclass
class Written:
    """What the terminal summary is to tell."""

    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


written_key = pytest.StashKey[Written]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the reports."""
    group = parser.getgroup("policyproof", "policyproof: the privacy policy as code")
    group.addoption(
        "--report-dir",
        default=None,
        metavar="DIR",
        help="folder for the ledger and one folder of reports for each environment (default: reports/out)",
    )
    group.addoption(
        "--ledger",
        default=None,
        metavar="PATH_OR_URL",
        help="ledger to record the run in: a file, or postgresql://HOST/DATABASE"
        " (default: $POLICYPROOF_LEDGER, or ledger.sqlite in the folder of the reports)",
    )


def ledger_address(config: pytest.Config) -> Path | str:
    """Return where runs are recorded; an address with a password belongs in the environment variable."""
    given = config.getoption("--ledger") or os.environ.get("POLICYPROOF_LEDGER")
    if not given:
        return report_dir(config) / "ledger.sqlite"
    return str(given) if "://" in str(given) else config.invocation_params.dir / str(given)


def report_dir(config: pytest.Config) -> Path:
    """Return the folder that holds ledger and reports; a relative one is meant from where pytest started."""
    given = config.getoption("--report-dir")
    return config.rootpath / "reports" / "out" if given is None else config.invocation_params.dir / str(given)


@pytest.hookimpl(optionalhook=True)
def pytest_policyproof_evidence(config: pytest.Config, environment: str) -> Path:
    """Have what a look leaves behind kept beside the reports of its environment."""
    return report_dir(config) / environment / "evidence"


@pytest.hookimpl(optionalhook=True)
def pytest_policyproof_recall(
    config: pytest.Config, environment: str, control: str, target: str
) -> Earlier | None:
    """Return what the latest such run in the ledger left pending, or why that cannot be told."""
    from reports.ledger import Ledger, LedgerError
    from reports.pending import recalled

    try:
        return recalled(Ledger(ledger_address(config)), environment, control, target)
    except LedgerError as error:
        return Earlier(problem=str(error))


@pytest.hookimpl(optionalhook=True)
def pytest_policyproof_finish(config: pytest.Config, run: Run) -> None:
    """Record ``run``, and write ``report.html``, ``report.json`` and ``report.md``."""
    # Imported only now, so that a run without controls does not pay for templates and a database.
    from reports.ledger import Ledger, LedgerError
    from reports.provenance import origin
    from reports.recorded import placed
    from reports.summary import summarise
    from reports.writing import write_reports

    folder = report_dir(config)
    written = config.stash[written_key] = Written()
    summary = summarise(run, config.rootpath, origin(config.rootpath, os.environ))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(ledger_address(config))
        entry = ledger.append(summary)
        summary["ledger"] = placed(entry)
        written.lines += _turned(ledger, entry, summary)
    except LedgerError as error:
        written.failures.append(f"the run could not be recorded: {error}")
    except OSError as error:
        written.failures.append(f"no report was written: {_shown(folder, config)}: {error.strerror}")
        return
    try:
        for path in write_reports(summary, folder / run.environment.id):
            written.lines.append(f"report: {_shown(path, config)}")
    except OSError as error:
        written.failures.append(f"a report could not be written: {_shown(folder, config)}: {error.strerror}")


def _turned(ledger: Ledger, entry: Entry, summary: Summary) -> list[str]:
    """Return what changed since the run before on the same environment, if anything did or still fails."""
    from reports.compare import brief, compare, past

    before = ledger.last(entry.environment, entry.number)
    if before is None:
        return []
    comparison = compare(summary, past(ledger, before))
    turned = {name: changes for name, changes in comparison.items() if name != "baseline"}
    return brief(comparison) if any(turned.values()) else []


def _shown(path: Path, config: pytest.Config) -> str:
    try:
        return path.relative_to(config.invocation_params.dir).as_posix()
    except ValueError:
        return str(path)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Let no run end well whose proof could not be kept."""
    result = yield
    written = session.config.stash.get(written_key, None)
    if written is not None and written.failures and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = CANNOT_WRITE
    return result


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell where the reports are, or why there are none."""
    written = config.stash.get(written_key, None)
    if written is None:
        return
    for line in written.lines:
        terminalreporter.write_line(line)
    for failure in written.failures:
        terminalreporter.write_line(failure, red=True, bold=True)
