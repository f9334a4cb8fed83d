"""Segments of one month and bucket written anew: put together, or without a withdrawn reception.

Truck after truck is read from all of them at once, so that memory does not grow with their
number or size. Nothing here touches the catalog: the work is done before its lock is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.storage.batches import TraceBatch
from fleet_carbon.storage.blobs import BlobFolder
from fleet_carbon.storage.files import ReceptionNumber, RowCount
from fleet_carbon.storage.parts import NULL, Receptions
from fleet_carbon.storage.segment_files import SegmentFile, SegmentWriter
from fleet_carbon.storage.segments import (
    KEYS,
    OPTIONAL,
    RECEPTION,
    RECEPTION_FIELD,
    SCHEMA,
    VEHICLE,
    BucketNumber,
    DriverCode,
    EpochMs,
    FixColumns,
    Mark,
    Segment,
    SegmentNumber,
    StoredFile,
    TraceLimits,
    VehicleCode,
)

_Run: TypeAlias = tuple[VehicleCode, FixColumns, Receptions]
_WRITTEN_ROWS = 131_072
_ALL_MS = (-(2**62), 2**62)


@dataclass(frozen=True, eq=False)
class Merge:
    """Segments in force, and how their fixes are read to be written anew.

    Attributes
    ----------
    blobs : BlobFolder
        The trace store.
    month, bucket : str, BucketNumber
        What the segments share.
    inputs : mapping of SegmentNumber to StoredFile
        The files of the segments.
    batches : tuple of TraceBatch
        All their fixes, in the order of trucks.
    received : mapping of ReceptionNumber to EpochMs
        When the receptions that brought the fixes were received. [ms]
    marks : mapping of VehicleCode to (Mark, Mark)
        Marks of every truck's fixes by the catalog.
    limits : TraceLimits
        How much is held in memory, and how large segments may be.
    """

    blobs: BlobFolder
    month: str
    bucket: BucketNumber
    inputs: Mapping[SegmentNumber, StoredFile]
    batches: tuple[TraceBatch, ...]
    received: Mapping[ReceptionNumber, EpochMs]
    marks: Mapping[VehicleCode, tuple[Mark, Mark]]
    limits: TraceLimits

    @property
    def rows(self) -> RowCount:
        """Fixes of the segments."""
        return sum(batch.fixes_count_max for batch in self.batches)

    def written(self, advance: Callable[[int], None] | None = None) -> list[Segment]:
        """All fixes as one segment, or as several if they are too many for one.

        Raises
        ------
        FleetCarbonError
            If a segment cannot be read, or what was read is not what the catalog says:
            ``segment_changed``.
        """
        found = self._written(self.received, advance)
        marks = {
            vehicle.vehicle_code: (vehicle.mark_a, vehicle.mark_b)
            for segment in found
            for vehicle in segment.vehicles
        }
        if marks != self.marks:
            raise FleetCarbonError(
                "segment_changed",
                f"The trace segments of {self.month}, bucket {self.bucket}, do not hold the fixes"
                " that are on record for them.",
                "Run `fleet-carbon traces verify`; restore what it names from a backup. Nothing"
                " was changed.",
            )
        return found

    def written_without(self, withdrawn: frozenset[ReceptionNumber]) -> list[Segment]:
        """The fixes that other receptions brought."""
        kept = {number: ms for number, ms in self.received.items() if number not in withdrawn}
        return self._written(kept, None)

    def _written(
        self, received: Mapping[ReceptionNumber, EpochMs], advance: Callable[[int], None] | None
    ) -> list[Segment]:
        columns, drivers = self._contents()

        def opened() -> SegmentWriter:
            place = (self.month, self.bucket)
            return SegmentWriter(
                self.blobs, place, columns, received=received, drivers=drivers, limits=self.limits
            )

        desk = _Desk(opened, columns, self.limits.segment_rows_max)
        try:
            for run in self._runs(np.array(sorted(received), dtype=np.int64)):
                desk.add(run)
                if advance is not None:
                    advance(len(run[1]["time_ms"]))
            return desk.finish()
        finally:
            desk.abandon()

    def _contents(self) -> tuple[list[str], dict[DriverCode, str]]:
        """Columns that any of the segments has, and the drivers that occur."""
        columns: set[str] = set()
        drivers: dict[DriverCode, str] = {}
        for stored in self.inputs.values():
            file = SegmentFile(self.blobs, stored)
            columns.update(file.columns)
            drivers |= file.drivers()
            file.close()
        return [name for name in SCHEMA.names if name in columns], drivers

    def _runs(self, kept: npt.NDArray[np.int64]) -> Iterator[_Run]:
        for batch in self.batches:
            for window in _windows(batch, self.limits.merged_rows_max):
                for code, columns, receptions in window.stored():
                    if len(kept) == len(self.received):
                        yield code, columns, receptions
                        continue
                    rows = np.isin(receptions, kept)
                    if isinstance(receptions, int):
                        rows = np.full(len(columns["time_ms"]), rows)
                    if rows.any():
                        which = receptions if isinstance(receptions, int) else receptions[rows]
                        yield code, {name: held[rows] for name, held in columns.items()}, which


def _windows(batch: TraceBatch, rows_max: int) -> list[TraceBatch]:
    """The batch, or for a single truck with too many fixes the same in pieces of time."""
    count = -(-batch.fixes_count_max // rows_max)
    if count < 2 or len(batch.vehicle_ids) > 1:
        return [batch]
    borders = np.linspace(batch.from_ms, batch.until_ms, count + 1).astype(np.int64).tolist()
    borders[0], borders[-1] = _ALL_MS
    return [replace(batch, from_ms=begin, until_ms=end) for begin, end in pairwise(borders)]


class _Desk:
    """The segment that is being written, and the trucks that wait for it."""

    def __init__(
        self, opened: Callable[[], SegmentWriter], columns: Sequence[str], rows_max: int
    ) -> None:
        self._opened = opened
        self._columns = columns
        self._rows_max = rows_max
        self._writer: SegmentWriter | None = None
        self._last: VehicleCode | None = None
        self._waiting: list[_Run] = []
        self._waiting_rows = 0
        self._rows = 0
        self._finished: list[Segment] = []

    def add(self, run: _Run) -> None:
        """Take the next fixes, in the order of trucks and time."""
        rows = len(run[1]["time_ms"])
        if self._rows and run[0] != self._last and self._rows + rows > self._rows_max:
            self._close()
        self._last = run[0]
        self._waiting.append(run)
        self._waiting_rows += rows
        self._rows += rows
        if self._waiting_rows >= _WRITTEN_ROWS:
            self._write()

    def _write(self) -> None:
        if self._writer is None:
            self._writer = self._opened()
        self._writer.add(_table_of(self._waiting, self._columns))
        self._waiting, self._waiting_rows = [], 0

    def _close(self) -> None:
        if self._waiting:
            self._write()
        if self._writer is not None:
            self._finished.append(self._writer.close())
            self._writer, self._rows = None, 0

    def finish(self) -> list[Segment]:
        """Store what is left, and name all that was written."""
        self._close()
        return self._finished

    def abandon(self) -> None:
        """Leave nothing of what is not finished."""
        if self._writer is not None:
            self._writer.abandon()


def _table_of(runs: list[_Run], columns: Sequence[str]) -> pa.Table:
    """The fixes of some trucks as a segment has them."""
    rows = [len(held["time_ms"]) for _, held, _ in runs]
    codes = np.repeat(np.array([code for code, _, _ in runs], dtype=np.int32), rows)
    arrays: dict[str, pa.Array[Any]] = {VEHICLE: pa.array(codes)}
    for name in columns:
        if name in KEYS:
            arrays[name] = pa.array(np.concatenate([held[name] for _, held, _ in runs]))
        elif name in OPTIONAL:
            parts = [
                held[name] if name in held else np.full(count, NULL)
                for (_, held, _), count in zip(runs, rows, strict=True)
            ]
            arrays[name] = _with_nulls(np.concatenate(parts), SCHEMA.field(name).type)
    which = [
        np.full(count, one, dtype=np.int32) if isinstance(one, int) else one
        for (_, _, one), count in zip(runs, rows, strict=True)
    ]
    arrays[RECEPTION] = pa.array(np.concatenate(which))
    schema = [RECEPTION_FIELD if name == RECEPTION else SCHEMA.field(name) for name in arrays]
    return pa.table(list(arrays.values()), schema=pa.schema(schema))


def _with_nulls(values: npt.NDArray[np.int64], dtype: pa.DataType) -> pa.Array[Any]:
    missing = values == NULL
    if not missing.any():
        return pa.array(values).cast(dtype)
    return pa.array(np.where(missing, 0, values), mask=missing).cast(dtype)
