"""A site as a person's browser meets it: one visit in every state, shared by all that judge it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from checks.connectors.browser_guard import guarded
from checks.connectors.browser_read import read
from checks.connectors.browser_record import Plan, Visit
from checks.connectors.browser_runtime import Runtime, Work, runtime
from checks.connectors.browser_tour import tour
from checks.connectors.browser_trust import origin_of, pin
from checks.connectors.filter_list import FilterLists
from checks.core.errors import NotAssessed, Nothing
from checks.core.model import Endpoint, Target

if TYPE_CHECKING:
    from playwright.async_api import Browser as Chromium

T = TypeVar("T")
EVIDENCE = "POLICYPROOF_EVIDENCE"
"""Environment variable that names a folder for screenshots and HTTP archives; empty: none are written.

Where it is not set, a run of controls keeps them beside its reports, and nobody else does."""
_PAGE = 3.0  # seconds that a page may take on average, beyond which the whole visit is given up
_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]"


class Browser:
    """A web site in Chromium. Nothing is started before :meth:`begin` or :meth:`visit` is called."""

    kind: ClassVar[str] = "browser"

    def __init__(self, target: Target, held: Runtime, plan: Plan) -> None:
        self.target = target
        self.plan = plan
        self._held = held
        self.kept: list[Visit | NotAssessed] = []  # one at most; views of the same state may share it
        self._begun: Work[Visit] | None = None
        self._lists: list[FilterLists | NotAssessed | None] = []
        self._pages: dict[str, tuple[str, str] | NotAssessed] = {}

    @classmethod
    @contextmanager
    def open(
        cls,
        target: Target,
        *,
        timeout: float = 10.0,
        plan: Plan | None = None,
        evidence: Path | None = None,
    ) -> Iterator[Self]:
        """Yield the view; ``timeout`` (seconds) bounds each wait, three times that a page.

        ``plan`` is how to visit, where the inventory does not say; ``evidence`` the folder for what is
        kept of it, unless :data:`EVIDENCE` names another.
        """
        with runtime() as held:
            view = cls(target, held, plan or plan_of(target, timeout, evidence))
            try:
                yield view
            finally:
                if view._begun is not None:
                    view._begun.drop()

    @property
    def base(self) -> str:
        """The site's address, without user and final slash; raises ``MissingAddress``, ``Unreachable``."""
        return origin_of(self.target).base

    def owns(self, host: str) -> bool:
        """Whether ``host`` is the site's own, or below it (``www.`` does not count)."""
        own = origin_of(self.target).host.removeprefix("www.")
        return host == own or host.endswith(f".{own}")

    def lists(self) -> FilterLists | None:
        """Return the filter lists that the inventory names, read once; ``None`` where it names none.

        Raises what :meth:`FilterLists.load` raises, whenever it is asked.
        """
        if not self._lists:
            try:
                paths = self.plan.lists
                self._lists.append(FilterLists.load(paths, self.target.id) if paths else None)
            except NotAssessed as error:
                self._lists.append(error)
        if isinstance(self._lists[0], NotAssessed):
            raise self._lists[0].with_traceback(None)
        return self._lists[0]

    def begin(self) -> None:
        """Have the visit begin while the caller does something else; what comes of it :meth:`visit` tells."""
        if self._begun is None and not self.kept:
            plan = self.plan
            pages = max(plan.most, len(plan.pages))
            seconds = 60 + plan.timeout * 9 + pages * 4 * _PAGE
            self._begun = self._held.start(self._tour(), seconds=seconds)

    def visit(self) -> Visit:
        """Return the one visit, paid at the first call; a failure is remembered too.

        Raises ``MissingDriver`` without Playwright or Chromium, ``Unreachable``, ``TimedOut`` and
        others if no page of the site can be had; single pages that fail are in the visit.
        """
        self.begin()
        if not self.kept:
            assert self._begun is not None  # noqa: S101  begun above
            try:
                self.kept.append(self._begun.result())
            except NotAssessed as error:
                self.kept.append(error)
        if isinstance(self.kept[0], NotAssessed):
            raise self.kept[0].with_traceback(None)
        return self.kept[0]

    def read(self, path: str) -> tuple[str, str]:
        """Return address and HTML of one page once its scripts have run, in a cold profile, loaded once.

        Open shadow trees are appended, frames and closed ones are not in it. Raises as :meth:`visit`
        does, and ``TooLarge`` beyond 20 MiB; a failure is remembered too.
        """
        if path not in self._pages:
            plan, origin = self.plan, origin_of(self.target)
            try:
                self._pages[path] = self._held.run(
                    self._in_browser(lambda found: read(self.target.id, found, origin, plan, path)),
                    seconds=60 + plan.timeout * 9,
                )
            except NotAssessed as error:
                self._pages[path] = error
        kept = self._pages[path]
        if isinstance(kept, NotAssessed):
            raise kept.with_traceback(None)
        return kept

    async def _tour(self) -> Visit:
        plan, origin = self.plan, origin_of(self.target)
        if not plan.pages:
            raise Nothing(f"{self.target.id}: the inventory lists no pages")
        try:
            lists = self.lists()
        except NotAssessed:
            lists = None  # told by the check that needs them; the others judge the visit without
        return await self._in_browser(lambda found: tour(self.target.id, found, origin, plan, lists))

    async def _in_browser(self, work: Callable[[Chromium], Awaitable[T]]) -> T:
        """Do ``work`` in a browser that trusts what the inventory trusts; on the browser's thread."""
        plan, origin = self.plan, origin_of(self.target)
        arguments = ["--no-proxy-server"]  # as the other connectors: every machine sees the same
        key = await asyncio.to_thread(pin, self.target, origin, plan.timeout)
        if key is not None:
            arguments.append(f"--ignore-certificate-errors-spki-list={key}")
        if origin.loopback:
            # A site on this machine is a rehearsal: whom it calls is noted, and nobody is called.
            arguments.append(_LOOPBACK)
        browser = await self._held.browser(tuple(arguments))
        async with guarded(browser):
            return await work(browser)


def plan_of(target: Target, timeout: float, folder: Path | None = None) -> Plan:
    """Return how the inventory wants the site of ``target`` visited, its evidence kept below ``folder``."""
    spec = target.spec
    assert isinstance(spec, Endpoint)  # noqa: S101  the inventory's loader sees to it
    crawl, consent = spec.crawl, spec.consent
    evidence = os.environ.get(EVIDENCE, folder)
    return Plan(
        pages=spec.pages,
        depth=int(crawl.get("depth", 1)),
        most=int(crawl.get("pages", 20)),
        wait=float(crawl.get("wait", 0.5)),
        timeout=timeout,
        dialog=consent.get("dialog"),
        accept=consent.get("accept"),
        refuse=consent.get("refuse"),
        evidence=Path(evidence) / target.id if evidence else None,
        lists=tuple(Path(path) for path in spec.filter_lists),
    )
