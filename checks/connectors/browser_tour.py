"""The tour of a site in its states: pages side by side, links within bounds, a dialog answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from checks.connectors.browser_evidence import forget
from checks.connectors.browser_record import (
    ACCEPTED,
    FIRST,
    GPC,
    REFUSED,
    Dialog,
    PageSeen,
    Plan,
    StateSeen,
    Visit,
)
from checks.connectors.browser_state import State
from checks.connectors.browser_trust import Origin
from checks.connectors.browser_urls import path_of
from checks.connectors.filter_list import FilterLists
from checks.core.errors import NotAssessed, Nothing, TimedOut, Unreachable

if TYPE_CHECKING:
    from playwright.async_api import Browser

TABS = 4
"""Pages open at a time."""


async def tour(
    name: str, browser: Browser, origin: Origin, plan: Plan, lists: FilterLists | None = None
) -> Visit:
    """Visit the site at ``origin`` and return what was seen; ``name`` is how messages call it.

    ``lists`` names trackers among the requests.

    Raises the error of its first page if no page could be had at all.
    """
    if not plan.pages:
        raise Nothing(f"{name}: the inventory lists no pages")
    if plan.evidence is not None:
        forget(plan.evidence)
    tabs = asyncio.Semaphore(TABS)

    def state(called: str) -> State:
        """Return a profile of its own, with nothing in it."""
        return State(name, called, browser, origin, plan, tabs, lists)

    async with state(FIRST) as first, state(GPC) as gpc:
        paths, left = await _crawl(first, gpc, plan)
        _answering(first.pages)
        gpc.miss(first.pages)
        before, signalled = await asyncio.gather(first.seen(), gpc.seen())
    dialog = next((page.dialog for page in before.pages if page.dialog), None)
    if dialog is None:
        return Visit(before, signalled, left=left)
    refused, accepted = await asyncio.gather(
        _answered(state(REFUSED), dialog, "refuse", paths, before.pages),
        _answered(state(ACCEPTED), dialog, "accept", paths, before.pages),
    )
    return Visit(before, signalled, refused, accepted, left)


async def _crawl(first: State, gpc: State, plan: Plan) -> tuple[list[str], int]:
    """Look at the pages, then at those they link to; return all paths, and how many were left out."""
    level = list(dict.fromkeys(plan.pages))
    known = {path.partition("?")[0] for path in level}
    paths: list[str] = []
    left = 0
    for depth in range(plan.depth + 1):
        asked = depth == 0
        await asyncio.gather(first.look(level, asked=asked), gpc.look(level, asked=asked))
        paths += level
        if asked and not any(page.error is None for page in first.pages):
            break
        found = _new(first.pages, known)
        room = max(0, plan.most - len(paths))
        level = found[:room] if depth < plan.depth else []
        left += len(found) - len(level)
        if not level:
            break
    return paths, left


def _new(pages: Iterable[PageSeen], known: set[str]) -> list[str]:
    """Return the links not met before, and remember them."""
    result = []
    for page in pages:
        for link in page.links:
            if link.partition("?")[0] not in known:
                known.add(link.partition("?")[0])
                result.append(link)
    return result


def _answering(pages: Sequence[PageSeen]) -> None:
    """Raise if nothing answers: one line says more than one a page."""
    errors = [page.error for page in pages if page.error is not None]
    if len(errors) == len(pages) and errors and all(isinstance(e, (Unreachable, TimedOut)) for e in errors):
        raise errors[0]


async def _answered(
    state: State, dialog: Dialog, answer: str, paths: Sequence[str], before: Sequence[PageSeen]
) -> StateSeen | None:
    """Return the state after ``answer``; ``None`` where the dialog offers no such button.

    What was a page ``before`` is looked at, or told not to have been.
    """
    button: Any = dialog.refuse if answer == "refuse" else dialog.accept
    if button is None:
        return None
    async with state:
        try:
            await state.answer(next(p for p in paths if path_of(p) == dialog.page), answer)
        except NotAssessed as error:
            return StateSeen(state.called, (), error=error)
        await state.look(paths, asked=False)
        state.miss(before)
        return await state.seen()
