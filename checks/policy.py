"""The policy that is published, and what it promises that no machine can see (policy 8, 13, 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.connectors.declared import Declared
from checks.connectors.http import Page, Site
from checks.core.errors import Nothing
from checks.core.model import Attestation, Endpoint, Measure, Observation
from checks.core.registry import Scope, check
from checks.detectors.policy_text import fingerprint, read_policy

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


def _policy_page(site: Site) -> Page:
    spec = site.target.spec
    assert isinstance(spec, Endpoint)  # noqa: S101  the registry gives targets of the kind read
    if spec.policy_page is None:
        raise Nothing(f"{spec.id}: the inventory names no policy_page")
    return site.get(spec.policy_page)


@check(reads="site")
def page_matches_lock(site: Site, scope: Scope) -> Iterator[Observation]:
    """The published policy is the one whose sentences are locked, sentence by sentence (policy 13.2)."""
    page = _policy_page(site)
    published = {clause: fingerprint(text) for clause, text in read_policy(page.text).clauses.items()}
    if not published:
        raise Nothing(f"{page.path}: no numbered section with a sentence was found")
    remedy = "Read the change, adapt the controls that cite the clause, then lock the page anew."
    changed = False
    for clause in sorted(scope.locked.keys() | published.keys(), key=_order):
        before, now = scope.locked.get(clause), published.get(clause)
        if before != now:
            changed = True
            fault = "is new" if before is None else "is gone" if now is None else "reads otherwise"
            yield Observation.violated(
                f"clause {clause}", f"{fault} on the page", location=page.location, remediation=remedy
            )
    if not changed:
        measure = Measure(len(published), "sentences")
        yield Observation.met(page.path, "every sentence as locked", measure, page.location)


def _order(clause: str) -> tuple[int, ...]:
    return tuple(int(part) for part in clause.split("."))


@check(reads="site")
def page_states_version_date_contact(site: Site) -> Iterator[Observation]:
    """The policy page says its effective date, its version, and whom to write to (policy 13.2, 14.1)."""
    page = _policy_page(site)
    text = read_policy(page.text)
    last = max((int(c.split(".")[0]) for c in text.clauses), default=0)
    contact = " ".join(s for c, s in text.clauses.items() if c.startswith(f"{last}."))
    for what, found in (
        ("effective date", text.effective is not None),
        ("version", text.version is not None),
        ("e-mail address for privacy questions", EMAIL.search(contact) is not None),
    ):
        if found:
            yield Observation.met(what, "stated", Measure(1, "statements"), page.location)
        else:
            yield Observation.violated(what, "is not stated in a readable form", location=page.location)


@check(reads="attestation")
def attestation_in_force(declared: Declared, scope: Scope) -> Iterator[Observation]:
    """An attestation is dated, not stale, and its document is the one attested."""
    spec = declared.spec
    assert isinstance(spec, Attestation)  # noqa: S101  the registry gives targets of the kind read
    where, today = declared.target.location, scope.now.date()
    if spec.dated > today:
        yield Observation.violated(spec.id, f"is dated {spec.dated}, in the future", location=where)
    elif spec.expires < today:
        yield Observation.violated(spec.id, f"expired on {spec.expires}: stale", location=where)
    else:
        left = (spec.expires - today).days
        detail = f"by {spec.owner} on {spec.dated}, {left} days left"
        yield Observation.met(spec.id, detail, Measure(1, "statements"), where)
    if spec.pattern is not None:
        size, digest = declared.document()
        if digest == spec.sha256:
            measure = Measure(1, "documents", size=size)
            yield Observation.met(spec.pattern, "is the document attested", measure, where)
        else:
            yield Observation.violated(spec.pattern, "was changed after it was attested", location=where)
