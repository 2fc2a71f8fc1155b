"""``policyproof serve`` as a process of its own, asked over the wire."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

import factories

from policyproof.__main__ import main
from reports.ledger import Ledger
from reports.summary import summarise


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).append(summarise(factories.clean(), PurePath(factories.ROOT)))
    return path


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command; yield its process and the line it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "policyproof", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_interrupted(ledger: Path, ending: signal.Signals) -> None:
    with serving("--ledger", str(ledger)) as (process, line):
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/ shows ledger\.sqlite; Ctrl-C ends it\n", line)
        assert found
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
        connection.request("GET", "/run/1")
        answer = connection.getresponse()
        assert answer.status == 200
        assert b"CARD-01" in answer.read()
        assert answer.headers["Server"] == "policyproof"
        connection.request("POST", "/run/1", body="x=1")
        answer = connection.getresponse()
        assert answer.status == 405
        answer.read()
        connection.close()
        for path in ("/../../../../etc/passwd", "//etc/passwd", "/%00", "/run/1%0d%0aSet-Cookie:x"):
            connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
            connection.putrequest("GET", path, skip_host=True)
            connection.putheader("Host", "localhost")
            connection.endheaders()
            answer = connection.getresponse()
            assert answer.status in (308, 400, 404), path
            assert b"root:" not in answer.read()
            connection.close()
        process.send_signal(ending)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert errors == ""


def test_another_address_than_this_machines_own_is_warned_of(ledger: Path) -> None:
    # A name for loopback that is none of those known for it, so that the test opens nothing to others.
    name = "0x7f.1"
    with serving("--ledger", str(ledger), "--host", name) as (process, line):
        found = re.search(r":(\d+)/", line)
        assert found
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
        connection.request("GET", "/", headers={"Host": "evil.example"})
        assert connection.getresponse().status == 421
        connection.close()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert errors.startswith("policyproof: warning: 0x7f.1 is not this machine alone")
        assert errors.count("\n") == 1


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["serve", *arguments]) == 4
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.count("\n") == 1
    return errors


def test_a_port_that_is_taken_is_told(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = told(capsys, "--ledger", str(ledger), "--port", str(port))
    assert line == f"policyproof: cannot listen on 127.0.0.1 port {port} (address already in use)\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--port", "70000"), "--port 70000: from 0 to 65535"),
        (("--ledger", "none.sqlite"), "none.sqlite: no ledger; `pytest controls/` makes one"),
        (("--host", "no.such.name.invalid"), "cannot listen on no.such.name.invalid port 0 (no such name)"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    ledger: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    assert line in told(capsys, "--ledger", str(ledger), *arguments)


def test_a_file_that_is_no_ledger_is_told_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").write_text("no database\n" * 50)
    assert "other" in told(capsys, "--ledger", str(tmp_path / "other"))
