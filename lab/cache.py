"""A real Redis for the lab's cache, if the machine has one: on loopback, with a password, in memory only.

The suite reads it in the clear on loopback; whoever comes from elsewhere meets the port that speaks TLS only.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from lab.errors import LabError

MISSING = "redis-server is not installed: the lab has no cache, and its controls are not assessed"
WITHOUT_TLS = (
    "redis-server takes no TLS port (perhaps it is built without): the way to the lab's cache is not assessed"
)
_START_SECONDS = 10.0


@dataclass
class Cache:
    """The running server. Without one every call does nothing, and the addresses are empty.

    ``missing`` says in a line what the machine does not have for it. A plant may change ``entry``, the
    port that applications are told; :meth:`reset` makes it ``tls_port`` again.
    """

    port: int = 0
    tls_port: int = 0
    password: str = field(default="", repr=False)
    missing: str = ""
    entry: int = field(init=False)

    def __post_init__(self) -> None:
        self.entry = self.tls_port

    @property
    def url(self) -> str:
        """The address by which the inventory reaches it; it holds the password."""
        return f"redis://default:{self.password}@127.0.0.1:{self.port}/0" if self.port else ""

    @property
    def entry_url(self) -> str:
        """Where others than this suite reach it, without the password: no handshake needs one."""
        return f"rediss://127.0.0.1:{self.entry}/0" if self.port else ""

    def run(self, *commands: tuple[object, ...]) -> list[Any]:
        """Return the replies to ``commands``, each a name and arguments; nothing without a server."""
        if not self.port:
            return []
        with self._client() as client:
            return [client.execute_command(*command) for command in commands]

    def reset(self) -> None:
        """Hold again what it holds at the start: prices that anybody may see, and no person."""
        self.entry = self.tls_port
        self.run(
            ("FLUSHALL",),
            ("HSET", "plans", "team", "19.00", "business", "49.00"),
            ("RPUSH", "regions", "fra", "ams", "nyc"),
            ("XADD", "provisioning", "*", "project", "prj-1042", "state", "ready"),
            ("SET", "release", "1.4.0"),
        )

    def _client(self) -> Any:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        once = Retry(NoBackoff(), 0)  # the driver's own patience takes seconds while the server starts
        return redis.Redis("127.0.0.1", self.port, password=self.password, socket_timeout=5, retry=once)


@contextmanager
def serve(authority: trustme.CA) -> Iterator[Cache]:
    """Run a server until the block ends, with a certificate of ``authority`` on its TLS port.

    One that does not start so, as one built without TLS, runs without that port. Raises ``LabError``
    if it is there and does not start at all.
    """
    binary = shutil.which("redis-server")
    if binary is None:
        yield Cache(missing=MISSING)
        return
    cache = Cache(*_free_ports(), secrets.token_urlsafe(18))
    with tempfile.TemporaryDirectory(prefix="policyproof-cache-") as name:
        folder = Path(name)
        user: dict[str, Any] = {}
        if os.geteuid() == 0:  # no server runs as root
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        plain = f'port {cache.port}\nbind 127.0.0.1\nsave ""\ndir {folder}\nrequirepass {cache.password}\n'
        encrypted = plain + _tls(authority, cache.tls_port, folder)
        if user:
            for path in (folder, *folder.iterdir()):
                os.chown(path, user["user"], user["group"])
        process = _started(cache, binary, encrypted, user)
        if process is None:
            cache.missing = WITHOUT_TLS
            process = _started(cache, binary, plain, user)
        if process is None:
            raise LabError("the lab's redis-server does not start")
        try:
            yield cache
        finally:
            _end(process)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


def _tls(authority: trustme.CA, port: int, folder: Path) -> str:
    """Write certificate and key to ``folder``; return the settings of a port that speaks TLS only."""
    certificate, key = folder / "server.pem", folder / "server.key"
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    leaf.cert_chain_pems[0].write_to_path(str(certificate))
    leaf.private_key_pem.write_to_path(str(key))
    key.chmod(0o600)
    return f"tls-port {port}\ntls-cert-file {certificate}\ntls-key-file {key}\ntls-auth-clients no\n"


def _started(
    cache: Cache, binary: str, settings: str, user: dict[str, Any]
) -> subprocess.Popen[bytes] | None:
    """Return the server once it answers, ``None`` if it ends by itself: it does not know a setting.

    Raises ``LabError`` if it does neither in time.
    """
    import redis

    process = subprocess.Popen(  # the settings, and the password in them, come by stdin
        [binary, "-"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user,
    )  # fmt: skip
    try:
        assert process.stdin is not None  # noqa: S101  it was asked for
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(settings.encode())
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None:
            with suppress(redis.ConnectionError):
                cache.reset()
                return process
            if time.monotonic() > deadline:
                raise LabError("the lab's redis-server does not start")
            time.sleep(0.02)
    except BaseException:
        _end(process)
        raise
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)
