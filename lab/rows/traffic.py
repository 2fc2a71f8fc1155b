"""Operational and request logs that are kept in the database."""

from __future__ import annotations

from lab.rows.values import Table, Values


def operational(v: Values, projects: Table) -> Table:
    """Return what the runtimes said in three months."""
    rows: list[tuple[object, ...]] = []
    for number in range(6000):
        context = {"pid": v.random.randrange(2, 32000), "span": v.hex(16)}
        rows.append(
            (
                number,
                v.of(projects.rows)[0],
                v.pick("info", "info", "info", "warn", "error"),
                v.pick("schema reloaded", "cache warmed", "flow finished", "slow query", "worker restarted"),
                context,
                v.ago(0.01, 85),
            )
        )
    return Table("operational_log", ("id", "project_id", "level", "message", "context", "created_at"), rows)


def requests(v: Values, projects: Table) -> Table:
    """Return the requests of four weeks."""
    rows: list[tuple[object, ...]] = []
    for number in range(7500):
        rows.append(
            (
                number,
                v.of(projects.rows)[0],
                v.pick("GET", "GET", "POST", "PATCH"),
                v.pick("/", "/api/products", "/api/orders", "/assets/app.js", "/login"),
                v.random.choice((200, 200, 200, 201, 304, 401, 404, 500)),
                v.ip(),
                v.agent(),
                v.random.randrange(2, 900),
                v.ago(0.01, 28),
            )
        )
    return Table(
        "request_log",
        (
            "id",
            "project_id",
            "method",
            "path",
            "status",
            "client_ip",
            "user_agent",
            "duration_ms",
            "created_at",
        ),
        rows,
    )
