"""Full card numbers are never stored (policy 2.4, 5.3; PCI DSS 4.0.1, 3.3.1, 3.5.1, 12.5.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from checks.connectors.backups import BackupSets
from checks.connectors.http import Api
from checks.connectors.logs import LogFiles
from checks.connectors.schemas import SchemaDocuments
from checks.connectors.sql import SqlDataset, SqlStore
from checks.core.errors import NotAssessed
from checks.core.model import Location, Measure, Observation, Share
from checks.core.registry import check
from checks.detectors.card_fields import card_field
from checks.detectors.cards import find_cards
from checks.scanner.finding import Match
from checks.scanner.sample import Sample, bound
from checks.scanner.search import InFile, InSample, InText, in_rows
from checks.scanner.source import Skipped

SMALL = 10_000
"""Rows up to which a table is read whole, though a sample is asked for: it is quick, and it says more."""


def _within(path: str) -> str:
    """Return a field's name with what holds it, singular: ``number`` of ``payment_cards`` says enough."""
    *_, parent, name = ["", *path.replace("[]", "").split(".")]
    return f"{parent.removesuffix('s')}.{name}" if parent else name


@check(reads="sql")
def no_card_columns(store: SqlStore) -> Iterator[Observation]:
    """No column of the live database is made to hold a card number or CVV (PCI DSS 4.0.1, 3.3.1)."""
    for table in store.tables().values():
        found = False
        for column in table.columns:
            why = card_field(_within(f"{table.name}.{column.name}"), column.comment)
            if why is not None:
                found = True
                yield Observation.violated(f"{table.name}.{column.name}", why)
        if not found:
            measure = Measure(len(table.columns), "columns")
            yield Observation.met(table.name, "no name or comment speaks of a card number", measure)


@check(reads="schema")
def no_card_fields(schema: SchemaDocuments) -> Iterator[Observation]:
    """No field of a schema document is made to hold a card number or CVV (PCI DSS 4.0.1, 3.3.1)."""
    looked = 0
    for field in schema.fields():
        looked += 1
        why = card_field(_within(field.path), field.comment)
        if why is not None:
            yield Observation.violated(field.path, why, location=field.location)
    yield Observation.met(schema.target.id, "every field read", Measure(looked, "fields"))


@check(reads="sql")
def no_card_numbers_stored(
    store: SqlStore, *, sample: Share | None = None, seed: int = 0
) -> Iterator[Observation]:
    """No text, JSON, array or wide number column holds a full card number (PCI DSS 4.0.1, 3.5.1).

    Every row of every table is read, those of tables that the inventory does not declare included;
    with ``sample``, of tables over ``SMALL`` rows those that ``seed`` chooses.
    """
    for table in store.tables().values():
        dataset = store.store.by_table.get(table.name)
        whole = store.count(table.name) if sample else None
        chosen = None if sample is None or (whole or 0) <= SMALL else (sample.value, seed)
        scan = store.text_rows(table.name, chosen)
        found = False
        for row, column, match in in_rows(scan):
            found = True
            yield Observation.violated(f"{table.name}.{column}", f"{row}: {_said(match)}")
        if not found:
            empty = dataset.may_be_empty if dataset else table.name in _ignored(store)
            of = whole if chosen else None
            measure = Measure(scan.rows, "rows", of=of, size=scan.bytes, may_be_empty=empty and not of)
            detail = f"{len(scan.columns)} columns read"
            if chosen:
                detail += f"; {_bound(scan.rows, 'rows', seed)}"
            yield Observation.met(table.name, detail, measure)


def _bound(units: int, unit: str, seed: int) -> str:
    """Return what a sample without a finding says of the whole."""
    share = bound(units)
    return (
        f"a sample (seed {seed}): with 95 % confidence at most {share:.2%} of the {unit} hold a card number"
        " (rule of three)"
    )


def _ignored(store: SqlStore) -> frozenset[str]:
    from fnmatch import fnmatchcase

    return frozenset(name for name in store.tables() if any(fnmatchcase(name, g) for g in store.store.ignore))


@check(reads="log")
def no_card_numbers_logged(
    log: LogFiles, *, sample: Share | None = None, seed: int = 0
) -> Iterator[Observation]:
    """No log line holds a full card number (PCI DSS 4.0.1, 3.5.1 and 10.3).

    With ``sample``, blocks of plain files and whole compressed ones that ``seed`` chooses are read.
    """
    if sample is not None:
        yield from _sampled(log, Sample(sample.value, seed))
        return
    lines = 0
    broken = False
    for file in log.files():
        try:
            scan = InText(log.text(file))
            hits = 0
            for match in scan:
                hits += 1
                where = Location(file.path, match.line)
                yield Observation.violated(file.path, _said(match), location=where)
        except NotAssessed as error:
            yield Observation.unseen(file.path, error.reason)
            broken = True
            continue
        lines += scan.lines
        if not hits and scan.lines:
            measure = Measure(scan.lines, "lines", size=scan.bytes)
            yield Observation.met(file.path, "every line read", measure)
    if not lines and not broken:
        # One file may be empty, fresh after rotation; a log without any line shows nothing.
        measure = Measure(0, "lines", may_be_empty=log.spec.may_be_empty)
        yield Observation.met(log.target.id, "no line in any file", measure)


def _sampled(log: LogFiles, sample: Sample) -> Iterator[Observation]:
    files = [(file.path, file.location, log.text(file)) for file in log.files()]
    scan = InSample(files, sample)
    hits = 0
    for path, match in scan:
        hits += 1
        detail = f"at byte {match.offset}: {_said(match)}"
        yield Observation.violated(path, detail, location=Location(path))
    if not hits:
        empty = log.spec.may_be_empty and not scan.units_of
        measure = Measure(scan.units, "blocks", of=scan.units_of, size=scan.bytes, may_be_empty=empty)
        yield Observation.met(log.target.id, _bound(scan.units, "blocks", sample.seed), measure)


def _said(match: Match) -> str:
    """Return what is said of a number found, and of what makes it worse or better."""
    extra = [
        text
        for holds, text in (
            (match.form not in ("plain", "grouped"), f"written as {match.form}"),
            (match.track_data, "in track data"),
            (match.security_code, "with a security code"),
            (match.test_number, "published for tests"),
        )
        if holds
    ]
    return f"{match.network} number {match.masked}" + (f" ({', '.join(extra)})" if extra else "")


@check(reads="backup")
def no_card_numbers_in_backups(backups: BackupSets) -> Iterator[Observation]:
    """No backup holds a full card number (PCI DSS 4.0.1, 3.5.1 and 12.5.2)."""
    for backup in backups.sets():
        if backup.problem is not None:
            yield Observation.unseen(backup.name, backup.problem, backup.location)
            continue
        lines = size = 0
        whole = True
        for file in backup.files:
            scan = InFile(file.location, file.path)
            for part, seen in scan:
                whole = False
                if isinstance(seen, Skipped):
                    reason = f"{backups.target.id}: {part} {seen.reason}"
                    yield Observation.unseen(backup.name, reason, backup.location)
                else:
                    where = Location(part, seen.line)
                    yield Observation.violated(backup.name, _said(seen), location=where)
            lines, size = lines + scan.lines, size + scan.bytes
        if whole:
            measure = Measure(lines, "lines", size=size)
            yield Observation.met(backup.name, "every line of its dumps read", measure, backup.location)


@check(reads="api")
def no_card_numbers_returned(api: Api) -> Iterator[Observation]:
    """No documented GET of the API returns a full card number (PCI DSS 4.0.1, 3.4.1)."""
    for path, answer in api.responses():
        if isinstance(answer, NotAssessed):
            yield Observation.unseen(f"GET {path}", answer.reason)
            continue
        hits = Counter((hit.network, hit.masked) for hit in find_cards(answer.text))
        for (network, masked), number in hits.items():
            yield Observation.violated(f"GET {path}", f"{network} number {masked} ({number} times)")
        if not hits:
            measure = Measure(1, "responses", size=answer.size)
            yield Observation.met(f"GET {path}", f"HTTP {answer.status} read", measure)


@check(reads="dataset")
def payloads_hold_only_allowed_keys(rows: SqlDataset) -> Iterator[Observation]:
    """A payload column holds only the keys that the inventory allows (GDPR 5(1)(c), minimisation)."""
    for column, allowed in rows.dataset.payloads.items():
        scan = rows.payload_keys(column)
        extra: Counter[str] = Counter()
        first: dict[str, str] = {}
        for row, keys in scan:
            for key in _outside(keys, allowed):
                extra[key] += 1
                first.setdefault(key, row)
        subject = f"{rows.dataset.table}.{column}"
        for key, number in extra.items():
            yield Observation.violated(
                f"{subject}: {key}", f"not among the allowed keys; in {number} rows, first in {first[key]}"
            )
        if not extra:
            measure = Measure(scan.rows, "rows", may_be_empty=rows.dataset.may_be_empty)
            yield Observation.met(subject, f"{len(allowed)} keys allowed, no other seen", measure)


def _outside(keys: Iterable[str], allowed: Iterable[str]) -> Iterator[str]:
    """Yield the leaf paths that are not among those allowed."""
    known = tuple(allowed)
    for key in keys:
        if key not in known:
            yield key
