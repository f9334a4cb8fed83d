"""Factors: the book, two clocks, the lock, and every check on load."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from fleet_carbon.errors import FactorNotFound, FleetCarbonError, ModelRefused
from fleet_carbon.quantification.factors import (
    LOCK_NAME,
    FactorBook,
    lock_text,
    rebuild_lock,
    unlocked,
)
from tests.quantification.account_builders import BOOK, MODELS

STEP = """
      - valid_from: {start}
        value: {value}
        source: {source}
        locator: "table 1"
        recorded_on: {recorded}
        status: {status}
        spread_share: null
"""


def step(start: str, value: str, recorded: str = "2024-02-01", **given: str) -> str:
    fields = {"source": "TABLE", "status": "published", **given}
    return STEP.format(start=start, value=value, recorded=recorded, **fields).strip("\n")


def book_of(
    folder: Path, *steps: str, quantity: str = "density", unit: str = "kg/l", kind: str = "fuel"
) -> FactorBook:
    """A book of one factor in a folder of its own, locked as it stands."""
    write(folder, *steps, quantity=quantity, unit=unit, kind=kind)
    (folder / LOCK_NAME).write_text(rebuild_lock(folder), encoding="utf-8")
    return FactorBook.load(folder)


def write(
    folder: Path, *steps: str, quantity: str = "density", unit: str = "kg/l", kind: str = "fuel"
) -> None:
    (folder / "factors").mkdir(exist_ok=True)
    (folder / "sources.yaml").write_text("TABLE:\n  title: a table\n", encoding="utf-8")
    head = f"fuel: test\nkind: {kind}\nregion: CN\nfactors:\n  - id: test.{quantity}\n"
    head += f'    quantity: {quantity}\n    unit: "{unit}"\n    values:\n'
    (folder / "factors" / "test.yaml").write_text(head + "\n".join(steps) + "\n", encoding="utf-8")


# Invented numbers: a change in 2023, corrected later in 2024, abolished in 2026.
TIMELINE = (
    step("2019-01-01", '"0.84"'),
    step("2023-01-01", '"0.85"'),
    step("2023-01-01", '"0.86"', "2024-09-15"),
    step("2026-01-01", "null"),
)


@pytest.mark.parametrize(
    ("on", "known_on", "value"),
    [
        (date(2019, 1, 1), None, "0.84"),
        (date(2022, 12, 31), None, "0.84"),
        (date(2023, 1, 1), None, "0.86"),
        (date(2023, 1, 1), date(2024, 9, 14), "0.85"),
        (date(2023, 1, 1), date(2024, 9, 15), "0.86"),
        (date(2025, 12, 31), None, "0.86"),
    ],
)
def test_a_value_holds_from_its_day_as_far_as_it_was_known(
    tmp_path: Path, on: date, known_on: date | None, value: str
) -> None:
    factor = book_of(tmp_path, *TIMELINE).resolve("test.density", on, known_on)
    assert factor.value == Decimal(value)


@pytest.mark.parametrize(
    ("on", "known_on"),
    [
        (date(2018, 12, 31), None),  # the day before the first
        (date(2026, 1, 1), None),  # abolished
        (date(2023, 6, 1), date(2024, 1, 31)),  # the day before we knew anything
    ],
)
def test_no_value_in_force_is_an_error_that_names_the_known_steps(
    tmp_path: Path, on: date, known_on: date | None
) -> None:
    book = book_of(tmp_path, *TIMELINE)
    with pytest.raises(FactorNotFound) as missing:
        book.resolve("test.density", on, known_on)
    assert "from 2019-01-01: 0.84" in missing.value.message
    assert "from 2026-01-01: abolished" in missing.value.message


def test_an_unknown_factor_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(FactorNotFound) as missing:
        BOOK.resolve("diesel_xx.density", date(2026, 1, 1), None)
    assert "diesel_cn.density" in missing.value.hint


def test_the_lock_of_the_project_holds_every_published_value() -> None:
    assert unlocked(BOOK, MODELS) == []
    assert (MODELS / LOCK_NAME).read_text(encoding="utf-8") == lock_text(BOOK)
    assert rebuild_lock(MODELS) == lock_text(BOOK)


def shipped(folder: Path) -> Path:
    return Path(shutil.copytree(MODELS, folder / "models"))


def edit(models: Path, name: str, old: str, new: str) -> None:
    path = models / "factors" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"42.652"', '"42.653"'),
        ('"0.84"', '"0.840"'),
        ("row diesel, 碳氧化率", "row petrol"),
        ("status: assumed", "status: published"),
    ],
)
def test_editing_a_published_value_is_refused_wherever_it_is_edited(
    tmp_path: Path, old: str, new: str
) -> None:
    models = shipped(tmp_path)
    edit(models, "diesel_cn.yaml", old, new)
    for attempt in (FactorBook.load, rebuild_lock):
        with pytest.raises(ModelRefused) as refused:
            attempt(models)
        assert refused.value.code == "published_value_changed"


def test_removing_a_published_value_is_refused(tmp_path: Path) -> None:
    models = shipped(tmp_path)
    (models / "factors" / "methanol.yaml").unlink()
    with pytest.raises(ModelRefused, match="was removed"):
        FactorBook.load(models)


def test_appending_a_value_is_accepted_and_leaves_older_digests_alone(tmp_path: Path) -> None:
    models = shipped(tmp_path)
    path = models / "factors" / "electricity_cn.yaml"
    text = path.read_text(encoding="utf-8").rstrip("\n")
    appended = step("2025-01-01", '"0.2000"', "2026-12-01", source="MEE_ELECTRICITY_2023")
    path.write_text(f"{text}\n{appended}\n", encoding="utf-8")
    book = FactorBook.load(models)
    assert unlocked(book, models) == ["electricity_cn.south_west 2025-01-01 2026-12-01"]
    before = set((MODELS / LOCK_NAME).read_text(encoding="utf-8").splitlines())
    after = set(rebuild_lock(models).splitlines())
    assert before < after
    assert len(after - before) == 1


def test_a_book_without_lock_is_refused(tmp_path: Path) -> None:
    models = shipped(tmp_path)
    (models / LOCK_NAME).unlink()
    with pytest.raises(ModelRefused) as refused:
        FactorBook.load(models)
    assert refused.value.code == "factors_not_locked"


FAULTS = {
    "unquoted number": ((step("2019-01-01", "0.84"),), {}, "must be a quoted decimal"),
    "no number": ((step("2019-01-01", '"about 0.84"'),), {}, "must be a quoted decimal"),
    "exponent": ((step("2019-01-01", '"8e-1"'),), {}, "must be a quoted decimal"),
    "negative": ((step("2019-01-01", '"-0.84"'),), {}, "below zero"),
    "unknown source": ((step("2019-01-01", '"0.84"', source="RUMOUR"),), {}, "not in sources.yaml"),
    "unknown status": ((step("2019-01-01", '"0.84"', status="guessed"),), {}, "status 'guessed'"),
    "unknown unit": ((step("2019-01-01", '"0.84"'),), {"unit": "lb/gal"}, "unit 'lb/gal'"),
    "unknown quantity": ((step("2019-01-01", '"1"'),), {"quantity": "smell"}, "quantity 'smell'"),
    "unknown kind": ((step("2019-01-01", '"1"'),), {"kind": "magic"}, "kind 'magic'"),
    "no day": ((step("soon", '"0.84"'),), {}, "is no day"),
    "out of order": (
        (step("2023-01-01", '"0.85"'), step("2019-01-01", '"0.84"')),
        {},
        "stands after",
    ),
    "two known on one day": (
        (step("2019-01-01", '"0.84"'), step("2019-01-01", '"0.85"')),
        {},
        "two values from 2019-01-01",
    ),
    "unknown key": (
        (step("2019-01-01", '"0.84"') + "\n        mood: fine",),
        {},
        "key mood is unknown",
    ),
    "missing key": (
        (step("2019-01-01", '"0.84"').replace('        locator: "table 1"\n', ""),),
        {},
        "key locator is missing",
    ),
    "empty locator": (
        (step("2019-01-01", '"0.84"').replace("table 1", " "),),
        {},
        "locator is empty",
    ),
    "no values": ((), {}, "has no values"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_in_a_factor_file_is_refused_with_file_and_reason(
    tmp_path: Path, fault: str
) -> None:
    steps, given, reason = FAULTS[fault]
    with pytest.raises(ModelRefused) as refused:
        book_of(tmp_path, *steps, **given)
    assert "test.yaml" in refused.value.message
    assert reason in refused.value.message


def fuel_file(folder: Path, **values: str) -> Path:
    """A fuel whose factors are given as quantity = value."""
    units = {
        "net_calorific_value": "GJ/t", "carbon_content": "tC/TJ", "oxidation": "1",
        "co2_ttw": "kgCO2/kg", "co2e_ttw": "kgCO2e/kg", "co2e_wtw": "kgCO2e/kg",
        "carbon_share_max": "kgC/kg", "density": "kg/l", "co2_ttw_per_l": "kgCO2/l",
    }  # fmt: skip
    (folder / "factors").mkdir(exist_ok=True)
    (folder / "sources.yaml").write_text("TABLE:\n  title: a table\n", encoding="utf-8")
    lines = ["fuel: gas", "kind: fuel", "region: CN", "factors:"]
    for name, value in values.items():
        quantity = name.removesuffix("_per_l")
        lines += [f"  - id: gas.{name}", f"    quantity: {quantity}", f'    unit: "{units[name]}"']
        lines += ["    values:", step("2019-01-01", f'"{value}"')]
    (folder / "factors" / "gas.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


METHANE = "0.74868"
# Bounds: methane 2.743 kg/kg, diesel 0.88 x 44.009 / 12.011 = 3.224 kg/kg.
GUARDED = {
    # 51.498 x 17.2 x 0.98 x 44/12 / 1000 = 3.183: the code base of the note, section 3.1.
    "lng with the carbon of lpg": (
        {
            "net_calorific_value": "51.498",
            "carbon_content": "17.2",
            "oxidation": "0.98",
            "carbon_share_max": METHANE,
        },
        "beyond_stoichiometry",
    ),
    # 51.498 x 15.3 x 0.98 x 44/12 / 1000 = 2.831: the calorific value is a gross one.
    "lng with a gross calorific value": (
        {
            "net_calorific_value": "51.498",
            "carbon_content": "15.3",
            "oxidation": "0.98",
            "carbon_share_max": METHANE,
        },
        "beyond_stoichiometry",
    ),
    # 48.0 x 15.3 x 44/12 / 1000 = 2.693: IPCC default of natural gas, passes.
    "lng by ipcc": (
        {"net_calorific_value": "48.0", "carbon_content": "15.3", "carbon_share_max": METHANE},
        "",
    ),
    "lng stated directly": (
        {"co2_ttw": "3.183", "carbon_share_max": METHANE},
        "beyond_stoichiometry",
    ),
    "just below the bound": ({"co2_ttw": "2.7432", "carbon_share_max": METHANE}, ""),
    "just above the bound": (
        {"co2_ttw": "2.7433", "carbon_share_max": METHANE},
        "beyond_stoichiometry",
    ),
    "ipcc diesel": ({"co2_ttw": "3.1863", "carbon_share_max": "0.88"}, ""),
    # 2.8636 / 0.84 = 3.409: the article's figure can be no factor of diesel.
    "article per litre": (
        {"co2_ttw_per_l": "2.8636", "density": "0.84", "carbon_share_max": "0.88"},
        "beyond_stoichiometry",
    ),
    "per litre without density": (
        {"co2_ttw_per_l": "2.6", "carbon_share_max": "0.88"},
        "fuel_without_density",
    ),
    "no bound given": ({"co2_ttw": "2.6"}, "fuel_without_carbon_bound"),
    "ttw above wtw": (
        {"co2e_ttw": "2.6", "co2e_wtw": "2.5", "carbon_share_max": METHANE},
        "tank_above_well",
    ),
    "ttw equal to wtw": ({"co2e_ttw": "2.6", "co2e_wtw": "2.6", "carbon_share_max": METHANE}, ""),
    "the same quantity twice": (
        {"co2_ttw": "2.6", "co2_ttw_per_l": "9.9", "density": "0.4", "carbon_share_max": METHANE},
        "quantity_given_twice",
    ),
}


@pytest.mark.parametrize("case", GUARDED)
def test_a_fuel_promises_no_more_co2_than_it_has_carbon_for(tmp_path: Path, case: str) -> None:
    values, code = GUARDED[case]
    folder = fuel_file(tmp_path, **values)
    if code:
        with pytest.raises(ModelRefused) as refused:
            rebuild_lock(folder)
        assert refused.value.code == code
    else:
        assert "gas.carbon_share_max" in rebuild_lock(folder)


def test_a_later_step_is_guarded_too(tmp_path: Path) -> None:
    fuel_file(tmp_path, carbon_share_max=METHANE, co2_ttw="2.6")
    path = tmp_path / "factors" / "gas.yaml"
    text = path.read_text(encoding="utf-8") + step("2024-01-01", '"3.183"') + "\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelRefused) as refused:
        rebuild_lock(tmp_path)
    assert "2024-01-01" in refused.value.message


def test_a_factor_in_two_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, step("2019-01-01", '"0.84"'))
    shutil.copy(tmp_path / "factors" / "test.yaml", tmp_path / "factors" / "other.yaml")
    with pytest.raises(ModelRefused) as refused:
        rebuild_lock(tmp_path)
    assert refused.value.code == "factor_given_twice"


def test_a_factor_carries_everything_to_defend_it() -> None:
    factor = BOOK.resolve("diesel_cn.net_calorific_value", date(2026, 3, 1), None)
    assert (factor.value, factor.unit, factor.region) == (Decimal("42.652"), "GJ/t", "CN")
    assert factor.source == "CN_FUEL_TABLE_2020"
    assert factor.locator
    assert len(factor.digest) == 64


def test_every_error_of_the_book_can_be_shown_at_the_edge(tmp_path: Path) -> None:
    with pytest.raises(FleetCarbonError) as refused:
        book_of(tmp_path)
    assert set(refused.value.as_dict()) == {"ok", "code", "message", "hint", "details"}
