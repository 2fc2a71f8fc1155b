"""The browser itself: one Chromium for all who need it at a time, started when first used.

Playwright's asynchronous interface lives on a thread with a loop of its own, so that pages load side
by side and whoever calls keeps a thread without a running loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from checks.core.errors import MissingDriver, NotAssessed, TimedOut, Unreachable, one_line

if TYPE_CHECKING:
    from playwright.async_api import Browser

T = TypeVar("T")

CHROMIUM = "POLICYPROOF_CHROMIUM"
"""Environment variable that names the browser, where it is none of :data:`NAMES`."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
START = 60.0
"""Seconds for a browser to start."""
ARGUMENTS = (
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
)


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """Something that is being done on the browser's thread."""

    _future: Future[T]
    _seconds: float
    _until: float  # on the monotonic clock

    def result(self) -> T:
        """Return what was done, waiting for it; raises ``TimedOut`` where it is not done in its time."""
        try:
            return self._future.result(max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            raise TimedOut(f"the visit in a browser took more than {self._seconds:g} s") from None
        finally:
            self._future.cancel()

    def drop(self) -> None:
        """Let go of it, done or not."""
        self._future.cancel()


class Runtime:
    """A loop on a thread, and the browsers it has started, by the arguments they were started with."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._driver: Any = None
        self._browsers: dict[tuple[str, ...], Browser] = {}
        self._starting = asyncio.Lock()  # two who want the same browser get one

    def start(self, work: Coroutine[Any, Any, T], *, seconds: float) -> Work[T]:
        """Have ``work`` done on the browser's thread, in at most ``seconds`` from now."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="browser", daemon=True)
            self._thread.start()
        return Work(asyncio.run_coroutine_threadsafe(work, self._loop), seconds, time.monotonic() + seconds)

    def run(self, work: Coroutine[Any, Any, T], *, seconds: float) -> T:
        """Return what ``work`` does on the browser's thread; raises ``TimedOut`` after ``seconds``."""
        return self.start(work, seconds=seconds).result()

    async def browser(self, arguments: tuple[str, ...]) -> Browser:
        """Return a browser started with ``arguments``; on the loop's thread only.

        Raises ``MissingDriver`` where Playwright or Chromium is missing, ``Unreachable`` where it
        does not start.
        """
        async with self._starting:
            return await self._browser(arguments)

    async def _browser(self, arguments: tuple[str, ...]) -> Browser:
        found = self._browsers.get(arguments)
        if found is not None and found.is_connected():
            return found
        try:
            from playwright.async_api import Error, async_playwright
        except ImportError:
            raise MissingDriver(
                "a look in a browser needs Playwright: pip install 'policyproof[browser]'"
            ) from None
        if self._driver is None:
            self._driver = await async_playwright().start()
        try:
            browser: Browser = await self._driver.chromium.launch(
                executable_path=chromium(),
                args=[*ARGUMENTS, *arguments],
                timeout=START * 1000,
                chromium_sandbox=os.geteuid() != 0,  # root cannot have it
            )
        except Error as error:
            if "Executable doesn't exist" in str(error):
                missing = f"a look in a browser needs Chromium: install it, or name it in {CHROMIUM}"
                raise MissingDriver(missing) from None
            raise Unreachable(f"Chromium did not start: {one_line(error, 120)}") from None
        self._browsers[arguments] = browser
        return browser

    def close(self) -> None:
        """Close every browser and the thread; safe to call twice."""
        if self._loop is None or self._thread is None:
            return
        with contextlib.suppress(NotAssessed):
            self.run(self._end(), seconds=START)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START)
        self._loop.close()
        self._loop = self._thread = None

    async def _end(self) -> None:
        for browser in self._browsers.values():
            with contextlib.suppress(Exception):  # it may have crashed before; then it is closed
                await asyncio.wait_for(browser.close(), 10)
        self._browsers.clear()
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.stop()
        current = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not current]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


_lock = threading.Lock()
_shared: list[Any] = [None, 0]  # the runtime, and how many hold it


@contextlib.contextmanager
def runtime() -> Iterator[Runtime]:
    """Yield the runtime of this process; the browser ends when the last block does."""
    with _lock:
        if _shared[0] is None:
            _shared[0] = Runtime()
        _shared[1] += 1
        held: Runtime = _shared[0]
    try:
        yield held
    finally:
        with _lock:
            _shared[1] -= 1
            last = _shared[1] == 0
            if last:
                _shared[0] = None
        if last:
            held.close()


def chromium() -> str | None:
    """Return where a Chromium is, or ``None``: then Playwright's own is tried.

    Raises ``MissingDriver`` if :data:`CHROMIUM` names no program.
    """
    named = os.environ.get(CHROMIUM)
    if named:
        found = shutil.which(named)
        if found is None:
            raise MissingDriver(f"{CHROMIUM} names no program that can be started")
        return found
    return next((path for name in NAMES if (path := shutil.which(name))), None)
