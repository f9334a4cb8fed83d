"""A simulated fleet: the files it sends, and the truth behind them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.random import Generator

from simulation.geodesy import FloatArray
from simulation.places import near_by
from simulation.timeline import LOCAL_OFFSET_S, OrderTruth, Timeline, as_moment

FILES = ("vehicles", "drivers", "assignments", "orders", "positions", "energy", "baselines")


@dataclass
class Fleet:
    """Tables in the columns of the files, and the truth of the month.

    Attributes
    ----------
    month : str
        Month the truth is of, YYYY-MM in China's time.
    vehicles, drivers, assignments, orders, positions, energy, baselines : DataFrame
        As a fleet would send them; moments are aware UTC.
    truth : DataFrame
        Per truck: vehicle_id, distance_km, loaded_km, empty_km, tkm, orders_count.
    order_truth : DataFrame
        Per order: real arrivals and departures, onboard_km (whole, also past the month's end).
    stop_truth : DataFrame
        Per stop: vehicle_id, arrived_at, departed_at, lon, lat, kind.
    drive_truth : DataFrame
        Per drive between two yards: vehicle_id, departed_at, arrived_at, km, payload_t, order_ids.
    crs : str
        Datum of every coordinate in the files.
    driver_truth : DataFrame
        Per driver and truck: distance_km, loaded_km, tkm; empty where each truck has one driver.
    """

    month: str
    vehicles: pd.DataFrame
    drivers: pd.DataFrame
    assignments: pd.DataFrame
    orders: pd.DataFrame
    positions: pd.DataFrame
    energy: pd.DataFrame
    baselines: pd.DataFrame
    truth: pd.DataFrame
    order_truth: pd.DataFrame
    stop_truth: pd.DataFrame
    drive_truth: pd.DataFrame
    crs: str = "wgs84"
    driver_truth: pd.DataFrame = field(default_factory=pd.DataFrame)

    def write(self, folder: Path, positions: str = "parquet") -> dict[str, Path]:
        """Write the files a fleet would send; positions as ``parquet``, ``csv`` or ``csv.gz``."""
        folder.mkdir(parents=True, exist_ok=True)
        written = {}
        for name in FILES:
            table: pd.DataFrame = getattr(self, name)
            suffix = positions if name == "positions" else "csv"
            written[name] = folder / f"{name}.{suffix}"
            write_table(table, written[name])
        return written


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table by its suffix, the same bytes each time; moments as ISO 8601 UTC."""
    if path.suffix == ".parquet":
        _write_parquet(table, path)
        return
    text = table.copy()
    for name in text.columns:
        if isinstance(text[name].dtype, pd.DatetimeTZDtype):
            text[name] = text[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    data = text.to_csv(index=False, lineterminator="\n").encode("utf-8")
    if path.suffix == ".gz":
        # No file name and no time in the header, so that the bytes depend on the rows alone.
        data = gzip.compress(data, compresslevel=9, mtime=0)
    path.write_bytes(data)


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Parquet without the writer's notes on versions, in encodings that suit numbers."""
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    numbers = [one.name for one in arrow.schema if pa.types.is_floating(one.type)]
    moments = [one.name for one in arrow.schema if pa.types.is_timestamp(one.type)]
    encodings = dict.fromkeys(numbers, "BYTE_STREAM_SPLIT")
    encodings.update(dict.fromkeys(moments, "DELTA_BINARY_PACKED"))
    pq.write_table(
        arrow,
        path,
        compression="zstd",
        compression_level=9,
        use_dictionary=False,
        column_encoding=encodings,
    )


def month_bounds_s(month: str) -> tuple[float, float]:
    """First moment of a month in China's time and first after it, since 1970 UTC. [s]"""
    year, number = (int(part) for part in month.split("-"))
    starts = datetime(year, number, 1, tzinfo=UTC)
    ends = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    shift = timedelta(seconds=LOCAL_OFFSET_S)
    return (starts - shift).timestamp(), (ends - shift).timestamp()


def month_truth(timeline: Timeline, bounds_s: tuple[float, float]) -> dict[str, object]:
    """Kilometres and tkm of a truck within the month; a drive across its border is cut there."""
    loaded, empty, work = _driven(timeline, bounds_s)
    touched = [one for one in timeline.orders if _touches(one, bounds_s)]
    return {
        "vehicle_id": timeline.vehicle_id,
        "distance_km": loaded + empty,
        "loaded_km": loaded,
        "empty_km": empty,
        "tkm": work,
        "orders_count": len(touched),
    }


def _driven(timeline: Timeline, bounds_s: tuple[float, float]) -> tuple[float, float, float]:
    """Loaded km, empty km and tkm between two moments."""
    path_s, path_m, _, _ = timeline.path()
    loaded = empty = work = 0.0
    for drive in timeline.drives:
        inside = np.clip([drive.departed_s, drive.arrived_s], *bounds_s)
        ends_m: FloatArray = np.interp(inside, path_s, path_m)
        km = float(ends_m[1] - ends_m[0]) / 1000.0
        loaded, empty = (loaded + km, empty) if drive.order_ids else (loaded, empty + km)
        work += km * drive.payload_t
    return loaded, empty, work


def driver_truth(
    timelines: list[Timeline], assignments: pd.DataFrame, bounds_s: tuple[float, float]
) -> pd.DataFrame:
    """What each driver drove in the month, by the moments of the assignments."""
    by_vehicle = {one.vehicle_id: one for one in timelines}
    rows = []
    for turn in assignments.itertuples():
        since, until = turn[3].timestamp(), turn[4].timestamp()
        inside = (max(since, bounds_s[0]), min(until, bounds_s[1]))
        if inside[0] < inside[1]:
            loaded, empty, work = _driven(by_vehicle[str(turn.vehicle_id)], inside)
            rows.append((turn.driver_id, turn.vehicle_id, loaded + empty, loaded, work))
    table = pd.DataFrame(
        rows, columns=["driver_id", "vehicle_id", "distance_km", "loaded_km", "tkm"]
    )
    return table.groupby(["driver_id", "vehicle_id"], as_index=False).sum()


def _touches(order: OrderTruth, bounds_s: tuple[float, float]) -> bool:
    return order.pickup_arrived_s < bounds_s[1] and order.delivery_departed_s > bounds_s[0]


def order_truths(timeline: Timeline) -> list[dict[str, object]]:
    """What really happened with each order of a truck."""
    return [
        {
            "order_id": order.order_id,
            "vehicle_id": order.vehicle_id,
            "cargo_t": order.cargo_t,
            "pickup_arrived_at": as_moment(order.pickup_arrived_s),
            "pickup_departed_at": as_moment(order.pickup_departed_s),
            "delivery_arrived_at": as_moment(order.delivery_arrived_s),
            "delivery_departed_at": as_moment(order.delivery_departed_s),
            "onboard_km": (order.onboard_until_m - order.onboard_from_m) / 1000.0,
        }
        for order in timeline.orders
    ]


def stop_truths(timeline: Timeline) -> list[dict[str, object]]:
    """Where a truck stood, in the order of time."""
    stops = [stop for stop in timeline.stops if stop.departed_s - stop.arrived_s > 1.0]
    return [
        {
            "vehicle_id": timeline.vehicle_id,
            "arrived_at": as_moment(stop.arrived_s),
            "departed_at": as_moment(stop.departed_s),
            "lon": stop.lon,
            "lat": stop.lat,
            "kind": stop.kind,
        }
        for stop in sorted(stops, key=lambda one: one.arrived_s)
    ]


def drive_truths(timeline: Timeline) -> list[dict[str, object]]:
    """Every drive of a truck with what it carried."""
    return [
        {
            "vehicle_id": timeline.vehicle_id,
            "departed_at": as_moment(drive.departed_s),
            "arrived_at": as_moment(drive.arrived_s),
            "km": (drive.until_m - drive.from_m) / 1000.0,
            "payload_t": drive.payload_t,
            "order_ids": ";".join(drive.order_ids),
        }
        for drive in timeline.drives
    ]


@dataclass(frozen=True)
class Planning:
    """How honest the dispatcher's plan is.

    Attributes
    ----------
    off_h : float
        Planned times are off by up to so much, either way. [h]
    relative_to : str
        ``arrival``, ``middle`` or ``departure`` of the handling, or ``mixed`` (one per truck).
    place_off_m : tuple of float
        Bounds of the distance between the order's place and the yard. [m]
    """

    off_h: float = 0.5
    relative_to: str = "mixed"
    place_off_m: tuple[float, float] = (0.0, 60.0)


def _planned_s(rng: Generator, handled_s: tuple[float, float], manner: str, off_h: float) -> float:
    share = {"arrival": 0.0, "middle": 0.5, "departure": 1.0}[manner]
    truth = handled_s[0] + share * (handled_s[1] - handled_s[0])
    return float(round((truth + rng.uniform(-off_h, off_h) * 3600.0) / 60.0) * 60.0)


def order_rows(
    timeline: Timeline, rng: Generator, planning: Planning, driver_id: str | None
) -> list[dict[str, object]]:
    """The orders of a truck as its dispatcher wrote them down."""
    manner = planning.relative_to
    if manner == "mixed":
        manner = str(rng.choice(("arrival", "middle", "departure")))
    rows = []
    for order in timeline.orders:
        pickup = near_by(rng, order.pickup, *planning.place_off_m)
        delivery = near_by(rng, order.delivery, *planning.place_off_m)
        loading = _planned_s(rng, order.loading_s, manner, planning.off_h)
        unloading = _planned_s(rng, order.unloading_s, manner, planning.off_h)
        rows.append(
            {
                "order_id": order.order_id,
                "vehicle_id": order.vehicle_id,
                "cargo_t": order.cargo_t,
                "pickup_lon": round(pickup.lon, 6),
                "pickup_lat": round(pickup.lat, 6),
                "delivery_lon": round(delivery.lon, 6),
                "delivery_lat": round(delivery.lat, 6),
                "pickup_time": as_moment(loading),
                "delivery_time": as_moment(max(unloading, loading + 60.0)),
                "driver_id": driver_id,
                "weight_source": "weighed" if rng.random() < 0.5 else "declared",
                "status": "delivered",
                "pickup_place": order.pickup.name,
                "delivery_place": order.delivery.name,
            }
        )
    return rows
