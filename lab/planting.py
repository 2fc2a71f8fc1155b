"""How a violation is declared: a function over the running lab, what it breaks, what must then fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.running import Lab

Overlay = Mapping[str, Any]
"""Changes of the inventory: mappings are merged by key, ``None`` removes, anything else replaces."""

Act = Callable[["Lab"], Overlay | None]
"""What a plant does to the running lab; it may return an overlay."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A violation. ``breaks`` says what in one line; ``fails`` are exactly the controls that then fail."""

    name: str
    breaks: str
    fails: tuple[str, ...]
    act: Act


REGISTERED: dict[str, Plant] = {}


def plant(breaks: str, *fails: str) -> Callable[[Act], Act]:
    """Register a function as the plant of its name, with hyphens for underscores."""

    def register(act: Act) -> Act:
        name = act.__name__.replace("_", "-")
        if name in REGISTERED:
            raise ValueError(f"two plants are called {name}")
        REGISTERED[name] = Plant(name, breaks, fails, act)
        return act

    return register


def merge(base: Overlay, overlay: Overlay) -> dict[str, Any]:
    """Return two overlays as one: mappings by key, anything else replaces."""
    result = dict(base)
    for key, value in overlay.items():
        known = result.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            result[key] = merge(known, value)
        else:
            result[key] = value
    return result
