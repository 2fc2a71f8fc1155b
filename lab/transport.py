"""How the lab is reached: TLS, headers, a door that leads from HTTP to HTTPS, one before the databases.

The bundled PostgreSQL is built without TLS. It listens on loopback and the suite reads it there; whoever
comes from elsewhere meets the door before it, as with many hosted databases, and that one demands TLS.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

_SSL_REQUEST = struct.pack(">II", 8, 80877103)
_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
_INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_HOSTS = re.compile(r"https://[\w.-]+(?::\d+)?")


@dataclass
class Transport:
    """What a plant may change of the way to the lab; :meth:`reset` undoes it."""

    authority: trustme.CA = field(default_factory=trustme.CA, repr=False)
    headers: dict[str, str] = field(default_factory=lambda: dict(_HEADERS))
    api_headers: dict[str, str] = field(default_factory=dict)
    content_policy: bool = True
    echoes_origin: bool = False
    redirects: bool = True
    database_demands_tls: bool = True
    door_days: int = 365
    door_authority: trustme.CA | None = None
    context: ssl.SSLContext = field(init=False, repr=False)
    door_context: ssl.SSLContext = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.context = self.door_context = self._clean = self.issue()

    def issue(
        self, days: int = 365, authority: trustme.CA | None = None, *, old: bool = False
    ) -> ssl.SSLContext:
        """Return a server's context with a new certificate, good for ``days``; ``old``: any version goes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if old:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.set_ciphers("DEFAULT@SECLEVEL=0")
        ends = datetime.now(UTC) + timedelta(days=days)
        leaf = (authority or self.authority).issue_cert("127.0.0.1", "localhost", not_after=ends)
        leaf.configure_cert(context)
        return context

    def rehang_door(self) -> None:
        """Give the door before the databases a new certificate, as its fields say."""
        self.door_context = self.issue(self.door_days, self.door_authority)

    def reset(self) -> None:
        """Go back to the clean state."""
        self.headers = dict(_HEADERS)
        self.api_headers = {}
        self.content_policy = self.redirects = self.database_demands_tls = True
        self.echoes_origin = False
        self.door_days, self.door_authority = 365, None
        self.context = self.door_context = self._clean

    def headers_for(self, kind: str, body: str, origin: str | None, known: str) -> dict[str, str]:
        """Return what goes with an answer. ``known`` is the text of every page and script, for its policy."""
        found = dict(self.headers)
        if kind == "application/json":
            found |= self.api_headers
        if self.content_policy and kind.startswith("text/html"):
            found["Content-Security-Policy"] = _content_policy(body, known)
        if self.echoes_origin and origin is not None:
            found["Access-Control-Allow-Origin"] = origin
            found["Access-Control-Allow-Credentials"] = "true"
        return found


def _content_policy(body: str, known: str) -> str:
    """Return the policy that is written when the site is built: own scripts, and those its pages name."""
    hashes = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in _INLINE.findall(body)]
    allowed = ["'self'", *sorted(set(_HOSTS.findall(known))), *(f"'sha256-{one}'" for one in hashes)]
    return f"script-src {' '.join(allowed)}; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"


@contextmanager
def plain_http(transport: Transport, url: str, pages: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Serve plain HTTP on a free port: it leads to ``url``, or serves ``pages`` where a plant says so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 15

        def do_GET(self) -> None:
            kind, text = pages.get(self.path, ("text/html", "")) if not transport.redirects else ("", "")
            raw = text.encode()
            self.send_response(308 if transport.redirects else 200)
            if transport.redirects:
                self.send_header("Location", url + self.path)
            else:
                self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the library's
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with _running(Server(("127.0.0.1", 0), Handler), "lab-plain-http") as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def database_door(transport: Transport, port: int) -> Iterator[int]:
    """Let clients of PostgreSQL on ``port`` in by TLS, and by nothing else unless a plant says so."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.settimeout(15)
                first = _exactly(self.request, 8)
                if first == _SSL_REQUEST:
                    self.request.sendall(b"S")
                    with transport.door_context.wrap_socket(self.request, server_side=True) as secure:
                        _relay(secure, b"", port)
                elif transport.database_demands_tls:
                    fields = b"SFATAL\0VFATAL\0C28000\0Mconnections without TLS are not accepted\0\0"
                    self.request.sendall(b"E" + struct.pack(">I", len(fields) + 4) + fields)
                elif len(first) == 8:
                    _relay(self.request, first, port)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with _running(Server(("127.0.0.1", 0), Handler), "lab-database-door") as own:
        yield own


@contextmanager
def _running(server: socketserver.TCPServer, name: str) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name=name, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := line.recv(size - len(data))):
        data += more
    return data


def _relay(client: socket.socket, first: bytes, port: int) -> None:
    """Carry bytes between a client and the database until either ends."""
    with socket.create_connection(("127.0.0.1", port), 15) as server:
        server.sendall(first)
        client.settimeout(None)
        server.settimeout(None)

        def back() -> None:
            with suppress(OSError):
                while data := server.recv(65536):
                    client.sendall(data)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=back, daemon=True)
        thread.start()
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def authority_file(transport: Transport, path: Path) -> Path:
    """Write the certificate that a client has to trust; return where."""
    transport.authority.cert_pem.write_to_path(str(path))
    return path
