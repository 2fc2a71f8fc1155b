"""Violations in files: schema documents, configs, logs, backups, attested documents."""

from __future__ import annotations

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lab import backups, canaries, logfiles
from lab.planting import plant
from lab.rows import SEED, Values, people

if TYPE_CHECKING:
    from lab.running import Lab


def _edit(path: Path, old: str, new: str) -> None:
    """Replace ``old``, which must stand in the file exactly once, lest a plant does nothing unnoticed."""
    text = path.read_text("utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{path.name} does not hold the text to replace exactly once")
    path.write_text(text.replace(old, new), "utf-8")


# ── schema documents ─────────────────────────────────────────────────────────────────────────────


@plant("a migration that adds a column for the card's security code", "CARD-02")
def cvv_in_migration(lab: Lab) -> None:
    """Add a migration, not yet run, with a column for the security code."""
    path = lab.schemas / "migrations" / "0006_checkout.sql"
    path.write_text("ALTER TABLE payment_order ADD COLUMN cvv text;\n")


@plant("the API's contract describes a card number", "CARD-02")
def card_in_openapi_schema(lab: Lab) -> None:
    """Describe a card number in the contract's file; the API that runs knows nothing of it."""
    path = lab.schemas / "openapi.json"
    contract = json.loads(path.read_text())
    contract["components"]["schemas"]["Order"]["properties"]["card_number"] = {"type": "string"}
    path.write_text(json.dumps(contract, indent=1) + "\n")


@plant("a project's schema snapshot has a column for card numbers", "CARD-02")
def card_in_snapshot(lab: Lab) -> None:
    """Give a project's table a column for card numbers."""
    path = lab.schemas / "project" / "snapshot.json"
    snapshot = json.loads(path.read_text())
    column = {"name": "cardNumber", "type": "varchar", "isPublished": False, "isEncrypted": True}
    snapshot["user"]["columns"].append({**column, "isNullable": True})
    path.write_text(json.dumps(snapshot, indent=1) + "\n")


@plant("a project's generated API publishes a secret", "SEC-01")
def published_secret(lab: Lab) -> None:
    """Let a project's generated API publish a secret."""
    path = lab.schemas / "project" / "snapshot.json"
    snapshot = json.loads(path.read_text())
    secret = next(c for c in snapshot["oauth_config"]["columns"] if c["name"] == "clientSecret")
    secret["isPublished"] = True
    path.write_text(json.dumps(snapshot, indent=1) + "\n")


# ── configs ──────────────────────────────────────────────────────────────────────────────────────


@plant("an advertising network's package in package.json", "SALE-02", "PROC-06")
def ad_sdk(lab: Lab) -> None:
    """Depend on an advertising network's package."""
    _edit(lab.configs / "web" / "package.json", '"pinia"', '"react-facebook-pixel": "^1.0.4",\n    "pinia"')


@plant("an outbound host in app.yaml that no declared provider has", "SALE-03")
def undeclared_host(lab: Lab) -> None:
    """Send something to a host that no declared provider has."""
    with (lab.configs / "app.yaml").open("a") as file:
        file.write("partner:\n  webhook: https://hooks.partner-feed.test/v1/events\n")


@plant("a package of a vendor that is no declared processor", "PROC-06")
def undeclared_vendor(lab: Lab) -> None:
    """Depend on the package of a vendor that is no declared processor."""
    with (lab.configs / "worker" / "requirements.txt").open("a") as file:
        file.write("sentry-sdk==2.17.0\n")


@plant("an export job hands accounts to an undeclared recipient, for sale", "SALE-06")
def export_to_broker(lab: Lab) -> None:
    """Hand accounts to a stranger, for sale."""
    with (lab.configs / "exports.yaml").open("a") as file:
        file.write(
            "  - name: audience\n    recipient: audience-exchange\n"
            "    datasets: [cloud-db.accounts]\n    purpose: third_party_sharing.sale\n"
        )


@plant("a provider's API client has a scope it has no need of", "PROC-03")
def scope_too_wide(lab: Lab) -> None:
    """Give a provider's API client a scope that it has no need of."""
    _edit(
        lab.configs / "api-clients.yaml",
        '["projects:read", "deployments:write"]',
        '["projects:read", "deployments:write", "accounts:read"]',
    )


@plant("e-mail addresses are shipped to the logging provider", "PROC-04")
def shipper_field(lab: Lab) -> None:
    """Ship e-mail addresses to the logging provider."""
    _edit(
        lab.configs / "vector.yaml",
        "duration_ms, status, path]",
        "duration_ms, status, path, customer_email]",
    )


@plant("logrotate keeps a log for longer than its limit", "RET-05")
def rotation_too_long(lab: Lab) -> None:
    """Keep the edge's logs for half a year."""
    path = lab.configs / "logrotate.d" / "edge"
    _edit(path, "rotate 28", "rotate 180")
    _edit(path, "maxage 29", "maxage 181")


@plant("the bucket keeps backups for longer than their limit", "RET-05")
def lifecycle_too_long(lab: Lab) -> None:
    """Keep backups for more than a year."""
    _edit(lab.configs / "s3" / "lifecycle.json", '"Days": 35', '"Days": 400')


# ── logs ─────────────────────────────────────────────────────────────────────────────────────────


@plant("a card number in a rotated, compressed log", "CARD-04")
def card_in_log(lab: Lab) -> None:
    """Log a card number in a file that is rotated and compressed by now."""
    path = lab.logs / "app" / "app.log.2.gz"
    stamp = path.stat().st_mtime
    moment = lab.now - timedelta(days=14)
    v = Values(SEED + " planted", lab.now)
    message = f"checkout failed for {canaries.CARD_IN_LOG}"
    line = logfiles.app_line(moment, message, v.uuid(), v.uuid()) + "\n"
    logfiles.store(path, gzip.decompress(path.read_bytes()).decode() + line)
    os.utime(path, (stamp, stamp))


@plant("a line older than its limit in an otherwise fresh log", "RET-03")
def old_log_line(lab: Lab) -> None:
    """Leave a line of last year at the head of today's file."""
    path = lab.logs / "edge" / "access.log"
    moment = lab.now - timedelta(days=400)
    line = logfiles.clf(moment, "192.0.2.9", "GET /login HTTP/1.1", "enfyra-cli/0.9.0", 512) + "\n"
    path.write_text(line + path.read_text())


# ── backups ──────────────────────────────────────────────────────────────────────────────────────


@plant("a card number in a backup", "CARD-07")
def card_in_backup(lab: Lab) -> None:
    """Keep a card number in a backup after it has left the database."""
    v = Values(SEED + " planted", lab.now)
    body = f"My card is {canaries.CARD_IN_BACKUP}, please use it."
    row = (v.uuid(), v.uuid(), canaries.BACKUP_EMAIL, body, lab.now - timedelta(days=30))
    backups.add_row(backups.latest(lab.backups, "cloud-db"), "support_message", row)


@plant("a backup in time holds a row that was due to go before it was taken", "RET-07")
def deleted_in_backup(lab: Lab) -> None:
    """Keep an account in a backup that was due to go long before the backup was taken."""
    v = Values(SEED + " planted", lab.now)
    created, active, deleted = (lab.now - timedelta(days=days) for days in (300, 130, 120))
    row: tuple[object, ...] = (
        *(v.uuid(), canaries.BACKUP_EMAIL, created, canaries.BACKUP_NAME, "email", None, None, {}),
        *(created, active, deleted),
    )
    backups.add_row(backups.latest(lab.backups, "cloud-db"), "account", row)


@plant("a backup older than its limit", "RET-04")
def old_backup(lab: Lab) -> None:
    """Leave a backup for three times as long as any may be kept."""
    tables = [people.organizations(Values(SEED + " planted", lab.now))]
    backups.write_set(lab.backups, "cloud-db", lab.now - timedelta(days=100), tables)


# ── attested documents ───────────────────────────────────────────────────────────────────────────


@plant("an attested document was changed afterwards", "ATT-01")
def attestation_edited(lab: Lab) -> None:
    """Change a document after it was attested."""
    _edit(lab.attestations / "data-access.md", "eight hours at most", "eight weeks at most")
