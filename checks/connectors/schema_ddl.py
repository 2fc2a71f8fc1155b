"""What a folder of migrations is made to hold once all have run: CREATE, ALTER, DROP, RENAME, COMMENT.

Bodies of routines and views are not followed: they hold no data of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from checks.connectors.schema_alter import alter
from checks.connectors.schema_columns import Code
from checks.connectors.schema_create import create_as, create_table
from checks.connectors.schema_field import Field
from checks.connectors.schema_statements import DIALECTS, Statement, Statements
from checks.connectors.schema_tables import Tables
from checks.connectors.schema_text import read_text
from checks.connectors.schema_words import MODIFIERS, NO_BEARING, OTHER_OBJECTS
from checks.core.errors import Nothing, Unreadable

_OBJECTS = OTHER_OBJECTS | {"TABLE", "TYPE", "SCHEMA"}
_ASSIGNED = re.compile(r"\b(?:DEFINER|ALGORITHM)\s*=\s*\S+", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]+")
_INTO = re.compile(r"\bINTO\b", re.IGNORECASE)
_CREATES = re.compile(r"\bCREATE\s+(?:\w+\s+)?TABLE\b", re.IGNORECASE)
_BODY = re.compile(r"\$(\w*)\$(.*?)\$\1\$|'((?:[^']|'')*)'", re.DOTALL)
_CHANGES = re.compile(
    r"\b(?:CREATE\s+(?:UNLOGGED\s+)?TABLE|ALTER\s+TABLE|COMMENT\s+ON\s+COLUMN)\b", re.IGNORECASE
)
_DYNAMIC = re.compile(
    r"\bEXECUTE\b[^;]*?(?:CREATE\s+(?:UNLOGGED\s+)?TABLE\b"
    r"|ALTER\s+TABLE\b[^;]*?\b(?:ADD\s+(?!CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)|RENAME\b))",
    re.IGNORECASE,
)
_NOT_RUN = re.compile(r"\b(?:EXECUTE|RAISE|PERFORM|SELECT)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)")


def in_order(names: Iterable[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Return files in the order of their names, with numbers by value: ``V2`` stands before ``V10``."""
    return sorted(
        names,
        key=lambda item: [int(part) if part.isdecimal() else part for part in _NUMBER.split(item[0])],
    )


def ddl_fields(files: Iterable[tuple[str, Path]], dialect: str, target: str) -> Iterator[Field]:
    """Yield the columns that exist after all ``files`` (shown name, path), where each was last defined.

    ``dialect`` is postgres, mysql or sqlite. Raises ``Unreadable`` with file and line for a
    statement that is not understood; ``Nothing`` if no file creates a table, after the columns that
    were added to tables made elsewhere, for of those only a part is seen.
    """
    if dialect not in DIALECTS:
        raise Unreadable(f"{target}: no such dialect; known are {', '.join(DIALECTS)}")
    migrations = Migrations(dialect)
    for shown, path in in_order(files):
        migrations.apply(shown, read_text(path, shown))
    found = list(migrations.tables.fields())
    yield from found
    if not migrations.tables.created:
        raise Nothing(f"{target}: no file creates a table")
    if not found:
        raise Nothing(f"{target}: no table is left after the last file")


class Migrations:
    """Applies scripts of SQL, statement by statement."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.tables = Tables(dialect)

    def apply(self, shown: str, text: str) -> None:
        """Apply one script; ``Unreadable`` with the line of what is not understood."""
        for statement in Statements(shown, text, self.dialect):
            try:
                self._statement(shown, statement)
            except RecursionError:
                raise Unreadable(f"{shown}:{statement.line}: nested too deeply") from None

    def _statement(self, shown: str, statement: Statement) -> None:
        words = [word.upper() for word in _WORD.findall(_ASSIGNED.sub(" ", statement.text[:400]))]
        first = words[0] if words and statement.text[0].isalpha() else ""
        postgres = self.dialect == "postgres"
        if first in {"CREATE", "ALTER", "DROP"}:
            self._object(shown, statement, first, words[1:])
        elif first == "COMMENT" and postgres:
            if words[1:3] == ["ON", "COLUMN"]:
                self._comment(self._code(shown, statement, "COLUMN"))
        elif first in {"SELECT", "WITH", "TABLE"} or statement.text[0] == "(":
            if postgres and _INTO.search(statement.text):
                create_as(Code(shown, statement, self.dialect), self.tables, None)
        elif first == "DO" and postgres:
            self._block(shown, statement)
        elif first == "RENAME" and words[1:2] == ["TABLE"]:
            # sqlglot takes all that follows RENAME as one text.
            bare = replace(statement, text=statement.text.replace(statement.text[:6], " " * 6, 1))
            self._rename(self._code(shown, bare, "TABLE"))
        elif first == "ATTACH" and self.dialect == "sqlite":
            return
        elif first in {"PREPARE", "EXECUTE"} and postgres:
            return  # PostgreSQL prepares no statement that defines anything; MySQL does, from a text
        elif first not in NO_BEARING:
            raise Unreadable(f"{shown}:{statement.line}: a statement that is not understood")

    def _code(self, shown: str, statement: Statement, word: str) -> Code:
        """Return a reader that stands after ``word``."""
        code = Code(shown, statement, self.dialect)
        while not code.take(word):
            if code.at >= len(code.tokens):
                raise code.wrong()
            code.at += 1
        return code

    def _object(
        self, shown: str, statement: Statement, verb: str, words: list[str], *, additive: bool = False
    ) -> None:
        """Apply CREATE, ALTER or DROP of something."""
        before: list[str] = []
        while words and words[0] in MODIFIERS and not (words[0] == "SECURITY" and "SQL" not in before):
            before.append(words.pop(0))
        kind = words[0] if words else ""
        if kind not in _OBJECTS:
            raise Unreadable(f"{shown}:{statement.line}: a statement that is not understood")
        stored_view = kind == "VIEW" and "MATERIALIZED" in before
        if verb == "CREATE" and kind == "SCHEMA" and _CREATES.search(statement.text):
            raise Unreadable(
                f"{shown}:{statement.line}: a schema made together with its tables is not understood"
            )
        if kind in OTHER_OBJECTS and not stored_view:
            return
        if verb == "CREATE" and kind == "SCHEMA":
            return
        code = self._code(shown, statement, kind)
        if verb == "DROP":
            self._drop(code, kind)
        elif verb == "CREATE":
            create_table(code, self.tables, kind, virtual="VIRTUAL" in before)
        elif kind == "TABLE" or (
            kind == "TYPE" and re.search(r"\bATTRIBUTE\b", statement.text, re.IGNORECASE)
        ):
            alter(code, self.tables, additive=additive)

    def _drop(self, code: Code, kind: str) -> None:
        code.if_exists()
        for tokens in code.segments(code.rest()):
            inner = code.within(tokens)
            parts = inner.name()
            inner.skip("CASCADE", "RESTRICT")
            if inner.at < len(inner.tokens):
                raise code.wrong()
            if kind == "SCHEMA":
                self.tables.drop_schema(parts[-1])
            else:
                self.tables.drop(self.tables.name(parts))

    def _rename(self, code: Code) -> None:
        code.if_exists()
        for tokens in code.segments(code.rest()):
            inner = code.within(tokens)
            old = self.tables.name(inner.name())
            if not inner.take("TO"):
                raise code.wrong()
            self.tables.rename(old, self.tables.name(inner.name()))

    def _comment(self, code: Code) -> None:
        location = code.location()
        parts = code.name()
        if len(parts) < 2 or not code.take("IS"):
            raise code.wrong()
        self.tables.remark(self.tables.name(parts[:-1]), parts[-1], code.text(), location)

    def _block(self, shown: str, statement: Statement) -> None:
        """Apply what a DO block adds: it may run under a condition, so what it takes away may stay."""
        body = _BODY.search(statement.text)
        if body is None:
            raise Unreadable(f"{shown}:{statement.line}: a DO block that cannot be read")
        text = body[2] if body[2] is not None else body[3].replace("''", "'")
        line = statement.line + statement.text.count(
            "\n", 0, body.start(2) if body[2] is not None else body.start(3)
        )
        for part in Statements(shown, text, self.dialect):
            at = line + part.line - 1
            if (dynamic := _DYNAMIC.search(part.text)) is not None:
                at += part.text.count("\n", 0, dynamic.start())
                raise Unreadable(f"{shown}:{at}: a DO block makes tables or columns from a text")
            found = _CHANGES.search(part.text)
            if found is None or _NOT_RUN.search(part.text[: found.start()]):
                continue
            at += part.text.count("\n", 0, found.start())
            comments = tuple(replace(one, line=one.line + line - 1) for one in part.comments)
            inner = Statement(at, part.text[found.start() :], comments)
            words = [word.upper() for word in _WORD.findall(inner.text[:400])]
            if words[0] == "COMMENT":
                self._comment(self._code(shown, inner, "COLUMN"))
            else:
                self._object(shown, inner, words[0], words[1:], additive=True)
