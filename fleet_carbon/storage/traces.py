"""The trace store: which segments there are, and the fixes of one truck after the other."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Select, func, insert, select

from fleet_carbon import frames
from fleet_carbon.errors import NotFound
from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import (
    PARTIAL_SUFFIX,
    ReceivedFile,
    digest_of_file,
)
from fleet_carbon.storage.positions import (
    FixCatalog,
    IntakeLimits,
    PositionsWriter,
    StoredFixes,
    packed_place,
)
from fleet_carbon.storage.segments import (
    DRIVER,
    KEYS,
    QUANTITIES,
    VEHICLE,
    Int64s,
    Segment,
    SegmentReader,
    decode_quantity,
    int64_column,
    segment_path,
)

_NAMES_PER_QUERY = 500
READ_ROWS_IN_MEMORY = 2_000_000
"""Fixes of neighbouring trucks that are decoded together."""
KEPT_ROWS = 4_000_000
"""Fixes of half-read row groups that are kept for the next trucks."""


@dataclass(frozen=True)
class _Place:
    """Where fixes of one truck stand."""

    segment_id: str
    vehicle_id: str
    first_row: int
    rows: int


class Traces:
    """The fixes of a fleet.

    Attributes
    ----------
    limits : IntakeLimits
        Memory of writing; changes nothing that is stored.
    """

    def __init__(
        self,
        transaction: Transaction,
        folder: Path,
        spill_folder: Path,
        *,
        limits: IntakeLimits | None = None,
        read_rows_in_memory: int = READ_ROWS_IN_MEMORY,
    ) -> None:
        self._transaction = transaction
        self._folder = folder / transaction.fleet_id
        self._spill_folder = spill_folder
        self._limits = limits or IntakeLimits()
        self._read_rows = read_rows_in_memory

    def writer(self, received: ReceivedFile) -> PositionsWriter:
        """Begin to take in the fixes of a received file."""

        def record(segments: list[Segment]) -> None:
            for segment in segments:
                self._record(segment, received)

        catalog = FixCatalog(codes=self._codes, overlapping=self._overlapping, record=record)
        return PositionsWriter(catalog, self._folder, self._spill_folder, self._limits)

    def read_by_vehicle(self, from_ms: int, until_ms: int) -> Iterator[tuple[str, pd.DataFrame]]:
        """The fixes of every truck in a period, one truck after the other.

        Memory does not grow with the number of trucks or the length of the record.

        Parameters
        ----------
        from_ms, until_ms : int
            Period `[from_ms, until_ms)`. [ms]

        Yields
        ------
        vehicle_id : str
            In sorted order; only trucks that have fixes in the period.
        fixes : DataFrame
            `frames.POSITIONS`, sorted by `time_ms`, `lon_udeg`, `lat_udeg`, each fix once, plus
            `received_ms`, the moment it was received. [ms]
        """
        segments, places = self._places(from_ms, until_ms)
        drivers = self._driver_names()
        shelf = _Shelf({key: self._path_of(key, month) for key, (month, _) in segments.items()})
        try:
            for batch in _batches(places, self._read_rows):
                pieces = shelf.take(batch)
                for vehicle_id, parts in pieces.items():
                    received = [segments[segment_id][1] for segment_id, _ in parts]
                    tables_of = [table for _, table in parts]
                    fixes = _merged(tables_of, received, (from_ms, until_ms))
                    if fixes.num_rows:
                        yield vehicle_id, _frame_of(vehicle_id, fixes, drivers)
        finally:
            shelf.close()

    def version(self, vehicle_id: str, from_ms: int, until_ms: int) -> str:
        """Digest of the segments that hold fixes of a truck in a period.

        It changes when fixes of the period are added, and only then or when a segment that
        reaches over its borders is.
        """
        holding = (
            self._overlapping_rows(from_ms, until_ms)
            .with_only_columns(tables.segments.c.segment_id)
            .where(tables.vehicle_codes.c.vehicle_id == vehicle_id)
        )
        digests = sorted(self._transaction.reading.scalars(holding))
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def summary(self) -> dict[str, Any]:
        """How much is in the store: segments, fixes, first, last (aware UTC), bytes."""
        table = tables.segments
        chosen = select(
            func.count(),
            func.coalesce(func.sum(table.c.rows), 0),
            func.min(table.c.time_ms_min),
            func.max(table.c.time_ms_max),
            func.coalesce(func.sum(table.c.size_bytes), 0),
        ).where(table.c.fleet_id == self._transaction.fleet_id)
        segments, fixes, first_ms, last_ms, size_bytes = self._transaction.reading.execute(
            chosen
        ).one()
        return {
            "segments": int(segments),
            "fixes": int(fixes),
            "first": None if first_ms is None else from_epoch_ms(first_ms),
            "last": None if last_ms is None else from_epoch_ms(last_ms),
            "bytes": int(size_bytes),
        }

    def verify(self) -> list[str]:
        """Name every segment that is missing, was changed, or is in no catalog."""
        problems: list[str] = []
        for segment_id, month in self._catalogued():
            path = self._path_of(segment_id, month)
            if not path.exists():
                problems.append(f"Segment {segment_id} of {month} is missing: expected at {path}.")
            elif digest_of_file(path) != segment_id:
                problems.append(f"Segment {segment_id} of {month} was changed: {path}.")
        problems.extend(
            f"File {path} is in no catalog: an ingest was interrupted. It holds nothing on record "
            "and may be removed."
            for path in self.orphans()
        )
        return problems

    def orphans(self) -> list[Path]:
        """Files of the trace folder that the catalog does not name, in order."""
        named = {self._path_of(segment_id, month) for segment_id, month in self._catalogued()}
        present = [
            path
            for pattern in ("*.parquet", f"*{PARTIAL_SUFFIX}")
            for path in self._folder.rglob(pattern)
        ]
        return sorted(path for path in present if path not in named)

    def remove_orphans(self) -> list[Path]:
        """Delete the files that `orphans` names.

        Needs a unit of work that may write: a writer that is about to name its files holds
        the same lock, so that none of them is taken away.
        """
        _ = self._transaction.writing
        orphans = self.orphans()
        for path in orphans:
            path.unlink(missing_ok=True)
        return orphans

    def _path_of(self, segment_id: str, month: str) -> Path:
        return segment_path(self._folder, month, segment_id)

    def _catalogued(self) -> list[tuple[str, str]]:
        table = tables.segments
        chosen = select(table.c.segment_id, table.c.month).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        found = self._transaction.reading.execute(
            chosen.order_by(table.c.month, table.c.segment_id)
        )
        return [(segment_id, month) for segment_id, month in found]

    def _record(self, segment: Segment, received: ReceivedFile) -> None:
        key = {"fleet_id": self._transaction.fleet_id, "segment_id": segment.segment_id}
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

    def _codes(self, kind: str, names: list[str]) -> Int64s:
        """Codes of identifiers, given now to those that have none, shape (n_names,)."""
        table = tables.vehicle_codes if kind == "vehicle" else tables.driver_codes
        column = table.c[f"{kind}_id"]
        fleet_id = self._transaction.fleet_id
        known: dict[str, int] = {}
        for start in range(0, len(names), _NAMES_PER_QUERY):
            chosen = select(column, table.c.code).where(
                table.c.fleet_id == fleet_id,
                column.in_(names[start : start + _NAMES_PER_QUERY]),
            )
            known.update({name: code for name, code in self._transaction.reading.execute(chosen)})
        missing = sorted(set(names) - known.keys())
        if missing:
            newest = select(func.max(table.c.code)).where(table.c.fleet_id == fleet_id)
            first = int(self._transaction.reading.scalar(newest) or 0) + 1
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

    def _overlapping(
        self, month: str, codes: Int64s, time_ms_min: Int64s, time_ms_max: Int64s
    ) -> Iterator[StoredFixes]:
        """Stored fixes of the trucks `codes` that may lie between their bounds, by row group."""
        table = tables.segment_vehicles
        chosen = (
            select(
                table.c.segment_id,
                table.c.vehicle_code,
                table.c.first_row,
                table.c.rows,
                table.c.time_ms_min,
                table.c.time_ms_max,
            )
            .join(tables.segments)
            .where(
                table.c.fleet_id == self._transaction.fleet_id,
                tables.segments.c.month == month,
                tables.segments.c.time_ms_min <= int(time_ms_max.max()),
                tables.segments.c.time_ms_max >= int(time_ms_min.min()),
                table.c.vehicle_code.between(int(codes.min()), int(codes.max())),
            )
            .order_by(tables.segments.c.received_at, table.c.segment_id, table.c.first_row)
        )
        bounds = dict(zip(codes.tolist(), zip(time_ms_min.tolist(), time_ms_max.tolist())))
        wanted: dict[str, list[tuple[int, int]]] = {}
        for (
            segment_id,
            code,
            first_row,
            rows,
            first_ms,
            last_ms,
        ) in self._transaction.reading.execute(chosen):
            lowest, highest = bounds.get(code, (0, -1))
            if first_ms <= highest and last_ms >= lowest:
                wanted.setdefault(segment_id, []).append((first_row, first_row + rows))
        for segment_id, ranges in wanted.items():
            yield from _stored_fixes(self._existing(segment_id, month), ranges)

    def _existing(self, segment_id: str, month: str) -> Path:
        path = self._path_of(segment_id, month)
        if not path.exists():
            raise _missing_segment(path)
        return path

    def _overlapping_rows(self, from_ms: int, until_ms: int) -> Select[Any]:
        rows = tables.segment_vehicles
        return (
            select(
                rows.c.segment_id, tables.vehicle_codes.c.vehicle_id, rows.c.first_row, rows.c.rows
            )
            .join(tables.segments)
            .join(
                tables.vehicle_codes,
                (tables.vehicle_codes.c.fleet_id == rows.c.fleet_id)
                & (tables.vehicle_codes.c.code == rows.c.vehicle_code),
            )
            .where(
                rows.c.fleet_id == self._transaction.fleet_id,
                tables.segments.c.time_ms_min < until_ms,
                tables.segments.c.time_ms_max >= from_ms,
                rows.c.time_ms_min < until_ms,
                rows.c.time_ms_max >= from_ms,
            )
        )

    def _places(
        self, from_ms: int, until_ms: int
    ) -> tuple[dict[str, tuple[str, int]], list[_Place]]:
        """Segments with month and moment received in ms; places in order of truck and arrival."""
        table = tables.segments
        chosen = select(table.c.segment_id, table.c.month, table.c.received_at).where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.time_ms_min < until_ms,
            table.c.time_ms_max >= from_ms,
        )
        found = self._transaction.reading.execute(
            chosen.order_by(table.c.received_at, table.c.segment_id)
        )
        segments = {
            segment_id: (month, round(received_at.timestamp() * 1000))
            for segment_id, month, received_at in found
        }
        arrival = {segment_id: number for number, segment_id in enumerate(segments)}
        places = [
            _Place(*row)
            for row in self._transaction.reading.execute(self._overlapping_rows(from_ms, until_ms))
        ]
        # Sorted here, not in SQL: collations differ between databases.
        places.sort(key=lambda place: (place.vehicle_id, arrival[place.segment_id]))
        return segments, places

    def _driver_names(self) -> pa.Array:
        """Identifier of every driver code, with null at the codes that are not given."""
        table = tables.driver_codes
        chosen = select(table.c.code, table.c.driver_id).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        names = {code: name for code, name in self._transaction.reading.execute(chosen)}
        return pa.array([names.get(code) for code in range(max(names, default=0) + 1)], pa.string())


def _missing_segment(path: Path) -> NotFound:
    return NotFound(
        "segment_missing",
        f"The trace segment {path} is on record but not on disk.",
        "Restore the home folder from a backup; nothing was changed.",
    )


def _stored_fixes(path: Path, ranges: list[tuple[int, int]]) -> Iterator[StoredFixes]:
    reader = SegmentReader(path)
    try:
        groups = {
            group
            for first_row, stop_row in ranges
            for group in range(
                int(np.searchsorted(reader.starts, first_row, side="right")) - 1,
                int(np.searchsorted(reader.starts, stop_row, side="left")),
            )
        }
        for group in sorted(groups):
            begin, end = int(reader.starts[group]), int(reader.starts[group + 1])
            table = reader.read(begin, end, (VEHICLE, *KEYS))
            yield StoredFixes(
                int64_column(table, VEHICLE),
                int64_column(table, "time_ms"),
                packed_place(int64_column(table, "lon_udeg"), int64_column(table, "lat_udeg")),
            )
    finally:
        reader.close()


def _batches(places: list[_Place], rows_limit: int) -> Iterator[list[_Place]]:
    """Neighbouring trucks together, as many as fit in memory; a truck is never cut."""
    batch: list[_Place] = []
    rows = 0
    start = 0
    while start < len(places):
        stop = start
        while stop < len(places) and places[stop].vehicle_id == places[start].vehicle_id:
            stop += 1
        rows_of_vehicle = sum(place.rows for place in places[start:stop])
        if batch and rows + rows_of_vehicle > rows_limit:
            yield batch
            batch, rows = [], 0
        batch.extend(places[start:stop])
        rows += rows_of_vehicle
        start = stop
    if batch:
        yield batch


class _Shelf:
    """Open segments. All are sorted by truck, so each is read from front to back, once."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self._readers: OrderedDict[str, SegmentReader] = OrderedDict()

    def take(self, batch: list[_Place]) -> dict[str, list[tuple[str, pa.Table]]]:
        """The fixes of a batch: by truck, the parts with their segments, in order of arrival."""
        by_segment: dict[str, list[_Place]] = {}
        for place in batch:
            by_segment.setdefault(place.segment_id, []).append(place)
        parts: dict[tuple[str, str], pa.Table] = {}
        for segment_id, places in by_segment.items():
            reader = self._reader(segment_id)
            for place in sorted(places, key=lambda place: place.first_row):
                table = reader.read(place.first_row, place.first_row + place.rows)
                parts[place.vehicle_id, segment_id] = table
        taken: dict[str, list[tuple[str, pa.Table]]] = {}
        for place in batch:
            part = (place.segment_id, parts[place.vehicle_id, place.segment_id])
            taken.setdefault(place.vehicle_id, []).append(part)
        return taken

    def _reader(self, segment_id: str) -> SegmentReader:
        reader = self._readers.pop(segment_id, None)
        if reader is None:
            path = self._paths[segment_id]
            if not path.exists():
                raise _missing_segment(path)
            reader = SegmentReader(path)
        self._readers[segment_id] = reader
        self._trim()
        return reader

    def _trim(self) -> None:
        kept = 0
        for segment_id in reversed(list(self._readers)):
            kept += self._readers[segment_id].kept_rows
            if kept > KEPT_ROWS:
                self._readers.pop(segment_id).close()

    def close(self) -> None:
        """Close every file."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()


def _merged(parts: list[pa.Table], received: list[int], period: tuple[int, int]) -> pa.Table:
    """Fixes of one truck from several segments: in the period, in order, each once."""
    inside = []
    for table, received_ms in zip(parts, received, strict=True):
        times = int64_column(table, "time_ms")
        begin, end = np.searchsorted(times, period).tolist()
        column = pa.array(np.full(end - begin, received_ms, dtype=np.int64))
        inside.append(table.slice(begin, end - begin).append_column("received_ms", column))
    fixes = pa.concat_tables(inside, promote_options="default")
    if len(inside) == 1 or fixes.num_rows == 0:
        return fixes
    times = int64_column(fixes, "time_ms")
    if np.all(times[1:] > times[:-1]):
        return fixes
    lon, lat = int64_column(fixes, "lon_udeg"), int64_column(fixes, "lat_udeg")
    order = np.lexsort((lat, lon, times))
    times, lon, lat = times[order], lon[order], lat[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (times[1:] != times[:-1]) | (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    return fixes.take(pa.array(order[first]))


def _frame_of(vehicle_id: str, fixes: pa.Table, driver_names: pa.Array) -> pd.DataFrame:
    rows = fixes.num_rows
    columns: dict[str, Any] = {
        "vehicle_id": _text_column(pa.repeat(pa.scalar(vehicle_id, pa.string()), rows))
    }
    for name in KEYS:
        columns[name] = _integer_column(int64_column(fixes, name))
    for item in QUANTITIES:
        columns[item.column] = decode_quantity(fixes, item)
    if DRIVER in fixes.column_names:
        codes = fixes.column(DRIVER).combine_chunks()
        columns["driver_id"] = _text_column(driver_names.take(codes))
    else:
        columns["driver_id"] = _text_column(pa.nulls(rows, pa.string()))
    columns["received_ms"] = _integer_column(int64_column(fixes, "received_ms"))
    return pd.DataFrame(columns, columns=[*frames.POSITIONS.names, "received_ms"])


def _integer_column(values: Int64s) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values.copy(), np.zeros(len(values), dtype=np.bool_))


def _text_column(values: pa.Array) -> Any:
    return pd.StringDtype().__from_arrow__(pa.chunked_array([values]))
