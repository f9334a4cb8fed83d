"""Positions that leave no doubt, from the body of a request to columns of numbers at once.

Most bodies are sound from the first row to the last: our names, moments with an offset, places on
Earth, signals that a device knows. They are read here, by the rules of `positions` and without
what those need in order to say what is wrong with a row. A body in which anything is refused,
remarked or to be asked about gives None and is read by the general readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest import scanning
from fleet_carbon.ingest.checking import LAT_DEG_MAX, LON_DEG_MAX, ColumnUse, bind
from fleet_carbon.ingest.eights import with_room
from fleet_carbon.ingest.positions import LAYOUT, SIGNALS, microdegrees
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.readers import whole
from fleet_carbon.ingest.scanning import Int32s
from fleet_carbon.ingest.values import (
    SERIAL_LAST,
    Floats,
    Ints,
    identifiers_of,
    lie_between,
    moments_of,
    numbers_of,
    places_of,
)
from fleet_carbon.ingest.words import WordBook

# Of an offset that is named, no zone is asked.
_ANY_ZONE = ZoneInfo("UTC")
_FIRST_OBJECT = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
_IDENTIFIERS = ("vehicle_id", "driver_id")
_ROLES = {
    **dict.fromkeys(_IDENTIFIERS, scanning.IDENTIFIER),
    "time": scanning.MOMENT,
}
_WHITE = b" \t\r\n"
_NOTHING_DECLARED = vars(SourceProfile())
_GREATEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class PlainFixes:
    """The fixes of a body, nothing of which is refused or remarked.

    Attributes
    ----------
    book : WordBook
        In which trucks and drivers have their numbers.
    vehicles, drivers : int32 arrays, shape (n_rows,)
        Numbers of their names as they were sent; -1 where no driver is named.
    time_ms : int64 array, shape (n_rows,)
        Moments, UTC. [ms]
    lon_udeg, lat_udeg : int32 arrays, shape (n_rows,)
        Places. [1e-6 degree]
    signals : dict of str to float64 array
        Columns of `frames.POSITIONS`, NaN where the device says nothing.
    columns_ignored : tuple of str
        Columns of the body that serve nothing.
    """

    book: WordBook
    vehicles: Int32s
    drivers: Int32s | None
    time_ms: Ints
    lon_udeg: Int32s
    lat_udeg: Int32s
    signals: dict[str, Floats]
    columns_ignored: tuple[str, ...]


def is_plain(profile: SourceProfile) -> bool:
    """Whether nothing but the zone is declared, which moments with an offset do not need."""
    return vars(profile) | {"time_zone": SourceProfile.time_zone} == _NOTHING_DECLARED


def plain_json(content: bytes, book: WordBook) -> PlainFixes | None:
    """Fixes of a JSON array of objects."""
    begin = content.find(b"{")
    if content[:begin].strip(_WHITE) != b"[":
        return None
    return _objects(content, book, begin, is_list=True)


def plain_lines(content: bytes, book: WordBook) -> PlainFixes | None:
    """Fixes of lines, each one object."""
    return _objects(content, book, 0, is_list=False)


def plain_csv(content: bytes, book: WordBook) -> PlainFixes | None:
    """Fixes of lines of cells that are parted by commas, under a line with their names."""
    end = content.find(b"\n")
    use = _use_of(tuple(content[:end].decode("utf-8", "replace").split(",")))
    if end < 0 or use is None or not _is_utf8(content):
        return None
    scan = _Scan(use, book, rows_max=content.count(b"\n", end + 1) + 1)
    rows = scanning.scan_cells(with_room(content), len(content), end + 1, *scan.held)
    return scan.fixes(content, rows)


def plain_table(table: pa.Table, book: WordBook) -> PlainFixes | None:
    """Fixes of a table of Arrow; the words of its dictionaries are taken as they are."""
    use = _use_of(tuple(table.column_names))
    if use is None:
        return None
    held = {ours: whole(table.column(place)) for ours, place in use.places.items()}
    places = {name: _numbered(book, held.pop(name)) for name in _IDENTIFIERS if name in held}
    kind = held["time"].type
    if not (pa.types.is_integer(kind) or (pa.types.is_timestamp(kind) and kind.tz is not None)):
        return None
    if any(not _is_numeric(held[name].type) for name in held.keys() - {"time"}):
        return None
    time_ms = _moments(held.pop("time"))
    values = {name: _values(column) for name, column in held.items()}
    return None if time_ms is None else _sound(use, book, places, time_ms, values)


def _values(column: Any) -> Floats:
    """Numbers as they stand, finite or not, for their bounds are looked at next; NaN for none."""
    if column.type != pa.float64():
        column = column.cast(pa.float64(), safe=False)
    held: Floats = column.to_numpy(zero_copy_only=False)
    return held


def _objects(content: bytes, book: WordBook, begin: int, *, is_list: bool) -> PlainFixes | None:
    """Fixes of objects whose members come in the order of the first one's."""
    end = content.find(b"}", begin)
    try:
        first = _FIRST_OBJECT.decode(content[begin : end + 1])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    use = _use_of(tuple(first))
    # The scan takes a byte 0 for the end of the text.
    if use is None or any("\0" in name for name in first) or not _is_utf8(content):
        return None
    quoted = [f'"{name}"'.encode() for name in first]
    names = with_room(b"".join(quoted))
    name_ends = np.cumsum([len(name) for name in quoted])
    scan = _Scan(use, book, rows_max=content.count(b"{", begin))
    text = with_room(content)
    rows = scanning.scan_objects(text, len(content), begin, is_list, names, name_ends, *scan.held)
    return scan.fixes(content, rows)


class _Scan:
    """Room for what a scan finds in a body, and what comes of it."""

    def __init__(self, use: ColumnUse, book: WordBook, rows_max: int) -> None:
        count = len(use.places) + len(use.ignored)
        self._use = use
        roles = np.full(count, scanning.SKIPPED)
        for name, place in use.places.items():
            roles[place] = _ROLES.get(name, scanning.NUMBER)
        self._numbers = np.full((count, rows_max), np.nan)
        self._times_ms = np.full(rows_max, scanning.UNSEEN_MS)
        self._places = np.full((count, rows_max), -1, dtype=np.int32)
        self._book = book
        # As many as there are cells: pages that nothing is written to take no memory.
        self._others = np.empty((len(_IDENTIFIERS) * rows_max + 1, 2), dtype=np.int64)
        self._others[0] = 0
        columns = (self._numbers, self._times_ms, self._places)
        self.held = (roles, *columns, *book.known, self._others)

    def fixes(self, content: bytes, rows_count: int) -> PlainFixes | None:
        """The fixes of so many rows that were found in a body."""
        if rows_count <= 0 or not self._number_others(content):
            return None
        numbers = {
            name: self._numbers[place, :rows_count]
            for name, place in self._use.places.items()
            if name not in _ROLES
        }
        places = {
            name: self._places[self._use.places[name], :rows_count]
            for name in _IDENTIFIERS
            if name in self._use.places
        }
        time_ms = self._moments(rows_count)
        return None if time_ms is None else _sound(self._use, self._book, places, time_ms, numbers)

    def _number_others(self, content: bytes) -> bool:
        """Give the words that the book did not know their numbers; whether all are words."""
        count = int(self._others[0, 0])
        if not count:
            return True
        spans = self._others[1 : count + 1].tolist()
        try:
            numbers = self._book.spelled([content[first:stop] for first, stop in spans])
        except ValueError:
            return False
        is_other = self._places < -1
        self._places[is_other] = numbers[-2 - self._places[is_other]]
        return True

    def _moments(self, rows_count: int) -> Ints | None:
        texts_ms = self._times_ms[:rows_count]
        is_text = texts_ms != scanning.UNSEEN_MS
        if is_text.all():
            return texts_ms
        if is_text.any():
            return None
        return _moments(pa.array(self._numbers[self._use.places["time"], :rows_count]))


def _sound(
    use: ColumnUse,
    book: WordBook,
    places: dict[str, Int32s],
    time_ms: Ints,
    numbers: dict[str, Floats],
) -> PlainFixes | None:
    """The fixes, if each has a truck and a place, and every signal is one that a device knows."""
    lon, lat = numbers.pop("lon"), numbers.pop("lat")
    vehicles = places["vehicle_id"]
    is_sound = (
        len(time_ms) > 0
        and int(vehicles.min()) >= 0
        and lie_between(lon, -LON_DEG_MAX, LON_DEG_MAX)
        and lie_between(lat, -LAT_DEG_MAX, LAT_DEG_MAX)
        and all(_is_known(values, *SIGNALS[name].bounds) for name, values in numbers.items())
    )
    if not is_sound:
        return None
    return PlainFixes(
        book=book,
        vehicles=vehicles,
        drivers=places.get("driver_id"),
        time_ms=time_ms,
        lon_udeg=microdegrees(lon),
        lat_udeg=microdegrees(lat),
        signals=numbers,
        columns_ignored=use.ignored,
    )


def _is_known(values: Floats, first: float, last: float) -> bool:
    """Whether every value of a signal is finite and none by which devices say they do not know."""
    last = min(last, _GREATEST)
    if lie_between(values, first, last):
        return True
    known = values[~np.isnan(values)]
    return lie_between(known, first, last)


def _moments(column: Any) -> Ints | None:
    """Moments that need no zone, none of them missing. [ms]"""
    moments = moments_of(column, _ANY_ZONE)
    if (moments.missing | moments.bad | moments.day_only).any():
        return None
    # Small numbers are days of a spreadsheet, which are of some zone.
    is_epoch = pa.types.is_timestamp(column.type) or numbers_of(column).values.min() > SERIAL_LAST
    return moments.values_ms if is_epoch else None


def _is_numeric(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _numbered(book: WordBook, column: Any) -> Int32s:
    if not pa.types.is_dictionary(column.type):
        places, words = identifiers_of(column)
        return np.append(book.numbers(words), np.int32(-1)).take(places)
    words = column.dictionary
    numbers = book.numbers_of_list(_content_of(words), lambda: _numbered(book, words))
    return np.append(numbers, np.int32(-1)).take(places_of(column))


def _content_of(array: Any) -> tuple[Any, ...]:
    """By what an array is told from others; equal ones may differ in it."""
    held = (None if one is None else one.to_pybytes() for one in array.buffers())
    return str(array.type), len(array), array.offset, *held


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=1024)
def _use_of(names: tuple[str, ...]) -> ColumnUse | None:
    """Which columns of such a body are read; None if they have what is to be asked about."""
    try:
        use = bind(LAYOUT, list(names), SourceProfile(), path=Path("body"))
    except InputRefused:
        return None
    is_clear = "coordinates" not in use.places and not use.repeated and "" not in names
    return use if is_clear and len(use.places) + len(use.ignored) == len(names) else None
