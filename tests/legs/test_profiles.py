"""How fast a leg was driven: kilometres by speed, energy gained, time in motion, rests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import read_trace
from tests.builders import (
    LAT_UDEG,
    LON_UDEG,
    M_PER_UDEG_LON,
    START,
    TRACE_RULES,
    Truck,
    legs_of,
)

BINS = [f"driven_v{low:02d}_km" for low in range(0, 100, 10)]


def driven(truck: Truck, **columns: object) -> pd.DataFrame:
    """The legs of the truck that have a distance."""
    legs = legs_of(truck.trace(**columns), []).legs
    return legs[legs["distance_km"] > 0.0].reset_index(drop=True)


def energy_j_per_kg(speed_kmh: float) -> float:
    return 0.5 * (speed_kmh / 3.6) ** 2


def km_at(leg: pd.Series, low_kmh: int) -> float:
    return float(leg[f"driven_v{low_kmh:02d}_km"])


def test_an_even_drive_lies_in_one_bin_and_gains_the_energy_of_its_speed_once() -> None:
    leg = driven(Truck().stand(1.0).drive_to(65.0, 65.0).stand(1.0)).iloc[0]
    assert km_at(leg, 60) == pytest.approx(65.0, abs=1.2)  # less the steps out of and into a stop
    assert leg[BINS].sum() == pytest.approx(leg["distance_km"], rel=1e-9)
    # (65 / 3.6)^2 / 2 = 163.0
    assert leg["kinetic_gained_j_per_kg"] == pytest.approx(163.0, rel=0.01)
    assert leg["moving_h"] == pytest.approx(1.0, abs=0.01)
    assert leg["stops_count"] == 1


def test_slowing_down_costs_nothing_and_speeding_up_again_counts() -> None:
    # 75 to 45 to 75 km/h: (75^2 + 75^2 - 45^2) / 3.6^2 / 2 = 355.9.
    truck = Truck().stand(1.0).drive_to(25.0, 75.0).drive_to(40.0, 45.0).drive_to(65.0, 75.0)
    leg = driven(truck.stand(1.0)).iloc[0]
    assert leg["kinetic_gained_j_per_kg"] == pytest.approx(355.9, rel=0.02)
    assert km_at(leg, 40) == pytest.approx(15.0, abs=0.8)
    assert km_at(leg, 70) == pytest.approx(50.0, abs=1.5)


def test_a_halt_on_the_way_is_a_coming_to_rest_and_no_time_in_motion() -> None:
    there = Truck().stand(1.0).drive_to(25.0, 75.0)
    legs = driven(there.stand(150 / 3600).drive_to(50.0, 75.0).stand(1.0))
    assert len(legs) == 1  # 150 s are no stop
    leg = legs.iloc[0]
    assert leg["stops_count"] == 2
    assert leg["moving_h"] == pytest.approx(50.0 / 75.0, abs=0.01)
    assert leg["duration_h"] == pytest.approx(leg["moving_h"] + 150 / 3600, abs=0.01)
    # Twice from standing to 75 km/h.
    assert leg["kinetic_gained_j_per_kg"] == pytest.approx(2 * energy_j_per_kg(75.0), rel=0.02)


def test_what_lies_in_a_gap_was_not_seen() -> None:
    there = Truck().stand(1.0).drive_to(40.0, 75.0)
    leg = driven(there.silent(1.0, 100.0).drive_to(140.0, 75.0).stand(1.0)).iloc[0]
    assert leg["imputed_km"] > 50.0
    assert leg[BINS].sum() == pytest.approx(leg["distance_km"] - leg["imputed_km"], rel=1e-6)
    assert leg["moving_h"] == pytest.approx(80.0 / 75.0, abs=0.02)
    # Behind the gap the truck is met at 75 km/h: nothing says that it had slowed down before.
    assert leg["kinetic_gained_j_per_kg"] == pytest.approx(energy_j_per_kg(75.0), rel=0.02)


def test_a_change_of_drivers_on_the_road_shares_a_step_by_time_and_gains_nothing() -> None:
    truck = Truck().stand(1.0).drive_to(75.0, 75.0).stand(1.0)
    start = pd.Timestamp(START)
    # In the middle between two fixes: 1 h 20 min and 15 s after the start, km 25.31.
    change = start + pd.Timedelta(seconds=3600 + 1215)
    shifts = [
        {"driver_id": "A", "vehicle_id": "V1", "assigned_from": start, "assigned_until": change},
        {"driver_id": "B", "vehicle_id": "V1", "assigned_from": change, "assigned_until": None},
    ]
    legs = legs_of(truck.trace(), [], assignments=shifts).legs
    first, second = (leg for _, leg in legs[legs["distance_km"] > 0.0].iterrows())
    assert first[BINS].sum() == pytest.approx(1215 * 75 / 3600, abs=0.01)
    assert second[BINS].sum() == pytest.approx(75.0 - 1215 * 75 / 3600, abs=0.01)
    assert first["stops_count"] == 0
    assert second["stops_count"] == 1
    assert first["kinetic_gained_j_per_kg"] == pytest.approx(energy_j_per_kg(75.0), rel=0.01)
    assert second["kinetic_gained_j_per_kg"] == pytest.approx(0.0, abs=1e-9)


def test_two_stated_speeds_and_the_way_between_them_tell_the_speed_in_the_middle() -> None:
    # 72 km/h (20 m/s) at every fix, but only 54 on average: each time down to 10 m/s and back.
    truck = Truck().stand(1.0).drive_to(54.0, 54.0).stand(1.0)
    frame = truck.frame()
    moves = np.diff(frame["lon_udeg"], append=frame["lon_udeg"].iloc[-1]) != 0
    stated = np.where(moves & np.roll(moves, 1), 72.0, 0.0)
    # 72 / 54 is more than what is believed, so that a third of the trips is at an even 54.
    even = np.arange(len(frame)) % 90 < 45
    stated[even & (stated > 0.0)] = 54.0
    leg = driven(truck, speed_kmh=stated).iloc[0]
    steps = int(((stated[:-1] == 72.0) & (stated[1:] == 72.0)).sum())
    changes = int(((stated[:-1] == 54.0) & (stated[1:] == 72.0)).sum())
    assert steps > 40
    # Each step gains (20^2 - 10^2) / 2 = 150; out of 54 km/h the middle is 2 * 15 - 17.5 m/s.
    gained = steps * 150.0 + changes * (20.0**2 - 12.5**2) / 2
    assert leg["kinetic_gained_j_per_kg"] == pytest.approx(gained + 15.0**2 / 2, rel=0.02)


def test_a_stated_speed_that_is_not_the_road_is_not_believed() -> None:
    truck = Truck().stand(1.0).drive_to(65.0, 65.0).stand(1.0)
    moves = np.diff(truck.frame()["lon_udeg"], append=0) != 0
    in_miles = driven(truck, speed_kmh=np.where(moves, 65.0 / 1.609, 0.0))
    assert km_at(in_miles.iloc[0], 60) == km_at(driven(truck).iloc[0], 60)
    sound = driven(truck, speed_kmh=np.where(moves, 62.0, 0.0)).iloc[0]
    assert km_at(sound, 60) == pytest.approx(65.0, abs=1.2)


def test_standing_alone_has_no_profile() -> None:
    legs = legs_of(Truck().stand(1.0).drive_to(30.0).stand(1.0).trace(), []).legs
    standing = legs[legs["distance_km"] == 0.0]
    assert len(standing) > 0
    told = [*BINS, "kinetic_gained_j_per_kg", "moving_h", "stops_count"]
    assert (standing[told].to_numpy(dtype=float) == 0.0).all()


def speeds_of_a_drive() -> np.ndarray:
    """Speed at each second of two hours: waves between 50 and 80 km/h, a wait of 60 s each 10 min.

    The waves last four minutes, as slow lorries, hills and curves make them; trucks speed up with
    0.45 and slow down with 0.7 m/s2. [m/s]
    """
    seconds = np.arange(7200)
    wanted = (65.0 + 15.0 * np.sin(seconds * 2 * np.pi / 240.0)) / 3.6
    wanted[seconds % 600 >= 540] = 0.0
    speed = np.zeros(len(seconds))
    for k in seconds[1:]:
        speed[k] = np.clip(wanted[k], max(0.0, speed[k - 1] - 0.7), speed[k - 1] + 0.45)
    return speed


def gained_at(step_s: int, noise_m: float, *, is_stated: bool) -> float:
    """Energy gained as told by fixes with independent noise, per the energy really gained."""
    speed = np.concatenate([np.zeros(600), speeds_of_a_drive(), np.zeros(600)])
    truth = np.maximum(np.diff(speed**2) / 2.0, 0.0).sum()
    along_m = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]))])
    at = np.arange(0, len(speed), step_s)
    chance = np.random.default_rng(7)
    noise = chance.normal(0.0, noise_m, (2, len(at)))
    columns = {
        "time_ms": round(START.timestamp() * 1000) + 1000 * at.astype(np.int64),
        "lon_udeg": LON_UDEG + np.round((along_m[at] + noise[0]) / M_PER_UDEG_LON).astype(np.int64),
        "lat_udeg": LAT_UDEG + np.round(noise[1] / 0.11085).astype(np.int64),
    }
    if is_stated:
        columns["speed_kmh"] = np.round(3.6 * speed[at] + chance.normal(0.0, 0.4, len(at)), 1)
        columns["speed_kmh"] = np.where(speed[at] > 0.0, np.maximum(columns["speed_kmh"], 0.0), 0.0)
    trace = read_trace(Fixes.from_columns(columns), TRACE_RULES)
    return float(legs_of(trace, []).legs["kinetic_gained_j_per_kg"].sum() / truth)


@pytest.mark.parametrize("step_s", [1, 10, 30])
@pytest.mark.parametrize("noise_m", [0.0, 5.0])
def test_the_energy_gained_hardly_depends_on_how_often_a_stated_speed_is_sent(
    step_s: int, noise_m: float
) -> None:
    assert gained_at(step_s, noise_m, is_stated=True) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("step_s", [1, 10, 30])
@pytest.mark.parametrize("noise_m", [0.0, 5.0])
def test_positions_alone_tell_the_energy_gained_within_a_twentieth(
    step_s: int, noise_m: float
) -> None:
    # Noise of 5 m that is new at every second, taken for driving, gains several times the truth.
    assert gained_at(step_s, noise_m, is_stated=False) == pytest.approx(1.0, abs=0.05)


def test_a_fix_a_minute_without_speed_hides_peaks_and_is_known_to_tell_too_little() -> None:
    assert gained_at(60, 5.0, is_stated=False) == pytest.approx(0.87, abs=0.05)
    assert gained_at(60, 5.0, is_stated=True) == pytest.approx(1.0, abs=0.05)
