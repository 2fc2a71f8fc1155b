"""Compiled: what each of 64 bytes is, as the bits of words; in vector instructions of any processor.

numba has no words for this, so the compiler's intermediate language is written here: one load, and
for each class of bytes comparisons whose 64 results are the bits of an unsigned number, the first
byte's bit the lowest. LLVM makes two or three instructions of each comparison.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_WORD = ir.IntType(64)
_BYTES = ir.VectorType(ir.IntType(8), 64)

NUMBER = 4
"""Words of :func:`number_masks`."""
ENCODED = 3
"""Words of :func:`encoded_masks`."""


class _Classes:
    """The 64 bytes, and comparisons of them with bytes."""

    def __init__(self, builder: Any, data: Any) -> None:
        self._builder, self._data = builder, data

    def _splat(self, byte: int) -> Any:
        return ir.Constant(_BYTES, [byte] * 64)

    def any_of(self, text: bytes) -> Any:
        """Return a bit for each byte that is one of ``text``."""
        return self._join(self._builder.icmp_unsigned("==", self._data, self._splat(byte)) for byte in text)

    def between(self, low: int, high: int) -> Any:
        """Return a bit for each byte from ``low`` to ``high``."""
        moved = self._builder.sub(self._data, self._splat(low))
        return self._builder.icmp_unsigned("<=", moved, self._splat(high - low))

    def negative(self) -> Any:
        """Return a bit for each byte from 128 on."""
        return self._builder.icmp_signed("<", self._data, self._splat(0))

    def without(self, bits: int) -> _Classes:
        """Return the bytes with ``bits`` cleared, to compare several that differ in them at once."""
        return _Classes(self._builder, self._builder.and_(self._data, self._splat(0xFF ^ bits)))

    def _join(self, flags: Any) -> Any:
        flags = list(flags)
        result = flags[0]
        for flag in flags[1:]:
            result = self._builder.or_(result, flag)
        return result

    def either(self, *flags: Any) -> Any:
        """Return the bits set in any of ``flags``."""
        return self._join(flags)

    def word(self, flags: Any) -> Any:
        """Return ``flags`` as a word of 64 bits."""
        return self._builder.bitcast(flags, _WORD)


def _over_bytes(count: int, make: Any) -> Any:
    """Return a function ``(bytes, place) -> count words``, with ``make`` to say which."""

    def function(typing: Any, source: Any, place: Any) -> Any:
        result = types.UniTuple(types.uint64, count)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            first = builder.gep(array.data, [arguments[1]])
            pointer = builder.bitcast(first, ir.PointerType(_BYTES))
            classes = _Classes(builder, builder.load(pointer, align=1))
            return context.make_tuple(builder, result, [classes.word(one) for one in make(classes)])

        return result(source, types.int64), generate

    return function


def _number(bytes_: _Classes) -> tuple[Any, ...]:
    return (
        bytes_.between(0x30, 0x39),
        bytes_.any_of(b" \t-."),
        bytes_.either(bytes_.negative(), bytes_.any_of(b"\0")),
        bytes_.any_of(b"\n"),
    )


def _encoded(bytes_: _Classes) -> tuple[Any, ...]:
    # Base64 of text of digits and separators (RFC 4648, 4): the first character of every group of four
    # is one of I–P; in hexadecimal every other character is 2 or 3.
    return (
        bytes_.any_of(b"%\\&+"),
        bytes_.between(ord("I"), ord("P")),
        bytes_.without(0x01).any_of(b"2"),
    )


@intrinsic
def number_masks(typing: Any, source: Any, place: Any) -> Any:
    """Return words for ``source[place : place + 64]``: digits, separators, no ASCII or NUL, line feeds."""
    return _over_bytes(NUMBER, _number)(typing, source, place)


@intrinsic
def encoded_masks(typing: Any, source: Any, place: Any) -> Any:
    """Return words: signs that escapes begin with, first characters of base64, ``2`` or ``3``."""
    return _over_bytes(ENCODED, _encoded)(typing, source, place)


@intrinsic
def ones(typing: Any, word: Any) -> Any:
    """Return how many bits of ``word`` are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def lowest(typing: Any, word: Any) -> Any:
    """Return the place of the lowest bit set in ``word``; 64 if there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.false_bit)

    return types.int64(types.uint64), generate
