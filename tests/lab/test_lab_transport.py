"""The door before the lab's databases is a real one, and so are the headers of its site."""

from __future__ import annotations

import psycopg
import pytest
import requests

from tests.lab.workbench import Workbench


def test_the_door_leads_to_the_real_database_and_demands_tls(bench: Workbench) -> None:
    url, ca = bench.lab.entry("cloud-db"), bench.lab.site.ca
    with psycopg.connect(url, sslmode="verify-full", sslrootcert=str(ca)) as connection:
        row = connection.execute("SELECT current_database(), count(*) > 0 FROM account").fetchone()
        assert row == ("enfyra_cloud", True)
        rows = connection.execute("SELECT repeat('x', 1000000) FROM generate_series(1, 5)").fetchall()
        assert sum(len(text) for (text,) in rows) == 5_000_000
    with pytest.raises(psycopg.OperationalError, match="without TLS are not accepted"):
        psycopg.connect(url, sslmode="disable").close()


def test_plain_http_leads_to_the_site(bench: Workbench) -> None:
    found = requests.get(f"{bench.lab.plain_url}/privacy", verify=str(bench.lab.site.ca), timeout=5)
    assert [one.status_code for one in found.history] == [308]
    assert found.url == f"{bench.lab.site.url}/privacy"
    assert found.status_code == 200
