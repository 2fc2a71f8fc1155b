"""How states, amounts and times are said to people, the same in every rendering."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reports.shape import Measure, Place

WORDS: dict[str, tuple[str, str]] = {
    # what one control on one target came to
    "pass": ("✓", "Pass"),
    "fail": ("✗", "Fail"),
    "waived": ("◐", "Waived"),
    "not-assessed": ("?", "Not assessed"),
    "did-not-run": ("–", "Did not run"),
    # what a sentence, section or promise comes to
    "held": ("✓", "Held"),
    "broken": ("✗", "Broken"),
    "not-shown": ("?", "Not shown"),
    "uncovered": ("!", "Gap"),
    "not-testable": ("·", "Not testable"),
    # the whole run
    "compliant": ("✓", "Compliant"),
    "holds-with-gaps": ("!", "What was checked holds; gaps remain"),
    "violations": ("✗", "Violations"),
    # dates
    "expired": ("✗", "Expired"),
    "in-force": ("✓", "In force"),
    # how a sentence is covered
    "automated": ("", "Automated"),
    "attested": ("", "Attested"),
}
"""State → symbol and word: colour never says it alone."""

STATES = ("pass", "fail", "waived", "not-assessed", "did-not-run")
"""States of a verdict in the order a table shows them."""


def word(state: str) -> str:
    """Return ``✗ Fail`` for ``fail``."""
    return " ".join(WORDS[state]).strip()


def number(value: int, noun: str = "") -> str:
    """Return ``1,200 rows``; units come in the plural and lose their *s* at one."""
    if value == 1 and noun.endswith("ies"):
        noun = noun[:-3] + "y"
    elif value == 1 and noun.endswith("s") and not noun.endswith("ss"):
        noun = noun[:-1]
    return f"{value:,} {noun}".strip()


def counted(value: int, noun: str) -> str:
    """Return ``1 verdict`` or ``2 verdicts``."""
    return number(value, noun + "s")


def size(value: int) -> str:
    """Return a number of bytes as ``3.2 MB``."""
    amount = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def age(seconds: float) -> str:
    """Return a length of time in its largest sensible unit."""
    days = seconds / 86_400
    for least, length, unit in ((730, 365.25, "years"), (2, 1, "days"), (2 / 24, 1 / 24, "hours")):
        if days >= least:
            return f"{days / length:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes"


def amounts(measures: Mapping[str, int]) -> str:
    """Return ``1,200 rows, 14 columns, 3.2 MB``."""
    return ", ".join(
        size(value) if unit == "bytes" else number(value, unit) for unit, value in measures.items()
    )


def looked(measure: Measure) -> str:
    """Return how much one observation looked at: ``5,000 of 80,000 rows (sampled), oldest 2.1 years``."""
    of, unit = measure["of"], measure["unit"]
    sampled = of is not None and of > measure["looked"]
    parts = [
        f"{measure['looked']:,} of {number(of, unit)} (sampled)"
        if of is not None and sampled
        else number(measure["looked"], unit)
    ]
    if measure["bytes"] is not None:
        parts.append(size(measure["bytes"]))
    if measure["oldest"] is not None:
        parts.append(f"oldest {age(measure['oldest'])}")
    return ", ".join(parts)


def days(left: int) -> str:
    """Return how long something still counts, or since when it no longer does."""
    if left < 0:
        return f"expired {counted(-left, 'day')} ago"
    return "last day today" if left == 0 else f"{counted(left, 'day')} left"


def place(place: Place) -> str:
    """Return ``path:line``."""
    return place["path"] if place["line"] is None else f"{place['path']}:{place['line']}"


def moment(text: str) -> str:
    """Return an ISO 8601 moment as ``24 November 2026, 09:14:08 UTC``."""
    when = datetime.fromisoformat(text)
    return f"{when.day} {when:%B %Y, %H:%M:%S} UTC"


def day(text: str | None) -> str:
    """Return an ISO 8601 day as ``24 November 2026``."""
    if text is None:
        return "not stated"
    try:
        when = datetime.fromisoformat(text)
    except ValueError:  # a policy may state its date in its own words
        return text
    return f"{when.day} {when:%B %Y}"


def title(label: str, synthetic: bool, state: str) -> str:
    """Return the title of a report; one on the lab says so first."""
    mark = "[LAB, synthetic data] " if synthetic else ""
    return f"{mark}Privacy policy report: {label}, {WORDS[state][1].lower()}"


def tallied(counts: Mapping[str, int]) -> str:
    """Return ``12 pass, 1 fail``, leaving out what does not occur."""
    said = [f"{counts[state]:,} {WORDS[state][1].lower()}" for state in STATES if counts[state]]
    return ", ".join(said) or "none"


VERIFY = """\
python3 -c "
import hashlib, json
report = json.load(open('report.json', encoding='utf-8'))
entry, report['ledger'] = report['ledger'], None
body = json.dumps(report, sort_keys=True, separators=(',', ':'), ensure_ascii=False)
sha256 = lambda text: hashlib.sha256(text.encode()).hexdigest()
whole = sha256(body) == json.loads(entry['head'])['report']
chained = sha256(entry['previous'] + entry['head']) == entry['digest']
print('unchanged' if whole and chained else 'CHANGED')
"
"""
"""Tells whether a ``report.json`` is the one that was recorded."""
