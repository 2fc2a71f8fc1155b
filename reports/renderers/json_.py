"""The report for programs: the summary as it is, in the shape of ``report.schema.json``."""

from __future__ import annotations

import json

from reports.shape import Summary


def render(summary: Summary) -> str:
    """Return the summary as indented JSON that ends in a newline."""
    return json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
