"""The way to everything that is reached over a network is a target of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.core.errors import InventoryError
from checks.core.inventory import load_inventory
from checks.core.model import Inventory, Transport

TEXT = """
version: 1
organization: Somebody
environments: {here: {label: Here, prefix: T_, policy: p}}
stores:
  main: {kind: sql, title: Main, address: DB_URL, entry: DB_ENTRY_URL, ca: CA, datasets: {}}
endpoints:
  site: {kind: site, title: Site, address: SITE_URL, http: HTTP_URL, pages: ["/", "/a"]}
  api: {kind: api, title: API, address: API_URL, token: TOKEN, document: /openapi.json}
  cache: {kind: server, title: Cache, address: CACHE_URL}
caches:
  kept: {title: Queue, address: KEPT_URL, entry: KEPT_ENTRY_URL, ca: KEPT_CA, may_be_empty: true}
files:
  area: {title: Uploads, address: FILE_DIR}
"""


def load(tmp_path: Path, text: str = TEXT, addresses: Mapping[str, str] | None = None) -> Inventory:
    path = tmp_path / "inventory.yaml"
    path.write_text(text)
    return load_inventory(path, "here", addresses or {}, shown="inventory.yaml")


def test_each_has_its_way(tmp_path: Path) -> None:
    inventory = load(tmp_path)
    ways = {target.id: target for target in inventory.of_kind("transport")}
    assert {name: way.format for name, way in ways.items()} == {
        "main.transport": "server",
        "site.transport": "site",
        "api.transport": "api",
        "cache.transport": "server",
        "kept.transport": "server",
    }
    site = ways["site.transport"].spec
    assert isinstance(site, Transport)
    assert (site.of, site.pages) == ("site", ("/", "/a"))
    assert set(ways["site.transport"].secrets) == {"http"}
    assert set(ways["api.transport"].secrets) == {"token"}
    assert set(ways["main.transport"].secrets) == {"ca"}
    assert "cache" not in inventory.targets
    assert set(ways["kept.transport"].secrets) == {"ca"}
    assert set(inventory.targets["kept"].secrets) == {"ca"}


@pytest.mark.parametrize(
    ("addresses", "variable"),
    [
        ({}, "T_DB_URL"),
        ({"T_DB_URL": "postgresql://a/b"}, "T_DB_URL"),
        ({"T_DB_URL": "postgresql://a/b", "T_DB_ENTRY_URL": "postgresql://c/b"}, "T_DB_ENTRY_URL"),
    ],
)
def test_the_entry_of_a_store_counts_where_it_is_set(
    tmp_path: Path, addresses: Mapping[str, str], variable: str
) -> None:
    address = load(tmp_path, addresses=addresses).targets["main.transport"].address
    assert address is not None
    assert address.variable == variable


@pytest.mark.parametrize("entry", ["", "rediss://c"])
def test_the_entry_of_a_cache_counts_where_it_is_set(tmp_path: Path, entry: str) -> None:
    targets = load(tmp_path, addresses={"T_KEPT_URL": "redis://a", "T_KEPT_ENTRY_URL": entry}).targets
    way, kept = targets["kept.transport"].address, targets["kept"].address
    assert way is not None
    assert kept is not None
    assert way.variable == ("T_KEPT_ENTRY_URL" if entry else "T_KEPT_URL")
    assert kept.variable == "T_KEPT_URL"


def test_a_file_has_no_transport(tmp_path: Path) -> None:
    inventory = load(tmp_path, addresses={"T_DB_URL": "sqlite:///x.db"})
    assert "main" in inventory.targets
    assert "main.transport" not in inventory.targets


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("http: HTTP_URL", "htp: HTTP_URL", "htp"),
        ("http: HTTP_URL", "http: 'http://x'", "variable"),
        ("entry: DB_ENTRY_URL", "entry: 'postgresql://x'", "variable"),
        ("kind: server", "kind: sever", "server"),
        ("entry: KEPT_ENTRY_URL", "entri: KEPT_ENTRY_URL", r"'entri' in caches.kept \(did you mean 'entry'"),
        ("entry: KEPT_ENTRY_URL", "entry: 'rediss://x'", "caches.kept.entry.*variable"),
        (
            "may_be_empty: true",
            "may_be_empty: sometimes",
            "caches.kept.may_be_empty: boolean expected, not str",
        ),
        ("address: KEPT_URL, ", "", "caches.kept: 'address' missing"),
        ("title: Uploads", "titel: Uploads", r"'titel' in files.area \(did you mean 'title'"),
        ("title: Uploads", "title: 7", "files.area.title"),
        (", address: FILE_DIR", "", "files.area: 'address' missing"),
        ("address: FILE_DIR", "address: FILE_DIR, entry: OTHER", "'entry' in files.area"),
        ("address: FILE_DIR", "address: FILE_DIR, ca: CA", "'ca' in files.area"),
        ("title: Queue", "title: Queue, environments: [her]", r"'her' \(did you mean 'here'"),
        ("area: {", "kept: {", "'kept' is used by another target"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(InventoryError, match=message) as caught:
        load(tmp_path, TEXT.replace(old, new))
    assert re.match(r"inventory\.yaml:\d+: .+$", str(caught.value))
    assert "\n" not in str(caught.value)
