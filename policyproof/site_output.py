"""What ``policyproof site`` says: text for a reader, or one JSON document; names, never values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from checks.connectors.browser_record import StateSeen, Visit
from checks.core.model import Observation, Outcome
from checks.detectors.vendors import Vendors

SECTIONS = ("cookies", "storage", "third parties", "fingerprinting", "forms", "links to other sites")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Report:
    """A visit and what the checks say of it, each with the check's name."""

    site: str
    owns: Callable[[str], bool]
    visit: Visit
    observed: list[tuple[str, Observation]]

    @property
    def findings(self) -> list[tuple[str, Observation]]:
        """What speaks against the site."""
        return [one for one in self.observed if one[1].outcome is Outcome.VIOLATED]

    @property
    def unseen(self) -> dict[str, str]:
        """What was not looked at, with the reason, each once."""
        return {o.subject: o.detail for _, o in self.observed if o.outcome is Outcome.UNSEEN}

    @property
    def exit_code(self) -> int:
        """1 for findings, 3 if something was not looked at, else 0."""
        return 1 if self.findings else 3 if self.unseen else 0

    def things(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Yield what was met, once each: section, name, in which states, facts."""
        met: dict[tuple[str, str], tuple[list[str], dict[str, Any]]] = {}
        for state in self.visit.states:
            for section, name, facts in self._of(state):
                states, _ = met.setdefault((section, name), ([], facts))
                if state.name not in states:
                    states.append(state.name)
        for (section, name), (states, facts) in met.items():
            always = len(states) == len(self.visit.states)
            yield section, name, "in every state" if always else ", ".join(states), facts

    def _of(self, state: StateSeen) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for cookie in state.cookies:
            yield "cookies", cookie.name, asdict(cookie)
        for key in state.stored:
            yield "storage", f"{key.area} {key.key}", asdict(key)
        vendors = Vendors.load()
        for request in state.requests:
            if not self.owns(request.host):
                vendor = vendors.by_host(request.host)
                known = f"{vendor.title} ({', '.join(vendor.kinds)})" if vendor else None
                yield "third parties", request.host, {**asdict(request), "vendor": known}
            if request.kind == "form":
                yield "forms", request.url, {**asdict(request), "plain": request.url.startswith("http:")}
        for use in state.uses:
            yield "fingerprinting", use.api, asdict(use)
        for page in state.pages:
            for host in page.away:
                vendor = vendors.by_host(host)
                known = f"{vendor.title} ({', '.join(vendor.kinds)})" if vendor else None
                yield "links to other sites", host, {"host": host, "page": page.path, "vendor": known}


def write_text(report: Report, stream: TextIO) -> None:
    """Write what was met section by section, then the findings, then what it comes to."""
    visit = report.visit
    states = "; ".join(
        f"{state.loaded} page{'' if state.loaded == 1 else 's'} {state.name}" for state in visit.states
    )
    lines = [report.site, f"  {states}"]
    if visit.left:
        lines.append(f"  {visit.left} more links were not followed (--crawl)")
    things = list(report.things())
    for section in SECTIONS:
        lines += ["", f"{section}:"]
        inside = [one for one in things if one[0] == section]
        lines += [f"  {name}  {_facts(section, facts)}, {states}" for _, name, states, facts in inside]
        if not inside:
            lines.append("  none")
    lines += ["", "consent:", f"  {_dialog(visit)}"]
    if report.unseen:
        lines += ["", "not looked at:", *(f"  {name}: {reason}" for name, reason in report.unseen.items())]
    if report.findings:
        lines += ["", "findings:"]
        lines += [f"  {_title(check)}: {o.subject}: {o.detail}" for check, o in report.findings]
    lines += ["", _conclusion(report)]
    stream.write("\n".join(lines) + "\n")


def write_json(report: Report, stream: TextIO) -> None:
    """Write one JSON document."""
    visit = report.visit
    dialog = visit.dialog
    sections: dict[str, list[dict[str, Any]]] = {}
    for section, name, states, facts in report.things():
        sections.setdefault(section.replace(" ", "_"), []).append({**facts, "name": name, "when": states})
    document = {
        "site": report.site,
        "states": [
            {
                "state": state.name,
                "pages": [
                    {"path": p.path, "error": None if p.error is None else p.error.reason, "faults": p.faults}
                    for p in state.pages
                ],
            }
            for state in visit.states
        ],
        "links_not_followed": visit.left,
        **{section.replace(" ", "_"): [] for section in SECTIONS},
        **sections,
        "consent_dialog": None if dialog is None else asdict(dialog),
        "findings": [
            {
                "check": check,
                "subject": o.subject,
                "detail": o.detail,
                "where": o.location and o.location.path,
            }
            for check, o in report.findings
        ],
        "not_looked_at": report.unseen,
        "exit_code": report.exit_code,
    }
    stream.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _facts(section: str, facts: dict[str, Any]) -> str:
    known = [facts["vendor"]] if facts.get("vendor") else []
    if section == "links to other sites":
        return ", ".join([*known, f"on {facts['page']}"])
    if section == "forms":
        plain = ["unencrypted"] if facts["plain"] else []
        return ", ".join([facts["method"], f"on {facts['page']}", *plain])
    by = [f"by {facts['by']}"] if facts["by"] else []
    if section == "cookies":
        return ", ".join([f"set for {facts['host']}", *by, _lifetime(facts["lifetime"]), *_flags(facts)])
    if section == "storage":
        return ", ".join([f"of {facts['host']}", *by, *_holds(facts)])
    if section == "third parties":
        by += [f"brought by {one}" for one in facts["chain"][1:]]
        rule = [f"named by the filter list ({facts['rule']})"] if facts["rule"] else []
        return ", ".join([*known, f"{facts['kind']} on {facts['page']}", *by, *rule])
    return ", ".join([*by, f"on {facts['page']}"])


def _flags(cookie: dict[str, Any]) -> Iterable[str]:
    flags = [name for name, key in (("Secure", "secure"), ("HttpOnly", "http_only")) if cookie[key]]
    return [*flags, *_holds(cookie)]


def _holds(facts: dict[str, Any]) -> list[str]:
    return [f"holds {facts['holds']}"] if facts["holds"] else []


def _lifetime(seconds: float | None) -> str:
    if seconds is None:
        return "for the session"
    if seconds == 0:
        return "taken back"
    return f"for {seconds / _DAY:.0f} days" if seconds >= _DAY else f"for {seconds / 3600:.1f} h"


def _dialog(visit: Visit) -> str:
    if visit.dialog is None:
        return "no dialog was met"
    accept, refuse = visit.dialog.accept, visit.dialog.refuse
    yes = f"“{accept.text}”" if accept else "no button to accept"
    no = f"“{refuse.text}”" if refuse else "no button to refuse"
    return f"a dialog on {visit.dialog.page} with {yes} and {no}"


def _title(check: str) -> str:
    return check.partition(".")[2].replace("_", " ")


def _conclusion(report: Report) -> str:
    count = len(report.findings)
    if count:
        return f"{count} finding{'s' if count > 1 else ''}"
    return "nothing found, but something was not looked at" if report.unseen else "nothing found"
