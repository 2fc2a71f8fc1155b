"""The rights drill on the lab: what it leaves behind, which is nothing."""

from __future__ import annotations

from lab import canaries
from lab.plants import PLANTS
from tests.lab.workbench import Workbench


def test_a_drill_leaves_no_row_and_no_session_and_two_lines_without_a_name(bench: Workbench) -> None:
    log = bench.lab.logs / "app" / "app.log"
    before, rows = log.read_text().splitlines(), counts(bench)
    verdicts = bench.judge(kinds=("rights",))
    assert {verdict.status.value for verdict in verdicts} == {"pass"}
    assert len(verdicts) == 5
    assert counts(bench) == rows
    assert bench.lab.people.sessions == {}
    added = log.read_text().splitlines()[len(before) :]
    assert len(added) == 2
    assert not any(canaries.rights_mac("prefix") in line for line in added)


def test_no_verdict_holds_a_marker(bench: Workbench) -> None:
    plants = [plant for plant in PLANTS.values() if any(name.startswith("RIGHT") for name in plant.fails)]
    verdicts = bench.judge(bench.plant(plants), kinds=("rights",))
    assert {verdict.status.value for verdict in verdicts} == {"fail"}
    assert canaries.rights_mac("prefix") not in repr(verdicts)
    assert "canary-" in repr(verdicts)


def counts(bench: Workbench) -> list[int]:
    tables = ("account", "email_verification", "support_ticket", "support_message", "auth_event")
    with bench.lab.databases.server.connect("enfyra_cloud") as connection:
        found = (connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables)
        return [row[0] for row in found if row is not None]
