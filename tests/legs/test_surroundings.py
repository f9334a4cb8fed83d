"""What a leg climbed, and how warm the air was."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import Truck, legs_of


def drive() -> Truck:
    """An hour of standing, two hours of driving with 60 km/h, an hour of standing; 30 s a fix."""
    return Truck().stand(1.0).drive_to(120.0).stand(1.0)


def hours(truck: Truck) -> np.ndarray:
    return (truck.frame()["time_ms"].to_numpy() - truck.frame()["time_ms"].iloc[0]) / 3.6e6


def climbed_m(truck: Truck, altitude_m: np.ndarray) -> float:
    legs = legs_of(truck.trace(altitude_m=altitude_m), []).legs
    return float(legs.loc[legs["distance_km"] > 0.0, "climbed_m"].iloc[0])


def test_up_a_pass_and_down_and_up_again_is_the_sum_of_both_ascents() -> None:
    truck = drive()
    # From 200 m up to 1,000 m, down to 400 m, up to 700 m: 800 + 300 m. Averages over 90 s of a
    # road that climbs 1,600 m an hour round each turn off by up to 40 m.
    altitude_m = np.interp(hours(truck), [1.0, 1.5, 2.5, 3.0], [200.0, 1000.0, 400.0, 700.0])
    assert climbed_m(truck, altitude_m) == pytest.approx(1100.0, abs=80.0)


def test_the_noise_of_altitudes_climbs_nothing() -> None:
    truck = drive()
    noise = np.random.default_rng(5).normal(50.0, 3.0, len(truck.frame()))
    assert climbed_m(truck, noise) == 0.0
    assert climbed_m(truck, noise + 20.0 * hours(truck)) == pytest.approx(40.0, abs=8.0)


def test_nobody_knows_what_a_leg_climbed_where_altitudes_are_missing() -> None:
    truck = drive()
    altitude_m = 300.0 * hours(truck)
    assert climbed_m(truck, altitude_m) == pytest.approx(600.0, abs=15.0)
    # A quarter of the drive without altitude, then one altitude in five minutes.
    silent = np.where((hours(truck) > 1.5) & (hours(truck) < 2.0), np.nan, altitude_m)
    assert np.isnan(climbed_m(truck, silent))
    rare = np.where(np.arange(len(altitude_m)) % 10 == 0, altitude_m, np.nan)
    assert np.isnan(climbed_m(truck, rare))
    assert np.isnan(legs_of(truck.trace(), []).legs["climbed_m"]).all()


def test_the_temperature_of_a_leg_is_the_mean_of_those_sent_while_it_drove() -> None:
    truck = drive()
    # 10 degrees in the first hour of the drive, 20 in the second, 35 in the yards.
    warm = np.select(
        [(hours(truck) >= 1.0) & (hours(truck) < 2.0), (hours(truck) >= 2) & (hours(truck) <= 3.0)],
        [10.0, 20.0],
        35.0,
    )
    legs = legs_of(truck.trace(ambient_degc=warm), []).legs
    driven = legs["distance_km"] > 0.0
    assert legs.loc[driven, "ambient_degc_mean"].iloc[0] == pytest.approx(15.0, abs=0.05)
    assert legs.loc[~driven, "ambient_degc_mean"].isna().all()
