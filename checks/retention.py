"""Data is kept only for limited periods (policy 9.1-9.3; GDPR 5(1)(e), 13(2)(a), 17)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from checks.connectors.backups import BackupSet, BackupSets
from checks.connectors.configs import ConfigFiles
from checks.connectors.declared import Declared
from checks.connectors.logs import LogFiles
from checks.connectors.sql import SqlDataset
from checks.core.errors import NotAssessed, Unreadable
from checks.core.model import (
    Dataset,
    Erasure,
    Files,
    Location,
    Measure,
    Observation,
    Period,
    Retention,
    Store,
)
from checks.core.registry import Scope, check


@check(reads=("dataset", "log", "backup"), declared=True)
def limit_declared(declared: Declared, *, longest: Period) -> Iterator[Observation]:
    """Personal data has a finite limit, a start of its clock, a legal basis, and what deletes it."""
    spec = declared.spec
    assert isinstance(spec, Dataset | Files)  # noqa: S101  the registry gives targets of the kinds read
    where, retention = declared.target.location, spec.retention
    if retention is None or retention.keep is None:
        yield Observation.violated(spec.id, "no limit is declared", location=where)
        return
    where = Location(where.path, retention.line) if where is not None else None
    now = datetime(2000, 1, 1, tzinfo=UTC)  # lengths are compared at one fixed moment
    faults = [
        f"no {name} is declared"
        for name, value in (
            ("start of the clock", retention.clock),
            ("legal basis", retention.basis),
            ("deletion mechanism", retention.deletion),
        )
        if not value
    ]
    if retention.keep.before(now) < longest.before(now):
        faults.append(f"{retention.keep} is longer than {longest}, the longest limit allowed")
    if retention.keep.before(now) >= now:
        faults.append(f"{retention.keep} is no limit")
    for fault in faults:
        yield Observation.violated(spec.id, fault, location=where)
    if not faults:
        detail = f"{retention.keep} from {retention.clock}; {retention.deletion}"
        yield Observation.met(spec.id, detail, Measure(1, "limits"), where)


@check(reads="dataset")
def oldest_row_within_limit(rows: SqlDataset, scope: Scope, *, grace: Period) -> Iterator[Observation]:
    """No row is older than the dataset's limit, measured by the column that starts its clock."""
    dataset = rows.dataset
    keep = _limit(dataset.retention)
    if keep is None:
        yield Observation.violated(dataset.id, "no limit is declared, so no row can be within one")
        return
    age = rows.age(grace.before(keep.before(scope.now)))
    oldest = None if age.oldest is None else (scope.now - age.oldest).total_seconds()
    measure = Measure(age.rows, "rows", oldest=oldest, may_be_empty=dataset.may_be_empty)
    subject = f"{dataset.table}.{dataset.retention.clock if dataset.retention else ''}"
    if age.overdue:
        detail = f"{age.overdue} of {age.rows} rows are older than {keep}; the oldest is {days(oldest)}"
        yield Observation.violated(subject, detail, measure)
    elif age.undated and age.undated == age.rows:
        yield Observation.unseen(subject, f"none of {age.rows} rows has a date")
    else:
        undated = f"; {age.undated} rows not started" if age.undated else ""
        yield Observation.met(subject, f"oldest {days(oldest)}, limit {keep}{undated}", measure)


@check(reads="log")
def oldest_line_within_limit(log: LogFiles, scope: Scope, *, grace: Period) -> Iterator[Observation]:
    """No log line is older than the log's limit; every line of every file is looked at."""
    keep = _limit(log.spec.retention)
    if keep is None:
        yield Observation.violated(log.target.id, "no limit is declared, so no line can be within one")
        return
    before = grace.before(keep.before(scope.now))
    lines = size = 0
    eldest: datetime | None = None
    broken = False
    for file in log.files():
        try:
            age = log.oldest(file, before)
        except NotAssessed as error:
            yield Observation.unseen(file.path, error.reason)
            broken = True
            continue
        lines, size = lines + age.lines, size + age.size
        if age.oldest is not None:
            eldest = age.oldest if eldest is None else min(eldest, age.oldest)
        if age.overdue:
            where = Location(file.path, age.first_overdue_line)
            detail = f"{age.overdue} lines older than {keep}; the oldest is {_age(age.oldest, scope.now)}"
            yield Observation.violated(file.path, detail, location=where)
        if age.undated:
            broken = True
            yield Observation.unseen(
                file.path, f"{age.undated} lines have no date that {log.spec.format} knows"
            )
    if not broken:
        seconds = None if eldest is None else (scope.now - eldest).total_seconds()
        measure = Measure(lines, "lines", size=size, oldest=seconds, may_be_empty=log.spec.may_be_empty)
        yield Observation.met(log.target.id, f"oldest line {days(seconds)}, limit {keep}", measure)


@check(reads="backup")
def oldest_backup_within_limit(backups: BackupSets, scope: Scope, *, grace: Period) -> Iterator[Observation]:
    """No backup is older than its limit (policy 9.2, 9.3)."""
    keep = _limit(backups.spec.retention)
    if keep is None:
        yield Observation.violated(backups.target.id, "no limit is declared, so no backup can be within one")
        return
    before = grace.before(keep.before(scope.now))
    for backup in backups.sets():
        if backup.problem is not None:
            yield Observation.unseen(backup.name, backup.problem, backup.location)
        elif backup.taken < before:
            detail = f"taken {_age(backup.taken, scope.now)} ago, limit {keep}"
            yield Observation.violated(backup.name, detail, location=backup.location)
        else:
            seconds = (scope.now - backup.taken).total_seconds()
            measure = Measure(1, "backups", oldest=seconds)
            yield Observation.met(backup.name, f"taken {days(seconds)} ago", measure, backup.location)


@check(reads="config")
def rotation_agrees(config: ConfigFiles, scope: Scope, *, grace: Period) -> Iterator[Observation]:
    """Rotation and lifecycle rules delete no later than the limits of what they govern.

    Every rule of a file must be within the limit of every log and backup that the file governs, so a
    file that governs things with different limits is best cut in two. A rule that never deletes by
    age is a violation.
    """
    governed = [scope.inventory.targets[name] for name in config.spec.options.get("governs", ())]
    rules = list(config.rotations())
    for target in governed:
        spec = target.spec
        assert isinstance(spec, Files)  # noqa: S101  the inventory's loader checked the reference
        keep = _limit(spec.retention)
        if keep is None:
            yield Observation.violated(target.id, "no limit is declared, so no rule can agree with it")
            continue
        if not rules:
            yield Observation.violated(target.id, f"no rule of {config.target.id} deletes it")
        allowed = (keep.seconds(scope.now) + grace.seconds(scope.now)) / 86400
        for rule in rules:
            if rule.days is None:
                yield Observation.violated(
                    target.id, f"{rule.pattern}: never deleted", location=rule.location
                )
            elif rule.days > allowed:
                detail = f"{rule.pattern}: kept {rule.days:g} days, limit {keep}"
                yield Observation.violated(target.id, detail, location=rule.location)
            else:
                detail = f"{rule.pattern}: kept {rule.days:g} days, limit {keep}"
                yield Observation.met(target.id, detail, Measure(1, "rules"), rule.location)


@check(reads="dataset")
def erased_rows_are_gone(rows: SqlDataset, scope: Scope, *, grace: Period) -> Iterator[Observation]:
    """A row marked deleted is gone from the database after its limit (GDPR 17; policy 9.3)."""
    erasure = rows.dataset.erasure
    assert erasure is not None  # noqa: S101  controls select datasets that declare it
    age = rows.marked(grace.before(erasure.within.before(scope.now)))
    subject = f"{rows.dataset.table}.{erasure.column}"
    oldest = None if age.oldest is None else (scope.now - age.oldest).total_seconds()
    # The whole table was looked at for marks: its rows are the evidence, also when none is marked.
    measure = Measure(rows.count(), "rows", oldest=oldest, may_be_empty=rows.dataset.may_be_empty)
    if age.overdue:
        detail = f"{age.overdue} of {age.rows} rows marked deleted are still there after {erasure.within}"
        yield Observation.violated(subject, f"{detail}; the oldest mark is {days(oldest)} old", measure)
    else:
        yield Observation.met(subject, f"{age.rows} rows marked, none past {erasure.within}", measure)


@check(reads="backup")
def erased_rows_leave_backups(backups: BackupSets, scope: Scope, *, grace: Period) -> Iterator[Observation]:
    """A row that was due for erasure when a backup was taken is not in that backup.

    Together with the backups' own limit this bounds how long deleted data survives (policy 9.3).
    """
    for backup in backups.sets():
        if backup.problem is not None:
            yield Observation.unseen(backup.name, backup.problem, backup.location)
            continue
        store = scope.inventory.stores.get(backup.store)
        if store is None:
            yield Observation.unseen(
                backup.name, f"store {backup.store} is not in the inventory", backup.location
            )
            continue
        for dataset, erasure in _erasable(store):
            if dataset.table in backup.tables:
                due = grace.before(erasure.within.before(backup.taken))
                yield _marked_in_backup(backups, backup, dataset, erasure, due)
        measure = Measure(1, "backups")
        yield Observation.met(backup.name, "its manifest read", measure, backup.location)


def _erasable(store: Store) -> Iterator[tuple[Dataset, Erasure]]:
    return ((d, d.erasure) for d in store.datasets.values() if d.erasure is not None)


def _marked_in_backup(
    backups: BackupSets, backup: BackupSet, dataset: Dataset, erasure: Erasure, due: datetime
) -> Observation:
    subject = f"{backup.name}: {dataset.table}"
    scan = backups.rows(backup, dataset.table)
    overdue = 0
    try:
        for row in scan:
            mark = row.get(erasure.column)
            if mark is not None and _moment(mark) < due:
                overdue += 1
    except NotAssessed as error:
        return Observation.unseen(subject, error.reason, backup.location)
    measure = Measure(scan.rows, "rows", may_be_empty=dataset.may_be_empty)
    if overdue:
        detail = f"{overdue} rows were marked deleted for longer than {erasure.within} when it was taken"
        return Observation.violated(subject, detail, measure, backup.location)
    return Observation.met(
        subject, f"{scan.rows} rows, no mark past {erasure.within}", measure, backup.location
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("a deletion mark in the dump is no timestamp") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _limit(retention: Retention | None) -> Period | None:
    return None if retention is None else retention.keep


def _age(moment: datetime | None, now: datetime) -> str:
    return "undated" if moment is None else days((now - moment).total_seconds())


def days(seconds: float | None) -> str:
    """Return an age for people: days, or hours below two days."""
    if seconds is None:
        return "none"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} hours"
    return f"{timedelta(seconds=seconds).days} days"
