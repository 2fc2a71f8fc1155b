"""Read YAML with the line of every key and item, and validate it with errors a person can act on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from checks.core.errors import AuthorError, nearest, one_line

Key = str | int
Trail = tuple[Key, ...]

LARGEST = 64 * 1024 * 1024
"""Bytes of a YAML file we read at most; a larger one is a mistake, not an inventory."""


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data (dates stay text) with the 1-based line of each key and item."""

    path: str
    data: Any
    lines: Mapping[Trail, int] = field(repr=False)
    digest: str = ""

    def line(self, trail: Iterable[Key]) -> int | None:
        """Return the line of ``trail`` or of the nearest thing around it."""
        at = tuple(trail)
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at)

    def error(self, family: type[AuthorError], message: str, *trail: Key) -> AuthorError:
        """Return an error of ``family`` that points at ``trail``."""
        return family(message, path=self.path, line=self.line(trail))


def read(path: Path, family: type[AuthorError], *, shown: str | None = None) -> Document:
    """Read ``path``; ``shown`` is how messages name it.

    Raises ``family`` if the file is missing, not UTF-8, not YAML, or has a duplicate key.
    """
    name = shown or path.name
    try:
        if path.stat().st_size > LARGEST:
            raise family(f"larger than {LARGEST // 2**20} MiB", path=name)
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise family(f"cannot be read ({error.strerror or type(error).__name__})", path=name) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise family("is not UTF-8 text", path=name, line=line) from None
    return parse(text, family, shown=name, digest=hashlib.sha256(raw).hexdigest())


def parse(text: str, family: type[AuthorError], *, shown: str, digest: str = "") -> Document:
    """Parse YAML ``text``; raises ``family`` as :func:`read` does."""
    builder = _Builder(family, shown)
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        data = None if node is None else builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "not valid YAML"
        # The parser may point behind the end of the file.
        line = None if mark is None else min(mark.line, text.rstrip("\n").count("\n")) + 1
        raise family(f"not valid YAML: {problem}", path=shown, line=line) from None
    except yaml.YAMLError as error:
        raise family(f"not valid YAML: {one_line(error, 80)}", path=shown) from None
    except RecursionError:
        raise family("nested too deeply", path=shown) from None
    return Document(shown, data, builder.lines, digest)


class _Builder(yaml.constructor.SafeConstructor):
    """Turns nodes into plain data, remembering lines. Aliases share; a recursive alias is refused."""

    def __init__(self, family: type[AuthorError], shown: str) -> None:
        super().__init__()
        self._family = family
        self._shown = shown
        self.lines: dict[Trail, int] = {}
        self._open: set[int] = set()

    def build(self, node: yaml.Node, trail: Trail) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(trail, line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        if id(node) in self._open:
            raise self._family("an alias refers to itself", path=self._shown, line=line)
        if len(self.lines) > 2_000_000:
            raise self._family("too many nodes (aliases that multiply?)", path=self._shown, line=line)
        self._open.add(id(node))
        try:
            if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
                raise self._family(f"unknown YAML tag {node.tag}", path=self._shown, line=line)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(child, (*trail, index)) for index, child in enumerate(node.value)]
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, trail)
        finally:
            self._open.discard(id(node))
        raise TypeError(f"no such YAML node: {type(node).__name__}")

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        if node.tag not in self.yaml_constructors:
            raise self._family(f"unknown YAML tag {node.tag}", path=self._shown, line=line)
        try:
            return self.construct_object(node)
        except ValueError:
            return node.value

    def _mapping(self, node: yaml.MappingNode, trail: Trail) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._family("a key must be plain text", path=self._shown, line=line)
            key = str(key_node.value)
            if key in result:
                raise self._family(f"key {key!r} stands twice", path=self._shown, line=line)
            self.lines[(*trail, key)] = line
            result[key] = self.build(value_node, (*trail, key))
        return result


@cache
def schema(name: str) -> Mapping[str, Any]:
    """Return the JSON Schema ``checks/core/schemas/<name>.schema.json``."""
    text = resources.files("checks.core.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    loaded: Mapping[str, Any] = json.loads(text)
    return loaded


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def validate(document: Document, name: str, family: type[AuthorError], data: Any = None) -> None:
    """Raise ``family`` for the first thing in ``document`` that schema ``name`` does not allow."""
    errors = list(_validator(name).iter_errors(document.data if data is None else data))
    if errors:
        # A misspelt key is the cause of the missing one: it is told first.
        unknown = [error for error in errors if error.validator == "additionalProperties"]
        placed = [_explain(best_match([error]) or error, document) for error in unknown or errors]
        line, message = min(placed, key=lambda pair: (pair[0] is None, pair[0] or 0))
        raise family(message, path=document.path, line=line)


def _explain(error: ValidationError, document: Document) -> tuple[int | None, str]:
    """Return line and message. A value is echoed only where it cannot be a secret pasted by mistake."""
    trail: Trail = tuple(error.absolute_path)
    where = ".".join(str(part) for part in trail) or "the file"
    rule: Any = error.schema
    wanted: Any = error.validator_value
    found: Any = error.instance
    line = document.line(trail)
    match error.validator:
        case "additionalProperties" if isinstance(found, Mapping):
            known = list(rule.get("properties", {}))
            patterns = rule.get("patternProperties", {})
            key = next(k for k in found if k not in known and not any(re.search(p, k) for p in patterns))
            at = document.line((*trail, key))
            if patterns:
                return at, f"{key!r} in {where} is not a valid id (small letters, digits, hyphens)"
            return at, f"unknown key {key!r} in {where}{nearest(key, known)}"
        case "required":
            missing = [key for key in wanted if key not in found]
            return line, f"{where}: {', '.join(repr(key) for key in missing)} missing"
        case "enum":
            valid = [str(value) for value in wanted]
            return (
                line,
                f"{where}: {_echo(found)} is not one of {', '.join(valid)}{nearest(str(found), valid)}",
            )
        case "const":
            return line, f"{where}: must be {wanted!r}"
        case "type" if isinstance(found, int | float) and wanted == "string":
            return line, f"{where}: {found!r} must be text: put it in quotes"
        case "type":
            name = "nothing" if found is None else type(found).__name__
            return line, f"{where}: {wanted} expected, not {name}"
        case "pattern" if "description" in rule:
            return line, f"{where}: {_echo(found)} is not {rule['description']}"
        case "minLength" | "minItems" | "minProperties":
            return line, f"{where}: must not be empty"
        case "oneOf" | "not":
            return line, f"{where}: give either 'check' with 'params', or 'checks'"
        case "dependentRequired":
            return line, f"{where}: {one_line(error.message.split('}')[-1], 120)}"
    return line, f"{where}: does not satisfy {error.validator}"


def _echo(value: object) -> str:
    text = str(value)
    return repr(text) if len(text) <= 40 and "://" not in text and "@" not in text else "the value"
