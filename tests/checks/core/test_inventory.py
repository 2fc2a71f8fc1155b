"""The inventory's loader: what it refuses, with file and line, and what it yields."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.core.errors import InventoryError, MissingAddress
from checks.core.inventory import load_inventory, merged
from checks.core.model import Dataset, Period, Processor, Rights

ROOT = Path(__file__).parents[3]

GOOD = """\
version: 1
organization: Acme
environments:
  lab: {label: Lab, prefix: LAB_, policy: acme, synthetic: true}
  live: {label: Live, prefix: LIVE_, policy: acme}
stores:
  crm:
    kind: sql
    title: CRM
    address: CRM_URL
    datasets:
      people:
        table: person
        title: People
        purposes: [essential.service.operations]
        columns: {id: system.identifier, email: user.contact.email, created: system.timestamp}
        retention: {keep: P1Y, clock: created, basis: contract, deletion: job}
processors:
  mailer:
    title: Mailer
    role: processor
    services: [email]
    purposes: [essential.service.notifications]
    categories: [user.contact]
    regions: [DE]
    grants: [{store: crm, role: mailer}]
    agreements: {lab: {signed: 2026-01-01, forbids_other_use: true}}
logs:
  app: {title: App log, address: LOG_DIR, path: "*.log", format: json, retention: {keep: P30D}}
configs:
  rotation: {title: Rotation, address: CONFIG_DIR, path: r, format: logrotate, governs: [app]}
exports:
  books: {title: Books, recipient: internal, datasets: [crm.people], purposes: [essential.legal_obligation]}
"""


def load(tmp_path: Path, text: str, environment: str = "lab", **addresses: str):
    path = tmp_path / "inventory.yaml"
    path.write_text(text)
    return load_inventory(path, environment, addresses)


def test_what_it_yields(tmp_path: Path) -> None:
    inventory = load(tmp_path, GOOD, LAB_CRM_URL="sqlite:///secret-place.db")
    assert list(inventory.targets) == ["crm", "crm.people", "rotation", "app", "mailer", "books", "inventory"]
    people = inventory.targets["crm.people"].spec
    assert isinstance(people, Dataset)
    assert list(people.personal) == ["email"]
    mailer = inventory.targets["mailer"].spec
    assert isinstance(mailer, Processor)
    assert mailer.agreements["lab"].expires is None
    address = inventory.targets["crm"].address
    assert address is not None
    assert address.reveal() == "sqlite:///secret-place.db"
    assert "secret-place" not in repr(inventory)
    assert "secret-place" not in str(address)


def test_a_missing_address_is_named_when_it_is_needed(tmp_path: Path) -> None:
    address = load(tmp_path, GOOD, "live").targets["crm"].address
    assert address is not None
    with pytest.raises(MissingAddress, match="environment variable LIVE_CRM_URL is not set"):
        address.reveal()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1\n", "version: 2\n", "inventory.yaml:1: version: must be 1"),
        ("organization: Acme\n", "", "'organization' missing"),
        ("    kind: sql\n", "    kind: sqk\n", "inventory.yaml:8: stores.crm.kind: 'sqk' is not one of sql"),
        (
            "    address: CRM_URL\n",
            "    adress: CRM_URL\n",
            "unknown key 'adress' in stores.crm (did you mean",
        ),
        (
            "address: CRM_URL",
            "address: postgresql://me:hunter2@db/crm",
            "inventory.yaml:10: stores.crm.address",
        ),
        ("email: user.contact.email", "email: user.contact.emial", "(did you mean 'user.contact.email'?)"),
        ("keep: P1Y", "keep: 1 year", "is not an ISO 8601 duration such as P30D"),
        ("keep: P1Y", "keep: P", "is not an ISO 8601 duration"),
        ("keep: P1Y", "keep: 365", "must be text"),
        ("store: crm,", "store: crn,", "unknown store 'crn' (did you mean 'crm'?)"),
        ("governs: [app]", "governs: [ap]", "unknown log or backup 'ap' (did you mean 'app'?)"),
        ("datasets: [crm.people]", "datasets: [crm.persons]", "unknown dataset 'crm.persons'"),
        ("recipient: internal", "recipient: broker", "unknown recipient 'broker'"),
        ("role: processor", "role: procesor", "unknown role 'procesor' (did you mean 'processor'?)"),
        ("services: [email]", "services: [emails]", "unknown service 'emails'"),
        ("signed: 2026-01-01", "signed: 2026-13-01", "'2026-13-01' is not a date"),
        ("logs:\n  app:", "logs:\n  crm:", "id 'crm' is used by another target"),
        ("logs:\n  app:", "logs:\n  App_Log:", "'App_Log' in logs is not a valid id"),
        ("  live:", "  lab:", "key 'lab' stands twice"),
        ("purposes: [essential.legal_obligation]", "purposes: [sell]", "unknown purpose 'sell'"),
        ("{lab: {signed", "{lap: {signed", "unknown environment 'lap' (did you mean 'lab'?)"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(InventoryError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    message = str(caught.value)
    assert words in message
    assert message.startswith("inventory.yaml:")
    assert "\n" not in message
    assert "hunter2" not in message  # a secret pasted by mistake is not repeated


def test_an_unknown_environment_is_named_with_the_known(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"no environment 'liv' \(did you mean 'live'\?\)"):
        load(tmp_path, GOOD, "liv")


@pytest.mark.parametrize("text", ["", "[]", "text", "# only a comment\n"])
def test_a_file_that_is_no_inventory(tmp_path: Path, text: str) -> None:
    with pytest.raises(InventoryError):
        load(tmp_path, text)


def test_a_target_of_another_environment_is_left_out(tmp_path: Path) -> None:
    text = GOOD.replace('path: "*.log"', 'environments: [live], path: "*.log"')
    assert "app" not in load(tmp_path, text).targets
    assert "app" in load(tmp_path, text, "live").targets


def test_merging_an_overlay() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None, "e": 3}, "d": [2]}) == {
        "a": {"c": 2, "e": 3},
        "d": [2],
    }


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ("P1M", datetime(2024, 2, 29, tzinfo=UTC)),
        ("P1Y", datetime(2023, 3, 31, tzinfo=UTC)),
        ("P1W", datetime(2024, 3, 24, tzinfo=UTC)),
        ("PT36H", datetime(2024, 3, 29, 12, tzinfo=UTC)),
    ],
)
def test_a_period_counts_by_the_calendar(period: str, start: datetime) -> None:
    assert Period(period).before(datetime(2024, 3, 31, tzinfo=UTC)) == start


@pytest.mark.parametrize("environment", ["lab", "staging", "production"])
def test_the_real_inventory_loads_for(environment: str) -> None:
    assert load_inventory(ROOT / "inventory.yaml", environment, {}).organization == "Enfyra"


RIGHTS = """\
endpoints:
  api:
    kind: api
    title: API
    address: API_URL
    rights:
      title: Rights
      key: RIGHTS_KEY
      mail_domain: canary.example
      create: {method: POST, path: /p, body: {mail: "{email}", name: "{name}", key: "{password}"},
        keep: {id: id}}
      session: {method: POST, path: /s, body: {mail: "{email}", key: "{password}"}, keep: {token: t, id: id}}
      export: {method: GET, path: "/p/{id}"}
      correct: {method: PATCH, path: "/p/{id}", body: {name: "{new_name}"}}
      delete: {method: DELETE, path: "/p/{id}"}
      remains: [{place: crm.people, within: P30D}, {place: app, basis: law}]
"""


def test_rights_are_a_target_of_their_own_with_their_own_secrets(tmp_path: Path) -> None:
    inventory = load(tmp_path, GOOD + RIGHTS, LAB_RIGHTS_KEY="sesame")
    target = inventory.targets["api.rights"]
    assert target.kind == "rights"
    assert set(target.secrets) == {"key"}
    assert "sesame" not in repr(target)
    spec = target.spec
    assert isinstance(spec, Rights)
    assert spec.remaining("crm.people") is not None
    assert spec.remaining("crm.others") is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{new_name}", "{new_nane}", "nothing fills {new_nane} (did you mean 'new_name'?)"),
        ('path: "/p/{id}"}\n      correct', 'path: "/p/{di}"}\n      correct', "nothing fills {di} (did you"),
        ("{name}", "{Full Name}", "{Full Name} is no placeholder such as {email}"),
        ("{new_name}", "{name}", "correct changes nothing"),
        ('mail: "{email}", name', "name", "create needs {email}"),
        ("token: t, id: id", "id: id", "keeps no token"),
        ("token: t, id: id", "token: t", "keeps no id, and a canary that a crash left"),
        (
            "crm.people, within",
            "crm.pepole, within",
            "unknown store, dataset, log, backup, cache or file area 'crm.pepole'",
        ),
        ("kind: api", "kind: site", "only an api has rights"),
        ("mail_domain", "mail_domian", "unknown key 'mail_domian'"),
        ("within: P30D", "within: P30D, basis: law", ""),
        ("method: GET", "method: GTE", "'GTE' is not one of"),
    ],
)
def test_a_mistake_in_rights_is_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in RIGHTS
    with pytest.raises(InventoryError) as error:
        load(tmp_path, GOOD + RIGHTS.replace(old, new, 1))
    assert words in str(error.value)
    assert re.match(r".*inventory\.yaml:\d+: ", str(error.value))
    assert "\n" not in str(error.value)


def test_drills_are_those_we_have(tmp_path: Path) -> None:
    text = GOOD.replace("synthetic: true", "synthetic: true, drills: [rihgts]")
    with pytest.raises(InventoryError, match="'rihgts'"):
        load(tmp_path, text)
