"""A config file as text, with a limit and in UTF-8 only."""

from __future__ import annotations

from checks.connectors.files import TargetFile
from checks.core.errors import Refused, TooLarge, Unreadable

LIMIT = 20 * 1024 * 1024
"""Bytes of one config file that are read at most."""


def read_text(name: str, file: TargetFile) -> str:
    """Return the text of ``file``, line ends as line feeds; ``name`` is the target's for messages.

    Raises ``TooLarge`` over ``LIMIT``; ``Unreadable`` for binary data, other encodings and read
    errors; ``Refused``.
    """
    what = f"{name}: {file.path}"
    try:
        with file.location.open("rb") as stream:
            raw = stream.read(LIMIT + 1)
    except PermissionError:
        raise Refused(f"{what}: permission denied") from None
    except OSError as error:
        raise Unreadable(f"{what} cannot be read ({error.strerror})") from None
    if len(raw) > LIMIT:
        raise TooLarge(f"{what} is larger than {LIMIT // 2**20} MiB")
    if b"\0" in raw:
        raise Unreadable(f"{what} is binary")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Unreadable(f"{what}:{line} is not UTF-8 text") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
