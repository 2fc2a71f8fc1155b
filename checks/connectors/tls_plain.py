"""Whether a database, cache or broker would talk to a client that does not encrypt.

Each probe goes as far as a client goes before its password, and no password is ever sent.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

from checks.connectors.tls_certificates import Channel, anything
from checks.connectors.tls_dial import (
    MYSQL_SSL,
    Door,
    Line,
    dial,
    explained,
    mysql_greeting,
    mysql_packet,
    ready_for_tls,
)
from checks.core.errors import Unreadable

_MYSQL_SECURE_REQUIRED = 3159  # ER_SECURE_TRANSPORT_REQUIRED; MariaDB uses the same number
_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Plain:
    """``accepted``: the server went on without TLS; else it refused, in the words of ``detail``."""

    accepted: bool
    detail: str


def plaintext(door: Door, timeout: float) -> Plain:
    """Return what a server does with a client that speaks its protocol without TLS.

    Raises ``Unreadable`` for an answer that says neither, and what connecting raises.
    """
    probe = _PROBES.get(door.protocol)
    if probe is None:
        raise Unreadable(f"{door.name}: no plain form of {door.protocol} is known")
    with dial(door, timeout) as line, explained(door):
        return probe(door, line)


def postgres_goes_on_with_tls(door: Door, timeout: float) -> bool:
    """Whether the same start goes on once it is encrypted, so that a refusal was about encryption."""
    with ready_for_tls(door, timeout) as line, explained(door):
        channel = Channel(anything(), line, door.host)
        channel.send(postgres_startup(door))
        return postgres_answer(door, channel.exactly)[0] == "R"


def _strange(door: Door, what: str) -> Unreadable:
    return Unreadable(f"{door.name}: {door.shown} does not answer as {what} does")


def postgres_startup(door: Door) -> bytes:
    """Return a StartupMessage for the user and database of ``door`` (protocol 3.0, no password)."""
    given = {"user": door.user or "postgres", "database": door.database or "postgres"}
    body = b"".join(f"{key}\0{value}\0".encode() for key, value in given.items()) + b"\0"
    return struct.pack(">II", len(body) + 8, 196608) + body


def postgres_answer(door: Door, read: Callable[[int], bytes]) -> tuple[str, str]:
    """Return type and SQLSTATE of the first message: ``("R", "")`` asks for a password or lets in."""
    header = read(5)
    if len(header) < 5:
        return "", ""
    kind, length = header[:1].decode("latin-1"), struct.unpack(">I", header[1:])[0]
    if kind not in {"R", "E"} or not 4 <= length <= _LIMIT:
        raise _strange(door, "PostgreSQL")
    fields = read(length - 4).split(b"\0") if kind == "E" else []
    code = next((field[1:] for field in fields if field[:1] == b"C"), b"").decode("ascii", "replace")
    return kind, code if code.isalnum() and len(code) == 5 else ""


def _postgres(door: Door, line: Line) -> Plain:
    line.send(postgres_startup(door))
    kind, code = postgres_answer(door, line.exactly)
    if kind == "R":
        return Plain(True, "goes on to authenticate without TLS")
    if not kind:
        return Plain(False, "closes a connection that does not ask for TLS")
    if code in {"28000", "08P01", "0A000", "08004"}:  # no pg_hba entry; a pooler's "TLS required"
        return Plain(False, f"refuses to go on without TLS (SQLSTATE {code})")
    raise Unreadable(f"{door.name}: {door.shown} answers with an error of its own (SQLSTATE {code or '?'})")


def _mysql(door: Door, line: Line) -> Plain:
    """Answer the greeting as a client without TLS.

    MySQL demands TLS before it judges a login; MariaDB lets in or not, and only then demands it, so it
    alone gets the answer to its challenge that proves the password (mysql_native_password).
    """
    greeting = mysql_greeting(door, line)
    offers = bool(greeting.capabilities & MYSQL_SSL)
    proof = _proof(door.password, greeting.salt) if greeting.mariadb and offers and door.password else b""
    flags = 0x0200 | 0x8000 | 0x0001 | 0x80000
    body = struct.pack("<IIB23x", flags, _LIMIT, 45) + (door.user or "root").encode() + b"\0"
    body += bytes([len(proof)]) + proof + b"mysql_native_password\0"
    line.send(struct.pack("<I", len(body))[:3] + b"\x01" + body)
    answer = mysql_packet(door, line)
    number = int.from_bytes(answer[1:3], "little") if answer[:1] == b"\xff" else 0
    if number == _MYSQL_SECURE_REQUIRED:
        return Plain(False, "refuses to go on without TLS (error 3159)")
    if greeting.mariadb and offers and answer[:1] != b"\0":
        raise Unreadable(
            f"{door.name}: {door.shown} does not take this login, and MariaDB demands TLS only after one"
        )
    if not number:
        return Plain(True, "goes on to authenticate without TLS")
    if number in {1045, 1698, 1251, 1044}:
        return Plain(
            True, f"judges a login without TLS (error {number}){'' if offers else ', and offers none'}"
        )
    raise Unreadable(f"{door.name}: {door.shown} answers with an error of its own ({number})")


def _proof(password: str, salt: bytes) -> bytes:
    """Return SHA1(password) xor SHA1(salt + SHA1(SHA1(password))), as mysql_native_password has it."""

    def sha1(data: bytes) -> bytes:
        return hashlib.sha1(data, usedforsecurity=False).digest()

    once = sha1(password.encode())
    return bytes(a ^ b for a, b in zip(once, sha1(salt + sha1(once)), strict=True))


def _redis(door: Door, line: Line) -> Plain:
    line.send(b"*1\r\n$4\r\nPING\r\n")
    answer = _first(line, 5)
    if answer[:1] in {b"+", b"-"}:
        return Plain(True, "answers a command without TLS")
    return _closed_or_alert(door, answer, "Redis")


def _amqp(door: Door, line: Line) -> Plain:
    line.send(b"AMQP\x00\x00\x09\x01")
    answer = _first(line, 7)
    if answer[:4] == b"AMQP" or answer[:3] == b"\x01\x00\x00":
        return Plain(True, "begins a session without TLS")
    return _closed_or_alert(door, answer, "AMQP")


def _first(line: Line, size: int) -> bytes:
    try:
        return line.exactly(size)
    except (ConnectionResetError, BrokenPipeError):
        return b""


def _closed_or_alert(door: Door, answer: bytes, what: str) -> Plain:
    if not answer:
        return Plain(False, "closes a connection that does not begin with TLS")
    if answer[:2] == b"\x15\x03":
        return Plain(False, "answers with a TLS alert what does not begin with TLS")
    raise _strange(door, what)


_PROBES: dict[str, Callable[[Door, Line], Plain]] = {
    "postgresql": _postgres,
    "mysql": _mysql,
    "redis": _redis,
    "amqp": _amqp,
}
