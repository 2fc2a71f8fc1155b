"""What stands around a number that was found, for and against its being a card number.

Looked at for hits alone, which are rare. Nothing of it is kept but marks: a few bits.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

# What speaks against a card number …
IN_HEX, IN_FRACTION, IN_PHONE, IN_UUID, IN_IBAN = 1, 2, 4, 8, 16
DOUBTS: Final = 31
# … and for one.
CARD_WORD, SECURITY_CODE, TRACK = 32, 64, 128

NEAR = 128
"""Bytes on each side that are looked at; :data:`_WORDS` bytes for words."""
_WORDS = 64
_PLAIN, _GROUPED, _EXPONENT, _BASE64, _HEX = 0, 1, 3, 9, 10

_CARD = re.compile(rb"card|visa|(?<![a-z0-9])(?:pan(?![a-z0-9])|ccn)", re.IGNORECASE)
# cvv, cvv2, cvc, csc and, soon after, a number of three or four digits.
_CODE = re.compile(rb"(?<![a-z])c(?:v[vc]|sc)\d?[^\d]{0,13}(?<!\d)\d{3,4}(?!\d)", re.IGNORECASE)
_TOKEN_BEFORE, _TOKEN_BEHIND = re.compile(rb"[A-Za-z0-9]*\Z"), re.compile(rb"[A-Za-z0-9]*")
_ESCAPE_BEFORE = re.compile(rb"(?:%[0-9a-f]{2}|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})\Z", re.IGNORECASE)
_NO_HEX = re.compile(rb"[g-z]", re.IGNORECASE)
_UUID = re.compile(
    rb"(?<![A-Za-z0-9])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_IBAN_BEFORE = re.compile(rb"(?<![A-Za-z0-9])([A-Z]{2})(?:(\d\d) )?\Z")
_ENCODED = {_BASE64: re.compile(rb"[A-Za-z0-9+/]+"), _HEX: re.compile(rb"[0-9A-Fa-f]+")}
_NUMBER = re.compile(rb"(?<!\d)\d(?:[ .\-]?\d){12,18}(?!\d)")
_DIGESTS = {16, 24, 32, 40, 48, 56, 64, 96, 128}  # sizes of identifiers and digests in hexadecimal


def marks(window: memoryview, first: int, end: int, form: int, length: int) -> int:
    """Return the marks of the number at ``window[first:end]``, written in ``form``, of ``length`` digits."""
    before, number = bytes(window[max(0, first - NEAR) : first]), bytes(window[first:end])
    behind = bytes(window[end : end + NEAR])
    if form in _ENCODED:
        before, behind = _decoded(window, first, end, form)
    elif b"\0" in number:  # UTF-16
        before, behind = before.replace(b"\0", b""), behind.replace(b"\0", b"")
    if (before[-1:] == b";" and behind[:1] == b"=") or (before[-2:].upper() == b"%B" and behind[:1] == b"^"):
        found = TRACK
    elif form in (_PLAIN, _GROUPED):
        found = _against(before, number, behind, length, grouped=form == _GROUPED)
    else:
        found = 0
    if _CARD.search(before[-_WORDS:]):
        found |= CARD_WORD
    if _CODE.search(before[-_WORDS:]) or _CODE.search(behind[: _WORDS + 16]):
        found |= SECURITY_CODE
    return found


def _against(before: bytes, number: bytes, behind: bytes, length: int, *, grouped: bool) -> int:
    digits = bytes(byte for byte in number if 48 <= byte <= 57)
    found = 0
    if grouped:
        around = before[-36:] + number + behind[:36]
        first = min(36, len(before))
        if any(at.start() < first + len(number) and at.end() > first for at in _UUID.finditer(around)):
            found |= IN_UUID
    else:
        if before[-1:] == b"." and before[-2:-1].isdigit():
            found |= IN_FRACTION
        if before[-1:] == b"+" and length < 15:
            found |= IN_PHONE
        if _in_hexadecimal(before, behind, length):
            found |= IN_HEX
    country = _IBAN_BEFORE.search(before)
    if country is not None and _iban(country[1], country[2], digits, behind, grouped=grouped):
        found |= IN_IBAN
    return found


def _in_hexadecimal(before: bytes, behind: bytes, length: int) -> bool:
    """Whether the digits are part of a hexadecimal token rather than glued to a word."""
    left, right = _TOKEN_BEFORE.search(before), _TOKEN_BEHIND.match(behind)
    head, tail = left[0] if left else b"", right[0] if right else b""
    if _ESCAPE_BEFORE.search(before[-6:]):
        head = b""  # an equals sign, say, that a URL or JSON has escaped
    if head.lower() == b"0x":
        return True
    if not head + tail or _NO_HEX.search(head + tail):
        return False
    size = len(head) + length + len(tail)
    return any(48 <= byte <= 57 for byte in head + tail) or size in _DIGESTS


def _iban(country: bytes, check: bytes | None, digits: bytes, behind: bytes, *, grouped: bool) -> bool:
    """Whether the letters before make an IBAN of the digits, and of groups behind (ISO 13616-1:2020, 5)."""
    if grouped != (check is not None):
        return False
    whole = (check or b"") + digits
    rest = re.match(rb"(?: \d{1,4})*(?![A-Za-z0-9])", behind) if grouped else None
    bodies = {whole, whole + rest[0].replace(b" ", b"")} if rest else {whole}
    for body in bodies:
        moved = body[2:] + country + body[:2]
        if int("".join(str(int(chr(byte), 36)) for byte in moved)) % 97 == 1:
            return True
    return False


def _decoded(window: memoryview, first: int, end: int, form: int) -> tuple[bytes, bytes]:
    """Return what the encoding holds before and behind the number, as far as it is plain to see."""
    step, width = (4, 3) if form == _BASE64 else (2, 1)
    low = max(0, first - NEAR)
    reach = bytes(window[low : end + NEAR])
    alphabet = _ENCODED[form]
    behind = alphabet.match(reach, first - low)
    stop = behind.end() if behind else end - low
    # The number begins in one of the characters of a group; which one shows in where digits come out.
    for phase in range(step):
        begin = first - low - phase
        while begin >= step and alphabet.fullmatch(reach, begin - step, begin):
            begin -= step
        text = reach[max(0, begin) : stop - (stop - begin) % step]
        try:
            plain = binascii.a2b_base64(text) if form == _BASE64 else binascii.unhexlify(text)
        except binascii.Error:
            continue
        at = (first - low - phase - begin) // step * width
        number = _NUMBER.search(plain, at)
        if number is not None and number.start() < at + width:
            return plain[: number.start()], plain[number.end() :]
    return b"", b""
