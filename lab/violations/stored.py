"""Violations in the databases: columns, values, rows past their time, roles and grants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lab import canaries
from lab.planting import plant

if TYPE_CHECKING:
    from lab.running import Lab

_CLOUD, _PROJECT = "cloud-db", "project-db"
_ACCOUNT = """
INSERT INTO account (id, email, name, login_provider, created_at, last_active_at, deleted_at)
VALUES (%(id)s, %(email)s, %(name)s, 'email', %(created)s, %(active)s, %(deleted)s)
"""


def _id(number: int) -> str:
    """Return an identifier that no generated row has."""
    return f"aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaa{number:02d}"


@plant("a column made for card numbers in the live database", "CARD-01", "DATA-01")
def card_column(lab: Lab) -> None:
    """Add a column made for card numbers; it stays empty."""
    lab.databases.run(_CLOUD, "ALTER TABLE support_ticket ADD COLUMN card_number text")


@plant("a column's comment says that it keeps the full card number", "CARD-01")
def card_comment(lab: Lab) -> None:
    """Let a declared column's comment say what it is misused for."""
    comment = "Holds the full card number (PAN) until the order is confirmed"
    lab.databases.run(_CLOUD, f"COMMENT ON COLUMN payment_order.status IS '{comment}'")


@plant("a card number, in groups, in a support message", "CARD-03")
def card_in_text(lab: Lab) -> None:
    """Write a card number into a message to support, as it is printed on the card."""
    lab.databases.run(
        _CLOUD,
        """INSERT INTO support_message (id, ticket_id, author_email, body, created_at)
           SELECT %(id)s, id, %(email)s, %(body)s, %(when)s FROM support_ticket ORDER BY id LIMIT 1""",
        id=_id(1),
        email=canaries.PLANTED_EMAIL,
        body=f"Please charge {canaries.grouped(canaries.CARD_IN_TEXT)}. {canaries.PLANTED_NAME}",
        when=lab.now - timedelta(days=3),
    )


@plant("a card number under an allowed key of a payment event", "CARD-03")
def card_in_json(lab: Lab) -> None:
    """Write a card number under an allowed key of a payment event."""
    lab.databases.run(
        _CLOUD,
        "UPDATE payment_event SET payload = jsonb_set(payload, '{data,memo}', %(memo)s) WHERE id = 7",
        memo=f'"retry with {canaries.CARD_IN_JSON}"',
    )


@plant("a card number in an array of labels", "CARD-03")
def card_in_array(lab: Lab) -> None:
    """Write a card number into an array of labels."""
    lab.databases.run(
        _CLOUD,
        """UPDATE support_ticket SET labels = labels || %(label)s::text
           WHERE id = (SELECT min(id::text)::uuid FROM support_ticket)""",
        label=f"card {canaries.CARD_IN_ARRAY}",
    )


@plant("a card number in the payload of a project's flow", "CARD-03")
def card_in_project(lab: Lab) -> None:
    """Write a card number into the free payload of a project's flow."""
    lab.databases.run(
        _PROJECT,
        """UPDATE flow_execution SET payload = payload || jsonb_build_object('input', %(card)s::text)
           WHERE id = (SELECT min(id::text)::uuid FROM flow_execution)""",
        card=canaries.CARD_IN_PROJECT,
    )


@plant("billing details kept of a payment event", "CARD-06")
def payload_extra_key(lab: Lab) -> None:
    """Keep more of the payment provider's notice than the inventory allows."""
    lab.databases.run(
        _CLOUD,
        """UPDATE payment_event SET payload = jsonb_set(
               payload, '{data,billing_details}', jsonb_build_object('name', %(name)s::text)) WHERE id = 8""",
        name=canaries.BILLING_NAME,
    )


@plant("a row older than its limit", "RET-02")
def old_row(lab: Lab) -> None:
    """Forget an error report for more than twice its time."""
    lab.databases.run(
        _CLOUD,
        """INSERT INTO error_report (id, message, stack, context, client_ip, created_at)
           VALUES (%(id)s, 'Timeout', 'at handler', '{}', '192.0.2.77', %(when)s)""",
        id=_id(2),
        when=lab.now - timedelta(days=200),
    )


@plant("a row marked deleted that is still there past its limit", "RET-06")
def undeleted_row(lab: Lab) -> None:
    """Mark an account deleted, and never delete it."""
    lab.databases.run(
        _CLOUD,
        _ACCOUNT,
        id=_id(3),
        email=canaries.DELETED_EMAIL,
        name=canaries.DELETED_NAME,
        created=lab.now - timedelta(days=300),
        active=lab.now - timedelta(days=120),
        deleted=lab.now - timedelta(days=90),
    )


@plant("a table that the inventory does not know", "DATA-01")
def undeclared_table(lab: Lab) -> None:
    """Add a table that the inventory has never heard of."""
    lab.databases.run(
        _CLOUD,
        "CREATE TABLE beta_feedback (id bigint PRIMARY KEY, answer text NOT NULL)",
        "INSERT INTO beta_feedback VALUES (1, 'more regions'), (2, 'darker theme')",
    )


@plant("the e-mail provider may read a column of password hashes", "PROC-01")
def grant_column(lab: Lab) -> None:
    """Let the e-mail provider read password hashes."""
    lab.databases.run(_CLOUD, "GRANT SELECT (password_hash) ON account TO mail_relay")


@plant("the infrastructure provider may read support messages through a group", "PROC-01")
def grant_through_role(lab: Lab) -> None:
    """Let the infrastructure provider read support messages, through the group it belongs to."""
    lab.databases.run(_CLOUD, "GRANT SELECT ON support_message TO infra_reader")


@plant("every role may read error reports", "PROC-01")
def grant_public(lab: Lab) -> None:
    """Let every role there is read error reports."""
    lab.databases.run(_CLOUD, "GRANT SELECT ON error_report TO PUBLIC")


@plant("the logging provider may change what it may only read", "PROC-01")
def grant_write(lab: Lab) -> None:
    """Let the logging provider change what it may only read."""
    lab.databases.run(_CLOUD, "GRANT UPDATE ON operational_log TO log_service")


@plant("a role that can log in and belongs to nobody", "PROC-02")
def orphan_login(lab: Lab) -> None:
    """Leave the login of somebody long gone."""
    lab.databases.run(_CLOUD, f"CREATE ROLE contractor_interim LOGIN PASSWORD '{canaries.ORPHAN_PASSWORD}'")
