"""Prints the page with the Chromium that is at hand: A4, tagged for screen readers, with bookmarks.

The page is printed without a network and without scripts; it needs neither.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import datetime
from pathlib import Path

from checks.core.errors import PolicyproofError, one_line

CHROMIUM = "POLICYPROOF_CHROMIUM"
"""Environment variable that names the browser, where it is none of :data:`NAMES`."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 120_000
"""Milliseconds for a page of any size to be laid out."""


class NoPdf(PolicyproofError):
    """The page could not be printed; the page itself is whole."""


def chromium() -> str | None:
    """Return where a Chromium is, or ``None``: then Playwright's own is tried."""
    named = os.environ.get(CHROMIUM)
    if named:
        found = shutil.which(named)
        if found is None:
            raise NoPdf(f"{CHROMIUM} names no program that can be started")
        return found
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def print_pdf(page: Path, made: str) -> bytes:
    """Return the HTML file ``page`` as a PDF dated ``made``; raises :class:`NoPdf` in one line."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise NoPdf("a PDF needs Playwright: pip install 'policyproof[browser]'") from None
    program = chromium()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program)
            try:
                context = browser.new_context(java_script_enabled=False, offline=True)
                tab = context.new_page()
                tab.goto(page.resolve().as_uri(), timeout=PATIENCE)
                printed = tab.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            finally:
                browser.close()
    except Error as error:
        if "Executable doesn't exist" in str(error):
            raise NoPdf(f"a PDF needs Chromium: install it, or name it in {CHROMIUM}") from None
        raise NoPdf(f"Chromium did not print the page: {one_line(error)}") from None
    return dated(printed, made)


def dated(pdf: bytes, made: str) -> bytes:
    """Return ``pdf`` with its two dates set to ``made``, so that equal pages print to equal files."""
    when = f"{datetime.fromisoformat(made):%Y%m%d%H%M%S}+00'00'".encode()
    return re.sub(
        rb"(/(?:CreationDate|ModDate) \(D:)(\d{14}\+00'00')(\))",
        lambda hit: hit[1] + when + hit[3],
        pdf,
    )
