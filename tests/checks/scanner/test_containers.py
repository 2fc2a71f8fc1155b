"""Zip and tar archives: every member, and no archive that is damaged or cut off taken for the whole."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from checks.core.errors import NotAssessed
from checks.scanner.expand import expand, open_file
from checks.scanner.source import Budget, Limits, Skipped, Stream
from tests.checks.scanner.test_expand import CARD, TEXT, look, seen, tarred, zipped

MEMBERS = {"var/app.log": TEXT, "empty": b"", "b.txt": CARD + b"\n", "large": os.urandom(600_000)}
TAR_FORMS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def within(name: str, members: dict[str, bytes]) -> dict[str, bytes | str]:
    return {f"{name}!{inner}": raw for inner, raw in members.items()}


# ── both ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [zipped, tarred])
def test_every_member_is_read(make) -> None:  # type: ignore[no-untyped-def]
    assert seen("a", make(MEMBERS)) == within("a", MEMBERS)
    assert seen("a", make({})) in ({}, {"a": bytes(10240)})


def test_archives_within_archives() -> None:
    tgz = gzip.compress(tarred({"app.log": TEXT, "app.log.1.gz": gzip.compress(CARD)}))
    raw = tarred({"in.zip": zipped({"logs.tar.gz": tgz, "x": b"x"}), "beside": b"y"})
    assert seen("all.tar", raw) == {
        "all.tar!in.zip!logs.tar.gz!app.log": TEXT,
        "all.tar!in.zip!logs.tar.gz!app.log.1.gz": CARD,
        "all.tar!in.zip!x": b"x",
        "all.tar!beside": b"y",
    }


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_stream_that_is_dropped_does_not_end_its_archive(make) -> None:  # type: ignore[no-untyped-def]
    names = []
    for item in expand("a", io.BytesIO(make(MEMBERS)), Budget()):
        assert isinstance(item, Stream)
        names.append(item.name)
        if len(names) % 2:
            next(item.chunks, None)
    assert names == [f"a!{name}" for name in MEMBERS]


@pytest.mark.parametrize("make", [zipped, tarred])
def test_names_are_printable_and_lead_nowhere(make) -> None:  # type: ignore[no-untyped-def]
    names = ["../../etc/passwd", "/abs", "new\nline", "\x1b[31mred", "wörter", "x" * 3000]
    found = seen("a", make(dict.fromkeys(names, CARD)))
    assert len(found) == len(names)
    assert set(found.values()) == {CARD}
    assert max(map(len, found)) < 600
    assert "a!new?line" in found


@pytest.mark.parametrize("make", [zipped, tarred])
def test_cut_off_anywhere_an_archive_is_not_the_whole(make) -> None:  # type: ignore[no-untyped-def]
    members = {"a": CARD, "b": b"two", "c": bytes(300)}
    raw = make(members)
    whole = raw[: raw.rstrip(b"\0").__len__() + 512] if make is tarred else raw
    for kept in [*range(1, 1100), *range(1100, len(whole), 61), len(whole) - 1]:
        if kept < len(whole):
            found = seen("a." + make.__name__[:3], raw[:kept])
            expected = within("a." + make.__name__[:3], members)
            assert found != expected
            if kept >= 512 or make is zipped:  # else it is searched as the bytes it is
                assert any(isinstance(value, str) for value in found.values()), kept


# ── tar ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", TAR_FORMS)
def test_tar_archives_of_every_form(form: int) -> None:
    members = {"a/" + "long" * 24 + "/name": TEXT, "b": CARD}
    assert seen("a.tar", tarred(members, form)) == within("a.tar", members)


def test_a_tar_archive_older_than_posix() -> None:
    raw = bytearray(tarred({"old": CARD}, tarfile.USTAR_FORMAT))
    raw[257:265] = bytes(8)
    raw[148:156] = b"%06o\0 " % (sum(raw[:148]) + sum(raw[156:512]) + 8 * 32)
    assert seen("a", bytes(raw)) == {"a!old": CARD}


def test_links_and_folders_hold_nothing() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo("no file")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("of a kind unknown")
        info.type, info.size = b"Q", len(CARD)
        archive.addfile(info, io.BytesIO(CARD))
    assert seen("a.tar", out.getvalue()) == {"a.tar!of a kind unknown": CARD}


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_files(tmp_path: Path, form: str) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.write(b"411111")
        file.seek(3_000_000)
        file.write(CARD)
        file.truncate(4_000_000)
    command = ["tar", "-C", tmp_path, "-cSf", tmp_path / "a.tar", f"--format={form}", "sparse"]
    subprocess.run(command, check=True)
    assert (tmp_path / "a.tar").stat().st_size < 1_000_000
    expected = (tmp_path / "sparse").read_bytes()
    assert look(open_file(tmp_path / "a.tar", "a.tar", Budget())) == {"a.tar!sparse": expected}
    (member,) = look(open_file(tmp_path / "a.tar", "a.tar", Budget(Limits(expanded=10**6)))).values()
    assert "expands to more than" in str(member)


def test_what_lies_behind_the_end_of_a_tar_archive_is_read() -> None:
    raw = tarred({"a": b"one"}) + tarred({"b": CARD})
    assert seen("x.tar", raw) == {"x.tar!a": b"one", "x.tar!b": CARD}
    found = seen("x.tar", tarred({"a": b"one"}) + CARD * 40)
    assert found == {"x.tar!a": b"one", "x.tar": "is damaged, truncated or followed by something else"}


def test_damage_between_two_members_of_a_tar_archive_is_seen() -> None:
    raw = bytearray(tarred({"a": b"one", "b": CARD}))
    raw[1024 + 3] ^= 1
    found = seen("x.tar", bytes(raw))
    assert found == {"x.tar!a": b"one", "x.tar": "is damaged, truncated or followed by something else"}


def header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_tar_headers_made_to_fill_memory(kind: bytes) -> None:
    (reason,) = seen("x.tar", header(kind, 2**33) + bytes(4096)).values()
    assert reason == "has a header of more than 1048576 bytes"
    (reason,) = seen("x.tar", (header(kind, 12) + b"12 path=abc\n" + bytes(500)) * 3000).values()
    assert "damaged" in str(reason)


# ── zip ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_zip_methods(method: int) -> None:
    assert seen("a.zip", zipped(MEMBERS, method)) == within("a.zip", MEMBERS)


def patched(raw: bytes, local: int, central: int, field: bytes) -> bytes:
    """``raw`` with ``field`` at these places of the first member's headers."""
    data = bytearray(raw)
    at = raw.index(b"PK\x01\x02") + central
    data[at : at + len(field)] = field
    data[local : local + len(field)] = field
    return bytes(data)


def with_method(raw: bytes, method: int) -> bytes:
    return patched(raw, 8, 10, struct.pack("<H", method))


def test_zip_with_zstd() -> None:
    packed = zstandard.ZstdCompressor().compress(TEXT)
    raw = bytearray(with_method(zipped({"a": packed}, zipfile.ZIP_STORED), 93))
    at = raw.index(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<L", len(TEXT))
    assert "checksum" in str(seen("a.zip", bytes(raw))["a.zip!a"])
    raw[at + 16 : at + 20] = struct.pack("<L", zlib.crc32(TEXT))
    assert seen("a.zip", bytes(raw)) == {"a.zip!a": TEXT}


def test_zip64(tmp_path: Path) -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, *_: int) -> int:
            raise OSError

    out = Unseekable()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(TEXT)
    assert seen("a.zip", out.getvalue()) == {"a.zip!a": TEXT}
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(66_000):  # more than the end record of plain zip can count
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    items = expand("a.zip", io.BytesIO(many.getvalue()), Budget())
    assert sum(1 for _ in items) == 66_000


def test_zip_written_by_others(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    subprocess.run(["zip", "-q", "-P", "secret", "a.zip", "a"], cwd=tmp_path, check=True)
    encrypted = {"a.zip!a": "is encrypted, which is not read"}
    assert look(open_file(tmp_path / "a.zip", "a.zip", Budget())) == encrypted
    with (tmp_path / "a").open("rb") as file:  # written to a pipe: sizes follow the members
        piped = subprocess.run(["zip", "-q", "-", "-"], stdin=file, capture_output=True, check=True).stdout
    assert seen("b.zip", piped) == {"b.zip!-": TEXT}


def test_one_member_that_is_not_read_does_not_hide_the_others() -> None:
    raw = zipped({"a": TEXT, "b": CARD})
    found = seen("a.zip", with_method(raw, 9))
    assert found == {"a.zip!a": "is compressed with method 9, which is not read", "a.zip!b": CARD}
    found = seen("a.zip", with_method(raw, zipfile.ZIP_LZMA))
    assert found == {"a.zip!a": "is damaged", "a.zip!b": CARD}
    damaged = bytearray(raw)
    damaged[200] ^= 0x55
    found = seen("a.zip", bytes(damaged))
    assert "damaged" in str(found["a.zip!a"])
    assert found["a.zip!b"] == CARD


def test_sizes_and_checksums_of_zip_are_compared() -> None:
    raw = zipped({"a": TEXT}, zipfile.ZIP_STORED)
    assert "checksum" in str(seen("a.zip", patched(raw, 14, 16, b"\1\2\3\4"))["a.zip!a"])
    smaller = patched(zipped({"a": TEXT}), 22, 24, struct.pack("<L", 100))
    assert seen("a.zip", smaller) == {"a.zip!a": "is larger than its archive says"}


def overlapping(raw: bytes) -> bytes:
    """``raw`` with a directory in which the second member is the first once more."""
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 4)
    return raw[: second + 42] + bytes(4) + raw[second + 46 :]


def test_members_that_share_bytes() -> None:
    found = seen("a.zip", overlapping(zipped({"a": TEXT, "b": TEXT})))
    assert set(found.values()) == {"shares its bytes with another member, or is damaged"}
    # A member that reaches into the next one, as in bombs whose members all share one kernel.
    longer = patched(zipped({"a": TEXT, "b": CARD}), 18, 20, struct.pack("<L", 100_000))
    found = seen("a.zip", longer)
    assert found == {"a.zip!a": "shares its bytes with another member, or is damaged", "a.zip!b": CARD}


def test_bytes_around_the_members_are_searched() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a")
        info.comment = b"first " + CARD
        archive.writestr(info, b"x")
        archive.comment = b"second " + CARD
    raw = b"#!/bin/sh\n# " + CARD + b"\n" + out.getvalue()
    assert seen("tool.jar", raw) == {
        "tool.jar!(comments)": b"first " + CARD + b"\nsecond " + CARD,
        "tool.jar!(outside its members)": raw[: raw.index(b"PK")],
        "tool.jar!a": b"x",
    }
    hidden = zipped({"hidden": CARD}, zipfile.ZIP_STORED)
    found = list(
        expand("a.zip", io.BytesIO(hidden[: hidden.index(b"PK\x01\x02")] + zipped({"a": b"x"})), Budget())
    )
    assert found[1] == Skipped(
        "a.zip!(outside its members)", "holds a member that the directory does not name"
    )


@pytest.mark.parametrize(
    "raw",
    [b"PK\x03\x04" + bytes(100), b"PK\x05\x06" + b"\xff" * 18, b"PK\x05\x06" + bytes(17), b"no zip archive"],
)
def test_what_is_no_zip_archive_is_skipped(raw: bytes) -> None:
    (reason,) = seen("a.zip", raw).values()
    assert "damaged" in str(reason) or "truncated" in str(reason) or "split" in str(reason)


def flips(raw: bytes) -> Iterator[bytes]:
    for at in range(0, len(raw), 3):
        yield raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]


@pytest.mark.parametrize("form", ["zip", "tar", "sparse"])
def test_damage_anywhere_is_no_crash(form: str) -> None:
    members = {"a": CARD, "b": gzip.compress(CARD)}
    raw = zipped(members) if form == "zip" else tarred(members, tarfile.GNU_FORMAT)[:3072]
    if form == "sparse":
        raw = header(tarfile.GNUTYPE_SPARSE, 512) + bytes(512) + raw
    for damaged in flips(raw):
        seen("a", damaged, Limits(expanded=10**6))
    for item in expand("a", io.BytesIO(raw), Budget()):
        if isinstance(item, Stream):
            for chunk in item.chunks:
                assert chunk


def test_reading_on_after_damage_below_never_looks_like_the_end() -> None:
    raw = bytearray(gzip.compress(tarred({"a": os.urandom(500_000), "b": CARD}), 1))
    raw[len(raw) // 2] ^= 0x55
    items = expand("a.tar.gz", io.BytesIO(bytes(raw)), Budget())
    first = next(items)
    assert isinstance(first, Stream)
    with pytest.raises(NotAssessed):
        list(first.chunks)
    assert [type(item) for item in items] == [Skipped]
