"""Card fields are told by what holds them too, on real documents and a real database."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from checks.cards import no_card_columns, no_card_fields, no_card_numbers_logged
from checks.connectors.logs import LogFiles
from checks.connectors.schemas import SchemaDocuments
from checks.connectors.sql import SqlStore
from checks.core.judge import Judgement
from checks.core.model import Address, Files, Outcome, Status, Store, Target


@pytest.mark.parametrize(
    ("table", "column", "violated"),
    [
        ("payment_cards", "number", True),
        ("payment_card", "number", True),
        ("credit_card", "cvc", True),
        ("customer", "card_number", True),
        ("gift_card", "number", False),
        ("payment_cards", "last4", False),
        ("payment_cards", "id", False),
        ("invoice", "number", False),
    ],
)
def test_a_column_is_told_by_its_table_too(tmp_path: Path, table: str, column: str, violated: bool) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute(f"CREATE TABLE {table} ({column} text)")
    connection.close()
    store = Store("shop", "sql", "Shop", {}, {})
    target = Target("shop", "sql", "Shop", store, Address("SHOP_URL", f"sqlite:///{tmp_path}/shop.db"))
    with SqlStore.open(target) as view:
        outcomes = {seen.outcome for seen in no_card_columns(view)}
    assert outcomes == {Outcome.VIOLATED if violated else Outcome.MET}


@pytest.mark.parametrize(
    ("name", "field", "violated"),
    [("PaymentCard", "number", True), ("PaymentCard", "brand", False), ("Invoice", "number", False)],
)
def test_a_field_is_told_by_its_object_too(tmp_path: Path, name: str, field: str, violated: bool) -> None:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "components": {"schemas": {name: {"type": "object", "properties": {field: {"type": "string"}}}}},
    }
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    spec = Files("contract", "schema", "Contract", "openapi.json", "openapi")
    target = Target("contract", "schema", "Contract", spec, Address("DIR", str(tmp_path)))
    with SchemaDocuments.open(target) as view:
        found = [seen for seen in no_card_fields(view) if seen.outcome is Outcome.VIOLATED]
    assert bool(found) is violated


@pytest.mark.parametrize(
    ("files", "may_be_empty", "expected"),
    [
        ({"app.log": "a line\n", "app.log.1": "another\n"}, False, Status.PASS),
        ({"app.log": "", "app.log.1": "another\n"}, False, Status.PASS),  # fresh after rotation
        ({"app.log": "", "app.log.1": ""}, False, Status.NOT_ASSESSED),
        ({"app.log": ""}, True, Status.PASS),
        ({}, True, Status.PASS),
        ({"app.log": "", "app.log.1": "card 4111 1111 1111 1111\n"}, False, Status.FAIL),
        ({"app.log": "a line\n", "app.log.1": "\0"}, False, Status.NOT_ASSESSED),
    ],
)
def test_a_log_without_a_line_is_no_evidence(
    tmp_path: Path, files: dict[str, str], may_be_empty: bool, expected: Status
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    spec = Files("app-log", "log", "Log", "app.log*", "iso", may_be_empty=may_be_empty)
    target = Target("app-log", "log", "Log", spec, Address("LOG_DIR", str(tmp_path)))
    judgement = Judgement()
    with LogFiles.open(target) as log:
        judgement.hear(no_card_numbers_logged(log))
    assert judgement.conclude()[0] is expected
