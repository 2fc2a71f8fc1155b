"""nginx: every directive with its line, as ``crossplane`` reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crossplane

from checks.connectors.config_entries import MOST, Entry, Malformed, Trail


def read_nginx(path: Path) -> Iterator[Entry]:
    """Yield the directives of one file; the value is the arguments, joined with spaces.

    A block is an entry too (``http.server[1].location[0]`` with the value ``/api``); a name that
    stands more than once in its block is numbered. Includes are entries and not followed. Whether a
    directive is known or may stand where it does is nginx's own concern. Raises ``Malformed``.
    """
    try:
        payload = crossplane.parse(str(path), single=True, check_ctx=False, check_args=False)
    except RecursionError:
        raise Malformed("is nested too deeply", large=True) from None
    except (StopIteration, OSError, ValueError, LookupError, RuntimeError):
        # The parser's own faults on odd input: what it cannot read was not read.
        raise Malformed("is not valid nginx configuration") from None
    if payload["errors"]:
        raise Malformed("is not valid nginx configuration", payload["errors"][0]["line"])
    yield from _directives(payload["config"][0]["parsed"])


def _directives(block: list[dict[str, Any]]) -> Iterator[Entry]:
    levels: list[Iterator[tuple[Trail, dict[str, Any]]]] = [_numbered((), block)]
    seen = 0
    while levels:
        for trail, directive in levels[-1]:
            seen += 1
            if seen > MOST:
                raise Malformed(f"holds more than {MOST} settings", directive["line"], large=True)
            yield Entry(trail, " ".join(directive["args"]), directive["line"])
            if directive.get("block"):
                levels.append(_numbered(trail, directive["block"]))
                break
        else:
            levels.pop()


def _numbered(prefix: Trail, block: list[dict[str, Any]]) -> Iterator[tuple[Trail, dict[str, Any]]]:
    many = Counter(str(directive["directive"]) for directive in block)
    met: Counter[str] = Counter()
    for directive in block:
        name = str(directive["directive"])
        step: Trail = (name,) if many[name] == 1 else (name, met[name])
        met[name] += 1
        yield (*prefix, *step), directive
