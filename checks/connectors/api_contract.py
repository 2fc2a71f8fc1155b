"""What a documented answer looks like, as JSON Schema, and where a body differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from checks.connectors.api_operations import listed, resolve
from checks.connectors.api_reply import Reply

_MANY = 20  # faults of one body that are named
_DEEP = 60


def schema_of(document: Mapping[str, Any], reply: Reply) -> Mapping[str, Any] | None:
    """Return the JSON Schema documented for ``reply``'s operation and status, or ``None``.

    References stay as they are and resolve inside it. OpenAPI 3.0's ``nullable`` becomes a type.
    """
    item = resolve(document, _get(document["paths"], reply.path))
    answers = _get(_get(item, reply.method.lower()), "responses")
    status = str(reply.status)
    for key in (status, f"{status[0]}XX", f"{status[0]}xx", "default"):
        answer = resolve(document, _get(answers, key))
        if isinstance(answer, Mapping) and answer:
            break
    else:
        return None
    schema = _get(answer, "schema")  # Swagger 2
    content = _get(answer, "content")
    for media, entry in content.items() if isinstance(content, Mapping) else ():
        kind = str(media).partition(";")[0].strip().lower()
        if kind.endswith(("/json", "+json")) and isinstance(_get(entry, "schema"), Mapping):
            schema = entry["schema"]
            break
    if not isinstance(schema, Mapping):
        return None
    rest = {key: document[key] for key in ("components", "definitions") if key in document}
    return {**_plain(schema, 0), **_plain(rest, 0)}


def faults(schema: Mapping[str, Any], body: Any) -> list[tuple[str, str]]:
    """Return (place, fault) of each part of ``body`` that is not as ``schema`` says; never a value.

    A schema that cannot be used itself gives one fault whose place is empty.
    """
    import jsonschema

    try:
        validator = jsonschema.Draft202012Validator(schema)
        errors = list(islice(validator.iter_errors(body), _MANY))
    except Exception:  # an author's schema may break the validator in many ways
        return [("", "the documented schema cannot be used")]
    found: dict[tuple[str, str], None] = {}
    for error in errors:
        place = "".join("[]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        found[place.lstrip(".") or "the body", _fault(error)] = None
    return list(found)


def _fault(error: Any) -> str:
    wanted = error.validator_value
    if error.validator == "type":
        return f"is not of type {wanted if isinstance(wanted, str) else ' or '.join(map(str, wanted))}"
    if error.validator == "required" and isinstance(error.instance, Mapping):
        return "lacks " + ", ".join(str(name) for name in wanted if name not in error.instance)
    return f"is not as documented ({error.validator})"


def documented_fields(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """Return every field name that ``schema`` knows at any depth; ``None`` if it names none at all."""
    names = frozenset(_names(schema, schema, frozenset(), 0))
    return names or None


def objects(body: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a JSON body, at any depth."""
    waiting = [body]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
        waiting += one if isinstance(one, list) else one.values() if isinstance(one, dict) else ()


def fields(body: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of every field of a JSON body, at any depth."""
    for one in objects(body):
        yield from one.items()


def _names(root: Mapping[str, Any], node: Any, met: frozenset[str], depth: int) -> Iterator[str]:
    if depth > _DEEP or not isinstance(node, Mapping):
        return
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference not in met:
            yield from _names(root, resolve(root, node), met | {reference}, depth + 1)
        return
    properties = node.get("properties")
    for name, schema in properties.items() if isinstance(properties, Mapping) else ():
        yield str(name)
        yield from _names(root, schema, met, depth + 1)
    for key in ("items", "additionalProperties", "not"):
        yield from _names(root, node.get(key), met, depth + 1)
    for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
        for schema in listed(node.get(key)):
            yield from _names(root, schema, met, depth + 1)


def _plain(node: Any, depth: int) -> Any:
    if depth > _DEEP:
        return {}
    if isinstance(node, list):
        return [_plain(item, depth + 1) for item in node]
    if not isinstance(node, Mapping):
        return node
    made = {str(key): _plain(value, depth + 1) for key, value in node.items()}
    if made.pop("nullable", None) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list):
            made["enum"] = [*made["enum"], None]
    return made


def _get(node: Any, key: str) -> Any:
    return node.get(key) if isinstance(node, Mapping) else None
