"""Small real servers on loopback, well-behaved or hostile, over TLS or not."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from checks.connectors.http import Page, Site
from checks.core.model import Address, Endpoint, Target

LOGIN = '<form action="/login"><input type=password></form>'


@dataclass
class Client:
    """One request as it arrived, and the means to answer it in any way."""

    connection: socket.socket
    method: str
    path: str
    headers: Mapping[str, str]
    closed: bool = False
    begun: bytes = b""  # of its body, what came with the headers

    def body(self) -> bytes:
        """Return the body, of stated length."""
        data = self.begun
        while len(data) < int(self.headers.get("content-length", "0")):
            data += self.connection.recv(65536)
        return data

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reply(self, status: int, body: bytes | str = b"", kind: str = "text/html", **headers: str) -> None:
        body = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", f"Content-Type: {kind}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def json(self, value: object, status: int = 200) -> None:
        self.reply(status, json.dumps(value), "application/json")

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.closed = True


Handler = Callable[[Client], None]


@dataclass
class Server:
    """What was asked of a server that is running, and where it is."""

    url: str
    requests: list[Client] = field(default_factory=list)
    connections: int = 0
    ended: int = 0

    def all_ended(self) -> bool:
        """Whether every connection is closed, or is within a second."""
        until = time.monotonic() + 1
        while self.ended < self.connections and time.monotonic() < until:
            time.sleep(0.01)
        return self.ended == self.connections


@contextmanager
def serving(
    routes: Mapping[str, Handler], certificate: trustme.LeafCert | None = None, *, port: int = 0
) -> Iterator[Server]:
    """Serve ``routes`` (by path; "*" for any other) until the block ends."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
    listener = socket.create_server(("127.0.0.1", port))
    scheme = "https" if context else "http"
    server = Server(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
    stopping = threading.Event()
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not stopping.is_set():
            with suppress(OSError):  # nobody came for a moment, or the block has ended
                raw, _ = listener.accept()
                server.connections += 1
                thread = threading.Thread(target=talk, args=(raw,))
                thread.start()
                threads.append(thread)

    def talk(raw: socket.socket) -> None:
        raw.settimeout(5)
        connection = raw
        with suppress(OSError):
            try:
                if context:
                    connection = context.wrap_socket(raw, server_side=True)
                while (client := _read(connection)) and not stopping.is_set():
                    server.requests.append(client)
                    path = client.path.partition("?")[0]
                    routes.get(path, routes.get("*", _missing))(client)
                    if client.closed:
                        return
            finally:
                connection.close()
                server.ended += 1

    listener.settimeout(0.05)
    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield server
    finally:
        stopping.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept(), on Linux
        acceptor.join()
        listener.close()
        for thread in threads:
            thread.join()


def _missing(client: Client) -> None:
    client.reply(404, "no such page")


def _read(connection: socket.socket) -> Client | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
        if not data[:1].isalpha():  # TLS, where we speak plain HTTP
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return None
    first, *rest = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return Client(connection, method, path, headers, begun=data.partition(b"\r\n\r\n")[2])


def page(
    body: str | bytes = "<p>hello", kind: str = "text/html", status: int = 200, **headers: str
) -> Handler:
    """Answer with a page."""
    return lambda client: client.reply(status, body, kind, **headers)


def redirect(to: str) -> Handler:
    """Answer with a redirect."""
    return lambda client: client.reply(302, Location=to)


def dripping(client: Client) -> None:
    """A body that comes a byte at a time and would take minutes."""
    client.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2000\r\n\r\n")
    for _ in range(60):
        client.send(b"x")
        time.sleep(0.1)


def dripping_error(client: Client) -> None:
    """The same under a status that says enough."""
    client.send(b"HTTP/1.1 500 X\r\nContent-Length: 2000\r\n\r\n")
    for _ in range(60):
        client.send(b"x")
        time.sleep(0.1)


def dripping_until_closed(client: Client) -> None:
    """The same without a stated length, so that breaking it off looks like its end."""
    client.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")
    for _ in range(60):
        client.send(b"x")
        time.sleep(0.1)


def dripping_headers(client: Client) -> None:
    """Headers that never end."""
    client.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(60):
        client.send(b"x")
        time.sleep(0.1)


def silent(client: Client) -> None:
    """No answer at all."""
    time.sleep(2)
    client.closed = True


def endless(client: Client) -> None:
    """A body without end, as fast as it goes."""
    client.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def raw(data: bytes, *, reset: bool = False) -> Handler:
    """Answer with exactly these bytes and close, or drop, the connection."""

    def handle(client: Client) -> None:
        client.send(data)
        client.closed = True
        if reset:
            time.sleep(0.1)  # what was sent arrives first
            client.reset()

    return handle


def target(
    url: str, *, kind: str = "site", ca: Path | None = None, token: str | None = None, **spec: object
) -> Target:
    """Return a target at ``url``, as the inventory's loader would."""
    secrets = {"ca": Address("LAB_CA", str(ca))} if ca else {}
    if token is not None:
        secrets["token"] = Address("LAB_TOKEN", token)
    endpoint = Endpoint(id=kind, kind=kind, title="Under test", **spec)  # type: ignore[arg-type]
    return Target(kind, kind, "Under test", endpoint, Address("LAB_URL", url), secrets)


def fetch(where: Target, path: str, *, missing_ok: bool = False) -> Page:
    """Return a page of a site, with little patience."""
    with Site.open(where, timeout=0.5) as site:
        return site.get(path, missing_ok=missing_ok)
