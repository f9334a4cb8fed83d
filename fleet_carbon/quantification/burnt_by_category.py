"""What the trucks of a month burnt, by category of their shipments or by the reason why by none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import UNATTRIBUTED
from fleet_carbon.periods import Month
from fleet_carbon.quantification.allocation import apportioned, legs_for_orders, moment_keys
from fleet_carbon.quantification.emissions import EnergyFactors
from fleet_carbon.quantification.forming import (
    DEFAULT,
    FOOTPRINT,
    MODELLED,
    PRIMARY,
    Counts,
    Figures,
    MonthTables,
)
from fleet_carbon.quantification.grouping import grouped, ratio_of, sums_by
from fleet_carbon.quantification.hauls import Hauls, MonthTrucks

UNKNOWN_LOAD, PRIVATE, NO_SHIPMENT, NO_ACTIVITY = (
    "unknown_load", "private", "no_shipment", "no_activity",
)  # fmt: skip
PER_UNIT = 1_000_000
"""Millionths of a unit of energy, and milligrams of a kilogram."""
_BY_RECEIPTS = "energy_by_receipts"
_MEASURED, _MODELLED = ("counter", "receipts"), ("calibrated", "declared")


@dataclass(frozen=True)
class Cells:
    """What was driven and burnt, by category or by the reason why it is of none.

    The first cells are the categories, in their order; `names` are the others: reason, energy and
    whether the energy is known. Figures are by cell.
    """

    names: list[tuple[str, ...]]
    categories_count: int
    unit_of: Mapping[str, str]
    loaded_km: Figures
    empty_km: Figures
    distance_km: Figures
    capacity_tkm: Figures
    quantity_by_class: Mapping[str, Figures]
    energy: NDArray[np.object_]
    is_known: NDArray[np.bool_]
    energy_millionths: Counts
    co2e_ttw_mg: Counts
    co2e_wtw_mg: Counts

    @classmethod
    def of(
        cls,
        tables: MonthTables,
        trucks: MonthTrucks,
        orders: Hauls,
        *,
        factors: Mapping[str, EnergyFactors],
    ) -> Cells:
        """Those of a month's tables."""
        legs = tables.legs
        leg, order, share, _ = legs_for_orders(legs, tables.leg_orders)
        truck = trucks.of_rows(legs)
        has_orders = _has_orders(tables)
        reason = _reasons(legs, has_orders)[leg]
        has_activity = orders.has_activity()
        category = np.where(order >= 0, np.append(orders.groups.code, -1)[order], -1)
        lacks_activity = (category >= 0) & ~np.append(has_activity, True)[category]
        reason = np.where((reason == "") & (category < 0), NO_SHIPMENT, reason)
        reason = np.where((reason == "") & lacks_activity, NO_ACTIVITY, reason)
        others = grouped(
            *(
                pd.Series(one, dtype="string")
                for one in (
                    reason,
                    trucks.energy[truck][leg],
                    np.where(trucks.is_known[truck][leg], "known", ""),
                )
            )
        )
        # Cells of rows that are of a category are there too, and stay empty.
        count = orders.groups.count
        cell = np.where(reason == "", category, count + others.code)
        size = count + others.count

        def summed(of_legs: Figures) -> Figures:
            return sums_by(cell, of_legs[leg] * share, size)

        km = legs["distance_km"].to_numpy(np.float64)
        quantity, source = _burnt(tables)
        energies = np.array([*(key[1] for key in orders.groups.keys), *(
            key[1] for key in others.keys)], dtype=object)  # fmt: skip
        is_known = np.array(
            [*(key[4] == "" for key in orders.groups.keys), *(key[2] != "" for key in others.keys)],
            dtype=bool,
        )
        by_class = {
            name: summed(np.where(source == name, quantity, 0.0))
            for name in (PRIMARY, MODELLED, DEFAULT)
        }
        whole = _wholes(tables.accounts, trucks, factors)
        split = _split(whole, energies, np.sum(list(by_class.values()), axis=0), is_known)
        return cls(
            names=[*others.keys],
            categories_count=count,
            unit_of=dict(zip(trucks.energy.tolist(), trucks.unit.tolist(), strict=True)),
            loaded_km=summed(np.where(has_orders, km, 0.0)),
            empty_km=summed(np.where(has_orders, 0.0, km)),
            distance_km=summed(km),
            capacity_tkm=summed(np.where(has_orders, trucks.payload_t[truck] * km, 0.0)),
            quantity_by_class=by_class,
            energy=energies,
            is_known=is_known,
            energy_millionths=split[0],
            co2e_ttw_mg=split[1],
            co2e_wtw_mg=split[2],
        )

    def of_categories(self, name: str) -> Any:
        """A figure of the categories."""
        return getattr(self, name)[: self.categories_count]

    def unattributed(self, month: Month) -> pd.DataFrame:
        """`frames.UNATTRIBUTED`: what is of no category and was driven or burnt."""
        begin = self.categories_count
        is_missing = ~self.is_known[begin:]
        rows = pd.DataFrame(
            {
                "reason": [key[0] for key in self.names],
                "month": str(month),
                "energy": self.energy[begin:],
                "energy_unit": [self.unit_of.get(one) or None for one in self.energy[begin:]],
                "distance_km": self.distance_km[begin:],
                **{
                    name: pd.arrays.IntegerArray(getattr(self, name)[begin:], is_missing)
                    for name in FOOTPRINT
                },
            }
        )
        is_there = (rows["reason"] != "") & (
            (rows["distance_km"] > 0) | rows["energy_millionths"].fillna(0).gt(0)
        )
        rows = rows[is_there.to_numpy(bool)].sort_values(["reason", "energy"], kind="stable")
        return UNATTRIBUTED.shape(rows)


def _has_orders(tables: MonthTables) -> NDArray[np.bool_]:
    """Legs with an order aboard."""
    leg_key, row_key, _ = moment_keys(tables.legs, tables.leg_orders)
    return np.isin(leg_key, row_key)


def _reasons(legs: pd.DataFrame, has_orders: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Why a leg is of no category, whoever was aboard before or after; empty if it may be."""
    is_private = (legs["purpose"] == "private").to_numpy(bool)
    is_empty = (legs["state"] == "empty").to_numpy(bool)
    found = np.where(is_empty, "", UNKNOWN_LOAD)
    return np.where(has_orders, "", np.where(is_private, PRIVATE, found)).astype(object)


def _burnt(tables: MonthTables) -> tuple[Figures, NDArray[np.object_]]:
    """What each leg took of its account's energy, and how that is known; 0 where it is not."""
    legs, accounts = tables.legs, tables.accounts
    names = ("driver_id", "vehicle_id")
    pairs = grouped(*(pd.concat([accounts[name], legs[name]]) for name in names))
    account = np.full(pairs.count, -1)
    account[pairs.code[: len(accounts)]] = np.arange(len(accounts))
    place = account[pairs.code[len(accounts) :]]
    weight = np.nan_to_num(legs["co2e_wtw_kg"].to_numpy(np.float64, na_value=np.nan))
    whole = sums_by(place, weight, len(accounts))
    quantity = accounts["energy_quantity"].to_numpy(np.float64, na_value=np.nan)
    per_weight = np.nan_to_num(ratio_of(np.nan_to_num(quantity), whole))
    return weight * per_weight[place], _sources(accounts)[place]


def _sources(accounts: pd.DataFrame) -> NDArray[np.object_]:
    """The data class of each account: measured, made of its own driving, or flat rates."""
    source = accounts["diesel_source"].fillna("").to_numpy(object)
    by_physics = accounts["fuel_model"].fillna("").str.startswith("physics").to_numpy(bool)
    is_modelled = np.isin(source, _MODELLED) | (np.isin(source, ("class", "")) & by_physics)
    # Of other energies than diesel a note says that receipts scale them.
    by_receipts = accounts["notes"].str.contains(_BY_RECEIPTS, regex=False).to_numpy(bool)
    is_measured = np.isin(source, _MEASURED) | by_receipts
    found = np.where(is_measured, PRIMARY, np.where(is_modelled, MODELLED, DEFAULT))
    return found.astype(object)


def _wholes(
    accounts: pd.DataFrame, trucks: MonthTrucks, factors: Mapping[str, EnergyFactors]
) -> tuple[list[str], list[Counts]]:
    """Energies, and of each what the accounts burnt, in millionths, and its CO2e, in milligrams.

    The CO2e of the month is rounded once, and split over the energies without a rest.
    """
    is_known = trucks.is_known[trucks.of_rows(accounts)]
    energies = sorted(set(trucks.energy.tolist()))
    quantity, ttw_kg, wtw_kg = [], [], []
    for energy in energies:
        rows = accounts[is_known & (accounts["energy"] == energy).to_numpy(bool)]
        quantity.append(math.fsum(rows["energy_quantity"].tolist()))
        ttw_kg.append(quantity[-1] * factors[energy].ttw_ratio if energy in factors else 0.0)
        wtw_kg.append(math.fsum(rows["co2e_wtw_kg"].fillna(0.0).tolist()))
    burnt = np.array([round(one * PER_UNIT) for one in quantity], np.int64)
    together = np.zeros(len(energies), dtype=np.intp)
    emitted = [
        apportioned(np.array([round(math.fsum(held) * PER_UNIT)]), together, np.array(held))
        for held in (ttw_kg, wtw_kg)
    ]
    return energies, [burnt, *emitted]


def _split(
    whole: tuple[list[str], list[Counts]],
    energies: NDArray[np.object_],
    quantity: Figures,
    is_known: NDArray[np.bool_],
) -> list[Counts]:
    """The wholes of each energy split over its cells by what they burnt."""
    names, wholes = whole
    group = np.array([names.index(one) for one in energies], dtype=np.intp)
    weight = np.where(is_known, quantity, 0.0)
    return [apportioned(one, group, weight) for one in wholes]
