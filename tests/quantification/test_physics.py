from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.quantification.physics import (
    PhysicalTruck,
    consumption,
    physical_truck,
)
from fleet_carbon.quantification.profile import Profile
from tests.quantification.account_builders import EDITION
from tests.quantification.physics_builders import ELECTRIC, TRUCK, drive, taken


def test_a_steady_speed_takes_what_rolling_and_air_take_by_hand() -> None:
    # 100 km spread evenly over 80 to 90 km/h in 1.25 h, level, 20 degC, 10 t aboard.
    # Mean v^2: (80^2 + 80 x 90 + 90^2) / 3 = 7233.333 (km/h)^2, / 12.96 = 558.1276 m2/s2; with
    # 3^2 of wind 567.1276.
    # Air: 0.5 x 1.2 x 5 x 567.1276 = 1701.3827 N. Rolling: 0.006 x 10 x 25,000 = 1500 N.
    # Wheels: 3201.3827 N x 100 km = 320.13827 MJ; / (0.9 x 0.4) = 889.27298 MJ of fuel.
    # Engine and auxiliaries: (20 + 4 / 0.4) kW x 1.25 h = 37.5 kWh = 135 MJ.
    # 1024.27298 MJ / 36 MJ/l = 28.452027 l.
    litres = taken(drive(100.0, moving_h=1.25)).at(10.0)
    assert litres[0] == pytest.approx(28.452027, rel=1e-7)


def test_stops_and_hills_take_what_the_brakes_take_by_hand() -> None:
    # 3,000 J/kg put in, 400 m climbed, 15 t empty and 1 t of turning mass.
    # Brakes: 0.8 x 3,000 x 16,000 kg + 0.25 x 10 x 400 x 15,000 kg = 38.4 + 15 = 53.4 MJ.
    # / 0.36 / 36 = 4.1203704 l more than without.
    more = taken(drive(100.0, kinetic_gained_j_per_kg=3000.0, climbed_m=400.0)).empty
    assert (more - taken(drive(100.0)).empty)[0] == pytest.approx(4.1203704, rel=1e-7)


def test_a_battery_gets_half_of_the_braked_energy_back() -> None:
    # 100 km at 80 to 90 km/h with 3,000 J/kg, empty, 20 degC, 1.25 h, as in the hand calculations:
    # air 170.13827 MJ, rolling 0.006 x 10 x 15,000 N x 100 km = 90 MJ, brakes 38.4 MJ x (1 - 0.5).
    # 279.33827 MJ / (0.9 x 0.8) = 387.96982 MJ; auxiliaries 4 / 0.8 kW x 1.25 h = 22.5 MJ.
    # 410.46982 MJ / 3.6 / 0.9 = 126.68822 kWh from the grid.
    found = taken(drive(100.0, moving_h=1.25, kinetic_gained_j_per_kg=3000.0), ELECTRIC)
    assert found.empty[0] == pytest.approx(126.68822, rel=1e-7)


def test_standing_takes_the_idle_power() -> None:
    # 18 kW x 2 h = 36 kWh = 129.6 MJ, / 36 = 3.6 l; payload plays no part.
    found = taken(drive(10.0, idle_h=2.0))
    assert found.idle[0] == pytest.approx(3.6)
    assert found.at(20.0)[0] - found.at(0.0)[0] == pytest.approx(20 * found.per_tonne[0])


def test_air_at_freezing_is_denser_by_the_ratio_of_absolute_temperatures() -> None:
    # 293.15 / 273.15 times the 170.13827 MJ of the air, / 0.36 / 36 MJ/l = 13.127953 l.
    cold, mild = (taken(drive(100.0, ambient_degc=degc)).empty[0] for degc in (0.0, 20.0))
    assert cold - mild == pytest.approx(13.127953 * (293.15 / 273.15 - 1), rel=1e-6)


def test_unknown_ascents_are_those_of_usual_roads() -> None:
    # 7 m/km over 100 km.
    assert taken(drive(100.0, climbed_m=np.nan)).empty == taken(drive(100.0, climbed_m=700.0)).empty


def test_unknown_temperature_is_that_of_the_edition() -> None:
    unknown = taken(drive(50.0)).empty[0]
    assert unknown == pytest.approx(taken(drive(50.0, ambient_degc=20.0)).empty[0], rel=1e-12)


def test_each_stop_takes_at_least_one_launch_to_the_mean_speed() -> None:
    # 72 km in 1 h = 20 m/s: 20^2 / 2 = 200 J/kg; ten stops are 2,000 J/kg that no position saw.
    seen = taken(drive(72.0, moving_h=1.0, kinetic_gained_j_per_kg=2000.0))
    unseen = taken(drive(72.0, moving_h=1.0, stops_count=10.0))
    assert unseen.empty[0] == pytest.approx(seen.empty[0], rel=1e-12)


@st.composite
def drives(draw: st.DrawFn) -> Profile:
    speed_km = np.array([[draw(st.floats(0, 50)) for _ in range(10)]])
    distance_km = float(speed_km.sum()) + 0.1
    speed_km[0, 5] += 0.1
    return Profile(
        distance_km=np.full(1, distance_km),
        speed_km=speed_km,
        kinetic_gained_j_per_kg=np.full(1, draw(st.floats(0, 150)) * distance_km),
        stops_count=np.full(1, float(draw(st.integers(0, 200)))),
        moving_h=np.full(1, distance_km / draw(st.floats(5, 90))),
        idle_h=np.full(1, draw(st.floats(0, 24))),
        climbed_m=np.full(1, draw(st.one_of(st.just(np.nan), st.floats(0, 3000)))),
        ambient_degc=np.full(1, draw(st.one_of(st.just(np.nan), st.floats(-30, 45)))),
    )


trucks = st.sampled_from([TRUCK, ELECTRIC])
MORE = ("kinetic_gained_j_per_kg", "stops_count", "idle_h")


@given(drives(), trucks, st.sampled_from(MORE), st.floats(0, 1e4), st.floats(0, 40))
def test_more_stops_kinetic_energy_or_idling_never_lower_consumption(
    profile: Profile, truck: PhysicalTruck, name: str, more: float, payload_t: float
) -> None:
    harder = replace(profile, **{name: getattr(profile, name) + more})
    assert taken(harder, truck).at(payload_t)[0] >= taken(profile, truck).at(payload_t)[0]


@given(drives(), trucks, st.floats(0, 40), st.floats(0, 40))
def test_more_payload_never_lowers_consumption(
    profile: Profile, truck: PhysicalTruck, payload_t: float, more_t: float
) -> None:
    found = taken(profile, truck)
    assert found.at(payload_t + more_t)[0] >= found.at(payload_t)[0]


@given(drives(), trucks, st.floats(-30, 45), st.floats(0, 40), st.floats(0, 40))
def test_colder_air_never_lowers_consumption(
    profile: Profile, truck: PhysicalTruck, degc: float, colder: float, payload_t: float
) -> None:
    mild = replace(profile, ambient_degc=np.full(1, degc))
    cold = replace(profile, ambient_degc=np.full(1, degc - colder))
    assert taken(cold, truck).at(payload_t)[0] >= taken(mild, truck).at(payload_t)[0]


@given(drives(), trucks, st.integers(0, 8), st.floats(0, 1), st.floats(0, 40))
def test_kilometres_moved_to_a_faster_bin_never_lower_consumption(
    profile: Profile, truck: PhysicalTruck, place: int, share: float, payload_t: float
) -> None:
    speed_km = profile.speed_km.copy()
    moved = share * speed_km[0, place]
    speed_km[0, place] -= moved
    speed_km[0, place + 1] += moved
    faster = taken(replace(profile, speed_km=speed_km), truck).at(payload_t)[0]
    assert faster >= taken(profile, truck).at(payload_t)[0] * (1 - 1e-12)


@given(drives(), trucks, st.floats(0, 40))
def test_consumption_is_affine_in_payload_whatever_the_mass(
    profile: Profile, truck: PhysicalTruck, payload_t: float
) -> None:
    # A truck whose empty mass is higher by the payload takes the same, standing apart.
    heavier = replace(truck, curb_mass_t=truck.curb_mass_t + payload_t)
    loaded = taken(profile, truck)
    assert taken(profile, heavier).empty[0] == pytest.approx(
        loaded.empty[0] + loaded.per_tonne[0] * payload_t, rel=1e-9
    )


def test_each_leg_is_reckoned_with_its_own_truck_and_no_other() -> None:
    two = Profile(*(np.concatenate([column, column]) for column in vars(drive(30.0)).values()))
    found = consumption(two, [TRUCK, ELECTRIC], np.array([1, 0]))
    assert found.empty[0] == taken(drive(30.0), ELECTRIC).empty[0]
    assert found.empty[1] == taken(drive(30.0), TRUCK).empty[0]


def test_no_legs_take_nothing() -> None:
    nothing = drive(1.0).taken(np.zeros(1, dtype=bool))
    assert len(consumption(nothing, [], np.zeros(0, dtype=np.intp)).empty) == 0


def chosen(**vehicle: object) -> PhysicalTruck:
    truck = physical_truck(vehicle, "", EDITION)
    assert truck is not None
    return truck


def test_the_registered_class_decides_which_vehicle_it_is() -> None:
    assert chosen(vehicle_class="rigid_26t", rated_payload_t=3.0).class_id == "rigid_26t"


@pytest.mark.parametrize(
    ("payload_t", "class_id"),
    [
        (1.5, "rigid_7_5t"),
        (6.0, "rigid_12t"),
        (9.0, "rigid_18t"),
        (13.0, "rigid_26t"),
        (25.0, "tractor_trailer"),
        (33.0, "tractor_49t"),
    ],
)
def test_else_the_rated_payload_decides(payload_t: float, class_id: str) -> None:
    assert chosen(vehicle_class="flatbed", rated_payload_t=payload_t).class_id == class_id


def test_else_the_class_found_by_other_means_decides() -> None:
    truck = physical_truck({"rated_payload_t": np.nan}, "rigid_18t", EDITION)
    assert truck is not None
    assert truck.rated_payload_t == 8.86


def test_the_mass_of_the_register_replaces_that_of_the_vehicle() -> None:
    truck = chosen(vehicle_class="rigid_18t", curb_mass_t=7.8, rated_payload_t=9.9)
    assert (truck.curb_mass_t, truck.rated_payload_t) == (7.8, 9.9)


@pytest.mark.parametrize(("energy", "unit"), [("diesel", "l"), ("lng", "kg"), ("electric", "kWh")])
def test_each_energy_is_taken_in_its_own_unit(energy: str, unit: str) -> None:
    assert chosen(vehicle_class="rigid_18t", energy=energy).unit == unit


def test_a_battery_weighs() -> None:
    electric = chosen(vehicle_class="rigid_18t", energy="electric")
    assert electric.curb_mass_t > chosen(vehicle_class="rigid_18t").curb_mass_t


@pytest.mark.parametrize(
    "vehicle",
    [
        {"vehicle_class": "rigid_18t", "energy": "methanol"},
        {"rated_payload_t": 0.4},
        {},
    ],
)
def test_without_engine_or_vehicle_in_the_edition_there_is_no_model(
    vehicle: dict[str, object],
) -> None:
    assert physical_truck(vehicle, "", EDITION) is None
