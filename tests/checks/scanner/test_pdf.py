"""PDF documents: all that can hold a number, and no page, stream or file that is not read passed over."""

from __future__ import annotations

import gzip
import io
import zlib

import pypdf
import pytest

from checks.scanner.expand import expand
from checks.scanner.source import Budget, Limits
from tests.checks.scanner.test_expand import CARD, look, seen

HELVETICA = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
UNKNOWN = "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[%d 0 R]>>"


def stream(entries: str, content: bytes | str, *, deflate: bool = False) -> bytes:
    raw = content.encode("latin-1") if isinstance(content, str) else content
    raw = zlib.compress(raw) if deflate else raw
    entries += "/Filter/FlateDecode" if deflate else ""
    return f"<<{entries}/Length {len(raw)}>>stream\n".encode() + raw + b"\nendstream"


def document(
    *pages: str,
    more: dict[int, bytes | str] | None = None,
    root: str = "",
    page: str = "",
    trailer: str = "",
    deflate: bool = False,
) -> bytes:
    """A document whose pages have ``pages`` as content; ``more`` are objects from number 100 on."""
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    objects: dict[int, bytes | str] = {
        1: f"<</Type/Catalog/Pages 2 0 R{root}>>",
        2: f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>",
        3: HELVETICA,
        4: UNKNOWN % 5,
        5: "<</Type/Font/Subtype/CIDFontType2/BaseFont/X"
        "/CIDSystemInfo<</Registry(A)/Ordering(B)/Supplement 0>>>>",
        6: stream(
            "/Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray", b"\0"
        ),
    }
    for number, content in enumerate(pages):
        objects[10 + 2 * number] = (
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]"
            "/Resources<</Font<</F 3 0 R/U 4 0 R>>/XObject<</I 6 0 R>>>>"
            f"/Contents {11 + 2 * number} 0 R{page}>>"
        )
        objects[11 + 2 * number] = stream("", content, deflate=deflate)
    return written(objects | (more or {}), trailer)


def written(objects: dict[int, bytes | str], trailer: str = "") -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = {}
    for number, content in objects.items():
        places[number] = len(out)
        raw = content.encode("latin-1") if isinstance(content, str) else content
        out += f"{number} 0 obj\n".encode() + raw + b"\nendobj\n"
    at = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += f"{number} 1\n{place:010} 00000 n \n".encode()
    out += f"trailer<</Size {max(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{at}\n%%EOF\n".encode()
    return bytes(out)


def lines(*texts: str) -> str:
    return "BT /F 10 Tf 14 TL 40 700 Td " + " ".join(f"({text}) Tj T*" for text in texts) + " ET"


def reasons(raw: bytes, limits: Limits | None = None) -> dict[str, str]:
    found = {}
    for item in expand("a.pdf", io.BytesIO(raw), Budget(limits or Limits())):
        found |= {name: text for name, text in look(iter([item])).items() if isinstance(text, str)}
    return found


# ── what is read ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("deflate", [False, True])
def test_pages_in_lines(deflate: bool) -> None:
    raw = document(lines("card", "4111 1111 1111 1111"), lines("second page"), "", deflate=deflate)
    assert seen("a.pdf", raw) == {
        "a.pdf!page 1": b"card\n4111 1111 1111 1111\n",
        "a.pdf!page 2": b"second page\n",
    }


@pytest.mark.parametrize(
    "content",
    [
        "BT /F 10 Tf 40 700 Td (4111) Tj (1111) Tj (1111) Tj (1111) Tj ET",
        "BT /F 10 Tf 40 700 Td [(41) -20 (11111) 15 (11111) 3 (1111)] TJ ET",
        "BT /F 10 Tf 40 700 Td <34313131> Tj <313131313131313131313131> Tj ET",
        "BT /F 10 Tf 40 -900 Td (4111111111111111) Tj ET",
        "BT /F 10 Tf 3 Tr 40 700 Td (4111111111111111) Tj ET",
    ],
    ids=["pieces", "kerned", "hexadecimal", "outside the page", "invisible"],
)
def test_text_however_it_is_set(content: str) -> None:
    assert CARD in seen("a.pdf", document(content))["a.pdf!page 1"]  # type: ignore[operator]


def test_properties_outline_and_metadata() -> None:
    more: dict[int, bytes | str] = {
        100: f"<</Title(t)/Keywords({CARD.decode()})>>",
        101: "<</Type/Outlines/First 102 0 R/Last 102 0 R/Count 1>>",
        102: "<</Title(5555555555554444)/Parent 101 0 R/Dest[10 0 R/Fit]>>",
    }
    root = "/Outlines 101 0 R/Metadata 103 0 R"
    for deflate in (False, True):
        more[103] = stream("/Type/Metadata/Subtype/XML", "<x>4012888888881881</x>", deflate=deflate)
        found = seen("a.pdf", document(lines("x"), more=more, root=root, trailer="/Info 100 0 R"))
        assert found["a.pdf!(properties)"] == b"t\n" + CARD + b"\n5555555555554444\n"
        assert bytes(found["a.pdf!(metadata)"]).startswith(b"<x>4012888888881881</x>")  # type: ignore[arg-type]


def test_annotations_fields_and_links() -> None:
    more: dict[int, bytes | str] = {
        100: "<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(note 4111111111111111)>>",
        101: "<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(http://x/5555555555554444)>>>>",
        102: "<</Subtype/Widget/Rect[0 0 9 9]/Parent 103 0 R>>",
        103: "<</FT/Tx/T(card)/V(4012888888881881)/Kids[102 0 R]>>",
        104: "<</Type/Annot/Subtype/Stamp/Rect[0 0 9 9]/AP<</N 105 0 R>>>>",
        105: stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", "BT (378282246310005) Tj ET", deflate=True),
    }
    raw = document(
        "", more=more, page="/Annots[100 0 R 101 0 R 102 0 R 104 0 R]", root="/AcroForm<</Fields[103 0 R]>>"
    )
    text = seen("a.pdf", raw)["a.pdf!page 1"]
    for expected in (CARD, b"5555555555554444", b"4012888888881881", b"378282246310005"):
        assert expected in text  # type: ignore[operator]


def test_embedded_files() -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_attachment("cards.txt.gz", gzip.compress(CARD))
    writer.add_attachment("inner.pdf", document(lines(CARD.decode())))
    out = io.BytesIO()
    writer.write(out)
    found = seen("a.pdf", out.getvalue())
    assert found["a.pdf!cards.txt.gz"] == CARD
    assert found["a.pdf!inner.pdf!page 1"] == CARD + b"\n"
    assert any("larger" in text for text in reasons(out.getvalue(), Limits(spooled=300)).values())


def test_a_file_that_an_annotation_holds() -> None:
    more: dict[int, bytes | str] = {
        100: "<</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]/FS 101 0 R>>",
        101: "<</Type/Filespec/F(a.gz)/UF(a.gz)/EF<</F 102 0 R>>>>",
        102: stream("/Type/EmbeddedFile", gzip.compress(CARD)),
    }
    assert seen("a.pdf", document("", more=more, page="/Annots[100 0 R]"))["a.pdf!page 1!a.gz"] == CARD


def test_from_a_file_on_the_disk() -> None:
    raw = document(*[lines(f"page {number}", CARD.decode()) for number in range(30)])
    found = look(expand("a.pdf", io.BytesIO(raw), Budget(Limits(in_memory=10))))
    assert len(found) == 30
    assert found["a.pdf!page 30"] == b"page 29\n" + CARD + b"\n"


# ── what is not ──────────────────────────────────────────────────────────────────────────────────


def test_pages_whose_text_is_not_seen() -> None:
    unknown = "BT /U 10 Tf 40 700 Td <" + "0014" * 16 + "> Tj ET"
    few = "BT /U 10 Tf 40 700 Td <" + "0014" * 5 + "> Tj ET"
    raw = document("q 500 0 0 500 0 0 cm /I Do Q", "1 1 m 2 2 l S", unknown, few, lines("text") + " /I Do")
    assert reasons(raw) == {
        "a.pdf!page 1": "holds images only, whose text is not read",
        "a.pdf!page 2": "holds drawings only, whose text is not read",
        "a.pdf!page 3": "holds text in a font that does not say what its characters are",
    }


def test_encrypted() -> None:
    for password, expected in (("secret", True), ("", False)):
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(document(lines(CARD.decode()))))
        writer.encrypt(password, "owner", algorithm="AES-256")
        out = io.BytesIO()
        writer.write(out)
        found = seen("a.pdf", out.getvalue())
        if expected:
            assert found == {"a.pdf": "is encrypted, which is not read"}
        else:
            assert found == {"a.pdf!page 1": CARD + b"\n"}


def test_forms_in_xfa() -> None:
    more: dict[int, bytes | str] = {100: stream("", "<xdp/>")}
    raw = document(lines("x"), more=more, root="/AcroForm<</Fields[]/XFA 100 0 R>>")
    assert reasons(raw) == {"a.pdf": "holds an XFA form, which is not read"}


def test_cut_off_anywhere_a_document_is_not_the_whole() -> None:
    raw = document(lines("card", CARD.decode()), lines("more"), deflate=True)
    assert not reasons(raw)
    for kept in [*range(20, len(raw) - 8, 31), len(raw) - 8]:
        assert reasons(raw[:kept]), kept


def test_a_damaged_stream_or_page_is_named() -> None:
    raw = document(lines("card", CARD.decode() * 9), lines("more"), deflate=True)
    at = raw.index(b"11 0 obj") + 70
    damaged = raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]
    assert "1 of its streams" in reasons(damaged)["a.pdf"]
    gone = raw.replace(b"Kids[10 0 R", b"Kids[99 0 R")
    assert reasons(gone)


def test_a_document_without_structure_is_searched_as_bytes() -> None:
    raw = b"%PDF-1.4\nnothing of this is an object " + CARD
    items = [look(iter([item])) for item in expand("a.pdf", io.BytesIO(raw), Budget())]
    assert items == [{"a.pdf": raw}, {"a.pdf": "is damaged, or no PDF document"}]


def test_bombs_are_limited() -> None:
    more: dict[int, bytes | str] = {100: stream("", bytes(3_000_000), deflate=True)}
    found = reasons(document(lines("x"), more=more), Limits(expanded=2**20))
    assert any("expands to more" in text for text in found.values())
    found = reasons(document(*["" for _ in range(9)]), Limits(members=3))
    assert any("members" in text for text in found.values())
