"""What went wrong with an HTTP exchange, in words of our own: a driver's message may hold a URL."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator

from urllib3 import exceptions as urllib3

from checks.core.errors import NotAssessed, TimedOut, Unreachable, Unreadable

# X509_V_ERR_… of OpenSSL
CERTIFICATE: dict[int, str] = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate comes from an unknown authority",
    20: "its certificate comes from an unknown authority",
    21: "its certificate comes from an unknown authority",
    23: "its certificate has been revoked",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
}


def not_assessed(what: str, error: BaseException, *, late: bool, seconds: float) -> NotAssessed:
    """Return the error that says why ``what`` could not be fetched; ``late``: the deadline had passed."""
    chain = list(_causes(error))
    if late:
        return TimedOut(f"{what}: not complete after {seconds:g} s")
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = CERTIFICATE.get(cause.verify_code, "its certificate is not accepted")
            return Unreachable(f"{what}: TLS refused, {words}")
    if _any(chain, urllib3.NameResolutionError):
        return Unreachable(f"{what}: no such host")
    if _any(chain, ConnectionRefusedError):
        return Unreachable(f"{what}: connection refused")
    if _any(chain, urllib3.NewConnectionError):
        number = next((cause.errno for cause in chain if isinstance(cause, OSError) and cause.errno), None)
        code = f" ({errno.errorcode[number]})" if number is not None and number in errno.errorcode else ""
        return Unreachable(f"{what}: cannot connect{code}")
    if _any(chain, urllib3.ConnectTimeoutError):
        return TimedOut(f"{what}: no connection in the time allowed")
    if _any(chain, urllib3.ReadTimeoutError, TimeoutError):
        return TimedOut(f"{what}: no answer in the time allowed")
    if _any(chain, ssl.SSLError):
        return Unreachable(f"{what}: no TLS connection could be agreed")
    if _any(chain, urllib3.DecodeError):
        return Unreadable(f"{what}: the body is not compressed as its header says")
    if _any(chain, ConnectionError, urllib3.ProtocolError, urllib3.IncompleteRead):
        return Unreachable(f"{what}: the connection dropped before the answer was complete")
    return Unreachable(f"{what}: no usable answer ({type(error).__name__})")


def worth_a_retry(error: BaseException) -> bool:
    """Whether no connection was made, and at once: nothing was sent, so it may be tried again."""
    chain = list(_causes(error))
    return _any(chain, urllib3.NewConnectionError) and not _any(chain, urllib3.NameResolutionError)


def _any(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in chain)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and all it wraps, by cause, context, arguments or urllib3's ``reason``."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
