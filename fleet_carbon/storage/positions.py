"""Taking in fixes: integers, one of each, in bounded memory, as segments by month and bucket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from fleet_carbon.periods import from_epoch_ms, to_epoch_ms
from fleet_carbon.storage.catalog import SegmentCatalog
from fleet_carbon.storage.duplicates import MonthFixes
from fleet_carbon.storage.encoding import FixEncoder
from fleet_carbon.storage.files import ReceivedFile, ReceivedFiles
from fleet_carbon.storage.memory import give_back, reuse_memory
from fleet_carbon.storage.segment_files import SegmentWriter
from fleet_carbon.storage.segments import (
    DRIVER,
    SCHEMA,
    BucketNumber,
    DriverCode,
    Int64s,
    Segment,
    TraceLimits,
    int64_column,
)
from fleet_carbon.storage.spill import Piece, Spill

RowCount: TypeAlias = int
_Cell: TypeAlias = tuple[str, BucketNumber]
# Small enough that memory for their arrays is used again and not cleared by the system each time.
_RUN_ROWS_MAX = 1_000_000
_PIECE_ROWS_MAX = 500_000
_WAITING_MAX = 2  # pieces, and segments to be closed, that wait for their thread


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


class PositionsWriter:
    """Takes the fixes of one file in pieces, and stores each of them once.

    Nothing is in the store before `finish`, and nothing for good before the unit of work
    commits.
    """

    def __init__(
        self,
        catalog: SegmentCatalog,
        files: ReceivedFiles,
        *,
        spill_folder: Path,
        limits: TraceLimits,
    ) -> None:
        reuse_memory()
        self._catalog = catalog
        self._files = files
        self._limits = limits
        self._encoder = FixEncoder()
        self._vehicles, self._drivers = self._encoder.vehicles, self._encoder.drivers
        self._held: list[pa.Table] = []
        self._held_rows = 0
        self._spill = Spill(spill_folder)
        self._read = 0
        self._thread = ThreadPoolExecutor(1, "ordering")
        self._ordering: Future[None] | None = None
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
        table = self._encoder.encoded(rows)
        self._note_bounds(table)
        self._read += table.num_rows
        self._held.append(table)
        self._held_rows += table.num_rows
        if self._held_rows > min(self._limits.held_rows_max, _RUN_ROWS_MAX):
            self._write_held()

    def _write_held(self) -> None:
        """Put what is held on disk, in order, while the next rows are taken."""
        self._wait()
        held, self._held, self._held_rows = self._held, [], 0
        self._ordering = self._thread.submit(self._spill.write, held, self._vehicles.ranks())

    def _wait(self) -> None:
        if self._ordering is not None:
            ordering, self._ordering = self._ordering, None
            ordering.result()

    def _note_bounds(self, table: pa.Table) -> None:
        time_ms = int64_column(table, "time_ms")
        first, last = int(time_ms.min()), int(time_ms.max())
        self._time_ms_min = first if self._time_ms_min is None else min(first, self._time_ms_min)
        self._time_ms_max = last if self._time_ms_max is None else max(last, self._time_ms_max)

    def finish(self, received: ReceivedFile) -> PositionsSaved:
        """Store what is new as received with a file, and say what became of the fixes given."""
        read = self._read
        vehicle_ids = self._vehicles.names
        accepted = 0
        if read:
            accepted = self._recorded(self._stored(received), received)
        return PositionsSaved(
            accepted=accepted,
            duplicate=read - accepted,
            first_at=None if self._time_ms_min is None else from_epoch_ms(self._time_ms_min),
            last_at=None if self._time_ms_max is None else from_epoch_ms(self._time_ms_max),
            vehicles=len(vehicle_ids),
            unstorable=dict(sorted(self._encoder.unstorable.items())),
        )

    def discard(self) -> None:
        """Free what is held in memory and on disk."""
        self._thread.shutdown(cancel_futures=True)
        self._held = []
        was_large = self._spill.is_used
        self._spill.discard()
        if was_large:
            give_back()

    def _recorded(self, segments: list[Segment], received: ReceivedFile) -> RowCount:
        """Put the segments on record as one version, and count their fixes."""
        if segments:
            version = self._catalog.versions.add("ingest", received.name, received.received_at)
            self._catalog.record(segments, version)
        return sum(segment.rows for segment in segments)

    def _stored(self, received: ReceivedFile) -> list[Segment]:
        """Write the segments, in order of bucket and month."""
        codes = self._catalog.codes.given("vehicle", self._vehicles.names)
        driver_codes = self._catalog.codes.given("driver", self._drivers.names)
        self._driver_names = dict(zip(driver_codes.tolist(), self._drivers.names, strict=True))
        with ExitStack() as stack:
            stack.callback(self.discard)
            desk = stack.enter_context(_SegmentDesk(partial(self._open_segment, received)))
            for piece in self._pieces(codes):
                kept, cell = self._new_among(piece), (piece.month, piece.bucket)
                if kept.num_rows:
                    desk.add(cell, _with_drivers(kept, driver_codes, self._columns))
                if piece.is_last:
                    desk.close(cell)
            return desk.finish()

    @property
    def _columns(self) -> list[str]:
        return [name for name in SCHEMA.names if name in self._encoder.columns_met]

    def _open_segment(self, received: ReceivedFile, cell: _Cell) -> SegmentWriter:
        reception = self._files.reception_of(received)
        return SegmentWriter(
            self._catalog.blobs,
            cell,
            self._columns,
            received={reception: to_epoch_ms(received.received_at)},
            drivers=self._driver_names,
            limits=self._limits,
        )

    def _pieces(self, codes: Int64s) -> Iterator[Piece]:
        """All fixes in pieces that fit in memory, by bucket, month and truck."""
        self._wait()
        if self._held:
            # Beside a piece there is no room for a run.
            keep = self._spill.write if self._spill.is_used else self._spill.hold
            held, self._held = self._held, []
            keep(held, self._vehicles.ranks())
            del held
        return self._spill.pieces(codes, min(self._limits.held_rows_max, _PIECE_ROWS_MAX))

    def _new_among(self, piece: Piece) -> pa.Table:
        """The fixes of a piece that are new, in the order of a segment."""
        sorted_fixes = MonthFixes(piece.fixes)
        codes, first_ms, last_ms = sorted_fixes.bounds()
        is_wanted = np.zeros(int(codes.max()) + 1, dtype=np.bool_)
        is_wanted[codes] = True
        for stored in self._catalog.overlapping(
            piece.month, codes, time_ms_min=first_ms, time_ms_max=last_ms
        ):
            # Codes begin at 1, so 0 is no truck.
            known = np.where(stored.vehicle_code < len(is_wanted), stored.vehicle_code, 0)
            rows = is_wanted[known]
            sorted_fixes.mark_stored(known[rows], stored.time_ms[rows], stored.place[rows])
        return sorted_fixes.new()


class _SegmentInWork:
    """One segment, written by a thread of its own."""

    def __init__(self, writer: SegmentWriter) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, "writing")
        self._added: list[Future[None]] = []
        self._closed: Future[Segment] | None = None

    def add(self, fixes: pa.Table) -> Future[None]:
        self._added.append(self._thread.submit(self._writer.add, fixes))
        return self._added[-1]

    def close(self) -> Future[Segment]:
        if self._closed is None:
            self._closed = self._thread.submit(self._finished)
            self._thread.shutdown(wait=False)
        return self._closed

    def _finished(self) -> Segment:
        for added in self._added:  # done, for the thread does one after the other
            added.result()
        return self._writer.close()

    def abandon(self) -> None:
        """Leave nothing, unless it is finished."""
        self._thread.shutdown(cancel_futures=True)
        closed = self._closed
        if closed is None or closed.cancelled() or closed.exception() is not None:
            self._writer.abandon()


class _SegmentDesk:
    """Writes segments beside the work on the next fixes, which come for some of them in turns."""

    def __init__(self, open_segment: Callable[[_Cell], SegmentWriter]) -> None:
        self._open_segment = open_segment
        self._begun: dict[_Cell, _SegmentInWork] = {}
        self._waiting: deque[Future[Any]] = deque()

    def __enter__(self) -> _SegmentDesk:
        return self

    def __exit__(self, *_: object) -> None:
        for segment in self._begun.values():
            segment.abandon()

    def add(self, cell: _Cell, fixes: pa.Table) -> None:
        """Take fixes of a month and bucket, in the order of a segment."""
        if cell not in self._begun:
            self._begun[cell] = _SegmentInWork(self._open_segment(cell))
        self._wait_for(self._begun[cell].add(fixes))

    def close(self, cell: _Cell) -> None:
        """Finish the segment of a month and bucket, if it has any fixes."""
        if cell in self._begun:
            self._wait_for(self._begun[cell].close())

    def finish(self) -> list[Segment]:
        """The finished segments, by bucket and month."""
        cells = sorted(self._begun, key=lambda cell: (cell[1], cell[0]))
        return [self._begun[cell].close().result() for cell in cells]

    def _wait_for(self, work: Future[Any]) -> None:
        """Go on when little enough waits to be written; what waits is in memory."""
        self._waiting.append(work)
        while len(self._waiting) > _WAITING_MAX:
            self._waiting.popleft().result()


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
