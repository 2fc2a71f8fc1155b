"""What the ledger's commands share: where it is, reading files, a sign of life, exit codes."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from checks.core.errors import AuthorError
from policyproof.ledger_option import VARIABLE
from policyproof.scan_progress import duration
from reports.ledger import Entry, Ledger, LedgerError
from reports.signing import SigningError, keys
from reports.writing import write_whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import SSlibKey

WHOLE, CHANGED, UNREADABLE = 0, 1, 3
"""Exit codes: nothing was changed; something was; it could not be looked at."""
SIGNATURE, TOKEN = "ledger.dsse.json", ".tsr"
"""The signature's file beside the ledger, and what is added to its name for the timestamp's."""
_OUT = Path("reports/out")
LARGEST_FILE = 2**24
"""Bytes of a key, certificate, signature or token."""


def add_place(command: argparse.ArgumentParser) -> None:
    """Add the options that say which ledger is meant."""
    command.add_argument(
        "--ledger",
        metavar="PATH_OR_URL",
        help=f"a file, or postgresql://HOST/DATABASE (default: ${VARIABLE}, or DIR/ledger.sqlite)",
    )
    command.add_argument(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help=f"folder of reports and signature (default: the ledger's own, or {_OUT})",
    )


def place(options: argparse.Namespace) -> tuple[Ledger, Path]:
    """Return the ledger that is meant and the folder of its reports."""
    where: str | None = options.ledger or os.environ.get(VARIABLE) or None
    folder: Path | None = options.report_dir
    if folder is None:
        folder = _OUT if where is None or "://" in where else Path(where).parent
    return Ledger(folder / "ledger.sqlite" if where is None else where), folder


def latest(ledger: Ledger) -> Entry:
    """Return the last entry; raises :class:`LedgerError` if there is none."""
    head = ledger.head()
    if head is None:
        raise LedgerError(f"{ledger.name}: no ledger, or an empty one; `pytest controls/` makes one")
    return head


def contents(path: Path, what: str) -> bytes:
    """Return a small file's bytes; raises :class:`SigningError` in one line."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SigningError(f"{path}: is too large for {what}")
        return path.read_bytes()
    except OSError as error:
        raise SigningError(f"{path}: {what} cannot be read ({error.strerror})") from None


def own_file(path: Path, what: str) -> bytes:
    """Return a file that the user names to us as theirs: a wrong name is a mistake in usage."""
    try:
        return contents(path, what)
    except SigningError as error:
        raise AuthorError(str(error)) from None


def verifying_key(path: Path | None) -> SSlibKey | None:
    """Return the public key in a file, if one is named."""
    if path is None:
        return None
    pem = own_file(path, "the key")
    with _as_usage():
        return keys.public_key(pem, str(path))


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a file."""
    pem = own_file(path, "the key")
    with _as_usage():
        return keys.private_key(pem, str(path), os.environ.get(keys.PASSPHRASE))


@contextmanager
def _as_usage() -> Iterator[None]:
    """A wrong key of the user's own is a mistake in usage, and no verdict on a ledger."""
    try:
        yield
    except SigningError as error:
        raise AuthorError(str(error)) from None


def make_room(path: Path) -> None:
    """Make the folder that a file is to lie in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # also where a file is in the way
        raise AuthorError(f"cannot be written ({error.strerror})", path=path) from None


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    make_room(path)
    try:
        write_whole(path, text)
    except OSError as error:
        raise AuthorError(f"cannot be written ({error.strerror})", path=path) from None


def put_new(path: Path, body: bytes, mode: int = 0o644) -> None:
    """Write a file that must not be there yet."""
    make_room(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise AuthorError("is there already, and is not overwritten", path=path) from None
    except OSError as error:
        raise AuthorError(f"cannot be written ({error.strerror})", path=path) from None
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(body)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise AuthorError(f"cannot be written ({error.strerror})", path=path) from None


def now() -> str:
    """Return the moment as the ledger writes it."""
    return utc(datetime.now(UTC))


def utc(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def many(count: int, what: str) -> str:
    """Return a count with its noun: ``1 run``, ``1,200 runs``, ``2 entries``."""
    if count != 1:
        what = what[:-1] + "ies" if what.endswith("ry") else what + "s"
    return f"{count:,} {what}"


@contextmanager
def waiting(text: str, every: float = 10.0) -> Iterator[None]:
    """Say on standard error what takes so long, if it does."""
    over = threading.Event()

    def run() -> None:
        seconds = 0.0
        while not over.wait(every):
            seconds += every
            print(f"policyproof: {text}, {duration(seconds)} so far", file=sys.stderr, flush=True)

    thread = threading.Thread(target=run, name="waiting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
