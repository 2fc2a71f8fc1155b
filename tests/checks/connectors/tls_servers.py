"""Small servers on loopback that speak TLS in a stated way, or something else, and targets for them."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from checks.core.model import Address, Location, Observation, Target, Transport

PEM = serialization.Encoding.PEM


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Hand each connection to ``talk`` in a thread of its own; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    stopping = threading.Event()
    threads: list[threading.Thread] = []

    def one(raw: socket.socket) -> None:
        with raw, suppress(OSError):
            raw.settimeout(3)
            talk(raw)

    def accept() -> None:
        while not stopping.is_set():
            with suppress(TimeoutError):
                raw, _ = listener.accept()
                threads.append(threading.Thread(target=one, args=(raw,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stopping.set()
        acceptor.join()
        listener.close()
        for thread in threads:
            thread.join()


def secure(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """Complete a handshake, then wait for the other side to end."""

    def talk(raw: socket.socket) -> None:
        with context.wrap_socket(raw, server_side=True) as line:
            line.recv(1)

    return talk


def context(
    leaf: trustme.LeafCert | None = None,
    *,
    lowest: ssl.TLSVersion = ssl.TLSVersion.MINIMUM_SUPPORTED,
    highest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ciphers: str = "ALL:@SECLEVEL=0",
    pem: bytes | None = None,
) -> ssl.SSLContext:
    """Return a server's context that speaks these versions and ciphers."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = lowest, highest
    made.set_ciphers(ciphers)
    if leaf is not None:
        leaf.configure_cert(made)
    if pem is not None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(pem)
            file.flush()
            made.load_cert_chain(file.name)
    return made


def issued(
    ca: trustme.CA,
    *,
    bits: int = 2048,
    days: tuple[float, float] = (-1, 365),
) -> bytes:
    """Return key and certificate for 127.0.0.1, as weak as asked, signed by ``ca``."""
    key = rsa.generate_private_key(65537, bits)
    signer = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
    issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes()).subject
    now = datetime.now(UTC)
    name = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ada.lovelace")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(name, critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    )
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + made.public_bytes(PEM)


def way_to(url: str, *, ca: Path | None = None, kind: str = "site", **more: str | tuple[str, ...]) -> Target:
    """Return the target for the way to ``url``; ``http`` and ``token`` in ``more`` are addresses."""
    secrets = {"ca": Address("LAB_CA", str(ca))} if ca else {}
    for key in ("http", "token"):
        if key in more:
            secrets[key] = Address(f"LAB_{key.upper()}", str(more.pop(key)))
    spec = Transport(id="x.transport", of="x", title="Under test", **{"pages": ("/",), **more})  # type: ignore[arg-type]
    return Target(
        spec.id, "transport", spec.title, spec, Address("LAB_URL", url), secrets, kind, location=Location("i")
    )


def lines(seen: list[Observation]) -> list[str]:
    """Return observations as lines that a test can compare."""
    return [f"{one.outcome.value} {one.subject}: {one.detail}" for one in seen]
