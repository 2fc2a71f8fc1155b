"""The pieces that every OSCAL document of ours is made of: identifiers, properties, texts, metadata.

OSCAL knows three kinds of text. *String* fields take one line as it is; *markup* fields are Markdown,
so what was seen in a target is escaped there; *token* fields name things.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID, uuid5

from reports.renderers.gfm import plain

OSCAL_VERSION = "1.2.0"
"""The version the documents say they are in, and are validated by in tests."""
NS = "urn:policyproof:oscal"
"""Namespace of the properties, parts and facets that are ours."""
ROOT = UUID("6f1d2a52-2c0b-5d0e-9d6b-0f5b8a1f6c33")
"""What all our identifiers are derived from: the same thing has the same one in every document."""
DEPTH = 5
"""How deep a document is indented."""

Node = dict[str, object]
"""One object of an OSCAL document."""


def uuid(*parts: object) -> str:
    """Return the identifier of what ``parts`` name, the same each time (UUID version 5)."""
    return str(uuid5(ROOT, json.dumps([str(part) for part in parts], ensure_ascii=True)))


def line(text: object) -> str:
    """Return ``text`` as OSCAL takes a string: one line, not empty."""
    return " ".join(str(text).split()) or "-"


def markup(text: object) -> str:
    """Return ``text`` as Markdown on one line in which nothing has a meaning, not empty."""
    return plain(text) or "-"


def prose(*paragraphs: str | None) -> str:
    """Return paragraphs that are Markdown already as one text; those that are empty are left out."""
    return "\n\n".join(part for part in paragraphs if part) or "-"


def token(text: object) -> str:
    """Return ``text`` as OSCAL takes a name: letters, digits, ``-``, ``_`` and ``.``, no digit first."""
    named = re.sub(r"[^A-Za-z0-9._-]+", "-", str(text)).strip("-") or "unnamed"
    return named if named[0].isalpha() or named[0] == "_" else f"_{named}"


def prop(name: str, value: object, *, standard: bool = False, group: str | None = None) -> Node:
    """Return a property: of our namespace, or of OSCAL's own where ``standard``."""
    made: Node = {"name": name} if standard else {"name": name, "ns": NS}
    made["value"] = line(value)
    if group is not None:
        made["group"] = group
    return made


def props(values: Mapping[str, object]) -> list[Node]:
    """Return our properties by name; ``None`` is left out, lists are given value by value."""
    made: list[Node] = []
    for name, value in values.items():
        if isinstance(value, (list, tuple)):
            made += [prop(name, one) for one in value]
        elif isinstance(value, bool):
            made.append(prop(name, "yes" if value else "no"))
        elif value is not None:
            made.append(prop(name, value))
    return made


def without_empty(node: Mapping[str, object]) -> Node:
    """Return ``node`` without what is ``None`` or an empty list: OSCAL has no empty lists."""
    return {key: value for key, value in node.items() if value is not None and value != []}


def resource(
    identifier: str,
    title: str,
    description: str,
    *,
    href: str | None = None,
    sha256: str | None = None,
    media_type: str | None = None,
    properties: Iterable[Node] = (),
) -> Node:
    """Return a resource of the back matter; a digest without ``href`` is a property, as it names no file."""
    rlink: Node | None = None
    if href is not None:
        rlink = without_empty(
            {
                "href": href,
                "media-type": media_type,
                "hashes": [{"algorithm": "SHA-256", "value": sha256}] if sha256 else None,
            }
        )
    listed = [*properties, *(props({"sha-256": sha256}) if href is None else [])]
    return without_empty(
        {
            "uuid": identifier,
            "title": markup(title),
            "description": description,
            "props": listed,
            "rlinks": [rlink] if rlink else None,
        }
    )


def metadata(title: str, modified: str, version: str, properties: list[Node], remarks: str | None) -> Node:
    """Return the metadata of a document; ``title`` and ``remarks`` are Markdown already."""
    return without_empty(
        {
            "title": title,
            "last-modified": modified,
            "version": line(version),
            "oscal-version": OSCAL_VERSION,
            "props": properties,
            "remarks": remarks,
        }
    )


def link(identifier: str, rel: str = "reference", text: str | None = None) -> Node:
    """Return a link to a resource of the same document's back matter."""
    return without_empty({"href": f"#{identifier}", "rel": rel, "text": text})


def document(kind: str, body: Mapping[str, object]) -> str:
    """Return the document as text; its identifier follows its content, as OSCAL wants of a revision."""
    whole = {kind: {"uuid": uuid(kind, _compact(body)), **body}}
    return "".join(_lines(whole, 0)) + "\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _lines(value: object, depth: int) -> Iterator[str]:
    """Yield JSON, indented down to the members of an observation, each of which is one line.

    So two documents compare line by line, and the fast encoder is used, which cannot indent.
    """
    rows: list[tuple[str, object]]
    if isinstance(value, dict) and value and depth <= DEPTH:
        opening, rows, closing = "{", [(f"{_compact(key)}: ", one) for key, one in value.items()], "}"
    elif isinstance(value, list) and value and depth <= DEPTH:
        opening, rows, closing = "[", [("", one) for one in value], "]"
    else:
        yield _compact(value)
        return
    yield opening
    for index, (key, one) in enumerate(rows):
        yield f"{',' if index else ''}\n{' ' * (depth + 1)}{key}"
        yield from _lines(one, depth + 1)
    yield f"\n{' ' * depth}{closing}"
