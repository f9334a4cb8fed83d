"""From a factor file to checked series: every key, unit, source, status and date is looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from fleet_carbon.errors import ModelRefused

KINDS = ("fuel", "electricity", "constant")
STATUSES = ("measured", "published", "derived", "assumed")
# Which units a quantity may have. Closed on purpose: a new unit is a decision.
UNITS: dict[str, tuple[str, ...]] = {
    "net_calorific_value": ("GJ/t",),
    "carbon_content": ("tC/TJ",),
    "oxidation": ("1",),
    "density": ("kg/l",),
    "carbon_share_max": ("kgC/kg",),
    "molar_mass": ("g/mol",),
    "co2_ttw": ("kgCO2/kg", "kgCO2/l"),
    "co2e_ttw": ("kgCO2e/kg", "kgCO2e/l"),
    "co2e_wtw": ("kgCO2e/kg", "kgCO2e/l"),
    "co2_generation": ("kgCO2/kWh",),
}
_FILE_KEYS = {"fuel", "kind", "region", "factors"}
_FACTOR_KEYS = {"id", "quantity", "unit", "values"}
_VALUE_KEYS = {
    "valid_from", "value", "source", "locator", "recorded_on", "status", "spread_share",
}  # fmt: skip
_DECIMAL = re.compile(r"^-?\d+(\.\d+)?$")


@dataclass(frozen=True)
class FactorValue:
    """One published step of a factor; `value` None abolishes it from that day."""

    valid_from: date
    value: Decimal | None
    source: str
    locator: str
    recorded_on: date
    status: str
    spread_share: Decimal | None


@dataclass(frozen=True)
class FactorSeries:
    """One factor with all its steps, ordered by start and day of recording."""

    factor_id: str
    fuel: str
    kind: str
    region: str
    quantity: str
    unit: str
    values: tuple[FactorValue, ...]
    file: str


def read_factor_file(name: str, document: dict[str, Any], sources: set[str]) -> list[FactorSeries]:
    """Check one factor file and return its series.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    document : dict
        The file as read.
    sources : set of str
        Keys of ``sources.yaml``.

    Raises
    ------
    ModelRefused
        At the first fault, with file, factor and what was expected.
    """
    _keys(name, document, _FILE_KEYS)
    _choice(name, "kind", document["kind"], KINDS)
    if not isinstance(document["factors"], list) or not document["factors"]:
        raise refused(name, "has no list of factors")
    return [_read_series(name, document, entry, sources) for entry in document["factors"]]


def refused(where: str, why: str) -> ModelRefused:
    """The error of this room: which file and factor, what is wrong."""
    return ModelRefused(
        "factor_refused", f"{where}: {why}.", "See the header of the file for the form."
    )


def _read_series(
    name: str, document: dict[str, Any], entry: Any, sources: set[str]
) -> FactorSeries:
    if not isinstance(entry, dict):
        raise refused(name, f"a factor is {entry!r}, expected keys {sorted(_FACTOR_KEYS)}")
    where = f"{name}, {entry.get('id', 'a factor without id')}"
    _keys(where, entry, _FACTOR_KEYS)
    _choice(where, "quantity", entry["quantity"], tuple(UNITS))
    _choice(where, "unit", entry["unit"], UNITS[entry["quantity"]])
    if not str(entry["id"]).startswith(f"{document['fuel']}."):
        raise refused(where, f"the id must begin with {document['fuel']}.")
    steps = tuple(_read_value(where, step, sources) for step in entry["values"] or ())
    _in_order(where, steps)
    return FactorSeries(
        factor_id=str(entry["id"]),
        fuel=str(document["fuel"]),
        kind=str(document["kind"]),
        region=str(document["region"]),
        quantity=str(entry["quantity"]),
        unit=str(entry["unit"]),
        values=steps,
        file=name,
    )


def _read_value(where: str, step: Any, sources: set[str]) -> FactorValue:
    if not isinstance(step, dict):
        raise refused(where, f"a value is {step!r}, expected keys {sorted(_VALUE_KEYS)}")
    where = f"{where} from {step.get('valid_from', '?')}"
    _keys(where, step, _VALUE_KEYS)
    if step["source"] not in sources:
        raise refused(where, f"source {step['source']!r} is not in sources.yaml")
    if not isinstance(step["locator"], str) or not step["locator"].strip():
        raise refused(where, "locator is empty: say where inside the source")
    _choice(where, "status", step["status"], STATUSES)
    value = _decimal(where, "value", step["value"])
    if value is not None and value < 0:
        raise refused(where, f"value {value} is below zero")
    return FactorValue(
        valid_from=_day(where, "valid_from", step["valid_from"]),
        value=value,
        source=step["source"],
        locator=step["locator"],
        recorded_on=_day(where, "recorded_on", step["recorded_on"]),
        status=step["status"],
        spread_share=_decimal(where, "spread_share", step["spread_share"]),
    )


def _in_order(where: str, steps: tuple[FactorValue, ...]) -> None:
    if not steps:
        raise refused(where, "has no values")
    marks = [(step.valid_from, step.recorded_on) for step in steps]
    for before, after in pairwise(marks):
        if before == after:
            raise refused(where, f"two values from {after[0]} were recorded on {after[1]}")
        if before > after:
            raise refused(where, f"the value from {after[0]} stands after one from {before[0]}")


def _keys(where: str, found: dict[str, Any], wanted: set[str]) -> None:
    missing, unknown = wanted - set(found), set(found) - wanted
    if missing:
        raise refused(where, f"key {sorted(missing)[0]} is missing")
    if unknown:
        raise refused(where, f"key {sorted(str(key) for key in unknown)[0]} is unknown")


def _choice(where: str, key: str, found: Any, allowed: tuple[str, ...]) -> None:
    if found not in allowed:
        raise refused(where, f"{key} {found!r} is unknown, expected one of {', '.join(allowed)}")


def _decimal(where: str, key: str, found: Any) -> Decimal | None:
    if found is None:
        return None
    if not isinstance(found, str) or not _DECIMAL.match(found):
        raise refused(where, f'{key} {found!r} must be a quoted decimal, for example "3.17"')
    return Decimal(found)


def _day(where: str, key: str, found: Any) -> date:
    if type(found) is not date:
        raise refused(where, f"{key} {found!r} is no day in the form 2026-01-31")
    return found
