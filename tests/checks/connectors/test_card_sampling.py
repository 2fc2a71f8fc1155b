"""A sample of the rows: the same with the same seed, and never told as the whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from checks.cards import no_card_numbers_stored
from checks.connectors.sql import SqlStore
from checks.core.model import Address, Measure, Outcome, Share, Store, Target
from checks.core.registry import find


@pytest.mark.parametrize("planted", [False, True])
def test_a_sample_of_a_database_says_so(postgres_url: str, planted: bool) -> None:
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS note, few"))
        connection.execute(
            sa.text(
                "CREATE TABLE note AS SELECT n AS id, 'text ' || n AS body FROM generate_series(1, 40000) n"
            )
        )
        connection.execute(sa.text("CREATE TABLE few AS SELECT 'x' AS body"))
        if planted:  # in so many rows that a sample meets one
            connection.execute(sa.text("UPDATE note SET body = '4556737586899855' WHERE id % 100 = 0"))
    engine.dispose()
    store = Store("shop", "sql", "Shop", {}, {})
    target = Target("shop", "sql", "Shop", store, Address("SHOP_URL", postgres_url))
    seen = []
    for _ in range(2):
        with SqlStore.open(target) as view:
            found = no_card_numbers_stored(view, sample=Share("5%"), seed=7)
            seen.append([item for item in found if item.subject.startswith(("note", "few"))])
    assert seen[0] == seen[1]
    measures = {item.subject: item.measure for item in seen[0] if item.outcome is Outcome.MET}
    assert measures["few"] == Measure(1, "rows", size=1)
    if planted:
        assert {item.outcome for item in seen[0] if item.subject != "few"} == {Outcome.VIOLATED}
        assert 5 < len(seen[0]) < 60
    else:
        measure = measures["note"]
        assert measure is not None
        assert measure.of == 40_000
        assert 1500 < measure.looked < 2500
        (said,) = [item.detail for item in seen[0] if item.subject == "note"]
        assert f"(seed 7): with 95 % confidence at most {3 / measure.looked:.2%} of the rows" in said


def test_a_sample_on_sqlite_is_the_same_again(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE note (body text)")
        connection.executemany("INSERT INTO note VALUES (?)", [("text",)] * 20_000)
    connection.close()
    store = Store("shop", "sql", "Shop", {}, {})
    target = Target("shop", "sql", "Shop", store, Address("SHOP_URL", f"sqlite:///{tmp_path}/shop.db"))
    looked = []
    for seed in (1, 1, 2):
        with SqlStore.open(target) as view:
            (seen,) = no_card_numbers_stored(view, sample=Share("0.1"), seed=seed)
            assert seen.measure is not None
            assert seen.measure.of == 20_000
            looked.append(seen.measure.looked)
    assert looked[0] == looked[1] != looked[2]
    assert all(1700 < rows < 2300 for rows in looked)


@pytest.mark.parametrize("text", ["0%", "101%", "2 percent", "", "-1"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no share such as 2%"):
        find("cards.no_card_numbers_stored").bind({"sample": text})
    assert find("cards.no_card_numbers_stored").bind({"sample": "2%"}) == {"sample": Share("2%")}
    assert find("cards.no_card_numbers_stored").bind({}) == {}
