"""Protocol versions as servers really negotiate them, and servers that do not."""

from __future__ import annotations

import socket
import ssl
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from checks import transport
from checks.connectors.tls import TransportView
from checks.core.errors import NotAssessed
from tests.checks.connectors.tls_servers import context, lines, listening, secure, way_to

V = ssl.TLSVersion
OLD = V.MINIMUM_SUPPORTED  # naming TLS 1.0 itself is deprecated


def judged(port: int, *, timeout: float = 2.0, scheme: str = "https") -> list[str]:
    with TransportView.open(way_to(f"{scheme}://127.0.0.1:{port}"), timeout=timeout) as view:
        return lines(list(transport.modern_tls_only(view)))


def leaf(authority: tuple[trustme.CA, Path]) -> trustme.LeafCert:
    return authority[0].issue_cert("127.0.0.1")


def test_a_modern_server(authority: tuple[trustme.CA, Path]) -> None:
    server = context(leaf(authority), lowest=V.TLSv1_2, ciphers="DEFAULT")
    with listening(secure(server)) as port:
        seen = judged(port)
    assert [line.split(":")[0] for line in seen] == [
        "met SSL 3.0",
        "met TLS 1.0",
        "met TLS 1.1",
        "met TLS 1.2",
        "met TLS 1.3",
        "met forbidden cipher suites",
    ]
    assert seen[3].endswith("was agreed to")
    assert "not supported" in seen[1]


@pytest.mark.parametrize("only", [V.TLSv1_2, V.TLSv1_3])
def test_one_of_the_two_is_enough(authority: tuple[trustme.CA, Path], only: ssl.TLSVersion) -> None:
    with listening(secure(context(leaf(authority), lowest=only, highest=only, ciphers="DEFAULT"))) as port:
        seen = judged(port)
    assert all(line.startswith("met") for line in seen)
    assert len([line for line in seen if line.endswith("was agreed to")]) == 1


def test_old_versions_are_seen_though_the_local_library_refuses_them(
    authority: tuple[trustme.CA, Path],
) -> None:
    with listening(secure(context(leaf(authority), lowest=OLD))) as port:
        seen = judged(port)
    assert "violated TLS 1.0: was agreed to" in seen
    assert "violated TLS 1.1: was agreed to" in seen
    assert "met TLS 1.3: was agreed to" in seen


def test_nothing_but_old_versions(authority: tuple[trustme.CA, Path]) -> None:
    server = context(leaf(authority), lowest=OLD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    with listening(secure(server)) as port:
        seen = judged(port)
    assert "violated TLS 1.2: neither it nor TLS 1.3 is spoken" in seen


@pytest.mark.parametrize("ciphers", ["aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0"])
def test_a_suite_without_encryption_or_identity(authority: tuple[trustme.CA, Path], ciphers: str) -> None:
    server = context(leaf(authority), lowest=V.TLSv1_2, ciphers=ciphers)
    with listening(secure(server)) as port:
        seen = judged(port)
    assert [line for line in seen if line.startswith("violated")] == [
        next(line for line in seen if line.startswith("violated forbidden cipher suites: suite 0x"))
    ]


def test_plain_http_has_no_tls() -> None:
    with listening(closing) as port:
        seen = judged(port, scheme="http")
    assert seen == [f"violated 127.0.0.1:{port}: offers no TLS: everything is in the clear"]


def silent(raw: socket.socket) -> None:
    raw.recv(1000)
    time.sleep(1.5)


def closing(raw: socket.socket) -> None:
    raw.recv(10_000)


def dripping(raw: socket.socket) -> None:
    raw.recv(1000)
    raw.sendall(b"\x16\x03\x03\x40\x00")
    for _ in range(20):
        raw.sendall(b"\x02")
        time.sleep(0.1)


def shouting(raw: socket.socket) -> None:
    for _ in range(2000):
        raw.sendall(b"\x15\x03\x03\x00\x02\x01\x70" * 1000)  # warnings without end


def babbling(raw: socket.socket) -> None:
    raw.recv(1000)
    raw.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def malformed(raw: socket.socket) -> None:
    raw.recv(1000)
    raw.sendall(b"\x16\x03\x03\x00\x08\x02\x00\x00\x04\x03\x03\xff\xff")


def fragmented(raw: socket.socket) -> None:
    raw.recv(1000)
    raw.sendall(b"\x16\x03\x03\x00\x00" * 10_000)


@pytest.mark.parametrize(
    "server", [silent, closing, dripping, shouting, babbling, malformed, fragmented], ids=lambda s: s.__name__
)
def test_what_is_no_tls_server_is_not_assessed_in_time(server: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with listening(server) as port, pytest.raises(NotAssessed) as caught:
        judged(port, timeout=0.4)
    assert time.monotonic() - began < 6
    assert caught.value.reason.startswith(f"x.transport: no TLS could be agreed with 127.0.0.1:{port}: ")


def test_nothing_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(NotAssessed, match="connection refused"):
        judged(port)


def test_one_version_that_is_not_answered_is_unseen(authority: tuple[trustme.CA, Path]) -> None:
    """A middlebox that swallows old ClientHellos says nothing of the server behind it."""
    modern = secure(context(leaf(authority), lowest=V.TLSv1_2, ciphers="DEFAULT"))

    def swallow(raw: socket.socket) -> None:
        first = raw.recv(1000, socket.MSG_PEEK)
        if first[9:11] == b"\x03\x01":
            raw.recv(1000)
            time.sleep(0.8)
        else:
            modern(raw)

    with listening(swallow) as port:
        seen = judged(port, timeout=0.5)
    assert [line for line in seen if not line.startswith("met")] == [
        f"unseen TLS 1.0: 127.0.0.1:{port}: no answer in the time allowed"
    ]


@pytest.mark.parametrize(
    "address",
    ["ftp://x", "127.0.0.1:443", "https://", "https://[::1", "https://x:99999", "https://" + "a" * 70],
)
def test_what_is_no_address_of_a_server(address: str) -> None:
    with (
        pytest.raises(NotAssessed, match=r"\$LAB_URL is not an address of a server"),
        TransportView.open(way_to(address)),
    ):
        pass
