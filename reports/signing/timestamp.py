"""RFC 3161: an authority's word on when a signature was there already."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from checks.core.errors import TimedOut, Unreachable
from reports.signing.errors import Forged, MissingExtra, SigningError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
LARGEST = 2**16
"""Bytes of an answer; they are some kilobytes."""
PATIENCE = 30.0
"""Seconds for the whole of an answer."""


def ask(url: str, signature: bytes, certificates: bytes, shown: str, patience: float = PATIENCE) -> bytes:
    """Return an authority's answer about ``signature``, once it is seen to hold.

    ``certificates`` are PEM, ``shown`` names their file. Raises :class:`Unreachable` or
    :class:`TimedOut` if nothing answers, :class:`SigningError` if what answers is of no use.
    """
    client = _library()
    _trusted(certificates, shown)  # before anything is sent
    builder = client.TimestampRequestBuilder().data(signature).hash_algorithm(client.HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    name, answer = _fetch(url, request.as_bytes(), patience)
    what = f"the answer of {name}"
    _check(answer, signature, certificates, what, shown, request.nonce)
    return answer


def check(token: bytes, signature: bytes, certificates: bytes, what: str, shown: str) -> datetime:
    """Return when the authority saw ``signature``; ``what`` and ``shown`` name both files.

    Raises :class:`Forged` if the token is about something else, or not by this authority.
    """
    return _check(token, signature, certificates, what, shown, None)


def _check(
    token: bytes, signature: bytes, certificates: bytes, what: str, shown: str, nonce: int | None
) -> datetime:
    client = _library()
    roots, between, own = _trusted(certificates, shown)
    answer = _parsed(token, what)
    imprint = answer.tst_info.message_imprint
    if imprint.message != _hashed(signature, imprint.hash_algorithm.dotted_string, what):
        raise Forged(f"{what}: the timestamp is about another signature")
    if nonce is not None and answer.tst_info.nonce != nonce:
        raise Forged(f"{what}: the timestamp answers another question (nonce)")
    verifier = client.VerifierBuilder(roots=roots, intermediates=between, tsa_certificate=own).build()
    try:
        verifier.verify(answer, imprint.message)
    except (client.VerificationError, ValueError):
        raise Forged(f"{what}: the timestamp is not by the authority in {shown}") from None
    moment: datetime = answer.tst_info.gen_time
    return moment


def _parsed(token: bytes, what: str) -> TimeStampResponse:
    """Return a granted answer."""
    client = _library()
    try:
        answer: TimeStampResponse = client.decode_timestamp_response(token)
        granted = answer.status == 0
        if granted:
            answer.tst_info.message_imprint  # noqa: B018  parsed where it is asked for
    except ValueError:
        raise SigningError(f"{what}: is no timestamp (RFC 3161)") from None
    if not granted:
        raise SigningError(f"{what}: the authority refused (status {answer.status})")
    return answer


def _hashed(signature: bytes, algorithm: str, what: str) -> bytes:
    names = {
        "2.16.840.1.101.3.4.2.1": "sha256",
        "2.16.840.1.101.3.4.2.2": "sha384",
        "2.16.840.1.101.3.4.2.3": "sha512",
    }
    if algorithm not in names:
        raise Forged(f"{what}: the timestamp is over a digest other than SHA-2")
    return hashlib.new(names[algorithm], signature).digest()


def _fetch(url: str, query: bytes, patience: float) -> tuple[str, bytes]:
    """Return the host's name and its answer; follows no redirect and reads no more than is allowed."""
    import requests

    try:
        parts = urlsplit(url)
        name = parts.hostname
        if parts.port is not None and name:
            name = f"{name}:{parts.port}"
    except ValueError:
        name = None
    if not name or parts.scheme not in ("http", "https"):
        raise SigningError("a timestamp authority is an http(s) address")
    deadline = time.monotonic() + patience
    answer = bytearray()
    try:
        with requests.post(
            url,
            data=query,
            headers={"Content-Type": QUERY, "Accept": REPLY, "Accept-Encoding": "identity"},
            timeout=patience,
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code != 200:
                raise SigningError(f"{name}: answers with status {response.status_code}, not a timestamp")
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != REPLY:
                raise SigningError(f"{name}: does not answer with {REPLY}; is it a timestamp authority?")
            for part in response.iter_content(1):  # more would wait for as much to arrive
                answer += part
                if len(answer) > LARGEST:
                    raise SigningError(f"{name}: answers with more than a timestamp can be")
                if time.monotonic() > deadline:
                    raise TimedOut(f"{name}: no whole answer in {patience:g} s")
    except requests.Timeout:
        raise TimedOut(f"{name}: no answer in {patience:g} s") from None
    except (requests.RequestException, ValueError):  # its words may quote the address
        raise Unreachable(f"{name}: no timestamp authority answers there") from None
    return name, bytes(answer)


def _trusted(pem: bytes, shown: str) -> tuple[list[Certificate], list[Certificate], Certificate | None]:
    """Return roots, what is between, and the authority's own certificate, if it is among them."""
    _library()
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise SigningError(f"{shown}: holds no certificate in PEM") from None
    roots = [one for one in found if one.issuer == one.subject]
    if not roots:
        raise SigningError(f"{shown}: holds no root certificate; give the one that issued the authority's")
    rest = [one for one in found if one not in roots]
    own = []
    for one in rest:
        try:
            uses = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (x509.ExtensionNotFound, ValueError):
            continue
        if ExtendedKeyUsageOID.TIME_STAMPING in uses:
            own.append(one)
    # With several authorities in one file any of them will do: the chain to a root decides.
    return roots, [one for one in rest if one not in own], own[0] if len(own) == 1 else None


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError:
        raise MissingExtra("a timestamp", "timestamp") from None
    return rfc3161_client
