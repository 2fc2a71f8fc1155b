"""Orders, subscriptions, invoices and the payment provider's notices."""

from __future__ import annotations

from lab.rows.projects import PLANS
from lab.rows.values import Table, Values

_MASKED = ("visa 411111******1111", "mastercard ending in 4444", "paypal", "sepa debit DE** **** 3000")


def orders(v: Values, organizations: Table) -> Table:
    """Return the orders of three years."""
    rows: list[tuple[object, ...]] = []
    for _ in range(2500):
        plan = v.random.randrange(3)
        rows.append(
            (
                v.uuid(),
                v.digits(16),
                v.of(organizations.rows)[0],
                PLANS[plan],
                v.pick("month", "year"),
                1900 * 3**plan,
                "EUR",
                v.pick("completed", "completed", "completed", "refunded"),
                f"txn_{v.token(26).lower()}",
                v.ago(0.1, 1000),
            )
        )
    return Table(
        "payment_order",
        (
            "id",
            "order_number",
            "organization_id",
            "plan",
            "billing_period",
            "amount_cents",
            "currency",
            "status",
            "paddle_transaction_id",
            "created_at",
        ),
        rows,
    )


def subscriptions(v: Values, projects: Table) -> Table:
    """Return one subscription for each project, with the method as the provider labels it: masked."""
    rows: list[tuple[object, ...]] = [
        (
            v.uuid(),
            project[1],
            project[0],
            project[3],
            v.pick("month", "year"),
            v.pick("active", "active", "past_due", "canceled"),
            f"sub_{v.token(26).lower()}",
            v.pick(*_MASKED),
            v.ago(-30, -1),
            project[7],
        )
        for project in projects.rows
    ]
    return Table(
        "subscription",
        (
            "id",
            "organization_id",
            "project_id",
            "plan",
            "billing_period",
            "status",
            "paddle_subscription_id",
            "payment_method",
            "renews_at",
            "created_at",
        ),
        rows,
    )


def invoices(v: Values, orders: Table, accounts: Table) -> Table:
    """Return an invoice for most orders."""
    rows: list[tuple[object, ...]] = []
    for number, order in enumerate(orders.rows[:2200]):
        account = v.of(accounts.rows)
        amount = order[5]
        assert isinstance(amount, int)  # noqa: S101  a column of our own generator
        rows.append(
            (
                v.uuid(),
                f"EN-{20000 + number}",
                order[2],
                order[0],
                account[3],
                account[1],
                v.pick("DE", "FR", "GB"),
                amount,
                amount * 19 // 100,
                "EUR",
                {"items": [{"title": f"Plan {order[3]}", "cents": amount, "memo": "as ordered"}]},
                order[9],
            )
        )
    return Table(
        "invoice",
        (
            "id",
            "invoice_number",
            "organization_id",
            "payment_order_id",
            "billing_name",
            "billing_email",
            "tax_country",
            "amount_cents",
            "tax_cents",
            "currency",
            "line_items",
            "issued_at",
        ),
        rows,
    )


def events(v: Values, orders: Table, organizations: Table) -> Table:
    """Return two notices for each order, cut down to the keys that may be kept."""
    customers = {row[0]: row[6] for row in organizations.rows}
    rows: list[tuple[object, ...]] = []
    for order in orders.rows:
        for kind in ("transaction.created", "transaction.completed"):
            event = f"evt_{v.token(26).lower()}"
            payload = {
                "event_id": event,
                "event_type": kind,
                "occurred_at": v.ago(0.1, 900).isoformat(),
                "data": {
                    "order_id": order[0],
                    "subscription_id": f"sub_{v.token(20).lower()}",
                    "customer_id": customers[order[2]],
                    "transaction_id": order[8],
                    "status": kind.partition(".")[2],
                    "currency": "EUR",
                    "amount": order[5],
                    "plan": order[3],
                    "billing_period": order[4],
                    "tax": {"country": "DE", "rate": 0.19},
                    "memo": f"paid by {v.pick(*_MASKED)}",
                },
            }
            rows.append((len(rows), event, kind, order[0], payload, order[9]))
    return Table(
        "payment_event",
        ("id", "event_id", "event_type", "payment_order_id", "payload", "received_at"),
        rows,
    )
