"""``policyproof serve``: look at the ledger in a browser on this machine."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from checks.core.errors import AuthorError, NotAssessed
from policyproof import ledger_option
from reports.view.app import LOOPBACK, NEEDED, create_app

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.serving import BaseWSGIServer

EPILOG = """\
examples:
  policyproof serve                                 the ledger in reports/out, on a free port
  policyproof serve --port 8765 --ledger old/ledger.sqlite
  policyproof serve --ledger postgresql://reader@db/ledger

It only reads, and has no login: whoever can reach the port can read it, and so it listens on this
machine alone unless --host says otherwise. Ctrl-C ends it. Runs recorded meanwhile show at once.
"""
PATIENCE = 30
"""Seconds after which a connection that says nothing is closed."""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "serve",
        help="look at the ledger in a browser",
        description="Serves a read-only view of the ledger: runs, a control's history, a finding's evidence.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ledger_option.add_to(command)
    command.add_argument(
        "--host", default="127.0.0.1", metavar="NAME", help="where to listen (default: %(default)s)"
    )
    command.add_argument(
        "--port", type=int, default=0, metavar="N", help="port; 0 is a free one (default: %(default)s)"
    )
    command.set_defaults(run=run_serve)


def run_serve(options: argparse.Namespace) -> int:
    """Serve until interrupted; return 0."""
    if not 0 <= options.port < 65_536:
        raise AuthorError(f"--port {options.port}: from 0 to 65535")
    ledger = ledger_option.opened(options)
    ledger.head()  # what is no ledger, or not reached, is told now and not on the first page
    outside = not _loopback(options.host)
    own = {options.host.lower(), socket.gethostname().lower()} if outside else set()
    app = create_app(ledger, title=f"Ledger {ledger.name}", hosts=LOOPBACK | own, addresses=outside)
    with listening(options.host, options.port) as listener:
        server = serving(listener, app)
        host, port = listener.getsockname()[:2]
        if outside:
            print(
                f"policyproof: warning: {options.host} is not this machine alone: whoever reaches"
                f" port {port} can read the ledger; there is no login and no TLS",
                file=sys.stderr,
            )
        name = f"[{host}]" if ":" in host else host
        print(f"http://{name}:{port}/ shows {ledger.name}; Ctrl-C ends it", flush=True)
        # A process that a script starts in the background is born deaf to Ctrl-C; and a service
        # manager ends what it has started with the other one.
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.default_int_handler)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
    return 0


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises ``AuthorError`` if that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, backlog=64)
    except socket.gaierror:
        reason = "no such name"
    except OSError as error:  # Python adds the address to the system's words, which is told already
        reason = os.strerror(error.errno).lower() if error.errno else "it cannot be bound"
    except (UnicodeError, OverflowError):
        reason = "no name of a machine"
    raise AuthorError(f"cannot listen on {host} port {port} ({reason})")


def serving(listener: socket.socket, app: Flask) -> BaseWSGIServer:
    """Return the server behind ``listener``.

    It is Werkzeug's own, which comes with Flask. Its makers advise against it for the public, for want of
    speed and of defences; for one reader on one machine it is enough, and is one dependency less.
    ``create_app`` makes a plain WSGI application for whoever wants another server.
    """
    try:
        from werkzeug.serving import WSGIRequestHandler, make_server
    except ImportError:
        raise NotAssessed(NEEDED) from None

    class Quiet(WSGIRequestHandler):
        """Answers without a line for each request, and without telling versions."""

        timeout = PATIENCE

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  Werkzeug's own name
            """Say nothing: what breaks is told by the application."""

        def version_string(self) -> str:
            """Return who answers."""
            return "policyproof"

    host, port = listener.getsockname()[:2]
    return make_server(host, port, app, threaded=True, request_handler=Quiet, fd=listener.fileno())


def _loopback(host: str) -> bool:
    return host in LOOPBACK or host.startswith("127.")
