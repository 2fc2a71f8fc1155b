"""Names for kinds of data and for purposes, so that two declarations can be compared.

The dotted names are those of the Fides taxonomy (data categories and data uses), with the W3C Data
Privacy Vocabulary term beside each category. Names that Fides lacks and a backend needs are marked.
A name covers its children: ``user.contact`` covers ``user.contact.email``.
"""

from __future__ import annotations

from collections.abc import Iterable

CATEGORIES: dict[str, str] = {
    "user": "dpv:PersonalData",
    "user.account": "dpv-pd:AccountIdentifier",
    "user.account.settings": "dpv-pd:Preference",
    "user.account.username": "dpv-pd:Username",
    "user.authorization": "dpv-pd:Authenticating",
    "user.authorization.credentials": "dpv-pd:Password",
    "user.behavior": "dpv-pd:Behavioral",
    "user.behavior.browsing_history": "dpv-pd:BrowsingBehavior",
    "user.behavior.purchase_history": "dpv-pd:Purchase",
    "user.contact": "dpv-pd:Contact",
    "user.contact.address": "dpv-pd:PhysicalAddress",
    "user.contact.email": "dpv-pd:EmailAddress",
    "user.contact.organization": "dpv-pd:ProfessionalHistory",
    "user.contact.phone_number": "dpv-pd:TelephoneNumber",
    "user.content": "dpv-pd:Communication",
    "user.content.attachment": "dpv-pd:Communication",
    "user.content.message": "dpv-pd:Communication",
    "user.content.self_service": "dpv:CollectedPersonalData",  # ours: what customers keep in a project
    "user.device": "dpv-pd:DeviceBased",
    "user.device.ip_address": "dpv-pd:IPAddress",
    "user.device.user_agent": "dpv-pd:BrowserFingerprint",
    "user.financial": "dpv-pd:Financial",
    "user.financial.account_identifier": "dpv-pd:FinancialAccountNumber",
    "user.financial.card": "dpv-pd:PaymentCardNumber",  # ours: nothing may carry it
    "user.financial.invoice": "dpv-pd:Transactional",
    "user.financial.tax": "dpv-pd:Tax",
    "user.location": "dpv-pd:Location",
    "user.location.country": "dpv-pd:Country",
    "user.name": "dpv-pd:Name",
    "user.sensor": "dpv-pd:Tracking",
    "user.telemetry": "dpv-pd:ServiceConsumptionBehavior",
    "user.unique_id": "dpv-pd:Identifying",
    "user.unique_id.pseudonymous": "dpv-pd:Identifying",
    "system": "dpv:NonPersonalData",
    "system.configuration": "dpv:NonPersonalData",  # ours: plan, region, flags
    "system.credentials": "dpv:NonPersonalData",  # ours: a tenant's or third party's secret
    "system.identifier": "dpv:NonPersonalData",  # ours: keys that name no person
    "system.operations": "dpv:NonPersonalData",
    "system.timestamp": "dpv:NonPersonalData",  # ours
}

PURPOSES: dict[str, str] = {
    "essential.fraud_detection": "prevent abuse and fraud",
    "essential.legal_obligation": "meet a legal obligation",
    "essential.service.authentication": "let people sign in",
    "essential.service.backup": "restore the service after a loss",
    "essential.service.notifications": "send service-related notices",
    "essential.service.operations": "create, provision and operate what was ordered",
    "essential.service.payment_processing": "take payment, tax and renewals",
    "essential.service.security": "keep the service secure",
    "essential.service.support": "answer support requests",
    "functional.service.improve": "debug failures and improve reliability",
    "analytics": "measure how the site or product is used",
    "marketing.advertising": "advertise",
    "marketing.communications": "send marketing messages",
    "personalize": "build a profile to personalise",
    "third_party_sharing.brokerage": "hand data to a data broker",  # ours
    "third_party_sharing.sale": "sell data",  # ours; CCPA 1798.140(ad)
    "third_party_sharing.advertising": "hand data to an advertising network",
    "train_ai_system": "train a model",
}

SELLING: frozenset[str] = frozenset(
    {
        "marketing.advertising",
        "third_party_sharing.advertising",
        "third_party_sharing.brokerage",
        "third_party_sharing.sale",
    }
)
"""Purposes that break *personal data is never sold*; sharing for cross-context advertising is sale
in effect (CCPA 1798.140(ah))."""

SERVICES: frozenset[str] = frozenset({"infrastructure", "hosting", "email", "logging", "security", "payment"})
ROLES: frozenset[str] = frozenset({"processor", "subprocessor", "independent-controller"})


def covers(name: str, declared: Iterable[str]) -> bool:
    """Whether ``name`` is one of ``declared`` or a child of one of them."""
    return any(name == other or name.startswith(other + ".") for other in declared)
