"""The inventory of a month: what was burnt, how that is known, and what it emitted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.quantification.derivation import Derivation
from fleet_carbon.quantification.emissions import EnergyFactors
from fleet_carbon.quantification.fuel import TruckFuel
from fleet_carbon.quantification.grouping import Groups
from fleet_carbon.quantification.month_fuel import MonthFuel
from fleet_carbon.quantification.savings import on_grid

Column = NDArray[np.float64]


def inventory(
    fuel: MonthFuel,
    driven: Groups,
    trucks: Sequence[TruckFuel],
    *,
    factors: Mapping[str, EnergyFactors],
    steps_count: int,
) -> dict[str, Any]:
    """Fuel and emissions of accounts: columns of `frames.ACCOUNTS`.

    Parameters
    ----------
    fuel : MonthFuel
        What the legs take.
    driven : Groups
        The legs by account.
    trucks : sequence of TruckFuel
        How the fuel of each account is known.
    factors : mapping of str to EnergyFactors
        What a unit of each energy emits.
    steps_count : int
        Steps of the grid per litre. [1/l]

    Returns
    -------
    columns : dict of str to column
        Missing where a leg's is; diesel is missing of trucks that burn something else.
    """
    is_diesel = np.array([truck.energy == "diesel" for truck in trucks], dtype=bool)

    def summed(of_legs: Column, where: NDArray[np.bool_] | bool = True) -> Column:
        return np.asarray(on_grid(np.where(where, driven.sums(of_legs), np.nan), steps_count))

    quantity = summed(fuel.quantity)
    was_measured = is_diesel & (driven.sums(fuel.measured_model_l) > 0)
    ttw, wtw = kg_per_unit([truck.energy for truck in trucks], factors)
    pairs = list(zip(trucks, (~np.isnan(quantity)).tolist(), strict=True))
    return {
        "diesel_l": np.where(is_diesel, quantity, np.nan),
        "diesel_source": [(truck.source or None) if known else None for truck, known in pairs],
        "model_diesel_l": summed(fuel.class_quantity, is_diesel),
        "measured_l": summed(fuel.measured_l, was_measured),
        "measured_model_l": summed(fuel.measured_model_l, was_measured),
        "fuel_model": [truck.model_id for truck in trucks],
        "energy": [truck.energy for truck in trucks],
        "energy_quantity": quantity,
        "energy_unit": [truck.energy_unit if known else None for truck, known in pairs],
        "co2_ttw_kg": quantity * ttw,
        "co2e_wtw_kg": quantity * wtw,
    }


def write_fuel(
    derivation: Derivation, account: Mapping[str, Any], trucks: Sequence[TruckFuel]
) -> None:
    """Write down how the fuel of each account came about.

    Parameters
    ----------
    derivation : Derivation
        Where it is written.
    account : mapping of str to column
        Columns as `inventory` gives them.
    trucks : sequence of TruckFuel
        How the fuel of each account is known.
    """
    rungs = [f"rung:{truck.source}" if truck.source else "" for truck in trucks]
    models = [f"model:{truck.model_id}" for truck in trucks]
    lines = {"model_diesel_l": models, "measured_l": rungs, "measured_model_l": models}
    for name, source in lines.items():
        derivation.add("fuel", name, account[name], unit="l", source=source)
    is_scaled = np.array([truck.scale_index != 1.0 for truck in trucks], dtype=bool)
    for name in ("scale_index", "scale_share"):
        values = np.array([getattr(truck, name) for truck in trucks], dtype=np.float64)
        of_scaled = np.where(is_scaled, values, np.nan)
        derivation.add("fuel", name, of_scaled, unit="1", source=rungs)
    derivation.add("fuel", "diesel_l", account["diesel_l"], unit="l", source=rungs)
    for unit in ("kg", "kWh"):
        is_unit = np.array([truck.energy_unit == unit for truck in trucks], dtype=bool)
        quantity = np.where(is_unit, account["energy_quantity"], np.nan)
        derivation.add("fuel", "energy_quantity", quantity, unit=unit, source=models)


def kg_per_unit(
    energies: Sequence[str], factors: Mapping[str, EnergyFactors]
) -> tuple[Column, Column]:
    """Tank-to-wheel CO2 and well-to-wheel CO2e of a unit of each energy; NaN where not known."""
    nothing = EnergyFactors(math.nan, math.nan, "")
    found = [factors.get(energy, nothing) for energy in energies]
    ratios = [(one.ttw_ratio, one.wtw_ratio) for one in found]
    ttw, wtw = np.array(ratios, dtype=np.float64).reshape(-1, 2).T
    return ttw, wtw


def factor_note(truck: TruckFuel, factors: Mapping[str, EnergyFactors]) -> str:
    """What is wrong with the factors of a truck's energy; empty if nothing."""
    of_energy = factors.get(truck.energy)
    return f"no_factor_for_{truck.energy}" if of_energy is None else of_energy.note
