"""Sites that do not let us look: hostile servers, certificates, addresses; one clear line each, in time."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from http_servers import (
    LOGIN,
    Handler,
    Server,
    dripping,
    dripping_error,
    dripping_headers,
    dripping_until_closed,
    endless,
    fetch,
    page,
    raw,
    redirect,
    serving,
    silent,
    target,
)

from checks.connectors.http import Site
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

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

DROPPED = "the connection dropped before the answer was complete"

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
    "slow HTTP 500": (dripping_error, Unreadable, "HTTP 500"),
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
    "redirects that never repeat": (
        lambda client: client.reply(302, Location=f"/?{client.path[2:]}x"),
        Unreadable,
        "more than 5 redirects",
    ),
    "10 GB by its header": (
        raw(OK + b"Content-Length: 10737418240\r\n\r\n" + b"x" * 65536),
        TooLarge,
        "larger than 20 MiB",
    ),
    "bomb in a bomb": (
        page(gzip.compress(gzip.compress(bytes(2**28))), Content_Encoding="gzip, gzip"),
        TooLarge,
        "larger than 20 MiB",
    ),
    "deflate bomb": (
        page(zlib.compress(bytes(2**27)), Content_Encoding="deflate"),
        TooLarge,
        "larger than 20 MiB",
    ),
    "status that is none": (raw(b"HTTP/1.1 s3cret OK\r\n\r\n"), Unreachable, DROPPED),
    "header line without end": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"s" * 99_999), Unreachable, DROPPED),
    "chunk size that is none": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\ns3cret\r\nabc\r\n0\r\n\r\n"),
        Unreachable,
        DROPPED,
    ),
    "cookie flood": (
        raw(b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=s3cret\r\n" * 5000 + b"\r\nx"),
        Unreachable,
        DROPPED,
    ),
    "headers before a line without a colon": (
        raw(b"HTTP/1.1 200 OK\r\ns3cret no colon\r\nContent-Length: 0\r\n\r\n"),
        Nothing,
        "the answer is empty",
    ),
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
    with serving({"/": page()}, ca.issue_cert(host, **dates)) as server, pytest.raises(Unreachable) as caught:
        fetch(target(server.url, ca=path if known else None), "/")
    assert str(caught.value) == f"site: GET /: TLS refused, {words}"


def test_a_certificate_for_another_host_name(authority: tuple[trustme.CA, Path]) -> None:
    ca, path = authority
    with (
        serving({"/": page()}, ca.issue_cert("other.test")) as server,
        pytest.raises(Unreachable, match=r"its certificate is for another host name$"),
    ):
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
    with (
        Site.open(target(f"http://127.0.0.1:{port}", pages=paths), timeout=0.5) as site,
        pytest.raises(Unreachable),
    ):
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


def test_only_connecting_is_tried_again() -> None:
    """A server that is late is waited for; one that took the request and fell silent is asked once."""
    with serving({"/": raw(b"")}) as server, pytest.raises(Unreachable):
        fetch(target(server.url), "/")
    assert len(server.requests) == 1
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    late = threading.Timer(
        0.15, lambda: listening.append(stack.enter_context(serving({"/": page()}, port=port)))
    )
    listening: list[Server] = []
    with ExitStack() as stack:
        late.start()
        found = fetch(target(f"http://127.0.0.1:{port}"), "/")
        late.join()
    assert found.text == "<p>hello"
    assert len(listening[0].requests) == 1


def test_a_flood_of_cookies_that_fits_leaves_their_names_alone() -> None:
    cookies = b"".join(b"Set-Cookie: c%d=%b; Path=/\r\n" % (n, b"s3cret" * 5000) for n in range(60))
    with serving({"/": raw(OK + cookies + b"Content-Length: 2\r\n\r\nok")}) as server:
        found = fetch(target(server.url), "/")
    assert found.cookies == tuple(f"c{n}" for n in range(60))
    assert "s3cret" not in f"{found!r} {found.headers}"
