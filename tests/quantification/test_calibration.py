"""What own measured months say of a truck, and how far they are believed: figures by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.quantification.calibration import (
    CalibrationRules,
    Measured,
    calibrate,
    measured_before,
)
from tests.quantification.account_builders import EDITION, MONTH, history, past

RULES = CalibrationRules(
    between_share=0.1,
    within_share=0.05,
    within_model_l=1_000.0,
    device_share=0.0,
    model_l_min=500.0,
    months_count_max=3,
)


def measured(month: str, **given: object) -> dict[str, object]:
    """A past month that burnt 3,300 l where the physics gave 3,000 l."""
    fields = {
        "edition": EDITION.label, "fuel_model": "physics", "measured_l": 3_300.0,
        "measured_model_l": 3_000.0,
    }  # fmt: skip
    return past(month, **{**fields, **given})


def before(*rows: dict[str, object]) -> dict[tuple[str, str], Measured]:
    return measured_before(history(*rows), month=MONTH, edition=EDITION, months_count_max=3)


def test_one_month_of_reference_size_is_believed_by_the_two_variances() -> None:
    # t^2 = 0.01, s^2 = 0.0025: b = 0.01 / 0.0125 = 0.8; 1 + 0.8 x 0.2 = 1.16.
    found = calibrate(Measured(1_200.0, 1_000.0, 1), 1_000.0, RULES)
    assert found.scale_index == pytest.approx(1.16)
    # 0.01 x 0.2 left of the truck, 0.0025 of the month: sqrt(0.0045) / 1.16.
    assert found.standard_share == pytest.approx(math.sqrt(0.0045) / 1.16)


def test_four_times_the_litres_say_four_times_as_much() -> None:
    # s^2 / 4 = 0.000625: b = 0.01 / 0.010625 = 16/17.
    found = calibrate(Measured(4_800.0, 4_000.0, 4), 1_000.0, RULES)
    assert found.scale_index == pytest.approx(1 + 0.2 * 16 / 17)


def test_a_month_to_be_predicted_is_the_less_sure_the_smaller_it_is() -> None:
    one = Measured(1_000.0, 1_000.0, 1)
    large, small, tiny = (calibrate(one, litres, RULES) for litres in (4_000.0, 500.0, 1.0))
    # 0.002 + 0.0025 / 4, and 0.002 + 0.0025 x 2; below the least litres it is told no worse.
    assert large.standard_share == pytest.approx(math.sqrt(0.002625))
    assert small.standard_share == pytest.approx(math.sqrt(0.007))
    assert tiny.standard_share == small.standard_share


def test_no_number_of_months_takes_the_error_of_the_device_away() -> None:
    rules = replace(RULES, device_share=0.02)
    found = calibrate(Measured(1e9, 1e9, 12), 1e9, rules)
    assert found.standard_share == pytest.approx(0.02, rel=1e-3)


@given(st.floats(0.5, 2.0), st.floats(500, 1e6))
def test_the_prediction_lies_between_the_class_and_what_was_measured(
    ratio: float, model_l: float
) -> None:
    found = calibrate(Measured(ratio * model_l, model_l, 1), model_l, RULES)
    assert min(1.0, ratio) <= found.scale_index <= max(1.0, ratio)


def test_months_of_all_drivers_of_the_truck_are_added() -> None:
    rows = (measured("2026-01"), measured("2026-01", driver_id="D2"), measured("2026-02"))
    assert before(*rows) == {("T1", "physics"): Measured(9_900.0, 9_000.0, 2)}


@pytest.mark.parametrize("month", ["2026-03", "2026-04"])
def test_the_month_accounted_and_later_ones_say_nothing(month: str) -> None:
    assert before(measured(month)) == {}


def test_months_without_measure_or_of_another_edition_say_nothing() -> None:
    assert before(measured("2026-01", measured_l=None, measured_model_l=None)) == {}
    assert before(measured("2026-01", edition="another 1")) == {}


def test_another_truck_of_the_same_driver_begins_anew() -> None:
    found = before(measured("2026-01", vehicle_id="T9"))
    assert ("T1", "physics") not in found


def test_months_of_another_kind_of_class_model_stand_apart() -> None:
    rows = (measured("2026-01", fuel_model="class_rates"), measured("2026-02"))
    assert before(*rows)["T1", "physics"].months_count == 1


def test_months_with_another_fitted_correction_say_the_same() -> None:
    rows = (measured("2026-01", fuel_model="physics 0123"), measured("2026-02"))
    assert before(*rows) == {("T1", "physics"): Measured(6_600.0, 6_000.0, 2)}


def test_only_the_latest_months_are_used() -> None:
    rows = [measured(f"2025-{number:02d}", measured_l=100.0 * number) for number in range(1, 13)]
    # October, November, December: 1,000 + 1,100 + 1,200 l.
    assert before(*rows) == {("T1", "physics"): Measured(3_300.0, 9_000.0, 3)}
