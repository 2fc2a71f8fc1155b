"""A summary taken apart into a small head and blocks known by their digest, and put together again.

What is the same in two runs is the same block and kept once: the policy's sections while no state
changes, a control's evidence while what it looked at stays, the list of what fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from reports.ledger.chain import canonical, sha256
from reports.shape import SCHEMA, Control, Gap, Summary
from reports.shape.ledger import LETTERS, RUN_HEAD, RunHead
from reports.shape.states import State

IN_HEAD = ("run", "environment", "policy", "verdict", "counts", "digests")
"""Keys of a summary that its head holds as they are."""
PARTS = (
    "attestations",
    "checks",
    "coverage",
    "elsewhere",
    "engine_failures",
    "errors",
    "failures",
    "gaps",
    "not_assessed",
    "promises",
    "sections",
    "waivers",
)
"""Keys of a summary that are a block each."""
KEPT_PARTS = frozenset({"attestations", "checks", "coverage", "elsewhere", "sections", "waivers"})
"""Parts that outlive a prune: they tell what was promised and by whom, not what was observed."""
WORDS: dict[str, State] = {letter: cast(State, state) for state, letter in LETTERS.items()}
"""Letter in ``RunHead.states`` → state."""
ORDER = "fndwp"
"""Letters of states, worst first."""


class PlanRow(NamedTuple):
    """One control on one target of a run; ``target`` is ``""`` where the control selected nothing."""

    control: str
    target: str
    severity: str


class FindingRow(NamedTuple):
    """What fails, or is waived: the fingerprints listed, and how ``more`` there were beyond the list."""

    control: str
    target: str
    fingerprints: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Packed:
    """A summary taken apart: ``blocks`` maps digests to canonical JSON."""

    head: RunHead
    blocks: dict[str, str] = field(default_factory=dict)


def controls_of(summary: Mapping[str, Any]) -> Iterator[Control]:
    """Yield each control of a summary once, in the order of the policy."""
    for section in summary["sections"]:
        yield from section["controls"]
    yield from summary["elsewhere"]


def pack(summary: Summary) -> Packed:
    """Take a summary apart; its place in a ledger, if it has one, is left out."""
    blocks: dict[str, str] = {}

    def keep(value: object) -> str:
        text = canonical(value)
        digest = sha256(text)
        blocks[digest] = text
        return digest

    plan, states, times, findings = [], [], [], []
    evidence: dict[str, str] = {}
    for control in controls_of(summary):
        name, severity = control["id"], control["severity"]
        verdicts: list[Mapping[str, Any]] = []
        for verdict in control["verdicts"]:
            plan.append((name, verdict["target"], severity))
            states.append(LETTERS[verdict["state"]])
            times.append((verdict["started"], verdict["seconds"]))
            verdicts.append({k: v for k, v in verdict.items() if k not in ("started", "seconds")})
            if seen := [f["fingerprint"] for f in verdict["findings"]]:
                more = max(0, verdict["counts"]["violated"] - len(seen))
                findings.append((name, verdict["target"], seen, more))
        evidence[name] = keep(verdicts)
        absent: list[Gap | None] = [*control["gaps"]] or ([] if verdicts else [None])
        _missing(absent, name, severity, plan, states, times)
    known = set(evidence)
    lost: list[Gap | None] = [gap for gap in summary["gaps"] if gap["control"] not in known]
    _missing(lost, None, "", plan, states, times)
    whole = {**summary, "ledger": None}
    head: dict[str, Any] = {key: summary[key] for key in IN_HEAD}  # type: ignore[literal-required]
    head |= {
        "schema": RUN_HEAD,
        "plan": keep(plan),
        "states": "".join(states),
        "findings": keep(findings),
        "evidence": evidence,
        "times": keep(times),
        "parts": {name: keep(_bare(name, whole[name])) for name in PARTS},
        "report": sha256(canonical(whole)),
    }
    return Packed(cast(RunHead, head), blocks)


def _missing(
    gaps: Iterable[Gap | None],
    control: str | None,
    severity: str,
    plan: list[Any],
    states: list[str],
    times: list[Any],
) -> None:
    """Add a row for each thing that did not run."""
    for gap in gaps:
        name = control if control is not None else gap["control"] if gap else ""
        plan.append((name, (gap["target"] if gap else None) or "", severity))
        states.append(LETTERS["did-not-run"])
        times.append(None)


def _bare(name: str, value: Any) -> Any:
    """Return a part without its verdicts, which are blocks of their own."""
    if name == "sections":
        return [{**s, "controls": [{**c, "verdicts": []} for c in s["controls"]]} for s in value]
    if name == "elsewhere":
        return [{**c, "verdicts": []} for c in value]
    return value


def unpack(head: RunHead, block: Callable[[str], Any]) -> Summary:
    """Put a summary together again; ``block`` returns the value of a digest, or raises."""
    summary: dict[str, Any] = {"schema": SCHEMA, "ledger": None}
    for key in IN_HEAD:
        summary[key] = head[key]  # type: ignore[literal-required]
    for name, digest in head["parts"].items():
        summary[name] = block(digest)
    times = iter(block(head["times"]))
    for control in controls_of(summary):
        control["verdicts"] = block(head["evidence"][control["id"]])
        for verdict in control["verdicts"]:
            verdict["started"], verdict["seconds"] = next(times)
        for _ in range(len(control["gaps"]) or (0 if control["verdicts"] else 1)):
            next(times)
    return cast(Summary, summary)


def named(head: RunHead) -> Iterator[tuple[str, bool]]:
    """Yield each digest that a head names, and whether a prune may remove that block."""
    yield head["plan"], False
    yield head["findings"], False
    yield head["times"], True
    for digest in head["evidence"].values():
        yield digest, True
    for name, digest in head["parts"].items():
        yield digest, name not in KEPT_PARTS


def turned(
    before: tuple[Iterable[PlanRow], str] | None, after: tuple[Iterable[PlanRow], str]
) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Yield ``(control, target, was, now)`` in letters for what differs; ``None``: not in that plan."""
    old, new = {} if before is None else _by_item(*before), _by_item(*after)
    for key, now in new.items():
        if old.get(key) != now:
            yield *key, old.get(key), now
    for key, was in old.items():
        if key not in new:
            yield *key, was, None


def _by_item(plan: Iterable[PlanRow], states: str) -> dict[tuple[str, str], str]:
    """Return the letter of each control and target, the worst where a plan names one twice."""
    result: dict[tuple[str, str], str] = {}
    for (control, target, _), letter in zip(plan, states, strict=True):
        seen = result.get((control, target))
        if seen is None or ORDER.index(letter) < ORDER.index(seen):
            result[control, target] = letter
    return result
