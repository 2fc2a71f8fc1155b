"""The lab itself: started by a person, by a run, and gone without trace."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from lab import canaries
from lab.plants import PLANTS
from lab.rows import generate
from tests.lab.workbench import ROOT, Workbench


@contextmanager
def lab(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "up", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


def test_list_names_each_plant_and_what_it_breaks() -> None:
    with lab("--list") as process:
        output, _ = process.communicate()
    lines = [line.split(maxsplit=1) for line in output.splitlines()]
    assert dict(lines) == {p.name: p.breaks for p in PLANTS.values()}


def test_an_unknown_plant_is_one_line_with_the_nearest_name() -> None:
    with lab("--plant", "card-in-jsn") as process:
        _, complaint = process.communicate()
    assert process.returncode == 4
    assert complaint.startswith("lab: no plant 'card-in-jsn' (did you mean 'card-in-json'?)")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("end", ["stdin", "signal"])
def test_it_ends_with_its_parent_and_leaves_nothing(end: str) -> None:
    with lab("--json") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        root = Path(ready["addresses"]["LAB_LOG_DIR"]).parent
        assert root.is_dir()
        if end == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not root.exists()
        port = int(re.findall(r":(\d+)/", ready["addresses"]["LAB_CLOUD_DB_URL"])[0])
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres?connect_timeout=2")
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_rows_are_the_same_every_time_and_tens_of_thousands(bench: Workbench) -> None:
    first, second = generate(bench.lab.now), generate(bench.lab.now)
    assert first == second
    assert sum(len(table.rows) for tables in first.values() for table in tables) > 20_000


def test_site_and_api_are_real(bench: Workbench) -> None:
    site = bench.lab.site
    page = requests.get(f"{site.url}/privacy", verify=str(site.ca), timeout=5)
    assert page.status_code == 200
    assert "Effective date" in page.text
    refused = requests.get(f"{site.url}/v1/me", verify=str(site.ca), timeout=5)
    assert refused.status_code == 401
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(site.url, timeout=5)


def test_the_suites_own_login_cannot_write(bench: Workbench) -> None:
    with (
        psycopg.connect(bench.lab.addresses()["LAB_CLOUD_DB_URL"]) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM account")


def test_a_run_changes_nothing(bench: Workbench) -> None:
    """Read-only: the databases' counters of written rows, and every file, are as before."""
    before = state(bench)
    bench.judge({"environments": {"lab": {"drills": []}}})
    assert state(bench) == before


def state(bench: Workbench) -> object:
    counters = []
    for name in ("enfyra_cloud", "enfyra_project"):
        with bench.lab.databases.server.connect(name) as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
            counters.append(
                connection.execute(
                    "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY 1"
                ).fetchall()
            )
    files = {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in bench.lab.root.rglob("*")
        if path.is_file()
    }
    return counters, files


def test_canaries_are_in_the_deployment(bench: Workbench) -> None:
    """What the leak test greps for is really there, or it would prove nothing."""
    bench.plant(list(PLANTS.values()))
    rows = []
    for name in ("enfyra_cloud", "enfyra_project"):
        with bench.lab.databases.server.connect(name) as connection:
            tables = connection.execute("SELECT relname FROM pg_stat_user_tables").fetchall()
            for (table,) in tables:
                rows += [str(r[0]) for r in connection.execute(f'SELECT t::text FROM "{table}" t').fetchall()]
    everything = "\n".join(rows)
    assert canaries.CARD_IN_JSON in everything
    assert canaries.PLANTED_EMAIL in everything
