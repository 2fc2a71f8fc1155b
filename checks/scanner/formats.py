"""The formats that are told apart, in order of precedence, and who reads them.

The first bytes decide; the name only where they do not suffice, or where it claims a format that they
do not show. What matches nothing here is searched as the bytes it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from checks.connectors.codecs import SHORTEST, compression_of
from checks.scanner.source import Format

HEAD = 4096
"""Bytes at the start of a file that its format is told by."""

_ROOM = "checks.scanner."
_RAW, _CUT_OFF = f"{_ROOM}expand:raw_items", f"{_ROOM}expand:cut_off"
_Matches = Callable[[bytes, str], bool]

_OFFICE = (
    ".docx",
    ".docm",
    ".dotx",
    ".xlsx",
    ".xlsm",
    ".xltx",
    ".pptx",
    ".pptm",
    ".ppsx",
    ".odt",
    ".ods",
    ".odp",
)
_ZIPS = (".zip", ".jar", ".war", ".ear", ".apk", ".aab", ".ipa", ".whl", ".epub", ".nupkg", ".vsix", ".xpi")
_OFFICE_PARTS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"word/", b"xl/", b"ppt/")
_CODED = (
    *(
        ".gz",
        ".tgz",
        ".bz2",
        ".tbz2",
        ".xz",
        ".txz",
        ".zst",
        ".tzst",
        ".lzma",
        ".lz4",
        ".lz",
        ".lzo",
        ".z",
        ".br",
    ),
    *(".7z", ".rar", ".cab", ".tar", ".parquet", ".orc", ".avro", ".arrow", ".feather", ".pdf", ".sqlite"),
    *(".sqlite3", ".kdbx", ".gpg", ".pgp", ".age", ".enc", ".msg", ".snappy", ".sz", *_OFFICE),
)
_TEXTS = re.compile(
    r"\.(?:log|txt|text|csv|tsv|jsonl?|ndjson|xml|html?|md|rst|ya?ml|toml|ini|conf|sql|py|js|ts|sh)(?:\.\d+)?$"
)
_MAIL = re.compile(
    rb"(?:Received|Return-Path|Delivered-To|X-Original-To|Envelope-To|Message-ID|MIME-Version|DKIM-Signature"
    rb"|ARC-Seal|Authentication-Results):[ \t]",
    re.IGNORECASE,
)
_OTHER_HEADER = re.compile(
    rb"(?:From|To|Cc|Date|Subject|Reply-To|Content-Type|User-Agent|X-[\w-]+):[ \t]", re.IGNORECASE
)
_MAIL_BELOW = re.compile(rb"^(?:Message-ID|MIME-Version):[ \t]", re.IGNORECASE | re.MULTILINE)
_MBOX = re.compile(rb"From [^\r\n]+\r?\n>?[!-9;-~]+:[ \t]")
_OPENPGP = re.compile(
    rb"-----BEGIN PGP MESSAGE-----|\x85[\x00-\x08].\x03.{8}[\x01-\x13]|\x84.\x03.{8}[\x01-\x19]"
    rb"|\x8c.\x04[\x01-\x0d][\x00-\x03]|\xc1.{1,2}[\x03\x06]|\xc3.[\x04-\x06][\x01-\x0d]",
    re.DOTALL,
)


def format_of(head: bytes, name: str) -> Format | None:
    """Return the format of a file by its first ``HEAD`` bytes and its name in lower case.

    ``None`` if its bytes are to be searched as they are.
    """
    # Archives may hold a million small files: most begin with no magic at all.
    for kind in FORMATS if head.startswith(_MAGICS) else _WITHOUT_MAGIC:
        if kind.matches(head, name):
            return kind
    return None


class _Starts:
    """Match what begins with one of ``magics``."""

    def __init__(self, *magics: bytes) -> None:
        self.magics = magics

    def __call__(self, head: bytes, name: str) -> bool:
        return head.startswith(self.magics)


def _tar(head: bytes, name: str) -> bool:
    """Whether it begins with the header of a member; before POSIX that had a checksum, but no magic."""
    if head[257:262] == b"ustar":
        return True
    field = head[148:156].strip(b" \0")
    if len(head) < 512 or not head[0] or not re.fullmatch(rb"[0-7]{1,7}", field):
        return False
    return int(field, 8) == sum(head[:512]) - sum(head[148:156]) + 8 * 32


def _named_zip(head: bytes, name: str) -> bool:
    """Whether it should be a zip archive: a program or script may lie before it, then it has no magic."""
    return bool(head) and name.endswith(_ZIPS)


def _office(head: bytes, name: str) -> bool:
    if not head.startswith(b"PK\x03\x04") or name.endswith(_ZIPS):
        return False
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    document = first == b"mimetype" and b"application/vnd.oasis.opendocument" in head[38:200]
    return name.endswith(_OFFICE) or document or first.startswith(_OFFICE_PARTS)


def _binary(magic: bytes) -> _Matches:
    """Match a magic of letters that a text could begin with too: what follows is no text."""
    return lambda head, name: head.startswith(magic) and (len(head) == len(magic) or b"\0" in head)


def _arrow_stream(head: bytes, name: str) -> bool:
    """Whether it begins with a message of metadata (Arrow columnar format, "Encapsulated message format")."""
    size, root = int.from_bytes(head[4:8], "little"), int.from_bytes(head[8:12], "little")
    return head.startswith(b"\xff\xff\xff\xff") and 0 < root < size < 2**24 and size % 8 == 0


def _lzma(head: bytes, name: str) -> bool:
    """Whether it is of the format before xz: it has no magic, but a plausible header of 13 bytes."""
    window, size = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    plausible = window >= 4096 and window.bit_count() <= 2 and (size < 2**40 or size == 2**64 - 1)
    return head[:1] == b"\x5d" and len(head) >= 13 and plausible and head[13:14] == b"\0"


def _pdf(head: bytes, name: str) -> bool:
    at = head.find(b"%PDF-", 0, 1024)
    return at == 0 or (at > 0 and not _TEXTS.search(name))


def _mail(head: bytes, name: str) -> bool:
    if name.endswith((".mbox", ".eml")) and head:
        return True
    if _TEXTS.search(name):
        return False
    started = _MBOX.match(head) or _MAIL.match(head)
    return bool(started or (_OTHER_HEADER.match(head) and _MAIL_BELOW.search(head)))


def _openpgp(head: bytes, name: str) -> bool:
    armored = head.startswith(b"-----BEGIN PGP MESSAGE-----")
    return armored or (
        b"\0" in head[:HEAD] and bool(_OPENPGP.match(head)) and name.endswith((".gpg", ".pgp"))
    )


def _short(head: bytes, name: str) -> bool:
    return any(name.endswith(ending) and len(head) < size for ending, size in SHORTEST.items())


def _misnamed(head: bytes, name: str) -> bool:
    # Zeros alone are an empty tar archive, or hold nothing.
    return b"\0" in head and bool(head.strip(b"\0")) and name.endswith(_CODED)


def _compressed(head: bytes, name: str) -> bool:
    return compression_of(head) is not None


def _columns(name: str, matches: _Matches) -> Format:
    return Format(name, matches, f"{_ROOM}read_columnar:items", seekable=True, extra="columnar")


FORMATS: tuple[Format, ...] = (
    Format("a compressed file", _compressed, f"{_ROOM}read_compressed:items"),
    Format("an Office document", _office, f"{_ROOM}read_office:items", seekable=True),
    Format(
        "a zip archive",
        _Starts(b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"),
        f"{_ROOM}read_zip:items",
        seekable=True,
    ),
    Format("a tar archive", _tar, f"{_ROOM}read_tar:items"),
    Format("a dump in pg_dump's custom format", _binary(b"PGDMP"), f"{_ROOM}read_pgdump:items"),
    Format("an SQLite database", _Starts(b"SQLite format 3\0"), f"{_ROOM}read_sqlite:items", seekable=True),
    _columns("a Parquet file", _binary(b"PAR1")),
    _columns("an Arrow file", _Starts(b"ARROW1\0\0")),
    _columns("an Arrow stream", _arrow_stream),
    _columns("an ORC file", _binary(b"ORC")),
    Format("an Avro file", _Starts(b"Obj\x01"), f"{_ROOM}read_avro:items", extra="columnar"),
    Format("compressed with lzma", _lzma, f"{_ROOM}read_compressed:items"),
    Format("a mailbox or mail", _mail, f"{_ROOM}read_mail:items"),
    Format("a PDF document", _pdf, f"{_ROOM}read_pdf:items", seekable=True, extra="documents"),
    # What is not read. An empty reader says so.
    Format("a 7z archive", _Starts(b"7z\xbc\xaf\x27\x1c"), ""),
    Format("a rar archive", _Starts(b"Rar!\x1a\x07"), ""),
    Format("a cab archive", _Starts(b"MSCF\0\0\0\0"), ""),
    Format("a WIM image", _Starts(b"MSWIM\0\0\0"), ""),
    Format("a Debian package", _Starts(b"!<arch>\ndebian-binary"), ""),
    Format("an RPM package", _Starts(b"\xed\xab\xee\xdb"), ""),
    Format("a SquashFS image", _Starts(b"hsqs"), ""),
    Format("compressed with lz4", _Starts(b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"), ""),
    Format("compressed with lzip", _Starts(b"LZIP\x01"), ""),
    Format("compressed with lzop", _Starts(b"\x89LZO\0\r\n\x1a\n"), ""),
    Format("compressed with lrzip", _Starts(b"LRZI\0"), ""),
    Format("compressed with compress", _Starts(b"\x1f\x9d"), ""),
    Format("compressed with snappy", _Starts(b"\xff\x06\0\0sNaPpY"), ""),
    Format("an encrypted Parquet file", _binary(b"PARE"), ""),
    Format("encrypted with age", _Starts(b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----"), ""),
    Format("encrypted with OpenPGP", _openpgp, ""),
    Format("encrypted with OpenSSL", _Starts(b"Salted__", b"U2FsdGVkX1"), ""),
    Format("encrypted with Ansible Vault", _Starts(b"$ANSIBLE_VAULT;"), ""),
    Format("an S/MIME or PEM envelope", _Starts(b"-----BEGIN PKCS7-----", b"-----BEGIN CMS-----"), ""),
    Format("a LUKS volume", _Starts(b"LUKS\xba\xbe"), ""),
    Format("a KeePass database", _Starts(b"\x03\xd9\xa2\x9a"), ""),
    Format("cut off", _short, _CUT_OFF),
    Format("named as a zip archive", _named_zip, f"{_ROOM}read_zip:items", seekable=True),
    Format("an old Office document", _Starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), _RAW),
    Format("no file of the kind that its name claims", _misnamed, _RAW),
)
"""In order of precedence. ``name`` completes "is …, which is not read"."""
_MAGICS = tuple(
    magic for kind in FORMATS if isinstance(kind.matches, _Starts) for magic in kind.matches.magics
)
_WITHOUT_MAGIC = tuple(kind for kind in FORMATS if not isinstance(kind.matches, _Starts))
