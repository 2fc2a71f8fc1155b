"""Where an API's operations are listed: an OpenAPI document it serves or one in a file, or Enfyra's list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from checks.connectors.api_routes import enfyra_document
from checks.connectors.api_send import Sender
from checks.core.errors import Nothing, TooLarge, Unreadable
from checks.core.model import Endpoint, Target

_LARGEST = 20 * 1024 * 1024  # bytes of a file, as of an answer


def read_document(target: Target, spec: Endpoint, fetcher: Sender) -> Mapping[str, Any]:
    """Return the OpenAPI (or Swagger 2) document that lists what ``target`` offers.

    A route list becomes a document without schemas. The requests go to the target's address whatever
    a document says. Raises ``Nothing`` if the inventory names none or the file is missing, ``TooLarge``,
    ``Unreadable`` for what is no OpenAPI, and whatever fetching raises.
    """
    if spec.document_file is not None:
        return _from_file(_declared(target, spec.document_file), spec.document_file)
    if spec.routes is not None:
        return enfyra_document(target.id, fetcher)
    if spec.document is None:
        raise Nothing(f"{target.id}: the inventory names no OpenAPI document")
    answer = fetcher.get(spec.document, accept="application/json, application/yaml;q=0.9, */*;q=0.1")
    what = f"{target.id}: {spec.document}"
    if answer.is_html:
        raise Unreadable(f"{what}: HTML was served where an OpenAPI document was expected")
    return _openapi(what, answer.text)


def _declared(target: Target, path: Path) -> str:
    """Return how messages name the file: by where the inventory declares it, without its folders."""
    where = f" ({target.location})" if target.location is not None else ""
    return f"{target.id}: document_file {path.name}{where}"


def _from_file(what: str, path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise Nothing(f"{what}: there is no such file") from None
    except OSError as error:
        raise Unreadable(f"{what}: cannot be read: {error.strerror}") from None
    if len(raw) > _LARGEST:
        raise TooLarge(f"{what}: over {_LARGEST >> 20} MiB")
    if not raw.strip():
        raise Nothing(f"{what}: the file is empty")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{what}: is not UTF-8 text") from None
    return _openapi(what, text)


def _openapi(what: str, text: str) -> Mapping[str, Any]:
    try:
        if text.lstrip("\ufeff \t\r\n").startswith("{"):
            parsed = json.loads(text)
        else:
            parsed = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  safe
    except (ValueError, RecursionError, yaml.YAMLError):
        raise Unreadable(f"{what}: neither valid JSON nor valid YAML") from None
    if not isinstance(parsed, dict) or not ({"openapi", "swagger"} & parsed.keys()):
        raise Unreadable(f"{what}: not an OpenAPI document")
    if not isinstance(parsed.get("paths"), dict):
        raise Unreadable(f"{what}: an OpenAPI document without paths")
    return parsed
