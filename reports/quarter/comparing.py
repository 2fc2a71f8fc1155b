"""One period against an earlier one: opinions and numbers."""

from __future__ import annotations

from typing import Literal

from reports.quarter.opinion import OPINIONS
from reports.quarter.shape import Compared, NumberChange, Opinion, OpinionChange, OpinionWord, Quarter

Unit = Literal["count", "seconds"]
NUMBERS: dict[str, tuple[str, Unit]] = {
    "runs": ("Runs", "count"),
    "days_with_runs": ("Days with a run", "count"),
    "longest_gap": ("Longest time without a run", "seconds"),
    "verdicts": ("Verdicts", "count"),
    "failing_periods": ("Failing periods", "count"),
    "open_failing": ("Failing at the end", "count"),
    "waived_failing": ("Failing under a waiver at the end", "count"),
    "mean_time_to_remediate": ("Mean time to remediate", "seconds"),
    "regressions": ("Regressions", "count"),
    "open_findings": ("Open findings", "count"),
    "waivers_in_force": ("Waivers in force", "count"),
    "never_assessed": ("Never assessed", "count"),
    "runs_from_changed_files": ("Runs from uncommitted files", "count"),
}
"""Numbers that are compared: title and unit."""


def compared(now: Quarter, was: Quarter) -> Compared:
    """Return what differs between two periods of one environment."""
    return Compared(
        period=was["title"]["period"],
        opinions=_opinions(now["opinions"], was["opinions"]),
        promises=_opinions(now["promises"], was["promises"]),
        numbers=[
            NumberChange(
                name=name,
                title=title,
                was=was["numbers"][name],  # type: ignore[literal-required]
                now=now["numbers"][name],  # type: ignore[literal-required]
                unit=unit,
            )
            for name, (title, unit) in NUMBERS.items()
        ],
    )


def _opinions(now: list[Opinion], was: list[Opinion]) -> list[OpinionChange]:
    """Match by number and words: under another policy the same number may promise something else."""
    old, new = _by_words(was), _by_words(now)
    return [
        OpinionChange(
            id=key[0],
            title=key[1],
            was=old.get(key),
            now=new.get(key),
            turn=_turn(old.get(key), new.get(key)),
        )
        for key in dict.fromkeys([*new, *old])
    ]


def _by_words(opinions: list[Opinion]) -> dict[tuple[str, str], OpinionWord]:
    found: dict[tuple[str, str], OpinionWord] = {}
    for one in opinions:
        key = (one["id"], one["title"])
        found[key] = min(found.get(key, one["opinion"]), one["opinion"], key=OPINIONS.index)
    return found


def _turn(
    was: OpinionWord | None, now: OpinionWord | None
) -> Literal["better", "worse", "same", "new", "gone"]:
    if was is None:
        return "new"
    if now is None:
        return "gone"
    before, after = OPINIONS.index(was), OPINIONS.index(now)
    return "same" if before == after else "better" if after > before else "worse"
