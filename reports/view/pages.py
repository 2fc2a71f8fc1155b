"""Each page: what its address asks for, looked up and put into its template."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader, StrictUndefined
from jinja2 import Environment as Templates

from checks.core.errors import PolicyproofError
from reports.ledger import Entry, Ledger
from reports.renderers import words
from reports.renderers.html import IN_BRIEF, IN_FULL, UNFOLDED, anchor
from reports.view import filters, findings, queries
from reports.view.history import SPANS_SHOWN, history
from reports.view.queries import WORST_FIRST, RunLine

VERDICTS_A_PAGE = 50
PRUNES_SHOWN = 50


class NoSuchPage(PolicyproofError):
    """An address names what the ledger does not hold; one line."""


@cache
def stylesheet() -> str:
    """Return the style of the report with what the view adds."""
    shared = files("reports.renderers").joinpath("templates", "report.css").read_text("utf-8")
    return shared + files("reports.view").joinpath("templates", "view.css").read_text("utf-8")


def short(moment: str) -> str:
    """Return an ISO 8601 moment as ``2026-11-24 09:14``, for tables."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def templates(link: Callable[..., str]) -> Templates:
    """Return the templates of the view; names of targets are hostile, so everything is escaped."""
    made = Templates(
        loader=ChoiceLoader([PackageLoader("reports.view"), PackageLoader("reports.renderers")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        WORDS=words.WORDS, IN_FULL=IN_FULL, IN_BRIEF=IN_BRIEF, UNFOLDED=UNFOLDED, SPANS_SHOWN=SPANS_SHOWN
    )
    made.globals.update(link=link, STATES=WORST_FIRST, RUN_STATES=filters.RUN_STATES, shown=200, evidence=50)
    made.globals.update(style=sha256(stylesheet().encode()).hexdigest()[:16])
    said = ("age", "amounts", "counted", "day", "days", "looked", "moment", "place", "tallied")
    made.filters.update({name: getattr(words, name) for name in said})
    made.filters.update(anchor=anchor, short=short, old=queries.age)
    return made


class Pages:
    """The pages of one ledger; safe for several threads."""

    def __init__(self, ledger: Ledger, title: str, link: Callable[..., str]) -> None:
        self._ledger = ledger
        self._title = title
        self._templates = templates(link)
        # One page at a time: a ledger's memory of the blocks it read is not made for several threads.
        self.turn = threading.Lock()
        self._verifying = threading.Lock()
        self._verified: tuple[str, str | None, int] | None = None  # when, what is wrong, entries then

    def _page(self, name: str, **data: Any) -> str:
        data = {"title": self._title, "banner": None, **data}
        return self._templates.get_template(f"{name}.html.j2").render(**data)

    def error(self, code: int, line: str) -> str:
        """Say in one line why there is no page."""
        return self._page("error", code=code, line=line)

    def overview(self, given: Mapping[str, str]) -> str:
        """Show every environment with its last run."""
        filters.read(given)
        return self._page("overview", lines=queries.overview(self._ledger))

    def runs(self, environment: str, given: Mapping[str, str]) -> str:
        """Show the runs on an environment, newest first."""
        last = self._last(environment)
        wanted = filters.read(given, states=filters.RUN_STATES)
        found = queries.runs(self._ledger, environment, wanted)
        return self._page("runs", last=last, wanted=wanted, found=found, banner=_banner(last))

    def run(self, number: int, given: Mapping[str, str]) -> str:
        """Show one run by section of the policy."""
        wanted = filters.read(given, states=WORST_FIRST)
        line = self._run(number)
        before, after = queries.neighbours(self._ledger, line.entry)
        return self._page(
            "run",
            line=line,
            sections=queries.sections(self._ledger, line),
            gaps=self._ledger.part(line.entry, "gaps"),
            errors=self._ledger.part(line.entry, "errors"),
            before=before,
            after=after,
            wanted=wanted,
            banner=_banner(line),
        )

    def evidence(self, number: int, control: str, given: Mapping[str, str]) -> str:
        """Show what one control saw in one run."""
        wanted = filters.read(given, states=WORST_FIRST)
        line = self._run(number)
        one = queries.control_of(self._ledger, line, control)
        if one is None:
            raise NoSuchPage(f"run {number} has no control of that name")
        verdicts = self._ledger.verdicts(line.entry, control)
        rows = [
            verdict
            for verdict in sorted(verdicts or (), key=lambda found: WORST_FIRST.index(found["state"]))
            if wanted.state in (None, verdict["state"]) and wanted.target in (None, verdict["target"])
        ]
        pages = max(1, -(-len(rows) // VERDICTS_A_PAGE))
        page = min(wanted.page, pages)
        return self._page(
            "evidence",
            line=line,
            one=one,
            pruned=verdicts is None,
            verdicts=rows[(page - 1) * VERDICTS_A_PAGE : page * VERDICTS_A_PAGE],
            matching=len(rows),
            page=page,
            pages=pages,
            wanted=wanted,
            banner=_banner(line),
        )

    def history(self, environment: str, control: str, given: Mapping[str, str]) -> str:
        """Show how the states of a control changed."""
        last = self._last(environment)
        wanted = filters.read(given)
        found = history(self._ledger, environment, control, wanted)
        if found is None:
            raise NoSuchPage(f"no run on {environment} has a control of that name")
        known = queries.control_of(self._ledger, last, control)
        return self._page(
            "history",
            last=last,
            control=control,
            known=known.known if known else None,
            found=found,
            wanted=wanted,
            banner=_banner(last),
        )

    def findings(self, environment: str, given: Mapping[str, str]) -> str:
        """Show what is open on an environment."""
        last = self._last(environment)
        wanted = filters.read(given, states=findings.OPEN_STATES)
        found = findings.open_findings(self._ledger, environment, wanted)
        return self._page("findings", last=last, found=found, wanted=wanted, banner=_banner(last))

    def finding(self, fingerprint: str, given: Mapping[str, str]) -> str:
        """Show where a finding was seen."""
        wanted = filters.read(given)
        if len(fingerprint) != 32 or not set(fingerprint) <= set("0123456789abcdef"):
            raise NoSuchPage("a finding is named by 32 hexadecimal digits")
        found = findings.sightings(self._ledger, fingerprint, wanted)
        return self._page("finding", fingerprint=fingerprint, found=found, wanted=wanted)

    def ledger(self, *, verify: bool = False) -> str:
        """Show the state of the chain, verified now if asked for and nobody else is at it."""
        busy = False
        if verify:
            busy = not self._verifying.acquire(blocking=False)
            if not busy:
                try:
                    self._verify()
                finally:
                    self._verifying.release()
        last = self._ledger.head()
        prunes = self._ledger.entries(kind="prune", newest_first=True, limit=PRUNES_SHOWN)
        return self._page(
            "ledger",
            last=last,
            environments=[(name, self._ledger.last(name)) for name in self._ledger.environments()],
            prunes=[(entry, entry.read_prune()) for entry in prunes],
            verified=self._verified,
            busy=busy,
        )

    def _verify(self) -> None:
        last = self._ledger.head()
        fault = self._ledger.verify(blocks=False)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._verified = (now, str(fault) if fault else None, last.number if last else 0)

    def _last(self, environment: str) -> RunLine:
        entry = self._ledger.last(environment)
        if entry is None:
            raise NoSuchPage("no run on an environment of that name is recorded")
        return queries.read(entry)

    def _run(self, number: int) -> RunLine:
        entry: Entry | None = self._ledger.find(number) if number <= filters.MOST else None
        if entry is None or entry.kind != "run":
            raise NoSuchPage(f"no run {number} is recorded")
        return queries.read(entry)


def _banner(line: RunLine) -> str | None:
    return line.head["environment"]["banner"]
