"""Checks are functions in ``checks/<family>.py``; their name is their address."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from checks.core.errors import nearest
from checks.core.model import Duration, Earlier, Inventory, Observation, Period, PolicyVersion, Share, Target

CheckFunction = Callable[..., Iterator[Observation]]

ROOMS = frozenset({"core", "connectors", "detectors", "scanner"})
"""Sub-packages of ``checks`` that are no family of promises."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a check may know beside its target.

    ``open(id)`` gives another target's view, and raises as opening it does.
    """

    inventory: Inventory
    now: datetime
    target: Target
    open: Callable[[str], Any]
    locked: Mapping[str, str]  # clause, heading (9.0), preamble (0.1) → fingerprint
    memory: Path | None = None  # of earlier looks, where the operator offers one
    policy: PolicyVersion | None = None  # what the lock says of version and date
    citing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # clause → controls that cite it
    earlier: Earlier | None = None  # what is to be followed up; None: no ledger was asked


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check: what it reads, and how it is called."""

    name: str
    function: CheckFunction
    reads: tuple[str, ...]
    declared: bool  # looks at what is declared only: no connection is opened
    scoped: bool  # wants a Scope as its second argument
    version: str  # digest of its module's source
    parameters: Mapping[str, Any]  # keyword → annotation
    optional: frozenset[str] = frozenset()  # those that a control may leave out
    changes: str | None = None  # the drill it belongs to, if it changes its target
    follows: bool = False  # what an earlier run left pending is its business too

    @property
    def purpose(self) -> str:
        """The obligation, in the first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def bind(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``params`` as the function takes them; raises ``ValueError`` in one line."""
        unknown = [key for key in params if key not in self.parameters]
        if unknown:
            hint = nearest(unknown[0], self.parameters)
            takes = ", ".join(self.parameters) or "no parameters"
            raise ValueError(f"check {self.name} has no parameter {unknown[0]!r}{hint}; it takes {takes}")
        missing = [key for key in self.parameters if key not in params and key not in self.optional]
        if missing:
            raise ValueError(f"check {self.name} needs parameter {', '.join(map(repr, missing))}")
        return {key: _convert(self.name, key, value, self.parameters[key]) for key, value in params.items()}


def check(
    *, reads: str | tuple[str, ...], declared: bool = False, changes: str | None = None, follows: bool = False
) -> Callable[[CheckFunction], CheckFunction]:
    """Mark a function as a check on targets of kind ``reads``.

    ``changes`` names the drill of a check that changes its target: it runs only where the control
    says ``changes: true`` and the environment lists the drill. One that ``follows`` is told what an
    earlier run left pending, and what it does not say to be gone stays pending.
    """

    def mark(function: CheckFunction) -> CheckFunction:
        kinds = (reads,) if isinstance(reads, str) else reads
        function.__dict__["__check__"] = (kinds, declared, changes, follows)
        return function

    return mark


@cache
def families() -> tuple[str, ...]:
    """Return the names of the check modules."""
    import checks

    return tuple(sorted(m.name for m in pkgutil.iter_modules(checks.__path__) if m.name not in ROOMS))


@cache
def checks_in(family: str) -> Mapping[str, Check]:
    """Return the checks of one family by full name."""
    module = importlib.import_module(f"checks.{family}")
    source = Path(inspect.getfile(module)).read_bytes()
    version = hashlib.sha256(source).hexdigest()[:12]
    found: dict[str, Check] = {}
    for name, function in vars(module).items():
        mark = getattr(function, "__dict__", {}).get("__check__")
        if mark is None or function.__module__ != module.__name__:
            continue
        found[f"{family}.{name}"] = _describe(f"{family}.{name}", function, mark, version)
    return found


def find(name: str) -> Check:
    """Return the check called ``name``; raises ``LookupError`` with the nearest name."""
    family, _, _ = name.partition(".")
    if family in families():
        known = checks_in(family)
        if name in known:
            return known[name]
    every = [other for f in families() for other in checks_in(f)]
    raise LookupError(f"unknown check {name!r}{nearest(name, every)}")


def _describe(
    name: str, function: CheckFunction, mark: tuple[tuple[str, ...], bool, str | None, bool], version: str
) -> Check:
    signature = inspect.signature(function)
    hints = typing.get_type_hints(function)
    positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    keywords = {p.name: hints[p.name] for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
    reads, declared, changes, follows = mark
    optional = frozenset(p.name for p in signature.parameters.values() if p.default is not p.empty)
    scoped = "scope" in positional[1:]
    return Check(name, function, reads, declared, scoped, version, keywords, optional, changes, follows)


def _convert(name: str, key: str, value: Any, wanted: Any) -> Any:
    if wanted in (Duration, Period, Share):
        try:
            return wanted(str(value) if wanted is Share else value)
        except ValueError as error:
            raise ValueError(f"check {name}, parameter {key!r}: {error}") from None
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        wanted = next(arm for arm in inner if arm is not type(None))
        return _convert(name, key, value, wanted)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(name, key, item, inner[0]) for item in value)
    if origin is typing.Literal:
        if value in inner:
            return value
        raise ValueError(f"check {name}, parameter {key!r}: {value!r} is not one of {', '.join(inner)}")
    plain = origin or wanted
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, plain) and not (isinstance(value, bool) and plain is not bool):
        return value
    expected = "list" if origin is tuple else plain.__name__
    raise ValueError(f"check {name}, parameter {key!r}: {expected} expected, not {type(value).__name__}")
