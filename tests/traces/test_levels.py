"""Fills and drains by the level of the tank."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.traces.levels import LevelChanges, LevelRules, find_level_changes
from tests.builders import EDITION, LAT_UDEG, START, Truck, lon_at

RULES = fill_rules(EDITION, "receipts", LevelRules, group="levels")
START_MS = round(START.timestamp() * 1000)


def there_and_on() -> Truck:
    """Drives from 1 to 3 h, stands at km 120 until 4 h, drives until 6 h, stands until 7 h."""
    return Truck().stand(1.0).drive_to(120.0).stand(1.0).drive_to(240.0).stand(1.0)


def hours(truck: Truck) -> np.ndarray:
    return (truck.frame()["time_ms"].to_numpy() - START_MS) / 3.6e6


def burning(truck: Truck, filled_l: float = 0.0, *, at_h: float = 3.4) -> np.ndarray:
    """A level of 400 l that falls by 20 l/h on the road, rises within ten minutes, and sloshes."""
    on_road_h = np.interp(hours(truck), [1.0, 3.0, 4.0, 6.0], [0.0, 2.0, 2.0, 4.0])
    rises = np.interp(hours(truck), [at_h, at_h + 1 / 6], [0.0, filled_l])
    slosh = np.random.default_rng(11).normal(0.0, 8.0, len(on_road_h))
    return 400.0 - 20.0 * on_road_h + rises + slosh


def changes(truck: Truck, level_l: np.ndarray) -> LevelChanges:
    return find_level_changes(truck.trace(fuel_level_l=level_l), RULES)


def test_a_fill_is_found_with_its_litres_its_time_and_its_place() -> None:
    truck = there_and_on()
    found = changes(truck, burning(truck, 250.0))
    # Medians of some thirty values that slosh by 8 l err by about 2 l.
    assert found.change_l == pytest.approx([250.0], abs=8.0)
    began_h, ended_h = ((at[0] - START_MS) / 3.6e6 for at in (found.started_ms, found.finished_ms))
    assert began_h <= 3.4 + 1 / 60
    assert ended_h >= 3.4 + 1 / 6 - 1 / 60
    assert 3.0 <= began_h < ended_h <= 4.0
    assert found.lon[0] == pytest.approx(lon_at(120.0), abs=1e-4)
    assert found.lat[0] == pytest.approx(LAT_UDEG / 1e6)


def test_sloshing_and_driving_fill_and_drain_nothing() -> None:
    truck = there_and_on()
    assert len(changes(truck, burning(truck))) == 0


def test_a_rise_below_the_least_of_the_edition_is_no_fill() -> None:
    truck = there_and_on()
    assert len(changes(truck, burning(truck, 15.0))) == 0
    assert len(changes(truck, burning(truck, 40.0))) == 1


def test_a_drain_at_night_is_found_and_an_engine_that_idles_all_night_is_none() -> None:
    truck = Truck().stand(1.0).drive_to(60.0).stand(12.0).drive_to(120.0).stand(1.0)
    slosh = np.random.default_rng(2).normal(0.0, 8.0, len(hours(truck)))
    idle = 500.0 + slosh - 4.0 * np.clip(hours(truck) - 2.0, 0.0, 12.0)  # 48 l by the morning
    assert len(changes(truck, idle)) == 0
    drained = idle - np.interp(hours(truck), [7.0, 7.1], [0.0, 80.0])
    found = changes(truck, drained)
    assert found.change_l == pytest.approx([-80.0], abs=8.0)
    assert 6.5 <= (found.started_ms[0] - START_MS) / 3.6e6 <= 7.0
    assert 7.1 <= (found.finished_ms[0] - START_MS) / 3.6e6 <= 7.6


def test_a_drain_and_a_fill_in_one_night_are_two_changes() -> None:
    truck = Truck().stand(1.0).drive_to(60.0).stand(12.0).drive_to(120.0).stand(1.0)
    level_l = 500.0 + np.interp(hours(truck), [5.0, 5.1, 9.0, 9.1], [0.0, -90.0, -90.0, 200.0])
    assert changes(truck, level_l).change_l.tolist() == [-90.0, 290.0]


def test_a_device_that_sleeps_while_the_truck_stands_tells_of_the_fill_when_it_leaves() -> None:
    truck = there_and_on()
    level_l = burning(truck, 250.0)
    level_l[(hours(truck) > 3.02) & (hours(truck) < 3.98)] = np.nan
    found = changes(truck, level_l)
    # Half a window of driving on either side, 7.5 min at 20 l/h, is missing: 5 l.
    assert found.change_l == pytest.approx([245.0], abs=8.0)


def test_too_few_values_tell_nothing() -> None:
    truck = there_and_on()
    level_l, number = burning(truck, 250.0), np.arange(len(hours(truck)))
    in_ten_minutes = np.where(number % 20 == 0, level_l, np.nan)
    assert len(changes(truck, in_ten_minutes)) == 0
    in_five_minutes = np.where(number % 10 == 0, level_l, np.nan)
    assert changes(truck, in_five_minutes).change_l == pytest.approx([250.0], abs=25.0)


def test_a_truck_that_tells_no_level_has_no_changes() -> None:
    assert len(find_level_changes(there_and_on().trace(), RULES)) == 0
