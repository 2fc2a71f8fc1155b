"""A timestamp counts only if it is about this signature, answers this question, by this authority."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tsa import Answer, Authority, serving

from checks.core.errors import PolicyproofError, TimedOut, Unreachable
from reports.signing import Forged, SigningError
from reports.signing.timestamp import LARGEST, REPLY, ask, check

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is the authority")
SIGNATURE = bytes(range(64))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "here")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "there")


def asked(
    authority: Authority, answer: Callable[[bytes], Answer], *, pem: bytes = b"", patience: float = 10
) -> bytes:
    with serving(answer) as url:
        return ask(url, SIGNATURE, pem or authority.root.read_bytes(), "root.pem", patience)


def test_a_token_of_a_real_authority_says_when(authority: Authority, tmp_path: Path) -> None:
    token = asked(authority, lambda query: (200, REPLY, authority.reply(query)))
    pem = authority.root.read_bytes()
    moment = check(token, SIGNATURE, pem, "x.tsr", "root.pem")
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    # With the authority's own certificate beside its root, too.
    assert check(token, SIGNATURE, authority.own.read_bytes() + pem, "x.tsr", "root.pem") == moment
    # OpenSSL takes it as well, and refuses it for another signature.
    for name, data in (("x.tsr", token), ("sig", SIGNATURE), ("other", b"other")):
        (tmp_path / name).write_bytes(data)
    assert authority.accepts(tmp_path / "x.tsr", tmp_path / "sig")
    assert not authority.accepts(tmp_path / "x.tsr", tmp_path / "other")


def test_a_token_is_held_against_signature_and_authority(authority: Authority, other: Authority) -> None:
    token = authority.reply(authority.query(SIGNATURE))
    pem = authority.root.read_bytes()
    with pytest.raises(Forged, match=r"x\.tsr: the timestamp is about another signature"):
        check(token, SIGNATURE[::-1], pem, "x.tsr", "root.pem")
    with pytest.raises(Forged, match=r"x\.tsr: the timestamp is not by the authority in root\.pem"):
        check(token, SIGNATURE, other.root.read_bytes(), "x.tsr", "root.pem")
    with pytest.raises(Forged, match="not by the authority"):
        check(token, SIGNATURE, pem + other.own.read_bytes(), "x.tsr", "root.pem")
    assert check(token, SIGNATURE, pem + authority.own.read_bytes() + other.root.read_bytes(), "x", "y")


def test_a_token_altered_anywhere_is_refused(authority: Authority) -> None:
    token = authority.reply(authority.query(SIGNATURE))
    pem = authority.root.read_bytes()
    held = check(token, SIGNATURE, pem, "x.tsr", "root.pem")
    for at in range(0, len(token), 7):
        changed = bytearray(token)
        changed[at] ^= 0x11
        # Either it is refused, or it is in what no signature covers, and the moment stays.
        with suppress(SigningError):
            assert check(bytes(changed), SIGNATURE, pem, "x.tsr", "root.pem") == held
    for cut in (b"", token[:-1], token + b"\0", b"junk"):
        with pytest.raises(SigningError):
            check(cut, SIGNATURE, pem, "x.tsr", "root.pem")


def test_a_certificate_that_is_not_for_timestamps_is_refused(tmp_path: Path) -> None:
    rogue = Authority(tmp_path / "rogue")
    token = rogue.reply(rogue.query(SIGNATURE))
    rogue._run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
               "-CAcreateserial", "-out", "plain.pem", "-extfile", "openssl.cnf",
               "-extensions", "plain")  # fmt: skip
    plain = (tmp_path / "rogue" / "plain.pem").read_bytes()
    with pytest.raises(SigningError, match="holds no root certificate"):
        check(token, SIGNATURE, plain, "x.tsr", "plain.pem")
    with pytest.raises(SigningError, match="holds no certificate in PEM"):
        check(token, SIGNATURE, b"junk", "x.tsr", "plain.pem")


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (lambda a, q: (200, "text/html", a.reply(q)), SigningError, "does not answer with application/time"),
        (lambda a, q: (200, REPLY, b"<html>"), SigningError, "is no timestamp"),
        (lambda a, q: (200, REPLY, b""), SigningError, "is no timestamp"),
        (lambda a, q: (200, REPLY, b"0" * (LARGEST + 1)), SigningError, "more than a timestamp can be"),
        (lambda a, q: (500, REPLY, a.reply(q)), SigningError, "status 500"),
        (lambda a, q: (302, REPLY, a.reply(q)), SigningError, "status 302"),
        (lambda a, q: (200, REPLY, a.reply(b"junk")), SigningError, "the authority refused"),
        (lambda a, q: (200, REPLY, a.reply(a.query(SIGNATURE))), Forged, "another question"),
        (lambda a, q: (200, REPLY, a.reply(a.query(b"something else"))), Forged, "another signature"),
    ],
)
def test_an_answer_of_no_use_is_refused(
    authority: Authority, answer: Callable[[Authority, bytes], Answer], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        asked(authority, lambda query: answer(authority, query))
    assert type(caught.value) is error
    assert "127.0.0.1" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_answer_of_another_authority_is_refused(authority: Authority, other: Authority) -> None:
    with pytest.raises(Forged, match=r"not by the authority in root\.pem"):
        asked(authority, lambda query: (200, REPLY, other.reply(query)))


def test_nothing_that_answers_is_said(authority: Authority) -> None:
    pem = authority.root.read_bytes()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="no timestamp authority answers there"):
            ask(f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}/x", SIGNATURE, pem, "root.pem")
        taken.listen()  # accepts, and never says a word
        with pytest.raises(TimedOut, match=r"no answer in 0\.3 s"):
            ask(f"http://127.0.0.1:{taken.getsockname()[1]}/x", SIGNATURE, pem, "root.pem", 0.3)


@pytest.mark.parametrize("url", ["ftp://x/tsa", "tsa.example", "", "http://", "http://[", "http://x:99999/"])
def test_an_address_that_is_none_is_said(authority: Authority, url: str) -> None:
    with pytest.raises(SigningError, match=r"a timestamp authority is an http\(s\) address"):
        ask(url, SIGNATURE, authority.root.read_bytes(), "root.pem")


def test_an_answer_that_trickles_is_given_up(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            with server.accept()[0] as peer:
                peer.recv(65536)
                head = f"HTTP/1.1 200 OK\r\nContent-Type: {REPLY}\r\nContent-Length: 4000\r\n\r\n"
                try:
                    peer.sendall(head.encode())
                    for _ in range(100):
                        time.sleep(0.05)
                        peer.sendall(b"0")
                except OSError:
                    return  # given up on, as it should be

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        begun = time.monotonic()
        with pytest.raises(TimedOut, match=r"no whole answer in 0\.3 s"):
            ask(url, SIGNATURE, authority.root.read_bytes(), "root.pem", 0.3)
        assert time.monotonic() - begun < 2
        thread.join()


def test_no_password_of_the_address_is_shown(authority: Authority) -> None:
    with pytest.raises(PolicyproofError) as caught:
        ask(
            "http://user:secret@127.0.0.1:1/tsa?key=secret",
            SIGNATURE,
            authority.root.read_bytes(),
            "root.pem",
        )
    assert "secret" not in str(caught.value)
