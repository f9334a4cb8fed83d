"""Frames of JT/T 808 and JT/T 809, unpacked and taken apart by compiled code.

A frame stands between marks; a byte of it that equals a mark is written as two. Nothing is decided
here about what the numbers mean: they leave as they are sent, in units of the protocol.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit, types

Bytes: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
Whole: TypeAlias = int | np.int64

SOUND, ESCAPE_WRONG, CHECK_WRONG, LENGTH_WRONG, ENCRYPTED, IN_PARTS, OTHER = range(7)
"""What became of a frame."""
UNKNOWN = -(1 << 62)
"""Stands for a number that was not sent, or a moment that is none."""
STATUS, LAT, LON, ALTITUDE, SPEED, HEADING, TIME, ODOMETER, FUEL, PHONE_HIGH, PHONE_LOW, DIGITS = (
    range(12)
)
"""Rows of what `read_locations` finds; a fix is a column of it."""
EDITION, IS_SHIFTED = PHONE_HIGH, PHONE_LOW
"""Rows of what `read_exchanges` finds instead of devices; it writes no further ones."""
EXCHANGE_ROWS = IS_SHIFTED + 1
LOCATION_BYTES = 28
"""Least length of a location: alarm, status, place, height, speed, direction, moment. [byte]"""

_FRAME_BYTES_MAX = 2048
_LOCATION, _LOCATIONS_HELD = 0x0200, 0x0704
_ODOMETER_ITEM, _FUEL_ITEM = 0x01, 0x02
_DAYS_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])
_MS_PER_S, _MS_PER_DAY = 1_000, 86_400_000
_LINE_FEED, _RETURN, _BLANK, _TAB = 10, 13, 32, 9
_CRC_POLYNOMIAL, _CRC_START = 0x1021, 0xFFFF
_EXCHANGE, _REAL_LOCATION, _HELD_LOCATIONS = 0x1200, 0x1202, 0x1203
_HEAD_809_BYTES, _LOCATION_809_BYTES, _PLATE_BYTES = 22, 36, 21
# The edition of 2019 adds the moment of sending to the head, and three platforms with their alarms
# to each location, which is one of JT/T 808.
_MOMENT_BYTES, _PLATFORMS_BYTES = 8, 3 * (11 + 4)

_fast = njit(cache=True, nogil=True)


@_fast
def _nibble(byte: int) -> Whole:
    """The value of a hexadecimal digit; -1 if it is none."""
    character = np.int64(byte)
    if 48 <= character <= 57:
        return character - 48
    lower = character | 32
    return lower - 87 if 97 <= lower <= 102 else -1


@_fast
def _pair(text: Bytes, at: Whole) -> Whole:
    """The byte that two hexadecimal digits write; -1 if they are none."""
    if at + 1 >= len(text):
        return -1
    high, low = _nibble(text[at]), _nibble(text[at + 1])
    return high * 16 + low if high >= 0 and low >= 0 else -1


@_fast
def bytes_of_hex(
    text: Bytes, mark: int, end: int, out: Bytes, starts: Ints, lines: Ints
) -> tuple[int, ...]:
    """Runs of hexadecimal pairs that begin with a mark, wherever they stand in a line.

    Parameters
    ----------
    text : uint8 array
        Lines of a log; pairs may be parted by blanks, a frame may go over several lines.
    mark, end : int
        Bytes that begin a frame and end it.
    out : uint8 array
        Takes the bytes, one run after the other; half the length of the text suffices.
    starts, lines : int64 arrays
        Take where each run begins in `out`, and its line from 1; on a further line of a run its
        first mark begins the next.

    Returns
    -------
    bytes_count, runs_count, lines_without : int
        The last of lines that hold something and no run.
    """
    at, runs, without, line, i, run_end = 0, 0, 0, 1, 0, 0
    is_blank, has_run = True, False
    while i < len(text):
        byte = text[i]
        if byte == _LINE_FEED:
            without += not is_blank and not has_run
            line, is_blank, has_run, i = line + 1, True, False, i + 1
            continue
        if byte > _BLANK:
            is_blank = False
        if _pair(text, i) == mark and (i == run_end or _nibble(text[i - 1]) < 0):
            begin, begin_line, begin_runs, j = at, line, runs, i
            seen_line = 0
            while j < len(text):
                value = _pair(text, j)
                is_closed = at - begin > 4 and out[at - 1] == end
                if value >= 0 and not (is_closed and value != mark and text[j - 1] <= _BLANK):
                    if value == mark and line != seen_line:
                        starts[runs], lines[runs], seen_line = at, line, line
                        runs += 1
                    out[at] = value
                    at, j = at + 1, j + 2
                elif text[j] == _BLANK or text[j] == _TAB or text[j] == _RETURN:
                    j += 1
                elif text[j] == _LINE_FEED and not is_closed:
                    line, j = line + 1, j + 1
                else:
                    break
            if at - begin > 4:
                has_run, i, run_end = True, j, j
                continue
            at, line, runs = begin, begin_line, begin_runs
        i += 1
    without += not is_blank and not has_run
    return at, runs, without


@_fast
def _unescaped(data: Bytes, first: int, stop: int, escape: int, mark: int, out: Bytes) -> int:
    """The length of a frame of JT/T 808 without its escapes; -1 if one is none."""
    length, i = 0, first
    while i < stop:
        byte = data[i]
        if byte == escape:
            i += 1
            if i >= stop or not 1 <= data[i] <= 2:
                return -1
            byte = escape if data[i] == 1 else mark
        if length >= len(out):
            return -1
        out[length] = byte
        length, i = length + 1, i + 1
    return length


@_fast
def _word(data: Bytes, at: Whole) -> Whole:
    return (np.int64(data[at]) << 8) | np.int64(data[at + 1])


@_fast
def _double_word(data: Bytes, at: Whole) -> Whole:
    return (_word(data, at) << 16) | _word(data, at + 2)


@_fast
def _digits(data: Bytes, first: Whole, stop: Whole) -> Whole:
    """The number that binary-coded decimals write; -1 if one of them is none."""
    number: Whole = 0
    for i in range(first, stop):
        high, low = np.int64(data[i]) >> 4, np.int64(data[i]) & 15
        if high > 9 or low > 9:
            return -1
        number = number * 100 + high * 10 + low
    return number


@_fast
def civil_ms(year: Whole, month: Whole, day: Whole, second_of_day: Whole) -> Whole:
    """A civil moment counted like UTC; UNKNOWN if there is no such day. [ms]"""
    if not (1 <= month <= 12 and 1970 <= year <= 9999 and 1 <= day <= 31):
        return UNKNOWN
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days_of_month = _DAYS_BEFORE_MONTH[month] - _DAYS_BEFORE_MONTH[month - 1]
    if day > days_of_month + (is_leap and month == 2):
        return UNKNOWN
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719_162
    days += _DAYS_BEFORE_MONTH[month - 1] + (is_leap and month > 2) + day - 1
    return int(days) * _MS_PER_DAY + second_of_day * _MS_PER_S


@_fast
def time_ms_of_digits(digits: Whole) -> Whole:
    """The civil moment of YYMMDDhhmmss in this century; UNKNOWN if it is none. [ms]"""
    if digits < 0:
        return UNKNOWN
    clock, day = digits % 1_000_000, digits // 1_000_000
    hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
    if hour > 23 or minute > 59 or second > 59:
        return UNKNOWN
    second_of_day = hour * 3600 + minute * 60 + second
    return civil_ms(2000 + day // 10_000, day // 100 % 100, day % 100, second_of_day)


@_fast
def times_ms_of_digits(digits: Ints) -> Ints:
    """The same of many. [ms]"""
    found = np.empty(len(digits), dtype=np.int64)
    for i in range(len(digits)):
        found[i] = time_ms_of_digits(digits[i])
    return found


@_fast
def _put_location(body: Bytes, at: Whole, stop: Whole, found: Ints, row: int) -> None:
    """One location of JT/T 808 with its further items."""
    found[STATUS, row] = _double_word(body, at + 4)
    found[LAT, row] = _double_word(body, at + 8)
    found[LON, row] = _double_word(body, at + 12)
    found[ALTITUDE, row] = _word(body, at + 16)
    found[SPEED, row] = _word(body, at + 18)
    found[HEADING, row] = _word(body, at + 20)
    found[TIME, row] = time_ms_of_digits(_digits(body, at + 22, at + 28))
    found[ODOMETER, row] = found[FUEL, row] = UNKNOWN
    i: Whole = at + LOCATION_BYTES
    while i + 2 <= stop and i + 2 + np.int64(body[i + 1]) <= stop:
        item, length = np.int64(body[i]), np.int64(body[i + 1])
        if item == _ODOMETER_ITEM and length == 4:
            found[ODOMETER, row] = _double_word(body, i + 2)
        elif item == _FUEL_ITEM and length == 2:
            found[FUEL, row] = _word(body, i + 2)
        i += 2 + length


@_fast
def _put_phone(body: Bytes, at: int, length: int, found: Ints, row: int) -> None:
    split = at + length - 6
    found[PHONE_HIGH, row] = _digits(body, at, split)
    found[PHONE_LOW, row] = _digits(body, split, at + length)
    found[DIGITS, row] = 2 * length


@_fast
def read_locations(
    data: Bytes, starts: Ints, stops: Ints, verdicts: Ints, found: Ints, frames: Ints
) -> int:
    """The locations of frames of JT/T 808, one for each 0x0200 and each held back in a 0x0704.

    Parameters
    ----------
    data : uint8 array
        Frames without the marks around them, escaped.
    starts, stops : int64 arrays, shape (n_frames,)
        Where each stands.
    verdicts : int64 array, shape (n_frames,)
        Takes what became of each.
    found : int64 array, shape (12, n_rows_max)
        Takes the numbers, by the rows named above.
    frames : int64 array, shape (n_rows_max,)
        Takes the frame of each location.

    Returns
    -------
    rows_count : int
    """
    rows = 0
    body = np.empty(_FRAME_BYTES_MAX, dtype=np.uint8)
    for frame in range(len(starts)):
        length = _unescaped(data, starts[frame], stops[frame], 0x7D, 0x7E, body)
        if length < 0:
            verdicts[frame] = ESCAPE_WRONG
            continue
        check = 0
        for i in range(length):
            check ^= body[i]
        if check != 0 or length < 13:
            verdicts[frame] = CHECK_WRONG
            continue
        attributes = _word(body, 2)
        is_of_2019 = attributes >> 14 & 1
        phone_at, phone_bytes = (5, 10) if is_of_2019 else (4, 6)
        is_in_parts = attributes >> 13 & 1
        begin = phone_at + phone_bytes + 2 + 4 * is_in_parts
        stop = length - 1
        if stop - begin != attributes & 0x3FF:
            verdicts[frame] = LENGTH_WRONG
            continue
        kind = _word(body, 0)
        if kind != _LOCATION and kind != _LOCATIONS_HELD:
            verdicts[frame] = OTHER
        elif attributes >> 10 & 7:
            verdicts[frame] = ENCRYPTED
        elif is_in_parts and _word(body, begin - 4) > 1:
            verdicts[frame] = IN_PARTS
        else:
            before = rows
            at = begin if kind == _LOCATION else begin + 3
            while at < stop:
                size = stop - at if kind == _LOCATION else _word(body, at) if at + 1 < stop else 0
                at += 0 if kind == _LOCATION else 2
                if size < LOCATION_BYTES or at + size > stop:
                    break
                _put_location(body, at, at + size, found, rows)
                _put_phone(body, phone_at, phone_bytes, found, rows)
                frames[rows] = frame
                rows, at = rows + 1, at + size
            is_whole = at == stop and rows > before
            verdicts[frame] = SOUND if is_whole else LENGTH_WRONG
            rows = rows if is_whole else before
    return rows


@_fast
def _unescaped_809(data: Bytes, first: int, stop: int, out: Bytes) -> int:
    """The length of a frame of JT/T 809 without its escapes; -1 if one is none."""
    length, i = 0, first
    while i < stop:
        byte = data[i]
        if byte == 0x5A or byte == 0x5E:
            i += 1
            if i >= stop or not 1 <= data[i] <= 2:
                return -1
            is_itself = data[i] == 2
            byte = byte if is_itself else np.uint8(0x5B if byte == 0x5A else 0x5D)
        if length >= len(out):
            return -1
        out[length] = byte
        length, i = length + 1, i + 1
    return length


@_fast
def _crc(data: Bytes, stop: int) -> Any:
    """CRC-16 with polynomial 0x1021 and all ones at the start."""
    value: Any = _CRC_START
    for i in range(stop):
        value ^= np.int64(data[i]) << 8
        for _ in range(8):
            value = (value << 1) ^ (_CRC_POLYNOMIAL if value & 0x8000 else 0)
            value &= 0xFFFF
    return value


@_fast
def _put_exchange(body: Bytes, at: int, found: Ints, row: int) -> None:
    """One location of JT/T 809: date, time, longitude before latitude, speeds, mileage."""
    second = np.int64(body[at + 5]) * 3600 + np.int64(body[at + 6]) * 60 + np.int64(body[at + 7])
    is_clock = body[at + 5] < 24 and body[at + 6] < 60 and body[at + 7] < 60
    day, month, year = np.int64(body[at + 1]), np.int64(body[at + 2]), _word(body, at + 3)
    found[TIME, row] = civil_ms(year, month, day, second) if is_clock else UNKNOWN
    found[LON, row] = _double_word(body, at + 8)
    found[LAT, row] = _double_word(body, at + 12)
    found[SPEED, row] = _word(body, at + 16)
    found[ODOMETER, row] = _double_word(body, at + 20)
    found[HEADING, row] = _word(body, at + 24)
    found[ALTITUDE, row] = _word(body, at + 26)
    found[STATUS, row] = _double_word(body, at + 28)
    found[FUEL, row] = UNKNOWN
    found[EDITION, row] = 2011
    found[IS_SHIFTED, row] = body[at]


@_fast
def _exchange_begin(body: Bytes, stop: int) -> Whole:
    """Where the data behind plate, colour, kind and length begin; -1 if it is no location."""
    for head in (_HEAD_809_BYTES, _HEAD_809_BYTES + _MOMENT_BYTES):
        begin = head + _PLATE_BYTES + 7
        if begin <= stop:
            kind = _word(body, begin - 6)
            if kind in (_REAL_LOCATION, _HELD_LOCATIONS):
                return begin
    return -1


@_fast
def _put_exchanges_2011(body: Bytes, at: Whole, stop: int, found: Ints, row: int) -> int:
    """How many locations of 36 bytes stand there; -1 if anything else does, too."""
    count = (stop - at) // _LOCATION_809_BYTES
    if count < 1 or at + count * _LOCATION_809_BYTES != stop:
        return -1
    for held in range(count):
        _put_exchange(body, at + held * _LOCATION_809_BYTES, found, row + held)
    return int(count)


@_fast
def _put_exchanges_2019(body: Bytes, at: Whole, stop: int, found: Ints, row: int) -> int:
    """How many locations of JT/T 808 stand there, each with its length; -1 if anything else."""
    count = 0
    while at < stop:
        if at + 5 > stop:
            return -1
        size = _double_word(body, at + 1)
        if size < LOCATION_BYTES or at + 5 + size + _PLATFORMS_BYTES > stop:
            return -1
        _put_location(body, at + 5, at + 5 + size, found, row + count)
        found[EDITION, row + count] = 2019
        found[IS_SHIFTED, row + count] = body[at]
        at, count = at + 5 + size + _PLATFORMS_BYTES, count + 1
    return count if count > 0 else -1


@_fast
def read_exchanges(
    data: Bytes,
    starts: Ints,
    stops: Ints,
    verdicts: Ints,
    found: Ints,
    frames: Ints,
    plates: Bytes,
) -> int:
    """The locations of frames of JT/T 809: 0x1202, and those sent later by 0x1203.

    Parameters and result as of `read_locations`, `found` with `EXCHANGE_ROWS` rows; `plates`, shape
    (n_frames, 22), takes plate and colour as they are sent. Speeds and counters are in whole units
    in the edition of 2011 and in tenths in that of 2019.
    """
    rows = 0
    body = np.empty(_FRAME_BYTES_MAX, dtype=np.uint8)
    for frame in range(len(starts)):
        length = _unescaped_809(data, starts[frame], stops[frame], body)
        if length < 0:
            verdicts[frame] = ESCAPE_WRONG
            continue
        if length < 24 or _crc(body, length - 2) != _word(body, length - 2):
            verdicts[frame] = CHECK_WRONG
            continue
        if _word(body, 8) != _EXCHANGE:
            verdicts[frame] = OTHER
            continue
        if body[17] != 0:
            verdicts[frame] = ENCRYPTED
            continue
        stop = length - 2
        if stop < _HEAD_809_BYTES + _PLATE_BYTES + 7:
            verdicts[frame] = LENGTH_WRONG
            continue
        begin = _exchange_begin(body, stop)
        if begin < 0:
            verdicts[frame] = OTHER
            continue
        plate = begin - _PLATE_BYTES - 7
        is_held = _word(body, begin - 6) == _HELD_LOCATIONS
        count = -1
        if _double_word(body, begin - 4) == stop - begin:
            if plate == _HEAD_809_BYTES:
                count = _put_exchanges_2011(body, begin + is_held, stop, found, rows)
            else:
                count = _put_exchanges_2019(body, begin + is_held, stop, found, rows)
        if count < 0 or (count > 1 and not is_held):
            verdicts[frame] = LENGTH_WRONG
            continue
        for byte in range(_PLATE_BYTES + 1):
            plates[frame, byte] = body[plate + byte]
        for held in range(count):
            frames[rows + held] = frame
        rows += count
        verdicts[frame] = SOUND
    return rows


_GIVEN = types.Array(types.uint8, 1, "C", readonly=True)
_BYTES, _WHOLES, _TABLE = types.uint8[::1], types.int64[::1], types.int64[:, ::1]
KERNELS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (bytes_of_hex, (_GIVEN, types.int64, types.int64, _BYTES, _WHOLES, _WHOLES)),
    (times_ms_of_digits, (_WHOLES,)),
    (read_locations, (_BYTES, _WHOLES, _WHOLES, _WHOLES, _TABLE, _WHOLES)),
    (read_exchanges, (_BYTES, _WHOLES, _WHOLES, _WHOLES, _TABLE, _WHOLES, types.uint8[:, ::1])),
)
"""Each kernel that is called from outside, with the only kinds of arguments it is called with."""


def warm() -> None:
    """Compile every kernel of this room, or load it from the cache of an earlier time."""
    for kernel, arguments in KERNELS:
        kernel.compile(arguments)
