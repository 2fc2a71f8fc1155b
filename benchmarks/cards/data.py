"""Large files to measure speed on, made fast: some megabytes of distinct lines, repeated in varied order.

Nothing in the lines is a card number by rule; those planted are new numbers, each once, so a scanner
has to report exactly as many as :class:`Written` says.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import urlencode

from benchmarks.cards.decoys import jwt, uuid4
from benchmarks.cards.forms import FORMS, Form
from benchmarks.cards.numbers import card, fill, fitting
from checks.detectors.card_networks import network_of

POOL = 2**23
"""Bytes of distinct lines: more than a processor keeps of a file in its second-level cache."""
BLOCK = 2**18
PLANTED_EVERY, ENCODED_EVERY = 10_000, 1_000
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_START = datetime(2025, 3, 1, tzinfo=UTC)
_LEVELS = ("info", "info", "debug", "warn")
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "okhttp/4.12.0", "curl/8.7.1", "Go-http-client/2.0",
)  # fmt: skip
_PATHS = ("/api/v1/orders", "/api/v1/orders/{}/items", "/checkout/{}", "/health", "/users/{}/profile")
_MESSAGES = (
    "request served", "payment authorised", "cache miss, read from replica", "retry 2 of 5 after timeout",
    "session renewed", "order stored", "rate limit near",
)  # fmt: skip
_ENCODED = ("json \\u", "json by", "url", "after %", "html", "base64", "hex")


class Written(NamedTuple):
    """What a file holds."""

    size: int  # bytes
    lines: int
    planted: int


def size_of(text: str) -> int:
    """Return the bytes that ``text`` says: a number and B, KB, MB or GB (powers of ten)."""
    match = re.fullmatch(r"([0-9.]+) ?([KMG]?B)", text.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f"{text!r} is no size such as 50MB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def log_line(random: Random, extra: str = "") -> bytes:
    """Return a line of a service's JSON log; ``extra`` is one member more, ended by a comma."""
    time = _START + timedelta(milliseconds=random.randrange(10**10))
    stamp = time.isoformat(timespec="milliseconds").removesuffix("+00:00")
    path = random.choice(_PATHS).format(random.randrange(10**6, 10**8))
    address = ".".join(str(random.randrange(1, 256)) for _ in range(4))
    # The first digit of the span's identifier is a letter: sixteen decimal ones could be a card number.
    span = random.choice("abcdef") + f"{random.getrandbits(60):015x}"
    # In some lines only: where each holds a run of 13 digits, a program that counts lines skips the rest.
    epoch = f'"epoch":{time.timestamp() * 1000:.0f},' if random.random() < 0.1 else ""
    return (
        f'{{"ts":"{stamp}Z",{epoch}"level":"{random.choice(_LEVELS)}",'
        f'"request_id":"{uuid4(random)}",{extra}"trace_id":"{random.getrandbits(128):032x}",'
        f'"span_id":"{span}","method":"{random.choice(("GET", "POST"))}","path":"{path}",'
        f'"status":{random.choice((200, 200, 201, 404))},"ip":"{address}","agent":"{random.choice(_AGENTS)}",'
        f'"ms":{random.random() * 900:.3f},"amount":"{random.randrange(100000) / 100:.2f}",'
        f'"msg":"{random.choice(_MESSAGES)}"}}\n'
    ).encode()


def json_logs(path: Path, size: int, seed: int, *, planted: int | None = None) -> Written:
    """Write ``size`` bytes of JSON log to ``path``; ``planted`` numbers, by default 1 in 10,000 lines."""

    def plant(random: Random) -> bytes:
        return log_line(random, f'"card":"{card(random, random.choice((15, 16))).digits}",')

    return _write(path, size, Random(seed), log_line, plant, PLANTED_EVERY, planted)


def encoded_mix(path: Path, size: int, seed: int) -> Written:
    """Write ``size`` bytes of JSON log, one line in 1,000 with a number in an encoded form.

    One line in 100 holds a JSON web token, base64, a digest in hexadecimal or a URL's query.
    """
    forms = [form for form in FORMS if form.name.startswith(_ENCODED)]
    return _write(
        path, size, Random(seed), _mixed_line, lambda random: _encoded(random, forms), ENCODED_EVERY
    )


def _mixed_line(random: Random) -> bytes:
    if random.random() >= 0.01:
        return log_line(random)
    query = urlencode(
        {"q": "größe 42 & farbe", "next": f"/checkout/{random.randrange(10**8)}?a=1", "t": "a+b c"}
    )
    extra = random.choice(
        (
            f'"token":"{jwt(random)}",',
            f'"digest":"{random.getrandbits(256):064x}",',
            f'"query":"{query}",',
            f'"blob":"{base64.b64encode(random.randbytes(90)).decode()}",',
        )
    )
    return log_line(random, extra)


def _encoded(random: Random, forms: list[Form]) -> bytes:
    """Return a line with a number in one of ``forms``, all of which are ASCII."""
    form = random.choice(forms)
    before, number, after = form.write(fitting(random, form.fits, form.lengths).digits)
    item = (before + number + after).decode()
    return log_line(random, f"{item}," if form.carrier == "json" else f'"data":"{item}",')


def digits_csv(path: Path, size: int, seed: int, *, planted: int | None = None) -> Written:
    """Write ``size`` bytes of CSV to ``path`` in which there is nothing but digits.

    Columns: identifier (8 digits), epoch in s and ms, 16 digits at random, amount in cents, and two
    more amounts. Of the random ones, those that a network could have issued get another last digit.
    """

    def row(random: Random, digits: str | None = None) -> bytes:
        digits = digits or fill(random, "", 16)
        if network_of(digits) is not None:
            digits = digits[:-1] + str((int(digits[-1]) + 1) % 10)
        return _csv_row(random, digits)

    def plant(random: Random) -> bytes:
        return _csv_row(random, card(random, 16).digits)

    return _write(path, size, Random(seed), row, plant, PLANTED_EVERY, planted)


def _csv_row(random: Random, digits: str) -> bytes:
    epoch = random.randrange(1_600_000_000_000, 1_800_000_000_000)
    amounts = ",".join(str(random.randrange(100, 10_000_000)) for _ in range(3))
    return f"{random.randrange(10**7, 10**8)},{epoch // 1000},{epoch},{digits},{amounts}\n".encode()


def _write(
    path: Path,
    size: int,
    random: Random,
    line: Callable[[Random], bytes],
    plant: Callable[[Random], bytes],
    every: int,
    planted: int | None = None,
) -> Written:
    """Write about ``size`` bytes, never less: blocks of whole lines in ever new order, some with a plant."""
    blocks = _blocks(random, line)
    lines_each = sum(count for _, count in blocks) / len(blocks)
    total = -(-size // (sum(len(block) for block, _ in blocks) // len(blocks)))
    if planted is None:
        planted = max(1, round(total * lines_each / every))
    where = Counter(random.choices(range(total), k=planted))
    written = lines = 0
    with path.open("wb", buffering=0) as file:
        for number in range(total):
            if number % len(blocks) == 0:
                random.shuffle(blocks)
            block, count = blocks[number % len(blocks)]
            for _ in range(where[number]):
                cut = block.index(b"\n", random.randrange(len(block) - 1)) + 1
                block = block[:cut] + plant(random) + block[cut:]
            written += file.write(block)
            lines += count + where[number]
    return Written(written, lines, planted)


def _blocks(random: Random, line: Callable[[Random], bytes]) -> list[tuple[bytes, int]]:
    """Return about ``POOL`` bytes of lines as blocks, each with the number of its lines."""
    blocks = []
    for _ in range(POOL // BLOCK):
        lines: list[bytes] = []
        size = 0
        while size < BLOCK:
            lines.append(line(random))
            size += len(lines[-1])
        blocks.append((b"".join(lines), len(lines)))
    return blocks
