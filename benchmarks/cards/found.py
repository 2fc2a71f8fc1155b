"""How much of the labelled corpus the engine finds, and what else it reports (``cards-accuracy``)."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cards.accuracy import main
from benchmarks.cards.rounds import at_least
from checks.scanner.engine import Engine

RECALL, PRECISION = 100.0, 99.0  # per cent


def measure() -> Iterator[str]:
    """Print the tables by form and class of decoys, and yield the lines of the result."""
    engine = Engine()

    def find(data: bytes) -> list[tuple[int, int]]:
        hits = engine.block(data)
        return list(zip(hits["offset"].tolist(), hits["end"].tolist(), strict=True))

    figures = main(find)
    recall, precision = figures["recall"] * 100, figures["precision over decoys"] * 100
    yield f"Recall over {figures['cards']:,} cards in all listed forms: {at_least(recall, RECALL, ' %')}"
    yield f"Precision over {figures['decoys']:,} decoys: {at_least(precision, PRECISION, ' %')}"
    wrong = int(figures["one digit wrong, reported"])
    yield f"Numbers with one digit wrong, reported: {wrong} (bound 0: {'NOT met' if wrong else 'met'})"
    yield f"Reported beside all labels: {figures['reported beside all labels']:.0f} (no bound)"
    yield f"Published test numbers reported: {figures['test numbers reported']:.2%} (no bound)"
