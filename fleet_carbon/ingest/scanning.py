"""Bodies of positions read byte by byte, compiled: flat rows of a form that leaves no doubt.

Whatever is not of that form (exponents, nested values, civil times without an offset,
another order of members) ends the scan without a result, and the general readers take over. What
is read here has the very values that they give: decimals are rounded as the standard says.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit, types

from fleet_carbon.ingest.eights import (
    byte_at,
    eight_at,
    eight_times,
    first_mark,
    hash_of,
    is_same,
    marks_of,
    marks_of_control,
    with_room,
)

Bytes: TypeAlias = npt.NDArray[np.uint8]
Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

SKIPPED, IDENTIFIER, MOMENT, NUMBER = 0, 1, 2, 3
"""What a column is read as."""
NOT_PLAIN = -1
UNSEEN_MS = np.iinfo(np.int64).min
"""Stands for the moment of a row that has none, or whose moment is a number."""

_QUOTE, _BACKSLASH, _COLON, _COMMA, _MINUS, _PLUS, _POINT = 34, 92, 58, 44, 45, 43, 46
_OPEN, _CLOSE, _LIST, _LIST_END = 123, 125, 91, 93
_ZERO, _NINE, _T, _Z, _BLANK, _TAB, _LINE_FEED, _RETURN = 48, 57, 84, 90, 32, 9, 10, 13
_LOWER, _A, _F, _U = 32, 97, 102, 117
_ESCAPED = np.frombuffer(b'"\\/bfnrt', dtype=np.uint8)
_PAIRS_FIRST, _PAIRS_LAST = 0xD800, 0xDFFF  # of two such codes a character is made
_NULL, _TRUE, _FALSE = with_room(b"null"), with_room(b"true"), with_room(b"false")
_NONE = np.uint64(0)
_QUOTES, _BACKSLASHES, _COMMAS = (eight_times(byte) for byte in (_QUOTE, _BACKSLASH, _COMMA))
# Decimals of up to eighteen digits: numerator and denominator are 64-bit integers.
_DIGITS_MAX = 18
_EXACT_MAX = 1 << 53
_TENS = np.array([10**power for power in range(_DIGITS_MAX + 1)], dtype=np.int64)
_TENTHS = 10.0 ** np.arange(_DIGITS_MAX + 1)
_MS_PER_S, _MS_PER_MIN, _MS_PER_H, _MS_PER_DAY = 1_000, 60_000, 3_600_000, 86_400_000
_DAYS_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])

_fast = njit(cache=True, nogil=True)


@_fast
def _blanks_end(text: Bytes, at: int, takes_lines: bool) -> int:
    """Where the white space from here on ends."""
    while True:
        byte = byte_at(text, at)
        if byte > _BLANK:
            return at
        is_line_end = (byte == _LINE_FEED) | (byte == _RETURN)
        if not ((byte == _BLANK) | (byte == _TAB) | (takes_lines & is_line_end)):
            return at
        at += 1


@_fast
def _hex_digit(byte: int) -> int:
    """Value of a hexadecimal digit; NOT_PLAIN for another byte."""
    if _ZERO <= byte <= _NINE:
        return byte - _ZERO
    lower = byte | _LOWER
    return lower - _A + 10 if _A <= lower <= _F else NOT_PLAIN


@_fast
def _escape_end(text: Bytes, at: int) -> int:
    """Where the escape ends whose backslash is here; NOT_PLAIN if it is none, or half a pair."""
    if byte_at(text, at + 1) != _U:
        for known in _ESCAPED:
            if byte_at(text, at + 1) == known:
                return at + 2
        return NOT_PLAIN
    code = 0
    for place in range(at + 2, at + 6):
        digit = _hex_digit(byte_at(text, place))
        if digit < 0:
            return NOT_PLAIN
        code = 16 * code + digit
    return NOT_PLAIN if _PAIRS_FIRST <= code <= _PAIRS_LAST else at + 6


@_fast
def _string_end(text: Bytes, at: int) -> int:
    """Where the string that begins here ends, after its quote; NOT_PLAIN if it is broken."""
    at += 1
    while True:
        eight = eight_at(text, at)
        marks = marks_of(eight, _QUOTES) | marks_of(eight, _BACKSLASHES) | marks_of_control(eight)
        if marks == _NONE:
            at += 8
            continue
        at += first_mark(marks)
        if byte_at(text, at) == _QUOTE:
            return at + 1
        if byte_at(text, at) != _BACKSLASH:
            return NOT_PLAIN
        at = _escape_end(text, at)
        if at == NOT_PLAIN:
            return NOT_PLAIN


@_fast
def quotient(numerator: int, power: int) -> float:
    """A whole number over a power of ten, rounded to the nearest double, ties to even.

    Parameters
    ----------
    numerator : int
        From 0 to below 10**18.
    power : int
        From 0 to 18.

    Notes
    -----
    Up to 2**53 both are doubles, whose quotient is rounded rightly (IEEE 754). Beyond, the bits of
    the quotient are worked out one by one; what is left over makes the last of them odd, so that
    the one rounding at the end knows on which side of a tie the value lies.
    """
    if numerator <= _EXACT_MAX:
        return numerator / _TENTHS[power]
    denominator = _TENS[power]
    bits, rest = numerator // denominator, numerator % denominator
    scale = 1.0
    while bits < 4 * _EXACT_MAX:
        rest *= 2
        bits *= 2
        scale *= 0.5
        if rest >= denominator:
            rest -= denominator
            bits += 1
    return float(bits | int(rest != 0)) * scale


@_fast
def _number(text: Bytes, at: int) -> tuple[int, float]:
    """The decimal number that begins here, and where it ends; NOT_PLAIN if it is none."""
    is_negative = byte_at(text, at) == _MINUS
    if is_negative:
        at += 1
    first, decimals, mantissa = at, 0, 0
    digit = byte_at(text, at) - _ZERO
    while 0 <= digit <= 9:
        mantissa = mantissa * 10 + digit
        at += 1
        digit = byte_at(text, at) - _ZERO
    count = at - first
    if count == 0 or (count > 1 and byte_at(text, first) == _ZERO):
        return NOT_PLAIN, 0.0
    if byte_at(text, at) == _POINT:
        at += 1
        digit = byte_at(text, at) - _ZERO
        while 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
            decimals += 1
            at += 1
            digit = byte_at(text, at) - _ZERO
        if decimals == 0:
            return NOT_PLAIN, 0.0
    # Of more digits than these the number may have run over, or not be one of two doubles.
    if count + decimals > _DIGITS_MAX:
        return NOT_PLAIN, 0.0
    value = quotient(mantissa, decimals)
    return at, -value if is_negative else value


@_fast
def _whole(text: Bytes, at: int, count: int) -> int:
    """So many digits as a whole number; NOT_PLAIN if others stand there."""
    found = 0
    for place in range(at, at + count):
        digit = byte_at(text, place) - _ZERO
        if digit < 0 or digit > 9:
            return NOT_PLAIN
        found = found * 10 + digit
    return found


@_fast
def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; NOT_PLAIN for what is no day from 1970 to 2199."""
    if not (1970 <= year < 2200 and 1 <= month <= 12 and day >= 1):
        return NOT_PLAIN
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    in_month = _DAYS_BEFORE_MONTH[month] - _DAYS_BEFORE_MONTH[month - 1]
    if day > in_month + int(is_leap and month == 2):
        return NOT_PLAIN
    before = year - 1
    leaps = before // 4 - before // 100 + before // 400 - 477  # of which 477 were before 1970
    days = (year - 1970) * 365 + leaps + _DAYS_BEFORE_MONTH[month - 1] + day - 1
    return days + int(is_leap and month > 2)


@_fast
def _minute_ms(text: Bytes, at: int) -> int:
    """The minute that stands here, as `YYYY-MM-DDThh:mm`, of no offset; NOT_PLAIN else. [ms]"""
    if byte_at(text, at + 4) != _MINUS or byte_at(text, at + 7) != _MINUS:
        return NOT_PLAIN
    between = byte_at(text, at + 10)
    if (between != _T and between != _BLANK) or byte_at(text, at + 13) != _COLON:
        return NOT_PLAIN
    day = _day_number(_whole(text, at, 4), _whole(text, at + 5, 2), _whole(text, at + 8, 2))
    hour, minute = _whole(text, at + 11, 2), _whole(text, at + 14, 2)
    if day < 0 or not (0 <= hour < 24 and 0 <= minute < 60):
        return NOT_PLAIN
    found_ms: int = day * _MS_PER_DAY + hour * _MS_PER_H + minute * _MS_PER_MIN
    return found_ms


@_fast
def moment_ms(text: Bytes, at: int, stop: int, last: Any) -> int:
    """The moment that stands here, ISO 8601 with an offset; NOT_PLAIN for another form. [ms]

    A fraction beyond the millisecond is cut off. `last` holds the sixteen bytes of the minute that
    was read last, and which it is: mostly the next one is the same.
    """
    if stop - at < 17:
        return NOT_PLAIN
    if eight_at(text, at) != last[0] or eight_at(text, at + 8) != last[1]:
        minute_ms = _minute_ms(text, at)
        if minute_ms < 0:
            return NOT_PLAIN
        last[0], last[1], last[2] = eight_at(text, at), eight_at(text, at + 8), minute_ms
    found_ms = np.int64(last[2])
    at += 16
    if byte_at(text, at) == _COLON:
        second = _whole(text, at + 1, 2)
        if not 0 <= second < 60:
            return NOT_PLAIN
        found_ms += second * _MS_PER_S
        at += 3
        if byte_at(text, at) == _POINT:
            at += 1
            first, unit_ms = at, 100
            while at < stop and _ZERO <= byte_at(text, at) <= _NINE:
                found_ms += (byte_at(text, at) - _ZERO) * unit_ms
                unit_ms //= 10
                at += 1
            if not 1 <= at - first <= 6:
                return NOT_PLAIN
    return _with_offset(text, at, stop, found_ms)


@_fast
def _with_offset(text: Bytes, at: int, stop: int, local_ms: int) -> int:
    sign = byte_at(text, at)
    if at + 1 == stop and sign == _Z:
        return local_ms
    if at + 3 > stop or (sign != _PLUS and sign != _MINUS):
        return NOT_PLAIN
    hours, minutes = _whole(text, at + 1, 2), 0
    if at + 3 < stop:
        has_colon = int(byte_at(text, at + 3) == _COLON)
        minutes = _whole(text, at + 3 + has_colon, 2)
        if at + 5 + has_colon != stop:
            return NOT_PLAIN
    if not (0 <= hours < 24 and 0 <= minutes < 60):
        return NOT_PLAIN
    offset_ms = hours * _MS_PER_H + minutes * _MS_PER_MIN
    utc_ms: int = local_ms - offset_ms if sign == _PLUS else local_ms + offset_ms
    return utc_ms if utc_ms >= 0 else NOT_PLAIN


@_fast
def _slot_of(text: Bytes, first: int, count: int, known_text: Bytes, spans: Any, slots: Any) -> int:
    """Where a spelling is found, or where it would be put: a place in `slots`."""
    mask = len(slots) - 1
    slot: Any = np.int64(hash_of(text, first, count)) & mask
    while slots[slot] >= 0:
        from_ = spans[slots[slot], 0]
        held = spans[slots[slot], 1] - from_
        if held == count and is_same(text, first, known_text, from_, count):
            break
        slot = (slot + 1) & mask
    return slot


@_fast
def put_spelling(text: Bytes, spans: Any, slots: Any, place: int) -> None:
    """Let a spelling that is not in there yet be found: its bytes stand at its span."""
    first = spans[place, 0]
    slots[_slot_of(text, first, spans[place, 1] - first, text, spans, slots)] = place


@_fast
def _word_number(
    text: Bytes,
    first: int,
    stop: int,
    known_text: Bytes,
    spans: Any,
    slots: Any,
    numbers: Any,
    others: Any,
) -> int:
    """Number of a word that is known; of another -2 and less, by where it is put in `others`.

    The first row of `others` counts them; each other one says where a word stands in the text.
    """
    found = slots[_slot_of(text, first, stop - first, known_text, spans, slots)]
    if found >= 0:
        number: int = numbers[found]
        return number
    others[0, 0] += 1
    others[others[0, 0], 0], others[others[0, 0], 1] = first, stop
    return -1 - others[0, 0]


@_fast
def scan_objects(
    text: Bytes,
    stop: int,
    at: int,
    is_list: bool,
    names: Bytes,
    name_ends: Int64s,
    roles: Int64s,
    numbers: Any,
    times_ms: Int64s,
    places: Any,
    known_text: Bytes,
    spans: Any,
    slots: Any,
    words: Any,
    others: Any,
) -> int:
    """Read objects that all have the members of the first one, or some of them, in its order.

    Parameters
    ----------
    text : uint8 array, shape (stop + 8,)
        The body, and 0 after its end.
    stop, at : int
        Where the body ends; where the first object begins.
    is_list : bool
        Whether commas part the objects and a bracket ends them; else line ends do.
    names, name_ends : uint8 array, int64 array
        The quoted names of the members one after the other, and where each ends; again with room.
    roles : int64 array, shape (n_members,)
        What each member is read as.
    numbers : float64 array, shape (n_members, n_rows), NaN
    times_ms : int64 array, shape (n_rows,), UNSEEN_MS
    places : int32 array, shape (n_members, n_rows), -1
    known_text, spans, slots, words : arrays
        Of a `WordBook`.
    others : int64 array, shape (n_others, 2), 0
        See `_word_number`.

    Returns
    -------
    rows_count : int
        How many there were; NOT_PLAIN if the body is of another form.
    """
    last = np.zeros(3, dtype=np.uint64)
    row = 0
    while True:
        if row == len(times_ms) or byte_at(text, at) != _OPEN:
            return NOT_PLAIN
        at = _blanks_end(text, at + 1, is_list)
        member = 0
        while byte_at(text, at) != _CLOSE:
            if member == len(roles):
                return NOT_PLAIN
            first = name_ends[member - 1] if member else 0
            while not is_same(text, at, names, first, name_ends[member] - first):
                first = name_ends[member]
                member += 1
                if member == len(roles):
                    return NOT_PLAIN
            at = _blanks_end(text, at + name_ends[member] - first, is_list)
            if byte_at(text, at) != _COLON:
                return NOT_PLAIN
            at = _blanks_end(text, at + 1, is_list)
            role = roles[member]
            byte = byte_at(text, at)
            if byte == _QUOTE:
                end = _string_end(text, at)
                if end == NOT_PLAIN or role == NUMBER:
                    return NOT_PLAIN
                if role == IDENTIFIER:
                    places[member, row] = _word_number(
                        text, at + 1, end - 1, known_text, spans, slots, words, others
                    )
                elif role == MOMENT:
                    times_ms[row] = moment_ms(text, at + 1, end - 1, last)
                    if times_ms[row] < 0:
                        return NOT_PLAIN
                at = end
            elif byte == _MINUS or _ZERO <= byte <= _NINE:
                at, value = _number(text, at)
                if at == NOT_PLAIN or role == IDENTIFIER:
                    return NOT_PLAIN
                numbers[member, row] = value
            elif is_same(text, at, _NULL, 0, 4) or (
                role == SKIPPED and is_same(text, at, _TRUE, 0, 4)
            ):
                at += 4
            elif role == SKIPPED and is_same(text, at, _FALSE, 0, 5):
                at += 5
            else:
                return NOT_PLAIN
            at = _blanks_end(text, at, is_list)
            member += 1
            if byte_at(text, at) == _COMMA:
                at = _blanks_end(text, at + 1, is_list)
                if byte_at(text, at) == _CLOSE:
                    return NOT_PLAIN
            elif byte_at(text, at) != _CLOSE:
                return NOT_PLAIN
        at = _blanks_end(text, at + 1, is_list)
        row += 1
        if is_list:
            if byte_at(text, at) == _LIST_END:
                return row if _blanks_end(text, at + 1, True) == stop else NOT_PLAIN
            if byte_at(text, at) != _COMMA:
                return NOT_PLAIN
            at = _blanks_end(text, at + 1, True)
        else:
            if at < stop and byte_at(text, at) != _LINE_FEED:
                return NOT_PLAIN
            at += 1
            if at >= stop:
                return row


@_fast
def _cell_end(text: Bytes, at: int, stop: int) -> int:
    """Where the cell ends that begins here, at a comma, a line end or the end of the text.

    NOT_PLAIN if it has a quote, a backslash or a byte 0, or ends its line in another way.
    """
    while True:
        eight = eight_at(text, at)
        marks = marks_of(eight, _COMMAS) | marks_of(eight, _QUOTES)
        marks |= marks_of(eight, _BACKSLASHES) | marks_of_control(eight)
        if marks == _NONE:
            at += 8
            continue
        at += first_mark(marks)
        byte = byte_at(text, at)
        if at == stop or byte in (_COMMA, _LINE_FEED):
            return at
        if byte in (_QUOTE, _BACKSLASH, _RETURN, 0):
            return NOT_PLAIN
        at += 1


@_fast
def scan_cells(
    text: Bytes,
    stop: int,
    at: int,
    roles: Int64s,
    numbers: Any,
    times_ms: Int64s,
    places: Any,
    known_text: Bytes,
    spans: Any,
    slots: Any,
    words: Any,
    others: Any,
) -> int:
    """Read lines of as many cells as there are columns, parted by commas, none of them quoted.

    See `scan_objects`. An empty number is missing; other empty cells are not plain.
    """
    last = np.zeros(3, dtype=np.uint64)
    row = 0
    while at < stop:
        if row == len(times_ms):
            return NOT_PLAIN
        for column in range(len(roles)):
            role, first = roles[column], at
            at = _cell_end(text, at, stop)
            if at == NOT_PLAIN:
                return NOT_PLAIN
            if role == IDENTIFIER:
                if at == first:
                    return NOT_PLAIN
                places[column, row] = _word_number(
                    text, first, at, known_text, spans, slots, words, others
                )
            elif role == MOMENT:
                times_ms[row] = moment_ms(text, first, at, last)
                if times_ms[row] < 0:
                    return NOT_PLAIN
            elif role == NUMBER and at > first:
                end, numbers[column, row] = _number(text, first)
                if end != at:
                    return NOT_PLAIN
            is_last = column + 1 == len(roles)
            ends_line = at == stop or byte_at(text, at) == _LINE_FEED
            if ends_line != is_last:
                return NOT_PLAIN
            at += 1
        row += 1
    return row


_GIVEN, _WHOLES, _PAIRS = types.uint8[::1], types.int64[::1], types.int64[:, ::1]
_KNOWN = (_GIVEN, _PAIRS, types.int32[::1], types.int32[::1])
_READ = (_WHOLES, types.float64[:, ::1], _WHOLES, types.int32[:, ::1], *_KNOWN, _PAIRS)
_AT = types.int64
KERNELS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (scan_objects, (_GIVEN, _AT, _AT, types.boolean, _GIVEN, _WHOLES, *_READ)),
    (scan_cells, (_GIVEN, _AT, _AT, *_READ)),
    (put_spelling, (_GIVEN, _PAIRS, types.int32[::1], _AT)),
)
"""Each kernel that is called from outside, with the only kinds of arguments it is called with."""


def warm() -> None:
    """Compile every kernel of this room, or load it from the cache of an earlier time."""
    for kernel, arguments in KERNELS:
        kernel.compile(arguments)
