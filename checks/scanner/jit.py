"""Compiling the kernel: once a machine, and anew whenever a line of it or a library has changed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from checks.core.errors import MissingDriver

Function = TypeVar("Function", bound=Callable[..., Any])

try:
    import numba
except ImportError:
    raise MissingDriver("the card scanner needs numba (pip install 'policyproof[scan]')") from None


RECORD = np.dtype(
    [
        ("offset", np.int64), ("end", np.int64), ("line", np.int64), ("tag", np.uint64),
        ("first6", np.uint32), ("last4", np.uint16), ("length", np.uint8), ("form", np.uint8),
        ("marks", np.uint16),
    ],
    align=True,
)  # fmt: skip
"""One card number found: the most that leaves the kernel."""


class Tables(NamedTuple):
    """What the kernel looks things up in; see :mod:`checks.scanner.tables`. ``key`` is the run's."""

    four: Any
    six: Any
    characters: Any
    values: Any
    entities: Any
    key: Any


class Work(NamedTuple):
    """Room that is used again and again: normalised and decoded text, and where each byte came from."""

    text: Any
    at: Any
    decoded: Any
    place: Any


INT, WORD, FLAG, NOTHING = numba.int64, numba.uint64, numba.boolean, numba.void
BYTES, PLACES, STATE, KEY = numba.uint8[::1], numba.int32[::1], numba.int64[::1], numba.uint64[::1]
HITS = numba.from_dtype(RECORD)[::1]
WORDS = numba.types.UniTuple(WORD, 2)
PAIR, TRIPLE = numba.types.UniTuple(INT, 2), numba.types.Tuple([INT, INT, FLAG])
QUEUE, PREFIXES = numba.int64[:, ::1], numba.uint16[::1]
WORK = numba.types.NamedTuple([BYTES, PLACES, BYTES, PLACES], Work)
TABLES = numba.types.NamedTuple([PREFIXES, BYTES, BYTES, BYTES, QUEUE, KEY], Tables)
_OPTIONS: dict[str, Any] = {"nogil": True, "boundscheck": False, "error_model": "numpy", "_nrt": False}


_KEPT = 30 * 86_400  # seconds

_parts: list[tuple[Any, Any]] = []
_entries: list[tuple[Any, Any]] = []
_kept: list[Any] = []


def inner(result: Any, *arguments: Any, kept: bool = False) -> Callable[[Function], Function]:
    """Make a function a part of the kernel, to be compiled once, for these types.

    Left to itself numba compiles it anew for each mixture of types it is called with. One that is
    ``kept`` is for several entries, and takes long: the process that is first to need it compiles it.
    """

    def make(function: Function) -> Function:
        made = _made(function, kept, no_cpython_wrapper=True)
        _parts.append((made, result(*arguments)))
        if kept:
            _kept.append(made)
        return cast(Function, made)

    return make


def entry(result: Any, *arguments: Any) -> Callable[[Function], Function]:
    """Make a function one that Python calls, and whose compiled form is kept for later starts.

    numba looks only at the file of the function itself to tell whether the kept form is stale, and
    the kernel is in several files: so the folder is named after all of them (:func:`digest_of`).
    """

    def make(function: Function) -> Function:
        made = _made(function, True)
        _entries.append((made, result(*arguments)))
        return cast(Function, made)

    return make


def _made(function: Callable[..., Any], kept: bool, **options: bool) -> Any:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_folder())
    try:
        cached = kept and _usable(_folder())
        return numba.njit(cache=cached, no_cfunc_wrapper=True, **options, **_OPTIONS)(function)
    finally:
        numba.config.CACHE_DIR = before


def prepare() -> None:
    """Compile the kernel, or load what was kept; takes seconds the first time, milliseconds later."""
    folder = _folder()
    mark = folder / "complete"
    if not mark.exists() and _usable(folder):
        # Each entry in a process of its own: the compiler holds a lock on the whole of one. The largest,
        # which comes last, in this one: another has to start and import numba first.
        others = [(_elsewhere(made.py_func), made, signature) for made, signature in _entries[:-1]]
        _compile(*_entries[-1])
        for process, made, signature in others:
            if process.wait() == 0:
                made.compile(signature)  # from what it has kept
    for made, signature in _entries:
        if not made.signatures:
            _compile(made, signature)
    if _usable(folder):
        mark.touch()
        _prune(folder)


def _prune(folder: Path) -> None:
    """Remove what earlier versions kept and nobody has used for a month."""
    for mark in folder.parent.glob("kernel-*/complete"):
        with contextlib.suppress(OSError):
            if mark.parent != folder and time.time() - mark.stat().st_mtime > _KEPT:
                shutil.rmtree(mark.parent, ignore_errors=True)


def compile_entry(name: str) -> None:
    """Compile and keep the entry called ``name``, whose module has been imported."""
    for made, signature in _entries:
        if made.__name__ == name:
            _compile(made, signature, kept_first=True)


def _compile(made: Any, signature: Any, *, kept_first: bool = False) -> None:
    """Compile an entry, after what it calls, each once and for the types given; or load what was kept.

    What is kept for other entries too comes first in one process and last in the other, which then
    finds it kept. No other part calls such a one: it would have numba compile it for types of its own.
    """
    if not (_folder() / "complete").exists():
        parts = _callees_first(made)
        for part, types in sorted(parts, key=lambda each: (each[0] in _kept) != kept_first):
            if not part.signatures:
                part.compile(types)
                part.disable_compile()
    made.compile(signature)


def _elsewhere(entry_function: Callable[..., Any]) -> subprocess.Popen[bytes]:
    """Start to compile an entry in another process; should that fail, it is compiled in this one."""
    module, name = entry_function.__module__, entry_function.__name__
    call = f"import {module}; from {__name__} import compile_entry; compile_entry({name!r})"
    return subprocess.Popen(
        [sys.executable, "-c", call],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _callees_first(caller: Any) -> list[tuple[Any, Any]]:
    """Return the parts that ``caller`` needs, in an order in which each calls only earlier ones."""
    by_name = {made.__name__: (made, signature) for made, signature in _parts}
    ordered: dict[str, tuple[Any, Any]] = {}

    def add(function: Any) -> None:
        for called in function.__code__.co_names:
            if called in by_name and called not in ordered and by_name[called][0].py_func is not function:
                add(by_name[called][0].py_func)
                ordered[called] = by_name[called]

    add(caller.py_func)
    return list(ordered.values())


@functools.cache
def _folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "policyproof" / f"kernel-{digest_of(Path(__file__).parent)}"


def digest_of(folder: Path) -> str:
    """Return what tells the kernel in ``folder`` from every other, on any machine and under any library.

    Where its files are and when they were written are part of it: numba compiles anew where either differs,
    and would do so within one process, part by part, were it told that all is there.
    """
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {platform.machine()}".encode())
    for part in sorted([*folder.glob("kernel*.py"), folder / "jit.py"]):
        digest.update(f"{part} {part.stat().st_mtime_ns}\n".encode() + part.read_bytes())
    return digest.hexdigest()[:16]


def _usable(folder: Path) -> bool:
    """Whether compiled code can be kept there; else it is compiled at every start."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
