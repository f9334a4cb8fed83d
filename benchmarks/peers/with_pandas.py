"""Kilometres and stops with pandas: the same method as `with_polars`, step by step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.peers.telling import (
    M_PER_DEG,
    STANDING_KMH_MAX,
    STOP_S_MIN,
    WRONG_KMH_MIN,
    Clock,
    given,
    tell,
)


def steps(fixes: pd.DataFrame) -> pd.DataFrame:
    """Every fix with the way from the one before. [m], [s]"""
    before = fixes.shift(1)
    is_same = fixes["vehicle"] == before["vehicle"]
    north_m = (fixes["lat_udeg"] - before["lat_udeg"]) * (M_PER_DEG / 1e6)
    east_m = (fixes["lon_udeg"] - before["lon_udeg"]) * (M_PER_DEG / 1e6)
    east_m *= np.cos(np.radians(fixes["lat_udeg"] / 1e6))
    moves = fixes.assign(
        is_same=is_same,
        step_m=np.hypot(north_m, east_m),
        step_s=(fixes["time_ms"] - before["time_ms"]) / 1000.0,
        is_standing=fixes["speed_dkmh"] <= STANDING_KMH_MAX * 10.0,
    )
    return moves[~(is_same & (moves["step_s"] == 0.0))]


def kilometres(moves: pd.DataFrame) -> pd.Series:
    """Sum of the moving steps of every truck. [km]"""
    stood = moves["is_standing"].shift(1, fill_value=True)
    is_possible = moves["step_m"] < moves["step_s"] * (WRONG_KMH_MIN / 3.6)
    counted = moves["is_same"] & ~(moves["is_standing"] & stood) & is_possible
    return moves["step_m"].where(counted, 0.0).groupby(moves["vehicle"]).sum() / 1e3


def stops(moves: pd.DataFrame) -> pd.DataFrame:
    """Islands of standing fixes that last long enough, at the median of their places."""
    begins = moves["is_standing"].ne(moves["is_standing"].shift(1)) | ~moves["is_same"]
    islands = moves.assign(island=begins.cumsum())
    found = (
        islands[islands["is_standing"]]
        .groupby("island")
        .agg(
            vehicle=("vehicle", "first"),
            arrive_ms=("time_ms", "min"),
            depart_ms=("time_ms", "max"),
            lon=("lon_udeg", "median"),
            lat=("lat_udeg", "median"),
        )
    )
    found[["lon", "lat"]] /= 1e6
    return found[found["depart_ms"] - found["arrive_ms"] >= STOP_S_MIN * 1000]


def main() -> None:
    """Read, compute, tell."""
    asked = given()
    clock = Clock()
    fixes = pd.read_parquet(asked.fixes)
    if asked.trucks:
        fixes = fixes[fixes["vehicle"] < asked.trucks]
    read_s = clock.lap()
    moves = steps(fixes)
    km, found = kilometres(moves), stops(moves)
    work_s, processor_s = clock.lap(), clock.processor_s
    found.to_parquet(asked.stops, index=False)
    tell(
        read_s=read_s,
        work_s=work_s,
        processor_s=processor_s,
        km_by_vehicle={str(k): float(v) for k, v in km.items()},
    )


if __name__ == "__main__":
    main()
