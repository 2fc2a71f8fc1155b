"""Queries made from a GraphQL schema, so that together they ask for every field that can be read.

GraphQL specification of October 2021. Queries only: no mutation and no subscription is ever made, so a
request reads. They are built here and not drawn by schemathesis: a random selection leaves fields out,
differs with the library's version, and takes seconds for each query; these are the same in every run,
one for each field of the query type, and name what they could not ask for.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from checks.connectors.api_operations import IDENTIFIERS, Parameter
from checks.connectors.api_query import Query

_DEEP = 3  # objects below the one that a query returns
_LEAVES = 400  # values that one query selects; with more it goes less deep
_STEPS = 3_000_000  # over all queries, so that no schema costs more than a few seconds
_FEW = 25  # things asked of a list
_LIMITS = frozenset({"first", "limit", "take", "pagesize", "perpage", "size"})
_LITERAL: Mapping[str, Any] = {"Int": 1, "Float": 1.0, "Boolean": True}


def _reference(depth: int) -> str:
    return "kind name" + (f" ofType{{{_reference(depth - 1)}}}" if depth else "")


_ARGUMENT = f"name defaultValue type{{{_reference(6)}}}"
INTROSPECTION = (
    "{__schema{queryType{name} types{kind name"
    f" fields(includeDeprecated:true){{name args{{{_ARGUMENT}}} type{{{_reference(6)}}}}}"
    f" inputFields{{{_ARGUMENT}}} enumValues(includeDeprecated:true){{name}} possibleTypes{{name}}}}}}}}"
)
"""The query for a schema (section 4); reading one changes nothing."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A reference to a type: ``text`` as a query writes it, such as ``[Project!]!``."""

    text: str
    name: str

    @property
    def required(self) -> bool:
        return self.text.endswith("!")


def _kind(node: Mapping[str, Any]) -> _Kind:
    if node["kind"] in ("NON_NULL", "LIST"):
        inner = _kind(node["ofType"])
        return _Kind(f"{inner.text}!" if node["kind"] == "NON_NULL" else f"[{inner.text}]", inner.name)
    return _Kind(str(node["name"]), str(node["name"]))


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    kind: _Kind
    needed: bool


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: _Kind
    arguments: tuple[_Argument, ...]


class _TooMany(ValueError):
    """A selection of this depth would be too large, or the schema as a whole."""


class _Room:
    """How many values and objects a selection may still have, or steps a schema may take."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _TooMany


class Schema:
    """What can be read, from the answer to :data:`INTROSPECTION`; ``KeyError`` and kin if malformed."""

    def __init__(self, body: Any) -> None:
        described = body["data"]["__schema"]
        self._query = str(described["queryType"]["name"])
        self._types: dict[str, Mapping[str, Any]] = {str(one["name"]): one for one in described["types"]}
        self._fields = {
            name: [
                _Field(str(one["name"]), _kind(one["type"]), _arguments(one.get("args")))
                for one in type_.get("fields") or ()
            ]
            for name, type_ in self._types.items()
        }
        self._asked: set[str] = set()
        self._steps = _Room(_STEPS)
        self._known: dict[str, tuple[_Argument, ...]] = {}

    def queries(self, path: str) -> list[Query]:
        """Return a query for each field of the query type, those that need nothing seen before first."""
        made = [self._made(path, one) for one in self._fields[self._query]]
        return sorted(made, key=lambda query: sum(p.value is None for p in query.parameters))

    @cached_property
    def unasked(self) -> list[str]:
        """What can be reached from the query type and is in none of :meth:`queries`, as ``Type.field``."""
        met, waiting = set(), [self._query]
        values: list[str] = []
        while waiting:
            name = waiting.pop()
            if name in met:
                continue
            met.add(name)
            for one in self._fields.get(name, ()):
                if not self._leaf(one.kind.name):
                    waiting.append(one.kind.name)
                elif name != self._query and self._types[name].get("kind") == "OBJECT":
                    values.append(f"{name}.{one.name}")
            waiting += self._possible(name)
        return sorted(set(values) - self._asked)

    # ── one query ────────────────────────────────────────────────────────────────────────────────

    def _made(self, path: str, one: _Field) -> Query:
        given = [a for a in one.arguments if a.needed or (a.name.lower() in _LIMITS and a.kind.name == "Int")]
        parameters = tuple(Parameter(a.name, "argument", self._value(a)) for a in given)
        below = [] if self._leaf(one.kind.name) else self._fields.get(one.kind.name, [])
        return Query(
            f"{path}{{{one.name}}}",
            one.name,
            one.kind.name,
            parameters,
            *self._texts(one.kind.name),
            {a.name: a.kind.text for a in one.arguments},
            tuple(a.name for a in one.arguments if self._takes_text(a.kind.name)),
            tuple(b.name for b in below if not self._leaf(b.kind.name) and not b.arguments)[:4],
        )

    def _takes_text(self, name: str) -> bool:
        return self._types.get(name, {}).get("kind") == "SCALAR" and name != "Boolean"

    def _texts(self, name: str) -> tuple[str, str, tuple[str, ...]]:
        if self._leaf(name):
            return "", "", ()
        parts, values = self._deepest(name)
        self._asked |= values
        plain = [part for part in parts if "{" not in part]
        alone = tuple(f"{{__typename {part}}}" for part in parts if part != "__typename")
        return f"{{{' '.join(parts)}}}", f"{{{' '.join(plain)}}}", alone

    def _deepest(self, name: str) -> tuple[list[str], set[str]]:
        for depth in range(_DEEP, 0, -1):
            with suppress(_TooMany):
                return self._selection(name, depth, frozenset({name}), _Room(_LEAVES))
        return self._selection(name, 0, frozenset({name}), _Room(sys.maxsize))

    def _selection(
        self, name: str, depth: int, above: frozenset[str], room: _Room
    ) -> tuple[list[str], set[str]]:
        """Return the parts of a selection of type ``name``, and the values in it as ``Type.field``."""
        parts, values, kinds = ["__typename"], set[str](), dict[str, str]()
        for one in self._fields.get(name, ()):
            self._steps.take()
            given = self._inline(one)
            if given is None:
                continue
            if self._leaf(one.kind.name):
                room.take()
                parts.append(one.name + given)
                values.add(f"{name}.{one.name}")
                kinds[one.name] = one.kind.text
            elif depth and one.kind.name not in above:
                room.take()
                below, more = self._selection(one.kind.name, depth - 1, above | {one.kind.name}, room)
                if more:
                    parts.append(f"{one.name}{given}{{{' '.join(below)}}}")
                    values |= more
        for possible in self._possible(name):
            below, more = self._selection(possible, 0, above, room)
            fields = {one.name: one.kind.text for one in self._fields.get(possible, ())}
            # Two types may have one name for things of different kinds, which one query cannot hold (5.3.2).
            same = [
                part
                for part in below[1:]
                if kinds.setdefault(part, fields.get(part, "")) == fields.get(part, "")
            ]
            parts += [f"... on {possible}{{{part}}}" for part in same]
            values |= {f"{possible}.{part}" for part in same} & more
        return parts, values

    def _leaf(self, name: str) -> bool:
        return self._types.get(name, {}).get("kind") in ("SCALAR", "ENUM")

    def _possible(self, name: str) -> list[str]:
        type_ = self._types.get(name, {})
        if type_.get("kind") not in ("INTERFACE", "UNION"):
            return []
        names = [str(one["name"]) for one in type_.get("possibleTypes") or ()]
        return [one for one in names if self._types.get(one, {}).get("kind") == "OBJECT"]  # 3.8: no others

    def _value(self, argument: _Argument, depth: int = 0) -> Any:
        """Return a value for an argument, or ``None`` for one that has to be seen in an answer first."""
        self._steps.take()
        name, kind = argument.kind.name, self._types.get(argument.kind.name, {})
        if argument.name.lower() in _LIMITS and name == "Int":
            return _FEW
        if name in _LITERAL:
            return _LITERAL[name]
        if kind.get("kind") == "ENUM":
            return next((str(one["name"]) for one in kind.get("enumValues") or ()), None)
        if kind.get("kind") == "INPUT_OBJECT" and depth < _DEEP:
            return {one.name: self._value(one, depth + 1) for one in self._inputs(name) if one.needed}
        if name == "String" and not argument.name.lower().endswith(IDENTIFIERS):
            return "policyproof"
        return None

    def _inputs(self, name: str) -> tuple[_Argument, ...]:
        if name not in self._known:
            self._known[name] = _arguments(self._types[name].get("inputFields"))
        return self._known[name]

    def _inline(self, one: _Field) -> str | None:
        """Return the arguments of a field in a selection, or ``None`` if it needs one that is not known."""
        given: list[str] = []
        for argument in one.arguments:
            limits = argument.name.lower() in _LIMITS and argument.kind.name == "Int"
            if not argument.needed and not limits:
                continue
            value = self._value(argument)
            if isinstance(value, bool):
                value = str(value).lower()
            elif isinstance(value, str) and argument.kind.name == "String":
                value = f'"{value}"'
            if value is None or isinstance(value, dict):
                return None
            given.append(f"{argument.name}:{value}")
        return f"({','.join(given)})" if given else ""


def _arguments(nodes: Any) -> tuple[_Argument, ...]:
    found: list[_Argument] = []
    for node in nodes or ():
        kind = _kind(node["type"])
        found.append(_Argument(str(node["name"]), kind, kind.required and node.get("defaultValue") is None))
    return tuple(found)
