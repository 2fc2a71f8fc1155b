"""Looking at a part of it: which units a sample takes, and what a clean one says of the rest.

A unit is a block of a plain file, a small file or a container. Whether it is taken depends on the seed,
its name and its place alone, so the same sample is taken again, by however many workers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.core.errors import AuthorError

UNIT = 2**20
"""Bytes of a block of a plain file. A file that is no larger is taken whole or not at all."""
_SHARE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(\s*%)?")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sample:
    """A share of the units, above 0 and below 1, chosen by ``seed``."""

    share: float
    seed: int = 0

    def takes(self, name: str, index: int = 0) -> bool:
        """Whether the unit ``index`` of what is called ``name`` is looked at."""
        return chance(self.seed, name, index) < self.share

    def runs(self, name: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield the chosen blocks in ``[start, stop)`` of a plain file, neighbours as one.

        ``start`` is a multiple of ``UNIT``.
        """
        begun: int | None = None
        for at in range(start, stop, UNIT):
            taken = self.takes(name, at // UNIT)
            if taken and begun is None:
                begun = at
            elif not taken and begun is not None:
                yield begun, at
                begun = None
        if begun is not None:
            yield begun, stop


def chance(seed: int, name: str, index: int) -> float:
    """Return a number in [0, 1) that depends on the arguments alone, and looks random."""
    text = f"{seed}\0{index}\0{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big") / 2**48


def units(size: int) -> int:
    """Return how many units a plain file of ``size`` bytes has; an empty file is one."""
    return max(1, -(-size // UNIT))


def bound(looked_at: int) -> float:
    """Return the share of units that hold a finding at the most, with 95 % confidence, if none was seen.

    The rule of three: 3/n, from (1 - p)^n = 0.05 (Hanley and Lippman-Hand, JAMA 1983;249:1743).
    """
    return min(1.0, 3 / looked_at) if looked_at else 1.0


def bound_said(looked_at: int, unit: str, seed: int) -> str:
    """Return what a sample without a finding says of the whole."""
    return (
        f"a sample (seed {seed}): with 95 % confidence at most {percent(bound(looked_at))} of the {unit}"
        " hold a card number (rule of three)"
    )


def percent(share: float) -> str:
    """Return a share in percent; of many units a bound is small, and "at most 0.00%" would be untrue."""
    return f"{share:.2%}" if share >= 0.0001 else f"{100 * share:.2g}%"


def share_of(text: str) -> float:
    """Return ``2%`` or ``0.02`` as a share; raises ``AuthorError`` if it is none, or not within (0, 1]."""
    match = _SHARE.fullmatch(text.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0 < share <= 1:
        raise AuthorError(f"--sample {text}: a share above 0 and at most 100%, such as 2% or 0.02")
    return share


def seconds_of(text: str) -> float:
    """Return ``90``, ``90s``, ``15m`` or ``1h30m`` in seconds; raises ``AuthorError`` if it is none."""
    match = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise AuthorError(f"--time-budget {text}: a duration such as 90s, 15m or 1h30m")
    return total
