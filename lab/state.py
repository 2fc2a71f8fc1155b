"""The running lab of this checkout: one JSON file that only its owner can read, gone when the lab ends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

STATE = Path(__file__).parent / ".run" / "lab.json"


@contextmanager
def recorded(state: Mapping[str, Any]) -> Iterator[bool]:
    """Keep ``state`` in the file for the length of the block; yields whether it could.

    It cannot where we may not write, and a lab that runs already keeps its place.
    """
    if read() is not None:
        yield False
        return
    try:
        STATE.parent.mkdir(exist_ok=True)
        STATE.unlink(missing_ok=True)
        descriptor = os.open(STATE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(state, file)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        if (read() or {}).get("pid") == os.getpid():
            with suppress(OSError):
                STATE.unlink()


def read() -> dict[str, Any] | None:
    """Return the state of the lab that runs, or ``None`` if none does or the file is not whole."""
    try:
        state = json.loads(STATE.read_text())
        os.kill(state["pid"], 0)
    except PermissionError:  # it lives, as somebody else's
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if isinstance(state, dict) else None
