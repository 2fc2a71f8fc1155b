"""The database of one customer's project."""

from __future__ import annotations

from lab.rows.values import Table, Values


def tenant(v: Values) -> list[Table]:
    """Return every table of the project."""
    users = _users(v)
    return [users, *_sign_in(v, users), _files(v, users), *_running(v), *_settings(v)]


def _users(v: Values) -> Table:
    rows: list[tuple[object, ...]] = [
        (v.uuid(), v.email(v.person(), 5000 + n), v.bcrypt(), n == 0, v.ago(30, 600), v.ago(0.1, 300))
        for n in range(1000)
    ]
    return Table("user", ("id", "email", "password", "isRootAdmin", "createdAt", "lastLoginAt"), rows)


def _sign_in(v: Values, users: Table) -> list[Table]:
    linked = [
        (v.uuid(), v.pick("google", "github"), v.hex(20), user[0], v.ago(1, 500)) for user in users.rows[:300]
    ]
    sessions = [
        (v.uuid(), user[0], v.hex(64), n % 2 == 0, v.ago(0.1, 80), v.ago(-30, -1))
        for n, user in enumerate(users.rows[:800])
    ]
    tokens = [
        (
            v.uuid(),
            user[0],
            f"{v.pick('ci', 'import', 'mobile app')} {n}",
            v.hex(64),
            v.random.sample(["read:product", "write:product", "read:order"], k=2),
            v.ip(),
            v.ago(100, 500),
            v.ago(0.1, 99),
        )
        for n, user in enumerate(users.rows[:150])
    ]
    return [
        Table("oauth_account", ("id", "provider", "providerUserId", "userId", "createdAt"), list(linked)),
        Table(
            "session",
            ("id", "userId", "refreshTokenHash", "remember", "createdAt", "expiredAt"),
            list(sessions),
        ),
        Table(
            "api_token",
            ("id", "userId", "name", "tokenHash", "scopes", "lastUsedIp", "createdAt", "lastUsedAt"),
            list(tokens),
        ),
    ]


def _files(v: Values, users: Table) -> Table:
    rows: list[tuple[object, ...]] = [
        (
            v.uuid(),
            f"photo-{n}.jpg",
            "image/jpeg",
            90000 + n,
            f"u/{v.hex(16)}",
            v.of(users.rows)[0],
            v.ago(1, 700),
        )
        for n in range(700)
    ]
    return Table(
        "file",
        ("id", "filename", "mimetype", "filesize", "location", "uploadedById", "createdAt"),
        rows,
    )


def _running(v: Values) -> list[Table]:
    flows = [
        (
            v.uuid(),
            v.pick("welcome-mail", "stock-sync", "nightly-report"),
            v.pick("done", "done", "failed"),
            {"order": v.digits(14), "items": [v.hex(8), v.hex(8)], "note": "leave at the door"},
            v.ago(0.1, 28),
        )
        for _ in range(2000)
    ]
    reloads = [
        (
            v.uuid(),
            v.pick("schema", "flow", "manual"),
            "done",
            {"took_ms": v.random.randrange(40, 900)},
            v.ago(0.1, 85),
        )
        for _ in range(250)
    ]
    return [
        Table("flow_execution", ("id", "flow", "status", "payload", "startedAt"), list(flows)),
        Table("runtime_reload_log", ("id", "trigger", "status", "details", "createdAt"), list(reloads)),
    ]


def _settings(v: Values) -> list[Table]:
    stores = [
        (
            v.uuid(),
            name,
            kind,
            f"tenant-{name}",
            f"enc:v1:{v.token(24)}",
            f"enc:v1:{v.token(48)}",
            v.ago(20, 300),
        )
        for name, kind in (("uploads", "s3"), ("exports", "s3"))
    ]
    sign_in = [
        (
            v.uuid(),
            provider,
            f"client-{v.hex(12)}",
            f"enc:v1:{v.token(48)}",
            f"https://shop-1.enfyra.example/auth/{provider}",
            True,
            v.ago(20, 300),
        )
        for provider in ("google", "github")
    ]
    return [
        Table(
            "storage_config",
            ("id", "name", "type", "bucket", "accessKeyId", "secretAccessKey", "createdAt"),
            list(stores),
        ),
        Table(
            "oauth_config",
            ("id", "provider", "clientId", "clientSecret", "redirectUrl", "isEnabled", "createdAt"),
            list(sign_in),
        ),
    ]
