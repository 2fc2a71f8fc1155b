"""How much of the corpus a scanner finds, and what it reports that is no card number.

A card counts as found if anything reported overlaps its bytes. A decoy counts as reported likewise.
What is reported beside all labels is counted as ``elsewhere``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tabulate import tabulate

from benchmarks.cards.corpus import WRONG, Corpus, corpus

Find = Callable[[bytes], list[tuple[int, int]]]
"""A scanner: returns ``[start, end)`` of each number it reports."""
SIZE = 10_000_000


@dataclass(slots=True)
class Accuracy:
    """Counts by form or class of decoys: how many there are, and how many were reported."""

    planted: dict[str, Counter[str]] = field(default_factory=dict)  # kind → form → number
    reported: dict[str, Counter[str]] = field(default_factory=dict)
    elsewhere: int = 0

    def share(self, kind: str) -> float:
        """Return the share of all of ``kind`` that was reported."""
        return self.reported[kind].total() / max(1, self.planted[kind].total())

    @property
    def recall(self) -> float:
        """Cards found, of all."""
        return self.share("card")

    @property
    def precision_over_decoys(self) -> float:
        """Decoys that were not reported, of all."""
        return 1 - self.share("decoy")

    def table(self) -> str:
        """Return recall by form and what was reported of each class of decoys, to print."""
        parts = []
        for kind, title in (("card", "form"), ("test", "test number in form"), ("decoy", "decoy")):
            rows = [
                (form, count, self.reported[kind][form], f"{self.reported[kind][form] / count:.2%}")
                for form, count in sorted(self.planted[kind].items())
            ]
            total, hit = self.planted[kind].total(), self.reported[kind].total()
            rows.append(("all", total, hit, f"{self.share(kind):.2%}"))
            parts.append(tabulate(rows, (title, "planted", "reported", "share"), disable_numparse=True))
        parts.append(f"reported beside all labels: {self.elsewhere}")
        return "\n\n".join(parts)


def measure(find: Find, made: Corpus) -> Accuracy:
    """Return how ``find`` does on ``made``."""
    found = _merged(find(made.data))
    ends = [end for _, end in found]
    touched: set[int] = set()
    accuracy = Accuracy(
        {kind: Counter() for kind in ("card", "decoy", "test")},
        {kind: Counter() for kind in ("card", "decoy", "test")},
    )
    for label in made.labels:
        accuracy.planted[label.kind][label.form] += 1
        at = bisect_left(ends, label.offset + 1)  # the first one that ends behind the label's start
        hit = at < len(found) and found[at][0] < label.end
        accuracy.reported[label.kind][label.form] += hit
        while at < len(found) and found[at][0] < label.end:
            touched.add(at)
            at += 1
    accuracy.elsewhere = len(found) - len(touched)
    return accuracy


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ``spans`` in order, those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def main(find: Find, *, seed: int = 1, size: int = SIZE) -> dict[str, float]:
    """Print the tables for ``find`` on a new corpus; return the figures that a bound is set on."""
    accuracy = measure(find, corpus(seed, size))
    print(accuracy.table())
    wrong = {form for form in accuracy.planted["decoy"] if form.startswith(WRONG)}
    return {
        "cards": accuracy.planted["card"].total(),
        "recall": accuracy.recall,
        "decoys": accuracy.planted["decoy"].total(),
        "precision over decoys": accuracy.precision_over_decoys,
        "one digit wrong, reported": sum(accuracy.reported["decoy"][form] for form in wrong),
        "test numbers reported": accuracy.share("test"),
        "reported beside all labels": accuracy.elsewhere,
    }
