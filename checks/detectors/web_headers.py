"""What the headers of an answer (and a page's own ``meta``) say of its protection; no cookie's value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

CAREFUL_REFERRERS = frozenset(
    {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin", "origin"}
    | {"origin-when-cross-origin"}
)
"""Referrer policies that keep path and query from other sites (W3C Referrer Policy, 3)."""
_REFERRERS = CAREFUL_REFERRERS | {"unsafe-url", "no-referrer-when-downgrade"}
_ANYBODY = frozenset({"*", "http:", "https:", "http://*", "https://*", "data:"})

Policy = Mapping[str, tuple[str, ...]]
"""One content security policy: directive → sources, all in lower case but nonces and hashes."""


@dataclass(frozen=True, slots=True)
class SetCookie:
    """A cookie as it is set, without its value."""

    name: str
    secure: bool
    http_only: bool
    same_site: str  # lower case; "" if not stated
    path: str
    domain: bool  # states a domain

    @property
    def broken_prefix(self) -> str | None:
        """What its name promises (RFC 6265bis, 4.1.3) and its attributes do not keep, if anything."""
        lowered = self.name.lower()
        if lowered.startswith(("__secure-", "__host-")) and not self.secure:
            return "is named __Secure- or __Host- without Secure"
        if lowered.startswith("__host-") and (self.domain or self.path != "/"):
            return "is named __Host- with a domain or a path"
        return None


def cookie(header: str) -> SetCookie | None:
    """Read one ``Set-Cookie`` header; ``None`` if it sets nothing (RFC 6265, 5.2)."""
    pair, *rest = header.split(";")
    name, equals, _ = pair.partition("=")
    if not equals or not name.strip():
        return None
    given: dict[str, str] = {}
    for part in rest:
        key, _, value = part.partition("=")
        given[key.strip().lower()] = value.strip()
    return SetCookie(
        name=name.strip(),
        secure="secure" in given,
        http_only="httponly" in given,
        same_site=given.get("samesite", "").lower(),
        path=given.get("path", ""),
        domain=bool(given.get("domain")),
    )


def hsts_seconds(values: Sequence[str]) -> int | None:
    """Return the age that Strict-Transport-Security states, in seconds; ``None`` if it states none.

    The first header counts, and one that states its age twice is void (RFC 6797, 6.1 and 8.1).
    """
    if not values:
        return None
    # Several headers may have been joined by commas on the way.
    parts = [part.strip() for part in values[0].partition(",")[0].split(";")]
    ages = [match for part in parts if (match := re.fullmatch(r'max-age\s*=\s*"?(\d{1,18})"?', part, re.I))]
    return int(ages[0][1]) if len(ages) == 1 else None


def policies(values: Iterable[str]) -> list[Policy]:
    """Read Content-Security-Policy headers; each comma begins another policy, and all of them hold."""
    found: list[Policy] = []
    for serialized in (part for value in values for part in value.split(",")):
        directives: dict[str, tuple[str, ...]] = {}
        for directive in serialized.split(";"):
            name, *sources = directive.split() or [""]
            if name:  # the first of a name counts (CSP 3, 2.2.1)
                directives.setdefault(name.lower(), tuple(map(_source, sources)))
        if directives:
            found.append(directives)
    return found


def _source(text: str) -> str:
    return text if re.match(r"'(?:nonce|sha\d+)-", text, re.I) else text.lower()


def script_fault(found: Sequence[Policy]) -> str | None:
    """Return why no policy keeps foreign or injected scripts out, or ``None`` if one does."""
    if not found:
        return "no Content-Security-Policy"
    faults = [_script_fault(policy) for policy in found]
    return None if None in faults else faults[0]


def _script_fault(policy: Policy) -> str | None:
    sources = policy.get("script-src", policy.get("default-src"))
    if sources is None:
        return "Content-Security-Policy has neither script-src nor default-src"
    marked = any(re.match(r"'(?:nonce|sha\d+)-", source, re.I) for source in sources)
    if "'unsafe-inline'" in sources and not marked:
        return "Content-Security-Policy lets any inline script run ('unsafe-inline')"
    open_to = sorted(_ANYBODY & set(sources))
    if open_to and not (marked and "'strict-dynamic'" in sources):
        return f"Content-Security-Policy lets scripts come from anywhere ({open_to[0]})"
    return None


def frame_fault(found: Sequence[Policy], options: Sequence[str]) -> str | None:
    """Return why any site may put the page in a frame, or ``None`` if not (RFC 7034; CSP 3, 6.4.2)."""
    stated = [policy["frame-ancestors"] for policy in found if "frame-ancestors" in policy]
    if stated:  # then X-Frame-Options is not heeded
        if any(not _ANYBODY & set(sources) for sources in stated):
            return None
        return "frame-ancestors lets any site frame it"
    words = {word.strip().lower() for value in options for word in value.split(",")}
    if len(words) == 1 and words & {"deny", "sameorigin"}:
        return None
    if words:
        return "X-Frame-Options is neither DENY nor SAMEORIGIN, and no frame-ancestors"
    return "neither frame-ancestors nor X-Frame-Options"


def referrer_fault(values: Sequence[str]) -> str | None:
    """Return why full addresses reach other sites as referrer, or ``None``; the last known word counts."""
    words = [word.strip().lower() for value in values for word in value.split(",")]
    known = [word for word in words if word in _REFERRERS]
    if not known:
        return "no Referrer-Policy" if not words else "Referrer-Policy holds no policy that is known"
    return None if known[-1] in CAREFUL_REFERRERS else f"Referrer-Policy is {known[-1]}"


@dataclass(frozen=True, slots=True)
class Meta:
    """Policies that a page states in its own head."""

    policies: tuple[str, ...]
    referrers: tuple[str, ...]


def meta(html: str) -> Meta:
    """Return what ``meta`` elements of a page state; frame-ancestors is void there."""
    parser = _Metas()
    parser.feed(html)
    parser.close()
    return Meta(tuple(parser.policies), tuple(parser.referrers))


class _Metas(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.policies: list[str] = []
        self.referrers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            return
        given = {name: (value or "").strip() for name, value in reversed(attrs)}
        if given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(given.get("content", ""))
        elif given.get("name", "").lower() == "referrer":
            self.referrers.append(given.get("content", ""))

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        # As browsers do; the inherited one fails an assertion on a malformed section.
        return self.parse_bogus_comment(i)
