"""Card numbers: every form is found, nothing else is, and what comes out is masked."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from checks.detectors.card_networks import NETWORKS, luhn, network_of
from checks.detectors.cards import find_cards

SEPARATORS = [" ", "-", ".", "\u00a0", "\t", "\u2011", "\u202f"]
GROUPS = {
    14: (4, 6, 4),
    15: (4, 6, 5),
    16: (4, 4, 4, 4),
    17: (4, 4, 4, 4, 1),
    18: (4, 4, 4, 4, 2),
    19: (4, 4, 4, 4, 3),
}
FULLWIDTH = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
ARABIC_INDIC = str.maketrans("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")


def with_check_digit(body: str) -> str:
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number that some network may have issued."""
    network = draw(st.sampled_from(NETWORKS))
    low, high = draw(st.sampled_from(network.ranges))
    length = draw(st.sampled_from(sorted(network.lengths)))
    prefix = str(draw(st.integers(int(low), int(high)))).zfill(len(low))
    rest = length - 1 - len(prefix)
    return with_check_digit(prefix + draw(st.text("0123456789", min_size=rest, max_size=rest)))


@st.composite
def forms(draw: st.DrawFn) -> tuple[str, str]:
    """A number, and one way to write it."""
    number = draw(numbers())
    written = number
    if len(number) in GROUPS and draw(st.booleans()):
        parts, at = [], 0
        for size in GROUPS[len(number)]:
            parts.append(number[at : at + size])
            at += size
        written = draw(st.sampled_from(SEPARATORS)).join(parts)
    return number, written.translate(draw(st.sampled_from([{}, FULLWIDTH, ARABIC_INDIC])))


NO_DIGITS = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=30)
BEFORE = NO_DIGITS | st.sampled_from(["card", "pan=", '{"n":"', "id 200 ", "2026-11-24 ", "1,", "4111 "])
AFTER = NO_DIGITS | st.sampled_from(["\t15ms", ".0", ", 2026", "\n4111"])


@given(forms(), BEFORE, AFTER)
def test_every_form_is_found_at_every_offset(form: tuple[str, str], before: str, after: str) -> None:
    number, written = form
    # Hexadecimal around the digits may make them part of a longer token; the examples cover that.
    assume(
        not re.search(r"[0-9a-f]$", before, re.IGNORECASE) and not re.match(r"[a-f]", after, re.IGNORECASE)
    )
    hits = {(hit.start, hit.length): hit for hit in find_cards(before + written + after)}
    hit = hits[len(before), len(number)]
    assert hit.network == network_of(number)
    assert hit.masked == number[:6] + "*" * (len(number) - 10) + number[-4:]


@given(forms(), st.integers(0, 18), st.integers(1, 9))
def test_one_wrong_digit_is_no_card(form: tuple[str, str], at: int, by: int) -> None:
    _, written = form
    places = [index for index, char in enumerate(written) if char.isdecimal()]
    place = places[at % len(places)]
    wrong = str((int(written[place]) + by) % 10)
    wrong_written = written[:place] + wrong + written[place + 1 :]
    # Sixteen good digits and three more are a card and its security code, so look at the whole only.
    assert not [hit for hit in find_cards(wrong_written) if hit.length == len(places)]


@given(st.text(max_size=60), forms(), st.text(max_size=60))
def test_nothing_shows_more_than_six_and_four(before: str, form: tuple[str, str], after: str) -> None:
    for hit in find_cards(before + form[1] + after):
        shown = [part for part in re.split(r"\*+", hit.masked) if part]
        assert len(shown) == 2
        assert len(shown[0]) <= 6
        assert len(shown[1]) <= 4
        assert len(hit.masked) == hit.length
        assert not re.search(r"\d{7}", repr(hit))


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("4111111111111111", "Visa"),
        ("4222222222222", "Visa"),
        ("4917610000000000003", "Visa"),
        ("5555555555554444", "Mastercard"),
        ("2223003122003222", "Mastercard"),
        ("378282246310005", "American Express"),
        ("3782 822463 10005", "American Express"),
        ("3056 930902 5904", "Diners Club"),
        ("6011111111111117", "Discover"),
        ("3530111333300000", "JCB"),
        ("6212345678901265", "UnionPay"),
        ("6759649826438453", "Maestro"),
        ("2200000000000004", "Mir"),
        ("9792000000000003", "Troy"),
        ("card4111111111111111", "Visa"),
        ("face4111111111111111", "Visa"),
        ("4111111111111111abc", "Visa"),
        ("1,4111111111111111,Ann", "Visa"),
        ("4111111111111111.0", "Visa"),  # a number that went through a float column
        ("4111 1111 1111 1111 123", "Visa"),  # with its security code
        ("200 4111 1111 1111 1111 15ms", "Visa"),
        ("1234 4111 1111 1111 1111", "Visa"),
        ("4111\u20131111\u20131111\u20131111", "Visa"),
    ],
)
def test_examples(text: str, network: str) -> None:
    assert [hit.network for hit in find_cards(text)] == [network]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "411111******1111",
        "4111 11** **** 1111",
        "**** **** **** 1111",
        "4111 1111 1111",
        "4111-XXXX-XXXX-1111",
        "41111111-1111-1111-1111-111111111111",
        "abcd4111-1111-1111-1111-abcdef123456",
        "a1b2c3d4-4111-1111-1111-1111abcdef12",
        "9f4111111111111111c0ffee00aa11bb22cc33dd44ee55ff6677889900aabbcc",
        "5f4111111111111111abcdef",  # a 24-digit object identifier
        "0x4111111111111111",
        "44111111111111111111111111",
        "1764000000000",
        "1764000000000000000",
        "0.4111111111111111",
        "3.4111111111111111e-7",
        "490154203237518",  # IMEI
        "356938035643809",  # IMEI
        "1234567812345670",  # a good check digit, no network
        "8944110066100000019",  # SIM card
        "4111 1111  1111 1111",
        "4111/1111/1111/1111",
        "4111111111111112",
        "2026-11-24 10:11:12.123456 200 1532",
    ],
)
def test_what_is_no_card(text: str) -> None:
    assert find_cards(text) == []


def test_two_cards_in_one_line_are_told_apart() -> None:
    hits = find_cards("from 4111111111111111 to 5555-5555-5555-4444")
    assert [(hit.start, hit.network) for hit in hits] == [(5, "Visa"), (25, "Mastercard")]


def test_a_long_line_of_digits_takes_linear_time() -> None:
    begun = time.perf_counter()
    find_cards("1" * 1_000_000 + " 12" * 300_000 + "4111 1111 " * 20_000 + "4111111111111111x" * 5_000)
    assert time.perf_counter() - begun < 10  # about half a second; a quadratic look would take minutes
