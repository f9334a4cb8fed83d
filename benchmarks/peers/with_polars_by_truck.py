"""Kilometres and stops with polars as its guide teaches: windows by truck, degrees, haversine.

The same method as `with_polars`, which leaves out what makes this one slow: there are no windows,
for the rows are known to lie by truck and time, no haversine and nothing but the stored integers.
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

_DEG_PER_RAD = 57.29577951308232


def steps(fixes: pl.LazyFrame) -> pl.LazyFrame:
    """Every fix with the way from the one before of its truck. [m], [s]"""
    lon, lat = pl.col("lon").radians(), pl.col("lat").radians()
    lon_before, lat_before = (place.shift(1).over("vehicle") for place in (lon, lat))
    half_chord = ((lat - lat_before) / 2).sin().pow(2) + lat.cos() * lat_before.cos() * (
        (lon - lon_before) / 2
    ).sin().pow(2)
    return (
        fixes.select(
            "vehicle",
            "time_ms",
            lon=pl.col("lon_udeg") / 1e6,
            lat=pl.col("lat_udeg") / 1e6,
            is_standing=pl.col("speed_dkmh") <= STANDING_KMH_MAX * 10.0,
        )
        .unique(["vehicle", "time_ms"], keep="first", maintain_order=True)
        .with_columns(
            step_m=2 * M_PER_DEG * _DEG_PER_RAD * half_chord.sqrt().arcsin(),
            step_s=pl.col("time_ms").diff().over("vehicle") / 1000.0,
            stood=pl.col("is_standing").shift(1).over("vehicle"),
        )
    )


def kilometres(moves: pl.LazyFrame) -> pl.LazyFrame:
    """Sum of the moving steps of every truck. [km]"""
    is_possible = pl.col("step_m") < pl.col("step_s") * (WRONG_KMH_MIN / 3.6)
    return (
        moves.filter(is_possible, ~(pl.col("is_standing") & pl.col("stood")))
        .group_by("vehicle")
        .agg(km=pl.col("step_m").sum() / 1e3)
    )


def stops(moves: pl.LazyFrame) -> pl.LazyFrame:
    """Islands of standing fixes that last long enough, at the median of their places."""
    return (
        moves.with_columns(island=pl.col("is_standing").rle_id().over("vehicle"))
        .filter("is_standing")
        .group_by("vehicle", "island")
        .agg(
            arrive_ms=pl.col("time_ms").min(),
            depart_ms=pl.col("time_ms").max(),
            lon=pl.col("lon").median(),
            lat=pl.col("lat").median(),
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
