"""Where a reader of a page can go with one click."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a page of the same site. ``path`` has the query, no fragment; ``label`` is clicked."""

    path: str
    label: str
    line: int


def same_site_links(html: str, url: str) -> list[Link]:
    """Return the links of the page at ``url`` to its own scheme, host and port, each path once, in order.

    ``<base>`` is heeded; what nobody sees (``hidden``, ``<template>``, comments, scripts) is no link.
    A link to the other of http and https on the default ports is one to the same site.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    base = urljoin(url, reader.base) if reader.base else url
    here = _origin(url)
    found: dict[str, Link] = {}
    for href, label, line in reader.links:
        try:
            parts = urlsplit(urljoin(base, href))
            same = parts.scheme in {"http", "https"} and _origin(parts.geturl()) == here
        except ValueError:
            continue  # no browser can follow it either
        if same:
            path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
            found.setdefault(path, Link(path, " ".join(label.split())[:200], line))
    return list(found.values())


def _origin(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    port = None if parts.port in {None, 80 if parts.scheme == "http" else 443} else parts.port
    return (parts.hostname or "").rstrip("."), port


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base = ""
        self._found: list[list[str]] = []
        self._lines: list[int] = []
        self._open = False
        self._unseen = 0

    @property
    def links(self) -> list[tuple[str, str, int]]:
        """(href, label, line) of each link."""
        return [(href, label, line) for (href, label), line in zip(self._found, self._lines, strict=True)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        if tag == "template":
            self._unseen += 1
        elif tag == "base" and not self.base:
            self.base = given.get("href", "").strip()
        elif tag in {"a", "area"} and given.get("href") and "hidden" not in given and not self._unseen:
            label = f"{given.get('aria-label', '')} {given.get('title', '')} {given.get('alt', '')} "
            self._found.append([given["href"].strip(), label])
            self._lines.append(self.getpos()[0])
            self._open = tag == "a"

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._unseen = max(0, self._unseen - 1)
        elif tag == "a":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self._found[-1][1] += data

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        # As browsers do; the inherited one fails an assertion on a malformed section.
        return self.parse_bogus_comment(i)
