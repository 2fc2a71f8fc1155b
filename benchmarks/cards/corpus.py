"""A labelled corpus: realistic surroundings, with card numbers and decoys at known offsets.

``python -m benchmarks.cards.corpus --seed 1 --size 50MB OUT`` writes ``OUT/corpus.bin`` and
``OUT/labels.jsonl``; the same seed and size give the same bytes. Each item stands in surroundings
that are usual for its form. Labels hold no number: first six and last four digits, and a SHA-256.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.cards.data import log_line, size_of
from benchmarks.cards.decoys import DECOYS, Decoy, wrong_digit
from benchmarks.cards.forms import FORMS, Form, Piece
from benchmarks.cards.numbers import Number, fitting
from checks.detectors.card_networks import TEST_NUMBERS

WRONG = "one digit wrong"
TESTS_A_ROUND = 6
_TEST_NUMBERS = sorted(TEST_NUMBERS)
PROSE = (
    "The parcel was handed over on Tuesday; the customer asked twice where it had been.",
    "Die Rechnung wurde geprüft und für richtig befunden, der Betrag ist überwiesen.",
    "Le client préfère être joint après dix-huit heures, façade nord, deuxième étage.",
    "Ο πελάτης ζήτησε να του επιστραφεί το ποσό μέχρι το τέλος του μήνα.",
    "Заказ передан курьеру, получатель предупреждён по телефону.",
    "تم تأكيد الطلب وسيصل الطرد خلال ثلاثة أيام عمل.",
    "ग्राहक ने भुगतान की रसीद माँगी है।",
    "订单已确认，货物将于三个工作日内送达。",
    "ご注文を確認しました。発送までしばらくお待ちください。",
)


@dataclass(frozen=True, slots=True)
class Label:
    """One planted item, the bytes ``[offset, end)``. ``kind`` is ``card``, ``decoy`` or ``test``.

    For a decoy, ``form`` is its class (``one digit wrong/FORM`` for these), and ``sha256`` that of
    its bytes; otherwise that of the digits. ``masked`` and ``network`` are empty for decoys, and
    ``network`` for test numbers.
    """

    offset: int
    end: int
    kind: str
    form: str
    network: str
    masked: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """The bytes, and what was planted in them, by offset."""

    data: bytes
    labels: list[Label]


Carrier = Callable[[Random], tuple[bytes, bytes]]
"""Returns what stands before and after an item's piece."""


def _text(random: Random) -> tuple[bytes, bytes]:
    """Prose, CSV, a quoted JSON value, SQL: what any text can stand in."""
    words = random.choice(PROSE)
    cut = words.find(" ", len(words) // 3)  # -1, before the full stop, where words have no spaces
    return random.choice(
        (
            (words[:cut].encode() + b" ", words[cut:].encode() + b"\n"),
            (words[:cut].encode() + b" (", f"), {words[cut + 1 :]}\n".encode()),
            (f"{random.choice('ABC')}{random.randrange(9999)},Muster,".encode(), b",EUR,open\n"),
            (b'{"level":"info","value":"', b'","service":"checkout"}\n'),
            (b"INSERT INTO notes VALUES (" + str(random.randrange(9999)).encode() + b", '", b"', NULL);\n"),
            (b"note: ", b"\n"),
        )
    )  # fmt: skip


def _json(random: Random) -> tuple[bytes, bytes]:
    return b'{"level":"info","attempt":1,', b',"status":"ok"}\n'


def _html(random: Random) -> tuple[bytes, bytes]:
    return random.choice(
        ((b"<tr><td>Muster</td><td>", b"</td></tr>\n"), (b'<input name="n" value="', b'">\n'))
    )


def _url(random: Random) -> tuple[bytes, bytes]:
    start = f'10.0.{random.randrange(256)}.7 - - "GET /pay?lang=de&'
    return start.encode(), b'&step=two HTTP/1.1" 200 512\n'


def _copy(random: Random) -> tuple[bytes, bytes]:
    """A line of PostgreSQL's COPY: columns by tabs, digits in those beside the number."""
    return f"{random.randrange(10**6)}\t".encode(), f"\t{random.randrange(10**5)}\tEUR\n".encode()


def _binary(random: Random) -> tuple[bytes, bytes]:
    """Noise and a length before, a zero byte and noise behind."""
    return random.randbytes(40) + b"\x00\x00\x10", b"\x00\x01" + random.randbytes(40) + b"\n"


def _wide(encoding: str, bom: bool) -> Carrier:
    mark = "\ufeff" if bom else ""

    def carrier(random: Random) -> tuple[bytes, bytes]:
        words = f"{random.choice(PROSE)}\r\nvalue: "
        after = f"; {random.choice(PROSE)}\r\n"
        return (mark + words).encode(encoding), after.encode(encoding)

    return carrier


CARRIERS: dict[str, Carrier] = {
    "text": _text, "json": _json, "html": _html, "url": _url, "copy": _copy, "binary": _binary,
    "utf-16-le": _wide("utf-16-le", False), "utf-16-le-bom": _wide("utf-16-le", True),
    "utf-16-be": _wide("utf-16-be", False), "utf-16-be-bom": _wide("utf-16-be", True),
}  # fmt: skip


class _Builder:
    """Puts the corpus together, one planted item after the other."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.data = bytearray()
        self.labels: list[Label] = []
        self.background = [log_line(self.random) for _ in range(2000)]
        self.background += [f"{text}\n".encode() for text in PROSE for _ in range(50)]
        self.background += [b"<p>" + text.encode() + b"</p>\n" for text in PROSE for _ in range(20)]

    def plant(self, kind: str, form: str, carrier: str, piece: Piece, number: Number | None = None) -> None:
        """Add an item in its surroundings, and its label; ``number`` is the one in it, if there is one."""
        self.data += self.random.choice(self.background)
        before, after = CARRIERS[carrier](self.random)
        if carrier.startswith("utf-16") and len(self.data) % 2:
            self.data += b"\n"  # a section in UTF-16 begins at an even offset
        self.data += before + piece[0]
        start = len(self.data)
        self.data += piece[1]
        end = len(self.data)
        self.data += piece[2] + after
        network, digits = number or ("", "")
        sha256 = hashlib.sha256(digits.encode() or piece[1]).hexdigest()
        masked = f"{digits[:6]}…{digits[-4:]}" if digits else ""
        self.labels.append(Label(start, end, kind, form, network, masked, sha256))

    def card(self, form: Form) -> None:
        """Plant a new card number in ``form``."""
        number = fitting(self.random, form.fits, form.lengths)
        self.plant("card", form.name, form.carrier, form.write(number.digits), number)

    def test_number(self, form: Form) -> None:
        """Plant a published test number in ``form`` if one can be written so."""
        able = [digits for digits in _TEST_NUMBERS if len(digits) in form.lengths and form.fits(digits)]
        if able:
            number = Number("", self.random.choice(able))
            self.plant("test", form.name, form.carrier, form.write(number.digits), number)

    def wrong(self, form: Form) -> None:
        """Plant a number with one digit wrong in ``form``."""
        piece = form.write(wrong_digit(self.random, form))
        self.plant("decoy", f"{WRONG}/{form.name}", form.carrier, piece)

    def decoy(self, decoy: Decoy) -> None:
        """Plant one of the class ``decoy``."""
        self.plant("decoy", decoy.name, "text", (b"", decoy.write(self.random).encode(), b""))

    def round(self) -> None:
        """Plant every form and every class of decoys once, in random order, and a few test numbers."""
        steps: list[Callable[[], None]] = []
        steps += [partial(self.card, form) for form in FORMS]
        steps += [partial(self.wrong, form) for form in FORMS]
        steps += [partial(self.test_number, form) for form in self.random.sample(FORMS, TESTS_A_ROUND)]
        steps += [partial(self.decoy, decoy) for decoy in DECOYS]
        self.random.shuffle(steps)
        for step in steps:
            step()


def corpus(seed: int, size: int) -> Corpus:
    """Return a corpus of at least ``size`` bytes, in whole rounds of all forms and decoys (about 60 kB)."""
    builder = _Builder(seed)
    while len(builder.data) < size:
        builder.round()
    return Corpus(bytes(builder.data), builder.labels)


def write(made: Corpus, folder: Path) -> None:
    """Write ``corpus.bin`` and ``labels.jsonl`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.bin").write_bytes(made.data)
    with (folder / "labels.jsonl").open("w", encoding="utf-8") as file:
        for label in made.labels:
            file.write(json.dumps(asdict(label), ensure_ascii=False) + "\n")


def read(folder: Path) -> Corpus:
    """Return the corpus that :func:`write` left in ``folder``."""
    lines = (folder / "labels.jsonl").read_text("utf-8").splitlines()
    return Corpus((folder / "corpus.bin").read_bytes(), [Label(**json.loads(line)) for line in lines])


def main() -> None:
    """Write a corpus as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cards.corpus")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=size_of, default=size_of("1MB"), help="as 50MB")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    made = corpus(arguments.seed, arguments.size)
    write(made, arguments.folder)
    print(f"{len(made.data)} bytes, {len(made.labels)} items")


if __name__ == "__main__":
    main()
