"""Evidence of a visit in files: a screenshot a page, an HTTP archive a state without anything personal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.connectors.browser_record import Request, StateSeen

if TYPE_CHECKING:
    from playwright.async_api import Page


async def keep_screenshot(folder: Path, page: Page, state: str, path: str) -> None:
    """Write what ``page`` looks like to ``folder``, as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=folder / f"{_slug(state)}-{_slug(path) or 'start'}.png")


def keep_har(folder: Path, state: StateSeen) -> None:
    """Write the requests of ``state`` as an HTTP archive (HAR 1.2): no query, header, cookie or body."""
    folder.mkdir(parents=True, exist_ok=True)
    har = {
        "log": {
            "version": "1.2",
            "creator": {"name": "policyproof", "version": "1"},
            "comment": f"{state.name}; queries, headers, cookies and bodies are left out",
            "entries": [_entry(request) for request in state.requests],
        }
    }
    (folder / f"{_slug(state.name)}.har").write_text(json.dumps(har, indent=1) + "\n", "utf-8")


def _entry(request: Request) -> dict[str, Any]:
    nothing = {"cookies": [], "headers": [], "headersSize": -1, "bodySize": -1, "httpVersion": ""}
    return {
        "pageref": request.page,
        "startedDateTime": "1970-01-01T00:00:00Z",  # required by the format; not what this is about
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
        "_initiator": request.by,
    }


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
