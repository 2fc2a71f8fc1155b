"""Ends pages that would take all memory: an endless or compressed answer grows faster than it is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser

MEMORY = 512 * 1024**2
"""Bytes resident that one process of pages may take; a plain page takes a fifth of it."""
_EVERY = 0.25  # seconds


@contextlib.asynccontextmanager
async def guarded(browser: Browser) -> AsyncIterator[None]:
    """End each of ``browser``'s page processes that outgrows :data:`MEMORY`; its pages then *crash*.

    Looks at Linux's ``/proc``; where there is none, pages are bounded by their time alone.
    """
    watching = asyncio.ensure_future(_watch(browser)) if Path("/proc/self/status").exists() else None
    try:
        yield
    finally:
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):  # the browser may be gone
                await watching


async def _watch(browser: Browser) -> None:
    session = await browser.new_browser_cdp_session()
    while True:
        told = await session.send("SystemInfo.getProcessInfo")
        for process in told["processInfo"]:
            if process["type"] == "renderer" and _resident(process["id"]) > MEMORY:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process["id"], signal.SIGKILL)
        await asyncio.sleep(_EVERY)


def _resident(number: int) -> int:
    """Return the bytes resident in the process ``number``; 0 if it has ended."""
    try:
        text = Path(f"/proc/{number}/status").read_text("ascii", "replace")
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) * 1024
