"""Certificates that hold, and each way in which one does not."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from checks import transport
from checks.connectors.tls import TransportView
from checks.connectors.tls_certificates import Certificate
from checks.core.errors import NotAssessed
from checks.core.model import Period
from checks.core.registry import Scope
from tests.checks.connectors.tls_servers import context, issued, lines, listening, secure, way_to


def scope(inventory: Any = None) -> Scope:
    return Scope(
        inventory or SimpleNamespace(own_hosts=()), datetime.now(UTC), way_to("x"), lambda _: None, {}
    )


def judged(
    server: ssl.SSLContext, ca: Path | None, host: str = "127.0.0.1", ahead: str = "P14D"
) -> tuple[list[str], list[str]]:
    with (
        listening(secure(server)) as port,
        TransportView.open(way_to(f"https://{host}:{port}", ca=ca), timeout=3) as view,
    ):
        holds = lines(list(transport.certificate_holds(view)))
        return holds, lines(list(transport.certificate_lasts(view, scope(), ahead=Period(ahead))))


def test_a_good_certificate(authority: tuple[trustme.CA, Path]) -> None:
    ca, path = authority
    holds, lasts = judged(context(ca.issue_cert("127.0.0.1")), path)
    assert [line.split(":")[0] for line in holds] == ["met certificate"]
    assert lasts[0].startswith("met certificate: ends ")


def test_the_whole_chain_is_looked_at(authority: tuple[trustme.CA, Path]) -> None:
    ca, path = authority
    middle = ca.create_child_ca()
    holds, _ = judged(context(middle.issue_cert("127.0.0.1")), path)
    assert [line.split(":")[0] for line in holds] == ["met certificate", "met issuer 1"]


def test_an_authority_that_nobody_knows(authority: tuple[trustme.CA, Path]) -> None:
    holds, _ = judged(context(trustme.CA().issue_cert("127.0.0.1")), authority[1])
    assert holds == ["violated certificate: its certificate comes from an unknown authority"]


def test_without_a_bundle_the_public_authorities_count(authority: tuple[trustme.CA, Path]) -> None:
    holds, _ = judged(context(authority[0].issue_cert("127.0.0.1")), None)
    assert holds[0].startswith("violated certificate: its certificate comes from an unknown authority")


def test_another_host(authority: tuple[trustme.CA, Path]) -> None:
    ca, path = authority
    holds, _ = judged(context(ca.issue_cert("other.example")), path)
    assert holds == ["violated certificate: its certificate is for another address"]
    holds, _ = judged(context(ca.issue_cert("other.example")), path, "localhost")
    assert holds == ["violated certificate: its certificate is for another host name"]


@pytest.mark.parametrize(
    ("days", "holds", "lasts"),
    [
        ((-9, -1), "has expired", "violated certificate: ended "),
        ((-9, 5), None, "violated certificate: ends "),
        ((3, 90), "is not valid yet", "violated certificate: begins "),
    ],
)
def test_its_time(
    authority: tuple[trustme.CA, Path], days: tuple[float, float], holds: str | None, lasts: str
) -> None:
    ca, path = authority
    got, time_left = judged(context(pem=issued(ca, days=days)), path)
    assert got == [f"violated certificate: its certificate {holds}"] if holds else got[0].startswith("met")
    assert time_left[0].startswith(lasts)


def test_a_weak_key(authority: tuple[trustme.CA, Path]) -> None:
    ca, path = authority
    holds, _ = judged(context(pem=issued(ca, bits=1024)), path)
    assert holds == [
        "violated certificate: its key is too short",
        "violated certificate: is weak: a RSA key of 1024 bits (at least 2048)",
    ]


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("certificate", "weakness"),
    [
        (Certificate("EC", 192, "sha256", NOW, NOW, False), "a EC key of 192 bits (at least 224)"),
        (Certificate("EC", 256, "sha256", NOW, NOW, False), None),
        (Certificate("RSA", 2048, "sha256", NOW, NOW, False), None),
        (Certificate("RSA", 2048, "sha1", NOW, NOW, False), "signed with SHA1"),
        (Certificate("RSA", 2048, "sha1", NOW, NOW, True), None),  # a root
        (Certificate("Ed25519", 0, None, NOW, NOW, False), None),
        (Certificate("DSA", 3072, "sha256", NOW, NOW, False), "a DSA key"),
        (Certificate("unknown", 0, None, NOW, NOW, False), "a unknown key"),
    ],
)
def test_what_is_weak(certificate: Certificate, weakness: str | None) -> None:
    assert certificate.weakness == weakness


def test_a_broken_authority_file(authority: tuple[trustme.CA, Path], tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("not a certificate")
    with pytest.raises(NotAssessed, match=r"\$LAB_CA names no readable CA bundle"):
        judged(context(authority[0].issue_cert("127.0.0.1")), broken)


def test_a_refusal_is_remembered() -> None:
    asked: list[int] = []
    with listening(lambda raw: asked.append(len(raw.recv(1)))) as port:
        target = way_to(f"https://127.0.0.1:{port}")
        with TransportView.open(target, timeout=1) as view:
            for _ in range(2):
                with pytest.raises(NotAssessed):
                    view.certificates()
    assert len(asked) == 1
