"""Kilometres and stops with polars: speed flag, islands, sum; lazy, on the stored integers.

The rows lie by truck and time already, so neighbours are found by one shift over all rows, and
nothing is sorted. Steps that no truck can drive are left out; a stop is an island of standing
fixes that lasts five minutes.
"""

from __future__ import annotations

import polars as pl

from benchmarks.peers.telling import (
    M_PER_DEG,
    STANDING_KMH_MAX,
    STOP_S_MIN,
    WRONG_KMH_MIN,
    Clock,
    given,
    tell,
)

# Parts of the plan that both results need are computed once.
_RAD_PER_UDEG = 3.141592653589793 / 180.0 / 1e6


def steps(fixes: pl.LazyFrame) -> pl.LazyFrame:
    """Every fix with the way from the one before. [m], [s]"""
    is_same = pl.col("vehicle") == pl.col("vehicle").shift(1)
    north_m = (pl.col("lat_udeg") - pl.col("lat_udeg").shift(1)) * (M_PER_DEG / 1e6)
    east_m = (
        (pl.col("lon_udeg") - pl.col("lon_udeg").shift(1))
        * (M_PER_DEG / 1e6)
        * (pl.col("lat_udeg") * _RAD_PER_UDEG).cos()
    )
    return fixes.select(
        *("vehicle", "time_ms", "lon_udeg", "lat_udeg"),
        is_same=is_same,
        step_m=(north_m.pow(2) + east_m.pow(2)).sqrt(),
        step_s=(pl.col("time_ms") - pl.col("time_ms").shift(1)) / 1000.0,
        is_standing=pl.col("speed_dkmh") <= STANDING_KMH_MAX * 10.0,
    ).filter(~(pl.col("is_same") & (pl.col("step_s") == 0.0)))


def kilometres(moves: pl.LazyFrame) -> pl.LazyFrame:
    """Sum of the moving steps of every truck. [km]"""
    is_moving = ~(pl.col("is_standing") & pl.col("is_standing").shift(1))
    is_possible = pl.col("step_m") < pl.col("step_s") * (WRONG_KMH_MIN / 3.6)
    counted = pl.col("is_same") & is_moving & is_possible
    return (
        moves.select("vehicle", km=pl.when(counted).then(pl.col("step_m")).otherwise(0.0) / 1e3)
        .group_by("vehicle")
        .agg(pl.col("km").sum())
    )


def stops(moves: pl.LazyFrame) -> pl.LazyFrame:
    """Islands of standing fixes that last long enough, at the median of their places."""
    begins = (pl.col("is_standing") != pl.col("is_standing").shift(1)) | ~pl.col("is_same")
    return (
        moves.with_columns(island=begins.fill_null(True).cum_sum())
        .filter("is_standing")
        .group_by("island")
        .agg(
            pl.col("vehicle").first(),
            arrive_ms=pl.col("time_ms").min(),
            depart_ms=pl.col("time_ms").max(),
            lon=pl.col("lon_udeg").median() / 1e6,
            lat=pl.col("lat_udeg").median() / 1e6,
        )
        .filter(pl.col("depart_ms") - pl.col("arrive_ms") >= STOP_S_MIN * 1000)
        .sort("vehicle", "arrive_ms")
        .drop("island")
    )


def main() -> None:
    """Read, compute, tell."""
    asked = given()
    clock = Clock()
    fixes = pl.scan_parquet(asked.fixes)
    if asked.trucks:
        fixes = fixes.filter(pl.col("vehicle") < asked.trucks)
    moves = steps(fixes)
    # One plan for both results: what they share is computed once.
    km, found = pl.collect_all([kilometres(moves), stops(moves)])
    work_s, processor_s = clock.lap(), clock.processor_s
    found.write_parquet(asked.stops)
    tell(
        read_s=0.0,
        work_s=work_s,
        processor_s=processor_s,
        km_by_vehicle={str(vehicle): value for vehicle, value in km.iter_rows()},
    )


if __name__ == "__main__":
    main()
