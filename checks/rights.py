"""People's rights, used by a canary person as anybody would (policy 10.1, 10.2; GDPR 15-17, 20)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from checks.connectors.rights import RightsDesk
from checks.connectors.rights_drill import LEFT_BEHIND, Drill, Marks
from checks.connectors.rights_hunt import Hunt
from checks.core.errors import NotAssessed
from checks.core.model import Location, Measure, Observation, Outcome, Pending, Remains
from checks.core.registry import Scope, check
from checks.detectors.canary import Canary
from checks.scanner.stored import pieces

REFUSED = frozenset({400, 401, 403, 404, 410, 422})
"""Statuses by which a session or sign-in of somebody deleted is turned away (RFC 9110, 15.5)."""


@check(reads="rights", changes="rights")
def export_is_complete(desk: RightsDesk, scope: Scope) -> Iterator[Observation]:
    """A person's export holds everything that the person gave (GDPR 15(1), 15(3), 20(1))."""
    drill = _drill(desk, scope)
    where, subject = desk.target.location, desk.spec.export.name
    if not isinstance(drill.exported, frozenset):
        yield Observation.unseen(subject, _reason(drill.exported), where)
        return
    missing = drill.planted - drill.exported
    for name in sorted(missing):
        yield Observation.violated(
            subject, f"the person gave {name}, the export does not hold it", location=where
        )
    if "password" in drill.exported:
        yield Observation.violated(subject, "the export holds the password in clear", location=where)
    if not missing:
        detail = f"holds all of {_listed(drill.planted)}"
        yield Observation.met(subject, detail, Measure(len(drill.planted), "values"), where)


@check(reads="rights", changes="rights")
def correction_is_everywhere(desk: RightsDesk, scope: Scope) -> Iterator[Observation]:
    """What a person corrects is corrected wherever it is shown or in use (GDPR 16, 5(1)(d))."""
    drill = _drill(desk, scope)
    where, correct = desk.target.location, desk.spec.correct.name
    if drill.correction is not None:
        yield Observation.unseen(correct, _reason(drill.correction), where)
        return
    pages = [(desk.spec.export.name, drill.exported, drill.exported_after)]
    pages += [(name, *pair) for name, pair in drill.looks.items()]
    for name, before, after in pages:
        yield from _page_corrected(drill, name, before, after, where)
    yield from _stores_corrected(drill, desk, scope, where)


def _page_corrected(
    drill: Drill,
    name: str,
    before: Marks | NotAssessed | None,
    after: Marks | NotAssessed | None,
    where: Location | None,
) -> Iterator[Observation]:
    if not isinstance(before, frozenset) or not isinstance(after, frozenset):
        yield Observation.unseen(name, _reason(after if isinstance(before, frozenset) else before), where)
        return
    concerned = sorted(drill.corrected & before)
    faults = 0
    for mark in concerned:
        if mark in after:
            faults += 1
            yield Observation.violated(name, f"still shows {mark} as it was before", location=where)
        elif f"new_{mark}" not in after:
            faults += 1
            yield Observation.violated(name, f"does not show the corrected {mark}", location=where)
    if not faults:
        detail = (
            f"shows {_listed(concerned)} as corrected" if concerned else "shows nothing that was corrected"
        )
        yield Observation.met(name, detail, Measure(1, "responses"), where)


def _stores_corrected(
    drill: Drill, desk: RightsDesk, scope: Scope, where: Location | None
) -> Iterator[Observation]:
    live = drill.mine(drill.live)
    yield from _blind(live)
    faults = set()
    for place, column, name in _found(live, desk, drill):
        if name in drill.corrected and desk.spec.remaining(place) is None:
            faults.add(place)
            yield Observation.violated(column, f"still holds {name} as it was before", location=where)
    for target, measure in live.looked.items():
        if not any(place == target or place.startswith(f"{target}.") for place in faults):
            yield Observation.met(target, "nothing of what was corrected is left", measure, where)
    seen = {name for place, _, name in _found(live, desk, drill) if _is_database(place, scope)}
    if not seen & {f"new_{name}" for name in drill.corrected}:
        reason = "no database shows the corrected values, so the hunt is blind (are they encrypted?)"
        yield Observation.unseen(desk.target.id, reason, where)


@check(reads="rights", changes="rights")
def deletion_leaves_nothing(desk: RightsDesk, scope: Scope) -> Iterator[Observation]:
    """Of a deleted person nothing is left where nothing is declared to stay (GDPR 17(1), 19).

    What is declared to stay, for a time or on a legal basis, is :func:`remains_are_gone_in_time`'s.
    """
    drill = _drill(desk, scope)
    where = desk.target.location
    if drill.deletion is not None:
        left = "" if drill.unclean is None else "; the canary is still there, the next run takes it away"
        yield Observation.unseen(desk.spec.delete.name, f"{_reason(drill.deletion)}{left}", where)
        return
    if not any(_is_database(hit.place, scope) for hit in drill.mine(drill.live).hits):
        reason = "no database showed the canary before its deletion, so its absence shows nothing"
        yield Observation.unseen(desk.target.id, reason, where)
    after = drill.mine(drill.after)
    yield from _blind(after)
    faults = set()
    for place, column, name in _found(after, desk, drill):
        if desk.spec.remaining(place) is None:
            faults.add(place)
            yield Observation.violated(
                f"{place}: {column}", f"still holds {name} of a deleted person", location=where
            )
    for target, measure in after.looked.items():
        if not any(place == target or place.startswith(f"{target}.") for place in faults):
            yield Observation.met(target, "nothing is left that should be gone at once", measure, where)


@check(reads="rights", changes="rights")
def old_sessions_are_shut(desk: RightsDesk, scope: Scope) -> Iterator[Observation]:
    """No token and no password of a deleted person opens anything (OWASP ASVS 4.0.3, 3.3.1)."""
    drill = _drill(desk, scope)
    where = desk.target.location
    if drill.deletion is not None:
        yield Observation.unseen(desk.spec.delete.name, _reason(drill.deletion), where)
        return
    for name, status in drill.doors.items():
        if isinstance(status, NotAssessed):
            yield Observation.unseen(name, status.reason, where)
        elif 200 <= status < 300:
            yield Observation.violated(name, f"opens for a deleted person (HTTP {status})", location=where)
        elif status in REFUSED:
            yield Observation.met(name, f"refused (HTTP {status})", Measure(1, "responses"), where)
        else:
            yield Observation.unseen(name, f"HTTP {status} is neither refused nor opened", where)


@check(reads="rights", changes="rights", follows=True)
def remains_are_gone_in_time(desk: RightsDesk, scope: Scope) -> Iterator[Observation]:
    """What may be left of deleted people is gone after its declared limit (GDPR 17(3), 5(1)(e)).

    Canaries of earlier runs are known by the key they were made with; none is stored anywhere. What
    is left of one and not yet due is *pending until* a date, which is no pass: unless the inventory
    says ``since`` when the drill has been run here, so that older ones must have come and gone. What an
    earlier run, by the ledger, left pending is looked for by name.
    """
    drill = _drill(desk, scope)
    where = desk.target.location
    yield from _blind(drill.after)
    left: dict[tuple[str, str], set[str]] = defaultdict(set)
    for hit in drill.after.hits:
        if hit.sighting.code is None:
            yield Observation.unseen(
                f"{hit.place}: {hit.where}", "holds a canary's marker that is cut off", where
            )
        else:
            left[hit.place, hit.sighting.code].add(hit.where)
    faults = set()
    promised = {one.key: one for one in (scope.earlier.pending if scope.earlier else ())}
    asked = "" if scope.earlier else "; no ledger was asked what earlier runs left pending"
    for (place, code), columns in sorted(left.items()):
        canary = desk.canaries.of(code)
        if code == drill.canary.code:
            if desk.spec.remaining(place) is None or drill.deletion is not None:
                continue  # of this run: judged by the deletion
        elif scope.now - canary.made < LEFT_BEHIND:
            continue  # of a run beside us
        promise = promised.pop((place, canary.shown), None)
        for seen in _remainder(place, columns, canary, desk.spec.remaining(place), scope, where):
            held = _held_to(seen, promise, scope)
            faults |= {place} if held.measure is None else set()
            yield held
    yield from _followed_up(promised.values(), drill, desk, scope, where)
    for target, measure in drill.after.looked.items():
        if not any(place == target or place.startswith(f"{target}.") for place in faults):
            yield Observation.met(target, f"no canary is left there past its limit{asked}", measure, where)
    if drill.swept:
        detail = f"{len(drill.swept)} canaries that earlier runs had left were taken away"
        yield Observation.met(desk.target.id, detail, Measure(len(drill.swept), "canaries"), where)


def _held_to(seen: Observation, promise: Pending | None, scope: Scope) -> Observation:
    """Return what is said of a remainder, held against the date that an earlier run gave it."""
    if promise is None or (seen.pending and seen.pending.due < promise.due):  # the limit became shorter
        return seen
    if promise.due > scope.now:
        return replace(seen, pending=promise)
    detail = f"{seen.detail}; it was to be gone by {promise.due:%Y-%m-%d}, and is still there"
    return replace(seen, outcome=Outcome.VIOLATED, detail=detail, measure=None, pending=promise)


def _followed_up(
    promises: Iterable[Pending], drill: Drill, desk: RightsDesk, scope: Scope, where: Location | None
) -> Iterator[Observation]:
    """Say of what was pending, and was not found now, whether it is gone or could not be looked for."""
    if scope.earlier and scope.earlier.problem:
        reason = f"what earlier runs left pending is not known: {scope.earlier.problem}"
        yield Observation.unseen(desk.target.id, reason, where)
    blind = {place for place, _ in drill.after.blind}
    for one in promises:
        subject = f"{one.place}: {one.what} of {one.made:%Y-%m-%d}"
        target = one.place if one.place in drill.after.looked else one.place.partition(".")[0]
        said = f"was pending until {one.due:%Y-%m-%d}"
        if not desk.canaries.known(one.what, one.made):
            seen = Observation.unseen(
                subject, f"{said}; made with another key, so not to be looked for", where
            )
        elif target not in drill.after.looked or {one.place, target} & blind:
            seen = Observation.unseen(
                subject, f"{said}; its place was not looked at, or not all of it", where
            )
        else:
            detail = f"{said}, and is gone"
            yield replace(
                Observation.met(subject, detail, Measure(1, "canaries"), where),
                pending=replace(one, gone=True),
            )
            continue
        yield replace(seen, pending=one)


def _remainder(
    place: str,
    columns: Iterable[str],
    canary: Canary,
    allowed: Remains | None,
    scope: Scope,
    where: Location | None,
) -> Iterator[Observation]:
    """Judge what is left of one canary in one place."""
    subject = f"{place}: {canary.shown} of {canary.made:%Y-%m-%d}"
    found = _listed(columns)
    if allowed is None:
        yield Observation.violated(subject, f"{found}: due at once, and still there", location=where)
    elif allowed.within is None:
        measure = Measure(1, "canaries")
        yield Observation.met(subject, f"{found}: kept under {allowed.basis}", measure, where)
    elif allowed.within.before(scope.now) > canary.made:
        yield Observation.violated(subject, f"{found}: still there after {allowed.within}", location=where)
    else:
        left = allowed.within.seconds(scope.now) - (scope.now - canary.made).total_seconds()
        later = Pending(place, canary.shown, canary.made, scope.now + timedelta(seconds=left))
        pending = f"{found}: pending until {later.due:%Y-%m-%d}"
        due = allowed.within.before(scope.now).date()
        if allowed.since is not None and date.fromisoformat(allowed.since) < due:
            detail = f"{pending}; those of {allowed.since} to {due} are gone"
            seen = Observation.met(subject, detail, Measure(1, "canaries"), where)
        else:
            seen = Observation.unseen(subject, pending, where)
        yield replace(seen, pending=later)


# ── small helpers ────────────────────────────────────────────────────────────────────────────────


def _drill(desk: RightsDesk, scope: Scope) -> Drill:
    return desk.drill(scope.inventory, scope.open, scope.now, pieces)


def _is_database(place: str, scope: Scope) -> bool:
    """Whether a place is in a database; where the inventory has none, any place counts as one."""
    stores = {target.id for target in scope.inventory.of_kind("sql")}
    return not stores or place.partition(".")[0] in stores


def _found(found: Hunt, desk: RightsDesk, drill: Drill) -> list[tuple[str, str, str]]:
    """Return place, column or file, and name of each marker of a hunt, once each."""
    seen = {
        (hit.place, hit.where, desk.canaries.field_of(hit.sighting, drill.names) or "a marker")
        for hit in found.hits
    }
    return sorted(seen)


def _blind(found: Hunt) -> Iterator[Observation]:
    for place, reason in found.blind:
        yield Observation.unseen(place, reason)


def _reason(error: NotAssessed | Marks | None) -> str:
    return error.reason if isinstance(error, NotAssessed) else "it was not tried"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
