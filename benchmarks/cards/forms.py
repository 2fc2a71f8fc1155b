"""The forms in which a card number is found in files: each writes digits as bytes.

A form returns what must stand before the number, the number, and what must stand after it. Only the
number's own bytes are labelled, so that a scanner is held to having found *it*.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

Piece = tuple[bytes, bytes, bytes]
"""Before, the item itself, after."""
LENGTHS = tuple(range(13, 20))
_BY_FOUR = (16, 17, 18, 19)


def _always(digits: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write a number. ``carrier`` names the surroundings that it needs (``corpus.CARRIERS``)."""

    name: str
    write: Callable[[str], Piece]
    lengths: tuple[int, ...] = LENGTHS
    carrier: str = "text"
    fits: Callable[[str], bool] = _always


def groups(digits: str, *widths: int) -> list[str]:
    """Return ``digits`` cut after ``widths``, by fours if there are none; the rest is the last group."""
    cuts = [0]
    for width in widths or (4,) * ((len(digits) - 1) // 4):
        cuts.append(cuts[-1] + width)
    if cuts[-1] < len(digits):
        cuts.append(len(digits))
    return [digits[start:end] for start, end in pairwise(cuts)]


def _within(template: bytes) -> Callable[[str], Piece]:
    """Return a writer of ``template``, in which ``~`` stands for the plain digits."""
    before, _, after = template.partition(b"~")
    return lambda digits: (before, digits.encode(), after)


def _joined(
    separator: str, *widths: int, around: tuple[bytes, bytes] = (b"", b""), encoding: str = "utf-8"
) -> Callable[[str], Piece]:
    """Return a writer of groups of ``widths`` digits (by default of four) with ``separator`` between."""
    return lambda digits: (around[0], separator.join(groups(digits, *widths)).encode(encoding), around[1])


def _each(template: str, around: tuple[bytes, bytes] = (b"", b"")) -> Callable[[str], Piece]:
    """Return a writer that formats the code point of every digit with ``template``."""
    return lambda digits: (
        around[0], "".join(template.format(ord(char)) for char in digits).encode(), around[1],
    )  # fmt: skip


def _script(zero: int) -> Callable[[str], Piece]:
    """Return a writer in the decimal digits that begin with the code point ``zero``."""
    return lambda digits: (b"", "".join(chr(zero + int(char)) for char in digits).encode(), b"")


def _base64(shift: int) -> Callable[[str], Piece]:
    """Return a writer of a JSON document in base64, in which the number begins at byte ``shift`` of three.

    The label covers the characters that hold a bit of the number.
    """

    def write(digits: str) -> Piece:
        before = b'{"order":"' + b"abc"[:shift] + b'12","card":"'
        before += b"x" * ((shift - len(before)) % 3)
        text = base64.b64encode(before + digits.encode() + b'","holder":"Erika Muster"}')
        start, end = len(before) * 8 // 6, -(-(len(before) + len(digits)) * 8 // 6)
        return b"payload=" + text[:start], text[start:end], text[end:]

    return write


def _base64_alone(digits: str) -> Piece:
    return b"", base64.b64encode(digits.encode()), b""


def _hex(upper: bool) -> Callable[[str], Piece]:
    def code(text: bytes) -> bytes:
        return text.hex().upper().encode() if upper else text.hex().encode()

    return lambda digits: (code(b'{"pan":"'), code(digits.encode()), code(b'","ok":1}'))


def exact(digits: str) -> bool:
    """Whether a double holds ``digits`` exactly and is written without an exponent by default."""
    return len(digits) <= 16 and int(float(digits)) == int(digits)


def _exponent(digits: str) -> Piece:
    """Write ``digits`` as Java and JavaScript write a large double: ``4.111111111111111E15``."""
    fraction = digits[1:].rstrip("0") or "0"
    return b'"pan":', f"{digits[0]}.{fraction}E{len(digits) - 1}".encode(), b""


_SEPARATORS = {
    "space": " ", "dash": "-", "dot": ".", "tab": "\t", "no-break space": "\u00a0",
    "narrow no-break space": "\u202f", "en dash": "\u2013", "no-break hyphen": "\u2011",
}  # fmt: skip
_IN_JSON, _IN_URL = (b'"pan":"', b'"'), (b"pan=", b"")


def _begins_with_3(digits: str) -> bool:
    """Whether it is one of American Express or Diners Club: nobody else writes groups of six."""
    return digits[0] == "3"


def _grouped() -> list[Form]:
    forms = [
        Form(f"4-4-4-4 by {name}", _joined(separator), _BY_FOUR) for name, separator in _SEPARATORS.items()
    ]
    for name in ("space", "dash"):
        write = _joined(_SEPARATORS[name], 4, 6)
        forms.append(Form(f"4-6-5 by {name}", write, (15,), fits=_begins_with_3))
        forms.append(Form(f"4-6-4 by {name}", write, (14,), fits=_begins_with_3))
    return forms


def _wide() -> list[Form]:
    """Return the forms in UTF-16; a name that ends in BOM makes the section begin with one."""
    return [
        Form(
            f"utf-16-{end}{' by space' * by_space}{' BOM' * bom}", write, lengths,
            f"utf-16-{end}{'-bom' * bom}",
        )
        for end in ("le", "be")
        for by_space, (write, lengths) in enumerate(
            (
                (_joined("", encoding=f"utf-16-{end}"), LENGTHS),
                (_joined(" ", encoding=f"utf-16-{end}"), _BY_FOUR),
            )
        )
        for bom in (False, True)
    ]  # fmt: skip


FORMS: tuple[Form, ...] = (
    Form("plain", _within(b"~")),
    Form("plain in columns", _within(b"~"), carrier="copy"),
    Form("plain in binary", _within(b"~"), carrier="binary"),
    *_grouped(),
    Form("json string", _within(b'"pan":"~"'), carrier="json"),
    Form("json number", _within(b'"pan":~'), carrier="json"),
    Form("json float", _within(b'"pan":~.0'), (13, 14, 15, 16), "json", exact),
    Form("json exponent", _exponent, (13, 14, 15, 16), "json", exact),
    Form("json \\u digits", _each("\\u{:04x}", _IN_JSON), carrier="json"),
    Form("json by \\u00a0", _joined("\\u00a0", around=_IN_JSON), _BY_FOUR, "json"),
    Form("json by \\t", _joined("\\t", around=_IN_JSON), _BY_FOUR, "json"),
    Form("url digits", _each("%{:02X}", _IN_URL), carrier="url"),
    *(
        Form(f"url by {code}", _joined(code, around=_IN_URL), _BY_FOUR, "url")
        for code in ("%20", "+", "%2D", "%C2%A0", "%09")
    ),
    Form("after %3D", _within(b"q=pan%3D~%26lang"), carrier="url"),
    Form("after %20", _within(b"q=pan%20~"), carrier="url"),
    Form("after &#61;", _within(b"pan&#61;~"), carrier="html"),
    Form("html decimal", _each("&#{};"), carrier="html"),
    Form("html hexadecimal", _each("&#x{:x};"), carrier="html"),
    *(
        Form(f"html by {entity}", _joined(entity), _BY_FOUR, "html")
        for entity in ("&nbsp;", "&#160;", "&#45;", "&ndash;")
    ),
    Form("fullwidth", _script(0xFF10)),
    Form("arabic-indic", _script(0x0660)),
    Form("extended arabic-indic", _script(0x06F0)),
    Form("devanagari", _script(0x0966)),
    *_wide(),
    *(Form(f"base64 at {shift}", _base64(shift)) for shift in range(3)),
    Form("base64 alone", _base64_alone),
    Form("hex alone", lambda digits: (b"", digits.encode().hex().encode(), b"")),
    Form("hex lower", _hex(upper=False)),
    Form("hex upper", _hex(upper=True)),
    Form("glued to a word", _within(b"card~")),
    Form("glued on both sides", _within(b"pan_~x")),
    Form("track 1", _within(b"%B~^MUSTER/ERIKA^29121010000000000000?")),
    Form("track 2", _within(b";~=29121010000000000000?")),
    Form("with cvv", _within(b'"pan":"~","cvv":"123"'), carrier="json"),
)
"""Every form; names are unique."""
