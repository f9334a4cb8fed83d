"""Taking in fixes: integers, one of each, in bounded memory, as segments by month and bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from fleet_carbon.periods import from_epoch_ms, to_epoch_ms
from fleet_carbon.storage.catalog import SegmentCatalog
from fleet_carbon.storage.duplicates import MonthFixes
from fleet_carbon.storage.files import ReceivedFile, ReceivedFiles
from fleet_carbon.storage.segment_files import SegmentWriter
from fleet_carbon.storage.segments import (
    BUCKET_VEHICLES,
    DRIVER,
    QUANTITIES,
    SCHEMA,
    VEHICLE,
    BucketNumber,
    DriverCode,
    Int64s,
    Segment,
    TraceLimits,
    bucket_of,
    encode_quantity,
    int64_column,
    run_starts,
    utc_months,
)
from fleet_carbon.storage.spill import Spill, piece_starts

RowCount: TypeAlias = int
_Cell: TypeAlias = tuple[str, BucketNumber]


@dataclass(frozen=True)
class PositionsSaved:
    """What became of the fixes of one file.

    Attributes
    ----------
    accepted, duplicate : RowCount
        New fixes; fixes that the file repeats or the store has.
    first_at, last_at : datetime or None
        First and last moment of the fixes given, aware UTC; None if there were none.
    vehicles : int
        Trucks among them.
    unstorable : dict of str to int
        By column, values too large to be a measurement, which count as missing.
    """

    accepted: RowCount
    duplicate: RowCount
    first_at: datetime | None
    last_at: datetime | None
    vehicles: int
    unstorable: dict[str, int] = field(default_factory=dict)


class _Identifiers:
    """Identifiers in the order in which they were met, and the number of each."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def numbers_of(
        self, column: pd.Series[Any]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Number of every row's identifier, and whether it has one, shape (n_rows,) both."""
        local, names = pd.factorize(column)
        for name in names:
            if name not in self._numbers:
                self._numbers[name] = len(self.names)
                self.names.append(str(name))
        lookup = np.array([self._numbers[name] for name in names] + [0], dtype=np.int32)
        return lookup[local], np.asarray(local >= 0)


class PositionsWriter:
    """Takes the fixes of one file in pieces, and stores each of them once.

    Nothing is in the store before `finish`, and nothing for good before the unit of work
    commits.
    """

    def __init__(
        self,
        catalog: SegmentCatalog,
        files: ReceivedFiles,
        received: ReceivedFile,
        *,
        spill_folder: Path,
        limits: TraceLimits,
    ) -> None:
        self._catalog = catalog
        self._files = files
        self._received = received
        self._limits = limits
        self._vehicles = _Identifiers()
        self._drivers = _Identifiers()
        self._held: list[pa.Table] = []
        self._held_rows = 0
        self._spill = Spill(spill_folder)
        self._cells: dict[tuple[int, int], int] = {}
        self._seen: set[str] = set()
        self._unstorable: dict[str, int] = {}
        self._time_ms_min: int | None = None
        self._time_ms_max: int | None = None
        self._driver_names: dict[DriverCode, str] = {}

    def add(self, rows: pd.DataFrame) -> None:
        """Take the next rows.

        Parameters
        ----------
        rows : DataFrame
            Columns of `frames.POSITIONS`; optional ones may be absent, others are ignored.
        """
        if len(rows) == 0:
            return
        table = self._encoded(rows)
        self._count_cells(table)
        self._held.append(table)
        self._held_rows += table.num_rows
        if self._held_rows > self._limits.held_rows_max:
            self._spill.write(self._held)
            self._held, self._held_rows = [], 0

    def _encoded(self, rows: pd.DataFrame) -> pa.Table:
        numbers, is_known = self._vehicles.numbers_of(rows["vehicle_id"])
        if not is_known.all():
            raise ValueError("positions.vehicle_id is required and has missing values")
        columns: dict[str, pa.Array[Any]] = {VEHICLE: pa.array(numbers)}
        for name in ("time_ms", "lon_udeg", "lat_udeg"):
            integers = rows[name].to_numpy(dtype=np.int64)
            columns[name] = pa.array(integers).cast(SCHEMA.field(name).type)
        for item in QUANTITIES:
            if item.column not in rows.columns:
                continue
            encoded, unstorable = encode_quantity(rows[item.column], item)
            if unstorable:
                self._unstorable[item.column] = self._unstorable.get(item.column, 0) + unstorable
            if encoded is not None:
                columns[item.stored] = encoded
        if "driver_id" in rows.columns and rows["driver_id"].notna().any():
            drivers, has_driver = self._drivers.numbers_of(rows["driver_id"])
            columns[DRIVER] = pa.array(drivers, mask=~has_driver)
        self._seen.update(columns)
        return pa.table(columns)

    def _count_cells(self, table: pa.Table) -> None:
        """Count the fixes of every truck and month: the pieces that later stages work on."""
        time_ms = int64_column(table, "time_ms")
        first, last = int(time_ms.min()), int(time_ms.max())
        self._time_ms_min = first if self._time_ms_min is None else min(first, self._time_ms_min)
        self._time_ms_max = last if self._time_ms_max is None else max(last, self._time_ms_max)
        lowest, highest = utc_months(np.array([first, last])).tolist()
        months: Int64s | int = lowest if lowest == highest else utc_months(time_ms)
        cells = (int64_column(table, VEHICLE) << 32) + (months + 2**31)
        found, counts = np.unique(cells, return_counts=True)
        for cell, count in zip(found.tolist(), counts.tolist(), strict=True):
            key = (cell >> 32, (cell & 0xFFFFFFFF) - 2**31)
            self._cells[key] = self._cells.get(key, 0) + count

    def finish(self) -> PositionsSaved:
        """Store what is new, and say what became of the fixes given."""
        read = sum(self._cells.values())
        vehicle_ids = self._vehicles.names
        accepted = 0
        if read:
            accepted = self._recorded(self._stored())
        return PositionsSaved(
            accepted=accepted,
            duplicate=read - accepted,
            first_at=None if self._time_ms_min is None else from_epoch_ms(self._time_ms_min),
            last_at=None if self._time_ms_max is None else from_epoch_ms(self._time_ms_max),
            vehicles=len(vehicle_ids),
            unstorable=dict(sorted(self._unstorable.items())),
        )

    def discard(self) -> None:
        """Free what is held in memory and on disk."""
        self._held = []
        self._spill.discard()

    def _recorded(self, segments: list[Segment]) -> RowCount:
        """Put the segments on record as one version, and count their fixes."""
        if segments:
            received = self._received
            version = self._catalog.versions.add("ingest", received.name, received.received_at)
            self._catalog.record(segments, version)
        return sum(segment.rows for segment in segments)

    def _stored(self) -> list[Segment]:
        """Write the segments, in order of bucket and month."""
        codes = self._catalog.codes.given("vehicle", self._vehicles.names)
        driver_codes = self._catalog.codes.given("driver", self._drivers.names)
        self._driver_names = dict(zip(driver_codes.tolist(), self._drivers.names, strict=True))
        desk = _SegmentDesk(self._open_segment)
        with ExitStack() as stack:
            stack.callback(self.discard)
            stack.callback(desk.abandon)
            for piece in self._pieces(codes):
                for month, fixes in _by_month(piece):
                    kept = self._new_among(month, fixes)
                    if kept.num_rows:
                        desk.add(month, _with_drivers(kept, driver_codes, self._columns))
                # Pieces come in order of truck, so that earlier buckets are complete.
                desk.finish_before(bucket_of(int64_column(piece, VEHICLE).max().item()))
            desk.finish_before(None)
        return desk.finished

    @property
    def _columns(self) -> list[str]:
        return [name for name in SCHEMA.names if name in self._seen]

    def _open_segment(self, cell: _Cell) -> SegmentWriter:
        reception = self._files.reception_of(self._received)
        return SegmentWriter(
            self._catalog.blobs,
            cell,
            self._columns,
            received={reception: to_epoch_ms(self._received.received_at)},
            drivers=self._driver_names,
            limits=self._limits,
        )

    def _pieces(self, codes: Int64s) -> Iterator[pa.Table]:
        """All fixes in pieces that fit in memory, with codes for trucks, ordered by truck."""
        if self._spill.is_used:
            self._spill.write(self._held)
            self._held = []
            limit = self._limits.held_rows_max
            pieces = self._spill.regrouped(codes, piece_starts(self._cells, codes, limit))
        else:
            held = pa.concat_tables(self._held, promote_options="default")
            self._held = []
            pieces = iter([held.combine_chunks()])
        for piece in pieces:
            code = codes[int64_column(piece, VEHICLE)]
            yield piece.set_column(0, SCHEMA.field(VEHICLE), pa.array(code.astype(np.int32)))

    def _new_among(self, month: str, fixes: pa.Table) -> pa.Table:
        """The fixes of one month that are new, in the order of a segment."""
        sorted_fixes = MonthFixes(fixes)
        codes, first_ms, last_ms = sorted_fixes.bounds()
        is_wanted = np.zeros(int(codes.max()) + 1, dtype=np.bool_)
        is_wanted[codes] = True
        for stored in self._catalog.overlapping(
            month, codes, time_ms_min=first_ms, time_ms_max=last_ms
        ):
            # Codes begin at 1, so 0 is no truck.
            known = np.where(stored.vehicle_code < len(is_wanted), stored.vehicle_code, 0)
            rows = is_wanted[known]
            sorted_fixes.mark_stored(known[rows], stored.time_ms[rows], stored.place[rows])
        return sorted_fixes.new()


class _SegmentDesk:
    """The segments that are being written: one for each month and bucket."""

    def __init__(self, open_segment: Callable[[_Cell], SegmentWriter]) -> None:
        self._open_segment = open_segment
        self._writers: dict[_Cell, SegmentWriter] = {}
        self.finished: list[Segment] = []

    def add(self, month: str, fixes: pa.Table) -> None:
        """Take fixes of a month in the order of a segment, of any number of buckets."""
        buckets = (int64_column(fixes, VEHICLE) - 1) // BUCKET_VEHICLES
        starts = run_starts(buckets).tolist()
        for start, stop in zip(starts, [*starts[1:], len(buckets)], strict=True):
            cell = (month, int(buckets[start]))
            if cell not in self._writers:
                self._writers[cell] = self._open_segment(cell)
            self._writers[cell].add(fixes.slice(start, stop - start))

    def finish_before(self, bucket: BucketNumber | None) -> None:
        """Store the segments of earlier buckets; of all if there is no more."""
        for cell in sorted(self._writers, key=lambda cell: (cell[1], cell[0])):
            if bucket is None or cell[1] < bucket:
                self.finished.append(self._writers[cell].close())
                del self._writers[cell]

    def abandon(self) -> None:
        """Leave nothing of those that are not finished."""
        for writer in self._writers.values():
            writer.abandon()


def _by_month(piece: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    months = utc_months(int64_column(piece, "time_ms"))
    for month in np.unique(months).tolist():
        name = str(np.datetime64(month, "M"))
        inside = months == month
        yield name, piece if inside.all() else piece.filter(pa.array(inside))


def _with_drivers(fixes: pa.Table, driver_codes: Int64s, columns: list[str]) -> pa.Table:
    """The fixes as a segment has them: codes of the catalog, all columns of the file."""
    held = {name: fixes.column(name) for name in fixes.column_names}
    if DRIVER in held:
        lookup = pa.array(driver_codes.astype(np.int32))
        held[DRIVER] = pa.chunked_array([lookup.take(held[DRIVER].combine_chunks())])
    return pa.table(
        [
            held[name] if name in held else pa.nulls(fixes.num_rows, SCHEMA.field(name).type)
            for name in columns
        ],
        schema=pa.schema([SCHEMA.field(name) for name in columns]),
    )
