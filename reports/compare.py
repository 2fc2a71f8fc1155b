"""Two runs on one environment held against each other, finding by finding.

A finding is *open* while the verdict that holds it fails; what a waiver accepts is not open. One that is
open now and was not is *new*, so one whose waiver ran out is new again. One that was open and is not
is *fixed* only if its verdict was reached to the end now; else nobody knows, and it is *no longer
assessed*, as is every verdict that was reached before and is not now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from checks.core.model import Severity
from reports import shape
from reports.ledger import Entry, Ledger
from reports.ledger.packing import WORDS, controls_of
from reports.shape.compare import Baseline, Change, Comparison, Turn
from reports.shape.states import State

REACHED = frozenset({"fail", "waived", "pass"})
"""States of a verdict that was reached."""
NAMED = 20
"""New findings that :func:`brief` names."""
_BROKE_OFF = "; then the look broke off: "  # what the judge says of a failing look that did not end
_RANKS = {severity.value: severity.rank for severity in Severity}

Key = tuple[str, str]
"""Control and target."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one verdict held: its findings by fingerprint, and how many ``more`` were not listed."""

    state: State
    severity: str
    title: str
    marks: Mapping[str, shape.Observation | None] = field(default_factory=dict)
    more: int = 0
    whole: bool = True  # the look went to its end

    @property
    def open(self) -> Mapping[str, shape.Observation | None]:
        """The findings that count as failing."""
        return self.marks if self.state == "fail" else {}

    @property
    def unlisted(self) -> int:
        """How many findings that count as failing are not listed."""
        return max(self.more, int(not self.marks)) if self.state == "fail" else 0

    @property
    def settled(self) -> bool:
        """Whether a finding that is not listed here is gone."""
        return self.state in ("pass", "waived") or (self.state == "fail" and self.whole and not self.more)


@dataclass(frozen=True, slots=True)
class Past:
    """The run that another is held against; ``evidence`` returns a control's verdicts, ``None`` if pruned."""

    baseline: Baseline
    held: Mapping[Key, Held]
    evidence: Callable[[str], Sequence[shape.Verdict] | None] = lambda control: None

    def observation(self, key: Key, mark: str) -> shape.Observation | None:
        """Return the finding with a fingerprint, or ``None`` if its evidence was pruned."""
        known = self.held[key].marks.get(mark)
        if known is not None:
            return known
        verdicts = self.evidence(key[0]) or ()
        seen = (one for verdict in verdicts if verdict["target"] == key[1] for one in verdict["findings"])
        return next((one for one in seen if one["fingerprint"] == mark), None)


def past(ledger: Ledger, entry: Entry) -> Past:
    """Return a recorded run to be held against; enough of it outlives a prune."""
    head = entry.read()
    git = head["run"]["git"]
    listed = {(row.control, row.target): row for row in ledger.findings(entry)}
    sections = ledger.part(entry, "sections") or []
    elsewhere = ledger.part(entry, "elsewhere") or []
    titles = {one["id"]: one["title"] for part in sections for one in part["controls"]}
    titles |= {one["id"]: one["title"] for one in elsewhere}
    held = {}
    for row, letter in zip(ledger.plan(entry), head["states"], strict=True):
        key = row.control, row.target
        known = listed.get(key)
        held[key] = Held(
            state=WORDS[letter],
            severity=row.severity,
            title=titles.get(row.control, row.control),
            marks=dict.fromkeys(known.fingerprints) if known else {},
            more=known.more if known else 0,
        )
    baseline = Baseline(
        number=entry.number,
        run_id=entry.id,
        started=entry.started,
        digest=entry.digest,
        commit=git["commit"] if git else None,
    )
    return Past(baseline, held, lambda control: ledger.verdicts(entry, control))


def past_summary(before: shape.Summary) -> Past:
    """Return a run whose summary is at hand to be held against."""
    run, at = before["run"], before["ledger"]
    baseline = Baseline(
        number=at["number"] if at else 0,
        run_id=run["id"],
        started=run["started"],
        digest=at["digest"] if at else "",
        commit=run["git"]["commit"] if run["git"] else None,
    )
    return Past(baseline, dict(_held(before)))


def compare(now: shape.Summary, before: Past | shape.Summary | None) -> Comparison:
    """Return what changed since ``before``; worst first, whatever order either has.

    Each finding that was open is in exactly one of *still failing*, *fixed* and *no longer assessed*,
    each that is open in one of *new* and *still failing*.
    """
    then = before if before is None or isinstance(before, Past) else past_summary(before)
    here = dict(_held(now))
    unloaded = {control for control, target in here if not target}
    turns: dict[Turn, list[Change]] = {"new": [], "still-failing": [], "fixed": [], "no-longer-assessed": []}
    for key, held in here.items():
        for one in _opened(key, held, then.held.get(key) if then else None):
            turns[one["turn"]].append(one)
    for key in then.held if then else ():
        # A control that could not be loaded is expected without its targets.
        held_now = here.get(key)
        state = held_now.state if held_now else "did-not-run" if key[0] in unloaded else None
        for one in _closed(key, then, held_now, state):  # type: ignore[arg-type]
            turns[one["turn"]].append(one)
    for changes in turns.values():
        changes.sort(key=_order)
    return Comparison(
        baseline=then.baseline if then else None,
        new=turns["new"],
        still_failing=turns["still-failing"],
        fixed=turns["fixed"],
        no_longer_assessed=turns["no-longer-assessed"],
    )


def _held(summary: shape.Summary) -> Iterator[tuple[Key, Held]]:
    """Yield what each verdict of a summary held, and what did not run."""
    known = set()
    for control in controls_of(summary):
        name, severity, title = control["id"], control["severity"], control["title"]
        known.add(name)
        for gap in control["gaps"]:
            yield (name, gap["target"] or ""), Held("did-not-run", severity, title)
        if not control["verdicts"] and not control["gaps"]:
            yield (name, ""), Held("did-not-run", severity, title)
        for verdict in control["verdicts"]:
            findings = verdict["findings"]
            yield (
                (name, verdict["target"]),
                Held(
                    state=verdict["state"],
                    severity=severity,
                    title=title,
                    marks={one["fingerprint"] or "": one for one in findings},
                    more=max(0, verdict["counts"]["violated"] - len(findings)),
                    whole=not unended(verdict),
                ),
            )
    for gap in summary["gaps"]:
        if gap["control"] not in known:
            yield (gap["control"], gap["target"] or ""), Held("did-not-run", "", gap["control"])


def unended(verdict: shape.Verdict) -> bool:
    """Whether a failing look left something out, so that more may be wrong than was found."""
    cut = verdict["counts"]["unseen"] > 0 or _BROKE_OFF in verdict["reason"]
    return verdict["state"] == "fail" and cut


def _opened(key: Key, now: Held, was: Held | None) -> Iterator[Change]:
    """Yield what fails now: new, or still."""
    before = was.open if was else {}
    state = was.state if was else None
    for mark, seen in now.open.items():
        yield _change("still-failing" if mark in before else "new", key, now, state, now.state, mark, seen)
    if now.unlisted:
        # More are not listed than can have been there before: then some of them are new for certain.
        room = len(before.keys() - now.open.keys()) + was.unlisted if was else 0
        turn: Turn = "new" if now.unlisted > room else "still-failing"
        yield _change(turn, key, now, state, now.state, detail=_unlisted(now.unlisted))


def _closed(key: Key, then: Past, now: Held | None, state: State | None) -> Iterator[Change]:
    """Yield what failed and does not now, or what is not known to; and a verdict no longer reached."""
    was = then.held[key]
    gone = [mark for mark in was.open if now is None or mark not in now.open]
    turn: Turn = "fixed" if now is not None and now.settled else "no-longer-assessed"
    for mark in gone:
        yield _change(turn, key, was, was.state, state, mark, then.observation(key, mark))
    if was.unlisted and turn == "fixed" and now is not None and now.state != "fail":
        yield _change("fixed", key, was, was.state, state, detail=_unlisted(was.unlisted))
    if was.state in REACHED and state not in REACHED and (not gone or was.unlisted):
        yield _change("no-longer-assessed", key, was, was.state, state)


def _unlisted(number: int) -> str:
    return f"{number:,} more, which the report does not list"


def _change(
    turn: Turn,
    key: Key,
    held: Held,
    was: State | None,
    now: State | None,
    mark: str | None = None,
    seen: shape.Observation | None = None,
    detail: str = "",
) -> Change:
    if mark is not None and seen is None:
        detail = "its evidence was pruned from the ledger"
    return Change(
        turn=turn,
        control=key[0],
        title=held.title,
        severity=held.severity,
        target=key[1],
        was=was,
        now=now,
        fingerprint=mark,
        subject=seen["subject"] if seen else "",
        detail=seen["detail"] if seen else detail,
        location=seen["location"] if seen else None,
    )


def _order(change: Change) -> tuple[int, str, str, str, str, str]:
    return (
        _RANKS.get(change["severity"], -1),
        change["control"],
        change["target"],
        change["subject"],
        change["detail"],
        change["fingerprint"] or "",
    )


def brief(comparison: Comparison) -> list[str]:
    """Return the lines with which a run in the terminal ends: what changed, and the new ones by name."""
    baseline, new = comparison["baseline"], comparison["new"]
    if baseline is None:
        lines = [f"no run before this one on this environment: {len(new):,} new"]
    else:
        lines = [f"since run {baseline['number']}: {told(comparison)}"]
    lines += [f"  new: {named(change)}" for change in new[:NAMED]]
    if len(new) > NAMED:
        lines.append(f"  and {len(new) - NAMED:,} more new")
    return lines


def told(comparison: Comparison) -> str:
    """Return the four numbers of a comparison in words."""
    numbers: Iterable[tuple[str, Sequence[Change]]] = (
        ("new", comparison["new"]),
        ("still failing", comparison["still_failing"]),
        ("fixed", comparison["fixed"]),
        ("no longer assessed", comparison["no_longer_assessed"]),
    )
    return ", ".join(f"{len(changes):,} {word}" for word, changes in numbers)


def named(change: Change) -> str:
    """Return one change in one line."""
    where = f"{change['control']} on {change['target']}" if change["target"] else change["control"]
    said = ": ".join(part for part in (change["subject"], change["detail"]) if part)
    return " ".join(f"{change['severity']} {where}: {said or change['title']}".split())
