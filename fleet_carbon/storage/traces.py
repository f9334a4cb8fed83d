"""The trace store: which segments there are, and the fixes of one truck after the other."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fleet_carbon import frames
from fleet_carbon.storage.catalog import Place, SegmentCatalog, open_segment
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import PARTIAL_SUFFIX, ReceivedFile, digest_of_file
from fleet_carbon.storage.positions import PositionsWriter
from fleet_carbon.storage.segments import (
    DRIVER,
    KEYS,
    QUANTITIES,
    Int64s,
    SegmentReader,
    TraceLimits,
    decode_quantity,
    int64_column,
)


class Traces:
    """The fixes of a fleet."""

    def __init__(
        self, transaction: Transaction, folder: Path, spill_folder: Path, *, limits: TraceLimits
    ) -> None:
        self._transaction = transaction
        self._catalog = SegmentCatalog(transaction, folder / transaction.fleet_id)
        self._spill_folder = spill_folder
        self._limits = limits

    def writer(self, received: ReceivedFile) -> PositionsWriter:
        """Begin to take in the fixes of a received file."""
        return PositionsWriter(self._catalog, received, self._spill_folder, self._limits)

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
        segments = self._catalog.segments(from_ms, until_ms)
        received_ms = {segment.segment_id: segment.received_ms for segment in segments}
        drivers = self._catalog.driver_names()
        places = self._catalog.places(from_ms, until_ms)
        paths = {segment.segment_id: segment.path for segment in segments}
        shelf = _Shelf(paths, self._limits.kept_rows_max)
        try:
            for batch in _batches(places, self._limits.read_rows_max):
                for vehicle_id, parts in shelf.take(batch).items():
                    dated = [(table, received_ms[segment_id]) for segment_id, table in parts]
                    fixes = _merged(dated, (from_ms, until_ms))
                    if fixes.num_rows:
                        yield vehicle_id, _frame_of(vehicle_id, fixes, drivers)
        finally:
            shelf.close()

    def version(self, vehicle_id: str, from_ms: int, until_ms: int) -> str:
        """Digest of the segments that hold fixes of a truck in a period.

        It changes when fixes of the period are added, and only then or when a segment that
        reaches over its borders is.
        """
        places = self._catalog.places(from_ms, until_ms, vehicle_id)
        return hashlib.sha256("\n".join(place.segment_id for place in places).encode()).hexdigest()

    def summary(self) -> dict[str, Any]:
        """How much is in the store: segments, fixes, first, last (aware UTC), bytes."""
        return self._catalog.summary()

    def verify(self) -> list[str]:
        """Name every segment that is missing, was changed, or is in no catalog."""
        problems: list[str] = []
        for segment in self._catalog.segments():
            which = f"Segment {segment.segment_id} of {segment.month}"
            if not segment.path.exists():
                problems.append(f"{which} is missing: expected at {segment.path}.")
            elif digest_of_file(segment.path) != segment.segment_id:
                problems.append(f"{which} was changed: {segment.path} has another digest.")
        problems.extend(
            f"File {path} is in no catalog: an ingest was interrupted. It holds nothing on record "
            "and may be removed."
            for path in self.orphans()
        )
        return problems

    def orphans(self) -> list[Path]:
        """Files of the trace folder that the catalog does not name, in order."""
        named = {segment.path for segment in self._catalog.segments()}
        present = [
            path
            for pattern in ("*.parquet", f"*{PARTIAL_SUFFIX}")
            for path in self._catalog.folder.rglob(pattern)
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


def _batches(places: list[Place], rows_max: int) -> Iterator[list[Place]]:
    """Neighbouring trucks together, as many as fit in memory; a truck is never cut."""
    batch: list[Place] = []
    rows = 0
    start = 0
    while start < len(places):
        stop = start
        while stop < len(places) and places[stop].vehicle_id == places[start].vehicle_id:
            stop += 1
        rows_of_vehicle = sum(place.rows for place in places[start:stop])
        if batch and rows + rows_of_vehicle > rows_max:
            yield batch
            batch, rows = [], 0
        batch.extend(places[start:stop])
        rows += rows_of_vehicle
        start = stop
    if batch:
        yield batch


class _Shelf:
    """Open segments. All are sorted by truck, so each is read from front to back, once."""

    def __init__(self, paths: dict[str, Path], kept_rows_max: int) -> None:
        self._paths = paths
        self._kept_rows_max = kept_rows_max
        self._readers: OrderedDict[str, SegmentReader] = OrderedDict()

    def take(self, batch: list[Place]) -> dict[str, list[tuple[str, pa.Table]]]:
        """The fixes of a batch: by truck, the parts with their segments, in order of arrival."""
        by_segment: dict[str, list[Place]] = {}
        for place in batch:
            by_segment.setdefault(place.segment_id, []).append(place)
        parts: dict[tuple[str, str], pa.Table] = {}
        for segment_id, places in by_segment.items():
            reader = self._reader(segment_id)
            for place in sorted(places, key=lambda place: place.offset_rows):
                table = reader.read(place.offset_rows, place.offset_rows + place.rows)
                parts[place.vehicle_id, segment_id] = table
        taken: dict[str, list[tuple[str, pa.Table]]] = {}
        for place in batch:
            part = (place.segment_id, parts[place.vehicle_id, place.segment_id])
            taken.setdefault(place.vehicle_id, []).append(part)
        return taken

    def _reader(self, segment_id: str) -> SegmentReader:
        reader = self._readers.pop(segment_id, None)
        if reader is None:
            reader = open_segment(self._paths[segment_id])
        self._readers[segment_id] = reader
        self._trim()
        return reader

    def _trim(self) -> None:
        kept = 0
        for segment_id in reversed(list(self._readers)):
            kept += self._readers[segment_id].kept_rows
            if kept > self._kept_rows_max:
                self._readers.pop(segment_id).close()

    def close(self) -> None:
        """Close every file."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()


def _merged(parts: list[tuple[pa.Table, int]], period: tuple[int, int]) -> pa.Table:
    """Fixes of one truck from several segments: in the period, in order, each once."""
    inside = []
    for table, received_ms in parts:
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
    return fixes.take(order[first])


def _frame_of(vehicle_id: str, fixes: pa.Table, driver_names: pa.Array[Any]) -> pd.DataFrame:
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


def _text_column(values: pa.Array[Any]) -> Any:
    return values.to_pandas(types_mapper=lambda _: pd.StringDtype())
