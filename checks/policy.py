"""The policy that is published, and what it promises that no machine can see (policy 8, 13, 14)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from checks.connectors.declared import Declared
from checks.connectors.http import Page, Site
from checks.connectors.site_policy import Published, published_policy
from checks.connectors.site_rendered import opening
from checks.connectors.site_walk import Walk, scripted, walk
from checks.core.errors import Nothing
from checks.core.model import Attestation, Endpoint, Location, Measure, Observation
from checks.core.registry import Scope, check
from checks.detectors.contacts import Contact, contacts
from checks.detectors.policy_changes import (
    Change,
    called,
    changes,
    known_to,
    not_locked,
    part_of,
    places,
    section_of,
)
from checks.detectors.policy_dates import EARLIEST, readings, version_numbers
from checks.detectors.policy_text import PolicyText

CLICKS = 2
"""Clicks from the landing page to the policy and its contact at most."""


@check(reads="site")
def page_matches_lock(site: Site, scope: Scope) -> Iterator[Observation]:
    """The published policy is the locked one: its sentences, its headings, what stands before (13.2).

    What the lock does not have is not compared, and is told.
    """
    published = published_policy(site, opening(scope.open, scope.target.id))
    page, text = published.page, published.text
    found = changes(scope.locked, known_to(scope.locked, text.marks()))
    remedy = "Read the change, adapt the controls that cite the clause, then lock the page anew."
    for change in found:
        subject = called(change.clause)
        subject = f"clause {subject}" if part_of(change.clause) == "clauses" else subject
        yield Observation.violated(subject, _told(change, scope), location=page.location, remediation=remedy)
    if not found:
        words = {"headings": "headings", "preamble": "what stands before section 1"}
        less = " and ".join(words[part] for part in not_locked(scope.locked))
        detail = f"every sentence as locked{f' (the lock is without {less})' if less else ''}"
        measure = Measure(len(text.clauses), "sentences")
        yield Observation.met(page.path, detail, measure, page.location)


def _told(change: Change, scope: Scope) -> str:
    """Return what became of a sentence and which controls cite it, with nothing of its text."""
    after = f", behind {called(change.after)}" if change.after else ""
    sentence = part_of(change.clause) == "clauses"
    fault = {
        "altered": "reads otherwise on the page",
        "added": f"is new on the page{after}{': no control was written for it' if sentence else ''}",
        "removed": "is gone from the page",
        "moved": f"stands at {change.now} on the page",
    }[change.kind]
    if change.kind == "moved" and part_of(change.now or "") == "headings":
        fault = f"stands before other sentences on the page, as {called(change.now or '')}"
    if not sentence:
        return fault
    section = f"section {section_of(change.clause)}: {fault}"
    if change.was is None:
        return section
    return f"{section}; cited by {', '.join(scope.citing.get(change.was, ())) or 'no control'}"


@check(reads="site")
def change_is_announced(site: Site, scope: Scope) -> Iterator[Observation]:
    """A text that differs from the locked one has another version or date, and not an older one (13.2).

    Of version and date that one counts which the lock holds: what it does not know can be no other.
    """
    published = published_policy(site, opening(scope.open, scope.target.id))
    page, text = published.page, published.text
    found = changes(scope.locked, known_to(scope.locked, text.marks()))
    locked = scope.policy
    version, effective = (locked.version, locked.effective) if locked else (None, None)
    place = page.location
    if not found:
        measure = Measure(len(text.clauses), "sentences")
        yield Observation.met(page.path, "the text is the locked one", measure, place)
        return
    if version is None and effective is None:
        raise Nothing(
            f"{page.path}: the text changed, and the lock holds neither version nor date to compare with"
        )
    changed = f"the text changed {places(found)}"
    # One that is gone is not a new one, nor is one that the lock never had.
    same_version = None in (version, text.version) or _version(text.version) == _version(version)
    same_date = None in (effective, text.effective) or _same_day(text.effective, effective)
    if same_version and same_date:
        known = " and ".join(
            f"{what} {value!r}" for what, value in (("version", version), ("date", effective)) if value
        )
        gone = (version and text.version is None) or (effective and text.effective is None)
        what = "and no new version or date is stated" if gone else f"but {known} stayed"
        yield Observation.violated(page.path, f"{changed}, {what}", location=place)
    elif _older(text, version, effective):
        yield Observation.violated(
            page.path, f"{changed}, and version or date went back before the locked one", location=place
        )
    else:
        measure = Measure(len(found), "changes")
        yield Observation.met(page.path, f"{changed}, under a new version or date", measure, place)


def _version(written: str | None) -> tuple[int, ...] | None:
    return None if written is None else version_numbers(written)


def _same_day(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one == other
    days, others = readings(one), readings(other)
    return bool(set(days) & set(others)) if days and others else one == other


def _older(text: PolicyText, version: str | None, effective: str | None) -> bool:
    numbers, before = _version(text.version), _version(version)
    if numbers is not None and before is not None and numbers < before:
        return True
    days, earlier = readings(text.effective or ""), readings(effective or "")
    return bool(days and earlier) and max(days) < min(earlier)


@check(reads="site")
def page_states_version_date_contact(site: Site, scope: Scope) -> Iterator[Observation]:
    """The policy page says its effective date, its version, and whom to write to (policy 13.2, 14.1).

    The date is a real one that has come, give or take the time zones; an address is there, of a form
    that mail can reach (RFC 5321, 4.1.2), and none on the page is a placeholder or obfuscated.
    """
    published = published_policy(site, opening(scope.open, scope.target.id))
    page, text = published.page, published.text
    fault = _date_fault(text.effective, scope.now.date())
    yield _stated("effective date", fault, text.effective, page.location)
    fault = None if text.version is not None else "is not stated in a readable form"
    yield _stated("version", fault, text.version, page.location)
    given = _given(published, scope)
    for contact in given:
        if contact.fault is not None:
            where = Location(page.url, None if published.rendered else contact.line)
            yield Observation.violated(f"contact {contact.shown}", contact.fault, location=where)
    sound = _sound(given)
    if sound:
        shown = ", ".join(contact.shown for contact in sound[:3])
        measure = Measure(len(sound), "addresses")
        yield Observation.met("e-mail address for privacy questions", shown, measure, page.location)
    elif not any(contact.fault for contact in given):
        yield _stated("e-mail address for privacy questions", "is not stated", None, page.location)


def _stated(what: str, fault: str | None, written: str | None, where: Location) -> Observation:
    if fault is not None:
        return Observation.violated(what, fault, location=where)
    return Observation.met(what, f"stated: {written}", Measure(1, "statements"), where)


def _date_fault(written: str | None, today: date) -> str | None:
    if written is None:
        return "is not stated in a readable form"
    days = readings(written)
    if not days:
        return f"{written!r} is no date"
    if len(days) > 1:
        return f"{written!r} can be read as {' or as '.join(map(str, days))}: name the month"
    if days[0] < EARLIEST:
        return f"{written!r} lies before {EARLIEST.year}: a slip"
    if days[0] > today + timedelta(days=1):  # it is tomorrow already elsewhere
        return f"{written!r} lies in the future: the text shown is not the one in force"
    return None


def _contacts(page: Page, scope: Scope) -> list[Contact]:
    """Return a page's addresses; in a synthetic deployment names under example.com stand for real ones."""
    return contacts(page.text, own_reserved=scope.inventory.environment.synthetic)


def _given(published: Published, scope: Scope) -> list[Contact]:
    """Return the addresses of the policy page; one that a script must decipher stays hidden to others."""
    given = _contacts(published.page, scope)
    if published.rendered:
        given += [one for one in _contacts(published.served, scope) if one.scripted and one not in given]
    return given


def _contact_on(tour: Walk, scope: Scope) -> Page | None:
    """Return the last page of a walk that gives an address which mail can reach."""
    pages = [*tour.pages.values(), *([tour.goal] if tour.goal else [])]
    return next((page for page in reversed(pages) if _sound(_contacts(page, scope))), None)


def _sound(given: list[Contact]) -> list[Contact]:
    return [contact for contact in given if contact.fault is None]


@check(reads="site")
def policy_within_reach(site: Site, scope: Scope) -> Iterator[Observation]:
    """Policy and privacy contact are two clicks from the landing page at most (policy 13.2, 14.1).

    GDPR 12(1) asks for an easily accessible form; WP260 rev.01, 11, for a link on each page that is
    seen at first sight and for not more than two taps in an app.
    """
    spec = site.target.spec
    assert isinstance(spec, Endpoint)  # noqa: S101  the registry gives targets of the kind read
    browser = opening(scope.open, scope.target.id)
    policy = published_policy(site, browser).page
    tour = walk(site, spec.policy_page or "", CLICKS)
    if not (tour.clicks is not None and _contact_on(tour, scope)) and scripted(tour):
        tour = walk(site, spec.policy_page or "", CLICKS, browser)
    where, measure = tour.pages["/"].location, Measure(max(tour.looked, 1), "links")
    if tour.clicks is not None:
        detail = f"{tour.clicks} click{'' if tour.clicks == 1 else 's'}: {' → '.join(tour.way)}"
        yield Observation.met("privacy policy", detail, measure, where)
    elif tour.unseen is not None:
        yield Observation.unseen("privacy policy", f"no way was found, but {tour.unseen}", where)
    elif not tour.looked:
        yield Observation.unseen("privacy policy", "the landing page has no link at all", where)
    else:
        detail = f"no link leads to {policy.path} within {CLICKS} clicks ({len(tour.pages)} pages looked at)"
        yield Observation.violated("privacy policy", detail, location=where)
    reached = _contact_on(tour, scope)
    if reached is not None:
        yield Observation.met("privacy contact", f"on {reached.path}", Measure(1, "pages"), where)
    elif tour.unseen is not None or not tour.looked:
        reason = tour.unseen or "the landing page has no link at all"
        yield Observation.unseen("privacy contact", f"none was found, but {reason}", where)
    else:
        detail = f"no page within {CLICKS} clicks gives an address that mail can reach"
        yield Observation.violated("privacy contact", detail, location=where)


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
