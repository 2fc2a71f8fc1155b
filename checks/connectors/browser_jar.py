"""Cookies and keys of one state: who set them, and what the browser kept of them, without their values."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from checks.connectors.browser_record import Cookie, Stored
from checks.connectors.browser_urls import expired, host_of, named, same_site
from checks.detectors.identifiers import identifies

_PART, _OVERLAP = 20_000, 200  # characters judged at a time, and how far they reach into each other


class Jar:
    """Who set which cookie. Values are judged and dropped at once."""

    def __init__(self) -> None:
        self._setters: dict[tuple[str, str], tuple[str, bool]] = {}  # (cookie, host) → by, and kept

    def __len__(self) -> int:
        return len(self._setters)

    def by_answer(self, line: str, url: str) -> None:
        """Take a ``Set-Cookie`` line of the answer from ``url``.

        A line without ``=`` is all value and no name (RFC 6265bis, 5.6).
        """
        pair, *rest = line.split(";")
        name, equals, _ = pair.partition("=")
        attributes = {k.strip().lower(): v.strip() for k, _, v in (part.partition("=") for part in rest)}
        host = named(attributes.get("domain", "").removeprefix(".").lower()) or host_of(url)
        age = next((f"{k}={attributes[k]}" for k in ("max-age", "expires") if k in attributes), "")
        self._setters.setdefault((named(name.strip()) if equals else "", host), (url, not expired(age)))

    def by_script(self, name: str, host: str, by: str, *, kept: bool) -> None:
        """Take that the script at ``by`` set the cookie ``name`` in a frame of ``host``."""
        self._setters[name, host] = (by, kept)

    def cookies(self, jar: Sequence[Mapping[str, Any]]) -> tuple[Cookie, ...]:
        """Return the cookies of the browser's ``jar``, then those that were set and are not in it."""
        setters: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for (name, host), (by, _) in self._setters.items():
            setters[name].append((host, by))
        found: dict[tuple[str, str], Cookie] = {}
        for one in jar:
            name, host = named(one["name"]), one["domain"].removeprefix(".")
            found[name, host] = Cookie(
                name=name,
                host=host,
                lifetime=None if one["expires"] < 0 else max(0.0, one["expires"] - time.time()),
                secure=one["secure"],
                http_only=one["httpOnly"],
                same_site=one["sameSite"],
                by=next((by for h, by in setters[name] if same_site(h, host)), ""),
                holds=identifies(one["value"]),
            )
        names = {name for name, _ in found}
        for (name, host), (by, kept) in self._setters.items():
            if kept and name not in names:  # set and taken back, or not accepted by this browser
                found[name, host] = Cookie(name, host, 0.0, False, False, "", by)
        return tuple(found.values())


class Keys:
    """What lies in the browser's storage. Values are judged and dropped at once."""

    def __init__(self) -> None:
        self._writers: dict[tuple[str, str], str] = {}  # (area, key) → by
        self._found: dict[tuple[str, str, str], tuple[str | None, bool]] = {}  # with host → holds, whole

    def __len__(self) -> int:
        return len(self._writers) + len(self._found)

    def written(self, area: str, key: str, by: str) -> None:
        """Take that the script at ``by`` wrote ``key``."""
        self._writers.setdefault((area, key), by)

    def found(self, area: str, key: str, host: str, value: str, *, whole: bool) -> None:
        """Take what ``key`` of ``host`` holds; ``whole`` if ``value`` is all of it."""
        name = area, named(key), host
        known, all_of_it = self._found.get(name, (None, True))
        self._found[name] = known or identifies(key) or _identifies(value), all_of_it and whole

    def stored(self) -> tuple[Stored, ...]:
        """Return the keys that were found, then those that were written and are gone."""
        result = [
            Stored(area, key, host, self._writers.get((area, key), ""), holds, whole)
            for (area, key, host), (holds, whole) in self._found.items()
        ]
        there = {(one.area, one.key) for one in result}
        gone = [(a, k, by) for (a, k), by in self._writers.items() if (a, k) not in there]
        return (*result, *(Stored(area, key, host_of(by), by) for area, key, by in gone))


def _identifies(value: str) -> str | None:
    """Return what in ``value``, however long, tells a person from others."""
    parts = (value[start : start + _PART] for start in range(0, max(len(value), 1), _PART - _OVERLAP))
    return next(filter(None, map(identifies, parts)), None)
