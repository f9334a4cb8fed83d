"""The generator keeps its promises: bytes, counts, and a truth that fits its fixes."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import driving
from benchmarks.generator import FleetPlan, TruckMonth, fleet, truck_month

PLAN = FleetPlan(3)


@pytest.fixture(scope="module")
def trucks() -> list[TruckMonth]:
    return list(fleet(PLAN))


def test_the_same_seed_gives_the_same_fixes_and_another_seed_others() -> None:
    first, again = truck_month(PLAN, 1), truck_month(PLAN, 1)
    other = truck_month(FleetPlan(3, seed=2), 1)
    for name, column in first.fixes.items():
        assert column.tobytes() == again.fixes[name].tobytes()
    assert first.orders.equals(again.orders)
    assert first.fixes["lon_udeg"].tobytes() != other.fixes["lon_udeg"].tobytes()


def test_the_month_is_the_local_one(trucks: list[TruckMonth]) -> None:
    # 2026-09-01 and 2026-10-01 0:00 in UTC+8.
    begins_ms, ends_ms = 1_788_192_000_000, 1_790_784_000_000
    assert PLAN.bounds_ms == (begins_ms, ends_ms)
    for truck in trucks:
        assert begins_ms <= truck.fixes["time_ms"].min() < begins_ms + driving.FIX_MS
        assert ends_ms - driving.FIX_MS * 130 < truck.fixes["time_ms"].max() < ends_ms


def test_no_fix_lies_in_a_gap_and_gaps_last_five_minutes_to_an_hour(
    trucks: list[TruckMonth],
) -> None:
    for truck in trucks:
        times = truck.fixes["time_ms"]
        for gap in truck.gaps.itertuples():
            inside = (times > gap.before_ms) & (times < gap.after_ms)
            assert not inside.any()
            assert 300_000 <= gap.after_ms - gap.before_ms <= 3_660_000


def test_stops_last_at_least_twenty_minutes_and_do_not_overlap(trucks: list[TruckMonth]) -> None:
    for truck in trucks:
        arrive, depart = truck.stops["arrive_ms"].to_numpy(), truck.stops["depart_ms"].to_numpy()
        # The first and the last are cut by the month.
        assert ((depart - arrive)[1:-1] >= 1_200_000).all()
        assert (arrive[1:] > depart[:-1]).all()


def test_the_truth_in_km_lies_between_the_straight_ways_and_a_third_more(
    trucks: list[TruckMonth],
) -> None:
    # A road is never shorter than the straight line from stop to stop; bends of up to 0.9 rad
    # (0.6 and 0.3) about the direction of the target cannot make it 1.6 times as long.
    for truck in trucks:
        lon, lat = truck.stops["lon"].to_numpy(), truck.stops["lat"].to_numpy()
        to_m = [driving.metres_per_degree(value) for value in (lat[1:] + lat[:-1]) / 2]
        east = np.diff(lon) * [one[0] for one in to_m]
        north = np.diff(lat) * [one[1] for one in to_m]
        straight_km = np.hypot(east, north).sum() / 1000.0
        assert straight_km < truck.distance_km < 1.6 * straight_km


def test_doubled_late_and_wrong_rows_are_as_many_as_promised(trucks: list[TruckMonth]) -> None:
    rows = sum(len(truck) for truck in trucks)
    doubled = sum(int((np.diff(truck.fixes["time_ms"]) == 0).sum()) for truck in trucks)
    late = sum(
        int((truck.fixes["arrival_ms"] - truck.fixes["time_ms"] > 120_000).sum())
        for truck in trucks
    )
    assert doubled / rows == pytest.approx(0.005, rel=0.2)
    # Of delays with a mean of 5 minutes exp(-0.4) = 67 % exceed two.
    assert late / rows == pytest.approx(0.005 * 0.67, rel=0.25)


def test_every_order_has_stops_at_both_its_places(trucks: list[TruckMonth]) -> None:
    for truck in trucks:
        assert 20 <= len(truck.orders) <= 90
        lon, lat = truck.stops["lon"].to_numpy(), truck.stops["lat"].to_numpy()
        for order in truck.orders.itertuples():
            for place in (
                (order.pickup_lon, order.pickup_lat),
                (order.delivery_lon, order.delivery_lat),
            ):
                to_lon_m, to_lat_m = driving.metres_per_degree(place[1])
                apart_m = np.hypot((lon - place[0]) * to_lon_m, (lat - place[1]) * to_lat_m)
                assert apart_m.min() < 400.0
