"""A connection that breaks while rows stream: one clear line, and no cursor that is left open."""

from __future__ import annotations

import gc
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from checks.connectors.sql import SqlStore
from checks.core.errors import NotAssessed, Unreachable
from tests import servers
from tests.checks.connectors.conftest import BIG, cells, target


@pytest.fixture(scope="module")
def big(postgres_server: servers.Server) -> servers.Server:
    """A server whose database ``dropping`` has a table of 20 MB, far more than any buffer on the way."""
    postgres_server.admin("CREATE DATABASE dropping")
    postgres_server.admin(*BIG["postgresql"], database="dropping")
    return postgres_server


class Cutter:
    """A loopback proxy before ``port``. :meth:`cut` resets every connection that goes through it."""

    def __init__(self, port: int) -> None:
        self._port, self._lines = port, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        for line in self._lines:
            with suppress(OSError):  # SO_LINGER with 0 seconds: a reset, not an orderly end
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
        for line in self._lines:
            line.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._lines += [client, server]
                for pair in ((client, server), (server, client)):
                    self._threads.append(threading.Thread(target=self._pump, args=pair, daemon=True))
                    self._threads[-1].start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(2**16):
                sink.sendall(data)
        except OSError:
            pass
        finally:  # where one side has hung up, so has the other
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(port: int) -> Iterator[Cutter]:
    cutter = Cutter(port)
    try:
        yield cutter
    finally:
        cutter.close()


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Python complains of where nothing can be raised: a cursor that is collected while open."""
    said: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: said.append(str(args.exc_value)))
    return said


def assert_one_clear_line(error: NotAssessed) -> None:
    assert re.fullmatch(r"cloud-db \(\$DB_URL\): [^\n]*dropped[^\n]*", error.reason)
    for secret in (servers.PASSWORD, "127.0.0.1", "SELECT", "xxxx"):
        assert secret not in error.reason
    assert error.__cause__ is None
    assert error.__suppress_context__


def broken(how: str, proxy: Cutter, server: servers.Server) -> None:
    if how == "cut":
        proxy.cut()
        return
    (done,) = server.admin(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE application_name = 'policyproof' AND datname = 'dropping'"
    )
    assert done[0] >= 1


@pytest.mark.parametrize("how", ["terminated", "cut"])
def test_a_line_that_breaks_while_rows_stream(
    big: servers.Server, unraisable: list[str], caplog: pytest.LogCaptureFixture, how: str
) -> None:
    with proxied(big.port) as proxy:
        address = big.url("dropping", port=proxy.port)
        with SqlStore.open(target(address), timeout=5) as store:
            read = cells(store.text_rows("big"))
            assert next(read).text == "x" * 1000
            broken(how, proxy, big)
            with pytest.raises(Unreachable) as caught:
                for _ in read:
                    pass
            assert_one_clear_line(caught.value)
            del read, caught
            gc.collect()
            assert store.count("big") == 20_000  # the next question has a new connection
    gc.collect()
    assert unraisable == []
    assert [record.getMessage() for record in caplog.records] == []  # a traceback would be logged


@pytest.mark.parametrize("how", ["terminated", "cut"])
def test_a_line_that_breaks_before_the_reader_lets_go(
    big: servers.Server, unraisable: list[str], caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """The reader has seen enough, and the cursor cannot be closed any more as it should."""
    with proxied(big.port) as proxy:
        address = big.url("dropping", port=proxy.port)
        with SqlStore.open(target(address), timeout=5) as store:
            batches = store.text_rows("big").batches()
            next(batches)
            broken(how, proxy, big)
            batches.close()  # nobody waits for an answer: that the line is broken is no news
            del batches
            gc.collect()
            assert store.count("big") == 20_000
    gc.collect()
    assert unraisable == []
    assert [record.getMessage() for record in caplog.records] == []
