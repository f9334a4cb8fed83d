from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from fleet_carbon.errors import ModelRefused, NotFound
from fleet_carbon.quantification.baseline import BaselineRules
from fleet_carbon.quantification.crediting import CreditRules
from fleet_carbon.quantification.editions import (
    SECTIONS,
    edition_in_force,
    fill_rules,
    load_editions,
)
from fleet_carbon.quantification.emissions import EmissionRules
from fleet_carbon.quantification.fuel import FuelRules
from fleet_carbon.quantification.uncertainty import UncertaintyRules
from tests.quantification.account_builders import BOOK, EDITION, MODELS

NAME = "cn-freight-2026.yaml"


def copied(folder: Path) -> Path:
    shutil.copytree(MODELS / "editions", folder / "editions")
    shutil.copy(MODELS / "sources.yaml", folder)
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "editions" / NAME
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_edition_is_named_with_its_version() -> None:
    assert EDITION.label == "cn-freight 2026.1"
    assert len(EDITION.digest) == 64


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("fuel", FuelRules),
        ("emissions", EmissionRules),
        ("baseline", BaselineRules),
        ("uncertainty", UncertaintyRules),
        ("credit", CreditRules),
    ],
)
def test_each_section_fills_the_rules_of_its_module(section: str, kind: type) -> None:
    assert fill_rules(EDITION, section, kind)


def test_rules_are_plain_numbers_with_integers_kept() -> None:
    assert EDITION.rules("credit")["litre_steps_count"] == 2048
    assert isinstance(EDITION.rules("credit")["litre_steps_count"], int)
    assert EDITION.rules("fuel")["idle_l_per_h"] == 2.0
    assert EDITION.rules("classes")["tractor_trailer"]["empty_l_per_100km"] == 23.44


def test_rules_given_out_cannot_change_the_edition() -> None:
    EDITION.rules("fuel")["idle_l_per_h"] = 99.0
    assert EDITION.rules("fuel")["idle_l_per_h"] == 2.0


def test_every_factor_an_edition_names_is_in_the_book() -> None:
    for edition in load_editions(MODELS):
        for name, factor_id in edition.rules("emissions").items():
            if name.endswith("_factor"):
                # Those of other energies begin later: until then such trucks have no kilograms.
                is_diesel = not name.startswith(("lng_", "electric_"))
                on = edition.valid_from if is_diesel else date(2026, 1, 1)
                assert BOOK.resolve(factor_id, on, None).value > 0


def test_an_edition_is_in_force_from_its_first_day() -> None:
    assert edition_in_force(MODELS, date(2020, 1, 1)).label == EDITION.label
    with pytest.raises(NotFound) as missing:
        edition_in_force(MODELS, date(2019, 12, 31))
    assert "cn-freight 2026.1 from 2020-01-01" in missing.value.hint


def test_a_later_edition_takes_over_on_its_day(tmp_path: Path) -> None:
    models = copied(tmp_path)
    text = (models / "editions" / NAME).read_text(encoding="utf-8")
    later = text.replace('version: "2026.1"', 'version: "2027.1"').replace(
        "valid_from: 2020-01-01", "valid_from: 2027-01-01"
    )
    (models / "editions" / "later.yaml").write_text(later, encoding="utf-8")
    assert edition_in_force(models, date(2026, 12, 31)).version == "2026.1"
    assert edition_in_force(models, date(2027, 1, 1)).version == "2027.1"


def test_two_editions_of_one_day_are_refused(tmp_path: Path) -> None:
    models = copied(tmp_path)
    shutil.copy(models / "editions" / NAME, models / "editions" / "twin.yaml")
    with pytest.raises(ModelRefused) as refused:
        load_editions(models)
    assert refused.value.code == "editions_collide"


FAULTS = {
    "no unit": ('    unit: "l/h"\n', "", "fuel.idle_l_per_h: has no unit"),
    "no status": (
        '    unit: "l/h"\n    source: DOE_FACT_861\n    status: derived\n',
        '    unit: "l/h"\n',
        "status must be",
    ),
    "unknown source": ("source: DOE_FACT_861", "source: RUMOUR", "'RUMOUR' is not in sources.yaml"),
    "unknown key": (
        '    unit: "l/h"\n',
        '    unit: "l/h"\n    mood: fine\n',
        "key mood is unknown",
    ),
    "no number": (
        'value: "2.0"\n    unit: "l/h"',
        'value: null\n    unit: "l/h"',
        "neither a number nor a text",
    ),
    "unknown section": ("\nfuel:\n", "\nfuels:\n", "key fuel is missing"),
    "extra section": ("\nfuel:\n", "\nmagic: {}\nfuel:\n", "key magic is no section"),
    "no day": ("valid_from: 2020-01-01", "valid_from: soon", "is no day"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_in_an_edition_is_refused_with_rule_and_reason(
    tmp_path: Path, fault: str
) -> None:
    old, new, reason = FAULTS[fault]
    models = copied(tmp_path)
    edit(models, old, new)
    with pytest.raises(ModelRefused) as refused:
        load_editions(models)
    assert NAME in refused.value.message
    assert reason in refused.value.message


def test_a_text_changes_the_digest_too(tmp_path: Path) -> None:
    models = copied(tmp_path)
    edit(models, "Freight carbon accounts for trucks in China", "Something else")
    assert load_editions(models)[0].digest != EDITION.digest


@dataclass(frozen=True)
class TwoRules:
    """Rules that the section `baseline` does not have."""

    own_history_km_min: float
    mood: str


@dataclass(frozen=True)
class NoRules:
    """A module that needs nothing."""


def test_a_module_asking_for_other_rules_is_refused_both_ways() -> None:
    with pytest.raises(ModelRefused, match="lacks rule mood"):
        fill_rules(EDITION, "baseline", TwoRules)
    with pytest.raises(ModelRefused, match="has unknown rule"):
        fill_rules(EDITION, "baseline", NoRules)


def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(ModelRefused):
        EDITION.rules("magic")
    assert set(EDITION.sections) == set(SECTIONS)
