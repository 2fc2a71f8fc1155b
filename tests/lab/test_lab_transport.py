"""The door before the lab's databases is a real one, and so are the headers of its site."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests
import trustme

from checks import transport
from checks.connectors.tls import TransportView
from checks.core.errors import NotAssessed
from checks.core.hooks import Deployment
from lab import cache, pytest_plugin
from tests import servers
from tests.checks.connectors.tls_servers import way_to
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
    """Return a program that is the server ``name`` built without TLS: asked for it, it does not start."""
    return f"""#!/bin/sh
settings=$(cat)
case "$settings" in *tls-port*) exit 1;; esac
file=$(printf "%s" "$settings" | sed -n "s/^dir //p")/settings
printf "%s" "$settings" >"$file"
exec {name} "$file"
"""


@pytest.fixture
def program() -> Iterator[Path]:
    """A name for a program in a folder that the user who runs servers may enter."""
    folder, _ = servers.place()
    yield folder / "redis-server"
    shutil.rmtree(folder)


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


def test_a_cache_built_without_tls_and_none_at_all(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine does not have is said in one line, and judged as not assessed."""
    real = shutil.which("redis-server")
    if real is None:
        pytest.skip(cache.MISSING)
    authority = trustme.CA()
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    program.write_text(without_tls(real))
    program.chmod(0o755)
    with cache.serve(authority) as served:
        assert served.missing == cache.WITHOUT_TLS
        assert served.run(("GET", "release")) == [b"1.4.0"]
        for check in (transport.server_demands_tls, transport.modern_tls_only):
            way = TransportView.open(way_to(served.entry_url, kind="server"), timeout=2)
            with way as view, pytest.raises(NotAssessed, match="connection refused"):
                list(check(view))
    monkeypatch.setenv("PATH", str(program.parent / "nowhere"))
    with cache.serve(authority) as served:
        assert (served.missing, served.url, served.entry_url) == (cache.MISSING, "", "")
        assert served.run(("GET", "release")) == []


@pytest.mark.parametrize("missing", ["", cache.MISSING])
def test_a_run_says_what_its_lab_does_not_have(missing: str) -> None:
    running: dict[str, Any] = {"addresses": {}, "overlay": {}, "planted": [], "missing": missing}
    deployment = pytest_plugin._deployment(running, "attached")
    assert isinstance(deployment, Deployment)
    assert deployment.note == (f"attached; {missing}" if missing else "attached")
