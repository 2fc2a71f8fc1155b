"""Text and places as SARIF 2.1.0 wants them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from reports.renderers.rows import Row
from reports.shape import Place

SOURCE = "SRCROOT"
"""Stands for the folder that the run was started from: the repository of controls and inventory."""
LONGEST = 1_000
"""Characters of a rule's descriptions; GitHub takes 1,024."""

_ELSEWHERE = ("log", "backup", "site", "api")
"""Kinds of target whose places are no files of any repository."""
_OF_TARGET = ("schema", "config")
"""Kinds of target whose places are files in a folder of the target's own."""


def message(text: str) -> dict[str, str]:
    """Return a message object; nothing in ``text`` is a placeholder or a link (SARIF 3.11.5, 3.11.6)."""
    plain = text.replace("{", "{{").replace("}", "}}")
    if "](" in plain:
        plain = re.sub(r"([\[\]])", r"\\\1", plain)
    return {"text": plain}


def sentence(text: str) -> str:
    """Return ``text`` on one line, short enough for a rule, and ending as a sentence does."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"
    return flat if flat.endswith((".", "!", "?", "…")) else f"{flat}."


def identifier(title: str) -> str | None:
    """Return a title as one word in Pascal case, or ``None`` if nothing is left of it."""
    words = re.findall("[A-Za-z0-9]+", title)
    return "".join(word[0].upper() + word[1:] for word in words)[:250] or None


def relative(path: str) -> str | None:
    """Return a relative path as a URI reference; ``None`` for an address, or a path that is not whole."""
    parts = PurePosixPath(path).parts
    if "://" in path or path.startswith("/") or not parts or not path.isprintable():
        return None
    if {"…", ".."} & set(parts):
        return None
    # A colon would make a scheme of what stands before it.
    return quote("/".join(parts), safe="/!@+,;=~")


def base_of(path: str, kind: str, target: str, known: frozenset[str]) -> str | None:
    """Return what ``path`` is relative to: a key of ``originalUriBaseIds``, or ``None`` if to nothing.

    ``known`` are paths of the source root itself: files of controls, and the inventory.
    """
    if relative(path) is None:
        return None
    if path in known:
        return SOURCE
    if kind in _ELSEWHERE:
        return None
    return f"TARGET:{target}" if kind in _OF_TARGET else SOURCE


def file_of(row: Row, known: frozenset[str]) -> Place:
    """Return the file to point at: that of the finding if it has one, else that of its control."""
    kind = row.verdict["kind"] if row.verdict is not None else ""
    if row.place is None or base_of(row.place["path"], kind, row.target, known) is None:
        return row.control["location"]
    return row.place


def physical(path: str, line: int | None, base: str) -> dict[str, Any]:
    """Return a physical location; one without a line points at the first, as GitHub must have one."""
    return {
        "artifactLocation": {"uri": relative(path) or "", "uriBaseId": base},
        "region": {"startLine": max(line or 1, 1)},
    }
