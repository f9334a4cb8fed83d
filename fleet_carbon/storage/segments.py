"""The form of a trace segment: immutable Parquet of integers, sorted by truck, moment, place.

Integers in delta encoding take about four bytes a fix, seven times less than floats with text
identifiers. Row groups end at a truck's border where they can, so that one truck is read
without decoding many others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fleet_carbon.storage.files import digest_of_file, make_folder, partial_path, put_in_place

Int64s = npt.NDArray[np.int64]
FixColumns: TypeAlias = dict[str, npt.NDArray[Any]]
VehicleCode: TypeAlias = int


@dataclass(frozen=True)
class TraceLimits:
    """How much is held in memory; only `row_group_rows` shows in what is stored.

    Attributes
    ----------
    held_rows_max : int
        New fixes held while a file is taken in; more than that go through files on disk.
    row_group_rows : int
        Fixes of a row group at most.
    read_rows_max : int
        Fixes of neighbouring trucks that are decoded together.
    kept_rows_max : int
        Fixes of half-read row groups that are kept for the next trucks.
    """

    held_rows_max: int = 2_000_000
    row_group_rows: int = 131_072
    read_rows_max: int = 2_000_000
    kept_rows_max: int = 4_000_000


@dataclass(frozen=True)
class Quantity:
    """An optional column: how its number in the frame becomes an integer and back.

    Attributes
    ----------
    stored : str
        Name in the segment, with its unit.
    column : str
        Name in `frames.POSITIONS`.
    stored_ratio : float
        Stored integers per unit of the frame.
    dtype : str
        Integer type in the segment.
    """

    stored: str
    column: str
    stored_ratio: float
    dtype: str


QUANTITIES = (
    Quantity("speed_dkmh", "speed_kmh", 10.0, "int16"),
    Quantity("heading_deg", "heading_deg", 1.0, "int16"),
    Quantity("accuracy_dm", "accuracy_m", 10.0, "int32"),
    Quantity("odometer_m", "odometer_km", 1000.0, "int64"),
    Quantity("fuel_used_ml", "fuel_used_l", 1000.0, "int64"),
    Quantity("gross_mass_kg", "gross_mass_t", 1000.0, "int32"),
)
KEYS = ("time_ms", "lon_udeg", "lat_udeg")
VEHICLE = "vehicle_code"
DRIVER = "driver_code"
SCHEMA = pa.schema(
    [
        pa.field(VEHICLE, pa.int32(), nullable=False),
        pa.field("time_ms", pa.int64(), nullable=False),
        pa.field("lon_udeg", pa.int32(), nullable=False),
        pa.field("lat_udeg", pa.int32(), nullable=False),
        *(pa.field(item.stored, pa.from_numpy_dtype(np.dtype(item.dtype))) for item in QUANTITIES),
        pa.field(DRIVER, pa.int32()),
    ]
)
NO_DRIVER = 0
"""Driver code, once decoded, of a fix that names no driver; codes are given from 1."""
_RATIOS = {item.stored: item.stored_ratio for item in QUANTITIES}
OPTIONAL = (*(item.stored for item in QUANTITIES), DRIVER)


def int64_column(table: pa.Table, name: str) -> Int64s:
    """A column without missing values as an int64 array, shape (n_rows,)."""
    column: npt.NDArray[np.generic] = table.column(name).to_numpy()
    return column.astype(np.int64, copy=False)


def packed_place(lon_udeg: npt.NDArray[Any], lat_udeg: npt.NDArray[Any]) -> Int64s:
    """Both coordinates in one integer, so that a place is compared at once, shape (n_rows,)."""
    return (lon_udeg.astype(np.int64) << 32) + (lat_udeg.astype(np.int64) + 2**31)


def utc_months(time_ms: Int64s) -> Int64s:
    """Months since 1970-01 of moments in ms, UTC, shape (n_rows,)."""
    return time_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)


def encode_quantity(values: pd.Series, item: Quantity) -> tuple[pa.Array[Any] | None, int]:
    """Turn one optional column into integers.

    Parameters
    ----------
    values : Series, shape (n_rows,)
        Numbers in the unit of the frame; NaN where missing.
    item : Quantity
        Which column.

    Returns
    -------
    encoded : pa.Array or None
        Integers with nulls; None if no row has a value.
    unstorable : int
        How many values were infinite or too large for the type and count as missing.
    """
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(numbers * item.stored_ratio)
        # 2**63 is no int64, and the greatest float below it is 1024 less.
        limit = min(float(np.iinfo(item.dtype).max), 2.0**63 - 1024)
        storable = np.abs(scaled) <= limit
    unstorable = int(np.count_nonzero(~storable & ~np.isnan(numbers)))
    if not storable.any():
        return None, unstorable
    integers = np.where(storable, scaled, 0.0).astype(item.dtype)
    return pa.array(integers, mask=None if storable.all() else ~storable), unstorable


def decoded(table: pa.Table) -> FixColumns:
    """The columns of a row group as arrays: keys as they are, optional ones in frame units."""
    columns: FixColumns = {}
    for name in table.column_names:
        held = table.column(name)
        if name in _RATIOS:
            columns[name] = held.to_numpy().astype(np.float64) / _RATIOS[name]
        elif name == DRIVER:
            columns[name] = np.nan_to_num(held.to_numpy(), nan=NO_DRIVER)
        else:
            columns[name] = held.to_numpy()
    return columns


@dataclass(frozen=True)
class VehicleRows:
    """Where the fixes of one truck stand in a segment."""

    vehicle_code: VehicleCode
    offset_rows: int
    rows: int
    time_ms_min: int
    time_ms_max: int


@dataclass(frozen=True)
class Segment:
    """A finished segment, on disk under its digest.

    Attributes
    ----------
    segment_id : str
        SHA-256 of the bytes.
    month : str
        UTC month of its fixes, YYYY-MM.
    rows, size_bytes : int
        Fixes and bytes.
    vehicles : tuple of VehicleRows
        Row ranges, in the order of the file.
    """

    segment_id: str
    month: str
    rows: int
    size_bytes: int
    vehicles: tuple[VehicleRows, ...]

    @property
    def time_ms_min(self) -> int:
        """First moment. [ms]"""
        return min(vehicle.time_ms_min for vehicle in self.vehicles)

    @property
    def time_ms_max(self) -> int:
        """Last moment. [ms]"""
        return max(vehicle.time_ms_max for vehicle in self.vehicles)


class SegmentWriter:
    """Writes one segment piece by piece; it exists under its name only after `close`.

    The bytes depend on the fixes alone, not on how they were cut into pieces.
    """

    def __init__(
        self, folder: Path, month: str, columns: Sequence[str], *, row_group_rows: int
    ) -> None:
        self._folder = folder / month
        self._month = month
        self._row_group_rows = row_group_rows
        self._schema = pa.schema([SCHEMA.field(name) for name in columns])
        self._partial = partial_path(make_folder(self._folder))
        self._writer = pq.ParquetWriter(
            self._partial,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            column_encoding=dict.fromkeys(columns, "DELTA_BINARY_PACKED"),
            store_schema=False,
            version="2.6",
        )
        self._pending = self._schema.empty_table()
        self._vehicles: list[VehicleRows] = []
        self._rows = 0

    def add(self, table: pa.Table) -> None:
        """Take the next fixes, which follow the earlier ones in the order of the segment."""
        self._note_vehicles(table)
        pending = pa.concat_tables([self._pending, table.select(self._schema.names)])
        while pending.num_rows > self._row_group_rows:
            cut = _border_within(pending, self._row_group_rows)
            self._writer.write_table(pending.slice(0, cut), row_group_size=cut)
            pending = pending.slice(cut)
        self._pending = pending.combine_chunks()

    def _note_vehicles(self, table: pa.Table) -> None:
        codes, times = int64_column(table, VEHICLE), int64_column(table, "time_ms")
        starts = run_starts(codes)
        stops = np.append(starts[1:], len(codes))
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            noted = VehicleRows(
                int(codes[start]),
                self._rows + start,
                stop - start,
                int(times[start]),
                int(times[stop - 1]),
            )
            if self._vehicles and self._vehicles[-1].vehicle_code == noted.vehicle_code:
                before = self._vehicles.pop()
                noted = VehicleRows(
                    noted.vehicle_code,
                    before.offset_rows,
                    before.rows + noted.rows,
                    before.time_ms_min,
                    noted.time_ms_max,
                )
            self._vehicles.append(noted)
        self._rows += len(codes)

    def close(self) -> Segment:
        """Finish the file: bytes on disk, then its name, then the folder."""
        if self._pending.num_rows:
            self._writer.write_table(self._pending, row_group_size=self._pending.num_rows)
        self._writer.close()
        digest, size_bytes = digest_of_file(self._partial), self._partial.stat().st_size
        put_in_place(self._partial, self._folder / f"{digest}.parquet")
        return Segment(digest, self._month, self._rows, size_bytes, tuple(self._vehicles))

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._writer.close()
        self._partial.unlink(missing_ok=True)


def run_starts(codes: Int64s) -> Int64s:
    """First row of every run of equal codes, shape (n_runs,).

    Examples
    --------
    >>> run_starts(np.array([4, 4, 2, 2, 2])).tolist()
    [0, 2]
    """
    if len(codes) == 0:
        return np.zeros(0, dtype=np.int64)
    borders = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    return np.concatenate((np.zeros(1, dtype=np.int64), borders))


def _border_within(table: pa.Table, rows: int) -> int:
    """The last border between trucks in the first `rows` rows; `rows` if one truck fills them."""
    codes = int64_column(table.slice(0, rows + 1), VEHICLE)
    borders = run_starts(codes)
    return int(borders[-1]) if borders[-1] > 0 else rows


class SegmentReader:
    """Reads row ranges of one segment, keeping a half-read row group for the next truck."""

    def __init__(self, path: Path, columns: Sequence[str] = SCHEMA.names) -> None:
        self._file = pq.ParquetFile(path)
        self._columns = [name for name in columns if name in self._file.schema_arrow.names]
        metadata = self._file.metadata
        rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self._starts = np.concatenate(([0], np.cumsum(rows))).astype(np.int64)
        self._kept: tuple[int, FixColumns] | None = None

    def groups_holding(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """First and stop row of each row group that holds any of the rows `[first, stop)`."""
        groups = {group for first, stop in ranges for group in self._groups_between(first, stop)}
        starts = self._starts.tolist()
        return [(starts[group], starts[group + 1]) for group in sorted(groups)]

    def _groups_between(self, offset_rows: int, stop_rows: int) -> range:
        first = int(np.searchsorted(self._starts, offset_rows, side="right")) - 1
        return range(first, int(np.searchsorted(self._starts, stop_rows, side="left")))

    def read(self, offset_rows: int, stop_rows: int) -> FixColumns:
        """Rows `offset_rows` to before `stop_rows`: arrays of their own, shape (n_rows,) each."""
        parts = []
        for group in self._groups_between(offset_rows, stop_rows):
            start = int(self._starts[group])
            rows = slice(max(offset_rows - start, 0), stop_rows - start)
            parts.append({name: held[rows] for name, held in self._group(group).items()})
            if stop_rows >= self._starts[group + 1]:
                self.forget()
        # Copies, so that a few rows do not hold their whole row group in memory.
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _group(self, group: int) -> FixColumns:
        if self._kept is None or self._kept[0] != group:
            # Threads inside one row group cost more than they bring.
            table = self._file.read_row_group(group, columns=self._columns, use_threads=False)
            self._kept = (group, decoded(table))
        return self._kept[1]

    @property
    def kept_rows(self) -> int:
        """Rows of the row group that is kept."""
        return 0 if self._kept is None else len(self._kept[1][VEHICLE])

    def forget(self) -> None:
        """Free the row group that is kept."""
        self._kept = None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
