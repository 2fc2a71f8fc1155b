"""A script of SQL cut into its statements, with comments set apart and lines kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.core.errors import Unreadable

_QUOTED = {
    "postgres": r"""(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*+'|'(?:[^']|'')*+'|"(?:[^"]|"")*+" """,
    "mysql": r"""'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+"|`(?:[^`]|``)*+`""",
    "sqlite": r"""'(?:[^']|'')*+'|"(?:[^"]|"")*+"|`(?:[^`]|``)*+`|\[[^\]\n]*+\]""",
}
_LINE_COMMENT = {"postgres": r"--[^\n]*", "mysql": r"--(?=\s|\Z)[^\n]*|\#[^\n]*", "sqlite": r"--[^\n]*"}
# Lines to the client program rather than to the database, and words that open or close a body.
_CLIENT = {
    "postgres": r"^[ \t]*\\[^\n]*",
    "mysql": r"^[ \t]*(?i:DELIMITER)[ \t]+[^\n]*",
    "sqlite": r"^\.[a-z][^\n]*",
}
_DOLLAR = r"(?<![$\w])[$](?:[A-Za-z_]\w*)?[$]"
_BODY = r"(?i:\b(?:BEGIN|CASE|END(?:\s+(?:IF|LOOP|WHILE|REPEAT|FOR|CASE)\b)?)\b)"
_TOKENS = {
    dialect: re.compile(
        rf"""(?P<line>{_LINE_COMMENT[dialect]})
        | (?P<block>/\*)
        | (?P<quoted>{quoted.strip()})
        | (?P<dollar>{_DOLLAR if dialect == "postgres" else "(?!)"})
        | (?P<client>{_CLIENT[dialect]})
        | (?P<body>{_BODY})
        | (?P<close>\*/)
        | (?P<open>['"`])
        | (?P<end>;)""",
        re.VERBOSE | re.MULTILINE | re.DOTALL,
    )
    for dialect, quoted in _QUOTED.items()
}
DIALECTS = tuple(_QUOTED)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_EXECUTED = re.compile(r"/\*M?!\d*")  # MySQL runs what stands in such a comment
_COPY = re.compile(r"COPY\b.*\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
_COPY_END = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)
_ROUTINE = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?(?:TEMP(?:ORARY)?\s+|CONSTRAINT\s+|AGGREGATE\s+)?"
    r"(?:TRIGGER|FUNCTION|PROCEDURE|EVENT)\b",
    re.IGNORECASE,
)
# Where the way back begins in tools that keep both ways in one file: goose, sql-migrate, dbmate, MyBatis.
_WAY_BACK = re.compile(r"--\s*(?:\+(?:goose|migrate)\s+down|migrate:down|//\s*@undo)\b", re.IGNORECASE)
_NOT_BREAK = re.compile(r"[^\n]")
_INCLUDES = re.compile(r"\s*(?:\\(?:i|ir|include|include_relative)|\.read)\s")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment beside code, without its marks, on the line (of the file) where it begins."""

    line: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``text`` begins on ``line`` of the file and has blanks where comments stood."""

    line: int
    text: str = field(repr=False)
    comments: tuple[Comment, ...] = field(repr=False)


class Statements:
    """Iterate once for the statements of ``text``; ``shown`` names the file in messages.

    Knows ``COPY … FROM stdin`` with its rows, lines to psql, mysql and sqlite3, dollar quotes,
    bodies of routines, MySQL's executed comments, and stops where the way back of a migration
    begins. Raises ``Unreadable`` with the line of a quote, comment or COPY that never ends.
    """

    def __init__(self, shown: str, text: str, dialect: str) -> None:
        self._shown, self._text, self._dialect = shown, text, dialect
        self._line, self._counted = 1, 0
        self._terminator = ";"

    def __iter__(self) -> Iterator[Statement]:
        at: int | None = 0
        while at is not None:
            statement, at = self._one(at)
            if statement is not None:
                yield statement

    def _line_at(self, offset: int) -> int:
        """Return the line of an offset; offsets asked for mostly grow, so counting goes on from the last."""
        if offset < self._counted:
            return self._line - self._text.count("\n", offset, self._counted)
        self._line += self._text.count("\n", self._counted, offset)
        self._counted = offset
        return self._line

    def _wrong(self, offset: int, reason: str) -> Unreadable:
        return Unreadable(f"{self._shown}:{self._line_at(offset)}: {reason}")

    def _one(self, start: int) -> tuple[Statement | None, int | None]:
        """Return the statement at ``start``, and where the next begins (``None`` at the end)."""
        text, pattern = self._text, _TOKENS[self._dialect]
        parts: list[str] = []
        comments: list[Comment] = []
        at, depth, after = start, 0, None
        routine: bool | None = None
        while True:
            match = self._search(pattern, at)
            parts.append(text[at : match.start()] if match else text[at:])
            if match is None:
                break
            kind, begin, at = match.lastgroup, match.start(), match.end()
            if kind == "line" and _WAY_BACK.match(match[0]):
                break
            if kind == "line":
                comments.append(Comment(self._line_at(begin), match[0].lstrip("-#").strip()))
                parts.append(" " * len(match[0]))
            elif kind == "block":
                executed = _EXECUTED.match(text, begin) if self._dialect == "mysql" else None
                at = executed.end() if executed else self._end_of_comment(begin)
                if not executed:
                    words = text[begin:at].strip("/*").split()
                    comments.append(Comment(self._line_at(begin), " ".join(w for w in words if w != "*")))
                parts.append(_NOT_BREAK.sub(" ", text[begin:at]))
            elif kind == "dollar":
                end = text.find(match[0], at)
                if end < 0:
                    raise self._wrong(begin, "a quoted text that never ends")
                at = end + len(match[0])
                parts.append(text[begin:at])
            elif kind == "client":
                self._client(match)
                parts.append(" " * len(match[0]))
            elif kind == "close" and self._dialect == "mysql":
                parts.append("  ")
            elif kind == "open":
                raise self._wrong(begin, "a quoted text that never ends")
            elif kind == "end":
                if routine is None:
                    routine = _ROUTINE.match("".join(parts).lstrip()) is not None
                if not (routine and depth > 0):
                    after = self._after(match, parts)
                    break
                parts.append(match[0])
            else:
                if kind == "body":
                    if routine is None:
                        routine = _ROUTINE.match("".join(parts).lstrip()) is not None
                    depth += _step(match[0])
                parts.append(match[0])
        code = "".join(parts)
        bare = code.lstrip()
        if not bare:
            return None, after
        line = self._line_at(start + len(code) - len(bare))
        return Statement(line, bare.rstrip(), tuple(comments)), after

    def _search(self, pattern: re.Pattern[str], at: int) -> re.Match[str] | None:
        """Return the next token, or the next terminator that a DELIMITER line has set."""
        match = pattern.search(self._text, at)
        while match and self._terminator != ";" and match.lastgroup == "end":
            match = pattern.search(self._text, match.end())
        if self._terminator == ";":
            return match
        other = re.compile(f"(?P<end>{re.escape(self._terminator)})").search(
            self._text, at, match.start() if match else len(self._text)
        )
        return other or match

    def _client(self, match: re.Match[str]) -> None:
        if _INCLUDES.match(match[0] + " "):
            raise self._wrong(match.start(), "includes another file")
        if self._dialect == "mysql":
            self._terminator = match[0].split()[1]

    def _end_of_comment(self, begin: int) -> int:
        """Return the offset after a block comment; PostgreSQL nests them."""
        depth, at = 0, begin
        while edge := _BLOCK_EDGE.search(self._text, at):
            at = edge.end()
            if edge[0] == "/*":
                depth += 1 if self._dialect == "postgres" or not depth else 0
            else:
                depth -= 1
            if not depth:
                return at
        raise self._wrong(begin, "a comment that never ends")

    def _after(self, match: re.Match[str], parts: list[str]) -> int:
        """Return where the next statement begins: beyond the rows that follow a COPY."""
        if self._dialect != "postgres" or not _COPY.match("".join(parts).lstrip()):
            return match.end()
        end = _COPY_END.search(self._text, match.end())
        if end is None:
            raise self._wrong(match.start(), "rows of a COPY that never end")
        return end.end()


def _step(word: str) -> int:
    """Return how a word changes the depth of a routine's body."""
    words = word.upper().split()
    if words[0] != "END":
        return 1
    return -1 if len(words) == 1 or words[1] == "CASE" else 0  # END IF closes what nothing opened here
