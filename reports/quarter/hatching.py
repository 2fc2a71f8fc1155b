"""Strokes and dots in the bars of a chart, as plain paths: a pattern would be printed as a coarse picture."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BAR = r'<path d="M([-\d.e]+),([-\d.e]+)h([-\d.e]+)v([-\d.e]+)h[-\d.e]+Z" fill="{colour}"[^>]*/>'
_STROKES = 5.0  # pixels between strokes
_DOTS = 5.0


def hatched(svg: str, colour: str, state: str) -> str:
    """Exchange each bar of ``colour`` for a light one with strokes (not assessed) or dots (did not run)."""
    draw = _strokes if state == "not-assessed" else _dots

    def exchange(bar: re.Match[str]) -> str:
        x, y, width, height = (float(part) for part in bar.groups())
        ground = f"M{x:.1f},{y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}Z"
        lines = "".join(
            f"M{x + a:.1f},{y + b:.1f}L{x + c:.1f},{y + d:.1f}" for a, b, c, d in draw(width, height)
        )
        # A dot is a line of no length with a round end.
        pen = '1.2"' if state == "not-assessed" else '1.8" stroke-linecap="round"'
        return (
            f'<path d="{ground}" fill="var(--t-unseen, #fff4d6)" stroke="var(--t-hatch, #8a5a00)" '
            f'stroke-width="0.6"/><path d="{lines}" fill="none" stroke="var(--t-hatch, #8a5a00)" '
            f'stroke-width="{pen}/>'
        )

    return re.sub(_BAR.format(colour=re.escape(colour)), exchange, svg)


def _strokes(width: float, height: float) -> Iterator[tuple[float, float, float, float]]:
    """Yield lines that rise to the right, cut where the bar ends."""
    along = _STROKES / 2
    while along < width + height:
        yield max(0.0, along - height), min(height, along), min(width, along), max(0.0, along - width)
        along += _STROKES


def _dots(width: float, height: float) -> Iterator[tuple[float, float, float, float]]:
    """Yield dots in rows, none outside the bar."""
    down = _DOTS / 2
    while down < height:
        along = _DOTS / 2
        while along < width:
            yield along, down, along, down
            along += _DOTS
        down += _DOTS
