"""What goes wrong on the way: each fault takes the rows of a positions file and spoils some."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.random import Generator

from simulation.geodesy import FloatArray, offset_deg, wgs84_to_gcj02

# GPS counts weeks in ten bits (IS-GPS-200, 20.3.3.3.1.1); a device that misses the carry is
# 1,024 weeks behind.
ROLLOVER = pd.Timedelta(weeks=1024)


def _some(rng: Generator, size: int, share: float) -> npt.NDArray[np.intp]:
    """Rows chosen without repetition; at least one."""
    count = min(size, max(1, round(size * share)))
    return np.sort(rng.choice(size, count, replace=False))


def duplicate(rows: pd.DataFrame, rng: Generator, share: float) -> pd.DataFrame:
    """Send a share of the rows twice."""
    again = rows.iloc[_some(rng, len(rows), share)]
    return pd.concat([rows, again], ignore_index=True)


def shuffle(rows: pd.DataFrame, rng: Generator) -> pd.DataFrame:
    """Send the rows in any order."""
    return rows.take(list(rng.permutation(len(rows)))).reset_index(drop=True)


def teleport(rows: pd.DataFrame, rng: Generator, per_thousand: float) -> pd.DataFrame:
    """Throw runs of 1 to 3 consecutive rows of a truck 2 to 400 km away, then back."""
    spoiled = rows.copy()
    lon, lat = spoiled["lon"].to_numpy(copy=True), spoiled["lat"].to_numpy(copy=True)
    owner = spoiled["vehicle_id"].to_numpy()
    for begin in _some(rng, len(rows) - 3, per_thousand / 1000.0):
        run = [i for i in range(begin, begin + rng.integers(1, 4)) if owner[i] == owner[begin]]
        far_m, angle = rng.uniform(2_000.0, 400_000.0), rng.uniform(0.0, 2 * np.pi)
        d_lon, d_lat = offset_deg(lat[begin], far_m * np.cos(angle), far_m * np.sin(angle))
        lon[run], lat[run] = np.round(lon[run] + d_lon, 6), np.round(lat[run] + d_lat, 6)
    spoiled["lon"], spoiled["lat"] = lon, lat
    return spoiled


def null_island(rows: pd.DataFrame, rng: Generator, share: float) -> pd.DataFrame:
    """Rows without a fix, sent as 0, 0."""
    spoiled = rows.copy()
    spoiled.loc[_some(rng, len(rows), share), ["lon", "lat"]] = 0.0
    return spoiled


def future_dates(rows: pd.DataFrame, rng: Generator, share: float) -> pd.DataFrame:
    """Rows dated hours to years ahead: half of them additional, half in place of a good one."""
    chosen = _some(rng, len(rows), share)
    ahead_days = np.exp(rng.uniform(np.log(2.0), np.log(4_000.0), chosen.size))
    moved = rows.iloc[chosen].copy()
    moved["time"] = moved["time"] + pd.to_timedelta((ahead_days * 86_400).astype(int), unit="s")
    lost = np.zeros(len(rows), dtype=bool)
    lost[chosen[::2]] = True
    kept = rows[~lost]
    return pd.concat([kept, moved], ignore_index=True)


def same_time(rows: pd.DataFrame, rng: Generator, share: float) -> pd.DataFrame:
    """A second row at the same moment, 60 to 400 m away."""
    other = rows.iloc[_some(rng, len(rows), share)].copy()
    far = np.array(
        [
            offset_deg(lat, r * np.cos(angle), r * np.sin(angle))
            for lat, r, angle in zip(
                other["lat"],
                rng.uniform(60.0, 400.0, len(other)),
                rng.uniform(0.0, 2 * np.pi, len(other)),
                strict=True,
            )
        ]
    )
    other["lon"] = np.round(other["lon"] + far[:, 0], 6)
    other["lat"] = np.round(other["lat"] + far[:, 1], 6)
    return pd.concat([rows, other], ignore_index=True)


def week_rollover(rows: pd.DataFrame, rng: Generator, runs: int) -> pd.DataFrame:
    """A few runs of rows dated 1,024 weeks early."""
    spoiled = rows.copy()
    moments = spoiled["time"].copy()
    for begin in rng.choice(len(rows) - 5, runs, replace=False):
        moments.iloc[begin : begin + 4] = moments.iloc[begin : begin + 4] - ROLLOVER
    spoiled["time"] = moments
    return spoiled


def _without_padding(degrees: FloatArray) -> FloatArray:
    whole = np.floor(degrees)
    millionths = np.round((degrees - whole) * 1e6).astype(np.int64)
    texts = [f"{int(w)}.{m}" for w, m in zip(whole, millionths, strict=True)]
    return np.array(texts, dtype=np.float64)


def lose_padding(rows: pd.DataFrame) -> pd.DataFrame:
    """Write 25.000033 as 25.33: zeros after the point are lost, as some exports do."""
    spoiled = rows.copy()
    spoiled["lon"] = _without_padding(rows["lon"].to_numpy())
    spoiled["lat"] = _without_padding(rows["lat"].to_numpy())
    return spoiled


def to_gcj02(table: pd.DataFrame, prefixes: tuple[str, ...]) -> pd.DataFrame:
    """The same table with its coordinates in GCJ-02, columns ``<prefix>lon``, ``<prefix>lat``."""
    moved = table.copy()
    for prefix in prefixes:
        lon, lat = wgs84_to_gcj02(
            table[f"{prefix}lon"].to_numpy(dtype=np.float64),
            table[f"{prefix}lat"].to_numpy(dtype=np.float64),
        )
        moved[f"{prefix}lon"], moved[f"{prefix}lat"] = np.round(lon, 6), np.round(lat, 6)
    return moved
