"""Who made a page ask: the nearest script, who loaded that one, and so on up to the page itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.connectors.browser_urls import shown

MOST = 5_000
"""Pictures whose asking is remembered."""
DEEPEST = 12
"""Links of a chain that are told; the page itself stands at the end of a shorter one."""


class Makers:
    """What asked for each address, by page."""

    def __init__(self) -> None:
        self._by: dict[tuple[str, str], tuple[str, ...]] = {}
        self._parsed: set[tuple[str, str]] = set()  # asked for by the page, says Chromium
        self._told: dict[tuple[str, str], str] = {}  # asked for by a script, says the script

    def note(self, page: str, event: Mapping[str, Any]) -> None:
        """Take Chromium's ``Network.requestWillBeSent`` on the page of path ``page``.

        An address that was redirected to is asked for by the one that redirects.
        """
        url = shown(event["request"]["url"])
        redirect = event.get("redirectResponse")
        makers = _makers(event["initiator"]) if redirect is None else (shown(redirect.get("url", "")),)
        if (page, url) not in self._by and redirect is None and event["initiator"].get("type") == "parser":
            self._parsed.add((page, url))
        self._by.setdefault((page, url), makers)

    def told(self, page: str, url: str, by: str) -> None:
        """Take what the probe in a page tells: the script at ``by`` asks for a picture at ``url``.

        Chromium says of such a picture that the page's parser asked for it.
        """
        if len(self._told) < MOST and shown(by):
            self._told.setdefault((page, shown(url)), shown(by))

    def chain(self, page: str, url: str) -> tuple[str, ...]:
        """Return what asked for ``url``, what had called or loaded that, and so on up to the page.

        A script stands once, where it is met first; at most :data:`DEEPEST` are told.
        """
        found: list[str] = []
        passed: set[str] = set()
        at = url
        while at not in passed and (makers := self._of(page, at)):
            passed.add(at)
            found += [one for one in makers if one not in found and one != url]
            at = makers[-1]
        return tuple(found[:DEEPEST])

    def _of(self, page: str, url: str) -> tuple[str, ...]:
        told = self._told.get((page, url)) if (page, url) in self._parsed else None
        return (told,) if told else self._by.get((page, url), ())


def _makers(initiator: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the scripts at work when a page asked, the nearest first; else the document or sheet."""
    found: dict[str, None] = {}
    stack = initiator.get("stack")
    while stack and len(found) < DEEPEST:
        for frame in stack.get("callFrames", ()):
            if frame.get("url", "").startswith("http"):
                found[shown(frame["url"])] = None
        stack = stack.get("parent")
    return tuple(found) or tuple(filter(None, [shown(initiator.get("url", ""))]))
