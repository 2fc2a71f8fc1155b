"""Listens while pages load in one state: requests and who made them, cookies and keys and who set them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.connectors.browser_makers import Makers
from checks.connectors.browser_record import Cookie, Request, Stored, Use
from checks.connectors.browser_urls import expired, host_of, same_site, shown
from checks.connectors.filter_list import FilterLists
from checks.core.errors import NotAssessed, TooLarge, Unreadable
from checks.detectors.identifiers import identifies, without

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Response
    from playwright.async_api import Request as Sent

BYTES = 64 * 1024 * 1024
"""What one page may load, decompressed."""
MOST = 5_000
"""Requests, and events of each other kind, of one state."""
SPEED = 16 * 1024 * 1024
"""Bytes a second a page may load: what an endless answer can bring within its time is bounded too."""
_STREAMS = frozenset({"eventsource", "websocket", "media"})  # these stay open by design


class Watch:
    """What happens in one browser context. Values of cookies and keys are judged and dropped at once."""

    def __init__(self, root: str, lists: FilterLists | None) -> None:
        self._root = root
        self._lists = lists
        self._rules: dict[Sent, str] = {}
        self.unjudged: dict[str, None] = {}  # hosts of which the lists could not say anything
        self.flood: NotAssessed | None = None
        self.faults: dict[Page, int] = {}
        self._paths: dict[Page, str] = {}
        self._sent: dict[Sent, tuple[str, str, str, str, str]] = {}  # host, url, kind, method, page
        self._statuses: dict[Sent, int] = {}
        self._extra: list[Request] = []  # web sockets, WebRTC servers
        self._makers = Makers()
        self._setters: dict[tuple[str, str], tuple[str, bool]] = {}  # (cookie, host) → by, and kept
        self._writers: dict[tuple[str, str], str] = {}  # (area, key) → by
        self._stored: dict[tuple[str, str, str], str | None] = {}
        self._uses: dict[tuple[str, str, str], None] = {}
        self._sizes: dict[Page, int] = {}
        self._busy: dict[Page, int] = {}
        self._last: dict[Page, float] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def follow(self, context: BrowserContext) -> None:
        """Listen to ``context`` from now on."""
        await context.expose_binding("__policyproof", self._told)
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._ended)

    async def open(self, context: BrowserContext, path: str) -> Page:
        """Return a new page for ``path``, listened to from its first request on."""
        page = await context.new_page()
        self._paths[page] = path
        self._last[page] = asyncio.get_running_loop().time()
        page.on("pageerror", lambda _: self._count(self.faults, page))
        page.on("websocket", lambda socket: self._add(page, socket.url, "websocket", "GET"))
        devtools = await context.new_cdp_session(page)
        urls: dict[str, str] = {}

        def sent(event: Mapping[str, Any]) -> None:
            """Note who made a request."""
            url = shown(event["request"]["url"])
            if len(urls) < MOST:
                urls[event["requestId"]] = url
                self._makers.note(path, event)

        def cookies(event: Mapping[str, Any]) -> None:
            """Note the cookies of an answer; the browser tells them here alone."""
            for name, line in event["headers"].items():
                if name.lower() == "set-cookie":
                    for one in line.split("\n"):
                        self._set_cookie(one, urls.get(event["requestId"], ""))

        def received(event: Mapping[str, Any]) -> None:
            """Stop a page that sends without end."""
            self._sizes[page] = self._sizes.get(page, 0) + event["dataLength"]
            if self._sizes[page] > BYTES:
                self._stop(page)

        devtools.on("Network.requestWillBeSent", sent)
        devtools.on("Network.responseReceivedExtraInfo", cookies)
        devtools.on("Network.dataReceived", received)
        # Nothing of a body is kept: only its size is of interest.
        await devtools.send("Network.enable", {"maxTotalBufferSize": 1, "maxResourceBufferSize": 1})
        speed = {"offline": False, "latency": 0, "downloadThroughput": SPEED, "uploadThroughput": -1}
        await devtools.send("Network.emulateNetworkConditions", speed)
        return page

    def too_large(self, page: Page) -> bool:
        """Whether ``page`` was ended because it loaded more than :data:`BYTES`."""
        return self._sizes.get(page, 0) > BYTES

    async def settle(self, page: Page, wait: float, *, longest: float = 3.0) -> None:
        """Return when ``page`` has been quiet, ``wait`` seconds from now at the earliest, bounded."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while (now := clock()) < began + wait + longest:
            if now - began >= wait and self._busy.get(page, 0) <= 0 and now - self._last[page] >= 0.1:
                return
            await asyncio.sleep(0.05)

    def keys(self, host: str, found: Sequence[Sequence[str]]) -> None:
        """Take what a frame of ``host`` holds, as (area, key, value); the values are judged and dropped."""
        for area, key, value in found:
            if len(self._stored) < MOST:
                known = self._stored.get((area, without(key), host))
                self._stored[area, without(key), host] = known or identifies(value) or identifies(key)

    def forms(self, page: Page, found: Sequence[Sequence[str]]) -> None:
        """Take where the forms of ``page`` send to, as (address, method); none is sent."""
        for url, method in found:
            self._add(page, url, "form", method)

    # ── what it came to ──────────────────────────────────────────────────────────────────────────

    def requests(self) -> tuple[Request, ...]:
        """Return the requests, each kind of one only once a page."""
        plain = []
        for sent, (host, url, kind, method, page) in self._sent.items():
            chain = self._makers.chain(page, url)
            by, status, rule = next(iter(chain), ""), self._statuses.get(sent), self._rules.get(sent)
            plain.append(Request(host, url, kind, method, by, page, status, chain, rule))
        return tuple(dict.fromkeys([*plain, *self._extra]))

    def cookies(self, jar: Sequence[Mapping[str, Any]]) -> tuple[Cookie, ...]:
        """Return the cookies of ``jar``, then those that were set and are not in it."""
        found: dict[tuple[str, str], Cookie] = {}
        for one in jar:
            name, host = without(one["name"]), one["domain"].removeprefix(".")
            by = next(
                (by for (n, h), (by, _) in self._setters.items() if n == name and same_site(h, host)), ""
            )
            found[name, host] = Cookie(
                name=name,
                host=host,
                lifetime=None if one["expires"] < 0 else max(0.0, one["expires"] - time.time()),
                secure=one["secure"],
                http_only=one["httpOnly"],
                same_site=one["sameSite"],
                by=by,
                holds=identifies(one["value"]),
            )
        names = {name for name, _ in found}
        for (name, host), (by, kept) in self._setters.items():
            if kept and name not in names:  # set and taken back, or not accepted by this browser
                found[name, host] = Cookie(name, host, 0.0, False, False, "", by)
        return tuple(found.values())

    def stored(self) -> tuple[Stored, ...]:
        """Return the keys that were found, then those that were written and are gone."""
        result = [
            Stored(area, key, host, self._writers.get((area, key), ""), holds)
            for (area, key, host), holds in self._stored.items()
        ]
        there = {(one.area, one.key) for one in result}
        gone = [(a, k, by) for (a, k), by in self._writers.items() if (a, k) not in there]
        return (*result, *(Stored(area, key, host_of(by), by) for area, key, by in gone))

    def uses(self) -> tuple[Use, ...]:
        """Return the telling uses of interfaces."""
        return tuple(Use(*key) for key in self._uses)

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def _told(self, source: Mapping[str, Any], event: Any) -> None:
        """Take what the probe tells; a hostile page may tell anything, so shapes are checked."""
        page = source["page"]
        if not isinstance(event, dict) or not all(isinstance(v, str) for v in event.values()):
            return
        path = self._paths.get(page, "")
        if event.get("what") == "picture":
            self._makers.told(path, event.get("name", "")[:500], event.get("by", "")[:500])
            return
        what, name = event.get("what"), without(event.get("name", "")[:200])
        by = shown(event.get("by", "")[:500]) or path
        if len(self._setters) + len(self._writers) + len(self._uses) > MOST:
            self._overflow()
        elif what == "cookie":
            kept = not expired(event.get("age", ""))
            self._setters[name, host_of(source["frame"].url)] = (by, kept)
        elif what == "key" and event.get("area") in {"localStorage", "sessionStorage"}:
            self._writers.setdefault((event["area"], name), by)
        elif what == "use":
            self._uses[name, by, path] = None
        elif what == "ice":
            address = event["name"].partition(":")[2].partition("?")[0].removeprefix("//")
            self._add(page, f"https://{address}", "webrtc", "GET")

    def _request(self, sent: Sent) -> None:
        page = _page(sent)
        if page is not None:
            self._last[page] = asyncio.get_running_loop().time()
            if sent.resource_type not in _STREAMS:
                self._busy[page] = self._busy.get(page, 0) + 1
        host = host_of(sent.url)
        if not host or not sent.url.startswith(("http:", "https:")):
            return
        if len(self._sent) >= MOST:
            self._overflow()
            return
        path = "" if page is None else self._paths.get(page, "")
        self._sent[sent] = (host, shown(sent.url), sent.resource_type, sent.method, path)
        if not (sent.is_navigation_request() and page is not None and sent.frame == page.main_frame):
            rule = self._named(sent.url, path, host, sent.resource_type)
            if rule is not None:
                self._rules[sent] = rule

    def _response(self, response: Response) -> None:
        if response.request in self._sent:
            self._statuses[response.request] = response.status

    def _ended(self, sent: Sent) -> None:
        page = _page(sent)
        if page is not None and sent.resource_type not in _STREAMS:
            self._busy[page] = self._busy.get(page, 0) - 1
            self._last[page] = asyncio.get_running_loop().time()

    def _add(self, page: Page, url: str, kind: str, method: str) -> None:
        if host_of(url) and len(self._extra) < MOST:
            path = self._paths.get(page, "")
            rule = self._named(url, path, host_of(url), kind) if kind == "websocket" else None
            self._extra.append(Request(host_of(url), shown(url), kind, method, "", path, rule=rule))

    def _named(self, url: str, path: str, host: str, kind: str) -> str | None:
        """Return the rule that names ``url``; queries count here, and are not kept."""
        if self._lists is None:
            return None
        try:
            kind = "subdocument" if kind == "document" else kind
            return self._lists.names(url, self._root + path, kind)
        except Unreadable:
            self.unjudged[host] = None
            return None

    def _set_cookie(self, line: str, url: str) -> None:
        pair, *rest = line.split(";")
        name = without(pair.partition("=")[0].strip())
        attributes = {k.strip().lower(): v.strip() for k, _, v in (part.partition("=") for part in rest)}
        host = attributes.get("domain", "").removeprefix(".").lower() or host_of(url)
        age = next((f"{k}={attributes[k]}" for k in ("max-age", "expires") if k in attributes), "")
        if len(self._setters) < MOST:
            self._setters.setdefault((name, host), (url, not expired(age)))
        else:
            self._overflow()

    def _overflow(self) -> None:
        self.flood = TooLarge(f"more than {MOST} requests, cookies or uses in one state")

    def _stop(self, page: Page) -> None:
        if not page.is_closed():
            task = asyncio.ensure_future(page.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    @staticmethod
    def _count(counts: dict[Page, int], page: Page) -> None:
        counts[page] = counts.get(page, 0) + 1


def _page(sent: Sent) -> Page | None:
    from playwright.async_api import Error

    try:
        return sent.frame.page
    except Error:  # a service worker's, or a frame that is gone
        return None
