"""The rights drill on a real service: clean, violating, empty, not answering; always cleaned up."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from checks.core.model import Status, Verdict
from checks.detectors.canary import Canaries
from tests import servers
from tests.checks.connectors import http_servers as hostile
from tests.checks.rights_service import INVENTORY, KEY, NOW, Service, running
from tests.checks.scanner.test_live_redis import address, started

PASS, FAIL, NOT = Status.PASS, Status.FAIL, Status.NOT_ASSESSED
CANARIES = Canaries(KEY)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def cache() -> Iterator[tuple[int, Any]]:
    with started("--requirepass", servers.PASSWORD) as (port, _):
        client: Any = redis.Redis("127.0.0.1", port, password=servers.PASSWORD)
        yield port, client
        client.close()


def statuses(verdicts: dict[str, Verdict]) -> dict[str, Status]:
    """Return what is no pass."""
    assert not [verdict.crash for verdict in verdicts.values() if verdict.crash]
    return {name: verdict.status for name, verdict in verdicts.items() if verdict.status is not PASS}


def words(verdict: Verdict) -> str:
    seen = (*verdict.findings, *verdict.unseen, *verdict.evidence)
    return "\n".join(f"{each.subject}: {each.detail}" for each in seen)


def nobody_left(service: Service) -> bool:
    return service.people() == [("Somebody", "somebody@else.example", None)]


def old_marker(days: float, name: str = "email") -> str:
    return CANARIES.marker(CANARIES.new(NOW - timedelta(days=days)), name)


def remains(**what: object) -> dict[str, Any]:
    return {"remains": [{"place": "crm", **what}]}


# ── clean, and cleaned up ────────────────────────────────────────────────────────────────────────


def test_a_service_that_does_as_it_should(service: Service) -> None:
    verdicts = service.judge()
    assert statuses(verdicts) == {}
    assert nobody_left(service)
    assert service.asked.count("POST people") == 1  # one drill serves every control
    assert service.asked.count("POST sessions") == 3  # two devices, and the try afterwards


def test_without_opting_in_nothing_is_sent(service: Service) -> None:
    without = copy.deepcopy(INVENTORY)
    del without["environments"]["lab"]["drills"]
    verdicts = service.judge(inventory=without)
    assert set(statuses(verdicts).values()) == {NOT}
    assert "does not opt in (drills: [rights] in " in verdicts["RIGHT-01"].reason
    assert service.asked == []


def test_no_marker_and_no_secret_is_in_what_is_reported(service: Service) -> None:
    def faulty(request: str, given: object) -> tuple[int, Any] | None:
        if request == "DELETE people {id}":
            service.run("INSERT INTO history SELECT email || ' ' || name FROM person")
        return None

    service.before = faulty
    service.run("INSERT INTO history VALUES (?)", f"{old_marker(3)}@canary.example")
    verdicts = service.judge()
    assert statuses(verdicts) == {"RIGHT-03": FAIL, "RIGHT-05": FAIL}
    said = repr(verdicts)
    assert "still holds new_name of a deleted person" in said
    assert list(CANARIES.sightings(said)) == []
    assert KEY not in said


@pytest.mark.parametrize("moment", ["PUT people {id} note", "GET people {id} export", "PATCH people {id}"])
def test_the_canary_goes_also_after_a_crash(
    service: Service, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checks.connectors.rights_drill import Person

    real = Person.do

    def interrupted(self: Person, step: Any) -> Any:
        reply = real(self, step)
        if service.asked[-1] == moment:
            raise KeyboardInterrupt
        return reply

    monkeypatch.setattr(Person, "do", interrupted)
    with pytest.raises(KeyboardInterrupt):
        service.judge()
    assert nobody_left(service)


def test_what_a_run_left_the_next_takes_away(service: Service) -> None:
    service.before = lambda request, given: (500, {}) if request.startswith("DELETE") else None
    verdicts = service.judge(now=NOW - timedelta(days=1))
    assert verdicts["RIGHT-03"].status is NOT
    assert "HTTP 500; the canary is still there" in verdicts["RIGHT-03"].reason
    assert len(service.people()) == 2
    service.before = lambda request, given: None
    verdicts = service.judge()
    assert statuses(verdicts) == {}
    assert "1 canaries that earlier runs had left were taken away" in words(verdicts["RIGHT-05"])
    assert nobody_left(service)


def test_a_canary_of_a_run_beside_us_is_left_alone(service: Service) -> None:
    service.before = lambda request, given: (500, {}) if request.startswith("DELETE") else None
    service.judge(now=NOW - timedelta(minutes=2))
    service.before = lambda request, given: None
    assert statuses(service.judge()) == {}
    assert len(service.people()) == 2


# ── violating ────────────────────────────────────────────────────────────────────────────────────


def test_an_export_without_the_note_and_with_the_password(service: Service) -> None:
    passwords: list[str] = []

    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "POST people":
            passwords.append(given["password"])
        if request == "GET people {id} export" and len(service.people()) > 1:
            return 200, {
                **dict(zip(("name", "email"), service.people()[-1][:2], strict=True)),
                "p": passwords,
            }
        return None

    service.before = faulty
    verdicts = service.judge()
    assert statuses(verdicts) == {"RIGHT-01": FAIL}
    assert "the person gave note, the export does not hold it" in words(verdicts["RIGHT-01"])
    assert "holds the password in clear" in words(verdicts["RIGHT-01"])
    assert passwords[0] not in repr(verdicts)


def test_a_copy_that_is_not_corrected(service: Service) -> None:
    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "PUT people {id} note":
            service.run("INSERT INTO history SELECT name FROM person WHERE id > 1")
        if request.startswith("DELETE"):
            service.run("DELETE FROM history")
        return None

    service.before = faulty
    verdicts = service.judge()
    assert statuses(verdicts) == {"RIGHT-02": FAIL}
    assert "history.what: still holds name as it was before" in words(verdicts["RIGHT-02"])
    assert statuses(service.judge(rights=remains(basis="audit law"))) == {}


def test_a_page_that_is_not_corrected(service: Service) -> None:
    old: list[Any] = []

    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "GET people {id}" and len(service.people()) > 1:
            old.append(service.people()[-1][0])
            return 200, {"name": old[0]}
        return None

    service.before = faulty
    verdicts = service.judge()
    assert statuses(verdicts) == {"RIGHT-02": FAIL}
    assert "GET /people/{id}: still shows name as it was before" in words(verdicts["RIGHT-02"])


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_address_in_a_log_also_in_capitals(service: Service, suffix: str) -> None:
    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "POST people":
            line = f"joined: {given['email'].upper()}\n".encode()
            path = service.logs / "app.log"
            path.write_bytes(path.read_bytes() + line)
            other = service.logs / f"old.log{suffix}"
            other.write_bytes(gzip.compress(line) if suffix else line)
        return None

    (service.logs / f"old.log{suffix}").write_bytes(gzip.compress(b"") if suffix else b"")
    service.before = faulty
    wide = copy.deepcopy(INVENTORY)
    wide["logs"]["app"]["path"] = "*.log*"
    verdicts = service.judge(inventory=wide)
    assert statuses(verdicts) == {"RIGHT-03": FAIL}
    assert f"app: old.log{suffix}: still holds email of a deleted person" in words(verdicts["RIGHT-03"])
    assert "app: app.log: still holds email" in words(verdicts["RIGHT-03"])


def test_a_corrected_address_that_never_opened_proves_nothing(service: Service) -> None:
    correct = {**INVENTORY["endpoints"]["api"]["rights"]["correct"], "body": {"email": "{new_email}"}}
    assert statuses(service.judge(rights={"correct": correct})) == {}
    addresses: set[str] = set()

    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "POST people":
            addresses.add(given["email"])
        return (401, {}) if request == "POST sessions" and given["email"] not in addresses else None

    service.before = faulty
    verdicts = service.judge(rights={"correct": correct})
    assert statuses(verdicts) == {"RIGHT-04": NOT}
    assert "POST /sessions, corrected address: it did not open before" in words(verdicts["RIGHT-04"])


def test_a_second_session_that_lives_on(service: Service) -> None:
    first: list[str] = []

    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "PUT people {id} note":
            first.append(next(iter(service.sessions)))
        if first and first[0] not in service.sessions and request.startswith("GET"):
            return 200, {}
        return None

    service.before = faulty
    verdicts = service.judge()
    assert statuses(verdicts) == {"RIGHT-04": FAIL}
    assert "opens for a deleted person (HTTP 200)" in words(verdicts["RIGHT-04"])


# ── what may stay, and until when ────────────────────────────────────────────────────────────────


def kept_in_history(service: Service) -> None:
    def keeps(request: str, given: Any) -> tuple[int, Any] | None:
        if request.startswith("DELETE"):
            service.run("INSERT INTO history SELECT email FROM person WHERE id > 1")
        return None

    service.before = keeps


def test_what_is_due_later_is_pending_and_no_pass(service: Service) -> None:
    kept_in_history(service)
    verdicts = service.judge(rights=remains(within="P30D"))
    assert statuses(verdicts) == {"RIGHT-05": NOT}
    assert f"pending until {NOW + timedelta(days=30):%Y-%m-%d}" in verdicts["RIGHT-05"].reason


@pytest.mark.parametrize(("since", "expected"), [(40, {}), (20, {"RIGHT-05": NOT})])
def test_pending_passes_once_older_ones_must_have_come_and_gone(
    service: Service, since: int, expected: dict[str, Status]
) -> None:
    kept_in_history(service)
    begun = f"{NOW - timedelta(days=since):%Y-%m-%d}"
    assert statuses(service.judge(rights=remains(within="P30D", since=begun))) == expected


def test_a_later_run_finds_what_is_overdue(service: Service) -> None:
    kept_in_history(service)
    service.judge(now=NOW - timedelta(days=31), rights=remains(within="P30D"))
    service.before = lambda request, given: None
    verdicts = service.judge(rights=remains(within="P30D", since="2020-01-01"))
    assert statuses(verdicts) == {"RIGHT-05": FAIL}
    assert "history.what: still there after P30D" in words(verdicts["RIGHT-05"])


def test_what_is_kept_on_a_legal_basis(service: Service) -> None:
    kept_in_history(service)
    verdicts = service.judge(rights=remains(basis="legal obligation: tax law"))
    assert statuses(verdicts) == {}
    assert "kept under legal obligation: tax law" in words(verdicts["RIGHT-05"])


def test_a_marker_that_is_cut_off_is_nobodys_and_no_pass(service: Service) -> None:
    service.run("INSERT INTO history VALUES (?)", old_marker(3)[:14])
    assert statuses(service.judge()) == {"RIGHT-05": NOT}


@pytest.mark.parametrize(
    ("broken", "allowed", "expected"),
    [
        (False, [], {"RIGHT-05": FAIL}),
        (False, [{"place": "nightly", "within": "P35D"}], {"RIGHT-05": NOT}),  # pending
        (False, [{"place": "nightly", "within": "P1D"}], {"RIGHT-05": FAIL}),  # overdue
        (False, [{"place": "nightly", "basis": "audit law"}], {}),
        (True, [{"place": "nightly", "basis": "audit law"}], {"RIGHT-03": NOT, "RIGHT-05": NOT}),
    ],
)
def test_a_canary_of_an_earlier_run_in_a_backup(
    service: Service, tmp_path: Path, broken: bool, allowed: list[Any], expected: dict[str, Status]
) -> None:
    folder = tmp_path / "backups" / "monday"
    folder.mkdir(parents=True)
    dump = gzip.compress(f"COPY person (email) FROM stdin;\n{old_marker(3)}@x.example\n\\.\n".encode())
    (folder / "dump.sql.gz").write_bytes(dump[:-4] if broken else dump)
    described = {"path": "dump.sql.gz", "bytes": len(dump), "sha256": hashlib.sha256(dump).hexdigest()}
    manifest = {
        "taken": (NOW - timedelta(days=2)).isoformat(),
        "store": "crm",
        "files": [described],
        "tables": {"person": 1},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    wide = copy.deepcopy(INVENTORY)
    wide["backups"] = {
        "nightly": {
            "title": "Nightly",
            "address": "BACKUP_DIR",
            "path": "*/manifest.json",
            "format": "manifest",
        }
    }
    where = str(tmp_path / "backups")
    verdicts = service.judge(inventory=wide, rights={"remains": allowed}, BACKUP_DIR=where)
    assert statuses(verdicts) == expected
    assert broken or "nightly: canary-" in words(verdicts["RIGHT-05"])


# ── empty, and not answering ─────────────────────────────────────────────────────────────────────


def test_a_database_that_does_not_show_the_canary_proves_nothing(service: Service, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    with running(tmp_path / "beside") as beside:
        verdicts = service.judge(CRM_URL=f"sqlite:///{beside.database}")
    assert statuses(verdicts) == {"RIGHT-02": NOT, "RIGHT-03": NOT}
    assert "its absence shows nothing" in words(verdicts["RIGHT-03"])


def test_a_database_that_is_not_there(service: Service, tmp_path: Path) -> None:
    verdicts = service.judge(CRM_URL=f"sqlite:///{tmp_path}/nowhere.db")
    assert statuses(verdicts) == dict.fromkeys(("RIGHT-02", "RIGHT-03", "RIGHT-05"), NOT)
    assert nobody_left(service)


def test_logs_that_are_empty_or_binary(service: Service) -> None:
    (service.logs / "app.log").write_bytes(b"")
    assert statuses(service.judge()) == dict.fromkeys(("RIGHT-03", "RIGHT-05"), NOT)
    (service.logs / "app.log").write_bytes(b"\x00\x01\xff" * 100)
    assert statuses(service.judge()) == dict.fromkeys(("RIGHT-03", "RIGHT-05"), NOT)


@pytest.mark.parametrize("key", ["", "short"])
def test_a_key_that_is_missing_or_too_short(service: Service, key: str) -> None:
    verdicts = service.judge(RIGHTS_KEY=key)
    assert set(statuses(verdicts).values()) == {NOT}
    assert "RIGHTS_KEY" in verdicts["RIGHT-01"].reason
    assert service.asked == []


@pytest.mark.parametrize("status", [302, 403, 409, 429, 500])
@pytest.mark.parametrize("request_", ["POST people", "POST sessions", "GET people {id} export"])
def test_a_step_that_is_not_done(service: Service, request_: str, status: int) -> None:
    counted = 0

    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        nonlocal counted
        counted += request == request_
        return (status, {}) if request == request_ and counted < 3 else None

    service.before = faulty
    verdicts = service.judge()
    assert verdicts["RIGHT-01"].status is NOT
    assert f"HTTP {status}" in verdicts["RIGHT-01"].reason
    assert FAIL not in statuses(verdicts).values()
    assert nobody_left(service) or request_ == "POST sessions"


def test_pages_that_answer_in_no_clear_way_after_the_deletion(service: Service) -> None:
    def faulty(request: str, given: Any) -> tuple[int, Any] | None:
        return (503, {}) if request.startswith("GET") and len(service.people()) == 1 else None

    service.before = faulty
    assert statuses(service.judge()) == {"RIGHT-04": NOT}


@pytest.mark.parametrize(
    "handler",
    [
        hostile.silent,
        hostile.dripping,
        hostile.dripping_headers,
        hostile.endless,
        hostile.page(b"<p>hello"),
        hostile.page(b"\xff\xfe\x00", kind="application/json"),
        hostile.page(gzip.compress(b"x" * 50 * 2**20), kind="text/plain", Content_Encoding="gzip"),
        hostile.raw(b"nonsense\r\n\r\n"),
        hostile.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", reset=True),
    ],
)
def test_a_hostile_server(service: Service, handler: hostile.Handler) -> None:
    begun = datetime.now(NOW.tzinfo)
    with hostile.serving({"*": handler}) as server:
        verdicts = service.judge(API_URL=server.url, timeout=0.3)
    assert set(statuses(verdicts).values()) == {NOT}
    assert len(verdicts) == len(statuses(verdicts))
    for verdict in verdicts.values():
        assert "\n" not in verdict.reason
        assert list(CANARIES.sightings(verdict.reason)) == []
    assert datetime.now(NOW.tzinfo) - begun < timedelta(seconds=15)


def test_a_certificate_that_nobody_vouches_for(service: Service) -> None:
    import trustme

    with hostile.serving({}, trustme.CA().issue_cert("127.0.0.1")) as server:
        verdicts = service.judge(API_URL=server.url, timeout=1.0)
    assert set(statuses(verdicts).values()) == {NOT}
    assert "TLS refused" in verdicts["RIGHT-01"].reason


def test_not_assessed_is_raised_again_for_each_control(service: Service) -> None:
    service.before = lambda request, given: (500, {})
    verdicts = service.judge()
    assert len({verdict.reason for verdict in verdicts.values()}) == 1


# ── caches and areas of files ────────────────────────────────────────────────────────────────────


def beside(section: str) -> dict[str, Any]:
    """Return the inventory with a cache or an area of files beside the rest."""
    wide = copy.deepcopy(INVENTORY)
    wide[section] = {"beside": {"title": "Beside", "address": "BESIDE"}}
    return wide


@pytest.mark.parametrize("kind", ["hash", "list", "set", "zset", "stream", "string", "key"])
def test_a_cache_that_still_knows_a_deleted_person(
    service: Service, cache: tuple[int, Any], kind: str
) -> None:
    port, client = cache
    client.flushall()
    client.set("release", "1.4")

    def keeps(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "DELETE people {id}":
            email = service.people()[-1][1]
            {
                "hash": lambda: client.hset("profile:7", "mail", email),
                "list": lambda: client.rpush("profile:7", email),
                "set": lambda: client.sadd("profile:7", email),
                "zset": lambda: client.zadd("profile:7", {email: 1}),
                "stream": lambda: client.xadd("profile:7", {"mail": email}),
                "string": lambda: client.set("profile:7", json.dumps({"mail": email.upper()})),
                "key": lambda: client.set(f"profile:{email}", "x"),
            }[kind]()
        return None

    service.before = keeps
    verdicts = service.judge(inventory=beside("caches"), BESIDE=address(port))
    assert statuses(verdicts) == {"RIGHT-03": FAIL}
    said = words(verdicts["RIGHT-03"])
    assert "beside: db0, key profile…" in said
    assert "still holds email of a deleted person" in said
    assert list(CANARIES.sightings(repr(verdicts))) == []
    kept = [{"place": "beside", "basis": "audit law"}]
    assert (
        statuses(service.judge(inventory=beside("caches"), BESIDE=address(port), rights={"remains": kept}))
        == {}
    )


def test_a_cache_clean_empty_and_not_answering(service: Service, cache: tuple[int, Any]) -> None:
    port, client = cache
    client.flushall()
    client.set("release", "1.4")
    assert statuses(service.judge(inventory=beside("caches"), BESIDE=address(port))) == {}
    client.flushall()
    blind = dict.fromkeys(("RIGHT-02", "RIGHT-03", "RIGHT-05"), NOT)
    assert statuses(service.judge(inventory=beside("caches"), BESIDE=address(port))) == blind
    wrong = service.judge(inventory=beside("caches"), BESIDE=address(port, password="wrong"))
    assert statuses(wrong) == blind
    assert statuses(service.judge(inventory=beside("caches"))) == blind


def test_files_clean_violating_empty_and_gone(service: Service, tmp_path: Path) -> None:
    area = tmp_path / "area"
    (area / "in").mkdir(parents=True)
    blind = dict.fromkeys(("RIGHT-02", "RIGHT-03", "RIGHT-05"), NOT)
    assert statuses(service.judge(inventory=beside("files"), BESIDE=str(area))) == blind
    (area / "in" / "notes.txt").write_text("nothing of anybody")
    assert statuses(service.judge(inventory=beside("files"), BESIDE=str(area))) == {}
    assert statuses(service.judge(inventory=beside("files"), BESIDE=str(tmp_path / "nowhere"))) == blind

    def keeps(request: str, given: Any) -> tuple[int, Any] | None:
        if request == "DELETE people {id}":
            name, email, _ = service.people()[-1]
            (area / "in" / f"{name}.txt").write_text("x")
            with zipfile.ZipFile(area / "letters.zip", "w", zipfile.ZIP_DEFLATED) as letters:
                letters.writestr("to.txt", f"Dear {email}")
            (area / "wide.txt").write_bytes(email.encode("utf-16"))
        return None

    service.before = keeps
    verdicts = service.judge(inventory=beside("files"), BESIDE=str(area))
    assert statuses(verdicts) == {"RIGHT-03": FAIL}
    said = words(verdicts["RIGHT-03"])
    assert "beside: letters.zip!to.txt: still holds email" in said
    assert "beside: wide.txt: still holds email" in said
    assert ", its name: still holds new_name of a deleted person" in said
    assert list(CANARIES.sightings(repr(verdicts))) == []
    service.before = lambda request, given: None
    (area / "letters.zip").write_bytes((area / "letters.zip").read_bytes()[:-20])
    assert service.judge(inventory=beside("files"), BESIDE=str(area))["RIGHT-05"].status is not PASS
