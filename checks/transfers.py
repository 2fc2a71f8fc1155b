"""Data that leaves its region travels under a safeguard (policy 11.2; GDPR 44-46)."""

from __future__ import annotations

from collections.abc import Iterator

from checks.connectors.declared import Declared
from checks.core.model import Measure, Observation, Processor
from checks.core.registry import Scope, check


@check(reads="processor", declared=True)
def safeguard_where_data_leaves(declared: Declared, scope: Scope) -> Iterator[Observation]:
    """A processor outside the home regions has a transfer safeguard in its agreement (GDPR 46)."""
    processor = declared.spec
    assert isinstance(processor, Processor)  # noqa: S101  the registry gives targets of the kind read
    where = declared.target.location
    abroad = [region for region in processor.regions if region not in scope.inventory.home_regions]
    if not processor.regions:
        yield Observation.violated(processor.id, "no region of processing is declared", location=where)
        return
    if not abroad:
        measure = Measure(len(processor.regions), "regions")
        yield Observation.met(processor.id, "processes inside the home regions", measure, where)
        return
    agreement = processor.agreements.get(scope.inventory.environment.id)
    if agreement is None:
        reason = f"no agreement is recorded for environment {scope.inventory.environment.id}"
        yield Observation.unseen(processor.id, reason, where)
    elif agreement.safeguard is None:
        fault = f"processes in {', '.join(abroad)} without a transfer safeguard"
        yield Observation.violated(processor.id, fault, location=where)
    else:
        measure = Measure(len(processor.regions), "regions")
        yield Observation.met(processor.id, f"{', '.join(abroad)}: {agreement.safeguard}", measure, where)
