"""Transport is encrypted, and demanded to be (policy 8.2; GDPR 32(1)(a); BCP 195: RFC 8996, RFC 9325)."""

from __future__ import annotations

from collections.abc import Iterator

from checks.connectors.tls import TransportView
from checks.connectors.tls_dial import NotOffered
from checks.core.errors import NotAssessed, Unreachable
from checks.core.model import Location, Measure, Observation, Period
from checks.core.registry import Scope, check
from checks.detectors.page_resources import host_of, resources
from checks.detectors.web_headers import hsts_seconds

_GOOD = {"TLS 1.2", "TLS 1.3"}
_MOVED = {301, 302, 303, 307, 308}


def _where(view: TransportView) -> Location:
    return Location(view.door.shown)


def _unencrypted(view: TransportView) -> Observation:
    return Observation.violated(
        view.door.shown, "offers no TLS: everything is in the clear", None, _where(view)
    )


@check(reads="transport")
def modern_tls_only(view: TransportView) -> Iterator[Observation]:
    """TLS 1.2 or 1.3 is spoken, nothing older and no broken cipher (RFC 8996; RFC 9325, 3.1.1 and 4.1)."""
    try:
        tried = view.versions()
    except NotOffered:
        yield _unencrypted(view)
        return
    for one in tried:
        if one.accepted is None:
            yield Observation.unseen(one.offer, one.detail, _where(view))
        elif one.accepted and one.offer not in _GOOD:
            yield Observation.violated(one.offer, one.detail, None, _where(view))
        elif not one.accepted and one.offer in _GOOD:
            continue  # either of the two is enough
        else:
            yield Observation.met(one.offer, one.detail, Measure(1, "handshakes"), _where(view))
    if not any(one.accepted for one in tried if one.offer in _GOOD) and not any(
        one.accepted is None for one in tried if one.offer in _GOOD
    ):
        yield Observation.violated("TLS 1.2", "neither it nor TLS 1.3 is spoken", None, _where(view))


@check(reads="transport")
def certificate_holds(view: TransportView) -> Iterator[Observation]:
    """The certificate is trusted for this host and in force; no key of its chain is weak (RFC 9325, 4.5)."""
    try:
        shown = view.certificates()
    except NotOffered:
        yield _unencrypted(view)
        return
    if shown.distrust is not None:
        yield Observation.violated("certificate", shown.distrust, None, _where(view))
    for number, one in enumerate(shown.chain):
        name = "certificate" if number == 0 else f"issuer {number}"
        if one.weakness is not None:
            yield Observation.violated(name, f"is weak: {one.weakness}", None, _where(view))
        elif number or shown.distrust is None:
            size = f" {one.bits} bits" if one.bits else ""
            yield Observation.met(name, f"{one.key}{size}", Measure(1, "certificates"), _where(view))


@check(reads="transport")
def certificate_lasts(view: TransportView, scope: Scope, *, ahead: Period) -> Iterator[Observation]:
    """No certificate of the chain ends within ``ahead``, so that its renewal is not forgotten."""
    try:
        shown = view.certificates()
    except NotOffered:
        yield _unencrypted(view)
        return
    wanted = ahead.seconds(scope.now)
    for number, one in enumerate(shown.chain):
        name = "certificate" if number == 0 else f"issuer {number}"
        left = (one.ends - scope.now).total_seconds()
        ends = f"{one.ends:%Y-%m-%d}"
        if left <= 0:
            yield Observation.violated(name, f"ended {ends}", None, _where(view))
        elif left < wanted:
            detail = f"ends {ends}, in {int(left // 86400)} days ({ahead} is demanded)"
            yield Observation.violated(name, detail, None, _where(view))
        elif one.begins > scope.now:
            yield Observation.violated(name, f"begins {one.begins:%Y-%m-%d} only", None, _where(view))
        else:
            yield Observation.met(name, f"ends {ends}", Measure(1, "certificates"), _where(view))


@check(reads="transport")
def server_demands_tls(view: TransportView) -> Iterator[Observation]:
    """A database, cache or broker turns away a client that does not encrypt, rather than only offering it."""
    what = view.door.protocol
    if what == "tls":  # speaks nothing we know: that TLS comes first is all that can be seen
        view.certificates()
        yield Observation.met(view.door.shown, "begins with TLS", Measure(1, "handshakes"), _where(view))
        return
    plain = view.plaintext()
    if plain.accepted:
        yield Observation.violated(view.door.shown, f"{what} {plain.detail}", None, _where(view))
    else:
        yield Observation.met(view.door.shown, plain.detail, Measure(1, "connections"), _where(view))


@check(reads="transport")
def plain_http_leads_to_https(view: TransportView) -> Iterator[Observation]:
    """Whoever asks over plain HTTP is sent to HTTPS on the same host, by the first answer (ASVS 9.1.1)."""
    view.probe("/")  # HTTPS answers, so that a closed port beside it says something
    base, named = view.plain_base()
    where = Location(f"{base}/")
    for path in view.spec.pages or ("/",):
        subject = f"{base}{path}"
        try:
            reply = view.probe(path, base=base)
        except Unreachable as error:
            if not named and error.reason.endswith("connection refused"):
                detail = "port 80 is closed: nothing is offered in the clear"
                yield Observation.met(subject, detail, Measure(1, "connections"), where)
            else:
                yield Observation.unseen(subject, error.reason, where)
            return
        location = (reply.value("Location") or "").strip()
        if reply.status in _MOVED and location.lower().startswith("https://"):
            if host_of(location) == host_of(base) or host_of(location) == view.door.host.lower():
                yield Observation.met(
                    subject, f"HTTP {reply.status} to https", Measure(1, "responses"), where
                )
            else:
                yield Observation.violated(subject, "leads to https on another host", None, where)
        elif reply.status in _MOVED:
            yield Observation.violated(subject, f"HTTP {reply.status}, and not to https", None, where)
        elif reply.status >= 500 or reply.status == 429:
            yield Observation.unseen(subject, f"HTTP {reply.status}", where)
        elif 200 <= reply.status < 300:
            yield Observation.violated(subject, f"HTTP {reply.status}: is served in the clear", None, where)
        else:
            detail = f"HTTP {reply.status}: nothing is served in the clear"
            yield Observation.met(subject, detail, Measure(1, "responses"), where)


@check(reads="transport")
def hsts_is_set(view: TransportView, scope: Scope, *, at_least: Period) -> Iterator[Observation]:
    """Browsers are told to come back over HTTPS only, for ``at_least`` this long (RFC 6797; ASVS 14.4.5)."""
    wanted = int(at_least.seconds(scope.now))
    for path in view.spec.pages or ("/",):
        try:
            reply = view.probe(path)
        except NotAssessed as error:
            yield Observation.unseen(path, error.reason)
            continue
        where = Location(reply.url)
        given = hsts_seconds(reply.values("Strict-Transport-Security"))
        if reply.status >= 500 or reply.status == 429:
            yield Observation.unseen(path, f"HTTP {reply.status}", where)
        elif view.door.protocol == "http":
            yield Observation.violated(path, "is served over plain HTTP, where HSTS is void", None, where)
        elif given is None:
            yield Observation.violated(path, "no Strict-Transport-Security with an age", None, where)
        elif given < wanted:
            detail = f"Strict-Transport-Security for {given} s only ({at_least} is demanded)"
            yield Observation.violated(path, detail, None, where)
        else:
            yield Observation.met(path, f"for {given // 86400} days", Measure(1, "responses"), where)


@check(reads="transport")
def no_mixed_content(view: TransportView) -> Iterator[Observation]:
    """No page loads anything, or sends a form, over plain HTTP (W3C Mixed Content, 3)."""
    for path in view.spec.pages:
        try:
            reply = view.reply(path)
        except NotAssessed as error:
            yield Observation.unseen(path, error.reason)
            continue
        where = Location(reply.url)
        if not 200 <= reply.status < 300 or reply.content_type not in {"text/html", "application/xhtml+xml"}:
            yield Observation.unseen(path, f"HTTP {reply.status}, no page", where)
            continue
        loaded = resources(reply.text, reply.url)
        plain = [one for one in loaded if one.url.startswith(("http:", "ws:"))]
        for one in plain:
            yield Observation.violated(path, f"{one.tag} uses {one.host} without TLS", None, where)
        if not plain:
            measure = Measure(1, "pages", size=len(reply.text))
            yield Observation.met(path, f"{len(loaded)} resources, none in the clear", measure, where)
