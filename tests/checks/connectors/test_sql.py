"""The SQL connector's views on PostgreSQL, MariaDB and SQLite."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

import pytest
import sqlalchemy as sa

from checks.connectors.sql import Age, SqlDataset, SqlStore
from checks.connectors.sql_scan import key_paths, row_label
from checks.core.errors import Unreadable
from checks.core.model import Dataset, Erasure, Period, Retention, Target
from tests.checks.connectors.conftest import cells, target

BEFORE = datetime(2022, 1, 1, tzinfo=UTC)
OLD = datetime(2020, 1, 1, 12, tzinfo=UTC)


def test_tables_of_every_dialect(any_url: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        tables = store.tables()
        assert {"account", "nothing_here", "clock", "odd na:me%"} <= set(tables)
        assert "account_view" not in tables
        account = tables["account"]
        assert account.key == ("id",)
        text = {column.name for column in account.columns if column.text}
        assert {"email", "payload", "card", "photo"} <= text
        if store.dialect != "sqlite":
            assert not {"created_at", "small", "born"} & text
        assert account.column("photo").binary  # type: ignore[union-attr]
        assert store.tables() is tables


def test_types_of_postgresql(postgres_url: str) -> None:
    with SqlStore.open(target(postgres_url)) as store:
        tables = store.tables()
        invoice = tables["billing.invoice"]
        assert invoice.comment == "Invoices"
        assert invoice.column("p").comment == "card number"  # type: ignore[union-attr]
        text = {column.name for column in invoice.columns if column.text}
        assert text == {"lines", "p", "n", "b", "j", "x", "t", "bits"}
        assert {column.name for column in invoice.columns if column.array} == {"lines", "bits"}
        assert {column.name for column in invoice.columns if column.json} == {"j"}
        assert {"measured", "summary"} <= set(tables)
        assert "measured_2020" not in tables
        assert store.count("measured") == 1


@pytest.mark.parametrize("column", ["seconds", "millis", "iso"])
def test_age_of_other_clocks(any_url: str, column: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        assert store.age("clock", column, BEFORE) == Age(2, OLD, 1, 0)


def test_age_and_marked(any_url: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        assert store.age("account", "created_at", BEFORE) == Age(3, OLD, 1, 1)
        assert store.marked("account", "deleted_at", BEFORE) == Age(1, datetime(2024, 1, 1, tzinfo=UTC), 0, 0)
        assert store.age("account", "born", BEFORE).oldest == datetime(1980, 2, 3, tzinfo=UTC)
        assert store.age("nothing_here", "created_at", BEFORE) == Age(0, None, 0, 0)
        assert store.count("nothing_here") == 0


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        (
            "account",
            "create_at",
            r"cloud-db: table account has no column create_at \(did you mean 'created_at'\?\)",
        ),
        ("acount", "created_at", r"cloud-db: has no table acount \(did you mean 'account'\?\)"),
        ("clock", "bad", "(no date|cannot be converted)"),
    ],
)
def test_age_that_cannot_be_read(any_url: str, table: str, column: str, words: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        with pytest.raises(Unreadable, match=words) as caught:
            store.age(table, column, BEFORE)
        assert "soon" not in caught.value.reason
        assert store.count("account") == 3  # the session goes on


def test_an_infinite_date_is_unreadable(postgres_url: str) -> None:
    with SqlStore.open(target(postgres_url)) as store:
        assert store.age("billing.invoice", "at", BEFORE).oldest == datetime(2020, 1, 1, 10, tzinfo=UTC)
        with pytest.raises(Unreadable, match="a date that no calendar has"):
            store.age("billing.invoice", "always", BEFORE)


def test_text_rows(any_url: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        scan = store.text_rows("account")
        texts = {(cell.row, cell.column): cell.text for cell in cells(scan)}
        assert scan.rows == 3
        assert texts["id=1", "card"] == "4111111111111111"
        assert texts["id=1", "photo"] == "4111"
        assert '"order_id"' in texts["id=1", "payload"]
        assert ("id=2", "email") not in texts
        assert next(cells(store.text_rows("odd na:me%"))) == ("row 1", "a:b%c", "4111 1111 1111 1111")
        empty = store.text_rows("nothing_here")
        assert (list(cells(empty)), empty.rows) == ([], 0)


def test_arrays_and_uuid_keys(postgres_url: str) -> None:
    with SqlStore.open(target(postgres_url)) as store:
        invoices = list(cells(store.text_rows("billing.invoice")))
        assert {cell.row for cell in invoices} == {"id=6f8f5771-5090-da26-3245-3988d9a1501b"}
        assert {cell.text for cell in invoices} == {'{"4111 1111 1111 1111"}', '[{"pan": 1}]'}
        numbers = store.text_rows("measured")
        assert (list(cells(numbers)), numbers.rows, numbers.columns) == ([], 1, ())


def test_queries_inside_a_stream_and_an_abandoned_stream(any_url: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        rows = cells(store.text_rows("account"))
        next(rows)
        assert store.count("account") == 3
        del rows
        assert store.text_rows("account").rows == 0
        assert len({cell.row for cell in cells(store.text_rows("account"))}) == 3


def test_payload_keys(any_url: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        scan = store.payload_keys("account", "payload")
        found = {row: set(paths) for row, paths in scan}
        assert found == {
            "id=1": {"event_id", "data.order_id", "data.lines[].sku"},
            "id=2": {"event_id", "<key>"},
        }
        assert scan.rows == 3
        with pytest.raises(Unreadable, match=r"cloud-db: column account\.email: id=1 is not JSON"):
            list(store.payload_keys("account", "email"))


def test_key_paths_of_odd_documents() -> None:
    assert key_paths(None) == key_paths({}) == key_paths(1) == ()
    assert key_paths([{"a": []}, {"a": {}}, [1]]) == ("[].a[]", "[].a", "[][]")


def test_a_key_that_may_be_personal_is_not_shown() -> None:
    assert row_label(("phone",), (4915112345678,), 4) == "row 4"
    assert row_label(("email",), ("a@example.com",), 4) == "row 4"
    assert row_label(("order", "line"), (7, 2), 4) == "order=7,line=2"


def test_the_session_cannot_write(any_url: str) -> None:
    with SqlStore.open(target(any_url)) as store:
        for statement in ("DELETE FROM account", "CREATE TABLE planted (id INTEGER)"):
            with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.?only"):
                store._link.rows(sa.text(statement))
        assert store.count("account") == 3


def test_a_dataset_looks_through_its_store(any_url: str) -> None:
    spec = Dataset(
        "cloud-db.accounts",
        "cloud-db",
        "account",
        "Accounts",
        MappingProxyType({}),
        (),
        (),
        Retention(Period("P1Y"), "created_at", None, None),
        Erasure("deleted_at", Period("P30D")),
    )
    with SqlStore.open(target(any_url)) as store:
        dataset = SqlDataset(Target(spec.id, "dataset", "Accounts", spec), store)
        assert dataset.count() == 3
        assert dataset.age(BEFORE).overdue == 1
        assert dataset.marked(BEFORE).rows == 1
        assert dataset.payload_keys("payload").rows == 0
        assert len(list(cells(dataset.text_rows()))) > 3
