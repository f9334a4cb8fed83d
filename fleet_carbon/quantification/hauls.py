"""The trucks of a month and what they carried: each shipment with its activity and its category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.allocation import moment_keys
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.forming import (
    DEFAULT,
    GCD,
    SFD,
    Figures,
    FormingRules,
    MonthTables,
    Places,
)
from fleet_carbon.quantification.grouping import Groups, grouped, ratio_of, sums_by
from fleet_carbon.quantification.lanes import LaneRules, distance_bands

FULL, SHARED = "FTL", "LTL"


@dataclass(frozen=True)
class MonthTrucks:
    """Every truck of the month: class, energy, payload, and whether what it burnt is known."""

    ids: pd.Index[Any]
    vehicle_class: NDArray[np.object_]
    energy: NDArray[np.object_]
    unit: NDArray[np.object_]
    payload_t: Figures
    is_known: NDArray[np.bool_]

    @classmethod
    def of(cls, tables: MonthTables) -> MonthTrucks:
        """Those with an account in the month."""
        accounts = tables.accounts
        code, found = pd.factorize(accounts["vehicle_id"].astype(object), sort=True)
        ids = pd.Index(found)
        lane = ids.get_indexer(pd.Index(tables.lanes["vehicle_id"].astype(object)))
        lanes = tables.lanes[lane >= 0]
        lane = lane[lane >= 0]
        sums = {
            name: sums_by(lane, lanes[name].to_numpy(np.float64), len(ids))
            for name in ("loaded_km", "capacity_tkm")
        }
        classes = np.full(len(ids), "", dtype=object)
        classes[lane] = lanes["vehicle_class"].fillna("").to_numpy(object)
        quantity = accounts["energy_quantity"].to_numpy(np.float64, na_value=np.nan)
        unknown = sums_by(code, np.isnan(quantity), len(ids))
        texts = {}
        for name in ("energy", "energy_unit"):
            texts[name] = np.full(len(ids), "", dtype=object)
            texts[name][code] = accounts[name].fillna("").to_numpy(object)
        return cls(
            ids=ids,
            vehicle_class=classes,
            energy=texts["energy"],
            unit=texts["energy_unit"],
            payload_t=ratio_of(sums["capacity_tkm"], sums["loaded_km"]),
            is_known=unknown == 0,
        )

    def of_rows(self, rows: pd.DataFrame) -> Places:
        """The place of the truck of each row."""
        return self.ids.get_indexer(pd.Index(rows["vehicle_id"].astype(object)))


@dataclass(frozen=True)
class Hauls:
    """Every order that was aboard a leg of the month, and its category."""

    ids: NDArray[np.object_]
    rows: pd.DataFrame
    truck: Places
    month_km: Figures
    work_tkm: Figures
    activity_tkm: Figures
    month_share: Figures
    sfd_km: Figures
    has_sfd: NDArray[np.bool_]
    groups: Groups

    @classmethod
    def of(
        cls, tables: MonthTables, trucks: MonthTrucks, *, edition: Edition, distance_kind: str
    ) -> Hauls:
        """Those that an edition forms of a month's tables."""
        rules = fill_rules(edition, "inventory", FormingRules, group="forming")
        aboard = tables.leg_orders
        code, ids = pd.factorize(aboard["order_id"].astype(object), sort=True)
        results = tables.order_results
        place = pd.Index(results["order_id"].astype(object)).get_indexer(pd.Index(ids))
        rows = results.iloc[place].reset_index(drop=True)
        onboard_km = aboard["onboard_km"].to_numpy(np.float64)
        month_km = sums_by(code, onboard_km, len(ids))
        shared_km = sums_by(code, np.where(_is_shared(tables), onboard_km, 0.0), len(ids))
        cargo_t = rows["cargo_t"].to_numpy(np.float64)
        whole_km = rows["onboard_km"].to_numpy(np.float64, na_value=np.nan)
        # All of it where nothing was driven, or nobody knows of other months.
        share = np.minimum(np.nan_to_num(ratio_of(month_km, whole_km), nan=1.0), 1.0)
        great_circle_km = rows["great_circle_km"].to_numpy(np.float64)
        sfd_km = tables.sfd_km.reindex(pd.Index(ids)).to_numpy(np.float64, na_value=np.nan)
        # No road is shorter than the great circle: what is told so is of another place or unit.
        has_sfd = (distance_kind == SFD) & (sfd_km >= great_circle_km)
        truck = trucks.of_rows(rows)
        is_shared = np.nan_to_num(ratio_of(shared_km, month_km)) >= rules.shared_km_share_min
        bands = distance_bands(great_circle_km, fill_rules(edition, "lanes", LaneRules))
        dimensions = (
            trucks.vehicle_class[truck],
            trucks.energy[truck],
            bands,
            np.where(is_shared, SHARED, FULL),
            np.where(trucks.is_known[truck], "", DEFAULT),
            np.where(has_sfd, SFD, GCD),
        )
        return cls(
            ids=np.asarray(ids, dtype=object),
            rows=rows,
            truck=truck,
            month_km=month_km,
            work_tkm=sums_by(code, aboard["cargo_t"].to_numpy(np.float64) * onboard_km, len(ids)),
            activity_tkm=cargo_t * np.where(has_sfd, sfd_km, great_circle_km) * share,
            month_share=share,
            sfd_km=sfd_km,
            has_sfd=has_sfd,
            groups=grouped(*(pd.Series(one, dtype="string") for one in dimensions)),
        )

    def has_activity(self) -> NDArray[np.bool_]:
        """Of each category, whether anything was carried anywhere."""
        return self.per_category(self.activity_tkm) > 0

    def per_category(self, values: Figures) -> Figures:
        """Sums by category."""
        return sums_by(self.groups.code, values, self.groups.count)


def _is_shared(tables: MonthTables) -> NDArray[np.bool_]:
    """Rows of orders aboard beside another that weighs something."""
    _, row_key, _ = moment_keys(tables.legs, tables.leg_orders)
    leg, _ = pd.factorize(row_key)
    weighs = tables.leg_orders["cargo_t"].to_numpy(np.float64) > 0
    others = np.bincount(leg, weighs)[leg] - weighs
    return np.asarray(others > 0, dtype=bool)
