"""What the register says of a truck's diesel, and when its fuel counter is believed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from fleet_carbon.quantification.fuel import TruckFuel, copert_energy_mj_per_km, fuel_of_truck
from tests.quantification.account_builders import (
    EDITION,
    TRUCK,
    account,
    empty_leg,
    leg,
    vehicles,
)

GRID = 1 / 2048
# Named where neither receipts nor other months measured anything.
NOT_MEASURED = {"no_receipts", "nothing_measured"}


def truck(**given: Any) -> TruckFuel:
    return fuel_of_truck({**TRUCK, **given}, EDITION)


def decided(*rows: dict[str, Any], **given: Any) -> dict[str, Any]:
    """The account of the truck: litres, where they come from, and the notes as a set."""
    found = account(*rows, vehicles=vehicles(given))
    return {**found, "notes": set(found["notes"].split(";"))}


def test_declared_figures_give_both_rates() -> None:
    model = truck().model
    assert model is not None
    assert model.empty_l_per_km == pytest.approx(0.2344)
    assert model.load_l_per_tkm == pytest.approx((41.44 - 23.44) / 100 / 30)  # 0.006 l/tkm
    assert (model.source, truck().notes) == ("declared", ())


def test_a_leg_burns_empty_rate_load_rate_and_idle() -> None:
    # 0.2344 x 100 + 0.006 x 20 x 100 + 2.0 x 0.5 = 23.44 + 12 + 1 = 36.44 l.
    assert decided(leg(0, idle_h=0.5))["diesel_l"] == pytest.approx(36.44, abs=GRID)


@pytest.mark.parametrize(
    ("payload_t", "class_id"),
    [
        (0.99, ""),
        (1.0, "rigid_7_5t"),
        (5.49, "rigid_7_5t"),
        (5.5, "rigid_18t"),
        (11.0, "rigid_26t"),
        (17.99, "rigid_26t"),
        (18.0, "tractor_trailer"),
        (34.0, "tractor_trailer"),
    ],
)
def test_the_class_follows_from_the_rated_payload(payload_t: float, class_id: str) -> None:
    found = truck(rated_payload_t=payload_t, empty_l_per_100km=None, full_l_per_100km=None)
    assert found.source == ("class" if class_id else "")
    assert found.class_ids == ((class_id,) if class_id else ())


def test_a_truck_too_small_for_any_class_has_no_figure_and_says_so() -> None:
    found = truck(rated_payload_t=0.5, empty_l_per_100km=None, full_l_per_100km=None)
    assert found.model is None
    assert found.notes == ("no_fuel_model_for_payload",)
    assert pd.isna(
        decided(leg(), rated_payload_t=0.5, empty_l_per_100km=None, full_l_per_100km=None)[
            "diesel_l"
        ]
    )


def test_a_registered_class_of_the_edition_beats_the_payload() -> None:
    found = truck(vehicle_class="rigid_18t", empty_l_per_100km=None, full_l_per_100km=None)
    assert found.model is not None
    assert found.model.empty_l_per_km == pytest.approx(0.1958)  # VECTO rigid 18 t, long haul


def test_a_foreign_class_name_stays_a_name_for_baselines() -> None:
    assert truck(vehicle_class="flatbed 13 m").class_ids == ("flatbed 13 m", "tractor_trailer")


def test_a_missing_full_figure_takes_the_slope_of_the_class_and_says_so() -> None:
    found = truck(full_l_per_100km=None)
    assert found.model is not None
    assert found.model.empty_l_per_km == pytest.approx(0.2344)
    assert found.model.load_l_per_tkm == pytest.approx(0.00597)  # 0.597 l/100 km per t
    assert (found.source, found.notes) == ("declared", ("load_rate_from_class",))


def test_a_missing_empty_figure_follows_from_full_and_the_slope_of_the_class() -> None:
    found = truck(empty_l_per_100km=None)
    assert found.model is not None
    assert found.model.empty_l_per_km == pytest.approx((41.44 - 30 * 0.597) / 100)  # 0.2353
    assert found.notes == ("load_rate_from_class",)


def test_figures_that_contradict_themselves_give_way_to_the_class() -> None:
    found = truck(full_l_per_100km=20.0)
    assert (found.source, found.notes) == ("class", ("declared_full_below_empty",))
    found = truck(empty_l_per_100km=None, full_l_per_100km=15.0)  # below the slope's 17.9 l
    assert (found.source, found.notes) == ("class", ("declared_full_below_class",))


def test_an_energy_without_physics_has_no_model_and_says_so() -> None:
    for energy in ("cng", "methanol"):
        found = truck(energy=energy)
        assert (found.model, found.physical) == (None, None)
        assert found.notes == (f"no_fuel_model_for_{energy}",)


@pytest.mark.parametrize(("energy", "unit"), [("lng", "kg"), ("electric", "kWh")])
def test_another_energy_has_physics_and_no_diesel(energy: str, unit: str) -> None:
    found = truck(energy=energy)
    assert (found.model, found.energy_unit) == (None, unit)
    assert found.notes == (f"no_credit_for_{energy}",)


# The model gives 23.44 + 12 = 35.44 l for the loaded leg, 11.72 l for the empty one.
def test_a_counter_over_all_kilometres_is_used_leg_by_leg() -> None:
    found = decided(empty_leg(0, fuel_counter_l=13.0), leg(1, fuel_counter_l=33.0))
    assert (found["diesel_source"], found["diesel_l"]) == ("counter", 46.0)
    assert not {note for note in found["notes"] if "counter" in note}


def test_a_counter_over_95_percent_of_the_km_is_used_and_the_rest_modelled() -> None:
    rows = (leg(0, fuel_counter_l=36.0, distance_km=95.0), leg(1, distance_km=5.0))
    found = decided(*rows)
    assert found["diesel_source"] == "counter"
    assert "fuel_counter_gaps_modelled" in found["notes"]
    # 0.2344 x 5 + 0.006 x 100 = 1.172 + 0.6
    assert found["diesel_l"] == pytest.approx(37.772, abs=GRID)


def test_a_counter_over_less_of_the_km_is_left_and_named() -> None:
    rows = (leg(0, fuel_counter_l=36.0, distance_km=94.9), leg(1, distance_km=5.1))
    found = decided(*rows)
    assert found["diesel_source"] == "declared"
    assert {"fuel_counter_covers_too_little", "no_receipts"} <= found["notes"]


@pytest.mark.parametrize(
    ("counter_l", "source"),
    [
        (35.44 * 0.49, "declared"),
        (35.44 * 0.51, "counter"),
        (35.44 * 1.99, "counter"),
        (35.44 * 2.01, "declared"),
    ],
)
def test_a_counter_far_from_the_model_is_left_and_named(counter_l: float, source: str) -> None:
    found = decided(leg(fuel_counter_l=counter_l))
    assert found["diesel_source"] == source
    assert ("fuel_counter_implausible" in found["notes"]) == (source == "declared")


def test_a_counter_that_runs_backwards_is_implausible() -> None:
    found = decided(leg(0, fuel_counter_l=-1.0), leg(1, fuel_counter_l=70.0))
    assert "fuel_counter_implausible" in found["notes"]


def test_a_counter_without_kilometres_is_left() -> None:
    found = decided(leg(fuel_counter_l=0.0, distance_km=0.0))
    assert found["diesel_source"] == "declared"


def test_a_truck_without_any_measure_says_which_ways_there_would_have_been() -> None:
    assert {"no_fuel_counter", *NOT_MEASURED} <= decided(leg())["notes"]


# Artic 34 to 40 t Euro V, half loaded (note, section 4.2): 18.6758 at 20, 9.1325 at 85 km/h.
HALF_LOADED = {
    "alpha": 0.0306636735347851, "beta": 1.2993266161385, "gamma": -4.61761526403152,
    "delta": 7.99579475461929, "epsilon": 0.00511339128093664, "zeta": -0.0132967338285701,
    "eta": 0.0429422524290575,
}  # fmt: skip


def test_copert_holds_the_speed_inside_its_range() -> None:
    assert copert_energy_mj_per_km(85, HALF_LOADED) == copert_energy_mj_per_km(120, HALF_LOADED)
    assert copert_energy_mj_per_km(5, HALF_LOADED) == copert_energy_mj_per_km(0, HALF_LOADED)
    assert copert_energy_mj_per_km(85, HALF_LOADED, 0.1) == pytest.approx(9.1325 * 0.9, abs=1e-4)
