"""What went wrong in a browser, in words of our own: its messages hold addresses."""

from __future__ import annotations

import re

from checks.core.errors import NotAssessed, Refused, TimedOut, TooLarge, Unreachable, Unreadable

_CODE = re.compile(r"net::(ERR_[A-Z0-9_]+)")
_WORDS: dict[str, tuple[type[NotAssessed], str]] = {
    "ERR_CONNECTION_REFUSED": (Unreachable, "connection refused"),
    "ERR_CONNECTION_RESET": (Unreachable, "the connection dropped before the answer was complete"),
    "ERR_CONNECTION_CLOSED": (Unreachable, "the connection dropped before the answer was complete"),
    "ERR_EMPTY_RESPONSE": (Unreachable, "the connection dropped without an answer"),
    "ERR_INCOMPLETE_CHUNKED_ENCODING": (Unreadable, "the answer breaks off"),
    "ERR_CONTENT_LENGTH_MISMATCH": (Unreadable, "the answer breaks off"),
    "ERR_CONTENT_DECODING_FAILED": (Unreadable, "the body is not compressed as its header says"),
    "ERR_INVALID_RESPONSE": (Unreadable, "the answer is not HTTP"),
    "ERR_INVALID_HTTP_RESPONSE": (Unreadable, "the answer is not HTTP"),
    "ERR_INVALID_CHUNKED_ENCODING": (Unreadable, "the answer is not HTTP"),
    "ERR_RESPONSE_HEADERS_TOO_BIG": (TooLarge, "headers larger than a browser takes"),
    "ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH": (Unreadable, "the answer is not HTTP"),
    "ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION": (Unreadable, "the answer is not HTTP"),
    "ERR_TOO_MANY_REDIRECTS": (Unreadable, "redirects without end"),
    "ERR_UNSAFE_REDIRECT": (Unreadable, "redirects to what is no web address"),
    "ERR_UNKNOWN_URL_SCHEME": (Unreadable, "redirects to what is no web address"),
    "ERR_NAME_NOT_RESOLVED": (Unreachable, "no such host"),
    "ERR_INTERNET_DISCONNECTED": (Unreachable, "no network"),
    "ERR_ADDRESS_UNREACHABLE": (Unreachable, "cannot connect"),
    "ERR_TIMED_OUT": (TimedOut, "no answer in the time allowed"),
    "ERR_CONNECTION_TIMED_OUT": (TimedOut, "no connection in the time allowed"),
    "ERR_ABORTED": (Unreadable, "no page, but something to download or nothing at all"),
    "ERR_BLOCKED_BY_RESPONSE": (Unreadable, "its headers forbid to show it"),
    "ERR_INVALID_AUTH_CREDENTIALS": (Refused, "user and password are not accepted"),
    "ERR_CERT_COMMON_NAME_INVALID": (Unreachable, "TLS refused, its certificate is for another host name"),
    "ERR_CERT_DATE_INVALID": (Unreachable, "TLS refused, its certificate has expired or is not valid yet"),
    "ERR_CERT_AUTHORITY_INVALID": (
        Unreachable,
        "TLS refused, its certificate comes from an unknown authority",
    ),
    "ERR_CERT_REVOKED": (Unreachable, "TLS refused, its certificate has been revoked"),
}


def not_assessed(what: str, error: BaseException, seconds: float) -> NotAssessed:
    """Return the error that says why ``what`` could not be looked at within ``seconds``.

    Raises ``error`` itself if no browser said it: that is a bug of ours, to be shown as one.
    """
    text = str(error)
    code = _CODE.search(text)
    if code is not None:
        if (known := _WORDS.get(code[1])) is not None:
            return known[0](f"{what}: {known[1]}")
        if code[1].startswith(("ERR_CERT_", "ERR_SSL_")):
            return Unreachable(f"{what}: TLS refused ({code[1]})")
        return Unreachable(f"{what}: no usable answer ({code[1]})")
    if isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutError":
        return TimedOut(f"{what}: not complete after {seconds:g} s")
    if "Download is starting" in text:
        return Unreadable(f"{what}: no page, but something to download")
    if "interrupted by another navigation" in text or "context was destroyed" in text:
        return Unreadable(f"{what}: the page leaves for another while it is looked at")
    if "crash" in text.lower():
        return Unreadable(f"{what}: the page crashed, or took more memory than a page may")
    if "has been closed" in text or "Target closed" in text or "Connection closed" in text:
        return Unreadable(f"{what}: the browser ended before the page was looked at")
    if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] != "playwright":
        raise error
    return Unreadable(f"{what}: the browser could not look at it ({type(error).__name__})")
