"""A site as it answers: pages, redirects, hostile servers; each failure is one clear line, in time."""

from __future__ import annotations

import gzip
import socket
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from http_servers import (
    Handler,
    Server,
    dripping,
    dripping_headers,
    dripping_until_closed,
    endless,
    page,
    raw,
    redirect,
    serving,
    silent,
    target,
)

from checks.connectors.http import Page, Site
from checks.core.errors import (
    MissingAddress,
    NotAssessed,
    Nothing,
    Refused,
    TimedOut,
    TooLarge,
    Unreachable,
    Unreadable,
)
from checks.core.model import Address, Target

LOGIN = '<form action="/login"><input type=password></form>'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

GOOD: dict[str, Handler] = {
    "/": page(
        '<script src="https://t.test/x.js"></script>',
        Set_Cookie="sid=s3cret; Path=/; HttpOnly",
        X_Frame="deny",
    ),
    "/moved": redirect("/there?session=s3cret"),
    "/there": page("<p>there"),
    "/signup": page(LOGIN),
    "/latin": page("caf\xe9".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
    "/meta": page('<meta charset="windows-1252">caf\xe9'.encode("cp1252")),
    "/marked": page("\ufeffcaf\xe9", "text/plain"),
    "/packed": page(gzip.compress(b"<p>packed"), Content_Encoding="gzip"),
    "/untyped": raw(b"HTTP/1.0 200 OK\r\n\r\nold school"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


@pytest.fixture(scope="module")
def good(authority: tuple[trustme.CA, Path]) -> Iterator[tuple[Server, Path]]:
    ca, path = authority
    with serving(GOOD, ca.issue_cert("127.0.0.1")) as server:
        yield server, path


def fetch(where: Target, path: str, *, missing_ok: bool = False) -> Page:
    with Site.open(where, timeout=0.5) as site:
        return site.get(path, missing_ok=missing_ok)


def test_a_page_as_served(good: tuple[Server, Path]) -> None:
    server, ca = good
    with Site.open(target(server.url, ca=ca)) as site:
        found = site.get("/")
        assert (found.status, found.content_type, found.path) == (200, "text/html", "/")
        assert found.size == len(found.text) == 43
        assert found.cookies == ("sid",)
        assert found.headers["X-Frame"] == "deny"
        assert str(found.location) == f"{server.url}/"
        assert [(one.host, one.tag) for one in site.resources(found)] == [("t.test", "script")]
        assert "s3cret" not in repr(found) + str(dict(found.headers))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/moved", "<p>there"),
        ("/latin", "caf\xe9"),
        ("/meta", '<meta charset="windows-1252">caf\xe9'),
        ("/marked", "caf\xe9"),
        ("/packed", "<p>packed"),
        ("/untyped", "old school"),
        ("/signup", LOGIN),
    ],
)
def test_pages_of_many_makes(good: tuple[Server, Path], path: str, text: str) -> None:
    server, ca = good
    found = fetch(target(server.url, ca=ca), path)
    assert found.text == text
    assert "?" not in found.url


def test_a_missing_page_is_an_answer_where_it_may_be_missing(good: tuple[Server, Path]) -> None:
    server, ca = good
    found = fetch(target(server.url, ca=ca), "/ads.txt", missing_ok=True)
    assert (found.status, found.found) == (404, False)
    with pytest.raises(Unreadable, match=r"^site: GET /ads\.txt: HTTP 404$"):
        fetch(target(server.url, ca=ca), "/ads.txt")


def test_pages_come_with_their_errors_over_one_connection(authority: tuple[trustme.CA, Path]) -> None:
    ca, path = authority
    routes = {"/": page(), "/bad": page("oops", status=500), "/privacy": page("<p>privacy")}
    with serving(routes, ca.issue_cert("127.0.0.1")) as server:
        with Site.open(target(server.url, ca=path, pages=("/", "/bad", "/privacy"))) as site:
            first, second, third = site.pages()
        assert server.connections == 1
        assert {client.method for client in server.requests} == {"GET"}
        assert not any("cookie" in client.headers for client in server.requests)
    assert isinstance(first[1], Page)
    assert (second[0], str(second[1])) == ("/bad", "site: GET /bad: HTTP 500")
    assert isinstance(third[1], Page)


def test_a_site_without_pages_is_nothing_to_look_at(good: tuple[Server, Path]) -> None:
    with Site.open(target(good[0].url, ca=good[1])) as site, pytest.raises(Nothing):
        list(site.pages())


def test_a_user_in_the_address_signs_in_and_is_never_shown() -> None:
    with serving({"/": page(), "/bad": page("", status=500)}) as server:
        where = target(server.url.replace("://", "://ann:p%40ss@"))
        assert "ann" not in fetch(where, "/").url
        assert server.requests[0].headers["authorization"] == "basic yw5uonbac3m="
        with pytest.raises(Unreadable) as caught:
            fetch(where, "/bad?token=s3cret")
    assert str(caught.value) == "site: GET /bad: HTTP 500"


HOSTILE: dict[str, tuple[Handler, type[NotAssessed], str]] = {
    "redirect loop": (redirect("/"), Unreadable, "more than 5 redirects"),
    "off-site redirect": (
        redirect("https://user:pw@elsewhere.test/x?token=s3cret"),
        Unreadable,
        "redirects off the site, to elsewhere.test",
    ),
    "redirect to a file": (redirect("file:///etc/passwd"), Unreadable, "redirects to what is no web address"),
    "redirect to nonsense": (redirect("https://[s3cret"), Unreadable, "redirects to what is no address"),
    "redirect to a login": (redirect("/users/sign_in?next=/"), Unreadable, "a login page was served"),
    "login page": (page(LOGIN), Unreadable, "a login page was served"),
    "redirect nowhere": (page("", status=302), Unreadable, "HTTP 302"),
    "HTTP 500": (page("s3cret", status=500), Unreadable, "HTTP 500"),
    "HTTP 429": (page("", status=429), Unreadable, "HTTP 429"),
    "HTTP 401": (page("", status=401), Refused, "HTTP 401"),
    "HTTP 403": (page("s3cret", status=403), Refused, "HTTP 403"),
    "part of a page": (page("s3cret", status=206), Unreadable, "HTTP 206, not the whole"),
    "empty": (page(""), Nothing, "the answer is empty"),
    "binary by name": (page(b"\x89PNG", "image/png"), Unreadable, "binary content where text was expected"),
    "binary by content": (page(b"a\0b"), Unreadable, "binary content where text was expected"),
    "not its charset": (
        page(b"\xff\xe9\x28"),
        Unreadable,
        "the body is not text in the character set it states",
    ),
    "no such charset": (
        page("x", "text/html; charset=s3cret"),
        Unreadable,
        "the body is not text in the character set it states",
    ),
    "not gzip": (
        page("s3cret", Content_Encoding="gzip"),
        Unreadable,
        "the body is not compressed as its header says",
    ),
    "gzip bomb": (page(gzip.compress(bytes(2**26)), Content_Encoding="gzip"), TooLarge, "larger than 20 MiB"),
    "endless body": (endless, TooLarge, "larger than 20 MiB"),
    "huge by its header": (raw(OK + b"Content-Length: 99999999999\r\n\r\nx"), TooLarge, "larger than 20 MiB"),
    "slow body": (dripping, TimedOut, "not complete after 1.5 s"),
    "slow body of no stated length": (dripping_until_closed, TimedOut, "not complete after 1.5 s"),
    "slow headers": (dripping_headers, TimedOut, "not complete after 1.5 s"),
    "silence": (silent, TimedOut, "no answer in the time allowed"),
    "not HTTP": (
        raw(b"SSH-2.0-OpenSSH_9.9 s3cret\r\n\r\n"),
        Unreachable,
        "the connection dropped before the answer was complete",
    ),
    "too many headers": (
        raw(b"HTTP/1.1 200 OK\r\n" + b"X-Y: s3cret\r\n" * 200 + b"\r\n"),
        Unreachable,
        "the connection dropped before the answer was complete",
    ),
    "reset mid-body": (
        raw(OK + b"Content-Length: 1000\r\n\r\ns3cret", reset=True),
        Unreachable,
        "the connection dropped before the answer was complete",
    ),
    "truncated": (
        raw(OK + b"Content-Length: 1000\r\n\r\ns3cret"),
        Unreachable,
        "the connection dropped before the answer was complete",
    ),
    "closed at once": (raw(b""), Unreachable, "the connection dropped before the answer was complete"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_servers(name: str, authority: tuple[trustme.CA, Path]) -> None:
    handler, family, words = HOSTILE[name]
    ca, path = authority
    with serving({"/": handler}, ca.issue_cert("127.0.0.1")) as server:
        tracemalloc.start()
        begun = time.perf_counter()
        with pytest.raises(family) as caught:
            fetch(target(server.url, ca=path), "/")
        seconds = time.perf_counter() - begun
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert type(caught.value) is family
    assert str(caught.value) == f"site: GET /: {words}"
    assert seconds < 4
    assert peak < 150 * 2**20


@pytest.mark.parametrize(
    ("host", "until", "known", "words"),
    [
        ("127.0.0.1", datetime(2020, 1, 2, tzinfo=UTC), True, "its certificate has expired"),
        ("other.test", None, True, "its certificate is for another address"),
        ("127.0.0.1", None, False, "its certificate comes from an unknown authority"),
    ],
)
def test_certificates(
    host: str, until: datetime | None, known: bool, words: str, authority: tuple[trustme.CA, Path]
) -> None:
    ca, path = authority
    dates = {} if until is None else {"not_before": datetime(2020, 1, 1, tzinfo=UTC), "not_after": until}
    with serving({"/": page()}, ca.issue_cert(host, **dates)) as server:
        with pytest.raises(Unreachable) as caught:
            fetch(target(server.url, ca=path if known else None), "/")
    assert str(caught.value) == f"site: GET /: TLS refused, {words}"


def test_a_certificate_for_another_host_name(authority: tuple[trustme.CA, Path]) -> None:
    ca, path = authority
    with serving({"/": page()}, ca.issue_cert("other.test")) as server:
        with pytest.raises(Unreachable, match=r"its certificate is for another host name$"):
            fetch(target(server.url.replace("127.0.0.1", "localhost"), ca=path), "/")


def test_a_server_without_tls_where_tls_was_expected(authority: tuple[trustme.CA, Path]) -> None:
    with (
        serving({"/": page()}) as server,
        pytest.raises(Unreachable, match="no TLS connection could be agreed"),
    ):
        fetch(target(server.url.replace("http:", "https:"), ca=authority[1]), "/")


def test_a_handshake_that_is_never_answered() -> None:
    begun = time.perf_counter()
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TimedOut):
        fetch(target(f"https://127.0.0.1:{listener.getsockname()[1]}"), "/")
    assert time.perf_counter() - begun < 3


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=r"^site: GET /: connection refused$"):
        fetch(target(f"http://127.0.0.1:{port}"), "/")


def test_no_such_host() -> None:
    with pytest.raises(Unreachable, match=r"^site: GET /: no such host$"):
        fetch(target("http://nowhere.invalid"), "/")


def test_a_tour_of_a_dead_host_ends_early() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    paths = tuple(f"/{number}" for number in range(50))
    seen = []
    with Site.open(target(f"http://127.0.0.1:{port}", pages=paths), timeout=0.5) as site:
        with pytest.raises(Unreachable):
            seen.extend(site.pages())
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (target("ftp://user:s3cret@host/"), r"\$LAB_URL is not an http or https address"),
        (target("https://"), r"\$LAB_URL is not an http or https address"),
        (target("http://host:s3cret/"), r"\$LAB_URL is not an http or https address"),
        (target("http://127.0.0.1:1", ca=Path("/no/such/file")), r"\$LAB_CA names no readable CA bundle"),
        (target("http://127.0.0.1:1", ca=Path(__file__)), r"\$LAB_CA names no readable CA bundle"),
    ],
)
def test_addresses_that_cannot_be_used(where: Target, words: str) -> None:
    with pytest.raises(Unreachable, match=rf"^site: {words}$"), Site.open(where):
        pass


def test_an_address_that_is_not_set() -> None:
    endpoint = target("http://x")
    missing = Target("site", "site", "Site", endpoint.spec, Address("LAB_URL", None))
    with pytest.raises(MissingAddress, match="LAB_URL"), Site.open(missing):
        pass
