"""The controls' loader: what it refuses, with file, line and the nearest valid name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from checks.core.controls import is_control_file, load_control, load_controls, select
from checks.core.errors import ControlError, PolicyLockError
from checks.core.inventory import load_inventory
from checks.core.policy import PolicyDocument, lock, policy_for, read_lock, write_lock
from checks.detectors.policy_text import read_policy
from tests.checks.core.test_inventory import GOOD as INVENTORY

CONTROL = """\
id: RET-01
title: Rows are within their limit
clauses: ["9.1"]
commitment: Data is kept for a limited time.
severity: high
owner: platform
applies_to: {kind: dataset}
check: retention.oldest_row_within_limit
params: {grace: P1D}
remediation: Delete what is overdue.
"""
COVERAGE = 'sections: {9: {title: Limits, clauses: {"9.1": {status: automated, commitment: Limited.}}}}\n'
POLICY = PolicyDocument("acme", "policy.txt", "2026-11-24", None, None, {"9.1": "0" * 64, "9.2": "1" * 64})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    controls = tmp_path / "controls"
    controls.mkdir()
    (controls / "ret.yaml").write_text(CONTROL)
    (controls / "coverage.yaml").write_text(COVERAGE)
    return controls


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("severity: high", "severity: hihg", "ret.yaml:5: severity: 'hihg' is not one of critical, high"),
        (
            "severity: high",
            "severty: high",
            "ret.yaml:5: unknown key 'severty' in the file (did you mean 'sever",
        ),
        ('clauses: ["9.1"]', "clauses: [9.1]", "9.1 must be text: put it in quotes"),
        ('clauses: ["9.1"]', 'clauses: ["9.7"]', "ret.yaml:3: clause 9.7 is not in policy.lock"),
        ('clauses: ["9.1"]', "clauses: []", "clauses: must not be empty"),
        ("oldest_row_within", "oldest_rows_within", "did you mean 'retention.oldest_row_within_limit'?"),
        (
            "check: retention.",
            "check: retentoin.",
            "unknown check 'retentoin.oldest_row_within_limit' (did you",
        ),
        ("{grace: P1D}", "{grade: P1D}", "has no parameter 'grade' (did you mean 'grace'?)"),
        (
            "{grace: P1D}",
            "{grace: 1}",
            "ret.yaml:9: check retention.oldest_row_within_limit, parameter 'grace'",
        ),
        ("{grace: P1D}", "{grace: 1D}", "is not an ISO 8601 duration"),
        ("params: {grace: P1D}\n", "", "needs parameter 'grace'"),
        ("kind: dataset", "kind: dateset", "ret.yaml:7: unknown kind 'dateset' (did you mean 'dataset'?)"),
        ("kind: dataset", "kind: log", "reads dataset, not log"),
        ("check: retention.oldest_row_within_limit\n", "", "give either 'check' with 'params', or 'checks'"),
        ("id: RET-01", "id: ret01", "'ret01' is not an id such as CARD-01"),
        ("title: Rows", "title: {Rows", "not valid YAML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place(folder: Path, old: str, new: str, words: str) -> None:
    assert CONTROL.count(old) == 1
    (folder / "ret.yaml").write_text(CONTROL.replace(old, new))
    broken = load_controls(folder, POLICY).broken
    message = str(broken["ret.yaml"])
    assert words in message
    assert message.startswith("controls/ret.yaml:")
    assert "\n" not in message


def test_a_broken_control_does_not_blind_the_rest(folder: Path) -> None:
    (folder / "bad.yaml").write_text("id: [")
    loaded = load_controls(folder, POLICY)
    assert list(loaded.controls) == ["RET-01"]
    assert list(loaded.broken) == ["bad.yaml"]


def test_an_id_is_used_once(folder: Path) -> None:
    (folder / "z.yaml").write_text(CONTROL)
    message = str(load_controls(folder, POLICY).broken["z.yaml"])
    assert message == "controls/z.yaml:1: control id 'RET-01' is used by controls/ret.yaml:1 already"


def test_an_empty_control(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("# nothing yet\n")
    with pytest.raises(ControlError, match=r"x\.yaml: is empty"):
        load_control(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("applies", "words"),
    [
        ("{kind: site}", None),
        ("{kind: dataset, ids: crm.persons}", "no target 'crm.persons'"),
        ("{kind: dataset, tags: [vip]}", "RET-01 selects no target in environment lab (kind: dataset, tags"),
        ("{kind: dataset, not_ids: 'crm.*'}", "selects no target"),
        ("{kind: dataset, has: erasure}", "selects no target"),
        ("{kind: dataset, personal: false}", "selects no target"),
    ],
)
def test_a_control_that_selects_nothing_is_refused(
    folder: Path, tmp_path: Path, applies: str, words: str | None
) -> None:
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    inventory = load_inventory(tmp_path / "inventory.yaml", "lab", {})
    if words is None:
        applies, words = "{kind: dataset, format: csv}", "selects no target"
    (folder / "ret.yaml").write_text(CONTROL.replace("{kind: dataset}", applies))
    control = load_controls(folder, POLICY).controls["RET-01"]
    with pytest.raises(ControlError, match=r"controls/ret\.yaml:1: ") as caught:
        select(control, inventory)
    assert words in str(caught.value)


@pytest.mark.parametrize("applies", ["{kind: dataset, personal: true, ids: 'crm.*'}", "{kind: [dataset]}"])
def test_selecting(folder: Path, tmp_path: Path, applies: str) -> None:
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    inventory = load_inventory(tmp_path / "inventory.yaml", "lab", {})
    (folder / "ret.yaml").write_text(CONTROL.replace("{kind: dataset}", applies))
    control = load_controls(folder, POLICY).controls["RET-01"]
    assert [t.id for t in select(control, inventory)] == ["crm.people"]


def test_waivers(folder: Path) -> None:
    entry = "control: RET-01, target: crm.people, subject: x, reason: r, approver: a, expires: 2027-01-31"
    (folder / "waivers.yaml").write_text(f"waivers:\n  - {{{entry}}}\n")
    (waiver,) = load_controls(folder, POLICY).waivers
    assert waiver.expires == date(2027, 1, 31)
    (folder / "waivers.yaml").write_text(f"waivers:\n  - {{{entry.replace('RET-01', 'RET-1')}}}\n")
    with pytest.raises(
        ControlError, match=r"waivers\.yaml:2: unknown control 'RET-1' \(did you mean 'RET-01'"
    ):
        load_controls(folder, POLICY)


def test_coverage_names_every_clause_of_the_lock(folder: Path) -> None:
    (section,) = load_controls(folder, POLICY).sections
    assert [(c.id, c.status) for c in section.clauses] == [("9.1", "automated"), ("9.2", "uncovered")]
    (folder / "coverage.yaml").write_text(COVERAGE.replace('"9.1"', '"9.9"'))
    with pytest.raises(ControlError, match=r"clause 9\.9 is not in section 9 of policy\.lock"):
        load_controls(folder, POLICY)


def test_what_is_a_control_file() -> None:
    names = ["a.yaml", "a.yml", "waivers.yaml", "coverage.yaml", "policy.lock", "a.yaml.bak"]
    assert [n for n in names if is_control_file(Path(n))] == ["a.yaml", "a.yml"]


# ── the lock ─────────────────────────────────────────────────────────────────────────────────────

TEXT = "Policy\n1. Start\nWe begin here. It goes on.\n2. End\nIt ends at e.g. Acme Inc. on the web.\n"


def test_a_lock_holds_fingerprints_and_none_of_the_text(tmp_path: Path) -> None:
    document = lock(read_policy(TEXT), "acme", "policy.txt", date(2026, 11, 24))
    write_lock(tmp_path / "policy.lock", {"acme": document})
    written = (tmp_path / "policy.lock").read_text()
    assert "begin" not in written
    assert read_lock(tmp_path / "policy.lock") == {"acme": document}
    assert list(document.clauses) == ["1.1", "1.2", "2.1"]


def test_a_lock_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "policy.lock"
    with pytest.raises(PolicyLockError, match="is missing: write it with `policyproof policy lock"):
        read_lock(path)
    path.write_text("policies: [1]")
    with pytest.raises(PolicyLockError, match="is not a policy lock"):
        read_lock(path)
    with pytest.raises(PolicyLockError, match="no policy 'acne' \\(did you mean 'acme'"):
        policy_for({"acme": POLICY}, "acne", shown="policy.lock")
    with pytest.raises(PolicyLockError, match="no numbered section"):
        lock(read_policy("Just some words."), "acme", "x.txt", date(2026, 11, 24))


CHANGING = CONTROL.replace("kind: dataset", "kind: rights").replace("params: {grace: P1D}\n", "")
CHANGING = CHANGING.replace("retention.oldest_row_within_limit", "rights.export_is_complete")


def test_a_control_that_changes_its_target_says_so(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CHANGING)
    with pytest.raises(ControlError, match=r":8: check rights.export_is_complete changes .* 'changes: true'"):
        load_control(path)
    path.write_text(CHANGING + "changes: true\n")
    assert load_control(path).changes
    path.write_text(CONTROL + "changes: true\n")
    with pytest.raises(ControlError, match="none of its checks changes anything"):
        load_control(path)
