"""How long a plan takes, and how many empty kilometres it spares against the nearest truck first.

    python -m benchmarks.plan_rate [--sizes 100,200,500] [--largest]

Trucks and orders at random places of a square of 600 km, windows of two hours through one day,
payloads of 10 to 32 t; each size three times, the best time is told. Places of a seed, so that
every run has the same numbers but for the seconds. `--largest` adds 1,000 orders.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.dispatch.assigning import NOBODY, one_each
from fleet_carbon.dispatch.driving_hours import DrivingHours, Hours
from fleet_carbon.dispatch.insertion import Trucks, add
from fleet_carbon.dispatch.tours import Roads, Starts, Stops

RULES = DrivingHours(continuous_h_max=4, break_h=1 / 3, day_h_max=8, rest_h=8)
ROADS = Roads(detour_ratio=1.3, speed_kmh=60)
SQUARE_DEG, HAUL_DEG, DAY_H, ROWS_AT_ONCE = 5.4, 3.0, 24.0, 40_000


@dataclass(frozen=True)
class Case:
    """A fleet and its orders."""

    trucks: Trucks
    orders: Stops


def made(size: int, seed: int) -> Case:
    """So many trucks, each with one order to finish first, and so many orders."""
    chance = np.random.default_rng(seed)
    place = 30 + chance.uniform(0, SQUARE_DEG, (6, size))
    none, cargo_t = np.zeros(size), chance.uniform(2, 25, size)
    pickup_h = chance.uniform(4, DAY_H, size)
    starts = Starts(place[0] + 75, place[1], chance.uniform(0, 4, size), none, none,
                    Hours(none, none))  # fmt: skip
    rated_t = chance.choice([10.0, 16.0, 32.0], size)
    return Case(
        Trucks(starts, _stops(np.zeros((size, 0))), rated_t, np.full(size, np.inf)),
        _stops(
            np.stack([pickup_h, pickup_h + 10], axis=1),
            lon=np.stack([place[2], place[2] + chance.uniform(0.5, HAUL_DEG, size)], axis=1) + 75,
            lat=np.stack([place[3], place[5]], axis=1),
            cargo_t=cargo_t,
        ),
    )


def _stops(
    planned_h: NDArray[np.float64],
    *,
    lon: NDArray[np.float64] | None = None,
    lat: NDArray[np.float64] | None = None,
    cargo_t: NDArray[np.float64] | None = None,
) -> Stops:
    nothing = np.zeros_like(planned_h)
    loaded_t = nothing if cargo_t is None else np.stack([cargo_t, -cargo_t], axis=1)
    return Stops(
        lon=nothing if lon is None else lon,
        lat=nothing if lat is None else lat,
        planned_h=planned_h,
        earliest_h=planned_h - 2,
        latest_h=planned_h + 2,
        service_h=nothing + 1,
        loaded_t=loaded_t,
        loaded_m3=nothing,
        is_there=np.ones(planned_h.shape, dtype=bool),
    )


def priced(case: Case) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Metres beyond and whether it is possible, of every order on every truck."""
    trucks, orders = len(case.trucks.rated_t), len(case.orders.lon)
    cost_m = np.zeros((orders, trucks), dtype=np.int64)
    able = np.zeros((orders, trucks), dtype=bool)
    step = max(1, ROWS_AT_ONCE // trucks)
    for first in range(0, orders, step):
        some = np.arange(first, min(orders, first + step))
        truck = np.tile(np.arange(trucks), len(some))
        added = add(
            case.trucks.at(truck), case.orders.at(np.repeat(some, trucks)), ROADS, rules=RULES
        )
        cost_m[some] = np.rint(1000 * added.beyond_km).astype(np.int64).reshape(len(some), -1)
        able[some] = (added.obstacle < 0).reshape(len(some), -1)
    return cost_m, able


def nearest_first(cost_m: NDArray[np.int64], able: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Order by order the nearest truck that is still free."""
    free = np.ones(cost_m.shape[1], dtype=bool)
    found = np.full(len(cost_m), NOBODY, dtype=np.intp)
    for order in range(len(cost_m)):
        choices = np.flatnonzero(able[order] & free)
        if len(choices):
            found[order] = choices[np.argmin(cost_m[order, choices])]
            free[found[order]] = False
    return found


def _told(cost_m: NDArray[np.int64], truck: NDArray[np.intp]) -> tuple[int, float]:
    served = np.flatnonzero(truck != NOBODY)
    return len(served), float(cost_m[served, truck[served]].sum()) / 1000


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="100,200,500")
    parser.add_argument("--largest", action="store_true")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")] + ([1000] if asked.largest else [])
    print("size  tours_s  choice_s  orders  empty_km  nearest: orders  empty_km  km per order")
    for size in sizes:
        case, tours_s, choice_s = made(size, seed=size), [], []
        for _ in range(3):
            begun = time.process_time()
            cost_m, able = priced(case)
            priced_at = time.process_time()
            truck = one_each(cost_m, able)
            tours_s.append(priced_at - begun)
            choice_s.append(time.process_time() - priced_at)
        best, near = _told(cost_m, truck), _told(cost_m, nearest_first(cost_m, able))
        each = " against ".join(f"{km / count:.1f}" for count, km in (best, near))
        print(
            f"{size:4d} {min(tours_s):8.2f} {min(choice_s):9.3f} {best[0]:7d} {best[1]:9,.0f}"
            f" {near[0]:16d} {near[1]:9,.0f}   {each}"
        )


if __name__ == "__main__":
    main()
