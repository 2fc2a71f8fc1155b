"""The gates in ``ci/`` as they are copied: valid by tools that are not ours, and run as they stand."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.core.inventory import load_inventory
from lab import canaries
from policyproof.__main__ import parser

ROOT = Path(__file__).parents[2]
CI = ROOT / "ci"
GITHUB, GITLAB = CI / "github-actions.yml", CI / "gitlab-ci.yml"
PRE_COMMIT = CI / "pre-commit-config.yaml"
BIN = Path(sys.executable).parent


def tool(
    name: str, *arguments: str, where: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment, as if it were active and nothing of a pipeline were set."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GITLAB_", "CI", "POLICYPROOF_"))
    }
    given = {**kept, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **variables}
    return subprocess.run(
        [name, *arguments], cwd=where, env=given, capture_output=True, text=True, timeout=180, check=False
    )


def loaded(path: Path) -> dict[str, Any]:
    result: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return result


def scripts() -> Iterator[tuple[str, str]]:
    """Yield every shell script of the three files, with where it stands."""
    for name, job in loaded(GITHUB)["jobs"].items():
        for step in job["steps"]:
            if "run" in step:
                yield f"{GITHUB.name} {name}", step["run"]
    for name, job in loaded(GITLAB).items():
        for line in [*job.get("before_script", ()), *job.get("script", ())] if isinstance(job, dict) else ():
            yield f"{GITLAB.name} {name}", line
    for repository in loaded(PRE_COMMIT)["repos"]:
        for hook in repository["hooks"]:
            yield f"{PRE_COMMIT.name} {hook['id']}", hook["entry"]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield the words of every command of ours in the scripts."""
    for where, script in scripts():
        for line in script.splitlines():
            words = shlex.split(line.partition("||")[0])
            if words and words[0] in ("pytest", "policyproof"):
                yield where, words


@pytest.mark.parametrize(("path", "schema"), [(GITHUB, "github-workflows"), (GITLAB, "gitlab-ci")])
def test_the_pipelines_are_valid(path: Path, schema: str) -> None:
    transform = ("--data-transform", "gitlab-ci") if schema == "gitlab-ci" else ()
    done = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *transform, str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_job_of_github_has_an_end() -> None:
    schema = "custom.github-workflows-require-timeout"
    done = tool("check-jsonschema", "--builtin-schema", schema, str(GITHUB))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_are_valid() -> None:
    done = tool("pre-commit", "validate-config", str(PRE_COMMIT))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_every_command_and_option_exists() -> None:
    seen = list(commands())
    assert len(seen) == 11
    listed = tool("pytest", "--help").stdout
    known = {*re.findall(r"(?<![\w-])--[a-z-]+", listed), "--junitxml"}  # as --junit-xml, not listed
    for where, words in seen:
        if words[0] == "policyproof":
            parser().parse_args([*words[1:], *(["FILE"] if words[1] == "scan" else [])])
        else:
            assert {word for word in words if word.startswith("--")} <= known, where


def test_environments_and_addresses_are_the_inventorys() -> None:
    text = GITHUB.read_text("utf-8")
    for _, words in commands():
        named = [words[at + 1] for at, word in enumerate(words) if word == "--environment"]
        named += words[2:3] if words[:2] == ["policyproof", "gate"] else []
        for name in named:
            load_inventory(ROOT / "inventory.yaml", name, {})
    for name in re.findall(r"ENFYRA_STAGING_(\w+):", text):
        assert re.search(rf"\b{name}\b", (ROOT / "inventory.yaml").read_text("utf-8")), name


def test_extras_exist() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    for _, script in scripts():
        for extras in re.findall(r"\.\[([a-z,]+)\]", script):
            for extra in extras.split(","):
                assert re.search(rf"^{extra} = \[", pyproject, re.MULTILINE), extra


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as a pipeline has it: what a control run reads, in one commit."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("controls", "ci"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("inventory.yaml", "pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(PRE_COMMIT, folder / ".pre-commit-config.yaml")
    committed(folder)
    return folder


def committed(folder: Path) -> str:
    git = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    for words in (
        ("init", "--quiet"),
        ("add", "--all"),
        (*git, "commit", "--quiet", "--no-verify", "-m", "x"),
    ):
        done = tool("git", *words, where=folder)
        assert done.returncode == 0, done.stderr
    return tool("git", "rev-parse", "HEAD", where=folder).stdout.strip()


def test_the_job_on_the_lab_runs_as_it_stands(checkout: Path, tmp_path: Path) -> None:
    """The script of GitLab's job, and what GitHub's gate adds, on one real run of all controls."""
    commit = tool("git", "rev-parse", "HEAD", where=checkout).stdout.strip()
    (script,) = loaded(GITLAB)["privacy-lab"]["script"]
    done = tool("sh", "-e", "-c", script, where=checkout, CI_COMMIT_SHA=commit, GITLAB_CI="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing stands in the way (exit code 0)" in done.stdout
    reports = loaded(GITLAB)[".privacy"]["artifacts"]["reports"]
    assert "<testsuites" in (checkout / reports["junit"]).read_text("utf-8")
    assert json.loads((checkout / reports["codequality"]).read_text("utf-8")) == []

    gates = [
        step["run"] for step in loaded(GITHUB)["jobs"]["lab"]["steps"] if "policyproof" in step.get("run", "")
    ]
    summary = tmp_path / "summary.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_SHA": commit}
    done = tool("sh", "-e", "-c", gates[0], where=checkout, **github)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("::notice ")
    assert "# " in summary.read_text("utf-8")
    # A run of another commit is no reason to let this one go.
    done = tool("sh", "-e", "-c", gates[0], where=checkout, **{**github, "GITHUB_SHA": "f" * 40})
    assert done.returncode == 3
    assert "not of ffffffffffff" in done.stdout


def test_where_nothing_ran_the_job_stops(tmp_path: Path) -> None:
    """pytest that cannot even begin is no reason to go on, whatever an older run came to."""
    (script,) = loaded(GITLAB)["privacy-staging"]["script"]
    done = tool("sh", "-e", "-c", script, where=tmp_path, CI_COMMIT_SHA="f" * 40)
    assert done.returncode == 4
    assert "no ledger" in done.stderr


def test_the_hooks_run_and_refuse(checkout: Path) -> None:
    (checkout / "note.txt").write_text(f"card {canaries.cards()[0]}\n", "utf-8")
    (checkout / "controls" / "broken.yaml").write_text("id: X-1\nchekc: nothing\n", "utf-8")
    tool("git", "add", "note.txt", "controls/broken.yaml", where=checkout)
    home = {"PRE_COMMIT_HOME": str(checkout.parent / "pre-commit-home"), "PRE_COMMIT_COLOR": "never"}
    try:
        done = tool("pre-commit", "run", where=checkout, **home)
    finally:
        tool("git", "rm", "--force", "--quiet", "note.txt", "controls/broken.yaml", where=checkout)
    assert done.returncode == 1
    assert done.stdout.count("Failed") == 2
    assert "controls/broken.yaml:" in done.stdout
    assert "note.txt" in done.stdout
    assert canaries.cards()[0] not in done.stdout
