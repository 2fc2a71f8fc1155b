"""The report for programs: the summary as it is, in the shape of ``report.schema.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator

from reports.shape import Summary


def render(summary: Summary) -> str:
    """Return the summary as JSON that ends in a newline: one line for each key, and for each of a list.

    So two reports compare line by line, and the fast encoder is used, which cannot indent.
    """
    return "{\n" + ",\n".join(_member(key, value) for key, value in summary.items()) + "\n}\n"


def _member(key: str, value: object) -> str:
    if isinstance(value, list) and value:
        return f"{_text(key)}: [\n" + ",\n".join(_elements(value)) + "\n]"
    return f"{_text(key)}: {_text(value)}"


def _elements(values: list[object]) -> Iterator[str]:
    return (f" {_text(value)}" for value in values)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
