"""Tours by hand: stops on the meridian, a detour of 1.5, 50 km/h, one degree is 111.195 km."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fleet_carbon.dispatch.driving_hours import DrivingHours, Hours
from fleet_carbon.dispatch.tours import Roads, Starts, Stops, follow

DEGREE_KM = 111.195 * 1.5  # 2 pi 6371.0088 / 360 km of meridian
ROADS = Roads(detour_ratio=1.5, speed_kmh=50)
RULES = DrivingHours(continuous_h_max=4, break_h=0.5, day_h_max=8, rest_h=10)
NONE = np.zeros(1)
START = Starts(NONE, NONE, NONE, NONE, NONE, Hours(NONE, NONE))


def stops(*rows: tuple[float, float, float], earliest_h: float = -1e9) -> Stops:
    """One tour of stops: latitude, planned hour, tonnes loaded; an hour of standing at each."""
    lat, planned, loaded = (np.array([column]) for column in zip(*rows, strict=True))
    every = np.ones_like(lat)
    return Stops(
        lon=0 * every,
        lat=lat,
        planned_h=planned,
        earliest_h=earliest_h * every,
        latest_h=planned + 2,
        service_h=every,
        loaded_t=loaded,
        loaded_m3=3 * loaded,
        is_there=every > 0,
    )


def test_the_approach_is_empty_and_the_way_is_loaded() -> None:
    driven = follow(START, stops((1, 4, 10), (3, 12, -10)), ROADS, rules=RULES)
    assert driven.to_km[0] == pytest.approx([DEGREE_KM, 2 * DEGREE_KM], rel=1e-5)
    assert driven.empty_km[0] == pytest.approx(DEGREE_KM, rel=1e-5)
    assert driven.work_tkm[0] == pytest.approx(10 * 2 * DEGREE_KM, rel=1e-5)
    assert (driven.most_t[0], driven.most_m3[0]) == (10, 30)
    # 166.79 km take 3.336 h; then an hour of loading; of the 6.672 h that follow 4 - 3.336 are
    # driven before the break, and again 4 before the rest.
    first_h = DEGREE_KM / 50
    assert driven.arrived_h[0, 0] == pytest.approx(first_h, rel=1e-5)
    assert 3 * first_h == pytest.approx(10.007, abs=1e-3)
    assert driven.arrived_h[0, 1] == pytest.approx(3 * first_h + 1 + 0.5 + 10, rel=1e-5)


def test_stops_are_driven_by_plan_however_they_are_given() -> None:
    given = stops((3, 12, -10), (1, 4, 10))
    driven = follow(START, given, ROADS, rules=RULES)
    assert driven.to_km[0] == pytest.approx([2 * DEGREE_KM, DEGREE_KM], rel=1e-5)


def test_a_part_load_on_the_way_adds_no_empty_kilometres() -> None:
    # Loaded at 1, another 5 t from 2 to 3 on the way to 4: all is driven loaded but the approach.
    driven = follow(
        START, stops((1, 4, 10), (2, 6, 5), (3, 8, -5), (4, 20, -10)), ROADS, rules=RULES
    )
    assert driven.empty_km[0] == pytest.approx(DEGREE_KM, rel=1e-5)
    assert driven.aboard_t[0].tolist() == [0, 10, 15, 10]
    assert driven.most_t[0] == 15


def test_a_stop_that_is_not_there_changes_nothing() -> None:
    given = stops((1, 4, 10), (50, 5, 99), (3, 12, -10))
    without = replace(given, is_there=np.array([[True, False, True]]))
    driven = follow(START, without, ROADS, rules=RULES)
    assert driven.distance_km[0] == pytest.approx(3 * DEGREE_KM, rel=1e-5)
    assert driven.most_t[0] == 10


def test_who_arrives_late_is_late_by_so_much_and_who_is_early_waits() -> None:
    late = follow(START, stops((1, 0.5, 1)), ROADS, rules=RULES)
    assert late.late_h[0, 0] == pytest.approx(DEGREE_KM / 50 - 2.5, rel=1e-4)
    # Waiting from 3.336 h until 20 h is a rest: 3.336 h to the next stop need no break then.
    given = stops((1, 20, 1), (2, 24, -1), earliest_h=20)
    early = follow(START, replace(given, earliest_h=np.array([[20.0, 0.0]])), ROADS, rules=RULES)
    assert early.late_h[0].tolist() == [0, 0]
    assert early.arrived_h[0, 1] == pytest.approx(20 + 1 + DEGREE_KM / 50, rel=1e-5)
