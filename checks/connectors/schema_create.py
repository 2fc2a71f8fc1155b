"""CREATE TABLE in all its forms: a list of columns, a query, a copy, a part, a type, a virtual table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlglot
from sqlglot import Token, exp
from sqlglot.errors import SqlglotError

from checks.connectors.schema_columns import Code, columns
from checks.connectors.schema_tables import Column, Tables
from checks.core.model import Location

_QUERY = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})


def create_table(code: Code, tables: Tables, kind: str, *, virtual: bool = False) -> None:
    """Apply CREATE TABLE, TYPE or MATERIALIZED VIEW; the reader stands after that word (``kind``).

    Raises ``Unreadable`` if the columns cannot be told, such as those of a table made elsewhere.
    """
    code.if_exists()
    name = tables.name(code.name())
    if kind == "TYPE":
        if code.take("AS") and code.opens():  # else an enumeration, a range or a base type
            _list(code, tables, name)
        return
    if kind == "TABLE":
        tables.create(name)
    if virtual:
        _virtual(code, tables, name)
        return
    known = kind == "VIEW"  # what a stored view shows lies in its tables, so it may stay unknown
    understood = known
    if code.opens() and code.word(1) not in _QUERY:
        if kind == "VIEW":
            code.group()
        else:
            _list(code, tables, name)
        understood = True
    if code.take("LIKE") or code.take("PARTITION", "OF") or code.take("OF"):
        _copy(code, tables, name, code.name())
        understood = True
    while code.at < len(code.tokens):
        if code.take("INHERITS"):
            for tokens in code.segments(code.group()):
                _copy(code, tables, name, code.within(tokens).name())
            understood = True
        elif _queries(code):
            code.take("AS")
            create_as(code, tables, name, lenient=known)
            understood = True
        elif code.opens():
            code.group()
        else:
            code.at += 1
    if not understood:
        raise code.wrong("a table whose columns cannot be told")


def _queries(code: Code) -> bool:
    """Whether a query comes; WITH (…) is how a table is stored, VALUES the bounds of a partition."""
    word, second = code.word(), code.word(1)
    if word == "AS":
        return second in _QUERY
    return word == "SELECT" or (word == "WITH" and second not in {"(", "OIDS", "DATA", "NO", "SYSTEM"})


def _list(code: Code, tables: Tables, name: str) -> None:
    line = code.line()
    for one in columns(code, code.group(), line):
        if isinstance(one, Column):
            tables.put(name, one)
        elif one.take("LIKE"):
            _copy(one, tables, name, one.name())


def _virtual(code: Code, tables: Tables, name: str) -> None:
    """Take the arguments of a module of SQLite: names are columns, settings have an equals sign."""
    if not code.take("USING"):
        raise code.wrong()
    code.identifier()
    for tokens in code.segments(code.group()) if code.opens() else ():
        inner = code.within(tokens)
        if not any(str(token.text) == "=" for token in tokens):
            where = inner.location()
            tables.put(name, Column(inner.identifier(), None, where))


def _copy(code: Code, tables: Tables, name: str, parts: Sequence[str]) -> None:
    """Give a table the columns of another."""
    other = tables.get(tables.name(parts))
    if other is None:
        raise code.wrong("columns come from a table that no file creates")
    for column in list(other.columns.values()):
        tables.put(name, replace(column, location=code.location(code.tokens[0])))


def create_as(code: Code, tables: Tables, name: str | None, *, lenient: bool = False) -> None:
    """Apply the query that fills a new table; without ``name`` it is SELECT … INTO and names it itself.

    ``lenient``: what a star stands for may stay unknown.
    """
    where = code.location()
    source = code.source(_query(code.rest()))
    try:
        query = sqlglot.parse_one(source, read=code.dialect)
    except SqlglotError:
        raise code.wrong("a query that cannot be read", where.line) from None
    if not isinstance(query, exp.Query):
        if name is None:  # WITH … INSERT INTO
            return
        if lenient or isinstance(query, (exp.Values, exp.Table)):
            return
        raise code.wrong("a query that cannot be read", where.line)
    if name is None:
        into = query.find(exp.Into)
        if into is None or not isinstance(into.this, exp.Table):
            return
        name = tables.name([part.name for part in into.this.parts])
        tables.create(name)
        into.pop()
    _selected(code, tables, name, query, where, lenient)


def _query(tokens: list[Token]) -> list[Token]:
    """Return the tokens without WITH [NO] DATA at the end."""
    words = [str(token.text).upper() for token in tokens[-3:]]
    if words[-2:] == ["WITH", "DATA"]:
        return tokens[:-2]
    return tokens[:-3] if words == ["WITH", "NO", "DATA"] else tokens


def _is_star(one: exp.Expr) -> bool:
    """Whether ``one`` is ``*`` or ``t.*``, but not ``count(*)``."""
    return isinstance(one, exp.Star) or (isinstance(one, exp.Column) and isinstance(one.this, exp.Star))


def _selected(
    code: Code, tables: Tables, name: str, query: exp.Query, where: Location, lenient: bool
) -> None:
    star = False
    for one in query.selects:
        if _is_star(one):
            star = True
            continue
        cast = one.unalias() if isinstance(one, exp.Alias) else one
        kind = cast.to.sql(code.dialect).lower() if isinstance(cast, exp.Cast) else None
        label = one.alias_or_name if one.alias_or_name not in {"", "*"} else one.key
        tables.put(name, Column(label.lower() if code.dialect == "postgres" else label, kind, where))
    if not star:
        return
    # More rather than less: a star stands for the columns of every table that is read, and of every
    # inner query.
    inner = {with_.alias for with_ in query.find_all(exp.CTE)}
    for select in query.find_all(exp.Select):
        for one in () if select is query else select.selects:
            if not _is_star(one) and one.alias_or_name:
                tables.put(name, Column(one.alias_or_name, None, where))
    for table in query.find_all(exp.Table):
        parts = [part.name for part in table.parts]
        other = tables.get(tables.name(parts))
        if other is not None:
            for column in list(other.columns.values()):
                tables.put(name, replace(column, location=where))
        elif not lenient and parts[-1] not in inner:
            raise code.wrong("columns come from a table that no file creates", where.line)
