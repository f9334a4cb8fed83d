"""The form of a trace segment: immutable Parquet of integers, sorted by truck, moment, place.

Integers in delta encoding take about four bytes a fix, seven times less than floats with text
identifiers. A segment holds fixes of one UTC month and of one bucket of neighbouring trucks. Row
groups end at a truck's border where they can, so that one truck is read without decoding many
others. A segment of several receptions says for every fix which of them brought it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.storage.files import ReceptionNumber, RowCount

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FixColumns: TypeAlias = dict[str, npt.NDArray[Any]]
VehicleCode: TypeAlias = int
DriverCode: TypeAlias = int
BucketNumber: TypeAlias = int
"""Trucks whose codes are neighbours share a bucket; counted from 0."""
SegmentNumber: TypeAlias = int
"""A segment on record, counted from 1 within a fleet."""
VersionNumber: TypeAlias = int
JournalNumber: TypeAlias = int
"""One state of the trace store, counted from 1 within a fleet; 0 is the empty store."""
EpochMs: TypeAlias = int
"""Milliseconds since 1970, UTC. [ms]"""
Checksum: TypeAlias = int
Mark: TypeAlias = int
"""A sum modulo 2**64 over fixes, signed as databases have it."""

BUCKET_VEHICLES = 256
"""Trucks of one bucket: by it the stored files are cut, so it never changes."""


@dataclass(frozen=True)
class TraceLimits:
    """How much is held in memory; the last two show in what is stored.

    Attributes
    ----------
    held_rows_max : int
        New fixes held while a file is taken in; more than that go through files on disk.
    merged_rows_max : int
        Fixes that are put in order together when segments are merged; one truck's at least.
    row_group_rows : int
        Fixes of a row group at most.
    segment_rows_max : int
        Fixes of a merged segment at most, unless one truck has more.
    """

    held_rows_max: int = 2_000_000
    merged_rows_max: int = 2_000_000
    row_group_rows: int = 32_768
    segment_rows_max: int = 64_000_000


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
    Quantity("altitude_dm", "altitude_m", 10.0, "int32"),
    Quantity("ambient_ddegc", "ambient_degc", 10.0, "int16"),
    Quantity("fuel_level_dl", "fuel_level_l", 10.0, "int32"),
)
KEYS = ("time_ms", "lon_udeg", "lat_udeg")
VEHICLE = "vehicle_code"
DRIVER = "driver_code"
RECEPTION = "reception"
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
OPTIONAL = (*(item.stored for item in QUANTITIES), DRIVER)


RECEPTION_FIELD = pa.field(RECEPTION, pa.int32(), nullable=False)


def bucket_of(code: VehicleCode) -> BucketNumber:
    """The bucket of a truck; codes are given from 1.

    Examples
    --------
    >>> bucket_of(1), bucket_of(256), bucket_of(257)
    (0, 0, 1)
    """
    return (code - 1) // BUCKET_VEHICLES


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


def encode_quantity(numbers: Floats, item: Quantity) -> tuple[pa.Array[Any] | None, int]:
    """Turn one optional column into integers.

    Parameters
    ----------
    numbers : float64 array, shape (n_rows,)
        In the unit of the frame; NaN where missing.
    item : Quantity
        Which column.

    Returns
    -------
    encoded : pa.Array or None
        Integers with nulls; None if no row has a value.
    unstorable : int
        How many values were infinite or too large for the type and count as missing.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(numbers * item.stored_ratio)
        # 2**63 is no int64, and the greatest float below it is 1024 less.
        limit = min(float(np.iinfo(item.dtype).max), 2.0**63 - 1024)
        if len(scaled) and -limit <= scaled.min() and scaled.max() <= limit:
            return pa.array(scaled.astype(item.dtype)), 0
        storable = np.abs(scaled) <= limit
    unstorable = int(np.count_nonzero(~storable & ~np.isnan(numbers)))
    if not storable.any():
        return None, unstorable
    integers = np.where(storable, scaled, 0.0).astype(item.dtype)
    return pa.array(integers, mask=None if storable.all() else ~storable), unstorable


def segment_name(month: str, bucket: BucketNumber, segment_id: str) -> str:
    """Name of a segment in the trace store."""
    return f"{month}/{bucket:04d}/{segment_id}.parquet"


class StoredFile(NamedTuple):
    """A file of the trace store as it was written.

    Attributes
    ----------
    name : str
        Name in the trace store, which has the digest of the bytes.
    size_bytes, footer_bytes : int
        Size, and that of the part at its end which says where everything else is. [byte]
    footer_crc32 : Checksum
        CRC-32 of that part; pages have checksums of their own.
    """

    name: str
    size_bytes: int
    footer_bytes: int
    footer_crc32: Checksum


@dataclass(frozen=True)
class VehicleRows:
    """Where the fixes of one truck stand in a segment, and their marks."""

    vehicle_code: VehicleCode
    offset_rows: int
    rows: int
    time_ms_min: int
    time_ms_max: int
    mark_a: Mark
    mark_b: Mark


@dataclass(frozen=True)
class ReceptionRows:
    """How many fixes of a segment one reception brought, and of what time."""

    reception: ReceptionNumber
    rows: int
    time_ms_min: int
    time_ms_max: int


@dataclass(frozen=True)
class Segment:
    """A finished segment, stored under its digest.

    Attributes
    ----------
    file : StoredFile
        Its file.
    segment_id : str
        SHA-256 of the bytes.
    month : str
        UTC month of its fixes, YYYY-MM.
    bucket : BucketNumber
        Bucket of its trucks.
    rows : RowCount
        Fixes.
    vehicles : tuple of VehicleRows
        Row ranges, in the order of the file.
    receptions : tuple of ReceptionRows
        What brought the fixes, in order of number.
    """

    file: StoredFile
    segment_id: str
    month: str
    bucket: BucketNumber
    rows: RowCount
    vehicles: tuple[VehicleRows, ...]
    receptions: tuple[ReceptionRows, ...]

    @property
    def time_ms_min(self) -> int:
        """First moment. [ms]"""
        return min(vehicle.time_ms_min for vehicle in self.vehicles)

    @property
    def time_ms_max(self) -> int:
        """Last moment. [ms]"""
        return max(vehicle.time_ms_max for vehicle in self.vehicles)


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
