"""A small project as a user would have it: a database, a log, a config, and controls on them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

INVENTORY = """\
version: 1
organization: Acme
own_hosts: ["*.acme.example"]
home_regions: [DE]
environments:
  here: {label: Staging, prefix: ACME_, policy: acme}
stores:
  crm:
    kind: sql
    title: Customers
    address: CRM_URL
    datasets:
      people:
        table: person
        title: People
        subjects: [customer]
        purposes: [essential.service.operations]
        columns: {id: system.identifier, note: user.content.message, made: system.timestamp}
        retention: {keep: P90D, clock: made, basis: contract, deletion: nightly job}
logs:
  requests:
    title: Requests
    address: LOG_DIR
    path: "access.log*"
    format: iso
    retention: {keep: P30D, clock: line timestamp, basis: security, deletion: logrotate}
configs:
  settings: {format: yaml, title: Settings, address: CONFIG_DIR, path: "*.yaml"}
endpoints:
  api: {kind: api, title: API, address: API_URL, document: /openapi.json}
"""

CONTROLS = {
    "cards": ("CARD-03", "critical", "{kind: sql}", "cards.no_card_numbers_stored", "{}"),
    "rows": ("RET-02", "medium", "{kind: dataset}", "retention.oldest_row_within_limit", "{grace: P1D}"),
    "log": ("RET-03", "low", "{kind: log}", "retention.oldest_line_within_limit", "{grace: P1D}"),
    "hosts": ("SALE-03", "high", "{kind: config}", "sale.outbound_hosts_declared", "{}"),
}
API = ("CARD-05", "critical", "{kind: api}", "cards.no_card_numbers_returned", "{}")

CONTROL = """\
id: {0}
title: Control {0}
clauses: ["1.1"]
commitment: It is promised.
severity: {1}
owner: platform
applies_to: {2}
check: {3}
params: {4}
remediation: Mend it.
"""

COVERAGE = """\
sections:
  1: {title: One, clauses: {"1.1": {status: automated, commitment: Promised., controls: [RET-02]}}}
"""

POLICY = "1. One\n\nIt is promised to everybody.\n"


@cache
def policy_lock() -> str:
    """Return what ``policyproof policy lock`` writes for :data:`POLICY`: run once, for all projects."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "controls").mkdir()
        (Path(folder) / "policy.txt").write_text(POLICY, "utf-8")
        command = [sys.executable, "-m", "policyproof", "policy", "lock", "policy.txt", "--as", "acme"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return (Path(folder) / "controls/policy.lock").read_text("utf-8")


@dataclass
class Project:
    """The project in ``root``; ``variables`` are its environment variables."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def control(self, name: str, fields: tuple[str, str, str, str, str]) -> None:
        """Write ``controls/<name>.yaml``."""
        self.write(f"controls/{name}.yaml", CONTROL.format(*fields))

    def sql(self, *statements: str) -> None:
        """Execute statements in the database."""
        connection = sqlite3.connect(self.root / "crm.db")
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def run(self, *arguments: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        """Run ``pytest controls/`` as a user does; ``None`` unsets a variable."""
        given: Mapping[str, str | None] = {**self.variables, **variables}
        environment = {**os.environ, **{k: v for k, v in given.items() if v is not None}}
        for name, value in given.items():
            if value is None:
                environment.pop(name, None)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "controls", "--environment", "here", *arguments],
            cwd=self.root,
            env={**environment, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def make(root: Path) -> Project:
    """Write a project whose every control passes."""
    made = Project(root)
    # A user has no need of these, whose plugins take half a second of every start each.
    made.write("pytest.ini", "[pytest]\naddopts = -p no:hypothesispytest -p no:schemathesis\n")
    made.write("inventory.yaml", INVENTORY)
    made.write("controls/coverage.yaml", COVERAGE)
    for name, fields in CONTROLS.items():
        made.control(name, fields)
    made.write("policy.txt", POLICY)
    made.write("controls/policy.lock", policy_lock())
    moment = datetime.now(UTC) - timedelta(days=2)
    made.sql(
        "CREATE TABLE person (id integer PRIMARY KEY, note text, made timestamp)",
        f"INSERT INTO person VALUES (1, 'likes trains', '{moment:%Y-%m-%d %H:%M:%S}')",
    )
    made.write("logs/access.log", f"{moment.isoformat()} GET /\n")
    made.write("configs/app.yaml", "url: https://api.acme.example/v1\n")
    made.variables = {
        "ACME_CRM_URL": f"sqlite:///{root}/crm.db",
        "ACME_LOG_DIR": str(root / "logs"),
        "ACME_CONFIG_DIR": str(root / "configs"),
    }
    return made
