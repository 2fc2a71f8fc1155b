"""Load ``controls/``: the controls, the waivers and the coverage of the policy's sentences."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from checks.connectors import CONNECTORS
from checks.core import registry
from checks.core.errors import ControlError, nearest
from checks.core.model import (
    NOTHING,
    CheckCall,
    Clause,
    Control,
    Dataset,
    Files,
    Inventory,
    Section,
    Severity,
    Target,
    Waiver,
)
from checks.core.policy import PolicyDocument
from checks.core.yamlio import Document, read, validate

COVERAGE, WAIVERS, LOCK = "coverage.yaml", "waivers.yaml", "policy.lock"
NOT_CONTROLS = frozenset({COVERAGE, WAIVERS})


def is_control_file(path: Path) -> bool:
    """Whether a file in the controls folder is a control."""
    return path.suffix in (".yaml", ".yml") and path.name not in NOT_CONTROLS


def load_control(path: Path, clauses: Iterable[str] | None = None, *, shown: str | None = None) -> Control:
    """Load one control file.

    ``clauses`` are those in the policy's lock; a control that cites another is refused. Raises
    ``ControlError`` with file and line, and the nearest valid name where there is one.
    """
    document = read(path, ControlError, shown=shown)
    if document.data is None:
        raise ControlError("is empty: a control is expected", path=document.path)
    validate(document, "control", ControlError)
    data: Mapping[str, Any] = document.data
    calls = _calls(document)
    for kind in _listed(data["applies_to"]["kind"]):
        if kind not in CONNECTORS:
            hint = nearest(kind, CONNECTORS)
            raise document.error(ControlError, f"unknown kind {kind!r}{hint}", "applies_to", "kind")
        for index, call in enumerate(calls):
            found = registry.find(call.name)
            if kind not in found.reads:
                raise document.error(
                    ControlError,
                    f"check {call.name} reads {' or '.join(found.reads)}, not {kind}",
                    *(("checks", index) if "checks" in data else ("check",)),
                )
    if clauses is not None:
        known = set(clauses)
        for index, clause in enumerate(data["clauses"]):
            if clause not in known:
                message = f"clause {clause} is not in {LOCK}{nearest(clause, known)}"
                raise document.error(ControlError, message, "clauses", index)
    return Control(
        id=data["id"],
        title=data["title"],
        clauses=tuple(data["clauses"]),
        commitment=data["commitment"],
        severity=Severity(data["severity"]),
        owner=data["owner"],
        applies_to=MappingProxyType(data["applies_to"]),
        checks=calls,
        remediation=data["remediation"],
        path=document.path,
        line=document.line(("id",)) or 1,
        frameworks={name: tuple(articles) for name, articles in data.get("frameworks", {}).items()},
        changes=_changes(document, calls),
    )


def _changes(document: Document, calls: tuple[CheckCall, ...]) -> bool:
    """Return whether the control changes its target; it must say so itself, and not without need."""
    changing = next((call.name for call in calls if registry.find(call.name).changes), None)
    said = bool(document.data.get("changes", False))
    if changing and not said:
        message = f"check {changing} changes what it looks at: the control must say 'changes: true'"
        raise document.error(ControlError, message, "check" if "check" in document.data else "checks")
    if said and not changing:
        raise document.error(ControlError, "none of its checks changes anything", "changes")
    return said


def _calls(document: Document) -> tuple[CheckCall, ...]:
    data = document.data
    entries = data.get("checks") or [{key: data[key] for key in ("check", "params") if key in data}]
    calls = []
    for index, entry in enumerate(entries):
        trail: tuple[str | int, ...] = ("checks", index) if "checks" in data else ()
        params = entry.get("params", NOTHING)
        try:
            registry.find(entry["check"]).bind(params)
        except LookupError as error:
            raise document.error(ControlError, str(error.args[0]), *trail, "check") from None
        except ValueError as error:
            at = "params" if "params" in entry else "check"
            raise document.error(ControlError, str(error), *trail, at) from None
        calls.append(CheckCall(entry["check"], MappingProxyType(dict(params))))
    return tuple(calls)


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def select(control: Control, inventory: Inventory) -> tuple[Target, ...]:
    """Return the targets ``control`` applies to; raises ``ControlError`` if there is none."""
    wanted = control.applies_to
    every = inventory.targets
    for key in ("ids", "not_ids"):
        for name in _listed(wanted.get(key, ())):
            if not any(fnmatch.fnmatchcase(target, name) for target in every):
                raise ControlError(
                    f"applies_to.{key}: no target {name!r} in {inventory.path}"
                    f" for environment {inventory.environment.id}{nearest(name, every)}",
                    path=control.path,
                    line=control.line,
                )
    chosen = tuple(target for target in every.values() if _applies(wanted, target))
    if not chosen:
        asked = ", ".join(f"{key}: {value}" for key, value in wanted.items())
        raise ControlError(
            f"{control.id} selects no target in environment {inventory.environment.id} ({asked})",
            path=control.path,
            line=control.line,
        )
    return chosen


def _applies(wanted: Mapping[str, Any], target: Target) -> bool:
    if target.kind not in _listed(wanted["kind"]):
        return False
    if "format" in wanted and target.format not in _listed(wanted["format"]):
        return False
    if "tags" in wanted and not set(_listed(wanted["tags"])) <= set(target.tags):
        return False
    if "ids" in wanted and not any(fnmatch.fnmatchcase(target.id, g) for g in _listed(wanted["ids"])):
        return False
    if any(fnmatch.fnmatchcase(target.id, g) for g in _listed(wanted.get("not_ids", ()))):
        return False
    spec = target.spec
    if "personal" in wanted and isinstance(spec, Dataset) and bool(spec.personal) != wanted["personal"]:
        return False
    return all(_has(spec, what) for what in _listed(wanted.get("has", ())))


def _has(spec: object, what: str) -> bool:
    """Whether the declaration has ``what``, such as erasure, payloads, governs, fields or policy_page."""
    options = spec.options if isinstance(spec, Files) else {}
    return bool(getattr(spec, what, None) or options.get(what))


@dataclass(frozen=True)
class ControlSet:
    """Everything in the controls folder. ``broken`` maps files to the error that keeps them out."""

    controls: Mapping[str, Control]  # by id
    by_file: Mapping[str, Control]  # by file name
    broken: Mapping[str, ControlError]
    waivers: tuple[Waiver, ...]
    sections: tuple[Section, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def citing(self) -> dict[str, tuple[str, ...]]:
        """The controls that cite each clause, by clause."""
        found: dict[str, list[str]] = {}
        for control in self.controls.values():
            for clause in control.clauses:
                found.setdefault(clause, []).append(control.id)
        return {clause: tuple(sorted(ids)) for clause, ids in found.items()}


def load_controls(folder: Path, policy: PolicyDocument, *, shown: str = "controls") -> ControlSet:
    """Load the folder. A broken control is kept apart so that it does not blind the rest.

    Raises ``ControlError`` if the folder, the waivers or the coverage file cannot be used.
    """
    if not folder.is_dir():
        raise ControlError("is not a folder", path=shown)
    files = sorted(path for path in folder.iterdir() if is_control_file(path))
    controls: dict[str, Control] = {}
    by_file: dict[str, Control] = {}
    broken: dict[str, ControlError] = {}
    digest = hashlib.sha256()
    for path in files:
        name = f"{shown}/{path.name}"
        try:
            control = load_control(path, policy.clauses, shown=name)
            if control.id in controls:
                other = controls[control.id]
                raise ControlError(
                    f"control id {control.id!r} is used by {other.path}:{other.line} already",
                    path=name,
                    line=control.line,
                )
        except ControlError as error:
            broken[path.name] = error
            continue
        finally:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() if path.is_file() else b"")
        controls[control.id] = by_file[path.name] = control
    waivers, waivers_digest = _waivers(folder / WAIVERS, controls, bool(broken), f"{shown}/{WAIVERS}")
    sections, coverage_digest = _coverage(folder / COVERAGE, policy, f"{shown}/{COVERAGE}")
    return ControlSet(
        controls=controls,
        by_file=by_file,
        broken=broken,
        waivers=waivers,
        sections=sections,
        digests={
            "controls": digest.hexdigest(),
            "waivers": waivers_digest,
            "coverage": coverage_digest,
            "policy_lock": policy.digest,
        },
    )


def _waivers(
    path: Path, controls: Mapping[str, Control], partial: bool, shown: str
) -> tuple[tuple[Waiver, ...], str]:
    if not path.exists():
        return (), ""
    document = read(path, ControlError, shown=shown)
    validate(document, "waivers", ControlError)
    waivers = []
    for index, entry in enumerate(document.data["waivers"]):
        at = ("waivers", index)
        if entry["control"] not in controls and not partial:
            hint = nearest(entry["control"], controls)
            raise document.error(ControlError, f"unknown control {entry['control']!r}{hint}", *at, "control")
        try:
            expires = date.fromisoformat(entry["expires"])
        except ValueError:
            raise document.error(ControlError, "expires is not a date", *at, "expires") from None
        waivers.append(Waiver(**{**entry, "expires": expires}, line=document.line(at)))
    return tuple(waivers), document.digest


def _coverage(path: Path, policy: PolicyDocument, shown: str) -> tuple[tuple[Section, ...], str]:
    """Read the coverage file; a clause of the lock that it does not name is *uncovered*."""
    document = read(path, ControlError, shown=shown)
    validate(document, "coverage", ControlError)
    known: dict[int, list[str]] = {}
    for clause in policy.clauses:
        known.setdefault(int(clause.split(".")[0]), []).append(clause)
    entries = document.data["sections"]
    for number, section in entries.items():
        for clause in section["clauses"]:
            if clause not in known.get(int(number), ()):
                message = f"clause {clause} is not in section {number} of {LOCK}"
                raise document.error(ControlError, message, "sections", number, "clauses", clause)
    sections = []
    for section_number, clauses in sorted(known.items()):
        entry = entries.get(str(section_number), {"title": f"Section {section_number}", "clauses": {}})
        sections.append(
            Section(
                section_number,
                entry["title"],
                tuple(_clause(clause, entry["clauses"].get(clause)) for clause in clauses),
            )
        )
    return tuple(sections), document.digest


def _clause(clause: str, entry: Mapping[str, Any] | None) -> Clause:
    if entry is None:
        return Clause(clause, "Not described yet.", "uncovered", why="coverage.yaml does not name it")
    return Clause(
        clause, entry["commitment"], entry["status"], tuple(entry.get("controls", ())), entry.get("why")
    )
