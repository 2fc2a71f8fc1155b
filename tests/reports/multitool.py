"""Microsoft's SARIF Multitool, as an authority that is not ours. It comes by npm, once, into ``build/``."""

from __future__ import annotations

import functools
import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

VERSION = "5.7.0"
PLACE = Path(__file__).parents[2] / "build" / f"sarif-multitool-{VERSION}"
EXPECTED = {"SARIF2005"}
"""Rules that may be broken: a tool has an address for more information, and ours has none to give."""


@functools.cache
def package() -> Path:
    """Return the folder of the tool and of the published schema; skips the test if it cannot be had."""
    found = PLACE / "node_modules" / "@microsoft" / "sarif-multitool-linux"
    if platform.system() != "Linux" or shutil.which("npm") is None:
        pytest.skip("the SARIF Multitool needs Linux and npm")
    if not (found / "sarif-2.1.0.json").is_file():
        PLACE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(PLACE), "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(
                [*command, f"@microsoft/sarif-multitool@{VERSION}"],
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not fetch the SARIF Multitool in 120 s")
        if done.returncode or not (found / "sarif-2.1.0.json").is_file():
            pytest.skip("npm cannot fetch the SARIF Multitool here")
    (found / "Sarif.Multitool").chmod(0o755)  # as its own postinstall does
    return found


def schema() -> dict[str, Any]:
    """Return the published JSON Schema of SARIF 2.1.0."""
    read: dict[str, Any] = json.loads((package() / "sarif-2.1.0.json").read_text("utf-8-sig"))
    return read


def complaints(folder: Path, kinds: str = "Sarif;Ghas") -> list[str]:
    """Validate every log in ``folder`` and return what is said of it, without what is expected."""
    report = folder / "validation.out"
    done = subprocess.run(
        [
            str(package() / "Sarif.Multitool"), "validate", str(folder / "*.sarif"),
            "--rule-kind", kinds, "--output", str(report), "--log", "ForceOverwrite",
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Analysis completed successfully." in done.stdout, done.stdout + done.stderr
    (run,) = json.loads(report.read_text("utf-8-sig"))["runs"]
    said = [
        f"{result['ruleId']}: {result['locations'][0]['physicalLocation']['artifactLocation']['uri']}: "
        f"{result['message']}"
        for result in run["results"]
        if result["ruleId"] not in EXPECTED
    ]
    assert run["invocations"][0]["executionSuccessful"] is True
    return said
