"""A TLS ClientHello of our own for each protocol version, and what the server says to it.

The local OpenSSL refuses to speak what is old or weak, so it cannot tell whether a server would. The
first message of a handshake is plain bytes; the server's choice stands in its answer to it.
"""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

VERSIONS = {
    "SSL 3.0": 0x0300,
    "TLS 1.0": 0x0301,
    "TLS 1.1": 0x0302,
    "TLS 1.2": 0x0303,
    "TLS 1.3": 0x0304,
}
"""Protocol versions by name (RFC 6101, 2246, 4346, 5246, 8446)."""

_MODERN = (0x1301, 0x1302, 0x1303)
_USUAL = (
    *(0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0x009C, 0x009D, 0x009E, 0x009F, 0xCCAA),  # AEAD
    *(0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028),  # ECDHE with CBC
    *(0x002F, 0x0035, 0x003C, 0x003D, 0x0033, 0x0039, 0x0067, 0x006B, 0x0041, 0x0084),
    *(0x000A, 0xC012, 0xC008, 0x0016, 0x0005, 0x0004, 0xC011, 0xC007),  # triple DES, RC4
)
WEAK = (
    *(0x0000, 0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010),  # no encryption
    *(0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019),  # export grade
    *(0x0018, 0x001A, 0x001B, 0x0034, 0x003A, 0x006C, 0x006D, 0x00A6, 0x00A7),  # anonymous
    *(0xC015, 0xC017, 0xC018, 0xC019),
    *(0x0004, 0x0005, 0xC002, 0xC007, 0xC00C, 0xC011),  # RC4
    *(0x0009, 0x000C, 0x000F, 0x0012, 0x0015),  # DES
    *(0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0xC003, 0xC008, 0xC00D, 0xC012),  # triple DES
)
"""Cipher suites that RFC 9325, 4.1 forbids: none, export, anonymous, RC4 and under 112 bits."""

_ALERTS = {
    40: "no common parameters",
    47: "an illegal parameter",
    70: "protocol version not supported",
    71: "insufficient security",
    80: "an internal error",
    86: "a downgrade",
    112: "an unknown host name",
}
_FATAL_OF_VERSION = frozenset({40, 47, 70, 71, 80, 86})
_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: ``version`` and ``suite`` chosen, an ``alert``, or ``closed`` without a word."""

    version: int | None = None
    suite: int | None = None
    alert: int | None = None
    closed: bool = False

    @property
    def refused(self) -> bool:
        """Whether the server declined what was offered."""
        return self.closed or self.alert in _FATAL_OF_VERSION

    @property
    def words(self) -> str:
        """What was said instead of a choice."""
        if self.alert is not None:
            return f"alert: {_ALERTS.get(self.alert, f'number {self.alert}')}"
        return "the connection was closed"


class Readable(Protocol):
    """Something bytes arrive on."""

    def recv(self, size: int, /) -> bytes:
        """See ``socket.recv``."""


class NotTls(Exception):
    """The answer to a ClientHello is not TLS."""


def client_hello(version: int, host: str, suites: Sequence[int] | None = None) -> bytes:
    """Return the record of a ClientHello that offers ``version`` and no other.

    ``host`` goes into the server name, unless it is an address (RFC 6066, 3). ``suites`` are cipher
    suite numbers; by default every one in wide use, so that a refusal is about the version.
    """
    if suites is None:
        suites = _MODERN if version == VERSIONS["TLS 1.3"] else _USUAL
    extensions = b"" if version == VERSIONS["SSL 3.0"] else _extensions(version, host)
    body = struct.pack(">H", min(version, 0x0303)) + os.urandom(32)
    body += _short(os.urandom(32) if version == VERSIONS["TLS 1.3"] else b"")
    body += _long(b"".join(struct.pack(">H", suite) for suite in suites))
    body += b"\x01\x00" + (_long(extensions) if extensions else b"")
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16" + struct.pack(">H", min(version, 0x0301)) + _long(message)


def _short(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def _long(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack(">H", number) + _long(data)


def _extensions(version: int, host: str) -> bytes:
    found = b""
    if not _is_address(host):
        found += _extension(0, _long(b"\x00" + _long(host.encode("idna"))))
    found += _extension(10, _long(bytes.fromhex("001d001700180019")))  # X25519, P-256, P-384, P-521
    found += _extension(11, _short(b"\x00"))
    if version >= VERSIONS["TLS 1.2"]:  # ECDSA, EdDSA, RSA-PSS, RSA; SHA-1 for servers that are old
        signatures = "040305030603080708080804080508060401050106010203020108090809"
        found += _extension(13, _long(bytes.fromhex(signatures)))
    found += _extension(0xFF01, b"\x00")  # secure renegotiation: some servers insist
    if version == VERSIONS["TLS 1.3"]:
        found += _extension(43, _short(struct.pack(">H", version)))
        found += _extension(45, b"\x01\x01")
        found += _extension(51, _long(b"\x00\x1d" + _long(os.urandom(32))))  # any 32 bytes are a point
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def read_reply(line: Readable) -> Reply:
    """Return what the server says to a ClientHello; raises ``NotTls``, ``TimeoutError``, ``OSError``."""
    handshake = b""
    total = 0
    while True:
        header = _exactly(line, 5)
        if header is None:
            return Reply(closed=True)
        kind, length = header[0], struct.unpack(">H", header[3:])[0]
        if header[1] != 3 or kind not in {20, 21, 22, 23} or length > 18432:
            raise NotTls
        total += length
        payload = _exactly(line, length)
        if payload is None:
            return Reply(closed=True)
        if kind == 21 and len(payload) >= 2:
            if payload[0] == 2 or payload[1] != 112:  # a warning about the name goes before the answer
                return Reply(alert=payload[1])
            continue
        if kind != 22 or total > _LIMIT:
            raise NotTls
        handshake += payload
        if handshake[:1] != b"\x02":
            raise NotTls
        size = int.from_bytes(handshake[1:4], "big")
        if len(handshake) >= 4 + size:
            return _server_hello(handshake[4 : 4 + size])


def _exactly(line: Readable, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        try:
            more = line.recv(size - len(data))
        except (ConnectionResetError, BrokenPipeError):
            return None
        if not more:
            return None
        data += more
    return data


def _server_hello(body: bytes) -> Reply:
    """Read version and suite; TLS 1.3 states its version in an extension (RFC 8446, 4.2.1)."""
    try:
        version = struct.unpack(">H", body[:2])[0]
        at = 35 + body[34]
        suite = struct.unpack(">H", body[at : at + 2])[0]
        at += 5
        while at + 4 <= len(body):
            number, length = struct.unpack(">HH", body[at : at + 4])
            if number == 43 and length == 2:
                version = struct.unpack(">H", body[at + 4 : at + 6])[0]
            at += 4 + length
    except (struct.error, IndexError):
        raise NotTls from None
    return Reply(version=version, suite=suite)
