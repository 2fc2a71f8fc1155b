"""The report for people: one HTML file that needs nothing else, on a screen, a phone or paper."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.renderers import words
from reports.shape import Summary

SHOWN = 50
"""Findings, and things not seen, of one verdict that are shown in full."""
EVIDENCE = 20
"""Observations as demanded of one verdict that are shown; ``report.json`` holds more."""


def render(summary: Summary) -> str:
    """Return the whole page; what a target's name may hold is escaped, and no script can run."""
    return _environment().get_template("report.html.j2").render(r=summary)


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
        WORDS=words.WORDS, STATES=words.STATES, SHOWN=SHOWN, EVIDENCE=EVIDENCE, VERIFY=words.VERIFY
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
