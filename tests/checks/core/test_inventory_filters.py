"""Filter lists in the inventory: files beside it, and nothing but files."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.core.errors import InventoryError
from checks.core.inventory import load_inventory
from checks.core.model import Endpoint

TEXT = """version: 1
organization: Example
environments: {prod: {label: PROD, prefix: P_, policy: p}}
endpoints:
  site: {kind: site, title: Site, address: SITE_URL, filter_lists: [lists/privacy.txt, /etc/x.txt]}
"""


def test_lists_stand_beside_the_inventory(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text(TEXT, "utf-8")
    spec = load_inventory(tmp_path / "inventory.yaml", "prod", {}).targets["site.browser"].spec
    assert isinstance(spec, Endpoint)
    assert spec.filter_lists == (str(tmp_path / "lists/privacy.txt"), "/etc/x.txt")


@pytest.mark.parametrize("wrong", ["easyprivacy.txt", "[3]", '[""]'])
def test_what_is_no_list_of_files_is_refused_with_its_line(tmp_path: Path, wrong: str) -> None:
    text = TEXT.replace("[lists/privacy.txt, /etc/x.txt]", wrong)
    (tmp_path / "inventory.yaml").write_text(text, "utf-8")
    with pytest.raises(InventoryError, match=r"inventory\.yaml:5: .*filter_lists"):
        load_inventory(tmp_path / "inventory.yaml", "prod", {})
