"""Cut a privacy policy into numbered sections and sentences, and fingerprint each sentence."""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from checks.detectors.policy_dates import says_only_when, stated_date, stated_version, undated

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
    preamble: tuple[str, ...] = ()  # the sentences before section 1, each date and version the same

    def marks(self) -> dict[str, str]:
        """Return fingerprints of sentences (``9.2``), headings (``9.0``) and the preamble (``0.1``)."""
        found = {clause: fingerprint(sentence) for clause, sentence in self.clauses.items()}
        found |= {f"{number}.0": fingerprint(title) for number, title in self.titles.items()}
        return found | {f"0.{at}": fingerprint(sentence) for at, sentence in enumerate(self.preamble, 1)}


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

    Section numbers must run from 1 upwards; anything before the first heading is the preamble and no
    clause. On a page it begins with ``<main>``, else with the last ``<h1>`` before section 1: menus
    above are no part of the policy. What only states date or version is neither, wherever it stands:
    these are compared by themselves, so that a new date is no change of the text.
    """
    lines, starts = [" ".join(line.split()) for line in text.splitlines()], _Starts([], [])
    if re.search(r"<(?:html|body|h[1-6]|p)\b", text[:20000], re.I):
        lines, starts = _blocks(text)
    preamble: list[str] = []
    clauses: dict[str, str] = {}
    titles: dict[int, str] = {}
    number = 0
    count = itertools.count(1)
    for at, line in enumerate(lines):
        heading = HEADING.match(line)
        if heading and int(heading[1]) == number + 1 and not line.rstrip().endswith("."):
            if not number:
                before = lines[starts.before(at) : at]
                preamble = [sentence for block in before for sentence in _saying(undated(block))]
            number += 1
            count = itertools.count(1)
            titles[number] = heading[2]
        elif number:
            for sentence in _saying(line):
                clauses[f"{number}.{next(count)}"] = sentence
    whole = "\n".join(lines)
    return PolicyText(clauses, titles, stated_version(whole), stated_date(whole), tuple(preamble))


def _saying(line: str) -> list[str]:
    """Return the sentences of a line but for those that only state date or version."""
    if says_only_when(line):  # asked of the whole as well: "1. November" looks like two sentences
        return []
    return [sentence for sentence in sentences(line) if not says_only_when(sentence)]


@dataclass(frozen=True, slots=True)
class _Starts:
    """The blocks at which the main part of a page, and its titles, begin."""

    main: list[int]
    h1: list[int]

    def before(self, first: int) -> int:
        """Return at which block the policy begins whose section 1 is the block ``first``."""
        main, titles = (
            [at for at in self.main if at <= first],
            [at for at in self.h1 if at < first],
        )
        return main[0] if main else titles[-1] if titles else 0


def _blocks(html: str) -> tuple[list[str], _Starts]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_block()
    return reader.blocks, reader.starts


class _Reader(HTMLParser):
    """Collects the text of block elements, one block a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.starts = _Starts([], [])
        self._text: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.end_block()
            if tag == "main":
                self.starts.main.append(len(self.blocks))
            elif tag == "h1":
                self.starts.h1.append(len(self.blocks))

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
