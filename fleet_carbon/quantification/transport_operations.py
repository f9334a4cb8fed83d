"""The inventory of a month by ISO 14083 and the GLEC Framework: categories, shipments, the rest.

A transport operation category (TOC) takes the hauls of one class of trucks, one energy and one
distance band, alone or shared. All that its trucks burnt for its shipments, the empty way to them
included, over all its transport activity is its intensity; a shipment's footprint is that
intensity times its own activity, cargo times great circle or shortest feasible distance, so that
neither a detour nor its place in a round of several drops is laid on it (methodology note, F1 to
F3). What was driven for nobody who is known is told apart. Everything is counted in whole
millionths and milligrams: parts add up. Nothing here knows of a baseline or a saving; a test holds
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.frames import SHIPMENTS, TOCS
from fleet_carbon.periods import Month
from fleet_carbon.quantification.allocation import apportioned
from fleet_carbon.quantification.burnt_by_category import Cells
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.emissions import EnergyFactors
from fleet_carbon.quantification.forming import (
    DEFAULT,
    FOOTPRINT,
    GCD,
    NONE,
    PRIMARY,
    SFD,
    FormingRules,
    MonthTables,
    default_intensities,
    weakest_class,
)
from fleet_carbon.quantification.grouping import ratio_of
from fleet_carbon.quantification.hauls import Hauls, MonthTrucks


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
    distance_kind: str,
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
    distance_kind : str
        Of `forming.DISTANCE_KINDS`: by which distance activity is told. A shipment without a
        shortest feasible distance is told by the great circle, in a category of its own.
    """
    rules = fill_rules(edition, "inventory", FormingRules, group="forming")
    trucks = MonthTrucks.of(tables)
    orders = Hauls.of(tables, trucks, edition=edition, distance_kind=distance_kind)
    cells = Cells.of(tables, trucks, orders, factors=factors)
    unattributed = cells.unattributed(month)
    tocs = _categories(cells, orders, trucks, month=month)
    tocs = _with_defaults(tocs, edition, rules)
    tocs = _with_classes(tocs, cells, rules, factors=factors)
    shipments = _shipments(orders, tocs, month)
    return Operations(TOCS.shape(tocs), SHIPMENTS.shape(shipments), unattributed)


def _categories(cells: Cells, orders: Hauls, trucks: MonthTrucks, *, month: Month) -> pd.DataFrame:
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
            "distance_kind": [key[5] for key in keys],
            "trucks_count": np.bincount(
                np.asarray(pairs) // max(len(trucks.ids), 1), minlength=len(keys)
            ),
            "shipments_count": np.bincount(orders.groups.code, minlength=len(keys)),
            "loaded_km": loaded_km,
            "empty_km": empty_km,
            "empty_share": ratio_of(empty_km, loaded_km + empty_km),
            "load_factor_share": ratio_of(work_tkm, cells.of_categories("capacity_tkm")),
            "transport_work_tkm": work_tkm,
            "activity_tkm": activity_tkm,
            "distance_adjustment_ratio": ratio_of(work_tkm, activity_tkm),
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
    vehicle_class, energy, band, loading, basis, kind = key
    named = "" if kind == GCD else kind
    parts = (str(month), vehicle_class or "unclassed", energy, band, loading, named, basis)
    return ".".join(part for part in parts if part)


def _with_defaults(tocs: pd.DataFrame, edition: Edition, rules: FormingRules) -> pd.DataFrame:
    """Categories whose energy nobody knows get a default intensity, where one may stand in.

    A default is per tonne-kilometre of the shortest feasible distance or of what was driven; where
    one of the two is not told, it is the other by their usual ratio.
    """
    defaults = default_intensities(edition)
    energies = rules.default_energies.split()
    notes, columns = [], {name: tocs[f"co2e_{name}_mg"].tolist() for name in ("ttw", "wtw")}
    for place, row in enumerate(tocs.to_dict("records")):
        default = defaults.get(row["vehicle_class"]) if row["energy"] in energies else None
        if row["is_known"] or default is None:
            notes.append("" if row["is_known"] else f"no_default_for_{row['energy']}")
            continue
        tkm = row["transport_work_tkm"]
        if default.distance_kind == SFD:
            is_told = row["distance_kind"] == SFD
            tkm = row["activity_tkm"] if is_told else tkm / rules.default_distance_ratio
        # Without any activity there is nothing to share by, and no shipment that bears it.
        tkm = tkm if row["activity_tkm"] > 0 else 0.0
        for name, column in columns.items():
            column[place] = round(tkm * default.g_per_tkm[name] * 1000)
        notes.append(f"default_intensity;uplift_{rules.region}")
    filled = {f"co2e_{name}_mg": pd.array(found, "Int64") for name, found in columns.items()}
    return tocs.assign(**filled, notes=notes)


def _with_classes(
    tocs: pd.DataFrame,
    cells: Cells,
    rules: FormingRules,
    *,
    factors: Mapping[str, EnergyFactors],
) -> pd.DataFrame:
    """The categories with intensity, data class and what is to be known of their factors."""
    by_class = {name: held[: len(tocs)] for name, held in cells.quantity_by_class.items()}
    whole = np.sum(list(by_class.values()), axis=0)
    share = {name: np.nan_to_num(ratio_of(held, whole)) for name, held in by_class.items()}
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
        tocs = tocs.assign(**{f"co2e_{name}_g_per_tkm": ratio_of(mass_g, activity_tkm)})
    return tocs.assign(
        data_class=found,
        primary_share=np.where(has_value, np.where(is_known, share[PRIMARY], 0.0), np.nan),
        notes=notes,
    )


def _shipments(orders: Hauls, tocs: pd.DataFrame, month: Month) -> pd.DataFrame:
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
            "distance_sfd_km": orders.sfd_km * orders.month_share,
            "distance_kind": np.where(orders.has_sfd, SFD, GCD),
            "distance_actual_km": orders.month_km,
            "month_share": orders.month_share,
            "activity_tkm": orders.activity_tkm,
            "departed_at": rows["pickup_departed_at"].array,
            "arrived_at": rows["delivery_arrived_at"].array,
            **parts,
        },
        index=range(len(orders.ids)),
    )
