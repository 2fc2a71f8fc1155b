"""The lab's log directories: current and rotated files, plain and compressed, all within limits."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from lab.rows import Table, Values

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda raw: gzip.compress(raw, 1),
    ".xz": lambda raw: lzma.compress(raw, preset=0),
    ".bz2": lambda raw: bz2.compress(raw, 1),
}
# file name: days from the youngest to the oldest line in it
_EDGE = {
    "access.log": (0.0, 1.0),
    "access.log.1": (1.0, 2.0),
    "access.log.2.gz": (2.0, 3.0),
    "access.log.9.gz": (9.0, 10.0),
    "access.log.27.gz": (27.0, 28.0),
}
_APP = {
    "app.log": (0.0, 6.0),
    "app.log.1": (6.0, 13.0),
    "app.log.2.gz": (13.0, 20.0),
    "app.log.3.xz": (20.0, 27.0),
    "app.log.11.gz": (76.0, 83.0),
}
_ERRORS = {"reports.log": (0.0, 6.0), "reports.log.1": (6.0, 13.0), "reports.log.2.bz2": (13.0, 20.0)}


def write(root: Path, v: Values, accounts: Table, projects: Table) -> None:
    """Write every log below ``root``; a file's own time is that of its last line."""

    def edge(moment: datetime) -> str:
        request = f"{v.pick('GET', 'POST')} {v.pick('/', '/login', '/api/orders', '/assets/app.js')} HTTP/1.1"
        return clf(moment, v.ip(), request, v.agent(), v.random.randrange(200, 90000))

    def app(moment: datetime) -> str:
        message = v.pick("order confirmed", "project ready", "mail sent", f"order {v.digits(16)} paid")
        return app_line(moment, message, v.of(accounts.rows)[0], v.of(projects.rows)[0])

    def error(moment: datetime) -> str:
        return error_line(moment, str(v.of(accounts.rows)[1]), v.pick("timeout", "validation failed"))

    for folder, files, lines, make in (
        ("edge", _EDGE, 400, edge),
        ("app", _APP, 300, app),
        ("errors", _ERRORS, 60, error),
    ):
        (root / folder).mkdir(parents=True)
        for name, (youngest, oldest) in files.items():
            moments = sorted(v.ago(youngest, oldest) for _ in range(lines))
            path = root / folder / name
            store(path, "".join(make(moment) + "\n" for moment in moments))
            os.utime(path, (moments[-1].timestamp(), moments[-1].timestamp()))


def clf(moment: datetime, ip: str, request: str, agent: str, size: int) -> str:
    """Return a line of the combined log format."""
    return f'{ip} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "{request}" 200 {size} "-" "{agent}"'


def app_line(moment: datetime, message: str, account: object, project: object) -> str:
    """Return a line of the API's log."""
    fields = {"time": moment.isoformat(), "level": "info", "message": message}
    return json.dumps({**fields, "account_id": account, "project_id": project, "duration_ms": 12})


def error_line(moment: datetime, email: str, error: str) -> str:
    """Return a line of the error reports."""
    return f'{moment.isoformat()} customer_email={email} error="{error}" release=1.4.0'


def store(path: Path, text: str) -> None:
    """Write ``text`` in the compression that the file's name asks for."""
    raw = text.encode()
    path.write_bytes(_COMPRESS.get(path.suffix, bytes)(raw))
