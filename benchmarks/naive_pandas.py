"""What an analyst would write: `python -m benchmarks.naive_pandas FILES`.

Speed flag, great-circle steps on a sphere, sum per truck. No cleaning, no stops, no orders, no
loads, no litres: the least that can be called a month's kilometres.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

BEGUN = time.perf_counter()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks.measuring import answer, peak_mib  # noqa: E402

EARTH_RADIUS_KM = 6_371.0088  # Mean radius, IUGG (Moritz, Geodetic Reference System 1980).
MOVING_KMH = 5.0


def moving_km(fixes: pd.DataFrame) -> pd.Series:
    """Kilometres per truck: haversine per step, steps below walking pace left out. [km]"""
    fixes = fixes.sort_values(["vehicle_id", "time"])
    fixes = fixes.drop_duplicates(["vehicle_id", "time", "lon", "lat"])
    of_truck = fixes.groupby("vehicle_id", sort=False)
    lon, lat = np.radians(fixes["lon"]), np.radians(fixes["lat"])
    lon_before, lat_before = (
        np.radians(of_truck["lon"].shift()),
        np.radians(of_truck["lat"].shift()),
    )
    half = (
        np.sin((lat - lat_before) / 2) ** 2
        + np.cos(lat) * np.cos(lat_before) * np.sin((lon - lon_before) / 2) ** 2
    )
    km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half))
    hours = of_truck["time"].diff().dt.total_seconds() / 3_600.0
    moving = pd.Series(km.where(km / hours > MOVING_KMH, 0.0))
    return pd.Series(moving.groupby(fixes["vehicle_id"]).sum())


def main(files: Path) -> None:
    """Read and sum; tell how long each took."""
    imports_s = time.perf_counter() - BEGUN
    imported_mib = peak_mib()
    begun = time.perf_counter()
    fixes = pd.read_parquet(files / "positions.parquet")
    read_s = time.perf_counter() - begun
    begun = time.perf_counter()
    km = moving_km(fixes)
    answer(
        imports_s=imports_s,
        read_s=read_s,
        work_s=time.perf_counter() - begun,
        imported_mib=imported_mib,
        fixes_count=len(fixes),
        km_by_vehicle=km.to_dict(),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
