"""The view in a real browser: without script, without another host, and fit for everyone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flask", reason="Flask is not installed")
CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")

import view_ledger as made  # noqa: E402

from policyproof.serve import listening, serving  # noqa: E402
from reports.ledger import Ledger  # noqa: E402
from reports.view.app import create_app  # noqa: E402

PAGES = (
    "/",
    "/production/runs",
    "/run/14",
    "/run/14/control/CARD-02",
    "/run/13/control/CARD-02",
    "/production/control/PROC-02",
    "/lab/findings",
    "/ledger/verify",
    "/nowhere",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ledger = made.rich(tmp_path_factory.mktemp("seen") / "ledger.sqlite")
    with served(ledger) as address:
        yield address


@contextmanager
def served(ledger: Ledger) -> Iterator[str]:
    with listening("127.0.0.1", 0) as listener:
        server = serving(listener, create_app(ledger, title="The ledger"))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize(
    ("width", "scheme", "pages"), [(1280, "light", PAGES), (390, "dark", PAGES[:6])], ids=["light", "dark"]
)
def test_every_page_is_fit_for_everyone(
    chromium: Any, site: str, width: int, scheme: str, pages: tuple[str, ...]
) -> None:
    # Only to put axe-core into the page is the policy set aside; no page of ours has a script.
    with chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    ) as context:
        page = context.new_page()
        for address in pages:
            page.goto(site + address)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{address} is too wide"
            )
            found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
            assert not serious, f"{address}: {serious}"


def test_it_works_without_script_and_asks_nobody_else(chromium: Any, site: str) -> None:
    with chromium.new_context(java_script_enabled=False, viewport={"width": 900, "height": 700}) as context:
        page = context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(site)
        page.get_by_role("link", name="Open findings on lab").click()
        page.get_by_role("link", name="CARD-02", exact=True).click()
        assert "CARD-02 on lab over time" in page.title()
        page.get_by_role("textbox", name="Target").fill("cloud-db")
        page.get_by_role("button", name="Show").click()
        assert page.url.startswith(f"{site}/lab/control/CARD-02?")
        assert page.locator("svg.strip").count() == 1
        page.get_by_text("2 spans").click()
        page.locator("details tbody a").first.click()
        assert page.locator("h1").inner_text().startswith("CARD-02")
        page.goto(f"{site}/production/runs")
        page.get_by_label("Result").select_option("violations")
        page.get_by_role("button", name="Show").click()
        assert page.locator("tbody tr").count() == 3
        assert all(url.startswith(site) or url.startswith("data:") for url in asked)
        assert not complaints


def test_the_style_is_let_through_by_the_policy(chromium: Any, site: str) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        for address in PAGES[:3]:
            page.goto(site + address)
            assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "1024px"
        assert not complaints
