"""A config's list or mapping of like entries (API clients, sinks, export jobs), entry by entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from checks.connectors.configs import ConfigFiles
from checks.core.model import Location

_INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry: its key (or number) and its fields, each with all values given for it."""

    key: str
    fields: Mapping[str, tuple[str, ...]]
    location: Location  # of its first setting

    def one(self, field: str) -> str:
        """Return the value of ``field``, or an empty string."""
        return (self.fields.get(field) or ("",))[0]


def records(config: ConfigFiles, top: str) -> Iterator[Record]:
    """Yield the entries below the top-level key ``top`` of every file, in order."""
    gathered: dict[tuple[str, str], dict[str, list[str]]] = {}
    places: dict[tuple[str, str], Location] = {}
    for setting in config.settings():
        head, *rest = _INDEX.sub(r".\1", setting.key).split(".")
        if head != top or len(rest) < 2:
            continue
        at = (setting.file, rest[0])
        gathered.setdefault(at, {}).setdefault(rest[1], []).append(setting.value)
        places.setdefault(at, setting.location)
    for at, fields in gathered.items():
        yield Record(at[1], {name: tuple(values) for name, values in fields.items()}, places[at])
