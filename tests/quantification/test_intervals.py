"""Intervals of the figures of an account by hand: a leg of 50 km empty, one of 100 km loaded."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.frames import RECEIPTS
from fleet_carbon.quantification import accounts
from fleet_carbon.quantification.month_fuel import fuel_of_month
from tests.quantification.account_builders import (
    aboard,
    context,
    empty_leg,
    leg,
    legs,
    order,
    orders,
)

Z = 1.645
# Of a leg 2 %, of all kilometres 1 %, in gaps 15 %; declared weights 2 % together, 5 % each.
BY_LEG, SCALE, IN_GAPS, COMMON, SINGLE = 0.02, 0.01, 0.15, 0.02, 0.05


def accounted(
    driven: pd.DataFrame, loads: pd.DataFrame, results: pd.DataFrame, **given: Any
) -> pd.DataFrame:
    everything = context(**given)
    fuel = fuel_of_month(driven, RECEIPTS.empty(), everything.fuel)
    burnt = accounts.quantify_legs(driven, fuel, context=everything)
    return accounts.compose_accounts(burnt, loads, results, fuel=fuel, context=everything).intervals


def intervals(
    *rows: dict[str, Any], source: str | None = "declared", **given: Any
) -> dict[str, dict[str, Any]]:
    loads = aboard((1, "O1", 20.0, 100.0)).assign(weight_source=source)
    driven = legs(*rows or (empty_leg(0), leg(1)))
    found = accounted(driven, loads, orders(order()), **given)
    return {str(row["figure"]): dict(row) for row in found.to_dict("records")}


def test_kilometres_have_a_common_scale_and_errors_of_single_legs() -> None:
    found = intervals()
    empty, loaded = 50 * math.hypot(SCALE, BY_LEG), 100 * math.hypot(SCALE, BY_LEG)
    assert found["empty_km"]["standard"] == pytest.approx(empty)
    assert found["loaded_km"]["standard"] == pytest.approx(loaded)
    # The scale is the same error on both, so it adds up; those of the legs add in squares.
    together = math.sqrt((150 * SCALE) ** 2 + (100 * BY_LEG) ** 2 + (50 * BY_LEG) ** 2)
    assert found["distance_km"]["standard"] == pytest.approx(together)
    assert found["distance_km"]["low"] == pytest.approx(150 - Z * together)
    assert found["distance_km"]["high"] == pytest.approx(150 + Z * together)


def test_kilometres_inside_gaps_are_as_unsure_as_the_edition_says() -> None:
    found = intervals(empty_leg(0, imputed_km=10.0), leg(1))
    assert found["imputed_km"]["standard"] == pytest.approx(10 * math.hypot(IN_GAPS, SCALE))


def test_the_scale_of_distances_leaves_shares_alone() -> None:
    found = intervals()
    # loaded / all: its derivative by ln(loaded) is s (1 - s), by ln(empty) the negative of it.
    share = 100 / 150
    assert found["mileage_utilisation_share"]["standard"] == pytest.approx(
        share * (1 - share) * math.hypot(BY_LEG, BY_LEG), rel=1e-3
    )
    # tkm / (t x loaded km): both are off alike by the leg, what remains is the weight.
    assert found["payload_utilisation_share"]["standard"] == pytest.approx(
        20 / 30 * math.hypot(COMMON, SINGLE), rel=1e-6
    )


def test_a_weighed_load_is_surer_than_a_declared_one() -> None:
    # What is not said is taken as by class: 10 % together, 30 % each.
    off = {"weighed": (0.005, 0.01), "declared": (COMMON, SINGLE), None: (0.10, 0.30)}
    for source, (common, single) in off.items():
        work = intervals(source=source)["transport_work_tkm"]
        relative = math.sqrt(SCALE**2 + BY_LEG**2 + common**2 + single**2)
        assert work["standard"] == pytest.approx(2_000 * relative, rel=1e-3)


def test_diesel_and_its_co2_by_hand() -> None:
    found = intervals()
    # Declared rates: 0.2344 x 150 = 35.16 l run (8 %), 0.006 x 2,000 = 12 l for the load (20 %).
    # Scale 1 % of 47.16 l; legs: 2 % of 23.44 + 12 l and of 11.72 l; weights move the 12 l.
    terms = [
        0.08 * 35.16,
        0.20 * 12,
        SCALE * 47.16,
        BY_LEG * 35.44,
        BY_LEG * 11.72,
        COMMON * 12,
        SINGLE * 12,
    ]
    litres = math.sqrt(sum(one * one for one in terms))
    assert found["diesel_l"]["standard"] == pytest.approx(litres, rel=1e-3)
    kilograms = found["co2_ttw_kg"]["value"]
    assert found["co2_ttw_kg"]["standard"] == pytest.approx(
        kilograms * math.hypot(litres / 47.16, 0.015), rel=1e-3
    )
    # The well-to-wheel factor is European: 5 %.
    assert found["co2e_wtw_kg"]["standard"] == pytest.approx(
        found["co2e_wtw_kg"]["value"] * math.hypot(litres / 47.16, 0.05), rel=1e-3
    )


def test_money_has_the_interval_of_what_it_is_paid_for() -> None:
    found = intervals()
    litres, money = found["diesel_saved_l"], found["fuel_cost_saved"]
    for bound in ("low", "high", "standard"):
        assert money[bound] == pytest.approx(8.5 * litres[bound])
    worth, kilograms = found["carbon_value"], found["co2_avoided_kg"]
    # The credit is the lower bound already; 30 CNY a tonne of the upper one.
    assert worth["low"] == worth["value"]
    assert worth["high"] == pytest.approx(0.030 * kilograms["high"])


def test_without_a_baseline_what_was_driven_has_its_intervals_all_the_same() -> None:
    nothing = context().baselines.iloc[:0]
    found = intervals(baselines=nothing)
    assert {"distance_km", "load_rate_share", "diesel_l", "co2_ttw_kg"} <= found.keys()
    assert not {"diesel_saved_l", "co2_avoided_kg", "carbon_value"} & found.keys()


def test_without_a_leg_there_is_nothing_to_be_unsure_of() -> None:
    assert accounted(legs(leg()).iloc[:0], aboard(), orders()).empty
