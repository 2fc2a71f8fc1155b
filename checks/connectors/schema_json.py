"""Fields of JSON Schema (drafts 4 to 2020-12), each where it is written, however often it is referred to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from checks.connectors.schema_field import Field
from checks.connectors.schema_references import References
from checks.connectors.schema_tree import Document, Tree

_ITEMS = ("items", "prefixItems", "contains", "additionalItems", "unevaluatedItems")
_ANY_NAME = ("additionalProperties", "unevaluatedProperties")
_SAME_PLACE = ("allOf", "anyOf", "oneOf", "if", "then", "else", "contentSchema")
_DEFINITIONS = ("$defs", "definitions")
_HOPS = 50  # references followed from one to the next, to learn a type

Walk = Callable[[Document, Any, str], Iterator[Field]]


class SchemaWalk:
    """Yields the fields of schemas, each schema once.

    References are followed only after everything else (:meth:`pending`): what is written at a named
    place is thus listed there and not where it is used, and a circle ends by itself.
    """

    def __init__(self, references: References) -> None:
        self.references = references
        self._seen: set[int] = set()
        self._pending: deque[tuple[Walk, Document, Tree, str]] = deque()

    def first(self, document: Document, node: Any, path: str, walk: Walk) -> Tree | None:
        """Return ``node`` if it is a mapping met for the first time; a reference is put off.

        Raises ``Unreadable`` if it is no mapping.
        """
        if not isinstance(node, Tree):
            raise document.wrong(document.tree.line, f"{path}: an object was expected")
        if id(node) in self._seen:
            return None
        self._seen.add(id(node))
        if any(isinstance(node.get(key), str) for key in self.references.KEYS):
            self._pending.append((walk, document, node, path))
        return node

    def pending(self) -> Iterator[Field]:
        """Yield what references lead to and is not listed yet; ``Unreadable`` where one leads nowhere."""
        while self._pending:
            walk, document, node, path = self._pending.popleft()
            found = self.references.follow(document, node)
            if found is not None:
                yield from walk(*found, path)

    def schema(self, document: Document, node: Any, path: str) -> Iterator[Field]:
        """Yield the fields below one schema; ``path`` is the way to it."""
        if isinstance(node, bool):  # anything, or nothing at all
            return
        tree = self.first(document, node, path, self.schema)
        if tree is None:
            return
        for key in _DEFINITIONS:
            for name, inner in document.inner(tree, key).items():
                yield from self.definition(document, tree[key], name, inner, f"{path}.{key}.{name}")
        yield from self._properties(document, tree, path)
        for key in _ITEMS:
            yield from self._each(document, tree.get(key), f"{path}[]")
        for key in _ANY_NAME:
            yield from self._each(document, tree.get(key), f"{path}.*")
        for key in _SAME_PLACE:  # not "not": what it describes is what must not be there
            yield from self._each(document, tree.get(key), path)
        for key in ("dependentSchemas", "dependencies"):
            for inner in document.inner(tree, key).values():
                if not isinstance(inner, list):  # a list only names properties
                    yield from self.schema(document, inner, path)

    def definition(self, document: Document, tree: Tree, name: str, inner: Any, path: str) -> Iterator[Field]:
        """Yield a named schema that is a plain value as a field, then what is below it."""
        kind, _ = self._described(document, inner)
        if kind is not None and kind.split("|")[0] not in {"object", "array"}:
            yield self.field(document, tree, name, name, inner, path)
        yield from self.schema(document, inner, path)

    def field(self, document: Document, tree: Tree, key: str, name: str, node: Any, path: str) -> Field:
        """Return the field called ``name`` whose schema ``node`` stands at ``key`` of ``tree``."""
        kind, comment = self._described(document, node)
        return Field(path, name, kind, comment, document.at(tree.line_of(key)))

    def _properties(self, document: Document, tree: Tree, path: str) -> Iterator[Field]:
        properties = document.inner(tree, "properties")
        for name, inner in properties.items():
            if inner is False:  # the property is forbidden
                continue
            below = f"{path}.{name}"
            yield self.field(document, properties, name, name, inner, below)
            yield from self.schema(document, inner, below)
        patterns = document.inner(tree, "patternProperties")
        for pattern, inner in patterns.items():
            if inner is False:
                continue
            below = f"{path}./{pattern}/"
            yield self.field(document, patterns, pattern, pattern, inner, below)
            yield from self.schema(document, inner, below)
        required = tree.get("required")
        for name in required if isinstance(required, list) else ():
            if isinstance(name, str) and name not in properties:  # demanded, though described elsewhere
                at = document.at(tree.line_of("required"))
                yield Field(f"{path}.{name}", name, None, None, at)

    def _each(self, document: Document, value: Any, path: str) -> Iterator[Field]:
        if value is None:
            return
        for inner in value if isinstance(value, list) else (value,):
            yield from self.schema(document, inner, path)

    def _described(self, document: Document, node: Any) -> tuple[str | None, str | None]:
        """Return type and description of a schema, the nearest ones along its references."""
        kind: str | None = None
        comment: str | None = None
        for _ in range(_HOPS):
            if not isinstance(node, Tree):
                break
            kind = kind or _kind(node)
            text = node.get("description")
            comment = comment or (text if isinstance(text, str) and text.strip() else None)
            found = self.references.follow(document, node)
            if found is None:
                break
            document, node = found
        return kind, comment


def _kind(node: Tree) -> str | None:
    kind = node.get("type")
    if isinstance(kind, list):
        return "|".join(str(one) for one in kind if isinstance(one, str) and one != "null") or "null"
    if isinstance(kind, str):
        return kind
    if "properties" in node or "patternProperties" in node:
        return "object"
    return "array" if "items" in node or "prefixItems" in node else None


def json_schema_fields(document: Document, references: References) -> Iterator[Field]:
    """Yield the fields of a JSON Schema document; their paths begin with the file's name, less its ending."""
    walk = SchemaWalk(references)
    yield from walk.schema(document, document.tree, document.path.stem)
    yield from walk.pending()
