"""The engine on generated data: what it must find and what not, whatever stands around, wherever cut."""

from __future__ import annotations

import base64
import functools
import io
import itertools
import os
import re
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cards.accuracy import measure
from benchmarks.cards.corpus import WRONG, corpus
from benchmarks.cards.decoys import wrong_digit
from benchmarks.cards.forms import FORMS, Form
from benchmarks.cards.numbers import card, fitting
from checks.detectors.card_networks import TEST_NUMBERS, network_of
from checks.detectors.cards import find_cards
from checks.scanner import jit
from checks.scanner.engine import BEFORE, BEHIND, Engine
from checks.scanner.finding import FORMS as SHOWN
from checks.scanner.finding import Match

VISA = "4556737586899855"
# What no form of a number is continued by: no digit, separator, letter, or sign of an encoding.
BOUNDARIES = st.sampled_from([b"\n", b'"', b"(", b",", b":", b"|", b"\r\n"])


@functools.cache
def engine(window: int = 4096, *, encoded: bool = True) -> Engine:
    return Engine(window=window, encoded=encoded, key=b"0123456789abcdef")


@functools.cache
def sample(seed: int) -> bytes:
    return corpus(seed, 40_000).data


def matches(data: bytes, *, window: int = 4096) -> list[Match]:
    looked = engine(window)
    return [match for hits in looked.stream([data]) for match in looked.matches(hits)]


def mask(digits: str) -> str:
    return digits[:6] + "*" * (len(digits) - 10) + digits[-4:]


def test_corpus_is_found_whole_and_decoys_are_left_alone() -> None:
    made = corpus(7, 600_000)
    looked = engine(2**18)

    def find(data: bytes) -> list[tuple[int, int]]:
        return [(m.offset, m.end) for hits in looked.stream([data]) for m in looked.matches(hits)]

    seen = measure(find, made)
    assert seen.recall == 1.0, seen.table()
    assert seen.precision_over_decoys >= 0.99, seen.table()
    assert seen.elsewhere == 0
    assert not any(count for form, count in seen.reported["decoy"].items() if form.startswith(WRONG))


@settings(max_examples=250, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 2**32),
    before=st.binary(max_size=80),
    padding=st.integers(0, 9000),
    edges=st.tuples(BOUNDARIES, BOUNDARIES),
    after=st.binary(max_size=80),
)
def test_any_number_in_any_form_is_found_anywhere(
    form: Form, seed: int, before: bytes, padding: int, edges: tuple[bytes, bytes], after: bytes
) -> None:
    random = Random(seed)
    digits = fitting(random, form.fits, form.lengths).digits
    head, number, tail = form.write(digits)
    start = b"x" * padding + before + edges[0] + head
    found = matches(start + number + tail + edges[1] + after)
    here = [match for match in found if match.offset < len(start) + len(number) and match.end > len(start)]
    assert [match.masked for match in here] == [mask(digits)]
    assert here[0].line == start.count(b"\n") + 1
    assert abs(here[0].offset - len(start)) <= 1
    # No more than six digits at the front and four at the end, in all that is said about it.
    assert all(len(run) <= 6 for run in re.findall(r"\d+", here[0].masked))
    assert digits not in repr(here[0])
    assert digits[6:-4] not in here[0].masked


@settings(max_examples=120, deadline=None)
@given(form=st.sampled_from(FORMS), seed=st.integers(0, 2**32), edge=BOUNDARIES)
def test_one_wrong_digit_is_not_reported(form: Form, seed: int, edge: bytes) -> None:
    random = Random(seed)
    wrong = wrong_digit(random, form)
    head, number, tail = form.write(wrong)
    start = edge + head
    found = matches(start + number + tail + edge)
    # A group fewer may be a number of its own, by luck; the whole never is.
    assert mask(wrong) not in [match.masked for match in found]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 40_000), max_size=12))
def test_where_a_stream_is_cut_makes_no_difference(seed: int, cuts: list[int]) -> None:
    data = sample(seed % 5)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[a:b] for a, b in itertools.pairwise(places)]
    looked = engine()
    whole = looked.matches(np.concatenate(list(engine(2**18).stream([data]))))
    cut = [match for hits in looked.stream(chunks) for match in looked.matches(hits)]
    assert cut == whole


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 40_000), min_size=1, max_size=6))
def test_parts_of_a_file_say_together_what_the_whole_says(seed: int, cuts: list[int]) -> None:
    data = sample(seed % 5)
    looked = engine()
    whole = [match for hits in looked.stream([data]) for match in looked.matches(hits)]
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    parts: list[Match] = []
    lines = size = 0
    for start, stop in itertools.pairwise(places):
        first = max(0, start - BEFORE)
        part = io.BytesIO(data[first : stop + BEHIND])
        looked.size = looked.lines = 0
        for hits in looked.read(part.readinto, first=first, start=start, stop=stop):
            hits["line"] += lines
            parts += looked.matches(hits)
        lines += looked.lines
        size += looked.size
    assert parts == whole
    assert (size, lines) == (len(data), data.count(b"\n"))


def test_size_and_lines_are_counted() -> None:
    looked = engine()
    looked.size = looked.lines = 0
    data = b"".join(b"line %d\n" % number for number in range(5000)) + b"\n" * 64
    assert not sum(len(hits) for hits in looked.stream([data]))
    assert (looked.size, looked.lines) == (len(data), 5064)


@pytest.mark.parametrize("number", sorted(TEST_NUMBERS))
def test_published_test_numbers_are_of_low_severity(number: str) -> None:
    (match,) = matches(f"n={number};".encode())
    assert (match.test_number, match.severity) == (True, "low")
    assert match.network == network_of(number)


@pytest.mark.parametrize(
    ("text", "security_code", "track_data"),
    [
        (f'{{"pan":"{VISA}","cvv":"123"}}', True, False),
        (f"cvc2=1234;number={VISA}", True, False),
        (f"%B{VISA}^MUSTER/ERIKA^29121010000000000000?", False, True),
        (f";{VISA}=29121010000000000000?", False, True),
        (f"number {VISA} cvv was not asked for", False, False),
        (f"number {VISA}", False, False),
    ],
)
def test_security_codes_and_tracks_make_it_critical(text: str, security_code: bool, track_data: bool) -> None:
    encodings = [
        text.encode(),
        text.encode("utf-16-le"),
        base64.b64encode(text.encode()),
        text.encode().hex(),
    ]
    for data in encodings:
        (match,) = matches(data if isinstance(data, bytes) else data.encode())
        assert (match.security_code, match.track_data) == (security_code, track_data)
        assert match.severity == ("critical" if security_code or track_data else "high")


def test_a_fingerprint_tells_the_same_number_within_one_run_only() -> None:
    other = "4929141617890123"
    assert network_of(other) is None  # its check digit is wrong
    data = f"{VISA}\n4556 7375 8689 9855\n{card(Random(3)).digits}".encode()
    first, again, another = matches(data)
    assert first.fingerprint == again.fingerprint != another.fingerprint
    fresh = Engine(window=4096)
    assert fresh.matches(fresh.block(data))[0].fingerprint != first.fingerprint


def test_without_encodings_raw_forms_are_found_all_the_same() -> None:
    looked = engine(encoded=False)
    raw = [form for form in FORMS if form.carrier in ("text", "copy", "binary") or "utf-16" in form.carrier]
    for form in raw:
        if "base64" in form.name or "hex" in form.name:
            continue
        digits = fitting(Random(1), form.fits, form.lengths).digits
        data = b"\n" + b"".join(form.write(digits)) + b"\n"
        assert [m.masked for m in looked.matches(looked.block(data))] == [mask(digits)], form.name


@pytest.mark.parametrize("separator", [" ", "\t", "-", ",", ", "])
def test_an_exponent_is_read_behind_another_column_at_any_place(separator: str) -> None:
    # The masks are of 64 bytes: a number may begin, have its point, and end in another.
    for before in range(130):
        (match,) = matches(b"x" * before + f"7{separator}{VISA[0]}.{VISA[1:]}E15{separator}8".encode())
        assert (match.form, match.masked) == ("exponent", mask(VISA))
    assert matches(f"7{separator}14.111111111111111E15 1.4.111111111111111E15".encode()) == []


@pytest.mark.parametrize("size", [13, 63, 64, 65, 127, 128, 129, 192, 4096])
def test_what_ends_where_a_window_does_is_found(size: int) -> None:
    for number in (
        card(Random(size), 13).digits,
        card(Random(size), 16).digits,
        card(Random(size), 19).digits,
    ):
        for written in (number.encode(), base64.b64encode(number.encode()), number.encode().hex().encode()):
            if len(written) <= size:
                (match,) = matches(b"\n" * (size - len(written)) + written)
                assert match.masked == mask(number)


def test_the_doubtful_is_kept_where_asked_for_and_says_why() -> None:
    looked = Engine(window=4096, doubtful=True)
    data = f"id ab{VISA}f0 and 0.{VISA} and +{VISA[:13]}".encode()
    found = looked.matches(looked.block(data))
    assert [match.doubts for match in found][:2] == [("within hexadecimal",), ("behind a decimal point",)]
    assert {match.confidence for match in found} == {"low"}
    assert matches(data) == []


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="0123456789 -.:abcxyz\n４５", min_size=13, max_size=200), st.integers(0, 2**32))
def test_agrees_with_the_detector_for_short_texts(noise: str, seed: int) -> None:
    """The other detector is plain Python over text; neither knows of the other's code."""
    text = f"{noise}|{card(Random(seed)).digits}|{noise}"
    theirs = {hit.masked for hit in find_cards(text)}
    assert theirs <= {match.masked for match in matches(text.encode())}


def test_more_hits_than_ever_fit_are_all_reported() -> None:
    numbers = [card(Random(seed), 16).digits for seed in range(3000)]
    assert len(matches("\n".join(numbers).encode())) == 3000


def test_every_form_has_a_name() -> None:
    found = {match.form for match in matches(corpus(2, 200_000).data, window=2**18)}
    assert found == set(SHOWN)


def test_what_is_kept_is_told_apart_by_text_place_and_time(tmp_path: Path) -> None:
    """Another installation of the same version compiles for itself, at full speed."""
    source = Path(jit.__file__).parent
    for name in ("one", "two"):
        shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    first = jit.digest_of(tmp_path / "one")
    assert jit.digest_of(tmp_path / "one") == first
    assert jit.digest_of(tmp_path / "two") != first
    kernel = tmp_path / "one" / "kernel_groups.py"
    before = kernel.stat()
    os.utime(kernel, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    later = jit.digest_of(tmp_path / "one")
    assert later != first
    kernel.write_text(kernel.read_text("utf-8") + "\n", "utf-8")
    os.utime(kernel, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    assert jit.digest_of(tmp_path / "one") not in {first, later}
