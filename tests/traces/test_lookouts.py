"""Where a truck was when a receipt says: distances on a straight road that anybody can check."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.lookouts import LookoutRules, Lookouts, Seen, look_out
from fleet_carbon.traces.trace import Trace, read_trace
from tests.builders import LAT_UDEG, START, TRACE_RULES, Truck, fixes_of, lon_at

RULES = LookoutRules(window_s=600.0, unseen_speed_kmh=60.0)
START_MS = round(START.timestamp() * 1000)


def look(trace: Trace, *, at_h: float, km: float, window_h: float = 1 / 6) -> Seen:
    """Look for the truck at a kilometre, so many hours after the start, ten minutes each side."""
    at_ms = START_MS + round(at_h * 3_600_000)
    wide_ms = round(window_h * 3_600_000)
    return look_out(
        trace,
        Lookouts(
            at_ms=np.array([at_ms]),
            from_ms=np.array([at_ms - wide_ms]),
            until_ms=np.array([at_ms + wide_ms]),
            lon=np.array([lon_at(km)]),
            lat=np.array([LAT_UDEG / 1e6]),
        ),
        RULES,
    )


def shuttle(step_s: float = 30.0) -> Truck:
    """Stands half an hour at km 0, drives to km 30 in half an hour, stands there half an hour."""
    return Truck(step_s=step_s).stand(0.5).drive_to(30.0).stand(0.5)


def test_a_truck_that_stands_at_the_pump_is_seen_standing_there() -> None:
    found = look(shuttle().trace(), at_h=1.25, km=30.05)
    assert found.fix_distance_m[0] == pytest.approx(50, abs=1)
    assert found.standing_distance_m[0] == pytest.approx(50, abs=1)
    # It arrived at 1 h 0 min, before the ten minutes; so it stood from their beginning.
    assert found.stood_ms[0] == START_MS + (75 - 10) * 60_000


def test_a_truck_elsewhere_is_told_by_its_distance_and_was_never_unseen() -> None:
    found = look(shuttle().trace(), at_h=1.25, km=45.0)
    assert found.fix_distance_m[0] == pytest.approx(15_000, rel=1e-4)
    assert found.standing_distance_m[0] == pytest.approx(15_000, rel=1e-4)
    # 30 s between positions are no way of 15 km and back.
    assert found.unseen_h[0] == 0


def test_a_truck_that_passes_by_comes_near_without_standing() -> None:
    found = look(shuttle().trace(), at_h=0.75, km=15.2)
    assert found.fix_distance_m[0] < 260  # half a kilometre between positions at 60 km/h
    assert np.isnan(found.standing_distance_m[0])
    assert np.isnan(found.stood_ms[0])
    # Between two positions there is no time left beside the drive itself.
    assert found.unseen_h[0] < 1e-6


def test_only_the_minutes_around_the_moment_are_looked_at() -> None:
    trace = shuttle().trace()
    # It stood at km 0 until 0.5 h; a purchase there at 0.66 h is within ten minutes, at 0.68 not.
    assert look(trace, at_h=0.66, km=0.0).standing_distance_m[0] == pytest.approx(0, abs=20)
    assert np.isnan(look(trace, at_h=0.68, km=0.0).standing_distance_m[0])
    assert look(trace, at_h=0.68, km=0.0).fix_distance_m[0] > 100


def test_between_sparse_positions_a_truck_may_have_been_there_unseen() -> None:
    # At km 10, then silent for an hour, then at km 20. Beside km 15 both ends are 5 km away, five
    # minutes at 60 km/h each; around the middle of the hour all twenty minutes are left.
    trace = Truck().stand(0.5).drive_to(10.0).silent(1.0, 20.0).drive_to(30.0).trace()
    middle_h = 0.5 + 1 / 6 + 0.5
    found = look(trace, at_h=middle_h, km=15.0)
    assert np.isnan(found.fix_distance_m[0])
    assert found.unseen_h[0] == pytest.approx(20 / 60)
    # 25 km beside the road there is an hour's way there and back and no time to fill.
    assert look(trace, at_h=middle_h, km=-20.0).unseen_h[0] == 0
    # An hour's window: the silence less the two drives of five minutes.
    assert look(trace, at_h=middle_h, km=15.0, window_h=0.5).unseen_h[0] == pytest.approx(50 / 60)


def test_a_truck_silent_while_it_stands_was_there_all_the_time() -> None:
    trace = Truck().stand(0.2).drive_to(30.0).stand(0.1).silent(2.0).stand(0.1).trace()
    found = look(trace, at_h=1.8, km=30.1)
    assert found.standing_distance_m[0] == pytest.approx(100, abs=10)
    assert np.isnan(found.fix_distance_m[0])
    assert found.silence_h[0] == pytest.approx(1.0, abs=0.02)


def test_before_the_first_and_after_the_last_position_everything_is_possible() -> None:
    trace = shuttle().trace()
    for at_h in (-3.0, 5.0):
        found = look(trace, at_h=at_h, km=50.0)
        assert np.isnan(found.fix_distance_m[0])
        assert np.isnan(found.standing_distance_m[0])
        assert found.unseen_h[0] == pytest.approx(2 / 6)
    # 60 km/h is 240 km in the four hours at most before the first position.
    assert look(trace, at_h=-3.0, km=250.0).unseen_h[0] == 0
    assert look(trace, at_h=-3.0, km=0.0).silence_h[0] == pytest.approx(3.0)


def test_dropped_positions_do_not_speak() -> None:
    rows = shuttle().frame()
    middle = len(rows) - 20
    rows.loc[middle, "lon_udeg"] += 5_000_000  # a teleport of 480 km while it stands at km 30
    trace = read_trace(fixes_of(rows), TRACE_RULES)
    assert sum(trace.dropped.values()) == 1
    at_h = (rows["time_ms"][middle] - START_MS) / 3_600_000
    found = look(trace, at_h=at_h, km=30.0 + 482.43)
    assert found.fix_distance_m[0] > 400_000


def test_the_odometer_is_read_between_two_readings() -> None:
    truck = shuttle()
    km = [0.0, *(row[1] + 1000.0 for row in truck.rows[1:]), 1030.0]  # the first one is no reading
    found = look(truck.trace(odometer_km=np.array(km)), at_h=0.75, km=15.0)
    assert found.odometer_km[0] == pytest.approx(1015.0)
    assert np.isnan(look(truck.trace(odometer_km=np.array(km)), at_h=9.0, km=0.0).odometer_km[0])
    assert np.isnan(look(shuttle().trace(), at_h=0.75, km=15.0).odometer_km[0])


def test_without_positions_nothing_is_said() -> None:
    nothing = Fixes(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    found = look(read_trace(nothing, TRACE_RULES), at_h=0.0, km=0.0)
    assert np.isnan(found.fix_distance_m[0])
    assert np.isnan(found.silence_h[0])
    assert found.unseen_h[0] == pytest.approx(2 / 6)


def test_without_a_place_only_the_counter_speaks() -> None:
    found = look(shuttle().trace(odometer_km=7.0), at_h=0.75, km=float("nan"))
    assert np.isnan(found.fix_distance_m[0])
    assert found.odometer_km[0] == 7.0


def test_lookouts_do_not_disturb_each_other() -> None:
    trace = shuttle().trace()
    hours, km = np.array([0.2, 1.25, 0.75, 9.0]), np.array([0.0, 30.0, 15.0, 0.0])
    at_ms = START_MS + (hours * 3_600_000).astype(np.int64)
    lookouts = Lookouts(
        at_ms, at_ms - 600_000, at_ms + 600_000,
        np.array([lon_at(one) for one in km]), np.full(4, LAT_UDEG / 1e6),
    )  # fmt: skip
    together = look_out(trace, lookouts, RULES)
    for row in range(4):
        alone = look_out(trace, lookouts.take(slice(row, row + 1)), RULES)
        for name, column in vars(together).items():
            assert np.array_equal(column[row : row + 1], vars(alone)[name], equal_nan=True)
