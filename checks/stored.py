"""Full card numbers are not kept beside the databases either: caches, brokers, files (policy 2.4, 5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from checks.connectors.stored import NAME, Cache, FileArea
from checks.core.errors import NotAssessed
from checks.core.model import Measure, Observation
from checks.core.registry import check
from checks.scanner.left_out import LeftOut
from checks.scanner.result import masked
from checks.scanner.search import InItems
from checks.scanner.source import Item, Skipped
from checks.scanner.stored import items


@check(reads=("cache", "files"))
def no_card_numbers_kept(view: Cache | FileArea, *, exclude: tuple[str, ...] = ()) -> Iterator[Observation]:
    """No key, value, file name or file holds a full card number (PCI DSS 4.0.1, 3.5.1 and 12.5.2).

    Every logical database of a cache is read, and every file of whatever format the scanner knows,
    archives within archives included. ``exclude`` are patterns for files as of ``policyproof scan
    --exclude``; what they leave out is said.
    """
    left_out = LeftOut(exclude)
    names = 0  # bytes of file names: searched, and no evidence of what the files hold

    def held() -> Iterator[Item]:
        nonlocal names
        for item in items(view, left_out):
            before = scan.bytes
            yield item
            names += scan.bytes - before if item.name.endswith(NAME) else 0

    scan = InItems(held())
    target, clean = view.target.id, True
    try:
        for name, seen in scan:
            clean = False
            shown = masked(name.removeprefix(f"{target}!"))
            if isinstance(seen, Skipped):
                where = target if shown == target else f"{target}: {shown}"
                yield Observation.unseen(shown, f"{where} {masked(seen.reason)}")
            else:
                at = f"line {seen.line}" if isinstance(view, FileArea) else f"row {seen.line}"
                yield Observation.violated(shown, f"{at}: {seen.said}")
    except NotAssessed as error:
        yield Observation.unseen(target, masked(error.reason))
        return
    if left_out.number:
        yield Observation.met(target, left_out.said)  # no measure: it was not looked at
    if clean:
        empty = view.spec.may_be_empty and not left_out.number
        measure = Measure(scan.bytes - names, "bytes", may_be_empty=empty)
        said = "every key and value read" if isinstance(view, Cache) else "every file read"
        yield Observation.met(target, said, measure)
