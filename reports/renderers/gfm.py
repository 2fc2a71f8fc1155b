"""Pieces of GitHub flavoured Markdown in which hostile text stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

CUT = "\n*Cut here, as this file would be too long: report.html and report.json hold the rest.*\n"
"""What stands where a text was cut."""


def cut(text: str, limit: int) -> str:
    """Return ``text`` in at most ``limit`` bytes, cut at the end of a line and saying so."""
    if len(text.encode()) <= limit:
        return text
    kept = text.encode()[: limit - len(CUT.encode())].decode(errors="ignore")
    return kept[: kept.rfind("\n") + 1] + CUT


def plain(text: object) -> str:
    """Return ``text`` on one line, without anything that Markdown or HTML would read as its own."""
    flat = " ".join(str(text).split())
    escaped = re.sub(r"([\\`*_\[\]|~#!$])", r"\\\1", flat)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def code(text: object) -> str:
    """Return ``text`` as code on one line, safe in a table."""
    flat = " ".join(str(text).split()).replace("|", "\\|")
    # A fence longer than any run of backticks inside; GitHub has no other way to quote them.
    fence = "`" * (max((len(run) for run in re.findall("`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose cells are Markdown already; *None.* without rows."""
    if not rows:
        yield "None."
        return
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
