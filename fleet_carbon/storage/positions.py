"""Taking in fixes: integers, one of each, in bounded memory, as segments by UTC month."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.storage.catalog import SegmentCatalog
from fleet_carbon.storage.duplicates import MonthFixes
from fleet_carbon.storage.files import ReceivedFile
from fleet_carbon.storage.segments import (
    DRIVER,
    QUANTITIES,
    SCHEMA,
    VEHICLE,
    Int64s,
    Segment,
    SegmentWriter,
    TraceLimits,
    encode_quantity,
    int64_column,
    utc_months,
)
from fleet_carbon.storage.spill import Spill, piece_starts

RowCount: TypeAlias = int


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
        received: ReceivedFile,
        spill_folder: Path,
        limits: TraceLimits,
    ) -> None:
        self._catalog = catalog
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
            segments = self._stored()
            for segment in segments:
                self._catalog.record(segment, self._received)
            accepted = sum(segment.rows for segment in segments)
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

    def _stored(self) -> list[Segment]:
        """Write the segments, in order of month."""
        codes = self._catalog.codes("vehicle", self._vehicles.names)
        driver_codes = self._catalog.codes("driver", self._drivers.names)
        ranks = _ranks_of(self._vehicles.names)
        code_of_rank = codes[np.argsort(ranks)]
        writers: dict[str, SegmentWriter] = {}
        columns = [name for name in SCHEMA.names if name in self._seen]
        with ExitStack() as stack:
            stack.callback(self.discard)
            for piece in self._pieces(ranks):
                for month, fixes in _by_month(piece):
                    kept = self._new_among(month, fixes, code_of_rank)
                    if kept.num_rows == 0:
                        continue
                    if month not in writers:
                        writers[month] = SegmentWriter(
                            self._catalog.folder,
                            month,
                            columns,
                            row_group_rows=self._limits.row_group_rows,
                        )
                        stack.callback(writers[month].abandon)
                    writers[month].add(_with_codes(kept, code_of_rank, driver_codes, columns))
            return [writers[month].close() for month in sorted(writers)]

    def _pieces(self, ranks: Int64s) -> Iterator[pa.Table]:
        """All fixes in pieces that fit in memory, with ranks for trucks, ordered by truck."""
        if self._spill.is_used:
            self._spill.write(self._held)
            self._held = []
            limit = self._limits.held_rows_max
            pieces = self._spill.regrouped(ranks, piece_starts(self._cells, ranks, limit))
        else:
            held = pa.concat_tables(self._held, promote_options="default")
            self._held = []
            pieces = iter([held.combine_chunks()])
        for piece in pieces:
            rank = ranks[int64_column(piece, VEHICLE)]
            yield piece.set_column(0, VEHICLE, pa.array(rank))

    def _new_among(self, month: str, fixes: pa.Table, code_of_rank: Int64s) -> pa.Table:
        """The fixes of one month that are new, in the order of a segment."""
        sorted_fixes = MonthFixes(fixes)
        ranks, first_ms, last_ms = sorted_fixes.bounds()
        codes = code_of_rank[ranks]
        rank_of_code = np.full(int(codes.max()) + 1, -1, dtype=np.int64)
        rank_of_code[codes] = ranks
        for stored in self._catalog.overlapping(
            month, codes, time_ms_min=first_ms, time_ms_max=last_ms
        ):
            known = np.where(stored.vehicle_code < len(rank_of_code), stored.vehicle_code, 0)
            # Codes begin at 1, so 0 is the rank of no truck.
            sorted_fixes.mark_stored(rank_of_code[known], stored.time_ms, stored.place)
        return sorted_fixes.new()


def _ranks_of(names: list[str]) -> Int64s:
    """Place of every name in sorted order, shape (n_names,)."""
    ranks = np.zeros(len(names), dtype=np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks


def _by_month(piece: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    months = utc_months(int64_column(piece, "time_ms"))
    for month in np.unique(months).tolist():
        name = str(np.datetime64(month, "M"))
        inside = months == month
        yield name, piece if inside.all() else piece.filter(pa.array(inside))


def _with_codes(
    fixes: pa.Table, code_of_rank: Int64s, driver_codes: Int64s, columns: list[str]
) -> pa.Table:
    """The fixes as a segment has them: codes of the catalog, all columns of the file."""
    held = {name: fixes.column(name) for name in fixes.column_names}
    codes = code_of_rank[int64_column(fixes, VEHICLE)]
    held[VEHICLE] = pa.chunked_array([pa.array(codes.astype(np.int32))])
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
