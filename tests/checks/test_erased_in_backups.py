"""RET-07: an empty table of a backup is evidence only where the inventory says that it may be empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.core.inventory import load_inventory
from checks.core.judge import Judgement
from checks.core.model import Outcome, Period, Status
from checks.core.registry import Scope
from checks.core.session import Session
from checks.retention import erased_rows_leave_backups
from lab import backups
from lab.rows import Table

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COLUMNS = ("id", "created_at", "deleted_at")
INVENTORY = """\
version: 1
organization: Acme
environments:
  lab: {label: Lab, prefix: LAB_, policy: acme, synthetic: true}
stores:
  crm:
    kind: sql
    title: CRM
    address: CRM_URL
    datasets:
      people:
        table: person
        title: People
        purposes: [essential.service.operations]
        columns: {id: system.identifier, created_at: system.timestamp, deleted_at: system.timestamp}
        retention: {keep: P1Y, clock: created_at, basis: contract, deletion: job}
        erasure: {column: deleted_at, within: P30D}
        may_be_empty: EMPTY
backups:
  nightly:
    title: Dumps
    address: BACKUP_DIR
    path: "*/manifest.json"
    format: manifest
    stores: [crm]
    retention: {keep: P30D}
"""


@pytest.mark.parametrize(
    ("deleted", "may_be_empty", "expected", "said"),
    [
        ([], "false", Status.NOT_ASSESSED, "2026-11-25-crm: person: nothing to look at: 0 rows"),
        ([], "true", Status.PASS, "2 observations as demanded"),
        ([None], "false", Status.PASS, "2 observations as demanded"),
        ([31], "true", Status.PASS, "2 observations as demanded"),  # within the grace
        ([32], "true", Status.FAIL, "1 violation"),
    ],
)
def test_an_empty_table_of_a_backup(
    tmp_path: Path, deleted: list[int | None], may_be_empty: str, expected: Status, said: str
) -> None:
    made = NOW - timedelta(days=90)
    marks = [None if days is None else NOW - timedelta(days=days) for days in deleted]
    rows = [(number, made, mark) for number, mark in enumerate(marks, 1)]
    backups.write_set(tmp_path / "sets", "crm", NOW, [Table("person", COLUMNS, rows)])
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY.replace("EMPTY", may_be_empty))
    inventory = load_inventory(path, "lab", {"LAB_BACKUP_DIR": str(tmp_path / "sets")})
    session, judgement = Session(inventory), Judgement()
    scope = Scope(inventory, NOW, inventory.targets["nightly"], session.view, {})
    seen = list(erased_rows_leave_backups(session.view("nightly"), scope, grace=Period("PT25H")))
    judgement.hear(seen)
    session.close()
    assert judgement.conclude() == (expected, said)
    (table,) = [item for item in seen if item.subject.endswith(": person")]
    assert table.measure is not None
    assert (table.measure.looked, table.measure.unit) == (len(deleted), "rows")
    assert table.measure.may_be_empty is (may_be_empty == "true")
    assert (table.outcome is Outcome.VIOLATED) is (expected is Status.FAIL)
