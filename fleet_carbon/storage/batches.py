"""The fixes of some trucks in a period, read without the catalog: by threads and other processes.

A batch names the row ranges of its trucks. Trucks of a batch have neighbouring codes, and every
segment is sorted by them, so that each is read from front to back and each row group once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.storage.blobs import BlobFolder
from fleet_carbon.storage.files import ReceptionNumber
from fleet_carbon.storage.parts import DRIVER_ID, NULL, Part, Receptions, merged
from fleet_carbon.storage.segment_files import SegmentFile, plain
from fleet_carbon.storage.segments import (
    DRIVER,
    KEYS,
    OPTIONAL,
    QUANTITIES,
    RECEPTION,
    DriverCode,
    EpochMs,
    FixColumns,
    Int64s,
    StoredFile,
    VehicleCode,
)

# Read at once, with the file closed again if that was all: neighbouring trucks share a read.
_READ_ROWS = 131_072
# Heading serves nothing that is computed.
_WANTED = {item.stored: item for item in QUANTITIES if item.column != "heading_deg"}
_STORED_RATIO = {item.column: item.stored_ratio for item in _WANTED.values()}


class _Form(NamedTuple):
    """Which columns are read, and what becomes of them: of many trucks at once, then of each."""

    columns: tuple[str, ...]
    decode: Callable[[pa.Table, Mapping[DriverCode, str]], FixColumns]
    finish: Callable[[FixColumns], FixColumns]


@dataclass(frozen=True, eq=False)
class VehicleFixes:
    """The fixes of one truck in a period, each once, sorted by moment and place.

    Attributes
    ----------
    vehicle_id : str
        Truck.
    columns : dict of str to array, shape (n_fixes,)
        `time_ms` int64, `lon_udeg` and `lat_udeg` int32. In the units of `frames.POSITIONS`, if
        the data has them: `speed_kmh`, `accuracy_m`, `odometer_km`, `fuel_used_l`,
        `gross_mass_t`, `altitude_m`, `ambient_degc` and `fuel_level_l` float64, NaN where missing;
        `driver_id` object, "" where missing.
    received_ms : EpochMs or int64 array, shape (n_fixes,)
        When the fixes were received: all, or each. [ms]
    """

    vehicle_id: str
    columns: FixColumns
    received_ms: EpochMs | Int64s


@dataclass(frozen=True, eq=False)
class SegmentRows:
    """What a batch reads of one segment.

    Attributes
    ----------
    file : StoredFile
        Its file.
    receptions : tuple of ReceptionNumber
        What brought its fixes; if several, the file tells it of each fix.
    trucks : int64 array, shape (n_trucks,)
        Place of each truck among those of the batch, increasing.
    offset_rows, rows : int64 arrays, shape (n_trucks,)
        First row of each truck, and how many it has.
    """

    file: StoredFile
    receptions: tuple[ReceptionNumber, ...]
    trucks: Int64s
    offset_rows: Int64s
    rows: Int64s

    def of_trucks(self, chosen: Int64s) -> SegmentRows:
        """The ranges of these trucks alone, which are numbered anew."""
        inside = np.isin(self.trucks, chosen)
        trucks = np.searchsorted(chosen, self.trucks[inside])
        return replace(
            self,
            trucks=trucks.astype(np.int64),
            offset_rows=self.offset_rows[inside],
            rows=self.rows[inside],
        )


@dataclass(frozen=True, eq=False)
class TraceBatch:
    """Neighbouring trucks and where their fixes are: small, and readable by any process.

    Attributes
    ----------
    blobs : BlobFolder
        The trace store.
    vehicle_ids : tuple of str
        Trucks in the order of their codes, in which they are read.
    vehicle_codes : tuple of VehicleCode
        Their codes.
    segments : tuple of SegmentRows
        Row ranges.
    received : mapping of ReceptionNumber to EpochMs
        When the receptions that brought the fixes were received. [ms]
    from_ms, until_ms : int
        Period `[from_ms, until_ms)`. [ms]
    fixes_count_max : int
        No more fixes than this are in the batch; exact where no truck reaches over the period.
    """

    blobs: BlobFolder
    vehicle_ids: tuple[str, ...]
    vehicle_codes: tuple[VehicleCode, ...]
    segments: tuple[SegmentRows, ...]
    received: Mapping[ReceptionNumber, EpochMs]
    from_ms: int
    until_ms: int
    fixes_count_max: int

    def only(self, vehicle_ids: Collection[str]) -> TraceBatch:
        """The batch of some of its trucks: nothing is read that only the others need."""
        wanted = set(vehicle_ids)
        if len(wanted) == len(self.vehicle_ids):
            return self
        chosen = [at for at, name in enumerate(self.vehicle_ids) if name in wanted]
        segments = [
            segment.of_trucks(np.array(chosen, dtype=np.int64)) for segment in self.segments
        ]
        return replace(
            self,
            vehicle_ids=tuple(self.vehicle_ids[at] for at in chosen),
            vehicle_codes=tuple(self.vehicle_codes[at] for at in chosen),
            segments=tuple(segment for segment in segments if len(segment.trucks)),
            fixes_count_max=int(sum(segment.rows.sum() for segment in segments)),
        )

    def read(self) -> Iterator[VehicleFixes]:
        """The fixes, truck by truck, of those that have any in the period.

        Raises
        ------
        FleetCarbonError
            If a segment is missing, was changed or cannot be read: ``segment_missing``,
            ``segment_changed``, ``segment_unreadable``, or a failure of the store.
        """
        moments = _Moments(self.received)
        for truck, (columns, receptions) in self._merged(_FRAME):
            yield VehicleFixes(self.vehicle_ids[truck], columns, moments.of(receptions))

    def stored(self) -> Iterator[tuple[VehicleCode, FixColumns, Receptions]]:
        """The same as integers of segments, int64, `NULL` where missing: to write them again."""
        for truck, (columns, receptions) in self._merged(_STORED):
            yield self.vehicle_codes[truck], columns, receptions

    def _merged(self, form: _Form) -> Iterator[tuple[int, Part]]:
        runs = [_Run(self, segment, form) for segment in self.segments]
        places: list[list[tuple[_Run, int, int]]] = [[] for _ in self.vehicle_ids]
        for run, segment in zip(runs, self.segments, strict=True):
            ranges = (segment.trucks, segment.offset_rows, segment.offset_rows + segment.rows)
            for truck, first, stop in zip(*(part.tolist() for part in ranges), strict=True):
                places[truck].append((run, first, stop))
        try:
            for truck, found in enumerate(places):
                parts = [part for run, first, stop in found for part in run.take(first, stop)]
                if parts:
                    columns, receptions = merged(parts)
                    yield truck, (form.finish(columns), receptions)
        finally:
            for run in runs:
                run.close()


class _Moments:
    """When receptions were received."""

    def __init__(self, received: Mapping[ReceptionNumber, EpochMs]) -> None:
        self._received = received
        self._lowest = min(received, default=0)
        # By number at once: a search would take longer than to decode the fix.
        self._moments = np.zeros(max(received, default=0) - self._lowest + 1, dtype=np.int64)
        for number, moment in received.items():
            self._moments[number - self._lowest] = moment

    def of(self, receptions: Receptions) -> EpochMs | Int64s:
        if isinstance(receptions, int):
            return self._received[receptions]
        return self._moments[receptions - self._lowest]


@dataclass(frozen=True, eq=False)
class _Held:
    """Decoded rows `first` to before `stop` of a segment."""

    first: int
    stop: int
    columns: FixColumns
    receptions: Receptions


class _Run:
    """The rows of one segment that a batch wants, taken from front to back."""

    def __init__(self, batch: TraceBatch, wanted: SegmentRows, form: _Form) -> None:
        self._batch = batch
        self._wanted = wanted
        self._form = form
        self._file: SegmentFile | None = None
        self._is_opened = False
        self._groups: deque[int] = deque()
        self._held: deque[_Held] = deque()
        self._drivers: dict[DriverCode, str] = {}
        self._ends = frozenset((wanted.offset_rows + wanted.rows).tolist())

    def take(self, first: int, stop: int) -> list[Part]:
        """The rows `[first, stop)` of one truck, those of the period: arrays not to be written."""
        if not self._is_opened:
            self._open()
        if self._file is not None:
            self._load_until(self._file, stop)
        while self._held and self._held[0].stop <= first:
            self._held.popleft()
        parts = []
        for held in self._held:
            begin, end = max(first, held.first) - held.first, min(stop, held.stop) - held.first
            if begin < end:
                begin, end = self._inside(held.columns["time_ms"], begin, end)
            if begin < end:
                parts.append(_sliced(held, slice(begin, end)))
        return parts

    def _inside(self, time_ms: Int64s, begin: int, end: int) -> tuple[int, int]:
        """Those of the rows of one truck that lie in the period."""
        batch = self._batch
        if time_ms[begin] >= batch.from_ms and time_ms[end - 1] < batch.until_ms:
            return begin, end
        period = (batch.from_ms, batch.until_ms)
        low, high = np.searchsorted(time_ms[begin:end], period).tolist()
        return begin + low, begin + high

    def _open(self) -> None:
        wanted = self._wanted
        self._is_opened = True
        self._file = SegmentFile(self._batch.blobs, wanted.file)
        self._drivers = self._file.drivers()
        self._groups.extend(self._groups_wanted(self._file))
        if not self._groups:
            self.close()

    def _groups_wanted(self, file: SegmentFile) -> list[int]:
        """Row groups that hold wanted rows, without those that lie outside the period."""
        wanted = self._wanted
        borders = np.zeros(len(file.starts), dtype=np.int64)
        firsts = np.searchsorted(file.starts, wanted.offset_rows, side="right") - 1
        stops = np.searchsorted(file.starts, wanted.offset_rows + wanted.rows, side="left")
        np.add.at(borders, firsts, 1)
        np.add.at(borders, stops, -1)
        groups = np.flatnonzero(np.cumsum(borders) > 0).tolist()
        return [group for group in groups if self._is_in_period(file, group)]

    def _is_in_period(self, file: SegmentFile, group: int) -> bool:
        bounds_ms = file.bounds(group, "time_ms")
        if bounds_ms is None:
            return True
        return bounds_ms[1] >= self._batch.from_ms and bounds_ms[0] < self._batch.until_ms

    def _load_until(self, file: SegmentFile, stop: int) -> None:
        """Decode what the next truck needs, and as much more as is read at once."""
        while self._groups and file.starts[self._groups[0]] < stop:
            together = self._next_groups(file.starts, stop)
            self._held.append(self._decoded(file, together))
        if not self._groups:
            self.close()

    def _next_groups(self, starts: Int64s, stop: int) -> list[int]:
        """Neighbouring row groups up to row `stop`, and whole trucks after it if they are few.

        No truck is cut that need not be: its pieces would have to be put together.
        """
        groups = self._groups
        taken = 1
        for count in range(2, len(groups) + 1):
            group = groups[count - 1]
            if group != groups[0] + count - 1:
                break
            if starts[group] < stop:
                taken = count
            elif starts[group + 1] - starts[groups[0]] > _READ_ROWS:
                break
            elif int(starts[group + 1]) in self._ends:
                taken = count
        return [groups.popleft() for _ in range(taken)]

    def _decoded(self, file: SegmentFile, groups: Sequence[int]) -> _Held:
        numbers = self._wanted.receptions
        reception = numbers[0] if len(numbers) == 1 else _only_one(file, groups)
        wanted = [name for name in file.columns if name in self._form.columns]
        table = file.read(groups, wanted if reception is not None else [*wanted, RECEPTION])
        columns = self._form.decode(table, self._drivers)
        receptions: Receptions = plain(table.column(RECEPTION)) if reception is None else reception
        first, stop = int(file.starts[groups[0]]), int(file.starts[groups[-1] + 1])
        held = _Held(first, stop, columns, receptions)
        begin = max(int(self._wanted.offset_rows[0]), first)
        end = min(int(self._wanted.offset_rows[-1] + self._wanted.rows[-1]), stop)
        if 2 * (end - begin) > stop - first:
            return held
        # A copy, so that a few rows do not hold many others in memory.
        few, which = _sliced(held, slice(begin - first, end - first))
        copied = {name: array.copy() for name, array in few.items()}
        return _Held(begin, end, copied, which if isinstance(which, int) else which.copy())

    def close(self) -> None:
        """Close the file; what was decoded stays."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _only_one(file: SegmentFile, groups: Sequence[int]) -> ReceptionNumber | None:
    """The reception that brought all fixes of some row groups, if it was one."""
    found = {bound for group in groups for bound in file.bounds(group, RECEPTION) or (None,)}
    return found.pop() if len(found) == 1 else None


def _sliced(held: _Held, rows: slice) -> Part:
    receptions = held.receptions
    which = receptions if isinstance(receptions, int) else receptions[rows]
    return {name: array[rows] for name, array in held.columns.items()}, which


def _named_as_in_frame(table: pa.Table, drivers: Mapping[DriverCode, str]) -> FixColumns:
    """Keys as they are, optional columns that hold anything by their names in the frame."""
    columns: FixColumns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in KEYS:
            columns[name] = plain(column)
        elif column.null_count == len(column):
            continue
        elif name in _WANTED:
            columns[_WANTED[name].column] = plain(column)
        elif name == DRIVER:
            columns[DRIVER_ID] = _names_of(plain(column), drivers)
    return columns


def _in_frame_units(columns: FixColumns) -> FixColumns:
    """The same in the units of the frame; late, for small integers are quicker to put together."""
    return {
        name: np.divide(values, _STORED_RATIO[name], dtype=np.float64)
        if name in _STORED_RATIO
        else values
        for name, values in columns.items()
    }


def _names_of(
    codes: npt.NDArray[Any], drivers: Mapping[DriverCode, str]
) -> npt.NDArray[np.object_]:
    """Identifier of the driver of every fix, "" where there is none."""
    known = sorted(drivers)
    names = np.array(["", *(drivers[code] for code in known)], dtype=object)
    places = np.searchsorted(np.array([0, *known]), np.nan_to_num(codes, nan=0))
    found: npt.NDArray[np.object_] = names[places]
    return found


def _as_stored(table: pa.Table, _drivers: Mapping[DriverCode, str]) -> FixColumns:
    """Integers as they are stored, optional ones as int64 with `NULL`."""
    columns: FixColumns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in KEYS:
            columns[name] = plain(column)
        elif name in OPTIONAL:
            columns[name] = plain(column.cast(pa.int64()).fill_null(NULL))
    return columns


def _unchanged(columns: FixColumns) -> FixColumns:
    return columns


_FRAME = _Form((*KEYS, *_WANTED, DRIVER), _named_as_in_frame, _in_frame_units)
_STORED = _Form((*KEYS, *OPTIONAL), _as_stored, _unchanged)
