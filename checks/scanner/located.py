"""Where in a table a number stands, and names of sources: searched themselves, and masked to be shown."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from checks.connectors.files import printable
from checks.scanner.finding import Match
from checks.scanner.result import Finding, finding
from checks.scanner.source import BLOCK, FIELD, WINDOW, Table

if TYPE_CHECKING:
    from checks.scanner.engine import Engine

_KEPT = WINDOW + BLOCK  # bytes behind the reading position that a hit may still lie in
_LONGEST = 80  # characters of a key's value that are shown
_PART = re.compile(r"[/!]")


class Names:
    """Looks at names with ``engine``, which keeps what is doubtful: that is masked, but no finding."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.begin()

    def begin(self) -> None:
        """Forget the last name: what is found in the next part depends on that part alone."""
        self._last = ""

    def masked(self, text: str) -> str:
        """Return ``text`` with every number that could be a card's masked."""
        return self._looked(text)[0]

    def searched(self, name: str) -> tuple[str, list[Match]]:
        """Return ``name`` masked, and what is found in its parts that the last name did not begin with."""
        last, self._last = self._last, name
        shown, found = self._looked(name)
        known = _common(last, name) if found else 0
        return shown, [match for match in found if match.end > known and not match.doubts]

    def _looked(self, text: str) -> tuple[str, list[Match]]:
        data = text.encode("utf-8", "surrogatepass")
        hits = self._engine.block(data)
        if not len(hits):
            return text, []
        found, parts, shown = self._engine.matches(hits), [], 0
        for match in found:
            if match.offset >= shown:
                parts += [data[shown : match.offset], match.masked.encode()]
            shown = max(shown, match.end)
        return b"".join([*parts, data[shown:]]).decode("utf-8", "replace"), found


class Rows:
    """The last rows of ``table`` that were read, to find row and column of a hit in them."""

    def __init__(self, table: Table, source: str, names: Names) -> None:
        self._table, self._source, self._names = table, source, names
        self._blocks: deque[tuple[int, bytes]] = deque()

    def kept(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield ``blocks``, and keep those that the engine has not done with."""
        read = 0
        for block in blocks:
            while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) < read - _KEPT:
                self._blocks.popleft()
            # Whatever has a buffer may be handed over, and be filled again.
            self._blocks.append((read, bytes(block)))
            read += len(block)
            yield block

    def located(self, match: Match) -> Finding:
        """Return ``match``, whose line is the ordinal of its row, with its column and its row's key."""
        found = replace(
            finding(self._source, match),
            offset=match.line - 1,
            table=self._source.rpartition("!")[2],
        )
        for start, block in self._blocks:
            if start <= match.offset < start + len(block):
                at = match.offset - start
                begin = block.rfind(b"\n", 0, at) + 1
                column = self._column(block.count(FIELD, begin, at))
                return replace(found, column=column, row=self._key(block, begin))
        return found

    def _column(self, number: int) -> str | None:
        names = (*self._table.key, *self._table.columns)
        # A mark within a value shifts the columns behind it: then the last one is as near as can be.
        return self._shown(names[min(number, len(names) - 1)]) if names else None

    def _key(self, block: bytes, begin: int) -> str | None:
        key = self._table.key
        if not key:
            return None
        fields = block[begin : block.find(b"\n", begin)].split(FIELD, len(key))[: len(key)]
        return ", ".join(
            f"{self._shown(name)}={self._shown(value.decode('utf-8', 'replace'))}"
            for name, value in zip(key, fields, strict=False)
        )

    def _shown(self, text: str) -> str:
        shown = self._names.masked(printable(text.encode("utf-8", "replace").decode()))
        return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def _common(last: str, name: str) -> int:
    """Return how many bytes of ``name`` are whole parts that ``last`` begins with too."""
    common = 0
    for end in (*(match.start() for match in _PART.finditer(name)), len(name)):
        if last[:end] != name[:end] or last[end : end + 1] not in ("", "/", "!"):
            break
        common = end
    return len(name[:common].encode("utf-8", "surrogatepass"))
