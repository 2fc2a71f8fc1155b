"""The ``rights`` of an API in the inventory: requests, with placeholders that must fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from checks.core.errors import nearest
from checks.core.inventory_sections import Sections
from checks.core.model import Period, Remains, Rights, Step
from checks.core.yamlio import Key

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z_]*")
_STEPS = ("create", "session", "export", "correct", "delete")


class RightsSection(Sections):
    """Reads what an endpoint says of people's rights."""

    def _rights(self, name: str, item: Mapping[str, Any]) -> Rights:
        at: tuple[Key, ...] = ("endpoints", name, "rights")
        entry: Mapping[str, Any] = item["rights"]
        if item["kind"] != "api":
            raise self._error(f"only an api has rights, not a {item['kind']}", *at)
        one = {key: _step(entry[key]) for key in _STEPS}
        many = {key: tuple(_step(step) for step in entry.get(key, ())) for key in ("use", "look")}
        rights = Rights(
            id=f"{name}.rights",
            title=entry["title"],
            mail_domain=entry["mail_domain"],
            create=one["create"],
            session=one["session"],
            use=many["use"],
            look=many["look"],
            export=one["export"],
            correct=one["correct"],
            delete=one["delete"],
            remains=tuple(
                self._remains(part, *at, "remains", index)
                for index, part in enumerate(entry.get("remains", ()))
            ),
            settle=float(entry.get("settle", 0)),
            line=self._line(*at),
        )
        self._placeholders(rights, *at)
        return rights

    def _remains(self, part: Mapping[str, Any], *at: Key) -> Remains:
        if "since" in part:
            self._date(part["since"], *at, "since")
        within = Period(part["within"]) if "within" in part else None
        return Remains(part["place"], within, part.get("basis"), part.get("since"))

    def _placeholders(self, rights: Rights, *at: Key) -> None:
        """Refuse a placeholder that nothing fills, and a drill in which nothing could be missed."""
        kept = {"password"}
        for part, step in _in_order(rights):
            for found in placeholders(step):
                if not _NAME.fullmatch(found):
                    raise self._error(
                        f"{{{found}}} is no placeholder such as {{email}} (lower case, underscores)",
                        *at,
                        *part,
                    )
            kept |= step.keep.keys()
        marks = {m for step in rights.planting() for m in placeholders(step)} - kept
        if "email" not in marks:
            raise self._error("create needs {email}: a person is known by an address", *at, "create")
        valid = marks | kept
        for part, step in _in_order(rights):
            if part[0] in ("create", "use"):
                continue
            known = valid | ({f"new_{mark}" for mark in marks} if part[0] == "correct" else set())
            for found in placeholders(step):
                if found not in known:
                    hint = nearest(found, known)
                    raise self._error(f"nothing fills {{{found}}}{hint}", *at, *part)
        if not any(found.startswith("new_") for found in placeholders(rights.correct)):
            raise self._error(
                "correct changes nothing: it needs a {new_…}, such as {new_email}", *at, "correct"
            )
        if "token" not in rights.session.keep:
            message = "keeps no token: add 'keep: {token: path.in.answer}'"
            raise self._error(message, *at, "session")
        for found in placeholders(rights.session) | placeholders(rights.delete):
            if found not in marks | rights.session.keep.keys() | {"password"}:
                message = f"keeps no {found}, and a canary that a crash left could not sign in and be deleted"
                raise self._error(message, *at, "session")


def _in_order(rights: Rights) -> Iterator[tuple[tuple[Key, ...], Step]]:
    """Yield each step with where it stands."""
    yield ("create",), rights.create
    yield ("session",), rights.session
    for key in ("use", "look"):
        yield from (((key, index), step) for index, step in enumerate(getattr(rights, key)))
    yield from ((("export",), rights.export), (("correct",), rights.correct), (("delete",), rights.delete))


def placeholders(step: Step) -> frozenset[str]:
    """Return the names that stand in braces in a step's path and body."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield from PLACEHOLDER.findall(value)
        elif isinstance(value, Mapping):
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    return frozenset((*walk(step.path), *walk(step.body)))


def _step(entry: Mapping[str, Any]) -> Step:
    keep = MappingProxyType(dict(entry.get("keep", {})))
    return Step(entry["method"], entry["path"], entry.get("body"), keep)
