"""One GraphQL query: what it selects, the values of its arguments, and odd ones to be refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.connectors.api_operations import Parameter, Seen
from checks.core.errors import NotAssessed

_ODD: tuple[tuple[str, int], ...] = (("'\"\\;--", -1), ("{{7*7}}%00", 2**31 - 1), ("x" * 2000, 0))


@dataclass(frozen=True, slots=True)
class Query:
    """One field of the query type. ``path`` names it, as ``/graphql{projects}``.

    ``full`` selects everything; for a server that answers nothing if it refuses a part there are ``plain``,
    the values at the top, and ``parts``, each by itself. ``kind`` is the type that is returned.
    """

    path: str
    root: str
    kind: str
    parameters: tuple[Parameter, ...]
    full: str = field(repr=False)
    plain: str = field(repr=False)
    parts: tuple[str, ...] = field(repr=False)
    _types: Mapping[str, str] = field(repr=False)  # argument → its type
    _odd: tuple[str, ...] = field(repr=False)  # arguments that take text or a number
    _inside: tuple[str, ...] = field(repr=False)  # objects right below, which may be a list's envelope

    @property
    def name(self) -> str:
        """The request, as ``POST /graphql{projects}``."""
        return f"POST {self.path}"

    def takes(self, names: Iterable[str]) -> bool:
        """Whether it has an argument of one of these ``names``."""
        return not self._types.keys().isdisjoint(names)

    def variables(self, seen: Seen, owner: str, given: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return values for the arguments, those ``given`` first; ``NotAssessed`` if one is not known."""
        found: dict[str, Any] = {name: text for name, text in (given or {}).items() if name in self._types}
        for parameter in self.parameters:
            if parameter.name in found:
                continue
            value = parameter.value
            if value is None:
                value = seen.of_kind(self.kind, parameter.name)
            if value is None:
                raise NotAssessed(f"{owner}: {self.name}: no value for argument {parameter.name}")
            found[parameter.name] = [value] if self._types[parameter.name].startswith("[") else value
        return found

    def odd(self, seen: Seen, number: int) -> dict[str, Any] | None:
        """Return the ``number``th odd values for every argument; ``None`` if there are no more."""
        if not self._odd or number >= len(_ODD):
            return None
        text, whole = _ODD[number]
        found: dict[str, Any] = {p.name: p.value or seen.of_kind(self.kind, p.name) for p in self.parameters}
        for name in self._odd:
            plain = self._types[name].strip("[]!")
            value: Any = whole if plain in ("Int", "Float") else text
            found[name] = [value] if self._types[name].startswith("[") else value
        return found

    def request(self, selection: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of a request for ``selection`` (empty for a field that is a value itself)."""
        declared = ",".join(f"${name}:{self._types[name]}" for name in variables)
        given = ",".join(f"{name}:${name}" for name in variables)
        text = f"query({declared}){{{self.root}({given}){selection}}}" if variables else ""
        return {"query": text or f"{{{self.root}{selection}}}", "variables": dict(variables)}

    def asking(self, name: str) -> Iterator[str]:
        """Yield selections of the field ``name`` alone: of what is returned, and of each object in it."""
        if self.full:
            yield f"{{{name}}}"
            for inside in self._inside:
                yield f"{{{inside}{{{name}}}}}"
