"""Schema documents on disk, and what the connector makes of them."""

from __future__ import annotations

from pathlib import Path

from checks.connectors.schemas import Field, SchemaDocuments
from checks.core.errors import NotAssessed
from checks.core.model import Address, Files, Target

SECRET = "s3cret-4111111111111111"  # planted in documents, looked for in every message


def target(root: Path, pattern: str, form: str, dialect: str | None = None) -> Target:
    """Return a target of schema documents below ``root``."""
    options = {"dialect": dialect} if dialect else {}
    spec = Files("docs", "schema", "Documents", pattern, form, options=options)
    return Target("docs", "schema", "Documents", spec, Address("SCHEMA_DIR", str(root)))


def fields(
    root: Path, form: str, documents: dict[str, str | bytes], dialect: str | None = None
) -> list[Field]:
    """Write ``documents`` (name → content) below ``root`` and return their fields."""
    for name, content in documents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    pattern = "*.sql" if form == "ddl" else f"*.{next(iter(documents)).rpartition('.')[2]}"
    with SchemaDocuments.open(target(root, pattern, form, dialect)) as schema:
        return list(schema.fields())


def assert_one_line(error: NotAssessed, words: str, root: Path) -> None:
    """The message is one line that says ``words`` and holds neither content nor the root's path."""
    assert words in error.reason
    assert "\n" not in error.reason
    assert SECRET not in error.reason
    assert str(root) not in error.reason
    assert error.__cause__ is None
