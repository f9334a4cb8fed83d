"""What an order adds, by hand: stops on the meridian, no detour, one degree is 111.195 km."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fleet_carbon.dispatch.driving_hours import DrivingHours, Hours
from fleet_carbon.dispatch.insertion import OBSTACLES, Added, Trucks, add
from fleet_carbon.dispatch.tours import Roads, Starts, Stops

DEGREE_KM = 111.195
ROADS = Roads(detour_ratio=1.0, speed_kmh=111.195)  # a degree takes an hour
RULES = DrivingHours(continuous_h_max=100, break_h=1, day_h_max=100, rest_h=10)


def orders(*rows: tuple[float, float, float, float, float]) -> Stops:
    """One truck's orders: from and to latitude, planned hours, tonnes; windows of two hours."""
    lat = np.array([[end for one in rows for end in one[:2]]]).reshape(1, -1)
    planned = np.array([[hour for one in rows for hour in one[2:4]]]).reshape(1, -1)
    tonnes = np.array([[change for one in rows for change in (one[4], -one[4])]]).reshape(1, -1)
    return Stops(
        lon=0 * lat,
        lat=lat,
        planned_h=planned,
        earliest_h=np.full(lat.shape, -1e9),
        latest_h=planned + 2,
        service_h=0 * lat,
        loaded_t=tonnes,
        loaded_m3=2 * tonnes,
        is_there=np.ones(lat.shape, dtype=bool),
    )


def truck(committed: Stops, *, lat: float = 0, aboard_t: float = 0, rated_t: float = 20) -> Trucks:
    one = np.ones(1)
    start = Starts(0 * one, lat * one, 0 * one, aboard_t * one, 2 * aboard_t * one,
                   Hours(0 * one, 0 * one))  # fmt: skip
    return Trucks(start, committed, rated_t * one, np.inf * one)


def obstacle(added: Added) -> str:
    return "" if added.obstacle[0] < 0 else OBSTACLES[added.obstacle[0]]


def test_for_a_free_truck_the_approach_is_all_that_is_beyond_the_way() -> None:
    added = add(truck(orders()), orders((1, 3, 2, 5, 10)), ROADS, rules=RULES)
    assert added.approach_km[0, 0] == pytest.approx(DEGREE_KM, rel=1e-5)
    assert added.beyond_km[0] == pytest.approx(DEGREE_KM, rel=1e-5)
    assert added.empty_km[0] == pytest.approx(DEGREE_KM, rel=1e-5)
    assert added.loaded_km[0] == pytest.approx(2 * DEGREE_KM, rel=1e-5)
    assert added.onboard_km[0, 0] == pytest.approx(2 * DEGREE_KM, rel=1e-5)
    assert added.is_approach_empty[0, 0]
    assert (added.loads_h[0, 0], added.unloads_h[0, 0]) == pytest.approx((1, 3), rel=1e-5)
    assert obstacle(added) == ""


def test_a_part_load_on_the_way_is_beyond_nothing_and_spares_its_own_way() -> None:
    # Committed 0 to 4; the new one from 1 to 3 lies on that way.
    busy = truck(orders((0, 4, 0, 6, 8)))
    added = add(busy, orders((1, 3, 2, 4, 10)), ROADS, rules=RULES)
    assert added.beyond_km[0] == pytest.approx(-2 * DEGREE_KM, rel=1e-5)
    assert (added.empty_km[0], added.loaded_km[0]) == pytest.approx((0, 0), abs=1e-6)
    assert added.work_tkm[0] == pytest.approx(10 * 2 * DEGREE_KM, rel=1e-5)
    assert added.aboard_t[0, 0] == 18
    assert added.shared[0, 0].tolist() == [True]
    assert not added.is_approach_empty[0, 0]
    full = add(truck(orders((0, 4, 0, 6, 12))), orders((1, 3, 2, 4, 10)), ROADS, rules=RULES)
    assert obstacle(full) == "no_room_left"


def test_an_order_after_another_starts_where_that_ends_and_shares_nothing() -> None:
    busy = truck(orders((0, 4, 0, 4, 8)))
    added = add(busy, orders((5, 6, 6, 8, 10)), ROADS, rules=RULES)
    assert added.approach_km[0, 0] == pytest.approx(DEGREE_KM, rel=1e-5)
    assert added.is_approach_empty[0, 0]
    assert not added.shared.any()
    assert added.aboard_t[0, 0] == 10


def test_what_is_aboard_now_is_shared_until_it_is_unloaded() -> None:
    aboard = orders((0, 2, 0, 3, 8))
    aboard = replace(aboard, is_there=np.array([[False, True]]))
    added = add(truck(aboard, aboard_t=8), orders((1, 5, 1, 6, 10)), ROADS, rules=RULES)
    assert added.shared[0, 0].tolist() == [True]
    assert added.aboard_t[0, 0] == 18


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ((1, 3, 2, 5, 21), "too_heavy"),
        ((9, 10, 2, 5, 1), "too_late"),  # nine hours away, wanted within four
        ((2, 1, 1, 2, 1), "delays_others"),  # there and back before a stop at 3, due by then
    ],
)
def test_obstacles_are_named(order: tuple[float, ...], reason: str) -> None:
    # Committed: 3 to 4, loading at 2 o'clock and no later than 4.
    added = add(truck(orders((3, 4, 2, 9, 5))), orders(order), ROADS, rules=RULES)  # type: ignore[arg-type]
    assert obstacle(added) == reason


def test_several_orders_at_once_are_told_one_by_one() -> None:
    added = add(truck(orders()), orders((1, 2, 1, 2, 5), (2, 4, 3, 6, 5)), ROADS, rules=RULES)
    assert added.approach_km[0] == pytest.approx([DEGREE_KM, 0], abs=1e-3)
    assert added.onboard_km[0] == pytest.approx([DEGREE_KM, 2 * DEGREE_KM], rel=1e-5)
    assert added.beyond_km[0] == pytest.approx(DEGREE_KM, rel=1e-5)
