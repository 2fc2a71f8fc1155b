"""Buffers that are filled again: never one that somebody still holds a view of."""

from __future__ import annotations

import io
import random

import zstandard

from checks.connectors.buffers import MOST, Buffers
from checks.connectors.codecs import expanded


def test_a_buffer_is_filled_again_only_once_no_view_of_it_is_left() -> None:
    buffers = Buffers(8)
    first = buffers.take()
    held, part = memoryview(first), memoryview(first)[2:3]
    second = buffers.take()
    assert second is not first
    del held
    assert buffers.take() is second  # the part is still held
    del part
    assert buffers.take() is first
    assert len(first) == 8


def test_of_more_views_than_it_keeps_none_changes() -> None:
    buffers, views = Buffers(4), []
    for number in range(3 * MOST):
        buffer = buffers.take()
        buffer[:] = number.to_bytes(4)
        views.append(memoryview(buffer))
    assert [int.from_bytes(view) for view in views] == list(range(3 * MOST))


def test_what_zstd_expands_to_stays_while_it_is_held() -> None:
    whole = random.Random(1).randbytes(300_000)
    packed = zstandard.ZstdCompressor().compress(whole)
    pieces = expanded("zstd", packed[:10], io.BytesIO(packed[10:]), "x", 1000)
    held, at = [], 0
    for number, piece in enumerate(pieces):
        assert bytes(piece) == whole[at : at + len(piece)]
        if number % 7 == 0:
            held.append((at, piece))
        at += len(piece)
    assert at == len(whole)
    assert len(held) > MOST
    assert all(bytes(piece) == whole[at : at + len(piece)] for at, piece in held)
