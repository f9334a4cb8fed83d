"""What pages tell of every figure: what it means, its unit, its interval and where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_carbon.services.accounts.spreads import Bounds
from fleet_carbon.statements import locales
from fleet_carbon.statements.definitions import DEFINITIONS, INTERVALS, SOURCES, Pair
from fleet_carbon.statements.fleet_figures import FIGURES
from fleet_carbon.statements.wording import LANGUAGES
from fleet_carbon.web.pages.frame import language, shown_on_pages, word

_ENDS = ("low", "high")


@shown_on_pages
def definition(name: str) -> dict[str, str]:
    """What a figure is: ``text``, ``unit``, ``interval`` and ``source``, by its name."""
    told = DEFINITIONS[name]
    return {
        "text": _said(told.text),
        "unit": _unit(told.unit),
        "interval": _said(INTERVALS[told.interval]),
        "source": _said(SOURCES[told.source]),
    }


@shown_on_pages
def meaning(name: str) -> str:
    """What a figure means, with its unit and why it has which interval."""
    told = definition(name)
    return word("meaning_told", **told) if told["unit"] else word("meaning_counted", **told)


def interval_told(name: str, row: Mapping[str, Any], bounds: Bounds) -> str:
    """The 90 % interval of a figure of a row of sums; empty where it has none.

    Parameters
    ----------
    name : str
        Of `fleet_figures.FIGURES`.
    row : mapping
        The sums; those of CO2 avoided bring their interval along.
    bounds : dict
        From `services.accounts.spreads.Spreads`, of these sums.
    """
    shown, spoken = FIGURES[name], language()
    held: tuple[float | None, ...] = bounds.get(shown.column, ())
    if name == "avoided":
        held = tuple(row.get(f"co2_avoided_{end}_kg") for end in _ENDS)
    known = [one for one in held if one is not None]
    if len(known) != len(_ENDS):
        return ""
    if shown.unit == "%":
        low, high = (locales.percent(one, spoken, shown.digits) for one in known)
    else:
        low, high = (locales.number(one, shown.digits, spoken) for one in known)
    unit = "" if shown.unit == "%" else locales.unit(shown.unit, spoken)
    return word("between", low=low, high=high, unit=unit).strip()


def _said(pair: Pair) -> str:
    return pair[LANGUAGES.index(language())]


def _unit(name: str) -> str:
    return word("unit_money") if name == "money" else locales.unit(name, language())
