"""Reading ahead: the same windows in the same order, errors in their place, and no thread left behind."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from random import Random

import pytest
import zstandard

from benchmarks.cards.corpus import corpus
from checks.connectors.codecs import Zstd
from checks.core.errors import NotAssessed, TooLarge, Unreadable
from checks.scanner import engine as engine_module
from checks.scanner.ahead import in_thread
from checks.scanner.chunks import DirectFile, chunks_of, fill_of
from checks.scanner.engine import BEFORE, BEHIND, Engine
from checks.scanner.finding import Match
from checks.scanner.source import Budget, Limits

KEY = b"0123456789abcdef"
TEXT = corpus(3, 200_000).data


def reading() -> bool:
    return "read ahead" in [thread.name for thread in threading.enumerate()]


def odd(data: bytes, seed: int) -> Callable[[memoryview], int]:
    """Return what reads ``data`` in steps of odd sizes, now and then slowly."""
    file, random = io.BytesIO(data), Random(seed)

    def readinto(view: memoryview) -> int:
        if random.random() < 0.01:
            time.sleep(0.0005)
        return file.readinto(view[: random.choice((1, 7, 100, 1000, 5000))])

    return readinto


def found(looked: Engine, read: Iterator[object], seed: int) -> list[Match]:
    random, matches = Random(seed), []
    for hits in read:
        if random.random() < 0.02:
            time.sleep(0.001)  # the other runs as far ahead as it may
        matches += looked.matches(hits)  # type: ignore[arg-type]
    return matches


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stream be long from a few bytes on."""
    monkeypatch.setattr(engine_module, "AFTER", 3000)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("window", [1024, 4096])
def test_what_is_read_ahead_is_what_is_read(seed: int, window: int) -> None:
    looked = Engine(window=window, key=KEY)
    whole = found(looked, looked.read(io.BytesIO(TEXT).readinto), seed)
    size, lines = looked.size, looked.lines
    looked.size = looked.lines = 0
    assert found(looked, looked.read(odd(TEXT, seed), ahead=True), seed) == whole
    assert (looked.size, looked.lines) == (size, lines)
    assert len(whole) > 100
    start, stop = 50_000, 150_001
    first = start - BEFORE
    part = TEXT[first : stop + BEHIND]
    pieces = looked.read(io.BytesIO(part).readinto, first=first, start=start, stop=stop)
    again = looked.read(odd(part, seed), first=first, start=start, stop=stop, ahead=True)
    assert found(looked, pieces, seed) == found(looked, again, seed)
    assert not reading()


@pytest.mark.usefixtures("soon")
def test_a_look_that_is_given_up_ends_the_thread() -> None:
    looked = Engine(window=1024, key=KEY)
    with closing(looked.read(io.BytesIO(TEXT).readinto, ahead=True)) as windows:
        for _ in range(10):
            next(windows)
        assert reading()
    assert not reading()


def test_in_order_each_once_and_no_more_than_may_be_in_use() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(200):
            made.append(number)
            yield number

    for depth in (1, 3):
        made.clear()
        for expected, number in enumerate(in_thread(numbers(), depth)):
            if number % 40 == 0:
                time.sleep(0.01)
            assert number == expected
            assert len(made) - number <= depth + 2  # this one among them
        assert len(made) == 200


def test_what_is_raised_comes_in_its_place() -> None:
    def breaks() -> Iterator[int]:
        yield from range(3)
        raise OSError("broken")

    read = in_thread(breaks(), 2)
    assert [next(read), next(read), next(read)] == [0, 1, 2]
    with pytest.raises(OSError, match="broken"):
        next(read)
    assert not reading()


def packed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def direct(data: bytes, limits: Limits | None = None) -> DirectFile:
    return DirectFile(Zstd(data[:10], io.BytesIO(data[10:]), "x"), "x", Budget(limits or Limits()))


def test_a_file_that_fills_buffers_gives_the_same_bytes_in_any_mixture() -> None:
    for seed in range(20):
        random, file, out = Random(seed), direct(packed(TEXT * 5)), bytearray()
        buffer = memoryview(bytearray(100_000))
        while True:
            match random.randrange(3):
                case 0:
                    piece = file.read(random.randrange(1, 50_000))
                case 1:
                    assert TEXT.startswith(file.peek(10)[:10]) or out
                    piece = file.read1(random.randrange(1, 50_000))
                case _:
                    view = buffer[: random.randrange(1, 100_000)]
                    piece = bytes(view[: file.fill(view)])
            if not piece:
                break
            out += piece
        assert bytes(out) == TEXT * 5


@pytest.mark.parametrize("into", [False, True])
def test_what_is_cut_off_damaged_or_too_large_is_told_again_and_again(into: bool) -> None:
    whole = packed(Random(1).randbytes(900_000))
    broken: list[tuple[bytes, Limits, type[NotAssessed], str]] = [
        (whole[:-70_000], Limits(), Unreadable, "x is truncated"),
        (whole + b"more, and no frame", Limits(), Unreadable, "followed by something else"),
        (whole[:-1] + bytes([whole[-1] ^ 1]), Limits(), Unreadable, "is damaged"),
        (whole, Limits(expanded=500_000), TooLarge, "expands to more than 500000 bytes"),
    ]
    for data, limits, kind, words in broken:
        file, read = direct(data, limits), 0
        buffer = memoryview(bytearray(100_000))
        fill = fill_of(file, "x")  # type: ignore[arg-type]
        assert fill is not None
        for _ in range(2):
            with pytest.raises(kind, match=words):  # noqa: PT012  the reading is what raises
                while count := fill(buffer) if into else len(file.read1(100_000)):
                    read += count
        assert read <= 900_000


def test_before_damage_no_less_is_read_into_a_buffer_than_in_chunks() -> None:
    whole = packed(Random(1).randbytes(900_000))
    damaged = whole[:-1] + bytes([whole[-1] ^ 1])  # the checksum, which is looked at with the last bytes
    read = {}
    for way in ("chunks", "fill"):
        file, read[way] = direct(damaged), 0
        buffer = memoryview(bytearray(2**20))
        with pytest.raises(Unreadable):  # noqa: PT012  the reading is what raises
            while count := len(file.read1(2**20)) if way == "chunks" else file.fill(buffer):
                read[way] += count
    assert read["fill"] == read["chunks"] > 500_000


def test_only_what_can_fill_a_buffer_says_so() -> None:
    assert fill_of(io.BytesIO(b"x"), "x") is None
    assert b"".join(chunks_of(direct(packed(b"abc")), "x")) == b"abc"  # type: ignore[arg-type]
