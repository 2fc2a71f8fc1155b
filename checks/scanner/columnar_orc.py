"""ORC files, read in a process of their own, which a damaged file may end."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from typing import Any, BinaryIO, cast

from checks.core.errors import NotAssessed, Unreadable
from checks.scanner.columnar_orc_worker import BROKEN_OFF, SAME_NAMES
from checks.scanner.columnar_source import Source, handle, lines_of

pa = import_module("pyarrow")

_MEANINGS = {
    BROKEN_OFF: "cannot be read",
    SAME_NAMES: "has two columns of the same name, which are not read",
}


def orc(name: str, file: BinaryIO) -> Source:
    """Open an ORC file. ``close`` of what is returned ends the process. Raises ``Unreadable``."""
    worker = _Worker(name, file)
    try:
        reader = pa.ipc.open_stream(handle(worker.output))
    except (pa.ArrowException, OSError):
        raise worker.failure() from None
    notes = list(lines_of(reader.schema.metadata))
    return Source(reader.schema, worker.batches(reader), notes, close=worker.close)


class _Worker:
    """The process, and the Arrow stream that it writes."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name = name
        own = _on_disk(file)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "checks.scanner.columnar_orc_worker", str(own.fileno())],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                pass_fds=[own.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        finally:
            if own is not file:
                own.close()
        self.output = cast(BinaryIO, self._process.stdout)

    def batches(self, reader: Any) -> Iterator[Any]:
        """Yield the batches of the stream; raises ``Unreadable`` if it breaks off."""
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                break
            except (pa.ArrowException, OSError):
                raise self.failure() from None
            yield batch
        # Its stream ends in the same way where the process broke off between two batches.
        if self._process.wait():
            raise self.failure()

    def failure(self) -> NotAssessed:
        """Return why there is nothing more to read, and end the process."""
        self.output.close()
        code = self._process.wait()
        self.close()
        return Unreadable(f"{self._name} {_MEANINGS.get(code, 'is damaged or truncated')}")

    def close(self) -> None:
        """End the process if it still runs."""
        self._process.kill()
        self._process.wait()
        self.output.close()


def _on_disk(file: BinaryIO) -> BinaryIO:
    """Return ``file``, or a copy without a name, as one that another process can read."""
    plain = isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO)
    if plain or isinstance(file, tempfile.SpooledTemporaryFile):
        file.fileno()  # one that is kept in memory goes to the disk
        file.flush()
        return file
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  closed by who asked
    file.seek(0)
    shutil.copyfileobj(file, copy)
    copy.flush()
    return copy
