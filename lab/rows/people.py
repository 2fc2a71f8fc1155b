"""Accounts, organizations and how people sign in."""

from __future__ import annotations

from lab.rows.values import Table, Values

ACCOUNTS = 1500
ORGANIZATIONS = 900


def accounts(v: Values) -> Table:
    """Return the people who sign in; three in a hundred have asked for deletion lately."""
    rows: list[tuple[object, ...]] = []
    for number in range(ACCOUNTS):
        name = v.person()
        provider = v.pick("email", "email", "google", "github")
        created = v.ago(40, 900)
        rows.append(
            (
                v.uuid(),
                v.email(name, number),
                created,
                name,
                provider,
                None if provider == "email" else v.hex(20),
                v.bcrypt() if provider == "email" else None,
                {"theme": v.pick("light", "dark"), "locale": v.pick("en", "de", "vi")},
                created,
                v.ago(26, 39),
                v.ago(1, 25) if v.random.random() < 0.03 else None,
            )
        )
    return Table(
        "account",
        (
            "id",
            "email",
            "email_verified_at",
            "name",
            "login_provider",
            "provider_subject",
            "password_hash",
            "settings",
            "created_at",
            "last_active_at",
            "deleted_at",
        ),
        rows,
    )


def organizations(v: Values) -> Table:
    """Return the organizations that order projects."""
    rows: list[tuple[object, ...]] = []
    for number in range(ORGANIZATIONS):
        name = f"{v.pick('North', 'Amber', 'Copper', 'Quiet')} {v.pick('Works', 'Labs', 'Foods')} {number}"
        rows.append(
            (
                v.uuid(),
                name,
                name.lower().replace(" ", "-"),
                v.pick("DE", "FR", "VN", "GB", "US", "NL"),
                f"DE{v.random.randrange(10**8, 10**9)}" if v.random.random() < 0.5 else None,
                f"billing{number}@example.org",
                f"ctm_{v.token(26).lower()}",
                v.ago(60, 1000),
                v.ago(26, 59),
                v.ago(1, 25) if v.random.random() < 0.02 else None,
            )
        )
    return Table(
        "organization",
        (
            "id",
            "name",
            "slug",
            "country",
            "tax_number",
            "billing_email",
            "paddle_customer_id",
            "created_at",
            "last_active_at",
            "deleted_at",
        ),
        rows,
    )


def memberships(v: Values, accounts: Table, organizations: Table) -> Table:
    """Return who works for whom: everybody for one organization, some for two."""
    rows: list[tuple[object, ...]] = []
    for number, account in enumerate(accounts.rows):
        for turn in range(1 + (number % 5 == 0)):
            organization = organizations.rows[(number + turn * 7) % ORGANIZATIONS]
            rows.append((v.uuid(), organization[0], account[0], v.pick("owner", "developer"), v.ago(40, 900)))
    return Table("membership", ("id", "organization_id", "account_id", "role", "created_at"), rows)


def email_verifications(v: Values, accounts: Table) -> Table:
    """Return the verifications of the last weeks."""
    rows: list[tuple[object, ...]] = []
    for account in accounts.rows[:300]:
        created = v.ago(0.1, 28)
        rows.append((v.uuid(), account[0], account[1], v.hex(64), created, created))
    return Table(
        "email_verification", ("id", "account_id", "email", "token_hash", "created_at", "used_at"), rows
    )


def auth_events(v: Values, accounts: Table) -> Table:
    """Return the sign-ins of half a year."""
    rows: list[tuple[object, ...]] = []
    for number in range(3000):
        account = v.of(accounts.rows)
        kind = v.pick("sign-in", "sign-in", "sign-in", "failed", "reset")
        rows.append((number, account[0], kind, account[4], v.ip(), v.agent(), v.ago(0.01, 175)))
    return Table(
        "auth_event", ("id", "account_id", "kind", "provider", "client_ip", "user_agent", "created_at"), rows
    )
