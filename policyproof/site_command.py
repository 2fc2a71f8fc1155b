"""``policyproof site``: what a public web site does to its visitors, without an inventory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from checks import browsing
from checks.connectors.browser import Browser
from checks.connectors.browser_record import Plan
from checks.connectors.browser_words import asked
from checks.core.errors import AuthorError, NotAssessed
from checks.core.model import (
    Address,
    Endpoint,
    Environment,
    Inventory,
    Location,
    Observation,
    Outcome,
    Processor,
    Target,
)
from checks.core.registry import Scope, checks_in
from policyproof.site_output import Report, write_json, write_text

EPILOG = """\
examples:
  policyproof site https://www.example.com                      the start page and ten that it links to
  policyproof site https://www.example.com --crawl 100          as many as a hundred pages
  policyproof site https://www.example.com --screenshots seen   with pictures and HTTP archives
  policyproof site https://www.example.com --filter-list easyprivacy.txt
  policyproof site https://www.example.com --essential theme --processor '*.paddle.com'
  policyproof site https://localhost:8443 --ca ca.pem --format json

Every page is loaded in cold profiles of Chromium: before any choice, with Sec-GPC: 1 and, where a
consent dialog is met, after refusing and after accepting. Cookies, keys and hosts are named; no value
is shown or written. A site on this machine is a rehearsal: whom it calls is noted and not called.

exit codes:
  0  nothing found; 1 something found; 3 nothing found, but something could not be looked at;
  4 a mistake in usage
"""
_DEPTH = 3
_ID = "site"


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "site",
        help="look at a web site in a browser: cookies, storage, third parties, consent",
        description="Visits a web site in Chromium as people do who come for the first time, and names each"
        " cookie, storage key and third party that it meets. Needs no inventory.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("url", metavar="URL", help="the page to begin with, https:// or http://")
    command.add_argument(
        "--crawl", type=int, default=11, metavar="N", help="pages in all, by links (default: %(default)s)"
    )
    command.add_argument(
        "--screenshots",
        type=Path,
        metavar="DIR",
        help="keep pictures and HTTP archives there; those of an earlier visit are removed",
    )
    command.add_argument(
        "--essential",
        action="append",
        default=[],
        metavar="NAME",
        help="a cookie or storage key (or glob) that needs no consent; may be given several times",
    )
    command.add_argument(
        "--processor",
        action="append",
        default=[],
        metavar="HOST",
        help="a third party's host (or glob) that the policy names; may be given several times",
    )
    command.add_argument(
        "--filter-list",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="rules that name trackers, in EasyPrivacy's format; may be given several times",
    )
    command.add_argument(
        "--wait",
        type=float,
        default=2.0,
        metavar="S",
        help="seconds to watch a page for (default: %(default)s)",
    )
    command.add_argument(
        "--timeout",
        type=float,
        default=15.0,
        metavar="S",
        help="seconds for each answer (default: %(default)s)",
    )
    command.add_argument("--ca", metavar="FILE", help="trust the authorities in this file")
    command.add_argument("--format", choices=("text", "json"), default="text")
    command.set_defaults(run=run_site)


def run_site(options: argparse.Namespace) -> int:
    """Visit the site, write what was seen, and return the exit code."""
    target, plan = _target(options), _plan(options)
    with Browser.open(target, plan=plan) as browser:
        visit = browser.visit()
        seen = list(_observe(browser, _inventory(target, options.processor)))
    report = Report(browser.base, browser.owns, visit, seen)
    (write_json if options.format == "json" else write_text)(report, sys.stdout)
    return report.exit_code


def _observe(browser: Browser, inventory: Inventory) -> Iterator[tuple[str, Observation]]:
    """Yield what every check on a browser says, with the check's name."""
    scope = Scope(inventory, datetime.now(UTC), browser.target, lambda _: browser, {})
    for check in checks_in(browsing.__name__.rpartition(".")[2]).values():
        arguments = [browser, scope] if check.scoped else [browser]
        try:
            for observation in check.function(*arguments):
                if observation.outcome is not Outcome.MET:
                    yield check.name, observation
        except NotAssessed as error:
            yield check.name, Observation.unseen(browser.target.id, error.reason)
    for form in _plain_forms(browser):
        yield "site.no_form_sent_unencrypted", form


def _plain_forms(browser: Browser) -> Iterator[Observation]:
    """Yield each address to which a form sends over plain HTTP (GDPR 32(1)(a); W3C Mixed Content, 3).

    In a run of controls TLS-07 judges that, by the pages as served.
    """
    forms = {
        request.url: request
        for state in browser.visit().states
        for request in state.requests
        if request.kind == "form" and request.url.startswith("http:")
    }
    for url, form in forms.items():
        detail = f"{asked(form)}, sends by {form.method} without TLS"
        yield Observation.violated(f"form {url}", detail, location=Location(f"{browser.base}{form.page}"))


def _target(options: argparse.Namespace) -> Target:
    """Return the site as a target; raises ``AuthorError`` for what is no web address."""
    try:
        parts = urlsplit(options.url)
        known = parts.scheme in {"http", "https"} and parts.hostname
        parts.port  # noqa: B018  raises for what is no number
    except ValueError:
        known = None
    if not known:
        raise AuthorError("URL: an address of the web, such as https://www.example.com")
    if options.ca is not None and not Path(options.ca).is_file():
        raise AuthorError("--ca: no such file", path=options.ca)
    path = parts.path or "/"
    spec = Endpoint(
        id=_ID,
        kind="browser",
        title=parts.hostname or "",
        pages=(f"{path}?{parts.query}" if parts.query else path,),
        essential_cookies=tuple(options.essential),
        essential_storage=tuple(options.essential),
    )
    secrets = {} if options.ca is None else {"ca": Address("--ca", options.ca)}
    where = Address("URL", f"{parts.scheme}://{parts.netloc}")
    return Target(_ID, "browser", spec.title, spec, where, MappingProxyType(secrets))


def _plan(options: argparse.Namespace) -> Plan:
    """Return how to visit; raises ``AuthorError`` for bounds that cannot be meant."""
    if not 1 <= options.crawl <= 1000:
        raise AuthorError(f"--crawl {options.crawl}: from 1 to 1000 pages")
    for name in ("wait", "timeout"):
        if not 0.1 <= getattr(options, name) <= 120:
            raise AuthorError(f"--{name} {getattr(options, name):g}: from 0.1 to 120 seconds")
    spec = _target(options).spec
    assert isinstance(spec, Endpoint)  # noqa: S101  made above
    return Plan(
        pages=spec.pages,
        depth=0 if options.crawl == 1 else _DEPTH,
        most=options.crawl,
        wait=options.wait,
        timeout=options.timeout,
        evidence=options.screenshots,
        lists=tuple(options.filter_list),
    )


def _inventory(target: Target, processors: list[str]) -> Inventory:
    """Return an inventory that declares nothing but the hosts given."""
    here = Environment(_ID, "Public site", "", "")
    named = Processor("given", "Given on the command line", "processor", (), (), (), (), tuple(processors))
    nothing: MappingProxyType[str, Any] = MappingProxyType({})
    return Inventory(
        path="",
        digest="",
        organization=target.title,
        environment=here,
        environments=MappingProxyType({_ID: here}),
        stores=nothing,
        processors=MappingProxyType({"given": named} if processors else {}),
        exports=nothing,
        own_hosts=(),
        home_regions=(),
        targets=MappingProxyType({target.id: target}),
    )
