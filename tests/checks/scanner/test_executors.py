"""Many workers give what one gives, also when some of them die: local processes, and a real Dask cluster."""

from __future__ import annotations

import functools
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks.core.errors import NotAssessed, Unreachable
from checks.scanner.executors import TRIES, Cluster, InProcess, LocalProcesses, Workers, in_order
from checks.scanner.parts import Part, Piece, parts
from checks.scanner.places import Place, places
from checks.scanner.result import Finding, Findings, Result
from checks.scanner.sample import UNIT
from checks.scanner.scan import Request, Scan
from checks.scanner.work import Settings, work

if TYPE_CHECKING:  # it is slow to load, and this module is loaded by each worker
    import distributed

CARD = "4111111111111111"
KEY = bytes(16)


def slowly(folder: str, settings: Settings, part: Part) -> Result:
    """Work on a part, not at once; leave a mark of who did, so that the test can tell when it has begun."""
    (Path(folder) / f"{part.number}-{os.getpid()}").touch()
    time.sleep(0.05)
    return work(settings, part)


def deadly(folder: str, number: int, part: Part) -> Result:
    """Kill the worker that is given the part ``number``, whoever it is."""
    (Path(folder) / f"{part.number}-{time.monotonic_ns()}").touch()
    if part.number == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return Result(part.number)


def refuses(part: Part) -> Result:
    raise Unreachable("not to be had")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Twenty parts of one large file, and two of small ones."""
    folder = tmp_path / "tree"
    folder.mkdir()
    line = b"an ordinary line of an ordinary log, with nothing much in it\n"
    lines = [line] * (20 * UNIT // len(line))
    lines[::5000] = [f"card {CARD}\n".encode()] * len(lines[::5000])
    (folder / "large.log").write_bytes(b"".join(lines))
    for number in range(600):
        (folder / f"{number}.txt").write_text(f"line\n{CARD}\n" if number % 50 == 0 else "line\n")
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as started:
        yield started


def cut(tree: Path) -> list[Part]:
    return list(parts(places(str(tree)), size=UNIT))


def every(results: Iterator[tuple[Part, Result]]) -> list[object]:
    """Return all that results hold, in order."""
    return [
        (part, list(result.findings), result.skipped, result.totals, result.lines, result.clean)
        for part, result in results
    ]


def alone(tree: Path) -> list[object]:
    return every(in_order(cut(tree), functools.partial(work, Settings(KEY)), InProcess()))


def killing(
    marks: Path, tree: Path, workers: Workers, *, after: int, pids: Callable[[], list[int]]
) -> tuple[list[object], int]:
    """Return what ``workers`` give if one of them is killed once ``after`` parts were begun, and its pid."""
    killed: list[int] = []

    def tick() -> None:
        if not killed and len(list(marks.iterdir())) >= after:
            killed.append(pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    do = functools.partial(slowly, str(marks), Settings(KEY))
    return every(in_order(cut(tree), do, workers, tick=tick)), killed[0]


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def workers_of(marks: Path) -> set[str]:
    return {path.name.partition("-")[2] for path in marks.iterdir()}


def test_local_processes_give_the_same_though_one_is_killed(tree: Path, marks: Path) -> None:
    with closing(LocalProcesses(2)) as workers:
        given, pid = killing(marks, tree, workers, after=8, pids=lambda: workers.pids)
        assert pid not in workers.pids
    assert given == alone(tree)
    assert len(list(marks.iterdir())) > len(given)  # some were begun twice


def test_a_cluster_gives_the_same_though_a_worker_is_killed(
    tree: Path, marks: Path, cluster: distributed.LocalCluster
) -> None:
    pids = [worker.pid for worker in cluster.workers.values()]
    with closing(Cluster(cluster.scheduler_address)) as workers:
        assert workers.jobs == 2
        given, pid = killing(marks, tree, workers, after=8, pids=lambda: pids)
    assert given == alone(tree)
    assert str(pid) in workers_of(marks)
    assert len(workers_of(marks)) >= 2


def test_a_scan_is_the_same_by_one_process_by_several_and_by_a_cluster(
    tree: Path, cluster: distributed.LocalCluster
) -> None:
    def scanned(**more: object) -> tuple[list[object], object]:
        scan = Scan(Request((str(tree),), key=KEY, size=4 * UNIT, **more))  # type: ignore[arg-type]
        return list(scan), scan.totals

    one = scanned()
    assert len(one[0]) > 60
    assert scanned(jobs=2) == one
    assert scanned(cluster=cluster.scheduler_address) == one


def test_a_part_that_kills_its_workers_is_given_up_and_the_others_are_done(marks: Path) -> None:
    number = 7
    place = Place(f"{CARD}.bin", "/nowhere", 0, "")
    listed = [Part(each, (Piece(place),)) for each in range(12)]
    do = functools.partial(deadly, str(marks), number)
    with closing(LocalProcesses(2)) as workers:
        results = list(in_order(listed, do, workers))
    assert [part.number for part, _ in results] == list(range(12))
    skipped = [(result.number, each) for _, result in results for each in result.skipped]
    assert [(at, each.name, each.reason) for at, each in skipped] == [
        (number, "411111******1111.bin", f"was given up: {TRIES} workers died while they read it")
    ]
    assert len([path for path in marks.iterdir() if path.name.startswith(f"{number}-")]) == TRIES


def test_a_part_that_kills_workers_of_a_cluster_is_given_up(
    marks: Path, cluster: distributed.LocalCluster
) -> None:
    listed = [Part(each, (Piece(Place("a", "/nowhere", 0, "")),)) for each in range(4)]
    import distributed

    with distributed.Client(cluster, set_as_default=False) as client:
        client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
    with closing(Cluster(cluster.scheduler_address)) as workers:
        results = list(in_order(listed, functools.partial(deadly, str(marks), 2), workers))
    assert [result.totals.skipped for _, result in results] == [0, 0, 1, 0]


def test_what_a_worker_raises_is_raised(marks: Path) -> None:
    for workers in (InProcess(), LocalProcesses(1)):
        with closing(workers), pytest.raises(NotAssessed, match="not to be had"):
            list(in_order([Part(0), Part(1)], refuses, workers))


def test_no_more_parts_are_taken_than_there_is_room_for() -> None:
    taken = []

    def listed() -> Iterator[Part]:
        for number in range(100):
            taken.append(number)
            yield Part(number)

    with closing(LocalProcesses(1)) as workers:
        results = in_order(listed(), refuses, workers)
        with pytest.raises(NotAssessed):
            next(results)
    assert len(taken) <= 2


def test_a_cluster_that_does_not_answer_is_said_in_one_line() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(Unreachable, match="no scheduler with a worker answers"):
        Cluster("tcp://127.0.0.1:1", timeout=0.5)


def test_many_findings_travel_packed() -> None:

    findings = Findings()
    scan = Scan(Request(()))
    assert list(scan) == []

    one = Finding(
        "a" * 100, "content", 0, 1, "plain", "Visa", "4" * 16, "high", "high", "0" * 16, False, False, False
    )
    for _ in range(10_500):
        findings.add(one)
    assert list(findings) == [one] * 10_500
    assert len(pickle.dumps(findings)) < 100_000
