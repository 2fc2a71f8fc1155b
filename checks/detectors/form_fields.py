"""What a page's forms ask for, and which of it only the profile of a child would need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_IDLE = frozenset(("submit", "button", "reset", "image"))
# The ages and life of a child: COPPA 16 CFR 312.2 and GDPR 8 speak of age and of parents' consent.
_WORDS: dict[str, re.Pattern[str]] = {
    "a date of birth": re.compile(
        r"\b(?:d\s?o\s?b|b\s?day|birth\s?(?:day|date|year|month)?|date of birth|born|year of birth"
        r"|geburts(?:datum|tag|jahr)|geboren|(?:date de )?naissance|fecha de nacimiento|nacimiento)\b"
    ),
    "an age": re.compile(
        r"\b(?:ages?|how old|years old|alter|edad|âge)\b(?! (?:gate|verified|verification|confirm\w*))"
    ),
    "a gender": re.compile(r"\b(?:gender|sex|geschlecht|sexe|sexo)\b"),
    "a school": re.compile(
        r"\b(?:schools?|kindergarten|pupils?|grade|school ?year|classroom|schule|schüler|klasse|école"
        r"|escuela)\b"
    ),
    "a parent or guardian": re.compile(
        r"\b(?:parents?|parental|guardians?|mothers?|fathers?|eltern|vormund|tutor legal)\b"
        r"(?! (?:id|organi[sz]ation|project|company|account|folder|page|team|domain|group)\b)"
    ),
    "a child": re.compile(r"\b(?:child|children|kids?|minors|kinder|enfants?|niñ[oa]s?)\b"),
}
_STANDARD = {
    "bday": "a date of birth",
    "bday-day": "a date of birth",
    "bday-month": "a date of birth",
    "bday-year": "a date of birth",
    "sex": "a gender",
}
"""Values of ``autocomplete`` (HTML, 4.10.18.7.1)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a page asks for: by which name, of what type, with what words beside it, on which line.

    What stands in it (``value``) is not kept.
    """

    name: str
    type: str  # of an input; select, textarea
    words: str  # label, placeholder, title, in lower case
    autocomplete: str
    line: int

    @property
    def typed(self) -> bool:
        """Whether the reader puts something in."""
        return self.type not in {"hidden", "checkbox", "radio"}

    @property
    def shown(self) -> str:
        """Its name for a report: the site's own word, cut to what a name needs."""
        return f"{self.called} (line {self.line})"

    @property
    def called(self) -> str:
        """The same without its line, which a field that a script made has not."""
        name = re.sub(r"[^\w.\[\]-]", "", self.name)[:40] or "without a name"
        return f"{self.type} {name}"

    def of_a_child(self) -> str | None:
        """Return what it asks that a child's profile would need, or ``None``.

        A tick that one is old enough asks for no age: it keeps nothing but the tick.
        """
        for token in self.autocomplete.split():
            if token in _STANDARD:
                return _STANDARD[token]
        said = f"{_split(self.name)} · {self.words}"
        for what, words in _WORDS.items():
            if words.search(said) and not (self.type == "checkbox" and what in {"an age", "a child"}):
                return what
        return None


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything a page asks for; ``framed`` is how much it leaves to pages of others inside it."""

    fields: tuple[Field, ...]
    framed: int


def asked(html: str) -> Asked:
    """Return what the page as served asks for, in forms and outside them; scripts are not run."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Asked(tuple(reader.fields()), reader.framed)


def _split(name: str) -> str:
    """``childBirth-date`` → ``child birth date``."""
    apart = re.sub(r"(?<=[a-zà-ü0-9])(?=[A-Z])|[_\W]+|(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", name)
    return " ".join(apart.split()).lower()


@dataclass
class _Raw:
    name: str
    type: str
    id: str
    words: list[str]
    autocomplete: str
    line: int


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.framed = 0
        self._raw: list[_Raw] = []
        self._labels: dict[str, str] = {}
        self._label: list[str] | None = None
        self._for = ""
        self._held: list[_Raw] = []
        self._legend: list[str] | None = None
        self._legends = ""
        self._silent = 0
        self._chosen = False

    def fields(self) -> list[Field]:
        """Return what was asked, each with its label's words."""
        found = []
        for raw in self._raw:
            words = " ".join([*raw.words, self._labels.get(raw.id, "")] if raw.id else raw.words)
            words = " ".join(re.sub(r"[_-]", " ", words).split()).lower()[:500]
            found.append(Field(raw.name, raw.type, words, raw.autocomplete, raw.line))
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        if tag in {"script", "style", "template"}:
            self._silent += 1
        elif self._silent:
            return
        elif tag == "iframe":
            self.framed += 1
        elif tag == "label":
            self._label, self._for, self._held = [], given.get("for", ""), []
        elif tag == "legend":
            self._legend = []
        elif tag in {"input", "select", "textarea"}:
            self._field(tag, given)
            self._chosen = tag == "select" or self._chosen  # its options are no words of a label

    def _field(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text").strip().lower() or "text" if tag == "input" else tag
        if kind in _IDLE:
            return
        words = [given.get(key, "") for key in ("placeholder", "aria-label", "title")]
        name = given.get("name") or given.get("id", "")
        raw = _Raw(
            name, kind, given.get("id", ""), [*words, self._legends, _split(given.get("id", ""))],
            given.get("autocomplete", "").strip().lower(), self.getpos()[0],
        )  # fmt: skip
        self._raw.append(raw)
        if self._label is not None:
            self._held.append(raw)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style", "template"}:
            self._silent = max(0, self._silent - 1)
        elif tag == "label" and self._label is not None:
            words = "".join(self._label)
            for raw in self._held:
                raw.words.append(words)
            if self._for:
                self._labels[self._for] = f"{self._labels.get(self._for, '')} {words}"
            self._label = None
        elif tag == "legend" and self._legend is not None:
            self._legends, self._legend = "".join(self._legend), None
        elif tag == "fieldset":
            self._legends = ""
        elif tag == "select":
            self._chosen = False

    def handle_data(self, data: str) -> None:
        if self._silent or self._chosen:
            return
        if self._label is not None:
            self._label.append(data)
        if self._legend is not None:
            self._legend.append(data)

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        # As browsers do; the inherited one fails an assertion on a malformed section.
        return self.parse_bogus_comment(i)
