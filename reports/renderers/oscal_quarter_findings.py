"""What a period came to, as OSCAL findings: on controls, and on the sentences of the policy."""

from __future__ import annotations

from reports.quarter.shape import ControlFacts, Opinion, OpinionWord, Quarter, Timeline
from reports.renderers import words
from reports.renderers.oscal_parts import Node, line, markup, props, prose, token, uuid, without_empty
from reports.renderers.oscal_quarter_risks import Failed, failures
from reports.renderers.oscal_scope import TEST, Known, Objective, actor, method_of, objective_id, subject

OPINIONS: dict[OpinionWord, tuple[str, str, str]] = {
    "held-throughout": ("Held throughout", "satisfied", "pass"),
    "held-with-exceptions": ("Held with exceptions", "not-satisfied", "fail"),
    "did-not-hold": ("Did not hold", "not-satisfied", "fail"),
    "not-sufficiently-observed": ("Not sufficiently observed", "not-satisfied", "other"),
}
"""Opinion → its words, the status of an objective, and the reason."""


class Concluded:
    """Indexes of one quarterly report, each built once, and the findings made from them."""

    def __init__(self, quarter: Quarter) -> None:
        self.quarter = quarter
        self.title = quarter["title"]
        self.period, self.environment = self.title["period"], self.title["environment"]
        self.scope = (self.environment["id"], self.period["id"], self.title["ledger"]["digest"])
        self.ledger = uuid("ledger", *self.scope)
        # Everything is told as seen by the last version that ran; the log says which run had which.
        self.versions = self.title["versions"] or ["unknown"]
        self.origin = actor(self.versions[-1])
        self.known = {
            one["target"]: Known(one["target"], one["title"], one["kind"])
            for one in quarter["coverage"]["targets"]
        }
        for failing in quarter["failing"]["periods"]:  # targets that are gone by the end of the period
            name = failing["target"]
            self.known.setdefault(name, Known(name, name, "unknown"))
        self.traced = {one["id"]: one for one in quarter["traceability"]["controls"]}
        for control in self.traced.values():
            for target in control["targets"]:
                name = target["target"]
                self.known.setdefault(name, Known(name, name, "unknown"))
        self.facts: dict[str, list[ControlFacts]] = {}
        for opinion in quarter["opinions"]:
            for facts in opinion["controls"]:
                self.facts.setdefault(facts["control"], []).append(facts)
        self.never: dict[str, list[str]] = {}
        for one in quarter["coverage"]["never"]:
            self.never.setdefault(one["control"], []).append(one["target"])
        self.failed = list(failures(quarter, self.known, self.versions[-1], self.ledger))
        self.failed_on: dict[str, list[Failed]] = {}
        for failed in self.failed:
            self.failed_on.setdefault(failed.control, []).append(failed)

    def objective(self, one: Timeline) -> Objective:
        """Return what a control promises: the sentences that it serves."""
        traced = self.traced.get(one["control"])
        said = {clause["id"]: clause["commitment"] for clause in self.quarter["traceability"]["clauses"]}
        promised = [f"{markup(name)}: {markup(said[name])}" for name in one["clauses"] if name in said]
        kinds = (self.known[row["target"]].kind for row in traced["targets"]) if traced else ()
        methods = tuple(dict.fromkeys(method_of(kind) for kind in kinds)) or (TEST,)
        return Objective(
            one["control"], one["title"], prose(*promised, *([] if promised else ["-"])), methods
        )

    def observation(self, one: Timeline) -> Node:
        """Return what the runs of the period saw of a control."""
        traced = self.traced.get(one["control"])
        counts = ", ".join(
            f"{count:,} {words.WORDS[state][1].lower()}" for state, count in one["runs"].items() if count
        )
        spans = [
            f"{span['since']} to {span['until']}: "
            f"{words.WORDS[span['state']][1].lower() if span['state'] else 'not judged'} "
            f"({words.counted(span['runs'], 'run')})"
            for span in one["spans"]
        ]
        rows = traced["targets"] if traced else []
        last = max((span["last_seen"] for span in one["spans"]), default=self.period["ended"])
        return without_empty(
            {
                "uuid": uuid("observation", *self.scope, one["control"]),
                "title": markup(one["title"]),
                "description": prose(f"Runs by worst state: {counts or 'none'}.", *spans),
                "props": props(
                    {
                        "control": one["control"],
                        "since": one["since"],
                        "removed": one["removed"],
                        "evidence-block": traced["evidence"] if traced else None,
                        "evidence-run": traced["run"] if traced else None,
                    }
                ),
                "methods": list(self.objective(one).methods),
                "types": ["control-objective"],
                "origins": [self.origin],
                "subjects": [subject(self.environment["id"], self.known[row["target"]]) for row in rows],
                "relevant-evidence": [
                    {"href": f"#{self.ledger}", "description": "The runs of the period, in the ledger."}
                ],
                "collected": last,
            }
        )

    def finding(self, one: Timeline) -> Node:
        """Return the finding on a control's objective."""
        never = self.never.get(one["control"], [])
        facts = [f for f in self.facts.get(one["control"], ()) if f["opinion"] == one["opinion"]]
        failed = self.failed_on.get(one["control"], [])
        why = prose(
            *dict.fromkeys(markup(fact["reason"]) for fact in facts),
            f"Never assessed on: {', '.join(map(markup, never))}." if never else None,
        )
        return without_empty(
            {
                "uuid": uuid("control", *self.scope, one["control"]),
                "title": markup(one["title"]),
                "description": f"{OPINIONS[one['opinion']][0]}.",
                "props": props(
                    {
                        "control": one["control"],
                        "opinion": one["opinion"],
                        "severity": one["severity"],
                        "clause": one["clauses"],
                        "never-assessed": never,
                    }
                ),
                "origins": [self.origin],
                "target": {
                    "type": "objective-id",
                    "target-id": objective_id(one["control"]),
                    "title": markup(one["title"]),
                    "status": _status(one["opinion"], why, shown=not never),
                },
                "related-observations": self._observations([one["control"]]),
                "related-risks": [{"risk-uuid": failure.risk["uuid"]} for failure in failed],
            }
        )

    def statement(self, one: Opinion) -> Node:
        """Return the finding on a sentence of the policy, named as in the component definition."""
        names = [facts["control"] for facts in one["controls"]]
        never = any(name in self.never for name in names)
        failed = [failure for name in names for failure in self.failed_on.get(name, ())]
        return without_empty(
            {
                "uuid": uuid("clause", *self.scope, one["id"], one["since"]),
                "title": markup(one["title"]),
                "description": prose(
                    f"{OPINIONS[one['opinion']][0]}: {markup(one['reason'])}",
                    None if one["whole"] else f"For {one['since']} to {one['until']} only.",
                ),
                "props": props(
                    {
                        "clause": one["id"],
                        "opinion": one["opinion"],
                        "rule": one["rule"],
                        "since": one["since"],
                        "until": one["until"],
                        "days-with-evidence": one["days"],
                        "longest-gap-seconds": one["longest_gap"],
                    }
                ),
                "origins": [self.origin],
                "target": {
                    "type": "statement-id",
                    "target-id": token(f"clause-{one['id']}"),
                    "title": markup(one["title"]),
                    "status": _status(one["opinion"], markup(one["rule"]), shown=not never),
                },
                "related-observations": self._observations(names),
                "related-risks": [{"risk-uuid": failure.risk["uuid"]} for failure in failed],
            }
        )

    def _observations(self, controls: list[str]) -> list[Node]:
        known = {one["control"] for one in self.quarter["timelines"]}
        found = [uuid("observation", *self.scope, name) for name in controls if name in known]
        found += [
            str(failed.observation["uuid"]) for name in controls for failed in self.failed_on.get(name, ())
        ]
        return [{"observation-uuid": name} for name in found]


def _status(opinion: OpinionWord, why: str, *, shown: bool) -> Node:
    """Return the status for an opinion; what no run ever assessed somewhere is never satisfied."""
    _, state, reason = OPINIONS[opinion]
    if state == "satisfied" and not shown:
        state, reason = "not-satisfied", "other"
    return {"state": state, "reason": reason, "remarks": line(why)}
