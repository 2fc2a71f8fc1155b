"""Card numbers in caches and areas of files: a real Redis, real folders, an S3 on loopback."""

from __future__ import annotations

import io
import os
import shutil
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme
import yaml

from checks.core.controls import load_control
from checks.core.inventory import load_inventory
from checks.core.model import Status, Verdict
from checks.core.session import Session
from tests import servers
from tests.checks.scanner.test_live_redis import address, started
from tests.checks.scanner.test_objects import endpoint  # noqa: F401  a fixture

ROOT = Path(__file__).parents[2]
CONTROL = load_control(ROOT / "controls" / "s02-card-numbers-not-in-caches-and-files.yaml")
CARD = "4539783027159469"
PASS, FAIL, NOT = Status.PASS, Status.FAIL, Status.NOT_ASSESSED


def judge(
    folder: Path, section: str, where: str, *, timeout: float = 5.0, ca: str = "", **spec: Any
) -> Verdict:
    """Run the control on one cache or area of files."""
    spec |= {"ca": "CA"} if ca else {}
    document = {
        "version": 1,
        "organization": "Acme",
        "environments": {"lab": {"label": "Lab", "prefix": "", "policy": "acme"}},
        section: {"here": {"title": "Here", "address": "HERE", **spec}},
    }
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(document))
    loaded = load_inventory(path, "lab", {"CA": ca, **({"HERE": where} if where else {})})
    session = Session(loaded, timeout=timeout)
    try:
        verdict = session.run(CONTROL, loaded.targets["here"])
    finally:
        session.close()
    assert verdict.crash is None
    said = repr(verdict)
    assert CARD not in said
    assert CARD not in said.replace(" ", "")
    assert servers.PASSWORD not in said
    return verdict


def words(verdict: Verdict) -> str:
    seen = (*verdict.findings, *verdict.unseen, *verdict.evidence)
    return "\n".join(f"{each.subject}: {each.detail}" for each in seen)


# ── caches ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Any]]:
    with started("--requirepass", servers.PASSWORD) as (port, _):
        client: Any = redis.Redis("127.0.0.1", port, password=servers.PASSWORD)
        yield port, client
        client.close()


def test_a_cache_clean_violating_and_empty(server: tuple[int, Any], tmp_path: Path) -> None:
    port, client = server
    client.flushall()
    assert judge(tmp_path, "caches", address(port)).status is NOT
    assert judge(tmp_path, "caches", address(port), may_be_empty=True).status is PASS
    client.hset("plans", "team", "19.00")
    assert judge(tmp_path, "caches", address(port)).status is PASS
    writes = [
        lambda: client.set("order:7", f"card {CARD}"),
        lambda: client.set(f"card:{CARD}", "x"),
        lambda: client.rpush("queue", "a", CARD),
        lambda: client.xadd("events", {"memo": CARD}),
    ]
    for write in writes:
        write()
        verdict = judge(tmp_path, "caches", address(port))
        assert verdict.status is FAIL
        assert "db0: row " in words(verdict)
        assert "453978******9469" in words(verdict)
        client.delete("order:7", f"card:{CARD}", "queue", "events")


def test_a_cache_that_does_not_answer(server: tuple[int, Any], tmp_path: Path) -> None:
    port, _ = server
    refused = judge(tmp_path, "caches", address(port, password="wrong-password"))
    assert "refused the user name or password" in refused.reason
    assert "$HERE is no URL such as redis://" in judge(tmp_path, "caches", "http://127.0.0.1").reason
    assert "HERE is not set" in judge(tmp_path, "caches", "").reason
    nobody = judge(tmp_path, "caches", address(servers.free_port()))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        late = judge(tmp_path, "caches", address(silent.getsockname()[1]), timeout=0.3)
    assert {verdict.status for verdict in (refused, nobody, late)} == {NOT}
    assert "connection refused" in nobody.reason


def test_a_cache_over_tls_is_read_where_its_authority_is_known(tmp_path: Path) -> None:
    authority, trusted = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    folder, owner = servers.place()
    pem = folder / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    if owner:
        os.chown(pem, owner["user"], owner["group"])
    port = servers.free_port()
    options = ["--requirepass", servers.PASSWORD, "--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", str(pem), "--tls-key-file", str(pem)]
    where = address(port).replace("redis:", "rediss:")
    with started(*options) as (plain, _):
        assert judge(tmp_path, "caches", where, ca=str(trusted), may_be_empty=True).status is PASS
        with redis.Redis("127.0.0.1", plain, password=servers.PASSWORD) as client:
            client.set("order:7", f"card {CARD}")
        assert judge(tmp_path, "caches", where, ca=str(trusted)).status is FAIL
        assert judge(tmp_path, "caches", address(plain), ca=str(tmp_path / "none")).status is FAIL
        unseen = [
            judge(tmp_path, "caches", where),
            judge(tmp_path, "caches", where, ca=str(tmp_path / "none")),
        ]
    shutil.rmtree(folder)
    assert {verdict.status for verdict in unseen} == {NOT}
    assert unseen[1].reason.endswith("here: $CA names no readable CA bundle")


# ── areas of files ───────────────────────────────────────────────────────────────────────────────


def archive() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("form.txt", f"Card {CARD}\n")
    return held.getvalue()


def test_a_folder_clean_violating_and_empty(tmp_path: Path) -> None:
    area = tmp_path / "area"
    area.mkdir()
    assert judge(tmp_path, "files", str(area)).status is NOT
    assert judge(tmp_path, "files", str(area), may_be_empty=True).status is PASS
    (area / "notes.txt").write_text("nothing here\n")
    assert judge(tmp_path, "files", str(area)).status is PASS
    (area / "order.zip").write_bytes(archive())
    verdict = judge(tmp_path, "files", str(area))
    assert verdict.status is FAIL
    assert "order.zip!form.txt: line 1: Visa number 453978******9469" in words(verdict)
    (area / "order.zip").write_bytes(archive()[:-30])  # what is broken is no pass
    assert judge(tmp_path, "files", str(area)).status is not PASS
    (area / "order.zip").unlink()
    (area / f"scan-{CARD}.txt").write_text("x")
    verdict = judge(tmp_path, "files", str(area))
    assert verdict.status is FAIL
    assert "scan-453978******9469.txt, its name" in words(verdict)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "files", str(tmp_path / "nowhere"))
    assert verdict.status is NOT
    assert "here: the folder at $HERE does not exist" in verdict.reason
    assert str(tmp_path) not in verdict.reason
    (tmp_path / "file").write_text("x")
    assert judge(tmp_path, "files", str(tmp_path / "file")).status is NOT
    assert "not a kind of address" in judge(tmp_path, "files", "gopher://x/y").reason


def test_a_bucket_in_four_states(endpoint: str, tmp_path: Path) -> None:  # noqa: F811
    import botocore.session

    client = botocore.session.get_session().create_client("s3")
    client.create_bucket(Bucket="stored-area")
    assert judge(tmp_path, "files", "s3://stored-area").status is NOT
    client.put_object(Bucket="stored-area", Key="in/a.txt", Body=b"nothing\n")
    assert judge(tmp_path, "files", "s3://stored-area").status is PASS
    client.put_object(Bucket="stored-area", Key="in/b.zip", Body=archive())
    verdict = judge(tmp_path, "files", "s3://stored-area")
    assert verdict.status is FAIL
    assert "in/b.zip!form.txt: line 1: Visa number" in words(verdict)
    missing = judge(tmp_path, "files", "s3://there-is-none")
    assert missing.status is NOT
    assert "no such bucket" in missing.reason
