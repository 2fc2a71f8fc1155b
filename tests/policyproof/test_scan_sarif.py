"""The SARIF log of a scan, by an authority that is not ours."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from checks.scanner.result import Finding
from checks.scanner.source import Skipped
from policyproof.__main__ import main
from policyproof.scan_sarif import Sarif, result
from tests.reports import multitool, sarif_rules

REAL = "4539578763621486"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a b{0}.log").write_text(f"one\ncard {REAL} cvv 123\n")
    (folder / "b.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    return folder


def scanned(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    main(["scan", *map(str, arguments), "--format", "sarif"])
    read: dict[str, Any] = json.loads(capsys.readouterr().out)
    return read


def test_a_scan_from_the_repository_is_as_github_wants_it(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, arguments in {"relative": ("tree",), "absolute": (tree,)}.items():
        log = scanned(capsys, *arguments)
        (found,) = log["runs"][0]["results"]
        assert found["locations"][0]["physicalLocation"]["artifactLocation"] == {
            "uri": "tree/a%20b%7B0%7D.log"
        }
        assert sarif_rules.faults(log, github=False) == []
        (tmp_path / f"{name}.sarif").write_text(json.dumps(log), "utf-8")
    assert multitool.complaints(tmp_path) == []


def test_a_scan_from_elsewhere_names_files_as_they_are(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = scanned(capsys, tree)
    (found,) = log["runs"][0]["results"]
    uri = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == f"file://{tree}/a%20b%7B0%7D.log"
    (tmp_path / "scan.sarif").write_text(json.dumps(log), "utf-8")
    assert multitool.complaints(tmp_path, "Sarif") == []


def test_a_row_of_a_table_has_no_line_of_its_own() -> None:
    found = Finding(
        "postgresql://db/shop", "content", 4, 5, "plain", "Visa", "453957******1486", "high", "critical",
        "ab", False, False, False, table="orders", column="note", row="id={1}",
    )  # fmt: skip
    made = result(found)
    (where,) = made["locations"]
    assert where["physicalLocation"] == {"artifactLocation": {"uri": "postgresql://db/shop"}}
    assert where["logicalLocations"][0]["fullyQualifiedName"] == "orders.note"
    assert made["message"]["text"].endswith("row id={{1}}, column note.")


def test_what_is_beyond_the_limit_of_notifications_is_counted() -> None:
    out = Sarif(io.StringIO())
    for number in range(1_200):
        out.add(Skipped(f"file-{number}", "it is encrypted"))
    assert len(out._notes) == 999
    assert out._left == 201
