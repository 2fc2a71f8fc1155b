"""Parts worked on by one or many processes or machines, their results in the order of the parts.

All of it goes through the interface of ``concurrent.futures``. A part whose worker died is done again.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from checks.core.errors import MissingDriver, Unreachable
from checks.scanner.parts import END, Part, Piece
from checks.scanner.result import Result, masked
from checks.scanner.source import Skipped

Do = Callable[[Part], Result]
"""What is done with a part; it travels to the workers."""
TRIES = 3
"""Workers that one part may take down with it."""
_TICK = 0.5  # seconds between two looks at the clock while nothing is done
_BUFFERED = 200_000  # findings that wait for a part before theirs


class Workers(Protocol):
    """Whoever works on parts."""

    @property
    def jobs(self) -> int:
        """How many parts are worked on at a time."""

    def submit(self, do: Do, part: Part) -> Future[Result]:
        """Have a part worked on."""

    def died(self, error: BaseException) -> bool:
        """Whether ``error`` says that a worker died; there are new ones afterwards.

        Raises ``NotAssessed`` if there cannot be.
        """

    def check(self) -> None:
        """Raise ``NotAssessed`` if nobody works any more."""

    def close(self) -> None:
        """Let go of the workers; what they have not begun is not done."""


class InProcess:
    """The process itself, one part after the other. There is nothing to check and nothing to end."""

    jobs = 1

    def submit(self, do: Do, part: Part) -> Future[Result]:
        """Work on a part now."""
        future: Future[Result] = Future()
        future.set_result(do(part))
        return future

    def died(self, error: BaseException) -> bool:
        """Return ``False``: then this would not run."""
        return False

    def check(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class LocalProcesses:
    """``jobs`` processes on this machine, each with an interpreter of its own."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._pool = self._new()
        self._last: deque[Future[Result]] = deque(maxlen=2 * jobs + 1)

    def submit(self, do: Do, part: Part) -> Future[Result]:
        """Have a part worked on by the next process that is free."""
        future: Future[Result] = Future()
        try:
            future = self._pool.submit(do, part)
        except BrokenExecutor as error:
            future.set_exception(error)
        self._last.append(future)
        return future

    def died(self, error: BaseException) -> bool:
        """Whether a process died; the others of its pool were ended with it, and all are replaced."""
        if not isinstance(error, BrokenExecutor):
            return False
        if getattr(self._pool, "_broken", True):  # else replaced already, for another part of it
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = self._new()
        return True

    def check(self) -> None:
        """Do nothing: the pool says itself when a process has died."""

    def close(self) -> None:
        """End the processes, also in the middle of a part: then nobody waits for it any more."""
        if not all(future.done() for future in self._last):
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def pids(self) -> list[int]:
        """The processes that are there now."""
        return list(self._pool._processes or ())

    def _new(self) -> ProcessPoolExecutor:
        # A key that interrupts the scan is for the process that was started; it ends these.
        return ProcessPoolExecutor(
            self.jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),
        )


class Cluster:
    """The workers of a Dask scheduler. They need this version of policyproof, and to reach the same files.

    Raises ``MissingDriver`` without ``distributed``, ``Unreachable`` if no scheduler answers.
    """

    def __init__(self, address: str, *, timeout: float = 30.0) -> None:
        try:
            import distributed
        except ImportError:
            raise MissingDriver("a cluster needs distributed (pip install 'policyproof[cluster]')") from None
        # What it has to say of a connection that is lost goes over many lines, and is said below in one.
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        self._timeout = timeout
        self._killed = distributed.KilledWorker
        try:
            self._client = distributed.Client(address, timeout=timeout, set_as_default=False)
            self._client.wait_for_workers(1, timeout=timeout)
        except (OSError, ValueError, TimeoutError):
            raise Unreachable("--cluster: no scheduler with a worker answers there") from None
        self._executor: Executor = self._client.get_executor(pure=False)
        self.jobs = max(1, sum(self._client.nthreads().values()))

    def submit(self, do: Do, part: Part) -> Future[Result]:
        """Have a part worked on by any worker."""
        future: Future[Result] = self._executor.submit(do, part)
        return future

    def died(self, error: BaseException) -> bool:
        """Whether the scheduler gave a part up because it took workers down.

        It has tried it elsewhere itself. Raises ``Unreachable`` if the scheduler is gone.
        """
        if isinstance(error, CancelledError):
            raise Unreachable("--cluster: the scheduler does not answer any more") from None
        if isinstance(error, ImportError):
            raise Unreachable("--cluster: a worker lacks policyproof, or has another version") from None
        return isinstance(error, self._killed)

    def check(self) -> None:
        """Raise ``Unreachable`` if the scheduler is gone, or no worker is left and none comes."""
        try:
            self._client.wait_for_workers(1, timeout=self._timeout)
        except (OSError, ValueError, TimeoutError):
            raise Unreachable("--cluster: no worker is left") from None

    def close(self) -> None:
        """Leave the cluster; what is still to be done there is cancelled."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=5)


@dataclass(slots=True)
class _Task:
    part: Part
    position: int
    tries: int = 0


def in_order(
    parts: Iterable[Part], do: Do, workers: Workers, *, tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[Part, Result]]:
    """Yield parts with their results, in the order of ``parts``; a part of many findings several times.

    At most two parts for each of ``workers`` are under way. ``tick`` is called while nothing is done.
    Raises what ``do`` does, and ``NotAssessed`` if there are no workers any more.
    """
    run = _Run(iter(parts), do, workers)
    while run.submit() or run.pending:
        run.gather(tick)
        yield from run.ready()


class _Run:
    """The parts under way, and the results that wait for one before theirs."""

    def __init__(self, parts: Iterator[Part], do: Do, workers: Workers) -> None:
        self.pending: dict[Future[Result], _Task] = {}
        self._parts: Iterator[Part] = parts
        self._do, self._workers = do, workers
        self._suspects: deque[_Task] = deque()
        self._results: dict[int, list[tuple[Part, Result]]] = {}
        self._complete: set[int] = set()
        self._submitted = self._emitted = 0
        self._buffered = 0

    def submit(self) -> bool:
        """Hand out what there is room for; return whether anything was."""
        handed_out = False
        while (task := self._next()) is not None:
            workers = InProcess() if task.part.here else self._workers
            self.pending[workers.submit(self._do, task.part)] = task
            handed_out = True
        return handed_out

    def gather(self, tick: Callable[[], None]) -> None:
        """Wait until a part is done, and take its result."""
        waited = 0.0
        while not (done := wait(self.pending, _TICK, FIRST_COMPLETED).done):
            tick()
            waited += _TICK
            if waited >= 10:
                self._workers.check()
                waited = 0.0
        tick()
        for future in done:
            task = self.pending.pop(future)
            error = CancelledError() if future.cancelled() else future.exception()
            if error is None:
                self._take(task, future.result())
            elif not self._workers.died(error):
                raise error
            else:
                task.tries += 1
                if task.tries < TRIES:
                    self._suspects.append(task)
                else:
                    self._take(task, _given_up(task.part))

    def ready(self) -> Iterator[tuple[Part, Result]]:
        """Yield the results whose turn it is."""
        while self._emitted in self._results or self._emitted in self._complete:
            for part, result in self._results.pop(self._emitted, ()):
                self._buffered -= len(result.findings)
                yield part, result
            if self._emitted not in self._complete:
                return
            self._complete.remove(self._emitted)
            self._emitted += 1

    def _next(self) -> _Task | None:
        # One that went down with its worker is tried alone: so it is known whose fault it was.
        if self._suspects:
            return None if self.pending else self._suspects.popleft()
        if len(self.pending) >= self._most or any(task.tries for task in self.pending.values()):
            return None
        if self.pending and self._buffered > _BUFFERED:
            return None
        part = next(self._parts, None)
        if part is None:
            return None
        self._submitted += 1
        return _Task(part, self._submitted - 1)

    @property
    def _most(self) -> int:
        return 1 if isinstance(self._workers, InProcess) else 2 * self._workers.jobs

    def _take(self, task: _Task, result: Result) -> None:
        self._results.setdefault(task.position, []).append((task.part, result))
        self._buffered += len(result.findings)
        if result.rest is None:
            self._complete.add(task.position)
            return
        rest = _Task(_after(task.part, *result.rest), task.position)
        self.pending[self._workers.submit(self._do, rest.part)] = rest


def _after(part: Part, index: int, offset: int) -> Part:
    """Return what is left of ``part`` from ``offset`` of the piece ``index`` on."""
    first, *others = part.pieces[index:]
    if offset and isinstance(first, Piece):
        first = replace(first, start=offset, stop=END if first.stop is None else first.stop)
    return replace(part, pieces=(first, *others), notes=(), untaken=0, bytes=0)


def _given_up(part: Part) -> Result:
    """Return what is said of a part that took down each worker it was given to."""
    result = Result(part.number)
    for piece in part.pieces:
        result.skip(Skipped(masked(piece.name), f"was given up: {TRIES} workers died while they read it"))
    return result
