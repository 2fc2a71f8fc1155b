"""House rule: each control on the real thing in the other two of its four states, empty and not answering.

Clean and violating are in ``test_plants``. Nothing but what is declared can be neither empty nor silent;
for that, the same two states are a declaration that is missing and one that cannot be compared.
"""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from checks.core.model import Status, Verdict
from tests.lab.workbench import Workbench

WITHOUT_A_LOOK = {"RET-01", "RET-08", "SALE-01", "SALE-07", "PROC-05", "TRAN-01", "USE-01"}
"""Judged on what the inventory declares alone: no address is contacted, so none can be silent."""
DIRECTORIES = ("CONFIG_DIR", "LOG_DIR", "BACKUP_DIR", "SCHEMA_DIR", "ATTESTATION_DIR", "FILE_DIR")


def assessed(verdicts: list[Verdict]) -> list[str]:
    """Return what was judged where nothing could be."""
    return [
        f"{v.control}[{v.target}] {v.status.value}: {v.reason}"
        for v in verdicts
        if v.control not in WITHOUT_A_LOOK and v.status is not Status.NOT_ASSESSED
    ]


def assert_one_clear_line_each(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        assert verdict.crash is None, verdict.crash
        assert 5 < len(verdict.reason) <= 300
        assert "\n" not in verdict.reason


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_port(bench: Workbench, port: int) -> dict[str, str]:
    """Return the lab's addresses with every server elsewhere."""
    url = f"postgresql://policyproof_audit:wrong@127.0.0.1:{port}/enfyra_cloud"
    site = f"https://127.0.0.1:{port}"
    plain = f"http://127.0.0.1:{port}"
    ways = {"LAB_CLOUD_DB_ENTRY_URL": url, "LAB_PROJECT_DB_ENTRY_URL": url, "LAB_SITE_HTTP_URL": plain}
    return ways | {
        "LAB_CLOUD_DB_URL": url,
        "LAB_PROJECT_DB_URL": url,
        "LAB_CACHE_URL": f"redis://127.0.0.1:{port}",
        "LAB_CACHE_ENTRY_URL": f"rediss://127.0.0.1:{port}",
        "LAB_SITE_URL": site,
        "LAB_API_URL": site,
    }


def test_nothing_is_there(bench: Workbench, tmp_path: Path) -> None:
    addresses = with_port(bench, free_port())
    addresses |= {f"LAB_{name}": str(tmp_path / "nowhere") for name in DIRECTORIES}
    verdicts = bench.judge(addresses=addresses)
    assert assessed(verdicts) == []
    assert_one_clear_line_each(verdicts)


def test_no_address_is_set(bench: Workbench) -> None:
    verdicts = bench.judge(addresses=dict.fromkeys(bench.lab.addresses(), ""))
    assert assessed(verdicts) == []
    assert_one_clear_line_each(verdicts)


def test_servers_take_the_connection_and_stay_silent(bench: Workbench) -> None:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        addresses = with_port(bench, listening.getsockname()[1])
        kinds = ("sql", "dataset", "site", "api", "transport")
        verdicts = bench.judge(addresses=addresses, kinds=kinds, timeout=0.2)
    assert assessed(verdicts) == []
    assert_one_clear_line_each(verdicts)


def test_wrong_password_and_wrong_token(bench: Workbench) -> None:
    good = bench.lab.addresses()
    parts = good["LAB_CLOUD_DB_URL"].split("@")
    wrong = f"postgresql://policyproof_audit:not-it@{parts[1]}"
    addresses = {"LAB_CLOUD_DB_URL": wrong, "LAB_PROJECT_DB_URL": wrong, "LAB_API_TOKEN": "not-it"}
    verdicts = bench.judge(addresses=addresses, kinds=("sql", "dataset", "api"))
    assert assessed(verdicts) == []
    assert not any("not-it" in verdict.reason for verdict in verdicts)


EMPTY_IS_EVIDENCE = {
    # The catalogue of roles is never empty: the login that looks is itself in it.
    "PROC-02",
    # A page that is not there is what is demanded.
    "SALE-04",
}


def test_databases_without_tables(bench: Workbench) -> None:
    server = bench.lab.databases.server
    with server.connect("postgres") as connection:
        connection.execute("CREATE DATABASE empty_one")
    try:
        user, rest = bench.lab.addresses()["LAB_CLOUD_DB_URL"].rsplit("/", 1)
        assert rest == "enfyra_cloud"
        url = f"{user}/empty_one"
        verdicts = bench.judge(
            addresses={"LAB_CLOUD_DB_URL": url, "LAB_PROJECT_DB_URL": url}, kinds=("sql", "dataset")
        )
    finally:
        with server.connect("postgres") as connection:
            connection.execute("DROP DATABASE empty_one WITH (FORCE)")
    assert [line for line in assessed(verdicts) if not line.startswith(tuple(EMPTY_IS_EVIDENCE))] == []


@pytest.mark.parametrize("store", ["cloud-db", "project-db"])
def test_tables_without_rows(bench: Workbench, store: str) -> None:
    bench.lab.databases.run(
        store,
        """DO $$ DECLARE t text; BEGIN
             FOR t IN SELECT relname FROM pg_stat_user_tables LOOP
               EXECUTE format('TRUNCATE %I CASCADE', t);
             END LOOP; END $$""",
    )
    verdicts = bench.judge(kinds=("sql", "dataset"))
    rows = {"CARD-03", "CARD-06", "RET-02", "RET-06"}
    seen = [v for v in verdicts if v.control in rows and v.target.split(".")[0] == store]
    assert seen
    assert assessed(seen) == []


def test_folders_without_files(bench: Workbench) -> None:
    for folder in ("configs", "logs", "backups", "schemas", "attestations", "files"):
        shutil.rmtree(bench.lab.root / folder)
        (bench.lab.root / folder).mkdir()
    verdicts = bench.judge(kinds=("config", "log", "backup", "schema", "attestation", "files"))
    assert assessed(verdicts) == []
    assert_one_clear_line_each(verdicts)


def test_files_without_content(bench: Workbench) -> None:
    for folder in ("configs", "logs", "backups", "schemas", "attestations", "files"):
        for path in (bench.lab.root / folder).rglob("*"):
            if path.is_file():
                path.write_bytes(b"")
    verdicts = bench.judge(kinds=("config", "log", "backup", "schema", "attestation", "files"))
    assert assessed(verdicts) == []
    assert_one_clear_line_each(verdicts)


def test_files_of_noise(bench: Workbench) -> None:
    for folder in ("configs", "logs", "backups", "schemas", "attestations", "files"):
        for path in (bench.lab.root / folder).rglob("*"):
            if path.is_file():
                path.write_bytes(b"\x00\xff\x1f\x8b\n" * 200)
    verdicts = bench.judge(kinds=("config", "log", "backup", "schema"))
    assert assessed(verdicts) == []
    assert_one_clear_line_each(verdicts)


@contextmanager
def answering(status: int, kind: str, body: bytes) -> Iterator[str]:
    """Serve the same answer to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.parametrize(
    ("status", "kind", "body", "expected"),
    [
        (500, "text/html", b"<h1>Internal Server Error</h1>", {}),
        (503, "text/html", b"", {}),
        (200, "text/html", b"", {}),
        (200, "text/html", b"<form action=/login><input type=password name=p></form>", {}),
        (404, "text/html", b"<h1>not found</h1>", {"SALE-04": "pass"}),
        (200, "application/octet-stream", b"\x00\x01\x02" * 100, {}),
        # The start page for any path: no ads.txt, no tracker in it, and no policy either.
        (
            200,
            "text/html",
            b"<!doctype html><h1>Start</h1><p>Hello.</p>",
            {"SALE-04": "pass", "SALE-05": "pass"},
        ),
    ],
)
def test_a_site_that_answers_with_something_else(
    bench: Workbench, status: int, kind: str, body: bytes, expected: Mapping[str, str]
) -> None:
    with answering(status, kind, body) as url:
        verdicts = bench.judge(addresses={"LAB_SITE_URL": url, "LAB_API_URL": url}, kinds=("site", "api"))
    assert_one_clear_line_each(verdicts)
    got = {v.control: v.status.value for v in verdicts if v.status is not Status.NOT_ASSESSED}
    assert got == expected, assessed(verdicts)


def test_what_is_declared_and_missing(bench: Workbench) -> None:
    """Agreements that nobody recorded for this environment are unseen, not in force."""
    names = ["cloud-host", "edge-host", "mail-relay", "log-service", "abuse-shield", "paddle"]
    overlay = {"processors": {name: {"agreements": {"lab": None}} for name in names}}
    verdicts = bench.judge(overlay, kinds=("processor",))
    agreements = [v for v in verdicts if v.control == "PROC-05"]
    assert len(agreements) == len(names)
    assert {v.status for v in agreements} == {Status.NOT_ASSESSED}


def test_the_database_stops_half_way(bench: Workbench) -> None:
    """A server that dies while rows stream: what was not read to its end is not assessed."""
    stopper = threading.Thread(target=stop_while_rows_stream, args=(bench,))
    stopper.start()
    try:
        verdicts = bench.judge(kinds=("sql", "dataset"))
    finally:
        stopper.join()
    assert_one_clear_line_each(verdicts)
    by_id = {(v.control, v.target): v.status for v in verdicts}
    assert by_id["CARD-03", "cloud-db"] is Status.NOT_ASSESSED
    assert by_id["CARD-03", "project-db"] is Status.PASS
    assert Status.FAIL not in by_id.values()


def stop_while_rows_stream(bench: Workbench) -> None:
    """Wait for the first rows to be fetched, then cut every connection and let none in again."""
    with bench.lab.databases.server.connect("postgres") as connection:
        for _ in range(2000):
            fetching = connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = 'enfyra_cloud' AND query LIKE 'FETCH%'"
            )
            if fetching.fetchone():
                break
            time.sleep(0.005)
        connection.execute("ALTER DATABASE enfyra_cloud ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'enfyra_cloud'"
        )


def test_without_a_ca_bundle_the_public_authorities_are_trusted_and_no_other(bench: Workbench) -> None:
    verdicts = bench.judge(addresses={"LAB_SITE_CA": ""}, kinds=("site", "api"))
    assert assessed(verdicts) == []
    assert {v.reason.partition("certificate")[2] for v in verdicts} == {" comes from an unknown authority"}
