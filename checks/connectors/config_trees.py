"""YAML and JSON with the line of every value, without recursion."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml

from checks.connectors.config_entries import DEEPEST, MERGE, MOST, Entry, Malformed, Node, Trail, flatten

_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def read_yaml(text: str) -> Iterator[Entry]:
    """Yield the entries of every document of a YAML stream; duplicate keys are all kept.

    Tags are not acted on, so ``!Ref`` and ``!vault`` are plain values. Raises ``Malformed``.
    """
    try:
        roots = list(_documents(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The parser may point behind the end of the file.
        line = None if mark is None else min(mark.line, text.rstrip("\n").count("\n")) + 1
        raise Malformed("is not valid YAML", line) from None
    except (yaml.YAMLError, ValueError):  # ValueError: a character YAML does not allow
        raise Malformed("is not valid YAML") from None
    for root in roots:
        if root.text != "":  # a document of comments only
            yield from flatten(root)


def _documents(text: str) -> Iterator[Node]:
    """Build one tree a document from the parser's events; an alias is the anchored node itself."""
    anchors: dict[str, Node] = {}
    open_nodes: list[Node] = []
    keys: list[str | None] = []  # for each open mapping, the key that waits for its value
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            anchors.clear()
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            node = open_nodes.pop()
            keys.pop()
            if not open_nodes:
                yield node
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, anchors)
            if open_nodes:
                _place(open_nodes[-1], keys, node, event)
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append(node)
                keys.append(None)
            elif not open_nodes:
                yield node


def _node(event: yaml.NodeEvent, anchors: dict[str, Node]) -> Node:
    line = 0 if event.start_mark is None else event.start_mark.line + 1
    if isinstance(event, yaml.AliasEvent):
        found = anchors.get(event.anchor or "")
        if found is None:
            raise Malformed("names an anchor that is not there", line)
        return found
    if isinstance(event, yaml.ScalarEvent):
        plain = event.style is None or event.style == ""
        node = Node(line, "" if plain and event.value in ("~", "null") else event.value)
    else:
        node = Node(line, mapping=isinstance(event, yaml.MappingStartEvent))
    if event.anchor is not None:
        anchors[event.anchor] = node
    return node


def _place(parent: Node, keys: list[str | None], node: Node, event: yaml.NodeEvent) -> None:
    """Add ``node`` to ``parent``, or keep it as the key of the value that comes next."""
    if not parent.mapping:
        parent.items.append((None, node))
    elif keys[-1] is None:
        plain = isinstance(event, yaml.ScalarEvent) and not event.style
        keys[-1] = MERGE if plain and node.text == "<<" else node.text if node.text is not None else "<key>"
    else:
        parent.items.append((keys[-1], node))
        keys[-1] = None


def read_json(text: str) -> Iterator[Entry]:
    """Yield the entries of a JSON document; duplicate keys are all kept. Raises ``Malformed``."""
    try:
        # The decoder judges the grammar; the walk below may then trust it. Numbers stay text,
        # for a long one is refused otherwise.
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise Malformed("is not valid JSON", error.lineno) from None
    except RecursionError:
        raise Malformed("is nested too deeply", large=True) from None
    yield from _leaves(text)


def _leaves(text: str) -> Iterator[Entry]:
    """Walk a valid document once; locks of packages are large, so no tree of them is built."""
    line, last, count = 1, 0, 0
    prefixes: list[Trail] = []  # of each open list or mapping
    steps: list[str | int] = []  # where each stands: the index, or the key that came last
    expect_key = empty = False
    for match in _LEXEME.finditer(text):
        lexeme = match[0]
        if lexeme == ":":
            continue
        line += text.count("\n", last, match.start())
        last = match.start()
        if lexeme == ",":
            step = steps[-1]
            expect_key = isinstance(step, str)
            if not expect_key:
                steps[-1] = int(step) + 1
        elif expect_key and lexeme != "}":
            steps[-1], expect_key, empty = _string(lexeme), False, False
        elif lexeme in ("{", "["):
            if len(prefixes) >= DEEPEST:
                raise Malformed(f"is nested deeper than {DEEPEST} levels", line, large=True)
            prefixes.append((*prefixes[-1], steps[-1]) if prefixes else ())
            steps.append("" if lexeme == "{" else 0)
            expect_key, empty = lexeme == "{", True
        else:
            count += 1
            if count > MOST:
                raise Malformed(f"holds more than {MOST} settings", line, large=True)
            if lexeme in ("}", "]"):
                steps.pop()
                trail = prefixes.pop()
                if empty and trail:
                    yield Entry(trail, "", line, branch=True)
                expect_key = empty = False
            elif not prefixes:
                raise Malformed("is no mapping or list", line)
            else:
                empty = False
                yield Entry((*prefixes[-1], steps[-1]), _value(lexeme), line)


def _value(lexeme: str) -> str:
    if lexeme.startswith('"'):
        return _string(lexeme)
    return "" if lexeme == "null" else lexeme


def _string(lexeme: str) -> str:
    return str(json.loads(lexeme, strict=False)) if "\\" in lexeme else lexeme[1:-1]


def read_compose(text: str) -> Iterator[Entry]:
    """Yield the entries of a compose file; ``NAME=value`` in a list becomes ``NAME: value``."""
    for entry in read_yaml(text):
        trail = entry.trail
        if len(trail) > 1 and trail[-2] in ("environment", "labels", "args") and isinstance(trail[-1], int):
            name, equals, value = entry.value.partition("=")
            yield entry._replace(trail=(*trail[:-1], name), value=value if equals else "")
        else:
            yield entry
