"""What a config file says, entry by entry: the common form that every parser yields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from checks.core.model import Location

Trail = tuple[str | int, ...]

DEEPEST = 100
"""Levels of nesting that are followed; a config of people is not deeper, an anchor bomb is."""

MOST = 500_000
"""Entries of one file that are read at most."""

# What may be printed of a key: a name of a few words, a path or a package, never a person's address.
_NAME = re.compile(r"@?[\w$./:+~*<>/ -]{1,80}")


class Entry(NamedTuple):
    """One value with its keys and 1-based line; ``branch`` marks an empty list or mapping."""

    trail: Trail
    value: str
    line: int
    branch: bool = False


class Malformed(Exception):
    """A file is not of its format; ``problem`` holds nothing of its text, ``line`` is 1-based."""

    def __init__(self, problem: str, line: int | None = None, *, large: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.line, self.large = problem, line, large


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a config. ``key`` is its address in the file, such as ``a.b[0].c``."""

    file: str
    key: str
    value: str = field(repr=False)
    location: Location


@dataclass(slots=True)
class Node:
    """A scalar (``text`` set), or a mapping (keys are text) or list (keys are ``None``)."""

    line: int
    text: str | None = field(default=None, repr=False)
    items: list[tuple[str | None, Node]] = field(default_factory=list, repr=False)
    mapping: bool = False


def words(*lines: str) -> frozenset[str]:
    """Return the words of ``lines``, for sets that are easier to read as text."""
    return frozenset(" ".join(lines).split())


def render(trail: Trail) -> str:
    """Return ``trail`` as ``a.b[0].c``; a key that is not shaped like a name is ``<key>``."""
    parts: list[str] = []
    for step in trail:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{_printable(step)}" if parts else _printable(step))
    return "".join(parts)


@lru_cache(maxsize=4096)
def _printable(step: str) -> str:
    return step if _NAME.fullmatch(step) else "<key>"


def last_name(trail: Trail) -> str:
    """Return the last key that is no index, or an empty string."""
    return next((step for step in reversed(trail) if isinstance(step, str)), "")


def flatten(root: Node) -> Iterator[Entry]:
    """Yield the leaves below ``root`` in order.

    Bounded in depth and number, because YAML aliases may make a small file endless: raises
    ``Malformed``. Nothing here recurses.
    """
    if root.text is not None:
        raise Malformed("is no mapping or list", root.line)
    seen = 0
    levels: list[tuple[Trail, Iterator[tuple[str | int, Node]]]] = [((), iter(_children(root)))]
    while levels:
        prefix, children = levels[-1]
        for step, node in children:
            seen += 1
            if seen > MOST:
                raise Malformed(f"holds more than {MOST} settings", node.line, large=True)
            trail = (*prefix, step)
            if node.text is not None:
                yield Entry(trail, node.text, node.line)
            elif not node.items:
                yield Entry(trail, "", node.line, branch=True)
            elif len(levels) >= DEEPEST:
                raise Malformed(f"is nested deeper than {DEEPEST} levels", node.line, large=True)
            else:
                levels.append((trail, iter(_children(node))))
                break
        else:
            levels.pop()


def _children(node: Node) -> Iterable[tuple[str | int, Node]]:
    """Yield the children with their key or index, a YAML merge (``<<``) resolved one level deep."""
    if not node.mapping:
        return ((number, child) for number, (_, child) in enumerate(node.items))
    own = [(key, child) for key, child in node.items if key is not None and key != MERGE]
    merged = [child for key, child in node.items if key == MERGE]
    if not merged:
        return own
    names = {key for key, _ in own}
    return [*own, *((key, child) for key, child in _merged(merged) if key not in names)]


MERGE = "\0<<"
"""The key of a YAML merge; a plain text cannot be it."""


def _merged(sources: list[Node]) -> Iterator[tuple[str, Node]]:
    """Yield what merged mappings bring; of a key given twice the first counts, as in YAML 1.1."""
    names: set[str] = set()
    visited: set[int] = set()
    waiting = list(reversed(sources))
    while waiting:
        source = waiting.pop()
        if id(source) in visited:
            continue
        visited.add(id(source))
        nested = [child for key, child in source.items if key == MERGE or not source.mapping]
        for key, child in source.items:
            if source.mapping and key is not None and key != MERGE and key not in names:
                names.add(key)
                yield key, child
        waiting.extend(reversed(nested))
