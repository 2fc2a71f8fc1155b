"""A ledger comes back from its bundles as it was, and from nothing else."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_runs import record, rows

from reports.ledger import Entry, Ledger
from reports.signing import Forged, SigningError, bundles, dsse, keys, reading
from reports.signing.living import living
from reports.signing.reading import Bundle, in_order, restoring
from reports.signing.statement import BundleStatement, read_bundle

PRIVATE, PUBLIC = keys.generate()
OTHER = keys.generate()[0]
Members = dict[str, bytes]


def seal(payload: bytes, private: bytes = PRIVATE) -> str:
    return dsse.sign(payload, keys.private_key(private, "k.pem"))


def exported(ledger: Ledger, first: int = 1, *, signed: bool = True) -> bytes:
    stream = io.BytesIO()

    def entries() -> list[Entry]:
        return list(ledger.entries(kind=None))

    chosen = [one for one in entries() if one.number >= first]
    bundles.write(
        stream, chosen, ledger.raw_block, living(entries), "2026-11-27T08:00:00Z", seal if signed else None
    )
    return stream.getvalue()


def opened(body: bytes, shown: str = "one.zip", *, signed: bool = True) -> Bundle:
    return Bundle(io.BytesIO(body), shown, keys.public_key(PUBLIC, "k.pub.pem") if signed else None)


def rebuilt(path: Path, *bodies: bytes, signed: bool = True) -> Ledger:
    read = [opened(body, f"{number}.zip", signed=signed) for number, body in enumerate(bodies, start=1)]
    entries, get = restoring(read)
    ledger = Ledger(path)
    ledger.restore(entries(), get)
    return ledger


def members(body: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(body)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def packed(parts: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as bundle:
        for name, body in parts.items():
            bundle.writestr(name, body)
    return stream.getvalue()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return record(tmp_path_factory.mktemp("bundles"), -3000, -2000, -10, 0)


@pytest.fixture(scope="module")
def body(ledger: Ledger) -> bytes:
    return exported(ledger)


def test_a_ledger_comes_back_as_it_was(ledger: Ledger, body: bytes, tmp_path: Path) -> None:
    for number, one in enumerate((body, exported(ledger, signed=False))):
        back = rebuilt(tmp_path / f"{number}.sqlite", one, signed=not number)
        assert rows(back) == rows(ledger)
        assert back.verify() is None
        assert back.recall(list(back.entries())[1]) == ledger.recall(list(ledger.entries())[1])


def test_the_form_of_a_bundle_can_be_checked_with_nothing_of_ours(body: bytes) -> None:
    parts = members(body)
    previous = "0" * 64
    for line in parts["entries.jsonl"].splitlines():
        previous = hashlib.sha256(previous.encode() + line).hexdigest()
    envelope = json.loads(parts["statement.dsse.json"])
    statement = json.loads(_decoded(envelope))
    digests = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    assert digests["ledger entry 4"] == previous
    for name in ("entries.jsonl", "blocks.txt"):
        assert digests[name] == hashlib.sha256(parts[name]).hexdigest()
    for name, content in parts.items():
        if name.startswith("blocks/"):
            assert name == f"blocks/{hashlib.sha256(content).hexdigest()}"


def _decoded(envelope: dict[str, str]) -> bytes:
    return base64.b64decode(envelope["payload"])


def test_several_bundles_are_one_ledger(tmp_path: Path) -> None:
    ledger = record(tmp_path / "a", 0, 1)
    first = exported(ledger)
    record(tmp_path / "a", 2, 3)
    second = exported(ledger, 3)
    assert rows(rebuilt(tmp_path / "back.sqlite", first, second)) == rows(ledger)


def test_what_was_pruned_does_not_come_back_from_an_older_bundle(tmp_path: Path) -> None:
    ledger = record(tmp_path / "a", -3000, -2000, 0)
    first = exported(ledger)
    before = living(lambda: ledger.entries(kind=None))
    expected = living(lambda: ledger.entries(kind=None), "2026-01-01T00:00:00Z")
    assert ledger.prune("2026-01-01T00:00:00Z", "P1Y")
    assert living(lambda: ledger.entries(kind=None)) == expected < before
    record(tmp_path / "a", 1)
    second = exported(ledger, 4)
    back = rebuilt(tmp_path / "back.sqlite", first, second)
    assert rows(back) == rows(ledger)
    gone = before - living(lambda: ledger.entries(kind=None))
    assert gone
    assert not any(back.raw_block(digest) for digest in gone)


def swapped(parts: Members) -> Members:
    lines = parts["entries.jsonl"].splitlines(keepends=True)
    return parts | {"entries.jsonl": b"".join([lines[0], lines[2], lines[1], lines[3]])}


def without_entry(parts: Members, at: int) -> Members:
    lines = parts["entries.jsonl"].splitlines(keepends=True)
    return parts | {"entries.jsonl": b"".join(lines[:at] + lines[at + 1 :])}


def doubled(parts: Members) -> Members:
    return parts | {"entries.jsonl": parts["entries.jsonl"] + parts["entries.jsonl"].splitlines(True)[-1]}


def a_block(parts: Members) -> str:
    return min(name for name in parts if name.startswith("blocks/"))


def without_block(parts: Members) -> Members:
    return {name: content for name, content in parts.items() if name != a_block(parts)}


def without_block_listed(parts: Members) -> Members:
    listed = parts["blocks.txt"].replace(a_block(parts).removeprefix("blocks/").encode() + b"\n", b"")
    return without_block(parts) | {"blocks.txt": listed}


def restated(parts: Members, private: bytes = OTHER) -> Members:
    """A whole bundle of somebody's own making, signed with somebody's own key."""
    payload = _decoded(json.loads(parts["statement.dsse.json"]))
    return parts | {"statement.dsse.json": seal(payload, private).encode()}


def unsigned(parts: Members) -> Members:
    plain = {name: content for name, content in parts.items() if name != "statement.dsse.json"}
    return plain | {"statement.json": _decoded(json.loads(parts["statement.dsse.json"]))}


ALTERED: dict[str, tuple[Callable[[Members], Members], str]] = {
    "head": (
        lambda p: p | {"entries.jsonl": p["entries.jsonl"].replace(b"run-2", b"run-9")},
        "entries are not those",
    ),
    "spaces": (
        lambda p: p | {"entries.jsonl": p["entries.jsonl"].replace(b'":', b'": ', 1)},
        "entry 1 is not in the ledger's form",
    ),
    "no JSON": (lambda p: p | {"entries.jsonl": b"junk\n"}, "entry 1 is not in the ledger's form"),
    "no head": (lambda p: p | {"entries.jsonl": b"[]\n"}, "entry 1 is not in the ledger's form"),
    "no entries": (lambda p: p | {"entries.jsonl": b""}, "entries are not those"),
    "last left out": (lambda p: without_entry(p, 3), "entries are not those"),
    "first left out": (lambda p: without_entry(p, 0), "entries are not those"),
    "reordered": (swapped, "entries are not those"),
    "doubled": (doubled, "more than its statement says"),
    "block removed": (without_block, "other blocks than its statement says"),
    "block removed and unlisted": (without_block_listed, "list of blocks was altered"),
    "block altered": (lambda p: p | {a_block(p): b'{"x":1}'}, "was altered"),
    "block added": (lambda p: p | {"blocks/" + "ab" * 32: b"1"}, "other blocks"),
    "path": (lambda p: p | {"../../evil": b""}, "does not hold the files of a bundle"),
    "absolute path": (lambda p: p | {"/etc/evil": b""}, "does not hold the files of a bundle"),
    "folder": (lambda p: p | {"blocks/": b""}, "does not hold the files of a bundle"),
    "two statements": (lambda p: p | {"statement.json": b"{}"}, "does not hold the files of a bundle"),
    "no list": (lambda p: {n: b for n, b in p.items() if n != "blocks.txt"}, "does not hold the files"),
    "no statement": (
        lambda p: {n: b for n, b in p.items() if "statement" not in n},
        "does not hold the files",
    ),
    "unsigned": (unsigned, "is not signed"),
    "another key": (restated, "is not signed with this key"),
}


@pytest.mark.parametrize("name", ALTERED)
def test_a_bundle_altered_is_refused(body: bytes, tmp_path: Path, name: str) -> None:
    change, said = ALTERED[name]
    with pytest.raises(Forged, match=said) as caught:
        rebuilt(tmp_path / "back.sqlite", packed(change(members(body))))
    assert str(caught.value).startswith("1.zip: ")
    assert not (tmp_path / "back.sqlite").exists()


def test_bytes_flipped_anywhere_are_refused_or_mean_nothing(
    ledger: Ledger, body: bytes, tmp_path: Path
) -> None:
    chance = random.Random(7)
    taken = 0
    for number in range(150):
        changed = bytearray(body)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        try:
            entries, get = restoring([opened(bytes(changed))])
        except SigningError:
            continue
        taken += 1  # a date or another field of the zip that says nothing about its contents
        assert list(entries()) == list(ledger.entries(kind=None)), number
        assert all(get(one) == ledger.raw_block(one) for one in living(entries))
    assert taken < 60


def test_no_zip_and_half_a_zip_are_refused(body: bytes) -> None:
    for one in (b"", b"junk", body[: len(body) // 2], body[:-30]):
        with pytest.raises(SigningError, match=r"one\.zip: is no bundle"):
            opened(one)


def test_a_zip_that_would_unpack_to_too_much_is_refused_unread(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = members(body)
    monkeypatch.setattr(reading, "LARGEST_BLOCK", 4096)
    bomb = packed(parts | {a_block(parts): b" " * 100_000})
    with pytest.raises(Forged, match="larger than it can be"):
        opened(bomb).check()
    monkeypatch.setattr(reading, "LARGEST", 50_000)
    with pytest.raises(Forged, match="unpacks to more than"):
        opened(bomb)


def test_a_size_that_a_zip_states_is_not_believed(body: bytes) -> None:
    parts = members(body)
    name = a_block(parts)
    bomb = bytearray(packed(parts | {name: b" " * 1_000_000}))
    # The central directory says ten bytes; what is packed is a megabyte.
    at = bomb.rindex(name.encode()) - 46
    assert bomb[at : at + 4] == b"PK\x01\x02"
    bomb[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(Forged):
        opened(bytes(bomb)).check()


def test_other_methods_and_doubled_names_are_refused(body: bytes) -> None:
    parts = members(body)
    with pytest.raises(Forged, match="packed in a way"):
        opened(packed(parts, zipfile.ZIP_BZIP2))
    stream = io.BytesIO(body)
    with zipfile.ZipFile(stream, "a") as bundle, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile says so itself, and goes on
        bundle.writestr("entries.jsonl", b"")
    with pytest.raises(Forged, match="holds a file twice"):
        opened(stream.getvalue())


def test_bundles_go_on_from_one_another(tmp_path: Path) -> None:
    ledger = record(tmp_path / "a", 0, 1, 2, 3)
    other = record(tmp_path / "b", 5, 6, 7, 8)
    whole, second, third = exported(ledger), exported(ledger, 2), exported(ledger, 3)
    strange = exported(other, 3)
    record(tmp_path / "a", 4)
    fifth = exported(ledger, 5)
    in_order([opened(whole), opened(fifth)])
    for wrong, said in (
        ([second], "begins at entry 2; entry 1 is in none before it"),
        ([whole, whole], "begins at entry 1, which a bundle before it goes past"),
        ([whole, third], "begins at entry 3, which a bundle before it goes past"),
        ([fifth, whole], "begins at entry 5; entry 1 is in none"),
    ):
        with pytest.raises(Forged, match=said):
            in_order([opened(one) for one in wrong])
    short = record(tmp_path / "c", 0, 1)
    with pytest.raises(Forged, match="does not go on from the bundle before it"):
        in_order([opened(exported(short)), opened(strange)])


def test_a_block_that_is_gone_is_no_bundle(ledger: Ledger) -> None:
    entries = list(ledger.entries(kind=None))
    with pytest.raises(Exception, match="is gone"):
        bundles.write(io.BytesIO(), entries, lambda _: None, living(lambda: entries), "now", None)
    with pytest.raises(SigningError, match="no entry to export"):
        bundles.write(io.BytesIO(), [], lambda _: None, set(), "now", None)


def test_a_statement_that_does_not_fit_its_bundle_is_refused(body: bytes) -> None:
    parts = members(body)
    said = read_bundle(_decoded(json.loads(parts["statement.dsse.json"])), "x")
    for wrong in (
        BundleStatement(2, 5, said.previous, said.digest, said.entries, said.blocks, said.count, said.made),
        BundleStatement(1, 3, said.previous, said.digest, said.entries, said.blocks, said.count, said.made),
        BundleStatement(1, 4, "ab" * 32, said.digest, said.entries, said.blocks, said.count, said.made),
        BundleStatement(1, 4, said.previous, "ab" * 32, said.entries, said.blocks, said.count, said.made),
        BundleStatement(1, 4, said.previous, said.digest, said.entries, said.blocks, 1, said.made),
    ):
        forged = packed(parts | {"statement.dsse.json": seal(wrong.payload()).encode()})
        with pytest.raises(Forged):
            restoring([opened(forged)])
