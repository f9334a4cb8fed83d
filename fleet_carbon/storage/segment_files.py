"""Writing and reading the file of one segment, without the catalog.

A file that is missing, shorter than it was, or damaged is a named error: every page carries a
checksum that is compared when it is read.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.storage.blobs import BlobFolder
from fleet_carbon.storage.failures import failures_named
from fleet_carbon.storage.files import ReceptionNumber, digest_of_file
from fleet_carbon.storage.marks import sums_of
from fleet_carbon.storage.segments import (
    DRIVER,
    RECEPTION,
    RECEPTION_FIELD,
    SCHEMA,
    VEHICLE,
    BucketNumber,
    DriverCode,
    EpochMs,
    Int64s,
    ReceptionRows,
    Segment,
    StoredFile,
    TraceLimits,
    VehicleRows,
    int64_column,
    run_starts,
    segment_name,
)

_DRIVERS_KEY = "drivers"
# A file ends with the length of its footer and four letters.
_TAIL_BYTES = 8
# A bucket is read batch by batch, and its files change never: a few months of it for two threads.
_FOOTERS_KEPT = 8


class SegmentWriter:
    """Writes one segment piece by piece; it exists under its name only after `close`.

    The bytes depend on the fixes alone, not on how they were cut into pieces.

    Parameters
    ----------
    blobs : BlobFolder
        Where it is stored.
    place : tuple of str and BucketNumber
        UTC month and bucket of its fixes.
    columns : sequence of str
        Columns of `SCHEMA` that it has.
    received : mapping of ReceptionNumber to EpochMs
        When the receptions that brought the fixes were received; of several, every row names one.
    drivers : mapping of DriverCode to str
        Identifiers of drivers; those that occur are kept in the file.
    """

    def __init__(
        self,
        blobs: BlobFolder,
        place: tuple[str, BucketNumber],
        columns: Sequence[str],
        *,
        received: Mapping[ReceptionNumber, EpochMs],
        drivers: Mapping[DriverCode, str],
        limits: TraceLimits,
    ) -> None:
        self._blobs = blobs
        self._month, self._bucket = place
        self._row_group_rows = limits.row_group_rows
        self._received = dict(sorted(received.items()))
        self._drivers = drivers
        self._schema = pa.schema([SCHEMA.field(name) for name in columns])
        if len(received) > 1:
            self._schema = self._schema.append(RECEPTION_FIELD)
        self._partial = blobs.new_partial()
        self._writer = pq.ParquetWriter(
            self._partial,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            column_encoding=dict.fromkeys(self._schema.names, "DELTA_BINARY_PACKED"),
            store_schema=False,
            version="2.6",
            write_page_checksum=True,
        )
        self._pending = self._schema.empty_table()
        self._vehicles: list[VehicleRows] = []
        self._receptions: dict[ReceptionNumber, ReceptionRows] = {}
        self._drivers_met: set[DriverCode] = set()
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Take the next fixes, which follow the earlier ones in the order of the segment."""
        if table.num_rows == 0:
            return
        self._note_vehicles(table)
        self._note_receptions(table)
        if DRIVER in table.column_names:
            met = table.column(DRIVER).unique().to_pylist()
            self._drivers_met.update(code for code in met if code is not None)
        self.rows += table.num_rows
        pending = pa.concat_tables([self._pending, table.select(self._schema.names)])
        while pending.num_rows > self._row_group_rows:
            cut = _border_within(pending, self._row_group_rows)
            self._write(pending.slice(0, cut))
            pending = pending.slice(cut)
        self._pending = pending.combine_chunks()

    def _write(self, group: pa.Table) -> None:
        with failures_named(str(self._partial)):
            self._writer.write_table(group, row_group_size=group.num_rows)

    def _note_vehicles(self, table: pa.Table) -> None:
        codes, times = int64_column(table, VEHICLE), int64_column(table, "time_ms")
        starts = run_starts(codes)
        rows = np.diff(np.append(starts, len(codes)))
        stops = starts + rows - 1
        noted = [
            VehicleRows(*row)
            for row in zip(
                codes[starts].tolist(),
                (starts + self.rows).tolist(),
                rows.tolist(),
                times[starts].tolist(),
                times[stops].tolist(),
                *sums_of(table, self._received_ms(table), starts),
                strict=True,
            )
        ]
        if self._vehicles and self._vehicles[-1].vehicle_code == noted[0].vehicle_code:
            noted[0] = _joined(self._vehicles.pop(), noted[0])
        self._vehicles += noted

    def _received_ms(self, table: pa.Table) -> Int64s | EpochMs:
        moments = list(self._received.values())
        if len(moments) == 1:
            return moments[0]
        known = np.array(list(self._received), dtype=np.int64)
        at = np.searchsorted(known, int64_column(table, RECEPTION))
        return np.array(moments, dtype=np.int64)[at]

    def _note_receptions(self, table: pa.Table) -> None:
        times = int64_column(table, "time_ms")
        if len(self._received) == 1:
            [number] = self._received
            self._note_reception(number, len(times), (int(times.min()), int(times.max())))
            return
        numbers = int64_column(table, RECEPTION)
        lowest = int(numbers.min())
        span = int(numbers.max()) - lowest + 1
        counts = np.bincount(numbers - lowest, minlength=span)
        first, last = np.full(span, np.iinfo(np.int64).max), np.full(span, np.iinfo(np.int64).min)
        np.minimum.at(first, numbers - lowest, times)
        np.maximum.at(last, numbers - lowest, times)
        for at in np.flatnonzero(counts).tolist():
            self._note_reception(lowest + at, int(counts[at]), (int(first[at]), int(last[at])))

    def _note_reception(
        self, number: ReceptionNumber, rows: int, bounds_ms: tuple[int, int]
    ) -> None:
        before = self._receptions.get(number)
        if before is not None:
            rows += before.rows
            bounds_ms = (
                min(before.time_ms_min, bounds_ms[0]),
                max(before.time_ms_max, bounds_ms[1]),
            )
        self._receptions[number] = ReceptionRows(number, rows, *bounds_ms)

    def close(self) -> Segment:
        """Finish the file and store it; on return it is durable."""
        if self._pending.num_rows:
            self._write(self._pending)
        if self._drivers_met:
            names = {str(code): self._drivers[code] for code in sorted(self._drivers_met)}
            text = json.dumps(names, separators=(",", ":"), ensure_ascii=False)
            self._writer.add_key_value_metadata({_DRIVERS_KEY: text})
        with failures_named(str(self._partial)):
            self._writer.close()
        digest = digest_of_file(self._partial)
        finished = Segment(
            file=_stored_file(self._partial, segment_name(self._month, self._bucket, digest)),
            segment_id=digest,
            month=self._month,
            bucket=self._bucket,
            rows=self.rows,
            vehicles=tuple(self._vehicles),
            receptions=tuple(self._receptions[number] for number in sorted(self._receptions)),
        )
        self._blobs.put(self._partial, finished.file.name)
        return finished

    def abandon(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):  # closing writes the end of the file, for which a disk has no room
            self._writer.close()
        self._partial.unlink(missing_ok=True)


def _stored_file(path: Path, name: str) -> StoredFile:
    """What is put on record about a finished file."""
    with path.open("rb") as stream:
        size_bytes = stream.seek(-_TAIL_BYTES, os.SEEK_END) + _TAIL_BYTES
        footer_bytes = int.from_bytes(stream.read(4), "little") + _TAIL_BYTES
        stream.seek(-footer_bytes, os.SEEK_END)
        return StoredFile(name, size_bytes, footer_bytes, zlib.crc32(stream.read()))


def _joined(before: VehicleRows, after: VehicleRows) -> VehicleRows:
    """Two pieces of one truck's rows as one."""
    return VehicleRows(
        before.vehicle_code,
        before.offset_rows,
        before.rows + after.rows,
        before.time_ms_min,
        after.time_ms_max,
        _added(before.mark_a, after.mark_a),
        _added(before.mark_b, after.mark_b),
    )


def _added(one: int, other: int) -> int:
    return (one + other + 2**63) % 2**64 - 2**63


def _border_within(table: pa.Table, rows: int) -> int:
    """The last border between trucks in the first `rows` rows; `rows` if one truck fills them."""
    codes = int64_column(table.slice(0, rows + 1), VEHICLE)
    borders = run_starts(codes)
    return int(borders[-1]) if borders[-1] > 0 else rows


class SegmentFile:
    """One stored segment, opened to read row groups of some of its columns.

    Attributes
    ----------
    starts : int64 array, shape (n_groups + 1,)
        First row of every row group, and the number of rows.
    columns : list of str
        What it has.
    """

    def __init__(self, blobs: BlobFolder, stored: StoredFile) -> None:
        self._where = blobs.path_of(stored.name)
        source = blobs.open(stored.name)
        with _named(self._where):
            _require_size(source, stored, self._where)
            footer = _footer(_Place(blobs.url, stored, blobs))
            self._metadata = footer.metadata
            self._file = pq.ParquetFile(
                source,
                metadata=self._metadata,
                page_checksum_verification=True,
                # One request for what is read together: an object store answers many slowly.
                pre_buffer=True,
            )
        self.columns, self.starts = footer.columns, footer.starts

    def groups_between(self, first: int, stop: int) -> range:
        """The row groups that hold any of the rows `[first, stop)`."""
        begin = int(np.searchsorted(self.starts, first, side="right")) - 1
        return range(begin, int(np.searchsorted(self.starts, stop, side="left")))

    def bounds(self, group: int, column: str) -> tuple[int, int] | None:
        """Least and greatest value of a column of a row group, if the file tells them."""
        found = self._metadata.row_group(group).column(self.columns.index(column)).statistics
        return (found.min, found.max) if found is not None and found.has_min_max else None

    def read(self, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Some columns of some row groups, one group after the other."""
        with _named(self._where):
            # Threads inside one row group cost more than they bring.
            return self._file.read_row_groups(groups, columns=columns, use_threads=False)

    def drivers(self) -> dict[DriverCode, str]:
        """Identifiers of the drivers that occur."""
        text = (self._metadata.metadata or {}).get(_DRIVERS_KEY.encode(), b"{}")
        return {int(code): name for code, name in json.loads(text).items()}

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)


@dataclass(frozen=True)
class _Place:
    """A file of a trace store; how the store is reached does not matter to what it says."""

    url: str
    stored: StoredFile
    blobs: BlobFolder = field(compare=False)


class _Footer(NamedTuple):
    """What the end of a file says."""

    metadata: pq.FileMetaData
    columns: list[str]
    starts: Int64s


@lru_cache(maxsize=_FOOTERS_KEPT)
def _footer(place: _Place) -> _Footer:
    """What the end of a file says, if it says what was written."""
    stored, where = place.stored, place.blobs.path_of(place.stored.name)
    with place.blobs.open(stored.name) as source:
        _require_size(source, stored, where)
        source.seek(stored.size_bytes - stored.footer_bytes)
        content = source.read(stored.footer_bytes)
    if zlib.crc32(content) != stored.footer_crc32:
        raise _changed(where, "its end has another checksum")
    metadata = pq.read_metadata(pa.BufferReader(content))
    groups = range(metadata.num_row_groups)
    rows = [metadata.row_group(group).num_rows for group in groups]
    starts = np.concatenate(([0], np.cumsum(rows))).astype(np.int64)
    return _Footer(metadata, metadata.schema.to_arrow_schema().names, starts)


def _require_size(source: pa.NativeFile, stored: StoredFile, where: str) -> None:
    size_bytes = source.size()
    if size_bytes != stored.size_bytes:
        raise _changed(where, f"it has {size_bytes:,} bytes, not {stored.size_bytes:,}")


@contextmanager
def _named(where: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as failure:
        raise FleetCarbonError(
            "segment_unreadable",
            f"The trace segment {where} cannot be read: {failure}",
            "Run `fleet-carbon traces verify`; restore the file from a backup, or see who may"
            " read it. Nothing was changed.",
        ) from failure


def _changed(where: str, how: str) -> FleetCarbonError:
    return FleetCarbonError(
        "segment_changed",
        f"The trace segment {where} is not as it was written: {how}.",
        "Restore the file from a backup; nothing was changed.",
    )


def plain(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column as one array, not copied where it need not be; NaN where a value is missing."""
    if column.num_chunks != 1 or column.null_count:
        held: npt.NDArray[Any] = column.to_numpy()
        return held
    values = column.chunk(0)
    # Over the buffer, not `to_numpy`: that array could not be written to, which kernels compiled
    # for arrays of their own take for another type.
    held = np.frombuffer(values.buffers()[1], dtype=values.type.to_pandas_dtype())
    return held[values.offset : values.offset + len(values)]
