"""What is known of a ledger from outside it: digests in reports, signatures, bundles, and by hand."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from checks.core.errors import AuthorError
from policyproof.ledger_common import SIGNATURE, TOKEN, contents, many, own_file, utc
from reports.ledger import Entry, Ledger
from reports.signing import Forged, SigningError, dsse, timestamp
from reports.signing.reading import Bundle
from reports.signing.statement import HeadStatement, read_head

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

_GIVEN = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Anchor(NamedTuple):
    """That entry ``number`` has this digest, and where it says so."""

    number: int
    digest: str
    source: str
    kind: str  # "report", "signature", "bundle", "given digest"


class Signature(NamedTuple):
    """What a signature says of a ledger, and since when by an authority's word."""

    said: HeadStatement
    path: Path
    since: str | None


def given(texts: Iterable[str]) -> list[Anchor]:
    """Return anchors written as ``N:DIGEST``."""
    result = []
    for text in texts:
        found = _GIVEN.fullmatch(text.strip().lower())
        if not found:
            raise AuthorError("--anchor takes N:DIGEST, the number of an entry and its 64 hex digits")
        result.append(Anchor(int(found[1]), found[2], "--anchor", "given digest"))
    return result


def heads(ledger: Ledger, digests: Iterable[str]) -> list[Anchor]:
    """Return the entries that have these digests; raises :class:`Forged` for one that none has."""
    wanted = {text.strip().lower() for text in digests}
    if any(not _DIGEST.fullmatch(one) for one in wanted):
        raise AuthorError("--head takes a digest of 64 hex digits")
    result = []
    for entry in ledger.entries(kind=None) if wanted else ():
        if entry.digest in wanted:
            wanted.remove(entry.digest)
            result.append(Anchor(entry.number, entry.digest, "--head", "given digest"))
    if wanted:
        raise Forged(f"{ledger.name}: changed: no entry has the digest {min(wanted)}")
    return result


def reports(folder: Path) -> list[Anchor]:
    """Return what each ``report.json`` in a folder and in its folders says of its own entry."""
    result = []
    for path in sorted({*folder.glob("report.json"), *folder.glob("*/report.json")}):
        try:
            place = json.loads(path.read_bytes())["ledger"]
            if place is None:  # recorded nowhere, and says so itself
                continue
            text = f"{place['number']}:{place['digest']}"
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            text = ""
        if not (found := _GIVEN.fullmatch(text)):
            print(f"policyproof: {path}: not held against the ledger, it is no report", file=sys.stderr)
            continue
        result.append(Anchor(int(found[1]), found[2], str(path), "report"))
    return result


def signature(path: Path, key: SSlibKey | None, authority: Path | None) -> Signature:
    """Return what a signature says; with a key it is by that key, with certificates it is dated."""
    text = contents(path, "the signature")
    said = read_head(dsse.payload(text, str(path), key), str(path))
    since = None
    if authority is not None and key is not None:
        token = path.with_name(path.name + TOKEN)
        moment = timestamp.check(
            contents(token, "the timestamp"),
            dsse.signature(text, str(path), key),
            own_file(authority, "the authority's certificate"),
            str(token),
            str(authority),
        )
        since = utc(moment)
    return Signature(said, path, since)


def signatures(folder: Path, paths: Iterable[Path], key: SSlibKey | None) -> list[Path]:
    """Return which signatures count: those named, or the one beside the ledger."""
    named = list(paths)
    if named:
        return named
    beside = folder / SIGNATURE
    if beside.exists():
        return [beside]
    if key is not None:
        raise SigningError(f"{beside}: no signature is there; `policyproof ledger sign` makes one")
    return []


def counted(ledger: Ledger, said: HeadStatement, shown: str) -> None:
    """Hold a signed statement's counts against the ledger; its digest is held by the chain."""
    runs: dict[str, int] = {}
    prunes = 0
    last: Entry | None = None
    for last in ledger.entries(kind=None, before=said.number + 1):
        if last.kind == "run":
            runs[last.environment] = runs.get(last.environment, 0) + 1
        else:
            prunes += 1
    if last is None or (last.number, last.digest) != (said.number, said.digest):
        raise Forged(f"{shown}: what was signed is not in {ledger.name}")
    if (last.previous, runs, prunes) != (said.previous, dict(said.runs), said.prunes):
        raise Forged(f"{shown}: counts other entries than {ledger.name} holds")


def bundles(paths: Iterable[Path], key: SSlibKey | None) -> list[Anchor]:
    """Return the last entry of each bundle, and the one that it goes on from."""
    result = []
    for path in paths:
        try:
            with path.open("rb") as stream:
                said = Bundle(stream, str(path), key).statement
        except OSError as error:
            raise SigningError(f"{path}: cannot be read ({error.strerror})") from None
        result.append(Anchor(said.last, said.digest, str(path), "bundle"))
        if said.first > 1:
            result.append(Anchor(said.first - 1, said.previous, str(path), "bundle"))
    return result


def against(anchors: Iterable[Anchor]) -> str:
    """Return in words what a ledger was held against: ``3 reports and 1 signature``."""
    kinds: dict[str, set[str]] = {}
    for one in anchors:
        source = one.source if one.kind != "given digest" else one.digest
        kinds.setdefault(one.kind, set()).add(source)
    parts = [many(len(sources), kind) for kind, sources in kinds.items()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def contradicting(ledger: Ledger, anchors: Iterable[Anchor]) -> list[str]:
    """Return the sources of anchors that a ledger does not bear out."""
    found = []
    for one in anchors:
        entry = ledger.find(one.number)
        if (entry is None or entry.digest != one.digest) and one.source not in found:
            found.append(one.source)
    return found
