"""Violations in what the API answers, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import canaries
from lab.planting import plant

if TYPE_CHECKING:
    from lab.running import Lab


@plant("an API answer holds a password hash in free text", "API-01")
def hash_in_api(lab: Lab) -> None:
    """Answer with a bcrypt hash where a message is expected."""
    lab.site.answers["/v1/support/messages"][0]["body"] = f"it says {canaries.HASH_IN_API} here"


@plant("an API answer has the column of a credential's fingerprint", "API-02")
def hidden_field_in_api(lab: Lab) -> None:
    """Return a whole row, a column that is never published included."""
    for item in lab.site.answers["/v1/projects"]:
        item["fingerprint"] = "a1:b2:c3"


@plant("an API error is a traceback", "API-03")
def trace_in_api(lab: Lab) -> None:
    """Answer for what does not exist with the inside of the program."""
    lab.site.tenants.faults.add("trace")


@plant("an API error names a person", "API-04")
def person_in_api_error(lab: Lab) -> None:
    """Name somebody else in an error."""
    lab.site.tenants.faults.add("named-error")


@plant("an API answer has a personal field that is not documented", "API-05")
def undocumented_field_in_api(lab: Lab) -> None:
    """Return where people connect from, which no document mentions."""
    for item in lab.site.answers["/v1/orders"]:
        item["client_ip"] = "203.0.113.9"


@plant("the API answers with orders to whoever asks", "API-06")
def api_open_to_strangers(lab: Lab) -> None:
    """Forget to ask for a token on one path."""
    lab.site.tenants.faults.add("open-orders")


@plant("a low-privilege user gets a hidden field by naming it", "API-07")
def hidden_by_projection(lab: Lab) -> None:
    """Return any field that a projection names."""
    lab.site.tenants.faults.add("hidden-by-projection")


@plant("a low-privilege user can filter by a hidden field", "API-07")
def hidden_by_filter(lab: Lab) -> None:
    """Filter by any field, so that its values can be guessed bit by bit."""
    lab.site.tenants.faults.add("hidden-by-filter")


@plant("GraphQL has a password hash, and answers it", "API-01", "API-02", "API-07", "API-11")
def hidden_in_graphql(lab: Lab) -> None:
    """Make every column a field of the schema."""
    lab.site.tenants.faults.add("hidden-in-graphql")


@plant("GraphQL answers whoever asks", "API-06")
def graphql_open(lab: Lab) -> None:
    """Demand a token for the schema, and forget to for what is in it."""
    lab.site.tenants.faults.add("graphql-open")


@plant("one tenant reads the other's project by its identifier", "API-08")
def tenants_mixed(lab: Lab) -> None:
    """Look an item up by its identifier alone."""
    lab.site.tenants.faults.add("tenants-mixed")


@plant("a tenant reads the other's things by naming it in the query", "API-08")
def tenant_by_query(lab: Lab) -> None:
    """Believe the tenant that a request names, whoever it is signed by."""
    lab.site.tenants.faults.add("tenant-by-query")


@plant("default credentials work", "API-09")
def default_login(lab: Lab) -> None:
    """Let the account in that the product ships with."""
    lab.site.tenants.faults.add("default-login")


@plant("passwords can be guessed without limit", "API-10")
def login_unthrottled(lab: Lab) -> None:
    """Never hold back a login."""
    lab.site.tenants.faults.add("login-unthrottled")
