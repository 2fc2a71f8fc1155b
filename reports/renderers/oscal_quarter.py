"""The report for governance tools over a period: OSCAL assessment results (JSON) from the quarterly report.

Findings are on controls (objectives) and on sentences of the policy (statements, named as in the component
definition). Only *held throughout* is satisfied: an objective that held with exceptions was not met at
times, and one that was not sufficiently observed was not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reports.quarter.shape import Opinion, Quarter
from reports.quarter.shape_coverage import Attested
from reports.renderers import words
from reports.renderers.oscal_observed import end_of
from reports.renderers.oscal_parts import (
    NS,
    Node,
    document,
    link,
    markup,
    metadata,
    props,
    prose,
    resource,
    token,
    uuid,
    without_empty,
)
from reports.renderers.oscal_quarter_findings import OPINIONS, Concluded
from reports.renderers.oscal_scope import (
    activities,
    assets,
    objectives,
    plan,
    policy_text,
    reviewed,
    targets,
)


def quarter_results(quarter: Quarter) -> str:
    """Return the period as an OSCAL assessment-results document, the same text each time."""
    return document("assessment-results", _Period(quarter).body())


class _Period(Concluded):
    """The document around the findings."""

    def body(self) -> Node:
        """Return the document without its identifier."""
        listed = [self.objective(one) for one in self.quarter["timelines"]]
        files = [self._ledger(), *self._policies()]
        rows = [
            [control["id"], target["target"], control["severity"]]
            for control in self.quarter["traceability"]["controls"]
            for target in control["targets"]
        ]
        planned = plan(uuid("plan", *self.scope), rows, {"ledger": self.title["ledger"]["digest"]})
        checks = {one["name"]: one["version"] for one in self.quarter["traceability"]["checks"]}
        mark = "[LAB, synthetic data] " if self.environment["synthetic"] else ""
        heading = f"{mark}Privacy policy report: {markup(self.environment['label'])}"
        about = {"environment": self.environment["id"], "synthetic": self.environment["synthetic"]}
        return {
            "metadata": metadata(
                f"{heading}, {markup(self.period['title'])}",
                self.title["made"],
                self.period["id"],
                props({**about, "period": self.period["id"], "prepared-by": self.title["prepared_by"]}),
                self.environment["banner"],
            ),
            "import-ap": {
                "href": f"#{planned['uuid']}",
                "remarks": "There is no OSCAL assessment plan. This resource holds the plan of the last run "
                "of the period; the ledger holds the plan of each.",
            },
            "local-definitions": without_empty(
                {
                    "objectives-and-methods": objectives(listed),
                    "activities": activities(listed, checks, *self.scope),
                    "remarks": "Objectives are the controls of policyproof. Statements are the sentences "
                    "of the policy, named as in the component definition.",
                }
            ),
            "results": [self._result(files)],
            "back-matter": {"resources": [planned, *files]},
        }

    def _result(self, files: list[Node]) -> Node:
        runs = self.quarter["runs"]
        controls = [one["control"] for one in self.quarter["timelines"]]
        hosts = list(dict.fromkeys(run["host"] for run in runs)) or ["unknown"]
        whole = [self.observation(one) for one in self.quarter["timelines"]]
        findings = [
            *(self.finding(one) for one in self.quarter["timelines"]),
            *(self.statement(one) for one in self.quarter["opinions"]),
        ]
        uncovered = ", ".join(markup(one["id"]) for one in self.quarter["traceability"]["uncovered"])
        missing = f"Sentences of the policy that no control covers: {uncovered}." if uncovered else None
        return without_empty(
            {
                "uuid": uuid("result", *self.scope),
                "title": f"{markup(self.period['title'])} on {markup(self.environment['label'])}",
                "description": prose(
                    self.environment["banner"],
                    f"{words.counted(len(runs), 'run')} on "
                    f"{words.counted(self.quarter['numbers']['days_with_runs'], 'day')}, from the ledger "
                    "alone: no target was looked at for this report.",
                    *(markup(caveat) for caveat in self.title["caveats"]),
                ),
                "start": self.period["since"],
                "end": self.period["ended"],
                "props": self._numbers(),
                "links": [link(str(node["uuid"])) for node in files],
                "local-definitions": {
                    **targets(self.environment["id"], self.known.values()),
                    "assessment-assets": assets(self.versions, hosts),
                },
                "reviewed-controls": reviewed(
                    controls, "Every control that a run of the period was to hold.", missing
                ),
                "attestations": [
                    *(self._promise(one) for one in self.quarter["promises"]),
                    *(self._attested(one) for one in self.quarter["attestations"]),
                ],
                "assessment-log": {"entries": list(self._log())} if runs else None,
                "observations": [*whole, *(one.observation for one in self.failed)],
                "risks": [one.risk for one in self.failed],
                "findings": findings,
                "remarks": None if self.period["over"] else "The period had not ended.",
            }
        )

    def _numbers(self) -> list[Node]:
        said = self.quarter["numbers"]
        anchor = self.title["ledger"]
        return props(
            {
                "environment": self.environment["id"],
                "period": self.period["id"],
                "over": self.period["over"],
                "ledger-number": anchor["number"],
                "ledger-digest": anchor["digest"],
                "pruned-before": anchor["pruned_before"],
                **{f"opinions-{name}": count for name, count in said["opinions"].items()},
                **{
                    token(name.replace("_", "-")): value
                    for name, value in said.items()
                    if isinstance(value, (int, float))
                },
            }
        )

    def _promise(self, one: Opinion) -> Node:
        said = f"{OPINIONS[one['opinion']][0]}: {markup(one['reason'])}"
        about = {
            "promise": one["id"],
            "opinion": one["opinion"],
            "rule": one["rule"],
            "clause": one["clauses"],
        }
        return self._part("opinion", one["id"] + one["since"], one["title"], about, said)

    def _attested(self, one: Attested) -> Node:
        about = {
            "attestation": one["id"],
            "owner": one["owner"],
            "dated": [one["dated"], *one["renewals"]],
            "expires": end_of(one["expires"]),
            "expired": one["expired"],
            "state": one["state"] or "no-control-reads-it",
        }
        return self._part("attestation", one["id"], one["title"], about, markup(one["statement"]))

    def _part(self, name: str, key: str, title: str, about: Mapping[str, object], said: str) -> Node:
        part = {
            "uuid": uuid(name, *self.scope, key),
            "name": name,
            "ns": NS,
            "title": markup(title),
            "props": props(about),
            "prose": said,
        }
        return {"parts": [part]}

    def _log(self) -> Iterator[Node]:
        for run in self.quarter["runs"]:
            yield {
                "uuid": uuid("log", *self.scope, run["number"]),
                "title": f"Run number {run['number']}",
                "description": f"Verdicts: {words.tallied(run['counts'])}."
                + ("" if run["complete"] else " INCOMPLETE: something that should have run did not."),
                "start": run["started"],
                "end": run["ended"],
                "props": props(
                    {
                        "run": run["id"],
                        "ledger-digest": run["digest"],
                        "version": run["version"],
                        "host": run["host"],
                        "started-by": run["by"],
                        "reference": run["reference"],
                        "commit": run["commit"],
                        "changed-since-commit": run["dirty"],
                        "exit-code": run["exit_code"],
                        "evidence-removed": run["evidence_removed"],
                    }
                ),
            }
        for index, change in enumerate(self.quarter["changes"]["changes"]):
            yield {
                "uuid": uuid("change", *self.scope, index),
                "title": f"Changed: {change['what']}",
                "description": prose(*map(markup, change["details"]), *([] if change["details"] else ["-"])),
                "start": change["started"],
                "props": props(
                    {
                        "changed": change["what"],
                        "was": change["was"],
                        "now": change["now"],
                        "commit": change["commit_now"],
                    }
                ),
            }

    def _ledger(self) -> Node:
        anchor = self.title["ledger"]
        return resource(
            self.ledger,
            "Evidence ledger",
            prose(markup(anchor["verified"]), *map(markup, anchor["how"])),
            sha256=anchor["digest"],
            properties=props({"number": anchor["number"], "entries": anchor["entries"]}),
        )

    def _policies(self) -> Iterator[Node]:
        for digest, one in {one["digest"]: one for one in self.title["policies"]}.items():
            yield policy_text(one["id"], one["version"], one["effective"], digest)
