"""The quarterly report for people: one HTML file that needs nothing else, on a screen, a phone or paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.quarter.drawings import Drawings
from reports.quarter.shape import Quarter
from reports.renderers import words
from reports.renderers.html import anchor

MOST = {
    "failing": 300,
    "findings": 200,
    "never": 300,
    "changes": 300,
    "open": 300,
    "commits": 100,
    "spans": 24,
}
"""How many of each the page lists; ``quarter.json`` holds all, and the page says how many it left out."""
UNFOLDED = 5
"""Findings of one failing period that are shown at once; others up to the limit are folded."""

OPINIONS: dict[str, tuple[str, str]] = {
    "held-throughout": ("✓", "Held throughout"),
    "held-with-exceptions": ("◐", "Held with exceptions"),
    "not-sufficiently-observed": ("?", "Not sufficiently observed"),
    "did-not-hold": ("✗", "Did not hold"),
}
"""Opinion → symbol and words, best first."""
_WORDS = {
    **words.WORDS,
    **OPINIONS,
    "fixed": ("✓", "Fixed"),
    "removed": ("–", "No longer checked"),
    "open": ("✗", "Open"),
    "withdrawn": ("–", "Withdrawn"),
    "no-run": ("", "No run"),
    "better": ("↑", "Better"),
    "worse": ("↓", "Worse"),
    "same": ("=", "Same"),
    "new": ("+", "New"),
    "gone": ("–", "Gone"),
}


def render(quarter: Quarter, drawings: Drawings) -> str:
    """Return the whole page; what a name may hold is escaped, and no script can run."""
    return (
        _environment()
        .get_template("quarter.html.j2")
        .render(
            q=quarter,
            drawings=drawings,
            traced={control["id"] for control in quarter["traceability"]["controls"]},
            days=_days(quarter),
        )
    )


def _days(quarter: Quarter) -> list[dict[str, Any]]:
    """Return the runs by day: how many, which entries, and the digest of the last."""
    days: dict[str, dict[str, Any]] = {}
    for run in quarter["runs"]:
        day = days.setdefault(
            run["started"][:10],
            {"day": run["started"][:10], "runs": 0, "first": run["number"], "states": {}, "incomplete": 0},
        )
        day["runs"] += 1
        day["last"], day["digest"] = run["number"], run["digest"]
        day["states"][run["state"]] = day["states"].get(run["state"], 0) + 1
        day["incomplete"] += not run["complete"]
    return [days[name] for name in sorted(days)]


def brief(text: str | None) -> str:
    """Return a moment as ``24 Nov 2026, 09:14``; the page says once that all are in UTC."""
    if text is None:
        return "not known"
    when = datetime.fromisoformat(text)
    return f"{when.day} {when:%b %Y, %H:%M}"


def date(text: str | None) -> str:
    """Return the day of a moment as ``24 Nov 2026``."""
    return brief(text).partition(",")[0]


def last_day(text: str) -> str:
    """Return the last whole day before the moment at which a period ends."""
    when = datetime.fromisoformat(text) - timedelta(seconds=1)
    return f"{when.day} {when:%B %Y}"


def last_date(text: str) -> str:
    """Return :func:`last_day` with the month in short."""
    return date((datetime.fromisoformat(text) - timedelta(seconds=1)).isoformat())


def soft(name: str) -> Markup:
    """Return the name of a check, which may break behind its dots and underscores and nowhere else."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])", name))


def said(value: float | None, unit: str) -> str:
    """Return a number of a comparison as it is said: a count, or a length of time."""
    if value is None:
        return "none"
    return words.age(value) if unit == "seconds" else f"{value:,.0f}"


def gathered(targets: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return state → targets in that state, so that forty passing targets are one number."""
    found: dict[str, list[str]] = {}
    for one in targets:
        found.setdefault(one["state"], []).append(one["target"])
    return found


def css_text(text: str) -> Markup:
    """Return ``text`` as a string of CSS, in which nothing that it holds has a meaning."""
    return Markup('"' + "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):x} " for c in text) + '"')  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports.renderers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(WORDS=_WORDS, OPINIONS=OPINIONS, MOST=MOST, UNFOLDED=UNFOLDED)
    environment.filters.update(
        anchor=anchor,
        age=words.age,
        amounts=words.amounts,
        brief=brief,
        counted=words.counted,
        css_text=css_text,
        date=date,
        day=words.day,
        days=words.days,
        gathered=gathered,
        last_date=last_date,
        last_day=last_day,
        looked=words.looked,
        moment=words.moment,
        place=words.place,
        said=said,
        soft=soft,
        tallied=words.tallied,
    )
    return environment
