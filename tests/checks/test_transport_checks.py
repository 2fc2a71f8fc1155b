"""Redirects, headers, cookies and foreign origins on real servers, well-behaved, careless or hostile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from checks import headers, transport
from checks.connectors.http import Api
from checks.connectors.tls import TransportView
from checks.core.errors import NotAssessed
from checks.core.model import Observation, Period
from checks.core.model.probes import Probes
from checks.core.registry import Scope
from tests.checks.connectors import http_servers as web
from tests.checks.connectors.tls_servers import lines, way_to

SECRET = "s3cret-value-0451"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.LeafCert, Path]:
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca.issue_cert("127.0.0.1"), path


def scope(view: TransportView, *own: str, open_: Callable[[str], Any] = lambda _: None) -> Scope:
    return Scope(SimpleNamespace(own_hosts=own), datetime.now(UTC), view.target, open_, {})  # type: ignore[arg-type]


@contextmanager
def site(
    authority: tuple[trustme.LeafCert, Path],
    routes: dict[str, web.Handler],
    timeout: float = 2.0,
    **more: Any,
) -> Iterator[tuple[TransportView, web.Server]]:
    with web.serving(routes, authority[0]) as server:
        target = way_to(server.url, ca=authority[1], **more)
        with TransportView.open(target, timeout=timeout) as view:
            yield view, server


def page(body: str = "<p>hello", status: int = 200, **given: str) -> web.Handler:
    return lambda client: client.reply(status, body, "text/html", **given)


def run(check: Callable[..., Iterator[Observation]], *arguments: Any, **options: Any) -> list[str]:
    seen = lines(list(check(*arguments, **options)))
    assert SECRET not in "".join(seen)
    return seen


# ── plain HTTP ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda c: c.reply(308, Location="https://127.0.0.1/"), "met HTTP 308 to https"),
        (lambda c: c.reply(301, Location="HTTPS://127.0.0.1:8443/x"), "met HTTP 301 to https"),
        (lambda c: c.reply(404), "met HTTP 404: nothing is served in the clear"),
        (page(), "violated HTTP 200: is served in the clear"),
        (lambda c: c.reply(302, Location="/login"), "violated HTTP 302, and not to https"),
        (lambda c: c.reply(302, Location="http://127.0.0.1/x"), "violated HTTP 302, and not to https"),
        (lambda c: c.reply(301, Location="https://evil.example/"), "violated leads to https on another host"),
        (
            lambda c: c.reply(301, Location="https://127.0.0.1@evil.example/"),
            "violated leads to https on another host",
        ),
        (lambda c: c.reply(301), "violated HTTP 301, and not to https"),
        (lambda c: c.reply(503), "unseen HTTP 503"),
    ],
)
def test_plain_http(authority: tuple[trustme.LeafCert, Path], answer: web.Handler, expected: str) -> None:
    with web.serving({"*": answer}) as plain:
        with site(authority, {"/": page()}, http=plain.url, token=SECRET) as (view, _):
            seen = run(transport.plain_http_leads_to_https, view)
        assert not any("authorization" in request.headers for request in plain.requests)
    outcome, _, detail = expected.partition(" ")
    assert seen == [f"{outcome} {plain.url}/: {detail}"]


def test_the_token_goes_to_the_target_itself_and_nowhere_else(
    authority: tuple[trustme.LeafCert, Path],
) -> None:
    with (
        web.serving({"*": page()}) as plain,
        site(authority, {"/": page()}, http=plain.url, token=SECRET) as (view, server),
    ):
        run(transport.plain_http_leads_to_https, view)
        view.probe("/")
        assert [request.headers["authorization"] for request in server.requests] == [f"bearer {SECRET}"] * 2


def test_a_plain_address_that_is_named_and_does_not_answer(
    authority: tuple[trustme.LeafCert, Path],
) -> None:
    with site(authority, {"/": page()}, http="http://127.0.0.1:9") as (view, _):
        assert run(transport.plain_http_leads_to_https, view)[0].startswith("unseen ")


def test_an_https_address_is_no_plain_one(authority: tuple[trustme.LeafCert, Path]) -> None:
    message = r"\$LAB_HTTP is not a plain http address"
    with (
        site(authority, {"/": page()}, http="https://127.0.0.1") as (view, _),
        pytest.raises(NotAssessed, match=message),
    ):
        run(transport.plain_http_leads_to_https, view)


def test_a_closed_port_says_nothing_where_https_does_not_answer() -> None:
    with TransportView.open(way_to("https://127.0.0.1:9"), timeout=1) as view, pytest.raises(NotAssessed):
        run(transport.plain_http_leads_to_https, view)


# ── headers ──────────────────────────────────────────────────────────────────────────────────────


def test_hsts(authority: tuple[trustme.LeafCert, Path]) -> None:
    routes = {
        "/long": page(Strict_Transport_Security="max-age=31536000"),
        "/short": page(Strict_Transport_Security="max-age=600"),
        "/none": page(),
        "/down": page(status=502),
    }
    with site(authority, routes, pages=tuple(routes)) as (view, _):
        seen = run(transport.hsts_is_set, view, scope(view), at_least=Period("P180D"))
    assert seen == [
        "met /long: for 365 days",
        "violated /short: Strict-Transport-Security for 600 s only (P180D is demanded)",
        "violated /none: no Strict-Transport-Security with an age",
        "unseen /down: HTTP 502",
    ]


def test_mixed_content(authority: tuple[trustme.LeafCert, Path]) -> None:
    routes = {
        "/good": page('<img src="/a.png"><a href="http://x.example">link</a><!-- http://y.example -->'),
        "/bad": page('<img src="http://x.example/a.png?id=1"><form action="http://y.example"></form>'),
        "/socket": page("<script>new WebSocket('ws://z.example/')</script>"),
        "/missing": page(status=404),
        "/json": lambda client: client.json({}),
    }
    with site(authority, routes, pages=tuple(routes)) as (view, _):
        seen = run(transport.no_mixed_content, view)
    assert seen == [
        "met /good: 1 resources, none in the clear",
        "violated /bad: img uses x.example without TLS",
        "violated /bad: form uses y.example without TLS",
        "violated /socket: inline-script uses z.example without TLS",
        "unseen /missing: HTTP 404, no page",
        "unseen /json: HTTP 200, no page",
    ]


def test_the_guarding_headers(authority: tuple[trustme.LeafCert, Path]) -> None:
    routes = {
        "/good": page(
            Content_Security_Policy="script-src 'self'; frame-ancestors 'none'",
            Referrer_Policy="no-referrer",
            X_Content_Type_Options="NoSniff",
        ),
        "/bare": page(),
        "/reported": page(Content_Security_Policy_Report_Only="script-src 'self'; frame-ancestors 'none'"),
        "/meta": page(
            "<meta http-equiv=content-security-policy content=\"script-src 'self'; frame-ancestors 'none'\">"
            "<meta name=referrer content=same-origin>"
        ),
        "/down": page(status=500),
    }
    with site(authority, routes, pages=tuple(routes)) as (view, server):
        scripts = run(headers.scripts_are_kept_out, view)
        frames = run(headers.pages_are_not_framed, view)
        referrers = run(headers.referrer_is_short, view)
        types = run(headers.types_are_not_guessed, view, scope(view))
        assert len(server.requests) == len(routes)  # each is asked for once
    assert [line.split(":")[0] for line in scripts] == [
        "met /good", "violated /bare", "violated /reported", "met /meta", "unseen /down"
    ]  # fmt: skip
    assert "only reported" in scripts[2]
    assert [line.split()[0] for line in frames] == ["met", "violated", "violated", "violated", "unseen"]
    assert [line.split()[0] for line in referrers] == ["met", "violated", "violated", "met", "unseen"]
    assert [line.split()[0] for line in types] == ["met", "violated", "violated", "violated", "unseen"]


def test_cookies(authority: tuple[trustme.LeafCert, Path]) -> None:
    def set_cookies(client: web.Client) -> None:
        cookies = [
            "good={0}; Secure; HttpOnly; SameSite=Lax",
            "bare={0}",
            "csrf={0}; Secure; SameSite=Strict",
            "other={0}; Secure; HttpOnly; SameSite=None",
            "__Host-x={0}; Secure; HttpOnly; SameSite=Lax; Path=/a",
        ]
        lines = "".join(f"Set-Cookie: {one.format(SECRET)}\r\n" for one in cookies)
        client.send(
            f"HTTP/1.1 200 OK\r\n{lines}Content-Type: text/html\r\nContent-Length: 2\r\n\r\nhi".encode()
        )

    routes: dict[str, web.Handler] = {"/": set_cookies, "/none": page()}
    with site(authority, routes, pages=("/", "/none")) as (view, _):
        seen = run(headers.cookies_are_guarded, view, scope(view), for_scripts=("csrf*",))
    assert seen == [
        "violated cookie bare: on /: no Secure, no HttpOnly, no SameSite",
        "violated cookie other: on /: SameSite=None",
        "violated cookie __Host-x: on /: is named __Host- with a domain or a path",
        "met /none: 0 cookies, all guarded",
    ]


# ── foreign origins ──────────────────────────────────────────────────────────────────────────────

Rule = Callable[[str], bool]


def cors(rule: Rule, *, credentials: bool = True, preflight_only: bool = False) -> web.Handler:
    """Allow the origins that ``rule`` takes for good."""

    def handle(client: web.Client) -> None:
        origin = client.headers.get("origin", "")
        given = {}
        if origin and rule(origin) and (client.method == "OPTIONS" or not preflight_only):
            given["Access-Control-Allow-Origin"] = origin
            if credentials:
                given["Access-Control-Allow-Credentials"] = "true"
        client.reply(200, "hello", "text/html", **given)

    return handle


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (lambda o: False, []),
        (lambda o: o == "https://app.example", []),
        (lambda o: True, ["another site", "the null origin", "a host that begins like ours"]),
        (lambda o: o == "null", ["the null origin"]),
        (lambda o: o.startswith("https://127.0.0.1"), ["a host that begins like ours"]),
        (lambda o: o.endswith("127.0.0.1"), ["a host that ends like ours", "a subdomain"]),
        (lambda o: o.endswith(".127.0.0.1"), ["a subdomain"]),
        (lambda o: o.startswith("http://127"), ["our host over plain HTTP"]),
        (lambda o: "127x0" in o, ["a host with another letter for a dot"]),
    ],
)
def test_origins_that_are_let_in(
    authority: tuple[trustme.LeafCert, Path], rule: Rule, found: list[str]
) -> None:
    with site(authority, {"/": cors(rule)}) as (view, _):
        seen = run(headers.no_foreign_origin_reads, view, scope(view))
    named = [line.removeprefix("violated /: ").split(":")[0] for line in seen if line.startswith("violated")]
    assert set(found) <= set(named)
    assert bool(named) is bool(found)
    if not found:
        assert seen == ["met /: 7 foreign origins tried, none may read"]


def test_a_preflight_alone_lets_them_in(authority: tuple[trustme.LeafCert, Path]) -> None:
    with site(authority, {"/": cors(lambda o: True, preflight_only=True)}) as (view, _):
        seen = run(headers.no_foreign_origin_reads, view, scope(view))
    assert "violated /: another site to a preflight: may read with credentials" in seen


def test_without_credentials_only_null_is_a_fault(authority: tuple[trustme.LeafCert, Path]) -> None:
    with site(authority, {"/": cors(lambda o: True, credentials=False)}) as (view, _):
        seen = run(headers.no_foreign_origin_reads, view, scope(view))
    assert seen == ["violated /: the null origin: may read"]


def test_a_wildcard_with_credentials(authority: tuple[trustme.LeafCert, Path]) -> None:
    given = {"Access_Control_Allow_Origin": "*", "Access_Control_Allow_Credentials": "true"}
    with site(authority, {"/": page(**given)}) as (view, _):
        seen = run(headers.no_foreign_origin_reads, view, scope(view))
    assert "violated /: another site: every origin is named together with credentials" in seen


def test_subdomains_that_are_ours(authority: tuple[trustme.LeafCert, Path]) -> None:
    with site(authority, {"/": cors(lambda o: "policyproof-probe.127" in o)}) as (view, _):
        seen = run(headers.no_foreign_origin_reads, view, scope(view, "*.127.0.0.1"))
    assert [line.split()[0] for line in seen] == ["met"]


def test_a_server_that_falls_silent_half_way(authority: tuple[trustme.LeafCert, Path]) -> None:
    def once(client: web.Client) -> None:
        web.silent(client) if "origin" in client.headers else client.reply(200, "hello")

    began = time.monotonic()
    with site(authority, {"/": once}, timeout=0.3) as (view, _):
        seen = run(headers.no_foreign_origin_reads, view, scope(view))
    assert time.monotonic() - began < 4
    assert [line.split(":")[0] for line in seen] == ["unseen /"]


def test_an_api_is_tried_at_its_operations(authority: tuple[trustme.LeafCert, Path]) -> None:
    document = {
        "openapi": "3.1.0",
        "paths": {"/v1/me": {"get": {}}, "/v1/items/{id}": {"get": {}}, "/v1/write": {"post": {}}},
    }
    routes: dict[str, web.Handler] = {
        "/openapi.json": lambda client: client.json(document),
        "/v1/me": cors(lambda o: True),
    }
    with site(authority, routes, kind="api", pages=(), document="/openapi.json") as (view, server):
        api_target = web.target(server.url, kind="api", ca=authority[1], document="/openapi.json")
        with Api.open(api_target, timeout=2) as api:
            seen = run(headers.no_foreign_origin_reads, view, scope(view, open_=lambda _: api))
        asked = {(request.method, request.path) for request in server.requests}
    assert {method for method, _ in asked} == {"GET", "OPTIONS"}
    assert {path for _, path in asked} == {"/openapi.json", "/v1/me"}
    assert "met /openapi.json: 7 foreign origins tried, none may read" in seen
    assert "violated /v1/me: another site: may read with credentials" in seen
    assert any(line.endswith("GET /v1/items/{id}: no example for parameter id") for line in seen)


def many(client: web.Client) -> None:
    """Serve eight lists and what stands under the last, which alone lets everybody read."""
    path = client.path.partition("?")[0]
    if path == "/openapi.json":
        lists = {f"/v1/list{n}": {"get": {}} for n in range(8)}
        client.json({"openapi": "3.1.0", "paths": {**lists, "/v1/list7/{id}": {"get": {}}}})
    elif path == "/v1/list7/secret-id":
        cors(lambda o: True)(client)
    else:
        client.reply(200, '[{"id": "secret-id"}]', "application/json", X_Content_Type_Options="nosniff")


@pytest.mark.parametrize("requests", [500, 60])
def test_every_documented_get_is_tried_within_the_limits(
    authority: tuple[trustme.LeafCert, Path], requests: int
) -> None:
    with site(authority, {"*": many}, kind="api", pages=(), document="/openapi.json") as (view, server):
        target = web.target(server.url, kind="api", ca=authority[1], document="/openapi.json")
        spec = replace(target.spec, probes=Probes(allowed=False, requests=requests))  # type: ignore[type-var]
        with Api.open(replace(target, spec=spec), timeout=2) as api:
            types = run(headers.types_are_not_guessed, view, scope(view, open_=lambda _: api))
            before = len(server.requests)
            origins = run(headers.no_foreign_origin_reads, view, scope(view, open_=lambda _: api))
            sent = len(server.requests) - before
    assert "violated /v1/list7/{id}: no X-Content-Type-Options: nosniff" in types
    assert sum(line.startswith("met /v1/list") for line in types) == 8
    assert "secret-id" not in repr((types, origins))
    assert sent <= requests
    if requests == 500:
        assert "violated /v1/list7/{id}: another site: may read with credentials" in origins
        assert sum(line.startswith("met /v1/list") for line in origins) == 8
    else:
        assert "unseen /v1/list7/{id}: over the 60 requests that probes allow" in origins


# ── hostile, silent, empty ───────────────────────────────────────────────────────────────────────

CHECKS: list[Callable[[TransportView], list[str]]] = [
    lambda view: run(headers.scripts_are_kept_out, view),
    lambda view: run(headers.cookies_are_guarded, view, scope(view)),
    lambda view: run(headers.no_foreign_origin_reads, view, scope(view)),
    lambda view: run(transport.no_mixed_content, view),
]


@pytest.mark.parametrize(
    "server",
    [
        web.dripping,
        web.dripping_headers,
        web.dripping_until_closed,
        web.silent,
        web.endless,
        web.raw(b"NOT HTTP AT ALL\r\n\r\n"),
        web.raw(b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 5000 + b"\r\n"),
        web.raw(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\nContent-Encoding: gzip\r\n\r\nxxxx"),
        web.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", reset=True),
        page(""),
        web.redirect("/"),
    ],
)
def test_no_hostile_server_is_a_pass_or_holds_us(
    authority: tuple[trustme.LeafCert, Path], server: web.Handler
) -> None:
    began = time.monotonic()
    with site(authority, {"*": server}, timeout=0.3) as (view, _):
        seen = [line for check in CHECKS for line in check(view)]
    assert time.monotonic() - began < 12
    assert seen
    assert all(line.startswith("unseen /: ") for line in seen)


def test_a_site_whose_certificate_is_bad_is_not_looked_at(
    authority: tuple[trustme.LeafCert, Path],
) -> None:
    stranger = (trustme.CA().issue_cert("127.0.0.1"), authority[1])
    with site(stranger, {"*": page()}) as (view, _):
        seen = [line for check in CHECKS for line in check(view)]
    assert all("its certificate comes from an unknown authority" in line for line in seen)


def test_no_method_that_changes_anything_is_sent(authority: tuple[trustme.LeafCert, Path]) -> None:
    with site(authority, {"*": page()}) as (view, _), pytest.raises(ValueError, match="no safe method"):
        view.probe("/", method="POST")
