"""``pytest controls/`` on the lab, as a newcomer types it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

from lab import canaries
from lab.plants import PLANTS

ROOT = Path(__file__).parents[2]


def run(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "controls/",
            "--report-dir",
            str(out),
            "-p",
            "no:cacheprovider",
            *arguments,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_clean(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "environment: LAB (BUNDLED, SYNTHETIC DATA) (lab)" in done.stdout
    assert "synthetic data: this run says nothing about production" in done.stdout
    html = (tmp_path / "lab/report.html").read_text("utf-8")
    assert "Lab (bundled, synthetic data)" in html
    report = json.loads((tmp_path / "lab/report.json").read_text("utf-8"))
    assert report["environment"]["synthetic"] is True
    for har in sorted((tmp_path / "lab/evidence/site.browser").glob("*.har")):
        assert f"{har.name}, SHA-256 {hashlib.sha256(har.read_bytes()).hexdigest()}; it names" in html
        assert har.with_name(f"{har.stem}-start.png").is_file()
    assert "before-any-choice.har" in html


def test_no_planted_value_appears_anywhere(tmp_path: Path) -> None:
    """Evidence never leaks: raw, or in any of the three alignments of base64."""
    done = run(
        tmp_path, "--plant", ",".join(PLANTS), "-vv", "-n", "2", "--junitxml", str(tmp_path / "junit.xml")
    )
    assert done.returncode == 1
    outputs = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    outputs |= {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    outputs["the ledger"] = blocks(tmp_path / "ledger.sqlite")
    assert b'"findings":[{"detail":' in outputs["the ledger"]
    assert len(outputs) >= 7
    assert b"CARD-03" in outputs["stdout"]
    for value in canaries.all_values():
        for needle in needles(value):
            guilty = [name for name, content in outputs.items() if needle in content]
            assert not guilty, f"a planted value of {len(value)} characters stands in {guilty}"


def blocks(ledger: Path) -> bytes:
    """Return everything that a ledger keeps: in pages of its file it may stand in pieces, or compressed."""
    with closing(sqlite3.connect(ledger)) as connection:
        heads = [head.encode() for (head,) in connection.execute("SELECT head FROM entry")]
        return b"\n".join(
            [*heads, *(zlib.decompress(body) for (body,) in connection.execute("SELECT body FROM block"))]
        )


def needles(value: str) -> list[bytes]:
    """Return a value as it may stand in a file: raw, JSON-escaped, and within any base64 text."""
    raw = value.encode()
    found = [raw, json.dumps(value)[1:-1].encode()]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # The first and last characters depend on what stands around the value.
        inner = encoded[-(-shift * 8 // 6) + (1 if shift else 0) : -4]
        if len(inner) >= 8:
            found.append(inner)
    return found


def test_a_wrong_address_is_not_assessed(tmp_path: Path) -> None:
    done = run(tmp_path, "--environment", "staging")
    assert done.returncode == 3
    assert "environment variable ENFYRA_STAGING_CLOUD_DB_URL is not set" in done.stdout
