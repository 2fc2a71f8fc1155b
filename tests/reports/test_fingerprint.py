"""What makes two findings the same one survives what moves by itself, and nothing else."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.model import Location, Measure, Observation
from reports.evidence import Evidence
from reports.fingerprint import LENGTH, fingerprint, fingerprints

V = Observation.violated


def of(kind: str, seen: Observation, *, control: str = "CARD-03", target: str = "cloud-db") -> str:
    return fingerprint(control, kind, target, Evidence(None).observation(seen))


SAME = {
    "another row": (
        "sql",
        V("orders.note", "id=7: Visa number 453978******9469"),
        V("orders.note", "id=aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaa01: Visa number 453978******9469"),
    ),
    "rows without a key": (
        "sql",
        V("orders.note", "row 12: Visa number 453978******9469 (written as base64)"),
        V("orders.note", "row 9012: Visa number 453978******9469 (written as base64)"),
    ),
    "older and more of them": (
        "dataset",
        V(
            "orders.placed_at",
            "1 of 1501 rows are older than P90D; the oldest is 30 hours",
            Measure(1501, "rows"),
        ),
        V(
            "orders.placed_at",
            "17 of 1,502 rows are older than P90D; the oldest is 201 days",
            Measure(1, "rows"),
        ),
    ),
    "a rotated file": (
        "log",
        V("app.log", "Visa number 414798******9469", location=Location("app.log", 301)),
        V("app.log.2.gz", "Visa number 414798******9469", location=Location("app.log.2.gz", 4)),
    ),
    "a log that is sampled": (
        "log",
        V("app.log", "Visa number 414798******9469", location=Location("app.log", 301)),
        V("app.log", "at byte 70: Visa number 414798******9469", location=Location("app.log")),
    ),
    "the next backup": (
        "backup",
        V("2026-11-26-db: account", "1 rows were marked deleted for longer than P30D when it was taken"),
        V("2026-11-27-db: account", "2 rows were marked deleted for longer than P30D when it was taken"),
    ),
    "another line of a document": (
        "config",
        V("host a.test", "in hook: undeclared", location=Location("app.yaml", 21)),
        V("host a.test", "in hook: undeclared", location=Location("app.yaml", 22)),
    ),
    "another place in a list": (
        "config",
        V("setting sinks[3].host", "in sinks[3].host: undeclared", location=Location("app.yaml", 21)),
        V("setting sinks[0].host", "in sinks[0].host: undeclared", location=Location("app.yaml", 2)),
    ),
    "another port": (
        "site",
        V("/ads.txt", "HTTP 200: is offered", location=Location("https://127.0.0.1:46619/ads.txt")),
        V("/ads.txt", "HTTP 203: is offered", location=Location("https://127.0.0.1:1/ads.txt")),
    ),
    "the inventory moved": (
        "processor",
        V("mailer", "the agreement expired on 2026-03-01", location=Location("inventory.yaml", 7)),
        V("mailer", "the agreement expired on 2026-04-01", location=Location("privacy/inventory.yaml", 9)),
    ),
    "first seen elsewhere": (
        "dataset",
        V("event.data: name", "not among the allowed keys; in 1 rows, first in id=8"),
        V("event.data: name", "not among the allowed keys; in 40 rows, first in row 3"),
    ),
}
OTHER = {
    "another number": (
        "sql",
        V("orders.note", "id=7: Visa number 453978******9469"),
        V("orders.note", "id=7: Visa number 453978******9460"),
    ),
    "another column": (
        "sql",
        V("orders.note", "id=7: Visa number 453978******9469"),
        V("orders.memo", "id=7: Visa number 453978******9469"),
    ),
    "a security code came beside it": (
        "log",
        V("app.log", "Visa number 414798******9469"),
        V("app.log", "Visa number 414798******9469 (with a security code)"),
    ),
    "another document": (
        "schema",
        V("order.cvv", "its name says so", location=Location("migrations/0006.sql", 1)),
        V("order.cvv", "its name says so", location=Location("migrations/0007.sql", 1)),
    ),
    "another table of a backup": (
        "backup",
        V("2026-11-27-db: account", "1 rows were marked deleted"),
        V("2026-11-27-db: session", "1 rows were marked deleted"),
    ),
    "another privilege": (
        "sql",
        V("mailer on account", "SELECT (direct): the table serves none of mailer's purposes"),
        V("mailer on account", "UPDATE (direct): the table serves none of mailer's purposes"),
    ),
    "another address": (
        "config",
        V("host", "in hook 10.0.0.1: undeclared", location=Location("app.yaml")),
        V("host", "in hook 10.0.0.2: undeclared", location=Location("app.yaml")),
    ),
    "another host, told apart by a digit": (
        "site",
        V("/", "script loads cdn1.example.com: tracker"),
        V("/", "script loads cdn2.example.com: tracker"),
    ),
    "a kind that is not known": (
        "unknown",
        V("a.log", "Visa number 414798******9469", location=Location("a.log", 1)),
        V("b.log", "Visa number 414798******9469", location=Location("b.log", 1)),
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_what_moves_by_itself_changes_nothing(case: str) -> None:
    kind, before, now = SAME[case]
    assert of(kind, before) == of(kind, now)


@pytest.mark.parametrize("case", OTHER)
def test_what_is_another_finding_is_told_apart(case: str) -> None:
    kind, one, other = OTHER[case]
    assert of(kind, one) != of(kind, other)


def test_control_and_target_count() -> None:
    seen = V("orders.note", "id=7: Visa number 453978******9469")
    marks = {of("sql", seen), of("sql", seen, control="CARD-04"), of("sql", seen, target="project-db")}
    assert len(marks) == 3


def test_the_shape_does_not_depend_on_python() -> None:
    # A changed fingerprint makes every finding in every ledger new: change this only on purpose.
    seen = V("orders.note", "id=7: Visa number 453978******9469", location=Location("x", 1))
    assert of("sql", seen) == "046e61fb197c8c7836d1b70c1450ea49"
    assert len(of("sql", seen)) == LENGTH


def test_a_finding_as_made_and_as_shown_is_the_same() -> None:
    seen = V("orders\x1b.note", "Visa number 453978******9469 \ud800", location=Location("/srv/a/b/c.sql", 3))
    for kind in ("sql", "config", "log", "unknown"):
        assert fingerprint("A-1", kind, "t", seen) == of(kind, seen, control="A-1", target="t")


def test_equal_findings_are_counted() -> None:
    seen = V("app.log", "Visa number 414798******9469", location=Location("app.log", 1))
    three = fingerprints(
        "CARD-04", "log", "app-log", [replace(seen, location=Location("x", n)) for n in range(3)]
    )
    two = fingerprints("CARD-04", "log", "app-log", [seen, seen])
    assert len(set(three)) == 3
    assert set(two) < set(three)


_TEXT = st.text(string.ascii_letters + string.digits + " .:*/-[]=,•", max_size=12)
_SEEN = st.builds(
    V,
    st.sampled_from(("a", "b")),
    _TEXT,
    location=st.none() | st.builds(Location, st.sampled_from(("a", "b")), st.none() | st.integers(1, 3)),
)
_KIND = st.sampled_from(("sql", "log", "backup", "config", "site", "unknown"))


@given(_KIND, st.lists(_SEEN, max_size=8), st.randoms())
def test_order_changes_nothing_and_no_two_are_the_same(
    kind: str, seen: list[Observation], chance: object
) -> None:
    marks = fingerprints("A-1", kind, "t", seen)
    assert len(set(marks)) == len(marks) == len(seen)
    places = list(range(len(seen)))
    chance.shuffle(places)  # type: ignore[attr-defined]
    again = fingerprints("A-1", kind, "t", [seen[place] for place in places])
    known = sorted(zip(map(repr, seen), marks, strict=True))
    assert sorted(zip((repr(seen[place]) for place in places), again, strict=True)) == known


@given(_KIND, st.lists(_SEEN, max_size=6), _SEEN)
def test_one_more_finding_leaves_the_others_known(
    kind: str, seen: list[Observation], more: Observation
) -> None:
    before = set(fingerprints("A-1", kind, "t", seen))
    assert before < set(fingerprints("A-1", kind, "t", [*seen, more]))


def test_a_long_text_takes_no_time() -> None:
    for text in ("a" * 2_000, "1" * 2_000, "number " * 280, "*" * 2_000, "P1Y" * 600, "1," * 1_000):
        assert of("sql", V("s", text))
