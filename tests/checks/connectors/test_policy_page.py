"""Policy page, contact, the way there and sign-up: clean, violating, empty, not answering."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trustme
from http_servers import Handler, dripping, page, raw, redirect, serving, target

from checks import children, policy
from checks.connectors.http import Site
from checks.core.errors import MissingDriver
from checks.core.judge import Judgement
from checks.core.model import Inventory, Observation, PolicyVersion, Status
from checks.core.registry import Scope
from checks.detectors.policy_text import read_policy

TEXT = """<!doctype html><html><body><h1>Privacy</h1><p>Effective date: 1 November 2026. Version 1.2</p>
<h2>1. What we do</h2><p>We run a service. We sell nothing.</p>
<h2>2. Children</h2><p>It is not meant for children.</p>
<h2>3. Contact</h2><p>Write to <a href="mailto:privacy@enfyra.io">privacy@enfyra.io</a>.</p></body></html>"""
START = '<h1>Start</h1><a href="/signup">Sign up</a> <a href="/legal/privacy">Privacy</a>'
FORM = "<form><label>E-mail <input name=email></label><input type=password name=password></form>"
POLICY = "/legal/privacy"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
LOCKED = read_policy(TEXT).marks()
Check = Callable[..., Iterator[Observation]]
Look = Callable[..., Judgement]


@pytest.fixture
def look(authority: tuple[trustme.CA, Path]) -> Look:
    ca, path = authority
    certificate = ca.issue_cert("127.0.0.1")

    def run(
        check: Check,
        pages: Mapping[str, Handler | str],
        *,
        timeout: float = 1.0,
        locked: Mapping[str, str] = LOCKED,
        **lock: Any,
    ) -> Judgement:
        routes = {name: page(body) if isinstance(body, str) else body for name, body in pages.items()}
        with serving(routes, certificate) as server:
            where = target(server.url, ca=path, pages=("/",), policy_page=POLICY, signup_page="/signup")
            environment = SimpleNamespace(synthetic=False)
            inventory = cast(Inventory, SimpleNamespace(environment=environment))
            version = replace(PolicyVersion("enfyra", "1.2", "2026-11-01", "x"), **lock)
            citing = {"1.2": ("SALE-01", "SALE-02")}
            judgement = Judgement()
            with Site.open(where, timeout=timeout) as site:
                scope = Scope(inventory, NOW, where, no_browser, locked, policy=version, citing=citing)
                wanted = "scope" in check.__code__.co_varnames[: check.__code__.co_argcount]
                judgement.hear(check(site, scope) if wanted else check(site))
        return judgement

    return run


def no_browser(_: str) -> Any:
    raise MissingDriver("a look in a browser needs Playwright: pip install 'policyproof[browser]'")


EVERY: list[Check] = [
    policy.page_matches_lock,
    policy.change_is_announced,
    policy.page_states_version_date_contact,
    policy.policy_within_reach,
    children.policy_speaks_of_children,
    children.signup_asks_nothing_of_a_child,
]
CLEAN: dict[str, Handler | str] = {"/": START, POLICY: TEXT, "/signup": FORM}


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_clean(look: Look, check: Check) -> None:
    judgement = look(check, CLEAN)
    assert judgement.conclude()[0] is Status.PASS, (judgement.findings, judgement.conclude())


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "answer",
    [
        page(""),
        page("<div id=app></div><script src=/app.js></script>"),
        page(b"%PDF-1.7", "application/pdf"),
        page(b"\x89PNG", "image/png"),
        page("<img src=/policy.png alt=Policy>"),
        page("<h1>Oops</h1>", status=500),
        page("no", status=404),
        redirect("https://elsewhere.test/"),
        raw(b""),
        dripping,
    ],
    ids=["empty", "shell", "pdf", "png", "picture", "500", "404", "off-site", "closed", "slow"],
)
def test_what_cannot_be_read_is_not_assessed(look: Look, check: Check, answer: Handler) -> None:
    begun = time.monotonic()
    judgement = look(check, {"*": answer}, timeout=0.2)
    status, reason = judgement.conclude()
    assert status is Status.NOT_ASSESSED, judgement.findings
    assert judgement.crash is None
    assert "\n" not in reason
    assert time.monotonic() - begun < 9


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    where = target(f"http://127.0.0.1:{port}", policy_page=POLICY)
    judgement = Judgement()
    with Site.open(where, timeout=0.3) as site:
        scope = Scope(cast(Inventory, None), NOW, where, no_browser, LOCKED)
        judgement.hear(children.policy_speaks_of_children(site, scope))
    assert judgement.conclude() == (Status.NOT_ASSESSED, f"site: GET {POLICY}: connection refused")


def told(judgement: Judgement) -> list[str]:
    return [f"{one.subject}: {one.detail}" for one in judgement.findings]


def test_changes_are_told_by_sentence_with_the_controls_that_cite_it(look: Look) -> None:
    text = TEXT.replace("We sell nothing.", "We sell little. Really.").replace(
        "It is not meant for children.", ""
    )
    found = told(look(policy.page_matches_lock, CLEAN | {POLICY: text}))
    assert found == [
        "clause 1.2: section 1: reads otherwise on the page; cited by SALE-01, SALE-02",
        "clause 1.3: section 1: is new on the page, behind 1.2: no control was written for it",
        "clause 2.1: section 2: is gone from the page; cited by no control",
    ]
    assert "little" not in str(found)


HEAD = "<h1>Privacy</h1>"


@pytest.mark.parametrize(
    ("edits", "words", "place"),
    [
        (
            ("2. Children", "2. Minors"),
            ["the heading of section 2: reads otherwise on the page"],
            "in section 2",
        ),
        (
            ("We sell", "<h2>2. Sale</h2>We sell", "2. Children", "3. Children", "3. Con", "4. Con"),
            ["the heading of section 2: is new on the page, behind 1.1"],
            "in section 2",
        ),
        (
            ("<h2>2. Children</h2>", "", "3. Contact", "2. Contact"),
            ["the heading of section 2: is gone from the page"],
            "in section 2",
        ),
        (
            ("<h2>2. Children</h2>", "", "1. What we do</h2>", "1. What we do</h2><h2>2. Children</h2>"),
            [
                "the heading of section 2: stands before other sentences on the page, as the heading of"
                " section 2"
            ],
            "in section 2",
        ),
        (
            (HEAD, "<h1>Our rules</h1>"),
            ["sentence 1 before section 1: reads otherwise on the page"],
            "before",
        ),
        (
            (HEAD, f"{HEAD}<p>Whoever goes on agrees to ads.</p>"),
            ["sentence 2 before section 1: is new on the page, behind sentence 1 before section 1"],
            "before section 1",
        ),
        ((HEAD, "<h1></h1>"), ["sentence 1 before section 1: is gone from the page"], "before section 1"),
    ],
    ids=["changed", "added", "removed", "moved", "before changed", "before added", "before removed"],
)
def test_headings_and_what_stands_before_are_the_locked_ones(
    look: Look, edits: tuple[str, ...], words: list[str], place: str
) -> None:
    """Each change is named, with nothing of its text."""
    text = TEXT
    for old, new in zip(edits[::2], edits[1::2], strict=True):
        assert text.count(old) == 1
        text = text.replace(old, new)
    found = told(look(policy.page_matches_lock, CLEAN | {POLICY: text}))
    assert found == words
    announced = told(look(policy.change_is_announced, CLEAN | {POLICY: text}))
    assert f"the text changed {place}" in str(announced)


def test_a_lock_of_sentences_alone(look: Look) -> None:
    """An older one: it says what it cannot tell, and tells a changed sentence as before."""
    older = {place: mark for place, mark in LOCKED.items() if place[:2] != "0." and place[-2:] != ".0"}
    text = TEXT.replace("Children", "Minors").replace(HEAD, "<h1>Our rules</h1>")
    judgement = look(policy.page_matches_lock, CLEAN | {POLICY: text}, locked=older)
    assert judgement.conclude()[0] is Status.PASS
    assert judgement.evidence[0].detail == (
        "every sentence as locked (the lock is without headings and what stands before section 1)"
    )
    text = text.replace("We sell nothing.", "We sell little.")
    judgement = look(policy.page_matches_lock, CLEAN | {POLICY: text}, locked=older)
    assert told(judgement) == [
        "clause 1.2: section 1: reads otherwise on the page; cited by SALE-01, SALE-02"
    ]


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("Effective date: 1 November 2026", "Last updated: 2nd of December 2026"),
        TEXT.replace("<p>Effective date: 1 November 2026. Version 1.2</p>", ""),
        TEXT.replace("<p>Effective date: 1 November 2026. Version 1.2</p>", "").replace(
            "</body>", "<footer>Version 1.2, effective 1 November 2026</footer></body>"
        ),
    ],
    ids=["changed", "gone", "moved"],
)
def test_the_line_of_the_date_is_no_text(look: Look, text: str) -> None:
    assert look(policy.page_matches_lock, CLEAN | {POLICY: text}).conclude()[0] is Status.PASS


CHANGED = TEXT.replace("We sell nothing.", "We sell little.")


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (
            CHANGED,
            Status.FAIL,
            "the text changed in section 1, but version '1.2' and date '2026-11-01' stayed",
        ),
        (CHANGED.replace("Version 1.2", "Version 1.3"), Status.PASS, ""),
        (CHANGED.replace("Effective date: 1 November 2026.", ""), Status.FAIL, "no new version or date is"),
        (CHANGED.replace("Version 1.2", ""), Status.FAIL, "no new version or date is stated"),
        (CHANGED.replace("1 November", "12th of November"), Status.PASS, ""),
        (CHANGED.replace("Version 1.2", "Version 1.1"), Status.FAIL, "went back before the locked one"),
        (CHANGED.replace("1 November", "1 October"), Status.FAIL, "went back before the locked one"),
        (TEXT.replace("Version 1.2", "Version 1.3"), Status.PASS, ""),
    ],
)
def test_a_change_is_announced(look: Look, text: str, status: Status, words: str) -> None:
    judgement = look(policy.change_is_announced, CLEAN | {POLICY: text})
    assert judgement.conclude()[0] is status
    assert words in " ".join(told(judgement))


def test_a_lock_without_version_or_date_cannot_be_compared(look: Look) -> None:
    judgement = look(policy.change_is_announced, CLEAN | {POLICY: CHANGED}, version=None, effective=None)
    assert judgement.conclude()[0] is Status.NOT_ASSESSED


NO_VERSION, NO_DATE = {"version": None}, {"effective": None}


@pytest.mark.parametrize(
    ("lock", "page", "status", "words"),
    [
        (NO_DATE, "Version 1.3", Status.PASS, ""),
        (NO_DATE, "Version 1.2", Status.FAIL, "but version '1.2' stayed"),
        (NO_DATE, "Version 1.1", Status.FAIL, "went back"),
        (NO_DATE, "Effective date: 2 May 2026. Version 1.2", Status.FAIL, "but version '1.2' stayed"),
        (NO_DATE, "Effective date: 2 May 2026", Status.FAIL, "no new version or date is stated"),
        (NO_DATE, "", Status.FAIL, "no new version or date is stated"),
        (NO_VERSION, "Effective date: 2 November 2026", Status.PASS, ""),
        (NO_VERSION, "Effective date: 1 November 2026", Status.FAIL, "but date '2026-11-01' stayed"),
        (NO_VERSION, "Effective date: 1 October 2026", Status.FAIL, "went back"),
        (NO_VERSION, "Effective 2026-11-01. Version 7", Status.FAIL, "but date '2026-11-01' stayed"),
        (NO_VERSION, "Version 7", Status.FAIL, "no new version or date is stated"),
        (NO_VERSION, "", Status.FAIL, "no new version or date is stated"),
    ],
)
def test_a_lock_with_one_of_version_and_date(
    look: Look, lock: dict[str, Any], page: str, status: Status, words: str
) -> None:
    """What the lock never had is no new one when the page states it."""
    text = CHANGED.replace("Effective date: 1 November 2026. Version 1.2", page)
    judgement = look(policy.change_is_announced, CLEAN | {POLICY: text}, **lock)
    assert judgement.conclude()[0] is status, told(judgement)
    assert words in " ".join(told(judgement))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1 November 2026", "1 November 2027", "effective date: '1 November 2027' lies in the future"),
        ("1 November 2026", "2026-02-31", "effective date: '2026-02-31' is no date"),
        (
            "1 November 2026",
            "3/4/2026",
            "effective date: '3/4/2026' can be read as 2026-04-03 or as 2026-03-04",
        ),
        ("1 November 2026", "1 November 1026", "effective date: '1 November 1026' lies before 2000"),
        ("1 November 2026", "soon", "effective date: is not stated in a readable form"),
        ("Version 1.2", "", "version: is not stated in a readable form"),
        (">privacy@enfyra.io<", ">privacy [at] enfyra.io<", "contact an e-mail address: is obfuscated"),
        ("privacy@enfyra.io", "your-email@enfyra.io", "contact ***@enfyra.io: is a placeholder"),
        (
            "privacy@enfyra.io",
            "privacy@example.com",
            "contact ***@example.com: is a placeholder: its host name",
        ),
        ("mailto:privacy@enfyra.io", "mailto:", "contact a mailto link: names no address"),
        ("privacy@enfyra.io", "", "contact a mailto link: names no address"),
        (
            '<a href="mailto:privacy@enfyra.io">privacy@enfyra.io</a>',
            "our form",
            "e-mail address for privacy questions: is not stated",
        ),
        (
            '<a href="mailto:privacy@enfyra.io">privacy@enfyra.io</a>',
            '<a href="/cdn-cgi/l/email-protection" data-cfemail="2a">[email&#160;protected]</a>',
            "contact an e-mail address: is obfuscated: a script must run",
        ),
    ],
)
def test_what_the_page_must_state(look: Look, old: str, new: str, words: str) -> None:
    judgement = look(policy.page_states_version_date_contact, CLEAN | {POLICY: TEXT.replace(old, new)})
    assert judgement.conclude()[0] is Status.FAIL
    assert any(line.startswith(words) for line in told(judgement)), told(judgement)
    assert "privacy@" not in str(told(judgement))


TWO = {"/": "<a href=/about>About</a>", "/about": f"<a href={POLICY}>Privacy</a>"}


@pytest.mark.parametrize(
    ("pages", "way"),
    [
        ({}, "1 click: / → /legal/privacy"),
        (TWO, "2 clicks: / → /about → /legal/privacy"),
        (
            {"/": "<a href=/privacy-policy>Privacy</a>", "/privacy-policy": redirect(POLICY)},
            "1 click: / → /privacy-policy",
        ),
        (
            {"/": redirect("/en/"), "/en/": f"<a href='..{POLICY}?l=en'>x</a><a href='..{POLICY}/'>y</a>"},
            "1 click: / → /legal/privacy",
        ),
    ],
)  # fmt: skip
def test_the_way_to_the_policy(look: Look, pages: Mapping[str, Handler | str], way: str) -> None:
    judgement = look(policy.policy_within_reach, CLEAN | pages)
    assert judgement.conclude()[0] is Status.PASS, told(judgement)
    assert judgement.evidence[0].detail == way


@pytest.mark.parametrize(
    ("pages", "status", "words"),
    [
        (
            {"/": "<a href=/signup>Sign up</a>"},
            Status.FAIL,
            "no link leads to /legal/privacy within 2 clicks",
        ),
        (
            {"/": "<a href=/a>a</a>", "/a": "<a href=/b>b</a>", "/b": f"<a href={POLICY}>Privacy</a>"},
            Status.FAIL,
            "no link leads to",
        ),
        ({"/": f"<!-- <a href={POLICY}> --><a href=/gone>x</a>"}, Status.FAIL, "no link leads to"),
        ({"/": "<a href=/a>a</a>", "/a": page("x", status=503)}, Status.NOT_ASSESSED, "HTTP 503"),
        ({"/": "<h1>An app</h1>"}, Status.NOT_ASSESSED, "has no link at all"),
        ({"/": "<script src=/a.js></script>"}, Status.NOT_ASSESSED, "/: scripts run on it, and a look in"),
        (
            {"/": "".join(f"<a href=/{n}>{n}</a>" for n in range(60)), "*": page("<p>x")},
            Status.NOT_ASSESSED,
            "more than 40 pages within reach",
        ),
    ],
)
def test_no_way_to_the_policy(
    look: Look, pages: Mapping[str, Handler | str], status: Status, words: str
) -> None:
    judgement = look(policy.policy_within_reach, CLEAN | pages)
    got, reason = judgement.conclude()
    assert got is status, told(judgement)
    assert words in f"{reason} {told(judgement)}"


def test_a_policy_within_reach_without_a_contact(look: Look) -> None:
    text = TEXT.replace("privacy@enfyra.io", "noreply@enfyra.io")
    found = told(look(policy.policy_within_reach, CLEAN | {POLICY: text}))
    assert found == ["privacy contact: no page within 2 clicks gives an address that mail can reach"]


def test_slow_pages_on_the_way_are_bounded(look: Look) -> None:
    links = "".join(f"<a href=/{n}>{n}</a>" for n in range(30))
    begun = time.monotonic()
    judgement = look(policy.policy_within_reach, CLEAN | {"/": links, "*": dripping}, timeout=0.1)
    assert judgement.conclude()[0] is Status.NOT_ASSESSED
    assert time.monotonic() - begun < 12


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Everybody is welcome.", "is missing: none of 4 sentences"),
        ("Children love it.", "is none that keeps"),
    ],
)
def test_no_statement_on_children(look: Look, sentence: str, words: str) -> None:
    text = TEXT.replace("It is not meant for children.", sentence)
    found = told(look(children.policy_speaks_of_children, CLEAN | {POLICY: text}))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        (
            f"{FORM}<input name=dob value=s3cret>",
            Status.FAIL,
            "field text dob (line 1): asks for a date of birth",
        ),
        (f"{FORM}<iframe src=/x></iframe>", Status.NOT_ASSESSED, "may ask for more"),
        ("<h1>Closed</h1><input type=hidden name=csrf>", Status.NOT_ASSESSED, "no field to fill in"),
    ],
)
def test_sign_up(look: Look, form: str, status: Status, words: str) -> None:
    judgement = look(children.signup_asks_nothing_of_a_child, CLEAN | {"/signup": form})
    got, reason = judgement.conclude()
    assert got is status
    assert words in f"{reason} {told(judgement)}"
    assert "s3cret" not in f"{reason} {told(judgement)}"
