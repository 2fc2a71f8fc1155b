"""Compiling the kernel: once a machine, and anew whenever a line of it or a library has changed."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
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
PAIR, TRIPLE = numba.types.UniTuple(INT, 2), numba.types.Tuple([INT, INT, FLAG])
QUEUE, PREFIXES = numba.int64[:, ::1], numba.uint16[::1]
WORK = numba.types.NamedTuple([BYTES, PLACES, BYTES, PLACES], Work)
TABLES = numba.types.NamedTuple([PREFIXES, BYTES, BYTES, BYTES, QUEUE, KEY], Tables)
_OPTIONS: dict[str, Any] = {"nogil": True, "boundscheck": False, "error_model": "numpy", "_nrt": False}


_parts: list[tuple[Any, Any]] = []
_entries: list[tuple[Any, Any]] = []


def inner(result: Any, *arguments: Any) -> Callable[[Function], Function]:
    """Make a function a part of the kernel, to be compiled once, for these types.

    Left to itself numba compiles it anew for each mixture of types it is called with.
    """

    def make(function: Function) -> Function:
        made = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
        _parts.append((made, result(*arguments)))
        return cast(Function, made)

    return make


def entry(result: Any, *arguments: Any) -> Callable[[Function], Function]:
    """Make a function one that Python calls, and whose compiled form is kept for later starts.

    numba looks only at the file of the function itself to tell whether the kept form is stale, and
    the kernel is in several files: so the folder is named after the text of all of them.
    """

    def make(function: Function) -> Function:
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(_folder())
        try:
            made = numba.njit(cache=_usable(_folder()), no_cfunc_wrapper=True, **_OPTIONS)(function)
        finally:
            numba.config.CACHE_DIR = before
        _entries.append((made, result(*arguments)))
        return cast(Function, made)

    return make


def prepare() -> None:
    """Compile the kernel, or load what was kept; takes seconds the first time, milliseconds later."""
    mark = _folder() / "complete"
    if not mark.exists():
        for made, signature in _callees_first():
            made.compile(signature)
            made.disable_compile()
    for made, signature in _entries:
        if not made.signatures:
            made.compile(signature)
    if _usable(_folder()):
        mark.touch()


def _callees_first() -> list[tuple[Any, Any]]:
    """Return the parts in an order in which each calls only earlier ones, so that none is compiled twice."""
    by_name = {made.__name__: (made, signature) for made, signature in _parts}
    ordered: dict[str, tuple[Any, Any]] = {}

    def add(name: str) -> None:
        if name in ordered or by_name[name][0].signatures:
            return
        for called in by_name[name][0].py_func.__code__.co_names:
            if called in by_name and called != name:
                add(called)
        ordered[name] = by_name[name]

    for name in by_name:
        add(name)
    return list(ordered.values())


@functools.cache
def _folder() -> Path:
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {platform.machine()}".encode())
    for part in sorted(Path(__file__).parent.glob("kernel*.py")):
        digest.update(part.read_bytes())
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "policyproof" / f"kernel-{digest.hexdigest()[:16]}"


def _usable(folder: Path) -> bool:
    """Whether compiled code can be kept there; else it is compiled at every start."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
