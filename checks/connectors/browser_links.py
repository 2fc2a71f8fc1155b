"""Which links of a site are followed: those to pages, and none that might change something."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from checks.connectors.browser_trust import Origin

# What a link may do although it should not (RFC 9110, 9.2.1), and what is no page.
_LEAVE = re.compile(
    r"/(?:log[-_]?out|sign[-_]?out|delete|remove|unsubscribe|cancel)(?:[/.?]|$)", re.IGNORECASE
)
_FILE = re.compile(
    r"\.(?:pdf|zip|gz|tgz|tar|7z|exe|dmg|deb|rpm|apk|iso|mp[34]|webm|png|jpe?g|gif|webp|avif|svg|ico|css|js|json"
    r"|xml|rss|atom|txt|csv|docx?|xlsx?|pptx?)$",
    re.IGNORECASE,
)


def followed(url: str, origin: Origin) -> str | None:
    """Return the path (with its query) of a link below the site's address that may be followed."""
    parts = urlsplit(url)
    below = urlsplit(origin.base).path
    if not origin.holds(url) or not parts.path.startswith(f"{below}/"):
        return None
    if _LEAVE.search(parts.path) or _FILE.search(parts.path):
        return None
    path = parts.path.removeprefix(below)
    return f"{path}?{parts.query}" if parts.query else path
