"""What the inventory of a month is formed of: its tables on record, rules, data classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.grouping import ratio_of

Figures: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Counts: TypeAlias = NDArray[np.int64]
PRIMARY, MODELLED, DEFAULT, NONE = "primary", "modelled", "default", "none"
"""Data classes: measured, made of the own driving, flat rates; nothing is known."""
GCD, SFD = "gcd", "sfd"
"""Kinds of distance of an activity: great circle, shortest feasible distance."""
DISTANCE_KINDS = (GCD, SFD)
FOOTPRINT = ("energy_millionths", "co2e_ttw_mg", "co2e_wtw_mg")
COLUMNS = {
    "legs": (
        "vehicle_id", "driver_id", "started_at", "state", "purpose", "distance_km", "co2e_wtw_kg",
    ),
    "leg_orders": ("vehicle_id", "started_at", "order_id", "cargo_t", "onboard_km"),
    "order_results": (
        "order_id", "vehicle_id", "status", "matched", "reason_code", "cargo_t", "onboard_km",
        "great_circle_km", "pickup_departed_at", "delivery_arrived_at",
    ),
    "accounts": (
        "driver_id", "vehicle_id", "energy", "energy_quantity", "energy_unit", "co2e_wtw_kg",
        "diesel_source", "fuel_model", "notes",
    ),
    "lanes": ("vehicle_id", "vehicle_class", "loaded_km", "capacity_tkm"),
}  # fmt: skip
"""All that the inventory takes of the tables of a close: what was driven, carried and burnt."""


@dataclass(frozen=True)
class FormingRules:
    """Group `forming` of the section `inventory` of an edition."""

    shared_km_share_min: float
    weakest_share_min: float
    diesel_ttw_factor: str
    default_energies: str
    default_distance_ratio: float
    distance_kind: str
    region: str


@dataclass(frozen=True)
class MonthTables:
    """What a close has on record of a month.

    Attributes
    ----------
    legs, leg_orders, order_results, accounts, lanes : DataFrame
        `COLUMNS` of `frames.LEGS`, `LEG_ORDERS`, `ORDER_RESULTS`, `ACCOUNTS`, `LANES`.
    sfd_km : Series of float
        Shortest feasible distances by order, as they were told; those of others are missing. [km]
    """

    legs: pd.DataFrame
    leg_orders: pd.DataFrame
    order_results: pd.DataFrame
    accounts: pd.DataFrame
    lanes: pd.DataFrame
    sfd_km: pd.Series[Any]


@dataclass(frozen=True)
class DefaultIntensity:
    """What trucks of a class emit where nobody knows what they burn, uplift of the region included.

    Attributes
    ----------
    distance_kind : str
        Of which distance its tonne-kilometres are: `SFD`, or ``actual`` for what was driven.
    g_per_tkm : dict of str to float
        By end of the chain, ``ttw`` and ``wtw``.
    """

    distance_kind: str
    g_per_tkm: Mapping[str, float]


def default_intensities(edition: Edition) -> dict[str, DefaultIntensity]:
    """The default intensities of an edition by class of trucks."""
    rules = fill_rules(edition, "inventory", FormingRules, group="forming")
    section = edition.rules("inventory")
    uplift_ratio = section["uplifts"][rules.region]["truck_ratio"]
    return {
        name: DefaultIntensity(
            held["distance_kind"],
            {end: held[f"co2e_{end}_g_per_tkm"] * uplift_ratio for end in ("ttw", "wtw")},
        )
        for name, held in section["defaults"].items()
    }


def weakest_class(part_by_class: Mapping[str, Figures], share_min: float) -> NDArray[np.object_]:
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
        found[np.nan_to_num(ratio_of(part_by_class[name], whole)) >= share_min] = name
    return found
