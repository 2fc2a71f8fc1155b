"""The certificates a server shows: whether they hold, how strong they are and how long they last."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.connectors.http_errors import CERTIFICATE
from checks.connectors.tls_dial import Door, Line, explained, ready_for_tls
from checks.core.errors import MissingDriver, Unreachable, Unreadable

WEAK_HASHES = frozenset({"md2", "md4", "md5", "sha1"})
_TRUST = {
    **CERTIFICATE,
    66: "its key is too short",
    67: "a key of its authority is too short",
    68: "its authority signs with a weak digest",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """Facts of one certificate; no name of a person or host in it."""

    key: str  # RSA, EC, Ed25519, Ed448, DSA
    bits: int
    digest: str | None  # of its signature; None where the kind of key implies it
    begins: datetime
    ends: datetime
    signs_itself: bool

    @property
    def weakness(self) -> str | None:
        """What falls short of RFC 9325, 4.5 (RSA 2048 bits, EC 224 bits) or NIST SP 800-131A, if anything."""
        least = {"RSA": 2048, "EC": 224, "Ed25519": 0, "Ed448": 0}.get(self.key)
        if least is None:
            return f"a {self.key} key"
        if self.bits < least:
            return f"a {self.key} key of {self.bits} bits (at least {least})"
        # A root is trusted by being known; nobody checks its signature on itself.
        if self.digest in WEAK_HASHES and not self.signs_itself:
            return f"signed with {self.digest.upper()}"
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a handshake showed: the chain as sent, the leaf first; ``distrust`` says why it does not hold."""

    chain: tuple[Certificate, ...]
    distrust: str | None
    whole: bool  # False: this Python gives the leaf only


def certificates(door: Door, timeout: float, authority: str | bool) -> Shown:
    """Return the chain, and whether ``authority`` (a bundle's path, or the public ones) vouches for it.

    Raises a ``NotAssessed`` if no handshake could be made at all, ``MissingDriver`` without
    cryptography, ``NotOffered`` if the server has no TLS.
    """
    chain, whole = _chain(door, timeout)
    context = ssl.create_default_context(cafile=authority if isinstance(authority, str) else None)
    distrust = None
    with ready_for_tls(door, timeout) as line, explained(door):
        try:
            Channel(context, line, door.host)
        except ssl.SSLCertVerificationError as error:
            distrust = _TRUST.get(error.verify_code, "it is not accepted")
        except ssl.SSLError as error:
            raise Unreachable(_no_agreement(door, error)) from None
    return Shown(chain, distrust, whole)


def anything() -> ssl.SSLContext:
    """Return a context that takes every certificate and every parameter: to look, and to send nothing to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:!aNULL:@SECLEVEL=0")
    return context


def _chain(door: Door, timeout: float) -> tuple[tuple[Certificate, ...], bool]:
    """Return what the server sends, whatever it is worth, and whether that is the whole of it."""
    context = anything()
    with ready_for_tls(door, timeout) as line, explained(door):
        try:
            ended = Channel(context, line, door.host).tls
        except ssl.SSLError as error:
            raise Unreachable(_no_agreement(door, error)) from None
    leaf = ended.getpeercert(binary_form=True)
    if leaf is None:
        raise Unreadable(f"{door.name}: {door.shown} shows no certificate")
    # Public since Python 3.13.
    inner: Any = ended if hasattr(ended, "get_unverified_chain") else getattr(ended, "_sslobj", None)
    if not hasattr(inner, "get_unverified_chain"):
        return (_facts(door, leaf),), False
    raw = inner.get_unverified_chain() or ()
    sent = [one if isinstance(one, bytes) else one.public_bytes(2) for one in raw]  # 2: as DER
    return tuple(_facts(door, one) for one in sent or [leaf]), True


def _no_agreement(door: Door, error: ssl.SSLError) -> str:
    reason = (error.reason or "").lower().replace("_", " ")
    said = f" ({reason})" if reason else ""
    return f"{door.name}: {door.shown}: no TLS connection could be agreed{said}"


class Channel:
    """TLS over a line; every wait is the line's, so that a slow server cannot hold us."""

    def __init__(self, context: ssl.SSLContext, line: Line, host: str) -> None:
        self._line = line
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._until_done(self.tls.do_handshake)

    def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        self.tls.write(data)
        self._line.send(self._outgoing.read())

    def exactly(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer where the connection ends."""
        data = b""
        while len(data) < size:
            try:
                more = self._until_done(lambda: self.tls.read(size - len(data)))  # noqa: B023  called at once
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                break
            if not more:
                break
            data += more
        return data

    def _until_done(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._line.send(self._outgoing.read())
                data = self._line.recv(16384)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                rest = self._outgoing.read()  # an alert, so that the server need not wait
                with suppress(OSError):
                    self._line.send(rest)
                raise
            else:
                self._line.send(self._outgoing.read())
                return result


def _facts(door: Door, raw: bytes) -> Certificate:
    try:
        from cryptography import x509
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
    except ImportError:
        raise MissingDriver(
            f"{door.name}: cryptography is not installed (pip install 'policyproof[transport]')"
        ) from None
    try:
        read = x509.load_der_x509_certificate(raw)
        key = read.public_key()
        kinds: Sequence[tuple[type, str]] = (
            (rsa.RSAPublicKey, "RSA"),
            (ec.EllipticCurvePublicKey, "EC"),
            (ed25519.Ed25519PublicKey, "Ed25519"),
            (ed448.Ed448PublicKey, "Ed448"),
            (dsa.DSAPublicKey, "DSA"),
        )
        kind = next((name for cls, name in kinds if isinstance(key, cls)), "unknown")
        digest = read.signature_hash_algorithm
        return Certificate(
            key=kind,
            bits=getattr(key, "key_size", 0),
            digest=None if digest is None else digest.name,
            begins=read.not_valid_before_utc,
            ends=read.not_valid_after_utc,
            signs_itself=read.issuer == read.subject,
        )
    except (ValueError, TypeError, x509.InvalidVersion):
        raise Unreadable(f"{door.name}: {door.shown} shows a certificate that cannot be read") from None
    except UnsupportedAlgorithm as error:  # digests and curves nobody knows
        raise Unreadable(
            f"{door.name}: {door.shown} shows a certificate of an unknown kind ({type(error).__name__})"
        ) from None
