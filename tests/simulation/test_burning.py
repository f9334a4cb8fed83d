"""The truth about diesel: forces by hand, and litres beside published figures."""

from __future__ import annotations

import numpy as np
import pytest

from simulation import burning, courses

TRACTOR = burning.KINDS["tractor_trailer"]
STILL_AIR = burning.Weather()


def steady(truck: burning.Burner, kmh: float, payload_t: float) -> float:
    """Litres per 100 km at one speed on a flat road."""
    speed_ms = np.full(3601, kmh / 3.6)
    return float(burning.burnt_l(truck, speed_ms, payload_t).sum()) / kmh * 100.0


def test_a_standing_truck_burns_its_idle_rate() -> None:
    litres = burning.burnt_l(TRACTOR, np.zeros(1801), 0.0)
    assert litres.sum() == pytest.approx(TRACTOR.idle_l_per_h / 2)


def test_steady_driving_is_the_balance_of_forces() -> None:
    # By hand, 47.6 t at 20 m/s: air 0.5 x 1.204 x 5.9 x 400 = 1420.7 N, tyres 47600 x 9.81 x 0.006
    # = 2801.7 N, together 84.45 kW, over 0.93 and with 4.6 kW 95.41 kW; at 0.28911 of 330 kW the
    # curve gives 0.397 + 0.8911 x 0.020 = 0.41482, so 230.0 kW of fuel: 6.4246e-3 l/s.
    litres = burning.burnt_l(TRACTOR, np.full(101, 20.0), 32.0)
    assert litres.sum() / 100 == pytest.approx(6.4246e-3, rel=2e-4)


def test_litres_lie_between_published_ones() -> None:
    # 40 t combinations at 80 km/h on the flat: 18.6 to 21.7 empty, 30.8 to 40.1 full (47 t).
    assert 18.6 <= steady(TRACTOR, 80.0, 0.0) <= 23.4
    assert 30.8 <= steady(TRACTOR, 80.0, 32.0) <= 40.1


def test_trucks_of_a_kind_differ_by_eight_per_cent() -> None:
    rng = np.random.default_rng(7)
    thirsts = [burning.one_of(TRACTOR, rng).thirst_factor for _ in range(4000)]
    assert np.std(np.log(thirsts)) == pytest.approx(0.08, rel=0.04)


def test_speeds_of_a_drive_sum_to_its_length() -> None:
    elapsed_s, along_m = np.array([0.0, 60.0, 300.0, 400.0]), np.array([0.0, 500.0, 5000.0, 5500.0])
    speed_ms = burning.speeds_of(elapsed_s, along_m)
    driven_m = float((speed_ms[1:] + speed_ms[:-1]).sum() / 2)
    assert driven_m == pytest.approx(5500.0, rel=0.01)
    assert speed_ms[0] == speed_ms[-1] == 0.0


@pytest.mark.parametrize("mission", sorted(courses.MISSIONS))
def test_a_drive_has_its_length_and_stays_within_what_trucks_do(mission: str) -> None:
    rng = np.random.default_rng(11)
    course = courses.drive_course(
        rng, TRACTOR, 20.0, courses.any_manner(rng), length_km=40.0, mission=mission
    )
    assert course.distance_km == pytest.approx(40.0, rel=0.01)
    assert course.speed_ms.max() <= 110.0 / 3.6
    assert np.diff(course.speed_ms).max() < 1.5
