"""One page as its scripts make it, for those who judge what it says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from checks.connectors.browser_record import FIRST, Plan
from checks.connectors.browser_state import State
from checks.connectors.browser_trust import Origin
from checks.core.errors import Unreadable

if TYPE_CHECKING:
    from playwright.async_api import Browser


async def read(name: str, browser: Browser, origin: Origin, plan: Plan, path: str) -> tuple[str, str]:
    """Return address and HTML of the page at ``path``; raises the ``NotAssessed`` of a page that fails."""
    quiet = replace(plan, evidence=None)  # pictures are the visit's
    async with State(name, FIRST, browser, origin, quiet, asyncio.Semaphore(1)) as state:
        state.texts = {}
        await state.look([path], asked=True)
        page = state.pages[0]
        if page.error is not None:
            raise page.error
        if page.path not in state.texts:
            raise Unreadable(f"{name}: {page.path}: the page could not be read")
        return page.url, state.texts[page.path]
