"""Which counterfactual holds for a driver: declared, own months before joining, or of the class."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from fleet_carbon.periods import Month
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.fuel import TruckFuel

_Named = TypeVar("_Named")


@dataclass(frozen=True)
class BaselineRules:
    """Section `baseline` of an edition."""

    own_history_km_min: float
    own_history_month_count_max: int
    own_season_span_months: int
    own_season_year_count_max: int
    own_season_km_share_min: float
    own_years_max: float
    declared_years_max: float
    cohort_years_max: float
    cohort_driver_count_min: int
    cohort_shrinkage_count: float
    month_scatter_share: float
    driver_scatter_share: float
    scatter_weight_count: float
    standard_share_min: float


@dataclass(frozen=True)
class Baseline:
    """The counterfactual of one driver and truck.

    Attributes
    ----------
    source : str
        ``declared_driver``, ``own_history``, ``cohort`` or ``declared_class``.
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
    empty_standard_share, payload_standard_share : float
        Relative standard uncertainties of the two shares, from the scatter of what they were
        made of; NaN takes those of the edition by source.
    """

    source: str
    empty_share: float
    payload_utilisation_share: float
    search_share: float | None
    efficiency_index: float | None
    class_id: str = ""
    empty_standard_share: float = math.nan
    payload_standard_share: float = math.nan


class _Line(NamedTuple):
    """A declared line: a row of `frames.BASELINES`, texts that are missing being empty."""

    driver_id: str
    vehicle_class: str
    valid_from: str
    empty_share: float
    payload_utilisation_share: float
    search_share: float
    efficiency_index: float


class _PastMonth(NamedTuple):
    """What a row of `frames.ACCOUNTS` says for a baseline."""

    driver_id: str
    month: str
    vehicle_id: str
    distance_km: float
    loaded_km: float
    empty_km: float
    search_km: float
    transport_work_tkm: float
    idle_h: float
    diesel_l: float
    diesel_source: str


@dataclass(frozen=True)
class BaselineRecords:
    """What is on record to choose from; every driver's part of it is found once.

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

    @cached_property
    def lines_of_driver(self) -> dict[str, list[_Line]]:
        """Declared lines of each driver, by first day."""
        return _by_name((line.driver_id, line) for line in self._lines if line.driver_id)

    @cached_property
    def lines_of_class(self) -> dict[str, list[_Line]]:
        """Declared lines of each vehicle class, by first day."""
        return _by_name((line.vehicle_class, line) for line in self._lines if not line.driver_id)

    @cached_property
    def joined_month(self) -> dict[str, str]:
        """Month of joining by driver, YYYY-MM, where it is known."""
        known = self.drivers.loc[self.drivers["joined_on"].notna()]
        months = known["joined_on"].str.slice(0, 7)
        return dict(zip(known["driver_id"].tolist(), months.tolist(), strict=True))

    @cached_property
    def months_before_joining(self) -> dict[str, list[_PastMonth]]:
        """Accounts of each driver before joining, with registered trucks.

        A month ends before joining if and only if its name is smaller than that of joining.
        """
        rows = self.history.loc[self.history["driver_id"].isin(self.joined_month)]
        rows = rows.assign(diesel_source=rows["diesel_source"].fillna(""))
        months = (_PastMonth(*row) for row in _tuples(rows, _PastMonth._fields))
        return _by_name(
            (month.driver_id, month)
            for month in months
            if month.vehicle_id in self.fuels and month.month < self.joined_month[month.driver_id]
        )

    @cached_property
    def _lines(self) -> list[_Line]:
        rows = self.baselines.sort_values("valid_from", kind="stable")
        texts = {name: rows[name].fillna("") for name in ("driver_id", "vehicle_class")}
        filled = rows.assign(**texts)
        return [_Line(*row) for row in _tuples(filled, _Line._fields)]


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
    day = month.first_day.isoformat()
    if driver_id:
        declared = _line_in_force(records.lines_of_driver.get(driver_id, ()), day)
        if declared is not None:
            return _declared("declared_driver", declared)
        own = own_history(driver_id, month=month, records=records, edition=edition)
        if own is not None:
            return own
    for class_id in truck.class_ids:
        declared = _line_in_force(records.lines_of_class.get(class_id, ()), day)
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
    joined = records.joined_month.get(driver_id)
    before = records.months_before_joining.get(driver_id)
    if before is None or joined is None or str(month) < joined:
        return None
    rules = fill_rules(edition, "baseline", BaselineRules)
    kept = sorted({row.month for row in before})[-int(rules.own_history_month_count_max) :]
    rows = [row for row in before if row.month in kept]
    distance_km, loaded_km, empty_km, search_km, work_tkm, capacity_tkm = (
        math.fsum(figures)
        for figures in zip(*(_weighed(row, records.fuels) for row in rows), strict=True)
    )
    if distance_km < rules.own_history_km_min or loaded_km <= 0 or capacity_tkm <= 0:
        return None
    return Baseline(
        source="own_history",
        empty_share=empty_km / distance_km,
        payload_utilisation_share=work_tkm / capacity_tkm,
        search_share=search_km / empty_km if empty_km > 0 else None,
        efficiency_index=_measured_efficiency(rows, records.fuels),
    )


def _weighed(row: _PastMonth, fuels: dict[str, TruckFuel]) -> tuple[float, ...]:
    """What a month adds to the sums, the last being the tkm of full loads on its loaded km."""
    capacity_tkm = fuels[row.vehicle_id].rated_payload_t * row.loaded_km
    return (
        row.distance_km,
        row.loaded_km,
        row.empty_km,
        row.search_km,
        row.transport_work_tkm,
        capacity_tkm,
    )


def _measured_efficiency(rows: list[_PastMonth], fuels: dict[str, TruckFuel]) -> float | None:
    """Fuel burnt per model fuel over months that a counter measured throughout."""
    burnt, modelled = [], []
    for row in rows:
        model = fuels[row.vehicle_id].model
        if model is None or row.diesel_source != "counter" or math.isnan(row.diesel_l):
            return None
        burnt.append(row.diesel_l - model.idle_l(row.idle_h))
        modelled.append(model.driving_l(row.distance_km, row.transport_work_tkm))
    burnt_l, modelled_l = math.fsum(burnt), math.fsum(modelled)
    return burnt_l / modelled_l if burnt_l > 0 and modelled_l > 0 else None


def _line_in_force(lines: Sequence[_Line], day: str) -> _Line | None:
    """The declared line with the latest start not after the day, lines being by start."""
    begun = [line for line in lines if line.valid_from <= day]
    return begun[-1] if begun else None


def _declared(source: str, line: _Line, class_id: str = "") -> Baseline:
    return Baseline(
        source=source,
        empty_share=line.empty_share,
        payload_utilisation_share=line.payload_utilisation_share,
        search_share=_optional(line.search_share),
        efficiency_index=_optional(line.efficiency_index),
        class_id=class_id,
    )


def _optional(value: float) -> float | None:
    return None if math.isnan(value) else value


def _tuples(rows: pd.DataFrame, names: Iterable[str]) -> Iterable[tuple[Any, ...]]:
    return zip(*(rows[name].tolist() for name in names), strict=True)


def _by_name(pairs: Iterable[tuple[str, _Named]]) -> dict[str, list[_Named]]:
    found: dict[str, list[_Named]] = defaultdict(list)
    for name, row in pairs:
        found[name].append(row)
    return dict(found)
