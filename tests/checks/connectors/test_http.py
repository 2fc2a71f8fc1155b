"""A site as it answers: pages of many makes, over one connection, told apart from their errors."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from http_servers import (
    LOGIN,
    Handler,
    Server,
    fetch,
    page,
    raw,
    redirect,
    serving,
    target,
)

from checks.connectors.http import Page, Site
from checks.core.errors import (
    Nothing,
    Unreadable,
)

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
def good(authority: tuple[trustme.CA, Path]) -> Iterator[tuple[Server, Path]]:
    ca, path = authority
    with serving(GOOD, ca.issue_cert("127.0.0.1")) as server:
        yield server, path


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
        assert server.all_ended()
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
