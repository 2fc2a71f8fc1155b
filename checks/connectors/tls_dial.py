"""Connections on which TLS can begin, for each protocol that has its own way to ask for it."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from checks.core.errors import NotAssessed, TimedOut, Unreachable, Unreadable
from checks.core.model import Target

PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "redis": 6379, "amqp": 5672, "tls": 443}
_SCHEMES = {
    "postgres": "postgresql",
    "mariadb": "mysql",
    "rediss": "redis",
    "amqps": "amqp",
    "valkey": "redis",
    "valkeys": "redis",
}
_TLS_PORTS = {"rediss": 6379, "amqps": 5671}
MYSQL_SSL = 0x0800
_MYSQL_CAPABILITIES = 0x0200 | 0x8000 | 0x0001 | 0x80000 | MYSQL_SSL  # 4.1 protocol, secure, auth plugins
_PACKET = 64 * 1024


class NotOffered(Exception):
    """The server speaks its protocol and does not offer TLS."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server is reached, by what protocol, and as whom."""

    name: str  # of the target, for messages
    protocol: str  # http, https, postgresql, mysql, redis, amqp, tls
    host: str
    port: int
    user: str = ""
    database: str = ""
    path: str = ""
    password: str = field(default="", repr=False)  # used for an answer to a challenge, never sent

    @property
    def shown(self) -> str:
        """Host and port, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def door_of(target: Target) -> Door:
    """Return where ``target`` is reached; raises ``Unreachable`` for what is no address of a server."""
    if target.address is None:
        raise Unreachable(f"{target.id}: has no address")
    known = "https://, postgresql://, mysql://, redis://, amqp:// or tls://"
    wrong = Unreachable(f"{target.id}: {target.address} is not an address of a server ({known})")
    try:
        parts = urlsplit(target.address.reveal().strip())
        port, host = parts.port, parts.hostname
        if host:
            host.encode("idna")
    except ValueError:  # of which UnicodeError is one
        raise wrong from None
    scheme = parts.scheme.partition("+")[0]
    protocol = _SCHEMES.get(scheme, scheme)
    if protocol not in PORTS or not host:
        raise wrong
    return Door(
        name=target.id,
        protocol=protocol,
        host=host,
        port=port or _TLS_PORTS.get(scheme, PORTS[protocol]),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")),
        path=parts.path.rstrip("/") if protocol in {"http", "https"} else "",
    )


class Line:
    """A socket whose every wait ends at one deadline, however slowly bytes arrive."""

    def __init__(self, raw: socket.socket, deadline: float) -> None:
        self.socket = raw
        self._deadline = deadline

    def remaining(self) -> float:
        """Seconds left; raises ``TimeoutError`` if none are."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def recv(self, size: int) -> bytes:
        """See ``socket.recv``."""
        self.socket.settimeout(self.remaining())
        return self.socket.recv(size)

    def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        self.socket.settimeout(self.remaining())
        self.socket.sendall(data)

    def exactly(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer where the connection ends."""
        data = b""
        while len(data) < size and (more := self.recv(size - len(data))):
            data += more
        return data


@contextmanager
def dial(door: Door, timeout: float) -> Iterator[Line]:
    """Yield a new connection; raises ``Unreachable`` or ``TimedOut`` in one line."""
    what = f"{door.name}: {door.shown}"
    try:
        raw = socket.create_connection((door.host, door.port), timeout)
    except TimeoutError:
        raise TimedOut(f"{what}: no connection in the time allowed") from None
    except ConnectionRefusedError:
        raise Unreachable(f"{what}: connection refused") from None
    except socket.gaierror:
        raise Unreachable(f"{what}: no such host") from None
    except OSError as error:
        raise Unreachable(f"{what}: cannot connect ({error.strerror or type(error).__name__})") from None
    with closing(raw):
        yield Line(raw, time.monotonic() + timeout)


@contextmanager
def ready_for_tls(door: Door, timeout: float) -> Iterator[Line]:
    """Yield a new connection on which the next bytes may be a ClientHello.

    Raises ``NotOffered`` if the server says that it has no TLS, else a ``NotAssessed``.
    """
    with dial(door, timeout) as line:
        with explained(door):
            if door.protocol == "http":
                raise NotOffered
            if door.protocol == "postgresql":
                _ask_postgres(door, line)
            elif door.protocol == "mysql":
                _ask_mysql(door, line)
        yield line


@contextmanager
def explained(door: Door) -> Iterator[None]:
    """Turn what a socket raises into a ``NotAssessed`` that names the target."""
    what = f"{door.name}: {door.shown}"
    try:
        yield
    except (NotAssessed, NotOffered):
        raise
    except TimeoutError:
        raise TimedOut(f"{what}: no answer in the time allowed") from None
    except OSError as error:
        raise Unreachable(
            f"{what}: the connection broke ({error.strerror or type(error).__name__})"
        ) from None


def _ask_postgres(door: Door, line: Line) -> None:
    """Send SSLRequest (PostgreSQL's protocol 3.0, "SSL Session Encryption")."""
    line.send(struct.pack(">II", 8, 80877103))
    answer = line.recv(1)
    if answer == b"N":
        raise NotOffered
    if answer != b"S":
        raise Unreadable(f"{door.name}: {door.shown} does not answer as PostgreSQL does")


def _ask_mysql(door: Door, line: Line) -> None:
    """Read the greeting, send an SSLRequest packet (MySQL's protocol, "SSL Handshake")."""
    if not mysql_greeting(door, line).capabilities & MYSQL_SSL:
        raise NotOffered
    body = struct.pack("<IIB23x", _MYSQL_CAPABILITIES, _PACKET, 45)
    line.send(struct.pack("<I", len(body))[:3] + b"\x01" + body)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a MySQL or MariaDB server says first."""

    capabilities: int
    mariadb: bool
    salt: bytes = field(repr=False)


def mysql_greeting(door: Door, line: Line) -> Greeting:
    """Return the greeting of a MySQL server (its protocol, "HandshakeV10")."""
    body = mysql_packet(door, line)
    version, _, rest = body[1:].partition(b"\0")
    if body[:1] != b"\x0a" or not version or len(rest) < 15:
        raise Unreadable(f"{door.name}: {door.shown} does not answer as MySQL does")
    capabilities = int.from_bytes(rest[13:15], "little")
    return Greeting(capabilities, b"mariadb" in version.lower(), rest[4:12] + rest[31:43])


def mysql_packet(door: Door, line: Line) -> bytes:
    """Return the body of the next packet; an error packet is left to the reader."""
    header = line.exactly(4)
    length = int.from_bytes(header[:3], "little")
    if len(header) < 4 or not 0 < length <= _PACKET:
        raise Unreadable(f"{door.name}: {door.shown} does not answer as MySQL does")
    return line.exactly(length)
