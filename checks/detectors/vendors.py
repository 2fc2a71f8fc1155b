"""Vendors behind hosts, packages and settings: who is named, and what kind of business it is.

The list is ours, in ``vendors.yaml``. A name that is not in it says nothing: no match is no proof
that nobody is behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import yaml

KINDS = frozenset(
    {
        "advertising",  # networks, exchanges, pixels, what measures ads
        "analytics",
        "brokerage",  # trade in data about people, identity graphs
        "cdn",
        "consent",
        "email",  # and other messages
        "errors",
        "fonts",
        "hosting",
        "infrastructure",
        "logging",
        "payment",
        "security",
        "session-replay",
        "social",
        "support",
        "tag-manager",
    }
)
"""What a vendor may be."""

# Names that are nobody's (RFC 2606, RFC 6761); the lab and examples in docs use them.
_RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local|internal)$")
# Frameworks hand settings with these prefixes on to the browser; the name begins behind them.
_PUBLIC = re.compile(
    r"^(?:NEXT_PUBLIC|NUXT_PUBLIC|NUXT_ENV|REACT_APP|VUE_APP|EXPO_PUBLIC|GATSBY|VITE|PUBLIC)_"
)
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_INDEX = re.compile(r"\[\d+\]")
_START = 3  # letters of a glob by which it is found


@dataclass(frozen=True, slots=True)
class Vendor:
    """Somebody who offers a service. ``name`` is a slug, ``kinds`` are of ``KINDS``."""

    name: str
    title: str
    kinds: tuple[str, ...]


class Vendors:
    """The list with an index for each way a vendor is named. :meth:`load` gives the shared one."""

    def __init__(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Index ``entries``, as ``vendors.yaml`` has them below ``vendors``.

        Raises ``ValueError`` for an unknown kind, and for a host, package or setting that two
        vendors claim.
        """
        self._by_name: dict[str, Vendor] = {}
        self._below: dict[str, Vendor] = {}  # suffix → vendor, for *.suffix
        self._hosts: dict[str, Vendor] = {}
        self._packages: dict[str, _Names] = {"npm": _Names(), "python": _Names()}
        self._settings = _Names()
        for name, entry in entries.items():
            vendor = Vendor(name, entry["title"], tuple(entry["kinds"]))
            if not vendor.kinds or not KINDS.issuperset(vendor.kinds):
                raise ValueError(f"{name}: its kinds are not known")
            self._by_name[name] = vendor
            for host in entry.get("hosts", ()):
                index = self._below if host.startswith("*.") else self._hosts
                _claim(index, host.removeprefix("*."), vendor)
            for ecosystem, names in self._packages.items():
                names.add(entry.get(ecosystem, ()), vendor)
            self._settings.add(entry.get("settings", ()), vendor)
        for names in (*self._packages.values(), self._settings):
            names.build()

    @staticmethod
    def load() -> Vendors:
        """Return the list that comes with policyproof, read once a process."""
        return _load()

    def __iter__(self) -> Iterator[Vendor]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def by_name(self, name: str) -> Vendor | None:
        """Return the vendor with this slug."""
        return self._by_name.get(name)

    def by_host(self, host: str) -> Vendor | None:
        """Return the vendor of ``host``, in any case, without port; the longest suffix counts.

        Never one for names reserved for examples and tests (RFC 2606).
        """
        name = host.lower().rstrip(".")
        if _RESERVED.search(name):
            return None
        if (exact := self._hosts.get(name)) is not None:
            return exact
        while name:
            if (vendor := self._below.get(name)) is not None:
                return vendor
            name = name.partition(".")[2]
        return None

    def by_package(self, ecosystem: str, name: str) -> Vendor | None:
        """Return the vendor of a package; ``ecosystem`` is ``npm`` or ``python``.

        Python names are normalised first (PEP 503). Raises ``KeyError`` for another ecosystem.
        """
        if ecosystem == "python":
            name = re.sub(r"[-_.]+", "-", name)
        return self._packages[ecosystem].find(name.lower())

    def by_setting(self, key: str) -> Vendor | None:
        """Return the vendor that a setting's key names, such as ``analytics.segment.writeKey``.

        Every tail of the key is tried, the last segment first; case, hyphens and camel case do not
        matter, and neither does the prefix by which a framework publishes a setting.
        """
        parts = [_setting(part) for part in _INDEX.sub("", key).split(".") if part]
        for start in range(len(parts) - 1, -1, -1):
            name = _PUBLIC.sub("", "_".join(parts[start:]))
            if (vendor := self._settings.find(name)) is not None:
                return vendor
        return None


class _Names:
    """Names and globs, each of one vendor, found without a walk over all of them."""

    def __init__(self) -> None:
        self._exact: dict[str, Vendor] = {}
        self._globs: dict[str, Vendor] = {}
        self._buckets: dict[str, list[tuple[re.Pattern[str], Vendor]]] = {}

    def add(self, names: Iterable[str], vendor: Vendor) -> None:
        """Add what ``vendor`` claims."""
        for name in names:
            _claim(self._globs if "*" in name else self._exact, name, vendor)

    def build(self) -> None:
        """Sort the globs into buckets by how they begin, the longest first: the narrowest counts."""
        for glob in sorted(self._globs, key=len, reverse=True):
            start = glob[:_START] if "*" not in glob[:_START] else ""
            expression = re.compile(".*".join(map(re.escape, glob.split("*"))), re.DOTALL)
            self._buckets.setdefault(start, []).append((expression, self._globs[glob]))

    def find(self, name: str) -> Vendor | None:
        """Return the vendor of ``name``."""
        if (vendor := self._exact.get(name)) is not None:
            return vendor
        for start in (name[:_START], ""):
            for expression, vendor in self._buckets.get(start, ()):
                if expression.fullmatch(name):
                    return vendor
        return None


def _claim(index: dict[str, Vendor], name: str, vendor: Vendor) -> None:
    if index.setdefault(name, vendor) is not vendor:
        raise ValueError(f"{name}: claimed by {index[name].name} and {vendor.name}")


@lru_cache(maxsize=4096)
def _setting(part: str) -> str:
    """Return one segment of a key in capitals, ``writeKey`` as ``WRITE_KEY``."""
    words = part if part.isupper() else _HUMPS.sub("_", part)
    return re.sub(r"[-\s]+", "_", words).upper()


@cache
def _load() -> Vendors:
    text = resources.files("checks.detectors").joinpath("vendors.yaml").read_text("utf-8")
    return Vendors(yaml.load(text, Loader=yaml.CSafeLoader)["vendors"])
