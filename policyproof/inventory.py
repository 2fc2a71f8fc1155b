"""``policyproof inventory``: what an environment needs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from tabulate import tabulate

from checks.core.inventory import load_inventory


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    group = commands.add_parser("inventory", help="see what the inventory declares")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    env = actions.add_parser(
        "env",
        help="list the environment variables an environment needs",
        description="Lists each variable, whether it is set, and what it is for. Values are never shown.",
    )
    env.add_argument("environment", metavar="ENVIRONMENT")
    env.add_argument("--inventory", type=Path, default=Path("inventory.yaml"), metavar="FILE")
    env.set_defaults(run=run_env)


def run_env(options: argparse.Namespace) -> int:
    """Print the table; return 3 if a variable is not set."""
    inventory = load_inventory(
        options.inventory, options.environment, os.environ, shown=str(options.inventory)
    )
    needed: dict[str, list[str]] = {}
    optional: dict[str, str] = {}  # by variable: what holds without it
    for target in inventory.targets.values():
        if target.kind == "dataset":
            continue  # its store stands for it
        for address in (target.address, *target.secrets.values()):
            if address is not None:
                needed.setdefault(address.variable, []).append(target.id)
        drilled = target.kind == "rights" and "rights" in inventory.environment.drills
        for key, without in (
            ("ca", "only for a private authority"),
            ("http", "port 80 is tried"),
            ("key", "only for a drill"),
        ):
            if key in target.secrets and not (key == "key" and drilled):
                optional[target.secrets[key].variable] = without

    def missing(name: str) -> str:
        return f"not set ({optional[name]})" if name in optional else "NOT SET"

    rows = [
        (name, "set" if os.environ.get(name) else missing(name), ", ".join(targets))
        for name, targets in needed.items()
    ]
    print(tabulate(rows, ("variable", "", "for"), maxcolwidths=[None, 22, 56]))
    return 0 if all(os.environ.get(name) for name in needed if name not in optional) else 3
