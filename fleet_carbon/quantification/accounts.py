"""Legs to litres, litres to kilograms, and one account per driver and truck."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ACCOUNTS, LEGS, ORDER_RESULTS
from fleet_carbon.periods import Month
from fleet_carbon.quantification.allocation import allocate_diesel
from fleet_carbon.quantification.baseline import BaselineRecords
from fleet_carbon.quantification.crediting import CreditBasis, CreditRules, credit_saving
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.emissions import resolve_diesel
from fleet_carbon.quantification.factors import FactorBook
from fleet_carbon.quantification.fuel import (
    FuelRules,
    TruckFuel,
    fuel_of_truck,
    fuel_of_trucks,
    leg_diesel_l,
    register_of,
)
from fleet_carbon.quantification.savings import on_grid
from fleet_carbon.quantification.uncertainty import UncertaintyRules

G_PER_T = 1_000_000
_SUMS = ("imputed_km", "transport_work_tkm", "activity_tkm", "idle_h", "stop_h")


@dataclass(frozen=True)
class Price:
    """A price in force: of a tonne of CO2 (unit ``t``) or a litre of diesel (unit ``l``)."""

    amount: Decimal
    currency: str
    unit: str
    series: str
    valid_from: date


@dataclass(frozen=True)
class AccountContext:
    """Everything an account rests on besides its legs and orders.

    Attributes
    ----------
    month : Month
        Month accounted.
    fleet_id : str
        Fleet.
    vehicles, drivers, baselines : DataFrame
        `frames.VEHICLES`, `frames.DRIVERS`, `frames.BASELINES`.
    history : DataFrame
        Earlier rows of `frames.ACCOUNTS` of this fleet, any months.
    carbon_price, diesel_price : Price or None
        Prices in force; None leaves the money columns empty and named.
    book : FactorBook
        Factors.
    edition : Edition
        Methodology edition.
    """

    month: Month
    fleet_id: str
    vehicles: pd.DataFrame
    drivers: pd.DataFrame
    baselines: pd.DataFrame
    history: pd.DataFrame
    carbon_price: Price | None
    diesel_price: Price | None
    book: FactorBook
    edition: Edition


def quantify_legs(
    legs: pd.DataFrame,
    vehicles: pd.DataFrame,
    *,
    month: Month,
    book: FactorBook,
    edition: Edition,
) -> pd.DataFrame:
    """Diesel, tank-to-wheel CO2 and well-to-wheel CO2e of every leg.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` of the month, diesel and CO2 still missing.
    vehicles : DataFrame
        `frames.VEHICLES`.
    month : Month
        Factors are those in force on its first day.
    book, edition
        Factors and rules.

    Returns
    -------
    legs : DataFrame
        `frames.LEGS`, same rows in the same order; the three columns stay missing for a truck
        without fuel model.

    Raises
    ------
    InputRefused
        If a leg names a truck that is not registered.
    """
    filled = LEGS.shape(legs)
    diesel = resolve_diesel(book, edition, month.first_day, known_on=None)
    litres = pd.Series(float("nan"), index=filled.index, dtype="float64")
    for vehicle_id, fuel in fuel_of_trucks(filled, vehicles, edition).items():
        driven = filled.loc[filled["vehicle_id"] == vehicle_id]
        litres.loc[driven.index] = leg_diesel_l(driven, fuel)
    filled["diesel_l"] = litres
    filled["co2_ttw_kg"] = litres * float(diesel.co2_ttw_kg_per_l)
    filled["co2e_wtw_kg"] = litres * float(diesel.co2e_wtw_kg_per_l)
    return filled


def quantify_orders(
    order_results: pd.DataFrame,
    leg_orders: pd.DataFrame,
    legs: pd.DataFrame,
    *,
    vehicles: pd.DataFrame,
    month: Month,
    book: FactorBook,
    edition: Edition,
) -> pd.DataFrame:
    """Diesel and CO2 an order would take by plan, and what it took.

    The plan drives the order alone over the great circle times the edition's circuity, without
    approach. Realised is the order's part of its legs and of the empty way to its pick-up.

    Parameters
    ----------
    order_results, leg_orders, legs : DataFrame
        `frames.ORDER_RESULTS`, `frames.LEG_ORDERS`, and `frames.LEGS` as quantified.
    vehicles : DataFrame
        `frames.VEHICLES`.
    month, book, edition
        As for `quantify_legs`.

    Returns
    -------
    order_results : DataFrame
        Same rows in the same order, four columns filled where there is a fuel model; realised
        ones only for orders that were aboard a leg of the month.
    """
    filled = ORDER_RESULTS.shape(order_results)
    kg_per_l = float(resolve_diesel(book, edition, month.first_day, known_on=None).co2_ttw_kg_per_l)
    fuels = {key: fuel_of_truck(row, edition) for key, row in register_of(vehicles).items()}
    circuity = fill_rules(edition, "fuel", FuelRules).planned_circuity_index
    planned = [_planned_l(row, fuels, circuity) for row in filled.itertuples()]
    realised = allocate_diesel(legs, leg_orders)
    filled["planned_diesel_l"] = pd.Series(planned, dtype="float64")
    filled["realised_diesel_l"] = filled["order_id"].map(realised).astype("float64")
    for kind in ("planned", "realised"):
        filled[f"{kind}_co2_kg"] = filled[f"{kind}_diesel_l"] * kg_per_l
    return filled


def compose_accounts(
    legs: pd.DataFrame, order_results: pd.DataFrame, *, context: AccountContext
) -> pd.DataFrame:
    """One account per driver and truck that drove in the month.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` as quantified.
    order_results : DataFrame
        `frames.ORDER_RESULTS`.
    context : AccountContext
        Month, register, baselines, history, prices, factors, edition.

    Returns
    -------
    accounts : DataFrame
        `frames.ACCOUNTS`, sorted by driver and truck. Loaded, empty and unknown kilometres add
        up to the distance, and the three parts to the saving, exactly.

    Raises
    ------
    InputRefused
        If a leg names a truck that is not registered, or a price has another unit.
    """
    _check_price(context.carbon_price, "t")
    _check_price(context.diesel_price, "l")
    driven = LEGS.shape(legs).sort_values(["vehicle_id", "started_at"], kind="stable")
    driven["driver_id"] = driven["driver_id"].fillna("")
    basis = _basis(driven, context)
    rows = [
        _account(str(key[0]), str(key[1]), group, basis=basis, context=context)
        for key, group in driven.groupby(["driver_id", "vehicle_id"], sort=True)
    ]
    _count_orders(rows, order_results)
    return ACCOUNTS.shape(pd.DataFrame(rows, columns=ACCOUNTS.names))


def _basis(driven: pd.DataFrame, context: AccountContext) -> CreditBasis:
    edition = context.edition
    register = register_of(context.vehicles)
    fuels = {vehicle_id: fuel_of_truck(row, edition) for vehicle_id, row in register.items()}
    fuels.update(fuel_of_trucks(driven, context.vehicles, edition))
    return CreditBasis(
        month=context.month,
        edition=edition,
        records=BaselineRecords(context.drivers, context.baselines, context.history, fuels),
        diesel=resolve_diesel(context.book, edition, context.month.first_day, known_on=None),
        rules=fill_rules(edition, "credit", CreditRules),
        uncertainty=fill_rules(edition, "uncertainty", UncertaintyRules),
    )


def _account(
    driver_id: str,
    vehicle_id: str,
    driven: pd.DataFrame,
    *,
    basis: CreditBasis,
    context: AccountContext,
) -> dict[str, Any]:
    truck = basis.records.fuels[vehicle_id]
    row: dict[str, Any] = {
        "month": str(context.month),
        "fleet_id": context.fleet_id,
        "driver_id": driver_id,
        "vehicle_id": vehicle_id,
        "edition": context.edition.label,
        "orders_count": 0,
        "orders_matched_count": 0,
        **_driving(driven, truck.rated_payload_t),
        **_burnt(driven, truck, basis),
        "quality": _quality(driven, truck, basis.rules),
    }
    notes = {*truck.notes, *(() if driver_id else ("driver_unknown",))}
    if row["diesel_l"] is not None and basis.diesel.wtw_note:
        notes.add(basis.diesel.wtw_note)
    saved, reasons = credit_saving(row, truck, basis)
    row.update(saved)
    valued, missing = _valued(row, context)
    row.update(valued)
    row["notes"] = ";".join(sorted(notes | reasons | missing))
    return row


def _driving(driven: pd.DataFrame, rated_payload_t: float) -> dict[str, Any]:
    """Kilometres, hours and shares of one driver and truck."""
    loaded, empty, unknown = (
        _sum(driven.loc[driven["state"] == state, "distance_km"])
        for state in ("loaded", "empty", "unknown")
    )
    searching = (driven["state"] == "empty") & (driven["purpose"] == "search")
    distance = loaded + empty + unknown
    sums = {name: _sum(driven[name]) for name in _SUMS}
    work = sums["transport_work_tkm"]
    return {
        "distance_km": distance,
        "loaded_km": loaded,
        "empty_km": empty,
        "unknown_km": unknown,
        "search_km": _sum(driven.loc[searching, "distance_km"]),
        **sums,
        "mileage_utilisation_share": _ratio(loaded, distance),
        "payload_utilisation_share": _ratio(work, rated_payload_t * loaded),
        "load_rate_share": _ratio(work, rated_payload_t * distance),
        "coverage_share": _coverage(driven),
    }


def _burnt(driven: pd.DataFrame, truck: TruckFuel, basis: CreditBasis) -> dict[str, Any]:
    """Inventory of the month: litres, tank-to-wheel and well-to-wheel."""
    if truck.model is None or driven["diesel_l"].isna().any():
        missing = ("diesel_l", "diesel_source", "co2_ttw_kg", "co2e_wtw_kg")
        return dict.fromkeys(missing)
    litres = on_grid(_sum(driven["diesel_l"]), basis.rules.litre_steps_count)
    return {
        "diesel_l": litres,
        "diesel_source": truck.source,
        "co2_ttw_kg": litres * float(basis.diesel.co2_ttw_kg_per_l),
        "co2e_wtw_kg": litres * float(basis.diesel.co2e_wtw_kg_per_l),
    }


def _valued(row: dict[str, Any], context: AccountContext) -> tuple[dict[str, Any], set[str]]:
    """Money of the credited grams and of the litres saved, at the prices in force."""
    carbon, diesel = context.carbon_price, context.diesel_price
    columns: dict[str, Any] = {}
    notes: set[str] = set()
    if carbon is None:
        notes.add("no_carbon_price")
    else:
        columns["carbon_price"] = float(carbon.amount)
        columns["carbon_currency"] = carbon.currency
        columns["carbon_value"] = float(carbon.amount * row["co2_credited_g"] / G_PER_T)
    if diesel is None:
        notes.add("no_diesel_price")
    elif row.get("diesel_saved_l") is not None:
        columns["fuel_cost_saved"] = float(diesel.amount * Decimal(row["diesel_saved_l"]))
        if carbon is not None and carbon.currency != diesel.currency:
            notes.add(f"fuel_cost_in_{diesel.currency.lower()}")
    return columns, notes


def _quality(driven: pd.DataFrame, truck: TruckFuel, rules: CreditRules) -> str:
    """How the litres are known: measured needs a counter and positions, a class is a default."""
    if truck.source == "counter":
        coverage = _coverage(driven)
        enough = coverage is not None and coverage >= rules.measured_coverage_share_min
        return "measured" if enough else "modelled"
    return "modelled" if truck.source == "declared" else "default"


def _count_orders(rows: list[dict[str, Any]], order_results: pd.DataFrame) -> None:
    """Count each order once: in the row of its driver and truck, else of the truck's most km."""
    by_key = {(row["driver_id"], row["vehicle_id"]): row for row in rows}
    main: dict[str, dict[str, Any]] = {}
    for row in rows:
        best = main.get(row["vehicle_id"])
        if best is None or row["distance_km"] > best["distance_km"]:
            main[row["vehicle_id"]] = row
    counts: Counter[tuple[str, str, str]] = Counter()
    orders: list[Any] = list(ORDER_RESULTS.shape(order_results).itertuples())
    for order in orders:
        driver_id = "" if pd.isna(order.driver_id) else str(order.driver_id)
        vehicle_id = str(order.vehicle_id)
        found = by_key.get((driver_id, vehicle_id)) or main.get(vehicle_id)
        if found is None or order.status == "cancelled":
            continue
        counts[(found["driver_id"], vehicle_id, "orders_count")] += 1
        counts[(found["driver_id"], vehicle_id, "orders_matched_count")] += bool(order.matched)
    for (driver_id, vehicle_id, name), count in counts.items():
        by_key[(driver_id, vehicle_id)][name] = count


def _planned_l(order: Any, fuels: dict[str, TruckFuel], circuity_index: float) -> float:
    truck = fuels.get(str(order.vehicle_id))
    if truck is None or truck.model is None:
        return float("nan")
    distance_km = float(order.great_circle_km) * circuity_index
    return truck.model.driving_l(distance_km, float(order.cargo_t) * distance_km)


def _coverage(driven: pd.DataFrame) -> float | None:
    hours = _sum(driven["duration_h"])
    return None if hours <= 0 else max(0.0, 1 - _sum(driven["gap_h"]) / hours)


def _check_price(price: Price | None, unit: str) -> None:
    if price is not None and price.unit != unit:
        raise InputRefused(
            "price_unit_differs",
            f"Price series {price.series!r} is per {price.unit}, expected per {unit}.",
            f"Set a series with unit {unit}.",
        )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _sum(values: pd.Series) -> float:
    """The exact sum, rounded once: the same for any order of the rows."""
    return math.fsum(values.astype("float64"))
