"""Signatures on a ledger: who vouches for its head, since when, and bundles that it is rebuilt from."""

from __future__ import annotations

from reports.signing.errors import Forged, MissingExtra, SigningError

__all__ = ["Forged", "MissingExtra", "SigningError"]
