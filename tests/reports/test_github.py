"""What GitHub Actions is told: commands that no text breaks, within its limits, the worst first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath

import factories
import golden_files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.model import Run
from reports.compare import compare, past_summary
from reports.renderers import github, markdown
from reports.shape import Summary
from reports.summary import summarise

COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^,:\n]*,?)+)::([^\n]*)")


def summary(run: Run) -> Summary:
    return summarise(run, PurePath(factories.ROOT))


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as the runner does, which takes each line for itself."""
    read = []
    for line in text.removesuffix("\n").split("\n"):
        match = COMMAND.fullmatch(line)
        assert match, line
        level, properties, data = match.groups()
        given_ = dict(one.split("=", 1) for one in properties.split(","))
        read.append((level, {name: unescaped(value) for name, value in given_.items()}, unescaped(data)))
    return read


def unescaped(text: str) -> str:
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


@pytest.mark.parametrize("name", ["rich", "incomplete"])
def test_golden(name: str) -> None:
    rendered = github.annotations(summary(getattr(factories, name)()))
    golden_files.check(f"run-{name}.annotations.txt", rendered)


@pytest.mark.parametrize(
    "run",
    [factories.clean, factories.rich, factories.hostile, factories.incomplete, factories.waived,
     factories.empty, factories.violating, lambda: factories.huge(400, 30)],
)  # fmt: skip
def test_commands_can_be_read_and_are_no_more_than_are_shown(run: Callable[[], Run]) -> None:
    made = summary(run())
    read = commands(github.annotations(made))
    assert max(Counter(level for level, _, _ in read).values()) <= github.SHOWN
    assert read[0][2].startswith(made["verdict"]["headline"][:20])
    assert read[0][0] == ("error" if made["verdict"]["exit_code"] else "notice")


@given(st.text(), st.text())
def test_no_text_breaks_out_of_a_command(title: str, text: str) -> None:
    line = github._command("error", text, file=title, line=3, title=title)
    assert "\n" not in line
    assert "\r" not in line
    head, data = line.removeprefix("::error ").split("::", 1)
    assert unescaped(data) == text[:2_000]
    assert len(head.split(",")) == 3
    assert unescaped(head.split(",")[0]) == f"file={title}"


def test_a_clean_run_is_one_notice() -> None:
    ((level, given_, text),) = commands(github.annotations(summary(factories.clean(synthetic=False))))
    assert level == "notice"
    assert "Compliant" in given_["title"]
    assert "Every promise that is checked holds" in text


def test_each_failing_verdict_is_told_before_the_second_finding_of_any() -> None:
    read = commands(github.annotations(summary(factories.violating())))
    assert [given_["title"].split()[0] for _, given_, _ in read[1:4]] == ["CARD-02", "PROC-02", "CARD-02"]
    assert read[1][1]["file"] == "db/migrations/000.sql"
    assert read[1][1]["line"] == "3"
    assert "What to do: Empty the column first." in read[1][2]
    # 201 findings are listed and nine of them told here.
    assert "192 things more not annotated here" in read[0][2]


def test_what_the_gate_lets_pass_is_a_warning_and_what_was_not_assessed_too() -> None:
    read = commands(github.annotations(summary(factories.rich())))
    levels = {(given_["title"].split()[0], level) for level, given_, _ in read[1:]}
    assert ("PROC-02", "warning") in levels  # the gate is high
    assert ("CARD-01", "warning") in levels
    assert ("RET-01", "notice") in levels
    assert ("CARD-02", "error") in levels


def test_what_is_new_comes_first() -> None:
    before, now = summary(factories.having(factories.clean(), factories.failing("CARD-02", "cloud-db"))), (
        summary(factories.having(
            factories.clean(), factories.failing("CARD-02", "cloud-db"), factories.failing("SALE-02", "site")
        ))
    )  # fmt: skip
    alone = commands(github.annotations(now))
    compared = commands(github.annotations(now, compare(now, past_summary(before))))
    assert alone[1][1]["title"].startswith("CARD-02")
    assert compared[1][1]["title"].startswith("SALE-02")


def test_the_summary_of_a_job_has_the_changes_and_the_report() -> None:
    before, now = summary(factories.violating()), summary(factories.not_assessed())
    compared = compare(now, past_summary(before))
    text = github.job_summary(now, compared)
    assert text.startswith("## Since run ")
    assert "**0** new" in text
    assert "### No longer assessed" in text
    assert "### Fixed" in text
    assert text.endswith(markdown.render(now))
    assert github.job_summary(now) == markdown.render(now)


def test_the_first_run_says_that_there_is_none_before() -> None:
    now = summary(factories.violating())
    text = github.job_summary(now, compare(now, None))
    assert "There is no run to compare with" in text
    assert "### New" in text
    assert re.search(r"\nand \d+ more\n", text)


@pytest.mark.parametrize("run", [factories.hostile, lambda: factories.huge(5_000, 20)])
def test_the_summary_of_a_job_is_small_enough_and_hostile_text_stays_text(run: Callable[[], Run]) -> None:
    now = summary(run())
    text = github.job_summary(now, compare(now, None))
    assert len(text.encode()) <= github.LIMIT < 1024 * 1024
    head = text.partition("\n# ")[0]
    outside = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", head)
    assert "<script" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
