"""Evidence of a visit in files: a screenshot a page, an HTTP archive a state, without anything personal.

The archive names the pictures of its state with their digests, so that one digest stands for all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.connectors.browser_record import ACCEPTED, FIRST, GPC, REFUSED, Kept, Request, StateSeen
from checks.core.errors import Unreadable

if TYPE_CHECKING:
    from playwright.async_api import Page


_FIELDS = "input:not([type=submit], [type=button], [type=reset]), textarea, select, [contenteditable]"
_MASK = "#808080"
_WHEN = "1970-01-01T00:00:00Z"  # required by the format; not what this is about: runs tell when


def forget(folder: Path) -> None:
    """Remove what earlier visits left in ``folder``, so that all that is there is of one visit.

    Only files named as those below are; nothing else, no link, and nothing in folders within. Raises
    ``Unreadable`` where one cannot be removed: it would pass for what this visit saw.
    """
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            if _OURS.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                path.unlink(missing_ok=True)
    except OSError as error:
        raise Unreadable(f"old evidence cannot be removed from {folder.name} ({error.strerror})") from None


async def keep_screenshot(folder: Path, page: Page, state: str, path: str) -> Kept:
    """Write what ``page`` looks like to ``folder``, as PNG; grey lies over all that can be filled in."""
    fields = [frame.locator(_FIELDS) for frame in page.frames]
    taken = await page.screenshot(mask=fields, mask_color=_MASK, animations="disabled")
    return _write(folder / f"{_slug(state)}-{_named(path)}.png", taken)


def keep_har(folder: Path, state: StateSeen, pictures: Iterable[tuple[str, Kept]], version: str) -> Kept:
    """Write the requests of ``state`` as an HTTP archive (HAR 1.2): no query, header, cookie or body.

    ``pictures`` are those of the state by the path of their page, ``version`` is the browser's.
    """
    shots = dict(pictures)
    addresses = {page.path: page.url for page in state.pages if page.error is None}
    har = {
        "log": {
            "version": "1.2",
            "creator": {"name": "policyproof", "version": "1"},
            "browser": {"name": "Chromium", "version": version},
            "comment": f"{state.name}; queries, headers, cookies and bodies are left out",
            "pages": [_page(path, url, shots.get(path)) for path, url in addresses.items()],
            "entries": [_entry(request) for request in state.requests],
        }
    }
    return _write(folder / f"{_slug(state.name)}.har", (json.dumps(har, indent=1) + "\n").encode())


def _write(path: Path, content: bytes) -> Kept:
    """Write a file; raises ``Unreadable``, as a look whose evidence cannot be kept proves nothing later."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise Unreadable(f"evidence cannot be written to {path.parent.name} ({error.strerror})") from None
    return Kept(path, hashlib.sha256(content).hexdigest())


def _page(path: str, url: str, shot: Kept | None) -> dict[str, Any]:
    picture = {} if shot is None else {"_screenshot": shot.path.name, "_sha256": shot.sha256}
    return {"startedDateTime": _WHEN, "id": path, "title": url, "pageTimings": {}, **picture}


def _entry(request: Request) -> dict[str, Any]:
    nothing = {"cookies": [], "headers": [], "headersSize": -1, "bodySize": -1, "httpVersion": ""}
    return {
        "pageref": request.page,
        "startedDateTime": _WHEN,
        "time": 0,
        "request": {"method": request.method, "url": request.url, "queryString": [], **nothing},
        "response": {
            "status": request.status or 0,
            "statusText": "",
            "content": {"size": 0, "mimeType": ""},
            "redirectURL": "",
            **nothing,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "_resourceType": request.kind,
        "_initiators": request.chain,
        "_rule": request.rule,
    }


def _named(path: str) -> str:
    """Return a name for the file of ``path``; no two paths have the same."""
    slug = _slug(path)[:80]
    if path == "/":
        return "start"
    plain = path == f"/{slug}" and slug != "start"
    return slug if plain else f"{slug}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


_STATES = "|".join(map(_slug, (FIRST, GPC, REFUSED, ACCEPTED)))
_OURS = re.compile(rf"(?:{_STATES})(?:\.har|-[a-z0-9-]+\.png)")
