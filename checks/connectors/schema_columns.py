"""Column definitions of SQL, one at a time: name, type, comments; what is no column is told apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from checks.connectors.schema_statements import Comment, Statement
from checks.connectors.schema_tables import Column
from checks.connectors.schema_words import COLUMN_CLAUSES
from checks.core.errors import Unreadable
from checks.core.model import Location

# sqlglot logs that it takes a statement as a mere command; such statements are read here by other means,
# and its message quotes them.
logging.getLogger("sqlglot").addFilter(lambda record: "unsupported syntax" not in str(record.msg))

_TWO_WORDS = frozenset(
    {"BIT VARYING", "NATIONAL CHARACTER", "NATIONAL CHAR", "NATIONAL VARCHAR", "CHAR BYTE"}
)
_NO_COLUMN = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
_NO_COLUMN_MYSQL = frozenset({"KEY", "INDEX", "FULLTEXT", "SPATIAL"})
_OPEN, _CLOSE = TokenType.L_PAREN, TokenType.R_PAREN
_TEXTS = (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.BYTE_STRING, TokenType.UNICODE_STRING)


class Code:
    """The tokens of one statement, read from left to right; ``shown`` names its file in messages."""

    quoted: ClassVar[tuple[TokenType, ...]] = (TokenType.IDENTIFIER, *_TEXTS)

    def __init__(self, shown: str, statement: Statement, dialect: str) -> None:
        self.shown, self.statement, self.dialect = shown, statement, dialect
        try:
            self.tokens: list[Token] = list(sqlglot.tokenize(statement.text, read=dialect))
        except SqlglotError:
            raise self.wrong() from None
        self.at = 0

    def line(self, token: Token | None = None) -> int:
        """Return the line of a token in the file, by default of the next one."""
        if token is None:
            token = self.tokens[min(self.at, len(self.tokens) - 1)]
        return self.statement.line + self.statement.text.count("\n", 0, token.start)

    def location(self, token: Token | None = None) -> Location:
        """Return where a token stands."""
        return Location(self.shown, self.line(token))

    def wrong(self, reason: str = "a statement that cannot be read", line: int | None = None) -> Unreadable:
        """Return the error that names a line, by default that of the statement."""
        return Unreadable(f"{self.shown}:{line or self.statement.line}: {reason}")

    def word(self, ahead: int = 0) -> str:
        """Return a coming word in upper case; empty for a quoted name, a text and at the end."""
        at = self.at + ahead
        if at >= len(self.tokens) or self.tokens[at].token_type in self.quoted:
            return ""
        return str(self.tokens[at].text).upper().partition(" ")[0]

    def take(self, *words: str) -> bool:
        """Go past these words if they come next, all of them."""
        if all(self.word(ahead) == word for ahead, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def skip(self, *words: str) -> None:
        """Go past any of these words."""
        while self.word() in words:
            self.at += 1

    def if_exists(self) -> None:
        """Go past IF EXISTS or IF NOT EXISTS."""
        if self.take("IF"):
            self.skip("NOT", "EXISTS")

    def identifier(self) -> str:
        """Take one name, folded as the dialect does; ``Unreadable`` if none comes."""
        if self.at >= len(self.tokens):
            raise self.wrong()
        token = self.tokens[self.at]
        text = str(token.text)
        if token.token_type not in self.quoted:
            if not text.replace("$", "_").replace(" ", "").isidentifier():
                raise self.wrong(line=self.line(token))
            text = text.lower() if self.dialect == "postgres" else text
        elif self.dialect != "sqlite" and token.token_type is not TokenType.IDENTIFIER:
            raise self.wrong(line=self.line(token))
        self.at += 1
        return text

    def name(self) -> list[str]:
        """Take a dotted name."""
        parts = [self.identifier()]
        while self.at < len(self.tokens) and self.tokens[self.at].token_type is TokenType.DOT:
            self.at += 1
            parts.append(self.identifier())
        return parts

    def text(self) -> str | None:
        """Take a text, in as many pieces as it is written, or NULL."""
        if self.take("NULL"):
            return None
        first = self.at
        while self.at < len(self.tokens) and self.tokens[self.at].token_type in _TEXTS:
            self.at += 1
        if first == self.at:
            raise self.wrong()
        return "".join(str(token.text) for token in self.tokens[first : self.at])

    def source(self, tokens: Sequence[Token]) -> str:
        """Return the code from the first to the last of ``tokens``."""
        return self.statement.text[tokens[0].start : tokens[-1].end + 1] if tokens else ""

    def rest(self) -> list[Token]:
        """Take all that is left."""
        tokens, self.at = self.tokens[self.at :], len(self.tokens)
        return tokens

    def within(self, tokens: Sequence[Token]) -> Code:
        """Return a reader of some of the tokens."""
        other = object.__new__(Code)
        other.shown, other.statement, other.dialect = self.shown, self.statement, self.dialect
        other.tokens, other.at = list(tokens), 0
        return other

    def group(self) -> list[Token]:
        """Take a group in parentheses and return what is in it; ``Unreadable`` if it has no end."""
        depth = 0
        for at in range(self.at, len(self.tokens)):
            depth += _step(self.tokens[at])
            if not depth:
                inner, self.at = self.tokens[self.at + 1 : at], at + 1
                return inner
        raise self.wrong("parentheses that never close")

    def opens(self) -> bool:
        """Whether a group in parentheses comes next."""
        return self.at < len(self.tokens) and self.tokens[self.at].token_type is _OPEN

    def segments(self, tokens: Sequence[Token]) -> Iterator[list[Token]]:
        """Yield what stands between the outermost commas; ``Unreadable`` for nothing between two."""
        part: list[Token] = []
        depth = 0
        for token in tokens:
            depth += _step(token)
            if depth < 0:
                raise self.wrong("parentheses that do not match", self.line(token))
            if token.token_type is TokenType.COMMA and not depth:
                if not part:
                    raise self.wrong("nothing between two commas", self.line(token))
                yield part
                part = []
            else:
                part.append(token)
        if depth:
            raise self.wrong("parentheses that never close")
        if part:
            yield part
        elif tokens:
            raise self.wrong("nothing after the last comma", self.line(tokens[-1]))


def _step(token: Token) -> int:
    return (token.token_type is _OPEN) - (token.token_type is _CLOSE)


def is_constraint(code: Code) -> bool:
    """Whether what comes is a constraint or index rather than a column."""
    word, second = code.word(), code.word(1)
    if word in _NO_COLUMN:
        return True
    if code.dialect == "mysql" and word in _NO_COLUMN_MYSQL:
        return True
    return (word == "EXCLUDE" and second in {"USING", "("}) or (word == "PERIOD" and second == "FOR")


def column(code: Code, remarks: Sequence[str] = ()) -> Column:
    """Take one column definition; ``Unreadable`` with its line if it cannot be read."""
    where = code.location()
    line = code.line()
    name = code.identifier()
    tokens = code.rest()
    kind, clauses = split(code, tokens)
    _validate(code, tokens, kind, line)
    comment = _comment(code, clauses)
    written = " ".join(code.source(kind).split()) or None
    return Column(name, written, where, comment, tuple(remarks))


def columns(code: Code, tokens: Sequence[Token], first_line: int) -> Iterator[Code | Column]:
    """Yield each column of a list, with the comments beside it; what is no column as its own reader.

    A comment belongs to the column on whose line it stands, on a line of its own to the one after.
    ``first_line`` is where the list begins.
    """
    segments = list(code.segments(tokens))
    begins = [code.line(segment[0]) for segment in segments]
    ends = [code.line(segment[-1]) for segment in segments]
    beside: list[list[str]] = [[] for _ in segments]
    for comment in code.statement.comments:
        at = _owner(comment, begins, ends, first_line)
        if at is not None and comment.text:
            beside[at].append(comment.text)
    for segment, remarks in zip(segments, beside, strict=True):
        inner = code.within(segment)
        yield inner if is_constraint(inner) or inner.word() == "LIKE" else column(inner, remarks)


def _owner(comment: Comment, begins: Sequence[int], ends: Sequence[int], first_line: int) -> int | None:
    same = [at for at in range(len(begins)) if begins[at] <= comment.line <= ends[at]]
    if same:
        return same[-1]
    after = [at for at in range(len(begins)) if begins[at] > comment.line]
    return after[0] if after and comment.line > first_line else None


def split(code: Code, tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """Return the tokens of the type, and those of the clauses after it."""
    depth = 0
    for at, token in enumerate(tokens):
        word = "" if token.token_type in code.quoted else str(token.text).upper()
        following = str(tokens[at + 1].text).upper() if at + 1 < len(tokens) else ""
        starts = word.partition(" ")[0] in COLUMN_CLAUSES or word == "CHARACTER SET"
        if not depth and (starts or (word == "CHARACTER" and following == "SET")):
            return list(tokens[:at]), list(tokens[at:])
        depth += _step(token)
    return list(tokens), []


def _validate(code: Code, tokens: Sequence[Token], kind: Sequence[Token], line: int) -> None:
    """Raise ``Unreadable`` unless ``tokens`` define a column, or ``kind`` is a type with clauses we know."""
    if not kind:
        if code.dialect != "sqlite":  # SQLite alone has columns without a type
            raise code.wrong("a column without a type", line)
        return
    if any(_is_column(f"c {code.source(part)}", code.dialect) for part in (tokens, kind)):
        return
    words = [str(token.text).upper() for token in kind if token.token_type in {TokenType.VAR, *_names(kind)}]
    plain = "(" not in code.source(kind).partition("(")[0]
    if plain and (code.dialect == "sqlite" or " ".join(words) in _TWO_WORDS or len(kind) == 1):
        return
    raise code.wrong("a column definition that cannot be read", line)


def _names(kind: Sequence[Token]) -> set[Any]:
    return {token.token_type for token in kind if str(token.text).isidentifier()}


def _is_column(code: str, dialect: str) -> bool:
    try:
        parsed = sqlglot.parse_one(f"CREATE TABLE t ({code})", read=dialect)
    except (SqlglotError, RecursionError):
        return False
    if not isinstance(parsed, exp.Create) or not isinstance(parsed.this, exp.Schema):
        return False
    found = parsed.this.expressions
    return len(found) == 1 and isinstance(found[0], exp.ColumnDef)


def _comment(code: Code, clauses: Sequence[Token]) -> str | None:
    """Return the text of a COMMENT clause (MySQL)."""
    depth = 0
    for at, token in enumerate(clauses):
        depth += _step(token)
        if not depth and str(token.text).upper() == "COMMENT" and token.token_type not in code.quoted:
            inner = code.within(clauses[at + 1 :])
            return inner.text()
    return None
