"""In which order, and in which process, the items of a run are run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from checks.connectors import AHEAD
from checks.core.items import ControlItem, plan_key


def begun_ahead(items: Iterable[pytest.Item]) -> list[str]:
    """Return the ids of the targets of ``items`` whose look is begun before the first item."""
    return list(
        dict.fromkeys(item.target.id for item in items if isinstance(item, ControlItem) and _slow(item))
    )


def waiting_last(items: list[pytest.Item]) -> None:
    """Move what waits for a look begun ahead behind all that does not, else in the order they had."""
    items.sort(key=_slow)


def _slow(item: pytest.Item) -> bool:
    return isinstance(item, ControlItem) and item.target.kind in AHEAD


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Return xdist's scheduler that gives all items of a target which is looked at once to one process.

    It begins with them; every other item goes to whichever process is free.
    """
    from xdist.scheduler import LoadScopeScheduling

    targets = config.stash[plan_key].inventory.targets
    together = {f"[{name}]": name for name, target in targets.items() if target.kind in AHEAD}

    class OnceEach(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            _, bracket, name = nodeid.rpartition("[")
            return together.get(bracket + name, nodeid)

    return OnceEach(config, log)
