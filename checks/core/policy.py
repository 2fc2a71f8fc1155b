"""The policy's lock: a fingerprint for each sentence, none of the text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

from checks.core.errors import PolicyLockError, nearest
from checks.core.model import PolicyVersion
from checks.core.yamlio import read
from checks.detectors.policy_changes import part_of
from checks.detectors.policy_text import PolicyText

HEADER = """\
# Written by `policyproof policy lock`; do not edit. Fingerprints of the policy's sentences, of
# its headings and of what stands before section 1 (SHA-256 of the normalised text), none of the text.
"""


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One locked policy: clause → fingerprint."""

    id: str
    source: str
    locked: str
    version: str | None
    effective: str | None
    clauses: Mapping[str, str]
    headings: Mapping[str, str] = field(default_factory=dict)  # "9.0"; none in an older lock
    preamble: Mapping[str, str] = field(default_factory=dict)  # "0.1"; none where the source had none

    @property
    def marks(self) -> dict[str, str]:
        """Every fingerprint: of sentences, headings and what stands before section 1."""
        return {**self.clauses, **self.headings, **self.preamble}

    @property
    def digest(self) -> str:
        """SHA-256 over all fingerprints in order."""
        text = "\n".join(f"{clause} {mark}" for clause, mark in self.marks.items())
        return hashlib.sha256(text.encode()).hexdigest()

    def as_version(self) -> PolicyVersion:
        """Return what a report says of it."""
        return PolicyVersion(self.id, self.version, self.effective, self.digest)


def lock(text: PolicyText, name: str, source: str, today: date) -> PolicyDocument:
    """Return the lock of a policy; raises ``PolicyLockError`` if it has no numbered sections."""
    if not text.clauses:
        raise PolicyLockError("no numbered section with a sentence was found", path=source)
    marks = text.marks()
    parts = [
        {place: mark for place, mark in marks.items() if part_of(place) == part}
        for part in ("clauses", "headings", "preamble")
    ]
    return PolicyDocument(name, source, today.isoformat(), text.version, text.effective, *parts)


def read_lock(path: Path, *, shown: str | None = None) -> dict[str, PolicyDocument]:
    """Read ``policy.lock``; raises ``PolicyLockError`` if it is missing or malformed."""
    if not path.exists():
        raise PolicyLockError(
            "is missing: write it with `policyproof policy lock FILE-or-URL`", path=shown or path.name
        )
    document = read(path, PolicyLockError, shown=shown)
    try:
        return {
            name: PolicyDocument(
                name,
                str(entry["source"]),
                str(entry["locked"]),
                entry.get("version"),
                entry.get("effective"),
                _marks(entry["clauses"]),
                _marks(entry.get("headings") or {}),
                _marks(entry.get("preamble") or {}),
            )
            for name, entry in document.data["policies"].items()
        }
    except (TypeError, KeyError, AttributeError):
        raise PolicyLockError("is not a policy lock: write it anew", path=document.path) from None


def _marks(given: Mapping[object, object]) -> dict[str, str]:
    return {str(clause): str(mark) for clause, mark in given.items()}


def write_lock(path: Path, documents: Mapping[str, PolicyDocument]) -> None:
    """Write the lock file."""
    data = {
        name: {
            "source": d.source,
            "locked": d.locked,
            "version": d.version,
            "effective": d.effective,
            "clauses": dict(d.clauses),
            **({"headings": dict(d.headings)} if d.headings else {}),
            **({"preamble": dict(d.preamble)} if d.preamble else {}),
        }
        for name, d in sorted(documents.items())
    }
    body = yaml.safe_dump({"policies": data}, sort_keys=False, width=200)
    path.write_text(HEADER + body, encoding="utf-8")


def policy_for(documents: Mapping[str, PolicyDocument], name: str, *, shown: str) -> PolicyDocument:
    """Return the policy an environment names; raises ``PolicyLockError`` with the nearest name."""
    if name not in documents:
        raise PolicyLockError(
            f"no policy {name!r}{nearest(name, documents)}; locked are: {', '.join(documents) or 'none'}",
            path=shown,
        )
    return documents[name]
