"""The rights drill: a canary person joins, uses the product, asks for its rights, and is hunted.

It gathers facts; what they mean is for the checks in ``checks/rights.py`` to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from checks.connectors.rights_http import Caller, Reply, filled, kept
from checks.connectors.rights_hunt import EVERYWHERE, LIVE, Hunt, Read, hunt
from checks.core.errors import NotAssessed
from checks.core.model import Inventory, Rights, Step
from checks.detectors.canary import Canaries, Canary

LEFT_BEHIND = timedelta(minutes=15)
"""A canary younger than this may belong to a run that is going on beside us."""
SWEPT = 20
"""Canaries of earlier runs that are taken away in one run at most."""

Marks = frozenset[str]
"""Names of the markers that an answer holds."""


@dataclass(slots=True)
class Drill:
    """What happened. An answer is the markers it held, or why it could not be had."""

    canary: Canary
    names: Marks  # of every marker that this kind of drill plants
    planted: Marks  # brought in by create and use; the password is not one of them
    corrected: Marks  # of these, the ones that the correction replaces
    exported: Marks | NotAssessed | None = None
    correction: NotAssessed | None = None  # why it was not carried out
    exported_after: Marks | NotAssessed | None = None
    looks: dict[str, tuple[Marks | NotAssessed, Marks | NotAssessed]] = field(default_factory=dict)
    live: Hunt = field(default_factory=Hunt)  # after the correction
    deletion: NotAssessed | None = None
    signed_in: int | NotAssessed | None = None  # status for the corrected address, before the deletion
    doors: dict[str, int | NotAssessed] = field(default_factory=dict)  # status of what must be refused
    after: Hunt = field(default_factory=Hunt)  # after the deletion
    swept: list[str] = field(default_factory=list)  # codes of earlier canaries taken away now
    unclean: NotAssessed | None = None  # why the canary could not be taken away

    def mine(self, found: Hunt) -> Hunt:
        """Return of a hunt what concerns this canary."""
        return Hunt(
            type(found.hits)({h: n for h, n in found.hits.items() if h.sighting.code == self.canary.code}),
            found.looked,
            found.blind,
        )


class Person:
    """The canary at the API: what its placeholders stand for, and the sessions it has."""

    def __init__(self, caller: Caller, rights: Rights, canaries: Canaries, canary: Canary) -> None:
        self.tokens: list[str] = []
        self._caller, self._rights, self._canaries = caller, rights, canaries
        self.canary = canary
        self._values: dict[str, str] = {}
        for name in names_of(rights):
            marker = canaries.marker(canary, name)
            mail = name in ("email", "new_email")
            self._values[name] = f"{marker}@{rights.mail_domain}" if mail else marker
        self._values["password"] += "Aa1-"  # what rules for passwords ask for

    def do(self, step: Step) -> Reply:
        """Carry a step out, and remember what it says to remember."""
        reply = self._caller.carry_out(step, self._values, self.tokens[-1] if self.tokens else None)
        learnt = kept(step, reply, self._caller.name)
        token = learnt.pop("token", None)
        if token is not None:
            self.tokens.append(token)
        self._values |= learnt
        return reply

    def marks(self, step: Step) -> Marks | NotAssessed:
        """Return the markers that the answer to ``step`` holds, or why there is none."""
        try:
            reply = self.do(step)
        except NotAssessed as error:
            return error
        seen = self._canaries.sightings(reply.text)
        mine = (s for s in seen if s.code == self.canary.code and len(s.tag) == 10)
        names = tuple(names_of(self._rights))
        return frozenset(name for s in mine if (name := self._canaries.field_of(s, names)) is not None)

    def status(self, step: Step, token: str | None) -> int | NotAssessed:
        """Return the status that ``step`` is answered with, whatever it is."""
        try:
            return self._caller.call(step, self._values, token).status
        except NotAssessed as error:
            return error

    def sign_in(self, session: Step, *, corrected: bool) -> int | NotAssessed:
        """Return the status of a new sign-in, with the corrected or the first address."""
        values = dict(self._values)
        if corrected and "new_email" in values:
            values["email"] = values["new_email"]
        try:
            reply = self._caller.call(session, values, None)
            if reply.done:
                learnt = kept(session, reply, self._caller.name)
                self.tokens.append(learnt.pop("token"))
                self._values |= learnt
        except NotAssessed as error:
            return error
        return reply.status


def names_of(rights: Rights) -> Iterator[str]:
    """Yield the names of all markers of a drill, the password and the corrected ones included."""
    yield from planted(rights)
    yield from (f"new_{name}" for name in corrected(rights))
    yield "password"


def planted(rights: Rights) -> list[str]:
    """Return the names of the markers that create and use bring in."""
    given = {"password"}.union(*(step.keep for step in _all(rights)))
    found = (name for step in rights.planting() for name in _braces(step))
    return [name for name in dict.fromkeys(found) if name not in given]


def corrected(rights: Rights) -> list[str]:
    """Return the names of the markers that the correction replaces."""
    return [name for name in planted(rights) if f"new_{name}" in _braces(rights.correct)]


def run(
    caller: Caller,
    rights: Rights,
    canaries: Canaries,
    inventory: Inventory,
    view: Callable[[str], Any],
    now: datetime,
    read: Read,
) -> Drill:
    """Run the whole drill once. The canary is taken away whatever happens, as far as the API does it.

    Raises ``NotAssessed`` if the canary cannot join or sign in; what fails later is in the result.
    """
    # Before anything is changed: canaries that an earlier run could not take away.
    swept = _sweep(caller, rights, canaries, hunt(canaries, inventory, view, ("sql",), read), now)
    person = Person(caller, rights, canaries, canaries.new(now))
    brought = frozenset(planted(rights))
    drill = Drill(
        canary=person.canary,
        names=frozenset(names_of(rights)),
        planted=brought,
        corrected=frozenset(corrected(rights)),
        swept=swept,
    )
    with _taken_away(person, rights, drill):
        person.do(rights.create)
        person.do(rights.session)
        person.do(rights.session)  # another device: it has to be signed out too
        for step in rights.use:
            person.do(step)
        drill.exported = person.marks(rights.export)
        before = {step.name: person.marks(step) for step in rights.look}
        try:
            person.do(rights.correct)
        except NotAssessed as error:
            drill.correction = error
        drill.exported_after = person.marks(rights.export)
        drill.looks = {step.name: (before[step.name], person.marks(step)) for step in rights.look}
        if "email" in drill.corrected:  # the corrected address opens, or being refused later shows nothing
            drill.signed_in = person.sign_in(rights.session, corrected=True)
        drill.live = hunt(canaries, inventory, view, LIVE, read)
    if drill.deletion is None:
        _knock(person, rights, drill)
        time.sleep(rights.settle)
    drill.after = hunt(canaries, inventory, view, EVERYWHERE, read)
    return drill


@contextmanager
def _taken_away(person: Person, rights: Rights, drill: Drill) -> Iterator[None]:
    """Delete the canary at the end of the block, also after a crash or Ctrl-C."""
    try:
        yield
    finally:
        try:
            person.do(rights.delete)
        except NotAssessed as error:
            drill.deletion = drill.unclean = error
            with suppress(NotAssessed):  # once more, in a new session
                for new in (False, True):
                    person.sign_in(rights.session, corrected=new)
                person.do(rights.delete)
                drill.unclean = None


def _knock(person: Person, rights: Rights, drill: Drill) -> None:
    """Try every door that was open to the canary: its tokens on each page of its own, and a sign-in."""
    tokens = list(dict.fromkeys(person.tokens))
    pages = [(step, drill.looks[step.name][1]) for step in rights.look]
    for step, was in [*pages, (rights.export, drill.exported_after)]:
        for number, token in enumerate(tokens, start=1):
            name = f"{step.name}, session {number} of {len(tokens)}"
            # What did not open before shows nothing by being shut now.
            drill.doors[name] = was if isinstance(was, NotAssessed) else person.status(step, token)
    for new in (False, True) if "email" in drill.corrected else (False,):
        address = "corrected" if new else "first"
        name = f"{rights.session.name}, {address} address"
        known = drill.signed_in if new else 200
        opened = isinstance(known, int) and 200 <= known < 300
        drill.doors[name] = (
            person.sign_in(rights.session, corrected=new)
            if opened
            else NotAssessed("it did not open before the deletion either, so being refused shows nothing")
        )


def _sweep(caller: Caller, rights: Rights, canaries: Canaries, found: Hunt, now: datetime) -> list[str]:
    """Delete the canaries of earlier runs that are still people; return their codes."""
    codes = dict.fromkeys(hit.sighting.code for hit in found.hits if hit.sighting.code is not None)
    swept: list[str] = []
    for code in list(codes)[:SWEPT]:
        person = Person(caller, rights, canaries, canaries.of(code))
        if now - person.canary.made < LEFT_BEHIND:
            continue
        for corrected_too in (False, True):
            person.sign_in(rights.session, corrected=corrected_too)
        if not person.tokens:
            continue  # deleted already, and not gone yet: that is judged
        with suppress(NotAssessed):
            person.do(rights.delete)
            swept.append(code)
    return swept


def _all(rights: Rights) -> Iterator[Step]:
    yield from (rights.create, rights.session, *rights.use, *rights.look)
    yield from (rights.export, rights.correct, rights.delete)


def _braces(step: Step) -> list[str]:
    """Return the placeholders of a step in order, by filling it from a mapping that notes what is asked."""
    asked: dict[str, None] = {}

    class Noting(dict[str, str]):
        def __contains__(self, name: object) -> bool:
            return True

        def __missing__(self, name: str) -> str:
            asked[name] = None
            return ""

    values: Mapping[str, str] = Noting()
    filled([step.path, step.body], values, step.name)
    return list(asked)
