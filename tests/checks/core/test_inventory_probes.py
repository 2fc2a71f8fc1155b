"""What the inventory says of probes: opted into by environment, and refused where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_inventory import GOOD, load

from checks.core.errors import InventoryError
from checks.core.model import Endpoint

API = """\
endpoints:
  api:
    kind: api
    title: API
    address: API_URL
    token: API_TOKEN
    public: [/plans]
    probes:
      environments: [lab]
      stores: [crm]
      reader: READER_TOKEN
      query: {sort: "sort={field}"}
      tenants: {a: {token: A_TOKEN}, b: {token: B_TOKEN}}
      login: {path: /login, user: email, password: password, works: {user: U, password: P}}
      defaults:
        - {user: admin, password: hush}
"""


def test_probes_are_opted_into_by_environment(tmp_path: Path) -> None:
    api = load(tmp_path, GOOD + API, LAB_READER_TOKEN="t").targets["api"]
    assert isinstance(api.spec, Endpoint)
    assert api.spec.probes is not None
    assert api.spec.probes.allowed
    assert api.spec.probes.tenants == ("a", "b")
    assert api.spec.probes.defaults[0].line == len((GOOD + API).splitlines())
    assert api.secrets["reader"].reveal() == "t"
    assert "hush" not in repr(api)
    live = load(tmp_path, GOOD + API, "live").targets["api"]
    assert isinstance(live.spec, Endpoint)
    assert live.spec.probes is not None
    assert not live.spec.probes.allowed
    assert set(live.secrets) == {"token"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[lab]\n      stores", "[lob]\n      stores", "unknown environment 'lob' (did you mean 'lab'?)"),
        ("stores: [crm]", "stores: [crn]", "unknown store 'crn' (did you mean 'crm'?)"),
        ("sort={field}", "sort=x", "the query for sort has no {field}"),
        ("reader: R", "raeder: R", "unknown key 'raeder' in endpoints.api.probes (did you mean 'reader'?)"),
        (
            "query: {sort",
            "relations: [owner]\n      query: {sort",
            "query.relation and relations go together",
        ),
        ("kind: api", "kind: site", "only an endpoint of kind api can have 'public'"),
        (", b: {token: B_TOKEN}", "", "tenants"),
        ("works: {user: U, password: P}", "account: me", "works"),
    ],
)
def test_probes_that_cannot_be_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = GOOD + API
    assert text.count(old) == 1
    with pytest.raises(InventoryError) as caught:
        load(tmp_path, text.replace(old, new))
    assert words in str(caught.value)
    assert "inventory.yaml:" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_document_in_a_file_stands_beside_the_inventory(tmp_path: Path) -> None:
    text = GOOD + API.replace(
        "    public:", '    document_file: api/v1.json\n    examples: {"/a/{b}": {b: 7}}\n    public:'
    )
    spec = load(tmp_path, text).targets["api"].spec
    assert isinstance(spec, Endpoint)
    assert spec.document_file == tmp_path / "api" / "v1.json"
    assert spec.examples == {"/a/{b}": {"b": 7}}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("document: /o.json\n    document_file: o.json", "document and document_file: give one of them"),
        ("document_file: o.json\n    routes: enfyra", "document_file and routes: give one of them"),
        ("routes: enfyro", "enfyr"),
        ("document_fil: o.json", "did you mean 'document_file'?"),
        ("examples: {a: {b: 1}}", "examples"),
    ],
)
def test_a_source_of_operations_that_cannot_be_is_refused(tmp_path: Path, lines: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        load(tmp_path, GOOD + API.replace("    public:", f"    {lines}\n    public:"))
    assert words in str(caught.value)
    assert "inventory.yaml:" in str(caught.value)


REACH = API.replace("{token: A_TOKEN}", "{token: A_TOKEN, id: A_ID}").replace(
    "{token: B_TOKEN}}",
    '{token: B_TOKEN, id: B_ID}}\n      reach: {headers: {X-Tenant: "{tenant}"}, query: ["t={tenant}"]}',
)


def test_where_a_tenant_is_named(tmp_path: Path) -> None:
    api = load(tmp_path, GOOD + REACH, LAB_A_ID="t-1").targets["api"]
    assert isinstance(api.spec, Endpoint)
    assert api.spec.probes is not None
    assert api.spec.probes.reach is not None
    assert api.spec.probes.reach.headers == {"X-Tenant": "{tenant}"}
    assert api.spec.probes.reach.query == ("t={tenant}",)
    assert api.secrets["id of tenant a"].reveal() == "t-1"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (", id: B_ID", "", "reach needs two tenants, each with an id"),
        ('X-Tenant: "{tenant}"', "X-Tenant: x", "header X-Tenant has no {tenant}"),
        ("X-Tenant: ", "Authorization: ", "header Authorization is not one that names a tenant"),
        ("t={tenant}", "t=1", "query 't=1' has no {tenant}"),
        ("headers: {X", "haeders: {X", "did you mean 'headers'?"),
    ],
)
def test_a_reach_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert REACH.count(old) == 1
    with pytest.raises(InventoryError) as caught:
        load(tmp_path, GOOD + REACH.replace(old, new))
    assert words in str(caught.value)
    assert "inventory.yaml:" in str(caught.value)
