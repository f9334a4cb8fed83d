"""Which counterfactual holds for a driver: declared, own months before joining, or of the class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fleet_carbon.periods import Month
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.fuel import TruckFuel


@dataclass(frozen=True)
class BaselineRules:
    """Section `baseline` of an edition."""

    own_history_km_min: float
    own_history_month_count_max: int


@dataclass(frozen=True)
class Baseline:
    """The counterfactual of one driver and truck.

    Attributes
    ----------
    source : str
        ``declared_driver``, ``own_history`` or ``declared_class``.
    empty_share : float
        Empty km / total km.
    payload_utilisation_share : float
        tkm / (rated payload x loaded km).
    search_share : float or None
        Part of the empty km that is search; information only, it changes no figure.
    efficiency_index : float or None
        Fuel burnt per model fuel; None if never measured.
    class_id : str
        Class whose line it is; empty for a driver's own.
    """

    source: str
    empty_share: float
    payload_utilisation_share: float
    search_share: float | None
    efficiency_index: float | None
    class_id: str = ""


@dataclass(frozen=True)
class BaselineRecords:
    """What is on record to choose from.

    Attributes
    ----------
    drivers, baselines : DataFrame
        `frames.DRIVERS`, `frames.BASELINES`.
    history : DataFrame
        Earlier rows of `frames.ACCOUNTS` of the fleet.
    fuels : dict
        vehicle_id -> fuel model, for the rated payload and the efficiency of history rows.
    """

    drivers: pd.DataFrame
    baselines: pd.DataFrame
    history: pd.DataFrame
    fuels: dict[str, TruckFuel]


def choose_baseline(
    driver_id: str,
    truck: TruckFuel,
    *,
    month: Month,
    records: BaselineRecords,
    edition: Edition,
) -> Baseline | None:
    """The counterfactual in force: driver's line, own history, line of the class, or none.

    Parameters
    ----------
    driver_id : str
        Driver; empty if not known, then only the class can serve.
    truck : TruckFuel
        Names of the truck's class.
    month : Month
        Lines must be in force on its first day.
    records : BaselineRecords
        Declared lines, register and history.
    edition : Edition
        Section `baseline`.

    Returns
    -------
    baseline : Baseline or None
        None if there is nothing to compare with: then nothing is credited.
    """
    lines = records.baselines
    of_driver = lines["driver_id"].fillna("")
    day = month.first_day.isoformat()
    if driver_id:
        declared = _line_in_force(lines.loc[of_driver == driver_id], day)
        if declared is not None:
            return _declared("declared_driver", declared)
        own = own_history(driver_id, month=month, records=records, edition=edition)
        if own is not None:
            return own
    for class_id in truck.class_ids:
        of_class = lines.loc[(of_driver == "") & (lines["vehicle_class"].fillna("") == class_id)]
        declared = _line_in_force(of_class, day)
        if declared is not None:
            return _declared("declared_class", declared, class_id)
    return None


def own_history(
    driver_id: str, *, month: Month, records: BaselineRecords, edition: Edition
) -> Baseline | None:
    """A driver's own months before joining, weighted by kilometres.

    Unknown kilometres count as driven and not as empty: a baseline must not look worse than
    was proven. The efficiency counts only if every month was measured by a fuel counter.

    Parameters
    ----------
    driver_id : str
        Driver.
    month : Month
        The month accounted; a month before joining has no own history to be compared with.
    records, edition
        As for `choose_baseline`.

    Returns
    -------
    baseline : Baseline or None
        None if the day of joining is unknown or the months hold too few kilometres.
    """
    rules = fill_rules(edition, "baseline", BaselineRules)
    joined = _joined_month(driver_id, records.drivers)
    if joined is None or str(month) < joined:
        return None
    rows = records.history
    rows = rows.loc[(rows["driver_id"] == driver_id) & (rows["month"] < joined)]
    rows = rows.loc[rows["vehicle_id"].isin(list(records.fuels))]
    kept = sorted(set(rows["month"]))[-int(rules.own_history_month_count_max) :]
    rows = rows.loc[rows["month"].isin(kept)]
    distance_km, loaded_km = float(rows["distance_km"].sum()), float(rows["loaded_km"].sum())
    capacity_tkm = math.fsum(
        records.fuels[vehicle_id].rated_payload_t * loaded
        for vehicle_id, loaded in zip(rows["vehicle_id"], rows["loaded_km"], strict=True)
    )
    if distance_km < rules.own_history_km_min or loaded_km <= 0 or capacity_tkm <= 0:
        return None
    empty_km = float(rows["empty_km"].sum())
    return Baseline(
        source="own_history",
        empty_share=empty_km / distance_km,
        payload_utilisation_share=float(rows["transport_work_tkm"].sum()) / capacity_tkm,
        search_share=float(rows["search_km"].sum()) / empty_km if empty_km > 0 else None,
        efficiency_index=_measured_efficiency(rows, records.fuels),
    )


def _measured_efficiency(rows: pd.DataFrame, fuels: dict[str, TruckFuel]) -> float | None:
    """Fuel burnt per model fuel over months that a counter measured throughout."""
    burnt_l = modelled_l = 0.0
    months: list[Any] = list(rows.itertuples())
    for row in months:
        model = fuels[str(row.vehicle_id)].model
        if model is None or row.diesel_source != "counter" or pd.isna(row.diesel_l):
            return None
        burnt_l += float(row.diesel_l) - model.idle_l(float(row.idle_h))
        modelled_l += model.driving_l(float(row.distance_km), float(row.transport_work_tkm))
    return burnt_l / modelled_l if burnt_l > 0 and modelled_l > 0 else None


def _joined_month(driver_id: str, drivers: pd.DataFrame) -> str | None:
    """Month of joining, YYYY-MM. A month ends before joining if and only if it is smaller."""
    joined = drivers.loc[drivers["driver_id"] == driver_id, "joined_on"].dropna()
    return None if joined.empty else str(joined.iloc[-1])[:7]


def _line_in_force(lines: pd.DataFrame, day: str) -> pd.Series | None:
    """The declared line with the latest start not after the day."""
    begun = lines.loc[lines["valid_from"] <= day]
    return None if begun.empty else begun.sort_values("valid_from", kind="stable").iloc[-1]


def _declared(source: str, line: pd.Series, class_id: str = "") -> Baseline:
    return Baseline(
        source=source,
        empty_share=float(line["empty_share"]),
        payload_utilisation_share=float(line["payload_utilisation_share"]),
        search_share=_optional(line["search_share"]),
        efficiency_index=_optional(line["efficiency_index"]),
        class_id=class_id,
    )


def _optional(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
