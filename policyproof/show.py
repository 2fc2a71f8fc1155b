"""``policyproof show``: a recorded run in the terminal, down to what one control saw."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from tabulate import tabulate

from checks.core.errors import nearest
from policyproof import ledger_option, terminal
from policyproof.terminal import safe
from reports import shape
from reports.ledger import Ledger, LedgerError
from reports.renderers import json_, words
from reports.view import queries
from reports.view.queries import ControlLine, RunLine

EPILOG = """\
examples:
  policyproof show last                             the last run, whichever environment it was on
  policyproof show last --environment staging
  policyproof show 12                               run 12
  policyproof show 0b5c0f5e --control CARD-02       what one control saw
  policyproof show last --json > report.json        the whole, as it was recorded
"""
LISTED = 50
"""Observations of one list that are printed; --json gives all that were recorded."""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "show",
        help="a recorded run in the terminal",
        description="Shows a run from the ledger. Nothing is run. Exit code 0, whatever the run came to.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("which", metavar="RUN", help="number, beginning of an id, or `last`")
    command.add_argument("--environment", metavar="NAME", help="the environment of `last`")
    command.add_argument("--control", metavar="ID", help="only this control, with its evidence")
    command.add_argument("--json", action="store_true", help="as JSON, for programs")
    ledger_option.add_to(command)
    command.set_defaults(run=run_show)


def run_show(options: argparse.Namespace) -> int:
    """Print the run; return 0."""
    ledger = ledger_option.opened(options)
    line = chosen(ledger, options.which, options.environment)
    if options.control is None:
        if options.json:
            print(json_.render(ledger.recall(line.entry)), end="")
        else:
            for text in whole(ledger, line, colour=terminal.coloured(sys.stdout)):
                print(text)
        return 0
    control = one_control(ledger, line, options.control)
    verdicts = ledger.verdicts(line.entry, control.id)
    if options.json:
        if verdicts is None and any(state != "did-not-run" for _, state in control.states):
            raise LedgerError(f"{ledger.name}: the observations of run {line.entry.number} were pruned")
        print(json.dumps(verdicts or [], indent=2, ensure_ascii=False))
    else:
        for text in evidence(line, control, verdicts, colour=terminal.coloured(sys.stdout)):
            print(text)
    return 0


def chosen(ledger: Ledger, which: str, environment: str | None) -> RunLine:
    """Return the run asked for; raises ``LedgerError`` if there is none, or it was changed."""
    if which == "last":
        entry = next(iter(ledger.entries(environment=environment, newest_first=True, limit=1)), None)
    else:
        entry = ledger.find(int(which)) if which.isascii() and which.isdigit() else None
        if entry is None or entry.kind != "run":
            entry = ledger.find_run(which)
    if entry is None:
        on = f" on {safe(environment)}" if environment else ""
        named = f"no run{on} is recorded" if which == "last" else f"no run {safe(which)[:60]} is recorded"
        raise LedgerError(f"{ledger.name}: {named}")
    if environment not in (None, entry.environment):
        raise LedgerError(f"{ledger.name}: run {entry.number} was on {safe(entry.environment)}")
    return queries.read(entry)


def one_control(ledger: Ledger, line: RunLine, name: str) -> ControlLine:
    """Return a control of a run; raises ``LedgerError`` with the nearest name if it has none."""
    every = {one.id: one for section in queries.sections(ledger, line) for one in section.controls}
    if name not in every:
        number = line.entry.number
        raise LedgerError(f"run {number} has no control {safe(name)[:60]}{nearest(name, every)}")
    return every[name]


def _first_lines(line: RunLine, *, colour: bool) -> Iterator[str]:
    entry, verdict = line.entry, line.head["verdict"]
    if line.head["environment"]["banner"]:
        yield safe(line.head["environment"]["banner"])
    yield f"run {entry.number} on {safe(entry.environment)}, {words.moment(entry.started)}, id {entry.id}"
    yield f"{terminal.state(verdict['state'], colour=colour)}: {safe(verdict['headline'])}"
    if not verdict["complete"]:
        yield "INCOMPLETE: something that should have run did not"
    for caveat in verdict["caveats"]:
        yield f"- {safe(caveat)}"


def whole(ledger: Ledger, line: RunLine, *, colour: bool) -> Iterator[str]:
    """Yield the run by section of the policy."""
    head = line.head
    yield from _first_lines(line, colour=colour)
    commit = "no commit recorded"
    if head["run"]["git"]:
        commit = f"commit {head['run']['git']['commit'][:12]}"
        commit += ", with changes that are in none" if head["run"]["git"]["dirty"] else ""
    yield f"{commit}; {safe(line.trigger)}; digest {line.entry.digest}"
    yield ""
    rows = [
        [
            safe(one.id),
            one.severity or "unknown",
            terminal.state(one.state, colour=colour),
            words.tallied(one.counts),
            safe(one.known["title"]) if one.known else "",
        ]
        for section in queries.sections(ledger, line)
        for one in section.controls
    ]
    headers = ["Control", "Severity", "Result", "Verdicts", "Title"]
    yield tabulate(rows, headers=headers, disable_numparse=True)
    yield ""
    yield f"all controls: {words.tallied(head['counts']['verdicts'])}"


def evidence(
    line: RunLine, control: ControlLine, verdicts: list[shape.Verdict] | None, *, colour: bool
) -> Iterator[str]:
    """Yield what one control saw: verdicts, worst first, with their masked findings."""
    yield from _first_lines(line, colour=colour)
    yield ""
    title = safe(control.known["title"]) if control.known else "no control file of this name was loaded"
    yield f"{safe(control.id)} ({control.severity or 'unknown severity'}): {title}"
    known = {verdict["target"] for verdict in verdicts or ()}
    if verdicts is None and any(state != "did-not-run" for _, state in control.states):
        yield "PRUNED: the evidence of this run is no longer in the ledger; what it came to is:"
    for target, state in control.states:
        if target not in known:
            yield f"{terminal.state(state, colour=colour)} {safe(target or 'no target')}"
    for verdict in sorted(verdicts or (), key=lambda one: queries.WORST_FIRST.index(one["state"])):
        yield ""
        shown = terminal.state(verdict["state"], colour=colour)
        yield f"{shown} {safe(verdict['target'])}: {safe(verdict['reason'])}"
        if verdict["measures"]:
            sampled = ", a sample and not the whole" if verdict["extent"] == "sampled" else ""
            yield f"  looked at {safe(words.amounts(verdict['measures']))}{sampled}"
        counts = verdict["counts"]
        yield from _observations("finding", verdict["findings"], counts["violated"])
        yield from _observations("not seen", verdict["unseen"], counts["unseen"])
        for waiver in verdict["waivers"]:
            accepted = f"{safe(waiver['reason'])} (approved by {safe(waiver['approver'])}"
            yield f"  waiver: {accepted}, {words.days(waiver['days_left'])})"
    if control.known and control.state == "fail":
        yield ""
        yield f"What to do: {safe(control.known['remediation'])}"


def _observations(name: str, rows: list[shape.Observation], total: int) -> Iterator[str]:
    for row in rows[:LISTED]:
        place = f" ({safe(words.place(row['location']))})" if row["location"] else ""
        yield f"  {name}: {safe(row['subject'])}: {safe(row['detail'])}{place}"
    if total > len(rows[:LISTED]):
        yield f"  and {total - len(rows[:LISTED]):,} more"
