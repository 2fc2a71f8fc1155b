"""A small service with people in it, over SQLite and a log file, and a drill on it as a run would do it."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from checks.core.controls import load_control
from checks.core.inventory import load_inventory
from checks.core.model import Earlier, Verdict
from checks.core.session import Session

ROOT = Path(__file__).parents[2]
KEY = "a-key-for-the-tests-of-the-drill"
NOW = datetime.now(UTC).replace(microsecond=0)
CONTROLS = {
    control.id: control
    for path in sorted((ROOT / "controls").glob("s10-*.yaml"))
    if (control := load_control(path))
}

INVENTORY: dict[str, Any] = {
    "version": 1,
    "organization": "Acme",
    "environments": {"lab": {"label": "Lab", "prefix": "", "policy": "acme", "drills": ["rights"]}},
    "stores": {
        "crm": {
            "kind": "sql",
            "title": "CRM",
            "address": "CRM_URL",
            "datasets": {
                "people": {
                    "table": "person",
                    "title": "People",
                    "purposes": ["essential.service.operations"],
                    "columns": {"id": "system.identifier", "email": "user.contact.email"},
                }
            },
        }
    },
    "logs": {"app": {"title": "Log", "address": "LOG_DIR", "path": "*.log", "format": "iso"}},
    "endpoints": {
        "api": {
            "kind": "api",
            "title": "API",
            "address": "API_URL",
            "rights": {
                "title": "Rights",
                "key": "RIGHTS_KEY",
                "mail_domain": "canary.example",
                "create": {
                    "method": "POST",
                    "path": "/people",
                    "body": {"email": "{email}", "name": "{name}", "password": "{password}"},
                    "keep": {"id": "data.id"},
                },
                "session": {
                    "method": "POST",
                    "path": "/sessions",
                    "body": {"email": "{email}", "password": "{password}"},
                    "keep": {"token": "token", "id": "id"},
                },
                "use": [{"method": "PUT", "path": "/people/{id}/note", "body": {"note": "{note}"}}],
                "look": [{"method": "GET", "path": "/people/{id}"}],
                "export": {"method": "GET", "path": "/people/{id}/export"},
                "correct": {"method": "PATCH", "path": "/people/{id}", "body": {"name": "{new_name}"}},
                "delete": {"method": "DELETE", "path": "/people/{id}"},
            },
        }
    },
}


@dataclass
class Service:
    """What runs. ``before`` may answer a request in its own way: it returns status and JSON, or nothing."""

    database: Path
    logs: Path
    url: str = ""
    sessions: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str, Mapping[str, str]], tuple[int, Any] | None] = lambda request, given: None

    def run(self, statement: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.database, timeout=10)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def people(self) -> list[Any]:
        return self.run("SELECT name, email, note FROM person")

    def answer(self, method: str, path: str, token: str, given: Mapping[str, str]) -> tuple[int, Any]:
        request = " ".join([method, *("{id}" if part.isdecimal() else part for part in path.split("/")[1:])])
        self.asked.append(request)
        own = self.before(request, given)
        if own is not None:
            return own
        if request == "POST people":
            self.run(
                "INSERT INTO person (email, name, password) VALUES (?, ?, ?)",
                given["email"],
                given["name"],
                f"hash {hash(given['password'])}",
            )
            (number,) = self.run("SELECT max(id) FROM person")[0]
            return 201, {"data": {"id": number}}
        if request == "POST sessions":
            found = self.run(
                "SELECT id FROM person WHERE email = ? AND password = ?",
                given["email"],
                f"hash {hash(given['password'])}",
            )
            if not found:
                return 401, {}
            fresh = secrets.token_hex()
            self.sessions[fresh] = found[0][0]
            return 200, {"token": fresh, "id": found[0][0]}
        number = self.sessions.get(token)
        if number is None or str(number) != path.split("/")[2]:
            return 401, {}
        if method == "GET":
            rows = self.run("SELECT name, email, note FROM person WHERE id = ?", number)
            return (200, dict(zip(("name", "email", "note"), rows[0], strict=True))) if rows else (404, {})
        if method == "DELETE":
            self.run("DELETE FROM person WHERE id = ?", number)
            self.sessions = {key: owner for key, owner in self.sessions.items() if owner != number}
            return 204, None
        for column, value in given.items():
            self.run(f"UPDATE person SET {column} = ? WHERE id = ?", value, number)
        return 200, {}

    def judge(
        self,
        *,
        now: datetime = NOW,
        timeout: float = 5.0,
        inventory: Mapping[str, Any] = INVENTORY,
        rights: Mapping[str, Any] | None = None,
        recall: Callable[[str, str], Earlier | None] | None = None,
        **addresses: str,
    ) -> dict[str, Verdict]:
        """Run every control on rights; return the verdicts by control."""
        document = json.loads(json.dumps(inventory))
        document["endpoints"]["api"]["rights"].update(rights or {})
        path = self.logs.parent / "inventory.yaml"
        path.write_text(yaml.safe_dump(document))
        known = {
            "CRM_URL": f"sqlite:///{self.database}",
            "LOG_DIR": str(self.logs),
            "API_URL": self.url,
            "RIGHTS_KEY": KEY,
        }
        loaded = load_inventory(path, "lab", {**known, **addresses})
        session = Session(loaded, timeout=timeout, now=now, recall=recall)
        try:
            return {name: session.run(c, loaded.targets["api.rights"]) for name, c in CONTROLS.items()}
        finally:
            session.close()


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Run the service in ``folder`` until the block ends."""
    (folder / "logs").mkdir()
    (folder / "logs" / "app.log").write_text("2026-11-27T10:00:00+00:00 started\n")
    service = Service(folder / "crm.db", folder / "logs")
    service.run("CREATE TABLE person (id INTEGER PRIMARY KEY, email, name, note, password)")
    service.run("CREATE TABLE history (what TEXT)")
    service.run("INSERT INTO person (email, name) VALUES ('somebody@else.example', 'Somebody')")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
            status, said = service.answer(self.command, self.path, token, json.loads(body or b"{}"))
            raw = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, *arguments: Any) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
