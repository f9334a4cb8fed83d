"""The inventory of a month by ISO 14083 and the GLEC Framework: categories, shipments, the rest.

A transport operation category (TOC) takes the hauls of one class of trucks, one energy and one
distance band, alone or shared. All that its trucks burnt for its shipments, the empty way to them
included, over all its transport activity is its intensity; a shipment's footprint is that
intensity times its own activity, cargo times great circle, so that neither a detour nor its place
in a round of several drops is laid on it (methodology note, F1 to F3). What was driven for nobody
who is known is told apart. Everything is counted in whole millionths and milligrams: parts add up.
Nothing here knows of a baseline or a saving; a test holds it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import SHIPMENTS, TOCS, UNATTRIBUTED
from fleet_carbon.periods import Month
from fleet_carbon.quantification.allocation import apportioned, legs_for_orders, moment_keys
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.emissions import EnergyFactors
from fleet_carbon.quantification.grouping import Groups, grouped
from fleet_carbon.quantification.lanes import LaneRules, distance_bands

PRIMARY, MODELLED, DEFAULT, NONE = "primary", "modelled", "default", "none"
UNKNOWN_LOAD, PRIVATE, NO_SHIPMENT, NO_ACTIVITY = (
    "unknown_load", "private", "no_shipment", "no_activity",
)  # fmt: skip
FULL, SHARED = "FTL", "LTL"
DISTANCE_KIND = "gcd"
FOOTPRINT = ("energy_millionths", "co2e_ttw_mg", "co2e_wtw_mg")
PER_UNIT = 1_000_000
"""Millionths of a unit of energy, and milligrams of a kilogram."""
ACCOUNT_COLUMNS = (
    "driver_id", "vehicle_id", "energy", "energy_quantity", "energy_unit", "co2e_wtw_kg",
    "diesel_source", "fuel_model", "notes",
)  # fmt: skip
"""All that the inventory takes of an account: what was burnt and how that is known."""
LANE_COLUMNS = ("vehicle_id", "vehicle_class", "loaded_km", "capacity_tkm")

_BY_RECEIPTS = "energy_by_receipts"
_MEASURED, _MODELLED = ("counter", "receipts"), ("calibrated", "declared")
_Figures = NDArray[np.float64]
_Places = NDArray[np.intp]
_Counts = NDArray[np.int64]


@dataclass(frozen=True)
class FormingRules:
    """Group `forming` of the section `inventory` of an edition."""

    shared_km_share_min: float
    weakest_share_min: float
    diesel_ttw_factor: str
    default_energies: str
    default_distance_ratio: float
    region: str


@dataclass(frozen=True)
class MonthTables:
    """What a close has on record of a month.

    Attributes
    ----------
    legs, leg_orders, order_results : DataFrame
        `frames.LEGS`, `frames.LEG_ORDERS`, `frames.ORDER_RESULTS`.
    accounts, lanes : DataFrame
        Of `frames.ACCOUNTS` the `ACCOUNT_COLUMNS`, of `frames.LANES` the `LANE_COLUMNS`.
    """

    legs: pd.DataFrame
    leg_orders: pd.DataFrame
    order_results: pd.DataFrame
    accounts: pd.DataFrame
    lanes: pd.DataFrame


@dataclass(frozen=True)
class Operations:
    """The inventory of a month.

    Attributes
    ----------
    tocs, shipments, unattributed : DataFrame
        `frames.TOCS`, `frames.SHIPMENTS` (who they are for still missing),
        `frames.UNATTRIBUTED`. Energy and CO2e of the shipments of a category add up to its own;
        those of all categories and what is unattributed to the month's.
    """

    tocs: pd.DataFrame
    shipments: pd.DataFrame
    unattributed: pd.DataFrame


def operate(
    tables: MonthTables,
    *,
    month: Month,
    factors: Mapping[str, EnergyFactors],
    edition: Edition,
) -> Operations:
    """Form the categories of a month and give every shipment its part.

    Parameters
    ----------
    tables : MonthTables
        Of one closing run.
    month : Month
        The month.
    factors : mapping of str to EnergyFactors
        By energy, tank-to-wheel as CO2e: `emissions.resolve_inventory`.
    edition : Edition
        Sections `inventory` and `lanes`.
    """
    rules = fill_rules(edition, "inventory", FormingRules, group="forming")
    trucks = _Trucks.of(tables)
    orders = _Orders.of(tables, trucks, edition=edition)
    cells = _Cells.of(tables, trucks, orders, factors=factors)
    unattributed = cells.unattributed(month)
    tocs = _categories(cells, orders, trucks, month=month)
    tocs = _with_defaults(tocs, edition, rules)
    tocs = _with_classes(tocs, cells, rules, factors=factors)
    shipments = _shipments(orders, tocs, month)
    return Operations(TOCS.shape(tocs), SHIPMENTS.shape(shipments), unattributed)


@dataclass(frozen=True)
class _Trucks:
    """Every truck of the month: class, energy, payload, and whether what it burnt is known."""

    ids: pd.Index[Any]
    vehicle_class: NDArray[np.object_]
    energy: NDArray[np.object_]
    unit: NDArray[np.object_]
    payload_t: _Figures
    is_known: NDArray[np.bool_]

    @classmethod
    def of(cls, tables: MonthTables) -> _Trucks:
        accounts = tables.accounts
        code, found = pd.factorize(accounts["vehicle_id"].astype(object), sort=True)
        ids = pd.Index(found)
        lane = ids.get_indexer(pd.Index(tables.lanes["vehicle_id"].astype(object)))
        lanes = tables.lanes[lane >= 0]
        lane = lane[lane >= 0]
        sums = {
            name: _sums(lane, lanes[name].to_numpy(np.float64), len(ids))
            for name in ("loaded_km", "capacity_tkm")
        }
        classes = np.full(len(ids), "", dtype=object)
        classes[lane] = lanes["vehicle_class"].fillna("").to_numpy(object)
        quantity = accounts["energy_quantity"].to_numpy(np.float64, na_value=np.nan)
        unknown = _sums(code, np.isnan(quantity), len(ids))
        texts = {}
        for name in ("energy", "energy_unit"):
            texts[name] = np.full(len(ids), "", dtype=object)
            texts[name][code] = accounts[name].fillna("").to_numpy(object)
        return cls(
            ids=ids,
            vehicle_class=classes,
            energy=texts["energy"],
            unit=texts["energy_unit"],
            payload_t=_ratio(sums["capacity_tkm"], sums["loaded_km"]),
            is_known=unknown == 0,
        )

    def of_rows(self, rows: pd.DataFrame) -> _Places:
        """The place of the truck of each row."""
        return self.ids.get_indexer(pd.Index(rows["vehicle_id"].astype(object)))


@dataclass(frozen=True)
class _Orders:
    """Every order that was aboard a leg of the month, and its category."""

    ids: NDArray[np.object_]
    rows: pd.DataFrame
    truck: _Places
    month_km: _Figures
    work_tkm: _Figures
    activity_tkm: _Figures
    month_share: _Figures
    is_shared: NDArray[np.bool_]
    groups: Groups

    @classmethod
    def of(cls, tables: MonthTables, trucks: _Trucks, *, edition: Edition) -> _Orders:
        rules = fill_rules(edition, "inventory", FormingRules, group="forming")
        aboard = tables.leg_orders
        code, ids = pd.factorize(aboard["order_id"].astype(object), sort=True)
        results = tables.order_results
        place = pd.Index(results["order_id"].astype(object)).get_indexer(pd.Index(ids))
        rows = results.iloc[place].reset_index(drop=True)
        onboard_km = aboard["onboard_km"].to_numpy(np.float64)
        month_km = _sums(code, onboard_km, len(ids))
        shared_km = _sums(code, np.where(_is_shared(tables), onboard_km, 0.0), len(ids))
        cargo_t = rows["cargo_t"].to_numpy(np.float64)
        whole_km = rows["onboard_km"].to_numpy(np.float64, na_value=np.nan)
        # All of it where nothing was driven, or nobody knows of other months.
        share = np.minimum(np.nan_to_num(_ratio(month_km, whole_km), nan=1.0), 1.0)
        great_circle_km = rows["great_circle_km"].to_numpy(np.float64)
        truck = trucks.of_rows(rows)
        is_shared = np.nan_to_num(_ratio(shared_km, month_km)) >= rules.shared_km_share_min
        bands = distance_bands(great_circle_km, fill_rules(edition, "lanes", LaneRules))
        dimensions = (
            trucks.vehicle_class[truck],
            trucks.energy[truck],
            bands,
            np.where(is_shared, SHARED, FULL),
            np.where(trucks.is_known[truck], "", DEFAULT),
        )
        return cls(
            ids=np.asarray(ids, dtype=object),
            rows=rows,
            truck=truck,
            month_km=month_km,
            work_tkm=_sums(code, aboard["cargo_t"].to_numpy(np.float64) * onboard_km, len(ids)),
            activity_tkm=cargo_t * great_circle_km * share,
            month_share=share,
            is_shared=is_shared,
            groups=grouped(*(pd.Series(one, dtype="string") for one in dimensions)),
        )

    def has_activity(self) -> NDArray[np.bool_]:
        """Of each category, whether anything was carried anywhere."""
        return self.per_category(self.activity_tkm) > 0

    def per_category(self, values: _Figures) -> _Figures:
        """Sums by category."""
        return _sums(self.groups.code, values, self.groups.count)


def _is_shared(tables: MonthTables) -> NDArray[np.bool_]:
    """Rows of orders aboard beside another that weighs something."""
    _, row_key, _ = moment_keys(tables.legs, tables.leg_orders)
    leg, _ = pd.factorize(row_key)
    weighs = tables.leg_orders["cargo_t"].to_numpy(np.float64) > 0
    others = np.bincount(leg, weighs)[leg] - weighs
    return np.asarray(others > 0, dtype=bool)


@dataclass(frozen=True)
class _Cells:
    """What was driven and burnt, by category or by the reason why it is of none.

    The first cells are the categories, in their order; `names` are the others: reason, energy and
    whether the energy is known. Figures are by cell.
    """

    names: list[tuple[str, ...]]
    categories_count: int
    unit_of: Mapping[str, str]
    loaded_km: _Figures
    empty_km: _Figures
    distance_km: _Figures
    capacity_tkm: _Figures
    quantity_by_class: Mapping[str, _Figures]
    energy: NDArray[np.object_]
    is_known: NDArray[np.bool_]
    energy_millionths: _Counts
    co2e_ttw_mg: _Counts
    co2e_wtw_mg: _Counts

    @classmethod
    def of(
        cls,
        tables: MonthTables,
        trucks: _Trucks,
        orders: _Orders,
        *,
        factors: Mapping[str, EnergyFactors],
    ) -> _Cells:
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

        def summed(of_legs: _Figures) -> _Figures:
            return _sums(cell, of_legs[leg] * share, size)

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


def _burnt(tables: MonthTables) -> tuple[_Figures, NDArray[np.object_]]:
    """What each leg took of its account's energy, and how that is known; 0 where it is not."""
    legs, accounts = tables.legs, tables.accounts
    key = ["driver_id", "vehicle_id"]
    names = accounts[key].fillna("").astype(object).agg("\n".join, axis=1)
    of_leg = legs[key].fillna("").astype(object).agg("\n".join, axis=1)
    place = pd.Index(names).get_indexer(pd.Index(of_leg))
    weight = np.nan_to_num(legs["co2e_wtw_kg"].to_numpy(np.float64, na_value=np.nan))
    whole = _sums(place, weight, len(accounts))
    quantity = accounts["energy_quantity"].to_numpy(np.float64, na_value=np.nan)
    per_weight = np.nan_to_num(_ratio(np.nan_to_num(quantity), whole))
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
    accounts: pd.DataFrame, trucks: _Trucks, factors: Mapping[str, EnergyFactors]
) -> tuple[list[str], list[_Counts]]:
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
    whole: tuple[list[str], list[_Counts]],
    energies: NDArray[np.object_],
    quantity: _Figures,
    is_known: NDArray[np.bool_],
) -> list[_Counts]:
    """The wholes of each energy split over its cells by what they burnt."""
    names, wholes = whole
    group = np.array([names.index(one) for one in energies], dtype=np.intp)
    weight = np.where(is_known, quantity, 0.0)
    return [apportioned(one, group, weight) for one in wholes]


def _categories(cells: _Cells, orders: _Orders, trucks: _Trucks, *, month: Month) -> pd.DataFrame:
    """The columns of `frames.TOCS` that are sums, sorted by category."""
    keys = orders.groups.keys
    loaded_km, empty_km = cells.of_categories("loaded_km"), cells.of_categories("empty_km")
    work_tkm = orders.per_category(orders.work_tkm)
    activity_tkm = orders.per_category(orders.activity_tkm)
    is_known = cells.of_categories("is_known")
    pairs = pd.unique(pd.Series(orders.groups.code * max(len(trucks.ids), 1) + orders.truck))
    return pd.DataFrame(
        {
            "toc_id": [_toc_id(month, key) for key in keys],
            "month": str(month),
            "vehicle_class": [key[0] for key in keys],
            "energy": [key[1] for key in keys],
            "distance_band": [key[2] for key in keys],
            "loading": [key[3] for key in keys],
            "distance_kind": DISTANCE_KIND,
            "trucks_count": np.bincount(
                np.asarray(pairs) // max(len(trucks.ids), 1), minlength=len(keys)
            ),
            "shipments_count": np.bincount(orders.groups.code, minlength=len(keys)),
            "loaded_km": loaded_km,
            "empty_km": empty_km,
            "empty_share": _ratio(empty_km, loaded_km + empty_km),
            "load_factor_share": _ratio(work_tkm, cells.of_categories("capacity_tkm")),
            "transport_work_tkm": work_tkm,
            "activity_tkm": activity_tkm,
            "distance_adjustment_ratio": _ratio(work_tkm, activity_tkm),
            "energy_unit": [
                (cells.unit_of.get(key[1]) or None) if known else None
                for key, known in zip(keys, is_known.tolist(), strict=True)
            ],
            **{
                name: pd.arrays.IntegerArray(cells.of_categories(name).copy(), ~is_known)
                for name in FOOTPRINT
            },
            "is_known": is_known,
        },
        index=range(len(keys)),
    )


def _toc_id(month: Month, key: tuple[str, ...]) -> str:
    vehicle_class, energy, band, loading, basis = key
    parts = (str(month), vehicle_class or "unclassed", energy, band, loading, basis)
    return ".".join(part for part in parts if part)


def _with_defaults(tocs: pd.DataFrame, edition: Edition, rules: FormingRules) -> pd.DataFrame:
    """Categories whose energy nobody knows get a default intensity, where one may stand in.

    A default is per tonne-kilometre of the shortest feasible distance, which is what was driven
    by the usual ratio of the two; on it comes the uplift of the region.
    """
    section = edition.rules("inventory")
    uplift_ratio = section["uplifts"][rules.region]["truck_ratio"]
    energies = rules.default_energies.split()
    notes, columns = [], {name: tocs[f"co2e_{name}_mg"].tolist() for name in ("ttw", "wtw")}
    names = ("is_known", "vehicle_class", "energy", "transport_work_tkm")
    for place, (is_known, vehicle_class, energy, work_tkm) in enumerate(
        zip(*(tocs[name].tolist() for name in names), strict=True)
    ):
        default = section["defaults"].get(vehicle_class) if energy in energies else None
        if is_known or default is None:
            notes.append("" if is_known else f"no_default_for_{energy}")
            continue
        feasible_tkm = work_tkm / rules.default_distance_ratio
        for name, column in columns.items():
            g_per_tkm = default[f"co2e_{name}_g_per_tkm"] * uplift_ratio
            column[place] = round(feasible_tkm * g_per_tkm * 1000)
        notes.append(f"default_intensity;uplift_{rules.region}")
    filled = {f"co2e_{name}_mg": pd.array(found, "Int64") for name, found in columns.items()}
    return tocs.assign(**filled, notes=notes)


def _with_classes(
    tocs: pd.DataFrame,
    cells: _Cells,
    rules: FormingRules,
    *,
    factors: Mapping[str, EnergyFactors],
) -> pd.DataFrame:
    """The categories with intensity, data class and what is to be known of their factors."""
    by_class = {name: held[: len(tocs)] for name, held in cells.quantity_by_class.items()}
    whole = np.sum(list(by_class.values()), axis=0)
    share = {name: np.nan_to_num(_ratio(held, whole)) for name, held in by_class.items()}
    is_known = tocs["is_known"].to_numpy(bool)
    has_value = tocs["co2e_wtw_mg"].notna().to_numpy(bool)
    found = weakest_class(share, rules.weakest_share_min)
    found = np.where(is_known, found, np.where(has_value, DEFAULT, NONE))
    of_energy = [factors[one].note if one in factors else "" for one in tocs["energy"].tolist()]
    notes = [
        ";".join(filter(None, (note if known else "", own)))
        for note, known, own in zip(of_energy, is_known, tocs["notes"].tolist(), strict=True)
    ]
    activity_tkm = tocs["activity_tkm"].to_numpy(np.float64)
    for name in ("ttw", "wtw"):
        mass_g = tocs[f"co2e_{name}_mg"].to_numpy(np.float64, na_value=np.nan) / 1000
        tocs = tocs.assign(**{f"co2e_{name}_g_per_tkm": _ratio(mass_g, activity_tkm)})
    return tocs.assign(
        data_class=found,
        primary_share=np.where(has_value, np.where(is_known, share[PRIMARY], 0.0), np.nan),
        notes=notes,
    )


def weakest_class(part_by_class: Mapping[str, _Figures], share_min: float) -> NDArray[np.object_]:
    """The weakest data class of which at least a share of each whole is; none of nothing.

    Parameters
    ----------
    part_by_class : mapping of str to ndarray of float
        What is of primary, modelled and default class, in one unit.
    share_min : float
        Rule `weakest_share_min`.
    """
    whole = np.sum(list(part_by_class.values()), axis=0)
    found = np.where(whole > 0, PRIMARY, NONE).astype(object)
    for name in (MODELLED, DEFAULT):
        found[np.nan_to_num(_ratio(part_by_class[name], whole)) >= share_min] = name
    return found


def _shipments(orders: _Orders, tocs: pd.DataFrame, month: Month) -> pd.DataFrame:
    """Every shipment with its part of its category by its transport activity."""
    code, rows = orders.groups.code, orders.rows
    parts: dict[str, Any] = {}
    for name in FOOTPRINT:
        whole = tocs[name]
        split = apportioned(whole.fillna(0).to_numpy(np.int64), code, orders.activity_tkm)
        parts[name] = pd.arrays.IntegerArray(split, whole.isna().to_numpy(bool)[code])
    for name in ("toc_id", "energy", "energy_unit", "data_class", "primary_share"):
        parts[name] = tocs[name].take(code).array
    return pd.DataFrame(
        {
            "shipment_id": orders.ids,
            "month": str(month),
            "vehicle_id": rows["vehicle_id"].array,
            "cargo_t": rows["cargo_t"].array,
            "distance_gcd_km": rows["great_circle_km"].to_numpy(np.float64) * orders.month_share,
            "distance_actual_km": orders.month_km,
            "month_share": orders.month_share,
            "activity_tkm": orders.activity_tkm,
            "departed_at": rows["pickup_departed_at"].array,
            "arrived_at": rows["delivery_arrived_at"].array,
            **parts,
        },
        index=range(len(orders.ids)),
    )


def _sums(group: _Places, values: Any, count: int) -> _Figures:
    """Of each group; in the order of the rows, which is that of the tables on record."""
    return np.asarray(np.bincount(group, values, count), dtype=np.float64)


def _ratio(part: _Figures, whole: _Figures) -> _Figures:
    """Missing where there is no whole."""
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
