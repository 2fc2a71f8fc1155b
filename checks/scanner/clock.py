"""The time that a look may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")
Now = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Clock:
    """Runs until ``end``, in the seconds of ``now``; by default for ever."""

    end: float = math.inf
    now: Now = time.monotonic

    @classmethod
    def of(cls, seconds: float | None, now: Now = time.monotonic) -> Clock:
        """Return a clock that is over in so many seconds; ``None`` for one that never is."""
        return cls() if seconds is None else cls(now() + seconds, now)

    @property
    def over(self) -> bool:
        """Whether the time is used up."""
        return self.limited and self.now() >= self.end

    @property
    def limited(self) -> bool:
        """Whether it will ever be over."""
        return self.end != math.inf

    def part(self, number: int) -> Clock:
        """Return a clock for the first of ``number`` looks that share, in equal parts, the time left."""
        if not self.limited:
            return self
        now = self.now()
        return Clock(now + max(0.0, self.end - now) / number, self.now)


ENDLESS = Clock()


class Until(Generic[_T]):
    """Iterate once for ``items``, until ``clock`` is over; ``cut`` says whether any was left then."""

    def __init__(self, items: Iterable[_T], clock: Clock) -> None:
        self.cut = False
        self._items, self._clock = items, clock

    def __iter__(self) -> Iterator[_T]:
        for item in self._items:
            if self._clock.over:
                self.cut = True
                return
            yield item
