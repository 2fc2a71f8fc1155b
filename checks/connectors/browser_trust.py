"""Where a site is, and how the browser comes to trust its certificate as ``requests`` would.

Chromium takes no bundle of authorities. Where the inventory names one, the certificate is checked
here against it, and the browser is told to accept that key and no other.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from checks.connectors.http_errors import CERTIFICATE
from checks.core.errors import MissingAddress, MissingDriver, TimedOut, Unreachable
from checks.core.model import Target


@dataclass(frozen=True, slots=True)
class Origin:
    """A site's address in parts: ``base`` has no user and no final slash; ``login`` is user and password."""

    base: str
    scheme: str
    host: str
    port: int
    login: tuple[str, str] | None = None

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def root(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"

    def holds(self, url: str) -> bool:
        """Whether ``url`` is on this site: same host and port, or the same host by HTTPS instead of HTTP."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            return False
        if (parts.hostname or "") != self.host or parts.scheme not in {"http", "https"}:
            return False
        upgraded = self.scheme == "http" and parts.scheme == "https"
        return upgraded or (parts.scheme == self.scheme and port == self.port)


def origin_of(target: Target) -> Origin:
    """Return where ``target`` is; raises ``Unreachable`` for what is no web address, ``MissingAddress``."""
    if target.address is None:
        raise Unreachable(f"{target.id}: has no address")
    wrong = Unreachable(f"{target.id}: {target.address} is not an http or https address")
    try:
        parts = urlsplit(target.address.reveal().strip())
        port, host = parts.port, parts.hostname
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not host:
        raise wrong
    place = f"[{host}]" if ":" in host else host
    netloc = place if port is None else f"{place}:{port}"
    base = urlunsplit(SplitResult(parts.scheme, netloc, parts.path.rstrip("/"), "", ""))
    login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return Origin(base, parts.scheme, host, port or (443 if parts.scheme == "https" else 80), login)


def pin(target: Target, origin: Origin, timeout: float) -> str | None:
    """Return the SHA-256 (base64) of the key to accept; ``None`` where the public authorities count.

    Raises ``Unreachable`` or ``TimedOut`` if the certificate is not good under the bundle that
    ``target`` names, or cannot be had.
    """
    variable = target.secrets.get("ca")
    try:
        path = "" if variable is None else variable.reveal()
    except MissingAddress:
        path = ""
    if not path or origin.scheme != "https":
        return None
    try:
        context = ssl.create_default_context(cafile=path)
    except OSError:
        raise Unreachable(f"{target.id}: {variable} names no readable CA bundle") from None
    try:
        with (
            socket.create_connection((origin.host, origin.port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=origin.host) as secure,
        ):
            certificate = secure.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        words = CERTIFICATE.get(error.verify_code, "its certificate is not accepted")
        raise Unreachable(f"{target.id}: TLS refused, {words}") from None
    except TimeoutError:
        raise TimedOut(f"{target.id}: no TLS connection in the time allowed") from None
    except ConnectionRefusedError:
        raise Unreachable(f"{target.id}: connection refused") from None
    except OSError:
        raise Unreachable(f"{target.id}: no TLS connection could be agreed") from None
    try:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        from cryptography.x509 import load_der_x509_certificate
    except ImportError:
        raise MissingDriver(
            "a CA bundle in a browser needs cryptography: pip install 'policyproof[browser]'"
        ) from None
    key = load_der_x509_certificate(certificate).public_key()
    raw = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(raw).digest()).decode()
