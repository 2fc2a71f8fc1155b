"""TOML with the line of every value: ``tomllib`` judges the file, a scanner tells the lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from checks.connectors.config_entries import MOST, Entry, Malformed, Trail

_LINE = re.compile(r"\(at line (\d+)")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?P<long>(?:[^\\]|\\.)*?"{0,2})"""(?!")'
    r"|'''(?P<raw>.*?'{0,2})'''(?!')"
    r'|"(?P<short>(?:[^"\\\n]|\\.)*)"'
    r"|'(?P<plain>[^'\n]*)'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE = re.compile(r"[^\s,\]}#]+(?: \d\d:[^\s,\]}#]+)?")  # a date may have a space before its time


def read_toml(text: str) -> Iterator[Entry]:
    """Yield the entries of a TOML document in the order of the file. Raises ``Malformed``."""
    text = text.replace("\r\n", "\n")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise Malformed("is not valid TOML", line) from None
    except RecursionError:
        raise Malformed("is nested too deeply", large=True) from None
    except ValueError:  # a number or date out of range
        raise Malformed("is not valid TOML") from None
    for number, entry in enumerate(_Scanner(text).entries()):
        if number >= MOST:
            raise Malformed(f"holds more than {MOST} settings", entry.line, large=True)
        yield entry


class _Scanner:
    """Walks a document that is known to be valid."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self._line, self._counted = 1, 0
        self._tables: dict[Trail, int] = {}  # arrays of tables → index of the last

    def entries(self) -> Iterator[Entry]:
        prefix: Trail = ()
        while self._skip():
            if self.text[self.at] == "[":
                many = self.text.startswith("[[", self.at)
                self.at += 2 if many else 1
                prefix = self._table(self._key(), many)
                self.at += 2 if many else 1
            else:
                yield from self._pair(prefix)

    def _table(self, names: list[str], many: bool) -> Trail:
        """Return where a header leads: into the last item of each array of tables on the way."""
        trail: Trail = ()
        for number, name in enumerate(names):
            trail = (*trail, name)
            if many and number == len(names) - 1:
                self._tables[trail] = self._tables.get(trail, -1) + 1
            if trail in self._tables:
                trail = (*trail, self._tables[trail])
        return trail

    def _pair(self, prefix: Trail) -> Iterator[Entry]:
        trail = (*prefix, *self._key())
        self.at += 1  # the equals sign
        yield from self._value(trail)

    def _value(self, trail: Trail) -> Iterator[Entry]:
        self._skip()
        start = self.text[self.at]
        line = self._here()
        if start in "[{":
            self.at += 1
            number = 0
            while self._skip() and self.text[self.at] not in "]}":
                if start == "[":
                    yield from self._value((*trail, number))
                else:
                    yield from self._pair(trail)
                number += 1
                self._skip()
                if self.text[self.at] == ",":
                    self.at += 1
            self.at += 1
            if not number:
                yield Entry(trail, "", line, branch=True)
        elif start in "\"'":
            yield Entry(trail, self._string(), line)
        else:
            match = _BARE.match(self.text, self.at)
            assert match is not None  # noqa: S101  the document is valid
            self.at = match.end()
            yield Entry(trail, match[0], line)

    def _key(self) -> list[str]:
        """Read a dotted key, up to the sign behind it."""
        names = []
        while True:
            self._skip()
            if self.text[self.at] in "\"'":
                names.append(self._string())
            else:
                match = _BARE_KEY.match(self.text, self.at)
                assert match is not None  # noqa: S101  the document is valid
                self.at = match.end()
                names.append(match[0])
            self._skip()
            if self.text[self.at] != ".":
                return names
            self.at += 1

    def _string(self) -> str:
        match = _STRING.match(self.text, self.at)
        assert match is not None  # noqa: S101  the document is valid
        self.at = match.end()
        if "\\" in match[0] and match["raw"] is None and match["plain"] is None:
            return str(tomllib.loads(f"v = {match[0]}")["v"])
        value = next(group for group in match.groups() if group is not None)
        return value.removeprefix("\n") if match.lastgroup in ("long", "raw") else value

    def _skip(self) -> bool:
        """Go over space, comments and line ends; whether anything is left."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None  # noqa: S101  it matches the empty text too
        self.at = match.end()
        return self.at < len(self.text)

    def _here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
