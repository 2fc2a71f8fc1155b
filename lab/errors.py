"""What can go wrong with the lab itself, in one line for the person who started it."""

from __future__ import annotations

from checks.core.errors import PolicyproofError, one_line


class LabError(PolicyproofError):
    """The lab cannot be started or does not know what it was asked for."""

    def __init__(self, reason: str) -> None:
        super().__init__(one_line(reason))
