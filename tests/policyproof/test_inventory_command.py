"""``policyproof inventory env``: what is needed, never what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyproof.__main__ import main

INVENTORY = str(Path(__file__).parents[2] / "inventory.yaml")


def test_variables_are_named_and_their_values_are_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENFYRA_STAGING_CLOUD_DB_URL", "postgresql://audit:hunter2@db/cloud")
    assert main(["inventory", "env", "staging", "--inventory", INVENTORY]) == 3
    lines = capsys.readouterr().out.splitlines()
    state = {line.split()[0]: line for line in lines}
    assert " set " in state["ENFYRA_STAGING_CLOUD_DB_URL"]
    assert "NOT SET" in state["ENFYRA_STAGING_SITE_URL"]
    assert "not set (only for" in state["ENFYRA_STAGING_SITE_CA"]
    assert not any("hunter2" in line for line in lines)


def test_a_ca_bundle_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = "CLOUD_DB_URL PROJECT_DB_URL CONFIG_DIR LOG_DIR BACKUP_DIR SCHEMA_DIR SITE_URL API_URL API_TOKEN"
    names += " CACHE_URL FILE_DIR"
    for name in names.split():
        monkeypatch.setenv(f"ENFYRA_STAGING_{name}", "x")
    assert main(["inventory", "env", "staging", "--inventory", INVENTORY]) == 0


def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", "env", "stagin", "--inventory", INVENTORY]) == 4
    complaint = capsys.readouterr().err
    assert "did you mean 'staging'?" in complaint
    assert complaint.count("\n") == 1
