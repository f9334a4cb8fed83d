"""Kilometres, litres and CO2 per driver with orders matched, in polars: what the close does.

The stored integers by truck and time, or, with --arrivals, the file of a gateway, sorted first.
Wrong fixes out, islands of standing, legs between stops, orders matched to stops by place and
time, tonnes aboard, a line for litres, sums per driver: written by columns throughout. No proof,
no counterfactual, no uncertainty, nothing put on record.
"""

from __future__ import annotations

from pathlib import Path

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

_RAD_PER_UDEG = 3.141592653589793 / 180.0 / 1e6
_MATCH_M_MAX = 300.0
_MATCH_MS_MAX = 6 * 3_600_000
# A line between these for an articulated truck of 32 t payload; 2.63 kg CO2 from a litre of diesel.
_EMPTY_L, _FULL_L, _CO2_KG_PER_L = 23.0, 41.0, 2.63


def _with_steps(fixes: pl.LazyFrame) -> pl.LazyFrame:
    """Every fix with the way from the one before, and whether no truck can drive it."""
    north_m = (pl.col("lat_udeg") - pl.col("lat_udeg").shift(1)) * (M_PER_DEG / 1e6)
    east_m = (
        (pl.col("lon_udeg") - pl.col("lon_udeg").shift(1))
        * (M_PER_DEG / 1e6)
        * (pl.col("lat_udeg") * _RAD_PER_UDEG).cos()
    )
    step_s = (pl.col("time_ms") - pl.col("time_ms").shift(1)) / 1000.0
    return fixes.with_columns(
        is_same=pl.col("vehicle") == pl.col("vehicle").shift(1),
        step_m=(north_m.pow(2) + east_m.pow(2)).sqrt(),
        step_s=step_s,
    ).with_columns(
        is_jump=pl.col("is_same") & (pl.col("step_m") > pl.col("step_s") * (WRONG_KMH_MIN / 3.6))
    )


def cleaned(fixes: pl.LazyFrame) -> pl.LazyFrame:
    """Without doubled rows and without one or two fixes that jump away and back."""
    jump = pl.col("is_jump").fill_null(False)
    away = jump & (jump.shift(-1) | jump.shift(-2))
    still_away = jump.shift(1) & ~jump & jump.shift(-1)
    is_wrong = (away | still_away).fill_null(False)
    is_doubled = pl.col("is_same") & (pl.col("step_s") == 0.0)
    once = _with_steps(fixes).filter(~is_doubled.fill_null(False))
    columns = ("vehicle", "time_ms", "lon_udeg", "lat_udeg", "speed_dkmh")
    return _with_steps(once.filter(~is_wrong).select(columns))


def islands(fixes: pl.LazyFrame) -> pl.LazyFrame:
    """Runs of standing and of driving fixes: moments, middle, kilometres."""
    is_standing = pl.col("speed_dkmh") <= STANDING_KMH_MAX * 10.0
    begins = (is_standing != is_standing.shift(1)) | ~pl.col("is_same")
    is_counted = pl.col("is_same") & ~(is_standing & is_standing.shift(1)) & ~pl.col("is_jump")
    return (
        fixes.with_columns(
            is_standing=is_standing,
            island=begins.fill_null(True).cum_sum(),
            km=pl.when(is_counted).then(pl.col("step_m")).otherwise(0.0) / 1000.0,
        )
        .group_by("island")
        .agg(
            pl.col("vehicle").first(),
            pl.col("is_standing").first(),
            arrive_ms=pl.col("time_ms").min(),
            depart_ms=pl.col("time_ms").max(),
            lon=pl.col("lon_udeg").mean() / 1e6,
            lat=pl.col("lat_udeg").mean() / 1e6,
            km=pl.col("km").sum(),
        )
        .sort("island")
    )


def legs_and_stops(runs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Stops, and the way between each and the next."""
    long_enough = pl.col("depart_ms") - pl.col("arrive_ms") >= STOP_S_MIN * 1000
    runs = runs.with_columns(is_stop=pl.col("is_standing") & long_enough)
    stops = runs.filter("is_stop").select("vehicle", "arrive_ms", "depart_ms", "lon", "lat")
    legs = (
        # The step into a stop belongs to the leg that it ends.
        runs.with_columns(leg=pl.col("is_stop").shift(1, fill_value=False).cum_sum())
        .group_by("vehicle", "leg")
        .agg(
            started_ms=pl.col("arrive_ms").min(),
            finished_ms=pl.col("arrive_ms").max(),
            km=pl.col("km").sum(),
        )
    )
    return legs, stops


def _stops_at(orders: pl.DataFrame, stops: pl.DataFrame, end: str) -> pl.DataFrame:
    """For every order the stop near one of its places, nearest in time."""
    north_m = (pl.col("lat") - pl.col(f"{end}_lat")) * M_PER_DEG
    east_m = (pl.col("lon") - pl.col(f"{end}_lon")) * M_PER_DEG * pl.col("lat").radians().cos()
    off_ms = pl.max_horizontal(
        pl.col("arrive_ms") - pl.col(f"{end}_ms"), pl.col(f"{end}_ms") - pl.col("depart_ms"), 0
    )
    return (
        orders.select("vehicle", "order_id", f"{end}_lon", f"{end}_lat", f"{end}_ms")
        .join(stops, on="vehicle")
        .with_columns(off_ms=off_ms, off_m=(north_m.pow(2) + east_m.pow(2)).sqrt())
        .filter(pl.col("off_m") < _MATCH_M_MAX, pl.col("off_ms") < _MATCH_MS_MAX)
        .sort("off_ms", "arrive_ms")
        .unique("order_id", keep="first", maintain_order=True)
        .select(
            "order_id",
            pl.col("arrive_ms").alias(f"{end}_arrive_ms"),
            pl.col("depart_ms").alias(f"{end}_depart_ms"),
        )
    )


def main() -> None:
    """Read, compute, tell."""
    asked = given()
    clock = Clock()
    fixes = pl.scan_parquet(asked.fixes)
    runs = islands(cleaned(_sorted(fixes) if asked.arrivals else fixes)).collect()
    legs, stops = legs_and_stops(runs)
    orders = _orders(asked.fixes.parent)
    matched = orders.join(_stops_at(orders, stops, "pickup"), on="order_id").join(
        _stops_at(orders, stops, "delivery"), on="order_id"
    )
    matched = matched.filter(pl.col("pickup_depart_ms") < pl.col("delivery_arrive_ms"))
    accounts = _accounts(legs, matched, _trucks(asked.fixes.parent))
    work_s, processor_s = clock.lap(), clock.processor_s
    stops.write_parquet(asked.stops)
    tell(
        read_s=0.0,
        work_s=work_s,
        processor_s=processor_s,
        orders_matched_count=len(matched),
        co2_kg=float(accounts["co2_kg"].sum()),
        km_by_vehicle=dict(zip(accounts["vehicle"].cast(str), accounts["km"], strict=True)),
    )


def _sorted(arrivals: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of a gateway as integers, by truck and time."""
    return arrivals.select(
        vehicle=_number("vehicle_id"),
        time_ms=pl.col("time").dt.epoch("ms"),
        lon_udeg=(pl.col("lon") * 1e6).round().cast(pl.Int32),
        lat_udeg=(pl.col("lat") * 1e6).round().cast(pl.Int32),
        speed_dkmh=(pl.col("speed_kmh") * 10.0).round().cast(pl.Int16),
    ).sort("vehicle", "time_ms")


def _number(column: str) -> pl.Expr:
    """The number in a truck's name."""
    return pl.col(column).cast(pl.String).str.slice(1).cast(pl.Int32)


def _orders(folder: Path) -> pl.DataFrame:
    moment = {f"{end}_ms": pl.col(f"{end}_time").str.to_datetime(time_zone="UTC").dt.epoch("ms")
              for end in ("pickup", "delivery")}  # fmt: skip
    return pl.read_csv(folder / "orders.csv").with_columns(vehicle=_number("vehicle_id"), **moment)


def _trucks(folder: Path) -> pl.DataFrame:
    trucks = pl.read_csv(folder / "vehicles.csv").select("vehicle_id", "rated_payload_t")
    drivers = pl.read_csv(folder / "drivers.csv").select("vehicle_id", "driver_id")
    return trucks.join(drivers, on="vehicle_id").with_columns(vehicle=_number("vehicle_id"))


def _accounts(legs: pl.DataFrame, matched: pl.DataFrame, trucks: pl.DataFrame) -> pl.DataFrame:
    """Kilometres, tonne-kilometres, litres and CO2 of every driver."""
    is_aboard = (pl.col("finished_ms") > pl.col("pickup_depart_ms")) & (
        pl.col("started_ms") < pl.col("delivery_arrive_ms")
    )
    aboard = (
        legs.join(
            matched.select("vehicle", "cargo_t", "pickup_depart_ms", "delivery_arrive_ms"),
            on="vehicle",
        )
        .filter(is_aboard)
        .group_by("vehicle", "leg")
        .agg(pl.col("cargo_t").sum())
    )
    fill = pl.col("cargo_t").fill_null(0.0) / pl.col("rated_payload_t")
    litres = pl.col("km") / 100.0 * (_EMPTY_L + (_FULL_L - _EMPTY_L) * fill)
    return (
        legs.join(aboard, on=["vehicle", "leg"], how="left")
        .join(trucks, on="vehicle")
        .with_columns(diesel_l=litres, tkm=pl.col("cargo_t").fill_null(0.0) * pl.col("km"))
        .group_by("vehicle", "driver_id")
        .agg(pl.col("km", "tkm", "diesel_l").sum())
        .with_columns(co2_kg=pl.col("diesel_l") * _CO2_KG_PER_L)
        .sort("vehicle")
    )


if __name__ == "__main__":
    main()
