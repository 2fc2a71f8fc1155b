"""Host names: what a pattern covers, and what stays on our own machines."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.hosts import host_matches, is_local


@pytest.mark.parametrize(
    ("host", "pattern", "matches"),
    [
        ("api.x.example", "api.x.example", True),
        ("API.X.Example.", "api.x.EXAMPLE", True),
        ("api.x.example:8443", "api.x.example", True),
        ("api.x.example", "api.x.example:443", True),
        ("a.x.example", "*.x.example", True),
        ("a.b.x.example", "*.x.example", True),
        ("x.example", "*.x.example", False),
        ("evilx.example", "*.x.example", False),
        (".x.example", "*.x.example", False),
        ("a..x.example", "*.x.example", False),
        ("a.x.example.evil.test", "*.x.example", False),
        ("xaexample", "x.example", False),
        ("api-1.x.example", "api-*.x.example", True),
        ("api-1.evil.x.example", "api-*.x.example", False),
        ("n1.x.example", "n?.x.example", True),
        ("n.x.example", "n?.x.example", False),
        ("[2001:db8::1]:443", "2001:db8::1", True),
        ("anything.test", "*", True),
        ("", "*", False),
        ("a.x.example\n", "*.x.example", True),
    ],
)
def test_patterns(host: str, pattern: str, matches: bool) -> None:
    assert host_matches(host, ["other.test", pattern]) is matches


def test_no_pattern_matches_nothing() -> None:
    assert not host_matches("x.example", [])


LOCAL = """
localhost LOCALHOST:5432 127.0.0.1 127.9.9.9:80 10.1.2.3 172.31.0.1 192.168.1.1:99 169.254.169.254 0.0.0.0
::1 [::1]:8080 fe80::1%eth0 fd00::7 ::ffff:10.0.0.1 postgres redis:6379 user_service api.internal
host.docker.internal printer.local. app.localhost svc.cluster.local
unix:/run/a.sock unix:///run/a.sock unix:@abstract /run/a.sock %2Frun%2Fpostgresql
"""
FOREIGN = """
x.example 8.8.8.8 172.32.0.1 100.64.0.1 192.0.2.1 198.51.100.7 203.0.113.9 2001:db8::1 ::ffff:8.8.8.8
134744072 0x08080808 127.0.0.1.evil.test localhost.evil.test internal.evil.test evillocalhost.test
//evil.test/x evil.test/.internal evil.test#.local evil.test?x=.local unix:evil.test @evil.test
%2f%2fevil.test $host ${HOST}
"""


@pytest.mark.parametrize("host", LOCAL.split())
def test_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", [*FOREIGN.split(), "", "a b.local"])
def test_not_local(host: str) -> None:
    assert not is_local(host)


@given(st.ip_addresses())
def test_no_public_address_is_local(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not (address.is_global and is_local(str(address)))


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    assert isinstance(is_local(text), bool)
    assert host_matches(text, [text, "*.x.example"]) in (True, False)
