"""From a row of the ledger back to a summary that renderers take, refused if it is not one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from reports.ledger.chain import Entry, LedgerError, canonical, sha256
from reports.shape import SCHEMA, LedgerEntry, Summary


@cache
def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``report.json``, as published beside this module."""
    schema: dict[str, Any] = json.loads(files("reports").joinpath("report.schema.json").read_text("utf-8"))
    return schema


def checked(entry: Entry, body: Mapping[str, Any]) -> Summary:
    """Return a summary put together from its blocks, with its place in the ledger.

    Raises :class:`LedgerError` if it is not what was recorded, or not in the shape of this version;
    says where, never what.
    """
    if sha256(canonical(body)) != entry.read()["report"]:
        raise LedgerError(f"run {entry.number} is not what was recorded, or by another version's shape")
    fault = best_match(Draft202012Validator(report_schema()).iter_errors(body))
    if fault is not None:
        raise LedgerError(f"run {entry.number} is not in the shape of {SCHEMA}, at {fault.json_path}")
    summary = cast(Summary, _ordered(body, report_schema()))
    summary["ledger"] = placed(entry)
    return summary


def placed(entry: Entry) -> LedgerEntry:
    """Return a run's place in the ledger, as a report states it."""
    return LedgerEntry(number=entry.number, digest=entry.digest, previous=entry.previous, head=entry.head)


def _ordered(value: Any, part: Mapping[str, Any]) -> Any:
    """Return ``value`` with keys in the order of the schema: the ledger keeps them sorted.

    Files rendered again are then the same, byte for byte, as those that the run wrote.
    """
    part = next((one for one in part.get("anyOf", ()) if "$ref" in one), part)
    if "$ref" in part:
        part = report_schema()["$defs"][part["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return [_ordered(one, part["items"]) for one in value]
    if isinstance(value, dict):
        known: Mapping[str, Any] = part.get("properties", {})
        names = [name for name in known if name in value] or list(value)
        rest = part.get("additionalProperties") or {}
        return {name: _ordered(value[name], known.get(name, rest)) for name in names}
    return value
