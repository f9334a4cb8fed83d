"""Name the fixes that a trace came from by a digest that anybody can compute again.

Each column is written in 16-bit words, little-endian, and hashed by itself with SHA-256. The
digest of the fixes is one over a line with their number, `fixes 86400`, and a line `name digest`
for each column that was sent, in the order of their names.

A value is a whole number in the unit that its column is stored in (`STORED_RATIO`). It is written
as its difference from the last value that was one (0 at first); a moment as the difference between
its step and the step before it. The words:

================  ==============================================================================
-32765 .. 32765   a difference; for a moment not 0
-32767            of moments only: as many differences of 0 as the next word says, at most 32767
-32768            a value that was not sent
32767             a larger difference: the next four words are the whole number itself
32766             no whole number below 2^31 in its unit: the next four words are its double
================  ==============================================================================

The first word of a value tells its kind and how many words belong to it, the values before lead
from a difference to the value, and a run of zeros is as long as it can be. So the words can be
read back one by one: two streams of fixes never give the same bytes (0 and -0 are one value), and
no byte depends on how a stream is cut.

Drivers are written as runs, `fixes bytes driver` and a line feed: how many fixes in a row, how
long the name is in UTF-8 (0 where none was stated), and the name.
"""

from __future__ import annotations

import hashlib
import math
import struct
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.traces.fixes import Fixes

# Whole numbers per unit of each column: those in which fixes are stored.
STORED_RATIO = {
    "time_ms": 1.0,
    "lon_udeg": 1.0,
    "lat_udeg": 1.0,
    "speed_kmh": 10.0,
    "accuracy_m": 10.0,
    "odometer_km": 1000.0,
    "fuel_used_l": 1000.0,
    "gross_mass_t": 1000.0,
    "altitude_m": 10.0,
    "ambient_degc": 10.0,
    "fuel_level_l": 10.0,
}
_STEP_MAX, _RUN_MAX = 32_765, 32_767
_RUN, _MISSING, _WHOLE, _DOUBLE = -32_767, -32_768, 32_767, 32_766
_WHOLE_MAX = 2.0**31 - 1.0
_WORDS_MAX = 5
# So many values are tried at once: if none is special they are written without a question each.
_BLOCK = 64
# So many are packed between two calls of the hash; their words stay in the cache.
_PIECE = 65_536
_BEFORE, _LAST, _ZEROS = 0, 1, 2


@njit(cache=True, nogil=True, error_model="numpy")
def _in_four_words(bits, out, p):  # type: ignore[no-untyped-def]
    for k in range(4):
        out[p + k] = np.int16((bits >> (16 * k)) & 0xFFFF)
    return p + 4


@njit(cache=True, nogil=True, error_model="numpy")
def _end_run(zeros, out, p):  # type: ignore[no-untyped-def]
    if zeros == 0:
        return p
    out[p], out[p + 1] = _RUN, zeros
    return p + 2


@njit(cache=True, nogil=True, error_model="numpy")
def _pack_step(step, whole, out, p):  # type: ignore[no-untyped-def]
    """Write one difference, or the whole number where it is too large."""
    if -_STEP_MAX <= step <= _STEP_MAX:
        out[p] = step
        return p + 1
    out[p] = _WHOLE
    return _in_four_words(whole, out, p + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def pack_times(time_ms: NDArray[np.int64], state: NDArray[np.int64], out: NDArray[np.int16]) -> int:
    """Write the next moments in words.

    Parameters
    ----------
    time_ms : int64 array, shape (n,)
        The moments. [ms]
    state : int64 array, shape (3,)
        The last two moments, and the number of zeros not yet written; zeros at the start.
    out : int16 array, shape (at least 5 n + 2,)
        Out: the words.

    Returns
    -------
    words : int
        Number of words written.
    """
    p, n, zeros = 0, len(time_ms), state[_ZEROS]
    before, last = state[_BEFORE], state[_LAST]
    for begin in range(0, n, _BLOCK):
        end = min(begin + _BLOCK, n)
        if begin > 0 and zeros < _RUN_MAX - _BLOCK:
            here, prior = time_ms[begin:end], time_ms[begin - 1 : end - 1]
            older, differing = time_ms[begin - 2 : end - 2], np.int64(0)
            for k in range(end - begin):
                differing |= (here[k] - prior[k]) - (prior[k] - older[k])
            if differing == 0:
                zeros += end - begin
                continue
        if begin > 0:
            before, last = time_ms[begin - 2], time_ms[begin - 1]
        for k in range(begin, end):
            moment_ms = time_ms[k]
            step = (moment_ms - last) - (last - before)
            before, last = last, moment_ms
            if step == 0 and zeros < _RUN_MAX:
                zeros += 1
                continue
            p, zeros = _end_run(zeros, out, p), 1
            if step != 0:
                p, zeros = _pack_step(step, moment_ms, out, p), 0
    if n > 0:
        state[_BEFORE] = time_ms[n - 2] if n > 1 else state[_LAST]
        state[_LAST], state[_ZEROS] = time_ms[n - 1], zeros
    return p


@njit(cache=True, nogil=True, error_model="numpy")
def pack_places(udeg: NDArray[np.int32], state: NDArray[np.int64], out: NDArray[np.int16]) -> int:
    """Write the next longitudes or latitudes in words.

    Parameters
    ----------
    udeg : int32 array, shape (n,)
        Longitudes or latitudes. [udeg]
    state : int64 array, shape (3,)
        As in `pack_times`; only the last value is needed.
    out : int16 array, shape (at least 5 n,)
        Out: the words.

    Returns
    -------
    words : int
        Number of words written.
    """
    p, n = 0, len(udeg)
    if n == 0:
        return 0
    p = _pack_step(udeg[0] - state[_LAST], np.int64(udeg[0]), out, p)
    for begin in range(1, n, _BLOCK):
        end = min(begin + _BLOCK, n)
        large = np.int64(0)
        here, last, words = udeg[begin:end], udeg[begin - 1 : end - 1], out[p : p + end - begin]
        for k in range(end - begin):
            step = np.int64(here[k]) - np.int64(last[k])
            large += (step > _STEP_MAX) | (step < -_STEP_MAX)
            words[k] = step
        if large == 0:
            p += end - begin
            continue
        for k in range(begin, end):
            value = np.int64(udeg[k])
            p = _pack_step(value - np.int64(udeg[k - 1]), value, out, p)
    state[_LAST] = udeg[n - 1]
    return int(p)


@njit(cache=True, nogil=True, error_model="numpy")
def _pack_doubles(values, whole, stored_ratio, last, out, p):  # type: ignore[no-untyped-def]
    """Write values of which some are missing, no whole numbers, or far from the one before."""
    for k in range(len(values)):
        if math.isnan(values[k]):
            out[p] = _MISSING
            p += 1
        elif (
            abs(np.rint(values[k] * stored_ratio)) <= _WHOLE_MAX
            and whole[k] / stored_ratio == values[k]
        ):
            p = _pack_step(np.int64(whole[k]) - last, np.int64(whole[k]), out, p)
            last = np.int64(whole[k])
        else:
            out[p] = _DOUBLE
            p = _in_four_words(values[k : k + 1].view(np.int64)[0], out, p + 1)
    return p, last


@njit(cache=True, nogil=True, error_model="numpy")
def pack_signal(
    values: NDArray[np.float64],
    stored_ratio: float,
    state: NDArray[np.int64],
    out: NDArray[np.int16],
) -> int:
    """Write the next values of a signal in words.

    Parameters
    ----------
    values : float64 array, shape (n,)
        The values, NaN where missing.
    stored_ratio : float
        Whole numbers per unit of the values.
    state : int64 array, shape (3,)
        As in `pack_times`; only the last value is needed, of those that were whole numbers.
    out : int16 array, shape (at least 5 n,)
        Out: the words.

    Returns
    -------
    words : int
        Number of words written.
    """
    p, whole = 0, np.empty(_BLOCK + 1, np.int32)
    whole[0] = state[_LAST]
    for begin in range(0, len(values), _BLOCK):
        given = values[begin : begin + _BLOCK]
        size = len(given)
        here, last, words = whole[1 : size + 1], whole[:size], out[p : p + size]
        odd = np.int64(0)
        for k in range(size):
            rounded = np.rint(given[k] * stored_ratio)
            odd += not ((abs(rounded) <= _WHOLE_MAX) & (rounded / stored_ratio == given[k]))
            here[k] = np.int32(rounded)
        for k in range(size):
            step = np.int64(here[k]) - np.int64(last[k])
            odd += (step > _STEP_MAX) | (step < -_STEP_MAX)
            words[k] = step
        if odd == 0:
            p += size
            whole[0] = here[size - 1]
        else:
            p, whole[0] = _pack_doubles(given, here, stored_ratio, np.int64(whole[0]), out, p)
    state[_LAST] = whole[0]
    return p


class _Column:
    """The digest of one column, piece by piece; its words go through a buffer that others use."""

    def __init__(self, name: str, words: NDArray[np.int16]) -> None:
        self._name, self._words = name, words
        self._hash = hashlib.sha256()
        self._state = np.zeros(3, dtype=np.int64)

    def add(self, values: NDArray[Any]) -> None:
        """Take the next values."""
        values = np.ascontiguousarray(values)[:]
        values.flags.writeable = False  # as columns from storage are: one kind of argument
        for begin in range(0, len(values), _PIECE):
            self._add_piece(values[begin : begin + _PIECE])

    def add_missing(self, count: int) -> None:
        """Take as many values that were not sent."""
        for begin in range(0, count, _PIECE):
            self.add(np.full(min(_PIECE, count - begin), np.nan))

    def digest(self) -> str:
        """In hexadecimal digits; more values may follow."""
        whole = self._hash.copy()
        zeros = int(self._state[_ZEROS])
        whole.update(struct.pack("<2h", _RUN, zeros) if zeros else b"")
        return whole.hexdigest()

    def _add_piece(self, values: NDArray[Any]) -> None:
        if self._name == "time_ms":
            count = pack_times(values, self._state, self._words)
        elif self._name in ("lon_udeg", "lat_udeg"):
            count = pack_places(values, self._state, self._words)
        else:
            count = pack_signal(values, STORED_RATIO[self._name], self._state, self._words)
        self._hash.update(self._words[:count].data)


class _Drivers:
    """The digest of who was stated to drive, piece by piece."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._driver, self._count = "", 0

    def add(self, drivers: NDArray[np.object_]) -> None:
        """Take the next drivers."""
        begins = np.flatnonzero(np.append(True, drivers[1:] != drivers[:-1]))[: len(drivers)]
        for begin, end in pairwise([*begins.tolist(), len(drivers)]):
            self._add_run(str(drivers[begin]), end - begin)

    def add_missing(self, count: int) -> None:
        """Take as many fixes for which none was stated."""
        self._add_run("", count)

    def digest(self) -> str:
        """In hexadecimal digits; more may follow."""
        whole = self._hash.copy()
        whole.update(self._run())
        return whole.hexdigest()

    def _add_run(self, driver: str, count: int) -> None:
        if driver != self._driver:
            self._hash.update(self._run())
            self._driver, self._count = driver, 0
        self._count += count

    def _run(self) -> bytes:
        name = self._driver.encode()
        return b"%d %d %b\n" % (self._count, len(name), name) if self._count > 0 else b""


class FixesDigest:
    """Digest of a stream of fixes, however it is cut.

    It covers every signal that was sent: a piece without a signal that another piece has counts
    as missing values, a signal never sent as nothing.
    """

    def __init__(self) -> None:
        self._columns: dict[str, _Column | _Drivers] = {}
        self._words = np.empty(_WORDS_MAX * _PIECE + 2, dtype="<i2")
        self._count = 0

    def update(self, fixes: Fixes) -> None:
        """Take the next piece of the stream."""
        for name, values in vars(fixes).items():
            if values is None and name not in self._columns:
                continue
            if name not in self._columns:
                is_driver = name == "driver_id"
                self._columns[name] = _Drivers() if is_driver else _Column(name, self._words)
                self._columns[name].add_missing(self._count)
            if values is None:
                self._columns[name].add_missing(len(fixes))
            else:
                self._columns[name].add(values)
        self._count += len(fixes)

    def version(self) -> str:
        """The digest in hexadecimal digits."""
        whole = hashlib.sha256(f"fixes {self._count}\n".encode())
        for name in sorted(self._columns):
            whole.update(f"{name} {self._columns[name].digest()}\n".encode())
        return whole.hexdigest()
