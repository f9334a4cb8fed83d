from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.errors import ModelRefused
from fleet_carbon.quantification.profile import (
    MISSIONS,
    SPEED_COLUMNS,
    Profile,
    reference_profile,
)
from tests.quantification.account_builders import EDITION

NO_BINS = dict.fromkeys(SPEED_COLUMNS, 0.0)


def legs(**columns: float) -> pd.DataFrame:
    """One leg of 100 km, seen at 50 to 60 km/h all along, unless told otherwise."""
    row = {
        "distance_km": 100.0,
        "imputed_km": 0.0,
        "duration_h": 2.0,
        "gap_h": 0.0,
        "moving_h": 1.8,
        "idle_h": 0.25,
        "stops_count": 3,
        "kinetic_gained_j_per_kg": 2000.0,
        "climbed_m": np.nan,
        "ambient_degc_mean": 8.0,
        **NO_BINS,
        "driven_v50_km": 100.0,
        **columns,
    }
    return pd.DataFrame([row]).astype({"stops_count": "Int64"})


def of(**columns: float) -> Profile:
    return Profile.of_legs(legs(**columns), EDITION)


def test_a_leg_seen_all_along_is_taken_as_it_was_seen() -> None:
    found = of()
    assert found.speed_km[0].tolist() == [0, 0, 0, 0, 0, 100, 0, 0, 0, 0]
    assert (found.kinetic_gained_j_per_kg[0], found.stops_count[0]) == (2000.0, 3.0)
    assert (found.moving_h[0], found.idle_h[0], found.ambient_degc[0]) == (1.8, 0.25, 8.0)
    assert np.isnan(found.climbed_m[0])


def test_what_was_seen_is_scaled_to_the_distance() -> None:
    # The odometer says 100 km where positions saw 80 km: bins and kinetic energy times 1.25.
    found = of(driven_v50_km=60.0, driven_v20_km=20.0)
    assert found.speed_km[0].tolist() == [0, 0, 25, 0, 0, 75, 0, 0, 0, 0]
    assert found.kinetic_gained_j_per_kg[0] == 2500.0


def test_a_gap_takes_the_reference_drive_of_its_mean_speed() -> None:
    # 40 km in 40 / 62.3 h are the regional drive: 40 km of its shares, 55.3 J/kg and 0.194 stops
    # per km; the 60 km seen stay as seen.
    found = of(imputed_km=40.0, gap_h=40 / 62.3, driven_v50_km=60.0, moving_h=1.1)
    regional = reference_profile(EDITION, "regional", 40.0)
    expected = regional.speed_km[0].copy()
    expected[5] += 60.0
    assert found.speed_km[0] == pytest.approx(expected, rel=1e-12)
    assert found.kinetic_gained_j_per_kg[0] == pytest.approx(2000 + 40 * 55.3)
    assert found.stops_count[0] == pytest.approx(3 + 40 * 0.194)
    assert found.moving_h[0] == pytest.approx(1.1 + 40 / 62.3)


@pytest.mark.parametrize("hours", [1.33, 1.5, 1.9, 2.6])
def test_a_gap_between_two_reference_drives_takes_as_long_as_it_took(hours: float) -> None:
    # Long haul drives 100 km in 1.33 h, urban in 2.65 h.
    found = of(imputed_km=100.0, gap_h=hours, moving_h=0.0, **NO_BINS)
    assert found.moving_h[0] == pytest.approx(hours, rel=1e-9)


def test_a_gap_slower_than_town_is_town_with_standing_in_it() -> None:
    found = of(imputed_km=100.0, gap_h=9.0, moving_h=0.0, **NO_BINS)
    urban = reference_profile(EDITION, "urban", 100.0)
    assert found.speed_km[0] == pytest.approx(urban.speed_km[0])
    assert found.moving_h[0] == pytest.approx(urban.moving_h[0])


def test_a_leg_never_cut_for_its_speed_is_told_by_its_duration() -> None:
    missing = dict.fromkeys(("moving_h", "kinetic_gained_j_per_kg", *SPEED_COLUMNS), np.nan)
    found = of(duration_h=100 / 62.3, **missing)
    regional = reference_profile(EDITION, "regional", 100.0)
    assert found.speed_km[0] == pytest.approx(regional.speed_km[0])
    assert found.kinetic_gained_j_per_kg[0] == pytest.approx(regional.kinetic_gained_j_per_kg[0])


def test_a_leg_of_no_distance_is_standing_alone() -> None:
    found = of(distance_km=0.0, moving_h=0.0, kinetic_gained_j_per_kg=0.0, **NO_BINS)
    assert found.speed_km.sum() == 0
    assert (found.moving_h[0], found.idle_h[0]) == (0.0, 0.25)


def test_ascents_of_a_gap_are_added_to_those_seen() -> None:
    # 60 km seen with 300 m, 40 km of regional at 8 m/km.
    found = of(imputed_km=40.0, gap_h=40 / 62.3, driven_v50_km=60.0, climbed_m=300.0)
    assert found.climbed_m[0] == pytest.approx(300 + 40 * 8.0)


@given(
    st.floats(0, 500), st.floats(0, 600), st.floats(0, 30),
    st.lists(st.floats(0, 60), min_size=10, max_size=10),
)  # fmt: skip
def test_the_kilometres_of_the_bins_are_those_of_the_leg(
    distance_km: float, imputed_km: float, gap_h: float, bins: list[float]
) -> None:
    found = of(
        distance_km=distance_km,
        imputed_km=imputed_km,
        gap_h=gap_h,
        **dict(zip(SPEED_COLUMNS, bins, strict=True)),
    )
    assert found.speed_km.sum() == pytest.approx(distance_km, rel=1e-9, abs=1e-9)
    assert (found.speed_km >= 0).all()
    assert found.moving_h[0] >= 0


@pytest.mark.parametrize(
    ("mission", "slowest_kmh", "fastest_kmh"),
    # Mean speeds of the cycles, standing included: methodology note, section 4.3.
    [("urban", 29, 31.5), ("regional", 57, 59.5), ("long_haul", 71, 75)],
)
def test_a_reference_drive_has_the_mean_speed_of_its_cycle(
    mission: str, slowest_kmh: float, fastest_kmh: float
) -> None:
    drive = reference_profile(EDITION, mission, 100.0)
    assert slowest_kmh <= 100 / (drive.moving_h[0] + drive.idle_h[0]) <= fastest_kmh
    assert drive.speed_km.sum() == pytest.approx(100.0)


@pytest.mark.parametrize("mission", MISSIONS)
def test_the_speeds_of_a_reference_drive_take_the_hours_it_takes(mission: str) -> None:
    # Kilometres over the middle of their bin; half a bin is 6 % at 80 km/h, more below.
    drive = reference_profile(EDITION, mission, 100.0)
    hours = (drive.speed_km[0] / (np.arange(10) * 10 + 5)).sum()
    assert drive.moving_h[0] == pytest.approx(hours, rel=0.12)


def test_reference_drives_of_several_legs_are_rows() -> None:
    drive = reference_profile(EDITION, "urban", np.array([10.0, 20.0]))
    assert len(drive) == 2
    assert drive.stops_count[1] == 2 * drive.stops_count[0]


def test_an_unknown_mission_is_refused() -> None:
    with pytest.raises(ModelRefused, match="has no 'racing'"):
        reference_profile(EDITION, "racing", 1.0)
