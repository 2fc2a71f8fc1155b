"""Dates and versions as they stand on policy pages."""

from __future__ import annotations

from datetime import date

import pytest

from checks.detectors.policy_dates import readings, stated_date, stated_version, version_numbers

DAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-24", "2026/11/24", "24 November 2026", "24. November 2026", "24th of November, 2026",
        "24 Nov 2026", "24-Nov-2026", "November 24, 2026",
        "Nov. 24th, 2026", "NOVEMBER 24 2026", "24.11.2026",
        "24/11/2026", "11/24/2026", "24 . 11 . 2026",
    ],
)  # fmt: skip
def test_formats(written: str) -> None:
    assert readings(written) == (DAY,)
    for label in ("Effective date:", "Last updated:", "Effective as of", "Last revised on", "In force since"):
        assert stated_date(f"Privacy policy\n{label} {written}\nVersion 2") == " ".join(written.split())


@pytest.mark.parametrize(
    "written", ["2026-13-45", "2026-02-30", "31 February 2026", "99/99/2026", "00.00.2026"]
)
def test_what_looks_like_a_date_and_is_none(written: str) -> None:
    assert stated_date(f"Effective: {written}") == written
    assert readings(written) == ()


def test_a_date_that_can_be_read_as_two() -> None:
    assert readings("03/04/2026") == (date(2026, 4, 3), date(2026, 3, 4))
    assert readings("04/04/2026") == (date(2026, 4, 4),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "We take effective measures.",
        "Effective date: soon",
        "Founded 2026-11-24",
        "Effective\n2026-11-24",
    ],
)
def test_no_date_is_stated(text: str) -> None:
    assert stated_date(text) is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Version: 1.2", "1.2"), ("Version 3", "3"), ("version no. 2.0", "2.0"), ("Policy v2.1, 2026", "2.1"),
        ("Revision 7", "7"), ("This version of it", None), ("", None),
    ],
)  # fmt: skip
def test_versions(text: str, version: str | None) -> None:
    assert stated_version(text) == version


def test_versions_are_compared_as_numbers() -> None:
    assert version_numbers("1.10") > version_numbers("v1.9")
    assert version_numbers("2.0") == version_numbers("2")
