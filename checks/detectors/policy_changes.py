"""What became of each locked sentence in a text as it is published now, told by fingerprints alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``was`` is the clause in the lock, ``now`` the one on the page."""

    kind: str  # altered | added | removed | moved
    was: str | None
    now: str | None
    after: str | None = None  # of an added sentence: the locked clause it follows

    @property
    def clause(self) -> str:
        """The clause by which people know it: the locked number where there is one."""
        return self.was or self.now or "?"


def changes(locked: Mapping[str, str], published: Mapping[str, str]) -> list[Change]:
    """Return what differs between two mappings of clause → fingerprint, in the order of the text.

    A sentence put in or taken out renumbers those behind it, which is no change of theirs. Whatever
    differs, the list is not empty: where nothing but numbers do (a heading came or went), each
    sentence under another number is *moved*.
    """
    if locked == published:
        return []
    was, now = ordered(locked), ordered(published)
    before, after = [locked[clause] for clause in was], [published[clause] for clause in now]
    raw: list[Change] = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            raw += _pairs(was[i:j], now[k:m], was[i - 1] if i else None)
    if not raw:
        pairs = zip(was, now, strict=True)
        return [Change("moved", one, other) for one, other in pairs if one != other]
    return _with_moves(raw, locked, published)


def ordered(clauses: Mapping[str, str]) -> list[str]:
    """Return clauses in the order of the text: ``2.2`` before ``2.10``."""
    return sorted(clauses, key=lambda clause: tuple(int(part) for part in clause.split(".")))


def section_of(clause: str) -> str:
    """Return the number of a clause's section."""
    return clause.partition(".")[0]


def _pairs(was: list[str], now: list[str], after: str | None) -> Iterator[Change]:
    """Pair the sentences of a stretch that differs, section by section."""
    sections = dict.fromkeys(section_of(clause) for clause in [*was, *now])
    for section in sorted(sections, key=int):
        mine = [clause for clause in was if section_of(clause) == section]
        theirs = [clause for clause in now if section_of(clause) == section]
        for one, other in zip(mine, theirs, strict=False):
            yield Change("altered", one, other)
        yield from (Change("removed", one, None) for one in mine[len(theirs) :])
        last = mine[-1] if mine else after
        yield from (Change("added", None, other, last) for other in theirs[len(mine) :])


def _with_moves(raw: list[Change], locked: Mapping[str, str], published: Mapping[str, str]) -> list[Change]:
    """Return the changes with each removal and addition of one sentence made a single move."""
    arrived: dict[str, list[str]] = defaultdict(list)
    for change in raw:
        if change.kind == "added" and change.now:
            arrived[published[change.now]].append(change.now)
    found: list[Change] = []
    used: set[str] = set()
    for change in raw:
        if change.kind == "removed" and change.was and (places := arrived[locked[change.was]]):
            used.add(places[0])
            found.append(Change("moved", change.was, places.pop(0)))
        else:
            found.append(change)
    return [change for change in found if change.kind != "added" or change.now not in used]
