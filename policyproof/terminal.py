"""Text for a terminal: names of targets cannot steer it, and colour is left out where unwanted."""

from __future__ import annotations

import os
from typing import TextIO

from reports.renderers.words import word

_COLOURS = {
    "pass": 32,
    "compliant": 32,
    "waived": 35,
    "fail": 31,
    "violations": 31,
}
"""State → ANSI colour; every other state is yellow: it was not shown to be fine."""


def safe(text: object) -> str:
    """Return ``text`` in one line without characters that steer a terminal or turn the order of text."""
    flat = " ".join(str(text).split())
    return "".join(char if char.isprintable() else "?" for char in flat)


def coloured(stream: TextIO) -> bool:
    """Whether colour is wanted on ``stream``: a terminal, and nobody said no."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def state(name: str, *, colour: bool) -> str:
    """Return a state as symbol and word, coloured if wanted."""
    return f"\x1b[{_COLOURS.get(name, 33)}m{word(name)}\x1b[0m" if colour else word(name)
