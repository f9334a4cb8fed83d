"""The fixes of one vehicle as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_PLACES = ("lon_udeg", "lat_udeg")
_NUMBERS = (
    "speed_kmh", "accuracy_m", "odometer_km", "fuel_used_l", "gross_mass_t", "altitude_m",
    "ambient_degc", "fuel_level_l",
)  # fmt: skip
_WIDEST = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Fixes:
    """Fixes of one vehicle, sorted by time; a signal that it never sent is None.

    Attributes
    ----------
    time_ms : int64 array, shape (n,)
        Moment since 1970-01-01 UTC, not decreasing. [ms]
    lon_udeg, lat_udeg : int32 array, shape (n,)
        WGS-84 place in millionths of a degree. [udeg]
    speed_kmh : float64 array, shape (n,), or None
        Speed stated by the device, NaN where missing. [km/h]
    accuracy_m : float64 array, shape (n,), or None
        Stated radius of the fix, NaN where missing. [m]
    odometer_km, fuel_used_l, gross_mass_t : float64 array, shape (n,), or None
        Lifetime counters and mass signal, NaN where missing. [km], [l], [t]
    altitude_m, ambient_degc, fuel_level_l : float64 array, shape (n,), or None
        Height above the sea, temperature of the air, what is in the tank, NaN where missing. [m],
        [degC], [l]
    driver_id : object array, shape (n,), or None
        Driver stated by the device, "" where missing.
    """

    time_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.int32]
    lat_udeg: NDArray[np.int32]
    speed_kmh: NDArray[np.float64] | None = None
    accuracy_m: NDArray[np.float64] | None = None
    odometer_km: NDArray[np.float64] | None = None
    fuel_used_l: NDArray[np.float64] | None = None
    gross_mass_t: NDArray[np.float64] | None = None
    altitude_m: NDArray[np.float64] | None = None
    ambient_degc: NDArray[np.float64] | None = None
    fuel_level_l: NDArray[np.float64] | None = None
    driver_id: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.time_ms)

    @classmethod
    def from_columns(cls, columns: Mapping[str, NDArray[Any]]) -> Fixes:
        """The columns of one vehicle as they are stored; none is copied that fits already.

        Parameters
        ----------
        columns : mapping of str to array, shape (n,)
            `time_ms`, `lon_udeg`, `lat_udeg`, sorted by time, and any of the signals. One that is
            absent or holds no value was never sent. Other columns are left alone.
        """
        fitting: dict[str, Any] = {
            "time_ms": np.ascontiguousarray(columns["time_ms"], dtype=np.int64)
        }
        fitting |= {name: _narrow(columns[name]) for name in _PLACES}
        fitting |= {name: _number(columns[name]) for name in _NUMBERS if name in columns}
        if "driver_id" in columns:
            fitting["driver_id"] = _driver_id(columns["driver_id"])
        return cls(**fitting)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Fixes:
        """The fixes of these rows."""
        columns = {name: column for name, column in vars(self).items() if column is not None}
        return Fixes(**{name: column[rows] for name, column in columns.items()})

    @classmethod
    def joined(cls, pieces: Sequence[Fixes]) -> Fixes:
        """Pieces of one stream, one after the other; a single one as it is."""
        if len(pieces) == 1:
            return pieces[0]
        return cls(**{field.name: _joined_column(pieces, field.name) for field in fields(cls)})


def sealed(column: NDArray[Any]) -> NDArray[Any]:
    """The column as read-only, as it may come from storage: one kind of argument, one kernel."""
    column = column.view()
    column.flags.writeable = False
    return column


def _narrow(degrees_udeg: NDArray[Any]) -> NDArray[np.int32]:
    """Places in 32 bits; what lies off the globe by far stays off it."""
    if degrees_udeg.dtype != np.int32:
        degrees_udeg = np.clip(degrees_udeg, -_WIDEST, _WIDEST).astype(np.int32)
    return np.ascontiguousarray(degrees_udeg)


def _number(values: NDArray[Any]) -> NDArray[np.float64] | None:
    numbers = np.ascontiguousarray(values, dtype=np.float64)
    # One look at the first value spares the search in nearly all signals that were sent.
    was_sent = len(numbers) > 0 and (not np.isnan(numbers[0]) or not np.isnan(numbers).all())
    return numbers if was_sent else None


def _driver_id(values: NDArray[np.object_]) -> NDArray[np.object_] | None:
    stated = np.where(pd.isna(values), "", values).astype(object)
    return stated if (stated != "").any() else None


def _joined_column(pieces: Sequence[Fixes], name: str) -> Any:
    """One column of all pieces; a piece without a signal that another has is missing there."""
    columns = [getattr(piece, name) for piece in pieces]
    if all(column is None for column in columns):
        return None
    missing = "" if name == "driver_id" else np.nan
    return np.concatenate(
        [
            np.full(len(piece), missing, dtype=object if missing == "" else np.float64)
            if column is None
            else column
            for piece, column in zip(pieces, columns, strict=True)
        ]
    )
