"""The table of plants: named violations that the lab can be given, one by one or together.

Each is a function in :mod:`lab.violations` and disturbs nothing but what it names.
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.core.errors import nearest
from lab.errors import LabError
from lab.planting import REGISTERED, Plant
from lab.violations import (
    answered,
    browsed,
    declared,
    filed,
    kept,
    policies,
    reached,
    righted,
    served,
    stored,
)

__all__ = ["PLANTS", "Plant", "choose"]

_FAMILIES = (
    stored,
    filed,
    kept,
    served,
    reached,
    answered,
    declared,
    righted,
    browsed,
    policies,
)  # importing them registers their plants

PLANTS: Mapping[str, Plant] = dict(sorted(REGISTERED.items(), key=lambda item: (item[1].fails, item[0])))
"""Every plant by name, in the order of the controls that fail."""


def choose(text: str) -> list[Plant]:
    """Return the plants named in ``text``, which is ``NAME[,NAME]``, each once.

    Raises ``LabError`` that names the nearest for a name nobody knows.
    """
    names = dict.fromkeys(filter(None, map(str.strip, text.split(","))))
    for name in names:
        if name not in PLANTS:
            raise LabError(
                f"no plant {name!r}{nearest(name, PLANTS)}; 'python -m lab up --list' lists them all"
            )
    return [PLANTS[name] for name in names]
