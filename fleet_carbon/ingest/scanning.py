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
_NULL = np.frombuffer(b"null", dtype=np.uint8)
_TRUE = np.frombuffer(b"true", dtype=np.uint8)
_FALSE = np.frombuffer(b"false", dtype=np.uint8)
# Decimals of up to eighteen digits: numerator and denominator are 64-bit integers.
_DIGITS_MAX = 18
_EXACT_MAX = 1 << 53
_TENS = np.array([10**power for power in range(_DIGITS_MAX + 1)], dtype=np.int64)
_TENTHS = 10.0 ** np.arange(_DIGITS_MAX + 1)
_MS_PER_S, _MS_PER_MIN, _MS_PER_H, _MS_PER_DAY = 1_000, 60_000, 3_600_000, 86_400_000
_DAYS_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])
_FNV_START, _FNV_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)

_fast = njit(cache=True, nogil=True)


@_fast
def _blanks_end(text: Bytes, at: int, takes_lines: bool) -> int:
    """Where the white space from here on ends."""
    while at < len(text):
        byte = text[at]
        if byte > _BLANK:
            break
        is_line_end = (byte == _LINE_FEED) | (byte == _RETURN)
        if not ((byte == _BLANK) | (byte == _TAB) | (takes_lines & is_line_end)):
            break
        at += 1
    return at


@_fast
def _stands(text: Bytes, at: int, word: Bytes, first: int, stop: int) -> bool:
    """Whether the bytes of a word from `first` to `stop` stand here."""
    if at + stop - first > len(text):
        return False
    is_same = True
    for place in range(first, stop):
        is_same &= text[at + place - first] == word[place]
    return is_same


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
    if at + 1 >= len(text):
        return NOT_PLAIN
    if text[at + 1] != _U:
        for known in _ESCAPED:
            if text[at + 1] == known:
                return at + 2
        return NOT_PLAIN
    if at + 6 > len(text):
        return NOT_PLAIN
    code = 0
    for place in range(at + 2, at + 6):
        digit = _hex_digit(text[place])
        if digit < 0:
            return NOT_PLAIN
        code = 16 * code + digit
    return NOT_PLAIN if _PAIRS_FIRST <= code <= _PAIRS_LAST else at + 6


@_fast
def _string_end(text: Bytes, at: int) -> int:
    """Where the string that begins here ends, after its quote; NOT_PLAIN if it is broken."""
    at += 1
    while at < len(text):
        byte = text[at]
        if byte == _QUOTE:
            return at + 1
        if byte == _BACKSLASH:
            at = _escape_end(text, at)
            if at == NOT_PLAIN:
                return NOT_PLAIN
        elif byte < _BLANK:
            return NOT_PLAIN
        else:
            at += 1
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
    is_negative = at < len(text) and text[at] == _MINUS
    if is_negative:
        at += 1
    first = at
    digits, decimals, mantissa = 0, 0, 0
    while at < len(text) and _ZERO <= text[at] <= _NINE:
        mantissa = mantissa * 10 + (text[at] - _ZERO)
        digits += int(mantissa != 0)
        if digits > _DIGITS_MAX:
            return NOT_PLAIN, 0.0
        at += 1
    if at == first or (text[first] == _ZERO and at - first > 1):
        return NOT_PLAIN, 0.0
    if at < len(text) and text[at] == _POINT:
        at += 1
        first = at
        while at < len(text) and _ZERO <= text[at] <= _NINE:
            mantissa = mantissa * 10 + (text[at] - _ZERO)
            digits += int(mantissa != 0)
            decimals += 1
            if digits > _DIGITS_MAX or decimals > _DIGITS_MAX:
                return NOT_PLAIN, 0.0
            at += 1
        if at == first:
            return NOT_PLAIN, 0.0
    value = quotient(mantissa, decimals)
    return at, -value if is_negative else value


@_fast
def _whole(text: Bytes, at: int, count: int) -> int:
    """So many digits as a whole number; NOT_PLAIN if others stand there."""
    if at + count > len(text):
        return NOT_PLAIN
    found = 0
    for place in range(at, at + count):
        digit = text[place] - _ZERO
        if text[place] < _ZERO or digit > 9:
            return NOT_PLAIN
        found = found * 10 + digit
    return found


@_fast
def _is_at(text: Bytes, at: int, byte: int) -> bool:
    return at < len(text) and text[at] == byte


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
def moment_ms(text: Bytes, at: int, stop: int) -> int:
    """The moment that stands here, ISO 8601 with an offset; NOT_PLAIN for another form. [ms]

    A fraction beyond the millisecond is cut off.
    """
    if stop - at < 17 or not (_is_at(text, at + 4, _MINUS) and _is_at(text, at + 7, _MINUS)):
        return NOT_PLAIN
    if text[at + 10] not in (_T, _BLANK) or text[at + 13] != _COLON:
        return NOT_PLAIN
    day = _day_number(_whole(text, at, 4), _whole(text, at + 5, 2), _whole(text, at + 8, 2))
    hour, minute = _whole(text, at + 11, 2), _whole(text, at + 14, 2)
    if day < 0 or not (0 <= hour < 24 and 0 <= minute < 60):
        return NOT_PLAIN
    found_ms = day * _MS_PER_DAY + hour * _MS_PER_H + minute * _MS_PER_MIN
    at += 16
    if _is_at(text, at, _COLON):
        second = _whole(text, at + 1, 2)
        if not 0 <= second < 60:
            return NOT_PLAIN
        found_ms += second * _MS_PER_S
        at += 3
        if _is_at(text, at, _POINT):
            at += 1
            first, unit_ms = at, 100
            while at < stop and _ZERO <= text[at] <= _NINE:
                found_ms += (text[at] - _ZERO) * unit_ms
                unit_ms //= 10
                at += 1
            if not 1 <= at - first <= 6:
                return NOT_PLAIN
    return _with_offset(text, at, stop, found_ms)


@_fast
def _with_offset(text: Bytes, at: int, stop: int, local_ms: int) -> int:
    if at + 1 == stop and text[at] == _Z:
        return local_ms
    if at + 3 > stop or text[at] not in (_PLUS, _MINUS):
        return NOT_PLAIN
    hours, minutes = _whole(text, at + 1, 2), 0
    if at + 3 < stop:
        minutes = _whole(text, at + 3 + int(text[at + 3] == _COLON), 2)
        if at + 5 + int(text[at + 3] == _COLON) != stop:
            return NOT_PLAIN
    if not (0 <= hours < 24 and 0 <= minutes < 60):
        return NOT_PLAIN
    offset_ms = hours * _MS_PER_H + minutes * _MS_PER_MIN
    utc_ms: int = local_ms - offset_ms if text[at] == _PLUS else local_ms + offset_ms
    return utc_ms if utc_ms >= 0 else NOT_PLAIN


@_fast
def _slot_of(text: Bytes, first: int, stop: int, known_text: Bytes, spans: Any, slots: Any) -> Any:
    """Where a spelling is found, or where it would be put: a place in `slots`."""
    hashed = _FNV_START
    for place in range(first, stop):
        hashed = (hashed ^ np.uint64(text[place])) * _FNV_PRIME
    mask = np.int64(len(slots) - 1)
    slot = np.int64(hashed ^ (hashed >> np.uint64(29))) & mask
    while slots[slot] >= 0:
        from_, until = spans[slots[slot], 0], spans[slots[slot], 1]
        if until - from_ == stop - first and _stands(text, first, known_text, from_, until):
            break
        slot = (slot + 1) & mask
    return slot


@_fast
def put_spelling(text: Bytes, spans: Any, slots: Any, place: int) -> None:
    """Let a spelling that is not in there yet be found: its bytes stand at its span."""
    slots[_slot_of(text, spans[place, 0], spans[place, 1], text, spans, slots)] = place


@_fast
def _word_number(text: Bytes, first: int, stop: int, known: Any, others: Any) -> int:
    """Number of a word that is known; of another -2 and less, by where it is put in `others`.

    The first row of `others` counts them; each other one says where a word stands in the text.
    """
    known_text, spans, slots, numbers = known
    found = slots[_slot_of(text, first, stop, known_text, spans, slots)]
    if found >= 0:
        return numbers[found]
    others[0, 0] += 1
    others[others[0, 0], 0], others[others[0, 0], 1] = first, stop
    return -1 - others[0, 0]


@_fast
def _value(
    text: Bytes,
    at: int,
    role: int,
    member: int,
    row: int,
    numbers: Any,
    times_ms: Int64s,
    places: Any,
    known: Any,
    others: Any,
) -> int:
    """Read the value that stands here into its column; where it ends, or NOT_PLAIN."""
    if at >= len(text):
        return NOT_PLAIN
    if text[at] == _QUOTE:
        end = _string_end(text, at)
        if end == NOT_PLAIN or role == NUMBER:
            return NOT_PLAIN
        if role == IDENTIFIER:
            places[member, row] = _word_number(text, at + 1, end - 1, known, others)
        elif role == MOMENT:
            times_ms[row] = moment_ms(text, at + 1, end - 1)
            if times_ms[row] < 0:
                return NOT_PLAIN
        return end
    if _stands(text, at, _NULL, 0, 4):
        return at + 4
    if role == SKIPPED and _stands(text, at, _TRUE, 0, 4):
        return at + 4
    if role == SKIPPED and _stands(text, at, _FALSE, 0, 5):
        return at + 5
    end, value = _number(text, at)
    if role == IDENTIFIER:
        return NOT_PLAIN
    numbers[member, row] = value
    return end


@_fast
def scan_objects(
    text: Bytes,
    at: int,
    is_list: bool,
    names: Bytes,
    name_ends: Int64s,
    roles: Int64s,
    numbers: Any,
    times_ms: Int64s,
    places: Any,
    known: Any,
    others: Any,
) -> int:
    """Read objects that all have the members of the first one, or some of them, in its order.

    Parameters
    ----------
    text : uint8 array
        The body.
    at : int
        Where the first object begins.
    is_list : bool
        Whether commas part the objects and a bracket ends them; else line ends do.
    names, name_ends : uint8 array, int64 array
        The quoted names of the members one after the other, and where each ends.
    roles : int64 array, shape (n_members,)
        What each member is read as.
    numbers : float64 array, shape (n_members, n_rows), NaN
    times_ms : int64 array, shape (n_rows,), UNSEEN_MS
    places : int32 array, shape (n_members, n_rows), -1
    known : tuple of arrays
        Of a `WordBook`.
    others : int64 array, shape (n_others, 2), 0
        See `_word_number`.

    Returns
    -------
    rows_count : int
        How many there were; NOT_PLAIN if the body is of another form.
    """
    row = 0
    while True:
        if row == len(times_ms) or not _is_at(text, at, _OPEN):
            return NOT_PLAIN
        at = _blanks_end(text, at + 1, is_list)
        member = 0
        while not _is_at(text, at, _CLOSE):
            first = name_ends[member - 1] if member else 0
            while not _stands(text, at, names, first, name_ends[member]):
                first = name_ends[member]
                member += 1
                if member == len(roles):
                    return NOT_PLAIN
            at = _blanks_end(text, at + name_ends[member] - first, is_list)
            if not _is_at(text, at, _COLON):
                return NOT_PLAIN
            at = _blanks_end(text, at + 1, is_list)
            at = _value(
                text, at, roles[member], member, row, numbers, times_ms, places, known, others
            )
            if at == NOT_PLAIN:
                return NOT_PLAIN
            at = _blanks_end(text, at, is_list)
            member += 1
            if _is_at(text, at, _COMMA):
                at = _blanks_end(text, at + 1, is_list)
                if member == len(roles) or _is_at(text, at, _CLOSE):
                    return NOT_PLAIN
            elif not _is_at(text, at, _CLOSE):
                return NOT_PLAIN
        at = _blanks_end(text, at + 1, is_list)
        row += 1
        if is_list:
            if _is_at(text, at, _LIST_END):
                return row if _blanks_end(text, at + 1, True) == len(text) else NOT_PLAIN
            if not _is_at(text, at, _COMMA):
                return NOT_PLAIN
            at = _blanks_end(text, at + 1, True)
        else:
            if at == len(text):
                return row
            if text[at] != _LINE_FEED:
                return NOT_PLAIN
            at += 1
            if at == len(text):
                return row


@_fast
def scan_cells(
    text: Bytes,
    at: int,
    roles: Int64s,
    numbers: Any,
    times_ms: Int64s,
    places: Any,
    known: Any,
    others: Any,
) -> int:
    """Read lines of as many cells as there are columns, parted by commas, none of them quoted.

    See `scan_objects`. An empty number is missing; other empty cells are not plain.
    """
    row = 0
    while at < len(text):
        if row == len(times_ms):
            return NOT_PLAIN
        for column in range(len(roles)):
            role, first = roles[column], at
            while at < len(text) and text[at] != _COMMA and text[at] != _LINE_FEED:
                if text[at] in (_QUOTE, _RETURN, _BACKSLASH):
                    return NOT_PLAIN
                at += 1
            if role == IDENTIFIER:
                if at == first:
                    return NOT_PLAIN
                places[column, row] = _word_number(text, first, at, known, others)
            elif role == MOMENT:
                times_ms[row] = moment_ms(text, first, at)
                if times_ms[row] < 0:
                    return NOT_PLAIN
            elif role == NUMBER and at > first:
                end, numbers[column, row] = _number(text, first)
                if end != at:
                    return NOT_PLAIN
            is_last = column + 1 == len(roles)
            ends_line = at == len(text) or text[at] == _LINE_FEED
            if ends_line != is_last:
                return NOT_PLAIN
            at += 1
        row += 1
    return row


_GIVEN = types.Array(types.uint8, 1, "C", readonly=True)
_KNOWN = types.Tuple((types.uint8[::1], types.int64[:, ::1], types.int32[::1], types.int32[::1]))
_WHOLES, _PAIRS = types.int64[::1], types.int64[:, ::1]
_READ = (types.float64[:, ::1], _WHOLES, types.int32[:, ::1], _KNOWN, _PAIRS)
KERNELS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (scan_objects, (_GIVEN, types.int64, types.boolean, _GIVEN, _WHOLES, _WHOLES, *_READ)),
    (scan_cells, (_GIVEN, types.int64, _WHOLES, *_READ)),
    (put_spelling, (types.uint8[::1], _PAIRS, types.int32[::1], types.int64)),
)
"""Each kernel that is called from outside, with the only kinds of arguments it is called with."""


def warm() -> None:
    """Compile every kernel of this room, or load it from the cache of an earlier time."""
    for kernel, arguments in KERNELS:
        kernel.compile(arguments)
