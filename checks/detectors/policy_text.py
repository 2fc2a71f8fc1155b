"""Cut a privacy policy into numbered sections and sentences, and fingerprint each sentence."""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from checks.detectors.policy_dates import stated_date, stated_version

HEADING = re.compile(r"^\s*(\d{1,2})[.)]?\s+(\S.{0,100}?)\s*$")
_BOUNDARY = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|No|Art|Inc|Ltd|Co|Corp|Mr|Ms|Dr|St|approx|incl)\.|\b[A-Z]\.)$"
)
_BLOCKS = frozenset(
    ("p", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "div", "section", "article", "header")
) | frozenset(("footer", "main", "td", "th", "dt", "dd", "br", "tr"))
_SILENT = frozenset(("script", "style", "noscript", "template", "head", "nav"))
_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " ", "\u00ad": ""}
)


@dataclass(frozen=True, slots=True)
class PolicyText:
    """The sentences of a policy by clause (``"9.2"``), and what it says of its own version."""

    clauses: dict[str, str]
    titles: dict[int, str]
    version: str | None
    effective: str | None  # as written


def fingerprint(sentence: str) -> str:
    """Return the SHA-256 of a sentence, blind to spacing, quotes' shape and Unicode form."""
    text = unicodedata.normalize("NFKC", sentence).translate(_PLAIN)
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def sentences(paragraph: str) -> Iterator[str]:
    """Yield the sentences of one paragraph; the end of a paragraph always ends a sentence."""
    start = 0
    for boundary in _BOUNDARY.finditer(paragraph):
        if _ABBREVIATION.search(paragraph[start : boundary.start()]):
            continue
        yield paragraph[start : boundary.start()].strip()
        start = boundary.end()
    rest = paragraph[start:].strip()
    if rest:
        yield rest


def read_policy(text: str) -> PolicyText:
    """Read a policy given as HTML or plain text with numbered headings.

    Section numbers must run from 1 upwards; anything before the first heading (title, effective date)
    is no clause.
    """
    lines = (
        list(_blocks(text))
        if re.search(r"<(?:html|body|h[1-6]|p)\b", text[:20000], re.I)
        else text.splitlines()
    )
    clauses: dict[str, str] = {}
    titles: dict[int, str] = {}
    number = 0
    count = itertools.count(1)
    for line in lines:
        heading = HEADING.match(line)
        if heading and int(heading[1]) == number + 1 and not line.rstrip().endswith("."):
            number += 1
            count = itertools.count(1)
            titles[number] = heading[2]
        elif number:
            for sentence in sentences(" ".join(line.split())):
                clauses[f"{number}.{next(count)}"] = sentence
    whole = "\n".join(lines)
    return PolicyText(clauses, titles, stated_version(whole), stated_date(whole))


def _blocks(html: str) -> Iterator[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_block()
    yield from reader.blocks


class _Reader(HTMLParser):
    """Collects the text of block elements, one block a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self._text: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.end_block()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._text.append(data)

    def end_block(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        if text:
            self.blocks.append(text)
