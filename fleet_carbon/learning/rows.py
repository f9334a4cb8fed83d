"""From the legs of a closed month to rows that a model learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.learning.samples import FuelSamples, joined
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.features import features, summed
from fleet_carbon.quantification.physics import PhysicalTruck, consumption, physical_truck
from fleet_carbon.quantification.profile import Profile
from fleet_carbon.quantification.receipt_balance import BalanceRules, balance

Column = NDArray[np.float64]


@dataclass(frozen=True)
class _Driven:
    """Legs of trucks that the physics can speak of."""

    legs: pd.DataFrame
    profile: Profile
    payload_t: Column
    rated_payload_t: Column
    physical_l: Column


def month_samples(
    legs: pd.DataFrame,
    receipts: pd.DataFrame,
    vehicles: pd.DataFrame,
    *,
    month: str,
    edition: Edition,
    energy: str = "diesel",
) -> FuelSamples:
    """Rows of one month: legs with a counter, and trucks whose receipts balance.

    A receipt belongs to no leg: a truck without counter gives one row, all its driving of the
    month, with what it bought per litre of the physics between its full fills.

    Parameters
    ----------
    legs, receipts, vehicles : DataFrame
        `frames.LEGS` of all drivers, `frames.RECEIPTS`, `frames.VEHICLES`.
    month : str
        YYYY-MM.
    edition : Edition
        The physics, and when a balance holds.
    energy : str
        Only trucks of this energy.
    """
    driven = _driven(legs, vehicles, edition, energy)
    litres = driven.legs["fuel_counter_l"].to_numpy(np.float64)
    # Of a leg that is neither loaded nor empty the payload is not known.
    is_known = (driven.legs["state"] != "unknown").to_numpy(bool)
    is_counted = ~np.isnan(litres) & is_known & (driven.profile.distance_km > 0)
    counted = driven.legs["vehicle_id"].to_numpy(str)
    by_leg = FuelSamples(
        vehicle_id=counted[is_counted],
        month=np.full(int(is_counted.sum()), month),
        table=features(driven.profile, driven.payload_t, driven.rated_payload_t)[is_counted],
        physical_l=driven.physical_l[is_counted],
        measured_l=litres[is_counted],
    )
    has_counter = np.isin(counted, np.unique(counted[~np.isnan(litres)]))
    return joined([by_leg, _by_receipts(driven, ~has_counter, receipts, month, edition)])


def trucks_of(
    legs: pd.DataFrame, vehicles: pd.DataFrame, edition: Edition
) -> tuple[list[PhysicalTruck], NDArray[np.intp]]:
    """Trucks that the physics can speak of, and the place of each leg's truck; -1 without.

    Parameters
    ----------
    legs, vehicles : DataFrame
        `frames.LEGS`, `frames.VEHICLES`.
    edition : Edition
        The physics that knows the trucks.
    """
    driven = pd.Index(legs["vehicle_id"].unique(), dtype=object)
    rows: list[dict[Any, Any]] = vehicles[vehicles["vehicle_id"].isin(driven)].to_dict("records")
    built = {str(row["vehicle_id"]): physical_truck(row, "", edition) for row in rows}
    trucks = {name: truck for name, truck in built.items() if truck is not None}
    return list(trucks.values()), _places(legs["vehicle_id"], list(trucks))


def _driven(legs: pd.DataFrame, vehicles: pd.DataFrame, edition: Edition, energy: str) -> _Driven:
    is_of_energy = (vehicles["energy"] == energy).to_numpy(bool)
    trucks, code = trucks_of(legs, vehicles[is_of_energy], edition)
    kept, code = legs[code >= 0], code[code >= 0]
    profile = Profile.of_legs(kept, edition)
    payload_t = kept["payload_t"].to_numpy(np.float64)
    rated_t = np.array([truck.rated_payload_t for truck in trucks], np.float64)
    used = consumption(profile, trucks, code)
    return _Driven(kept, profile, payload_t, rated_t[code], used.at(payload_t))


def _by_receipts(
    driven: _Driven, mask: NDArray[np.bool_], receipts: pd.DataFrame, month: str, edition: Edition
) -> FuelSamples:
    """One row for each truck whose receipts balance."""
    rules = fill_rules(edition, "receipts", BalanceRules, group="balance")
    legs, physical_l = driven.legs[mask], driven.physical_l[mask]
    found = balance(receipts, legs, physical_l, rules=rules)
    names = [name for name, one in found.items() if one.holds]
    code = _places(legs["vehicle_id"], names)
    held, count = code >= 0, len(names)
    code = code[held]
    profile = summed(driven.profile.taken(mask).taken(held), code, count)
    distance_km = driven.profile.distance_km[mask][held]
    work_tkm = np.bincount(code, driven.payload_t[mask][held] * distance_km, minlength=count)
    rated_t = np.zeros(count)
    rated_t[code] = driven.rated_payload_t[mask][held]
    total_l = np.bincount(code, physical_l[held], minlength=count).astype(np.float64)
    mean_payload_t = work_tkm / np.where(profile.distance_km > 0, profile.distance_km, np.nan)
    return FuelSamples(
        vehicle_id=np.array(names, dtype=str),
        month=np.full(count, month),
        table=features(profile, mean_payload_t, rated_t),
        physical_l=total_l,
        measured_l=total_l * np.array([found[name].scale_index for name in names], np.float64),
    )


def _places(vehicle_id: pd.Series[str], names: list[str]) -> NDArray[np.intp]:
    """Place of each truck among the names; -1 where it is not one of them."""
    return pd.Index(names, dtype=object).get_indexer(pd.Index(vehicle_id, dtype=object))
