"""Ed25519 keys as PEM: made, and read with a clear word on what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.signing.errors import MissingExtra, SigningError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import SSlibKey

PASSPHRASE = "POLICYPROOF_KEY_PASSPHRASE"  # noqa: S105  a variable's name
"""The environment variable that holds the passphrase of a private key."""


def generate(passphrase: str | None = None) -> tuple[bytes, bytes]:
    """Return a new private key, encrypted if there is a passphrase, and its public key, both as PEM."""
    _needs_library()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    locked: form.KeySerializationEncryption = form.NoEncryption()
    if passphrase:
        locked = form.BestAvailableEncryption(passphrase.encode())
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)
    return private, public_of(key)


def private_key(pem: bytes, shown: str, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Return the private key in ``pem``; ``shown`` names its file in messages."""
    _needs_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if b"PUBLIC KEY" in pem:
        raise SigningError(f"{shown}: is a public key; signing takes the private one")
    encrypted = b"ENCRYPTED" in pem
    if encrypted and not passphrase:
        raise SigningError(f"{shown}: is encrypted, and ${PASSPHRASE} is not set")
    try:
        # A passphrase set for another key is no reason to refuse one that needs none.
        key = load_pem_private_key(pem, passphrase.encode() if encrypted and passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = f"the passphrase in ${PASSPHRASE} does not open it" if encrypted else "is no private key in PEM"
        raise SigningError(f"{shown}: {why}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"{shown}: is no Ed25519 key")
    return key


def public_key(pem: bytes, shown: str) -> SSlibKey:
    """Return the public key in ``pem``; ``shown`` names its file in messages."""
    _needs_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    if b"PRIVATE KEY" in pem:
        raise SigningError(f"{shown}: is a private key; verifying takes the public one")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningError(f"{shown}: is no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningError(f"{shown}: is no Ed25519 key")
    return SSlibKey.from_crypto(key)


def public_of(key: Ed25519PrivateKey) -> bytes:
    """Return the public half of a private key, as PEM."""
    from cryptography.hazmat.primitives import serialization as form

    return key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)


def _needs_library() -> None:
    try:
        import cryptography  # noqa: F401
        import securesystemslib  # noqa: F401
    except ImportError:
        raise MissingExtra("signing", "sign") from None
