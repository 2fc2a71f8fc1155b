"""Seeded values that look real: the same ones at each start, but for moments, which count back from now.

No value is by accident a valid card number, so whatever a scan finds in the lab was planted.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_LONG_RUN = re.compile(r"\d(?:[ -]?\d){12,}")
_FIRST = [
    "Adaeze",
    "Bertrand",
    "Celestine",
    "Dariusz",
    "Emeka",
    "Fenna",
    "Gwendolyn",
    "Haakon",
    "Ilinca",
    "Jovan",
    "Katarzyna",
    "Leocadia",
    "Milagros",
    "Nnamdi",
    "Oddvar",
    "Priscila",
    "Quirin",
    "Rosalind",
    "Szymon",
    "Thandiwe",
    "Ulrike",
    "Viveka",
    "Wolfgang",
    "Xiomara",
    "Yevgenia",
    "Zsofia",
]
_LAST = [
    "Abernethy",
    "Brzezicki",
    "Castellanos",
    "Dunkelmann",
    "Eilertsen",
    "Featherstone",
    "Gaweda",
    "Hollenbach",
    "Iwobi",
    "Jankauskas",
    "Kowalczyk",
    "Lindqvist",
    "Mbatha",
    "Novotny",
    "Obuya",
    "Pellegrino",
    "Quennell",
    "Rautavaara",
    "Szabados",
    "Tolstrup",
    "Uzun",
    "Vandersteen",
    "Wierzbicki",
    "Ximenes",
    "Yordanov",
    "Zschiesche",
]
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
    "enfyra-cli/1.9.2",
)
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table, in the order of ``columns``."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def luhn(digits: str) -> bool:
    """Whether ``digits`` ends in the check digit of ISO/IEC 7812-1."""
    doubled = "0246813579"
    odd = sum(int(digit) for digit in digits[-1::-2])
    even = sum(int(doubled[int(digit)]) for digit in digits[-2::-2])
    return (odd + even) % 10 == 0


def holds_card(text: str) -> bool:
    """Whether 13 to 19 digits in a row, grouped or not, could be a card number of some network."""
    for run in _LONG_RUN.finditer(text):
        digits = re.sub(r"\D", "", run.group())
        for start in range(len(digits) - 12):
            if digits[start] not in "23456":
                continue
            if any(
                luhn(digits[start : start + size]) for size in range(13, min(19, len(digits) - start) + 1)
            ):
                return True
    return False


class Values:
    """A seeded source of values; ``now`` is what every moment counts back from."""

    def __init__(self, seed: str, now: datetime) -> None:
        self.random = random.Random(seed)
        self.now = now.replace(microsecond=0)

    def uuid(self) -> str:
        """Return a version 4 UUID that begins and ends with a letter, lest two in a row read as a number."""
        while True:
            h = f"{self.random.getrandbits(120):030x}"
            first, last = self.random.choices("abcdef", k=2)
            text = f"{first}{h[:7]}-{h[7:11]}-4{h[11:14]}-a{h[14:17]}-{h[17:28]}{last}"
            if not holds_card(text):
                return text

    def hex(self, size: int) -> str:
        """Return ``size`` hexadecimal digits, a letter first and last."""
        while True:
            first, last = self.random.choices("abcdef", k=2)
            text = f"{first}{self.random.getrandbits(size * 4 - 8):0{size - 2}x}{last}"
            if not holds_card(text):
                return text

    def token(self, size: int) -> str:
        """Return ``size`` letters and digits."""
        while True:
            text = "".join(self.random.choices(_ALPHABET, k=size))
            if not holds_card(text):
                return text

    def bcrypt(self) -> str:
        """Return what a bcrypt hash looks like; nothing hashes to it."""
        return "$2b$12$" + self.token(53)

    def digits(self, size: int) -> str:
        """Return a run of digits that begins with 9 (an IIN no network owns)."""
        while True:
            text = "9" + "".join(self.random.choices(string.digits, k=size - 1))
            if not holds_card(text):
                return text

    def person(self) -> str:
        """Return a full name."""
        return f"{self.random.choice(_FIRST)} {self.random.choice(_LAST)}"

    def email(self, name: str, number: int) -> str:
        """Return the e-mail address of ``name``, unique by ``number``."""
        first, last = name.lower().split()
        return f"{first[0]}.{last}{number}@{self.pick('example.org', 'example.net', 'example.com')}"

    def ip(self) -> str:
        """Return an address of the ranges set aside for documentation (RFC 5737, RFC 3849)."""
        pick = self.random.randrange(8)
        if pick == 0:
            return f"2001:db8:{self.random.randrange(1, 0xFFFF):x}::{self.random.randrange(1, 0xFFFF):x}"
        return f"{('192.0.2', '198.51.100', '203.0.113')[pick % 3]}.{self.random.randrange(1, 255)}"

    def agent(self) -> str:
        """Return a user agent."""
        return self.random.choice(_AGENTS)

    def ago(self, least: float, most: float) -> datetime:
        """Return a moment between ``least`` and ``most`` days before now."""
        return self.now - timedelta(seconds=int(self.random.uniform(least, most) * 86400))

    def pick(self, *options: str) -> str:
        """Return one of ``options``."""
        return self.random.choice(options)

    def of(self, rows: Sequence[tuple[object, ...]]) -> tuple[object, ...]:
        """Return one of ``rows``."""
        return self.random.choice(rows)
