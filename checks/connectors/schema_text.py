"""The text of a schema document: read whole, within a limit, or refused in one line."""

from __future__ import annotations

from pathlib import Path

from checks.core.errors import Nothing, Refused, TooLarge, Unreachable, Unreadable

LIMIT = 50 * 1024 * 1024
"""Bytes of one document that are read at most."""
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_text(path: Path, shown: str) -> str:
    """Return the text of ``path``, called ``shown`` in messages, with plain line ends.

    UTF-8, or UTF-16 with its mark. Raises ``Nothing`` for a blank file, ``TooLarge``, ``Refused``,
    ``Unreachable`` if it is gone, ``Unreadable`` for what is no text or no regular file.
    """
    try:
        if not path.is_file():
            raise (
                Unreadable(f"{shown}: no regular file") if path.exists() else Unreachable(f"{shown}: gone")
            )
        with path.open("rb") as stream:
            data = stream.read(LIMIT + 1)  # what grows while it is read is caught too
    except PermissionError:
        raise Refused(f"{shown}: permission denied") from None
    except OSError as error:
        raise Unreadable(f"{shown}: cannot be read ({error.strerror})") from None
    if len(data) > LIMIT:
        raise TooLarge(f"{shown}: larger than {LIMIT // 2**20} MiB")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeError:
        raise Unreadable(f"{shown}: no text in UTF-8") from None
    if "\0" in text:
        raise Unreadable(f"{shown}: binary content where text was expected")
    if not text.strip():
        raise Nothing(f"{shown}: the file is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")
