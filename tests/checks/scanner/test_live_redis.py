"""A real Redis as a source: what comes out of it, and what it is said not to have given."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from checks.core.errors import NotAssessed, Refused, TimedOut, Unreachable
from checks.scanner.live_redis import items
from checks.scanner.source import Skipped, Table
from tests import servers

CARD = b"4111111111111111"


@contextmanager
def started(*options: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Yield port and process of a server that writes nothing to disk."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed (Debian package redis-server)")
    directory, user = servers.place()
    port = servers.free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, *options], stdout=output, stderr=output, **user)

    def ask() -> None:
        with redis.Redis("127.0.0.1", port, password=servers.PASSWORD if options else None) as client:
            client.info("server")

    try:
        servers.until_ready(process, log, ask, redis.ConnectionError)
        yield port, process
    finally:
        process.kill()
        process.wait(10)
        shutil.rmtree(directory)


def address(port: int, user: str = "default", password: str = servers.PASSWORD) -> str:
    return f"redis://{user}:{password}@127.0.0.1:{port}"


def read(found: Iterator[Any]) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return bytes by name, and what was skipped."""
    data: dict[str, bytes] = {}
    skipped: dict[str, str] = {}
    for item in found:
        if isinstance(item, Skipped):
            assert item.name not in skipped
            skipped[item.name] = item.reason
        else:
            assert item.name not in data
            if isinstance(item, Table):
                assert (item.key, item.columns) == (("key",), ("field", "value"))
            data[item.name] = b"".join(item.blocks if isinstance(item, Table) else item.chunks)
    return data, skipped


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Any]]:
    with started("--requirepass", servers.PASSWORD) as (port, _):
        client: Any = redis.Redis("127.0.0.1", port, password=servers.PASSWORD)
        client.set("clean", "a\nb\x1fc")
        client.set("string", CARD)
        client.set(CARD, "in a key")
        client.hset("hash", mapping={"number": CARD, CARD: "in a field"})
        client.rpush("list", "first", CARD)
        client.sadd("set", CARD)
        client.zadd("sorted", {CARD: 1, "in a score": int(CARD)})
        client.xadd("stream", {"number": CARD})
        client.pfadd("counter", "x")
        client.select(1)
        client.hset("hash", mapping={f"field{n}": "x" * 100 for n in range(30_000)} | {"last": CARD})
        client.rpush("list", *(["x" * 10] * 3000), CARD)
        client.sadd("set", *(f"member{n}" for n in range(3000)), CARD)
        client.zadd("sorted", {f"member{n}": n for n in range(3000)} | {CARD: 3001})
        with client.pipeline() as batch:
            for n in range(1000):
                batch.xadd("stream", {"n": n})
            batch.execute()
        client.xadd("stream", {"number": CARD})
        client.set("large 4111-1111-1111-1111", b"x" * 5_000_000 + CARD)
        client.set("packed", gzip.compress(os.urandom(2_000_000) + CARD))
        client.select(7)
        with client.pipeline() as batch:
            for n in range(5000):
                batch.set(f"key{n}", "x" * 50)
            batch.execute()
        client.acl_setuser("reader", True, passwords=["+pw"], keys=["allowed*"], categories=["+@all"])
        client.acl_setuser("nothing", True, passwords=["+pw"], keys=["*"], commands=["+get"])
        client.select(3)
        client.set("allowed", CARD)
        client.set("secret", "x")
        yield port, client
        client.close()


@pytest.fixture(scope="module")
def whole(server: tuple[int, Any]) -> tuple[dict[str, bytes], dict[str, str]]:
    return read(items(address(server[0]), name="red"))


def rows(data: bytes) -> set[tuple[bytes, ...]]:
    assert data.endswith(b"\n")
    return {tuple(row.split(b"\x1f")) for row in data[:-1].split(b"\n")}


def test_every_type_of_value(whole: tuple[dict[str, bytes], dict[str, str]]) -> None:
    data, skipped = whole
    found = rows(data["red!db0"])
    assert skipped == {}
    (counter,) = [row for row in found if row[0] == b"counter"]
    assert found - {counter} == {
        (b"clean", b"", b"a b c"),
        (b"string", b"", CARD),
        (CARD, b"", b"in a key"),
        (b"hash", b"number", CARD),
        (b"hash", CARD, b"in a field"),
        (b"list", b"0", b"first"),
        (b"list", b"1", CARD),
        (b"set", b"", CARD),
        (b"sorted", b"1", CARD),
        (b"sorted", CARD, b"in a score"),
        (b"stream", b"number", CARD),
    }


def test_large_collections_come_to_their_ends(whole: tuple[dict[str, bytes], dict[str, str]]) -> None:
    found = rows(whole[0]["red!db1"])
    count = {
        key: sum(row[0] == key for row in found) for key in (b"hash", b"list", b"set", b"sorted", b"stream")
    }
    assert count == {b"hash": 30_001, b"list": 3001, b"set": 3001, b"sorted": 3001, b"stream": 1001}
    cards = {row[0] for row in found if CARD in row}
    assert cards == {b"hash", b"list", b"set", b"sorted", b"stream"}


def test_large_strings_are_read_apart(whole: tuple[dict[str, bytes], dict[str, str]]) -> None:
    data, _ = whole
    assert len(data["red!db1, string large #"]) == 5_000_016
    assert data["red!db1, string large #"].endswith(CARD)
    assert data["red!db1, string packed"].endswith(CARD)
    assert (b"large 4111-1111-1111-1111", b"", b"") in rows(data["red!db1"])


def test_blocks_are_whole_rows(server: tuple[int, Any]) -> None:
    found = items(address(server[0]), name="red", tables=["db7"])
    table = next(found)
    assert isinstance(table, Table)
    blocks = list(table.blocks)
    assert list(found) == []
    assert len(blocks) == 2
    assert all(block.endswith(b"\n") for block in blocks)
    assert len(rows(b"".join(blocks))) == 5000


def test_a_sample_is_the_same_for_the_same_seed(server: tuple[int, Any]) -> None:
    first, again, other = (
        rows(read(items(address(server[0]), name="red", tables=["db7"], sample=0.1, seed=seed))[0]["red!db7"])
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert 350 < len(first) < 650


def test_only_what_was_asked_for(server: tuple[int, Any]) -> None:
    data, skipped = read(items(address(server[0]), name="red", tables=["db0", "db9"]))
    assert set(data) == {"red!db0"}
    assert skipped == {"red!db9": "is not there, or may not be seen by this login"}


def test_keys_that_a_login_may_not_read(server: tuple[int, Any]) -> None:
    data, skipped = read(items(address(server[0], "reader", "pw"), name="red", tables=["db3"]))
    assert data["red!db3"] == b"allowed\x1f\x1f" + CARD + b"\n"
    assert skipped == {"red!db3": "1 keys may not be read by this login"}


def test_an_empty_server_and_a_frozen_or_killed_one() -> None:
    with started() as (port, process):
        url = f"redis://127.0.0.1:{port}"
        assert read(items(url, name="red")) == ({"red!db0": b""}, {})
        with redis.Redis("127.0.0.1", port) as client:
            client.mset({f"key{n}": "x" * 1000 for n in range(3000)})
        for signalled, kind in ((signal.SIGSTOP, TimedOut), (signal.SIGKILL, Unreachable)):
            found = items(url, name="red", timeout=0.5)
            table = next(found)
            assert isinstance(table, Table)
            next(table.blocks)
            os.kill(process.pid, signalled)
            with pytest.raises(kind) as caught:
                list(table.blocks)
            assert_told(caught.value)
            found.close()
            if signalled == signal.SIGSTOP:
                os.kill(process.pid, signal.SIGCONT)


def test_a_node_of_a_cluster() -> None:
    bus = str(servers.free_port())
    with started("--requirepass", servers.PASSWORD, "--cluster-enabled", "yes", "--cluster-port", bus) as (
        port,
        _,
    ):
        _, skipped = read(items(address(port), name="red"))
        assert skipped == {"red!cluster": "has other nodes, which were not read"}


def assert_told(error: NotAssessed) -> None:
    assert error.reason.startswith("red: ")
    for secret in (servers.PASSWORD, "127.0.0.1", "wr0ng", "4111"):
        assert secret not in error.reason
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [
        ("default", "wr0ng", "refused the user name or password"),
        ("nobody", "wr0ng", "refused the user name or password"),
        ("nothing", "pw", "may not list keys or databases"),
    ],
)
def test_a_refused_login(server: tuple[int, Any], user: str, password: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        next(items(address(server[0], user, password), name="red"))
    assert_told(caught.value)
    with pytest.raises(Refused, match="refused the user name or password"):
        next(items(f"redis://127.0.0.1:{server[0]}", name="red"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://me:wr0ng@127.0.0.1", "does not begin with"),
        ("redis://me:wr0ng@127.0.0.1:port", "not a URL"),
        ("redis://me:wr0ng@127.0.0.1?colour=blue", "does not know"),
        ("redis://me:wr0ng@no-such-host.invalid", "host name is not known"),
    ],
)
def test_a_wrong_address(url: str, words: str) -> None:
    with pytest.raises(Unreachable, match=words) as caught:
        next(items(url, name="red"))
    assert_told(caught.value)


def test_a_server_that_is_not_there_or_says_nothing(server: tuple[int, Any]) -> None:
    with pytest.raises(Unreachable, match="connection refused") as caught:
        next(items(address(servers.free_port()), name="red"))
    assert_told(caught.value)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for scheme in ("redis", "rediss"):
            began = time.monotonic()
            with pytest.raises(TimedOut) as late:
                next(items(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", name="red", timeout=0.5))
            assert time.monotonic() - began < 2
            assert_told(late.value)
    with pytest.raises(NotAssessed) as plain:  # TLS to a server that speaks none
        next(items(f"rediss://127.0.0.1:{server[0]}", name="red", timeout=1))
    assert_told(plain.value)
