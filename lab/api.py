"""What the lab's API answers the account it knows: a few of the generated rows, as a dashboard shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lab.rows import Table

_FEW = 25


def answers(tables: Sequence[Table]) -> dict[str, Any]:
    """Return the answer to each path of the API."""
    by_name = {table.name: table for table in tables}
    invoices = _few(
        by_name["invoice"],
        (
            "invoice_number",
            "billing_name",
            "billing_email",
            "amount_cents",
            "tax_cents",
            "currency",
            "issued_at",
        ),
    )
    return {
        "/v1/me": _few(by_name["account"], ("id", "name", "email", "login_provider", "created_at"))[0],
        "/v1/projects": _few(
            by_name["project"], ("id", "name", "plan", "region", "status", "tags", "created_at")
        ),
        "/v1/plans": _few(by_name["plan"], ("id", "title", "amount_cents", "currency")),
        "/v1/orders": _few(
            by_name["payment_order"],
            (
                "id",
                "order_number",
                "plan",
                "billing_period",
                "amount_cents",
                "currency",
                "status",
                "created_at",
            ),
        ),
        "/v1/invoices": [{**invoice, "memo": "paid by visa 411111******1111"} for invoice in invoices],
        "/v1/support/messages": _few(
            by_name["support_message"], ("id", "author_email", "body", "created_at")
        ),
    }


def _few(table: Table, columns: Sequence[str]) -> list[dict[str, Any]]:
    places = [(name, table.columns.index(name)) for name in columns]
    return [{name: _plain(row[place]) for name, place in places} for row in table.rows[:_FEW]]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
