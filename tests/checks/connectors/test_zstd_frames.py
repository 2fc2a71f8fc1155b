"""Where zstd frames end, however they are cut into blocks and reads."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
import zstandard

from checks.connectors.zstd_frames import ZstdFrames

RANDOM = random.Random(3)
# Blocks of each kind: compressed, as they are, one byte again and again; more than one of each.
TEXT = b"".join(b"%d likes trains\n" % RANDOM.randrange(10**6) for _ in range(30_000))
WHOLE = TEXT + RANDOM.randbytes(400_000) + bytes(600_000) + TEXT
FRAME = zstandard.ZstdCompressor(write_checksum=True).compress(WHOLE)


class Dribble(io.BytesIO):
    """Reads of odd sizes."""

    def read(self, size: Any = -1) -> bytes:
        return super().read(min(size, RANDOM.choice((1, 2, 3, 5, 1000, 70_000, 300_000))))


def handed_on(data: bytes) -> tuple[bytes, ZstdFrames]:
    frames = ZstdFrames(data[:10], Dribble(data[10:]))
    return b"".join(iter(lambda: frames.read(2**20), b"")), frames


@pytest.mark.parametrize("count", [1, 2])
def test_whole_frames(count: int) -> None:
    out, frames = handed_on(FRAME * count)
    assert out == FRAME * count
    assert frames.whole
    assert not frames.foreign


def test_a_frame_that_is_cut_anywhere_is_not_whole() -> None:
    cuts = {*range(10, 40), *range(len(FRAME) - 40, len(FRAME)), *RANDOM.sample(range(len(FRAME)), 60)}
    for cut in cuts:
        out, frames = handed_on(FRAME[:cut])
        assert out == FRAME[:cut]
        assert not frames.whole, cut


def test_something_else_behind_a_frame_is_not_handed_on() -> None:
    out, frames = handed_on(FRAME + b"and more, which is no frame")
    assert frames.foreign
    assert out == FRAME
