"""What became of each locked sentence in a text as it is published now, told by fingerprints alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``was`` is the place in the lock, ``now`` the one on the page."""

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

    A sentence or heading put in or taken out renumbers those behind it, which is no change of theirs.
    Whatever differs, the list is not empty: where nothing but numbers do (in a lock without headings
    one came or went), each sentence under another number is *moved*.
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


def part_of(place: str) -> str:
    """Return in which part of a lock a place stands: ``clauses``, ``headings`` or ``preamble``."""
    if section_of(place) == "0":
        return "preamble"
    return "headings" if place.endswith(".0") else "clauses"


def called(place: str) -> str:
    """Return a place in words: ``9.2``, ``the heading of section 9``, ``sentence 1 before section 1``."""
    section, _, number = place.partition(".")
    part = part_of(place)
    if part == "preamble":
        return f"sentence {number} before section 1"
    return f"the heading of section {section}" if part == "headings" else place


def places(found: Iterable[Change]) -> str:
    """Return where changes are: ``before section 1 and in sections 2, 10``."""
    numbers = sorted({int(section_of(change.clause)) for change in found})
    inside = ", ".join(str(number) for number in numbers if number)
    told = ["before section 1"] if 0 in numbers else []
    told += [f"in section{'s' if ',' in inside else ''} {inside}"] if inside else []
    return " and ".join(told)


def not_locked(locked: Mapping[str, str]) -> list[str]:
    """Return which parts a lock has nothing of: an older one has sentences alone, many a text no title."""
    parts = {part_of(place) for place in locked}
    return [part for part in ("headings", "preamble") if part not in parts]


def known_to(locked: Mapping[str, str], published: Mapping[str, str]) -> dict[str, str]:
    """Return, of what is published, the parts that the lock has."""
    unknown = not_locked(locked)
    return {place: mark for place, mark in published.items() if part_of(place) not in unknown}


def _pairs(was: list[str], now: list[str], after: str | None) -> Iterator[Change]:
    """Pair the sentences of a stretch that differs, section by section, and headings with headings."""
    kinds = {(int(section_of(place)), part_of(place) == "clauses") for place in [*was, *now]}
    for section, sentence in sorted(kinds):
        kind = (str(section), sentence)
        mine, theirs = (
            [one for one in side if (section_of(one), part_of(one) == "clauses") == kind]
            for side in (was, now)
        )
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
        if change.kind == "removed" and change.was and (spots := arrived[locked[change.was]]):
            used.add(spots[0])
            found.append(Change("moved", change.was, spots.pop(0)))
        else:
            found.append(change)
    return [change for change in found if change.kind != "added" or change.now not in used]
