"""Start the whole lab, plant what was asked for, and take everything away again."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab import (
    api,
    backups,
    cache,
    canaries,
    databases,
    filearea,
    logfiles,
    people,
    postgres,
    site,
    transport,
)
from lab.planting import Plant, merge
from lab.rows import SEED, Values, generate

DEPLOYMENT = Path(__file__).parent / "deployment"


@dataclass(frozen=True, slots=True)
class Lab:
    """The running lab, as a plant finds it. ``root`` holds a copy of every file that is looked at."""

    root: Path
    now: datetime
    databases: databases.Databases
    site: site.Site
    people: people.People
    cache: cache.Cache
    plain_url: str
    door: int
    planted: tuple[str, ...] = ()
    overlay: Mapping[str, Any] = field(default_factory=dict)

    @property
    def configs(self) -> Path:
        """The config tree."""
        return self.root / "configs"

    @property
    def schemas(self) -> Path:
        """Migrations, snapshot, contracts."""
        return self.root / "schemas"

    @property
    def attestations(self) -> Path:
        """The documents of attestations."""
        return self.root / "attestations"

    @property
    def logs(self) -> Path:
        """The log directories."""
        return self.root / "logs"

    @property
    def files(self) -> Path:
        """The area of files: uploads, and exports that people fetch."""
        return self.root / "files"

    @property
    def backups(self) -> Path:
        """The backups, a directory each."""
        return self.root / "backups"

    def entry(self, store: str) -> str:
        """Return where others than this suite reach a database: by the door that demands TLS."""
        return self.databases.addresses[store].replace(f":{self.databases.server.port}/", f":{self.door}/")

    def addresses(self) -> dict[str, str]:
        """Return the environment variables by which the inventory reaches the lab."""
        return {
            "LAB_CLOUD_DB_URL": self.databases.addresses["cloud-db"],
            "LAB_PROJECT_DB_URL": self.databases.addresses["project-db"],
            "LAB_CLOUD_DB_ENTRY_URL": self.entry("cloud-db"),
            "LAB_PROJECT_DB_ENTRY_URL": self.entry("project-db"),
            "LAB_SITE_URL": self.site.url,
            "LAB_SITE_HTTP_URL": self.plain_url,
            "LAB_API_URL": self.site.url,
            "LAB_API_TOKEN": self.site.token,
            "LAB_RIGHTS_KEY": canaries.RIGHTS_KEY,
            **self.site.tenants.addresses(),
            "LAB_SITE_CA": str(self.site.ca),
            "LAB_CONFIG_DIR": str(self.configs),
            "LAB_LOG_DIR": str(self.logs),
            "LAB_BACKUP_DIR": str(self.backups),
            "LAB_FILE_DIR": str(self.files),
            "LAB_CACHE_URL": self.cache.url,
            "LAB_CACHE_ENTRY_URL": self.cache.entry_url,
            "LAB_SCHEMA_DIR": str(self.schemas),
            "LAB_ATTESTATION_DIR": str(self.attestations),
        }

    def state(self) -> dict[str, Any]:
        """Return what others need to know to use this lab; it holds passwords."""
        return {
            "addresses": self.addresses(),
            "overlay": dict(self.overlay),
            "planted": list(self.planted),
            "missing": self.cache.missing,
            "pid": os.getpid(),
        }


@contextmanager
def start(plants: Sequence[Plant] = ()) -> Iterator[Lab]:
    """Run the lab with ``plants`` in it; ready when the block begins, gone without trace when it ends."""
    now = datetime.now(UTC)
    with _directory() as root, postgres.cluster() as cluster:
        for name in ("configs", "schemas", "attestations"):
            shutil.copytree(DEPLOYMENT / name, root / name)
        rows = generate(now)
        tables = {table.name: table for table in rows["cloud-db"]}
        logfiles.write(root / "logs", Values(SEED + " logs", now), tables["account"], tables["project"])
        backups.write(root / "backups", now, rows)
        pages, contract = DEPLOYMENT / "site", DEPLOYMENT / "schemas" / "openapi.json"
        area = filearea.FileArea(root / "files")
        area.fill()
        with (
            postgres.serve(cluster) as server,
            site.serve(pages, contract, api.answers(rows["cloud-db"]), root / "ca.pem") as served,
            cache.serve(served.transport.authority) as cached,
            transport.plain_http(served.transport, served.url, served.pages) as plain_url,
            transport.database_door(served.transport, server.port) as door,
        ):
            filled = databases.fill(server, DEPLOYMENT / "schemas", rows)
            overlay: dict[str, Any] = {}
            joined = people.People(filled, root / "logs" / "app" / "app.log", cached, area)
            served.handlers[people.START] = joined.answer
            names = tuple(plant.name for plant in plants)
            lab = Lab(root, now, filled, served, joined, cached, plain_url, door, names, overlay)
            for plant in plants:
                overlay.update(merge(overlay, plant.act(lab) or {}))
            yield lab


@contextmanager
def _directory() -> Iterator[Path]:
    """Make a directory that is ours alone, and remove it at the end."""
    root = Path(tempfile.mkdtemp(prefix="policyproof-lab-"))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
