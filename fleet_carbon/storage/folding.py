"""Folding: journals become segments, a few thousand requests at a time.

The segments are written beside the work of others; then one short transaction puts them in force
and notes which journals they hold. A break in the middle leaves the journals as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.storage.arranging import in_order
from fleet_carbon.storage.blobs import BlobFolder
from fleet_carbon.storage.catalog import SegmentCatalog
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import ReceptionNumber
from fleet_carbon.storage.journals import Journal, Journals
from fleet_carbon.storage.segment_files import SegmentWriter
from fleet_carbon.storage.segments import (
    BUCKET_VEHICLES,
    DRIVER,
    RECEPTION,
    SCHEMA,
    VEHICLE,
    BucketNumber,
    DriverCode,
    EpochMs,
    Int64s,
    Segment,
    TraceLimits,
    bucket_of,
    int64_column,
    packed_place,
    utc_months,
)

ROWS_TOGETHER = 4_000_000
"""Fixes that are folded at once, unless one journal alone has more."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Journals, and all that is needed to make segments of them without the database.

    Attributes
    ----------
    journals : tuple of Journal
    fixes : pa.Table
        All their fixes.
    received : dict of ReceptionNumber to EpochMs
        When the receptions that brought them were received. [ms]
    drivers : dict of DriverCode to str
        Identifiers of the drivers that occur.
    """

    journals: tuple[Journal, ...]
    fixes: pa.Table
    received: dict[ReceptionNumber, EpochMs]
    drivers: dict[DriverCode, str]

    def written(self, blobs: BlobFolder, limits: TraceLimits) -> list[Segment]:
        """The segments, in order of bucket and month, stored and not yet on record."""
        return [
            self._segment(blobs, (month, bucket), piece, limits)
            for month, bucket, piece in _cells(self.fixes)
        ]

    def _segment(
        self, blobs: BlobFolder, cell: tuple[str, int], fixes: pa.Table, limits: TraceLimits
    ) -> Segment:
        numbers = _receptions_in(fixes)
        columns = [
            name
            for name in SCHEMA.names
            if name in fixes.column_names and fixes.column(name).null_count < fixes.num_rows
        ]
        writer = SegmentWriter(
            blobs,
            cell,
            columns,
            received={number: self.received[number] for number in numbers},
            drivers=self.drivers,
            limits=limits,
        )
        finished: Segment | None = None
        try:
            writer.add(fixes)
            finished = writer.close()
            return finished
        finally:
            if finished is None:
                writer.abandon()


def _receptions_in(fixes: pa.Table) -> list[ReceptionNumber]:
    """The receptions that brought fixes: few numbers that lie together, so they are counted."""
    numbers = int64_column(fixes, RECEPTION)
    lowest = int(numbers.min(initial=np.iinfo(np.int32).max))
    found = np.flatnonzero(np.bincount(numbers - lowest)) + lowest
    return [int(number) for number in found]


def _cells(fixes: pa.Table) -> Iterator[tuple[str, BucketNumber, pa.Table]]:
    """The fixes by bucket and UTC month, each in the order of a segment."""
    codes, time_ms = int64_column(fixes, VEHICLE), int64_column(fixes, "time_ms")
    nothing_known = np.zeros(int(codes.max(initial=0)) + 1, dtype=np.int64)
    order, has_ties, _ = in_order(codes.astype(np.int32), time_ms, nothing_known)
    if has_ties:
        same = (codes[order][1:] == codes[order][:-1]) & (time_ms[order][1:] == time_ms[order][:-1])
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        rows = order[tied]
        place = packed_place(*(fixes.column(n).to_numpy()[rows] for n in ("lon_udeg", "lat_udeg")))
        order[tied] = rows[np.lexsort((place, time_ms[rows], codes[rows]))]
    for bucket, rows in _by_bucket(codes, order):
        for month, of_month in _by_month(time_ms, rows):
            yield month, bucket, fixes.take(pa.array(of_month))


def _by_bucket(codes: Int64s, order: Int64s) -> Iterator[tuple[BucketNumber, Int64s]]:
    """Rows in order of their trucks, parted by bucket."""
    if len(order) == 0:
        return
    first, last = bucket_of(int(codes[order[0]])), bucket_of(int(codes[order[-1]]))
    borders = np.arange(first, last + 2) * BUCKET_VEHICLES + 1
    ends = np.searchsorted(codes, borders, side="left", sorter=order).tolist()
    for bucket, (begin, stop) in enumerate(pairwise(ends), start=first):
        if begin < stop:
            yield bucket, order[begin:stop]


def _by_month(time_ms: Int64s, rows: Int64s) -> Iterator[tuple[str, Int64s]]:
    """Rows of a bucket, parted by UTC month: mostly all are of one."""
    moments_ms = time_ms[rows]
    bounds_ms = np.array([moments_ms.min(), moments_ms.max()])
    first, last = utc_months(bounds_ms).tolist()
    months = np.arange(first, last + 2).astype("datetime64[M]")
    starts_ms = months.astype("datetime64[ms]").astype(np.int64)
    for month, (start_ms, end_ms) in zip(months.astype(str), pairwise(starts_ms), strict=False):
        of_month = rows
        if first < last:
            of_month = rows[(moments_ms >= start_ms) & (moments_ms < end_ms)]
        if len(of_month):
            yield str(month), of_month


class Folding:
    """Folds the journals of a fleet, in the transaction of the moment."""

    def __init__(
        self, transaction: Transaction, catalog: SegmentCatalog, journals: Journals
    ) -> None:
        self._transaction = transaction
        self._catalog = catalog
        self._journals = journals

    def next(self) -> Fold:
        """The oldest journals that wait, read; there is one."""
        journals = self._journals.waiting(ROWS_TOGETHER)
        pieces = [self._journals.read(journal) for journal in journals]
        fixes = pa.concat_tables(
            [piece.replace_schema_metadata(None) for piece in pieces], promote_options="default"
        ).combine_chunks()
        numbers = _receptions_in(fixes)
        return Fold(
            tuple(journals), fixes, self._catalog.received_ms(numbers), self._drivers_of(fixes)
        )

    def _drivers_of(self, fixes: pa.Table) -> dict[DriverCode, str]:
        if DRIVER not in fixes.column_names:
            return {}
        return self._catalog.codes.driver_names()

    def record(self, fold: Fold, segments: list[Segment]) -> bool:
        """Put the segments of a fold in force, as one version.

        Returns
        -------
        is_done : bool
            False if others folded one of the journals meanwhile, or a file is gone: nothing was
            changed, and what waits is to be folded anew.
        """
        self._transaction.begin()
        exists = self._catalog.blobs.exists
        if not self._journals.are_waiting(fold.journals):
            return False
        if not all(exists(segment.file.name) for segment in segments):
            return False
        if not segments:  # of journals in which every request had only repeated fixes
            self._journals.end(fold.journals, self._catalog.versions.newest())
            return True
        first, last = fold.journals[0].number, fold.journals[-1].number
        note = f"journals {first} to {last}: {fold.fixes.num_rows} fixes"
        recorded_at = from_epoch_ms(max(fold.received.values(), default=0))
        version = self._catalog.versions.add("folding", note, recorded_at)
        self._catalog.record(segments, version)
        self._journals.end(fold.journals, version)
        return True

    def here(self, blobs: BlobFolder, limits: TraceLimits) -> None:
        """Fold everything that waits within this transaction, which has the segments alone."""
        while self._journals.waiting_rows():
            fold = self.next()
            if not self.record(fold, fold.written(blobs, limits)):
                raise RuntimeError("journals were folded by others in spite of the lock")
