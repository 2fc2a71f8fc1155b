"""The four promises that people ask about first, and the clauses that make each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headline:
    """One headline promise: its clauses together are what is promised."""

    id: str
    title: str
    clauses: tuple[str, ...]


HEADLINES = (
    Headline("sale", "Personal data is never sold", ("3.2",)),
    Headline("cards", "Full card numbers are never stored", ("2.4", "5.3")),
    Headline("processors", "Providers get only what their service needs", ("6.1", "6.2", "6.3")),
    Headline("retention", "Data is kept for limited periods only", ("9.1", "9.2", "9.3")),
)
