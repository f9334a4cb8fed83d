"""Fleets of any size that know the truth: `python -m benchmarks.generator FOLDER`.

A truck's month is a pure function of the seed and its number: trucks are made one by one, and
100 million fixes need no more memory than one truck. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks import driving
from fleet_carbon.frames import BASELINES, DRIVERS, ORDERS, VEHICLES

MONTH = "2026-09"
ZONE = "Asia/Shanghai"
COLUMNS = ("time_ms", "lon_udeg", "lat_udeg", "speed_dkmh")
# A truck yields this many fixes a month, give or take; sizes are named by it.
FIXES_PER_TRUCK = 85_200
_STOPS_MAX, _TRIPS_MAX, _GAPS_MAX = 800, 400, 400
_SITES_COUNT = 12
_SITE_KM = (10.0, 300.0)
# Rated payload, curb mass [t].
_TRUCKS = ((32.0, 15.8), (30.0, 15.2), (24.0, 12.5), (18.0, 10.0), (16.0, 9.4))
SCHEMA = pa.schema(
    [
        ("vehicle", pa.int32()),
        ("time_ms", pa.int64()),
        ("lon_udeg", pa.int32()),
        ("lat_udeg", pa.int32()),
        ("speed_dkmh", pa.int16()),
    ]
)


@dataclass(frozen=True)
class FleetPlan:
    """What fleet: as many trucks, a local month, and the seed of all chance."""

    trucks: int
    month: str = MONTH
    zone: str = ZONE
    seed: int = 1

    @property
    def bounds_ms(self) -> tuple[int, int]:
        """First moment of the month and the first after it. [ms]"""
        first = date.fromisoformat(f"{self.month}-01")
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        zone = ZoneInfo(self.zone)
        begins, ends = (
            datetime(day.year, day.month, 1, tzinfo=zone).timestamp() for day in (first, after)
        )
        return int(begins * 1000), int(ends * 1000)


@dataclass(frozen=True)
class TruckMonth:
    """One truck's month: what the device sent, and what really happened.

    Attributes
    ----------
    vehicle_id, driver_id : str
        Truck, and who drives it.
    rated_payload_t, curb_mass_t : float
        Of the truck. [t]
    fixes : dict of str to array
        `COLUMNS` and `arrival_ms`, in order of time, doubled rows beside each other.
    distance_km, loaded_km, tkm : float
        Driven in the month; with an order aboard; times its cargo.
    first_day_km : float
        Driven in the first 24 hours.
    stops : DataFrame
        arrive_ms, depart_ms, lon, lat, kind (customer, break, night); nothing shorter counts.
    gaps : DataFrame
        before_ms, after_ms (the fixes around it), distance_km driven between.
    orders : DataFrame
        Rows of `frames.ORDERS`.
    halts_count : int
        Times the traffic stood, 30 to 180 s; no stops.
    """

    vehicle_id: str
    driver_id: str
    rated_payload_t: float
    curb_mass_t: float
    fixes: dict[str, NDArray[np.int64]]
    distance_km: float
    loaded_km: float
    tkm: float
    first_day_km: float
    stops: pd.DataFrame
    gaps: pd.DataFrame
    orders: pd.DataFrame
    halts_count: int

    def __len__(self) -> int:
        return len(self.fixes["time_ms"])

    def in_order_of_arrival(self) -> dict[str, NDArray[np.int64]]:
        """The fixes as they came in."""
        order = np.argsort(self.fixes["arrival_ms"], kind="stable")
        return {name: column[order] for name, column in self.fixes.items()}


def fleet(plan: FleetPlan) -> Iterator[TruckMonth]:
    """All trucks, one after the other."""
    return (truck_month(plan, number) for number in range(plan.trucks))


def truck_month(plan: FleetPlan, number: int) -> TruckMonth:
    """The month of one truck."""
    chance = np.array([_seed(plan.seed, number)], dtype=np.uint64)
    begins_ms, ends_ms = plan.bounds_ms
    first_ms = begins_ms + 1000 * int(driving.between(chance, 0.0, 30.0))
    fixes_count = (ends_ms - first_ms - 1) // driving.FIX_MS + 1
    last_step = (ends_ms - first_ms) // (driving.STEP_S * 1000)
    sites = _sites(chance)
    path = np.zeros((4, fixes_count))
    stops, trips = np.zeros((_STOPS_MAX, 5)), np.zeros((_TRIPS_MAX, 5))
    first_weekday = date.fromisoformat(f"{plan.month}-01").weekday()
    stops_count, trips_count, halts_count = driving.live(
        chance, sites, path, stops, trips, first_weekday, last_step
    )
    fixes, gaps = _observed(chance, path, first_ms)
    moments = _Moments(first_ms)
    payload_t, curb_t = _TRUCKS[int(driving.uniform(chance) * len(_TRUCKS))]
    vehicle_id, driver_id = f"T{number:05d}", f"D{number:05d}"
    orders = _orders(chance, trips[:trips_count], sites, moments=moments, payload_t=payload_t)
    loaded_km = float(orders.pop("true_km").sum())
    tkm = float(orders.pop("true_tkm").sum())
    numbers = [f"{vehicle_id}-{one:03d}" for one in range(len(orders))]
    orders = orders.assign(order_id=numbers, vehicle_id=vehicle_id, driver_id=driver_id)
    return TruckMonth(
        vehicle_id=vehicle_id,
        driver_id=driver_id,
        rated_payload_t=payload_t,
        curb_mass_t=curb_t,
        fixes=fixes,
        distance_km=float(path[3].max()) / 1000.0,
        loaded_km=loaded_km,
        tkm=tkm,
        first_day_km=float(path[3, driving.STEPS_PER_DAY // driving.STEPS_PER_FIX]) / 1000.0,
        stops=_stop_table(stops[:stops_count], moments),
        gaps=gaps,
        orders=ORDERS.shape(orders),
        halts_count=halts_count,
    )


def _seed(seed: int, number: int) -> int:
    """Start of a truck's own stream, spread by the multipliers of splitmix64."""
    return ((seed * 0xBF58476D1CE4E5B9) ^ ((number + 1) * 0x94D049BB133111EB)) % 2**64


@dataclass(frozen=True)
class _Moments:
    first_ms: int

    def of(self, steps: NDArray[np.float64]) -> NDArray[np.int64]:
        """Moments of steps. [ms]"""
        return self.first_ms + steps.astype(np.int64) * (driving.STEP_S * 1000)


def _sites(chance: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Home and customers of a truck within China, shape (n, 2). [deg]"""
    home = driving.between(chance, 103.5, 120.5), driving.between(chance, 23.5, 37.5)
    sites = [home]
    while len(sites) < _SITES_COUNT:
        reach_m = 1000.0 * driving.between(chance, *_SITE_KM)
        angle = driving.between(chance, 0.0, 2.0 * np.pi)
        to_lon_m, to_lat_m = driving.metres_per_degree(home[1])
        lon = home[0] + reach_m * np.cos(angle) / to_lon_m
        lat = home[1] + reach_m * np.sin(angle) / to_lat_m
        if 103.0 <= lon <= 121.0 and 23.0 <= lat <= 38.0:
            sites.append((lon, lat))
    return np.array(sites)


def _observed(
    chance: NDArray[np.uint64], path: NDArray[np.float64], first_ms: int
) -> tuple[dict[str, NDArray[np.int64]], pd.DataFrame]:
    rows_max = 2 * path.shape[1]
    names = ("time_ms", "arrival_ms", "lon_udeg", "lat_udeg", "speed_dkmh")
    columns = tuple(np.empty(rows_max, dtype=np.int64) for _ in names)
    gaps = np.zeros((_GAPS_MAX, 3))
    rows_count, gaps_count = driving.observe(chance, path, first_ms, columns, gaps)
    fixes = {n: column[:rows_count] for n, column in zip(names, columns, strict=True)}
    before, after, km = gaps[:gaps_count].T
    return fixes, pd.DataFrame(
        {
            "before_ms": first_ms + before.astype(np.int64) * driving.FIX_MS,
            "after_ms": first_ms + after.astype(np.int64) * driving.FIX_MS,
            "distance_km": km,
        }
    )


def _stop_table(stops: NDArray[np.float64], moments: _Moments) -> pd.DataFrame:
    kinds = np.array(["customer", "break", "night"], dtype=object)
    return pd.DataFrame(
        {
            "arrive_ms": moments.of(stops[:, driving.STOP_ARRIVE]),
            "depart_ms": moments.of(stops[:, driving.STOP_DEPART]),
            "lon": stops[:, driving.STOP_LON],
            "lat": stops[:, driving.STOP_LAT],
            "kind": kinds[stops[:, driving.STOP_KIND].astype(int)],
        }
    )


def _orders(
    chance: NDArray[np.uint64],
    trips: NDArray[np.float64],
    sites: NDArray[np.float64],
    *,
    moments: _Moments,
    payload_t: float,
) -> pd.DataFrame:
    """Orders of about 70 % of the trips: places honest to 60 m, times to an hour or two."""
    loaded_share = driving.between(chance, 0.6, 0.8)
    rows: list[dict[str, Any]] = []
    for trip in trips:
        if driving.uniform(chance) > loaded_share:
            continue
        departed, arrived = moments.of(trip[[driving.TRIP_DEPART, driving.TRIP_ARRIVE]])
        cargo_t = round(payload_t * driving.between(chance, 0.35, 1.0), 2)
        error = [driving.two_normals(chance) for _ in range(3)]
        # Loading is planned half an hour before the departure, unloading a quarter after the
        # arrival, each with an error of 40 minutes (standard deviation) and 100 at most.
        late_ms = (2.4e6 * np.clip(error[0], -2.5, 2.5)).astype(np.int64).tolist()
        pickup_ms = int(departed) - 1_800_000 + late_ms[0]
        delivery_ms = max(int(arrived) + 900_000 + late_ms[1], pickup_ms + 900_000)
        pickup, delivery = sites[int(trip[driving.TRIP_FROM])], sites[int(trip[driving.TRIP_TO])]
        rows.append(
            {
                "cargo_t": cargo_t,
                **_place("pickup", pickup, error[1]),
                **_place("delivery", delivery, error[2]),
                "pickup_time": _minute(pickup_ms),
                "delivery_time": _minute(delivery_ms),
                "true_km": float(trip[driving.TRIP_KM]),
                "true_tkm": float(trip[driving.TRIP_KM]) * cargo_t,
            }
        )
    fixed = {
        "weight_source": "weighed",
        "status": "delivered",
        "version": 1,
        "pickup_uncertainty_km": 0.0,
        "delivery_uncertainty_km": 0.0,
    }
    return pd.DataFrame(rows).assign(**fixed)


def _place(end: str, site: NDArray[np.float64], error: tuple[float, float]) -> dict[str, float]:
    to_lon_m, to_lat_m = driving.metres_per_degree(float(site[1]))
    return {
        f"{end}_lon": round(float(site[0]) + 60.0 * error[0] / to_lon_m, 6),
        f"{end}_lat": round(float(site[1]) + 60.0 * error[1] / to_lat_m, 6),
    }


def _minute(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms // 60_000 * 60, tz=UTC)


def register(trucks: list[TruckMonth]) -> dict[str, pd.DataFrame]:
    """Vehicles, drivers, orders and baselines of these trucks, as frames of the house."""
    if not trucks:
        raise ValueError("a fleet without trucks has no register")
    ids = {"vehicle_id": [one.vehicle_id for one in trucks]}
    drivers = {"driver_id": [one.driver_id for one in trucks]}
    vehicles = pd.DataFrame(ids).assign(
        rated_payload_t=[one.rated_payload_t for one in trucks],
        curb_mass_t=[one.curb_mass_t for one in trucks],
        energy="diesel",
    )
    declared = pd.DataFrame(drivers).assign(
        valid_from="2026-01-01",
        empty_share=0.35,
        payload_utilisation_share=0.55,
        search_share=0.8,
    )
    people = pd.DataFrame(drivers | ids).assign(name=drivers["driver_id"], joined_on="2026-01-01")
    return {
        "vehicles": VEHICLES.shape(vehicles),
        "drivers": DRIVERS.shape(people),
        "orders": pd.concat([one.orders for one in trucks], ignore_index=True),
        "baselines": BASELINES.shape(declared),
    }


def integer_table(number: int, truck: TruckMonth) -> pa.Table:
    """The fixes of one truck in order of time, in the narrowest integers (`SCHEMA`)."""
    columns = [np.full(len(truck), number), *(truck.fixes[name] for name in COLUMNS)]
    return pa.table(
        [
            pa.array(c.astype(t.to_pandas_dtype()))
            for c, t in zip(columns, SCHEMA.types, strict=True)
        ],
        schema=SCHEMA,
    )


def write_sorted(
    path: Path, plan: FleetPlan, seen: Callable[[TruckMonth], None], trucks_per_group: int = 12
) -> int:
    """Fixes of the fleet by truck and time as Parquet of integers; says how many.

    `seen` is shown every truck when its fixes are written, without them.
    """
    rows, held = 0, []
    with pq.ParquetWriter(
        path,
        SCHEMA,
        compression="zstd",
        compression_level=1,
        use_dictionary=False,
        column_encoding=dict.fromkeys(SCHEMA.names, "DELTA_BINARY_PACKED"),
    ) as writer:
        for number, truck in enumerate(fleet(plan)):
            held.append(integer_table(number, truck))
            rows += len(truck)
            seen(replace(truck, fixes={}))
            if len(held) == trucks_per_group or number == plan.trucks - 1:
                table = pa.concat_tables(held).combine_chunks()
                writer.write_table(table, row_group_size=table.num_rows)
                held = []
    return rows


def main() -> None:
    """Write fixes and truth of a fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trucks", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    plan = FleetPlan(arguments.trucks, seed=arguments.seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    trucks: list[TruckMonth] = []
    fixes_count = write_sorted(arguments.folder / "fixes.parquet", plan, trucks.append)
    truth = [
        (one.vehicle_id, one.distance_km, one.loaded_km, one.tkm, len(one.stops), len(one.orders))
        for one in trucks
    ]
    names = ["vehicle_id", "distance_km", "loaded_km", "tkm", "stops_count", "orders_count"]
    table = pd.DataFrame(truth, columns=names)
    table.to_csv(arguments.folder / "truth.csv", index=False, lineterminator="\n")
    print(f"{fixes_count:,} fixes of {plan.trucks} trucks")


if __name__ == "__main__":
    main()
