"""Fixes for the libraries: read, doubled rows and jumps taken out, with pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.peers.telling import M_PER_DEG, WRONG_KMH_MIN

_MS_PER_DAY = 86_400_000


def clean_fixes(path: Path, trucks: int, days: float) -> pd.DataFrame:
    """Columns vehicle, time (UTC, naive), lon, lat [deg]; one or two fixes that jump are gone."""
    chosen = [("vehicle", "<", trucks)] if trucks else None
    fixes = pd.read_parquet(path, filters=chosen)
    if days:
        fixes = fixes[fixes["time_ms"] < fixes["time_ms"].min() + days * _MS_PER_DAY]
    fixes = fixes.drop_duplicates(["vehicle", "time_ms"]).reset_index(drop=True)
    lon, lat = fixes["lon_udeg"] / 1e6, fixes["lat_udeg"] / 1e6
    step_m = np.hypot(lat.diff(), lon.diff() * np.cos(np.radians(lat))) * M_PER_DEG
    limit_m = fixes["time_ms"].diff() / 1000.0 * (WRONG_KMH_MIN / 3.6)
    jump = (step_m > limit_m) & (fixes["vehicle"] == fixes["vehicle"].shift(1))
    away = jump & (jump.shift(-1, fill_value=False) | jump.shift(-2, fill_value=False))
    still_away = jump.shift(1, fill_value=False) & ~jump & jump.shift(-1, fill_value=False)
    return pd.DataFrame(
        {
            "vehicle": fixes["vehicle"],
            "time": pd.to_datetime(fixes["time_ms"], unit="ms"),
            "lon": lon,
            "lat": lat,
        }
    )[~(away | still_away)].reset_index(drop=True)
