"""Answers protect who reads them (policy 8.1, 8.2; GDPR 32(1)(b); OWASP ASVS 4.0.3, 3.4, 14.4 and 14.5)."""

from __future__ import annotations

import fnmatch
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from checks.connectors.api_operations import Seen
from checks.connectors.http_exchange import Reply
from checks.connectors.tls import TransportView
from checks.core.errors import NotAssessed, Nothing, TimedOut, TooLarge
from checks.core.model import Location, Measure, Observation
from checks.core.model.probes import Probes
from checks.core.registry import Scope, check
from checks.detectors.hosts import host_matches
from checks.detectors.web_headers import cookie, frame_fault, meta, policies, referrer_fault, script_fault

_HTML = {"text/html", "application/xhtml+xml"}


def _pages(view: TransportView) -> Iterator[tuple[str, Reply | Observation]]:
    """Yield each page with its answer, or with why it is not one."""
    for path in view.spec.pages:
        try:
            reply = view.reply(path)
        except NotAssessed as error:
            yield path, Observation.unseen(path, error.reason)
            continue
        if not 200 <= reply.status < 300 or reply.content_type not in _HTML:
            yield path, Observation.unseen(path, f"HTTP {reply.status}, no page", Location(reply.url))
        else:
            yield path, reply


@check(reads="transport")
def scripts_are_kept_out(view: TransportView) -> Iterator[Observation]:
    """Each page says where its scripts come from, so that injected ones do not run (CSP 3; ASVS 14.4.3)."""
    for path, reply in _pages(view):
        if isinstance(reply, Observation):
            yield reply
            continue
        found = policies([*reply.values("Content-Security-Policy"), *meta(reply.text).policies])
        fault = script_fault(found)
        if fault is not None and not found and reply.values("Content-Security-Policy-Report-Only"):
            fault = "Content-Security-Policy is only reported, not enforced"
        yield _judged(path, fault, "Content-Security-Policy", reply)


@check(reads="transport")
def pages_are_not_framed(view: TransportView) -> Iterator[Observation]:
    """No page may be put in a frame of another site (ASVS 14.4.7)."""
    for path, reply in _pages(view):
        if isinstance(reply, Observation):
            yield reply
            continue
        found = policies(reply.values("Content-Security-Policy"))
        yield _judged(path, frame_fault(found, reply.values("X-Frame-Options")), "no foreign frame", reply)


@check(reads="transport")
def referrer_is_short(view: TransportView) -> Iterator[Observation]:
    """Other sites do not learn which page a visitor comes from (ASVS 14.4.6)."""
    for path, reply in _pages(view):
        if isinstance(reply, Observation):
            yield reply
            continue
        stated = [*reply.values("Referrer-Policy"), *meta(reply.text).referrers]
        yield _judged(path, referrer_fault(stated), "Referrer-Policy", reply)


@check(reads="transport")
def types_are_not_guessed(view: TransportView, scope: Scope) -> Iterator[Observation]:
    """Answers forbid browsers to take them for another type (ASVS 14.4.4)."""
    for path, reply in _answers(view, scope):
        if isinstance(reply, Observation):
            yield reply
            continue
        stated = {value.strip().lower() for value in reply.values("X-Content-Type-Options")}
        fault = None if stated == {"nosniff"} else "no X-Content-Type-Options: nosniff"
        yield _judged(path, fault, "nosniff", reply)


@check(reads="transport")
def cookies_are_guarded(
    view: TransportView, scope: Scope, *, for_scripts: tuple[str, ...] = ()
) -> Iterator[Observation]:
    """Cookies go over TLS only, stay out of scripts and on the site (ASVS 3.4.1 to 3.4.4).

    ``for_scripts`` are names (globs) of those that a script has to read, hence without HttpOnly.
    """
    for path, reply in _answers(view, scope):
        if isinstance(reply, Observation):
            yield reply
            continue
        found = [one for header in reply.values("Set-Cookie") if (one := cookie(header)) is not None]
        bad = 0
        for one in found:
            faults = [] if one.secure else ["no Secure"]
            if not one.http_only and not any(fnmatch.fnmatchcase(one.name, glob) for glob in for_scripts):
                faults.append("no HttpOnly")
            if one.same_site not in {"lax", "strict"}:
                faults.append("SameSite=None" if one.same_site == "none" else "no SameSite")
            if one.broken_prefix:
                faults.append(one.broken_prefix)
            if faults:
                bad += 1
                yield Observation.violated(
                    f"cookie {one.name[:80]}", f"on {path}: {', '.join(faults)}", None, Location(reply.url)
                )
        if not bad:
            measure = Measure(1, "responses")
            yield Observation.met(path, f"{len(found)} cookies, all guarded", measure, Location(reply.url))


@check(reads="transport")
def no_foreign_origin_reads(view: TransportView, scope: Scope) -> Iterator[Observation]:
    """No other site may read answers with a visitor's credentials (Fetch, CORS protocol; ASVS 14.5.3)."""
    limit = _Limit(scope.open(view.spec.of).spec.probes if view.target.format == "api" else None)
    for asked in _asked(view, scope):
        if isinstance(asked.answer, Observation):
            yield asked.answer
            continue
        where = Location(asked.answer.url)
        try:
            limit.spend(2 * len(_origins(view.host)))
        except NotAssessed as error:
            yield Observation.unseen(asked.shown, error.reason, where)
        else:
            yield from _foreign_origins(view, scope, asked, where)


def _foreign_origins(
    view: TransportView, scope: Scope, asked: _Asked, where: Location
) -> Iterator[Observation]:
    """Try every origin on one path, by a request and by the preflight before one."""
    origins, path = _origins(view.host), asked.shown
    bad = 0
    for what, origin in origins.items():
        host = origin.partition("://")[2].partition(":")[0]
        if what == "a subdomain" and host_matches(host, scope.inventory.own_hosts):
            continue
        for method in ("GET", "OPTIONS"):
            preflight = {"Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {}
            try:
                reply = view.probe(asked.path, method=method, headers={"Origin": origin, **preflight})
            except NotAssessed as error:
                yield Observation.unseen(path, f"with {what} as origin: {error.reason}", where)
                return
            fault = _cors_fault(reply, origin)
            if fault is not None:
                bad += 1
                when = " to a preflight" if preflight else ""
                yield Observation.violated(path, f"{what}{when}: {fault}", None, where)
                break
            if method == "GET" and (reply.status >= 500 or reply.status == 429):
                yield Observation.unseen(path, f"with {what} as origin: HTTP {reply.status}", where)
                return
    if not bad:
        measure = Measure(2 * len(origins), "responses")
        yield Observation.met(path, f"{len(origins)} foreign origins tried, none may read", measure, where)


def _origins(host: str) -> dict[str, str]:
    """Return origins that a careless comparison takes for ``host``'s own, by what they are."""
    name = host.partition(":")[0] if not host.startswith("[") else host
    tricks = {
        "another site": "https://policyproof-probe.example",
        "the null origin": "null",
        "a host that begins like ours": f"https://{name}.policyproof-probe.example",
        "a host that ends like ours": f"https://policyproof-probe{name}",
        "a subdomain": f"https://policyproof-probe.{name}",
        "our host over plain HTTP": f"http://{host}",
    }
    if "." in name and not host.startswith("["):
        tricks["a host with another letter for a dot"] = f"https://{name.replace('.', 'x', 1)}"
    return tricks


def _cors_fault(reply: Reply, origin: str) -> str | None:
    """Return how an answer lets ``origin`` read, with credentials; ``null`` may not even without."""
    allowed = {value.strip() for value in reply.values("Access-Control-Allow-Origin")}
    credentials = (reply.value("Access-Control-Allow-Credentials") or "").strip().lower() == "true"
    if origin == "null":
        return "may read" if "null" in allowed else None
    if not credentials:
        return None  # as good as a public answer: no cookie comes along
    if "*" in allowed:
        return "every origin is named together with credentials"
    return "may read with credentials" if origin in allowed else None


def _answers(view: TransportView, scope: Scope) -> Iterator[tuple[str, Reply | Observation]]:
    """Yield the pages of a site, or the document and every documented GET of an API, with their answers.

    An API's answers bear the documented path, which holds no identifier; see :func:`_asked`.
    """
    for asked in _asked(view, scope):
        yield asked.shown, asked.answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """What ``path`` answered; ``shown`` is how it is documented."""

    path: str = field(repr=False)
    shown: str
    answer: Reply | Observation


def _asked(view: TransportView, scope: Scope) -> Iterator[_Asked]:
    if view.target.format != "site":
        yield from _operations(view, scope)
        return
    if not view.spec.pages:
        raise Nothing(f"{view.target.id}: no path to look at")
    for path in view.spec.pages:
        yield _Asked(path, path, _answer(view, path, path))


def _operations(view: TransportView, scope: Scope) -> Iterator[_Asked]:
    """Ask an API's document and each documented GET, its parameters filled as for every other check.

    As many as the probes' limits allow; what comes after them is said to be unseen.
    """
    api = scope.open(view.spec.of)
    source = (api.spec.document, api.spec.document_file, api.spec.routes)
    listed = api.listed() if any(one is not None for one in source) else []
    for path in (view.spec.document,) if view.spec.document or listed else ("/",):
        if path:
            yield _Asked(path, path, _answer(view, path, path))
    limit, seen = _Limit(api.spec.probes), Seen()
    for operation in listed:
        shown = operation.path
        try:
            limit.spend()
            path, headers = operation.fill(seen, view.target.id)
        except NotAssessed as error:
            yield _Asked("", shown, Observation.unseen(shown, error.reason))
            continue
        if headers:
            why = "needs a header, and is not asked for here"
            yield _Asked("", shown, Observation.unseen(shown, why))
            continue
        answer = _answer(view, path, operation.prefix + shown)
        if isinstance(answer, Reply):
            with suppress(ValueError, RecursionError):
                seen.learn(operation, json.loads(answer.text))
        yield _Asked(path, shown, answer)


def _answer(view: TransportView, path: str, shown: str) -> Reply | Observation:
    try:
        reply = view.reply(path)
    except NotAssessed as error:
        return Observation.unseen(shown, error.reason.replace(path.partition("?")[0], shown))
    reply = replace(reply, url=reply.url.removesuffix(path.partition("?")[0]) + shown.partition("?")[0])
    if 200 <= reply.status < 300:
        return reply
    return Observation.unseen(shown, f"HTTP {reply.status}", Location(reply.url))


class _Limit:
    """The requests and seconds that one check may spend: those of the probes, declared or usual."""

    def __init__(self, probes: Probes | None) -> None:
        self._probes = probes or Probes(allowed=False)
        self._left = self._probes.requests
        self._until = time.monotonic() + self._probes.seconds

    def spend(self, requests: int = 1) -> None:
        """Count ``requests``; raises ``TooLarge`` or ``TimedOut`` over the limit."""
        self._left -= requests
        if self._left < 0:
            raise TooLarge(f"over the {self._probes.requests} requests that probes allow")
        if time.monotonic() > self._until:
            raise TimedOut(f"over the {self._probes.seconds:g} s that probes allow")


def _judged(path: str, fault: str | None, met: str, reply: Reply) -> Observation:
    where = Location(reply.url)
    if fault is not None:
        return Observation.violated(path, fault, None, where)
    return Observation.met(path, met, Measure(1, "responses"), where)
