"""What the run says in the terminal when it ends."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from tabulate import tabulate

from checks.core.model import Run, Status, Verdict


def word_for(verdict: Verdict) -> str:
    """Return how a verdict is counted: pass, fail, waived, not assessed."""
    if verdict.waived:
        return "waived"
    return {Status.PASS: "pass", Status.FAIL: "fail"}.get(verdict.status, "not assessed")


def write_summary(terminal: Any, run: Run) -> None:
    """Write NOT ASSESSED, what did not run, and the closing table to pytest's terminal reporter."""
    _not_assessed(terminal, run)
    _incomplete(terminal, run)
    _table(terminal, run)


def _not_assessed(terminal: Any, run: Run) -> None:
    by_reason: dict[str, list[str]] = defaultdict(list)
    crashes = dict.fromkeys(verdict.crash for verdict in run.verdicts if verdict.crash)
    for verdict in run.verdicts:
        if verdict.status is Status.NOT_ASSESSED:
            by_reason[verdict.reason].append(f"{verdict.control}[{verdict.target}]")
    if by_reason:
        terminal.section("NOT ASSESSED", sep="=", yellow=True, bold=True)
        for reason, names in by_reason.items():
            shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
            terminal.write_line(f"{reason}", yellow=True)
            terminal.write_line(f"    {shown}")
    for crash in crashes:
        terminal.write_line("a bug of policyproof, please report it:", red=True)
        terminal.write_line(crash)


def _incomplete(terminal: Any, run: Run) -> None:
    if run.complete:
        return
    terminal.section("INCOMPLETE", sep="=", yellow=True, bold=True)
    for error in run.errors:
        terminal.write_line(error, yellow=True)
    reasons = Counter(gap.reason for gap in run.gaps)
    for reason, number in reasons.items():
        names = [g.control + (f"[{g.target}]" if g.target else "") for g in run.gaps if g.reason == reason]
        more = f" and {number - 6} more" if number > 6 else ""
        terminal.write_line(f"{number} expected: {reason}: {', '.join(names[:6])}{more}", yellow=True)


def _table(terminal: Any, run: Run) -> None:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in run.verdicts:
        counted[verdict.control][word_for(verdict)] += 1
    for gap in run.gaps:
        counted[gap.control]["did not run"] += 1
    columns = [
        word
        for word in ("pass", "fail", "waived", "not assessed", "did not run")
        if word == "pass" or any(c[word] for c in counted.values())
    ]
    rows = []
    for name, numbers in sorted(counted.items()):
        control = run.controls.get(name)
        rows.append(
            [
                name,
                control.title if control else "(no such control file)",
                control.severity.value if control else "",
                ", ".join(control.clauses) if control else "",
                *(numbers[word] or "·" for word in columns),
            ]
        )
    terminal.section(f"policyproof · {run.environment.label}", sep="=", bold=True)
    if rows:
        header = ["control", "title", "severity", "clauses", *columns]
        widths = [None, 58, None, None, *(None for _ in columns)]
        terminal.write_line(
            tabulate(
                rows,
                header,
                tablefmt="simple",
                maxcolwidths=widths,
                colalign=("left",) * 4 + ("right",) * len(columns),
            )
        )
        terminal.write_line("")
    totals = sum(counted.values(), Counter[str]())
    said = ", ".join(f"{number} {word}" for word, number in totals.items())
    colour = {0: {"green": True}, 1: {"red": True}}.get(run.exit_code, {"yellow": True})
    terminal.write_line(f"{conclusion(run)} ({said or 'nothing ran'})", bold=True, **colour)
    if run.environment.synthetic:
        terminal.write_line("This was the lab: synthetic data; it says nothing about production.", bold=True)


def conclusion(run: Run) -> str:
    """Return the run's outcome in words."""
    match run.exit_code:
        case 0:
            below = any(v.status is Status.FAIL and not v.waived for v in run.verdicts)
            return f"No violation at or above {run.gate.value}" if below else "Every promise checked holds"
        case 1:
            return "Violations found"
        case 3:
            return "No violation at the gate, but not everything was assessed"
    return "The run ended early"
