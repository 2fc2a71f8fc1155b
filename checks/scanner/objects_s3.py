"""Objects in S3 and what speaks its protocol, by botocore: exact keys, pages of listings, ranges.

``AWS_ENDPOINT_URL`` (or the shared configuration) names another service than Amazon's. Each read says
which ETag it expects, so that an object that changed since the listing is never read as a mixture.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any, BinaryIO

from checks.connectors.files import printable
from checks.core.errors import MissingDriver, NotAssessed, Refused, TimedOut, Unreachable, Unreadable
from checks.scanner.objects_ranges import file_of
from checks.scanner.places import Place
from checks.scanner.source import Skipped

CONNECT, SILENCE = 5.0, 15.0
"""Seconds allowed for a connection, and for each wait afterwards; every request is sent twice at most."""
PAGE = 1000
"""Entries that are asked for at once; the most that S3 gives."""
_GONE = {"NoSuchKey", "NoSuchVersion", "404"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "500", "503"}
_DROPPED = {"ReadTimeoutError", "ResponseStreamingError", "IncompleteReadError", "ConnectionClosedError"}


def places(scheme: str, rest: str) -> Iterator[Place | Skipped]:
    """Yield the object ``bucket/key`` and those below ``bucket/key/``, in the order of their keys.

    Raises ``NotAssessed``; ``Unreachable`` if ``key`` is given and there is none.
    """
    del scheme
    bucket, _, key = rest.partition("/")
    name = printable(f"s3://{rest}")
    found = False
    whole = not key or key.endswith("/")
    for prefix, most in [(key, None)] if whole else [(key, 1), (f"{key}/", None)]:
        for entry in _listed(bucket, prefix, most, name):
            if most and entry["Key"] != key:
                continue
            found = True
            address = f"s3://{bucket}/{entry['Key']}"
            yield Place(printable(address), address, int(entry["Size"]), str(entry.get("ETag") or ""))
    if key and not found:
        raise Unreachable(f"{name}: no object has this name or lies below it")


def opened(place: Place) -> BinaryIO:
    """Return the object as a file; nothing is asked for before the first read."""
    bucket, _, key = place.address.partition("://")[2].partition("/")
    condition = {"IfMatch": place.stamp} if place.stamp else {}

    def fetch(start: int, stop: int) -> bytes:
        again = True
        while True:
            try:
                answer = _client(os.getpid()).get_object(
                    Bucket=bucket, Key=key, Range=f"bytes={start}-{stop - 1}", **condition
                )
                with answer["Body"] as body:
                    if answer.get("ContentLength") != stop - start:
                        raise Unreadable(f"{place.name}: is no longer of the size that was listed")
                    return bytes(body.read())
            except NotAssessed:
                raise
            except Exception as error:
                if not again or type(error).__name__ not in _DROPPED:
                    raise failed(place.name, error) from None
                again = False

    return file_of(fetch, place.size, place.name)


def failed(name: str, error: Exception) -> NotAssessed:
    """Return what the library raised as one of our errors, without a word of the server's."""
    kind = type(error).__name__
    response = getattr(error, "response", None)  # of a timeout it is None
    if isinstance(response, dict):
        return _answered(name, response)
    if kind in {"ConnectTimeoutError", "ReadTimeoutError"}:
        return TimedOut(f"{name}: no answer in the time allowed")
    if kind in {"NoCredentialsError", "PartialCredentialsError", "TokenRetrievalError", "ProfileNotFound"}:
        return Refused(f"{name}: no credentials are set up")
    if kind in {"CredentialRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"}:
        return Refused(f"{name}: the credentials that are set up cannot be fetched")
    if kind in {"EndpointConnectionError", "SSLError", "ProxyConnectionError"} | _DROPPED:
        return Unreachable(f"{name}: nothing answers, or the connection dropped")
    return Unreadable(f"{name}: cannot be asked for ({kind})")


def _answered(name: str, response: dict[str, Any]) -> NotAssessed:
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "InvalidObjectState":
        return Refused(f"{name}: lies in an archive class, to be restored before it can be read")
    if code == "NoSuchBucket":
        return Unreachable(f"{name}: there is no such bucket")
    if code in _GONE:
        return Unreachable(f"{name}: is gone since it was listed")
    if code in {"PreconditionFailed", "InvalidRange", "412", "416"}:
        return Unreadable(f"{name}: changed since it was listed")
    if code in _BUSY or (isinstance(status, int) and status >= 500):
        return Unreachable(f"{name}: the store is busy or broken")
    if status in {401, 403} or "AccessDenied" in code:
        return Refused(f"{name}: access denied")
    return Unreadable(f"{name}: the store does not answer this (HTTP {status})")


def _listed(bucket: str, prefix: str, most: int | None, name: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a listing, page by page; of the first page alone if ``most`` is given."""
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": most or PAGE}
    while True:
        try:
            page = _client(os.getpid()).list_objects_v2(**asked)
        except NotAssessed:
            raise
        except Exception as error:
            raise failed(name, error) from None
        yield from page.get("Contents", ())
        if most is not None or not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


@functools.lru_cache(maxsize=1)
def _client(process: int) -> Any:
    """Return the client of this process: connections that a fork would share are not used by both."""
    del process
    try:
        session = import_module("botocore.session")
        config = import_module("botocore.config")
    except ImportError:
        raise MissingDriver("s3:// needs botocore (pip install 'policyproof[objects]')") from None
    return session.get_session().create_client(
        "s3",
        config=config.Config(
            connect_timeout=CONNECT,
            read_timeout=SILENCE,
            retries={"mode": "standard", "total_max_attempts": 2},
            user_agent_extra="policyproof",
        ),
    )
