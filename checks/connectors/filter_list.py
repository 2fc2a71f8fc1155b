"""Lists of trackers that the user supplies, in the format of EasyPrivacy and other Adblock lists.

None comes with this project. What a list names is a tracker also where it is the site's own host, or a
declared processor's. Matching is left to ``adblock`` (MIT or Apache-2.0, around Brave's engine); the
similar ``braveblock`` says no more than yes or no, and brings lists under other licences with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from checks.core.errors import MissingDriver, Nothing, Refused, TooLarge, Unreadable

if TYPE_CHECKING:
    from adblock import Engine

LIMIT = 32 * 1024 * 1024
"""Bytes of one list; EasyPrivacy has about 2 MB."""
LOST = 0.02
"""Share of a list's rules that may be unknown to the engine: options are added to the format over time."""
_COSMETIC = re.compile(r"#[@?$%]*#")  # hides parts of pages; names no request
_RULE = 80  # characters of a rule that are shown
_KINDS = {"xhr": "xmlhttprequest", "fetch": "xmlhttprequest", "eventsource": "other", "texttrack": "other"}


class FilterLists:
    """Rules that name trackers. ``rules`` counts them, ``lost`` those that the engine does not know."""

    def __init__(self, engine: Engine, rules: int, lost: int) -> None:
        self._engine = engine
        self.rules = rules
        self.lost = lost

    @classmethod
    def load(cls, paths: Sequence[Path], what: str) -> FilterLists:
        """Read the lists at ``paths``; ``what`` is how messages call the target.

        Raises ``MissingDriver`` without adblock, ``Nothing`` for a list that is missing or has no rules,
        ``Unreadable`` for what is no list, ``Refused`` and ``TooLarge``.
        """
        try:
            from adblock import Engine, FilterSet
        except ImportError:
            raise MissingDriver(
                "a filter list needs the library adblock: pip install 'policyproof[filters]'"
            ) from None
        found, known = FilterSet(debug=True), [(path.name, _rules(path, what)) for path in paths]
        for _, rules in known:
            found.add_filters(rules)
        engine = Engine(found, optimize=False)  # optimised rules are merged and no longer name themselves
        total = lost = 0
        for name, rules in known:
            missed = sum(not engine.filter_exists(rule) for rule in rules)
            if missed > max(len(rules) * LOST, 1) or missed == len(rules):
                raise Unreadable(
                    f"{what}: filter list {name}: {missed} of {len(rules)} rules are not understood"
                )
            total, lost = total + len(rules), lost + missed
        return cls(engine, total, lost)

    def names(self, url: str, page: str, kind: str) -> str | None:
        """Return the rule by which ``page`` may not ask for ``url``, shortened; ``None`` if there is none.

        ``kind`` is Playwright's type of resource. Raises ``Unreadable`` for an address that the engine
        cannot take; the message names none, as queries hold values.
        """
        result = self._engine.check_network_urls(url, page, _KINDS.get(kind, kind))
        if result.error:
            raise Unreadable("an address that the filter list cannot be held against")
        if not result.matched:
            return None
        rule = result.filter or "?"
        return rule if len(rule) <= _RULE else rule[: _RULE - 1] + "…"


def _rules(path: Path, what: str) -> list[str]:
    """Return the rules of one list that name requests."""
    name = f"{what}: filter list {path.name}"
    try:
        with path.open("rb") as stream:
            raw = stream.read(LIMIT + 1)
    except FileNotFoundError:
        raise Nothing(f"{name} does not exist") from None
    except PermissionError:
        raise Refused(f"{name}: permission denied") from None
    except OSError as error:
        raise Unreadable(f"{name} cannot be read ({error.strerror})") from None
    if len(raw) > LIMIT:
        raise TooLarge(f"{name} is larger than {LIMIT // 2**20} MiB")
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise Unreadable(f"{name} is no text in UTF-8") from None
    found = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith(("!", "[")) or _COSMETIC.search(line):
            continue
        # A page that was saved instead of the list, or a list of another kind (hosts, prose): taken for
        # rules it would name nothing, and nothing would be found for ever after.
        spaced = " " in line.partition("$")[0] and not line.startswith(("/", "@@/"))  # but in a /regex/
        if line.startswith("<") or "\0" in line or spaced:
            raise Unreadable(f"{name}, line {number}: no rule of the Adblock format")
        found.append(line)
    if not found:
        raise Nothing(f"{name} has no rules")
    return found
