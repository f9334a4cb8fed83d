"""The metric, the speed gate, duplicates and conflicts, on a few fixes at a time."""

from __future__ import annotations

import numpy as np
import pytest
from geopy.distance import geodesic
from pyproj import Geod

from fleet_carbon.traces import kernels
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import Trace, read_trace
from tests.builders import LAT_UDEG, LON_UDEG, M_PER_UDEG_LON, TRACE_RULES, Truck


@pytest.mark.parametrize("lat", [0.0, 23.1, 39.9, 53.0, 69.0])
@pytest.mark.parametrize("east", [-0.01, 0.0, 0.02])
def test_a_step_is_as_long_as_the_geodesic(lat: float, east: float) -> None:
    # Karney's geodesic is the outside measure; steps of up to 2 km.
    step = kernels.step_m(116e6, lat * 1e6, (116 + east) * 1e6, (lat + 0.01) * 1e6)
    assert step == pytest.approx(geodesic((lat, 116.0), (lat + 0.01, 116.0 + east)).m, rel=1e-5)


def test_steps_of_a_drive_are_as_long_as_the_geodesic_to_a_millionth() -> None:
    random = np.random.default_rng(1)
    count = 20_000
    lat, lon = random.uniform(-70.0, 70.0, count), random.uniform(-180.0, 180.0, count)
    length_m = random.uniform(200.0, 1500.0, count)
    ahead = Geod(ellps="WGS84").fwd(lon, lat, random.uniform(0.0, 360.0, count), length_m)
    places = np.column_stack([lon, lat, ahead[0], ahead[1]]) * 1e6
    step_m = np.array([kernels.step_m(*place) for place in places])
    np.testing.assert_allclose(step_m, length_m, rtol=1e-6)


def test_a_step_over_the_date_line_is_short() -> None:
    assert kernels.step_m(179.999e6, 0.0, -179.999e6, 0.0) == pytest.approx(222.64, abs=0.01)


def read(rows: list[tuple[float, float]], **columns: object) -> Trace:
    """Read fixes given as (seconds, km along the road)."""
    truck = Truck()
    truck.rows = rows[:-1]
    truck.at_s, truck.km = rows[-1]
    return truck.trace(**columns)


def driven_km(trace: Trace) -> float:
    return float(trace.driven_m[-1]) / 1000.0


DRIVE = [(30.0 * i, 0.5 * i) for i in range(20)]


def test_a_drive_is_as_long_as_its_road() -> None:
    trace = read(DRIVE)
    assert driven_km(trace) == pytest.approx(9.5, abs=0.01)
    assert trace.dropped == {}


def test_a_fix_that_comes_twice_counts_once() -> None:
    trace = read(sorted([*DRIVE, DRIVE[3], DRIVE[3], DRIVE[9]]))
    assert driven_km(trace) == pytest.approx(9.5, abs=0.01)
    assert trace.dropped == {"duplicate": 3}


def test_of_two_places_at_one_moment_the_nearer_is_kept() -> None:
    trace = read(sorted([*DRIVE, (150.0, 2.9)]))
    assert trace.dropped == {"time_conflict": 1}
    assert driven_km(trace) == pytest.approx(9.5, abs=0.01)


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_teleport_is_dropped_and_the_road_stays(length: int) -> None:
    rows = list(DRIVE)
    for i in range(6, 6 + length):
        rows[i] = (rows[i][0], rows[i][1] + 200.0)
    trace = read(rows)
    assert trace.dropped == {"teleport": length}
    assert driven_km(trace) == pytest.approx(9.5, abs=0.01)


def test_a_teleport_as_the_last_fix_is_dropped() -> None:
    trace = read([*DRIVE, (600.0, 300.0)])
    assert trace.dropped == {"teleport": 1}


def test_a_wrong_first_fix_adds_no_distance() -> None:
    trace = read([(0.0, 400.0), *[(t + 30.0, km) for t, km in DRIVE]])
    assert driven_km(trace) == pytest.approx(9.5, abs=0.01)


def test_a_stranger_after_a_silence_does_not_drag_the_road_away() -> None:
    # Reachable over an hour of silence, but not on the way back: only the stranger goes.
    rows = [*DRIVE, (4200.0, 70.0), *[(4230.0 + 30 * i, 10.0 + 0.5 * i) for i in range(20)]]
    trace = read(rows)
    assert trace.dropped == {"teleport": 1}
    assert driven_km(trace) < 22.0


def test_a_truck_that_really_moved_on_is_followed_without_distance() -> None:
    far = [(600.0 + 30 * i, 500.0 + 0.5 * i) for i in range(20)]
    trace = read([*DRIVE, *far])
    assert trace.dropped == {}
    assert (trace.link == kernels.LINK_JUMP).sum() == 1
    assert driven_km(trace) == pytest.approx(19.0, abs=0.02)


def test_a_quick_there_and_back_of_one_fix_is_a_spike() -> None:
    rows = [(30.0 * i, 0.0) for i in range(20)]
    rows[10] = (300.0, 1.0)  # 1 km in 30 s is 120 km/h: within the gate, yet no truck turns so
    trace = read(rows)
    assert trace.dropped == {"teleport": 1}
    assert driven_km(trace) == 0.0


def test_null_island_and_inaccurate_fixes_are_counted_by_reason() -> None:
    fixes = Truck().drive_to(10.0).fixes()
    lon, lat = fixes.lon_udeg.copy(), fixes.lat_udeg.copy()
    lon[4], lat[4] = 0, 0
    accuracy = np.full(len(fixes), 5.0)
    accuracy[7] = 800.0
    spoilt = Fixes(
        fixes.time_ms, lon, lat, fixes.speed_kmh, accuracy,
        fixes.odometer_km, fixes.fuel_used_l, fixes.gross_mass_t, fixes.driver_id,
    )  # fmt: skip
    trace = read_trace(spoilt, TRACE_RULES)
    assert trace.dropped == {"inaccurate": 1, "null_island": 1}
    assert len(spoilt) == len(trace.kept) + sum(trace.dropped.values())


def test_the_builder_measures_what_it_says() -> None:
    # The constant of the builder against the geodesic along the parallel (1 km steps).
    lon = (LON_UDEG + 1000.0 / M_PER_UDEG_LON) / 1e6
    assert geodesic((LAT_UDEG / 1e6, 114.0), (LAT_UDEG / 1e6, lon)).m == pytest.approx(
        1000, abs=0.1
    )
