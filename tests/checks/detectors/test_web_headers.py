"""What headers say, read as browsers read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.web_headers import (
    cookie,
    frame_fault,
    hsts_seconds,
    meta,
    policies,
    referrer_fault,
    script_fault,
)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["max-age=31536000"], 31536000),
        (['Max-Age="600"; includeSubDomains; preload'], 600),
        (["includeSubDomains; max-age = 5"], 5),
        (["max-age=0"], 0),
        (["max-age=1", "max-age=2"], 1),
        (["max-age=1, max-age=2"], 1),
        (["max-age=1; max-age=2"], None),
        (["max-age=soon"], None),
        (["max-age=-1"], None),
        (["includeSubDomains"], None),
        ([""], None),
        ([], None),
    ],
)
def test_hsts(values: list[str], seconds: int | None) -> None:
    assert hsts_seconds(values) == seconds


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("script-src 'self'", None),
        ("default-src 'none'", None),
        ("SCRIPT-SRC 'SELF' https://cdn.example", None),
        ("script-src 'nonce-aBc=' 'unsafe-inline' https: 'strict-dynamic'", None),
        ("script-src 'self' 'sha256-Zz+/=' 'unsafe-inline'", None),
        ("script-src *, script-src 'self'", None),
        ("script-src 'self'; script-src *", None),
        ("script-src 'self' 'unsafe-inline'", "unsafe-inline"),
        ("default-src 'self'; script-src *", "anywhere (*)"),
        ("script-src https:", "anywhere (https:)"),
        ("script-src 'self' data:", "anywhere (data:)"),
        ("script-src 'nonce-a' https:", "anywhere (https:)"),
        ("default-src 'unsafe-inline'", "unsafe-inline"),
        ("img-src 'self'", "neither script-src nor default-src"),
        ("upgrade-insecure-requests", "neither script-src nor default-src"),
        ("", "no Content-Security-Policy"),
        (" ; , ;", "no Content-Security-Policy"),
    ],
)
def test_scripts(header: str, fault: str | None) -> None:
    found = script_fault(policies([header]))
    assert found is None if fault is None else fault in (found or "")


@pytest.mark.parametrize(
    ("csp", "options", "good"),
    [
        ("frame-ancestors 'none'", [], True),
        ("frame-ancestors 'self' https://a.example", [], True),
        ("frame-ancestors", [], True),
        ("", ["DENY"], True),
        ("", ["sameorigin", "SAMEORIGIN"], True),
        ("default-src 'none'", [], False),  # no fallback
        ("frame-ancestors *", ["DENY"], False),  # the older header is not heeded then
        ("frame-ancestors https:", [], False),
        ("", ["ALLOW-FROM https://a.example"], False),
        ("", ["DENY, SAMEORIGIN"], False),
        ("", [""], False),
        ("", [], False),
    ],
)
def test_frames(csp: str, options: list[str], good: bool) -> None:
    assert (frame_fault(policies([csp]), options) is None) is good


@pytest.mark.parametrize(
    ("values", "good"),
    [
        (["no-referrer"], True),
        (["Strict-Origin-When-Cross-Origin"], True),
        (["unsafe-url, no-referrer"], True),
        (["no-referrer, from-the-future"], True),
        (["no-referrer", "unsafe-url"], False),
        (["no-referrer-when-downgrade"], False),
        (["never"], False),
        ([], False),
    ],
)
def test_referrers(values: list[str], good: bool) -> None:
    assert (referrer_fault(values) is None) is good


def test_a_cookie_without_its_value() -> None:
    found = cookie("__Host-id=s3cret; Path=/; SECURE; httponly ; SameSite=Lax")
    assert found is not None
    assert (found.name, found.secure, found.http_only, found.same_site) == ("__Host-id", True, True, "lax")
    assert found.broken_prefix is None
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("header", "broken"),
    [
        ("__Host-a=1; Secure; Path=/; Domain=x.example", True),
        ("__Host-a=1; Secure", True),
        ("__Secure-a=1; Path=/", True),
        ("__secure-a=1; Secure", False),
        ("a=1", False),
    ],
)
def test_promises_of_a_cookie_s_name(header: str, broken: bool) -> None:
    found = cookie(header)
    assert found is not None
    assert (found.broken_prefix is not None) is broken


@pytest.mark.parametrize("header", ["", ";", "=value; Secure", "novalue", "  ; Secure"])
def test_what_sets_no_cookie(header: str) -> None:
    assert cookie(header) is None


def test_metas() -> None:
    found = meta(
        "<META http-equiv='content-security-policy' content=\"script-src 'self'\"><![if x]>"
        "<meta name=Referrer content=no-referrer><meta charset=utf-8>"
    )
    assert found.policies == ("script-src 'self'",)
    assert found.referrers == ("no-referrer",)


@given(st.text(max_size=200))
def test_nothing_that_is_sent_breaks_it(text: str) -> None:
    hsts_seconds([text])
    script_fault(policies([text]))
    frame_fault(policies([text]), [text])
    referrer_fault([text])
    cookie(text)
    meta(text)
