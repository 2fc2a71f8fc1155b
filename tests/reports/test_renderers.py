"""What people and programs are given: complete, honest, and safe whatever a target's names hold.

``POLICYPROOF_UPDATE_GOLDEN=1 pytest tests/reports`` writes the golden files anew; read the difference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path, PurePath

import factories
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.model import Address, CheckCall, Environment, Run
from reports.renderers import gfm, html, json_, markdown
from reports.shape import BANNER, Summary
from reports.summary import summarise

GOLDEN = Path(__file__).parent / "golden"
RENDERERS: dict[str, Callable[[Summary], str]] = {
    "html": html.render,
    "json": json_.render,
    "md": markdown.render,
}
RUNS: dict[str, Callable[[], Run]] = {
    "production-clean": lambda: factories.clean(synthetic=False),
    "lab-rich": factories.rich,
    "lab-empty": factories.empty,
}


def summary(run: Run) -> Summary:
    made = summarise(run, PurePath(factories.ROOT))
    made["ledger"] = {"number": 3, "digest": "a1" * 32, "previous": "b2" * 32, "head": "{}"}
    return made


class Page(HTMLParser):
    """The tags, attributes, pills and text of a page, as a browser would take them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.pieces: list[str] = []
        self.pills: list[str] = []
        self._in_pill = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if "pill" in (dict(attrs).get("class") or "").split():
            self.pills.append("")
            self._in_pill = 1
        elif self._in_pill and tag == "span":
            self._in_pill += 1

    def handle_endtag(self, tag: str) -> None:
        if self._in_pill and tag == "span":
            self._in_pill -= 1

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
        if self._in_pill:
            self.pills[-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


@pytest.mark.parametrize("kind", RENDERERS)
@pytest.mark.parametrize("name", RUNS)
def test_golden(name: str, kind: str) -> None:
    path = GOLDEN / f"{name}.{kind}"
    rendered = RENDERERS[kind](summary(RUNS[name]()))
    if os.environ.get("POLICYPROOF_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered, encoding="utf-8")
    assert rendered == path.read_text("utf-8"), "changed: POLICYPROOF_UPDATE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("run", [*RUNS.values(), factories.hostile, factories.incomplete])
def test_a_page_needs_nothing_else_and_runs_nothing(run: Callable[[], Run]) -> None:
    page = Page(html.render(summary(run())))
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert not [key for key, _ in page.attributes if key.startswith("on") or key in ("src", "srcset")]
    assert all(address.startswith("#") for address in page.values("href"))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.values("content")
    styles = html.render(summary(factories.clean())).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


@pytest.mark.parametrize("run", [*RUNS.values(), factories.hostile, factories.incomplete])
def test_every_link_leads_somewhere_and_colour_never_says_it_alone(run: Callable[[], Run]) -> None:
    page = Page(html.render(summary(run())))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in page.values("href")} <= set(ids)
    assert all(re.search("[A-Z][a-z]", pill) for pill in page.pills)


def test_hostile_text_stays_text_in_html() -> None:
    rendered = html.render(summary(factories.hostile()))
    assert rendered.count("<script") == 0
    assert "49" not in Page(rendered).text.replace("4111", "")
    said = " ".join(factories.HOSTILE.split())
    assert Page(rendered).text.count(said) > 20


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line))


def test_hostile_text_stays_text_in_markdown() -> None:
    rendered = markdown.render(summary(factories.hostile()))
    outside = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", rendered)
    outside = re.sub(r"(?m)^    .*$", "", outside)  # the trace, an indented block
    assert "<script" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert not re.search(r"(?<![&#\w])@", outside)
    lines = rendered.splitlines()
    for above, line in pairwise(lines):
        if line.startswith("|") and above.startswith("|"):
            assert cells(line) == cells(above)
    assert not [line for line in lines if line.startswith("# ") and line != lines[0]]


@given(st.text(max_size=60))
def test_no_text_breaks_out_of_a_markdown_cell(text: str) -> None:
    (row,) = list(gfm.table(("a", "b"), [(gfm.plain(text), gfm.code(text))]))[2:]
    assert len(row.splitlines()) == 1
    # A backslash in front of a bar escapes it only if it is not escaped itself.
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row.replace(gfm.code(text), ""))) == 3
    assert "<" not in gfm.plain(text)


@pytest.mark.parametrize("run", [factories.incomplete, factories.rich])
def test_an_incomplete_report_says_so_at_its_top(run: Callable[[], Run]) -> None:
    made = summary(run())
    page = Page(html.render(made)).text.partition("INCOMPLETE REPORT")
    assert page[1]
    assert "Privacy policy report" in page[2]  # the heading comes after
    assert "INCOMPLETE REPORT" in "\n".join(markdown.render(made).splitlines()[:4])
    assert json.loads(json_.render(made))["verdict"]["complete"] is False


def test_a_complete_report_does_not_say_so() -> None:
    for render in RENDERERS.values():
        assert "INCOMPLETE" not in render(summary(factories.clean()))


@pytest.mark.parametrize(
    "environment",
    [
        Environment("lab", "Lab (bundled, synthetic data)", "LAB_", "lab", True),
        Environment("staging", "Staging in Frankfurt", "STAGING_", "enfyra"),
        Environment("production", "Production", "PRODUCTION_", "enfyra"),
    ],
)
def test_every_environment_is_named_and_only_the_lab_is_called_one(environment: Environment) -> None:
    made = summary(replace(factories.clean(), environment=environment))
    page, text = html.render(made), markdown.render(made)
    assert f"<h1>{environment.label}</h1>" in page
    assert environment.label.split()[0] in text.splitlines()[0]
    assert (page.partition("<header>")[0].count(BANNER) > 1) is environment.synthetic
    assert ("LAB" in text.splitlines()[0]) is environment.synthetic
    assert ("[LAB, synthetic data]" in page.partition("</title>")[0]) is environment.synthetic
    assert (BANNER in page) is (BANNER in text) is environment.synthetic


SECRET = "postgresql://auditor:hunter2@db.internal/cloud"


def test_nothing_but_what_was_observed_is_rendered() -> None:
    run = factories.rich()
    targets = {
        name: replace(
            one, address=Address("LAB_URL", SECRET), secrets={"token": Address("LAB_TOKEN", SECRET)}
        )
        for name, one in run.targets.items()
    }
    controls = {
        name: replace(one, checks=tuple(CheckCall(call.name, {"given": SECRET}) for call in one.checks))
        for name, one in run.controls.items()
    }
    held = replace(run, targets=targets, controls=controls)
    for kind, render in RENDERERS.items():
        rendered = render(summary(held))
        assert "hunter2" not in rendered
        assert rendered == render(summary(run)), kind
        assert "5 of 9,000 rows hold what they must not: 4111••••••••1111" in rendered


@pytest.mark.parametrize(
    ("verdicts", "findings"),
    [(2, 1_000), (2_000, 5), (10_000, 1), (1_000, 200), (20_000, 0)],
)
def test_a_huge_run_stays_readable(verdicts: int, findings: int) -> None:
    made = summary(factories.huge(verdicts, findings))
    assert len(html.render(made).encode()) < 2_000_000
    assert len(markdown.render(made).encode()) <= markdown.LIMIT


def test_what_was_not_assessed_is_grouped_by_reason() -> None:
    run = factories.huge(2_000)
    down = tuple(
        factories.unreached(v.control, v.target, f"nothing answers at $DB_{index % 2}")
        for index, v in enumerate(run.verdicts)
    )
    made = summary(replace(run, verdicts=down))
    assert [len(group["items"]) for group in made["not_assessed"]] == [1_000, 1_000]
    page = html.render(made)
    assert page.partition('id="not-assessed"')[2].partition('id="waivers"')[0].count("and 980 more") == 2


def test_findings_beyond_the_limit_are_counted() -> None:
    page = Page(html.render(summary(factories.violating()))).text
    assert "Findings (320)" in page
    assert "270 not shown here; report.json holds 200 of all 320" in page


def test_nothing_to_show_is_said() -> None:
    page, text = (render(summary(factories.empty())) for render in (html.render, markdown.render))
    for said in ("Nothing was shown: no verdict was reached.", "39 sentences", "No control is written yet."):
        assert said in Page(page).text
    assert "39 uncovered" in text


def test_a_run_that_is_not_in_the_ledger_says_so() -> None:
    made = summary(factories.clean())
    made["ledger"] = None
    assert "This run is not in the ledger" in html.render(made)
    assert "This run is not in the ledger" in markdown.render(made)
