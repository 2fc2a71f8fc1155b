"""The table of rooms in ARCHITECTURE.md, enforced."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("checks", "reports", "lab", "policyproof")

# room → what it may import of ours; the longest matching prefix counts.
ALLOWED = {
    "checks.core.errors": (),
    "checks.core.model": ("checks.core.errors", "checks.core.model"),
    "checks.detectors": ("checks.detectors",),
    "checks.connectors": ("checks.connectors", "checks.core.model", "checks.core.errors", "checks.detectors"),
    "checks.scanner": ("checks.scanner", "checks.connectors", "checks.core.errors", "checks.detectors"),
    "checks.core": ("checks",),
    "checks": (
        "checks.connectors",
        "checks.detectors",
        "checks.scanner",
        "checks.core.model",
        "checks.core.errors",
        "checks.core.registry",
        "checks.core.vocabulary",
    ),
    "reports": ("reports", "checks.core.model", "checks.core.errors", "checks.core.hooks"),
    "reports.renderers": ("reports",),
    "lab": ("lab", "checks.core.hooks", "checks.core.errors"),
    "policyproof": OURS,
}


def modules() -> list[Path]:
    return sorted(p for room in OURS for p in (ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.split(".")[0] in OURS}


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    name = name_of(path)
    room = max((r for r in ALLOWED if within(name, (r,))), key=len)
    allowed = ALLOWED[room]
    # `from checks import connectors` names the package itself: the longer form decides.
    names = imported(path)
    offending = {
        other
        for other in names
        if not within(other, allowed)
        and not any(longer != other and longer.startswith(other + ".") for longer in names)
        and not any(room.startswith(other + ".") or other == room for room in allowed)
    }
    assert not offending


def test_relative_imports_are_not_used() -> None:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}:{node.lineno}"


def test_long_modules_have_a_reason() -> None:
    long = {name_of(p): n for p in modules() if (n := len(p.read_text("utf-8").splitlines())) > 300}
    assert not long
