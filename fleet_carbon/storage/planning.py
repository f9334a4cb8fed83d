"""From the catalog to work that needs no catalog: batches to read, segments to put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from fleet_carbon.storage.batches import SegmentRows, TraceBatch
from fleet_carbon.storage.catalog import KnownSegment, Place, SegmentCatalog
from fleet_carbon.storage.files import ReceptionNumber
from fleet_carbon.storage.merging import Merge
from fleet_carbon.storage.segments import (
    EpochMs,
    Mark,
    SegmentNumber,
    TraceLimits,
    VehicleCode,
)


class BucketPlan:
    """Segments of one bucket, with all that is needed to read them.

    Parameters
    ----------
    catalog : SegmentCatalog
        Where they are on record.
    segments : sequence of KnownSegment
        At least one, all of one bucket.
    """

    def __init__(self, catalog: SegmentCatalog, segments: Sequence[KnownSegment]) -> None:
        self._catalog = catalog
        self._segments = {segment.number: segment for segment in segments}
        self._receptions = catalog.receptions_of(list(self._segments))
        self._received = catalog.received_ms(
            number for numbers in self._receptions.values() for number in numbers
        )

    @property
    def received(self) -> dict[ReceptionNumber, EpochMs]:
        """When the receptions that brought the fixes were received. [ms]"""
        return self._received

    def batches(self, from_ms: int, until_ms: int, fixes_max: int) -> Iterator[TraceBatch]:
        """The fixes of a period, neighbouring trucks together, as many as allowed.

        A truck is never cut: one that alone has more than `fixes_max` is a batch of its own.
        """
        bucket = next(iter(self._segments.values())).bucket
        names = self._catalog.codes.vehicles_of(bucket)
        places = self._catalog.places(list(self._segments), from_ms, until_ms)
        for batch in _cut(places, fixes_max):
            yield self._batch(batch, names, (from_ms, until_ms))

    def _batch(
        self, places: list[Place], names: dict[VehicleCode, str], period_ms: tuple[int, int]
    ) -> TraceBatch:
        codes = sorted({place.vehicle_code for place in places})
        trucks = {code: number for number, code in enumerate(codes)}
        of_segment: dict[SegmentNumber, list[tuple[int, int, int]]] = {}
        for place in places:
            row = (trucks[place.vehicle_code], place.offset_rows, place.rows)
            of_segment.setdefault(place.segment, []).append(row)
        segments = tuple(self._rows(number, of_segment[number]) for number in sorted(of_segment))
        needed = {number for segment in segments for number in segment.receptions}
        return TraceBatch(
            blobs=self._catalog.blobs,
            vehicle_ids=tuple(names[code] for code in codes),
            vehicle_codes=tuple(codes),
            segments=segments,
            received={number: self._received[number] for number in sorted(needed)},
            from_ms=period_ms[0],
            until_ms=period_ms[1],
            fixes_count_max=sum(place.rows for place in places),
        )

    def _rows(self, number: SegmentNumber, rows: list[tuple[int, int, int]]) -> SegmentRows:
        segment = self._segments[number]
        trucks, offset_rows, count = np.array(rows, dtype=np.int64).T
        return SegmentRows(segment.file, self._receptions[number], trucks, offset_rows, count)

    def merge(self, limits: TraceLimits) -> Merge:
        """The segments, which are of one month, to be written anew."""
        first = next(iter(self._segments.values()))
        month = np.datetime64(first.month, "M")
        begins_ms, ends_ms = (
            int(moment.astype("datetime64[ms]").astype(np.int64)) for moment in (month, month + 1)
        )
        batches = self.batches(begins_ms, ends_ms, limits.merged_rows_max)
        return Merge(
            blobs=self._catalog.blobs,
            month=first.month,
            bucket=first.bucket,
            inputs={number: segment.file for number, segment in self._segments.items()},
            batches=tuple(batches),
            received=self._received,
            marks=self._marks(),
            limits=limits,
        )

    def _marks(self) -> dict[VehicleCode, tuple[Mark, Mark]]:
        found = self._catalog.marks_of(list(self._segments))
        marks: dict[VehicleCode, tuple[Mark, Mark]] = {}
        for code, of_truck in groupby(found, key=lambda one: one.vehicle_code):
            held = list(of_truck)
            marks[code] = (
                _signed(sum(one.mark_a for one in held)),
                _signed(sum(one.mark_b for one in held)),
            )
        return marks


def _signed(total: int) -> Mark:
    """A sum modulo 2**64 as a signed number."""
    return (total + 2**63) % 2**64 - 2**63


def _cut(places: list[Place], fixes_max: int) -> Iterator[list[Place]]:
    """Neighbouring trucks together, as many as allowed; a truck is never cut."""
    batch: list[Place] = []
    rows = 0
    for _, of_vehicle in groupby(places, key=lambda place: place.vehicle_code):
        added = list(of_vehicle)
        added_rows = sum(place.rows for place in added)
        if batch and rows + added_rows > fixes_max:
            yield batch
            batch, rows = [], 0
        batch.extend(added)
        rows += added_rows
    if batch:
        yield batch
