"""The trace store: which segments there are, and the fixes of one truck after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from fleet_carbon import frames
from fleet_carbon.storage.catalog import Place, SegmentCatalog, open_segment
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import (
    PARTIAL_SUFFIX,
    ReceivedFile,
    ReceivedFiles,
    digest_of_file,
)
from fleet_carbon.storage.positions import PositionsWriter
from fleet_carbon.storage.segments import (
    DRIVER,
    KEYS,
    NO_DRIVER,
    QUANTITIES,
    FixColumns,
    SegmentReader,
    TraceLimits,
)

_OPEN_SEGMENTS_MAX = 200
"""Files held open at a time; systems commonly allow a process 1,024."""


class Traces:
    """The fixes of a fleet."""

    def __init__(
        self,
        transaction: Transaction,
        files: ReceivedFiles,
        folder: Path,
        *,
        spill_folder: Path,
        limits: TraceLimits,
    ) -> None:
        self._transaction = transaction
        self._catalog = SegmentCatalog(transaction, folder / transaction.fleet_id, files)
        self._spill_folder = spill_folder
        self._limits = limits

    def writer(self, received: ReceivedFile) -> PositionsWriter:
        """Begin to take in the fixes of a received file."""
        writer = PositionsWriter(self._catalog, received, self._spill_folder, self._limits)
        self._transaction.when_closed(writer.discard)
        return writer

    def read_by_vehicle(self, from_ms: int, until_ms: int) -> Iterator[tuple[str, pd.DataFrame]]:
        """The fixes of every truck in a period, one truck after the other; none withdrawn.

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
        places = self._catalog.places(self._catalog.vehicles(), from_ms, until_ms)
        paths = {segment.segment_id: segment.path for segment in segments}
        shelf = _Shelf(paths, self._limits.kept_rows_max)
        try:
            for batch in _batches(places, self._limits.read_rows_max):
                for vehicle_id, parts in shelf.take(batch).items():
                    dated = [(table, received_ms[segment_id]) for segment_id, table in parts]
                    fixes = _merged(dated, (from_ms, until_ms))
                    if fixes:
                        yield vehicle_id, _frame_of(vehicle_id, fixes, drivers)
        finally:
            shelf.close()

    def version(self, vehicle_id: str, from_ms: int, until_ms: int) -> str:
        """Digest of the segments that hold fixes of a truck in a period.

        It changes when fixes of the period are added or withdrawn, and only then or when a
        segment that reaches over its borders is.
        """
        known = self._catalog.known_codes("vehicle", [vehicle_id])
        places = self._catalog.places(list(known.items()), from_ms, until_ms)
        return hashlib.sha256("\n".join(place.segment_id for place in places).encode()).hexdigest()

    def holding(self, vehicle_ids: Iterable[str]) -> set[str]:
        """Those of the trucks that have fixes in force."""
        return self._catalog.holding(vehicle_ids)

    def summary(self) -> dict[str, Any]:
        """How much is in force: segments, fixes, first, last (aware UTC), bytes."""
        return self._catalog.summary()

    def verify(self) -> list[str]:
        """Name every segment that is missing or was changed; `orphans` are no fault."""
        problems: list[str] = []
        for segment in self._catalog.all_segments():
            which = f"Segment {segment.segment_id} of {segment.month}"
            if not segment.path.exists():
                problems.append(f"{which} is missing: expected at {segment.path}.")
            elif digest_of_file(segment.path) != segment.segment_id:
                problems.append(f"{which} was changed: {segment.path} has another digest.")
        return problems

    def orphans(self) -> list[Path]:
        """Files of the trace folder that the catalog does not name, in order.

        An ingest was broken off, or is running at this moment. They hold nothing that is on
        record, and an ingest that is repeated adopts those of its own bytes.
        """
        named = {segment.path for segment in self._catalog.all_segments()}
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


def _batches(places: Iterable[Place], rows_max: int) -> Iterator[list[Place]]:
    """Neighbouring trucks together, as many as fit in memory; a truck is never cut."""
    batch: list[Place] = []
    rows = 0
    for _, of_vehicle in groupby(places, key=lambda place: place.vehicle_id):
        added = list(of_vehicle)
        added_rows = sum(place.rows for place in added)
        if batch and rows + added_rows > rows_max:
            yield batch
            batch, rows = [], 0
        batch.extend(added)
        rows += added_rows
    if batch:
        yield batch


class _Shelf:
    """Open segments. All are sorted by truck, so each is read from front to back, about once."""

    def __init__(self, paths: dict[str, Path], kept_rows_max: int) -> None:
        self._paths = paths
        self._kept_rows_max = kept_rows_max
        self._kept_rows = 0
        self._readers: dict[str, SegmentReader] = {}

    def take(self, batch: list[Place]) -> dict[str, list[tuple[str, FixColumns]]]:
        """The fixes of a batch: by truck, the parts with their segments."""
        by_segment: dict[str, list[Place]] = {}
        for place in batch:
            by_segment.setdefault(place.segment_id, []).append(place)
        taken: dict[str, list[tuple[str, FixColumns]]] = {place.vehicle_id: [] for place in batch}
        for segment_id, places in by_segment.items():
            reader = self._readers.pop(segment_id, None) or open_segment(self._paths[segment_id])
            self._kept_rows -= reader.kept_rows
            for place in places:
                columns = reader.read(place.offset_rows, place.offset_rows + place.rows)
                taken[place.vehicle_id].append((segment_id, columns))
            self._put_back(segment_id, reader)
        return taken

    def _put_back(self, segment_id: str, reader: SegmentReader) -> None:
        # Segments are asked for in turn, so the ones already kept are as good as the next.
        if self._kept_rows + reader.kept_rows > self._kept_rows_max:
            reader.forget()
        self._kept_rows += reader.kept_rows
        if len(self._readers) < _OPEN_SEGMENTS_MAX:
            self._readers[segment_id] = reader
        else:
            self._kept_rows -= reader.kept_rows
            reader.close()

    def close(self) -> None:
        """Close every file."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()


def _merged(parts: list[tuple[FixColumns, int]], period: tuple[int, int]) -> FixColumns:
    """Fixes of one truck from several segments: in the period, in order, each once."""
    inside: list[FixColumns] = []
    for columns, received_ms in parts:
        begin, end = np.searchsorted(columns["time_ms"], period).tolist()
        if end > begin:
            part = {name: held[begin:end] for name, held in columns.items()}
            part["received_ms"] = np.full(end - begin, received_ms, dtype=np.int64)
            inside.append(part)
    # The earliest first: of a fix that stands twice, the moment it was first received counts.
    inside.sort(key=lambda part: (int(part["time_ms"][0]), int(part["received_ms"][0])))
    if len(inside) < 2:
        return inside[0] if inside else {}
    merged = {name: _joined(name, inside) for name in sorted(set().union(*inside))}
    times = merged["time_ms"]
    if np.all(times[1:] > times[:-1]):
        return merged
    lon, lat = merged["lon_udeg"], merged["lat_udeg"]
    order = np.lexsort((merged["received_ms"], lat, lon, times))
    times, lon, lat = times[order], lon[order], lat[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (times[1:] != times[:-1]) | (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    return {name: held[order[first]] for name, held in merged.items()}


def _joined(name: str, parts: list[FixColumns]) -> npt.NDArray[Any]:
    """One column of all parts; those that do not have it lack the value in every row."""
    missing = NO_DRIVER if name == DRIVER else np.nan
    return np.concatenate(
        [part[name] if name in part else np.full(len(part["time_ms"]), missing) for part in parts]
    )


def _frame_of(vehicle_id: str, fixes: FixColumns, driver_names: pa.Array[Any]) -> pd.DataFrame:
    rows = len(fixes["time_ms"])
    columns: dict[str, Any] = {
        "vehicle_id": _text_column(pa.repeat(pa.scalar(vehicle_id, pa.string()), rows))
    }
    for name in KEYS:
        columns[name] = _integer_column(fixes[name])
    for item in QUANTITIES:
        columns[item.column] = fixes.get(item.stored, np.full(rows, np.nan))
    codes = fixes.get(DRIVER, np.full(rows, NO_DRIVER)).astype(np.int64)
    columns["driver_id"] = _text_column(driver_names.take(codes))
    columns["received_ms"] = _integer_column(fixes["received_ms"])
    return pd.DataFrame(columns, columns=[*frames.POSITIONS.names, "received_ms"], copy=False)


def _text_column(values: pa.Array[Any]) -> Any:
    return values.to_pandas(types_mapper=lambda _: pd.StringDtype())


def _integer_column(values: npt.NDArray[Any]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values.astype(np.int64), np.zeros(len(values), dtype=np.bool_))
