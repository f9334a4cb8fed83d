"""The fixes of one vehicle as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fixes:
    """Fixes of one vehicle, sorted by time; signals that were not sent are NaN.

    Attributes
    ----------
    time_ms : int64 array, shape (n,)
        Moment since 1970-01-01 UTC, not decreasing. [ms]
    lon_udeg, lat_udeg : int64 array, shape (n,)
        WGS-84 place in millionths of a degree. [udeg]
    speed_kmh : float64 array, shape (n,)
        Speed stated by the device. [km/h]
    accuracy_m : float64 array, shape (n,)
        Stated radius of the fix. [m]
    odometer_km, fuel_used_l, gross_mass_t : float64 array, shape (n,)
        Lifetime counters and mass signal. [km], [l], [t]
    driver_id : object array, shape (n,)
        Driver stated by the device, "" if none.
    """

    time_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.int64]
    lat_udeg: NDArray[np.int64]
    speed_kmh: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    odometer_km: NDArray[np.float64]
    fuel_used_l: NDArray[np.float64]
    gross_mass_t: NDArray[np.float64]
    driver_id: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.time_ms)

    @classmethod
    def from_frame(cls, positions: pd.DataFrame) -> Fixes:
        """Arrays of the `positions` frame of one vehicle; sorts by time and place if needed.

        Parameters
        ----------
        positions : pd.DataFrame
            Rows of `frames.POSITIONS` of one vehicle. Optional columns may be absent.
        """
        if not positions["time_ms"].is_monotonic_increasing:
            positions = positions.sort_values(["time_ms", "lon_udeg", "lat_udeg"], kind="stable")
        count = len(positions)

        def number(name: str) -> NDArray[np.float64]:
            if name not in positions.columns:
                return np.full(count, np.nan)
            return positions[name].to_numpy(dtype=np.float64, na_value=np.nan)

        return cls(
            time_ms=positions["time_ms"].to_numpy(dtype=np.int64),
            lon_udeg=positions["lon_udeg"].to_numpy(dtype=np.int64),
            lat_udeg=positions["lat_udeg"].to_numpy(dtype=np.int64),
            speed_kmh=number("speed_kmh"),
            accuracy_m=number("accuracy_m"),
            odometer_km=number("odometer_km"),
            fuel_used_l=number("fuel_used_l"),
            gross_mass_t=number("gross_mass_t"),
            driver_id=_driver_ids(positions, count),
        )

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Fixes:
        """The fixes of these rows."""
        return Fixes(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def joined(cls, pieces: list[Fixes]) -> Fixes:
        """Pieces of one stream, one after the other; a single one as it is."""
        if len(pieces) == 1:
            return pieces[0]
        return cls(*(np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(cls)))


def _driver_ids(positions: pd.DataFrame, count: int) -> NDArray[np.object_]:
    if "driver_id" not in positions.columns or positions["driver_id"].isna().all():
        return np.full(count, "", dtype=object)
    return (
        positions["driver_id"].astype(object).where(positions["driver_id"].notna(), "").to_numpy()
    )
