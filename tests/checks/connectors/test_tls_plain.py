"""Databases, caches and brokers that demand TLS, offer it, or know none: real ones where there are."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest
import trustme

from checks import transport
from checks.connectors.tls import TransportView
from checks.connectors.tls_plain import _proof
from checks.core.errors import NotAssessed
from tests import servers
from tests.checks.connectors.tls_servers import context, lines, listening, secure, way_to

PASSWORD = "never-sent-0451"


def judged(url: str, ca: Path | None = None, timeout: float = 2.0) -> list[str]:
    with TransportView.open(way_to(url, ca=ca, kind="server"), timeout=timeout) as view:
        return lines(list(transport.server_demands_tls(view)))


def keys(authority: tuple[trustme.CA, Path], folder: Path, owner: dict[str, Any]) -> tuple[Path, Path]:
    """Write certificate and key where a server that runs as ``owner`` can read them."""
    leaf = authority[0].issue_cert("127.0.0.1")
    certificate, key = folder / "server.pem", folder / "server.key"
    leaf.cert_chain_pems[0].write_to_path(str(certificate))
    leaf.private_key_pem.write_to_path(str(key))
    key.chmod(0o600)
    for path in (certificate, key):
        if owner:
            os.chown(path, owner["user"], owner["group"])
    return certificate, key


@contextmanager
def running(command: list[str | Path], port: int, folder: Path, **owner: Any) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output, cwd=folder, **owner)
    try:
        servers.until_ready(
            process, log, lambda: socket.create_connection(("127.0.0.1", port), 1).close(), OSError
        )
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def postgres_with_tls(authority: tuple[trustme.CA, Path]) -> Iterator[str]:
    """A PostgreSQL built with TLS, whose rules let ``app`` in encrypted only and ``lax`` either way."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("no PostgreSQL with TLS is installed (Debian package postgresql)")
    binaries = found[-1].parent
    folder, owner = servers.place()
    data = folder / "data"
    servers.run([binaries / "initdb", "-D", data, "-U", "postgres", "--no-sync"], cwd=folder, **owner)
    certificate, key = keys(authority, folder, owner)
    (data / "pg_hba.conf").write_text(
        "hostssl all app 127.0.0.1/32 scram-sha-256\nhost all lax 127.0.0.1/32 scram-sha-256\n"
    )
    port = servers.free_port()
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": port}
    settings |= {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key, "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with running([binaries / "postgres", "-D", data, *options], port, folder, **owner):
        yield f"postgresql://{{}}:{PASSWORD}@127.0.0.1:{port}/postgres"


def test_postgres_demands_tls(postgres_with_tls: str, authority: tuple[trustme.CA, Path]) -> None:
    url = postgres_with_tls.format("app")
    until = time.monotonic() + 20
    while True:  # it listens a moment before it answers
        with suppress(NotAssessed):
            seen = judged(url, authority[1])
            break
        assert time.monotonic() < until
        time.sleep(0.1)
    assert len(seen) == 1
    assert seen[0].endswith("refuses to go on without TLS (SQLSTATE 28000)")
    assert PASSWORD not in "".join(seen)
    with TransportView.open(way_to(url, ca=authority[1], kind="server"), timeout=3) as view:
        assert all(line.startswith("met") for line in lines(list(transport.modern_tls_only(view))))
        assert all(line.startswith("met") for line in lines(list(transport.certificate_holds(view))))


def test_postgres_offers_tls_and_does_not_demand_it(postgres_with_tls: str) -> None:
    seen = judged(postgres_with_tls.format("lax"))
    assert seen[0].startswith("violated")
    assert seen[0].endswith("postgresql goes on to authenticate without TLS")


def test_postgres_refuses_this_login_in_any_way(postgres_with_tls: str) -> None:
    with pytest.raises(NotAssessed, match="refuses this login with TLS as well"):
        judged(postgres_with_tls.format("nobody-known"))


def test_postgres_without_tls(postgres_server: servers.Server) -> None:
    url = postgres_server.url("postgres")
    assert judged(url)[0].endswith("postgresql goes on to authenticate without TLS")
    with TransportView.open(way_to(url, kind="server"), timeout=3) as view:
        for check in (transport.modern_tls_only, transport.certificate_holds):
            assert lines(list(check(view)))[0].endswith("offers no TLS: everything is in the clear")


def test_mariadb_takes_clients_in_the_clear(mariadb_server: servers.Server) -> None:
    seen = judged(mariadb_server.url("mysql"))
    assert seen[0].startswith("violated")
    assert "without TLS" in seen[0]


@pytest.fixture(scope="module")
def redis_ports(authority: tuple[trustme.CA, Path]) -> Iterator[tuple[int, int]]:
    """A Redis that listens in the clear on one port and by TLS on another."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed (Debian package redis-server)")
    folder, owner = servers.place()
    certificate, key = keys(authority, folder, owner)
    plain, encrypted = servers.free_port(), servers.free_port()
    command: list[str | Path] = [binary, "--bind", "127.0.0.1", "--save", "", "--port", str(plain)]
    command += ["--tls-port", str(encrypted), "--tls-cert-file", certificate, "--tls-key-file", key]
    command += ["--tls-auth-clients", "no", "--requirepass", PASSWORD]
    with running(command, encrypted, folder, **owner):
        yield plain, encrypted


def test_redis(redis_ports: tuple[int, int], authority: tuple[trustme.CA, Path]) -> None:
    plain, encrypted = redis_ports
    assert judged(f"redis://127.0.0.1:{plain}")[0].endswith("redis answers a command without TLS")
    seen = judged(f"rediss://:{PASSWORD}@127.0.0.1:{encrypted}", authority[1])
    assert seen[0].startswith("met")
    with TransportView.open(way_to(f"redis://127.0.0.1:{plain}", kind="server"), timeout=3) as view:
        for check in (transport.modern_tls_only, transport.certificate_holds):
            assert lines(list(check(view)))[0].endswith("offers no TLS: everything is in the clear")


def test_a_broker(authority: tuple[trustme.CA, Path]) -> None:
    def plain(raw: socket.socket) -> None:
        raw.recv(8)
        raw.sendall(b"\x01\x00\x00\x00\x00\x01\xc0\x00\x0a\x00\x0a")

    with listening(plain) as port:
        assert judged(f"amqp://u:{PASSWORD}@127.0.0.1:{port}")[0].endswith("begins a session without TLS")
    with listening(secure(context(authority[0].issue_cert("127.0.0.1")))) as port:
        assert judged(f"amqps://127.0.0.1:{port}", authority[1])[0].startswith("met")
        assert judged(f"tls://127.0.0.1:{port}", authority[1])[0].endswith("begins with TLS")


def mysql(answer: bytes, capabilities: int = 0xFFFF) -> Callable[[socket.socket], None]:
    """Greet as MySQL 8 does and answer a client that goes on in the clear with ``answer``."""
    body = b"\x0a8.0.40\0" + b"\0" * 4 + b"a" * 8 + b"\0" + struct.pack("<H", capabilities) + b"\0" * 40

    def talk(raw: socket.socket) -> None:
        raw.sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)
        head = raw.recv(4)
        asked = raw.recv(int.from_bytes(head[:3], "little"))
        if len(asked) == 32:  # SSLRequest
            secure(leaf_context)(raw)
        else:
            assert PASSWORD.encode() not in asked
            raw.sendall(struct.pack("<I", len(answer))[:3] + b"\x02" + answer)

    return talk


leaf_context: ssl.SSLContext


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\xff\x57\x0c#HY000Connections using insecure transport are prohibited", "met"),
        (b"\xff\x15\x04#28000Access denied", "violated"),
        (b"\xfemysql_native_password\0", "violated"),
        (b"\x00\x00\x00\x02\x00\x00\x00", "violated"),
    ],
)
def test_mysql(authority: tuple[trustme.CA, Path], answer: bytes, expected: str) -> None:
    global leaf_context
    leaf_context = context(authority[0].issue_cert("127.0.0.1"))
    with listening(mysql(answer)) as port:
        seen = judged(f"mysql://app:{PASSWORD}@127.0.0.1:{port}/shop", authority[1])
    assert seen[0].split()[0] == expected
    assert "prohibited" not in seen[0]


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "redis", "amqp", "tls"])
@pytest.mark.parametrize("sent", [b"", b"\xff" * 4000, b"HTTP/1.1 400 Bad Request\r\n\r\n", None])
def test_what_answers_otherwise_or_not_at_all_is_not_assessed(scheme: str, sent: bytes | None) -> None:
    def talk(raw: socket.socket) -> None:
        if sent is None:
            time.sleep(0.6)
        else:
            raw.sendall(sent)
            raw.recv(1000)

    began = time.monotonic()
    with listening(talk) as port, pytest.raises(NotAssessed) as caught:
        judged(f"{scheme}://u:{PASSWORD}@127.0.0.1:{port}/d", timeout=0.3)
    assert time.monotonic() - began < 4
    assert "\n" not in caught.value.reason
    assert PASSWORD not in caught.value.reason


def greeting(version: bytes, answer: Callable[[bytes], bytes]) -> Callable[[socket.socket], None]:
    """Greet as MariaDB does, with TLS on offer; ``answer`` gets what a client without it says."""
    salt = bytes(range(1, 21))
    body = b"\x0a" + version + b"\0" + b"\0" * 4 + salt[:8] + b"\0" + struct.pack("<H", 0xFFFF)
    body += b"\0" * 6 + b"\0" * 10 + salt[8:] + b"\0"

    def talk(raw: socket.socket) -> None:
        raw.sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)
        asked = raw.recv(int.from_bytes(raw.recv(4)[:3], "little"))
        if len(asked) == 32:
            secure(leaf_context)(raw)
        else:
            assert PASSWORD.encode() not in asked
            said = answer(asked)
            raw.sendall(struct.pack("<I", len(said))[:3] + b"\x02" + said)

    return talk


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\xff\x57\x0c#08004Connections using insecure transport are prohibited", "met"),
        (b"\x00\x00\x00\x02\x00\x00\x00", "violated"),
        (b"\xff\x15\x04#28000Access denied", None),
        (b"\xfeclient_ed25519\0", None),
    ],
)
def test_mariadb_decides_after_the_login(
    authority: tuple[trustme.CA, Path], answer: bytes, expected: str | None
) -> None:
    global leaf_context
    leaf_context = context(authority[0].issue_cert("127.0.0.1"))
    with listening(greeting(b"5.5.5-11.4.2-MariaDB", lambda _: answer)) as port:
        url = f"mysql://app:{PASSWORD}@127.0.0.1:{port}/shop"
        if expected is None:
            with pytest.raises(NotAssessed, match="does not take this login") as caught:
                judged(url, authority[1])
            assert PASSWORD not in caught.value.reason
        else:
            assert judged(url, authority[1])[0].split()[0] == expected


def test_the_proof_is_the_one_mysql_takes() -> None:
    assert _proof("x", b"a" * 20) == pymysql._auth.scramble_native_password(b"x", b"a" * 20)
