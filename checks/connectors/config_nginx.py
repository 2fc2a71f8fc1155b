"""nginx: every directive with its line, from the words that ``crossplane`` finds in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import crossplane
from crossplane.errors import NgxParserBaseException

from checks.connectors.config_entries import MOST, Entry, Malformed, Trail


@dataclass(slots=True)
class _Directive:
    name: str
    line: int
    words: list[str] = field(default_factory=list)
    block: list[_Directive] = field(default_factory=list)


def read_nginx(path: Path) -> Iterator[Entry]:
    """Yield the directives of one file; the value is the arguments, joined with spaces.

    A block is an entry too (``http.server[1].location[0]`` with the value ``/api``); a name that
    stands more than once in its block is numbered. Includes are entries and not followed. Whether a
    directive is known or may stand where it does is nginx's own concern. Raises ``Malformed``.
    """
    try:
        root = _tree(crossplane.lex(str(path)))
    except NgxParserBaseException as error:
        raise Malformed("is not valid nginx configuration", error.lineno) from None
    except (OSError, ValueError, LookupError, RuntimeError):
        # The lexer's own faults on odd input: what it cannot read was not read.
        raise Malformed("is not valid nginx configuration") from None
    levels = [_numbered((), root)]
    while levels:
        for trail, directive in levels[-1]:
            yield Entry(trail, " ".join(directive.words), directive.line)
            if directive.block:
                levels.append(_numbered(trail, directive.block))
                break
        else:
            levels.pop()


def _tree(lexemes: Iterable[tuple[str, int, bool]]) -> list[_Directive]:
    """Build the directives out of words, each with its line and whether it was quoted."""
    top: list[_Directive] = []
    blocks = [top]
    current: _Directive | None = None
    line = 1
    for number, (word, line, quoted) in enumerate(lexemes):
        if number > MOST:
            raise Malformed(f"holds more than {MOST} words", line, large=True)
        if not quoted and word.startswith("#"):
            continue
        if quoted or word not in (";", "{", "}"):
            if current is None:
                current = _Directive(word.removeprefix("\ufeff"), line)
                blocks[-1].append(current)
            else:
                current.words.append(word)
        elif word == "}":
            if current is not None or len(blocks) == 1:
                raise Malformed("is not valid nginx configuration", line)
            blocks.pop()
        elif current is None:
            raise Malformed("is not valid nginx configuration", line)
        else:
            if word == "{":
                blocks.append(current.block)
            current = None
    if current is not None or len(blocks) > 1:
        raise Malformed("is not valid nginx configuration: it ends too early", line)
    return top


def _numbered(prefix: Trail, block: list[_Directive]) -> Iterator[tuple[Trail, _Directive]]:
    many = Counter(directive.name for directive in block)
    met: Counter[str] = Counter()
    for directive in block:
        name = directive.name
        step: Trail = (name,) if many[name] == 1 else (name, met[name])
        met[name] += 1
        yield (*prefix, *step), directive
