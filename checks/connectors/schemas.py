"""Schema documents: what the code is made to hold, before any row is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

from checks.connectors.files import resolve, root_of
from checks.connectors.schema_ddl import ddl_fields
from checks.connectors.schema_field import Field
from checks.connectors.schema_json import json_schema_fields
from checks.connectors.schema_openapi import openapi_fields
from checks.connectors.schema_references import References
from checks.connectors.schema_snapshot import snapshot_fields
from checks.core.errors import NotAssessed, Nothing, Unreadable
from checks.core.model import Files, Target

__all__ = ["FORMATS", "Field", "SchemaDocuments"]

FORMATS = ("ddl", "openapi", "json-schema", "enfyra-snapshot")


class SchemaDocuments:
    """The schema documents of one target, all of one format."""

    kind: ClassVar[str] = "schema"

    def __init__(self, target: Target, root: Path, files: tuple[tuple[str, Path], ...]) -> None:
        assert isinstance(target.spec, Files)  # noqa: S101  the inventory's loader sees to it
        self.target = target
        self.spec = target.spec
        self._root = root
        self._files = files

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view once the files are found; ``timeout`` (seconds) bounds the search for them.

        Raises what :func:`checks.connectors.files.resolve` does: ``MissingAddress``,
        ``Unreachable``, ``Nothing``, ``Unreadable``, ``Refused``, ``TimedOut``.
        """
        found = resolve(target, timeout=timeout)
        yield cls(target, root_of(target), tuple((one.path, one.location) for one in found))

    def fields(self) -> Iterator[Field]:
        """Yield every field of every document, each where it is written; ``Nothing`` if there is none.

        Of a ``ddl`` target it is what exists after the last migration. Raises ``Unreadable``,
        ``Nothing``, ``TooLarge`` or ``Refused`` for the first document that cannot be read, but
        only after the fields of the others.
        """
        if self.spec.format == "ddl":
            dialect = str(self.spec.options.get("dialect", "postgres"))
            if self._files:
                yield from ddl_fields(self._files, dialect, self.target.id)
            return
        references = References(self._root)
        for shown, path in self._files:  # so that any may refer to any other by its $id
            with suppress(NotAssessed):  # raised again below, in its turn
                references.document(path, shown)
        first: NotAssessed | None = None
        for shown, path in self._files:
            try:
                yield from self._document(references, shown, path)
            except NotAssessed as error:
                first = first or error
        if first is not None:
            raise first

    def _document(self, references: References, shown: str, path: Path) -> Iterator[Field]:
        document = references.document(path, shown)
        found = False
        try:
            match self.spec.format:
                case "openapi":
                    fields = openapi_fields(document, references)
                case "json-schema":
                    fields = json_schema_fields(document, references)
                case "enfyra-snapshot":
                    fields = snapshot_fields(document)
                case _:
                    known = ", ".join(FORMATS)
                    raise Unreadable(f"{self.target.id}: no such format of schemas; known are {known}")
            for field in fields:
                found = True
                yield field
        except RecursionError:
            raise Unreadable(f"{shown}: nested too deeply") from None
        if not found:
            raise Nothing(f"{shown}: describes no field")
