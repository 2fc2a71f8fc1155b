"""Puts the renderings of a summary on disk, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from reports.renderers import html, json_, markdown
from reports.shape import Summary

RENDERERS: dict[str, Callable[[Summary], str]] = {
    "report.html": html.render,
    "report.json": json_.render,
    "report.md": markdown.render,
}


def write_reports(summary: Summary, folder: Path) -> Iterator[Path]:
    """Write every rendering into ``folder`` and yield its path; raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, render in RENDERERS.items():
        write_whole(folder / name, render(summary))
        yield folder / name


def write_whole(path: Path, text: str) -> None:
    """Replace the file at ``path`` by ``text`` at once, so that nobody ever reads half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
