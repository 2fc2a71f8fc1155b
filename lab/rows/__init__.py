"""The lab's synthetic rows: about forty-five thousand, the same at each start."""

from __future__ import annotations

from datetime import datetime

from lab.rows import billing, people, projects, support, traffic
from lab.rows.tenant import tenant
from lab.rows.values import Table, Values

__all__ = ["SEED", "Table", "Values", "generate"]

SEED = "enfyra lab"


def generate(now: datetime) -> dict[str, list[Table]]:
    """Return the tables of each database, by store id, parents before children."""
    v = Values(SEED, now)
    accounts = people.accounts(v)
    organizations = people.organizations(v)
    owned = projects.projects(v, organizations)
    orders = billing.orders(v, organizations)
    tickets = support.tickets(v, accounts)
    messages = support.messages(v, tickets, accounts)
    cloud = [
        accounts,
        organizations,
        people.memberships(v, accounts, organizations),
        people.email_verifications(v, accounts),
        people.auth_events(v, accounts),
        projects.plans(),
        owned,
        projects.subdomains(v, owned),
        projects.credentials(v, owned),
        projects.deployments(v, owned),
        orders,
        billing.subscriptions(v, owned),
        billing.invoices(v, orders, accounts),
        billing.events(v, orders, organizations),
        tickets,
        messages,
        support.attachments(v, messages),
        support.errors(v, owned, accounts),
        traffic.operational(v, owned),
        traffic.requests(v, owned),
    ]
    return {"cloud-db": cloud, "project-db": tenant(Values(SEED + " tenant", now))}
