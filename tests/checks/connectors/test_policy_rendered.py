"""Policy, contact, links and sign-up form that a script makes: clean, violating, empty, not answering."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trustme
from http_servers import Handler, page, serving, target

from checks import children, policy
from checks.connectors.browser import Browser
from checks.connectors.browser_runtime import CHROMIUM, runtime
from checks.connectors.http import Site
from checks.core.judge import Judgement
from checks.core.model import Inventory, Observation, PolicyVersion, Status
from checks.core.registry import Scope
from checks.detectors.page_scripts import runs_scripts
from checks.detectors.policy_text import read_policy

TEXT = """<h1>Privacy</h1><p>Effective date: 1 November 2026. Version 1.2</p>
<h2>1. What we do</h2><p>We run a service. We sell nothing.</p>
<h2>2. Children</h2><p>It is not meant for children.</p>
<h2>3. Contact</h2><p>Write to <a href="mailto:privacy@enfyra.io">privacy@enfyra.io</a>.</p>"""
LOCKED = read_policy(TEXT).marks()
FORM = "<form><label>E-mail <input name=email></label><input type=password name=password></form>"
START = '<a href="/about">About</a>'
ABOUT = '<a href="/legal/privacy">Privacy</a>'
POLICY, SIGNUP = "/legal/privacy", "/signup"
EVERY: list[Callable[..., Iterator[Observation]]] = [
    policy.page_matches_lock,
    policy.change_is_announced,
    policy.page_states_version_date_contact,
    policy.policy_within_reach,
    children.policy_speaks_of_children,
    children.signup_asks_nothing_of_a_child,
]
CLEAN = {"/": START, "/about": ABOUT, POLICY: TEXT, SIGNUP: FORM}
Look = Callable[..., list[Judgement]]


@pytest.fixture(scope="module")
def certificate(authority: tuple[trustme.CA, Path]) -> Iterator[trustme.LeafCert]:
    """Keep one browser for all tests of this module: one is started for each certificate it is to trust."""
    with runtime():
        yield authority[0].issue_cert("127.0.0.1")


def shell(made: str, before: str = "") -> Handler:
    """Return a page whose whole content a script puts in place a moment after it has loaded."""
    quoted = json.dumps(made).replace("</", "<\\/")
    return page(
        f"<!doctype html><html><body>{before}<div id=app></div>"
        f"<script>setTimeout(() => document.getElementById('app').innerHTML = {quoted}, 20)</script>"
    )


@pytest.fixture
def look(authority: tuple[trustme.CA, Path], certificate: trustme.LeafCert) -> Look:
    def run(
        routes: dict[str, Handler],
        *checks: Callable[..., Iterator[Observation]],
        own: trustme.LeafCert | None = None,
    ) -> list[Judgement]:
        found = []
        with serving(routes, own or certificate) as server, ExitStack() as stack:
            given = {"pages": ("/",), "policy_page": POLICY, "signup_page": SIGNUP}
            where = target(server.url, ca=authority[1], crawl={"wait": 0.1}, **given)
            inventory = cast(Inventory, SimpleNamespace(environment=SimpleNamespace(synthetic=False)))
            site = stack.enter_context(Site.open(where, timeout=5))
            browser = stack.enter_context(Browser.open(where, timeout=5))
            views: dict[str, Any] = {"site": site, "site.browser": browser}
            version = PolicyVersion("enfyra", "1.2", "2026-11-01", "x")
            scope = Scope(inventory, datetime(2026, 11, 27, tzinfo=UTC), where, views.__getitem__, LOCKED)
            for check in checks or EVERY:
                judgement = Judgement()
                scope = Scope(*(getattr(scope, name) for name in scope.__slots__[:5]), policy=version)
                judgement.hear(check(site, scope))
                assert judgement.crash is None, judgement.crash
                found.append(judgement)
        return found

    return run


def states(found: list[Judgement]) -> list[Status]:
    return [judgement.conclude()[0] for judgement in found]


def told(judgement: Judgement) -> str:
    return "; ".join(f"{one.subject}: {one.detail}" for one in judgement.findings)


def test_what_scripts_make_is_read(look: Look) -> None:
    found = look({path: shell(made) for path, made in CLEAN.items()})
    assert states(found) == [Status.PASS] * 6, [(told(one), one.conclude()) for one in found]
    assert found[3].evidence[0].detail == "2 clicks: / → /about → /legal/privacy"


def test_what_scripts_make_is_judged(look: Look) -> None:
    text = TEXT.replace("We sell nothing.", "We sell little.").replace("not meant", "meant")
    text = text.replace("privacy@enfyra.io", "noreply@enfyra.io").replace("1 November 2026", "soon")
    made = {"/": START, "/about": "<a href=/signup>Join</a>", POLICY: text}
    made |= {SIGNUP: f"{FORM}<label>Born<input name=dob value=s3cret></label>"}
    found = look({path: shell(one) for path, one in made.items()})
    words = [told(one) for one in found]
    assert states(found) == [Status.FAIL] * 6, words
    assert words[5] == f"{SIGNUP} field text dob: asks for a date of birth"
    assert "no link leads to /legal/privacy within 2 clicks" in words[3]
    assert "s3cret" not in str(words)
    assert "noreply" not in str(words)


def test_scripts_have_the_last_word_over_what_was_served(look: Look) -> None:
    """A sentence put into the text that was served, a field into its form, an address deciphered."""
    guarded = "<a href='/cdn-cgi/l/email-protection' data-cfemail=2a>[email&#160;protected]</a>"
    changing = "<script>document.querySelectorAll('{}').forEach(e => e.innerHTML = {})</script>"
    contact = json.dumps("<a href='mailto:privacy@enfyra.io'>privacy@enfyra.io</a>").replace("</", "<\\/")
    hidden = TEXT.replace('<a href="mailto:privacy@enfyra.io">privacy@enfyra.io</a>', f"<b>{guarded}</b>")
    routes = {
        POLICY: page(hidden + changing.format("b", contact)),
        SIGNUP: page(f"{FORM}<p></p>" + changing.format("p", "'<input name=school>'")),
    }
    found = look(routes, EVERY[0], EVERY[2], EVERY[5])
    assert states(found) == [Status.PASS, Status.FAIL, Status.FAIL]
    said = told(found[1])
    assert said.count("is obfuscated: a script must run before it can be read") == 2, said
    assert "asks for a school" in told(found[2])


def test_a_page_that_stays_empty_is_not_assessed(look: Look) -> None:
    found = look({"*": shell("")})
    assert states(found) == [Status.NOT_ASSESSED] * 6, [told(one) for one in found]


def test_a_page_that_leaves_or_breaks_in_the_browser_is_not_assessed(look: Look) -> None:
    away = page(f"{TEXT}{FORM}<script>location = 'https://127.0.0.2:9/'</script>")
    found = look({"/": away, POLICY: away, SIGNUP: away})
    assert states(found) == [Status.NOT_ASSESSED] * 6, [told(one) for one in found]
    assert all("\n" not in one.conclude()[1] for one in found)


def test_without_a_browser(
    look: Look, authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only scripts make is not assessed; a text that was served is one."""
    own = authority[0].issue_cert("127.0.0.1")  # the browser that runs does not trust it
    monkeypatch.setenv(CHROMIUM, "no-such-program")
    found = look({path: shell(made) for path, made in CLEAN.items()}, own=own)
    assert states(found) == [Status.NOT_ASSESSED] * 6
    assert all("names no program" in one.conclude()[1] for one in found), [one.conclude() for one in found]
    served = look({path: shell("", before=made) for path, made in CLEAN.items()}, own=own)
    assert states(served) == [Status.PASS] * 5 + [Status.NOT_ASSESSED]


@pytest.mark.parametrize(
    ("html", "runs"),
    [
        ("<p>no", False),
        ("<script src=/a.js></script>", True),
        ("<script>1", True),
        ("<script type=module>1</script>", True),
        ("<script type=application/ld+json>{}</script>", False),
        ("<body onload=x()>", True),
        ("<![CDATA[<!-- <script>1</script> -->", False),
    ],
)
def test_whether_scripts_run(html: str, runs: bool) -> None:
    assert runs_scripts(html) is runs
