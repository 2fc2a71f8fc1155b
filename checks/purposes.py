"""Data is used for the purposes that the policy names, and for no other (policy 3.1; GDPR 5(1)(b))."""

from __future__ import annotations

from collections.abc import Iterator

from checks.connectors.declared import Declared
from checks.core.model import Dataset, Export, Files, Measure, Observation, Processor
from checks.core.registry import check
from checks.core.vocabulary import covers


@check(reads=("dataset", "log", "processor", "export"), declared=True)
def only_named_purposes(declared: Declared, *, purposes: tuple[str, ...]) -> Iterator[Observation]:
    """What is declared to be held or handed on serves only ``purposes``, which name their children too.

    Looks at declarations: whether code keeps to them is seen where data leaves (PROC-*, SALE-*).
    """
    spec, where = declared.target.spec, declared.target.location
    assert isinstance(spec, Dataset | Files | Processor | Export)  # noqa: S101  of the kinds read
    stated = spec.options.get("purposes", ()) if isinstance(spec, Files) else spec.purposes
    found = False
    for purpose in stated:
        if not covers(purpose, purposes):
            found = True
            yield Observation.violated(
                declared.target.id, f"purpose {purpose} is none that the policy names", location=where
            )
    if not found:
        yield Observation.met(
            declared.target.id, ", ".join(stated) or "no purpose", Measure(len(stated), "purposes"), where
        )
