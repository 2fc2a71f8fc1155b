"""Full card numbers are never stored (policy 2.4, 5.3; PCI DSS 4.0.1, 3.3.1, 3.5.1, 12.5.2)."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from checks.connectors.backups import BackupSet, BackupSets
from checks.connectors.files import TargetFile
from checks.connectors.http import Api
from checks.connectors.logs import LogFiles
from checks.connectors.schemas import SchemaDocuments
from checks.connectors.sql import SqlDataset, SqlStore
from checks.core.errors import NotAssessed
from checks.core.model import Duration, Location, Measure, Observation, Share
from checks.core.registry import Scope, check
from checks.detectors.card_fields import card_field
from checks.detectors.cards import find_cards
from checks.scanner.clock import Clock
from checks.scanner.growing import InTable
from checks.scanner.left_out import LeftOut
from checks.scanner.remembered import Remembered, offered
from checks.scanner.sample import Sample, bound_said
from checks.scanner.sampled import InLog, InSample, LookAt
from checks.scanner.search import InFile, InText
from checks.scanner.source import Skipped


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
            said = "no name or comment speaks of a card number"
            yield Observation.met(table.name, said, Measure(len(table.columns), "columns"))


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
    store: SqlStore, *, sample: Share | None = None, seed: int = 0, time_budget: Duration | None = None
) -> Iterator[Observation]:
    """No text, JSON, array or wide number column holds a full card number (PCI DSS 4.0.1, 3.5.1).

    Every row of every table is read, those of tables that the inventory does not declare included;
    with ``sample``, of large tables those that ``seed`` chooses. ``time_budget`` is shared out among
    the tables, small ones first; of one that it does not suffice for, the sample read until then counts.
    """
    clock = _clock(time_budget)
    tables = list(store.tables().values())
    counts: dict[str, int] = {}
    for table in tables if sample or time_budget else ():
        if not clock.over:
            counts[table.name] = store.count(table.name)
    if time_budget:
        tables.sort(key=lambda table: counts.get(table.name, sys.maxsize))
    for index, table in enumerate(tables):
        look = InTable(
            lambda share, name=table.name: store.text_rows(name, share and (share, seed)),  # type: ignore[misc]
            counts.get(table.name, 0),
            most=sample.value if sample else 1.0,
            clock=clock.part(len(tables) - index),
        )
        found = False
        for row, column, match in look:
            found = True
            yield Observation.violated(f"{table.name}.{column}", f"{row}: {match.said}")
        if found:
            continue
        if look.cut and not look.share:
            yield Observation.unseen(table.name, f"{_used_up(time_budget)} before a sample of it was read")
            continue
        dataset = store.store.by_table.get(table.name)
        empty = dataset.may_be_empty if dataset else store.ignores(table.name)
        of = counts[table.name] if look.share < 1 else None
        measure = Measure(look.rows, "rows", of=of, size=look.bytes, may_be_empty=empty and not of)
        detail = f"{look.columns} columns read" + (f"; {bound_said(look.rows, 'rows', seed)}" if of else "")
        yield Observation.met(table.name, detail + (f"; {_used_up(time_budget)}" * look.cut), measure)


def _clock(budget: Duration | None) -> Clock:
    return Clock.of(None if budget is None else budget.seconds)


def _used_up(budget: Duration | None) -> str:
    return f"the time of {budget} was used up"


@check(reads="log")
def no_card_numbers_logged(
    log: LogFiles,
    scope: Scope | None = None,
    *,
    sample: Share | None = None,
    seed: int = 0,
    time_budget: Duration | None = None,
    unchanged: Literal["read", "skip"] = "read",
    exclude: tuple[str, ...] = (),
) -> Iterator[Observation]:
    """No log line holds a full card number (PCI DSS 4.0.1, 3.5.1 and 10.3).

    With ``sample``, blocks of plain files and whole compressed ones that ``seed`` chooses are read;
    with ``time_budget`` these in an order of chance until it is used up. ``unchanged: skip`` takes
    files from an earlier look, where a memory of such is offered, and says how many. ``exclude`` are
    patterns as of ``policyproof scan --exclude``; what they leave out is said too.
    """
    left_out = LeftOut(exclude)
    taken = left_out.rest(log.target.id, log.files())
    with offered(scope.memory if scope else None, unchanged, "log") as memory:
        files = [file for file in taken if not memory.knows(file.location)]
        yield from _not_read(log.target.id, left_out, memory)
        if sample is not None or time_budget is not None:
            texts = {file.path: log.text(file) for file in files}
            yield from _part(
                log.target.id, files, lambda name, _, clock: InLog(name, texts[name], clock), memory,
                sample, seed, time_budget, text=True, may_be_empty=log.spec.may_be_empty,
            )  # fmt: skip
            return
        lines, broken = 0, False
        for file in files:
            try:
                scan = InText(log.text(file))
                hits = 0
                for match in scan:
                    hits += 1
                    where = Location(file.path, match.line)
                    yield Observation.violated(file.path, match.said, location=where)
            except NotAssessed as error:
                yield Observation.unseen(file.path, error.reason)
                broken = True
                continue
            lines += scan.lines
            if not hits and scan.lines:
                memory.learn(file.location)
                measure = Measure(scan.lines, "lines", size=scan.bytes)
                yield Observation.met(file.path, "every line read", measure)
        if not lines and not broken and not memory.files:
            # One file may be empty, fresh after rotation; a log without any line shows nothing.
            measure = Measure(0, "lines", may_be_empty=log.spec.may_be_empty)
            yield Observation.met(log.target.id, "no line in any file", measure)


def _part(
    target: str, files: Sequence[TargetFile], look: LookAt, memory: Remembered,
    sample: Share | None, seed: int, budget: Duration | None,
    *, text: bool = False, may_be_empty: bool = False,
) -> Iterator[Observation]:  # fmt: skip
    """Yield what is seen in a part of some files, and if nothing is, what that says of the whole."""
    if memory.files and not files:
        return
    part = InSample(
        [(file.path, file.location) for file in files], look, seed=seed, clock=_clock(budget), text=text,
        sample=None if sample is None else Sample(sample.value, seed), clean=memory.learn,
    )  # fmt: skip
    clean = True
    for name, seen in part:
        clean = False
        if isinstance(seen, Skipped):
            yield Observation.unseen(name, f"{target}: {name} {seen.reason}")
        else:
            yield Observation.violated(name, f"at byte {seen.offset}: {seen.said}", location=Location(name))
    if clean and part.cut and not part.units:
        yield Observation.unseen(target, f"{_used_up(budget)} before a block was read to its end")
    elif clean:
        empty = may_be_empty and not part.units_of
        measure = Measure(part.units, "blocks", of=part.of, size=part.bytes, may_be_empty=empty)
        yield Observation.met(target, part.said + (f"; {_used_up(budget)}" * part.cut), measure)


def _not_read(target: str, left_out: LeftOut, memory: Remembered) -> Iterator[Observation]:
    """Yield how much the control leaves out, and how much is taken from earlier looks, if anything is."""
    if left_out.number:
        yield Observation.met(target, left_out.said)  # no measure: it was not looked at
    if memory.files:
        yield Observation.met(target, memory.said, Measure(memory.files, "unchanged files"))


@check(reads="backup")
def no_card_numbers_in_backups(
    backups: BackupSets,
    scope: Scope | None = None,
    *,
    sample: Share | None = None,
    seed: int = 0,
    time_budget: Duration | None = None,
    unchanged: Literal["read", "skip"] = "read",
    exclude: tuple[str, ...] = (),
) -> Iterator[Observation]:
    """No backup holds a full card number (PCI DSS 4.0.1, 3.5.1 and 12.5.2).

    The parameters are those of ``no_card_numbers_logged``, over the files of all sets. Time counts from
    when these have been held against their manifests.
    """
    sets, left_out = backups.sets(), LeftOut(exclude)
    whole = [file for backup in sets if backup.problem is None for file in backup.files]
    taken = set(left_out.rest(backups.target.id, whole))
    with offered(scope.memory if scope else None, unchanged, "backup") as memory:
        unknown = {file for file in whole if file in taken and not memory.knows(file.location)}
        yield from _not_read(backups.target.id, left_out, memory)
        pooled: list[TargetFile] = []
        for backup in sets:
            files = [file for file in backup.files if file in unknown]
            if backup.problem is not None:
                yield Observation.unseen(backup.name, backup.problem, backup.location)
            elif sample is not None or time_budget is not None:
                pooled += files
            elif files:
                yield from _in_set(backups, backup, files, memory, len(taken.intersection(backup.files)))
        if sample is not None or time_budget is not None:
            yield from _part(
                backups.target.id, pooled, lambda name, path, clock: InFile(path, name, clock), memory,
                sample, seed, time_budget,
            )  # fmt: skip


def _in_set(
    backups: BackupSets, backup: BackupSet, files: Sequence[TargetFile], memory: Remembered, taken: int
) -> Iterator[Observation]:
    """Yield what is seen in all of the files of a set that are to be read, of ``taken``."""
    lines, size, whole = 0, 0, True
    for file in files:
        scan = InFile(file.location, file.path)
        clean = True
        for part, seen in scan:
            clean = False
            if isinstance(seen, Skipped):
                said = f"{backups.target.id}: {part} {seen.reason}"
                yield Observation.unseen(backup.name, said, backup.location)
            else:
                yield Observation.violated(backup.name, seen.said, location=Location(part, seen.line))
        if clean:
            memory.learn(file.location)
        whole = whole and clean
        lines, size = lines + scan.lines, size + scan.bytes
    if whole:
        known = taken - len(files)
        detail = "every line of its dumps read" + (f" but {known} unchanged files" if known else "")
        yield Observation.met(backup.name, detail, Measure(lines, "lines", size=size), backup.location)


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
            for key in (key for key in keys if key not in allowed):
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
