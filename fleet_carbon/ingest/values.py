"""Columns of cells to columns of values: text, numbers, moments, days, choices.

Every reader takes a whole column, text or native, and says for each cell whether it is missing or
bad; nothing becomes NaN in silence. The usual forms are parsed by Arrow in one go; the rest of the
column's cells only if that fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fleet_carbon.ingest.delimited import Column, empty_to_null

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_MOMENT = (
    r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:[.,](?P<part>\d{1,9}))?)?)?"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_COMPACT = (
    r"^(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:(?P<hour>\d{2})(?P<minute>\d{2})(?:(?P<second>\d{2})(?P<part>\d{3})?)?)?$"
)
_MS_PER_S, _MS_PER_MIN, _MS_PER_DAY = 1_000, 60_000, 86_400_000
_QUARTER_MS = 15 * _MS_PER_MIN  # every civil zone of the last hundred years changes on one
# Days since 1899-12-30: 1954 to 2119. As seconds these would be the first day of 1970.
_SERIAL_FIRST, SERIAL_LAST = 20_000.0, 80_000.0
_EXCEL_TO_UNIX_DAYS = 25_569
_EPOCH_S_FIRST = 1e8  # 1973; smaller numbers are no epoch that a truck could send, but 0 is
_EPOCH_MS_FIRST, _EPOCH_US_FIRST, _EPOCH_NS_FIRST = 1e11, 1e14, 1e17
_EPOCH_NS_LAST = 1e19
_FINITE = (float(np.finfo(np.float64).min), float(np.finfo(np.float64).max))


@dataclass(frozen=True)
class Numbers:
    """Values with NaN where there is none, and why."""

    values: Floats
    missing: Flags
    bad: Flags


@dataclass(frozen=True)
class Moments:
    """Moments in ms since 1970-01-01 UTC, 0 where there is none, and why.

    `day_only` marks cells that name a day without a time of day; they stand at its local start.
    """

    values_ms: Ints
    missing: Flags
    bad: Flags
    day_only: Flags


def flags(column: Column) -> Flags:
    """A boolean Arrow column without nulls as numpy flags."""
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _is_missing(column: Column) -> Flags:
    if not column.null_count:
        return np.zeros(len(column), dtype=np.bool_)
    return flags(column.is_null())


def is_text(column: Column) -> bool:
    """Whether the cells are text."""
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def text_of(column: Column) -> Column:
    """Cells as trimmed text, null where empty; whole numbers without decimals.

    Parameters
    ----------
    column : pyarrow.Array
        Cells of any type.

    Returns
    -------
    text : pyarrow.Array of string
        Same length; null for an empty cell and for the words that senders write instead.
    """
    kind = column.type
    if is_text(column):
        return empty_to_null(pc.utf8_trim_whitespace(column.cast(pa.string())))
    if pa.types.is_floating(kind):
        return pa.array([_number_text(cell) for cell in column.to_pylist()], pa.string())
    if pa.types.is_integer(kind) or pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    return pa.array(
        [None if cell is None else str(cell) for cell in column.to_pylist()], pa.string()
    )


def _number_text(cell: float | None) -> str | None:
    if cell is None or cell != cell:
        return None
    return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)


def identifiers_of(column: Column) -> tuple[NDArray[np.int32], list[str]]:
    """Cells as identifiers: which word each of them is, and the words as trimmed text.

    Parameters
    ----------
    column : pyarrow.Array
        Cells of any type; of a dictionary only its words are looked at.

    Returns
    -------
    places : int32 array, shape (n_cells,)
        Place among the words; -1 for an empty cell.
    words : list of str
        Each once; a dictionary may bring words that no cell has.
    """
    is_dictionary = pa.types.is_dictionary(column.type)
    text = text_of(column.dictionary if is_dictionary else column).dictionary_encode()
    places = places_of(text)
    if is_dictionary:
        places = np.append(places, np.int32(-1)).take(places_of(column))
    return places, text.dictionary.to_pylist()


def places_of(column: Column) -> NDArray[np.int32]:
    """Which word of its dictionary each cell is, shape (n_cells,); -1 for an empty one."""
    indices = column.indices.fill_null(-1) if column.indices.null_count else column.indices
    held: NDArray[Any] = indices.to_numpy(zero_copy_only=False)
    return held.astype(np.int32, copy=False)


def numbers_of(column: Column, *, decimal_comma: bool = False) -> Numbers:
    """Cells as finite numbers.

    Parameters
    ----------
    column : pyarrow.Array
        Cells of any type.
    decimal_comma : bool
        Whether 412,35 and 1.412,35 are numbers; 412.35 is one in any case.

    Returns
    -------
    numbers : Numbers
        `bad` where a cell holds something that is no finite number.
    """
    if is_text(column):
        return _text_numbers(column, decimal_comma)
    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type):
        missing = flags(column.is_null())
        values, bad = np.full(len(column), np.nan), ~missing
    else:
        if column.type != pa.float64():
            column = pc.cast(column, pa.float64(), safe=False)
        values, missing = _floats(column)
        if not column.null_count and lie_between(values, *_FINITE):
            return Numbers(values, missing, missing)
        missing = missing | np.isnan(values)
        bad = np.isinf(values)
    return Numbers(np.where(bad, np.nan, values), missing, bad)


def as_digits(column: Column, *, decimal_comma: bool) -> Column:
    """Text of numbers without what is printed around them: a sign of money, thousands apart.

    Where a comma may be the decimal one, none is taken for thousands.

    Examples
    --------
    >>> as_digits(pa.array(["$1,234.56", "106,421", "12,5"]), decimal_comma=False).to_pylist()
    ['1234.56', '106421', '12,5']
    """
    if not is_text(column):
        return column
    bare = pc.replace_substring_regex(text_of(column), r"^([+-]?)[$€£¥￥]\s*", r"\1")
    if decimal_comma:
        return bare
    is_grouped = pc.match_substring_regex(bare, r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
    return pc.if_else(is_grouped, pc.replace_substring(bare, ",", ""), bare)


def lie_between(values: Floats, *bounds: float) -> bool:
    """Whether all are numbers, none of them below the first bound or above the second."""
    # Two reductions are cheaper than flags for every row; NaN lies between nothing.
    lowest, highest = bounds
    return bool(len(values) == 0 or (values.min() >= lowest and values.max() <= highest))


def _text_numbers(column: Column, decimal_comma: bool) -> Numbers:
    if re.match(_NUMBER, _first_cell(column) or "0"):
        try:
            values, missing = _floats(pc.cast(column, pa.float64()))
        except pa.ArrowInvalid:
            pass  # Not all cells are plain numbers: each by itself.
        else:
            if np.isfinite(values[~missing]).all():
                return Numbers(values, missing, np.zeros(len(values), dtype=np.bool_))
    return _tolerant_numbers(text_of(column), decimal_comma)


def _floats(column: Column) -> tuple[Floats, Flags]:
    values = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    return values, _is_missing(column)


def _tolerant_numbers(text: Column, decimal_comma: bool) -> Numbers:
    missing = flags(text.is_null())
    text = pc.utf8_normalize(text, form="NFKC")  # full-width digits
    if decimal_comma:
        has_comma = pc.fill_null(pc.match_substring(text, ","), False)
        plain = pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")
        grouped = pc.fill_null(
            pc.match_substring_regex(text, r"^[+-]?\d{1,3}(\.\d{3})*,\d*$"), False
        )
        simple = pc.fill_null(pc.match_substring_regex(text, r"^[+-]?\d*,\d+$"), False)
        text = pc.if_else(pc.and_(has_comma, pc.or_(grouped, simple)), plain, text)
    good = pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
    values, _ = _floats(pc.cast(pc.if_else(good, text, None), pa.float64()))
    bad = ~np.isfinite(values) & ~missing
    return Numbers(np.where(bad, np.nan, values), missing, bad)


def moments_of(column: Column, zone: ZoneInfo, time_format: str | None = None) -> Moments:
    """Cells as moments.

    Text in ISO 8601 (``T`` or blank, optional seconds, fraction and offset), ``YYYY/MM/DD``,
    Chinese ``年月日``, compact ``YYYYMMDDhhmmss``; numbers as epoch in s, ms, us or ns by
    magnitude, or as days of a spreadsheet between 20,000 and 80,000; native timestamps.

    Parameters
    ----------
    column : pyarrow.Array
        Cells of any type.
    zone : ZoneInfo
        Zone of the moments that name no offset. In the hour that happens twice the first is
        meant; in the hour that is skipped the offset before the change holds.
    time_format : str or None
        strptime pattern that replaces the forms above for text.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _native_moments(column, zone, aware=kind.tz is not None)
    if pa.types.is_date(kind):
        return _native_moments(column.cast(pa.timestamp("ms")), zone, aware=False, day_only=True)
    if not is_text(column):
        return _numeric_moments(numbers_of(column), zone)
    if time_format is not None:
        text = text_of(column)
        parsed = pc.strptime(text, format=time_format, unit="us", error_is_null=True)
        aware = "%z" in time_format
        return _with_bad(_native_moments(parsed, zone, aware=aware), flags(text.is_null()))
    return _text_moments(column, zone)


def _with_bad(parsed: Moments, empty: Flags) -> Moments:
    """What could not be parsed although it is not empty is bad, not missing."""
    return Moments(parsed.values_ms, empty, parsed.missing & ~empty, parsed.day_only)


def _native_moments(
    column: Column, zone: ZoneInfo, *, aware: bool, day_only: bool = False
) -> Moments:
    missing = _is_missing(column)
    counted = column.view(pa.int64())
    if column.null_count:
        counted = pc.fill_null(counted, 0)
    ticks = np.asarray(counted.to_numpy(), np.int64)
    if column.type.unit == "s":
        values_ms = ticks * _MS_PER_S
    else:
        ticks_per_ms = {"ms": 1, "us": 1_000, "ns": 1_000_000}[column.type.unit]
        values_ms = ticks if ticks_per_ms == 1 else ticks // ticks_per_ms
    if not aware:
        values_ms = from_local_ms(values_ms, zone)
    none = np.zeros(len(values_ms), dtype=np.bool_)
    values_ms = np.where(missing, 0, values_ms) if column.null_count else values_ms
    return Moments(values_ms, missing, none, none | (day_only & ~missing))


def from_local_ms(local_ms: Ints, zone: ZoneInfo) -> Ints:
    """Civil time of the zone, counted like UTC, as UTC. [ms -> ms]

    Each quarter of an hour that occurs is asked once; no zone changes inside one.
    """
    codes, quarters = pd.factorize(local_ms // _QUARTER_MS)
    offsets = np.array([_offset_ms(int(q) * _QUARTER_MS, zone) for q in quarters], dtype=np.int64)
    return local_ms - offsets[codes] if len(local_ms) else local_ms


def _offset_ms(local_ms: int, zone: ZoneInfo) -> int:
    # Out of the range of civil dates there is no zone to ask.
    in_range_ms = min(max(local_ms, -60_000_000_000_000), 250_000_000_000_000)
    offset = pd.Timestamp(in_range_ms, unit="ms").to_pydatetime().replace(tzinfo=zone).utcoffset()
    return round(offset.total_seconds() * _MS_PER_S) if offset is not None else 0


def to_local_ms(utc_ms: Ints, zone: ZoneInfo) -> Ints:
    """Moments as civil time of the zone, counted like UTC. [ms -> ms]"""
    codes, quarters = pd.factorize(utc_ms // _QUARTER_MS)
    offsets = np.empty(len(quarters), dtype=np.int64)
    for place, quarter in enumerate(quarters):
        moment = pd.Timestamp(int(quarter) * _QUARTER_MS, unit="ms", tz="UTC").to_pydatetime()
        offset = moment.astimezone(zone).utcoffset()
        offsets[place] = round(offset.total_seconds() * _MS_PER_S) if offset is not None else 0
    return utc_ms + offsets[codes] if len(utc_ms) else utc_ms


def _numeric_moments(numbers: Numbers, zone: ZoneInfo) -> Moments:
    given = np.where(np.isfinite(numbers.values), numbers.values, 0.0)
    serial = (given >= _SERIAL_FIRST) & (given <= SERIAL_LAST)
    is_epoch = (given >= _EPOCH_S_FIRST) & (given < _EPOCH_NS_LAST)
    known = serial | (given == 0) | is_epoch
    x = np.where(known, given, 0.0)  # no other is of a size that milliseconds can have
    steps = [
        (serial, (x - _EXCEL_TO_UNIX_DAYS) * _MS_PER_DAY),
        (x < _EPOCH_MS_FIRST, x * _MS_PER_S),
        (x < _EPOCH_US_FIRST, x),
        (x < _EPOCH_NS_FIRST, x / 1e3),
    ]
    exact_ms = np.select([step[0] for step in steps], [step[1] for step in steps], x / 1e6)
    # Days of a spreadsheet miss the millisecond by a hair, epochs do not reach below it.
    values_ms = np.where(serial, np.rint(exact_ms), np.floor(exact_ms)).astype(np.int64)
    values_ms[serial] = from_local_ms(values_ms[serial], zone)
    bad = numbers.bad | (~known & ~numbers.missing)
    empty = numbers.missing | bad
    day_only = serial & (x == np.floor(x)) & ~empty
    return Moments(np.where(empty, 0, values_ms), numbers.missing, bad, day_only)


def _text_moments(column: Column, zone: ZoneInfo) -> Moments:
    form = next((form for form in _FORMS if re.match(form.pattern, _first_cell(column))), None)
    if form is not None:
        try:
            return form.read(column, zone)
        except pa.ArrowInvalid:
            pass  # Not all cells have the form of the first: each cell by its own form.
    return _mixed_moments(text_of(column), zone)


def _first_cell(column: Column) -> str:
    """The first cell that is not empty. A cast that fails on every cell takes seconds."""
    first = pc.index(pc.is_valid(column), True).as_py()
    return "" if first < 0 else str(column[first].as_py())


@dataclass(frozen=True)
class _IsoForm:
    """Text that Arrow can cast at once; raises ArrowInvalid where a cell has another form."""

    pattern: str
    aware: bool
    slashes: bool = False

    def read(self, column: Column, zone: ZoneInfo) -> Moments:
        text = pc.replace_substring(column, "/", "-") if self.slashes else column
        kind = pa.timestamp("us", "UTC") if self.aware else pa.timestamp("us")
        parsed = _native_moments(pc.cast(text, kind), zone, aware=self.aware)
        day_only = flags(pc.fill_null(pc.less(pc.utf8_length(text), 11), False))
        return Moments(parsed.values_ms, parsed.missing, parsed.bad, day_only)


_CLOCK = r"[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_ISO_FORMS = (
    _IsoForm(rf"^\d{{4}}-\d{{2}}-\d{{2}}{_CLOCK}(Z|[+-]\d{{2}}(:?\d{{2}})?)$", aware=True),
    _IsoForm(rf"^\d{{4}}-\d{{2}}-\d{{2}}({_CLOCK})?$", aware=False),
    _IsoForm(rf"^\d{{4}}/\d{{2}}/\d{{2}}({_CLOCK})?$", aware=False, slashes=True),
)


@dataclass(frozen=True)
class _EpochForm:
    """Whole numbers of 9, 10 or 13 digits: seconds or milliseconds of the epoch."""

    pattern: str = r"^(\d{9,10}|\d{13})$"

    def read(self, column: Column, zone: ZoneInfo) -> Moments:
        numbers = pc.cast(column, pa.int64())
        found = _numeric_moments(numbers_of(numbers), zone)
        if pc.any(pc.greater_equal(numbers, 10**13)).as_py() or found.bad.any():
            raise pa.ArrowInvalid("other numbers stand among the epochs")
        return found


@dataclass(frozen=True)
class _CompactForm:
    """YYYYMMDDhhmmss as one number."""

    pattern: str = r"^(19|20)\d{12}$"

    def read(self, column: Column, zone: ZoneInfo) -> Moments:
        digits = np.asarray(
            pc.fill_null(pc.cast(column, pa.int64()), 0).to_numpy(zero_copy_only=False), np.int64
        )
        missing = flags(column.is_null())
        fields = [digits // 10**place % 100 for place in (8, 6, 4, 2, 0)]
        values_ms, real = _civil_ms(digits // 10**10, *fields)
        if not (real | missing).all():
            raise pa.ArrowInvalid("other numbers stand among the compact times")
        none = np.zeros(len(digits), dtype=np.bool_)
        return Moments(np.where(missing, 0, from_local_ms(values_ms, zone)), missing, none, none)


_FORMS = (*_ISO_FORMS, _EpochForm(), _CompactForm())


def _mixed_moments(text: Column, zone: ZoneInfo) -> Moments:
    """Each cell by the first form it has; what has none is bad."""
    missing = flags(text.is_null())
    out = Moments(np.zeros(len(text), np.int64), missing, ~missing, np.zeros(len(text), np.bool_))
    for form in _FORMS:
        places = np.flatnonzero(out.bad & _matches(text, form.pattern))
        try:
            _put(out, places, form.read(text.take(pa.array(places)), zone))
        except pa.ArrowInvalid:
            continue  # A day that does not exist, such as 30 February: the slow way finds it.
    places = np.flatnonzero(out.bad)
    rest = _plain_dates(text.take(pa.array(places)))
    for pattern in (_COMPACT, _MOMENT):
        chosen = np.flatnonzero(_matches(rest, pattern))
        found = _civil_moments(rest.take(pa.array(chosen)), pattern, zone)
        _put(out, places[chosen], found)
    chosen = np.flatnonzero(_matches(rest, _NUMBER) & ~_matches(rest, _COMPACT))
    _put(out, places[chosen], _numeric_moments(numbers_of(rest.take(pa.array(chosen))), zone))
    return out


def _matches(text: Column, pattern: str) -> Flags:
    return flags(pc.fill_null(pc.match_substring_regex(text, pattern), False))


def _put(out: Moments, places: Ints, found: Moments) -> None:
    out.values_ms[places] = found.values_ms
    out.bad[places] = found.bad
    out.day_only[places] = found.day_only


def _plain_dates(text: Column) -> Column:
    """Full-width digits made plain, and year, month and day marks made dashes."""
    text = pc.utf8_normalize(text, form="NFKC")
    text = pc.replace_substring_regex(text, r"\s*[年月]\s*", "-")
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"\s*日\s*", " "))
    return pc.replace_substring_regex(text, r"-$", "")


def _civil_moments(text: Column, pattern: str, zone: ZoneInfo) -> Moments:
    """Cells that all have that pattern; `bad` if they are no date of the calendar."""
    parts = pc.extract_regex(text, pattern=pattern)
    names = {parts.type.field(place).name for place in range(parts.type.num_fields)}
    civil = [_part(parts, name) for name in ("year", "month", "day", "hour", "minute", "second")]
    values_ms, real = _civil_ms(*civil)
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(parts.field("part"), 3, "0"), 0, 3)
    values_ms = values_ms + _digits(padded)
    values_ms = (
        _apply_zone(values_ms, parts, zone) if "zone" in names else from_local_ms(values_ms, zone)
    )
    none = np.zeros(len(text), dtype=np.bool_)
    day_only = flags(pc.equal(parts.field("hour"), "")) & real
    return Moments(np.where(real, values_ms, 0), none, ~real, day_only)


def _civil_ms(
    year: Ints, month: Ints, day: Ints, hour: Ints, minute: Ints, second: Ints
) -> tuple[Ints, Flags]:
    """Civil dates counted like UTC, and whether they are dates of the calendar. [ms]"""
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    real: Flags = (month >= 1) & (month <= 12) & (day >= 1) & (day <= following - first)
    real = real & (hour < 24) & (minute < 60) & (second < 60)
    days_ms = (first + day - 1) * _MS_PER_DAY
    return np.where(
        real, days_ms + (hour * 60 + minute) * _MS_PER_MIN + second * _MS_PER_S, 0
    ), real


def _part(parts: Any, name: str) -> Ints:
    held = parts.field(name)
    return _digits(pc.if_else(pc.equal(held, ""), "0", held))


def _digits(text: Column) -> Ints:
    return np.asarray(pc.cast(text, pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _apply_zone(local_ms: Ints, parts: Any, zone: ZoneInfo) -> Ints:
    codes, written = pd.factorize(parts.field("zone").to_pandas())
    utc_ms = np.array(local_ms)
    for place, text in enumerate(written):
        chosen = codes == place
        if text == "":
            utc_ms[chosen] = from_local_ms(local_ms[chosen], zone)
        elif text[0] in "+-":
            minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
            utc_ms[chosen] -= (minutes if text[0] == "+" else -minutes) * _MS_PER_MIN
    return utc_ms


def days_of(moments: Moments, zone: ZoneInfo) -> Column:
    """The civil days of the moments as text YYYY-MM-DD, null where there is none."""
    local_ms = to_local_ms(moments.values_ms, zone)
    days = pa.array(local_ms // _MS_PER_DAY, pa.int64()).cast(pa.int32()).cast(pa.date32())
    return pc.if_else(pa.array(moments.missing | moments.bad), None, days.cast(pa.string()))


def choices_of(text: Column, allowed: Mapping[str, str]) -> tuple[Column, Flags]:
    """The house's word for each cell, and which cells hold a word that is none of them.

    Parameters
    ----------
    text : pyarrow.Array of string
        Trimmed cells.
    allowed : mapping of str to str
        What may stand in the file, in lower case, to the house's word.
    """
    lowered = pc.utf8_lower(text)
    places = pc.index_in(lowered, pa.array(list(allowed), pa.string()))
    words = pc.take(pa.array(list(allowed.values()), pa.string()), places)
    return words, flags(pc.and_(words.is_null(), pc.is_valid(text)))
