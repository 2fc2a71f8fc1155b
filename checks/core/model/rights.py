"""How an API lets people use their rights, as the rights drill needs to know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.core.model.words import Period


@dataclass(frozen=True, slots=True)
class Step:
    """One request. ``path`` and the strings in ``body`` may hold ``{placeholders}``.

    ``keep`` names what to remember of the JSON answer: placeholder → dotted path (``data.id``).
    The one called ``token`` is sent as bearer token from then on.
    """

    method: str
    path: str
    body: Any = None  # JSON, or None for a request without a body
    keep: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The request as ``POST /v1/accounts``, placeholders unfilled."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Remains:
    """What may be left of a deleted person in ``place``, for how long or on what legal basis.

    ``place`` is the id of a store, dataset, log or set of backups. ``since`` says since when the
    drill has been run here, so that canaries must be there whose limit has passed.
    """

    place: str
    within: Period | None = None
    basis: str | None = None
    since: str | None = None  # ISO date


@dataclass(frozen=True, slots=True)
class Rights:
    """The requests by which a person joins, uses the product and uses the rights of GDPR 15-20."""

    id: str  # "api.rights"
    title: str
    mail_domain: str
    create: Step
    session: Step  # a canary of an earlier run is taken away by what this alone lets it do
    export: Step
    correct: Step
    delete: Step
    use: tuple[Step, ...] = ()
    look: tuple[Step, ...] = ()
    remains: tuple[Remains, ...] = ()
    settle: float = 0.0  # seconds a deletion may take to be carried out everywhere
    line: int | None = None

    def planting(self) -> Iterator[Step]:
        """Yield the steps that bring data of the person in."""
        yield self.create
        yield from self.use

    def remaining(self, place: str) -> Remains | None:
        """Return what is declared for ``place`` (``store.dataset`` falls back on its store)."""
        names = (place, place.partition(".")[0])
        return next((one for name in names for one in self.remains if one.place == name), None)
