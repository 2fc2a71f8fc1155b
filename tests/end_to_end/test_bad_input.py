"""Bad input: one clear line each, the right exit code, never a traceback and never a pass."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.end_to_end.project import API, CONTROLS, Project


def told(project: Project, code: int, words: str, *arguments: str, **variables: str | None) -> str:
    """Run; assert exit code and the line; return the output."""
    done = project.run(*arguments, **variables)
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    lines = [line for line in output.splitlines() if words in line]
    assert lines, output
    assert "Traceback" not in output
    assert "site-packages" not in output
    return output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("severity: medium", "severity: [medium", "controls/rows.yaml:"),
        ("severity: medium", "severty: medium", "rows.yaml:5: unknown key 'severty'"),
        (
            "oldest_row_within",
            "oldest_rows_within",
            "rows.yaml:8: unknown check 'retention.oldest_rows_within",
        ),
        (
            "{grace: P1D}",
            "{grace: 1}",
            "rows.yaml:9: check retention.oldest_row_within_limit, parameter 'grace'",
        ),
        (
            "id: RET-02",
            "id: CARD-03",
            "rows.yaml:1: control id 'CARD-03' is used by controls/cards",
        ),
        (
            "{kind: dataset}",
            "{kind: site}",
            "rows.yaml:8: check retention.oldest_row_within_limit reads dataset",
        ),
        (
            "{kind: dataset}",
            "{kind: dataset, tags: [vip]}",
            "rows.yaml:1: RET-02 selects no target in environment here",
        ),
        ('["1.1"]', '["9.9"]', "rows.yaml:3: clause 9.9 is not in policy.lock"),
    ],
)
def test_a_control_with_a_mistake(project: Project, old: str, new: str, words: str) -> None:
    path = project.root / "controls/rows.yaml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    output = told(project, 3, words)
    assert "CARD-03" in output  # the rest ran


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("organization: Acme", "organisation: Acme", "inventory.yaml:2: unknown key 'organisation'"),
        ("keep: P90D", "keep: 90 days", "inventory.yaml:"),
        ("stores:\n", "stores: [\n", "inventory.yaml:"),
        ("made: system.timestamp", "made: system.timestmp", "did you mean 'system.timestamp'?"),
    ],
)
def test_an_inventory_with_a_mistake(project: Project, old: str, new: str, words: str) -> None:
    path = project.root / "inventory.yaml"
    path.write_text(path.read_text().replace(old, new))
    told(project, 4, words)


def test_options(project: Project) -> None:
    told(project, 4, "no environment 'hree' (did you mean 'here'?)", "--environment", "hree")
    told(project, 4, "no-such.yaml", "--inventory", "no-such.yaml")


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield int(listening.getsockname()[1])


def closed() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def no_variable(project: Project) -> dict[str, str | None]:
    return {"ACME_CRM_URL": None}


def no_file(project: Project) -> dict[str, str | None]:
    return {"ACME_CRM_URL": f"sqlite:///{project.root}/none.db"}


def not_a_database(project: Project) -> dict[str, str | None]:
    project.write("crm.db", "this is no database\n" * 100)
    return {}


def empty_table(project: Project) -> dict[str, str | None]:
    project.sql("DELETE FROM person")
    return {}


def missing_table(project: Project) -> dict[str, str | None]:
    project.sql("ALTER TABLE person RENAME TO persons")
    return {}


def nobody_listens(project: Project) -> dict[str, str | None]:
    return {"ACME_CRM_URL": f"postgresql://reader:hunter2secret@127.0.0.1:{closed()}/crm"}


def bad_address(project: Project) -> dict[str, str | None]:
    return {"ACME_CRM_URL": "hunter2secret"}


def no_folder(project: Project) -> dict[str, str | None]:
    return {"ACME_LOG_DIR": str(project.root / "nowhere")}


def empty_folder(project: Project) -> dict[str, str | None]:
    (project.root / "logs/access.log").unlink()
    return {}


def empty_log(project: Project) -> dict[str, str | None]:
    project.write("logs/access.log", "")
    return {}


def binary_log(project: Project) -> dict[str, str | None]:
    (project.root / "logs/access.log").write_bytes(os.urandom(4096) + b"\0")
    return {}


def huge_hole(project: Project) -> dict[str, str | None]:
    with (project.root / "logs/access.log").open("r+b") as file:
        file.truncate(5 * 2**30)  # 5 GiB, no block of which is on the disk
    return {}


def truncated_gzip(project: Project) -> dict[str, str | None]:
    whole = gzip.compress(b"2026-11-01T00:00:00+00:00 GET /\n" * 5000)
    (project.root / "logs/access.log.1.gz").write_bytes(whole[: len(whole) // 2])
    return {}


def undated_log(project: Project) -> dict[str, str | None]:
    project.write("logs/access.log", "GET / without a date\n")
    return {}


def malformed_config(project: Project) -> dict[str, str | None]:
    project.write("configs/app.yaml", "a: [1,\nb: 2\n")
    return {}


def no_config(project: Project) -> dict[str, str | None]:
    (project.root / "configs/app.yaml").unlink()
    return {}


@pytest.mark.parametrize(
    ("spoil", "control", "words"),
    [
        (no_variable, "CARD-03", "environment variable ACME_CRM_URL is not set"),
        (no_file, "CARD-03", "crm"),
        (not_a_database, "CARD-03", "crm"),
        (empty_table, "CARD-03", "nothing to look at: 0 rows"),
        (missing_table, "RET-02", "person"),
        (nobody_listens, "CARD-03", "crm"),
        (bad_address, "CARD-03", "ACME_CRM_URL"),
        (no_folder, "RET-03", "ACME_LOG_DIR"),
        (empty_folder, "RET-03", "access.log*"),
        (empty_log, "RET-03", "nothing to look at: 0 lines"),
        (binary_log, "RET-03", "access.log"),
        (huge_hole, "RET-03", "access.log"),
        (truncated_gzip, "RET-03", "truncated"),
        (undated_log, "RET-03", "1 lines have no date"),
        (malformed_config, "SALE-03", "app.yaml:"),
        (no_config, "SALE-03", "*.yaml"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_target_that_cannot_be_looked_at(
    project: Project, spoil: Callable[[Project], dict[str, str | None]], control: str, words: str
) -> None:
    output = told(project, 3, words, "-v", **spoil(project))
    assert "NOT ASSESSED" in output
    states = {
        line.split("[")[0].split("::")[1]: line
        for line in output.splitlines()
        if line.startswith("controls/") and "::" in line
    }
    assert "NOT ASSESSED" in states[control]
    assert "hunter2secret" not in output
    written = [path for path in (project.root / "reports").rglob("*") if path.is_file()]
    assert len(written) == 4
    assert not any(b"hunter2secret" in path.read_bytes() for path in written)


def test_an_api_that_does_not_answer(project: Project, silent: int) -> None:
    project.control("api", API)
    told(project, 3, "api", "--timeout-target", "1", ACME_API_URL=f"http://127.0.0.1:{silent}")
    told(project, 3, "api", ACME_API_URL=f"http://127.0.0.1:{closed()}")


def test_a_database_that_does_not_answer(project: Project, silent: int) -> None:
    url = f"postgresql://reader:hunter2secret@127.0.0.1:{silent}/crm"
    output = told(project, 3, "crm", "--timeout-target", "1", ACME_CRM_URL=url)
    assert "hunter2secret" not in output


def test_a_violation_before_the_break_is_a_fail(project: Project) -> None:
    old = "2020-01-01T00:00:00+00:00 GET /\n"
    project.write("logs/access.log", old)
    truncated_gzip(project)
    done = project.run()
    assert done.returncode == 1
    assert "truncated" in done.stdout


def test_no_control_at_all(project: Project) -> None:
    for name in CONTROLS:
        (project.root / f"controls/{name}.yaml").unlink()
    assert project.run().returncode == 3
