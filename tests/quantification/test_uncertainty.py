from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from fleet_carbon.quantification.counterfactual import Baseline, MonthScatter
from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.savings import (
    SavingCase,
    compute_saving,
    litres_saved,
    saving_impossible,
)
from fleet_carbon.quantification.spread import Spread
from fleet_carbon.quantification.uncertainty import (
    OF_SINGLE_MONTHS,
    DrivingErrors,
    Errors,
    UncertaintyRules,
    baseline_errors,
    co2_interval,
    combined,
    driving_errors,
    efficiency_errors,
    error_terms,
    month_efficiency_errors,
    month_luck_l,
)
from tests.quantification.account_builders import EDITION
from tests.quantification.test_savings import REFERENCE, cases

RULES = fill_rules(EDITION, "uncertainty", UncertaintyRules)
NO_ERRORS = Errors(
    empty_rate_share=0.0,
    load_rate_share=0.0,
    idle_rate_share=0.0,
    fuel_scale_share=0.0,
    fuel_month_share=0.0,
    baseline_empty_share=0.0,
    baseline_payload_share=0.0,
    baseline_efficiency_share=0.0,
    baseline_season_share=0.0,
    weight_shared_share=0.0,
    distance_shared_share=0.0,
    driving=DrivingErrors(
        distance_scale_share=0.0,
        empty_legs_share=0.0,
        loaded_legs=(0.0, 0.0),
        legs_correlation=1.0,
        imputed_km_share=0.0,
        weight_common=(),
        weight_orders=(0.0, 0.0),
        weight_correlation=1.0,
    ),
)


def terms(case: SavingCase = REFERENCE, **errors: Any) -> dict[str, float]:
    found = error_terms(case, replace(NO_ERRORS, **errors))
    return {term.name: np.asarray(term.standard).item() for term in found}


def spread(**given: Any) -> Spread:
    """One account with a single order by declared weight, over legs of no length."""
    declared = np.array([[0.0, 437_439.06, 0.0, 0.0]])
    fields = {
        "loaded_legs_km": np.zeros(1),
        "empty_legs_km": np.zeros(1),
        "loaded_legs_tkm": np.zeros(1),
        "legs_products": np.zeros(1),
        "imputed_km": np.zeros(1),
        "work_tkm": declared,
        "activity_tkm": declared,
        "work_squares": declared**2,
        "activity_squares": declared**2,
        "products": declared**2,
    }
    return Spread(**{**fields, **given})


def baseline(source: str, **given: float) -> Baseline:
    """One that states nothing of how sure it is."""
    return replace(Baseline(source, 0.4, 0.5, None), **given)


def driving_terms(**given: Any) -> dict[str, float]:
    return terms(driving=driving_errors(REFERENCE, spread(**given), RULES))


def test_the_error_of_the_empty_rate_is_common_to_both_sides() -> None:
    # F8: the saving is proportional to the empty rate, so 8 % of it is 8 % of 4,400 l; taken as
    # independent it would be 8 % of each side, about 1,200 l.
    assert terms(empty_rate_share=0.08)["empty_rate"] == pytest.approx(0.08 * 4_400, abs=0.01)


def test_the_load_rate_and_standing_cancel() -> None:
    found = terms(replace(REFERENCE, idle_h=500.0), load_rate_share=0.2, idle_rate_share=0.4)
    assert found["load_rate"] == pytest.approx(0.0, abs=1e-6)
    assert found["idle_rate"] == pytest.approx(0.0, abs=1e-6)


def test_a_scale_of_all_modelled_litres_scales_the_saving() -> None:
    standing = replace(REFERENCE, idle_h=500.0)
    assert terms(standing, fuel_scale_share=0.03)["fuel_scale"] == pytest.approx(0.03 * 4_400)


def test_the_distance_scale_is_common_to_kilometres_and_tonne_kilometres() -> None:
    assert driving_terms()["distance_scale"] == pytest.approx(0.01 * 4_400, abs=0.01)


def test_the_baselines_own_errors_act_on_the_baseline_alone() -> None:
    found = terms(baseline_empty_share=0.05, baseline_payload_share=0.04)
    # W f / P0 (1 + r0) = 6,835.71 + 4,557.14 = 11,392.86 l run with the payload: 4 % of it,
    # to first order (central difference of 1/x: 0.04 / (1 - 0.04^2)).
    assert found["baseline_payload"] == pytest.approx(-11_392.86 * 0.04 / (1 - 0.0016), abs=0.05)
    # 6,835.71 x 1/(1 - e), e from 0.38 to 0.42: half of 6,835.71 x (1/0.58 - 1/0.62).
    assert found["baseline_empty"] == pytest.approx(6_835.71 / 2 * (1 / 0.58 - 1 / 0.62), abs=0.05)


def test_a_baseline_that_states_its_errors_is_believed_and_others_take_the_edition() -> None:
    stated = baseline("own_history", empty_standard_share=0.013)
    found = baseline_errors(
        [stated, baseline("declared_driver"), baseline("declared_class")], RULES
    )
    assert found["baseline_empty_share"].tolist() == [
        0.013,
        RULES.baseline_empty_declared_driver_share,
        RULES.baseline_empty_declared_class_share,
    ]
    # Own months are surer than a declared line, and that surer than the line of a class.
    assert found["baseline_payload_share"].tolist() == sorted(found["baseline_payload_share"])


def test_the_luck_of_a_month_is_what_its_scatter_does_to_the_saving() -> None:
    # As for the baseline's errors above: payload 4 % of 11,392.86 l, empty share 0.38 to 0.42.
    found = month_luck_l(REFERENCE, [MonthScatter(0.05, 0.04, is_seen=True)])
    payload = 11_392.86 * 0.04 / (1 - 0.0016)
    empty = 6_835.71 / 2 * (1 / 0.58 - 1 / 0.62)
    assert found.tolist() == [pytest.approx(math.hypot(payload, empty), abs=0.05)]
    assert month_luck_l(REFERENCE, [MonthScatter(0.05, 0.04, is_seen=False)]).tolist() == [0.0]


def test_imputed_kilometres_act_on_the_project_only() -> None:
    # 15 % of 1,000 km in gaps at 0.2344 l/km, against the saving.
    imputed = driving_terms(imputed_km=np.array([1_000.0]))["imputed_km"]
    assert imputed == pytest.approx(-0.15 * 1_000 * 0.2344, rel=1e-6)
    assert driving_terms()["imputed_km"] == 0.0


def test_the_noise_of_legs_averages_over_them() -> None:
    # 97.209 legs of 100 km without cargo: 2 % of each is 2 % x 100 x sqrt(97.209) = 19.72 km,
    # 4.62 l at 0.2344 l/km; as one leg of 9,720.9 km it is 2 % of them all, 45.57 l.
    many = driving_terms(empty_legs_km=np.array([100 * math.sqrt(97.20868)]))
    assert many["distance_legs"] == pytest.approx(0.02 * 100 * math.sqrt(97.209) * 0.2344, rel=1e-4)
    one = driving_terms(empty_legs_km=np.array([9_720.868]))
    assert one["distance_legs"] == pytest.approx(0.02 * 9_720.868 * 0.2344, rel=1e-6)


def test_the_noise_of_loaded_legs_moves_their_work_with_them() -> None:
    # One leg: 2 % more loaded km with 2 % more tkm. Baseline + 2 % of 11,392.86 l, project
    # + 2 % of 20,112.1 km at 0.2344 l/km = 4,714.3 l; the load slope is on both sides.
    km, work = np.array([48_604.34 * 0.6 / 1.45]), np.array([437_439.06])
    found = driving_terms(loaded_legs_km=km, loaded_legs_tkm=work, legs_products=km * work)
    assert found["distance_legs"] == pytest.approx(0.02 * (11_392.86 - 4_714.29), abs=0.05)


def test_a_common_error_of_weights_does_not_average_and_that_of_orders_does() -> None:
    # The saving holds W f / P0 (1 + r0) = 11,392.86 l; the load slope acts on both sides.
    one = driving_terms()
    assert one["weight_common"] == pytest.approx(0.02 * 11_392.86, abs=0.05)
    assert one["weight_orders"] == pytest.approx(0.05 * 11_392.86, abs=0.05)
    # A hundred equal orders: the squares add up to a hundredth.
    squares = np.array([[0.0, 437_439.06**2 / 100, 0.0, 0.0]])
    many = driving_terms(work_squares=squares, activity_squares=squares, products=squares)
    assert many["weight_common"] == pytest.approx(one["weight_common"])
    assert many["weight_orders"] == pytest.approx(one["weight_orders"] / 10)


def test_weights_of_two_sources_have_two_common_errors() -> None:
    # Half weighed, half declared: 0.5 % and 2 % of half of 11,392.86 l, in squares.
    halves = np.array([[218_719.53, 218_719.53, 0.0, 0.0]])
    found = driving_terms(work_tkm=halves, activity_tkm=halves)
    assert found["weight_common"] == pytest.approx(
        11_392.86 / 2 * math.hypot(0.005, 0.02), abs=0.05
    )


def test_a_habit_of_weighing_that_the_baseline_shares_cancels() -> None:
    # W / P0 does not move if both are as much too high; the load slope is on both sides.
    driving = driving_errors(REFERENCE, spread(), RULES)
    alone, shared = (
        terms(driving=driving, weight_shared_share=share)["weight_common"] for share in (0.0, 1.0)
    )
    assert alone == pytest.approx(0.02 * 11_392.86, abs=0.05)
    assert shared == pytest.approx(0.0, abs=1e-6)


def test_a_baseline_made_of_orders_shares_the_habit_and_a_declared_line_does_not() -> None:
    shares = {"own_history": 1.0, "declared_class": 0.0, "cohort": 0.5}
    made = [baseline(name, of_orders_share=share) for name, share in shares.items()]
    found = baseline_errors(
        [replace(one, empty_standard_share=0.02, payload_standard_share=0.02) for one in made],
        RULES,
    )
    assert found["weight_shared_share"].tolist() == [0.8, 0.0, 0.4]


def test_a_counter_and_a_measured_baseline_bring_their_own_errors() -> None:
    measured = replace(REFERENCE, measured_l=9_602.87)
    efficiency = efficiency_errors(measured, [baseline("own_history")], RULES)
    found = terms(measured, fuel_scale_share=0.02, baseline_efficiency_share=efficiency)
    # One meter measured both sides: 2 % of the saving.
    assert found["fuel_scale"] == pytest.approx(0.02 * 4_400, abs=0.01)
    assert found["baseline_efficiency"] == pytest.approx(0.02 * 14_002.87, abs=0.01)
    unmeasured = replace(measured, baseline_efficiency_index=math.nan)
    found = terms(unmeasured, fuel_scale_share=0.02, baseline_efficiency_share=0.0)
    # The counter then scales both sides: 2 % of the saving.
    assert found["fuel_scale"] == pytest.approx(0.02 * 4_400, abs=0.01)


def test_where_both_sides_were_measured_the_rates_move_neither() -> None:
    # The index of the baseline is its litres over the model's: a rate too high makes it too low.
    measured = replace(REFERENCE, measured_l=9_602.87)
    found = terms(measured, empty_rate_share=0.08, load_rate_share=0.2)
    assert found["empty_rate"] == pytest.approx(0.0, abs=1e-6)
    assert found["load_rate"] == pytest.approx(0.0, abs=1e-6)


def test_where_both_sides_were_measured_their_kilometres_and_weights_move_neither() -> None:
    # The model's litres before were of kilometres and loads with the same errors.
    measured = replace(REFERENCE, measured_l=9_602.87)
    driving = driving_errors(REFERENCE, spread(), RULES)
    shared = {"weight_shared_share": 1.0, "distance_shared_share": 1.0}
    found = terms(measured, driving=driving, **shared)
    assert found["distance_scale"] == pytest.approx(0.0, abs=1e-6)
    assert found["weight_common"] == pytest.approx(0.0, abs=1e-6)
    # A declared index was of no kilometres of these records: 1 % and 2 % of the counterfactual's
    # 14,002.87 l, for all of its kilometres and loads come of the work.
    found = terms(measured, driving=driving)
    assert found["distance_scale"] == pytest.approx(0.01 * 14_002.87, abs=0.01)
    assert found["weight_common"] == pytest.approx(0.02 * 14_002.87, abs=0.01)
    assert baseline_errors([baseline("declared_driver")], RULES)["distance_shared_share"] == [0.0]
    own = baseline("own_history", of_orders_share=1.0)
    assert baseline_errors([own], RULES)["distance_shared_share"] == [1.0]


def test_the_litres_of_one_month_stand_against_an_index_of_other_months() -> None:
    # 2 % of the 9,602.87 l burnt; without an index of other months, 2 % of the saving.
    measured = replace(REFERENCE, measured_l=9_602.87)
    uncompared = replace(measured, baseline_efficiency_index=math.nan)
    assert terms(measured, fuel_month_share=0.02)["fuel_month"] == pytest.approx(-192.06, abs=0.01)
    assert terms(uncompared, fuel_month_share=0.02)["fuel_month"] == pytest.approx(88.0, abs=0.01)
    assert "fuel_month" in OF_SINGLE_MONTHS
    # As months of the driver differ, or by the ends of the receipts if these are worse.
    own = replace(baseline("own_history"), efficiency_scatter_share=0.02)
    found = month_efficiency_errors(np.array([0.0, 0.03, 0.01]), [own, own, baseline("cohort")])
    assert found.tolist() == [0.02, 0.03, 0.01]


def test_the_index_is_as_sure_as_it_says() -> None:
    measured = replace(REFERENCE, measured_l=np.array([9_602.87, 9_602.87]))
    stated = replace(baseline("own_history"), efficiency_standard_share=0.011)
    found = efficiency_errors(measured, [stated, baseline("declared_driver")], RULES)
    assert found.tolist() == [0.011, RULES.baseline_efficiency_share]


def test_an_efficiency_that_is_a_rule_has_no_error() -> None:
    assert efficiency_errors(REFERENCE, [baseline("own_history")], RULES) == 0.0


def test_an_empty_share_near_one_is_moved_halfway_at_most() -> None:
    found = terms(replace(REFERENCE, baseline_empty_share=0.97), baseline_empty_share=0.10)
    # 0.97 +- 0.015: 6,835.71 / 2 x (1/0.015 - 1/0.045).
    expected = 6_835.71 / 2 * (1 / 0.015 - 1 / 0.045)
    assert found["baseline_empty"] == pytest.approx(expected, rel=1e-4)


# The errors of section 6.2 as errors of what a saving rests on: 8 % of the empty rate; 10 % of the
# empty km avoided are 972.1 of the counterfactual's 19,441.7, 5 % of its ratio e/(1 - e), which 3 %
# of e = 0.4 make; 5 % of the loaded km avoided are 106.05 l, which 0.9309 % of the 11,392.86 l
# make that run with the payload.
NOTE = {
    "empty_rate_share": 0.08,
    "baseline_empty_share": 0.03,
    "baseline_payload_share": 106.05 / 11_392.86,
}


def test_the_interval_of_the_note_recomputes() -> None:
    # Section 6.2: terms 352, 106.05 and 227.9 l give 432.5 l; 4,400 - 1.645 x 432.5 = 3,689 l.
    found = terms(**NOTE)
    assert found["empty_rate"] == pytest.approx(352.0, abs=0.01)
    assert found["baseline_payload"] == pytest.approx(-106.05, abs=0.05)
    assert found["baseline_empty"] == pytest.approx(227.9, abs=0.2)
    standard = combined(list(found.values()))
    assert standard == pytest.approx(432.5, abs=0.15)
    certain = replace(RULES, ttw_factor_share=0.0)
    saved = float(litres_saved(REFERENCE))
    interval = co2_interval(saved, standard, co2_kg_per_l=1.0, rules=certain)
    assert interval.low_kg == pytest.approx(3_689, abs=0.6)  # the note rounds 432.5 first
    assert interval.high_kg == pytest.approx(4_400 + 711.5, abs=0.5)


def test_the_factor_adds_its_own_error_to_the_kilograms() -> None:
    interval = co2_interval(1_000.0, 0.0, co2_kg_per_l=2.6, rules=RULES)
    assert interval.avoided_kg == 2_600.0
    assert interval.standard_kg == pytest.approx(2_600 * 0.015)


@settings(max_examples=100, deadline=None)
@given(cases)
def test_any_case_has_a_finite_interval_that_holds_its_estimate(case: SavingCase) -> None:
    if saving_impossible(case):
        return
    saved = compute_saving(case).saved_l
    assert saved == pytest.approx(litres_saved(case), abs=1e-6 * (1 + abs(saved)))
    errors = driving_errors(case, spread(imputed_km=np.array([10.0])), RULES)
    standard = combined(list(terms(case, **NOTE, driving=errors).values()))
    interval = co2_interval(saved, standard, co2_kg_per_l=2.6006, rules=RULES)
    assert interval.low_kg <= interval.avoided_kg <= interval.high_kg
