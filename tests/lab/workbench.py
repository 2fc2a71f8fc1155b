"""The lab, started once and put back to clean before each plant, with all controls run on it in-process."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from checks.connectors.browser_runtime import runtime
from checks.core.errors import MissingAddress
from checks.core.hooks import Deployment
from checks.core.model import Address, Verdict
from checks.core.plan import make_plan
from checks.core.session import Session
from lab.databases import NAMES
from lab.planting import Plant, merge
from lab.running import Lab, start

ROOT = Path(__file__).parents[2]
KEPT = 150
"""Rows left in each table: the whole lab is looked at in ``tests/end_to_end``, here fifty times over."""

CUT = """
DO $$ DECLARE t text; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR t IN SELECT relname FROM pg_stat_user_tables LOOP
    EXECUTE format('DELETE FROM %1$I WHERE ctid NOT IN (SELECT ctid FROM %1$I LIMIT {kept})', t);
  END LOOP;
END $$
"""


@dataclass
class Workbench:
    """A running lab that can be spoilt again and again."""

    lab: Lab
    clean: Path
    roles: frozenset[str]
    pages: Mapping[str, tuple[str, str]] = field(repr=False)
    answers: Mapping[str, Any] = field(repr=False)
    visits: dict[str, list[Any]] = field(default_factory=dict, repr=False)

    def reset(self) -> None:
        """Put databases, files, site and roles back to what they were at the start."""
        with self.lab.databases.server.connect("postgres") as connection:
            for name in NAMES.values():
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {name}_clean STRATEGY file_copy")
            for role in self._roles() - self.roles:
                connection.execute(f"DROP ROLE {role}")
        for folder in self.clean.iterdir():
            shutil.rmtree(self.lab.root / folder.name)
            shutil.copytree(folder, self.lab.root / folder.name)
        self.lab.people.reset()
        self.lab.cache.reset()
        self.lab.site.pages.clear()
        self.lab.site.pages.update(self.pages)
        self.lab.site.transport.reset()
        self.lab.site.tenants.reset()
        self.lab.site.answers.clear()
        self.lab.site.answers.update(copy.deepcopy(dict(self.answers)))

    def plant(self, plants: Sequence[Plant]) -> Mapping[str, Any]:
        """Carry out ``plants`` on the clean lab; return the overlay they make."""
        overlay: dict[str, Any] = {}
        for each in plants:
            overlay = merge(overlay, each.act(self.lab) or {})
        return overlay

    def judge(
        self,
        overlay: Mapping[str, Any] | None = None,
        addresses: Mapping[str, str] | None = None,
        *,
        kinds: Sequence[str] = (),
        timeout: float = 5.0,
    ) -> list[Verdict]:
        """Run every control on every target (of ``kinds``) and return the verdicts."""
        deployment = Deployment({**self.lab.addresses(), **(addresses or {})}, overlay or {})
        plan = make_plan(ROOT, ROOT / "controls", ROOT / "inventory.yaml", "lab", deployment)
        assert not plan.errors
        session = Session(
            plan.inventory,
            plan.controls.waivers,
            plan.policy.marks,
            policy=plan.policy.as_version(),
            citing=plan.controls.citing,
            timeout=timeout,
        )
        try:
            self._spare_visits(session)
            return [
                session.run(plan.controls.controls[control], plan.inventory.targets[target])
                for control, target in plan.expected
                if not kinds or plan.inventory.targets[target].kind in kinds
            ]
        finally:
            session.close()

    def _spare_visits(self, session: Session) -> None:
        """Have a browser visit each state of the site once: most plants change nothing it would see."""
        for target in session.inventory.of_kind("browser"):
            view = session.view(target.id)
            where = revealed([target.address, *target.secrets.values()])
            pages = sorted(self.lab.site.pages.items())
            view.kept = self.visits.setdefault(repr((target.spec, where, pages)), view.kept)

    def _roles(self) -> frozenset[str]:
        with self.lab.databases.server.connect("postgres") as connection:
            return frozenset(
                str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles").fetchall()
            )


def revealed(addresses: Sequence[Address | None]) -> list[str]:
    """Return addresses as text; the empty one for each that is not set."""
    found = []
    for address in addresses:
        try:
            found.append(address.reveal() if address else "")
        except MissingAddress:
            found.append("")
    return found


@contextmanager
def workbench() -> Iterator[Workbench]:
    """Yield a workbench; its lab ends with the block."""
    with start() as lab, runtime():  # one browser for all plants
        clean = lab.root / "clean"
        for name in ("configs", "schemas", "attestations", "logs", "backups", "files"):
            shutil.copytree(lab.root / name, clean / name)
        for store, name in NAMES.items():
            lab.databases.run(store, CUT.format(kept=KEPT))
            with lab.databases.server.connect(name) as connection:
                connection.execute("VACUUM FULL")
        with lab.databases.server.connect("postgres") as connection:
            for name in NAMES.values():
                connection.execute(f"ALTER DATABASE {name} RENAME TO {name}_clean")
        bench = Workbench(lab, clean, frozenset(), dict(lab.site.pages), copy.deepcopy(lab.site.answers))
        bench = replace(bench, roles=bench._roles())
        bench.reset()
        yield bench
