"""PostgreSQL's COPY text format: what rows are loaded in, and what a plain dump holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from lab.rows.values import Table

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def quoted(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def line(row: Iterable[object]) -> str:
    """Return one row with its newline. A ``dict`` becomes JSON, a ``list`` an array of text."""
    return "\t".join(_field(value) for value in row) + "\n"


def text(table: Table) -> str:
    """Return all rows of ``table``."""
    return "".join(map(line, table.rows))


def dump(tables: Sequence[Table]) -> str:
    """Return the COPY sections of a plain dump of ``tables``."""
    parts = ["--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n"]
    for table in tables:
        columns = ", ".join(map(_plain, table.columns))
        parts.append(f"COPY public.{_plain(table.name)} ({columns}) FROM stdin;\n{text(table)}\\.\n\n\n")
    parts.append("--\n-- PostgreSQL database dump complete\n--\n")
    return "".join(parts)


def _plain(name: str) -> str:
    """Return ``name`` quoted where pg_dump would quote it."""
    return name if name.islower() and name != "user" else quoted(name)


def _field(value: object) -> str:
    if type(value) is str:
        return value.translate(_ESCAPES) if not value.isprintable() or "\\" in value else value
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S+00")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    if isinstance(value, list):
        return ("{" + ",".join(map(_element, value)) + "}").translate(_ESCAPES)
    return str(value)


def _element(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
