"""``policyproof gate``: whether the last recorded run lets a deploy go on, and what changed in it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from checks.core.errors import AuthorError, PolicyproofError
from checks.core.model import Period, Severity
from policyproof import gate_output, ledger_option, terminal
from policyproof.gate_decision import decide
from policyproof.gate_output import FORMATS, Gated
from reports.baseline import baseline
from reports.compare import compare, past
from reports.ledger import Entry, Ledger, LedgerError
from reports.shape import Failure, Summary
from reports.writing import write_whole

EPILOG = """\
examples:
  policyproof gate                                  the last run on the lab, against the one before
  policyproof gate production --gate high           lesser violations do not stop
  policyproof gate staging --new-only --baseline last-green
  policyproof gate staging --format sarif=privacy.sarif --format markdown=privacy.md
  policyproof gate --run 12 --baseline 9            two runs of the past

exit codes:
  0  nothing stands in the way; 1 a violation at or above the gate (with --new-only: a new one); 3
  something was not assessed, or a violation of before is not known to be fixed, or the run is older
  than --max-age or of another commit; 4 a mistake in usage, or a ledger or baseline that is not there
"""
DAY = "P1D"


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "gate",
        help="whether the last run lets a deploy go on, and what changed in it",
        description="Holds the last recorded run of an environment against the one before it, tells what is"
        " new, still failing, fixed and no longer assessed, and decides. Nothing is run, and nothing is"
        " added to the ledger.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("environment", nargs="?", metavar="ENVIRONMENT", help="whose run (default: lab)")
    command.add_argument("--run", type=int, dest="number", metavar="N", help="the run recorded under N")
    command.add_argument(
        "--gate",
        choices=[severity.value for severity in Severity],
        help="violations below this severity do not stop (default: the gate of the run)",
    )
    command.add_argument(
        "--baseline",
        metavar="REF",
        help="run to compare with: its number, the beginning of its id or of its commit, or last-green"
        " (default: the run before, on the same environment)",
    )
    command.add_argument("--new-only", action="store_true", help="let only new violations stop")
    command.add_argument(
        "--max-age",
        metavar="PERIOD",
        help=f"how old the run may be, such as PT2H (default: {DAY}; with --run: any age)",
    )
    command.add_argument("--commit", metavar="SHA", help="the commit that the run must be of")
    command.add_argument(
        "--format",
        action="append",
        dest="formats",
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(FORMATS)}, to the terminal or a file; may be given again (default: text)",
    )
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="file for the format that is given without one"
    )
    ledger_option.add_to(command)
    command.set_defaults(run=run_gate)


def run_gate(options: argparse.Namespace) -> int:
    """Tell what changed, and return the exit code of the decision."""
    outputs = _outputs(options.formats or [], options.output)
    oldest = _oldest(options)
    ledger = ledger_option.opened(options)
    with ledger.look():
        return _decided(options, ledger, outputs, oldest)


def _decided(
    options: argparse.Namespace,
    ledger: Ledger,
    outputs: Iterable[tuple[str, Path | None]],
    oldest: datetime | None,
) -> int:
    # Before anything of it is shown: what was changed is no longer a proof of anything. The blocks
    # that are read are each held against their digest as they are.
    if fault := ledger.verify(blocks=False):
        raise LedgerError(f"{ledger.name}: {fault}; nothing was compared")
    entry = chosen(ledger, options.environment, options.number)
    before = (
        ledger.last(entry.environment, entry.number)
        if options.baseline is None
        else baseline(ledger, entry, options.baseline)
    )
    summary = ledger.recall(entry)
    comparison = compare(summary, past(ledger, before) if before is not None else None)
    gate = Severity(options.gate or summary["verdict"]["gate"])
    stale = _stale(summary, oldest, options)
    decision = decide(summary, comparison, gate=gate, new_only=options.new_only, stale=stale)
    gated = Gated(_with_gate(summary, gate, decision.code), comparison, decision, gate, options.new_only)
    _put(gated, outputs)
    return decision.code


def chosen(ledger: Ledger, environment: str | None, number: int | None) -> Entry:
    """Return the run asked for; raises ``LedgerError`` if there is none."""
    if number is None:
        entry = ledger.last(environment or "lab")
        if entry is None:
            raise LedgerError(f"{ledger.name}: no run on {environment or 'lab'} is recorded")
        return entry
    entry = ledger.find(number)
    if entry is None or entry.kind != "run":
        raise LedgerError(f"{ledger.name}: no run {number} is recorded")
    if environment not in (None, entry.environment):
        raise LedgerError(f"{ledger.name}: run {number} was on {entry.environment}, not on {environment}")
    return entry


def _oldest(options: argparse.Namespace) -> datetime | None:
    """Return the moment before which a run is too old; raises ``AuthorError``."""
    text = options.max_age or (DAY if options.number is None else None)
    try:
        return Period(text).before(datetime.now(UTC)) if text else None
    except (ValueError, OverflowError) as error:
        raise AuthorError(f"--max-age: {error}") from None


def _stale(summary: Summary, oldest: datetime | None, options: argparse.Namespace) -> str | None:
    """Return why the run is not the one that the deploy needs, or ``None``."""
    run = summary["run"]
    if oldest is not None and datetime.fromisoformat(run["ended"]) < oldest:
        return f"the last run ended {run['ended']}, longer ago than {options.max_age or DAY}"
    if options.commit is None:
        return None
    wanted = str(options.commit).lower()
    commit = run["git"]["commit"] if run["git"] else None
    if len(wanted) < 7 or commit is None or not commit.startswith(wanted):
        return f"the run is of {f'commit {commit[:12]}' if commit else 'no commit'}, not of {wanted[:12]}"
    return None


def _with_gate(summary: Summary, gate: Severity, code: int) -> Summary:
    """Return the summary as it would be had the run been made with this gate."""
    ranks = {severity.value: severity.rank for severity in Severity}
    failures = [
        cast(Failure, {**one, "gated": ranks[one["severity"]] <= gate.rank}) for one in summary["failures"]
    ]
    verdict = {**summary["verdict"], "gate": gate.value, "exit_code": code}
    return cast(Summary, {**summary, "verdict": verdict, "failures": failures})


def _outputs(given: Iterable[str], output: Path | None) -> list[tuple[str, Path | None]]:
    """Return each format with its file, ``None`` for the terminal; raises ``AuthorError``."""
    outputs: list[tuple[str, Path | None]] = []
    for one in given:
        name, _, file = one.partition("=")
        if name not in FORMATS:
            raise AuthorError(f"--format: {name!r} is none of {', '.join(FORMATS)}")
        outputs.append((name, Path(file) if file else None))
    bare = [name for name, file in outputs if file is None]
    if len(bare) > 1:
        raise AuthorError(f"--format: only one may go without a file, not {' and '.join(bare)}")
    if output is not None:
        name = bare[0] if bare else "text"
        outputs = [pair for pair in outputs if pair[1] is not None] + [(name, output)]
        bare = []
    if not bare and "text" not in [name for name, _ in outputs]:
        outputs.append(("text", None))
    return outputs


def _put(gated: Gated, outputs: Iterable[tuple[str, Path | None]]) -> None:
    """Write every output; the terminal's last, so that it ends with the decision."""
    shown: str | None = None
    for name, file in outputs:
        if file is None:
            shown = name
            continue
        try:
            write_whole(file, FORMATS[name](gated))
        except OSError as error:
            raise PolicyproofError(f"{file}: could not be written ({error.strerror})") from None
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(gated, shown)
    if shown == "text":
        sys.stdout.write(gate_output.text(gated, colour=terminal.coloured(sys.stdout)))
    elif shown is not None:
        sys.stdout.write(FORMATS[shown](gated))
    if shown != "text":
        print(gate_output.headline(gated), file=sys.stderr)


def _tell_github(gated: Gated, shown: str | None) -> None:
    """Annotate the job, unless another format has the terminal, and add to its summary."""
    if shown == "text":
        sys.stdout.write(gate_output.github_annotations(gated))
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(gate_output.github_summary(gated))
    except OSError as error:
        raise PolicyproofError(f"$GITHUB_STEP_SUMMARY: could not be written ({error.strerror})") from None
