"""Secrets and credentials are shielded in what customers' projects publish (policy 8.1, 8.2; GDPR 32)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.connectors.schemas import SchemaDocuments
from checks.core.model import Files, Measure, Observation
from checks.core.registry import Scope, check
from checks.core.vocabulary import covers


@check(reads="schema")
def secrets_are_shielded(
    schema: SchemaDocuments, scope: Scope, *, categories: tuple[str, ...]
) -> Iterator[Observation]:
    """A field that holds a secret is encrypted and never published by the generated API."""
    known = _categories(schema, scope)
    for field in schema.fields():
        category = known.get(field.path)
        if category is None or not covers(category, categories):
            continue
        faults = []
        if field.published is not False:
            faults.append("is published by the API")
        if field.encrypted is not True:
            faults.append("is not encrypted at rest")
        for fault in faults:
            yield Observation.violated(field.path, f"{category}: {fault}", location=field.location)
        if not faults:
            measure = Measure(1, "fields")
            yield Observation.met(field.path, "encrypted, not published", measure, field.location)


def _categories(schema: SchemaDocuments, scope: Scope) -> Mapping[str, str]:
    """Return ``table.column`` → category from the store the document describes."""
    spec = scope.target.spec
    assert isinstance(spec, Files)  # noqa: S101  the registry gives targets of the kind read
    store = scope.inventory.stores[spec.options["store"]]
    return {
        f"{dataset.table}.{column}": category
        for dataset in store.datasets.values()
        for column, category in dataset.columns.items()
    }
