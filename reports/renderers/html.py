"""The report for people: one HTML file that needs nothing else, on a screen, a phone or paper."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.renderers import words
from reports.shape import Summary

IN_FULL = 30
"""Verdicts of one control, passing or not, that are shown with their evidence; others in one line."""
IN_BRIEF = 1_000
"""Verdicts of one control, passing or not, that are shown in one line; ``report.json`` holds all."""
UNFOLDED = 10
"""Observations of one list that are shown at once; others up to the limit are folded."""


def render(summary: Summary) -> str:
    """Return the whole page; what a target's name may hold is escaped, and no script can run."""
    verdicts = summary["counts"]["verdicts"]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            r=summary,
            linked={item["id"] for part in summary["sections"] for item in part["controls"]},
            shown=_share(3_000, verdicts["fail"] + verdicts["waived"] + verdicts["not-assessed"], 50),
            evidence=_share(3_000, sum(verdicts.values()), 20),
        )
    )


def _share(whole: int, among: int, most: int) -> int:
    """Return how many observations of one verdict are shown, so that a huge run stays readable."""
    return max(1, min(most, whole // max(1, among)))


def anchor(name: str) -> str:
    """Return ``name`` as the fragment of an address; ``CARD-01`` stays as it is."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda hit: f"_{ord(hit[0]):x}_", name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports.renderers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        WORDS=words.WORDS,
        IN_FULL=IN_FULL,
        IN_BRIEF=IN_BRIEF,
        UNFOLDED=UNFOLDED,
        VERIFY=words.VERIFY,
    )
    environment.filters.update(
        anchor=anchor,
        age=words.age,
        amounts=words.amounts,
        counted=words.counted,
        day=words.day,
        days=words.days,
        looked=words.looked,
        moment=words.moment,
        place=words.place,
        tallied=words.tallied,
    )
    return environment
