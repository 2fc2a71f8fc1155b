"""The web application: routes, and what stands between a page and whoever asks for it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Collection
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from checks.core.errors import NotAssessed, PolicyproofError
from reports.ledger import Ledger, LedgerError
from reports.view.filters import BadFilter
from reports.view.pages import NoSuchPage, Pages, stylesheet

if TYPE_CHECKING:
    from flask import Flask, Response

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that a browser on this machine calls this machine by."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:;"  # an empty icon
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with every answer: nothing but our own style is loaded, and nobody frames or keeps a page."""
NEEDED = "the web view needs Flask: pip install 'policyproof[serve]'"

log = logging.getLogger("policyproof.view")


class _Refused(PolicyproofError):
    """A request that is not answered; ``code`` is its HTTP status."""

    def __init__(self, code: int, line: str) -> None:
        super().__init__(line)
        self.code = code


def create_app(
    ledger: Ledger, *, title: str, hosts: Collection[str] = LOOPBACK, addresses: bool = False
) -> Flask:
    """Return the read-only view of ``ledger`` as a WSGI application.

    ``hosts`` are the names it may be called by: a page of someone else that makes the reader's
    browser resolve its own name to this machine is refused. With ``addresses`` any IP address will
    do as well, since that trick needs a name. Raises ``NotAssessed`` without Flask.
    """
    try:
        from flask import Flask, make_response, request, url_for
        from werkzeug.exceptions import HTTPException
    except ImportError:
        raise NotAssessed(NEEDED) from None

    app = Flask("policyproof", static_folder=None, template_folder=None, root_path=str(Path(__file__).parent))
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    pages = Pages(ledger, title, url_for)

    @app.before_request
    def guard() -> None:
        """Refuse what is no reading, and who calls this machine by a name that is not its own."""
        if request.method not in ("GET", "HEAD"):
            raise _Refused(405, "this view only reads: GET and HEAD")
        name = _name(request.headers.get("Host", ""))
        if name not in hosts and not (addresses and _is_address(name)):
            raise _Refused(
                421, "this view is not known by that name; open it by the address that `serve` printed"
            )

    @app.after_request
    def armour(response: Response) -> Response:
        """Add the headers of every answer, also of errors."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """Answer with one clear line, never with a trace."""
        code, line = _told(error, HTTPException)
        response = make_response(pages.error(code, line), code)
        if code == 405:
            response.headers["Allow"] = "GET, HEAD"
        return response

    @app.get("/style.css")
    def style() -> Response:
        """Serve the one file beside the pages; a page names it by its digest, so it may be kept."""
        response = make_response(stylesheet())
        response.headers.update({"Content-Type": "text/css; charset=utf-8", "Cache-Control": "max-age=86400"})
        return response

    @app.get("/ledger/verify")
    def verify() -> str:
        """Verify the chain now. Another site cannot make a reader's browser keep this machine busy."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise _Refused(403, "a verification is started from this view, not from another site")
        return pages.ledger(verify=True)

    def page(rule: str, name: str, answer: Callable[..., str]) -> None:
        def view(**parts: str | int) -> str:
            with pages.turn:
                return answer(**parts, given=request.args)

        app.add_url_rule(rule, name, view, methods=["GET"])

    page("/", "overview", pages.overview)
    page("/<environment>/runs", "runs", pages.runs)
    page("/<environment>/findings", "findings", pages.findings)
    page("/<environment>/control/<control>", "history", pages.history)
    page("/run/<int:number>", "run", pages.run)
    page("/run/<int:number>/control/<control>", "evidence", pages.evidence)
    page("/finding/<fingerprint>", "finding", pages.finding)
    app.add_url_rule("/ledger", "ledger", pages.ledger, methods=["GET"])
    return app


def _name(host: str) -> str:
    """Return the name in a Host header without its port; nothing for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if host and "@" not in host else ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _told(error: Exception, http: type[Exception]) -> tuple[int, str]:
    """Return the HTTP status and the line for the reader of what was raised."""
    if isinstance(error, _Refused):
        return error.code, str(error)
    if isinstance(error, NoSuchPage):
        return 404, str(error)
    if isinstance(error, BadFilter):
        return 400, str(error)
    if isinstance(error, LedgerError):
        return 500, str(error)
    if isinstance(error, http):
        code = getattr(error, "code", None) or 500
        return code, {404: "there is no such page", 405: "this view only reads: GET and HEAD"}.get(
            code, "this request cannot be answered"
        )
    # A bug of ours. Its text may hold what was read: where it happened is told, and only there.
    at = traceback.extract_tb(error.__traceback__)[-1]
    log.error("policyproof serve: %s at %s:%s", type(error).__name__, Path(at.filename).name, at.lineno)
    return 500, "policyproof itself broke here; the terminal of `policyproof serve` says where"
