"""Office documents: numbers in runs and cells, embedded files, and none damaged taken as whole."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile

import docx
import openpyxl
import pytest

from checks.scanner.expand import expand
from checks.scanner.source import Budget, Limits, Skipped
from tests.checks.scanner.test_expand import CARD, look, seen, zipped

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
TYPES = {"[Content_Types].xml": b"<Types/>"}
DIGITS = "4111111111111111"


def word(body: str, **more: bytes) -> bytes:
    text = f"{HEAD}<w:document {W}><w:body>{body}</w:body></w:document>"
    return zipped(TYPES | {"word/document.xml": text.encode()} | more)


def text_of(raw: bytes, part: str = "word/document.xml", name: str = "a.docx") -> bytes:
    found = seen(name, raw)[f"{name}!{part}"]
    assert isinstance(found, bytes), found
    return found


def saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


# ── texts ────────────────────────────────────────────────────────────────────────────────────────


def test_runs_as_a_library_writes_them() -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("card ")
    for number, digits in enumerate(("4111", "1111", "11", "11", "1111")):
        run = paragraph.add_run(digits)
        run.bold, run.italic = bool(number % 2), bool(number % 3)
    made.add_paragraph("next")
    made.core_properties.comments = DIGITS
    found = seen("a.docx", saved(made))
    assert CARD in found["a.docx!word/document.xml"]  # type: ignore[operator]
    assert CARD in found["a.docx!docProps/core.xml"]  # type: ignore[operator]
    assert not any(isinstance(text, str) for text in found.values())


RUN = "</w:t></w:r><w:bookmarkStart w:id='1' w:name='x'/><w:r><w:rPr><w:b/></w:rPr><w:t>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (RUN.join(("4111", "1111", "1111", "1111")), DIGITS),
        ('4111</w:t></w:r><w:r><w:t xml:space="preserve"> 1111', "4111 1111"),
        ("4111</w:t></w:r><w:r><w:tab/><w:t>1111", "4111 1111"),
        ("4111</w:t><w:br/><w:t>1111", "4111 1111"),
        ("4111</w:t><w:noBreakHyphen/><w:t>1111", "41111111"),
        ("4111</w:t><w:t/><w:t>1111", "41111111"),
        (
            "4111</w:t></w:r><w:del><w:r><w:delText>41</w:delText></w:r><w:r><w:delText>11</w:delText></w:r></w:del><w:r><w:t>1111",
            "41111111",
        ),
        (
            "x</w:t></w:r><w:del><w:r><w:delText>41</w:delText></w:r><w:r><w:delText>11</w:delText></w:r></w:del><w:r><w:t>y",
            "4111",
        ),
        ("4111<!-- 11 -->1111", "41111111"),
        ("<![CDATA[4111]]>1111", "41111111"),
        (RUN.join("4111").replace("'x'", "'4222'"), "4222"),
    ],
)
def test_text_within_a_paragraph_is_one(body: str, expected: str) -> None:
    assert expected in text_of(word(f"<w:p><w:r><w:t>{body}</w:t></w:r></w:p>")).decode()


@pytest.mark.parametrize(
    "between", ["</w:t></w:r></w:p><w:p><w:r><w:t>", "</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>"]
)
def test_text_of_two_paragraphs_is_not(between: str) -> None:
    text = text_of(word(f"<w:p><w:r><w:t>4111{between}1111</w:t></w:r></w:p>"))
    assert b"41111111" not in text
    assert b"4111 1111" not in text


@pytest.mark.parametrize("prefix", ["", "ns0:", "a:"])
def test_any_prefix(prefix: str) -> None:
    run = "</Pt></Pr><Pr><PrPr/><Pt>".replace("P", prefix)
    body = f"<Pp><Pr><Pt>{run.join(('4111', '1111', '1111', '1111'))}</Pt></Pr></Pp>".replace("P", prefix)
    assert CARD in text_of(word(body))


def test_slides() -> None:
    body = (
        "<p:sld><a:p><a:r><a:rPr lang='en'/><a:t>4111 1111 </a:t></a:r><a:r><a:t>1111</a:t></a:r>"
        "<a:br/><a:r><a:t>1111</a:t></a:r></a:p></p:sld>"
    )
    raw = zipped(TYPES | {"ppt/slides/slide1.xml": body.encode()})
    assert b"4111 1111 1111 1111" in text_of(raw, "ppt/slides/slide1.xml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    body = f"<w:p><w:t>é</w:t></w:p><w:p><w:t>{RUN.join(('4111', '1111', '1111', '1111'))}</w:t></w:p>"
    raw = zipped(TYPES | {"word/document.xml": (HEAD + body).encode(encoding)})
    assert CARD in text_of(raw)
    assert "é".encode() in text_of(raw)


def test_workbooks_as_a_library_writes_them() -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append([4111111111111111, "text 5555555555554444", 4.111111111111111e15, None, "=A1"])
    sheet["A2"].comment = openpyxl.comments.Comment("4012888888881881", "author")
    found = seen("a.xlsx", saved(made))
    sheets = found["a.xlsx!xl/worksheets/sheet1.xml"]
    assert b"<v>4111111111111111</v>" in sheets  # type: ignore[operator]
    assert b"5555555555554444" in sheets  # type: ignore[operator]
    assert any(b"4012888888881881" in text for text in found.values() if isinstance(text, bytes))
    assert not any(isinstance(text, str) for text in found.values())


def test_rich_text_of_cells() -> None:
    strings = (
        "<sst><si><r><t>4111 1111</t></r><r><rPr><b/></rPr><t> 1111 1111</t></r></si>"
        "<si><t>2</t></si><si><t>3</t></si></sst>"
    )
    text = text_of(zipped(TYPES | {"xl/sharedStrings.xml": strings.encode()}), "xl/sharedStrings.xml")
    assert b"4111 1111 1111 1111" in text
    assert b"23" not in text


def opendocument(content: str, **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        for name, raw in ({"content.xml": content.encode()} | more).items():
            archive.writestr(name, raw, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_opendocument() -> None:
    content = (
        "<office:text><text:p>4111<text:span text:style-name='T1'>1111</text:span>"
        "<text:bookmark text:name='4>5'/>11<text:span>11<text:span>11</text:span></text:span>11</text:p>"
        "<text:p>5555<text:s/>5555<text:tab/>5555<text:line-break/>4444</text:p>"
        "<text:p>7</text:p><text:p>8</text:p>"
        "<table:table-cell office:value='4012888888881881'/></office:text>"
    )
    text = text_of(opendocument(content), "content.xml", "a.odt")
    for expected in (CARD, b"5555 5555 5555 4444", b"4012888888881881", b"text:name='4>5'"):
        assert expected in text
    assert b"78" not in text


@pytest.mark.parametrize("at", [2**18 - 60 + step for step in range(0, 120, 7)])
def test_a_text_across_the_cuts_of_reading(at: int) -> None:
    filler = "<w:p><w:t>x</w:t></w:p>"
    body = filler * (at // len(filler)) + " " * (at % len(filler))
    body += f"<w:p><w:t>{RUN.join(DIGITS)}</w:t></w:p>" + filler * 20_000
    assert text_of(word(body)).count(CARD) == 1


# ── other parts, and limits ──────────────────────────────────────────────────────────────────────


def test_embedded_files_and_images() -> None:
    inner = word(f"<w:p><w:t>{RUN.join(DIGITS)}</w:t></w:p>")
    raw = word(
        "",
        **{
            "word/embeddings/a.docx": inner,
            "word/media/i.png": b"\x89PNG" + CARD,
            "word/b.gz": gzip.compress(CARD),
        },
    )
    found = seen("a.docx", raw)
    assert CARD in found["a.docx!word/embeddings/a.docx!word/document.xml"]  # type: ignore[operator]
    assert found["a.docx!word/media/i.png"] == b"\x89PNG" + CARD
    assert found["a.docx!word/b.gz"] == CARD


def reasons(name: str, raw: bytes, limits: Limits | None = None) -> list[str]:
    found = []
    for item in expand(name, io.BytesIO(raw), Budget(limits or Limits())):
        result = look(iter([item]))
        found += [text for text in result.values() if isinstance(text, str)]
    return found


def test_what_is_not_read_is_named() -> None:
    entities = b'<!DOCTYPE x [<!ENTITY c "4111111111111111">]><w:document>&c;</w:document>'
    assert any(
        "entities" in text for text in reasons("a.docx", zipped(TYPES | {"word/document.xml": entities}))
    )
    sheet = zipped(TYPES | {"xl/worksheets/sheet1.bin": b"\0\1", "xl/printerSettings/p.bin": b"\0"})
    assert len(reasons("a.xlsb", sheet)) == 1
    manifest = b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>"
    assert "is encrypted, which is not read" in reasons(
        "a.odt", opendocument("?", **{"META-INF/manifest.xml": manifest})
    )
    ebcdic = zipped(TYPES | {"word/document.xml": "<?xml".encode("cp037")})
    assert any("encoding" in text for text in reasons("a.docx", ebcdic))


def test_cut_off_and_damaged() -> None:
    raw = word(f"<w:p><w:t>{DIGITS}</w:t></w:p>")
    assert not reasons("a.docx", raw)
    for kept in [*range(30, len(raw), 17), len(raw) - 1]:
        assert reasons("a.docx", raw[:kept]), kept
    at = raw.index(b"word/document.xml") + 40
    assert reasons("a.docx", raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])


def test_bombs_are_limited() -> None:
    raw = word("<w:p/>" * 1_000_000)
    assert any("expands to more" in text for text in reasons("a.docx", raw, Limits(expanded=2**20)))


def test_memory_is_flat_and_long_paragraphs_are_named() -> None:
    many = word(f"<w:p><w:r><w:t>{RUN.join('some text')}</w:t></w:r></w:p>" * 8_000)
    one = word("<w:p>" + "<w:r><w:t>some text</w:t></w:r>" * 100_000 + "</w:p>")
    for raw, long in ((many, False), (one, True)):
        tracemalloc.start()
        total, skipped = 0, []
        for item in expand("a.docx", io.BytesIO(raw), Budget()):
            total += sum(len(chunk) for chunk in getattr(item, "chunks", ()))
            skipped += [item.reason] if isinstance(item, Skipped) else []
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert total > 900_000
        assert peak < 20_000_000, peak
        assert len(skipped) == long
