"""What a browser's visit must not pass over, leak or be drowned in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.connectors import browser_watch
from checks.connectors.browser import Browser
from checks.connectors.browser_evidence import forget
from checks.connectors.browser_frames import sound
from checks.connectors.browser_record import PageSeen, Plan, StateSeen, Visit
from checks.connectors.browser_urls import named, path_of, shown
from checks.core.errors import TimedOut, TooLarge, Unreadable
from tests.checks.connectors.http_servers import Client, Handler, page, serving, target

CARD = "4111111111111111"
ADDRESS = "ada@person.example"
FRAMES = """<p>frames<div id=host></div>
<iframe srcdoc="<form action='https://inner.third.example/a'></form><script>sessionStorage.inner=1</script>"></iframe>
<iframe src=/framed></iframe>
<form action="https://named.third.example/b"><input name=action><input name=method></form>
<script>host.attachShadow({mode: "open"}).innerHTML =
  "<form method=post action='http://shadow.third.example/c'></form><a href='/deeper'>x</a>";</script>"""
FRAMED = "<p>inside<form action='https://framed.third.example/d'></form>"
NAMES = f"""<p>names<img src=/seen/{CARD}/a.gif><img src=/seen/4111%201111%201111%201111/b.gif>
<script>
sessionStorage.setItem("key {CARD}", "x"); sessionStorage.setItem("two\\nlines \\x1b[2J", "x");
sessionStorage.setItem("x".repeat(100000), "x"); sessionStorage.setItem("payment", "{CARD}");
sessionStorage.setItem("late", "x ".repeat(20000) + "{ADDRESS}");
sessionStorage.setItem("long", "x ".repeat(80000) + "{ADDRESS}");
caches.open("pages").then((one) => one.put("/who?mail={ADDRESS}", new Response("x")));
const asked = indexedDB.open("rows");
asked.onupgradeneeded = () => {{
  const store = asked.result.createObjectStore("s", {{autoIncrement: true}});
  for (let n = 0; n < 150; n++) store.add(n);
}};
const other = indexedDB.open("bytes");
other.onupgradeneeded = () =>
  other.result.createObjectStore("s").add(new TextEncoder().encode("{ADDRESS}"), "k");
</script>"""
MANY = "<p>many<script>for (let n = 0; n < 600; n++) sessionStorage.setItem(`k${n}`, n)</script>"
STUBBORN = "<p>no<script>JSON.stringify = () => '1'; Array.from = () => 7;</script>"
PATHS = ("/frames", "/names", "/many", "/stubborn")

pytestmark = pytest.mark.usefixtures("one_browser")


def visit(url: str, pages: tuple[str, ...] = ("/",), **plan: object) -> Visit:
    """Visit with little patience."""
    given = Plan(**{"pages": pages, "depth": 0, "wait": 0.1, "timeout": 8.0, **plan})  # type: ignore[arg-type]
    with Browser.open(target(url, kind="browser"), plan=given) as browser:
        return browser.visit()


def named_page(client: Client) -> None:
    client.reply(200, NAMES, Set_Cookie=f"{ADDRESS}-has-no-name; Domain={ADDRESS}")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[StateSeen, Mapping[str, PageSeen], str]:
    """A visit of odd pages: the first state, its pages by path, and all that is written down of it."""
    kept = tmp_path_factory.mktemp("odd")
    routes: dict[str, Handler] = {
        "/frames": page(FRAMES),
        "/framed": page(FRAMED),
        "/names": named_page,
        "/many": page(MANY),
        "/stubborn": page(STUBBORN),
    }
    with serving(routes) as server:
        seen = visit(server.url, PATHS, evidence=kept)
    text = repr(seen) + "".join(path.read_text("utf-8") for path in kept.glob("*.har"))
    return seen.first, {one.path: one for one in seen.first.pages}, text + "".join(map(str, kept.iterdir()))


def test_forms_are_found_in_frames_and_shadow_trees(
    odd: tuple[StateSeen, Mapping[str, PageSeen], str],
) -> None:
    forms = {one.host.partition(".")[0]: one.method for one in odd[0].requests if one.kind == "form"}
    assert odd[1]["/frames"].error is None
    assert forms == {"inner": "GET", "named": "GET", "shadow": "POST", "framed": "GET"}
    assert "inner" in {one.key for one in odd[0].stored}


def test_names_are_masked_and_fit_in_a_line(odd: tuple[StateSeen, Mapping[str, PageSeen], str]) -> None:
    state, pages, text = odd
    assert pages["/names"].error is None
    for value in (CARD, "4111 1111", "4111%20", ADDRESS, "has-no-name", "\x1b"):
        assert value not in text
    keys = {one.key: one for one in state.stored}
    assert "two?lines ?[2J" in keys
    assert max(map(len, keys)) == 200
    assert keys["payment"].holds == "a card number"
    urls = {one.url.partition("/seen/")[2] for one in state.requests if "/seen/" in one.url}
    assert urls == {"…/a.gif", "…/b.gif"}


def test_what_was_not_read_to_its_end_says_so(odd: tuple[StateSeen, Mapping[str, PageSeen], str]) -> None:
    keys = {one.key: (one.holds, one.whole) for one in odd[0].stored}
    assert keys["late"] == ("an e-mail address", True)
    assert keys["long"] == (None, False)
    assert keys["rows"] == (None, False)
    assert keys["bytes"] == ("an e-mail address", True)
    assert keys["pages"] == ("an e-mail address", True)


def test_pages_with_too_much_or_in_the_way_are_not_assessed(
    odd: tuple[StateSeen, Mapping[str, PageSeen], str],
) -> None:
    assert isinstance(odd[1]["/many"].error, TooLarge)
    assert isinstance(odd[1]["/stubborn"].error, Unreadable)
    good = {"links": ["/"], "forms": [["/", "GET"]], "stored": [["a", "b", "c", True]]}
    good |= {"more": False, "elements": 1}
    assert sound(good, "x") is good
    for wrong in (None, {}, {**good, "stored": [["a", "b", "c", 1]]}, {**good, "forms": [[1, 2]]}):
        with pytest.raises(Unreadable, match="its scripts stand in the way"):
            sound(wrong, "x")


FLOODS = {
    "requests": "for (let n = 0; n < 300; n++) fetch(`/x${n}`)",
    "cookies": "for (let n = 0; n < 300; n++) document.cookie = `c${n}=1`",
    "windows": "for (let n = 0; n < 8; n++) open('about:blank')",
}


def test_floods_end_the_page_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_watch, "MOST", 40)
    monkeypatch.setattr(browser_watch, "WINDOWS", 4)
    for name, script in FLOODS.items():
        with serving({"/": page(f"<p>x<script>{script}</script>"), "*": page("x")}) as server:
            try:
                seen = visit(server.url, timeout=4.0)
            except TimedOut:  # a machine that is busy with all those windows
                assert name == "windows"
                continue
        for state in seen.states:
            assert isinstance(state.error, TooLarge), name
            assert len(state.requests) <= 50
            assert len(state.cookies) <= 400  # what the browser itself keeps of one host


def shy(client: Client) -> None:
    """A page for those alone who do not object."""
    client.reply(404 if "sec-gpc" in client.headers else 200, "<p>hello")


def test_a_page_that_is_none_in_another_state_and_a_shared_worker_are_told() -> None:
    script = "if (!navigator.globalPrivacyControl) new SharedWorker('/w.js')"
    start = f"<p>x<a href=/shy>shy</a><script>{script}</script>"
    routes = {"/": page(start), "/shy": shy, "/w.js": page("1", "text/javascript")}
    plan = Plan(("/",), depth=1, wait=0.1, timeout=8.0)
    with serving(routes) as server, Browser.open(target(server.url, kind="browser"), plan=plan) as browser:
        seen = browser.visit()
    assert [one.path for one in seen.first.pages if one.error is None] == ["/", "/shy"]
    gone = {one.path: one.error for one in seen.gpc.pages}
    assert "no page, though it is one before any choice" in str(gone["/shy"])
    assert "starts a shared worker" in str(seen.first.error)
    assert seen.gpc.error is None


def test_evidence_of_earlier_visits_is_removed_and_nothing_else(tmp_path: Path) -> None:
    old = ["before-any-choice-start.png", "after-refusing-a-1234abcd.png", "with-sec-gpc-1.har"]
    others = ["notes.txt", "before-any-choice.txt", "report.har", "after-dinner.png", "after-refusing.har"]
    for name in (*old, *others[:-1]):
        (tmp_path / name).write_text("old")
    (tmp_path / others[-1]).mkdir()
    (tmp_path / "after-accepting.har").symlink_to(tmp_path / "notes.txt")
    with serving({"/": page("<p>hello")}) as server:
        seen = visit(server.url, evidence=tmp_path)
    written = {one.path.name for state in seen.states for one in state.kept}
    assert {path.name for path in tmp_path.iterdir()} == {*others, "after-accepting.har", *written}
    assert (tmp_path / "before-any-choice-start.png").read_bytes() != b"old"
    assert (tmp_path / "notes.txt").read_text() == "old"
    assert "after-refusing-a-1234abcd.png" not in written
    forget(tmp_path / "nowhere")


def test_addresses_and_names_as_shown() -> None:
    assert path_of(f"/a/{CARD}?b") == "/a/…"
    assert path_of("/a%20b/c") == "/a%20b/c"
    assert path_of("/x/%2B49%2030%201234567") == "/x/…"
    assert shown(f"https://user:word@site.example/{ADDRESS}?q#f") == "https://site.example/…"
    assert named("a\tb") == "a?b"
