"""What can be wrong with a key, a signature, a timestamp or a bundle; each message is one line."""

from __future__ import annotations

from checks.core.errors import PolicyproofError


class SigningError(PolicyproofError):
    """A key, signature, timestamp or bundle cannot be read or written."""


class Forged(SigningError):
    """It was read, and does not hold: altered, made with another key, or about something else."""


class MissingExtra(SigningError):
    """The library that is needed is not installed; names the extra that brings it."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an extra (pip install 'policyproof[{extra}]')")
