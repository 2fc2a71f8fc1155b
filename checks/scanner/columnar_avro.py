"""Avro schemas and values: the columns that a schema makes, and records as rows of text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from checks.core.errors import Unreadable
from checks.scanner.source import BLOCK, FIELD

_FIELD = FIELD.decode()
_ITEM = ", "
_EXACT = 2.0**63
_DIGITS = 2**14  # of a decimal at most
_NESTED = 64  # levels of a schema at most
_COLUMNS = 2**16
_LOGICAL = ("logicalType", "precision", "scale", "default", "doc", "aliases", "order")

_Plan = list[tuple[str, "_Plan | None"]]


class Schema:
    """The schema that a file was written with.

    ``plain`` is the same for what is stored, but without dates and times, which stay the numbers that
    they are stored as. ``columns`` names the fields; those of records within a record are ``a.b``.
    Raises ``Unreadable`` if it is none, or one of those that a damaged file could use against its
    reader: records within themselves, which may nest without limit, and lists of what takes no bytes.
    """

    def __init__(self, name: str, raw: bytes) -> None:
        self._name = name
        self._named: dict[str, Any] = {}
        self._empty: set[str] = set()
        self._levels: dict[str, int] = {}
        try:
            self.plain = self._simplified(json.loads(raw), "")
            self._check_levels(self.plain)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise Unreadable(f"{name} has no valid schema") from None
        if self._takes_nothing(self.plain):
            raise Unreadable(f"{name} has rows that take no bytes")
        self.columns: tuple[str, ...] = ("value",)
        self.plan: _Plan | None = None
        if (fields := self._fields(self.plain)) is not None:
            columns: list[str] = []
            self.plan = self._planned(fields, "", columns)
            self.columns = tuple(columns)

    def _simplified(self, schema: Any, space: str) -> Any:
        """Return ``schema`` with what reading needs; note the types that it gives names to."""
        if isinstance(schema, list):
            return [self._simplified(branch, space) for branch in schema]
        if isinstance(schema, str):
            return self._known(schema, space)
        kind = schema["type"]
        if not isinstance(kind, str):
            return self._simplified(kind, space)
        plain = {key: value for key, value in schema.items() if key not in _LOGICAL}
        if kind in ("record", "error", "enum", "fixed"):
            plain["name"] = full = _full_name(schema["name"], schema.get("namespace", space))
            plain.pop("namespace", None)
            space = full.rpartition(".")[0]
            self._named[full] = None
        if kind in ("record", "error"):
            plain["fields"] = [
                {"name": field["name"], "type": self._simplified(field["type"], space)}
                for field in schema["fields"]
            ]
        elif kind in ("array", "map"):
            inner = "items" if kind == "array" else "values"
            plain[inner] = self._simplified(schema[inner], space)
            if kind == "array" and self._takes_nothing(plain[inner]):
                raise Unreadable(f"{self._name} has lists of what takes no bytes")
        elif kind in ("bytes", "fixed"):
            plain.update(self._decimal(schema))
        elif kind != "enum":
            return self._known(kind, space)
        if kind not in ("array", "map", "bytes"):
            self._named[full] = plain
            self._levels[full] = self._check_levels(plain)
            if self._takes_nothing(plain):
                self._empty.add(full)
        return plain

    def _check_levels(self, schema: Any) -> int:
        """Return how deep values nest: fastavro recurses, without a limit of its own."""
        if isinstance(schema, str):
            return self._levels.get(schema, 0)
        if isinstance(schema, list):
            inner = schema
        else:
            inner = [field["type"] for field in schema.get("fields", ())]
            inner += [schema[key] for key in ("items", "values") if key in schema]
        levels = 1 + max(map(self._check_levels, inner), default=0)
        if levels > _NESTED:
            raise Unreadable(f"{self._name} has a schema of more than {_NESTED} levels")
        return levels

    def _known(self, kind: str, space: str) -> str:
        full = _full_name(kind, space)
        full = full if full in self._named else kind
        if full in self._named and self._named[full] is None:
            raise Unreadable(f"{self._name} has records within themselves, which are not read")
        return full

    def _decimal(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the marks of a decimal. Its precision is raised: what is stored may have more digits."""
        scale = schema.get("scale", 0)
        if schema.get("logicalType") != "decimal" or not isinstance(scale, int) or scale < 0:
            return {}
        precision = _DIGITS
        if schema["type"] == "fixed":
            precision = math.floor(math.log10(2) * (8 * int(schema["size"]) - 1))
        if scale > min(precision, _DIGITS):
            raise Unreadable(f"{self._name} has a decimal of {scale} places")
        return {"logicalType": "decimal", "precision": max(precision, 1), "scale": scale}

    def _takes_nothing(self, schema: Any) -> bool:
        """Whether a value may take no bytes."""
        if isinstance(schema, dict):
            if schema["type"] == "fixed":
                return int(schema["size"]) <= 0
            fields = schema.get("fields")
            return fields is not None and all(self._takes_nothing(field["type"]) for field in fields)
        return isinstance(schema, str) and (schema == "null" or schema in self._empty)

    def _fields(self, schema: Any) -> list[Any] | None:
        """Return the fields of a record, or of the record that may be left out; else ``None``."""
        if isinstance(schema, list):
            kinds = [branch for branch in schema if branch != "null"]
            return self._fields(kinds[0]) if len(kinds) == 1 else None
        schema = self._named.get(schema, schema) if isinstance(schema, str) else schema
        return schema.get("fields") if isinstance(schema, dict) else None

    def _planned(self, fields: list[Any], prefix: str, columns: list[str]) -> _Plan:
        plan: _Plan = []
        for field in fields:
            path, inner = prefix + field["name"], self._fields(field["type"])
            if len(columns) > _COLUMNS:
                raise Unreadable(f"{self._name} has more than {_COLUMNS} columns")
            if inner is None:
                columns.append(path)
                plan.append((field["name"], None))
            else:
                plan.append((field["name"], self._planned(inner, f"{path}.", columns)))
        return plan


def blocks(schema: Schema, records: Iterable[Any]) -> Iterator[bytes]:
    """Yield records as :class:`checks.scanner.source.Table` wants its rows."""
    plan = schema.plan
    flat = plan is not None and all(inner is None for _, inner in plan)
    rows: list[list[str]] = []
    size = 0
    for record in records:
        # The values of a record come in the order of its fields.
        values = record.values() if flat else _leaves(record, plan) if plan is not None else (record,)
        row = [_TEXT[type(value)](value) for value in values]
        rows.append(row)
        size += sum(map(len, row))
        if size >= BLOCK or len(rows) >= BLOCK:
            yield _block(rows)
            rows, size = [], 0
    if rows:
        yield _block(rows)


def _leaves(record: Any, plan: _Plan) -> Iterator[Any]:
    for name, inner in plan:
        value = None if record is None else record[name]
        if inner is None:
            yield value
        else:
            yield from _leaves(value, inner)


def _block(rows: list[list[str]]) -> bytes:
    """Return the rows as one block; a line feed or ``FIELD`` within a value becomes a space."""
    block = "\n".join(map(_FIELD.join, rows)) + "\n"
    if block.count("\n") != len(rows) or block.count(_FIELD) != len(rows) * (len(rows[0]) - 1):
        plain = [[text.replace("\n", " ").replace(_FIELD, " ") for text in row] for row in rows]
        block = "\n".join(map(_FIELD.join, plain)) + "\n"
    return block.encode("utf-8", "surrogateescape")


def _full_name(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _number(value: float) -> str:
    """Return in full digits: Python writes ``4.1e+18`` for what was a number of 19 digits."""
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)


def _items(values: Iterable[Any]) -> str:
    return _ITEM.join([_TEXT[type(value)](value) for value in values])


def _pairs(values: dict[str, Any]) -> str:
    return _ITEM.join([f"{key}{_ITEM}{_TEXT[type(value)](value)}" for key, value in values.items()])


_TEXT: dict[type, Callable[[Any], str]] = {
    str: lambda value: value,
    int: str,
    type(None): lambda value: "",
    float: _number,
    bool: lambda value: "true" if value else "false",
    bytes: lambda value: value.decode("utf-8", "surrogateescape"),
    Decimal: lambda value: f"{value:f}",
    list: _items,
    dict: _pairs,
}
