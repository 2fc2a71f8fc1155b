"""The lab's website and API: real HTTPS on loopback, with a certificate of a passing authority."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.tenants import Tenants
from lab.transport import Transport, authority_file

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_JSON = "application/json"

Handler = Callable[[str, str, str | None, bytes], tuple[HTTPStatus, str, str]]
"""Answers (method, path, authorization, body) with status, content type and body."""


@dataclass
class Site:
    """What is served: ``pages`` by path as (type, text), ``answers`` of the API by path."""

    url: str
    ca: Path
    token: str = field(repr=False)
    pages: dict[str, tuple[str, str]] = field(repr=False)
    answers: dict[str, Any] = field(repr=False)
    transport: Transport = field(repr=False)
    tenants: Tenants = field(default_factory=Tenants, repr=False)
    handlers: dict[str, Handler] = field(default_factory=dict, repr=False)  # by the start of a path

    def handler(self, path: str) -> Handler | None:
        """Return what answers ``path`` itself, whatever the method."""
        return next((handle for start, handle in self.handlers.items() if path.startswith(start)), None)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace ``old`` in a page; raises ``ValueError`` if it does not stand there once."""
        kind, text = self.pages[path]
        if text.count(old) != 1:
            raise ValueError(f"{path} does not hold the text to replace exactly once")
        self.pages[path] = (kind, text.replace(old, new))

    def protection(self, kind: str, body: str, origin: str | None) -> dict[str, str]:
        """Return the headers that protect an answer."""
        known = "\n".join(text for kind, text in self.pages.values() if kind != _JSON)
        return self.transport.headers_for(kind, body, origin, known)

    def answer(self, method: str, path: str, authorization: str | None) -> tuple[HTTPStatus, str, str]:
        """Return status, content type and body for a request."""
        path = path.partition("?")[0]
        if method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, _JSON, json.dumps({"error": "only GET is served"})
        if path in self.pages:
            return HTTPStatus.OK, *self.pages[path]
        return HTTPStatus.NOT_FOUND, _JSON, json.dumps({"error": "nothing here"})


@contextmanager
def serve(files: Path, openapi: Path, answers: dict[str, Any], ca: Path) -> Iterator[Site]:
    """Serve the pages in ``files`` and the API on a free port; the CA's certificate goes to ``ca``."""
    transport = Transport()
    authority_file(transport, ca)
    server = _Server()
    url = f"https://127.0.0.1:{server.server_port}"
    server.site = Site(url, ca, secrets.token_urlsafe(24), _pages(files, openapi), answers, transport)
    server.site.handlers["/v1/"] = partial(server.site.tenants.answer, server.site)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="lab-site", daemon=True)
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _pages(files: Path, openapi: Path) -> dict[str, tuple[str, str]]:
    names = {"landing.html": "/", "signup.html": "/signup", "privacy.html": "/privacy"}
    pages = {
        names.get(path.name, f"/{path.name}"): (_TYPES[path.suffix], path.read_text("utf-8"))
        for path in sorted(files.iterdir())
    }
    return {**pages, "/openapi.json": (_JSON, openapi.read_text("utf-8"))}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    site: Site

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the handshake is left to its own thread, so that no client holds up others."""
        connection, client = self.socket.accept()
        context = self.site.transport.context
        wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, client

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that breaks off, or does not trust the certificate, is no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 15
    disable_nagle_algorithm = True  # or each answer waits for the client's delayed acknowledgement
    server: _Server

    def do_GET(self) -> None:
        """Answer a request."""
        authorization = self.headers["Authorization"]
        handle = self.server.site.handler(self.path)
        if handle is not None:
            sent = self.rfile.read(min(int(self.headers["Content-Length"] or 0), 65536))
            status, kind, body = handle(self.command, self.path, authorization, sent)
        else:
            status, kind, body = self.server.site.answer(self.command, self.path, authorization)
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in self.server.site.protection(kind, body, self.headers["Origin"]).items():
            self.send_header(name, value)
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Bearer realm="lab"')
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.close_connection = True  # the request's body was not read
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the library's
        """Keep no log: the lab's logs are files of its own."""
