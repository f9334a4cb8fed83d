"""What the figures of a statement mean: definition, unit, why which interval, and source.

By the same table that pages and the glossary tell it from: `definitions`.
"""

from __future__ import annotations

from fleet_carbon.statements import locales
from fleet_carbon.statements import statement_words as said
from fleet_carbon.statements.definitions import DEFINITIONS, INTERVALS, SOURCES
from fleet_carbon.statements.wording import Words

Meaning = dict[str, str]

# Names of `definitions` by those of a statement, where they differ.
_DEFINED_AS = {
    "co2_credited": "credited",
    "diesel_saved": "saved",
    "carbon_value": "value",
    "empty_share": "empty",
    "diesel_burnt": "diesel",
    "idling": "idle",
    "months": "credited",
}
# What is told of a part of a statement, beside the figures that tell it of themselves.
_PARTS = {
    "running": ("usual", "last_month", "similar"),
    "brought": ("litres",),
    "months": ("months",),
    "orders": ("saved_l", "credited_kg"),
    "corrections": ("figure_before", "figure_after"),
    "ledger": ("amount",),
    "method": ("coverage",),
}


def meaning(name: str, words: Words, *, edition: str, formula: str = "") -> Meaning:
    """What a figure means.

    Parameters
    ----------
    name : str
        As the statement names it.
    words : Words
        Of the language.
    edition : str
        The edition that it was computed by.
    formula : str
        Its formula on the page of the methodology, if it has one.

    Returns
    -------
    dict of str to str
        ``definition``, ``unit_text``, ``interval_about`` and ``source``.
    """
    told = DEFINITIONS[_DEFINED_AS.get(name, name)]
    source = [words.choose(SOURCES[told.source]), edition]
    if formula:
        source.append(words.choose(said.SENTENCES["formula"]).format(formula=formula))
    is_money = told.unit == "money"
    return {
        "definition": words.choose(told.text),
        "unit_text": words.of(said.LABELS, "unit_money")
        if is_money
        else locales.unit(told.unit, words.language),
        "interval_about": words.choose(INTERVALS[told.interval]),
        "source": words.choose(("; ", "；")).join(source),
    }


def meanings_of(part: str, words: Words, edition: str) -> list[Meaning]:
    """What the figures of a part of a statement mean, with their names."""
    return [
        {
            "name": name,
            "label": words.of(said.FIGURES, name),
            **meaning(name, words, edition=edition),
        }
        for name in _PARTS[part]
    ]
