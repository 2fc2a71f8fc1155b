"""The quarterly report for programs: as it is, in the shape of ``quarter.schema.json``."""

from __future__ import annotations

from typing import Any, cast

from reports.quarter.shape import Quarter
from reports.renderers import json_


def render(quarter: Quarter) -> str:
    """Return the report as JSON that ends in a newline: one line for each key, and for each of a list."""
    return json_.render(cast(Any, quarter))
