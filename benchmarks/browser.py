"""The browser part on the lab's site, against a bare Playwright script: the same pages, the same states."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from checks.connectors.browser import Browser
from checks.connectors.browser_record import Plan
from checks.connectors.browser_runtime import chromium
from checks.core.model import Address, Endpoint, Target
from lab import site
from lab.running import DEPLOYMENT

ROUNDS = 3
PAGES = ("/", "/privacy", "/signup")
CRAWLED = 200
BARE = """\
import sys
from playwright.sync_api import sync_playwright

program, base, *pages = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=program or None)
    for headers in ({}, {"Sec-GPC": "1"}):
        context = browser.new_context(ignore_https_errors=True, extra_http_headers=headers)
        for path in pages:
            page = context.new_page()
            page.goto(base + path, wait_until="load")
            page.wait_for_timeout(500)
            context.cookies()
            page.close()
        context.close()
    browser.close()
"""
OURS = """\
import sys
from checks.connectors.browser import Browser
from checks.core.model import Address, Endpoint, Target

_, base, ca, *pages = sys.argv
spec = Endpoint("site.browser", "browser", "Lab", pages=tuple(pages))
target = Target("site.browser", "browser", "Lab", spec, Address("URL", base), {"ca": Address("CA", ca)})
with Browser.open(target) as browser:
    seen = browser.visit()
assert all(state.loaded == len(pages) for state in seen.states), list(seen.first.problems())
"""


def measure() -> Iterator[str]:
    """Yield the lines of the result."""
    with tempfile.TemporaryDirectory() as made:
        ca = Path(made, "ca.pem")
        contract = DEPLOYMENT / "schemas" / "openapi.json"
        with site.serve(DEPLOYMENT / "site", contract, {}, ca) as served:
            yield _against_bare(served, ca)
            yield _crawl(served, ca)


def _against_bare(served: site.Site, ca: Path) -> str:
    program = chromium() or ""
    quick = BARE.replace("            page.wait_for_timeout(500)\n", "")
    scripts = {"quick": (quick, program), "bare": (BARE, program), "ours": (OURS,)}
    times: dict[str, list[float]] = {name: [] for name in scripts}
    for _ in range(ROUNDS):  # interleaved, so that a slow minute of the machine hits all
        for name, (script, *more) in scripts.items():
            arguments = [*more, served.url, *([str(ca)] if name == "ours" else []), *PAGES]
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", script, *arguments], check=True)
            times[name].append(time.perf_counter() - began)
    quick_time, bare, ours = (min(times[name]) for name in scripts)  # those least disturbed
    return (
        f"Browser, {len(PAGES)} pages in 2 states: {ours / quick_time:.2f} times a bare Playwright script"
        f" that watches no page after it has loaded ({ours:.1f} s against {quick_time:.1f} s),"
        f" {ours / bare:.2f} times one that watches each for half a second as we do ({bare:.1f} s);"
        f" best of {ROUNDS}. Bound: 2."
    )


def _crawl(served: site.Site, ca: Path) -> str:
    """Crawl many pages and watch the memory of the browser's and of this process."""
    for number in range(CRAWLED):
        links = "".join(f'<a href="/many/{other}">x</a>' for other in range(CRAWLED))
        served.pages[f"/many/{number}"] = ("text/html; charset=utf-8", f"<h1>{number}</h1>{links}")
    spec = Endpoint("site.browser", "browser", "Lab", pages=("/many/0",))
    secrets = {"ca": Address("CA", str(ca))}
    target = Target("site.browser", "browser", "Lab", spec, Address("URL", served.url), secrets)
    sizes: dict[int, float] = {}
    for most in (50, CRAWLED):
        began = time.perf_counter()
        with Browser.open(target, plan=Plan(("/many/0",), depth=1, most=most)) as browser:
            seen = browser.visit()
            sizes[most] = _resident()
        took = time.perf_counter() - began
        assert seen.first.loaded == most, list(seen.first.problems())[:3]
    return (
        f"Browser, crawl of {CRAWLED} pages in 2 states: {took:.0f} s, {sizes[CRAWLED]:.0f} MB resident in"
        f" all processes at its end against {sizes[50]:.0f} MB after 50 pages"
        f" ({sizes[CRAWLED] / sizes[50]:.2f} times)."
    )


def _resident() -> float:
    """Return the megabytes resident in this process and all below it."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # it has ended
        number = int(status.parent.name)
        parents[number] = int(lines["PPid"])
        sizes[number] = int(lines.get("VmRSS", "0 kB").split()[0])
    ours = {os.getpid()}
    while more := {number for number, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(sizes[number] for number in ours) / 1024
