"""``policyproof scan`` as it is called: what it prints, in each format, and the code that it ends with."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from checks.core.errors import Unreachable
from checks.scanner.executors import Cluster
from checks.scanner.scan import Request, Scan
from policyproof.__main__ import main
from policyproof.scan_progress import Progress, duration, size, status
from tests import servers
from tests.reports import sarif_rules

CARD, REAL = "4111111111111111", "4539578763621486"
NOISE = random.Random(0).randbytes(10_000).hex()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A file with a real number and a test number, one that cannot be read, and one left out."""
    (tmp_path / "a.log").write_text(f"one\ncard {REAL} cvv 123\n" + "nothing\n" * 96 + f"{CARD}\n")
    (tmp_path / "b.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    (tmp_path / "c.iso").write_text(REAL)
    return tmp_path


def scan(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Return code and output of a scan that complains of nothing."""
    code = main(["scan", *map(str, arguments)])
    said = capsys.readouterr()
    assert said.err == ""
    for number in (CARD, REAL):
        assert number not in said.out
    return code, said.out


def lines(out: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    *found, last = map(json.loads, out.splitlines())
    return found, last["totals"]


def test_text(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = scan(capsys, tree, "--exclude", "*.iso")
    assert code == 1
    assert out.splitlines() == [
        f"{tree}/c.iso: excluded by *.iso",
        f"{tree}/a.log:2: critical: Visa number 453957******1486 (with a security code), high confidence",
        f"{tree}/a.log:99: low: Visa number 411111******1111 (published for tests), medium confidence",
        f"{tree}/b.7z: not looked at: is a 7z archive, which is not read",
        "read: 1 file, 819 bytes",
        "not looked at: 1, for reasons given above",
        "excluded: 1",
        "1 card number, 1 more published for tests; not everything was looked at",
    ]


def test_json_lines(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = scan(capsys, tree, "--exclude", "*.iso", "--format", "jsonl")
    (left_out, *found), totals = lines(out)
    assert left_out == {"excluded": f"{tree}/c.iso", "pattern": "*.iso"}
    fingerprint = found[0].pop("fingerprint")
    assert len(fingerprint) == 16
    assert found[0] == {
        "source": f"{tree}/a.log",
        "place": "content",
        "offset": 9,
        "line": 2,
        "form": "plain",
        "network": "Visa",
        "masked": "453957******1486",
        "confidence": "high",
        "severity": "critical",
        "test_number": False,
        "security_code": True,
        "track_data": False,
    }
    assert found[2] == {"skipped": f"{tree}/b.7z", "reason": "is a 7z archive, which is not read"}
    assert totals == {
        "findings": 2,
        "test_numbers": 1,
        "unlisted": 0,
        "bytes": 819,
        "rows": 0,
        "files": 1,
        "databases": 0,
        "skipped": 1,
        "reasons": {"is a 7z archive, which is not read": 1},
        "excluded": 1,
        "unchanged": 0,
        "exit_code": code,
    }


def test_sarif(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / f"{CARD}.txt").write_text("x")
    code, out = scan(capsys, tree, "--format", "sarif")
    log = json.loads(out)
    assert sarif_rules.faults(log, github=False) == []
    (run,) = log["runs"]
    assert [result["level"] for result in run["results"]] == ["note", "error", "note", "error"]
    assert run["results"][1]["locations"][0]["physicalLocation"]["region"] == {"startLine": 2}
    assert run["invocations"][0]["exitCode"] == code == 1
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 1


def test_sarif_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("clean\n")
    code, out = scan(capsys, tmp_path, "--format", "sarif")
    log = json.loads(out)
    assert sarif_rules.faults(log, github=False) == []
    assert code == 0
    assert log["runs"][0]["results"] == []
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is True


@pytest.mark.parametrize(
    ("content", "options", "code", "conclusion"),
    [
        (b"clean\n", (), 0, "no card number"),
        (b"", (), 3, "no card number seen, but not assessed: nothing was read"),
        (REAL.encode(), (), 1, "1 card number"),
        (CARD.encode(), (), 0, "no card number but 1 published for tests"),
        (CARD.encode(), ("--test-numbers", "fail"), 1, "no card number but 1 published for tests"),
        (
            gzip.compress(b"clean\n", mtime=0)[:-4],
            (),
            3,
            "no card number seen, but not assessed: not everything could be read",
        ),
        (
            gzip.compress(f"{REAL}\n{NOISE}".encode(), mtime=0)[:-4],
            (),
            1,
            "1 card number; not everything was looked at",
        ),
        (REAL.encode().hex().encode(), (), 1, "1 card number"),
        (REAL.encode().hex().encode(), ("--no-encoded",), 0, "no card number"),
    ],
)
def test_exit_codes(
    tmp_path: Path, content: bytes, options: tuple[str, ...], code: int, conclusion: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "file").write_bytes(content)
    given, out = scan(capsys, tmp_path, *options)
    assert given == code
    assert out.splitlines()[-1] == conclusion


def test_an_empty_folder_is_not_assessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(capsys, tmp_path)[0] == 3


def test_a_clean_sample_is_said_to_be_one_with_its_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(100):
        (tmp_path / str(number)).write_text("clean\n")
    code, out = scan(capsys, tmp_path, "--sample", "50%", "--seed", "3")
    assert code == 0
    *_, sample, bounded, last = out.splitlines()
    taken = int(sample.partition(": ")[2].partition(" of ")[0])
    assert sample.startswith("a sample of 0.5 (seed 3): ")
    assert "of 100 blocks, small files and containers" in sample
    assert bounded.startswith(
        f"nothing was found in {taken} units: with 95 % confidence at most {3 / taken:.2%}"
    )
    assert last == "no card number in the sample, which is not the whole"
    assert scan(capsys, tmp_path, "--sample", "50%", "--seed", "3") == (0, out)
    code, out = scan(capsys, tmp_path, "--sample", "50%", "--seed", "3", "--format", "jsonl")
    assert lines(out)[1]["sample"] == {
        "share": 0.5, "seed": 3, "units": taken, "of": 100, "with_findings": 0, "bound": 3 / taken
    }  # fmt: skip


def test_a_sample_that_holds_nothing_is_not_assessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_text("clean\n")
    seeds = {scan(capsys, tmp_path, "--sample", "50%", "--seed", seed)[0] for seed in range(20)}
    assert seeds == {0, 3}


def test_a_time_budget_says_how_far_it_came(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = scan(capsys, tree / "a.log", "--time-budget", "1m")
    assert code == 1
    assert "a time budget of 60 s (seed 0): 1 of 1 parts, 100.0% of the bytes" in out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["/no/such/place"], "/no/such/place: does not exist"),
        (["postgre://db/shop"], "postgre:// is nothing that can be scanned (did you mean 'postgres'?)"),
        (["{tree}", "--sample", "0"], "--sample 0: a share above 0 and at most 100%, such as 2% or 0.02"),
        (["{tree}", "--sample", "two"], "--sample two: a share above 0 and at most 100%, such as 2% or 0.02"),
        (
            ["{tree}", "--sample", "1%", "--memo", "x"],
            "--memo and --sample exclude each other: a sample chooses from all files",
        ),
        (["{tree}", "--jobs", "0"], "--jobs 0: at least 1"),
        (["{tree}", "--time-budget", "soon"], "--time-budget soon: a duration such as 90s, 15m or 1h30m"),
        (
            ["{tree}", "--cluster", "localhost"],
            "--cluster: the address of a scheduler, such as tcp://scheduler:8786",
        ),
    ],
)
def test_mistakes_are_said_in_one_line(
    tree: Path, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", *(argument.format(tree=tree) for argument in arguments)]) == 4
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"policyproof: {why}\n")


def test_a_database_that_does_not_answer_is_not_assessed(capsys: pytest.CaptureFixture[str]) -> None:
    port = servers.free_port()
    code, out = scan(capsys, f"redis://user:secret@127.0.0.1:{port}/0?x=secret")
    assert code == 3
    assert f"redis://127.0.0.1:{port}/0: not looked at: " in out
    assert "secret" not in out


def test_a_database_is_read_and_its_keys_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed (Debian package redis-server)")
    directory, user = servers.place()
    port = servers.free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    command += ["--requirepass", "secret"]
    log = directory / "log"
    try:
        with (
            log.open("wb") as output,
            subprocess.Popen(command, stdout=output, stderr=output, **user) as process,
            redis.Redis("127.0.0.1", port, password="secret") as client,
        ):
            try:
                servers.until_ready(process, log, client.ping, redis.ConnectionError)
                client.set(f"order:{CARD}", f"paid with {REAL}")
                code, out = scan(capsys, f"redis://:secret@127.0.0.1:{port}", "--format", "jsonl")
            finally:
                process.kill()
    finally:
        shutil.rmtree(directory)
    found, totals = lines(out)
    assert code == 1
    assert [(each["masked"], each["table"], each["column"], each["row"]) for each in found] == [
        ("411111******1111", "db0", "key", "key=order:411111******1111"),
        ("453957******1486", "db0", "value", "key=order:411111******1111"),
    ]
    assert {each["source"] for each in found} == {f"redis://127.0.0.1:{port}!db0"}
    assert (totals["databases"], totals["rows"]) == (1, 1)
    assert "secret" not in out


def test_a_cluster_that_does_not_answer_is_not_assessed(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(Cluster.__init__, "__kwdefaults__", {"timeout": 0.5})
    code, out = scan(capsys, tree, "--cluster", f"tcp://127.0.0.1:{servers.free_port()}")
    assert code == 3
    assert "the rest of the scan: not looked at: --cluster: no scheduler with a worker answers there" in out


def test_what_was_found_counts_though_the_scan_breaks_off(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Scan.__iter__

    def breaks_off(self: Scan) -> Iterator[Any]:
        yield from whole(self)
        raise Unreachable("--cluster: no worker is left")

    monkeypatch.setattr(Scan, "__iter__", breaks_off)
    code, out = scan(capsys, tree / "a.log")
    assert code == 1
    assert out.splitlines()[-1] == "1 card number, 1 more published for tests; not everything was looked at"


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "policyproof", "scan", "-"]
    run = subprocess.run(
        command, input=gzip.compress(f"a\n{REAL}\n".encode()), capture_output=True, check=False
    )
    assert (run.returncode, run.stderr) == (1, b"")
    assert b"standard input:2: high: Visa number 453957******1486" in run.stdout


def test_output_that_nobody_reads_ends_the_scan_quietly(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"{REAL}\n" * 3000)
    command = [sys.executable, "-m", "policyproof", "scan", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 3


def test_several_processes_give_the_same_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filler = b"an ordinary line\n" * 2**19
    for name in "abc":
        (tmp_path / name).write_bytes(filler + f"{REAL}\n".encode())
    assert scan(capsys, tmp_path, "--jobs", 2) == scan(capsys, tmp_path, "--jobs", 1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("colour", [True, False])
def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch, *, colour: bool) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "" if colour else "1")
    stream = Terminal()
    with Progress(Scan(Request(())), stream) as progress:
        progress._over.wait(0.8)
    said = stream.getvalue()
    assert said.startswith("\r\x1b[K")
    assert said.endswith("\r\x1b[K")
    assert "\n" not in said
    assert ("\x1b[2m" in said) == colour


def test_progress_elsewhere_is_plain_lines_at_long_intervals() -> None:
    stream = io.StringIO()
    with Progress(Scan(Request(())), stream, seldom=0.05) as progress:
        progress._over.wait(0.2)
    assert stream.getvalue().startswith("policyproof: 0 bytes of 0 bytes listed so far, 0 bytes/s\n")
    assert "\x1b" not in stream.getvalue()


def test_progress_tells_rate_and_time_left() -> None:
    running = Scan(Request(()))
    running.known, running.done = 3_000_000_000, 1_000_000_000
    assert status(running, 10) == "1.0 GB of 3.0 GB listed so far, 100.0 MB/s, at least 20 s left"
    running.listed = True
    assert status(running, 10) == "1.0 GB of 3.0 GB, 100.0 MB/s, 20 s left"
    assert [size(999), size(1000), size(2.5e12)] == ["999 bytes", "1.0 kB", "2.5 TB"]
    assert [duration(59), duration(61), duration(7260)] == ["59 s", "1 min 1 s", "2 h 1 min"]


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scan", "--help"])
    assert "policyproof scan dump.sql.gz uploads/" in capsys.readouterr().out
