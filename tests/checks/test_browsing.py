"""Checks in a browser: a site that asks and heeds passes, one that does not fails, silence proves nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from checks.connectors.browser import Browser
from checks.connectors.browser_record import Plan
from checks.core.errors import NotAssessed
from checks.core.model import Environment, Inventory, Observation, Outcome, Processor
from checks.core.registry import Scope, checks_in
from checks.detectors.identifiers import identifies, without
from tests.checks.connectors.http_servers import Handler, page, serving, target

ASKING = """<!doctype html><p>hello</p>
<script>localStorage.setItem("theme", "dark");</script>
<div id="cookie-banner" style="position:fixed;bottom:0">We would like to use cookies.
<button id="all">Accept all</button> <button id="none" style="{style}">Only necessary</button></div>
<script>
const banner = document.getElementById("cookie-banner");
const choose = (choice) => {{
  document.cookie = `choice=${{choice}}; max-age=1000`; banner.remove(); load();
}};
const load = () => {{
  if (document.cookie.includes("choice=all")) document.cookie = "stats=1; max-age=1000";
}};
all.onclick = () => choose("all"); none.onclick = () => choose("none");
if (document.cookie.includes("choice=")) banner.remove();
load();
</script>"""
ESSENTIAL = {"pages": ("/",), "essential_cookies": ("choice",), "essential_storage": ("theme",)}


pytestmark = pytest.mark.usefixtures("one_browser")


def observe(
    handler: Handler | None,
    *,
    hosts: tuple[str, ...] = (),
    timeout: float = 8.0,
    lists: tuple[Path, ...] = (),
) -> dict[str, list[Observation] | NotAssessed]:
    """Return what each check says of a site of one page; with no handler nothing listens."""
    with serving({"/": handler} if handler else {}) as server:
        if handler is None:
            url = server.url
        else:
            return look(server.url, hosts, timeout, lists)
    return look(url, hosts, timeout, lists)


def look(
    url: str, hosts: tuple[str, ...], timeout: float, lists: tuple[Path, ...]
) -> dict[str, list[Observation] | NotAssessed]:
    where = target(url, kind="browser", **ESSENTIAL)
    here = Environment("test", "Test", "", "")
    processor = Processor("cdn", "CDN", "processor", (), (), (), (), hosts)
    nothing = MappingProxyType({})
    inventory = Inventory("", "", "", here, nothing, nothing, {"cdn": processor}, nothing, (), (), nothing)  # type: ignore[arg-type]
    result: dict[str, list[Observation] | NotAssessed] = {}
    plan = Plan(("/",), depth=0, wait=0.1, timeout=timeout, lists=lists)
    with Browser.open(where, plan=plan) as browser:
        scope = Scope(inventory, datetime.now(UTC), where, lambda _: browser, {})
        for check in checks_in("browsing").values():
            arguments = [browser, scope] if check.scoped else [browser]
            try:
                result[check.name.partition(".")[2]] = list(check.function(*arguments))
            except NotAssessed as error:
                result[check.name.partition(".")[2]] = error
    return result


def violated(seen: dict[str, list[Observation] | NotAssessed]) -> dict[str, list[str]]:
    found = {}
    for name, observations in seen.items():
        assert isinstance(observations, list)
        subjects = [o.subject for o in observations if o.outcome is Outcome.VIOLATED]
        if subjects:
            found[name] = subjects
    return found


def test_a_site_that_asks_and_heeds_passes() -> None:
    seen = observe(page(ASKING.format(style="")))
    assert violated(seen) == {}
    assert all(isinstance(o, list) and o[-1].outcome is Outcome.MET for o in seen.values())
    assert all(
        o[-1].measure is not None and o[-1].measure.looked > 0 for o in seen.values() if isinstance(o, list)
    )


def test_a_refusal_too_small_to_see_is_no_refusal() -> None:
    seen = observe(page(ASKING.format(style="font-size:3px;padding:0;border:0")))
    assert violated(seen) == {"consent_is_asked": ["consent dialog"]}


def test_a_declared_host_that_does_not_answer_hides_what_it_loads() -> None:
    body = "<p>hello<script src='https://cdn.third.example/app.js'></script>"
    seen = observe(page(body), hosts=("cdn.third.example",))
    assert violated(seen) == {}
    parties = seen["no_third_party"]
    assert isinstance(parties, list)
    assert [o.outcome for o in parties] == [Outcome.UNSEEN, Outcome.MET]


def test_a_filter_list_finds_trackers_on_own_and_declared_hosts(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("/own-stats.\n||cdn.third.example^*/px.\n", "utf-8")
    body = "<p>x<img src=/own-stats.gif?a=1><img src=https://cdn.third.example/a/px.gif><img src=/plain.gif>"
    seen = observe(page(body), hosts=("cdn.third.example",), lists=(tmp_path / "list.txt",))
    named = ["host 127.0.0.1", "host cdn.third.example"]
    assert violated(seen) == {"no_tracker_contacted": named, "privacy_signal_honoured": named}
    told = seen["no_tracker_contacted"]
    assert isinstance(told, list)
    assert "named by the filter list (/own-stats.)" in told[0].detail
    (tmp_path / "list.txt").write_text("||elsewhere.example^\n", "utf-8")
    seen = observe(page(body), hosts=("cdn.third.example",), lists=(tmp_path / "list.txt",))
    told = seen["no_tracker_contacted"]
    assert isinstance(told, list)
    assert [one.outcome for one in told] == [Outcome.MET]
    assert "none of 1 rules applies" in told[0].detail


def test_without_its_filter_list_what_needs_it_is_not_assessed(tmp_path: Path) -> None:
    seen = observe(page("<p>hello"), lists=(tmp_path / "list.txt",))
    refused = {name: one.reason for name, one in seen.items() if isinstance(one, NotAssessed)}
    reason = "browser: filter list list.txt does not exist"
    assert refused == {"no_tracker_contacted": reason, "privacy_signal_honoured": reason}


def test_a_dialog_that_nobody_can_accept_leaves_a_state_unseen() -> None:
    plain = ASKING.format(style="").replace("Accept all", "Continue")
    big = "<script>sessionStorage.setItem('theme', 'x '.repeat(80000))</script>"
    seen = observe(page(plain + big))
    assert violated(seen) == {}
    told = {
        name: [o.subject for o in observations if o.outcome is Outcome.UNSEEN]
        for name, observations in seen.items()
        if isinstance(observations, list)
    }
    silent = {name for name, subjects in told.items() if "consent dialog" not in subjects}
    assert silent == {"no_cookie_before_consent", "privacy_signal_honoured"}  # of one state each
    assert "sessionStorage theme" in told["storage_identifies_nobody"]


def test_silence_proves_nothing() -> None:
    assert all(isinstance(one, NotAssessed) for one in observe(None).values())


def test_an_empty_page_proves_nothing() -> None:
    for observations in observe(page("")).values():
        assert isinstance(observations, list)
        assert observations[0].outcome is Outcome.UNSEEN
        met = [o for o in observations if o.outcome is Outcome.MET]
        assert all(o.measure is not None and o.measure.looked == 0 for o in met)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ada@lab.example.com", "an e-mail address"),
        ("a%40b.example", "an e-mail address"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "a signed token"),
        ("GA1.2.1234567890.1700000000", "a unique identifier"),
        ("8f14e45f-ceea-467f-a0e6-0d1d2f0e1234", "a unique identifier"),
        ("8a41c2b7d09e4f63a1b2c3d4", "a unique identifier"),
        ("192.0.2.17", "an IP address"),
        ("+49 30 1234567", "a telephone number"),
        ("dark", None),
        ('{"theme": "dark", "sidebar": true, "width": 1280}', None),
        ("release-2026-11-27-notes-and-more", None),
        ("2026-11-27T09:00:00.000Z", None),
        ("1700000000000", None),
    ],
)
def test_what_identifies(text: str, words: str | None) -> None:
    assert identifies(text) == words
    if words and words != "an IP address":
        assert text not in without(text)
