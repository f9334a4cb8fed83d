"""No fuel factor may promise more CO2 than the fuel has carbon for.

One code base in circulation books LNG at 3.183 kg CO2 per kg; methane can give 2.743. A guard
on every fuel factor catches such a slip of a table row before it reaches a statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from fleet_carbon.errors import ModelRefused
from fleet_carbon.quantification.factor_reading import FactorSeries

# IUPAC abridged standard atomic weights 2021: C 12.011, O 15.999. [g/mol]
CARBON_G_PER_MOL = Decimal("12.011")
CO2_G_PER_MOL = Decimal("44.009")
CO2_PER_CARBON = CO2_G_PER_MOL / CARBON_G_PER_MOL

_TANK_TO_WHEEL = ("co2_ttw", "co2e_ttw")


def co2_kg_per_kg_max(carbon_share: Decimal) -> Decimal:
    """The most CO2 a kilogram of fuel can give: all its carbon burnt.

    Parameters
    ----------
    carbon_share : Decimal
        Carbon mass per fuel mass, 0 to 1. [kg/kg]

    Returns
    -------
    co2_kg_per_kg : Decimal
        `carbon_share x 44.009 / 12.011`. [kg/kg]

    Examples
    --------
    >>> round(co2_kg_per_kg_max(Decimal("0.74868")), 3)  # methane
    Decimal('2.743')
    """
    return carbon_share * CO2_PER_CARBON


def refuse_beyond_carbon(what: str, co2_kg_per_kg: Decimal, carbon_share: Decimal) -> None:
    """Refuse a combustion factor above the stoichiometric bound of its fuel.

    Raises
    ------
    ModelRefused
        If it lies above; the message names factor, bound and carbon share.
    """
    bound = co2_kg_per_kg_max(carbon_share)
    if co2_kg_per_kg > bound:
        raise ModelRefused(
            "beyond_stoichiometry",
            f"{what} gives {co2_kg_per_kg:.4f} kg CO2 per kg, but a carbon share of "
            f"{carbon_share} allows at most {bound:.4f}.",
            "Check calorific value (net, not gross), carbon content and the row of the table.",
        )


def check_fuels(series: list[FactorSeries]) -> None:
    """Check all fuels: carbon bound on every step, tank-to-wheel not above well-to-wheel.

    Raises
    ------
    ModelRefused
        For the first fuel that breaks a bound, or has a combustion factor and no bound.
    """
    for fuel in sorted({one.fuel for one in series if one.kind == "fuel"}):
        group = [one for one in series if one.fuel == fuel]
        _refuse_rivals(fuel, group)
        for day in _starts(group):
            _check_fuel_on(fuel, group, day)


def _refuse_rivals(fuel: str, group: list[FactorSeries]) -> None:
    """Two factors for one quantity of one fuel: the second would slip past every check."""
    seen: dict[str, str] = {}
    for one in group:
        if one.quantity in seen:
            raise ModelRefused(
                "quantity_given_twice",
                f"{fuel} states {one.quantity} as {seen[one.quantity]} and as {one.factor_id}.",
                "A fuel of another region or blend is another fuel, in a file of its own.",
            )
        seen[one.quantity] = one.factor_id


def _check_fuel_on(fuel: str, group: list[FactorSeries], day: date) -> None:
    values = _in_force(group, day)
    combustion = _combustion_kg_per_kg(fuel, values)
    if combustion and "carbon_share_max" not in values:
        raise ModelRefused(
            "fuel_without_carbon_bound",
            f"{fuel} has a combustion factor and no carbon_share_max in force on {day}.",
            "Add the largest carbon share of that fuel, with its source.",
        )
    for what, co2_kg_per_kg in combustion:
        refuse_beyond_carbon(f"{what} from {day}", co2_kg_per_kg, values["carbon_share_max"][1])
        upstream = values.get("co2e_wtw", ("", None))
        if upstream[0] == "kgCO2e/kg" and upstream[1] is not None and co2_kg_per_kg > upstream[1]:
            raise ModelRefused(
                "tank_above_well",
                f"{what} is {co2_kg_per_kg:.4f} kg/kg on {day}, above the well-to-wheel "
                f"{upstream[1]} of {fuel}.",
                "Well-to-wheel includes tank-to-wheel; one of the two is wrong.",
            )


def _combustion_kg_per_kg(
    fuel: str, values: dict[str, tuple[str, Decimal]]
) -> list[tuple[str, Decimal]]:
    """Every way this fuel states its CO2 per kilogram: directly, per litre, by composition."""
    found: list[tuple[str, Decimal]] = []
    for quantity in _TANK_TO_WHEEL:
        unit, value = values.get(quantity, ("", Decimal(0)))
        if unit.endswith("/kg"):
            found.append((f"{fuel}.{quantity}", value))
        elif unit.endswith("/l"):
            found.append((f"{fuel}.{quantity}", value / _density(fuel, values)))
    if {"net_calorific_value", "carbon_content"} <= set(values):
        energy, carbon = values["net_calorific_value"][1], values["carbon_content"][1]
        oxidation = values.get("oxidation", ("1", Decimal(1)))[1]
        product = energy * carbon * oxidation * Decimal(44) / Decimal(12) / Decimal(1000)
        found.append((f"{fuel} by calorific value and carbon content", product))
    return found


def _density(fuel: str, values: dict[str, tuple[str, Decimal]]) -> Decimal:
    if "density" not in values:
        raise ModelRefused(
            "fuel_without_density",
            f"{fuel} has a factor per litre and no density.",
            "Add the density, so that the carbon bound can be checked.",
        )
    return values["density"][1]


def _starts(series: Iterable[FactorSeries]) -> list[date]:
    return sorted({step.valid_from for one in series for step in one.values})


def _in_force(series: Iterable[FactorSeries], day: date) -> dict[str, tuple[str, Decimal]]:
    """Quantity -> (unit, value) of one fuel on a day, with all that is known."""
    found: dict[str, tuple[str, Decimal]] = {}
    for one in series:
        started = [step for step in one.values if step.valid_from <= day]
        last = max(started, key=lambda step: (step.valid_from, step.recorded_on), default=None)
        if last is not None and last.value is not None:
            found[one.quantity] = (one.unit, last.value)
    return found
