"""The charts of the quarterly report: SVG text that loads nothing and needs no colour to be read.

Each state has its own lightness, its own hatching or its own letter, so that a copy in grey says as
much. A chart is one picture to a screen reader, named by its title; the page has the numbers as tables.
Colours are custom properties of the page with a fallback, so that dark mode and print may choose theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from checks.core.errors import PolicyproofError
from reports.quarter.hatching import hatched

if TYPE_CHECKING:
    import altair

WIDTH = 760
"""Pixels of the part that is drawn on: with the names beside it, the width of an A4 page."""
LETTERS = {"pass": "", "fail": "F", "waived": "W", "not-assessed": "N", "did-not-run": "D", "none": ""}
"""State of a day → the letter on it."""

_NAMES = 84  # pixels for the names at the left, so that no font's measures move the drawing
_ROW = 17
_LETTER = 9  # pixels that a letter needs
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
# What is written into the drawing is exchanged for what the page decides: (custom property, fallback).
_PAINT = {
    "#0a0001": ("--t-pass", "#cfe5d6"),
    "#0a0002": ("--t-fail", "#7a0c16"),
    "#0a0003": ("--t-waived", "#a79bd8"),
    "#0a0004": ("--t-none", "#ffffff"),
    "#0a0005": ("--t-on-fail", "#ffffff"),
    "#0a0006": ("--t-on-other", "#111111"),
    "#0a0007": ("--ink", "#16191d"),
    "#0a0008": ("--rule", "#d5dae0"),
    "#0a0009": ("--t-bar", "#4d5a68"),
    "#0a000a": ("--t-unseen", "#fff4d6"),
}
_HATCHED = {"#0b0001": "not-assessed", "#0b0002": "did-not-run"}
_COLOURS = {
    "pass": "#0a0001",
    "fail": "#0a0002",
    "waived": "#0a0003",
    "none": "#0a0004",
    "not-assessed": "#0b0001",
    "did-not-run": "#0b0002",
}


class ChartsMissing(PolicyproofError):
    """What draws is not installed; the report is written without drawings."""


@dataclass(frozen=True, slots=True)
class Row:
    """One control's states, one a day; ``none`` where nothing was recorded."""

    name: str
    days: Sequence[str]


def timeline(rows: Sequence[Row], first: date, *, key: str, title: str, description: str) -> str:
    """Draw one row a control and one cell a day; equal days in a row are one bar."""
    alt = _altair()
    length = max((len(row.days) for row in rows), default=1)
    spans = [span for row in rows for span in _spans(row)]
    step = WIDTH / length
    bars = (
        alt.Chart(alt.Data(values=spans))
        .mark_rect(stroke="#0a0004", strokeWidth=0.6)
        .encode(
            x=_days(alt, first, length),
            x2="to:Q",
            y=alt.Y(
                "row:N",
                title=None,
                scale=alt.Scale(domain=[row.name for row in rows], paddingInner=0.18, paddingOuter=0.1),
                axis=alt.Axis(
                    domain=False, ticks=False, labelLimit=_NAMES - 8, minExtent=_NAMES, maxExtent=_NAMES
                ),
            ),
            color=alt.Color(
                "state:N", scale=alt.Scale(domain=[*_COLOURS], range=[*_COLOURS.values()]), legend=None
            ),
        )
    )
    wide = [span for span in spans if (span["to"] - span["from"]) * step >= _LETTER]
    hatched_states = _HATCHED.values()
    plain = _letters(alt, [span for span in wide if span["state"] not in hatched_states])
    # On strokes and dots a letter stands on a ground of its own; the page paints it below the letter.
    edged = _letters(
        alt, [span for span in wide if span["state"] in hatched_states], stroke="#0a000a", strokeWidth=3.5
    )
    return _svg(
        (bars + plain + edged).properties(width=WIDTH, height=alt.Step(_ROW)), key, title, description
    )


def columns(
    counts: Sequence[int], first: date, *, key: str, title: str, description: str, height: int = 56
) -> str:
    """Draw one column a day: how many runs were recorded, or how many findings were open."""
    alt = _altair()
    values = [{"from": day + 0.1, "to": day + 0.9, "n": n} for day, n in enumerate(counts) if n]
    most = max([1, *counts])
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_rect(color="#0a0009")
        .encode(
            x=_days(alt, first, max(1, len(counts))),
            x2="to:Q",
            y=alt.Y(
                "n:Q",
                title=None,
                scale=alt.Scale(domain=[0, most], nice=False),
                axis=alt.Axis(
                    values=[0, most], format="d", minExtent=_NAMES, maxExtent=_NAMES, domain=False, grid=True
                ),
            ),
            y2=alt.value(height),
        )
        .properties(width=WIDTH, height=height)
    )
    return _svg(chart, key, title, description)


def bars(counts: Mapping[str, int], *, key: str, title: str, description: str) -> str:
    """Draw one bar a name, with its number: findings by age."""
    alt = _altair()
    values = [{"name": name, "n": n} for name, n in counts.items()]
    y = alt.Y(
        "name:N",
        title=None,
        scale=alt.Scale(domain=[*counts], paddingInner=0.25),
        axis=alt.Axis(domain=False, ticks=False, labelLimit=160, minExtent=168, maxExtent=168),
    )
    most = max([1, *counts.values()])
    # The scale leaves room at its end for the number of the longest bar.
    x = alt.X("n:Q", title=None, scale=alt.Scale(domain=[0, most * 1.12], nice=False), axis=None)
    base = alt.Chart(alt.Data(values=values))
    chart = base.mark_bar(color="#0a0009").encode(x=x, y=y) + base.mark_text(
        align="left", dx=5, fontSize=11, color="#0a0007"
    ).encode(x=x, y=y, text=alt.Text("n:Q", format=",d"))
    return _svg(chart.properties(width=WIDTH - 84, height=alt.Step(22)), key, title, description)


def _letters(alt: Any, spans: Sequence[Mapping[str, Any]], **style: Any) -> Any:
    """Return the letters in the middle of their bars."""
    return (
        alt.Chart(alt.Data(values=spans))
        .mark_text(fontSize=9, fontWeight="bold", baseline="middle", dy=0.5, **style)
        .encode(
            x=alt.X("middle:Q"),
            y="row:N",
            text="letter:N",
            color=alt.condition("datum.state == 'fail'", alt.value("#0a0005"), alt.value("#0a0006")),
        )
    )


def _spans(row: Row) -> list[dict[str, Any]]:
    """Return runs of equal days as ``from``, ``to``, so that a quiet control costs one rectangle."""
    spans: list[dict[str, Any]] = []
    start = 0
    for state, same in groupby(row.days):
        end = start + len([*same])
        spans.append(
            {
                "row": row.name,
                "from": start,
                "to": end,
                "middle": (start + end) / 2,
                "state": state,
                "letter": LETTERS[state],
            }
        )
        start = end
    return spans


def _days(alt: Any, first: date, length: int) -> Any:
    """Return the axis of days: a mark at the 1st of each month, and at the 15th where there is room."""
    marked = {
        day: f"{when.day} {when:%b}"
        for day in range(length)
        if (when := first + timedelta(days=day)).day == 1 or (when.day == 15 and length <= 200)
    }
    if not marked:  # a few days in the middle of a month
        marked = {0: f"{first.day} {first:%b}"}
    return alt.X(
        "from:Q",
        title=None,
        scale=alt.Scale(domain=[0, length], nice=False),
        axis=alt.Axis(
            values=[*marked],
            labelExpr=f"({json.dumps(marked)})[datum.value]",
            orient="top",
            labelAlign="left",
            labelOffset=2,
            tickSize=5,
            grid=True,
        ),
    )


def _altair() -> Any:
    """Import what draws, when it is needed."""
    try:
        import altair
        import vl_convert  # noqa: F401
    except ImportError:
        raise ChartsMissing("charts need Altair and vl-convert: pip install 'policyproof[charts]'") from None
    return altair


def _svg(chart: altair.LayerChart | altair.Chart, key: str, title: str, description: str) -> str:
    """Return the drawing as one picture with a name; ``key`` makes its ids unique on the page."""
    import altair
    import vl_convert

    drawn = chart.configure(
        background="transparent",
        font=_FONT,
        padding=2,
        aria=False,
        view={"stroke": "transparent"},
        axis={
            "labelFontSize": 11,
            "labelColor": "#0a0007",
            "gridColor": "#0a0008",
            "tickColor": "#0a0008",
            "domainColor": "#0a0008",
        },
    )
    text: str = vl_convert.vegalite_to_svg(
        drawn.to_dict(),
        vl_version=".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2]),
        allowed_base_urls=[],
    )
    return _framed(text, key, title, description)


def _framed(text: str, key: str, title: str, description: str) -> str:
    """Take out what names each mark to a screen reader, and give the whole a name."""
    opening, _, rest = text.partition(">")
    size = re.search(r'width="(\d+(?:\.\d+)?)" height="(\d+(?:\.\d+)?)"', opening)
    width, height = size.groups() if size else ("860", "200")
    rest = re.sub(r' (?:role|aria-[a-z]+|aria-roledescription|class|pointer-events)="[^"]*"', "", rest)
    rest = re.sub(r'(id="|url\(#|href="#)(?=clip|gradient)', rf"\g<1>{key}-", rest)
    for colour, (name, fallback) in _PAINT.items():
        rest = rest.replace(f'"{colour}"', f'"var({name}, {fallback})"')
    for colour, state in _HATCHED.items():
        rest = hatched(rest, colour, state)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(description)}</desc>'
        f"{rest}"
    )
