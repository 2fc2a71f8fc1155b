"""Frames of a page: where they are, whether they show, and what they tell of themselves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from checks.connectors.browser_urls import host_of
from checks.core.errors import Unreadable

if TYPE_CHECKING:
    from playwright.async_api import Frame


def sound(found: Any, what: str) -> Any:
    """Return what a page told of itself; raises ``Unreadable`` where its scripts made that something else."""
    try:
        good = (
            all(isinstance(link, str) for link in found["links"])
            and all(isinstance(to, str) and isinstance(method, str) for to, method in found["forms"])
            and all(list(map(type, one)) == [str, str, str, bool] for one in found["stored"])
            and isinstance(found["more"], bool)
            and "elements" in found
        )
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise Unreadable(f"{what}: its scripts stand in the way of what is asked of the page")
    return found


async def inside(frame: Frame, script: str, what: str) -> Any:
    """Return what ``script`` reads in ``frame``, ``None`` if the frame is gone meanwhile.

    Raises ``Unreadable`` for one that is there and cannot be read.
    """
    from playwright.async_api import Error

    for _ in range(2):  # it may be leaving for another page, which holds something too
        try:
            found = await frame.evaluate(script)
        except Error:  # the browser's; a bug of ours is to stay one
            if frame.is_detached() or frame.page.is_closed():
                return None
        else:
            return sound(found, what)
    raise Unreadable(f"{what}: a frame of {place_of(frame)} could not be read")


def place_of(frame: Frame) -> str:
    """Return the host of ``frame``; one without an address belongs to whoever made it."""
    at: Frame | None = frame
    while at is not None:
        if host := host_of(at.url):
            return host
        at = at.parent_frame
    return ""


async def shows(frame: Frame) -> bool:
    """Whether ``frame`` takes room on its page; one that is hidden asks nobody."""
    from playwright.async_api import Error

    with contextlib.suppress(Error):  # it came and went
        box = await (await frame.frame_element()).bounding_box()
        return box is not None and box["width"] > 1 and box["height"] > 1
    return False
