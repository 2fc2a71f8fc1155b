"""Whether a page runs scripts, so that what people see may be other than what was served."""

from __future__ import annotations

from html.parser import HTMLParser

_DATA = ("json", "text/template", "text/x-", "text/html", "importmap", "speculationrules")
"""Types of ``<script>`` that hold data and run nothing (HTML, 4.12.1)."""


def runs_scripts(html: str) -> bool:
    """Return whether the page has a script or a handler that runs on loading."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        kind = given.get("type", "").lower()
        runs = tag == "script" and not any(word in kind for word in _DATA)
        self.found = self.found or runs or "onload" in given or "onerror" in given

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        # As browsers do; the inherited one fails an assertion on a malformed section.
        return self.parse_bogus_comment(i)
