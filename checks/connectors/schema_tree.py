"""JSON and YAML read into trees that know on which line each key stands."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from pathlib import Path
from typing import Any

import yaml

from checks.connectors.schema_text import read_text
from checks.core.errors import Unreadable
from checks.core.model import Location

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
      (?P<mark>[{}\[\],:])
    | (?P<string>"(?:[^"\\\x00-\x1f]|\\.)*+")
    | (?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.+-])
    | (?P<word>true|false|null)\b
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_WORDS = {"true": True, "false": False, "null": None}


class Tree(dict[str, Any]):
    """A mapping; ``line`` is where it begins, ``lines`` where each key stands. Prints no content."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Return the line of ``key``, or where the mapping begins."""
        return self.lines.get(key, self.line)

    def __repr__(self) -> str:
        return f"Tree(line={self.line}, {len(self)} keys)"


class Document:
    """A JSON or YAML file and its tree; messages and locations call it ``shown``."""

    def __init__(self, path: Path, shown: str, tree: Tree) -> None:
        self.path = path
        self.shown = shown
        self.tree = tree

    @classmethod
    def read(cls, path: Path, shown: str) -> Document:
        """Read ``path``; raises what :func:`read_text` does, and ``Unreadable`` for what is no mapping."""
        text = read_text(path, shown)
        as_yaml = path.suffix.lower() in {".yaml", ".yml"}
        try:
            looks_json = text.lstrip("\ufeff \t\n")[:1] in {"{", "["}
            tree: Any
            if path.suffix.lower() == ".json" or (looks_json and not as_yaml):
                tree = _Json(shown, text).whole()
            elif looks_json:  # a YAML file may hold JSON, whose escapes YAML does not all know
                try:
                    tree = _Json(shown, text).whole()
                except Unreadable:
                    tree = _yaml(shown, text)
            else:
                tree = _yaml(shown, text)
        except RecursionError:
            raise Unreadable(f"{shown}: nested too deeply") from None
        if not isinstance(tree, Tree):
            raise Unreadable(f"{shown}: not an object")
        return cls(path, shown, tree)

    def at(self, line: int) -> Location:
        """Return the location of a line."""
        return Location(self.shown, line)

    def wrong(self, line: int, reason: str) -> Unreadable:
        """Return the error that names a line."""
        return Unreadable(f"{self.at(line)}: {reason}")

    def inner(self, tree: Tree, key: str) -> Tree:
        """Return the mapping at ``key``, an empty one if there is none; ``Unreadable`` for anything else."""
        value = tree.get(key)
        if isinstance(value, Tree):
            return value
        if key in tree:
            raise self.wrong(tree.line_of(key), f"{key} is not an object")
        return Tree(tree.line)

    def listed(self, tree: Tree, key: str) -> list[Any]:
        """Return the list at ``key``, an empty one if there is none; ``Unreadable`` for anything else."""
        value = tree.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(tree.line_of(key), f"{key} is not a list")
        return value


class _Json:
    """A reader of RFC 8259 that keeps lines; the one of the standard library keeps none."""

    def __init__(self, shown: str, text: str) -> None:
        self._shown, self._text = shown, text.removeprefix("\ufeff")
        self._breaks = [match.start() for match in re.finditer("\n", self._text)]
        self._at = 0

    def whole(self) -> Any:
        """Return the one value of the text."""
        value = self._value(self._next())
        if self._next().lastgroup != "end":
            raise self._wrong()
        return value

    def _line(self, offset: int) -> int:
        return bisect_right(self._breaks, offset - 1) + 1

    def _wrong(self, reason: str = "not valid JSON") -> Unreadable:
        return Unreadable(f"{self._shown}:{self._line(self._at)}: {reason}")

    def _next(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            self._at += len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
            raise self._wrong()
        self._at = match.end()
        return match

    def _value(self, token: re.Match[str]) -> Any:
        text = token[token.lastgroup or 0]
        if token.lastgroup == "string":
            return self._string(text)
        if token.lastgroup == "word":
            return _WORDS[text]
        if token.lastgroup == "number":
            return text  # a number is never needed, and may be too long to be one
        if text == "{":
            return self._object(self._line(token.end() - 1))
        if text == "[":
            return self._array()
        raise self._wrong()

    def _string(self, text: str) -> str:
        if "\\" not in text:
            return text[1:-1]
        try:
            return str(json.loads(text))
        except ValueError:
            raise self._wrong() from None

    def _object(self, line: int) -> Tree:
        tree = Tree(line)
        token = self._next()
        if token["mark"] == "}":
            return tree
        while True:
            if token.lastgroup != "string":
                raise self._wrong()
            key = self._string(token["string"])
            if key in tree:  # which of the two counts is left to the reader, so neither may
                raise self._wrong("a key stands twice in one object")
            tree.lines[key] = self._line(token.start("string"))
            if self._next()["mark"] != ":":
                raise self._wrong()
            tree[key] = self._value(self._next())
            mark = self._next()["mark"]
            if mark == "}":
                return tree
            if mark != ",":
                raise self._wrong()
            token = self._next()

    def _array(self) -> list[Any]:
        items: list[Any] = []
        token = self._next()
        if token["mark"] == "]":
            return items
        while True:
            items.append(self._value(token))
            mark = self._next()["mark"]
            if mark == "]":
                return items
            if mark != ",":
                raise self._wrong()
            token = self._next()


def _yaml(shown: str, text: str) -> Any:
    """Return the one document of a YAML text; scalars but booleans and null stay text."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(f"{shown}{f':{mark.line + 1}' if mark else ''}: not valid YAML") from None
    except yaml.YAMLError:
        raise Unreadable(f"{shown}: not valid YAML") from None
    return _Built(shown).value(node) if node is not None else None


class _Built:
    """Values of YAML nodes; an alias is the very value it stands for."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._done: dict[int, Any] = {}

    def value(self, node: yaml.Node) -> Any:
        """Return what ``node`` holds."""
        if id(node) in self._done:
            return self._done[id(node)]
        if isinstance(node, yaml.MappingNode):
            tree = self._done[id(node)] = Tree(node.start_mark.line + 1)
            self._fill(tree, node)
            return tree
        if isinstance(node, yaml.SequenceNode):
            items: list[Any] = []
            self._done[id(node)] = items
            items.extend(self.value(item) for item in node.value)
            return items
        if node.tag == "tag:yaml.org,2002:bool":
            return node.value.lower() in {"true", "yes", "on"}
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)

    def _fill(self, tree: Tree, node: yaml.MappingNode) -> None:
        merged: list[Any] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise Unreadable(f"{self._shown}:{line}: a key is not text")
            if key_node.tag == "tag:yaml.org,2002:merge":
                value = self.value(value_node)
                merged.extend(value if isinstance(value, list) else [value])
                continue
            key = str(key_node.value)
            if key in tree:
                raise Unreadable(f"{self._shown}:{line}: a key stands twice in one object")
            tree[key] = self.value(value_node)
            tree.lines[key] = line
        for other in merged:
            if not isinstance(other, Tree):
                raise Unreadable(f"{self._shown}:{tree.line}: what is merged is not an object")
            for key, value in other.items():
                if key not in tree:
                    tree[key], tree.lines[key] = value, other.line_of(key)
