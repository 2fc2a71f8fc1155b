"""What looks like a card number and is none, so that it must not be reported.

Two kinds. Runs and groups of nothing but digits are drawn until no network could have issued them:
by rule they are no card numbers. Everything else (hexadecimal, base64, UUIDs, IBANs, telephone
numbers, fractions) is left as it falls, also when the digits within happen to be valid: a scanner has
to tell it by its surroundings. One digit wrong (:func:`wrong_digit`) comes in every form.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from benchmarks.cards.forms import Form, groups
from benchmarks.cards.numbers import card, fill, fitting, luhn_valid
from checks.detectors.card_networks import network_of


@dataclass(frozen=True, slots=True)
class Decoy:
    """A class of decoys. ``digits`` says that it is nothing but digits and single separators."""

    name: str
    write: Callable[[Random], str]
    digits: bool = False


def claimed(text: str) -> bool:
    """Whether neighbouring groups of digits in ``text`` make a number that a network may have issued."""
    parts = re.findall("[0-9]+", text)
    return any(
        network_of(joined) is not None
        for start in range(len(parts))
        for end in range(start + 1, len(parts) + 1)
        if 13 <= len(joined := "".join(parts[start:end])) <= 19
    )


def wrong_digit(random: Random, form: Form) -> str:
    """Return digits that ``form`` can write and that are a card number but for one digit."""
    while True:
        digits = fitting(random, form.fits, form.lengths).digits
        at = random.randrange(6, len(digits))
        wrong = digits[:at] + str((int(digits[at]) + random.randint(1, 9)) % 10) + digits[at + 1 :]
        if form.fits(wrong) and not claimed(wrong) and not claimed(" ".join(groups(wrong))):
            return wrong


def _drawn(name: str, write: Callable[[Random], str]) -> Decoy:
    """Return a class of digits only, drawn until no network claims them."""

    def draw(random: Random) -> str:
        while claimed(text := write(random)):
            pass
        return text

    return Decoy(name, draw, digits=True)


def _masked(mask: str, first: int, *, by_four: bool = False) -> Callable[[Random], str]:
    def write(random: Random) -> str:
        digits = card(random, 16).digits
        text = digits[:first] + mask * (12 - first) + digits[12:]
        return " ".join(groups(text)) if by_four else text

    return write


def _long_run(random: Random) -> str:
    """Twenty digits and more, a card number among them."""
    digits = card(random).digits
    before = random.randint(max(0, 20 - len(digits)), 9)
    return fill(random, str(random.randint(1, 9)), before)[:before] + digits + fill(random, "", 3)


def _hexadecimal(length: int, letters: float = 6 / 16) -> Callable[[Random], str]:
    """Return a writer of ``length`` characters, of which the share ``letters`` and at least one is a-f."""

    def write(random: Random) -> str:
        while True:
            text = "".join(
                random.choice("abcdef" if random.random() < letters else "0123456789") for _ in range(length)
            )
            if not text.isdecimal():
                return text.upper() if random.random() < 0.2 else text

    return write


def uuid4(random: Random) -> str:
    """A random UUID (RFC 9562, version 4)."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _uuid7(random: Random) -> str:
    value = (random.randrange(1_500_000_000_000, 1_900_000_000_000) << 80) | random.getrandbits(80)
    return str(uuid.UUID(int=(value & ~(0xF << 76) & ~(0x3 << 62)) | (7 << 76) | (2 << 62)))


def _uuid_of_digits(random: Random) -> str:
    digits = fill(random, "", 12) + "4" + fill(random, "", 3) + random.choice("89") + fill(random, "", 15)
    return "-".join(groups(digits, 8, 4, 4, 4))


def _epoch(scale: int) -> Callable[[Random], str]:
    return lambda random: str(random.randrange(1_000_000_000 * scale, 2_000_000_000 * scale))


def _fraction(random: Random) -> str:
    whole = random.choice(("0", "-0", "0", str(random.randint(1, 99))))
    return f"{whole}.{card(random, 16).digits}"


def _iban(random: Random) -> str:
    """An IBAN with valid check digits (ISO 13616) of a country whose account numbers are digits."""
    country, length = random.choice((("DE", 18), ("ES", 20), ("NO", 11), ("BE", 12), ("PL", 24), ("AT", 16)))
    account = fill(random, "", length)
    number = int(account + "".join(str(ord(char) - 55) for char in country) + "00")
    return f"{country}{98 - number % 97:02}{account}"


def _phone(random: Random) -> str:
    country = random.choice(
        ("1", "7", "30", "33", "34", "36", "39", "44", "49", "52", "55", "62", "81", "353")
    )
    rest = fill(random, str(random.randint(1, 9)), random.randint(9, 11))
    separator = random.choice(("", " ", "-"))
    return "+" + separator.join((country, *groups(rest, 3))) if separator else f"+{country}{rest}"


def _time(template: str) -> Callable[[Random], str]:
    def write(random: Random) -> str:
        seconds = random.randrange(1_500_000_000, 1_900_000_000) + random.randrange(1000) / 1000
        return datetime.fromtimestamp(seconds, UTC).strftime(template)[:-3]

    return write


def _prices(random: Random) -> str:
    count = random.randint(4, 8)
    separators = [random.choice((" ", "-", "/", ", ", "; ", ".", "  ")) for _ in range(count)]
    return "".join(f"{random.randrange(1000, 10000)}{mark}" for mark in separators).rstrip(" -/,;.")


def _base64(random: Random) -> str:
    return base64.b64encode(random.randbytes(random.randint(24, 120))).decode()


def jwt(random: Random) -> str:
    """A JSON web token (RFC 7519) with random claims and signature."""
    claims = {"sub": uuid4(random), "iat": int(_epoch(1)(random)), "sid": int(fill(random, "1", 18))}
    parts = (b'{"alg":"RS256","typ":"JWT"}', json.dumps(claims).encode(), random.randbytes(64))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _failing_luhn(random: Random) -> str:
    digits = card(random).digits
    return digits[:-1] + str((int(digits[-1]) + random.randint(1, 9)) % 10)


def _order_id(random: Random) -> str:
    return f"ORD-{fill(random, '', 4)}-{fill(random, '', 4)}-AB{fill(random, '', 8)}"


def _numbers(count: int, limit: int, separator: str, template: str = "{}") -> Callable[[Random], str]:
    return lambda random: separator.join(template.format(random.randrange(limit)) for _ in range(count))


def _ean13(random: Random) -> str:
    body = fill(random, str(random.randint(1, 9)), 12)
    total = sum(int(char) * (3 if place % 2 else 1) for place, char in enumerate(body))
    return body + str(-total % 10)


DECOYS: tuple[Decoy, ...] = (
    Decoy("masked ******", _masked("*", 6)),
    Decoy("masked XXXXXX", _masked("X", 6)),
    Decoy("masked in groups", _masked("*", 6, by_four=True)),
    Decoy("masked but first eight", _masked("*", 8)),
    Decoy("masked but last four", _masked("•", 0, by_four=True)),
    Decoy("last four only", lambda random: "ending in " + card(random, 16).digits[-4:]),
    Decoy("run of 20 and more", _long_run),
    Decoy("uuid v4", uuid4),
    Decoy("uuid v7", _uuid7),
    Decoy("uuid of digits", _uuid_of_digits),
    Decoy("guid without dashes", lambda random: uuid4(random).replace("-", "")),
    Decoy("md5", _hexadecimal(32)),
    Decoy("sha-1", _hexadecimal(40)),
    Decoy("sha-256", _hexadecimal(64)),
    *(Decoy(f"hex id of {length}", _hexadecimal(length)) for length in (16, 24)),
    *(Decoy(f"hex id of {length}, mostly digits", _hexadecimal(length, 0.08)) for length in (16, 24, 32, 40)),
    Decoy("0x", lambda random: "0x" + card(random, 16).digits),
    _drawn("epoch ms", _epoch(10**3)),
    _drawn("epoch us", _epoch(10**6)),
    _drawn("epoch ns", _epoch(10**9)),
    _drawn("imei", lambda random: luhn_valid(random, random.choice(("35", "01", "86", "99")), 15)),
    _drawn("iccid", lambda random: luhn_valid(random, "89", random.choice((19, 20)))),
    _drawn("sin", lambda random: " ".join(groups(luhn_valid(random, str(random.randint(1, 7)), 9), 3, 3))),
    _drawn("luhn of no network", lambda random: luhn_valid(random, "", random.randint(13, 19))),
    _drawn("ean-13", _ean13),
    _drawn("snowflake", lambda random: fill(random, "1", random.randint(17, 19))),
    _drawn("account number", _failing_luhn),
    _drawn("prices", _prices),
    _drawn("date and time", _time("%Y-%m-%d %H:%M:%S.%f")),
    _drawn("date and time in digits", _time("%Y%m%d%H%M%S%f")),
    Decoy("fraction of a card number", _fraction),
    Decoy("float", lambda random: repr(random.random() * 10 ** random.randint(0, 3))),
    Decoy("coordinates", lambda random: f"{random.uniform(-90, 90):.13f},{random.uniform(-180, 180):.13f}"),
    Decoy("phone", _phone),
    Decoy("iban", _iban),
    Decoy("iban in groups", lambda random: " ".join(groups(_iban(random)))),
    Decoy("ipv4", _numbers(4, 256, ".")),
    Decoy("ipv6", _numbers(8, 65536, ":", "{:04x}")),
    Decoy("ipv6 of digits", _numbers(8, 10000, ":", "{:04}")),
    Decoy("mac", _numbers(6, 256, ":", "{:02x}")),
    Decoy("version", _numbers(4, 1000, ".")),
    Decoy("order id", _order_id),
    Decoy("base64 of random bytes", _base64),
    Decoy("jwt", jwt),
)  # fmt: skip
"""Every class of decoys but ``one digit wrong``; names are unique."""
