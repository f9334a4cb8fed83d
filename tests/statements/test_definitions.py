"""Every figure of pages is defined in both languages, with a unit that pages write."""

from __future__ import annotations

import re
from pathlib import Path

from fleet_carbon.statements import locales
from fleet_carbon.statements.definitions import DEFINITIONS, INTERVALS, SOURCES
from fleet_carbon.statements.fleet_figures import FIGURES
from fleet_carbon.statements.statement_words import FIGURES as STATED
from fleet_carbon.web.pages.words import WORDS

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
_HAN = re.compile(r"[\u4e00-\u9fff]")


def test_every_figure_is_defined_in_both_languages_and_stands_in_the_glossary() -> None:
    glossary = GLOSSARY.read_text(encoding="utf-8")
    for name, told in DEFINITIONS.items():
        english, chinese = told.text
        assert not _HAN.search(english), name
        assert _HAN.search(chinese), name
        assert english.endswith("."), name
        assert chinese.endswith("。"), name
        assert "CO2" not in english + chinese, f"{name}: CO₂ has a subscript"
        assert f"| {english} | {chinese} |" in glossary, name
        assert name in {*WORDS, *STATED}, name


def test_no_interval_and_no_source_is_told_that_nothing_has() -> None:
    assert {one.interval for one in DEFINITIONS.values()} == INTERVALS.keys()
    assert {one.source for one in DEFINITIONS.values()} == SOURCES.keys()


def test_a_figure_has_the_unit_by_which_it_is_shown() -> None:
    for name, shown in FIGURES.items():
        is_money = shown.column == "carbon_value"
        assert DEFINITIONS[name].unit == ("money" if is_money else shown.unit), name
    for one in DEFINITIONS.values():
        assert one.unit in ("", "money", "%", "°") or _HAN.search(locales.unit(one.unit, "zh"))
