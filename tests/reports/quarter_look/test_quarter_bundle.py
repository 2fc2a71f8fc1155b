"""What lies on disk after a quarterly report, and a bundle that shows every wrong edit by itself."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "quarter"))
import factories
import past

from reports.ledger import Ledger
from reports.quarter import pdf
from reports.quarter.build import build
from reports.quarter.period import period
from reports.quarter.shape import Quarter
from reports.quarter.writing import write_quarter

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)


def recorded(folder: Path) -> tuple[Ledger, Quarter]:
    """A quarter with a failure, with runs of another environment between, and its ledger."""
    ledger = Ledger(folder / "ledger.sqlite")
    for day in range(-4, 16, 2):
        run = past.failing() if day in (4, 6) else past.production(factories.clean())
        ledger.append(past.moved(run, day + 0.3))
        if day == 8:
            ledger.append(past.moved(factories.clean(), day + 0.4))
    return ledger, build(ledger, "production", period("2026Q4"), now=NOW)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quarter")
    ledger, quarter = recorded(folder)
    for _ in write_quarter(quarter, folder / "out", ledger=ledger, pdf=False):
        pass
    return folder / "out"


@pytest.fixture
def bundle(written: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(written / "evidence-production-2026Q4.zip") as archive:
        archive.extractall(tmp_path / "bundle")
    return tmp_path / "bundle"


def verify(bundle: Path) -> tuple[int, str]:
    """Run the bundle's own program as an auditor would, with no library of ours in reach."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(bundle / "verify.py")], capture_output=True, text=True, timeout=60
    )
    assert not done.stderr
    return done.returncode, done.stdout


def rewrite_manifest(bundle: Path) -> None:
    """What somebody would do who knows that there is a manifest."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    manifest["files"] = {
        name: hashlib.sha256((bundle / name).read_bytes()).hexdigest()
        for name in manifest["files"]
        if (bundle / name).exists()
    }
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def test_all_renderings_are_written_and_the_bundle_verifies(written: Path, bundle: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == [
        "evidence-production-2026Q4.zip",
        "oscal-assessment-results.json",
        "oscal-component-definition.json",
        "quarter.html",
        "quarter.json",
    ]
    code, said = verify(bundle)
    assert code == 0, said
    assert "verified: entries 2 to 11 as one chain" in said
    assert "verified: 8 runs of the report against the entries" in said
    assert "NOT verified: that the ledger itself was not rewritten" in said
    assert said.endswith("Nothing was changed.\n")
    assert (bundle / "quarter.html").read_bytes() == (written / "quarter.html").read_bytes()


def test_what_the_report_cites_is_in_the_bundle_whole(bundle: Path) -> None:
    report = json.loads((bundle / "quarter.json").read_text("utf-8"))
    lines = (bundle / "ledger" / "entries.jsonl").read_text("utf-8").splitlines()
    heads = {row["number"]: json.loads(row["head"]) for row in map(json.loads, lines)}
    blocks = (bundle / "ledger" / "blocks.jsonl").read_bytes().splitlines()
    held = {hashlib.sha256(block).hexdigest() for block in blocks}
    failed = report["failing"]["periods"][0]
    for number in (
        report["runs"][-1]["number"],
        failed["first_run"],
        failed["last_run"],
        failed["ended_run"],
    ):
        assert {*heads[number]["evidence"].values()} <= held
    for run in report["runs"]:
        assert {heads[run["number"]]["plan"], heads[run["number"]]["findings"]} <= held
    assert {control["evidence"] for control in report["traceability"]["controls"]} <= held


def test_the_same_quarter_makes_the_same_bytes(tmp_path: Path) -> None:
    ledger, quarter = recorded(tmp_path)
    made = []
    for name in ("a", "b"):
        *_, path = write_quarter(quarter, tmp_path / name, ledger=ledger, pdf=False)
        made.append(path.read_bytes())
    assert made[0] == made[1]


def edit_entries(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def edit(bundle: Path) -> None:
        path = bundle / "ledger" / "entries.jsonl"
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    return edit


def edit_text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(bundle: Path) -> None:
        text = (bundle / name).read_text("utf-8")
        assert old in text
        (bundle / name).write_text(text.replace(old, new, 1), "utf-8")

    return edit


def leave_out_a_run(bundle: Path) -> None:
    report = json.loads((bundle / "quarter.json").read_text("utf-8"))
    del report["runs"][3]
    (bundle / "quarter.json").write_text(json.dumps(report), "utf-8")


EDITS: dict[str, tuple[Callable[[Path], None], str]] = {
    "an entry": (
        edit_text("ledger/entries.jsonl", "build-7", "build-8"),
        "changed after it was recorded",
    ),
    "an entry taken out": (edit_entries(lambda rows: [*rows[:3], *rows[4:]]), "the order was changed"),
    "two entries swapped": (
        edit_entries(lambda rows: [rows[1], rows[0], *rows[2:]]),
        "the order was changed",
    ),
    "an entry twice": (edit_entries(lambda rows: [*rows[:3], rows[2], *rows[3:]]), "the order was changed"),
    "the last entry cut": (edit_entries(lambda rows: rows[:-1]), "whose last entry is 11"),
    "all entries cut": (edit_entries(lambda rows: []), "CHANGED"),
    "evidence": (edit_text("ledger/blocks.jsonl", "cloud-db", "other-db"), "blocks of evidence were changed"),
    "a count of the report": (edit_text("quarter.json", '"fail": 1', '"fail": 0'), "otherwise than it was"),
    "a run left out of the report": (leave_out_a_run, "the report leaves out run"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_shows_even_with_a_manifest_made_to_fit(bundle: Path, name: str) -> None:
    edit, words = EDITS[name]
    edit(bundle)
    rewrite_manifest(bundle)
    code, said = verify(bundle)
    assert code == 1
    assert words in said
    assert said.endswith("This bundle was CHANGED.\n")


def test_an_edit_of_the_page_shows_against_the_manifest(bundle: Path) -> None:
    edit_text("quarter.html", "Did not hold", "Held throughout")(bundle)
    (bundle / "added.txt").write_text("more", "utf-8")
    (bundle / "README.txt").unlink()
    code, said = verify(bundle)
    assert code == 1
    for line in ("quarter.html was changed", "added.txt is not in the manifest", "README.txt is missing"):
        assert f"CHANGED: {line}" in said


@pytest.mark.parametrize("text", ["", "[]", "{", '{"files": 3}'])
def test_a_bundle_that_is_none_is_one_line(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text, "utf-8")
    code, said = verify(bundle)
    assert code == 1
    assert "CHANGED: the bundle cannot be read as one" in said
    assert "Traceback" not in said


def test_pruned_evidence_is_said_not_to_be_there(tmp_path: Path) -> None:
    ledger, _ = recorded(tmp_path)
    ledger.prune("2026-10-08T00:00:00Z", "P7D")
    quarter = build(ledger, "production", period("2026Q4"), now=NOW)
    *_, path = write_quarter(quarter, tmp_path / "out", ledger=ledger, pdf=False)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "bundle")
    code, said = verify(tmp_path / "bundle")
    assert code == 0, said
    assert "NOT verified: " in said
    assert "removed under the" in said
    quarter_of_it = json.loads((tmp_path / "bundle" / "quarter.json").read_text("utf-8"))
    assert quarter_of_it["title"]["ledger"]["pruned_before"]


def test_what_could_not_be_made_is_said_and_an_old_print_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, quarter = recorded(tmp_path)
    (tmp_path / "quarter.pdf").write_bytes(b"of another quarter")
    monkeypatch.setenv(pdf.CHROMIUM, "no-such-program")
    monkeypatch.setitem(sys.modules, "altair", None)
    said: list[str] = []
    paths = [path.name for path in write_quarter(quarter, tmp_path, say=said.append)]
    assert paths == ["quarter.html", "quarter.json", "oscal-assessment-results.json"]
    assert not (tmp_path / "quarter.pdf").exists()
    assert said == [
        "quarter.html has no charts: charts need Altair and vl-convert: pip install 'policyproof[charts]'",
        "quarter.pdf was not made: POLICYPROOF_CHROMIUM names no program that can be started",
    ]
