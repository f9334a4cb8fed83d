"""The interval of every figure of an account, from the sources of error that matter to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import ACCOUNTS, INTERVALS
from fleet_carbon.quantification.derivation import Derivation
from fleet_carbon.quantification.fuel import TruckFuel
from fleet_carbon.quantification.project import project_case, project_errors
from fleet_carbon.quantification.savings import SAVING_COLUMNS, Figures, SavingCase
from fleet_carbon.quantification.spread import Spread
from fleet_carbon.quantification.uncertainty import (
    Errors,
    UncertaintyRules,
    co2_interval,
    combined,
    error_terms,
)

# Figures that follow from what was driven alone, whatever it is compared with.
_DRIVEN = (
    "distance_km",
    "loaded_km",
    "empty_km",
    "mileage_utilisation_share",
    "payload_utilisation_share",
    "load_rate_share",
    "transport_work_tkm",
    "activity_tkm",
    "diesel_l",
)
# Parts of a figure are off as it is.
_AS = {
    "unknown_km": "empty_km",
    "search_km": "empty_km",
    "great_circle_tkm": "activity_tkm",
}
# Kilograms of what was burnt, by a factor that is off by itself.
_BY_FACTOR = {
    "co2_ttw_kg": "ttw_factor_share",
    "co2e_wtw_kg": "wtw_factor_share",
}
_Columns = dict[str, NDArray[np.float64]]


def figure_intervals(
    account: pd.DataFrame,
    trucks: Sequence[TruckFuel],
    spread: Spread,
    *,
    derivation: Derivation,
    rules: UncertaintyRules,
    carbon_per_t: Decimal | None,
    diesel_per_l: Decimal | None,
) -> pd.DataFrame:
    """Low and high of every figure of accounts that is an estimate.

    Parameters
    ----------
    account : DataFrame
        `frames.ACCOUNTS`.
    trucks : sequence of TruckFuel
        How the diesel of each account's truck is known.
    spread : Spread
        Over how many legs and orders the work of each account is spread.
    derivation : Derivation
        Of these accounts, with the standard uncertainties of the saving.
    rules : UncertaintyRules
        Section `uncertainty`.
    carbon_per_t, diesel_per_l : Decimal or None
        Prices in force, exact by agreement. [currency/t], [currency/l]

    Returns
    -------
    intervals : DataFrame
        `frames.INTERVALS`, by account, then in the order of the figures in `frames.ACCOUNTS`.
        The low of `carbon_value` is the value itself, which is that of the lower bound; its high
        is that of the upper bound.
    """
    case = project_case(account, trucks)
    errors = project_errors(case, trucks, spread=spread, rules=rules)
    standard = _driven_standards(account, case, errors)
    of_gaps = combined([rules.imputed_km_share, rules.distance_scale_share])
    standard["imputed_km"] = of_gaps * _floats(account["imputed_km"])
    standard["energy_quantity"] = _energy_standard(account, trucks, standard, rules)
    for name, share in _BY_FACTOR.items():
        kg_per_unit = _quotient(_floats(account[name]), _floats(account["energy_quantity"]))
        of_factor = getattr(rules, share) * _floats(account[name])
        of_quantity = standard["energy_quantity"] * kg_per_unit
        standard[name] = np.asarray(combined([of_quantity, of_factor]))
    standard |= _saving_standards(account, derivation, rules)
    values = {name: _floats(account[name]) for name in standard}
    half = {name: rules.coverage_index * one for name, one in standard.items()}
    low = {name: values[name] - half[name] for name in standard}
    high = {name: values[name] + half[name] for name in standard}
    # The account states these bounds itself, what the saving causes elsewhere taken off.
    for bounds, name in ((low, "co2_avoided_low_kg"), (high, "co2_avoided_high_kg")):
        bounds["co2_avoided_kg"] = _floats(account[name])
    if diesel_per_l is not None:
        for column in (values, low, high, standard):
            column["fuel_cost_saved"] = column["diesel_saved_l"] * float(diesel_per_l)
    if carbon_per_t is not None:
        per_kg = float(carbon_per_t) / 1000
        values["carbon_value"] = low["carbon_value"] = _floats(account["carbon_value"])
        high["carbon_value"] = np.maximum(0.0, high["co2_avoided_kg"]) * per_kg
        standard["carbon_value"] = standard["co2_avoided_kg"] * per_kg
    return _table(account, values, low, high, standard)


def _driven_standards(account: pd.DataFrame, case: SavingCase, errors: Errors) -> _Columns:
    terms = error_terms(case, errors, figure=_driven)
    found = dict(zip(_DRIVEN, np.asarray(combined([one.standard for one in terms])), strict=True))
    # The case counts what is not proven loaded as empty.
    relative = {
        "activity_tkm": _quotient(found["activity_tkm"], _floats(account["activity_tkm"])),
        "empty_km": _quotient(found["empty_km"], _floats(case.empty_km)),
    }
    found["empty_km"] = relative["empty_km"] * _floats(account["empty_km"])
    return found | {name: relative[of] * _floats(account[name]) for name, of in _AS.items()}


def _energy_standard(
    account: pd.DataFrame,
    trucks: Sequence[TruckFuel],
    standard: _Columns,
    rules: UncertaintyRules,
) -> NDArray[np.float64]:
    """Of what was burnt or charged: that of the diesel, else of the receipts or the class."""
    shares = _floats([truck.scale_share for truck in trucks])
    is_balanced = np.array([truck.scale_index != 1.0 for truck in trucks], dtype=bool)
    of_rate = np.where(is_balanced, shares, rules.empty_rate_class_share)
    # What receipts balance has no kilometres in it.
    of_distance = _quotient(standard["distance_km"], _floats(account["distance_km"]))
    share = combined([of_rate, np.where(is_balanced, 0.0, of_distance)])
    other = share * _floats(account["energy_quantity"])
    return np.where(np.isnan(_floats(account["diesel_l"])), other, standard["diesel_l"])


def _driven(case: SavingCase) -> Figures:
    distance_km = case.loaded_km + case.empty_km
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = (
            distance_km,
            case.loaded_km,
            case.empty_km,
            case.loaded_km / distance_km,
            case.transport_work_tkm / (case.rated_payload_t * case.loaded_km),
            case.transport_work_tkm / (case.rated_payload_t * distance_km),
            case.transport_work_tkm,
            case.activity_tkm,
            case.driving_l + case.idle_l,
        )
        return np.stack(np.broadcast_arrays(*figures))


def _saving_standards(
    account: pd.DataFrame, derivation: Derivation, rules: UncertaintyRules
) -> _Columns:
    """Of the litres as they were written down, of the kilograms with the factor's own error."""
    found = {
        name: derivation.column(f"{name.removesuffix('_l')}_standard_l") for name in SAVING_COLUMNS
    }
    interval = co2_interval(
        _floats(account["diesel_saved_l"]),
        found["diesel_saved_l"],
        co2_kg_per_l=derivation.column("co2_ttw_kg_per_l"),
        rules=rules,
    )
    return found | {"co2_avoided_kg": np.asarray(interval.standard_kg)}


def _table(account: pd.DataFrame, *columns: _Columns) -> pd.DataFrame:
    figures = [name for name in ACCOUNTS.names if name in columns[0]]
    count = len(account["driver_id"])
    numbers = {
        name: np.array([one[figure] for figure in figures]).reshape(len(figures), count).T.ravel()
        for name, one in zip(("value", "low", "high", "standard"), columns, strict=True)
    }
    rows = pd.DataFrame(
        {
            "driver_id": account["driver_id"].repeat(len(figures)).array,
            "vehicle_id": account["vehicle_id"].repeat(len(figures)).array,
            "figure": figures * count,
            **numbers,
            "unit": _units(account, figures),
        }
    )
    is_known = ~np.isnan(np.stack(list(numbers.values()))).any(axis=0)
    return INTERVALS.shape(rows[is_known])


def _units(account: pd.DataFrame, figures: Sequence[str]) -> list[str]:
    """The unit of every figure of every account; that of the energy is the truck's own."""
    energies = account["energy_unit"].fillna("").tolist()
    fixed = [ACCOUNTS.column(figure).unit for figure in figures]
    return [
        energy if figure == "energy_quantity" else unit
        for energy in energies
        for figure, unit in zip(figures, fixed, strict=True)
    ]


def _floats(figures: Any) -> NDArray[np.float64]:
    return np.asarray(figures, dtype=np.float64)


def _quotient(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 where there is no whole; missing where it is not known."""
    return np.where(whole == 0, 0.0, part / np.where(whole == 0, 1.0, whole))
