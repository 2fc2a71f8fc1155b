"""What makes two findings of different runs the same one.

A finding is known by its control, its target, where in the target it is and what is wrong there, less
all that moves by itself: line numbers, counts, ages, dates, the row that was met first, and, where a
target is a set of files, which of them it was. When in doubt two findings are told apart: one that
wrongly seems new is looked at, one that wrongly seems old is not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import urlsplit

from checks.core import model
from reports import shape
from reports.evidence import Evidence

LENGTH = 32
"""Hex digits of a fingerprint: 128 bits, which no two of a million findings share by chance."""
_VERSION = "urn:policyproof:finding:1"

FILE_SETS = frozenset({"log", "backup"})
"""Kinds whose targets are sets of files that are rotated and renamed; a file's name means nothing."""
DOCUMENTS = frozenset({"config", "schema"})
"""Kinds whose targets are files with a meaning of their own, so that their paths count."""
ELSEWHERE = frozenset({"sql", "dataset", "site", "api", "processor", "export", "attestation", "inventory"})
"""Kinds whose subjects say where; a location is at most where in the inventory they are declared."""

# A masked number: what is before the last ": " is the row or offset that it was met in.
_SAID = re.compile(r"[\w ().-]+ number [^\s*•]*[*•]{2,}.*", re.DOTALL)
_FIRST_MET = re.compile(r", first in .*$", re.DOTALL)
_INDEX = re.compile(r"\[\d+\]|^\d+(?=$|: )")
_MOVING = re.compile(
    r"""
      (?P<kept> (?<!\S) [^\s*•]* [*•]{2,} \S*              # a masked value, in whole
              | (?<![\w.]) \d+ (?: \.\d+ ){2,3} (?![\w.]) # an address or a version
      )
    | \b \d{4}-\d\d-\d\d (?: [T ] [\d:.]+ (?: Z | [+-]\d\d:?\d\d )? )? \b
    | (?<![\w.-]) P (?: \d+ [YMWD] )* (?: T (?: \d+ (?: \.\d+ )? [HMS] )+ )? (?<!P) (?![\w-])
    | (?<![\w.*•-]) \d+ (?: [,.]\d+ )* (?: \ (?: hours? | days? ) \b )? (?![\w*•-]) %?
    """,
    re.VERBOSE,
)


def fingerprint(
    control: str, kind: str, target: str, observation: model.Observation | shape.Observation
) -> str:
    """Return the fingerprint of one finding of ``control`` on ``target``, which is of ``kind``.

    It is the same for an observation as a check made it and as a report shows it, unless its path was
    told from the folder that the run was started from: give those of a report.
    """
    subject, detail, path = _parts(observation)
    parts = [_VERSION, control, target, *_place(kind, target, subject, path), _content(detail)]
    return _digest(json.dumps(parts, ensure_ascii=False, separators=(",", ":")))


def fingerprints(
    control: str, kind: str, target: str, observations: Sequence[model.Observation | shape.Observation]
) -> list[str]:
    """Return the fingerprints of all findings of one verdict, in their order, no two the same.

    Findings that say the same are numbered, so that a third one is new; which of them gets which
    number does not depend on their order.
    """
    result = [fingerprint(control, kind, target, one) for one in observations]
    alike: dict[str, list[int]] = defaultdict(list)
    for index, mark in enumerate(result):
        alike[mark].append(index)
    for mark, places in alike.items():
        if len(places) > 1:
            places.sort(key=lambda index: _whole(observations[index]))
            for ordinal, index in enumerate(places[1:], start=2):
                result[index] = _digest(f"{mark}#{ordinal}")
    return result


def _parts(observation: model.Observation | shape.Observation) -> tuple[str, str, str]:
    """Return subject, detail and path as a report shows them."""
    seen = observation if isinstance(observation, dict) else Evidence(None).observation(observation)
    place = seen["location"]
    return seen["subject"], seen["detail"], place["path"] if place is not None else ""


def _whole(observation: model.Observation | shape.Observation) -> tuple[str, str, str, int]:
    seen = observation if isinstance(observation, dict) else Evidence(None).observation(observation)
    place = seen["location"]
    line = place["line"] if place is not None else None
    return *_parts(seen), line if line is not None else 0


def _place(kind: str, target: str, subject: str, path: str) -> tuple[str, str]:
    """Return the file and the subject as far as they name the finding."""
    if kind in FILE_SETS:
        # "2026-11-27-db: account" is a table in whichever backup it is; a file's name has no such end.
        table = subject.rpartition(": ")[2] if kind == "backup" and ": " in subject else ""
        return "", "" if subject == target else table
    if kind in ELSEWHERE:
        return "", _without_host(subject)
    return path, _INDEX.sub("#", subject) if kind in DOCUMENTS else subject


def _without_host(subject: str) -> str:
    """Return an address below its host, which differs between deployments; anything else as it is."""
    return urlsplit(subject).path or "/" if subject.startswith(("http://", "https://")) else subject


def _content(detail: str) -> str:
    """Return what is wrong, without what moves by itself."""
    said = detail.rpartition(": ")[2]
    text = said if _SAID.fullmatch(said) else _FIRST_MET.sub("", detail)
    return _MOVING.sub(lambda match: match["kept"] or "#", text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
