"""How far an API may be tried beyond plain GETs, as its owner declares it in the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.core.model.words import NOTHING


@dataclass(frozen=True, slots=True)
class Login:
    """The endpoint that takes a user and a password as JSON, and what may be tried on it."""

    path: str
    user: str  # key of the user's name in the body
    password: str  # key of the password in the body
    account: str | None = None  # failed logins are made on this account and no other
    tries: int = 10  # how many of them at most


@dataclass(frozen=True, slots=True)
class Default:
    """A user and password that a product or an image ships with. Neither is ever printed."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an API takes a tenant's identifier, which stands for ``{tenant}``; ``path`` names parameters."""

    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    query: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probes:
    """What may be sent beyond plain GETs. ``allowed``: this environment is among those that opted in.

    ``query`` maps projection, filter, sort and relation to a query string with ``{field}`` (and
    ``{relation}``) in it. ``tenants`` and ``reader`` name secrets of the target that hold tokens.
    """

    allowed: bool
    requests: int = 500  # sent at most, over all probes of a run
    seconds: float = 60.0  # the generated requests may take at most
    generated: int = 5  # requests made up for each documented operation
    methods: tuple[str, ...] = ("GET",)  # of the generated requests
    stores: tuple[str, ...] = ()  # whose columns the API may show; none: every store
    reader: bool = False
    query: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    relations: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    reach: Reach | None = None
    shared: tuple[str, ...] = ()  # paths that answer every tenant alike
    login: Login | None = None
    defaults: tuple[Default, ...] = ()
