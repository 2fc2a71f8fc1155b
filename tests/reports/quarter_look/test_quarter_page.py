"""The quarterly report as people see it: whole, honest, safe, and readable by everybody."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reports.quarter import charts, pdf
from reports.quarter.drawings import Drawings, draw
from reports.quarter.shape import Quarter
from reports.renderers import quarter_html

sys.path.insert(0, str(Path(__file__).parent))
import quarters

HOSTILE = '</style><script>alert(1)</script> "q" \\" {{ 7*7 }} <img src=x onerror=y> url(#x) \n@page'
ONLY = {"resultTypes": ["violations"]}  # of what is as it should be, no node is described
VOID = {"meta", "br", "wbr", "link", "img", "hr", "input"}


class Parsed(HTMLParser):
    """Tags, attributes and text; every tag must be closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.pieces: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open, tag
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


def page(quarter: Quarter, drawings: Drawings | None = None) -> tuple[str, Parsed]:
    text = quarter_html.render(quarter, draw(quarter) if drawings is None else drawings)
    return text, Parsed(text)


def spoiled(value: Any, key: str = "") -> Any:
    """Every free text of a quarter exchanged for a hostile one."""
    free = {
        "label", "title", "reason", "detail", "subject", "approver", "statement", "owner", "commitment",
        "why", "rule", "remediation", "prepared_by", "verified", "said", "path", "caveats", "details",
        "lines", "how", "version", "control", "target", "name",
    }  # fmt: skip
    if isinstance(value, dict):
        return {k: spoiled(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [spoiled(one, key) for one in value]
    known = {"fixed", "open", "waived", "removed"}
    return HOSTILE if isinstance(value, str) and key in free and value not in known else value


def test_the_first_page_says_what_is_claimed_on_what_evidence_and_what_was_not_seen() -> None:
    quarter = quarters.full()
    text, _ = page(quarter)
    first = text[text.index('class="cover"') : text.index('<nav class="contents"')]
    said = Parsed(f"<div {first}").text
    for part in ("What is claimed", "On what evidence", "What was not seen"):
        assert part in said
    assert "264 runs on 88 of 92 days" in said
    assert quarter["title"]["ledger"]["digest"] in said
    assert "P. Auditor" in said
    assert "Evidence of runs before" in said
    for name, (_, words) in quarter_html.OPINIONS.items():
        count = quarter["numbers"]["opinions"][name]  # type: ignore[literal-required]
        assert re.search(rf"{count} \S {words}", said)


def test_everything_is_told() -> None:
    quarter = quarters.full()
    parsed = page(quarter)[1]
    for rule in quarter["rules"]:
        assert rule["rule"] in parsed.text
    for one in quarter["failing"]["periods"]:
        assert one["id"] in parsed.ids
    for control in quarter["timelines"]:
        assert control["control"] in parsed.text
    for name in ("Held throughout", "Regressions", "Never assessed", "Sentences without a control"):
        assert name in parsed.text
    assert "Against Third quarter of 2026" in parsed.text
    assert "LAB" in parsed.text


def test_it_is_one_file_that_loads_nothing_and_runs_nothing() -> None:
    text, parsed = page(quarters.full())
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {*parsed.tags}
    for name, value in parsed.attributes:
        assert not name.startswith("on")
        if name in ("href", "src", "xlink:href"):
            assert (value or "").startswith("#")
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_every_link_leads_somewhere_and_no_id_is_there_twice() -> None:
    parsed = page(quarters.full())[1]
    assert len(parsed.ids) == len({*parsed.ids})
    assert {v[1:] for n, v in parsed.attributes if n == "href" and v} <= {*parsed.ids}
    named = {one for n, v in parsed.attributes if n == "aria-labelledby" for one in (v or "").split()}
    assert named <= {*parsed.ids}


def test_a_hostile_name_has_no_meaning() -> None:
    quarter = spoiled(quarters.full(9))
    text, parsed = page(quarter, Drawings(missing=HOSTILE))
    assert not {"script", "img"} & {*parsed.tags}
    assert text.count("</style>") == 1
    style = text[text.index("<style>") : text.index("</style>")]
    assert "alert(1)" not in style
    assert "{{ 7*7 }}" in parsed.text


def test_a_period_without_runs_claims_nothing() -> None:
    text, parsed = page(quarters.empty())
    assert "<svg" not in text
    assert "0 runs on 0 of 92 days" in parsed.text
    assert "no opinion is given" in parsed.text
    assert "Everything: the period has no run." in parsed.text


def test_a_period_that_is_not_over_says_so_first() -> None:
    text, parsed = page(quarters.full(9, over=False))
    assert text.index("INTERIM REPORT") < text.index("<h1>")
    assert "it is not over" in parsed.text
    assert "INTERIM" not in page(quarters.full(9))[0]


def test_production_carries_no_mark_of_the_lab() -> None:
    assert "synthetic data" not in page(quarters.full(9, synthetic=False))[1].text


def test_without_charts_the_tables_stand_and_one_line_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    quarter = quarters.full(9)
    drawings = draw(quarter)
    assert drawings.missing == "charts need Altair and vl-convert: pip install 'policyproof[charts]'"
    text, parsed = page(quarter, drawings)
    assert "<svg" not in text
    assert "Drawn charts are left out" in parsed.text
    assert "The same as a table" in parsed.text


def test_a_long_list_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    quarter = quarters.full()
    periods = quarter["failing"]["periods"]
    quarter["failing"]["periods"] = periods * 40
    text = quarter_html.render(quarter, Drawings())
    left = len(periods) * 40 - quarter_html.MOST["failing"]
    assert f"and {left} more; quarter.json holds all" in text


def test_sixty_controls_stay_below_two_megabytes() -> None:
    assert len(page(quarters.full(60))[0].encode()) < 2_000_000


@contextmanager
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    program = pdf.chromium()
    if program is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program)
        try:
            yield browser
        finally:
            browser.close()


def test_nobody_is_shut_out(tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    file = tmp_path / "quarter.html"
    file.write_text(page(quarters.full(9))[0], "utf-8")
    with chromium() as browser:
        for scheme, width in (("light", 1280), ("dark", 390)):
            context = browser.new_context(
                color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
            )
            tab = context.new_page()
            loaded: list[str] = []
            tab.on("request", lambda request, loaded=loaded: loaded.append(request.url))
            tab.goto(file.as_uri())
            found = axe.run(tab, options=ONLY).response["violations"]
            bad = [
                (one["id"], node["target"], node["failureSummary"])
                for one in found
                if one["impact"] in ("serious", "critical", "moderate")
                for node in one["nodes"]
            ]
            assert not bad, (scheme, bad[:3])
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert loaded == [file.as_uri()]
            context.close()


def test_it_prints_as_pages_with_numbers(tmp_path: Path) -> None:
    pytest.importorskip("playwright.sync_api")
    if pdf.chromium() is None:
        pytest.skip("no Chromium is installed")
    pypdf = pytest.importorskip("pypdf")
    quarter = quarters.full(9)
    file = tmp_path / "quarter.html"
    file.write_text(page(quarter)[0], "utf-8")
    first = pdf.print_pdf(file, quarter["title"]["made"])
    assert first.count(b"(D:20270104093600+00'00')") == 2
    (tmp_path / "quarter.pdf").write_bytes(first)
    reader = pypdf.PdfReader(tmp_path / "quarter.pdf")
    pages = [" ".join(one.extract_text().split()) for one in reader.pages]
    for number, text in enumerate(pages, start=1):
        assert f"page {number} of {len(pages)}" in text
        assert "Fourth quarter of 2026" in text
        assert "LAB" in text
    assert "What was not seen" in pages[0]
    assert "Contents" in pages[1]
    assert reader.outline
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]


def test_without_a_browser_one_line_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(pdf.CHROMIUM, "no-such-program")
    with pytest.raises(pdf.NoPdf, match=r"^POLICYPROOF_CHROMIUM names no program that can be started$"):
        pdf.print_pdf(tmp_path / "quarter.html", "2026-11-27T00:00:00Z")
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(pdf.NoPdf, match="pip install 'policyproof"):
        pdf.print_pdf(tmp_path / "quarter.html", "2026-11-27T00:00:00Z")


def test_a_chart_is_one_named_picture_and_the_same_each_time() -> None:
    first, again = draw(quarters.full()), draw(quarters.full())
    assert first == again
    for svg in (first.runs, first.failing, first.ages, *first.timelines):
        parsed = Parsed(svg)
        assert ("role", "img") in parsed.attributes
        assert svg.count("<title") == svg.count("<desc") == 1
        assert [name for name, _ in parsed.attributes].count("role") == 1
        assert not re.search(r"#0[ab]000[0-9a-f]", svg), "a colour was not exchanged"
        assert not {"image", "script", "style"} & {*parsed.tags}


def test_each_state_of_a_timeline_has_its_letter_and_its_ground() -> None:
    days = ["pass"] * 20 + ["fail"] * 10 + ["waived"] * 10 + ["not-assessed"] * 10 + ["did-not-run"] * 10
    svg = charts.timeline(
        [charts.Row("CARD-01", [*days, *["none"] * 32])],
        quarters.SINCE.date(),
        key="k",
        title="T",
        description="D",
    )
    letters = [piece for piece in Parsed(svg).pieces if len(piece) == 1 and piece in "FWND"]
    assert sorted(letters) == ["D", "D", "F", "N", "W"]  # one D is the description
    for ground in ("--t-pass", "--t-fail", "--t-waived", "--t-none"):
        assert ground in svg
    assert svg.count("--t-unseen") == 4  # strokes, dots, and the grounds of two letters
    assert svg.count('stroke-linecap="round"') == 1
