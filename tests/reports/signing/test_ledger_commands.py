"""``policyproof ledger``: what each command says and leaves behind, and with what it exits."""

from __future__ import annotations

import base64
import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_runs import record, rows, tamper
from tsa import Authority, serving

from policyproof.__main__ import main
from reports.ledger import Ledger
from reports.signing.timestamp import REPLY
from tests import servers

Said = tuple[int, str, str]
OUT = Path("reports/out")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs on two environments in ``reports/out``, and a key."""
    folder = tmp_path_factory.mktemp("recorded")
    record(folder / OUT, -3000, -2000, -10, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("POLICYPROOF_KEY_PASSPHRASE", raising=False)
        assert main(["ledger", "key", str(folder / "k.pem")]) == 0
    return folder


@pytest.fixture
def ledger(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A copy of what was recorded, where the commands are given."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("POLICYPROOF_LEDGER", "POLICYPROOF_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    return Ledger(OUT / "ledger.sqlite")


@pytest.fixture
def run(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def given(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = main(["ledger", *map(str, arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        if code:
            assert said.err.startswith("policyproof: ")
            assert len(said.err.splitlines()) == 1, said.err
        return code, said.out, said.err

    return given


Run = Callable[..., Said]


def test_a_whole_ledger_is_said_to_be_and_against_what(ledger: Ledger, run: Run) -> None:
    code, out, err = run("verify")
    head = ledger.head()
    assert head is not None
    assert out.splitlines() == [
        f"ledger.sqlite: whole, 4 entries (lab 2, production 2); head {head.digest}",
        "held against 2 reports",
    ]
    assert (code, err) == (0, "")
    assert run("sign", "--key", "k.pem")[0] == 0
    code, out, _ = run("verify", "--key", "k.pub.pem", "--quick", "--anchor", f"4:{head.digest}")
    assert code == 0
    assert out.splitlines()[1:] == [
        "heads only: no block was read (--quick)",
        "held against 2 reports, 1 signature and 1 given digest",
        "reports/out/ledger.dsse.json: entry 4, signed with this key",
    ]
    # Where the key is not given, it is not said that it is signed with it.
    assert "signed, by whom was not checked (no --key)" in run("verify")[1]


def test_nothing_to_hold_it_against_is_said(run: Run, tmp_path: Path) -> None:
    record(tmp_path / "bare", 0, report=False)
    code, out, _ = run("verify", "--ledger", "bare/ledger.sqlite")
    assert code == 0
    assert "held against nothing from outside: that its end was cut off would not show" in out


def test_the_first_run_that_was_changed_is_named(ledger: Ledger, run: Run) -> None:
    tamper(ledger, "UPDATE entry SET head = replace(head, 'run-2', 'run-X') WHERE number = 2")
    code, out, err = run("verify")
    assert (code, out) == (1, "")
    assert "ledger.sqlite: changed: entry 2 (run-2) was changed after it was recorded" in err
    for command in (["sign", "--key", "k.pem"], ["export", "--to", "x.zip"], ["prune", "--keep", "P1Y"]):
        assert run(*command)[0] == 1  # nothing is signed, exported or removed that was changed
    assert not (OUT / "ledger.dsse.json").exists()
    assert not Path("x.zip").exists()


def test_a_block_that_was_changed_shows_unless_it_is_not_looked_at(ledger: Ledger, run: Run) -> None:
    tamper(ledger, "UPDATE block SET body = x'00' WHERE digest = (SELECT min(digest) FROM block)")
    assert run("verify")[0] == 1
    assert run("verify", "--quick")[0] == 0


CUT = ("DELETE FROM change WHERE number = 4", "DELETE FROM entry WHERE number = 4")


def cut(ledger: Ledger) -> None:
    """Take the last run away with all that belongs to it."""
    alive = {block for one in list(ledger.entries())[:3] for block in _named(one.head)}
    tamper(ledger, *CUT, f"DELETE FROM block WHERE digest NOT IN ({','.join(map(repr, alive))})")


def _named(head: str) -> set[str]:
    read = json.loads(head)
    single = {read[key] for key in ("plan", "findings", "times")}
    return single | set(read["evidence"].values()) | set(read["parts"].values())


def test_a_ledger_cut_at_its_end_contradicts_a_report(ledger: Ledger, run: Run) -> None:
    cut(ledger)
    code, _, err = run("verify")
    assert code == 1
    assert "entries were cut from the end: entry 4 is known, the last here is 3" in err
    assert "(it contradicts reports/out/lab/report.json)" in err
    assert run("sign", "--key", "k.pem")[0] == 1
    (OUT / "lab" / "report.json").unlink()
    assert run("verify")[0] == 0  # nothing is left that knows of entry 4


def test_a_ledger_cut_at_its_end_contradicts_what_was_signed_or_exported(ledger: Ledger, run: Run) -> None:
    head = ledger.head()
    assert head is not None
    run("sign", "--key", "k.pem")
    run("export", "--to", "b.zip", "--key", "k.pem")
    for report in OUT.glob("*/report.json"):
        report.unlink()
    cut(ledger)
    assert "contradicts reports/out/ledger.dsse.json" in run("verify", "--key", "k.pub.pem")[2]
    assert run("sign", "--key", "k.pem")[0] == 1  # a shorter ledger is not signed in its place
    (OUT / "ledger.dsse.json").unlink()
    assert run("verify")[0] == 0
    code, _, err = run("verify", "--bundle", "b.zip")
    assert (code, "contradicts b.zip" in err) == (1, True)
    for option in (("--head", head.digest), ("--anchor", f"4:{head.digest}")):
        assert run("verify", *option)[0] == 1


def test_a_ledger_written_anew_contradicts_its_reports(ledger: Ledger, run: Run) -> None:
    ledger.path.unlink()
    for end in ("-wal", "-shm"):
        ledger.path.with_name(ledger.path.name + end).unlink(missing_ok=True)
    record(OUT, -3000, -2000, -9, 1, report=False)
    code, _, err = run("verify")
    assert code == 1
    assert "is not the one known from elsewhere" in err
    assert "contradicts reports/out/lab/report.json" in err


def test_a_report_that_is_none_is_not_counted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (OUT / "lab" / "report.json").write_text("{")
    code, out, err = run("verify")
    assert code == 0
    assert "held against 1 report\n" in out
    assert "reports/out/lab/report.json: not held against the ledger, it is no report" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["verify", "--ledger", "none.sqlite"], 3, "no ledger, or an empty one"),
        (["verify", "--ledger", "k.pem"], 3, "k.pem: "),
        (["verify", "--ledger", "mysql://u:secret@h/d"], 3, "postgresql://HOST/DATABASE"),
        (["verify", "--key", "k.pub.pem"], 3, "no signature is there"),
        (["verify", "--signature", "none.json"], 3, "none.json: the signature cannot be read"),
        (["verify", "--signature", "k.pem"], 3, "k.pem: is no signature"),
        (["verify", "--bundle", "none.zip"], 3, "none.zip: cannot be read"),
        (["verify", "--bundle", "k.pem"], 3, "k.pem: is no bundle"),
        (["verify", "--key", "none.pem"], 4, "none.pem: the key cannot be read"),
        (["verify", "--key", "k.pem"], 4, "is a private key"),
        (["verify", "--tsa-cert", "k.pem"], 4, "give --key too"),
        (["verify", "--anchor", "4"], 4, "--anchor takes N:DIGEST"),
        (["verify", "--head", "abc"], 4, "--head takes a digest of 64 hex digits"),
        (["verify", "--head", "ab" * 32], 1, f"no entry has the digest {'ab' * 32}"),
        (["sign", "--key", "k.pub.pem"], 4, "is a public key"),
        (["sign", "--key", "k.pem", "--timestamp", "http://x"], 4, "go together"),
        (["sign", "--key", "k.pem", "--ledger", "none.sqlite"], 3, "no ledger"),
        (["key", "k.pem"], 4, "k.pem: is there already, and is not overwritten"),
        (["key", "k.pem/x.pem"], 4, "cannot be written"),
        (["export", "--to", "k.pem/x.zip"], 4, "cannot be written"),
        (["export", "--to", "x.zip", "--from", "5"], 4, "entries are 1 to 4"),
        (["export", "--to", "x.zip", "--from", "0"], 4, "entries are 1 to 4"),
        (["rebuild", "none.zip", "--unsigned", "--ledger", "n.sqlite"], 3, "none.zip: cannot be read"),
        (["rebuild", "k.pem", "--unsigned", "--ledger", "n.sqlite"], 3, "is no bundle"),
        (["rebuild", "k.pem", "--unsigned", "--ledger", "k.pem"], 4, "k.pem: is there already"),
        (["prune", "--keep", "P0D"], 4, "would keep nothing"),
        (["prune", "--keep=-P7Y"], 4, "would keep nothing"),
        (["prune", "--keep", "seven years"], 4, "is not an ISO 8601 duration"),
        (["prune", "--keep", "P9999Y"], 4, "before the calendar begins"),
        (["prune", "--keep", "P7Y", "--ledger", "none.sqlite"], 3, "no ledger"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run: Run, arguments: list[str], code: int, said: str
) -> None:
    found, _, err = run(*arguments)
    assert (found, said in err) == (code, True), err
    assert "secret" not in err


def test_a_key_is_for_its_owner_alone_and_may_be_encrypted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stat.S_IMODE(Path("k.pem").stat().st_mode) == 0o600
    monkeypatch.setenv("POLICYPROOF_KEY_PASSPHRASE", "correct horse")
    assert "private key, encrypted" in run("key", "locked.pem")[1]
    assert run("sign", "--key", "locked.pem")[0] == 0
    monkeypatch.setenv("POLICYPROOF_KEY_PASSPHRASE", "wrong")
    code, _, err = run("sign", "--key", "locked.pem")
    assert (code, "does not open it" in err, "wrong" in err) == (4, True, False)
    assert run("verify", "--key", "locked.pub.pem")[0] == 0


def test_a_signature_that_does_not_hold_is_said(ledger: Ledger, run: Run) -> None:
    run("sign", "--key", "k.pem")
    run("key", "other.pem")
    path = OUT / "ledger.dsse.json"
    whole = json.loads(path.read_text())
    code, _, err = run("verify", "--key", "other.pub.pem")
    assert (code, "is not signed with this key" in err) == (1, True)
    payload = base64.b64decode(whole["payload"])
    for change, said in (
        ({"payload": base64.b64encode(payload.replace(b'"lab":2', b'"lab":3')).decode()}, "was altered"),
        ({"payloadType": "text/plain"}, "another type of payload"),
        ({"signatures": [{**whole["signatures"][0], "sig": "A" * 86 + "=="}]}, "was altered"),
    ):
        path.write_text(json.dumps(whole | change))
        code, _, err = run("verify", "--key", "k.pub.pem")
        assert (code, said in err) == (1, True), err
    path.write_text(json.dumps(whole))
    assert run("verify", "--key", "k.pub.pem")[0] == 0
    record(OUT, 1)
    assert run("verify", "--key", "k.pub.pem")[0] == 0  # a ledger that went on holds what was signed


def test_a_signature_of_another_ledger_does_not_hold(run: Run, tmp_path: Path) -> None:
    record(tmp_path / "other", -50, -20)
    assert run("sign", "--key", "k.pem", "--ledger", "other/ledger.sqlite")[0] == 0
    code, _, err = run("verify", "--key", "k.pub.pem", "--signature", "other/ledger.dsse.json")
    assert (code, "contradicts other/ledger.dsse.json" in err) == (1, True)


def test_a_ledger_goes_out_and_comes_back(ledger: Ledger, run: Run) -> None:
    code, out, _ = run("export", "--to", "bundles", "--key", "k.pem")
    assert (code, "entries 1 to 4" in out) == (0, True)
    assert [one.name for one in Path("bundles").iterdir()] == ["ledger-000001-000004.zip"]
    record(OUT, 1)
    assert run("export", "--to", "bundles", "--key", "k.pem", "--from", "5")[0] == 0
    files = sorted(Path("bundles").iterdir())
    assert [one.name for one in files] == ["ledger-000001-000004.zip", "ledger-000005-000005.zip"]
    code, out, _ = run("rebuild", *files, "--key", "k.pub.pem", "--ledger", "back/new.sqlite")
    assert (code, "new.sqlite: 5 entries as recorded" in out, "signed with this key" in out) == (
        0,
        True,
        True,
    )
    assert rows(Ledger(Path("back/new.sqlite"))) == rows(ledger)
    assert [one.name for one in Path("back").iterdir()] == ["new.sqlite"]
    assert run("verify", "--ledger", "back/new.sqlite", "--report-dir", OUT)[0] == 0
    for arguments, code in (
        ([files[0], "--key", "k.pub.pem", "--ledger", "back/new.sqlite"], 4),  # never over another
        ([files[1], files[0], "--key", "k.pub.pem", "--ledger", "n.sqlite"], 1),
        ([files[1], "--key", "k.pub.pem", "--ledger", "n.sqlite"], 1),
        ([files[0], files[0], "--key", "k.pub.pem", "--ledger", "n.sqlite"], 1),
        ([files[0], "--key", "k.pub.pem", "--head", "ab" * 32, "--ledger", "n.sqlite"], 1),
    ):
        assert run("rebuild", *arguments)[0] == code
        assert not Path("n.sqlite").exists()
    assert run("export", "--to", files[0], "--key", "k.pem")[0] == 4


def test_an_unsigned_bundle_is_taken_only_where_that_is_said(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "not signed" in run("export", "--to", "x.zip")[1]
    code, _, err = run("rebuild", "x.zip", "--key", "k.pub.pem", "--ledger", "n.sqlite")
    assert (code, "x.zip: is not signed" in err) == (1, True)
    code, out, _ = run("rebuild", "x.zip", "--unsigned", "--ledger", "n.sqlite")
    assert (code, "who made the bundles was not checked" in out) == (0, True)
    with pytest.raises(SystemExit):  # neither key nor --unsigned: a mistake in usage
        main(["ledger", "rebuild", "x.zip", "--ledger", "m.sqlite"])
    assert "one of the arguments --key --unsigned is required" in capsys.readouterr().err


def test_prune_says_what_it_removes_and_removes_what_it_said(ledger: Ledger, run: Run) -> None:
    before = rows(ledger)
    code, out, _ = run("prune", "--keep", "P5Y", "--dry-run")
    assert (code, rows(ledger)) == (0, before)
    blocks = out.split(": ")[1].split()[0]
    assert int(blocks) > 0
    code, out, _ = run("prune", "--keep", "P5Y")
    assert code == 0
    assert f"ledger.sqlite: {blocks} blocks (" in out
    assert "of 2 runs before" in out
    assert "entry 5 says so" in out
    assert len(rows(ledger)) == len(before) - int(blocks) + 1
    assert run("verify")[0] == 0
    assert "nothing was removed" in run("prune", "--keep", "P5Y")[1]


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is the authority")
def test_a_signature_is_dated_by_an_authority(ledger: Ledger, run: Run, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "tsa"), Authority(tmp_path / "rogue")
    root = authority.root
    token = OUT / "ledger.dsse.json.tsr"
    with serving(lambda query: (200, "text/html", b"")) as url:
        code, _, err = run("sign", "--key", "k.pem", "--timestamp", url, "--tsa-cert", root)
    assert (code, "is it a timestamp authority?" in err) == (3, True)
    assert run("sign", "--key", "k.pem", "--timestamp", url, "--tsa-cert", root)[0] == 3  # gone
    with serving(lambda query: (200, REPLY, other.reply(query))) as url:
        code, _, err = run("sign", "--key", "k.pem", "--timestamp", url, "--tsa-cert", root)
    assert (code, "not by the authority" in err) == (1, True)
    assert not (OUT / "ledger.dsse.json").exists()  # nothing was written by any of them
    with serving(lambda query: (200, REPLY, authority.reply(query))) as url:
        assert run("sign", "--key", "k.pem", "--timestamp", url, "--tsa-cert", root)[0] == 0
    code, out, _ = run("verify", "--key", "k.pub.pem", "--tsa-cert", root)
    assert (code, "signed with this key, seen by the authority at 20" in out) == (0, True)
    code, _, err = run("verify", "--key", "k.pub.pem", "--tsa-cert", other.root)
    assert (code, "not by the authority" in err) == (1, True)
    assert run("verify", "--key", "k.pub.pem", "--tsa-cert", "none.pem")[0] == 4
    kept = token.read_bytes()
    assert run("sign", "--key", "k.pem")[0] == 0
    assert not token.exists()  # it was about the signature before
    code, _, err = run("verify", "--key", "k.pub.pem", "--tsa-cert", root)
    assert (code, "the timestamp cannot be read" in err) == (3, True)
    run("key", "second.pem")
    run("sign", "--key", "second.pem")
    token.write_bytes(kept)
    code, _, err = run("verify", "--key", "second.pub.pem", "--tsa-cert", root)
    assert (code, "about another signature" in err) == (1, True)


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("securesystemslib", ["key", "n.pem"], "sign"),
        ("cryptography", ["sign", "--key", "k.pem"], "sign"),
        ("securesystemslib", ["verify", "--key", "k.pub.pem"], "sign"),
        ("rfc3161_client", ["sign", "--key", "k.pem", "--timestamp", "http://x", "--tsa-cert", "k.pem"],
         "timestamp"),
    ],
)  # fmt: skip
def test_a_library_that_is_not_installed_is_named(
    run: Run, missing: str, arguments: list[str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, err = run(*arguments)
    assert (code, f"(pip install 'policyproof[{extra}]')" in err) == (4, True), err


def test_verifying_needs_none_of_them(ledger: Ledger) -> None:
    code = (
        "import sys\n"
        "for name in ('securesystemslib', 'cryptography', 'rfc3161_client'): sys.modules[name] = None\n"
        "from policyproof.__main__ import main\n"
        "sys.exit(main(['ledger', 'verify']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_ledger_on_a_server_is_verified_signed_exported_and_rebuilt(
    ledger: Ledger, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers.postgres() as server:
        server.admin("CREATE DATABASE ledger")
        url = server.url("ledger")
        assert run("export", "--to", "one.zip", "--key", "k.pem")[0] == 0
        code, out, _ = run("rebuild", "one.zip", "--key", "k.pub.pem", "--ledger", url)
        assert (code, "ledger ledger: 4 entries as recorded" in out) == (0, True)
        monkeypatch.setenv("POLICYPROOF_LEDGER", url)  # the reports are in reports/out
        assert run("sign", "--key", "k.pem")[0] == 0
        code, out, _ = run("verify", "--key", "k.pub.pem")
        assert (code, "held against 2 reports and 1 signature" in out) == (0, True)
        assert run("export", "--to", "two.zip", "--key", "k.pem")[0] == 0
        assert run("rebuild", "two.zip", "--key", "k.pub.pem", "--ledger", "back.sqlite")[0] == 0
        assert rows(Ledger(Path("back.sqlite"))) == rows(ledger)
        code, _, err = run("rebuild", "one.zip", "--key", "k.pub.pem", "--ledger", url)
        assert (code, "not empty, so nothing can be restored into it" in err) == (3, True)
        server.admin("ALTER TABLE entry DISABLE TRIGGER ALL", CHANGED_THERE, database="ledger")
        code, _, err = run("verify")
        assert (code, "entry 3 (run-3) was changed" in err) == (1, True)
    code, _, err = run("verify")
    assert (code, "the server does not answer" in err) == (3, True)
    assert servers.PASSWORD not in err


CHANGED_THERE = "UPDATE entry SET environment = 'elsewhere' WHERE number = 3"
