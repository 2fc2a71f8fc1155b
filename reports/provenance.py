"""Where a run came from: the commit of what it ran, and what started it. Never who."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reports.shape import Git, Trigger

PATIENCE = 10.0
"""Seconds that git may take."""
BY_HAND = "by hand"

# Service → the variable that is set there, and those that together name a job in a way others can find.
# None names a person: an account's name is personal data, and the service itself knows who it was.
_SERVICES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "GitHub Actions": ("GITHUB_ACTIONS", ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")),
    "GitLab CI": ("GITLAB_CI", ("CI_PROJECT_PATH", "CI_JOB_ID")),
    "Jenkins": ("JENKINS_URL", ("JOB_NAME", "BUILD_NUMBER")),
    "CircleCI": ("CIRCLECI", ("CIRCLE_PROJECT_REPONAME", "CIRCLE_BUILD_NUM")),
    "Buildkite": ("BUILDKITE", ("BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_NUMBER")),
    "Azure Pipelines": ("TF_BUILD", ("BUILD_DEFINITIONNAME", "BUILD_BUILDID")),
    "Bitbucket Pipelines": ("BITBUCKET_BUILD_NUMBER", ("BITBUCKET_REPO_SLUG", "BITBUCKET_BUILD_NUMBER")),
    "CI": ("CI", ()),
}
_PLAIN = re.compile(r"[^\w./:-]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit and the trigger of a run."""

    git: Git | None
    trigger: Trigger


UNKNOWN = Origin(None, Trigger(by=BY_HAND, reference=None))


def origin(root: Path, environ: Mapping[str, str]) -> Origin:
    """Return where a run in ``root`` comes from; ``POLICYPROOF_STARTED_BY`` is taken as it is given."""
    return Origin(_git(root), _trigger(environ))


def _trigger(environ: Mapping[str, str]) -> Trigger:
    if given := environ.get("POLICYPROOF_STARTED_BY"):
        return Trigger(by=_PLAIN.sub(" ", given)[:100].strip(), reference=None)
    for service, (variable, names) in _SERVICES.items():
        if environ.get(variable, "").lower() not in ("", "false", "0"):
            said = [_PLAIN.sub(" ", environ[name])[:100] for name in names if environ.get(name)]
            return Trigger(by=service, reference="/".join(said) or None)
    return Trigger(by=BY_HAND, reference=None)


def _git(root: Path) -> Git | None:
    """Return the commit checked out in ``root``; ``None`` where there is no repository, or no git."""
    commit = _asked(root, "rev-parse", "--verify", "HEAD")
    if commit is None or not re.fullmatch(r"[0-9a-f]{40,64}\n", commit):
        return None
    # Files that nobody added count too: a control that is not in the commit was not reviewed with it.
    status = _asked(root, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return Git(commit=commit.strip(), dirty=status is None or bool(status.strip()))


def _asked(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "-c", "core.fsmonitor=false", *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
