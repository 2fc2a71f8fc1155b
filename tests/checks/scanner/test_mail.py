"""Mail: headers and parts of messages as mailers write them, decoded, none passed over."""

from __future__ import annotations

import base64
import gzip
import io
import mailbox
import tracemalloc
from collections.abc import Iterator
from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest

from checks.scanner.expand import expand, open_file
from checks.scanner.source import Budget, Item, Limits
from tests.checks.scanner.test_expand import CARD, look, seen, zipped


def message(body: str = "hello\n", **files: bytes) -> EmailMessage:
    made = EmailMessage()
    made["From"] = "a@example.com"
    made["Message-ID"] = "<1@example.com>"
    made["Subject"] = "Order"
    made.set_content(body, cte="7bit")
    for name, raw in files.items():
        made.add_attachment(raw, "application", "octet-stream", filename=name.replace("_", "."))
    return made


def pieces(raw: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(raw), size):
        yield raw[at : at + size]


# ── one message ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_plain_message_is_one_stream(newline: bytes) -> None:
    raw = message(f"card {CARD.decode()}\n").as_bytes().replace(b"\n", newline)
    (found,) = seen("a.eml", raw).items()
    assert found[0] == "a.eml"
    assert b"Subject: Order" in found[1]  # type: ignore[operator]
    assert bytes(found[1]).endswith(b"\ncard " + CARD + newline)  # type: ignore[arg-type]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_attachments_are_expanded(newline: bytes) -> None:
    made = message(a_gz=gzip.compress(CARD), b_zip=zipped({"in.txt": CARD}), empty_bin=b"")
    made.add_attachment(f"<p a='é'>{CARD.decode()}", subtype="html", cte="quoted-printable")
    found = seen("a.eml", made.as_bytes().replace(b"\n", newline))
    assert found.keys() == {
        "a.eml",
        "a.eml!part 1",
        "a.eml!a.gz",
        "a.eml!b.zip!in.txt",
        "a.eml!empty.bin",
        "a.eml!part 5",
    }
    assert found["a.eml!a.gz"] == found["a.eml!b.zip!in.txt"] == CARD
    assert b"<p a='\xc3\xa9'>" + CARD in found["a.eml!part 5"]  # type: ignore[operator]
    assert b'filename="b.zip"' in found["a.eml"]  # type: ignore[operator]


def test_headers_in_encoded_words_and_folded() -> None:
    word = base64.b64encode("é 4111 1111".encode()).decode()
    raw = (
        f"Message-ID: <1>\nSubject: =?utf-8?B?{word}?=\n =?utf-8?q?_1111=201111?= end\n".encode()
        + b"X-F: 4111\n 1111\n\nbody"
    )
    (text,) = seen("a.eml", raw).values()
    assert "é 4111 1111 1111 1111 end".encode() in text  # type: ignore[operator]
    assert b"X-F: 4111 1111\n" in text  # type: ignore[operator]


def test_names_in_encoded_words_and_parameters() -> None:
    head = b"MIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
    body = b"\n\n" + base64.encodebytes(gzip.compress(CARD))
    for name, shown in {
        b'filename="=?utf-8?q?w=C3=B6rter=2Egz?="': "a!wörter.gz",
        b"filename*=utf-8''w%C3%B6rter.gz": "a!wörter.gz",
        b'filename*0="wor"; filename*1="d.gz"': "a!word.gz",
        b'filename="line=?utf-8?q?=0A?=feed.gz"': "a!line feed.gz",
        b"filename*999999999999999999999999999999*=''": "a!part 1",
    }.items():
        found = seen("a", head + b"Content-Disposition: attachment;\n\t" + name + body)
        assert found[shown] == CARD


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10**6])
def test_pieces_make_no_difference(size: int) -> None:
    made = message(
        "text with = signs and --dashes\n--\n", a_gz=gzip.compress(CARD * 3), b_bin=bytes(range(256)) * 9
    )
    made.add_attachment("wörter\n" * 90, cte="quoted-printable", filename="q.txt")
    raw = made.as_bytes()
    box = (b"From a@b Mon\n" + raw + b"\n") * 3
    for kind, text in (("a.eml", raw), ("a.mbox", box)):

        class Pieces(io.RawIOBase):
            source = io.BytesIO(text)

            def readable(self) -> bool:
                return True

            def read1(self, _: int) -> bytes:
                return self.source.read(size)

        assert look(expand(kind, Pieces(), Budget())) == seen(kind, text)  # type: ignore[arg-type]


def test_messages_within_messages_and_digests() -> None:
    inner = message(a_gz=gzip.compress(CARD))
    made = MIMEMultipart()
    made["Message-ID"] = "<2>"
    made.attach(MIMEText("see below\n"))
    made.attach(MIMEMessage(inner))
    head = b"MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=of-digest\n\n"
    raw_digest = head + b"--of-digest\n\n" + inner.as_bytes() + b"\n--of-digest--\n"
    assert seen("a.eml", made.as_bytes())["a.eml!a.gz"] == CARD
    assert seen("a.eml", raw_digest)["a.eml!a.gz"] == CARD
    wrapped = b"MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
    found = seen("a.eml", wrapped + base64.encodebytes(inner.as_bytes()))
    assert found["a.eml!part 1!a.gz"] == CARD


def test_charsets_are_kept() -> None:
    made = MIMEText(CARD.decode(), _charset="utf-16-le")
    made["Message-ID"] = "<1>"
    assert CARD.decode().encode("utf-16-le") in seen("a", made.as_bytes()).values()


# ── mailboxes ────────────────────────────────────────────────────────────────────────────────────


def test_a_mailbox_as_python_writes_it(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    box.add(mailbox.mboxMessage(message("From the start\nall is text\n")))
    box.add(mailbox.mboxMessage(message(a_gz=gzip.compress(CARD))))
    box.add(mailbox.mboxMessage(message(f"last {CARD.decode()}\n")))
    box.close()
    found = look(open_file(tmp_path / "box", "box", Budget()))
    assert found.keys() == {"box!1", "box!2", "box!2!part 1", "box!2!a.gz", "box!3"}
    assert b">From the start" in found["box!1"]  # type: ignore[operator]
    assert found["box!2!a.gz"] == CARD
    assert b"last " + CARD in found["box!3"]  # type: ignore[operator]


def test_a_line_of_text_is_no_message() -> None:
    text = b"\nFrom here on\nall is text\n"
    found = seen("b.mbox", b"From a@b Mon\n" + message("x\n").as_bytes() + text)
    assert list(found) == ["b.mbox!1"]
    assert text in found["b.mbox!1"]  # type: ignore[operator]


def test_a_message_that_is_cut_off_by_the_next() -> None:
    made = message(a_gz=gzip.compress(CARD)).as_bytes()
    cut = made[: made.index(b"Content-Disposition")]
    box = b"From a@b Mon\n" + cut + b"\nFrom a@b Mon\n" + made
    found = seen("b.mbox", box)
    assert found["b.mbox!2!a.gz"] == CARD
    reasons = [item.reason for item in expand("b.mbox", io.BytesIO(box), Budget()) if hasattr(item, "reason")]
    assert any("truncated" in reason for reason in reasons)


def test_a_stream_that_is_dropped_does_not_end_its_mailbox() -> None:
    box = (b"From a@b Mon\n" + message(a_bin=b"x" * 600_000).as_bytes() + b"\n") * 3
    assert [item.name for item in expand("b.mbox", io.BytesIO(box), Budget())] == [
        f"b.mbox!{number}{part}" for number in (1, 2, 3) for part in ("!part 1", "!a.bin", "")
    ]


# ── what cannot be decoded ───────────────────────────────────────────────────────────────────────


def reasons(raw: bytes, limits: Limits | None = None) -> list[str]:
    kept: list[Item] = []
    for item in expand("a.eml", io.BytesIO(raw), Budget(limits or Limits())):
        look(iter([item]))
        kept.append(item)
    return [item.reason for item in kept if hasattr(item, "reason")]


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        (
            b"Content-Type: text/plain\nContent-Transfer-Encoding: base64",
            CARD + b"!!\n",
            "not encoded as it says",
        ),
        (
            b"Content-Type: text/plain\nContent-Transfer-Encoding: base64",
            CARD + b"=\n",
            "not encoded as it says",
        ),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode", CARD, "not encoded as it says"),
        (b"Content-Type: multipart/mixed", CARD, "told apart"),
        (b"Content-Type: multipart/mixed; boundary=b", CARD, "truncated"),
        (b"Content-Type: multipart/mixed; boundary=b", b"--b\n\n" + CARD, "truncated"),
        (b"Content-Type: multipart/mixed; boundary=b; boundary*" + b"9" * 5000 + b"=x", CARD, "told apart"),
        (b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data", CARD, "S/MIME"),
        (b"Content-Type: application/ms-tnef", CARD, "not what they encode"),
        (b"Content-Type: message/partial; id=1; number=2", CARD, "split"),
    ],
)
def test_the_bytes_are_searched_and_the_reason_named(head: bytes, body: bytes, reason: str) -> None:
    raw = b"MIME-Version: 1.0\n" + head + b"\n\n" + body
    assert any(reason in text for text in reasons(raw)), reasons(raw)
    streams = [look(iter([item])) for item in expand("a.eml", io.BytesIO(raw), Budget())]
    assert any(CARD in value for found in streams for value in found.values() if isinstance(value, bytes)), (
        streams
    )


def test_encrypted_with_openpgp() -> None:
    made = MIMEMultipart("encrypted", protocol="application/pgp-encrypted")
    made["Message-ID"] = "<1>"
    made.attach(MIMEText("Version: 1\n"))
    made.attach(MIMEText("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n"))
    assert any("OpenPGP" in text for text in reasons(made.as_bytes()))


def test_cut_off_anywhere_an_attachment_is_not_the_whole() -> None:
    raw = message(a_gz=gzip.compress(CARD)).as_bytes()
    end = raw.rindex(b"--")
    assert not reasons(raw)
    for kept in range(raw.index(b"boundary=") + 50, end):
        assert reasons(raw[:kept]), kept


def test_empty_and_odd_files() -> None:
    assert seen("a.eml", b"") == {"a.eml": b""}
    assert CARD in b"".join(map(bytes, seen("a.eml", b"\n\n" + CARD).values()))  # type: ignore[arg-type]
    assert CARD in b"".join(map(bytes, seen("a.mbox", CARD).values()))  # type: ignore[arg-type]
    long = b"X: " + b"y" * 3_000_000 + CARD
    assert CARD in b"".join(map(bytes, seen("a.eml", long).values()))  # type: ignore[arg-type]


def test_limits_hold() -> None:
    made = message(**{f"f{number}_bin": b"x" for number in range(9)}).as_bytes()
    assert any("more than 3 members" in text for text in reasons(made, Limits(members=3)))
    raw = b"x"
    for _ in range(80):
        raw = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + raw + b"\n--b--\n"
    assert reasons(raw)


def test_memory_is_flat() -> None:
    line = base64.b64encode(b"x" * 57) + b"\n"

    def source() -> Iterator[bytes]:
        yield b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        yield b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
        for _ in range(60):
            yield line * 3400
        yield b"--b--\n"

    from checks.scanner.chunks import file_of

    tracemalloc.start()
    total = 0
    for item in expand("a.eml", file_of(source()), Budget()):
        total += sum(len(chunk) for chunk in getattr(item, "chunks", ()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > 11_000_000
    assert peak < 4_000_000
