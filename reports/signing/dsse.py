"""DSSE envelopes: bytes with their type and an Ed25519 signature over both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reports.signing.errors import Forged, SigningError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""The only type of payload that is signed or accepted: an in-toto statement."""

LARGEST = 4 * 2**20
"""Bytes of an envelope; ours are some kilobytes."""


def sign(payload: bytes, key: Ed25519PrivateKey) -> str:
    """Return an envelope around ``payload``, as JSON."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key))
    return json.dumps(envelope.to_dict(), indent=2) + "\n"


def payload(text: bytes, shown: str, key: SSlibKey | None) -> bytes:
    """Return what an envelope holds, once ``key`` is seen to have signed it.

    With ``None`` for a key nothing is said about who made it. Raises :class:`Forged` if no signature
    in it is by ``key``, and :class:`SigningError` if it is no envelope around a statement.
    """
    envelope = _read(text, shown)
    if key is not None:
        _by(envelope, key, shown)
    return bytes(envelope.payload)


def signature(text: bytes, shown: str, key: SSlibKey) -> bytes:
    """Return the signature by ``key`` in an envelope: what a timestamp is asked for."""
    return _by(_read(text, shown), key, shown)


def _by(envelope: Envelope, key: SSlibKey, shown: str) -> bytes:
    """Return the signature that ``key`` made. The key ids in an envelope are hints, and not trusted."""
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import Signature

    signed = envelope.pae()
    for one in envelope.signatures.values():
        try:
            key.verify_signature(Signature(key.keyid, one.signature), signed)
        except UnverifiedSignatureError:
            continue
        return bytes.fromhex(one.signature)
    if key.keyid in envelope.signatures:
        raise Forged(f"{shown}: what is signed, or its signature, was altered")
    raise Forged(f"{shown}: is not signed with this key")


def _read(text: bytes, shown: str) -> Envelope:
    """Return an envelope around a statement; nothing of it is trusted yet."""
    try:
        from securesystemslib.dsse import Envelope
    except ImportError:
        from reports.signing.errors import MissingExtra

        raise MissingExtra("reading a signature", "sign") from None
    if len(text) > LARGEST:
        raise SigningError(f"{shown}: is too large for a signature")
    try:
        data = json.loads(text)
        for number, one in enumerate(data["signatures"]):
            one["keyid"] = str(one.get("keyid") or number)  # may be left out
        envelope = Envelope.from_dict(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SigningError(f"{shown}: is no signature (DSSE envelope)") from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise Forged(f"{shown}: holds another type of payload than {PAYLOAD_TYPE}")
    return envelope
