"""What a run was held against: the policy's sentences and the controls, without any outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.shape import Control, Section


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the policy and the controls that answer for it."""

    id: str
    section: int
    section_title: str
    commitment: str
    status: str
    why: str | None
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Obligation:
    """One control, as its file states it."""

    id: str
    title: str
    severity: str
    owner: str
    clauses: tuple[str, ...]
    checks: tuple[str, ...]
    frameworks: tuple[tuple[str, tuple[str, ...]], ...]
    commitment: str
    remediation: str


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """All sentences and controls of one version of the files."""

    sentences: dict[str, Sentence]
    controls: dict[str, Obligation]


def defined(sections: Iterable[Section], elsewhere: Iterable[Control]) -> Definition:
    """Return the definition that the sections of a summary tell, with controls that cite none of them."""
    sentences: dict[str, Sentence] = {}
    controls: dict[str, Obligation] = {}
    for section in sections:
        for clause in section["clauses"]:
            sentences[clause["id"]] = Sentence(
                id=clause["id"],
                section=section["number"],
                section_title=section["title"],
                commitment=clause["commitment"],
                status=clause["status"],
                why=clause["why"],
                controls=tuple(clause["controls"]),
            )
        for control in section["controls"]:
            controls[control["id"]] = _obligation(control)
    for control in elsewhere:
        controls[control["id"]] = _obligation(control)
    return Definition(sentences, controls)


def _obligation(control: Control) -> Obligation:
    return Obligation(
        id=control["id"],
        title=control["title"],
        severity=control["severity"],
        owner=control["owner"],
        clauses=tuple(control["clauses"]),
        checks=tuple(control["checks"]),
        frameworks=tuple((name, tuple(parts)) for name, parts in control["frameworks"].items()),
        commitment=control["commitment"],
        remediation=control["remediation"],
    )
