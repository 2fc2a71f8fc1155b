"""Projects, their names on the network, credentials and deployments."""

from __future__ import annotations

from lab.rows.values import Table, Values

PLANS = ("starter", "team", "business")
_REGIONS = ("eu-central", "eu-north", "us-east")


def plans() -> Table:
    """Return the plans on offer."""
    rows: list[tuple[object, ...]] = [
        (plan, plan.title(), 1900 * 3**number, "EUR") for number, plan in enumerate(PLANS)
    ]
    return Table("plan", ("id", "title", "amount_cents", "currency"), rows)


def projects(v: Values, organizations: Table) -> Table:
    """Return the projects; two in a hundred were removed lately."""
    rows: list[tuple[object, ...]] = []
    for number in range(1200):
        rows.append(
            (
                v.uuid(),
                v.of(organizations.rows)[0],
                f"{v.pick('shop', 'crm', 'intranet', 'booking', 'survey')}-{number}",
                v.pick(*PLANS),
                v.pick(*_REGIONS),
                v.pick("running", "running", "running", "provisioning", "suspended"),
                v.random.sample(["production", "internal", "pilot", "v2, beta", 'says "hi"'], k=2),
                v.ago(40, 800),
                v.ago(26, 39),
                v.ago(1, 25) if v.random.random() < 0.02 else None,
            )
        )
    return Table(
        "project",
        (
            "id",
            "organization_id",
            "name",
            "plan",
            "region",
            "status",
            "tags",
            "created_at",
            "last_active_at",
            "deleted_at",
        ),
        rows,
    )


def subdomains(v: Values, projects: Table) -> Table:
    """Return one name for each project."""
    rows: list[tuple[object, ...]] = [
        (v.uuid(), project[0], f"{project[2]}.enfyra.example", project[7]) for project in projects.rows
    ]
    return Table("subdomain", ("id", "project_id", "hostname", "created_at"), rows)


def credentials(v: Values, projects: Table) -> Table:
    """Return what was generated for each instance, in the form it is stored: encrypted."""
    rows: list[tuple[object, ...]] = [
        (
            v.uuid(),
            project[0],
            kind,
            f"p_{v.token(8).lower()}",
            f"enc:v1:{v.token(48)}",
            v.hex(16),
            v.ago(1, 300),
        )
        for project in projects.rows
        for kind in ("database", "redis")
    ]
    return Table(
        "tenant_credential",
        ("id", "project_id", "kind", "username", "secret", "fingerprint", "created_at"),
        rows,
    )


def deployments(v: Values, projects: Table) -> Table:
    """Return the deployments of most of a year."""
    rows: list[tuple[object, ...]] = []
    for _ in range(2500):
        when = v.ago(0.1, 350)
        details = {
            "image": v.hex(12),
            "attempt": v.random.randrange(1, 4),
            "queued_ms": int(when.timestamp() * 1000),
        }
        version = f"1.{v.random.randrange(30)}.{v.random.randrange(9)}"
        node = f"node-{v.random.randrange(40)}"
        rows.append(
            (v.uuid(), v.of(projects.rows)[0], version, node, v.pick("done", "done", "failed"), details, when)
        )
    return Table(
        "deployment", ("id", "project_id", "version", "node", "status", "metadata", "created_at"), rows
    )
