"""The analytic interval against chance: every input drawn, the saving computed, the draws counted.

The drawing is written out here by hand and shares no code with the propagation: what is common is
drawn once per draw, what is independent once per leg or order.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fleet_carbon.quantification.savings import SavingCase, litres_saved
from fleet_carbon.quantification.spread import Spread
from fleet_carbon.quantification.uncertainty import (
    Errors,
    combined,
    driving_errors,
    error_terms,
)
from tests.quantification.test_uncertainty import NO_ERRORS, RULES

DRAWS = 20_000
SEED = 20260901
Z_90 = 1.645

# A month of a 30 t truck: forty orders, those on the even legs by declared weight, the others
# weighed; every fifth is driven a tenth beyond its distance cap.
ORDERS = 40
LOADED_KM = 120.0 + 5.0 * np.arange(ORDERS)
EMPTY_KM = 30.0 + 2.0 * np.arange(ORDERS)
CARGO_T = 18.0 + np.arange(ORDERS) % 9
CREDITED = np.where(np.arange(ORDERS) % 5 == 0, 1 / 1.1, 1.0)
SOURCE = np.where(np.arange(ORDERS) % 2 == 0, 1, 0)  # index in WEIGHT_SOURCES
COMMON = np.array([0.005, 0.02])
SINGLE = np.array([0.01, 0.05])
IMPUTED_KM = 300.0


def month(**given: Any) -> SavingCase:
    work = CARGO_T * LOADED_KM
    fields: dict[str, Any] = {
        "empty_l_per_km": 0.2344,
        "load_l_per_tkm": 0.006,
        "idle_l_per_h": 2.0,
        "rated_payload_t": 30.0,
        "baseline_empty_share": 0.40,
        "baseline_payload_share": 0.55,
        "baseline_efficiency_index": 1.0,
        "loaded_km": LOADED_KM.sum(),
        "empty_km": EMPTY_KM.sum(),
        "transport_work_tkm": work.sum(),
        "activity_tkm": (work * CREDITED).sum(),
        "idle_h": 25.0,
        "measured_l": math.nan,
    }
    return SavingCase(**{**fields, **given})


def month_errors(case: SavingCase, **given: Any) -> Errors:
    """Everything a month may be off by, at once."""
    work = CARGO_T * LOADED_KM
    credited = work * CREDITED
    of_source = (np.arange(4)[:, None] == SOURCE).astype(float)
    spread = Spread(
        loaded_legs_km=np.sqrt((LOADED_KM**2).sum(keepdims=True)),
        empty_legs_km=np.sqrt((EMPTY_KM**2).sum(keepdims=True)),
        loaded_legs_tkm=np.sqrt((work**2).sum(keepdims=True)),
        legs_products=(LOADED_KM * work).sum(keepdims=True),
        imputed_km=np.array([IMPUTED_KM]),
        work_tkm=(of_source @ work)[None],
        activity_tkm=(of_source @ credited)[None],
        work_squares=(of_source @ work**2)[None],
        activity_squares=(of_source @ credited**2)[None],
        products=(of_source @ (work * credited))[None],
    )
    found = replace(
        NO_ERRORS,
        empty_rate_share=0.08,
        load_rate_share=0.20,
        idle_rate_share=0.40,
        fuel_scale_share=0.03,
        fuel_month_share=0.02,
        baseline_empty_share=0.05,
        baseline_payload_share=0.035,
        baseline_season_share=0.04,
        driving=driving_errors(case, spread, RULES),
    )
    return replace(found, **given)


def draw(case: SavingCase, which: str) -> NDArray[np.float64]:
    """Savings of which one source of error, or ``all``, is drawn."""
    chance = np.random.default_rng(SEED)

    def shares(name: str, standard: float, *shape: int) -> NDArray[np.float64]:
        drawn = chance.standard_normal((DRAWS, *shape)) * standard
        return 1 + drawn * (which in (name, "all"))

    legs = shares("distance_legs", 0.02, ORDERS), shares("distance_legs", 0.02, ORDERS)
    bias = np.stack([shares("weight_common", one) for one in COMMON], axis=1)[:, SOURCE]
    single = (shares("weight_orders", 1.0, ORDERS) - 1) * SINGLE[SOURCE] + 1
    scale = shares("distance_scale", 0.01)
    gaps = 1 + (shares("imputed_km", 0.15) - 1) * IMPUTED_KM / (case.loaded_km + case.empty_km)
    litres = shares("fuel_scale", 0.03)
    of_model = np.where(math.isnan(float(case.measured_l)), litres, 1.0)
    cargo_t = CARGO_T * bias * single
    work = cargo_t * LOADED_KM * legs[0]
    drawn = replace(
        case,
        empty_l_per_km=case.empty_l_per_km * shares("empty_rate", 0.08) * of_model,
        load_l_per_tkm=case.load_l_per_tkm * shares("load_rate", 0.20) * of_model,
        idle_l_per_h=case.idle_l_per_h * shares("idle_rate", 0.40) * of_model,
        baseline_empty_share=in_season(
            case.baseline_empty_share * shares("baseline_empty", 0.05),
            shares("baseline_season", 0.04),
        ),
        baseline_payload_share=case.baseline_payload_share * shares("baseline_payload", 0.035),
        loaded_km=(LOADED_KM * legs[0]).sum(axis=1) * scale * gaps,
        empty_km=(EMPTY_KM * legs[1]).sum(axis=1) * scale * gaps,
        transport_work_tkm=work.sum(axis=1) * scale,
        activity_tkm=(work * CREDITED).sum(axis=1) * scale,
        measured_l=case.measured_l * litres * shares("fuel_month", 0.02),
    )
    if not math.isnan(float(case.measured_l)):
        # Own months were measured by the same meter: their litres per work are what they are.
        rated = replace(
            case, empty_l_per_km=drawn.empty_l_per_km, load_l_per_tkm=drawn.load_l_per_tkm
        )
        kept = case.model_l_per_tkm / np.asarray(rated.model_l_per_tkm)
        index = drawn.baseline_efficiency_index * litres * kept
        drawn = replace(drawn, baseline_efficiency_index=index)
    return np.asarray(litres_saved(drawn))


def in_season(empty_share: Any, index: NDArray[np.float64]) -> Any:
    """Empty per other kilometres times the index, as a share again."""
    ratio = empty_share / (1 - empty_share) * index
    return ratio / (1 + ratio)


MODELLED = month()
# The counter shows 4 % less than the model; own months were measured at index 1.02.
MEASURED = month(measured_l=0.96 * float(MODELLED.modelled_l), baseline_efficiency_index=1.02)
UNCOMPARED = replace(MEASURED, baseline_efficiency_index=math.nan)
CASES = {"modelled": MODELLED, "measured": MEASURED, "uncompared": UNCOMPARED}


@pytest.mark.parametrize("name", CASES)
def test_all_sources_at_once_have_the_standard_and_the_bounds_of_chance(name: str) -> None:
    case = CASES[name]
    drawn = draw(case, "all")
    standard = np.asarray(
        combined([t.standard for t in error_terms(case, month_errors(case))])
    ).item()
    # The standard of 20,000 draws is itself known to 0.5 %.
    assert standard == pytest.approx(drawn.std(), rel=0.03)
    low, high = np.quantile(drawn, [0.05, 0.95])
    # 1/P and e/(1 - e) bend upwards: both bounds of chance lie higher than the straight ones, by
    # less than a fifth of a standard uncertainty, which is to the safe side below.
    estimate = float(litres_saved(case))
    assert low == pytest.approx(estimate - Z_90 * standard, abs=0.2 * standard)
    assert high == pytest.approx(estimate + Z_90 * standard, abs=0.2 * standard)
    assert low > estimate - Z_90 * standard - 0.03 * standard


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "term",
    [t.name for t in error_terms(MODELLED, month_errors(MODELLED)) if "efficiency" not in t.name],
)
def test_each_source_alone_has_the_standard_of_chance(term: str, name: str) -> None:
    case = CASES[name]
    found = {t.name: t.standard for t in error_terms(case, month_errors(case))}
    drawn = draw(case, term)
    # What cancels is nothing on both sides, beside savings of hundreds of litres.
    assert abs(np.asarray(found[term]).item()) == pytest.approx(drawn.std(), rel=0.03, abs=0.02)


def test_a_measured_index_of_the_baseline_has_the_standard_of_chance() -> None:
    chance = np.random.default_rng(SEED)
    index = 1.02 * (1 + 0.02 * chance.standard_normal(DRAWS))
    drawn = np.asarray(litres_saved(replace(MEASURED, baseline_efficiency_index=index)))
    errors = replace(NO_ERRORS, baseline_efficiency_share=0.02)
    found = {t.name: t.standard for t in error_terms(MEASURED, errors)}
    assert found["baseline_efficiency"] == pytest.approx(drawn.std(), rel=0.03)
