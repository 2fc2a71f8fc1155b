"""Fields of an Enfyra schema snapshot: a JSON object of tables, with columns and relations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.connectors.schema_field import Field
from checks.connectors.schema_tree import Document, Tree
from checks.core.errors import Nothing


def snapshot_fields(document: Document) -> Iterator[Field]:
    """Yield the columns, then the relations, of each table.

    ``published`` and ``encrypted`` are ``None`` where the snapshot does not say. Raises ``Nothing``
    for a snapshot without tables, ``Unreadable`` for one of another shape.
    """
    if not document.tree:
        raise Nothing(f"{document.shown}: the snapshot holds no table")
    for key in document.tree:
        table = document.inner(document.tree, key)
        if "columns" not in table:
            raise document.wrong(document.tree.line_of(key), "a table without columns")
        name = _text(document, table, "name") or key
        for column in document.listed(table, "columns"):
            yield _field(document, table, "columns", column, name, "name")
        for relation in document.listed(table, "relations"):
            yield _field(document, table, "relations", relation, name, "propertyName")


def _field(document: Document, table: Tree, key: str, node: Any, owner: str, name_key: str) -> Field:
    if not isinstance(node, Tree):
        raise document.wrong(table.line_of(key), f"one of the {key} is not an object")
    name = _text(document, node, name_key)
    if name is None:
        raise document.wrong(node.line, f"one of the {key} has no {name_key}")
    return Field(
        path=f"{owner}.{name}",
        name=name,
        type=_text(document, node, "type"),
        comment=_text(document, node, "description"),
        location=document.at(node.line_of(name_key)),
        published=_flag(document, node, "isPublished"),
        encrypted=_flag(document, node, "isEncrypted"),
    )


def _text(document: Document, tree: Tree, key: str) -> str | None:
    value = tree.get(key)
    if value is not None and not isinstance(value, str):
        raise document.wrong(tree.line_of(key), f"{key} is not text")
    return value or None


def _flag(document: Document, tree: Tree, key: str) -> bool | None:
    value = tree.get(key)
    if value is not None and not isinstance(value, bool):
        raise document.wrong(tree.line_of(key), f"{key} is neither true nor false")
    return value
