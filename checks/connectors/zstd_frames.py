"""Where the frames of a zstd stream end (RFC 8878, 3.1): its library does not tell that one was cut off."""

from __future__ import annotations

from typing import BinaryIO

MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE = b"\x2a\x4d\x18"
"""Behind a byte from 0x50 to 0x5f, the mark of a frame that holds no text."""
_DICTIONARY_ID, _CONTENT_SIZE = (0, 1, 2, 4), (0, 2, 4, 8)  # bytes, by what the descriptor says
_RUN, _RESERVED = 1, 3  # types of block


class ZstdFrames:
    """Hands on ``head`` and the rest of ``stream``, and notes where frames begin and end in it.

    ``foreign`` is set, and nothing more handed on, where something else than a frame follows a frame.
    Zeros between and behind frames are left out.
    """

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self.foreign = False
        self._head, self._stream = head, stream
        self._stage, self._wanted, self._field, self._pass = "magic", 4, b"", 0
        self._checksum = 0

    @property
    def whole(self) -> bool:
        """Whether what was handed on ends where a frame does."""
        return self._stage == "magic" and not self._field and not self._pass

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes of compressed data; none at the end."""
        while not self.foreign:
            data, self._head = self._head or self._stream.read(size), b""
            if not data:
                break
            if passed := self._follow(data):
                return passed
        return b""

    def _follow(self, data: bytes) -> bytes:
        """Return the part of ``data`` that is to be handed on."""
        at = 0
        while at < len(data):
            if self._pass:
                step = min(self._pass, len(data) - at)
                self._pass -= step
                at += step
                continue
            if self.whole and data[at] == 0:
                data = data[:at] + data[at:].lstrip(b"\0")
                continue
            if self._stage == "block" and not self._field:
                at = self._ordinary(data, at)
                if self._pass or at == len(data):
                    break
            step = min(self._wanted - len(self._field), len(data) - at)
            self._field += data[at : at + step]
            at += step
            if len(self._field) == self._wanted:
                field, self._field = self._field, b""
                self._next(field)
                if self.foreign:
                    return data[: max(at - 4, 0)]
        return data

    def _ordinary(self, data: bytes, at: int) -> int:
        """Pass the blocks from ``at`` that have nothing special, as most do; return where another begins."""
        end = len(data)
        while at + 3 <= end:
            header = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            if header & 0b011:  # the last one of its frame, or one with a kind of its own
                break
            at += 3 + (header >> 3)
        if at > end:
            self._pass, at = at - end, end
        return at

    def _next(self, field: bytes) -> None:
        """Take the field that is complete now; say how many bytes to pass and what comes behind them."""
        if self._stage == "magic":
            if field == MAGIC:
                self._stage, self._wanted = "descriptor", 1
            elif field[1:] == SKIPPABLE and field[0] >> 4 == 5:
                self._stage, self._wanted = "length", 4
            else:
                self.foreign = True
        elif self._stage == "descriptor":
            single = field[0] >> 5 & 1
            self._checksum = 4 * (field[0] >> 2 & 1)
            size = _CONTENT_SIZE[field[0] >> 6] or single
            self._pass = (not single) + _DICTIONARY_ID[field[0] & 3] + size
            self._stage, self._wanted = "block", 3
        elif self._stage == "block":
            header = int.from_bytes(field, "little")
            last, kind, size = header & 1, header >> 1 & 3, header >> 3
            self.foreign = kind == _RESERVED
            self._pass = (1 if kind == _RUN else size) + (self._checksum if last else 0)
            if last:
                self._stage, self._wanted = "magic", 4
        else:  # the length of a frame to be skipped
            self._pass = int.from_bytes(field, "little")
            self._stage, self._wanted = "magic", 4
