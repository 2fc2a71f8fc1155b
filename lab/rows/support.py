"""What customers write to support, what they attach, and what breaks for them."""

from __future__ import annotations

from lab.rows.values import Table, Values

_QUESTIONS = (
    "The build hangs since the update; request {uuid} shows it.",
    "Our order {order} is paid and the project still says provisioning.",
    "Could you move {project} to another region? It is about the law, not about speed.",
    "The invoice says 411111******1111, we paid by transfer. Please correct it.",
    "Since {millis} (epoch milliseconds) every webhook comes twice.",
    "Thank you, that solved it. You may close this.",
)


def tickets(v: Values, accounts: Table) -> Table:
    """Return the requests of two years."""
    rows: list[tuple[object, ...]] = []
    for number in range(700):
        rows.append(
            (
                v.uuid(),
                v.of(accounts.rows)[0],
                f"{v.pick('Build', 'Invoice', 'Region', 'Webhook')} question {number}",
                v.pick("open", "answered", "closed", "closed"),
                v.random.sample(["billing", "urgent", "runtime", "first reply"], k=2),
                v.ago(0.1, 700),
            )
        )
    return Table("support_ticket", ("id", "account_id", "subject", "status", "labels", "created_at"), rows)


def messages(v: Values, tickets: Table, accounts: Table) -> Table:
    """Return three messages for each request, with long numbers in them that are no card."""
    emails = {row[0]: row[1] for row in accounts.rows}
    rows: list[tuple[object, ...]] = []
    for ticket in tickets.rows:
        for _ in range(3):
            body = v.pick(*_QUESTIONS).format(
                uuid=v.uuid(),
                order=v.digits(16),
                project=f"shop-{v.random.randrange(1200)}",
                millis=int(v.ago(0.1, 600).timestamp() * 1000),
            )
            rows.append((v.uuid(), ticket[0], emails[ticket[1]], body, ticket[5]))
    return Table("support_message", ("id", "ticket_id", "author_email", "body", "created_at"), rows)


def attachments(v: Values, messages: Table) -> Table:
    """Return the attachments of some messages."""
    rows: list[tuple[object, ...]] = [
        (
            v.uuid(),
            message[0],
            f"screenshot-{n}.png",
            "image/png",
            4096 + n,
            f"support/{v.hex(24)}",
            message[4],
        )
        for n, message in enumerate(messages.rows[::4])
    ]
    return Table(
        "support_attachment",
        ("id", "message_id", "filename", "content_type", "size_bytes", "storage_key", "created_at"),
        rows,
    )


def errors(v: Values, projects: Table, accounts: Table) -> Table:
    """Return the error reports of three months."""
    rows: list[tuple[object, ...]] = []
    for _ in range(1500):
        where = v.random.randrange(10, 900)
        rows.append(
            (
                v.uuid(),
                v.of(projects.rows)[0],
                v.of(accounts.rows)[0],
                v.pick("Timeout after 30000 ms", "Cannot read property of null", "Relation does not exist"),
                f"at handler (src/runtime.ts:{where}:7)\n\tat run (src/queue.ts:{where + 3}:12)",
                {"release": f"1.{where % 30}.0", "trace": v.hex(32)},
                v.ip(),
                v.ago(0.01, 85),
            )
        )
    return Table(
        "error_report",
        ("id", "project_id", "account_id", "message", "stack", "context", "client_ip", "created_at"),
        rows,
    )
