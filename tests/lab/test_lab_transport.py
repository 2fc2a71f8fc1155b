"""The door before the lab's databases is a real one, and so are the headers of its site."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests
import trustme

from checks.core.hooks import Deployment
from checks.core.model import Status
from lab import cache, pytest_plugin
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


def without_tls(name: str) -> str:
    """Return a program that is the server ``name`` where it is not asked for TLS, and else refuses to start."""
    return f'''#!/bin/sh
settings=$(cat)
case "$settings" in *tls-port*) exit 1;; esac
printf "%s\\n" "$settings" | {name} -
'''


def test_the_cache_speaks_tls_with_a_certificate_of_the_labs_authority(bench: Workbench) -> None:
    if not bench.lab.cache.port:
        pytest.skip(cache.MISSING)
    url = bench.lab.addresses()["LAB_CACHE_ENTRY_URL"]
    assert bench.lab.cache.password not in url
    with redis.Redis.from_url(
        url, password=bench.lab.cache.password, ssl_ca_certs=str(bench.lab.site.ca)
    ) as client:
        assert client.get("release") == b"1.4.0"
    with redis.Redis.from_url(url) as client, pytest.raises(redis.ConnectionError, match="CERTIFICATE"):
        client.ping()


def test_a_cache_built_without_tls_and_none_at_all(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the machine does not have is said in one line, and judged as not assessed."""
    real = shutil.which("redis-server")
    if real is None:
        pytest.skip(cache.MISSING)
    authority = trustme.CA()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    program = tmp_path / "redis-server"
    program.write_text(without_tls(real))
    program.chmod(0o755)
    with cache.serve(authority) as served:
        assert served.missing == cache.WITHOUT_TLS
        assert served.run(("GET", "release")) == [b"1.4.0"]
        addresses = {"LAB_CACHE_URL": served.url, "LAB_CACHE_ENTRY_URL": served.entry_url}
        verdicts = [v for v in bench.judge(addresses=addresses, kinds=("transport",)) if "cache" in v.target]
    assert {v.control for v in verdicts} == {"TLS-01", "TLS-02", "TLS-03", "TLS-04"}
    assert {v.status for v in verdicts} == {Status.NOT_ASSESSED}
    assert all("connection refused" in v.reason for v in verdicts), [v.reason for v in verdicts]
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with cache.serve(authority) as served:
        assert (served.missing, served.url, served.entry_url) == (cache.MISSING, "", "")
        assert served.run(("GET", "release")) == []


@pytest.mark.parametrize("missing", ["", cache.MISSING])
def test_a_run_says_what_its_lab_does_not_have(missing: str) -> None:
    running: dict[str, Any] = {"addresses": {}, "overlay": {}, "planted": [], "missing": missing}
    deployment = pytest_plugin._deployment(running, "attached")
    assert isinstance(deployment, Deployment)
    assert deployment.note == (f"attached; {missing}" if missing else "attached")
