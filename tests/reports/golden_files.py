"""Compares a rendering with its golden file; ``POLICYPROOF_UPDATE_GOLDEN=1`` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def check(name: str, rendered: str) -> None:
    """Assert that ``rendered`` is what the golden file ``name`` holds."""
    path = GOLDEN / name
    if os.environ.get("POLICYPROOF_UPDATE_GOLDEN"):
        path.write_text(rendered, encoding="utf-8", newline="")
    assert rendered == path.read_text("utf-8"), "changed: POLICYPROOF_UPDATE_GOLDEN=1 writes it anew"
