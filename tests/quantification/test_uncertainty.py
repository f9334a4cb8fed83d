from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.savings import (
    SavingCase,
    compute_saving,
    litres_saved,
    saving_impossible,
)
from fleet_carbon.quantification.uncertainty import (
    ErrorTerm,
    UncertaintyRules,
    co2_interval,
    combined,
    error_terms,
)
from tests.quantification.account_builders import EDITION
from tests.quantification.test_savings import REFERENCE, cases

RULES = fill_rules(EDITION, "uncertainty", UncertaintyRules)
SOURCES = {"rate_source": ["declared"], "baseline_source": ["declared_driver"], "imputed_km": 0.0}


def terms(case: SavingCase = REFERENCE, **given: object) -> dict[str, float]:
    found: list[ErrorTerm] = error_terms(case, RULES, **{**SOURCES, **given})  # type: ignore[arg-type]
    return {term.name: np.asarray(term.standard_l).item() for term in found}


def test_the_error_of_the_empty_rate_is_common_to_both_sides() -> None:
    # F8: the saving is proportional to the empty rate, so 8 % of it is 8 % of 4,400 l; taken as
    # independent it would be 8 % of each side, about 1,200 l.
    assert terms()["empty_rate"] == pytest.approx(0.08 * 4_400, abs=0.01)


def test_the_load_rate_and_standing_cancel() -> None:
    found = terms(replace(REFERENCE, idle_h=500.0))
    assert found["load_rate"] == pytest.approx(0.0, abs=1e-6)
    assert found["idle_rate"] == pytest.approx(0.0, abs=1e-6)


def test_the_distance_scale_is_common_to_kilometres_and_tonne_kilometres() -> None:
    assert terms()["distance_scale"] == pytest.approx(0.01 * 4_400, abs=0.01)


def test_the_baselines_own_errors_act_on_the_baseline_alone() -> None:
    # W f / P0 (1 + r0) = 6,835.71 + 4,557.14 = 11,392.86 l run with the payload: 4 % of it,
    # to first order (central difference of 1/x: 0.04 / (1 - 0.04^2)).
    assert terms()["baseline_payload"] == pytest.approx(-11_392.86 * 0.04 / (1 - 0.0016), abs=0.05)
    # 6,835.71 x 1/(1 - e), e from 0.38 to 0.42: half of 6,835.71 x (1/0.58 - 1/0.62).
    assert terms()["baseline_empty"] == pytest.approx(
        6_835.71 / 2 * (1 / 0.58 - 1 / 0.62), abs=0.05
    )


def test_imputed_kilometres_act_on_the_project_only() -> None:
    # 15 % of 1,000 km in gaps at 0.2344 l/km, against the saving.
    assert terms(imputed_km=1_000.0)["imputed_km"] == pytest.approx(
        -0.15 * 1_000 * 0.2344, rel=1e-6
    )
    assert terms()["imputed_km"] == 0.0


def test_a_class_line_is_less_certain_than_own_months() -> None:
    spread = {
        source: combined(list(terms(baseline_source=[source]).values()))
        for source in ("own_history", "declared_driver", "declared_class")
    }
    assert spread["own_history"] < spread["declared_driver"] < spread["declared_class"]


def test_class_rates_are_less_certain_than_declared_ones() -> None:
    assert terms(rate_source=["class"])["empty_rate"] == pytest.approx(0.12 * 4_400, abs=0.01)


def test_a_counter_and_a_measured_baseline_bring_their_own_errors() -> None:
    measured = replace(REFERENCE, measured_l=9_602.87)
    assert terms(measured)["fuel_counter"] == pytest.approx(-0.02 * 9_602.87, abs=0.01)
    assert terms(measured)["baseline_efficiency"] == pytest.approx(0.02 * 14_002.87, abs=0.01)
    unmeasured = replace(measured, baseline_efficiency_index=math.nan)
    assert terms(unmeasured)["baseline_efficiency"] == 0.0
    # The counter then scales both sides: 2 % of the saving.
    assert terms(unmeasured)["fuel_counter"] == pytest.approx(0.02 * 4_400, abs=0.01)


def test_an_empty_share_near_one_is_moved_halfway_at_most() -> None:
    found = terms(replace(REFERENCE, baseline_empty_share=0.97), baseline_source=["declared_class"])
    # 0.97 +- 0.015: 6,835.71 / 2 x (1/0.015 - 1/0.045).
    expected = 6_835.71 / 2 * (1 / 0.015 - 1 / 0.045)
    assert found["baseline_empty"] == pytest.approx(expected, rel=1e-4)


def test_the_interval_of_the_note_recomputes() -> None:
    # Section 6.2: terms 352, 106.05 and 227.9 l give 432.5 l; 4,400 - 1.645 x 432.5 = 3,689 l.
    standard = combined([0.08 * 4_400, 0.05 * 2_121, 0.10 * 2_279])
    assert standard == pytest.approx(432.5, abs=0.05)
    certain = replace(RULES, ttw_factor_share=0.0)
    interval = co2_interval(4_400.0, standard, co2_kg_per_l=1.0, rules=certain)
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
    standard = combined(list(terms(case, imputed_km=10.0).values()))
    interval = co2_interval(saved, standard, co2_kg_per_l=2.6006, rules=RULES)
    assert interval.low_kg <= interval.avoided_kg <= interval.high_kg
