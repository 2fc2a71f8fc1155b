"""What git says lies between two commits, where a repository is at hand."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from reports.evidence import showable
from reports.quarter.shape_changes import GitLog

PATHS = ("controls", "inventory.yaml")
"""What a change is told of."""
MOST = 500
"""Commits listed."""
PATIENCE = 20.0
"""Seconds that git may take."""


def git_log(repository: Path | None, before: str | None, commits: list[str]) -> GitLog:
    """Return the commits to controls and inventory from the one before the period to its last."""
    if repository is None:
        return _absent("No repository was at hand; the digests above tell what changed.")
    # A commit is an argument of a program: nothing but hex may be one.
    known = [one for one in commits if re.fullmatch("[0-9a-f]{7,64}", one)]
    if not known:
        return _absent("No run of the period names a commit.")
    start = before if before is not None and re.fullmatch("[0-9a-f]{7,64}", before) else known[0]
    end = known[-1]
    if start == end:
        return GitLog(available=True, said=f"All runs were made from commit {end[:12]}.", lines=[])
    command = ["git", "log", "--oneline", "--no-decorate", "--no-color", f"--max-count={MOST}"]
    command += [f"{start}..{end}", "--", *PATHS]
    try:
        done = subprocess.run(
            command,
            cwd=repository,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat", "LC_ALL": "C"},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return _absent("git could not be asked.")
    if done.returncode != 0:
        return _absent(f"git does not know the commits {start[:12]} to {end[:12]} here.")
    lines = [showable(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]
    said = f"git log {start[:12]}..{end[:12]} -- {' '.join(PATHS)}"
    return GitLog(available=True, said=said if lines else f"{said}: no commit.", lines=lines)


def _absent(said: str) -> GitLog:
    return GitLog(available=False, said=said, lines=[])
