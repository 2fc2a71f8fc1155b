"""``$ref`` in JSON Schema and OpenAPI: within a document, to a file beside it, to an ``$id`` among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urldefrag, urljoin

from checks.connectors.files import printable
from checks.connectors.schema_tree import Document, Tree
from checks.core.errors import NotAssessed

# Descriptions of the languages themselves: nothing of ours is in them.
_LANGUAGES = ("json-schema.org/", "spec.openapis.org/")


class References:
    """Resolves references; nothing outside ``root`` is read and nothing is fetched."""

    KEYS: ClassVar[tuple[str, ...]] = ("$ref", "$dynamicRef", "$recursiveRef")

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._documents: dict[Path, Document] = {}
        self._named: dict[str, tuple[Document, Tree]] = {}
        self._anchors: dict[tuple[int, str], Tree] = {}

    def document(self, path: Path, shown: str) -> Document:
        """Return the document at ``path``, read once, its ``$id`` and anchors known from then on."""
        key = path.resolve()
        if key not in self._documents:
            document = self._documents[key] = Document.read(path, shown)
            self._index(document)
        return self._documents[key]

    def follow(self, document: Document, node: Tree) -> tuple[Document, Any] | None:
        """Return what ``node`` refers to, or ``None`` if it does not or refers to a language itself.

        Raises ``Unreadable`` with the line of a reference that leads nowhere, off the root or to a URL.
        """
        key = next((key for key in self.KEYS if isinstance(node.get(key), str)), None)
        if key is None:
            return None
        line = node.line_of(key)
        base, fragment = urldefrag(node[key])
        if base.partition("://")[2].startswith(_LANGUAGES):
            return None
        other, start = self._base(document, base, line)
        found = self._within(other, start, unquote(fragment))
        if found is None:
            raise document.wrong(line, f"{key} leads nowhere")
        return other, found

    def _base(self, document: Document, base: str, line: int) -> tuple[Document, Tree]:
        if not base:
            return document, document.tree
        identity = document.tree.get("$id")
        for name in (base, urljoin(identity, base) if isinstance(identity, str) else base):
            if name in self._named:
                return self._named[name]
        if ":" in base:
            raise document.wrong(line, "a reference to a document that is not among these files")
        path = (document.path.parent / unquote(base)).resolve()
        if not path.is_relative_to(self._root):
            raise document.wrong(line, "a reference leads out of the folder")
        try:
            other = self.document(path, printable(path.relative_to(self._root)))
        except NotAssessed as error:
            raise type(error)(f"{document.at(line)}: refers to {error.reason}") from None
        return other, other.tree

    def _within(self, document: Document, start: Tree, fragment: str) -> Any:
        """Return what a JSON pointer (RFC 6901) or an anchor names, or ``None``."""
        if fragment and not fragment.startswith("/"):
            return self._anchors.get((id(document), fragment))
        node: Any = start
        for part in fragment.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Tree):
                node = node.get(name)
            elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            else:
                return None
        return node

    def _index(self, document: Document) -> None:
        for tree in _trees(document.tree):
            for key in ("$id", "id"):
                name = tree.get(key)
                if isinstance(name, str) and name.startswith("#"):
                    self._anchors[id(document), name[1:]] = tree
                elif isinstance(name, str) and key == "$id":
                    self._named.setdefault(urldefrag(name)[0], (document, tree))
            for key in ("$anchor", "$dynamicAnchor"):
                if isinstance(name := tree.get(key), str):
                    self._anchors[id(document), name] = tree


def _trees(top: Tree) -> Iterator[Tree]:
    """Yield every mapping of a tree once; an alias may make a circle."""
    seen: set[int] = set()
    waiting: list[Any] = [top]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, (Tree, list)):
            continue
        seen.add(id(node))
        waiting.extend(node.values() if isinstance(node, Tree) else node)
        if isinstance(node, Tree):
            yield node
