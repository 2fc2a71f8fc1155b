"""One connection to Redis: commands that only read, replies as the bytes they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from checks.core.errors import MissingDriver, NotAssessed, Refused, TimedOut, Unreachable, Unreadable
from checks.scanner.live import parsed

SCHEMES = ("redis", "rediss")
Reply = Any
"""What a server answers: bytes, a number, a list of these, or an exception of the driver's."""
_READING = (
    *("INFO", "SELECT", "SCAN", "TYPE", "MEMORY", "GETRANGE", "HLEN", "HSCAN", "LLEN", "LRANGE", "SCARD"),
    *("SSCAN", "ZCARD", "ZSCAN", "XLEN", "XRANGE"),
)


@contextmanager
def connected(url: str, name: str, timeout: float, authority: str | None = None) -> Iterator[Link]:
    """Yield a link to the server at ``url``; ``timeout`` (seconds) bounds connecting and each answer.

    ``authority`` is the file of the CA to trust over rediss://, where it is not a public one.

    Raises ``MissingDriver``, ``Unreachable``, ``Refused``, ``TimedOut``.
    """
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise MissingDriver(
            f"{name}: the driver for Redis is not installed (pip install 'policyproof[redis]')"
        ) from None
    address: sa.URL = parsed(url, name, SCHEMES)
    kind = redis.SSLConnection if address.drivername == "rediss" else redis.Connection
    try:
        options: dict[str, Any] = dict(redis.connection.parse_url(url))
    except ValueError:
        raise Unreachable(f"{name}: its address is not a URL such as redis://user@host/0") from None
    options.pop("connection_class", None)
    options |= {
        "db": 0,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,  # replies of one shape, whatever the version
        "decode_responses": False,
    }
    if authority is not None and address.drivername == "rediss":
        options["ssl_ca_certs"] = authority
    try:
        connection = kind(**options)
    except TypeError:
        raise Unreachable(f"{name}: its address has an option that the driver does not know") from None
    link = Link(name, connection)
    try:
        link.connect()
        yield link
    finally:
        connection.disconnect()


class Link:
    """A connection. What it raises is ours and begins with ``name``."""

    def __init__(self, name: str, connection: Any) -> None:
        self.name = name
        self._connection = connection
        self._database = 0
        self._broken = False

    def connect(self) -> None:
        """Connect and log in; raises ``NotAssessed``."""
        with self._told():
            self._connection.connect()

    def database(self, number: int) -> None:
        """Go on in the logical database ``number``; raises ``NotAssessed``."""
        if number != self._database:
            self.one(("SELECT", number))
            self._database = number

    def info(self) -> dict[str, Any]:
        """Return what the server says of itself, whole numbers as such; raises ``NotAssessed``."""
        state: dict[str, Any] = {}
        for line in self.one(("INFO",)).decode("utf-8", "replace").splitlines():
            key, colon, value = line.partition(":")
            if colon:
                state[key] = int(value) if value.isdecimal() else value
        return state

    def one(self, command: tuple[Any, ...]) -> Reply:
        """Return the reply to one command; raises ``NotAssessed`` if it is an error."""
        (reply,) = self.ask([command])
        if isinstance(reply, Exception):
            raise _meaning(self.name, reply) from None
        return reply

    def ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Reply]:
        """Return the reply to each of ``commands``, sent together; a refusal is a reply too.

        Raises ``NotAssessed`` if the line breaks.
        """
        import redis

        assert all(command[0] in _READING for command in commands)  # noqa: S101  a mistake of ours
        if not commands:
            return []
        if self._broken:  # the driver would connect again, to another database
            raise Unreachable(f"{self.name}: the connection dropped")
        replies: list[Reply] = []
        with self._told():
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            for _ in commands:
                try:
                    replies.append(self._connection.read_response())
                except redis.ResponseError as error:
                    replies.append(error)
        return replies

    @contextmanager
    def _told(self) -> Iterator[None]:
        import redis

        try:
            yield
        except redis.RedisError as error:
            self._break()
            raise _meaning(self.name, error) from None
        except OSError:
            self._break()
            raise Unreachable(f"{self.name}: the connection dropped before the answer was complete") from None

    def _break(self) -> None:
        self._broken = True
        self._connection.disconnect()


def is_refusal(reply: Reply) -> bool:
    """Whether the server refused a command for want of a permission."""
    import redis

    return isinstance(reply, redis.exceptions.NoPermissionError)


def _meaning(name: str, error: Exception) -> NotAssessed:
    """Return what the driver raised as one of our errors, without a word of the driver's."""
    import redis

    known: tuple[tuple[type[Exception], NotAssessed], ...] = (
        (redis.TimeoutError, TimedOut(f"{name}: did not answer in the time allowed")),
        (redis.AuthenticationError, Refused(f"{name}: the server refused the user name or password")),
        (redis.exceptions.NoPermissionError, Refused(f"{name}: the login may not list keys or databases")),
        (redis.BusyLoadingError, Unreachable(f"{name}: the server is still loading its data")),
    )
    for kind, ours in known:
        if isinstance(error, kind):
            return ours
    if isinstance(error, redis.ConnectionError):
        text = str(error)
        if "refused" in text:
            return Unreachable(f"{name}: connection refused")
        if "Name or service not known" in text or "-2" in text:
            return Unreachable(f"{name}: the host name is not known")
        return Unreachable(f"{name}: the server cannot be reached, or the connection dropped")
    return Unreadable(f"{name}: the server could not answer the command")
