"""Real pytest runs with the plugin: what is on disk afterwards, what is said, how the run ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reports.ledger import Ledger
from reports.recorded import placed
from reports.renderers.words import VERIFY

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent
RENDERINGS = ("report.html", "report.json", "report.md")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder in which a run ends with the run of a factory named by ``FACTORY``."""
    pytester.makeini("[pytest]")
    pytester.makeconftest(
        f"""
        import os, sys, uuid
        from dataclasses import replace
        sys.path.insert(0, {str(HERE)!r})
        import factories

        def pytest_sessionfinish(session):
            name = os.environ.get("FACTORY")
            if name:
                run = replace(getattr(factories, name)(), id=str(uuid.uuid4()))
                session.config.hook.pytest_policyproof_finish(config=session.config, run=run)
        """
    )
    pytester.makepyfile(test_it="def test_nothing(): pass")
    return pytester


def run(
    project: pytest.Pytester, factory: str, monkeypatch: pytest.MonkeyPatch, *options: str
) -> pytest.RunResult:
    monkeypatch.setenv("FACTORY", factory)
    without = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:hypothesispytest")  # slow to load
    return project.runpytest_subprocess(*without, "test_it.py", *options)


def test_each_run_is_recorded_and_its_reports_written(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, factory in enumerate(("clean", "violating"), start=1):
        result = run(project, factory, monkeypatch)
        assert result.ret == 0
        result.stdout.fnmatch_lines([f"report: reports/out/lab/{name}" for name in RENDERINGS])
        out = project.path / "reports" / "out"
        assert sorted(path.name for path in (out / "lab").iterdir()) == sorted(RENDERINGS)
        ledger = Ledger(out / "ledger.sqlite")
        assert ledger.verify() is None
        (*_, last) = ledger.entries()
        report = json.loads((out / "lab" / "report.json").read_text("utf-8"))
        assert report["ledger"] == placed(last)
        assert last.number == number
        assert last.digest in (out / "lab" / "report.html").read_text("utf-8")


def test_what_changed_since_the_run_before_is_told(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = run(project, "clean", monkeypatch)
    assert "since run" not in quiet.stdout.str()
    failing = run(project, "violating", monkeypatch)
    failing.stdout.fnmatch_lines(["since run 1: * new, 0 still failing, 0 fixed, 0 no longer assessed"])
    failing.stdout.fnmatch_lines(["  new: critical CARD-02 on *"])
    again = run(project, "violating", monkeypatch)
    again.stdout.fnmatch_lines(["since run 2: 0 new, * still failing, 0 fixed, 0 no longer assessed"])
    mended = run(project, "clean", monkeypatch)
    mended.stdout.fnmatch_lines(["since run 3: 0 new, 0 still failing, * fixed, 0 no longer assessed"])


def test_the_recipe_printed_in_a_report_tells_whether_it_was_changed(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(project, "rich", monkeypatch)
    folder = project.path / "reports" / "out" / "lab"
    recipe = VERIFY.replace("python3", sys.executable, 1)

    def verified() -> str:
        done = subprocess.run(  # noqa: S602  the recipe is for a shell
            recipe, shell=True, cwd=folder, capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout.strip()

    assert verified() == "unchanged"
    path = folder / "report.json"
    path.write_text(path.read_text("utf-8").replace('"violations"', '"compliant"', 1), encoding="utf-8")
    assert verified() == "CHANGED"


def test_environments_have_folders_of_their_own(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for factory in ("clean", "not_assessed"):
        run(project, factory, monkeypatch, "--report-dir", "kept")
    assert sorted(path.name for path in (project.path / "kept").iterdir()) == [
        "lab",
        "ledger.sqlite",
        "production",
    ]
    assert not (project.path / "reports").exists()


def test_a_run_without_controls_leaves_nothing(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(project, "", monkeypatch)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*report*:*")
    assert not (project.path / "reports").exists()


def test_a_proof_that_cannot_be_written_fails_the_run(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.path / "kept").write_text("a file where the folder should be")
    result = run(project, "clean", monkeypatch, "--report-dir", "kept")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["no report was written: kept: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_ledger_that_is_none_fails_the_run_and_the_report_says_so(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = project.mkdir("kept")
    (kept / "ledger.sqlite").write_text("not a database, and long enough to be looked at" * 50)
    result = run(project, "clean", monkeypatch, "--report-dir", "kept")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["the run could not be recorded: ledger.sqlite: *not a database*"])
    assert "This run is not in the ledger" in (kept / "lab" / "report.html").read_text("utf-8")
    assert json.loads((kept / "lab" / "report.json").read_text("utf-8"))["ledger"] is None


def test_a_report_that_cannot_be_written_leaves_no_half_of_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project.path / "kept" / "lab" / "report.html"
    folder.mkdir(parents=True)  # a folder where the file should be
    result = run(project, "clean", monkeypatch, "--report-dir", "kept")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["a report could not be written: kept: *"])
    assert [path.name for path in folder.parent.iterdir()] == ["report.html"]
