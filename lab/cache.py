"""A real Redis for the lab's cache, if the machine has one: on loopback, with a password, in memory only."""

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
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.errors import LabError

MISSING = "redis-server is not installed: the lab has no cache, and its controls are not assessed"
_START_SECONDS = 10.0


@dataclass
class Cache:
    """The running server. Without one every call does nothing, and ``url`` is empty."""

    port: int = 0
    password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The address by which the inventory reaches it; it holds the password."""
        return f"redis://default:{self.password}@127.0.0.1:{self.port}/0" if self.port else ""

    def run(self, *commands: tuple[object, ...]) -> list[Any]:
        """Return the replies to ``commands``, each a name and arguments; nothing without a server."""
        if not self.port:
            return []
        with self._client() as client:
            return [client.execute_command(*command) for command in commands]

    def reset(self) -> None:
        """Hold again what it holds at the start: prices that anybody may see, and no person."""
        self.run(
            ("FLUSHALL",),
            ("HSET", "plans", "team", "19.00", "business", "49.00"),
            ("RPUSH", "regions", "fra", "ams", "nyc"),
            ("XADD", "provisioning", "*", "project", "prj-1042", "state", "ready"),
            ("SET", "release", "1.4.0"),
        )

    def _client(self) -> Any:
        import redis

        return redis.Redis("127.0.0.1", self.port, password=self.password, socket_timeout=5)


@contextmanager
def serve() -> Iterator[Cache]:
    """Run a server until the block ends. Raises ``LabError`` if it is there and does not start."""
    binary = shutil.which("redis-server")
    if binary is None:
        yield Cache()
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    cache = Cache(port, secrets.token_urlsafe(18))
    with tempfile.TemporaryDirectory(prefix="policyproof-cache-") as folder:
        user: dict[str, Any] = {}
        if os.geteuid() == 0:  # no server runs as root
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        settings = f'port {port}\nbind 127.0.0.1\nsave ""\ndir {folder}\nrequirepass {cache.password}\n'
        process = subprocess.Popen(  # the settings, and the password in them, come by stdin
            [binary, "-"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user,
        )  # fmt: skip
        try:
            assert process.stdin is not None  # noqa: S101  it was asked for
            process.stdin.write(settings.encode())
            process.stdin.close()
            _wait(cache, process)
            yield cache
        finally:
            process.kill()
            process.wait(10)


def _wait(cache: Cache, process: subprocess.Popen[bytes]) -> None:
    import redis

    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            cache.reset()
            return
        except redis.ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError("the lab's redis-server does not start") from None
            time.sleep(0.02)
