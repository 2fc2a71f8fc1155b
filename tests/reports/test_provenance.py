"""The commit is the repository's own, and what started a run is a service or a hand, never a name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reports.provenance import BY_HAND, origin


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_and_whether_there_is_more_than_it(tmp_path: Path) -> None:
    assert origin(tmp_path, {}).git is None
    git(tmp_path, "init", "-q")
    assert origin(tmp_path, {}).git is None  # nothing committed yet
    (tmp_path / "inventory.yaml").write_text("a: 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert origin(tmp_path, {}).git == {"commit": commit, "dirty": False}
    (tmp_path / "controls").mkdir()
    assert origin(tmp_path / "controls", {}).git == {"commit": commit, "dirty": False}
    (tmp_path / "controls" / "new.yaml").write_text("nobody has reviewed this\n")
    assert origin(tmp_path, {}).git == {"commit": commit, "dirty": True}
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "second")
    (tmp_path / "inventory.yaml").write_text("a: 2\n")
    assert origin(tmp_path, {}).git == {"commit": git(tmp_path, "rev-parse", "HEAD"), "dirty": True}


def test_no_git_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert origin(Path(__file__).parent, {}).git is None


@pytest.mark.parametrize(
    ("environ", "by", "reference"),
    [
        ({}, BY_HAND, None),
        ({"USER": "ada", "LOGNAME": "ada"}, BY_HAND, None),
        (
            {
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTOR": "ada",
                "GITHUB_REPOSITORY": "org/app",
                "GITHUB_RUN_ID": "17",
                "GITHUB_RUN_ATTEMPT": "2",
            },
            "GitHub Actions",
            "org/app/17/2",
        ),
        ({"CI": "true", "GITLAB_CI": "true", "CI_JOB_ID": "9", "GITLAB_USER_NAME": "Ada"}, "GitLab CI", "9"),
        ({"CI": "1"}, "CI", None),
        ({"CI": "false"}, BY_HAND, None),
        ({"CI": "1", "POLICYPROOF_STARTED_BY": "nightly\ncron <x>"}, "nightly cron x", None),
    ],
)
def test_what_started_it(environ: dict[str, str], by: str, reference: str | None, tmp_path: Path) -> None:
    assert origin(tmp_path, environ).trigger == {"by": by, "reference": reference}
