"""A site in a real browser: what a visit records, and that no value is among it."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from checks.connectors import browser_guard, browser_watch
from checks.connectors.browser import Browser
from checks.connectors.browser_record import Plan, Visit
from checks.connectors.browser_runtime import CHROMIUM
from checks.core.errors import MissingDriver, NotAssessed, Nothing, Refused, TooLarge
from tests.checks.connectors.http_servers import (
    Client,
    Handler,
    dripping,
    endless,
    page,
    raw,
    redirect,
    serving,
    silent,
    target,
)

SECRET = "ada.lovelace@person.example"
NUMBER = "8f14e45f-ceea-467f-a0e6-0d1d2f0e1234"
EVERYTHING = f"""<!doctype html><html><body><h1>Hello</h1>
<a href="/two?who={SECRET}">two</a> <a href="/logout">out</a> <a href="/file.pdf">file</a>
<a href="https://elsewhere.example/">away</a>
<link rel="stylesheet" href="https://fonts.third.example/x.css?u={SECRET}">
<form method="post" action="https://forms.third.example/take"></form>
<script>
document.cookie = "js={SECRET}; max-age=100000";
document.cookie = "gone=1; max-age=0";
localStorage.uid = "{NUMBER}";
localStorage.setItem("theme", "dark");
sessionStorage.setItem("passing", "1"); sessionStorage.removeItem("passing");
const asked = indexedDB.open("base");
asked.onupgradeneeded = () => asked.result.createObjectStore("s", {{autoIncrement: true}}).add("{SECRET}");
const drawn = document.createElement("canvas").getContext("2d");
drawn.fillText("Sphinx of black quartz", 2, 15); drawn.canvas.toDataURL();
new RTCPeerConnection({{iceServers: [{{urls: "stun:stun.third.example:3478"}}]}});
new OfflineAudioContext(1, 100, 44100);
addEventListener("pagehide", () => navigator.sendBeacon("https://beacon.third.example/", "bye"));
if (navigator.globalPrivacyControl) localStorage.setItem("objected", "1");
throw new Error("{SECRET}");
</script></body></html>"""


TWO = f"""<p>two<textarea>{SECRET}</textarea><script src="/first.js?u={SECRET}"></script>"""
FIRST_SCRIPT = """const load = (url) => {
  const script = document.createElement("script"); script.src = url; document.head.append(script);
};
setTimeout(() => load("/moved.js"), 1);"""
SECOND_SCRIPT = f"""load("https://tags.third.example/t.js");
new Image().src = "/collect?who={SECRET}"; fetch("/collect?who=1");"""
pytestmark = pytest.mark.usefixtures("one_browser")


def visit(url: str, *, ca: Path | None = None, **plan: object) -> Visit:
    """Visit with little patience."""
    given: dict[str, object] = {"pages": ("/",), "depth": 0, "wait": 0.2, "timeout": 8.0, **plan}
    with Browser.open(target(url, kind="browser", ca=ca), plan=Plan(**given)) as browser:  # type: ignore[arg-type]
        return browser.visit()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Visit, Path, list[Mapping[str, str]]]:
    """One visit of a page that does all of it, over TLS of a private authority, with evidence."""
    folder = tmp_path_factory.mktemp("evidence")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    routes = {
        "/": page(EVERYTHING, Set_Cookie=f"srv={SECRET}; HttpOnly; Secure; SameSite=Strict"),
        "/two": page(TWO),
        "/first.js": page(FIRST_SCRIPT, "text/javascript"),
        "/moved.js": redirect("/second.js"),
        "/second.js": page(SECOND_SCRIPT, "text/javascript"),
    }
    (folder / "list.txt").write_text("! mine\n||third.example^$script\n/collect?who=$image\n", "utf-8")
    with serving(routes, authority.issue_cert("127.0.0.1")) as server:
        seen = visit(
            server.url, ca=folder / "ca.pem", depth=1, evidence=folder / "kept", lists=(folder / "list.txt",)
        )
        asked = [{"path": one.path, **one.headers} for one in server.requests]
    return seen, folder / "kept", asked


def test_cookies_are_seen_with_who_set_them(everything: tuple[Visit, Path, object]) -> None:
    cookies = {cookie.name: cookie for cookie in everything[0].first.cookies}
    assert set(cookies) == {"js", "srv"}
    assert cookies["srv"].http_only
    assert cookies["srv"].secure
    assert cookies["srv"].lifetime is None
    assert cookies["srv"].same_site == "Strict"
    assert 90_000 < (cookies["js"].lifetime or 0) <= 100_000
    assert all(cookie.by.endswith("/") and cookie.by.startswith("https://127") for cookie in cookies.values())
    assert cookies["js"].holds == "an e-mail address"


def test_storage_is_seen(everything: tuple[Visit, Path, object]) -> None:
    kept = {(one.area, one.key): one.holds for one in everything[0].first.stored}
    assert kept == {
        ("localStorage", "uid"): "a unique identifier",
        ("localStorage", "theme"): None,
        ("sessionStorage", "passing"): None,
        ("IndexedDB", "base"): "an e-mail address",
    }


def test_requests_forms_beacons_and_calls_are_seen(everything: tuple[Visit, Path, object]) -> None:
    foreign = {(one.host, one.kind) for one in everything[0].first.requests if one.host != "127.0.0.1"}
    assert foreign == {
        ("fonts.third.example", "stylesheet"),
        ("forms.third.example", "form"),
        ("beacon.third.example", "ping"),
        ("stun.third.example", "webrtc"),
        ("tags.third.example", "script"),
    }
    font = next(one for one in everything[0].first.requests if one.kind == "stylesheet")
    assert font.by.startswith("https://127.0.0.1")


def test_who_asked_is_told_up_to_the_page(everything: tuple[Visit, Path, object]) -> None:
    chains = {
        one.url.rpartition("/")[2]: [url.rpartition("/")[2] for url in one.chain]
        for one in everything[0].first.requests
        if one.page == "/two"
    }
    assert chains["t.js"] == ["first.js", "moved.js", "two"]  # whose function, who called it, where that is
    assert chains["second.js"] == ["moved.js", "first.js", "two"]  # what redirects is a link of its own
    assert chains["first.js"] == ["two"]
    assert chains["two"] == []


def test_a_filter_list_names_what_it_lists_and_nothing_else(everything: tuple[Visit, Path, object]) -> None:
    named = {
        (one.url.rpartition("/")[2], one.kind): one.rule for one in everything[0].first.requests if one.rule
    }
    assert named == {
        ("t.js", "script"): "||third.example^$script",
        ("collect", "image"): "/collect?who=$image",
    }
    assert everything[0].first.unjudged == ()


def test_the_archive_names_its_pictures_by_digest(everything: tuple[Visit, Path, object]) -> None:
    seen, folder, _ = everything
    har, *pictures = seen.first.kept
    assert [one.path.name for one in pictures] == ["before-any-choice-start.png", "before-any-choice-two.png"]
    for one in seen.first.kept:
        assert hashlib.sha256(one.path.read_bytes()).hexdigest() == one.sha256
        assert one.path.parent == folder
    told = json.loads(har.path.read_text("utf-8"))["log"]["pages"]
    assert [(one["_screenshot"], one["_sha256"]) for one in told] == [
        (p.path.name, p.sha256) for p in pictures
    ]


def test_fields_are_covered_in_pictures(tmp_path: Path) -> None:
    inner = "<iframe srcdoc='<input value={0}>'></iframe>"
    values = ("ada", "grace")
    body = "<p>hello<input value={0}><textarea>{0}</textarea>" + inner
    routes = {
        f"/{value}": page(body.format(value), Content_Security_Policy="default-src 'none'")
        for value in values
    }
    of_ada, of_grace = set(), set()
    with serving(routes) as server:
        # On a busy machine Chromium paints a part of a page amiss now and then: what is covered still looks
        # the same in one of a few visits, and what is not covered never does.
        for _ in range(8):
            seen = visit(server.url, pages=tuple(routes), evidence=tmp_path)
            assert [one.error for one in seen.first.pages] == [None, None]
            _, ada, grace = seen.first.kept
            assert ada.path.name != grace.path.name
            of_ada.add(ada.sha256)
            of_grace.add(grace.sha256)
            if of_ada & of_grace:
                break
    assert of_ada & of_grace


def test_evidence_that_cannot_be_kept_is_no_look(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with serving({"/": page()}) as server:
        seen = visit(server.url, evidence=tmp_path / "file")
    assert "evidence cannot be written to file" in str(seen.first.pages[0].error)
    assert "evidence cannot be written to file" in str(seen.first.error)


def test_fingerprinting_is_seen(everything: tuple[Visit, Path, object]) -> None:
    assert {use.api for use in everything[0].first.uses} == {"canvas", "audio", "WebRTC"}


def test_the_signal_is_sent_in_its_state_only(
    everything: tuple[Visit, Path, list[Mapping[str, str]]],
) -> None:
    seen, _, asked = everything
    assert [one.get("sec-gpc") for one in asked if one["path"] == "/"].count("1") == 1
    assert "objected" in {one.key for one in seen.gpc.stored}
    assert "objected" not in {one.key for one in seen.first.stored}


def test_links_of_the_site_are_followed(everything: tuple[Visit, Path, list[Mapping[str, str]]]) -> None:
    seen, _, asked = everything
    assert [one.path for one in seen.first.pages] == ["/", "/two"]
    assert seen.first.pages[0].faults == 1
    assert not {"/logout", "/file.pdf"} & {one["path"] for one in asked}


def test_no_value_is_kept(everything: tuple[Visit, Path, object]) -> None:
    seen, folder, _ = everything
    hars = sorted(folder.glob("*.har"))
    assert len(hars) == 2
    assert len(list(folder.glob("*.png"))) == 4
    text = repr(seen) + "".join(path.read_text("utf-8") for path in hars)
    assert json.loads(hars[0].read_text("utf-8"))["log"]["version"] == "1.2"
    for value in (SECRET, "lovelace", NUMBER, "dark"):
        assert value not in text.replace("…", "")


def bomb(client: Client) -> None:
    """A gigabyte of nothing, compressed to a megabyte."""
    client.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    part = gzip.compress(b"<p>" + b"x" * (16 * 2**20))
    for _ in range(64):
        client.send(part)
    client.closed = True


def flood(client: Client) -> None:
    """As many cookies as a page can set, and then more."""
    script = "for (let n = 0; n < 1200; n++) document.cookie = `c${n}=1`"
    client.reply(200, f"<p>hello<script>{script}</script>")


def without_end(client: Client) -> None:
    """A body without end, of no stated length."""
    client.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")
    while True:
        client.send(b"x" * 65536)


HOSTILE: dict[str, tuple[Handler, type[NotAssessed], str]] = {
    "error": (page("<p>no", status=500), NotAssessed, "HTTP 500"),
    "forbidden": (page("<p>no", status=403), Refused, "HTTP 403"),
    "empty": (page(""), Nothing, "empty"),
    "data": (page("{}", "application/json"), NotAssessed, "no web page"),
    "download": (page("x", "application/zip"), NotAssessed, "download"),
    "off-site": (redirect("http://localhost:9/"), NotAssessed, ""),
    "script off-site": (
        page(
            "<p>x<script>location = 'data:text/plain,x'</script><meta http-equiv=refresh content='0;url=http://localhost:9/'>"
        ),
        NotAssessed,
        "",
    ),
    "circle": (redirect("/circle"), NotAssessed, ""),
    "drip": (dripping, NotAssessed, ""),
    "silent": (silent, NotAssessed, ""),
    "endless": (endless, NotAssessed, ""),
    "without end": (without_end, NotAssessed, ""),
    "bomb": (bomb, NotAssessed, ""),
    "not HTTP": (raw(b"\x00\x01\x02 nonsense\r\n\r\n"), NotAssessed, ""),
    "malformed": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        NotAssessed,
        "",
    ),
    "busy": (page("<p>x<script>for (;;) {}</script>"), NotAssessed, ""),
}


LASTING = {"drip", "silent", "endless", "without end", "bomb", "busy"}  # they end when patience does


def endured(name: str) -> tuple[list[NotAssessed], int, float]:
    """Return the errors of a visit, the pages that it took for good, and how long it took."""
    handler, *_ = HOSTILE[name]
    began = time.monotonic()
    with serving({"*": handler}) as server:
        try:
            first = visit(server.url, timeout=0.8 if name in LASTING else 8.0).first
        except NotAssessed as error:
            return [error], 0, time.monotonic() - began
    errors = [one.error for one in first.pages if one.error is not None]
    return errors, first.loaded, time.monotonic() - began


def endured_together(names: list[str]) -> Iterator[tuple[list[NotAssessed], int, float]]:
    """Yield the same of pages of one site, which come to an end by themselves, in one visit."""
    began = time.monotonic()
    with serving({f"/{name.replace(' ', '-')}": HOSTILE[name][0] for name in names}) as server:
        first = visit(server.url, pages=tuple(f"/{name.replace(' ', '-')}" for name in names)).first
    assert len(first.pages) == len(names)
    for one in first.pages:
        yield [one.error] if one.error else [], int(one.error is None), time.monotonic() - began


@pytest.fixture(scope="module")
def outcomes(everything: object) -> Mapping[str, tuple[list[NotAssessed], int, float]]:
    """What came of each hostile server, a few visited at a time: most of it is waiting."""
    del everything  # by then the browser runs
    with ThreadPoolExecutor(4) as pool:
        lasting = dict(zip(LASTING, pool.map(endured, LASTING), strict=True))
    quick = [name for name in HOSTILE if name not in LASTING]
    return {**lasting, **dict(zip(quick, endured_together(quick), strict=True))}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_servers_are_not_assessed(
    name: str, outcomes: Mapping[str, tuple[list[NotAssessed], int, float]]
) -> None:
    _, kind, words = HOSTILE[name]
    errors, loaded, seconds = outcomes[name]
    assert not loaded
    assert len(errors) == 1
    assert isinstance(errors[0], kind)
    assert words in errors[0].reason
    assert "\n" not in errors[0].reason
    assert seconds < 25


def test_a_page_that_takes_all_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_guard, "MEMORY", 200 * 2**20)
    grow = "const kept = []; setInterval(() => kept.push(new Uint8Array(2e7).fill(1)), 20)"
    with serving(
        {"*": page(f"<p>x<script>{grow}</script><script src=/slow></script>"), "/slow": silent}
    ) as server:
        seen = visit(server.url, timeout=6.0)
    assert seen.first.pages[0].error is not None
    assert "memory" in seen.first.pages[0].error.reason


def test_a_flood_of_cookies_is_bounded() -> None:
    with serving({"*": flood}) as server:
        seen = visit(server.url)
    assert len(seen.first.cookies) <= 1000


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    certificate = trustme.CA().issue_cert("127.0.0.1")
    with serving({"*": page()}, certificate) as server:
        with pytest.raises(NotAssessed, match="TLS refused, its certificate comes from an unknown authority"):
            visit(server.url, ca=tmp_path / "other.pem")
        with pytest.raises(NotAssessed, match="TLS refused"):
            visit(server.url)


def test_nothing_listens() -> None:
    with serving({}) as server:
        url = server.url
    with pytest.raises(NotAssessed, match="connection refused"):
        visit(url)


def test_a_crawl_stays_within_its_bounds() -> None:
    many = "".join(f'<a href="/page/{n}">{n}</a>' for n in range(30)) + '<a href="/dead">x</a>'
    routes = {"/": page(many), "/dead": page("gone", status=404), "*": page("<a href='/deeper'>more</a>")}
    with serving(routes) as server:
        seen = visit(server.url, depth=1, most=5)
    assert [one.path for one in seen.first.pages] == ["/", "/page/0", "/page/1", "/page/2", "/page/3"]
    assert seen.left == 28


def test_no_page_listed() -> None:
    with serving({}) as server, pytest.raises(Nothing, match="lists no pages"):
        visit(server.url, pages=())


def test_without_chromium_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHROMIUM, "no-such-program")
    where = target("http://www.example", kind="browser")  # not on loopback: a browser of its own
    with (
        Browser.open(where, plan=Plan(("/",))) as browser,
        pytest.raises(MissingDriver, match=f"{CHROMIUM} names no program"),
    ):
        browser.visit()


def test_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_watch, "BYTES", 2**20)
    huge = page("<p>x<script>fetch('/big').then((r) => r.text())</script>")
    with serving({"/": huge, "/big": without_end}) as server:
        seen = visit(server.url, timeout=10.0)
    assert isinstance(seen.first.pages[0].error, TooLarge)
