"""``policyproof policy``: the lock holds fingerprints and nothing of the text."""

from __future__ import annotations

import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from checks.core.policy import read_lock
from policyproof.__main__ import main

ROOT = Path(__file__).parents[2]
POLICY = "1. What we do\n\nWe run a service.\n\n2. Sale\n\nNothing is sold. Not to anybody.\n"


def lock(folder: Path, source: str, *more: str) -> int:
    return main(["policy", "lock", source, "--as", "acme", "--controls", str(folder / "controls"), *more])


def test_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.txt").write_text(POLICY)
    assert lock(tmp_path, str(tmp_path / "policy.txt")) == 0
    assert "2 sections, 3 sentences" in capsys.readouterr().out
    written = (tmp_path / "controls/policy.lock").read_text()
    assert "sold" not in written
    assert "service" not in written
    assert str(tmp_path) not in written
    (tmp_path / "policy.txt").write_text(POLICY.replace("Nothing", "Little"))
    assert lock(tmp_path, str(tmp_path / "policy.txt")) == 0
    assert "changed since" in (said := capsys.readouterr().out)
    assert ": 2.1\n" in said
    assert "note: the text changed under the same version and date" in said
    (tmp_path / "policy.txt").write_text(f"Version: 2\n\n{POLICY}")
    assert lock(tmp_path, str(tmp_path / "policy.txt")) == 0
    assert "note:" not in capsys.readouterr().out


def test_an_older_lock_has_its_headings_locked_from_now_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.txt").write_text(f"Privacy policy\n\n{POLICY}")
    path = tmp_path / "controls/policy.lock"
    assert lock(tmp_path, str(tmp_path / "policy.txt")) == 0
    whole = path.read_text()
    path.write_text(whole.partition("    headings:")[0])
    old = read_lock(path)["acme"]
    assert len(old.clauses) == len(old.marks) == 3
    capsys.readouterr()
    assert lock(tmp_path, str(tmp_path / "policy.txt")) == 0
    said = capsys.readouterr().out
    assert "headings: locked from now on\n" in said
    assert said.endswith(": nothing\n")
    assert path.read_text() == whole
    text = POLICY.replace("1. What we do", "1. Who we are").replace("Nothing", "Little")
    (tmp_path / "policy.txt").write_text(f"Privacy\n\n{text}")
    assert lock(tmp_path, str(tmp_path / "policy.txt")) == 0
    said = capsys.readouterr().out
    assert ": sentence 1 before section 1, the heading of section 1, 2.1\n" in said


def test_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.txt").write_text(POLICY)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Quiet(*a, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        assert lock(tmp_path, f"http://127.0.0.1:{server.server_port}/policy.txt?token=hunter2") == 0
        assert lock(tmp_path, f"http://127.0.0.1:{server.server_port}/none.txt") == 3
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    assert "hunter2" not in (tmp_path / "controls/policy.lock").read_text()
    assert "404" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [("Sign in to go on.", "no numbered section"), (None, "cannot be read (No such")],
)
def test_what_cannot_be_locked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "policy.txt").write_text(content)
    assert lock(tmp_path, str(tmp_path / "policy.txt")) == 4
    complaint = capsys.readouterr().err
    assert words in complaint
    assert complaint.count("\n") == 1
    assert not (tmp_path / "controls/policy.lock").exists()


def test_the_shipped_locks_have_every_sentence_and_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    documents = read_lock(ROOT / "controls/policy.lock", shown="policy.lock")
    assert {name: len(document.clauses) for name, document in documents.items()} == {"enfyra": 41, "lab": 41}
    assert {name: (len(one.headings), len(one.preamble)) for name, one in documents.items()} == {
        "enfyra": (14, 0),  # its text begins with section 1
        "lab": (14, 1),
    }
    per_section = [sum(c.startswith(f"{n}.") for c in documents["enfyra"].clauses) for n in range(1, 15)]
    assert per_section == [3, 5, 2, 4, 3, 3, 3, 4, 3, 3, 2, 3, 2, 1]
    assert main(["policy", "show", "9.1", "--controls", str(ROOT / "controls")]) == 0
    shown = capsys.readouterr().out
    assert "automated" in shown
    assert "RET-02" in shown
