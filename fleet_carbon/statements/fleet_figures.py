"""The figures of a fleet as people read them: which column each shows, in which unit, how fine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet_carbon.statements import locales
from fleet_carbon.statements.shares import empty_share
from fleet_carbon.units import G_PER_KG

NOTHING = "–"
_GOODNESS = {"more": 1, "less": -1, "": 0}


@dataclass(frozen=True)
class Shown:
    """How a figure is shown.

    Attributes
    ----------
    column : str
        Of `services.accounts.reporting.FRAMES`, whose definition is the figure's.
    unit : str
        As people read it; ``%`` for shares; empty for money and counts.
    digits : int
        After the point.
    better : str
        ``more`` or ``less``; empty if neither is.
    is_in_grams : bool
        The column holds grams; kilograms are shown.
    """

    column: str
    unit: str
    digits: int = 1
    better: str = ""
    is_in_grams: bool = False


FIGURES: dict[str, Shown] = {
    "credited": Shown("co2_credited_g", "kg", better="more", is_in_grams=True),
    "avoided": Shown("co2_avoided_kg", "kg", better="more"),
    "saved": Shown("diesel_saved_l", "l", better="more"),
    "value": Shown("carbon_value", "", digits=2, better="more"),
    "empty": Shown("empty_share", "%", better="less"),
    "load_rate": Shown("load_rate_share", "%", better="more"),
    "idle": Shown("idle_h", "h", better="less"),
    "coverage": Shown("coverage_share", "%", better="more"),
    "distance": Shown("distance_km", "km", digits=0),
    "loaded_km": Shown("loaded_km", "km", digits=0),
    "empty_km": Shown("empty_km", "km", digits=0, better="less"),
    "diesel": Shown("diesel_l", "l", digits=0),
    "orders": Shown("orders_count", "", digits=0),
    "proven": Shown("orders_matched_count", "", digits=0),
    "work": Shown("transport_work_tkm", "tkm", digits=0),
}
"""By the name of their word."""


def value_of(row: Mapping[str, Any], name: str) -> float | None:
    """A figure of a row in the unit that is shown, shares as shares; None if it is not known."""
    shown = FIGURES[name]
    held = row.get(shown.column)
    if name == "empty" and held is None:  # of an account, which has it by its kilometres
        held = empty_share(row.get("loaded_km"), row.get("distance_km"))
    if held is None:
        return None
    return float(held) / (G_PER_KG if shown.is_in_grams else 1.0)


def text_of(row: Mapping[str, Any], name: str, language: str) -> str:
    """A figure of a row in words, without its unit but for shares."""
    shown, value = FIGURES[name], value_of(row, name)
    if value is None:
        return NOTHING
    if shown.unit == "%":
        return locales.percent(value, language, shown.digits)
    return locales.number(value, shown.digits, language)


def unit_of(name: str, language: str) -> str:
    """The unit beside a figure; empty for counts, and for shares, whose text has its sign."""
    unit = FIGURES[name].unit
    return "" if unit == "%" else locales.unit(unit, language)


def change_of(
    row: Mapping[str, Any], before: Mapping[str, Any], name: str, *, language: str
) -> tuple[str, int]:
    """Against another row: the difference with its sign, and whether it is good (1) or bad (-1).

    Shares differ by percentage points. The text is empty where either is not known.
    """
    shown, now, then = FIGURES[name], value_of(row, name), value_of(before, name)
    if now is None or then is None:
        return "", 0
    scale = 100.0 if shown.unit == "%" else 1.0
    exact = locales.rounded(scale * (now - then), shown.digits)
    direction = (exact > 0) - (exact < 0)
    return locales.signed(exact, shown.digits, language), direction * _GOODNESS[shown.better]
