"""A deadline over a whole HTTP exchange; a timeout of ``requests`` only bounds each single wait."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry


class Deadline:
    """Shuts the socket in use down when time is up, so that a server cannot hold us byte by byte."""

    def __init__(self) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound what is done inside; afterwards :attr:`passed` says whether time was up."""
        self.passed = False
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self._hold(None)

    def watch(self, number: int) -> None:
        """Take the socket with this file number as the one in use."""
        # A duplicate stays ours: the original changes hands when TLS begins, and is closed early
        # by a response that ends its connection.
        self._hold(socket.socket(fileno=os.dup(number)))

    def _hold(self, new: socket.socket | None) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = new
            late = self.passed
        if late and new is not None:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                with suppress(OSError):  # the other side was first
                    self._socket.shutdown(socket.SHUT_RDWR)


class DeadlineAdapter(HTTPAdapter):
    """The usual adapter, whose connections tell ``deadline`` which socket they use."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__(max_retries=Retry(0, read=False))

    def close(self) -> None:
        """Close every connection now; urllib3 itself waits until its pools are collected."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118  it cannot be iterated over
            self.poolmanager.pools[key].close()
        super().close()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """See ``HTTPAdapter.init_poolmanager``."""
        super().init_poolmanager(*args, **kwargs)
        deadline = self._deadline

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                new = super()._new_conn()
                deadline.watch(new.fileno())
                return new

            def putrequest(self, *args: Any, **kwargs: Any) -> None:
                if self.sock is not None:  # kept from an earlier request
                    deadline.watch(self.sock.fileno())
                super().putrequest(*args, **kwargs)

        class Secure(Plain, HTTPSConnection):
            pass

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
