"""The catalog of segments: which there are, which trucks they hold and where, in which versions.

A segment exists when its row is committed, in the same transaction as the record of what brought
its fixes; its bytes are stored before that. Every change is a version: a segment is in force
from one version to before another, and what was in force at a version can be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Select, func, insert, select, update

from fleet_carbon.periods import from_epoch_ms, to_epoch_ms
from fleet_carbon.storage import tables
from fleet_carbon.storage.blobs import BlobFolder
from fleet_carbon.storage.codes import Codes, in_parts
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import ReceptionNumber, RowCount
from fleet_carbon.storage.segment_files import SegmentFile, plain
from fleet_carbon.storage.segments import (
    KEYS,
    VEHICLE,
    BucketNumber,
    Checksum,
    EpochMs,
    Int64s,
    Mark,
    Segment,
    SegmentNumber,
    StoredFile,
    VehicleCode,
    VersionNumber,
    packed_place,
    segment_name,
)
from fleet_carbon.storage.trace_versions import TraceVersions

_PLACE_COLUMNS = ("segment", "vehicle_code", "offset_rows", "rows", "time_ms_min", "time_ms_max")


@dataclass(frozen=True)
class KnownSegment:
    """A segment of the catalog.

    Attributes
    ----------
    number : SegmentNumber
        Counted from 1 in the order of recording.
    segment_id : str
        SHA-256 of the bytes.
    month : str
        UTC month of its fixes, YYYY-MM.
    bucket : BucketNumber
        Bucket of its trucks.
    rows, size_bytes : int
        Fixes and bytes.
    footer_bytes, footer_crc32 : int
        Size and checksum of the end of the file.
    from_version, until_version : VersionNumber
        First version in which it is in force, and the first after; None while it is.
    """

    number: SegmentNumber
    segment_id: str
    month: str
    bucket: BucketNumber
    rows: RowCount
    size_bytes: int
    footer_bytes: int
    footer_crc32: Checksum
    from_version: VersionNumber
    until_version: VersionNumber | None

    @property
    def name(self) -> str:
        """Name in the trace store."""
        return segment_name(self.month, self.bucket, self.segment_id)

    @property
    def file(self) -> StoredFile:
        """Its file as it was written."""
        return StoredFile(self.name, self.size_bytes, self.footer_bytes, self.footer_crc32)


@dataclass(frozen=True)
class Place:
    """Where fixes of one truck stand: rows `offset_rows` to before `offset_rows + rows`."""

    vehicle_code: VehicleCode
    segment: SegmentNumber
    offset_rows: int
    rows: int


class VehicleMarks(NamedTuple):
    """The marks of one truck's fixes in one segment."""

    vehicle_code: VehicleCode
    month: str
    rows: RowCount
    mark_a: Mark
    mark_b: Mark


@dataclass(frozen=True)
class StoredFixes:
    """Fixes of the store that may equal new ones, in the order of their segment.

    Attributes
    ----------
    vehicle_code, time_ms, place : int64 arrays, shape (n_rows,)
        Truck, moment, and both coordinates packed by `packed_place`.
    """

    vehicle_code: Int64s
    time_ms: Int64s
    place: Int64s


def in_force(version: VersionNumber | None = None) -> ColumnElement[bool]:
    """The condition that a segment is in force now, or was at a version."""
    rows = tables.segments.c
    if version is None:
        return rows.until_version.is_(None)
    return (rows.from_version <= version) & (
        rows.until_version.is_(None) | (rows.until_version > version)
    )


class SegmentCatalog:
    """The segments of one fleet.

    Attributes
    ----------
    blobs : BlobFolder
        Where the segments of the fleet are stored.
    codes : Codes
        The integers that stand for trucks and drivers in them.
    versions : TraceVersions
        The versions of the trace store.
    """

    def __init__(self, transaction: Transaction, blobs: BlobFolder) -> None:
        self._transaction = transaction
        self._fleet_id = transaction.fleet_id
        self.blobs = blobs
        self.codes = Codes(transaction)
        self.versions = TraceVersions(transaction)

    def summary(self) -> dict[str, Any]:
        """How much is in force: segments, fixes, first, last (aware UTC), bytes."""
        table = tables.segments
        chosen = select(
            func.count(),
            func.coalesce(func.sum(table.c.rows), 0),
            func.min(table.c.time_ms_min),
            func.max(table.c.time_ms_max),
            func.coalesce(func.sum(table.c.size_bytes), 0),
        ).where(table.c.fleet_id == self._fleet_id, in_force())
        found = self._transaction.reading.execute(chosen).one()
        segments, fixes, first_ms, last_ms, size_bytes = found
        return {
            "segments": int(segments),
            "fixes": int(fixes),
            "first": None if first_ms is None else from_epoch_ms(first_ms),
            "last": None if last_ms is None else from_epoch_ms(last_ms),
            "bytes": int(size_bytes),
        }

    def spans(self) -> list[tuple[datetime, datetime]]:
        """First and last moment of the fixes in force of every UTC month that has any."""
        rows = tables.segments.c
        chosen = (
            select(func.min(rows.time_ms_min), func.max(rows.time_ms_max))
            .where(rows.fleet_id == self._fleet_id, in_force())
            .group_by(rows.month)
        )
        found = self._transaction.reading.execute(chosen).all()
        return [(from_epoch_ms(first), from_epoch_ms(last)) for first, last in found]

    def segments(self, *conditions: ColumnElement[bool]) -> list[KnownSegment]:
        """The segments that meet the conditions, by bucket, month and number."""
        rows = tables.segments.c
        names = [*KnownSegment.__dataclass_fields__][1:]
        chosen = (
            select(rows.segment, *(rows[name] for name in names))
            .where(rows.fleet_id == self._fleet_id, *conditions)
            .order_by(rows.bucket, rows.month, rows.segment)
        )
        return [KnownSegment(*row) for row in self._transaction.reading.execute(chosen).all()]

    def latest_ms(self) -> dict[VehicleCode, EpochMs]:
        """Latest moment of every truck in the segments in force. [ms]"""
        rows = tables.segment_vehicles.c
        chosen = (
            select(rows.vehicle_code, func.max(rows.time_ms_max))
            .join(tables.segments)
            .where(rows.fleet_id == self._fleet_id, in_force())
            .group_by(rows.vehicle_code)
        )
        return dict(self._transaction.reading.execute(chosen).all())

    def holding(self, vehicle_ids: Iterable[str]) -> set[str]:
        """Those of the trucks that have fixes in force."""
        known = self.codes.known("vehicle", sorted(vehicle_ids))
        names = {code: name for name, code in known.items()}
        rows = tables.segment_vehicles
        found: set[str] = set()
        for codes in in_parts(list(names)):
            chosen = (
                select(rows.c.vehicle_code)
                .join(tables.segments)
                .where(
                    rows.c.fleet_id == self._fleet_id, rows.c.vehicle_code.in_(codes), in_force()
                )
            )
            found |= {names[code] for code in self._transaction.reading.scalars(chosen.distinct())}
        return found

    def places(self, segments: Sequence[SegmentNumber], from_ms: int, until_ms: int) -> list[Place]:
        """Where fixes of `[from_ms, until_ms)` may stand in segments, by truck and segment."""
        rows = tables.segment_vehicles.c
        found: list[tuple[int, ...]] = []
        for numbers in in_parts(segments):
            chosen = select(rows.vehicle_code, rows.segment, rows.offset_rows, rows.rows).where(
                rows.fleet_id == self._fleet_id,
                rows.segment.in_(numbers),
                rows.time_ms_min < until_ms,
                rows.time_ms_max >= from_ms,
            )
            found += map(tuple, self._transaction.reading.execute(chosen).all())
        return [Place(*row) for row in sorted(found)]

    def receptions_of(
        self, segments: Sequence[SegmentNumber]
    ) -> dict[SegmentNumber, tuple[ReceptionNumber, ...]]:
        """What brought the fixes of segments: numbers in order."""
        rows = tables.segment_receptions.c
        found: list[tuple[int, int]] = []
        for numbers in in_parts(segments):
            chosen = select(rows.segment, rows.reception).where(
                rows.fleet_id == self._fleet_id, rows.segment.in_(numbers)
            )
            found += map(tuple, self._transaction.reading.execute(chosen).all())
        return {
            number: tuple(reception for _, reception in of_segment)
            for number, of_segment in groupby(sorted(found), key=lambda row: row[0])
        }

    def received_ms(self, receptions: Iterable[ReceptionNumber]) -> dict[ReceptionNumber, EpochMs]:
        """When receptions were received. [ms]"""
        rows = tables.receptions.c
        found: dict[ReceptionNumber, EpochMs] = {}
        for numbers in in_parts(sorted(set(receptions))):
            chosen = select(rows.sequence, rows.received_at).where(
                rows.fleet_id == self._fleet_id, rows.sequence.in_(numbers)
            )
            for number, received_at in self._transaction.reading.execute(chosen):
                found[number] = to_epoch_ms(received_at)
        return found

    def marks(self, *conditions: ColumnElement[bool]) -> list[VehicleMarks]:
        """The marks of every truck in the segments that meet the conditions, by truck and month."""
        rows, of_segment = tables.segment_vehicles.c, tables.segments.c
        chosen = (
            select(rows.vehicle_code, of_segment.month, rows.rows, rows.mark_a, rows.mark_b)
            .join(tables.segments)
            .where(rows.fleet_id == self._fleet_id, *conditions)
        )
        return sorted(map(VehicleMarks._make, self._transaction.reading.execute(chosen).all()))

    def marks_of(self, segments: Sequence[SegmentNumber]) -> list[VehicleMarks]:
        """The marks of every truck in some segments, by truck and month."""
        parts = (self.marks(tables.segments.c.segment.in_(part)) for part in in_parts(segments))
        return sorted(row for part in parts for row in part)

    def record(self, segments: Sequence[Segment], version: VersionNumber) -> None:
        """Name finished segments, in force from a version on; they exist when it is committed."""
        rows = tables.segments.c
        newest = select(func.max(rows.segment)).where(rows.fleet_id == self._fleet_id)
        first = int(self._transaction.writing.scalar(newest) or 0) + 1
        for number, segment in enumerate(segments, start=first):
            key = {"fleet_id": self._fleet_id, "segment": number}
            self._transaction.writing.execute(
                insert(tables.segments).values(
                    **key,
                    segment_id=segment.segment_id,
                    month=segment.month,
                    bucket=segment.bucket,
                    rows=segment.rows,
                    time_ms_min=segment.time_ms_min,
                    time_ms_max=segment.time_ms_max,
                    size_bytes=segment.file.size_bytes,
                    footer_bytes=segment.file.footer_bytes,
                    footer_crc32=segment.file.footer_crc32,
                    from_version=version,
                )
            )
            for table, parts in (
                (tables.segment_receptions, segment.receptions),
                (tables.segment_vehicles, segment.vehicles),
            ):
                self._transaction.writing.execute(
                    insert(table), [{**key, **vars(part)} for part in parts]
                )

    def brought_by(self, receptions: Iterable[ReceptionNumber]) -> list[KnownSegment]:
        """The segments in force that hold fixes of any of the receptions."""
        rows = tables.segment_receptions.c
        numbers: set[SegmentNumber] = set()
        for part in in_parts(sorted(receptions)):
            chosen = select(rows.segment).where(
                rows.fleet_id == self._fleet_id, rows.reception.in_(part)
            )
            numbers.update(self._transaction.reading.scalars(chosen))
        return [
            segment
            for part in in_parts(sorted(numbers))
            for segment in self.segments(in_force(), tables.segments.c.segment.in_(part))
        ]

    def count_in_force(self, segments: Sequence[SegmentNumber]) -> int:
        """How many of the segments are in force."""
        number = tables.segments.c.segment
        return sum(len(self.segments(in_force(), number.in_(part))) for part in in_parts(segments))

    def truck_spans(
        self, segments: Sequence[SegmentNumber]
    ) -> list[tuple[VehicleCode, VehicleCode, RowCount]]:
        """First and last truck and number of fixes of each of some segments."""
        rows = tables.segment_vehicles.c
        chosen = (
            select(func.min(rows.vehicle_code), func.max(rows.vehicle_code), func.sum(rows.rows))
            .where(rows.fleet_id == self._fleet_id, rows.segment.in_(segments))
            .group_by(rows.segment)
        )
        found = self._transaction.reading.execute(chosen)
        return [(first, last, int(count)) for first, last, count in found]

    def end(self, segments: Sequence[SegmentNumber], version: VersionNumber) -> None:
        """Take segments out of force from a version on."""
        rows = tables.segments
        for numbers in in_parts(segments):
            self._transaction.writing.execute(
                update(rows)
                .where(rows.c.fleet_id == self._fleet_id, rows.c.segment.in_(numbers))
                .values(until_version=version)
            )

    def overlapping(
        self, month: str, codes: Int64s, *, time_ms_min: Int64s, time_ms_max: Int64s
    ) -> Iterator[StoredFixes]:
        """Stored fixes of one UTC month among which some trucks' fixes may be, by row group.

        Parameters
        ----------
        month : str
            UTC month, YYYY-MM.
        codes, time_ms_min, time_ms_max : int64 arrays, shape (n_vehicles,)
            Trucks, and first and last moment of their new fixes. [ms]
        """
        bounds = {
            code: (first, last)
            for code, first, last in zip(
                codes.tolist(), time_ms_min.tolist(), time_ms_max.tolist(), strict=True
            )
        }
        wanted: dict[SegmentNumber, list[tuple[int, int]]] = {}
        for number, code, offset_rows, rows, first_ms, last_ms in self._rows_of_month(
            month, codes, (int(time_ms_min.min()), int(time_ms_max.max()))
        ):
            if code in bounds and first_ms <= bounds[code][1] and last_ms >= bounds[code][0]:
                wanted.setdefault(number, []).append((offset_rows, offset_rows + rows))
        for numbers in in_parts(sorted(wanted)):
            for segment in self.segments(tables.segments.c.segment.in_(numbers)):
                yield from _stored_fixes(self.blobs, segment, wanted[segment.number])

    def _rows_of_month(
        self, month: str, codes: Int64s, bounds_ms: tuple[int, int]
    ) -> list[tuple[int, ...]]:
        rows, of_segment = tables.segment_vehicles.c, tables.segments.c
        chosen: Select[Any] = (
            select(*(rows[name] for name in _PLACE_COLUMNS))
            .join(tables.segments)
            .where(
                rows.fleet_id == self._fleet_id,
                of_segment.month == month,
                of_segment.time_ms_min <= bounds_ms[1],
                of_segment.time_ms_max >= bounds_ms[0],
                rows.vehicle_code.between(int(codes.min()), int(codes.max())),
                in_force(),
            )
            .order_by(rows.segment, rows.offset_rows)
        )
        return [(*row,) for row in self._transaction.reading.execute(chosen).all()]


def _stored_fixes(
    blobs: BlobFolder, segment: KnownSegment, ranges: list[tuple[int, int]]
) -> Iterator[StoredFixes]:
    """The row groups that hold any of the rows `[first, stop)`, one after the other."""
    file = SegmentFile(blobs, segment.file)
    try:
        groups = {group for first, stop in ranges for group in file.groups_between(first, stop)}
        for group in sorted(groups):
            table = file.read([group], (VEHICLE, *KEYS))
            held = {name: plain(table.column(name)) for name in table.column_names}
            yield StoredFixes(
                held[VEHICLE].astype(np.int64),
                held["time_ms"],
                packed_place(held["lon_udeg"], held["lat_udeg"]),
            )
    finally:
        file.close()
