"""The newspaper's driver: contract, section 4, and methodology note, section 8."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.documents import load_document
from fleet_carbon.quantification.reference import (
    ReferenceCase,
    compute_reference_case,
    render_reference_case,
)
from tests.quantification.account_builders import BOOK, EDITION

CASE_FILE = Path(__file__).resolve().parents[2] / "data" / "samples" / "manbang.yaml"


@pytest.fixture(scope="module")
def case() -> ReferenceCase:
    return compute_reference_case(load_document(CASE_FILE), BOOK, EDITION)


def test_it_saves_4400_litres_at_the_same_activity(case: ReferenceCase) -> None:
    assert case.activity_tkm == pytest.approx(437_439, abs=0.5)
    assert case.before.diesel_l == pytest.approx(14_002.87, abs=0.005)
    assert case.after.diesel_l == pytest.approx(9_602.87, abs=0.005)
    assert case.saved_l == pytest.approx(4_400.00, abs=0.005)


def test_kilometres_and_consumption_before_and_after(case: ReferenceCase) -> None:
    before, after = case.before, case.after
    assert (before.loaded_km, before.empty_km) == pytest.approx((29_162.6, 19_441.7), abs=0.05)
    assert (after.loaded_km, after.empty_km) == pytest.approx((20_112.1, 9_720.9), abs=0.06)
    assert after.distance_km == pytest.approx(29_833.0, abs=0.05)
    assert after.payload_share == pytest.approx(0.725)
    # Litres per 100 km rise while litres per tonne-kilometre fall.
    assert (before.diesel_l_per_100km, after.diesel_l_per_100km) == pytest.approx(
        (28.81, 32.19), abs=0.005
    )
    assert (before.diesel_l_per_tkm, after.diesel_l_per_tkm) == pytest.approx(
        (0.03201, 0.02195), abs=0.000005
    )


def test_both_conventions_of_attribution_add_up(case: ReferenceCase) -> None:
    assert case.saved_by_higher_load_l == pytest.approx(3_342.9, abs=0.05)
    assert case.saved_by_less_empty_l == pytest.approx(1_057.1, abs=0.05)
    assert case.avoided_loaded_l == pytest.approx(2_121.4, abs=0.05)
    assert case.avoided_empty_l == pytest.approx(2_278.6, abs=0.05)


def test_money_and_tonnes_of_the_article(case: ReferenceCase) -> None:
    assert case.fuel_value_cny == pytest.approx(37_400, abs=0.05)
    assert case.article.co2_t == pytest.approx(12.6, abs=0.0005)
    assert case.article.value_cny_per_year == pytest.approx(378, abs=0.01)
    assert case.article.value_cny_per_month == pytest.approx(31.50, abs=0.001)


def test_the_default_factor_stands_beside_it(case: ReferenceCase) -> None:
    # Section 8.3: 2.6006 kg/l, 11.44 t, 343 yuan.
    assert case.default.co2_kg_per_l == pytest.approx(2.6006, abs=0.00005)
    assert case.default.co2_t == pytest.approx(11.44, abs=0.005)
    assert case.default.value_cny_per_year == pytest.approx(343, abs=0.5)
    assert case.interval_low_t < case.default.co2_t < case.interval_high_t
    assert 0 < case.credited_g <= case.interval_low_t * 1e6


def test_the_slip_of_month_and_year_is_found(case: ReferenceCase) -> None:
    text = "\n".join(case.findings)
    assert "year given for a month" in text
    assert "more than the carbon of a litre can give" in text


def test_the_rendering_says_what_the_contract_asks(case: ReferenceCase) -> None:
    text = "\n".join(render_reference_case(case))
    for figure in (
        "4,400 L", "37,400 yuan", "12.6 t", "2.8636 kg/L", "article_2864", "378 yuan a year",
        "30 yuan/t", "31.50 a month", "2.6006 kg/L", "11.44 t", "3,342.9 L", "1,057.1 L",
        "437,439 tkm", "28.81", "32.19",
    ):  # fmt: skip
        assert figure in text, figure
    assert text.count("\n  1. ") == 1
    assert "  11. Uncertainty and deduction." in text


def test_it_can_be_given_as_json(case: ReferenceCase) -> None:
    fields = json.loads(json.dumps(case.as_dict()))
    assert fields["article"]["factor_name"] == "article_2864"
    assert len(fields["open_inputs"]) == 11


def test_changing_an_input_changes_the_case() -> None:
    document = load_document(CASE_FILE)
    document["inputs"]["distance_km"]["value"] = "47671"
    # Section 8.2, R1': documented mileage of rigid trucks, 4,316 l.
    found = compute_reference_case(document, BOOK, EDITION)
    assert found.saved_l == pytest.approx(4_316, abs=0.6)


@pytest.mark.parametrize("value", [None, "many", {"value": "many"}, {}])
def test_a_missing_or_senseless_input_is_named(value: object) -> None:
    document = load_document(CASE_FILE)
    document["inputs"]["rated_payload_t"] = value
    with pytest.raises(InputRefused) as refused:
        compute_reference_case(document, BOOK, EDITION)
    assert "inputs.rated_payload_t" in refused.value.message


def test_a_case_without_its_day_is_refused() -> None:
    document = load_document(CASE_FILE)
    document["on"] = "soon"
    with pytest.raises(InputRefused):
        compute_reference_case(document, BOOK, EDITION)
