"""Schema documents as targets: the lab's own, planted ones, and files that cannot be read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from schema_files import SECRET, assert_one_line, fields, target

from checks.cards import no_card_fields
from checks.connectors.schema_text import LIMIT
from checks.connectors.schemas import SchemaDocuments
from checks.core.errors import NotAssessed, Nothing, Refused, TooLarge, Unreachable, Unreadable
from checks.core.model import Location, Outcome
from lab.violations import filed

LAB = Path(__file__).parents[3] / "lab" / "deployment" / "schemas"
DOCUMENTS = {
    "ddl": ("migrations/*.sql", "ddl"),
    "snapshot": ("project/snapshot.json", "enfyra-snapshot"),
    "openapi": ("openapi.json", "openapi"),
    "events": ("events/*.json", "json-schema"),
}
FORMATS = ("openapi", "json-schema", "enfyra-snapshot")


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A copy of the lab's schema documents."""
    root = tmp_path / "schemas"
    shutil.copytree(LAB, root)
    return root


def violations(root: Path, name: str) -> list[tuple[str, str]]:
    """Return subject and location of each card field that the check finds in the lab's documents."""
    pattern, form = DOCUMENTS[name]
    with SchemaDocuments.open(target(root, pattern, form, "postgres")) as schema:
        seen = list(no_card_fields(schema))
    assert seen[-1].measure is not None
    assert seen[-1].measure.looked > 10
    return [(o.subject, str(o.location)) for o in seen if o.outcome is Outcome.VIOLATED]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_lab_is_clean(name: str) -> None:
    assert violations(LAB, name) == []


@pytest.mark.parametrize(
    ("name", "plant", "found"),
    [
        ("ddl", filed.cvv_in_migration, ("payment_order.cvv", "migrations/0006_checkout.sql:1")),
        ("openapi", filed.card_in_openapi_schema, ("components.Order.card_number", "openapi.json:")),
        ("snapshot", filed.card_in_snapshot, ("user.cardNumber", "project/snapshot.json:")),
    ],
)
def test_what_the_lab_plants_is_found(
    lab: Path, name: str, plant: Callable[[SimpleNamespace], object], found: tuple[str, str]
) -> None:
    plant(SimpleNamespace(schemas=lab))
    ((subject, location),) = violations(lab, name)
    assert subject == found[0]
    assert location.startswith(found[1])
    path, _, line = location.partition(":")
    assert found[0].rpartition(".")[2] in (lab / path).read_text().splitlines()[int(line) - 1]


def test_a_published_secret_is_seen(lab: Path) -> None:
    def secret() -> tuple[bool | None, bool | None]:
        with SchemaDocuments.open(target(lab, *DOCUMENTS["snapshot"])) as schema:
            (one,) = (field for field in schema.fields() if field.path == "oauth_config.clientSecret")
            return one.published, one.encrypted

    assert secret() == (False, True)
    filed.published_secret(SimpleNamespace(schemas=lab))  # type: ignore[arg-type]  # all it needs of a lab
    assert secret() == (True, True)


def test_fields_print_no_comment(tmp_path: Path) -> None:
    script = f"CREATE TABLE a (b text); COMMENT ON COLUMN a.b IS '{SECRET}'"
    (field,) = fields(tmp_path, "ddl", {"1.sql": script})
    assert field.comment == SECRET
    assert SECRET not in repr(field)


@pytest.mark.parametrize("form", ["ddl", *FORMATS])
@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", Nothing, "the file is empty"),
        (b" \r\n\t\n", Nothing, "the file is empty"),
        (b"\x00\x01\x02", Unreadable, "binary content where text was expected"),
        (b"{\xff\xfe}", Unreadable, "no text in UTF-8"),
        (SECRET.encode() + b" {{ [", Unreadable, ":1: "),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, form: str, content: bytes, error: type[NotAssessed], words: str
) -> None:
    name = "x.sql" if form == "ddl" else "x.json"
    with pytest.raises(error) as caught:
        fields(tmp_path, form, {name: content})
    assert type(caught.value) is error
    assert_one_line(caught.value, words, tmp_path)
    assert caught.value.reason.startswith(name)


@pytest.mark.parametrize("form", ["ddl", "openapi"])
def test_a_file_over_the_limit(tmp_path: Path, form: str) -> None:
    name = "x.sql" if form == "ddl" else "x.json"
    (tmp_path / name).write_bytes(b"")
    with (tmp_path / name).open("r+b") as stream:
        stream.truncate(LIMIT + 1)  # a hole: no block is written
    with (
        pytest.raises(TooLarge, match="larger than 50 MiB"),
        SchemaDocuments.open(target(tmp_path, "x.*", form)) as schema,
    ):
        list(schema.fields())


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_text("CREATE TABLE a (b int)")
    with SchemaDocuments.open(target(tmp_path, "*.sql", "ddl")) as schema:
        path.unlink()
        with pytest.raises(Unreachable, match=r"^x\.sql: gone$"):
            list(schema.fields())


@pytest.mark.parametrize(
    ("root", "pattern", "error"), [("missing", "*.sql", Unreachable), (".", "*.sql", Nothing)]
)
def test_nothing_to_open(tmp_path: Path, root: str, pattern: str, error: type[NotAssessed]) -> None:
    with pytest.raises(error), SchemaDocuments.open(target(tmp_path / root, pattern, "ddl")):
        pass


@pytest.mark.parametrize(
    ("form", "dialect", "words"), [("xsd", None, "no such format"), ("ddl", "oracle", "no such dialect")]
)
def test_what_is_not_known_is_said(tmp_path: Path, form: str, dialect: str | None, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        fields(tmp_path, form, {"1.sql" if form == "ddl" else "1.json": '{"a": 1}'}, dialect)
    assert_one_line(caught.value, words, tmp_path)


def test_one_bad_document_does_not_hide_the_others(tmp_path: Path) -> None:
    good = json.dumps({"properties": {"cvv": {"type": "string"}}})
    documents: dict[str, str | bytes] = {"a.json": "{", "b.json": good}
    seen = []
    with pytest.raises(Unreadable, match=r"^a\.json:1: not valid JSON$"):
        fields(tmp_path, "json-schema", documents)
    with (
        SchemaDocuments.open(target(tmp_path, "*.json", "json-schema")) as schema,
        pytest.raises(Unreadable),
    ):
        seen.extend(schema.fields())
    assert [(field.path, field.location) for field in seen] == [("b.cvv", Location("b.json", 1))]


def table(**more: object) -> dict[str, object]:
    column = {"name": "a", "type": "text", "isPublished": True, "isEncrypted": False, "description": "why"}
    return {"name": "t", "columns": [column | more], "relations": []}


def test_a_snapshot(tmp_path: Path) -> None:
    relation = {"propertyName": "owner", "type": "many-to-one", "targetTable": "user", "onDelete": "CASCADE"}
    snapshot = {"t": {**table(), "relations": [relation]}}
    a, owner = fields(tmp_path, "enfyra-snapshot", {"s.json": json.dumps(snapshot, indent=1)})
    assert (a.path, a.name, a.type, a.comment, a.published, a.encrypted) == (
        *("t.a", "a", "text", "why"),
        *(True, False),
    )
    assert a.location == Location("s.json", 6)
    assert (owner.path, owner.type, owner.published) == ("t.owner", "many-to-one", None)


@pytest.mark.parametrize(
    ("snapshot", "error", "words"),
    [
        ({}, Nothing, "holds no table"),
        ({"t": {"columns": []}}, Nothing, "describes no field"),
        ([], Unreadable, "not an object"),
        ({"t": []}, Unreadable, "s.json:1: t is not an object"),
        ({"t": {}}, Unreadable, "s.json:1: a table without columns"),
        ({"t": {"columns": {}}}, Unreadable, "columns is not a list"),
        ({"t": {"columns": [SECRET]}}, Unreadable, "one of the columns is not an object"),
        ({"t": {"columns": [{"type": SECRET}]}}, Unreadable, "one of the columns has no name"),
        ({"t": table(isPublished="no")}, Unreadable, "isPublished is neither true nor false"),
        ({"t": table(isEncrypted=1)}, Unreadable, "isEncrypted is neither true nor false"),
        ({"t": table(description=[SECRET])}, Unreadable, "description is not text"),
    ],
)
def test_snapshots_of_another_shape(
    tmp_path: Path, snapshot: object, error: type[NotAssessed], words: str
) -> None:
    with pytest.raises(error) as caught:
        fields(tmp_path, "enfyra-snapshot", {"s.json": json.dumps(snapshot)})
    assert type(caught.value) is error
    assert_one_line(caught.value, words, tmp_path)


def test_a_snapshot_that_does_not_say(tmp_path: Path) -> None:
    (one,) = fields(tmp_path, "enfyra-snapshot", {"s.json": json.dumps({"t": {"columns": [{"name": "a"}]}})})
    assert (one.path, one.type, one.published, one.encrypted) == ("t.a", None, None, None)


def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_text("CREATE TABLE a (b int)")
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        with (
            pytest.raises(Refused, match=r"^x\.sql: permission denied$"),
            SchemaDocuments.open(target(tmp_path, "*.sql", "ddl")) as schema,
        ):
            list(schema.fields())
    else:
        pytest.skip("this user may read everything")
