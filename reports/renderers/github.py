"""What GitHub Actions shows of a run: annotations in the log and on files, and the summary of a job."""

# No import of annotations from __future__: a function of this module has that name.

from collections.abc import Iterator

from reports.renderers import markdown
from reports.renderers.gfm import code, cut, plain, table
from reports.renderers.rows import SEVERITIES, Row, Turns, controls, rows, source_files
from reports.renderers.sarif_text import file_of, relative
from reports.renderers.words import WORDS, counted, place
from reports.shape import Summary
from reports.shape.compare import Change, Comparison
from reports.shape.states import State

SHOWN = 10
"""Annotations of one level that GitHub shows of one step; it drops the rest without a word."""
LIMIT = 1_000_000
"""Bytes of a job's summary; GitHub refuses more than a mebibyte."""
LISTED = 50
"""Changes of one kind that the summary of a job lists."""
_LONGEST = 2_000


def annotations(summary: Summary, comparison: Comparison | None = None) -> str:
    """Return workflow commands, worst first: errors that stop the run, warnings, and notices of waivers.

    The first says what the run came to, and how much is told elsewhere only.
    """
    turns = Turns(comparison) if comparison is not None else None
    gated = {(one["control"], one["target"]) for one in summary["failures"] if one["gated"]}
    levels: dict[str, list[tuple[tuple[int, int, int], str]]] = {"error": [], "warning": [], "notice": []}
    files = source_files(controls(summary))
    for row in rows(summary):
        if row.kind == "holds":
            continue
        level = _level(row, gated)
        old = turns is not None and turns.of(row) == "still-failing"
        # One of each verdict comes before the second of any.
        order = (int(not row.first), int(old), SEVERITIES.index(row.severity))
        levels[level].append((order, _annotation(level, row, files)))
    named = {control["id"] for control in controls(summary)}
    for gap in summary["gaps"]:
        if gap["control"] not in named:
            text = f"{gap['control']} did not run: {gap['reason']}"
            levels["error"].append(((0, 0, 0), _command("error", text, title="policyproof: did not run")))
    for error in summary["errors"]:
        text = f"A control could not be loaded: {error}"
        levels["error"].append(((0, 0, 0), _command("error", text, title="policyproof: not loaded")))
    # One place of the level of the headline is its own.
    level = "notice" if summary["verdict"]["exit_code"] == 0 else "error"
    kept: list[str] = []
    left = 0
    for name, found in levels.items():
        room = SHOWN - (name == level)
        kept += [command for _, command in sorted(found, key=lambda one: one[0])[:room]]
        left += max(len(found) - room, 0)
    return "\n".join([_headline(summary, level, left), *kept]) + "\n"


def job_summary(summary: Summary, comparison: Comparison | None = None) -> str:
    """Return what changed and then the whole report, as Markdown that GitHub shows in one piece."""
    head = cut("\n".join(_changes(comparison)) + "\n\n" if comparison is not None else "", LIMIT // 3)
    return head + cut(markdown.render(summary), LIMIT - len(head.encode()))


def _headline(summary: Summary, level: str, left: int) -> str:
    verdict = summary["verdict"]
    text = " ".join([verdict["headline"], *verdict["caveats"]])
    if left:
        text += f" {counted(left, 'thing')} more not annotated here: the report has them all."
    mark = "LAB, synthetic data: " if summary["environment"]["synthetic"] else ""
    title = f"{mark}privacy policy, {summary['environment']['label']}: {WORDS[verdict['state']][1]}"
    return _command(level, text, title=title)


def _level(row: Row, gated: set[tuple[str, str]]) -> str:
    if row.kind == "found" and row.state == "waived":
        return "notice"
    return "error" if row.kind == "found" and (row.control["id"], row.target) in gated else "warning"


def _annotation(level: str, row: Row, known: frozenset[str]) -> str:
    control = row.control
    where = file_of(row, known)
    what = "waived: " if level == "notice" else ""
    text = f"{what}{row.target + ': ' if row.target else ''}{row.text}"
    if row.kind == "found":
        text += f"\nWhat to do: {row.remedy}"
    file = where["path"] if relative(where["path"]) is not None else None
    title = f"{control['id']} ({control['severity']}) {control['title']}"
    return _command(level, text, file=file, line=where["line"], title=title)


def _command(level: str, text: str, *, file: str | None = None, line: int | None = None, title: str) -> str:
    """Return a workflow command on one line; no text in it can end it or begin another."""
    given = {"file": file, "line": line if file is not None else None, "title": " ".join(title.split())}
    properties = ",".join(
        f"{name}={_property(str(value))}" for name, value in given.items() if value is not None
    )
    return f"::{level} {properties}::{_data(text[:_LONGEST])}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _changes(comparison: Comparison) -> Iterator[str]:
    baseline = comparison["baseline"]
    if baseline is None:
        yield "## Since the last run\n"
        yield "There is no run to compare with: everything that fails counts as new."
    else:
        commit = f", commit {code(baseline['commit'][:12])}" if baseline["commit"] else ""
        yield f"## Since run {baseline['number']} of {plain(baseline['started'])}{commit}\n"
    lists = (
        ("New", comparison["new"]),
        ("No longer assessed", comparison["no_longer_assessed"]),
        ("Still failing", comparison["still_failing"]),
        ("Fixed", comparison["fixed"]),
    )
    yield "\n" + " · ".join(f"**{len(found):,}** {name.lower()}" for name, found in lists)
    for name, found in lists:
        if found:
            yield f"\n### {name}\n"
            worst = sorted(found, key=lambda one: SEVERITIES.index(one["severity"]))[:LISTED]
            yield from table(
                ("Severity", "Control", "Target", "What", "Was → now"), [_row(one) for one in worst]
            )
            if len(found) > LISTED:
                yield f"\nand {len(found) - LISTED:,} more"


def _row(one: Change) -> tuple[str, ...]:
    where = f" at {code(place(one['location']))}" if one["location"] is not None else ""
    what = f"{code(one['subject'])} {plain(one['detail'])}{where}" if one["subject"] else plain(one["detail"])
    return (
        one["severity"],
        f"{code(one['control'])} {plain(one['title'])}",
        code(one["target"]),
        what,
        f"{_state(one['was'])} → {_state(one['now'])}",
    )


def _state(state: State | None) -> str:
    return WORDS[state][1].lower() if state is not None else "not there"
