"""Legs to accounts: one truck, figures checked by hand, and what is missing is named."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ACCOUNTS, RECEIPTS
from fleet_carbon.periods import Month
from fleet_carbon.quantification import accounts
from fleet_carbon.quantification.month_fuel import fuel_of_month
from tests.quantification.account_builders import (
    MONTH,
    aboard,
    account,
    baselines,
    context,
    drivers,
    empty_leg,
    history,
    leg,
    legs,
    order,
    orders,
    past,
    price,
    seen,
    vehicles,
)

KG_PER_L = 42.652 * 20.2 * 0.98 * 44 / 12 / 1000 * 0.84  # 2.6006 (note, section 3.1)
GRID = 1 / 2048


def rows_of(*rows: dict[str, Any], results: pd.DataFrame, **given: Any) -> pd.DataFrame:
    everything = context(**given)
    fuel = fuel_of_month(legs(*rows), RECEIPTS.empty(), everything.fuel)
    quantified = accounts.quantify_legs(legs(*rows), fuel, context=everything)
    return accounts.compose_accounts(
        quantified, aboard(), results, fuel=fuel, context=everything
    ).accounts


def test_kilometres_and_shares_of_an_empty_and_a_loaded_leg() -> None:
    found = account(empty_leg(0), leg(1, idle_h=0.5, stop_h=1.0))
    assert (found["distance_km"], found["loaded_km"], found["empty_km"]) == (150.0, 100.0, 50.0)
    assert (found["search_km"], found["idle_h"], found["stop_h"]) == (50.0, 0.5, 1.0)
    assert found["mileage_utilisation_share"] == pytest.approx(100 / 150)
    assert found["payload_utilisation_share"] == pytest.approx(2_000 / (30 * 100))
    assert found["load_rate_share"] == pytest.approx(2_000 / (30 * 150))


def test_diesel_and_saving_by_hand() -> None:
    found = account(empty_leg(0), leg(1, idle_h=0.5))
    # Project 0.2344 x 150 + 0.006 x 2,000 + 2.0 x 0.5 = 35.16 + 12 + 1 = 48.16 l.
    assert found["diesel_l"] == pytest.approx(48.16, abs=GRID)
    # Counterfactual: 2,000 tkm / (0.5 x 30 t) = 133.33 km loaded, x 1 / 0.6 = 222.22 km;
    # 0.2344 x 222.22 + 12 + 1 = 65.0889 l.
    assert found["baseline_diesel_l"] == pytest.approx(65.0889, abs=GRID)
    assert found["diesel_saved_l"] == pytest.approx(16.9289, abs=2 * GRID)
    assert found["co2_ttw_kg"] == pytest.approx(48.16 * KG_PER_L, rel=1e-5)
    assert found["co2e_wtw_kg"] == pytest.approx(48.16 * 4.13 * 0.84, rel=1e-5)
    assert found["co2_avoided_kg"] == pytest.approx(16.9289 * KG_PER_L, rel=1e-4)


def test_parts_add_up_to_the_saving_exactly() -> None:
    found = account(empty_leg(0), leg(1, idle_h=0.3), leg(2, payload_t=17.3, distance_km=211.7))
    parts = ("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l")
    assert sum(found[name] for name in parts) == found["diesel_saved_l"]
    assert found["baseline_diesel_l"] - found["diesel_l"] == found["diesel_saved_l"]


def test_the_credit_is_the_lower_bound_in_whole_grams() -> None:
    found = account(empty_leg(0), leg(1))
    assert found["co2_avoided_low_kg"] < found["co2_avoided_kg"] < found["co2_avoided_high_kg"]
    assert 0 < found["co2_credited_g"] <= found["co2_avoided_low_kg"] * 1000
    assert found["co2_avoided_low_kg"] * 1000 - found["co2_credited_g"] < 1


def test_a_negative_saving_is_shown_and_credits_nothing() -> None:
    found = account(empty_leg(0, distance_km=400.0), leg(1))
    assert found["diesel_saved_l"] < 0
    assert found["co2_avoided_kg"] < 0
    assert found["co2_credited_g"] == 0
    assert found["carbon_value"] == 0.0
    assert found["fuel_cost_saved"] < 0


def test_a_saving_smaller_than_its_uncertainty_credits_nothing() -> None:
    # As the baseline says: 0.5 x 30 = 15 t aboard, 40 % empty, so hardly anything is saved.
    found = account(empty_leg(0, distance_km=66.0), leg(1, payload_t=15.0))
    assert found["diesel_saved_l"] > 0
    assert found["co2_avoided_low_kg"] < 0
    assert found["co2_credited_g"] == 0


def test_money_is_the_credit_and_the_litres_at_the_prices_in_force() -> None:
    found = account(empty_leg(0), leg(1))
    assert (found["carbon_price"], found["carbon_currency"]) == (30.0, "CNY")
    assert found["carbon_value"] == pytest.approx(found["co2_credited_g"] * 30 / 1e6)
    assert found["fuel_cost_saved"] == pytest.approx(found["diesel_saved_l"] * 8.5)


def test_without_prices_the_money_is_missing_and_named() -> None:
    found = account(leg(), carbon_price=None, diesel_price=None)
    assert pd.isna(found["carbon_value"])
    assert pd.isna(found["carbon_price"])
    assert pd.isna(found["fuel_cost_saved"])
    assert {"no_carbon_price", "no_diesel_price"} <= set(found["notes"].split(";"))


def test_a_price_per_another_unit_is_refused() -> None:
    for wrong in ({"carbon_price": price("30", "kg")}, {"diesel_price": price("8.5", "t")}):
        with pytest.raises(InputRefused) as refused:
            account(leg(), **wrong)
        assert refused.value.code == "price_unit_differs"


def test_a_diesel_price_in_another_currency_is_named() -> None:
    found = account(leg(), diesel_price=price("1.2", "l", "EUR"))
    assert "fuel_cost_in_eur" in found["notes"].split(";")


def test_without_a_baseline_nothing_is_credited_and_it_is_named() -> None:
    found = account(empty_leg(0), leg(1), baselines=baselines().iloc[:0])
    for name in ("baseline_diesel_l", "diesel_saved_l", "co2_avoided_kg", "fuel_cost_saved"):
        assert pd.isna(found[name])
    assert (found["baseline_source"], found["co2_credited_g"]) == ("none", 0)
    assert "no_baseline" in found["notes"].split(";")
    assert found["diesel_l"] > 0


def test_without_a_proven_order_there_is_no_counterfactual() -> None:
    found = account(empty_leg(0))
    assert pd.isna(found["diesel_saved_l"])
    assert found["baseline_source"] == "declared_driver"
    assert "no_proven_order" in found["notes"].split(";")
    assert found["mileage_utilisation_share"] == 0.0
    assert pd.isna(found["payload_utilisation_share"])


def test_a_truck_that_stood_all_month_has_a_row_without_shares() -> None:
    found = account(empty_leg(0, distance_km=0.0, duration_h=0.0, stop_h=9.0, idle_h=1.0))
    assert found["diesel_l"] == 2.0
    for name in ("mileage_utilisation_share", "load_rate_share", "coverage_share"):
        assert pd.isna(found[name])


def test_unknown_kilometres_count_against_the_saving_but_are_shown_apart() -> None:
    known = account(empty_leg(0), leg(1))
    unknown = account(empty_leg(0, state="unknown", purpose="unknown"), leg(1))
    assert (unknown["unknown_km"], unknown["empty_km"]) == (50.0, 0.0)
    assert unknown["diesel_saved_l"] == known["diesel_saved_l"]
    assert unknown["saved_by_less_empty_l"] == known["saved_by_less_empty_l"]


def test_a_detour_beyond_the_cap_earns_nothing() -> None:
    # 100 km of detour with 20 t aboard; the credited activity stays at 2,000 tkm.
    straight = account(leg(0))
    detour = account(leg(0, distance_km=200.0, activity_tkm=2_000.0))
    burnt = 0.2344 * 100 + 0.006 * 2_000
    assert straight["diesel_saved_l"] - detour["diesel_saved_l"] == pytest.approx(burnt, abs=0.01)


def test_work_beyond_the_cap_is_named_beside_the_efficiency_it_costs() -> None:
    detour = account(leg(0, distance_km=200.0, activity_tkm=2_000.0))
    assert detour["saved_by_efficiency_l"] < 0
    assert {"efficiency_not_measured", "work_beyond_cap"} <= set(detour["notes"].split(";"))
    assert "work_beyond_cap" not in account(leg(0))["notes"]


UNDECLARED = {"empty_l_per_100km": None, "full_l_per_100km": None}


@pytest.mark.parametrize(
    ("truck", "line", "is_named"),
    [
        ({**UNDECLARED, "vehicle_class": "big one"}, {}, True),
        ({"full_l_per_100km": None, "vehicle_class": "big one"}, {}, True),
        # With rates of its own, only a baseline of the class by payload would rest on it.
        ({"vehicle_class": "big one"}, {}, False),
        ({"vehicle_class": "big one"}, {"vehicle_class": "tractor_trailer"}, True),
        ({"vehicle_class": "big one"}, {"vehicle_class": "big one"}, False),
        ({**UNDECLARED, "vehicle_class": "tractor_trailer"}, {}, False),
        (UNDECLARED, {"vehicle_class": "tractor_trailer"}, False),
    ],
)
def test_a_class_that_only_the_payload_gave_is_named_where_something_rests_on_it(
    truck: dict[str, Any], line: dict[str, Any], is_named: bool
) -> None:
    lines = baselines({"driver_id": None, **line} if line else {})
    found = account(leg(0), vehicles=vehicles(truck), baselines=lines)
    assert found["baseline_source"] == ("declared_class" if line else "declared_driver")
    assert ("class_by_payload" in found["notes"].split(";")) == is_named


def test_a_line_of_the_registered_class_comes_before_that_of_the_class_by_payload() -> None:
    own = {"driver_id": None, "vehicle_class": "big one", "empty_share": 0.30}
    by_payload = {"driver_id": None, "vehicle_class": "tractor_trailer"}
    truck = vehicles({"vehicle_class": "big one"})
    alone = account(leg(0), vehicles=truck, baselines=baselines(own))
    both = account(leg(0), vehicles=truck, baselines=baselines(by_payload, own))
    assert both["baseline_diesel_l"] == alone["baseline_diesel_l"]


@pytest.mark.parametrize("energy", ["methanol", "cng"])
def test_an_energy_without_model_has_kilometres_and_no_figure(energy: str) -> None:
    found = account(empty_leg(0), leg(1), vehicles=vehicles({"energy": energy}))
    assert (found["distance_km"], found["energy"]) == (150.0, energy)
    for name in ("diesel_l", "energy_quantity", "energy_unit", "co2_ttw_kg", "co2e_wtw_kg"):
        assert pd.isna(found[name])
    assert f"no_fuel_model_for_{energy}" in found["notes"].split(";")
    assert (found["co2_credited_g"], found["quality"]) == (0, "default")


@pytest.mark.parametrize(
    # Factors of the book: LNG of the UK per kg; generation of 2023 per kWh, nothing at the truck.
    ("energy", "unit", "ttw", "wtw", "note"),
    [
        ("lng", "kg", 2.598, 3.510, "lng_factors_region_uk"),
        ("electric", "kWh", 0.0, 0.5306, "wtw_generation_only"),
    ],
)
def test_another_energy_has_an_inventory_of_its_own_and_no_credit(
    energy: str, unit: str, ttw: float, wtw: float, note: str
) -> None:
    rows = (empty_leg(0, **seen(50.0, 0.8)), leg(1, **seen(100.0, 1.45)))
    found = account(*rows, vehicles=vehicles({"energy": energy}))
    assert (found["energy"], found["energy_unit"]) == (energy, unit)
    assert found["energy_quantity"] > 0
    assert found["co2_ttw_kg"] == pytest.approx(found["energy_quantity"] * ttw)
    assert found["co2e_wtw_kg"] == pytest.approx(found["energy_quantity"] * wtw)
    for name in ("diesel_l", "diesel_source", "model_diesel_l", "diesel_saved_l"):
        assert pd.isna(found[name])
    assert {f"no_credit_for_{energy}", note} <= set(found["notes"].split(";"))
    assert (found["co2_credited_g"], found["quality"]) == (0, "default")


def test_a_month_before_the_factor_of_an_energy_has_the_quantity_alone_and_says_so() -> None:
    early = Month(2021, 3, MONTH.zone)
    found = account(leg(0, **seen(100.0, 1.45)), vehicles=vehicles({"energy": "lng"}), month=early)
    assert found["energy_quantity"] > 0
    assert pd.isna(found["co2_ttw_kg"])
    assert "no_factor_for_lng" in found["notes"].split(";")


def test_notes_are_sorted_and_name_the_fallback_of_the_factor() -> None:
    notes = account(empty_leg(0), leg(1))["notes"].split(";")
    assert notes == sorted(notes)
    assert {"wtw_fallback_region_eu", "efficiency_not_measured"} <= set(notes)


@pytest.mark.parametrize(
    ("counter_l", "gap_h", "truck", "source", "quality"),
    [
        (35.0, 0.0, {}, "counter", "measured"),
        (35.0, 0.2, {}, "counter", "measured"),  # 2 h driven, 90 % covered
        (35.0, 0.21, {}, "counter", "modelled"),
        (None, 0.0, {}, "declared", "modelled"),
        (None, 0.0, {"empty_l_per_100km": None, "full_l_per_100km": None}, "class", "default"),
    ],
)
def test_quality_says_how_the_litres_are_known(
    counter_l: float | None, gap_h: float, truck: dict[str, Any], source: str, quality: str
) -> None:
    found = account(leg(fuel_counter_l=counter_l, gap_h=gap_h), vehicles=vehicles(truck))
    assert (found["diesel_source"], found["quality"]) == (source, quality)
    assert found["coverage_share"] == pytest.approx(1 - gap_h / 2)


def test_a_counter_with_a_measured_baseline_credits_efficiency() -> None:
    lines = baselines({"efficiency_index": 1.10})
    found = account(leg(0, fuel_counter_l=35.44), baselines=lines)  # the model's own litres
    assert found["saved_by_efficiency_l"] > 0
    assert "efficiency_not_measured" not in found["notes"]


def test_a_declared_efficiency_counts_for_nothing_without_a_fuel_record() -> None:
    lines = baselines({"efficiency_index": 1.10})
    with_index, without = account(leg(0), baselines=lines), account(leg(0))
    assert with_index["diesel_saved_l"] == without["diesel_saved_l"]
    assert with_index["saved_by_efficiency_l"] == 0.0
    assert "efficiency_not_measured" in with_index["notes"]


def test_own_months_before_joining_serve_as_baseline() -> None:
    found = account(
        empty_leg(0),
        leg(1),
        baselines=baselines().iloc[:0],
        drivers=drivers("2026-01-01"),
        history=history(past("2025-11")),
    )
    # 40 % empty and 90,000 / (30 x 6,000) = 0.5, as in the declared line.
    assert found["baseline_source"] == "own_history"
    assert found["baseline_diesel_l"] == account(empty_leg(0), leg(1))["baseline_diesel_l"]


def test_each_driver_of_a_truck_has_a_row_and_the_unknown_driver_too() -> None:
    found = rows_of(leg(0), leg(1, driver_id="D2"), leg(2, driver_id=None), results=orders())
    assert found["driver_id"].tolist() == ["", "D1", "D2"]
    assert "driver_unknown" in found["notes"].iloc[0].split(";")


def test_orders_are_counted_once_in_the_row_of_driver_and_truck() -> None:
    rows = (leg(0), leg(1, driver_id="D2", distance_km=300.0))
    results = orders(
        order("O1"),
        order("O2", matched=False),
        order("O3", status="cancelled"),
        order("O4", driver_id="D2"),
        order("O5", driver_id="D9"),  # drove nothing: to the truck's row with most km
        order("O6", driver_id=None),
        order("O7", vehicle_id="T9"),  # no row at all
    )
    found = rows_of(*rows, results=results).set_index("driver_id")
    assert found["orders_count"].to_dict() == {"D1": 2, "D2": 3}
    assert found["orders_matched_count"].to_dict() == {"D1": 1, "D2": 3}


def test_accounts_do_not_depend_on_the_order_of_rows() -> None:
    rows = [leg(0), empty_leg(1), leg(2, driver_id="D2"), empty_leg(3, distance_km=0.1)]
    one = rows_of(*rows, results=orders(order()))
    other = rows_of(*reversed(rows), results=orders(order()))
    pd.testing.assert_frame_equal(one, other)


def test_a_month_without_legs_has_no_accounts() -> None:
    found = rows_of(results=orders())
    assert found.empty
    assert list(found.columns) == ACCOUNTS.names


def test_quantified_legs_keep_their_rows_in_place() -> None:
    rows = legs(leg(5), empty_leg(1), leg(3))
    everything = context()
    fuel = fuel_of_month(rows, RECEIPTS.empty(), everything.fuel)
    found = accounts.quantify_legs(rows, fuel, context=everything)
    assert found["started_at"].tolist() == rows["started_at"].tolist()
    assert found["diesel_l"].tolist() == pytest.approx([35.44, 11.72, 35.44])
    assert found["co2_ttw_kg"].tolist() == pytest.approx(
        [x * KG_PER_L for x in (35.44, 11.72, 35.44)]
    )


def quantified_orders(
    results: pd.DataFrame, leg_orders: pd.DataFrame, *rows: dict[str, Any]
) -> Any:
    everything = context()
    fuel = fuel_of_month(legs(*rows), RECEIPTS.empty(), everything.fuel)
    driven = accounts.quantify_legs(legs(*rows), fuel, context=everything)
    found = accounts.quantify_orders(results, leg_orders, driven, fuel=fuel, context=everything)
    return found.set_index("order_id")


def test_the_plan_of_an_order_drives_it_alone_over_the_circuity() -> None:
    # 80 km x 1.3 = 104 km: 0.2344 x 104 + 0.006 x 20 x 104 = 24.3776 + 12.48 l.
    found = quantified_orders(orders(order()), aboard((0, "O1", 20.0, 100.0)), leg(0))
    assert found["planned_diesel_l"]["O1"] == pytest.approx(36.8576)
    assert found["planned_co2_kg"]["O1"] == pytest.approx(36.8576 * KG_PER_L)


def test_the_empty_way_to_a_pickup_belongs_to_its_order() -> None:
    found = quantified_orders(
        orders(order()), aboard((1, "O1", 20.0, 100.0)), empty_leg(0), leg(1), empty_leg(2)
    )
    # 11.72 l approach + 35.44 l loaded; the empty way after it has no order yet.
    assert found["realised_diesel_l"]["O1"] == pytest.approx(47.16)
    assert found["realised_co2_kg"]["O1"] == pytest.approx(47.16 * KG_PER_L)


def test_each_order_bears_its_own_approach_once() -> None:
    rows = (empty_leg(0), leg(1), empty_leg(2, distance_km=10.0), leg(3))
    carried = aboard((1, "O1", 20.0, 100.0), (3, "O2", 20.0, 100.0))
    found = quantified_orders(orders(order("O1"), order("O2")), carried, *rows)
    assert found["realised_diesel_l"]["O1"] == pytest.approx(35.44 + 11.72)
    assert found["realised_diesel_l"]["O2"] == pytest.approx(35.44 + 2.344)


def test_orders_aboard_together_share_by_their_tonne_kilometres() -> None:
    # 10 t over 100 km and 5 t over 100 km: two thirds and one third of 23.44 + 9 l; the approach
    # of 11.72 l likewise, both were loaded there.
    results = orders(order("O1", cargo_t=10.0), order("O2", cargo_t=5.0))
    both = aboard((1, "O1", 10.0, 100.0), (1, "O2", 5.0, 100.0))
    found = quantified_orders(results, both, empty_leg(0), leg(1, payload_t=15.0))
    assert found["realised_diesel_l"]["O1"] == pytest.approx((32.44 + 11.72) * 2 / 3)
    assert found["realised_diesel_l"]["O2"] == pytest.approx((32.44 + 11.72) / 3)


def test_an_order_without_proof_has_a_plan_and_nothing_realised() -> None:
    found = quantified_orders(orders(order(matched=False)), aboard((1, "O2", 1.0, 1.0)), leg(0))
    assert found["planned_diesel_l"]["O1"] > 0
    assert pd.isna(found["realised_diesel_l"]["O1"])


def test_private_kilometres_are_charged_to_no_order() -> None:
    found = quantified_orders(
        orders(order()), aboard((1, "O1", 20.0, 100.0)), empty_leg(0, purpose="private"), leg(1)
    )
    assert found["realised_diesel_l"]["O1"] == pytest.approx(35.44)


moves = st.lists(
    st.tuples(st.sampled_from("LEU"), st.floats(0.1, 900), st.floats(0.5, 30)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15, deadline=None)
@given(moves)
def test_any_month_adds_up(drive: list[tuple[str, float, float]]) -> None:
    states = {"L": "loaded", "E": "empty", "U": "unknown"}
    rows = [
        leg(index, state=states[kind], distance_km=km, payload_t=t if kind == "L" else 0.0)
        for index, (kind, km, t) in enumerate(drive)
    ]
    found = account(*rows)
    assert found["loaded_km"] + found["empty_km"] + found["unknown_km"] == found["distance_km"]
    assert found["co2_credited_g"] >= 0
    if pd.notna(found["diesel_saved_l"]):
        parts = ("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l")
        assert sum(found[name] for name in parts) == found["diesel_saved_l"]
        assert found["co2_credited_g"] <= max(0.0, found["co2_avoided_kg"] * 1000)


@settings(max_examples=15, deadline=None)
@given(moves)
def test_orders_never_get_more_diesel_than_the_legs_burnt(
    drive: list[tuple[str, float, float]],
) -> None:
    states = {"L": "loaded", "E": "empty", "U": "unknown"}
    rows = [
        leg(index, state=states[kind], distance_km=km, payload_t=t if kind == "L" else 0.0)
        for index, (kind, km, t) in enumerate(drive)
    ]
    carried = [
        (index, f"O{index}", t, km) for index, (kind, km, t) in enumerate(drive) if kind == "L"
    ]
    if not carried:
        return
    results = orders(*[order(name) for _, name, _, _ in carried])
    found = quantified_orders(results, aboard(*carried), *rows)
    everything = context()
    fuel = fuel_of_month(legs(*rows), RECEIPTS.empty(), everything.fuel)
    burnt = accounts.quantify_legs(legs(*rows), fuel, context=everything)["diesel_l"].sum()
    assert found["realised_diesel_l"].sum() <= burnt * (1 + 1e-9)
