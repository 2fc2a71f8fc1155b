"""Violations in what the inventory declares; the deployment itself stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.planting import Overlay, plant

if TYPE_CHECKING:
    from lab.running import Lab


def _agreement(processor: str, **facts: object) -> Overlay:
    """Change ``facts`` of the lab's agreement with ``processor``."""
    return {"processors": {processor: {"agreements": {"lab": facts}}}}


def _dataset(store: str, name: str, change: dict[str, Any]) -> Overlay:
    """Change what is declared of a dataset."""
    return {"stores": {store: {"datasets": {name: change}}}}


@plant("a provider's purposes include sale", "SALE-01")
def processor_sells(lab: Lab) -> Overlay:
    """Let a provider sell what it sees."""
    honest = ["essential.service.security", "essential.fraud_detection"]
    return {"processors": {"abuse-shield": {"purposes": [*honest, "third_party_sharing.sale"]}}}


@plant("a declared export serves advertising", "SALE-07")
def export_advertises(lab: Lab) -> Overlay:
    """Let the bookkeeping's export serve advertising."""
    return {"exports": {"accounting": {"purposes": ["marketing.advertising"]}}}


@plant("a provider's agreement has run out", "PROC-05")
def agreement_expired(lab: Lab) -> Overlay:
    """Let the e-mail provider's agreement run out."""
    return _agreement("mail-relay", expires="2026-03-01")


@plant("a provider's agreement lets it use the data for more", "PROC-05")
def agreement_allows_other_use(lab: Lab) -> Overlay:
    """Let the infrastructure provider use the data as it likes."""
    return _agreement("cloud-host", forbids_other_use=False)


@plant("a provider abroad without a transfer safeguard", "TRAN-01")
def safeguard_missing(lab: Lab) -> Overlay:
    """Let data go abroad without a safeguard."""
    return _agreement("edge-host", safeguard=None)


@plant("nothing deletes the rows of a personal dataset", "RET-01")
def no_deletion_mechanism(lab: Lab) -> Overlay:
    """Let nothing delete sessions."""
    return _dataset("project-db", "sessions", {"retention": {"deletion": None}})


@plant("a personal dataset without a limit", "RET-01", "RET-02")
def no_limit(lab: Lab) -> Overlay:
    """Let attachments stay for ever."""
    return _dataset("cloud-db", "support-attachments", {"retention": None})


@plant("nothing deletes the lines of a log", "RET-08")
def log_without_deletion(lab: Lab) -> Overlay:
    """Let nothing delete error reports."""
    return {"logs": {"error-log": {"retention": {"deletion": None}}}}


@plant("an attestation has run out", "ATT-01")
def attestation_stale(lab: Lab) -> Overlay:
    """Let an attestation run out."""
    return {"attestations": {"incident-response": {"dated": "2024-11-02", "expires": "2025-11-02"}}}
