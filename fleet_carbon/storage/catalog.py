"""The catalog of segments: which there are, which trucks they hold and where.

A segment exists when its row is committed, in the same transaction as the record of the file it
came from; its bytes are on disk before that. One whose reception was withdrawn stays on record
and is not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import ColumnElement, Select, func, insert, select

from fleet_carbon.errors import NotFound
from fleet_carbon.periods import from_epoch_ms, to_epoch_ms
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import ReceivedFile, ReceivedFiles
from fleet_carbon.storage.segments import (
    KEYS,
    SCHEMA,
    VEHICLE,
    Int64s,
    Segment,
    SegmentReader,
    packed_place,
)
from fleet_carbon.storage.withdrawals import standing

_NAMES_PER_QUERY = 500


@dataclass(frozen=True)
class KnownSegment:
    """A segment of the catalog: where it is, and when its fixes were received. [ms]"""

    segment_id: str
    month: str
    path: Path
    received_ms: int


@dataclass(frozen=True)
class Place:
    """Where fixes of one truck stand: rows `offset_rows` to before `offset_rows + rows`."""

    vehicle_id: str
    segment_id: str
    offset_rows: int
    rows: int


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


class SegmentCatalog:
    """The segments of one fleet, and the codes that stand for trucks and drivers in them.

    Attributes
    ----------
    folder : Path
        Where the segments of the fleet are.
    """

    def __init__(self, transaction: Transaction, folder: Path, files: ReceivedFiles) -> None:
        self._transaction = transaction
        self._files = files
        self.folder = folder

    def summary(self) -> dict[str, Any]:
        """How much is in force: segments, fixes, first, last (aware UTC), bytes."""
        table = tables.segments
        chosen = select(
            func.count(),
            func.coalesce(func.sum(table.c.rows), 0),
            func.min(table.c.time_ms_min),
            func.max(table.c.time_ms_max),
            func.coalesce(func.sum(table.c.size_bytes), 0),
        ).where(
            table.c.fleet_id == self._transaction.fleet_id,
            standing(table, self._transaction.fleet_id),
        )
        found = self._transaction.reading.execute(chosen).one()
        segments, fixes, first_ms, last_ms, size_bytes = found
        return {
            "segments": int(segments),
            "fixes": int(fixes),
            "first": None if first_ms is None else from_epoch_ms(first_ms),
            "last": None if last_ms is None else from_epoch_ms(last_ms),
            "bytes": int(size_bytes),
        }

    def segments(self, from_ms: int, until_ms: int) -> list[KnownSegment]:
        """The segments in force with fixes in `[from_ms, until_ms)`, in order of arrival."""
        table = tables.segments
        return self._known(
            table.c.time_ms_max >= from_ms,
            table.c.time_ms_min < until_ms,
            standing(table, self._transaction.fleet_id),
        )

    def all_segments(self) -> list[KnownSegment]:
        """Every segment on record, withdrawn or not, each once, in order of arrival."""
        return list({segment.segment_id: segment for segment in self._known()}.values())

    def _known(self, *conditions: ColumnElement[bool]) -> list[KnownSegment]:
        table = tables.segments
        chosen = select(table.c.segment_id, table.c.month, table.c.received_at).where(
            table.c.fleet_id == self._transaction.fleet_id, *conditions
        )
        in_order = chosen.order_by(table.c.received_at, table.c.segment_id)
        return [
            KnownSegment(
                segment_id, month, self._path_of(segment_id, month), to_epoch_ms(received_at)
            )
            for segment_id, month, received_at in self._transaction.reading.execute(in_order).all()
        ]

    def vehicles(self) -> list[tuple[str, int]]:
        """Identifier and code of every truck that ever had fixes, in order of identifier."""
        table = tables.CODES["vehicle"]
        chosen = select(table.c.vehicle_id, table.c.code).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        # Sorted here, not in SQL: collations differ between databases.
        return sorted((name, code) for name, code in self._transaction.reading.execute(chosen))

    def holding(self, vehicle_ids: Iterable[str]) -> set[str]:
        """Those of the trucks that have fixes in force."""
        known = self.known_codes("vehicle", sorted(vehicle_ids))
        names = {code: name for name, code in known.items()}
        codes = list(names)
        rows = tables.segment_vehicles
        found: set[str] = set()
        for start in range(0, len(codes), _NAMES_PER_QUERY):
            chosen = select(rows.c.vehicle_code).where(
                rows.c.fleet_id == self._transaction.fleet_id,
                rows.c.vehicle_code.in_(codes[start : start + _NAMES_PER_QUERY]),
                standing(rows, self._transaction.fleet_id),
            )
            found |= {names[code] for code in self._transaction.reading.scalars(chosen.distinct())}
        return found

    def places(
        self, vehicles: list[tuple[str, int]], from_ms: int, until_ms: int
    ) -> Iterator[Place]:
        """Where the fixes of `[from_ms, until_ms)` of some trucks may stand.

        Parameters
        ----------
        vehicles : list of (vehicle_id, code)
            Trucks; their places come in this order, and by segment for each.
        """
        rows = tables.segment_vehicles
        for start in range(0, len(vehicles), _NAMES_PER_QUERY):
            names = {code: name for name, code in vehicles[start : start + _NAMES_PER_QUERY]}
            chosen = (
                select(rows.c.vehicle_code, rows.c.segment_id, rows.c.offset_rows, rows.c.rows)
                .join(tables.segments)
                .where(
                    rows.c.fleet_id == self._transaction.fleet_id,
                    rows.c.vehicle_code.in_(list(names)),
                    tables.segments.c.time_ms_min < until_ms,
                    tables.segments.c.time_ms_max >= from_ms,
                    rows.c.time_ms_min < until_ms,
                    rows.c.time_ms_max >= from_ms,
                    standing(rows, self._transaction.fleet_id),
                )
            )
            found: dict[int, list[Place]] = {code: [] for code in names}
            for code, *where in sorted(map(tuple, self._transaction.reading.execute(chosen).all())):
                found[code].append(Place(names[code], *where))
            for places in found.values():
                yield from places

    def record(self, segment: Segment, received: ReceivedFile) -> None:
        """Name a finished segment in the catalog; it exists when this is committed."""
        key = {
            "fleet_id": self._transaction.fleet_id,
            "reception": self._files.reception_of(received),
            "segment_id": segment.segment_id,
        }
        self._transaction.writing.execute(
            insert(tables.segments).values(
                **key,
                month=segment.month,
                rows=segment.rows,
                time_ms_min=segment.time_ms_min,
                time_ms_max=segment.time_ms_max,
                size_bytes=segment.size_bytes,
                file_id=received.file_id,
                received_at=received.received_at,
            )
        )
        self._transaction.writing.execute(
            insert(tables.segment_vehicles), [{**key, **vars(rows)} for rows in segment.vehicles]
        )

    def codes(self, kind: str, names: list[str]) -> Int64s:
        """Codes of identifiers, given now to those that have none.

        Parameters
        ----------
        kind : str
            ``vehicle`` or ``driver``.
        names : list of str, length n_names
            Distinct identifiers.

        Returns
        -------
        codes : int64 array, shape (n_names,)
            From 1.
        """
        known = self.known_codes(kind, names)
        missing = sorted(set(names) - known.keys())
        if missing:
            table = tables.CODES[kind]
            fleet_id = self._transaction.fleet_id
            newest = select(func.max(table.c.code)).where(table.c.fleet_id == fleet_id)
            first = int(self._transaction.writing.scalar(newest) or 0) + 1
            given = {name: code for code, name in enumerate(missing, start=first)}
            self._transaction.writing.execute(
                insert(table),
                [
                    {"fleet_id": fleet_id, "code": code, f"{kind}_id": name}
                    for name, code in given.items()
                ],
            )
            known.update(given)
        return np.array([known[name] for name in names], dtype=np.int64)

    def known_codes(self, kind: str, names: list[str]) -> dict[str, int]:
        """Codes of those of the identifiers that have one."""
        table = tables.CODES[kind]
        column = table.c[f"{kind}_id"]
        known: dict[str, int] = {}
        for start in range(0, len(names), _NAMES_PER_QUERY):
            chosen = select(column, table.c.code).where(
                table.c.fleet_id == self._transaction.fleet_id,
                column.in_(names[start : start + _NAMES_PER_QUERY]),
            )
            found = self._transaction.reading.execute(chosen).all()
            known.update((name, code) for name, code in found)
        return known

    def driver_names(self) -> pa.Array[Any]:
        """Identifier of every driver code, shape (highest code + 1,); null where none is given."""
        table = tables.CODES["driver"]
        chosen = select(table.c.code, table.c.driver_id).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        names: dict[int, str] = {}
        found = self._transaction.reading.execute(chosen).all()
        names.update((code, name) for code, name in found)
        return pa.array([names.get(code) for code in range(max(names, default=0) + 1)], pa.string())

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
        wanted: dict[str, list[tuple[int, int]]] = {}
        for segment_id, code, offset_rows, rows, first_ms, last_ms in self._rows_of_month(
            month, codes, (int(time_ms_min.min()), int(time_ms_max.max()))
        ):
            if code in bounds and first_ms <= bounds[code][1] and last_ms >= bounds[code][0]:
                wanted.setdefault(segment_id, []).append((offset_rows, offset_rows + rows))
        for segment_id, ranges in wanted.items():
            yield from _stored_fixes(self._path_of(segment_id, month), ranges)

    def _rows_of_month(
        self, month: str, codes: Int64s, bounds_ms: tuple[int, int]
    ) -> list[tuple[str, int, int, int, int, int]]:
        rows = tables.segment_vehicles
        columns = (
            "segment_id",
            "vehicle_code",
            "offset_rows",
            "rows",
            "time_ms_min",
            "time_ms_max",
        )
        chosen: Select[Any] = (
            select(*(rows.c[name] for name in columns))
            .join(tables.segments)
            .where(
                rows.c.fleet_id == self._transaction.fleet_id,
                tables.segments.c.month == month,
                tables.segments.c.time_ms_min <= bounds_ms[1],
                tables.segments.c.time_ms_max >= bounds_ms[0],
                rows.c.vehicle_code.between(int(codes.min()), int(codes.max())),
                standing(rows, self._transaction.fleet_id),
            )
            .order_by(rows.c.segment_id, rows.c.offset_rows)
        )
        return [(*row,) for row in self._transaction.reading.execute(chosen).all()]

    def _path_of(self, segment_id: str, month: str) -> Path:
        return self.folder / month / f"{segment_id}.parquet"


def open_segment(path: Path, columns: Sequence[str] = SCHEMA.names) -> SegmentReader:
    """Open a segment that the catalog names, to read some of its columns.

    Raises
    ------
    NotFound
        If it is not on disk.
    """
    if not path.exists():
        raise NotFound(
            "segment_missing",
            f"The trace segment {path} is on record but not on disk.",
            "Restore the trace folder from a backup; nothing was changed.",
        )
    return SegmentReader(path, columns)


def _stored_fixes(path: Path, ranges: list[tuple[int, int]]) -> Iterator[StoredFixes]:
    """The row groups that hold any of the rows `[first, stop)`, one after the other."""
    reader = open_segment(path, (VEHICLE, *KEYS))
    try:
        for begin, end in reader.groups_holding(ranges):
            held = reader.read(begin, end)
            yield StoredFixes(
                held[VEHICLE].astype(np.int64),
                held["time_ms"],
                packed_place(held["lon_udeg"], held["lat_udeg"]),
            )
    finally:
        reader.close()
