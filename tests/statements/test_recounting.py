"""The recount meets a chain worked out by hand, and names what was tampered with."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fleet_carbon.statements.recounting import recount, terms_of

# The reference case (methodology note, section 8.2, R1) with two sources of error, z = 1.645 and
# a factor of 2.6 kg/l known to 1.5 %; leakage 1 kg. 0.2344 x 29,833.0 + 0.0059666 x 437,439.06
# = 9,602.87 l; 0.2344 x 48,604.34 + the same load = 14,002.87 l.
LOADED_KM, EMPTY_KM, WORK_TKM = 48_604.34 * 0.6 / 1.45, 48_604.34 * 0.2, 437_439.06
BURNT_L = 0.2344 * (LOADED_KM + EMPTY_KM) + 0.0059666 * WORK_TKM
OTHER_L = 0.2344 * 48_604.34 + 0.0059666 * WORK_TKM
SAVED_L = OTHER_L - BURNT_L
STANDARD_L = math.hypot(352.0, 227.9)
STANDARD_KG = math.hypot(2.6 * STANDARD_L, 0.015 * 2.6 * SAVED_L)
COMMON_KG, SINGLE_KG = STANDARD_KG * math.sqrt(2 / 3), STANDARD_KG / math.sqrt(3)
PERIOD_LOW_KG = (5_000.0 + 2.6 * SAVED_L - 1.0) - 1.645 * math.sqrt(
    (1_000.0 + COMMON_KG) ** 2 + 300.0**2 + SINGLE_KG**2 + 1_000.0**2 * 2 / 5
)

CHAIN = {
    "empty_l_per_km": 0.2344,
    "load_l_per_tkm": 0.0059666,
    "idle_l_per_h": 2.0,
    "idle_h": 0.0,
    "rated_payload_t": 30.0,
    "loaded_km": LOADED_KM,
    "not_loaded_km": EMPTY_KM,
    "transport_work_tkm": WORK_TKM,
    "activity_tkm": WORK_TKM,
    "driving_l": BURNT_L,
    "counterfactual_empty_share": 0.4,
    "counterfactual_payload_share": 0.5,
    "counterfactual_efficiency_index": 1.0,
    "counterfactual_payload_t": 15.0,
    "counterfactual_loaded_km": WORK_TKM / 15,
    "counterfactual_empty_km": WORK_TKM / 15 * 0.4 / 0.6,
    "empty_rate_standard_l": 352.0,
    "baseline_empty_standard_l": 227.9,
    "diesel_saved_standard_l": STANDARD_L,
    "ttw_factor_standard_share": 0.015,
    "coverage_index": 1.645,
    "co2_ttw_kg_per_l": 2.6,
    "detour_kg": 1.0,
    # Two months before it, of 5,000 kg net, 4,000 kg of them credited, and two still to come. Of
    # the month's error a third (in squares) is its own; its luck is 800 kg. 3 + 2 = 5 months.
    "net_before_kg": 5_000.0,
    "common_before_standard_kg": 1_000.0,
    "single_before_standard_kg": 300.0,
    "luck_before_standard_kg": 600.0,
    "period_months_count": 3.0,
    "period_to_come_count": 2.0,
    "period_net_kg": 5_000.0 + 2.6 * SAVED_L - 1.0,
    "period_common_standard_kg": 1_000.0 + COMMON_KG,
    "period_single_standard_kg": math.hypot(300.0, SINGLE_KG),
    "period_open_standard_kg": 1_000.0 * math.sqrt(2 / 5),
    "period_low_kg": PERIOD_LOW_KG,
    "credited_before_kg": 4_000.0,
}
LOW_KG = PERIOD_LOW_KG - 4_000.0
ACCOUNT: dict[str, Any] = {
    "distance_km": LOADED_KM + EMPTY_KM,
    "loaded_km": LOADED_KM,
    "empty_km": EMPTY_KM,
    "unknown_km": 0.0,
    "diesel_source": "declared",
    "diesel_l": BURNT_L,
    "baseline_diesel_l": OTHER_L,
    "diesel_saved_l": OTHER_L - BURNT_L,
    "saved_by_less_empty_l": 0.0,
    "saved_by_higher_load_l": OTHER_L - BURNT_L,
    "saved_by_efficiency_l": 0.0,
    "saved_against_declared_l": OTHER_L - BURNT_L,
    "saved_against_own_l": None,
    "saved_against_cohort_l": None,
    "saved_against_class_l": OTHER_L,
    "co2_avoided_kg": 2.6 * SAVED_L,
    "co2_avoided_low_kg": LOW_KG,
    "co2_avoided_high_kg": 2.6 * SAVED_L + 1.645 * STANDARD_KG,
    "co2_common_standard_kg": COMMON_KG,
    "co2_single_standard_kg": SINGLE_KG,
    "co2_luck_standard_kg": 800.0,
    "co2_leakage_kg": 1.0,
    "co2_credited_g": math.floor(1000 * LOW_KG),
}  # fmt: skip


def failed(
    account: dict[str, Any] | None = None, chain: dict[str, float] | None = None
) -> list[str]:
    posted_g = ACCOUNT["co2_credited_g"]
    relations = recount({**ACCOUNT, **(account or {})}, {**CHAIN, **(chain or {})}, posted_g)
    return [one.text for one in relations if not one.holds]


def test_a_chain_worked_out_by_hand_is_met() -> None:
    assert pytest.approx(4_400.0, abs=0.01) == SAVED_L
    assert failed() == []
    assert terms_of(CHAIN) == ["empty_rate", "baseline_empty"]


@pytest.mark.parametrize("name", [name for name in CHAIN if name != "idle_l_per_h"])
def test_any_number_that_was_changed_breaks_an_equation(name: str) -> None:
    assert failed(chain={name: CHAIN[name] * 1.01 + 0.01}) != []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, value in ACCOUNT.items()
        if isinstance(value, int | float) and name != "saved_against_class_l"
    ],
)
def test_any_figure_that_was_changed_breaks_an_equation(name: str) -> None:
    assert failed({name: ACCOUNT[name] * 1.01 + 2}) != []


def test_a_smaller_saving_that_was_not_taken_is_noticed() -> None:
    assert failed({"saved_against_class_l": 100.0}) == ["the smallest of the savings counts"]


def test_grams_that_the_ledger_does_not_hold_are_noticed() -> None:
    texts = [one.text for one in recount(ACCOUNT, CHAIN, 0) if not one.holds]
    assert texts == ["sum of the ledger's entries = co2_credited_g"]


def test_without_a_saving_nothing_may_be_credited() -> None:
    empty = {**ACCOUNT, "diesel_saved_l": None, "co2_credited_g": 5}
    assert [one.holds for one in recount(empty, CHAIN, 5)] == [True, True, False]
