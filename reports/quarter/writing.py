"""Puts the quarterly report on disk: page, data, print, evidence bundle, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from reports.ledger import Ledger, LedgerError
from reports.quarter import bundle
from reports.quarter.drawings import draw
from reports.quarter.pdf import NoPdf, print_pdf
from reports.quarter.shape import Quarter
from reports.renderers import oscal, quarter_html, quarter_json

Say = Callable[[str], None]
RESULTS = "oscal-assessment-results.json"
COMPONENTS = "oscal-component-definition.json"


def write_quarter(
    quarter: Quarter,
    folder: Path,
    *,
    ledger: Ledger | None = None,
    pdf: bool = True,
    say: Say = lambda line: None,
) -> Iterator[Path]:
    """Write every rendering into ``folder`` and yield its path; raises ``OSError``.

    What could not be made, and why, is one line to ``say``. What an earlier report left and this one does
    not make is removed, so that no PDF lies beside a page that it is not the print of. With a ``ledger``
    come OSCAL's component definition, as of the last run, and the evidence bundle.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings = draw(quarter)
    if drawings.missing:
        say(f"quarter.html has no charts: {drawings.missing}")
    files = {
        "quarter.html": quarter_html.render(quarter, drawings).encode(),
        "quarter.json": quarter_json.render(quarter).encode(),
        RESULTS: oscal.quarter_results(quarter).encode(),
    }
    if components := _components(quarter, ledger, say):
        files[COMPONENTS] = components
    for name in (COMPONENTS, "quarter.pdf"):
        (folder / name).unlink(missing_ok=True)
    for name, body in files.items():
        yield _whole(folder / name, body)
    if pdf:
        try:
            files["quarter.pdf"] = print_pdf(folder / "quarter.html", quarter["title"]["made"])
        except NoPdf as missing:
            say(f"quarter.pdf was not made: {missing}")
        else:
            yield _whole(folder / "quarter.pdf", files["quarter.pdf"])
    if ledger is not None:
        path = folder / bundle.file_name(quarter)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with draft.open("wb") as out:
                digest = bundle.write_bundle(out, quarter, files, ledger)
            draft.replace(path)
            say(f"digest of the bundle's manifest, to be given by another way: {digest}")
        finally:
            draft.unlink(missing_ok=True)
        yield path


def _components(quarter: Quarter, ledger: Ledger | None, say: Say) -> bytes | None:
    """Return the component definition as of the last run of the period, if its evidence is kept."""
    if ledger is None or not quarter["runs"]:
        return None
    number = quarter["runs"][-1]["number"]
    try:
        entry = ledger.find(number)
        return oscal.component_definition(ledger.recall(entry)).encode() if entry else None
    except LedgerError as missing:
        say(f"{COMPONENTS} was not made: {missing}")
        return None


def _whole(path: Path, body: bytes) -> Path:
    """Replace the file at ``path`` by ``body`` at once."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(body)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
