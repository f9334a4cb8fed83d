"""Legs to litres, litres to kilograms, and one account per driver and truck."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ACCOUNTS, LEGS, ORDER_RESULTS
from fleet_carbon.periods import Month
from fleet_carbon.quantification.allocation import allocate_diesel
from fleet_carbon.quantification.baseline import BaselineRecords
from fleet_carbon.quantification.calibration import CalibrationRules, measured_before
from fleet_carbon.quantification.crediting import CreditBasis, CreditRules, credit_savings
from fleet_carbon.quantification.derivation import Derivation
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.emissions import EnergyFactors, resolve_diesel, resolve_energies
from fleet_carbon.quantification.factors import FactorBook
from fleet_carbon.quantification.fitted import FittedFuel
from fleet_carbon.quantification.fuel import FuelRules, TruckFuel, rate_columns, register_fuels
from fleet_carbon.quantification.grouping import Groups, grouped
from fleet_carbon.quantification.intervals import figure_intervals
from fleet_carbon.quantification.inventory import factor_note, inventory, kg_per_unit, write_fuel
from fleet_carbon.quantification.lanes import OrderRegions, drive_by_lane
from fleet_carbon.quantification.leakage import Leakage
from fleet_carbon.quantification.month_fuel import FuelRecords, MonthFuel
from fleet_carbon.quantification.spread import spread_of
from fleet_carbon.quantification.uncertainty import UncertaintyRules

G_PER_T = 1_000_000
_STATES = ("loaded", "empty", "unknown")
_SUMS = (
    "imputed_km", "transport_work_tkm", "activity_tkm", "great_circle_tkm", "overweight_tkm",
    "car_like_km", "idle_h", "stop_h",
)  # fmt: skip

_Column = NDArray[np.float64]


@dataclass(frozen=True)
class Price:
    """A price in force: of a tonne of CO2 (unit ``t``) or a litre of diesel (unit ``l``)."""

    amount: Decimal
    currency: str
    unit: str
    series: str
    valid_from: date


@dataclass(frozen=True)
class Foresight:
    """What is different for an account of what was not driven yet.

    It stands for itself: neither months before nor months to come of a crediting period change
    its bound. Its kilometres are imputed, all of them.

    Attributes
    ----------
    road_standard_share : float
        How far the road of a trip may be off, relative standard uncertainty.
    """

    road_standard_share: float


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
    orders : DataFrame
        `frames.ORDERS` of the month, for their places.
    history, lanes : DataFrame
        Earlier rows of `frames.ACCOUNTS` and `frames.LANES` of this fleet, any months.
    carbon_price, diesel_price : Price or None
        Prices in force; None leaves the money columns empty and named.
    book : FactorBook
        Factors.
    edition : Edition
        Methodology edition.
    fitted : FittedFuel or None
        What trucks burn beside the physics, where it was learned from months before this one.
    refused : mapping of (driver_id, vehicle_id) to str
        Why nothing is credited to an account.
    foresight : Foresight or None
        Of accounts of what was not driven yet.
    """

    month: Month
    fleet_id: str
    vehicles: pd.DataFrame
    drivers: pd.DataFrame
    baselines: pd.DataFrame
    orders: pd.DataFrame
    history: pd.DataFrame
    lanes: pd.DataFrame
    carbon_price: Price | None
    diesel_price: Price | None
    book: FactorBook
    edition: Edition
    fitted: FittedFuel | None = None
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    foresight: Foresight | None = None

    @cached_property
    def basis(self) -> CreditBasis:
        """What is the same for every account, found once for all batches of the month."""
        fuels = register_fuels(self.vehicles, self.edition)
        rules = fill_rules(self.edition, "credit", CreditRules)
        uncertainty = fill_rules(self.edition, "uncertainty", UncertaintyRules)
        if self.foresight is not None:
            rules = replace(rules, period_month_count=1)
            road_share = self.foresight.road_standard_share
            uncertainty = replace(uncertainty, imputed_km_share=road_share)
        return CreditBasis(
            month=self.month,
            edition=self.edition,
            records=BaselineRecords(
                month=self.month,
                vehicles=self.vehicles,
                drivers=self.drivers,
                baselines=self.baselines,
                history=self.history,
                lanes=self.lanes,
                fuels=fuels,
                edition=self.edition,
            ),
            diesel=resolve_diesel(self.book, self.edition, self.month.first_day, known_on=None),
            rules=rules,
            uncertainty=uncertainty,
            leakage=Leakage.of_month(self.book, self.edition, self.month),
            refused=self.refused,
        )

    @cached_property
    def fuel(self) -> FuelRecords:
        """What is on record of the fleet's fuel, found once for all batches of the month."""
        rules = fill_rules(self.edition, "calibration", CalibrationRules)
        return FuelRecords(
            known=self.basis.records.fuels,
            measured=measured_before(
                self.history,
                month=self.month,
                edition=self.edition,
                months_count_max=rules.months_count_max,
            ),
            edition=self.edition,
            fitted=self.fitted,
        )

    @cached_property
    def energies(self) -> dict[str, EnergyFactors]:
        """What a unit of every energy emits in the month."""
        return resolve_energies(self.book, self.edition, self.month.first_day, known_on=None)

    @cached_property
    def regions(self) -> OrderRegions:
        """Regions of the orders, found once for all batches of the month."""
        return OrderRegions.of_orders(self.orders, self.edition)


def quantify_legs(legs: pd.DataFrame, fuel: MonthFuel, *, context: AccountContext) -> pd.DataFrame:
    """Diesel, tank-to-wheel CO2 and well-to-wheel CO2e of every leg.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` of the month, diesel and CO2 still missing.
    fuel : MonthFuel
        What these legs take.
    context : AccountContext
        Factors are those in force on the first day of its month.

    Returns
    -------
    legs : DataFrame
        `frames.LEGS`, same rows in the same order; the columns stay missing where nobody knows
        what the truck takes, and diesel where it burns something else.
    """
    filled = LEGS.shape(legs)
    code, found = pd.factorize(filled["vehicle_id"])
    energies = [fuel.trucks[str(vehicle_id)].energy for vehicle_id in found]
    is_diesel = np.array([energy == "diesel" for energy in energies], dtype=bool)[code]
    ttw, wtw = kg_per_unit(energies, context.energies)
    filled["diesel_l"] = np.where(is_diesel, fuel.quantity, np.nan)
    filled["co2_ttw_kg"] = fuel.quantity * ttw[code]
    filled["co2e_wtw_kg"] = fuel.quantity * wtw[code]
    return filled


def quantify_orders(
    order_results: pd.DataFrame,
    leg_orders: pd.DataFrame,
    legs: pd.DataFrame,
    *,
    fuel: MonthFuel,
    context: AccountContext,
) -> pd.DataFrame:
    """Diesel and CO2 an order would take by plan, and what it took.

    The plan drives the order alone over the great circle times the edition's circuity, without
    approach, at the rates of its truck's model in the month. Realised is the order's part of its
    legs and of the empty way to its pick-up.

    Parameters
    ----------
    order_results, leg_orders, legs : DataFrame
        `frames.ORDER_RESULTS`, `frames.LEG_ORDERS`, and `frames.LEGS` as quantified.
    fuel, context
        As for `quantify_legs`.

    Returns
    -------
    order_results : DataFrame
        Same rows in the same order, four columns filled where there is a fuel model; realised
        ones only for orders that were aboard a leg of the month.
    """
    filled = ORDER_RESULTS.shape(order_results)
    kg_per_l = float(context.basis.diesel.co2_ttw_kg_per_l)
    litres = {
        "planned": _planned_l(filled, fuel, context),
        "realised": allocate_diesel(legs, leg_orders).reindex(filled["order_id"]).to_numpy(),
    }
    for kind, diesel_l in litres.items():
        filled[f"{kind}_diesel_l"] = diesel_l
        filled[f"{kind}_co2_kg"] = diesel_l * kg_per_l
    return filled


@dataclass(frozen=True)
class Accounted:
    """Accounts, and how each of their figures came about.

    Attributes
    ----------
    accounts, intervals, lanes : DataFrame
        `frames.ACCOUNTS`, `frames.INTERVALS`, `frames.LANES`, sorted by driver and truck.
    derivation : Derivation
        What was written down on the way, for `frames.DERIVATIONS`.
    """

    accounts: pd.DataFrame
    intervals: pd.DataFrame
    lanes: pd.DataFrame
    derivation: Derivation


def compose_accounts(
    legs: pd.DataFrame,
    leg_orders: pd.DataFrame,
    order_results: pd.DataFrame,
    *,
    fuel: MonthFuel,
    context: AccountContext,
) -> Accounted:
    """One account per driver and truck that drove in the month.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` as quantified.
    leg_orders, order_results : DataFrame
        `frames.LEG_ORDERS`, `frames.ORDER_RESULTS`.
    fuel : MonthFuel
        What these legs take.
    context : AccountContext
        Month, register, baselines, history, prices, factors, edition.

    Returns
    -------
    accounted : Accounted
        Sorted by driver and truck. Loaded, empty and unknown kilometres add up to the distance,
        and the three parts to the saving, exactly.

    Raises
    ------
    InputRefused
        If a price has another unit.
    """
    _check_price(context.carbon_price, "t")
    _check_price(context.diesel_price, "l")
    driven = grouped(legs["driver_id"], legs["vehicle_id"])
    trucks = fuel.of_accounts(driven)
    account: dict[str, Any] = {
        "month": str(context.month),
        "fleet_id": context.fleet_id,
        "driver_id": [driver_id for driver_id, _ in driven.keys],
        "vehicle_id": [vehicle_id for _, vehicle_id in driven.keys],
        "edition": context.edition.label,
        **_driving(legs, driven, np.array([truck.rated_payload_t for truck in trucks])),
    }
    account |= inventory(
        fuel,
        driven,
        trucks,
        factors=context.energies,
        steps_count=context.basis.rules.litre_steps_count,
    )
    account |= _orders_counted(order_results, driven, account["distance_km"])
    account["quality"] = _quality(account["coverage_share"], trucks, context.basis.rules)
    derivation = Derivation(driven.keys)
    write_fuel(derivation, account, trucks)
    spread = spread_of(legs, leg_orders, driven)
    by_lane = drive_by_lane(
        legs,
        leg_orders,
        order_results,
        regions=context.regions,
        trucks=fuel.trucks,
        month=context.month,
        edition=context.edition,
    )
    saved, reasons = credit_savings(
        account, trucks, context.basis, by_lane=by_lane, spread=spread, derivation=derivation
    )
    account |= saved
    account |= _valued(account, context)
    account["notes"] = _notes(account, trucks, reasons, context)
    accounts = ACCOUNTS.shape(pd.DataFrame(account, index=range(len(trucks))))
    intervals = figure_intervals(
        accounts,
        trucks,
        spread,
        derivation=derivation,
        rules=context.basis.uncertainty,
        carbon_per_t=context.carbon_price.amount if context.carbon_price else None,
        diesel_per_l=context.diesel_price.amount if context.diesel_price else None,
    )
    return Accounted(accounts, intervals, by_lane.lanes, derivation)


def _planned_l(
    order_results: pd.DataFrame, fuel: MonthFuel, context: AccountContext
) -> NDArray[np.float64]:
    """Litres of driving each order alone; missing where its truck has no model. [l]"""
    code, found = pd.factorize(order_results["vehicle_id"])
    # A truck that stood all month has the rates of the register.
    known = {**context.basis.records.fuels, **fuel.trucks}
    unknown = TruckFuel("", None, 0.0, (), ())
    trucks = [known.get(str(vehicle_id), unknown) for vehicle_id in found]
    empty, load, _ = (rates[code] for rates in rate_columns(trucks))
    circuity = fill_rules(context.edition, "fuel", FuelRules).planned_circuity_index
    distance_km = order_results["great_circle_km"].to_numpy(np.float64) * circuity
    cargo_t = order_results["cargo_t"].to_numpy(np.float64)
    return empty * distance_km + load * (cargo_t * distance_km)


def _driving(legs: pd.DataFrame, driven: Groups, rated_payload_t: _Column) -> dict[str, _Column]:
    """Kilometres, hours and shares of each driver and truck."""
    leg_km = legs["distance_km"].to_numpy(np.float64)
    state = {name: (legs["state"] == name).to_numpy(bool) for name in _STATES}
    km = {name: driven.sums(np.where(state[name], leg_km, 0.0)) for name in _STATES}
    searching = state["empty"] & (legs["purpose"] == "search").to_numpy(bool)
    distance_km = km["loaded"] + km["empty"] + km["unknown"]
    sums = {name: driven.sums(legs[name].to_numpy(np.float64)) for name in _SUMS}
    hours, gap_h = (
        driven.sums(legs[name].to_numpy(np.float64)) for name in ("duration_h", "gap_h")
    )
    work_tkm = sums["transport_work_tkm"]
    return {
        "distance_km": distance_km,
        **{f"{name}_km": km[name] for name in _STATES},
        "search_km": driven.sums(np.where(searching, leg_km, 0.0)),
        **sums,
        "mileage_utilisation_share": _ratio(km["loaded"], distance_km),
        "payload_utilisation_share": _ratio(work_tkm, rated_payload_t * km["loaded"]),
        "load_rate_share": _ratio(work_tkm, rated_payload_t * distance_km),
        "coverage_share": np.maximum(0.0, 1 - _ratio(gap_h, hours)),
    }


def _valued(account: Mapping[str, Any], context: AccountContext) -> dict[str, Any]:
    """Money of the credited grams and of the litres saved, at the prices in force."""
    carbon, diesel = context.carbon_price, context.diesel_price
    columns: dict[str, Any] = {}
    if carbon is not None:
        columns["carbon_price"] = float(carbon.amount)
        columns["carbon_currency"] = carbon.currency
        columns["carbon_value"] = [
            float(carbon.amount * grams / G_PER_T) for grams in account["co2_credited_g"].tolist()
        ]
    if diesel is not None:
        columns["fuel_cost_saved"] = [
            math.nan if math.isnan(litres) else float(diesel.amount * Decimal(litres))
            for litres in account["diesel_saved_l"].tolist()
        ]
    return columns


def _notes(
    account: Mapping[str, Any],
    trucks: Sequence[TruckFuel],
    reasons: Sequence[set[str]],
    context: AccountContext,
) -> list[str]:
    """Per account the named reasons for figures that are missing or reduced."""
    carbon, diesel = context.carbon_price, context.diesel_price
    for_all = {"no_carbon_price"} if carbon is None else set()
    for_all |= {"no_diesel_price"} if diesel is None else set()
    is_foreign = carbon and diesel and carbon.currency != diesel.currency
    on_saved = {f"fuel_cost_in_{diesel.currency.lower()}"} if diesel and is_foreign else set()
    notes = []
    columns = (account[name] for name in ("driver_id", "energy_quantity", "diesel_saved_l"))
    for driver_id, quantity, saved_l, truck, named in zip(*columns, trucks, reasons, strict=True):
        found = for_all | named | {*truck.notes} | (set() if driver_id else {"driver_unknown"})
        note = "" if math.isnan(quantity) else factor_note(truck, context.energies)
        found |= {note} - {""}
        notes.append(";".join(sorted(found if math.isnan(saved_l) else found | on_saved)))
    return notes


def _quality(coverage_share: _Column, trucks: Sequence[TruckFuel], rules: CreditRules) -> list[str]:
    """How the litres are known: measured needs fuel and positions, a class is a default."""
    is_covered = (coverage_share >= rules.measured_coverage_share_min).tolist()
    return [
        "measured"
        if truck.is_measured and covered
        else "default"
        if truck.source in ("class", "")
        else "modelled"
        for truck, covered in zip(trucks, is_covered, strict=True)
    ]


def _orders_counted(
    order_results: pd.DataFrame, driven: Groups, distance_km: _Column
) -> dict[str, NDArray[np.intp]]:
    """Count each order once: in the row of its driver and truck, else of the truck's most km."""
    places = {key: place for place, key in enumerate(driven.keys)}
    main: dict[str, int] = {}
    for place, (_, vehicle_id) in enumerate(driven.keys):
        if distance_km[place] > distance_km[main.setdefault(vehicle_id, place)]:
            main[vehicle_id] = place
    drivers, trucks = order_results["driver_id"].fillna(""), order_results["vehicle_id"]
    # An order of a truck without account is at place -1.
    of_order = np.array(
        [
            places.get((driver_id, vehicle_id), main.get(vehicle_id, -1))
            for driver_id, vehicle_id in zip(drivers.tolist(), trucks.tolist(), strict=True)
        ],
        dtype=np.intp,
    )
    is_counted = (of_order >= 0) & (order_results["status"] != "cancelled").to_numpy(bool)
    is_matched = is_counted & order_results["matched"].to_numpy(bool)
    count = driven.count
    return {
        "orders_count": np.bincount(of_order[is_counted], minlength=count),
        "orders_matched_count": np.bincount(of_order[is_matched], minlength=count),
    }


def _check_price(price: Price | None, unit: str) -> None:
    if price is not None and price.unit != unit:
        raise InputRefused(
            "price_unit_differs",
            f"Price series {price.series!r} is per {price.unit}, expected per {unit}.",
            f"Set a series with unit {unit}.",
        )


def _ratio(part: _Column, whole: _Column) -> _Column:
    """Missing where there is no whole."""
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
