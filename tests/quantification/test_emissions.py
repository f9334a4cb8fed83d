from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from fleet_carbon.errors import FactorNotFound, ModelRefused
from fleet_carbon.quantification.emissions import (
    blend_kg_per_kg,
    intensity_kg_per_tkm,
    resolve_diesel,
)
from tests.quantification.account_builders import BOOK, EDITION

DAY = date(2026, 3, 1)


def test_the_diesel_of_china_is_the_product_of_its_visible_factors() -> None:
    diesel = resolve_diesel(BOOK, EDITION, DAY, known_on=None)
    # 42.652 x 20.2 x 0.98 x 44/12 / 1000 = 3.0959; x 0.84 = 2.6006 (note, section 3.1).
    assert round(diesel.co2_ttw_kg_per_kg, 4) == Decimal("3.0959")
    assert round(diesel.co2_ttw_kg_per_l, 4) == Decimal("2.6006")
    values = {part.factor_id: str(part.value) for part in diesel.parts}
    assert values == {
        "diesel_cn.net_calorific_value": "42.652",
        "diesel_cn.carbon_content": "20.2",
        "diesel_cn.oxidation": "0.98",
        "carbon.co2_molar_mass": "44",
        "carbon.carbon_molar_mass": "12",
        "diesel_cn.density": "0.84",
        "diesel_cn.carbon_share_max": "0.88",
        "diesel_eu.co2e_wtw": "4.13",
    }


def test_well_to_wheel_is_the_european_factor_and_says_so() -> None:
    diesel = resolve_diesel(BOOK, EDITION, DAY, known_on=None)
    # 4.13 kg/kg x 0.84 kg/l = 3.4692 kg/l.
    assert diesel.co2e_wtw_kg_per_l == Decimal("3.4692")
    assert diesel.wtw_note == "wtw_fallback_region_eu"


def test_the_article_factor_is_in_no_book() -> None:
    values = {str(step.value) for name in BOOK.ids for step in BOOK.series(name).values}
    assert "2.8636" not in values


def test_before_we_knew_there_is_no_factor() -> None:
    with pytest.raises(FactorNotFound):
        resolve_diesel(BOOK, EDITION, DAY, known_on=date(2026, 11, 21))
    assert resolve_diesel(BOOK, EDITION, DAY, known_on=date(2026, 11, 22))


def with_factor(name: str, factor_id: str) -> object:
    rules = {**EDITION.rules("emissions"), name: factor_id}
    return replace(EDITION, sections={**EDITION.sections, "emissions": rules})


def test_a_tank_above_its_well_is_refused_across_fuels() -> None:
    # Methanol's 1.373 kg/kg as well-to-wheel of diesel lies below its 3.0959.
    edition = with_factor("wtw_factor", "methanol.co2_ttw")
    with pytest.raises(ModelRefused) as refused:
        resolve_diesel(BOOK, edition, DAY, known_on=None)  # type: ignore[arg-type]
    assert refused.value.code == "tank_above_well"


def test_a_product_beyond_the_carbon_of_its_fuel_is_refused() -> None:
    # Diesel's composition against the carbon of methane: 3.0959 > 2.743.
    edition = with_factor("carbon_share_max_factor", "lng_uk.carbon_share_max")
    with pytest.raises(ModelRefused) as refused:
        resolve_diesel(BOOK, edition, DAY, known_on=None)  # type: ignore[arg-type]
    assert refused.value.code == "beyond_stoichiometry"


@pytest.mark.parametrize(("share", "kg"), [(0.0, 3.90), (1.0, 2.16), (0.5, 3.03)])
def test_a_blend_of_equal_densities_lies_where_its_share_says(share: float, kg: float) -> None:
    densities = {"fossil_density_kg_per_l": 0.85, "biofuel_density_kg_per_l": 0.85}
    found = blend_kg_per_kg(share, fossil_kg_per_kg=3.90, biofuel_kg_per_kg=2.16, **densities)
    assert found == pytest.approx(kg, rel=1e-12)


def test_intensity_needs_activity() -> None:
    assert intensity_kg_per_tkm(1962.72, 16_920) == pytest.approx(0.116)
    with pytest.raises(ZeroDivisionError):
        intensity_kg_per_tkm(1.0, 0.0)
