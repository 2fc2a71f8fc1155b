"""Fields of OpenAPI 3 and Swagger 2: schemas, bodies, parameters, headers, callbacks and webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.connectors.schema_field import Field
from checks.connectors.schema_json import SchemaWalk
from checks.connectors.schema_references import References
from checks.connectors.schema_tree import Document, Tree
from checks.core.errors import Nothing

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def openapi_fields(document: Document, references: References) -> Iterator[Field]:
    """Yield the fields of an OpenAPI document, what has a name first.

    Raises ``Unreadable`` if it is no such document, ``Nothing`` if it describes nothing.
    """
    top = document.tree
    version = top.get("openapi", top.get("swagger"))
    if not isinstance(version, str) or not version.startswith(("3.", "2.0")):
        raise document.wrong(1, "not an OpenAPI 3 or Swagger 2 document")
    parts = ("paths", "webhooks", "components", "definitions", "parameters", "responses")
    if not any(document.inner(top, key) for key in parts):
        raise Nothing(f"{document.shown}: an OpenAPI document without paths and components")
    walk = _OpenApiWalk(references)
    yield from walk.components(document)
    for key in ("paths", "webhooks"):
        for path, item in document.inner(top, key).items():
            if not path.startswith("x-"):
                yield from walk.path_item(document, item, f"{key}.{path}")
    yield from walk.pending()


class _OpenApiWalk(SchemaWalk):
    """The walk through schemas, taught the objects of OpenAPI that hold some."""

    def components(self, document: Document) -> Iterator[Field]:
        """Yield what stands under ``components``, or at the top of a Swagger 2 document."""
        top = document.tree
        parts = document.inner(top, "components")
        for place, schemas in (
            ("components", document.inner(parts, "schemas")),
            ("definitions", document.inner(top, "definitions")),
        ):
            for name, inner in schemas.items():
                yield from self.definition(document, schemas, name, inner, f"{place}.{name}")
        for holder, prefix in ((parts, "components."), (top, "")):
            for name, inner in document.inner(holder, "parameters").items():
                yield from self.parameter(document, inner, f"{prefix}parameters", name)
            for name, inner in document.inner(holder, "responses").items():
                yield from self.response(document, inner, f"{prefix}responses.{name}")
        yield from self.headers(document, parts, "components")
        for name, inner in document.inner(parts, "requestBodies").items():
            yield from self.content(document, inner, f"components.requestBodies.{name}")
        for name, inner in document.inner(parts, "pathItems").items():
            yield from self.path_item(document, inner, f"components.pathItems.{name}")
        yield from self.callbacks(document, parts, "components")

    def path_item(self, document: Document, node: Any, path: str) -> Iterator[Field]:
        """Yield the fields of every operation on a path."""
        tree = self.first(document, node, path, self.path_item)
        if tree is None:
            return
        for parameter in document.listed(tree, "parameters"):
            yield from self.parameter(document, parameter, f"{path}.parameters")
        for method in _METHODS:
            if method in tree:
                yield from self._operation(document, document.inner(tree, method), f"{path}.{method}")
        for method, inner in document.inner(tree, "additionalOperations").items():
            yield from self._operation(document, inner, f"{path}.{method}")

    def _operation(self, document: Document, tree: Tree, path: str) -> Iterator[Field]:
        for parameter in document.listed(tree, "parameters"):
            yield from self.parameter(document, parameter, f"{path}.parameters")
        if "requestBody" in tree:
            yield from self.content(document, tree["requestBody"], f"{path}.request")
        for status, response in document.inner(tree, "responses").items():
            if not status.startswith("x-"):
                yield from self.response(document, response, f"{path}.{status}")
        yield from self.callbacks(document, tree, path)

    def callbacks(self, document: Document, holder: Tree, path: str) -> Iterator[Field]:
        """Yield the fields of requests that the service itself sends."""
        for name, callback in document.inner(holder, "callbacks").items():
            yield from self._callback(document, callback, f"{path}.callbacks.{name}")

    def _callback(self, document: Document, node: Any, path: str) -> Iterator[Field]:
        tree = self.first(document, node, path, self._callback)
        for expression, item in (tree or {}).items():
            if not expression.startswith(("x-", "$")):
                yield from self.path_item(document, item, f"{path}.{expression}")

    def parameter(self, document: Document, node: Any, path: str, key: str = "") -> Iterator[Field]:
        """Yield a parameter and what is below its schema; ``key`` is its name among the components."""
        tree = self.first(document, node, path, self.parameter)
        if tree is None:
            return
        name = tree.get("name")
        if not isinstance(name, str):
            if "$ref" not in tree:
                raise document.wrong(tree.line, "a parameter without a name")
            return
        if tree.get("in") == "body":  # Swagger 2: the name says nothing, the body is the request
            yield from self._schema_of(document, tree, f"{path.removesuffix('.parameters')}.request")
            return
        yield from self._described_by(document, tree, "name", name, f"{path}.{name}")

    def headers(self, document: Document, holder: Tree, path: str) -> Iterator[Field]:
        """Yield the headers of a response or part, with what is below their schemas."""
        headers = document.inner(holder, "headers")
        for name, header in headers.items():
            below = f"{path}.headers.{name}"
            line = headers.line_of(name)
            yield from self._header(document, header, below, name, line)

    def _header(
        self, document: Document, node: Any, path: str, name: str = "", line: int | None = None
    ) -> Iterator[Field]:
        tree = self.first(document, node, path, self._header)
        if tree is None or not name:
            return
        yield from self._described_by(document, tree, "", name, path, line)

    def _described_by(
        self, document: Document, tree: Tree, key: str, name: str, path: str, line: int | None = None
    ) -> Iterator[Field]:
        """Yield a parameter or header: the description is its own, the type that of its schema."""
        outer = self.field(document, tree, key, name, tree, path)
        inner = self.field(document, tree, key, name, tree.get("schema"), path)
        location = outer.location if line is None else document.at(line)
        yield Field(path, name, outer.type or inner.type, outer.comment or inner.comment, location)
        yield from self._schema_of(document, tree, path)
        yield from self._contents(document, tree, path)

    def response(self, document: Document, node: Any, path: str) -> Iterator[Field]:
        """Yield the fields of a response's body and headers."""
        tree = self.first(document, node, path, self.response)
        if tree is not None:
            yield from self.headers(document, tree, path)
            yield from self._schema_of(document, tree, path)  # Swagger 2
            yield from self._contents(document, tree, path)

    def content(self, document: Document, node: Any, path: str) -> Iterator[Field]:
        """Yield the fields of a request body in each of its media types."""
        tree = self.first(document, node, path, self.content)
        if tree is not None:
            yield from self._contents(document, tree, path)

    def _contents(self, document: Document, tree: Tree, path: str) -> Iterator[Field]:
        told: set[tuple[str, str | None, str | None]] = set()
        for media in document.inner(tree, "content").values():
            if not isinstance(media, Tree):
                raise document.wrong(tree.line_of("content"), "a media type is not an object")
            for field in self._schema_of(document, media, path):
                # The same body as JSON and as a form is one place.
                if (key := (field.path, field.type, field.comment)) not in told:
                    told.add(key)
                    yield field
            for encoding in document.inner(media, "encoding").values():
                if isinstance(encoding, Tree):
                    yield from self.headers(document, encoding, path)

    def _schema_of(self, document: Document, tree: Tree, path: str) -> Iterator[Field]:
        for key in ("schema", "itemSchema"):
            if key in tree:
                yield from self.schema(document, tree[key], path)
        items = tree.get("items")  # Swagger 2: a parameter or header is itself a schema of a kind
        if isinstance(items, Tree):
            yield from self.schema(document, items, f"{path}[]")
