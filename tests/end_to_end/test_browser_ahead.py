"""Controls that need no browser do not wait for its visit, and one process pays for it."""

from __future__ import annotations

import threading

import pytest

from tests.checks.connectors.http_servers import Client, serving
from tests.end_to_end.project import INVENTORY, Project

SITE = "  site: {kind: site, title: Site, address: SITE_URL, pages: [/], crawl: {depth: 0}}\n"
CONTROLS = {
    "a-cookies": ("BRW-01", "high", "{kind: browser}", "browsing.no_cookie_before_consent", "{}"),
    "b-hosts": ("BRW-02", "high", "{kind: browser}", "browsing.no_third_party", "{}"),
}
WATCH = """\
import pathlib, time
HERE = pathlib.Path(__file__).parent
judged = []

def pytest_runtest_setup(item):
    until = time.monotonic() + 30
    while not (HERE / "asked").exists() and time.monotonic() < until:
        time.sleep(0.02)
    (HERE / "first").write_text(str((HERE / "asked").exists()))

def pytest_runtest_logreport(report):
    if report.when == "call":
        judged.append(report.nodeid.partition("::")[2])
        if len(judged) == 4:
            (HERE / "judged").write_text(" ".join(judged))
"""


@pytest.fixture
def sited(project: Project) -> Project:
    """The project with a site, and two controls on it whose files come first."""
    project.write("inventory.yaml", INVENTORY + SITE)
    for name, fields in CONTROLS.items():
        project.control(name, fields)
    return project


def test_the_visit_begins_before_the_first_item_and_is_waited_for_after_the_last(sited: Project) -> None:
    """The site answers only once everything else was judged; the first item waits to be asked for."""
    sited.write("conftest.py", WATCH)
    judged = sited.root / "judged"

    def page(client: Client) -> None:
        (sited.root / "asked").touch()
        for _ in range(400):
            if judged.exists():
                break
            stopping.wait(0.02)
        client.reply(200, "<p>A page.")

    stopping = threading.Event()
    with serving({"/": page}) as server:
        done = sited.run("-v", ACME_SITE_URL=server.url)
    assert done.returncode == 0, done.stdout
    assert (sited.root / "first").read_text("utf-8") == "True"
    assert judged.read_text("utf-8") == "CARD-03[crm] SALE-03[settings] RET-03[requests] RET-02[crm.people]"


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_one_process_visits_once(sited: Project, arguments: tuple[str, ...]) -> None:
    with serving({"/": lambda client: client.reply(200, "<p>A page.")}) as server:
        done = sited.run("-v", *arguments, ACME_SITE_URL=server.url)
        pages = [client for client in server.requests if client.path == "/"]
    assert done.returncode == 0, done.stdout
    # Before any choice, and with the signal: nothing asks for consent, so there are no other states.
    assert sorted(client.headers.get("sec-gpc", "0") for client in pages) == ["0", "1"]


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_site_that_is_not_there_is_not_assessed(sited: Project, arguments: tuple[str, ...]) -> None:
    done = sited.run("-v", *arguments, ACME_SITE_URL=None)
    assert done.returncode == 3, done.stdout
    assert "environment variable ACME_SITE_URL is not set" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.count("NOT ASSESSED") >= 2


def test_nothing_is_visited_where_nothing_is_run(sited: Project) -> None:
    with serving({"/": lambda client: client.reply(200, "<p>A page.")}) as server:
        assert sited.run("--collect-only", ACME_SITE_URL=server.url).returncode == 0
        assert sited.run("-k", "CARD", "--partial", ACME_SITE_URL=server.url).returncode == 0
    assert not server.requests
