"""Numbers that a card network could issue, at random: right leading digits, length and check digit.

The ranges are written down here a second time on purpose: were they taken from the table that the
scanner uses, a mistake in that table could not be noticed. Source: "Payment card number" (issuer
identification numbers by network, 2025). None of the numbers is one that is published for tests.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from checks.detectors.card_networks import TEST_NUMBERS

# Network → leading digits (pairs, both included) and lengths.
RANGES: dict[str, tuple[tuple[tuple[int, int], ...], tuple[int, ...]]] = {
    "Visa": (((4, 4),), (13, 16, 16, 16, 19)),  # nearly all have 16
    "Mastercard": (((51, 55), (2221, 2720)), (16,)),
    "American Express": (((34, 34), (37, 37)), (15,)),
    "Discover": (((6011, 6011), (644, 649), (650, 650)), (16,)),
    "Diners Club": (((300, 305), (36, 36), (38, 39)), (14,)),
    "JCB": (((3528, 3589),), (16,)),
    "UnionPay": (((620, 620), (623, 626)), (16, 17, 18, 19)),
    "Maestro": (((5018, 5018), (5020, 5020), (5038, 5038), (5893, 5893), (6304, 6304), (6759, 6759),
                 (6761, 6763)), (13, 14, 15, 16, 17, 18, 19)),
    "Mir": (((2200, 2204),), (16, 17, 18, 19)),
    "RuPay": (((508500, 508999), (6521, 6522), (81, 82)), (16,)),
    "Troy": (((9792, 9792),), (16,)),
    "Elo": (((431274, 431274), (438935, 438935), (451416, 451416), (506699, 506778), (509000, 509999),
             (636368, 636368), (650485, 650538), (655000, 655019)), (16,)),
}  # fmt: skip
_BY_LENGTH: dict[int, tuple[str, ...]] = {
    length: tuple(name for name, (_, lengths) in RANGES.items() if length in lengths)
    for length in range(13, 20)
}


class Number(NamedTuple):
    """A card number and the network it belongs to."""

    network: str
    digits: str


def check_digit(body: str) -> str:
    """Return the digit that makes ``body`` and itself valid by ISO/IEC 7812-1, annex B (Luhn)."""
    total = 0
    for position, char in enumerate(reversed(body)):
        value = int(char) * (1 if position % 2 else 2)
        total += value // 10 + value % 10
    return str(-total % 10)


def fill(random: Random, start: str, length: int) -> str:
    """Return ``start`` with random digits up to ``length`` digits."""
    missing = length - len(start)
    return start + f"{random.randrange(10**missing):0{missing}}" if missing > 0 else start


def luhn_valid(random: Random, start: str, length: int) -> str:
    """Return ``length`` digits that begin with ``start`` and end in the right check digit."""
    body = fill(random, start, length - 1)
    return body + check_digit(body)


def card(random: Random, length: int | None = None) -> Number:
    """Return a new number; of any network, each as often, or of one that issues ``length`` digits."""
    while True:
        network = random.choice(tuple(RANGES) if length is None else _BY_LENGTH[length])
        ranges, lengths = RANGES[network]
        low, high = random.choice(ranges)
        digits = luhn_valid(random, str(random.randint(low, high)), length or random.choice(lengths))
        if digits not in TEST_NUMBERS:
            return Number(network, digits)


def fitting(random: Random, fits: Callable[[str], bool], lengths: tuple[int, ...]) -> Number:
    """Return a new number for which ``fits``; of any network if it may have any of ``lengths``."""
    while True:
        number = card(random, random.choice(lengths) if len(lengths) < 4 else None)
        if len(number.digits) in lengths and fits(number.digits):
            return number
