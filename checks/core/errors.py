"""The three families of error: the author's mistake, a world that would not answer, our own bug.

Every message is one line, written for the person who has to act on it, and holds nothing read from
a target. What is not one of these is a bug of ours: it is shown as such and never counts as a pass.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the valid name closest to ``name``, or an empty string."""
    close = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def one_line(text: object, limit: int = 300) -> str:
    """Return ``text`` as one line of at most ``limit`` characters."""
    flat = " ".join(str(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


class PolicyproofError(Exception):
    """Root of everything policyproof raises on purpose."""


class AuthorError(PolicyproofError):
    """A file or option that its author must mend; names the file and, where known, the line."""

    def __init__(self, message: str, *, path: Path | str | None = None, line: int | None = None) -> None:
        self.path = None if path is None else str(path)
        self.line = line
        self.message = one_line(message)
        where = "" if self.path is None else f"{self.path}:{line}: " if line is not None else f"{self.path}: "
        super().__init__(where + self.message)


class InventoryError(AuthorError):
    """The inventory is not valid."""


class ControlError(AuthorError):
    """A control, waiver or coverage file is not valid."""


class PolicyLockError(AuthorError):
    """The policy text or its lock cannot be used."""


class NotAssessed(PolicyproofError):
    """The look could not be taken, or not to its end; the verdict is *not-assessed* with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(one_line(reason))

    @property
    def reason(self) -> str:
        """The reason in one line."""
        return str(self)


class MissingAddress(NotAssessed):
    """The environment variable that holds the target's address is not set."""


class Unreachable(NotAssessed):
    """Nothing answers at the target's address, or the connection dropped."""


class Refused(NotAssessed):
    """The target answers but will not let us look (password, permission, HTTP 401 or 403)."""


class TimedOut(NotAssessed):
    """The target did not answer in the time allowed."""


class Unreadable(NotAssessed):
    """What the target holds cannot be parsed (truncated, binary, not the expected format)."""


class TooLarge(NotAssessed):
    """What the target holds is over the limit set for it."""


class Nothing(NotAssessed):
    """There was nothing to look at (no file, no row, no page)."""


class MissingDriver(NotAssessed):
    """The library that reaches this kind of target is not installed; names the extra that brings it."""


class NotOptedIn(NotAssessed):
    """The check would change its target, and nobody has said for this environment that it may."""
