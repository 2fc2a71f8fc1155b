"""The site in a browser keeps its word: cookies, storage, third parties, consent (policy 4.1 to 4.4).

The rule behind most of it is Article 5(3) of Directive 2002/58/EC (ePrivacy): nothing is stored on or
read from a person's device without consent but what is strictly necessary for what they asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.connectors.browser import Browser
from checks.connectors.browser_record import Cookie, Request, StateSeen, Stored, Visit
from checks.connectors.browser_words import asked, told
from checks.core.model import Endpoint, Location, Measure, Observation
from checks.core.registry import Scope, check
from checks.detectors.hosts import host_matches
from checks.detectors.names import name_matches
from checks.detectors.vendors import Vendors

TRACKERS = frozenset({"advertising", "analytics", "brokerage", "session-replay", "social"})
"""Kinds of vendor whose requests follow people."""
LEAST = 1 / 3
"""Share of the accepting button's area that the refusing one has at least (EDPB cookie banner task force
report of 17 January 2023, types E and F: no button may be so much less visible that it goes unseen)."""
_TELLING = frozenset(
    {"document", "fetch", "image", "ping", "script", "websocket", "xhr", "eventsource", "other"}
)
_LOADING = frozenset({"document", "script", "stylesheet"})  # these load more in their turn


@check(reads="browser")
def no_cookie_before_consent(browser: Browser) -> Iterator[Observation]:
    """Before any choice no cookie is set but the strictly necessary (ePrivacy 5(3))."""
    visit = browser.visit()
    guilty = _cookies(browser, visit.first)
    for cookie in guilty:
        yield Observation.violated(f"cookie {cookie.name}", told(cookie), location=_where(browser, cookie.by))
    yield from _end(
        browser, (visit.first,), guilty, f"{len(visit.first.cookies)} cookies, all strictly necessary"
    )


@check(reads="browser")
def no_third_party(browser: Browser, scope: Scope) -> Iterator[Observation]:
    """Nothing is asked of or sent to a third party but declared processors (GDPR 28, 13(1)(e))."""
    visit = browser.visit()
    declared = _declared(scope)
    guilty: dict[str, Request] = {}
    silent: dict[str, str] = {}
    for request in _foreign(browser, scope, visit.states):
        if not host_matches(request.host, declared):
            guilty.setdefault(request.host, request)
        elif request.status is None and request.kind in _LOADING:
            silent[request.host] = (
                f"declared, but its {request.kind} did not come: what it loads was not looked at"
            )
    for host, request in guilty.items():
        yield Observation.violated(
            f"host {host}", f"{asked(request)}: no declared processor", location=_where(browser, request.page)
        )
    for host, reason in silent.items():
        yield Observation.unseen(f"host {host}", reason)
    total = sum(len(state.requests) for state in visit.states)
    yield from _end(browser, visit.states, guilty, f"{total} requests, none to an undeclared third party")


@check(reads="browser")
def no_tracker_contacted(browser: Browser, scope: Scope) -> Iterator[Observation]:
    """No request goes to an advertising, analytics or similar host, and no beacon to a stranger.

    What the filter lists of the inventory name is a tracker whoever's host it is on.
    """
    visit = browser.visit()
    vendors = Vendors.load()
    declared = _declared(scope)
    guilty: dict[str, str] = {}
    for request in _foreign(browser, scope, visit.states):
        vendor = vendors.by_host(request.host)
        if vendor is not None and TRACKERS & set(vendor.kinds):
            guilty.setdefault(request.host, f"{asked(request)}: {vendor.name} ({', '.join(vendor.kinds)})")
        elif request.kind == "ping" and not host_matches(request.host, declared):
            guilty.setdefault(request.host, f"{asked(request)}: a beacon to a third party")
    for request in (request for state in visit.states for request in state.requests if request.rule):
        guilty.setdefault(request.host, f"{asked(request)}: named by the filter list ({request.rule})")
    for host, detail in guilty.items():
        yield Observation.violated(f"host {host}", detail, location=_where(browser))
    lists = browser.lists()
    yield from _unjudged(visit.states)
    done = "no tracker and no beacon to a third party"
    if lists is not None:
        done += f"; none of {lists.rules} rules applies" + (f", {lists.lost} unknown" if lists.lost else "")
    yield from _end(browser, visit.states, guilty, done)


@check(reads="browser")
def storage_is_essential(browser: Browser) -> Iterator[Observation]:
    """Unless accepted, the browser's storage holds only what the inventory lists as essential."""
    visit = browser.visit()
    states = [state for state in visit.states if state is not visit.accepted]
    guilty = {f"{key.area} {key.key}": (state, key) for state in states for key in _keys(browser, state)}
    for name, (state, key) in guilty.items():
        where = _where(browser, key.by)
        yield Observation.violated(name, f"kept {state.name}, not listed as essential", location=where)
    total = len({(key.area, key.key) for state in states for key in state.stored})
    yield from _end(browser, states, guilty, f"{total} keys, all essential")


@check(reads="browser")
def storage_identifies_nobody(browser: Browser) -> Iterator[Observation]:
    """Nothing kept in the browser tells a person from others (GDPR 4(1), recital 30).

    A cookie may hold an identifier, as that of a session does, if it is necessary or accepted; no cookie
    holds an address or number by which a person is reached. Storage holds neither.
    """
    visit = browser.visit()
    guilty: dict[str, tuple[str, str]] = {}
    for state in visit.states:
        for key in state.stored:
            if key.holds:
                guilty.setdefault(f"{key.area} {key.key}", (f"holds {key.holds}, {state.name}", key.by))
            elif not key.whole:
                yield Observation.unseen(f"{key.area} {key.key}", f"not all it holds was read, {state.name}")
        for cookie in state.cookies:
            # Whether a cookie may tell browsers apart at all is another control's question.
            if cookie.holds and cookie.holds not in {"a unique identifier", "a signed token"}:
                guilty.setdefault(f"cookie {cookie.name}", (f"holds {cookie.holds}, {state.name}", cookie.by))
    for name, (detail, by) in guilty.items():
        yield Observation.violated(name, detail, location=_where(browser, by))
    kept = sum(len(state.stored) + len(state.cookies) for state in visit.states)
    yield from _end(browser, visit.states, guilty, f"{kept} keys and cookies, none of which names anybody")


@check(reads="browser")
def consent_is_asked(browser: Browser) -> Iterator[Observation]:
    """What is not essential is asked for, and refused as easily as accepted (GDPR 4(11), 7(3))."""
    visit = browser.visit()
    dialog = visit.dialog
    guilty: list[str] = []
    if dialog is None:
        guilty = sorted({name for state in visit.states for name in _extras(browser, state)})
        for name in guilty:
            yield Observation.violated(name, "not essential, and nobody is asked", location=_where(browser))
        done = "nothing that needs consent"
    else:
        done = "refusing is as easy as accepting"
        accept, refuse = dialog.accept, dialog.refuse
        if refuse is None:
            guilty.append("refuse")
            said = f" beside “{accept.text}”" if accept else ""
            yield Observation.violated(
                "consent dialog", f"offers no button to refuse{said}", location=_where(browser, dialog.page)
            )
        elif accept is not None and refuse.area < accept.area * LEAST:
            guilty.append("size")
            yield Observation.violated(
                "consent dialog",
                f"“{refuse.text}” has {refuse.area / accept.area:.0%} of the area of “{accept.text}”",
                location=_where(browser, dialog.page),
            )
    yield from _end(browser, visit.states, guilty, done)


@check(reads="browser")
def choice_is_heeded(browser: Browser) -> Iterator[Observation]:
    """After refusing, nothing more is set; a choice made is remembered (EDPB Guidelines 05/2020, 3.1.2)."""
    visit = browser.visit()
    guilty: list[str] = []
    if visit.dialog is not None and visit.dialog.refuse is None:
        guilty.append("refuse")
        yield Observation.violated(
            "consent dialog", "cannot be refused, so no refusal is heeded", location=_where(browser)
        )
    if visit.refused is not None:
        # What is there before any choice is told by other controls.
        before = set(_extras(browser, visit.first))
        for name in (name for name in _extras(browser, visit.refused) if name not in before):
            guilty.append(name)
            yield Observation.violated(name, "set after refusing", location=_where(browser))
    for state in (visit.refused, visit.accepted):
        if state is not None and state.again:
            guilty.append(state.name)
            yield Observation.violated(
                "consent dialog",
                f"comes back {state.name}: the choice is not remembered",
                location=_where(browser),
            )
    done = "nothing is asked" if visit.dialog is None else "refusal heeded, choice remembered"
    yield from _end(browser, visit.states, guilty, done)


@check(reads="browser")
def privacy_signal_honoured(browser: Browser, scope: Scope) -> Iterator[Observation]:
    """With Global Privacy Control on, nobody is followed or handed on (CCPA regulations, section 7025).

    Who follows is a stranger, or whatever the filter lists of the inventory name, on any host.
    """
    visit = browser.visit()
    declared = _declared(scope)
    guilty: dict[str, str] = {}
    for cookie in _cookies(browser, visit.gpc):
        guilty[f"cookie {cookie.name}"] = "set in spite of Sec-GPC: 1"
    for key in _keys(browser, visit.gpc):
        if key.holds:
            guilty[f"{key.area} {key.key}"] = f"holds {key.holds} in spite of Sec-GPC: 1"
    for request in _foreign(browser, scope, (visit.gpc,)):
        if request.kind in _TELLING and not host_matches(request.host, declared):
            guilty.setdefault(f"host {request.host}", f"{asked(request)} in spite of Sec-GPC: 1")
    for request in (request for request in visit.gpc.requests if request.rule):
        words = f"{asked(request)}: named by the filter list ({request.rule}), in spite of Sec-GPC: 1"
        guilty.setdefault(f"host {request.host}", words)
    for name, detail in guilty.items():
        yield Observation.violated(name, detail, location=_where(browser))
    browser.lists()  # without them nobody knows whether what they name was asked for
    yield from _unjudged((visit.gpc,))
    yield from _end(browser, (visit.gpc,), guilty, "nobody is followed")


@check(reads="browser")
def no_fingerprinting(browser: Browser) -> Iterator[Observation]:
    """No script reads what tells browsers apart: canvas, sound, graphics card, WebRTC (ePrivacy 5(3))."""
    visit = browser.visit()
    guilty = {(use.api, use.by): use for state in visit.states for use in state.uses}
    for use in guilty.values():
        yield Observation.violated(
            use.api, f"read by {use.by} on {use.page}", location=_where(browser, use.page)
        )
    yield from _end(browser, visit.states, guilty, "no interface is used to tell browsers apart")


def _end(browser: Browser, states: Iterable[StateSeen], guilty: object, done: str) -> Iterator[Observation]:
    """Yield what was not looked at, then what speaks for the site if nothing speaks against it."""
    states = tuple(states)
    for state in states:
        for subject, reason in state.problems():
            yield Observation.unseen(subject, reason)
    if (
        (dialog := browser.visit().dialog) is not None
        and dialog.accept is None
        and states == browser.visit().states
    ):
        yield Observation.unseen(
            "consent dialog", "no button accepts it: what then happens was not looked at"
        )
    if not guilty:
        pages = sum(state.loaded for state in states)
        visit: Visit = browser.visit()
        more = f"; {visit.left} links beyond the bounds of the crawl" if visit.left else ""
        yield Observation.met(browser.target.id, done + more, Measure(pages, "pages"), _where(browser))
    for state in states:
        if state.kept and state.loaded:
            har, *pictures = state.kept
            more = f"; it names {len(pictures)} pictures with theirs" if pictures else ""
            words = f"requests kept in {har.path.name}, SHA-256 {har.sha256}{more}"
            yield Observation.met(state.name, words, location=Location(str(har.path)))


def _unjudged(states: Iterable[StateSeen]) -> Iterator[Observation]:
    for host in dict.fromkeys(host for state in states for host in state.unjudged):
        yield Observation.unseen(f"host {host}", "its address could not be held against the filter list")


def _extras(browser: Browser, state: StateSeen) -> list[str]:
    """Return the names of what is kept in ``state`` and is not essential."""
    cookies = [f"cookie {cookie.name}" for cookie in _cookies(browser, state)]
    return [*cookies, *(f"{key.area} {key.key}" for key in _keys(browser, state))]


def _cookies(browser: Browser, state: StateSeen) -> list[Cookie]:
    essential = _spec(browser).essential_cookies
    return [cookie for cookie in state.cookies if not name_matches(cookie.name, essential)]


def _keys(browser: Browser, state: StateSeen) -> list[Stored]:
    essential = _spec(browser).essential_storage
    return [key for key in state.stored if not name_matches(key.key, essential)]


def _foreign(browser: Browser, scope: Scope, states: Iterable[StateSeen]) -> Iterator[Request]:
    """Yield the requests that go to hosts which are not the site's own, nor ours."""
    for state in states:
        for request in state.requests:
            if not browser.owns(request.host) and not host_matches(request.host, scope.inventory.own_hosts):
                yield request


def _declared(scope: Scope) -> list[str]:
    """Return the hosts of all declared processors."""
    return [host for processor in scope.inventory.processors.values() for host in processor.hosts]


def _spec(browser: Browser) -> Endpoint:
    assert isinstance(browser.target.spec, Endpoint)  # noqa: S101  the registry gives targets of the kind read
    return browser.target.spec


def _where(browser: Browser, at: str = "/") -> Location:
    """Return the address of a script, or of a page by its path."""
    return Location(at if at.startswith("http") else f"{browser.base}{at if at.startswith('/') else '/'}")
