"""Eight bytes of a text at once, for compiled code that reads it.

A text is given with eight bytes after its end that are 0, so that nobody asks whether there are as
many left; and 0 is no byte of any text that is read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

ROOM_BYTES = 8
"""Bytes after the end of a text. [byte]"""

_LOW = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_BLANKS = np.uint64(0x2020202020202020)
_MIXED = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: Knuth, vol. 3, 6.4


def with_room(content: bytes) -> npt.NDArray[np.uint8]:
    """A text as an array, with the bytes after its end."""
    held = np.zeros(len(content) + ROOM_BYTES, dtype=np.uint8)
    held[: len(content)] = np.frombuffer(content, dtype=np.uint8)
    return held


def eight_times(byte: int) -> np.uint64:
    """A byte eight times, to look for."""
    return np.uint64(int.from_bytes(bytes([byte] * 8), "little"))


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Pointer to a byte of a text."""
    text = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
    return builder.gep(text.data, [arguments[1]])


@intrinsic
def eight_at(_typing: Any, text: Any, _at: Any) -> Any:
    """The eight bytes from here on, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        return builder.load(
            builder.bitcast(place, context.get_value_type(types.uint64).as_pointer()), align=1
        )

    return types.uint64(text, types.intp), generate


@intrinsic
def byte_at(_typing: Any, text: Any, _at: Any) -> Any:
    """The byte here, as a whole number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = builder.load(_place(context, builder, signature, arguments))
        return builder.zext(byte, context.get_value_type(types.int64))

    return types.int64(text, types.intp), generate


@intrinsic
def _zeros_below(_typing: Any, _bits: Any) -> Any:
    """How many bits below the lowest one that is set are not."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.uint64(types.uint64), generate


_fast = njit(cache=True, nogil=True)


@_fast
def marks_of(eight: np.uint64, eight_times: np.uint64) -> np.uint64:
    """Marks where a byte stands; only the lowest mark is sure to be one.

    Source: Mycroft's test for a byte that is 0 (Anderson, Bit Twiddling Hacks).
    """
    apart = eight ^ eight_times
    return (apart - _LOW) & ~apart & _HIGH


@_fast
def marks_of_control(eight: np.uint64) -> np.uint64:
    """Marks where a byte below the blank stands; only the lowest mark is sure to be one."""
    return (eight - _BLANKS) & ~eight & _HIGH


@_fast
def first_mark(marks: np.uint64) -> int:
    """Which of eight bytes has the lowest mark; there must be one."""
    place: Any = np.int64(_zeros_below(marks) >> np.uint64(3))
    return place


@_fast
def mask_of(count: int) -> np.uint64:
    """Bits of the first bytes, one to eight of them."""
    return _ALL >> np.uint64(64 - 8 * count)


@_fast
def is_same(text: Any, at: int, other: Any, other_at: int, count: int) -> bool:
    """Whether as many bytes of two texts are the same."""
    while count > 8:
        if eight_at(text, at) != eight_at(other, other_at):
            return False
        at, other_at, count = at + 8, other_at + 8, count - 8
    if count == 0:
        return True
    return (eight_at(text, at) ^ eight_at(other, other_at)) & mask_of(count) == np.uint64(0)


@_fast
def hash_of(text: Any, at: int, count: int) -> np.uint64:
    """A number by which a spelling is found again."""
    found = np.uint64(count)
    while count > 8:
        found = (found ^ eight_at(text, at)) * _MIXED
        found ^= found >> np.uint64(32)
        at, count = at + 8, count - 8
    if count > 0:
        found = (found ^ (eight_at(text, at) & mask_of(count))) * _MIXED
    return found ^ (found >> np.uint64(32))
