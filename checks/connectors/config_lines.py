"""INI and ``.env`` files, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.connectors.config_entries import Entry, Malformed

_SECTION = re.compile(r"\[\s*([^\]]+?)\s*\]\s*(?:[;#].*)?")
_PAIR = re.compile(r"([^=:\s][^=:]*?)\s*[=:]\s*(.*)")
_FLAG = re.compile(r"[\w.-]+")  # a key without a value, as in my.cnf

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(=|$|(?=\s*#))[ \t]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def read_ini(text: str) -> Iterator[Entry]:
    """Yield ``section.key`` of an INI file, continued lines joined with a line feed.

    As in Python's ``configparser`` a comment has a line of its own, so what follows a value belongs
    to it. A key may stand before the first section. Raises ``Malformed``.
    """
    section: tuple[str, ...] = ()
    waiting: Entry | None = None
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare[0] in ";#":
            continue
        if line[0] in " \t" and waiting is not None:
            waiting = waiting._replace(value=f"{waiting.value}\n{bare}")
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        if bare[0] == "[":
            header = _SECTION.fullmatch(bare)
            if header is None:
                raise Malformed("is not valid INI: a section is not closed", number)
            section = (header[1],)
        elif pair := _PAIR.fullmatch(bare):
            waiting = Entry((*section, pair[1]), pair[2], number)
        elif _FLAG.fullmatch(bare):
            waiting = Entry((*section, bare), "", number)
        else:
            raise Malformed("is not valid INI: neither section nor key", number)
    if waiting is not None:
        yield waiting


def read_env(text: str) -> Iterator[Entry]:
    """Yield the assignments of an environment file; ``${NAME}`` is left as it stands.

    ``export``, single and double quotes (also over several lines) and comments are understood. A
    name alone, which Docker takes from its own environment, has an empty value. Raises
    ``Malformed``.
    """
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line, start = lines[number], number + 1
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ASSIGNMENT.match(line)
        if match is None:
            raise Malformed("is no assignment", start)
        rest = line[match.end() :]
        if not match[2] or rest[:1] not in ("'", '"', "`"):
            value = "" if rest.startswith("#") else re.split(r"\s#", rest, maxsplit=1)[0].rstrip()
            yield Entry((match[1],), value, start)
            continue
        quote, rest = rest[0], rest[1:]
        parts: list[str] = []
        while (end := _closing(rest, quote)) is None:
            if number >= len(lines):
                raise Malformed("has a quote that is not closed", start)
            parts.append(rest)
            rest = lines[number]
            number += 1
        parts.append(rest[:end])
        after = rest[end + 1 :].strip()
        if after and not after.startswith("#"):
            raise Malformed("has text behind a closing quote", number)
        value = "\n".join(parts)
        if quote == '"':
            value = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)
        yield Entry((match[1],), value, start)


def _closing(text: str, quote: str) -> int | None:
    """Return where ``text`` closes ``quote``; only in double quotes does a backslash escape."""
    at = 0
    while at < len(text):
        if text[at] == quote:
            return at
        at += 2 if text[at] == "\\" and quote == '"' else 1
    return None
