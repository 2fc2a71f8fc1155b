"""Named violations: what each breaks in the lab, and which controls must then fail, no other.

A plant is a small function over the running lab (see :mod:`lab.violations`), a fragment merged over the
inventory, or both. Plants combine: each disturbs nothing but what it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checks.core.errors import nearest
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.running import Lab


@dataclass(frozen=True, slots=True)
class Plant:
    """A violation. ``fails``: exactly the controls that fail; ``overlay``: changes of the inventory."""

    name: str
    breaks: str
    fails: tuple[str, ...]
    apply: Callable[[Lab], None] | None = None
    overlay: Mapping[str, Any] = field(default_factory=dict)


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return two overlays as one: mappings by key, anything else replaces."""
    result = dict(base)
    for key, value in overlay.items():
        known = result.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            result[key] = merge(known, value)
        else:
            result[key] = value
    return result


def choose(text: str) -> list[Plant]:
    """Return the plants named in ``text``, which is ``NAME[,NAME]``, each once.

    Raises ``LabError`` that names the nearest for a name nobody knows.
    """
    chosen: dict[str, Plant] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name not in PLANTS:
            raise LabError(
                f"no plant {name!r}{nearest(name, PLANTS)}; 'python -m lab up --list' lists them all"
            )
        chosen[name] = PLANTS[name]
    return list(chosen.values())


def _table(plants: Iterable[Plant]) -> dict[str, Plant]:
    table: dict[str, Plant] = {}
    for plant in plants:
        if plant.name in table:
            raise ValueError(f"two plants are called {plant.name}")
        table[plant.name] = plant
    return table


PLANTS: Mapping[str, Plant] = _table([])
