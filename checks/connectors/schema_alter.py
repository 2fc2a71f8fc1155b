"""The actions of ALTER TABLE, applied one after the other to the tables known so far."""

from __future__ import annotations

from dataclasses import replace

from checks.connectors.schema_columns import Code, column, columns, is_constraint, split
from checks.connectors.schema_tables import Column, Tables
from checks.connectors.schema_words import ALTER_NO_BEARING, DROP_NO_BEARING
from checks.core.model import Location


def alter(code: Code, tables: Tables, *, additive: bool = False) -> None:
    """Apply ALTER TABLE (or the attributes of ALTER TYPE); the reader stands after that word.

    ``additive``: whether the statement runs is not known, so that only what it adds counts.
    Raises ``Unreadable`` for an action that is not understood.
    """
    code.if_exists()
    code.take("ONLY")
    name = tables.name(code.name())
    code.take("*")
    actions = list(code.segments(code.rest()))
    if not actions:
        raise code.wrong("ALTER TABLE without an action")
    for tokens in actions:
        name = _Action(code.within(tokens), tables, name, additive).apply()


class _Action:
    def __init__(self, code: Code, tables: Tables, name: str, additive: bool) -> None:
        self._code, self._tables, self._name, self._additive = code, tables, name, additive

    def apply(self) -> str:
        """Apply the action; return the name that the table has then."""
        code = self._code
        line = code.line()
        if code.take("ADD"):
            self._add()
        elif code.take("DROP"):
            self._drop()
        elif code.take("RENAME"):
            return self._rename()
        elif code.take("ALTER"):
            self._alter()
        elif code.take("MODIFY"):
            code.take("COLUMN")
            code.if_exists()
            self._define()
        elif code.take("CHANGE"):
            code.take("COLUMN")
            code.if_exists()
            old, where = code.identifier(), code.location()
            self._renamed(old, code.within(code.tokens[code.at : code.at + 1]).identifier(), where)
            self._define()
        elif code.take("SET", "SCHEMA"):
            bare = self._name.rpartition(".")[2]
            return self._moved(self._tables.name([code.identifier(), bare]))
        elif code.word() not in ALTER_NO_BEARING:
            raise code.wrong("an action of ALTER TABLE that is not understood", line)
        return self._name

    def _add(self) -> None:
        code = self._code
        named = code.take("COLUMN") or code.take("ATTRIBUTE")
        code.if_exists()
        if not named and (is_constraint(code) or (code.dialect == "mysql" and code.word() == "PARTITION")):
            return
        if not code.opens():
            self._define()
            return
        line = code.line()
        for one in columns(code, code.group(), line):
            if isinstance(one, Column):
                self._tables.put(self._name, one)

    def _define(self) -> None:
        """Take a definition; the comments beside the statement are those of its column."""
        code = self._code
        first, last = code.line(), code.line(code.tokens[-1])
        beside = [c.text for c in code.statement.comments if first <= c.line <= last and c.text]
        self._tables.put(self._name, column(code, beside))

    def _drop(self) -> None:
        code = self._code
        named = code.take("COLUMN") or code.take("ATTRIBUTE")
        if not named and code.word() in DROP_NO_BEARING and code.word(1):
            return
        if not named and code.word() in DROP_NO_BEARING and code.at + 1 < len(code.tokens):
            return  # the name of what is dropped is quoted
        code.if_exists()
        dropped = code.identifier()
        if not self._additive:
            self._tables.drop_column(self._name, dropped)

    def _rename(self) -> str:
        code = self._code
        if code.word() in {"CONSTRAINT", "INDEX", "KEY"} and code.at + 2 < len(code.tokens):
            return self._name
        if code.take("TO") or code.take("AS"):
            return self._moved(self._new_name())
        if not code.take("COLUMN"):
            code.take("ATTRIBUTE")
        if code.dialect == "mysql" and not any(code.word(n) == "TO" for n in range(len(code.tokens))):
            return self._moved(self._new_name())
        code.if_exists()
        old = code.identifier()
        if not code.take("TO"):
            raise code.wrong("a RENAME that is not understood")
        where = code.location()
        self._renamed(old, code.identifier(), where)
        return self._name

    def _new_name(self) -> str:
        parts = self._code.name()
        schema = self._name.rpartition(".")[0]
        # PostgreSQL leaves the table in its schema.
        return self._tables.name([schema, *parts] if schema and len(parts) == 1 else parts)

    def _moved(self, new: str) -> str:
        if self._additive:
            table = self._tables.get(self._name)
            for one in list(table.columns.values()) if table else ():
                self._tables.put(new, one)
        else:
            self._tables.rename(self._name, new)
        return new

    def _renamed(self, old: str, new: str, location: Location) -> None:
        if self._additive:
            table = self._tables.get(self._name)
            known = table.columns.get(self._tables.fold(old)) if table else None
            known = known or Column(new, None, location)
            self._tables.put(self._name, replace(known, name=new, location=location))
        else:
            self._tables.rename_column(self._name, old, new, location)

    def _alter(self) -> None:
        code = self._code
        named = code.take("COLUMN") or code.take("ATTRIBUTE")
        if not named and code.word() in {"INDEX", "CHECK", "CONSTRAINT"}:
            return
        code.if_exists()
        where, name = code.location(), code.identifier()
        code.take("SET", "DATA")
        if not code.take("TYPE"):
            return  # DEFAULT, NOT NULL, STATISTICS, STORAGE, VISIBLE: the column stays what it is
        kind, _ = split(code, code.rest())
        table = self._tables.get(self._name)
        old = table.columns.get(self._tables.fold(name)) if table else None
        written = " ".join(code.source(kind).split())
        self._tables.put(self._name, replace(old or Column(name, None, where), type=written, location=where))
