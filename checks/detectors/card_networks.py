"""Which numbers a card network has been assigned: leading digits, lengths, check digit.

Sources: ISO/IEC 7812-1:2017 (structure, check digit), the networks' published issuer ranges as
collected under "Payment card number" (issuer identification numbers by network, 2025).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """A card network; ``ranges`` are pairs of leading digits, both included and equally long."""

    name: str
    ranges: tuple[tuple[str, str], ...]
    lengths: frozenset[int]
    luhn: bool = True

    def claims(self, digits: str) -> bool:
        """Whether ``digits`` (0-9 only) has a length and leading digits of this network."""
        return len(digits) in self.lengths and any(
            low <= digits[: len(low)] <= high for low, high in self.ranges
        )


def _network(name: str, ranges: str, lengths: Iterable[int], *, luhn: bool = True) -> Network:
    pairs = (part.partition("-") for part in ranges.split())
    return Network(name, tuple((low, high or low) for low, _, high in pairs), frozenset(lengths), luhn)


NETWORKS: tuple[Network, ...] = (
    # National schemes first: some of their ranges lie inside those of the international networks.
    _network(
        "Elo",
        "401178-401179 431274 438935 451416 457393 457631-457632 504175 506699-506778 509000-509999 627780 "
        "636297 636368 650031-650033 650035-650051 650405-650439 650485-650538 650541-650598 650700-650718 "
        "650720-650727 650901-650978 651652-651679 655000-655019 655021-655058",
        (16,),
    ),
    _network("Verve", "506099-506198 507865-507964 650002-650027", (16, 18, 19)),
    _network("Hipercard", "606282 637095 637568 637599 637609 637612", (16,)),
    _network("Mir", "2200-2204", range(16, 20)),
    _network("Troy", "9792", (16,)),
    _network("Dankort", "5019", (16,)),
    _network("American Express", "34 37", (15,)),
    _network("Mastercard", "51-55 2221-2720", (16,)),
    _network("Visa", "4", (13, 16, 19)),
    _network("JCB", "3528-3589", range(16, 20)),
    _network("Diners Club", "300-305 3095 36 38-39", range(14, 20)),
    _network("Discover", "6011 622126-622925 644-649", range(16, 20)),
    _network("RuPay", "60 6521-6522 81-82 508", (16,)),
    _network("Discover", "65", range(16, 20)),
    # UnionPay issued numbers without a check digit in its first years; all issued since carry one.
    _network("UnionPay", "62", range(16, 20)),
    # Maestro also assigns 12 digits: too short to be told from a telephone number or an identifier.
    _network("Maestro", "5018 5020 5038 5893 6304 6759 676770 676774 6761-6763", range(13, 20)),
)

# The doubled digit of the Luhn sum, its own digits added up.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """Whether the last of ``digits`` (0-9 only) is the check digit of those before it."""
    values = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def network_of(digits: str) -> str | None:
    """Return the name of the network that may have issued ``digits``, or ``None``."""
    checked = luhn(digits)
    for network in NETWORKS:
        if (checked or not network.luhn) and network.claims(digits):
            return network.name
    return None


def network_by_prefix(first6: str, length: int) -> str | None:
    """Return the network whose numbers of ``length`` digits may begin with ``first6``, or ``None``."""
    digits = first6.ljust(length, "0")
    return next((network.name for network in NETWORKS if network.claims(digits)), None)


TEST_NUMBERS: frozenset[str] = frozenset(
    """
    4111111111111111 4012888888881881 4222222222222 4242424242424242 4000056655665556 4000000000000002
    4007000000027 4444333322221111 4988438843884305 4917610000000000 5555555555554444 5105105105105100
    5454545454545454 5200828282828210 5500000000000004 2223003122003222 2222405343248877 378282246310005
    371449635398431 378734493671000 6011111111111117 6011000990139424 6011981111111113 30569309025904
    38520000023237 36227206271667 3056930009020004 3530111333300000 3566002020360505 6200000000000005
    6200000000000047 6205500000000000004 5019717010103742 6759649826438453
    """.split()  # noqa: SIM905  rows of numbers read better than a list
)
"""Numbers that networks and payment processors publish for tests; they belong to nobody's account."""
