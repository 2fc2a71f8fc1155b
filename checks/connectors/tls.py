"""How a server is reached: what its TLS is worth, and what stands in the headers of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import ClassVar, Self
from urllib.parse import urlsplit

from checks.connectors import tls_plain
from checks.connectors.http_exchange import Prober, Reply
from checks.connectors.http_fetch import authority_of
from checks.connectors.tls_certificates import Shown, certificates
from checks.connectors.tls_dial import Door, NotOffered, door_of, explained, ready_for_tls
from checks.connectors.tls_hello import VERSIONS, WEAK, NotTls, client_hello, read_reply
from checks.connectors.tls_hello import Reply as HelloReply
from checks.core.errors import NotAssessed, Refused, Unreachable, Unreadable
from checks.core.model import Target, Transport

_WEB = ("http", "https")
_FIRST = ("TLS 1.2", "TLS 1.3")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one offer: ``accepted``, refused, or (``None``) not known, and why."""

    offer: str  # "TLS 1.0", "forbidden cipher suites"
    accepted: bool | None
    detail: str


class TransportView:
    """The transport of one site, API, database, cache or broker."""

    kind: ClassVar[str] = "transport"

    def __init__(self, target: Target, door: Door, timeout: float, stack: ExitStack) -> None:
        assert isinstance(target.spec, Transport)  # noqa: S101  the inventory's loader sees to it
        self.target = target
        self.spec = target.spec
        self.door = door
        self._timeout = timeout
        self._stack = stack
        self._shown: Shown | NotAssessed | NotOffered | None = None
        self._plain: tls_plain.Plain | None = None
        self._prober: Prober | None = None
        self._replies: dict[str, Reply | NotAssessed] = {}

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view; ``timeout`` (seconds) bounds each probe. Nothing is sent yet."""
        with ExitStack() as stack:
            yield cls(target, door_of(target), timeout, stack)

    # ── TLS ──────────────────────────────────────────────────────────────────────────────────────

    def versions(self) -> list[Tried]:
        """Return what becomes of an offer of each protocol version alone, and of forbidden suites alone.

        Raises a ``NotAssessed`` if the server takes none of them, ``NotOffered`` if it has no TLS.
        """
        self._not_in_the_clear()
        tried = {name: self._try(name, VERSIONS[name]) for name in _FIRST}
        if any(
            one.accepted is not None for one in tried.values()
        ):  # else it would be waited for again and again
            tried |= {name: self._try(name, number) for name, number in VERSIONS.items() if name not in tried}
        if not any(one.accepted for one in tried.values()):
            known = (one.detail for one in tried.values() if one.accepted is None)
            reason = next(known, "it refuses every version")
            raise Unreachable(f"{self.target.id}: no TLS could be agreed with {self.door.shown}: {reason}")
        return [
            *(tried[name] for name in VERSIONS),
            self._try("forbidden cipher suites", VERSIONS["TLS 1.2"], WEAK),
        ]

    def _not_in_the_clear(self) -> None:
        """Raise ``NotOffered`` if a protocol that has TLS from the first byte or never is spoken without."""
        if self.door.protocol in {"redis", "amqp"} and self._plaintext().accepted:
            raise NotOffered

    def _plaintext(self) -> tls_plain.Plain:
        if self._plain is None:
            self._plain = tls_plain.plaintext(self.door, self._timeout)
        return self._plain

    def _try(self, offer: str, version: int, suites: tuple[int, ...] | None = None) -> Tried:
        try:
            with ready_for_tls(self.door, self._timeout) as line, explained(self.door):
                line.send(client_hello(version, self.door.host, suites))
                reply = read_reply(line)
        except NotTls:
            return Tried(offer, None, "the answer is not TLS")
        except NotAssessed as error:
            return Tried(offer, None, error.reason.removeprefix(f"{self.target.id}: "))
        return _outcome(offer, version, suites, reply)

    def certificates(self) -> Shown:
        """Return the chain and whether it is trusted, looked at once; raises as the first look did."""
        if self._shown is None:
            try:
                self._not_in_the_clear()
                self._shown = certificates(self.door, self._timeout, authority_of(self.target))
            except (NotAssessed, NotOffered) as error:
                self._shown = error
        if isinstance(self._shown, Exception):
            raise self._shown.with_traceback(None)
        return self._shown

    def plaintext(self) -> tls_plain.Plain:
        """Return what a database, cache or broker does with a client that does not encrypt.

        A refusal counts only where the same server goes on once TLS is spoken; if it does not,
        this raises a ``NotAssessed``.
        """
        plain = self._plaintext()
        if plain.accepted:
            return plain
        try:
            if self.door.protocol == "postgresql":
                if not tls_plain.postgres_goes_on_with_tls(self.door, self._timeout):
                    raise Refused(f"{self.target.id}: {self.door.shown} refuses this login with TLS as well")
            else:
                self.certificates()
        except NotOffered:
            raise Refused(
                f"{self.target.id}: {self.door.shown} refuses this login, and offers no TLS"
            ) from None
        return plain

    # ── HTTP ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def host(self) -> str:
        """Host of the address, with its port unless that is the usual one: the end of its origin."""
        usual = {"https": 443, "http": 80}.get(self.door.protocol)
        return self.door.shown.rpartition(":")[0] if self.door.port == usual else self.door.shown

    def reply(self, path: str) -> Reply:
        """Return the answer to ``GET path`` with its text, asked once; raises as the first time."""
        if path not in self._replies:
            try:
                self._replies[path] = self.probe(path, text=True)
            except NotAssessed as error:
                self._replies[path] = error
        found = self._replies[path]
        if isinstance(found, NotAssessed):
            raise found.with_traceback(None)
        return found

    def probe(self, path: str, **options: object) -> Reply:
        """Return the answer to one request; see :meth:`Prober.probe`."""
        if self.door.protocol not in _WEB:
            raise Unreachable(f"{self.target.id}: {self.target.address} is no web address")
        if self._prober is None:
            self._prober = self._stack.enter_context(Prober.open(self.target, timeout=self._timeout))
        return self._prober.probe(path, **options)  # type: ignore[arg-type]

    def plain_base(self) -> tuple[str, bool]:
        """Return where this host is asked over plain HTTP, and whether the inventory names that address.

        Without a name it is port 80. Raises ``Unreadable`` if the address named is not plain HTTP.
        """
        named = self.target.secrets.get("http")
        if named is None or not named.given:
            host = self.door.shown.rpartition(":")[0]
            return f"http://{host}", False
        try:
            parts = urlsplit(named.reveal().strip())
            good = parts.scheme == "http" and bool(parts.hostname) and parts.username is None
            port = parts.port
        except ValueError:
            good = False
        if not good:
            raise Unreadable(f"{self.target.id}: {named} is not a plain http address")
        name = parts.hostname or ""
        shown = f"[{name}]" if ":" in name else name
        return f"http://{shown}" + (f":{port}" if port else ""), True


def _outcome(offer: str, version: int, suites: tuple[int, ...] | None, reply: HelloReply) -> Tried:
    if reply.version is None:
        return Tried(offer, False if reply.refused else None, reply.words)
    if suites is not None:
        bad = reply.suite in suites
        return Tried(offer, bad or None, f"suite 0x{reply.suite or 0:04X} was chosen")
    if reply.version == version:
        return Tried(offer, True, "was agreed to")
    # A server may answer with an older version than was offered: it speaks that one, not this.
    return Tried(offer, False, "another version was answered")
