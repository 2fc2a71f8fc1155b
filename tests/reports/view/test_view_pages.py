"""What the pages of the view say, asked for as a browser would, over every link they have."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

import view_ledger as made
from factories import HOSTILE, clean, failing, having, unreached, waived
from flask.testing import FlaskClient

from reports.ledger import Ledger
from reports.view.app import create_app
from reports.view.history import LEAST, WIDTH


class Page(HTMLParser):
    """Tags, links and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th", "li"):
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    @property
    def links(self) -> list[str]:
        return [attrs["href"] or "" for tag, attrs in self.tags if tag == "a"]


def client(ledger: Ledger) -> FlaskClient:
    return create_app(ledger, title="The ledger").test_client()


def page(browser: FlaskClient, address: str, code: int = 200) -> Page:
    answer = browser.get(address)
    assert answer.status_code == code, f"{address}: {answer.get_data(as_text=True)}"
    return Page(answer.get_data(as_text=True))


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return made.rich(tmp_path_factory.mktemp("view") / "ledger.sqlite")


@pytest.fixture(scope="module")
def browser(rich: Ledger) -> FlaskClient:
    return client(rich)


@pytest.fixture(scope="module")
def crawled(browser: FlaskClient) -> dict[str, Page]:
    """Every page that can be reached from the first one."""
    found: dict[str, Page] = {}
    waiting = ["/"]
    while waiting:
        address = waiting.pop()
        if address in found or address.startswith("#"):
            continue
        found[address] = page(browser, address)
        waiting += [link for link in found[address].links if not link.startswith("#")]
    return found


def test_every_link_leads_to_a_page_and_every_page_is_linked(crawled: dict[str, Page]) -> None:
    kinds = {re.sub(r"[0-9a-f]{32}|\d+|CARD-02|lab|production", "*", urlsplit(a).path) for a in crawled}
    assert kinds >= {
        "/",
        "/*/runs",
        "/*/findings",
        "/*/control/*",
        "/run/*",
        "/run/*/control/*",
        "/finding/*",
        "/ledger",
        "/ledger/verify",
    }


def test_no_page_has_script_style_of_its_own_or_another_host(crawled: dict[str, Page]) -> None:
    for address, one in crawled.items():
        for tag, attributes in one.tags:
            assert tag not in {"script", "iframe", "img", "object"}, address
            for name, value in attributes.items():
                assert not name.startswith("on"), address
                assert name != "style", address
                if name in ("href", "src", "action"):
                    assert value in ("data:,", "#main") or re.match(r"/[^/]|/$", value or ""), (
                        address,
                        value,
                    )


def test_what_is_hostile_stands_there_as_text(browser: FlaskClient) -> None:
    shown = page(browser, "/run/13/control/CARD-02")
    assert " ".join(HOSTILE.split()) in shown.text
    raw = browser.get("/run/13/control/CARD-02").get_data(as_text=True)
    assert "<script" not in raw
    assert "{{ 7*7 }}" in raw  # and no template took it for its own


def test_a_hostile_filter_and_address_come_back_as_text(browser: FlaskClient) -> None:
    for address in (
        '/production/runs?state="><script>alert(1)</script>',
        "/<script>alert(1)</script>/runs",
        '/run/13/control/CARD-02?target="><script>alert(1)</script>',
    ):
        assert "<script" not in browser.get(address).get_data(as_text=True)


def test_the_first_page_tells_each_environment(browser: FlaskClient) -> None:
    text = page(browser, "/").text
    assert "LAB — synthetic data, says nothing about production" in text
    assert "The last run is incomplete" in text
    assert text.index("lab") < text.index("Production")  # the one that ran last comes first


def test_the_lab_says_so_on_each_of_its_pages_and_only_there(browser: FlaskClient) -> None:
    banner = "LAB — synthetic data, says nothing about production"
    for address in (
        "/lab/runs",
        "/run/14",
        "/run/14/control/CARD-02",
        "/lab/findings",
        "/lab/control/RET-01",
    ):
        assert banner in page(browser, address).text, address
    for address in ("/production/runs", "/run/13", "/run/13/control/CARD-02", "/production/findings"):
        assert banner not in page(browser, address).text, address


def test_a_section_names_what_serves_it_and_stands_elsewhere(browser: FlaskClient) -> None:
    shown = page(browser, "/run/13")  # SALE-02 is in section 3 and serves section 4 as well
    assert re.search(r"4\. Cookies and browser storage . Not shown Also .* SALE-02 .*section 3", shown.text)
    assert re.search(r"7\. What customers keep in projects . Not testable No control serves", shown.text)


def runs_on(one: Page) -> list[int]:
    return [
        int(match[1])
        for tag, attributes in one.tags
        if tag == "a" and (match := re.fullmatch(r"/run/(\d+)", attributes["href"] or ""))
    ][1:]  # the first is the link to the last run


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [13, 11, 9, 7, 5, 3, 1]),
        ("?state=violations", [13, 5, 3]),
        ("?state=not-assessed", [11]),
        ("?state=holds-with-gaps", []),
        ("?commit=ABC1", [3]),
        ("?since=2026-10-02&until=2026-10-03", [5, 3]),
        ("?since=2026-10-02&until=2026-10-02&state=compliant", []),
        ("?until=2026-10-01", [1]),
        ("?since=2026-11-01", [13]),
        ("?before=4", [3, 1]),
        ("?state=&since=&until=&commit=", [13, 11, 9, 7, 5, 3, 1]),
    ],
)
def test_runs_are_narrowed_by_the_address(browser: FlaskClient, query: str, numbers: list[int]) -> None:
    shown = page(browser, f"/production/runs{query}")
    assert runs_on(shown) == numbers
    assert ("No run matches" in shown.text) == (not numbers)


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("state=bad", "state: 'bad' is not one of compliant, holds-with-gaps, violations, not-assessed"),
        ("since=yesterday", "since: a day such as 2026-10-01, not 'yesterday'"),
        ("since=9999-12-31", "since: a day such as 2026-10-01, not '9999-12-31'"),
        ("since=2026-10-02&until=2026-10-01", "since: a day after `until`, so that nothing can be between"),
        ("commit=xyz1", "commit: 4 to 64 hexadecimal digits, the beginning of a commit's name"),
        ("before=0", "before: a whole number from 1, not '0'"),
        ("before=99999999999999999999", "before: a whole number from 1, not '99999999999999999999'"),
        ("page=-1", "page: a whole number from 1, not '-1'"),
        ("stat=fail", "'stat' is no filter (did you mean 'state'?)"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_told_in_one_line(
    browser: FlaskClient, query: str, line: str
) -> None:
    shown = page(browser, f"/production/runs?{query}", 400)
    assert line in shown.text


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("/nowhere/runs", "no run on an environment of that name is recorded"),
        ("/run/99", "no run 99 is recorded"),
        ("/run/99999999999999999999999", "no run 99999999999999999999999 is recorded"),
        ("/run/1/control/NONE-01", "run 1 has no control of that name"),
        ("/production/control/NONE-01", "no run on production has a control of that name"),
        ("/finding/xyz", "a finding is named by 32 hexadecimal digits"),
        ("/static/report.css", "there is no such page"),
        ("/../../etc/passwd", "there is no such page"),
        ("/%2e%2e/%2e%2e/etc/passwd", "there is no such page"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(browser: FlaskClient, address: str, line: str) -> None:
    assert line in page(browser, address, 404).text


def test_long_lists_are_paged_without_gap_or_repetition(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    run = made.production(clean())
    for number in range(104):
        made.record(ledger, run, day=number / 100)
    browser = client(ledger)
    seen: list[int] = []
    address = "/production/runs"
    while address:
        shown = page(browser, address)
        seen += runs_on(shown)
        following = [a["href"] for tag, a in shown.tags if tag == "a" and a.get("rel") == "next"]
        if len(seen) == 50:  # the ledger grows while somebody reads it
            made.record(ledger, run, day=2)
        address = following[0] or "" if following else ""
    assert seen == list(range(104, 0, -1))


def strips(one: Page) -> list[list[tuple[str, float, float]]]:
    """Return the rectangles of each strip: state, left and width."""
    found: list[list[tuple[str, float, float]]] = []
    inside = False
    for tag, attributes in one.tags:
        if tag == "svg":
            inside = attributes.get("class") == "strip"
            if inside:
                found.append([])
        elif tag == "rect" and inside:
            left, width = float(attributes["x"] or 0), float(attributes["width"] or 0)
            found[-1].append((attributes["class"] or "", left, width))
    return found


def test_a_history_has_the_spans_of_each_target(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    down = having(clean(), unreached("PROC-02", "mailer"))
    bad = having(clean(), failing("PROC-02", "mailer"))
    for day, run in enumerate((clean(), clean(), bad, bad, down, clean())):
        made.record(ledger, made.production(run), day=day)
    browser = client(ledger)
    shown = page(browser, "/production/control/PROC-02?target=mailer")
    (strip,) = strips(shown)
    fifth = WIDTH / 5
    expected = [
        ("pass", 0, 2 * fifth),
        ("fail", 2 * fifth, 2 * fifth),
        ("not-assessed", 4 * fifth, fifth),
        ("pass", WIDTH - LEAST, LEAST),  # the last run, which has lasted no time yet, is still to be seen
    ]
    assert strip == [(state, pytest.approx(left), pytest.approx(width)) for state, left, width in expected]
    assert "run 3 2026-10-03 06:00 run 5 2026-10-05 06:00 2.0 days" in shown.text
    # Only some days: what came before them counts, and what came after them does not.
    (strip,) = strips(
        page(browser, "/production/control/PROC-02?target=mailer&since=2026-10-04&until=2026-10-04")
    )
    assert [state for state, _, _ in strip] == ["fail"]
    assert len(strips(page(browser, "/production/control/PROC-02"))) == 2


def test_a_target_that_left_the_plan_is_not_shown_as_fine(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    both = made.production(clean())
    one = made.replace(both, verdicts=tuple(v for v in both.verdicts if v.target != "mailer"))
    for day, run in enumerate((both, one, one)):
        made.record(ledger, run, day=day)
    shown = page(client(ledger), "/production/control/PROC-02")
    assert "No longer planned mailer" in shown.text
    assert [state for state, _, _ in strips(shown)[-1]] == ["pass"]
    assert strips(shown)[-1][0][2] == pytest.approx(WIDTH / 2)
    gone = page(client(ledger), "/production/control/PROC-02?since=2026-10-03&target=mailer")
    assert "No target had this control in these days" in gone.text


def test_open_findings_have_the_run_that_saw_them_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for day, findings in enumerate((0, 1, 1, 3, 3, 3)):
        run = having(clean(), failing("PROC-02", "mailer", findings)) if findings else clean()
        made.record(ledger, made.production(run), day=day)
        made.record(ledger, clean(), day=day + 0.5)
    shown = page(client(ledger), "/production/findings")
    assert "3 findings of 1 verdict by run 11" in shown.text
    assert re.search(r"open for [\d.]+ \w+, since run 3 2026-10-02", shown.text)
    first, second, third = re.findall(r"mailer\.column_\d.*?(?=mailer\.column_|$)", shown.text)
    assert "seen since" not in first  # as long as the verdict has been open
    assert "seen since run 7" in second
    assert "seen since run 7" in third
    assert "not assessed" not in shown.text


def test_waived_findings_are_open_and_said_to_be_waived(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    made.record(ledger, waived(), day=0)
    made.record(ledger, having(waived(), unreached("CARD-01", "cloud-db")), day=1)
    browser = client(ledger)
    shown = page(browser, "/lab/findings")
    assert "Waived PROC-02 on mailer" in shown.text
    assert "since run 1 " in shown.text
    assert "What was not assessed in that run is not among them" in shown.text
    assert "1 finding of 1 verdict" in page(browser, "/lab/findings?state=waived").text
    assert "None that match" in page(browser, "/lab/findings?state=fail").text


def test_a_finding_tells_where_it_was_seen(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    bad = having(clean(), failing("PROC-02", "mailer"))
    for day, run in enumerate((bad, bad, clean(), bad, bad)):
        made.record(ledger, made.production(run), day=day)
    made.record(ledger, bad, day=9)
    (row,) = ledger.findings(ledger.find(1) or pytest.fail("no run"))
    shown = page(client(ledger), f"/finding/{row.fingerprints[0]}")
    cells = re.findall(r"(lab|production) PROC-02 mailer run (\d) \S+ \S+ run (\d) \S+ \S+ (\d)", shown.text)
    assert cells == [("lab", "6", "6", "1"), ("production", "4", "5", "2"), ("production", "1", "2", "2")]
    assert "6 runs looked through, back to run 1" in shown.text


def test_what_was_pruned_is_said_and_its_states_stay(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    bad = made.production(having(clean(), failing("PROC-02", "mailer")))
    made.record(ledger, bad, day=0)
    made.record(ledger, made.production(clean()), day=400)
    ledger.prune("2027-01-01T00:00:00Z", "P1Y")
    browser = client(ledger)
    shown = page(browser, "/run/1/control/PROC-02")
    assert "Pruned: the evidence of this run is no longer in the ledger" in shown.text
    assert "Fail mailer" in shown.text
    assert "PROC-02" in page(browser, "/run/1").text
    (row,) = ledger.findings(ledger.find(1) or pytest.fail("no run"))
    assert "Pruned" in page(browser, f"/finding/{row.fingerprints[0]}").text
    assert "P1Y" in page(browser, "/ledger").text
    assert "no run 3 is recorded" in page(browser, "/run/3", 404).text  # the prune itself is no run


@pytest.fixture
def changed(rich: Ledger, tmp_path: Path) -> Ledger:
    """The rich ledger with a state of run 14 turned from fail to pass by a hand that knows SQL."""
    shutil.copy(rich.path, tmp_path / "ledger.sqlite")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            """UPDATE entry SET head = replace(head, '"violations"', '"compliant"') WHERE number = 14"""
        )
        connection.commit()
    return Ledger(tmp_path / "ledger.sqlite")


def test_a_changed_run_is_refused_and_told(changed: Ledger) -> None:
    browser = client(changed)
    for address in (
        "/",
        "/run/14",
        "/lab/runs",
        "/lab/findings",
        "/run/14/control/CARD-02",
        "/lab/control/CARD-02",
    ):
        shown = page(browser, address, 500)
        assert "was changed after it was recorded" in shown.text, address
        assert "Compliant" not in shown.text, address
    assert "Not verified since this view was started" in page(browser, "/ledger").text
    assert "Changed: entry 14" in page(browser, "/ledger/verify").text
    assert "Changed: entry 14" in page(browser, "/ledger").text


def test_the_chain_is_verified_when_asked(browser: FlaskClient) -> None:
    assert "The chain is whole up to entry 14" in page(browser, "/ledger/verify").text


def test_an_empty_ledger_is_said_to_be_empty(tmp_path: Path) -> None:
    browser = client(Ledger(tmp_path / "none.sqlite"))
    assert "No run is recorded yet" in page(browser, "/").text
    assert "Nothing is recorded yet" in page(browser, "/ledger").text
    assert not (tmp_path / "none.sqlite").exists()


def test_runs_recorded_meanwhile_are_shown(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    made.record(ledger, clean(), day=0)
    browser = client(ledger)
    assert "run 1" in page(browser, "/").text
    made.record(Ledger(tmp_path / "ledger.sqlite"), clean(), day=1)
    assert "run 2" in page(browser, "/").text
