"""Which counterfactuals there are for a driver and truck: declared, own, of a cohort, of a class.

All are found side by side; which of them counts is decided where their savings are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.periods import Month
from fleet_carbon.quantification.cohort import Cohort
from fleet_carbon.quantification.counterfactual import Baseline, BaselineRules, MonthScatter
from fleet_carbon.quantification.declared import (
    Line,
    Work,
    declared_of_class,
    declared_of_driver,
    lines_in_force,
    lines_of,
)
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.fuel import TruckFuel
from fleet_carbon.quantification.joining import Changes
from fleet_carbon.quantification.lanes import Driven, class_of_work
from fleet_carbon.quantification.own_months import (
    TOO_OLD,
    WITHOUT_HISTORY,
    PastMonth,
    months_before_joining,
    own_circuity,
    own_history,
)
from fleet_carbon.quantification.savings import empty_ratio, empty_share
from fleet_carbon.quantification.seasons import USUAL, Season, Seasons

BEFORE_JOINING, NO_BASELINE = "before_joining", "no_baseline"
DECLARED_DRIVER = "declared_driver"
_Found = tuple[Baseline | None, str]


@dataclass(frozen=True)
class Candidates:
    """The counterfactuals of one account, and why others are missing.

    Attributes
    ----------
    baselines : tuple of Baseline
        In the order of `SOURCES`.
    notes : frozenset of str
        Named reasons.
    scatter : MonthScatter
        How months of the driver differ: his own before joining, else those of others.
    since : Baseline or None
        What his months since joining tell of those before; no counterfactual by itself.
    season : Season
        The month beside a usual one; it is inside of all but a line declared for the driver.
    """

    baselines: tuple[Baseline, ...]
    notes: frozenset[str]
    scatter: MonthScatter
    since: Baseline | None = None
    season: Season = USUAL

    def of(self, source: str) -> Baseline | None:
        """The counterfactual of this kind."""
        return next((one for one in self.baselines if one.source == source), None)


@dataclass(frozen=True)
class BaselineRecords:
    """What is on record to choose from in a month; every driver's part of it is found once.

    Attributes
    ----------
    month : Month
        The month accounted: lines must be in force on its first day.
    vehicles, drivers, baselines : DataFrame
        `frames.VEHICLES`, `frames.DRIVERS`, `frames.BASELINES`.
    history, lanes : DataFrame
        Earlier rows of `frames.ACCOUNTS` and `frames.LANES` of the fleet.
    fuels : dict
        vehicle_id -> fuel model, for class, rated payload and the efficiency of history rows.
    edition : Edition
        Section `baseline`.
    """

    month: Month
    vehicles: pd.DataFrame
    drivers: pd.DataFrame
    baselines: pd.DataFrame
    history: pd.DataFrame
    lanes: pd.DataFrame
    fuels: dict[str, TruckFuel]
    edition: Edition

    @cached_property
    def rules(self) -> BaselineRules:
        """Section `baseline` of the edition."""
        return fill_rules(self.edition, "baseline", BaselineRules)

    @cached_property
    def lines_of_driver(self) -> dict[str, list[Line]]:
        """Declared lines of each driver, by first day."""
        return lines_of(self.baselines, by="driver_id")

    @cached_property
    def lines_of_class(self) -> dict[str, list[Line]]:
        """Declared lines of each vehicle class, by first day."""
        return lines_of(self.baselines, by="vehicle_class")

    @cached_property
    def joined_month(self) -> dict[str, str]:
        """Month of joining by driver, YYYY-MM, where it is known."""
        known = self.drivers.loc[self.drivers["joined_on"].notna()]
        months = known["joined_on"].str.slice(0, 7)
        return dict(zip(known["driver_id"].tolist(), months.tolist(), strict=True))

    @cached_property
    def months_before_joining(self) -> dict[str, list[PastMonth]]:
        """Accounts of each driver before joining."""
        index_of = self.seasons.index_of
        return months_before_joining(self.history, self.joined_month, index_of)

    def circuity_index(self, driver_id: str) -> float:
        """How winding the ways of a driver's loads were before joining, NaN if not known."""
        return own_circuity(self.months_before_joining.get(driver_id, ()))

    @cached_property
    def seasons(self) -> Seasons:
        """How months of the year differ, from all drivers before they joined."""
        return Seasons.of_lanes(self.lanes, self.joined_month, month=self.month, rules=self.rules)

    @cached_property
    def usual_lanes(self) -> pd.DataFrame:
        """Earlier lanes as they would have been in usual months."""
        return self.seasons.usual(self.lanes)

    @cached_property
    def cohort(self) -> Cohort:
        """What all drivers did before they joined."""
        return Cohort.of_history(
            self.usual_lanes, self.joined_month, month=self.month, rules=self.rules
        )

    @cached_property
    def changes(self) -> Changes:
        """What joining changed, of all drivers of whom both sides of it are on record."""
        return Changes.of_lanes(
            self.usual_lanes,
            self.joined_month,
            month=self.month,
            scatters=self.cohort.scatters,
            rules=self.rules,
        )

    @cached_property
    def truck_facts(self) -> dict[str, tuple[str, float]]:
        """Energy and length of the body by truck, NaN if not told. [m]"""
        columns = (
            self.vehicles[name].tolist() for name in ("vehicle_id", "energy", "body_length_m")
        )
        return {
            str(truck): (str(energy), float(length_m))
            for truck, energy, length_m in zip(*columns, strict=True)
        }


def baselines_side_by_side(
    accounts: Sequence[tuple[str, ...]],
    trucks: Sequence[TruckFuel],
    driven: Driven,
    *,
    records: BaselineRecords,
) -> list[Candidates]:
    """Every counterfactual that there is for each account.

    Parameters
    ----------
    accounts : sequence of (driver_id, vehicle_id)
        The accounts; an unknown driver is empty, then only the class can serve.
    trucks : sequence of TruckFuel
        Class of each account's truck.
    driven : Driven
        What was driven in the month, by order and by lane, of these accounts.
    records : BaselineRecords
        Declared lines, register and history.

    Returns
    -------
    candidates : list of Candidates
        Per account. A month before a driver joined has none: what the platform does not move, it
        does not save.
    """
    cohorts = _cohorts(accounts, driven, records)
    works = _works(accounts, driven)
    of_joined = records.seasons.usual(_of_joined(driven.lanes, records))
    since_joining = records.changes.baselines(of_joined)
    found = []
    for account, truck, of_cohort, work in zip(accounts, trucks, cohorts, works, strict=True):
        driver_id, vehicle_id = account
        usual = records.cohort.scatters.of_others(class_of_work(truck), driver_id)
        if str(records.month) < records.joined_month.get(driver_id, ""):
            found.append(Candidates((), frozenset({BEFORE_JOINING}), usual))
            continue
        parts = (
            _of_driver(driver_id, records),
            _own(driver_id, truck, usual, records),
            of_cohort if driver_id else (None, ""),
            _of_class(vehicle_id, truck, work, records),
        )
        season = records.seasons.of_month(records.month, driver_id)
        baselines = tuple(_in_season(one, season) for one, _ in parts if one is not None)
        notes = {note for _, note in parts if note} | (set() if baselines else {NO_BASELINE})
        own = next((one.scatter for one in baselines if one.scatter is not None), usual)
        since = since_joining.get(account)
        since = None if since is None else _in_season(since, season)
        found.append(Candidates(baselines, frozenset(notes), own, since, season))
    return found


def _in_season(usual: Baseline, season: Season) -> Baseline:
    """What it tells of usual months, told of this one; a line of the driver is of every month."""
    if usual.source == DECLARED_DRIVER or season == USUAL:
        return usual
    ratio = float(empty_ratio(usual.empty_share)) * season.index
    return replace(
        usual, empty_share=empty_share(ratio), season_standard_share=season.standard_share
    )


def _of_driver(driver_id: str, records: BaselineRecords) -> _Found:
    declared = records.lines_of_driver.get(driver_id, ())
    lines, is_too_old = lines_in_force(
        declared, records.month.first_day, records.rules.declared_years_max
    )
    return declared_of_driver(lines[-1]) if lines else None, TOO_OLD if is_too_old else ""


def _own(driver_id: str, truck: TruckFuel, usual: MonthScatter, records: BaselineRecords) -> _Found:
    if driver_id not in records.joined_month:
        return None, ""
    before = records.months_before_joining.get(driver_id)
    if not before:
        return None, WITHOUT_HISTORY
    return own_history(
        before,
        truck,
        fuels=records.fuels,
        month=records.month,
        scatter=usual,
        rules=records.rules,
    )


def _of_class(vehicle_id: str, truck: TruckFuel, work: Work, records: BaselineRecords) -> _Found:
    """The lines of the class the truck is registered as, else of that of its payload."""
    facts = records.truck_facts.get(vehicle_id, ("", math.nan))
    reason = ""
    for class_id in truck.class_ids:
        lines, is_too_old = lines_in_force(
            records.lines_of_class.get(class_id, ()),
            records.month.first_day,
            records.rules.declared_years_max,
        )
        reason = TOO_OLD if is_too_old else reason
        fitting = [line for line in lines if line.fits_truck(*facts)]
        declared = declared_of_class(class_id, fitting, work)
        if declared is not None:
            return declared, reason
    return None, reason


def _cohorts(
    accounts: Sequence[tuple[str, ...]], driven: Driven, records: BaselineRecords
) -> Iterable[_Found]:
    place = _places(accounts, driven.lanes)
    drivers = [driver_id for driver_id, _ in accounts]
    return records.cohort.baselines(driven.lanes[place >= 0], drivers, place[place >= 0])


def _of_joined(lanes: pd.DataFrame, records: BaselineRecords) -> pd.DataFrame:
    """What drivers drove of whom it is known when they joined."""
    return lanes.loc[lanes["driver_id"].isin(list(records.joined_month)).to_numpy(bool)]


def _works(accounts: Sequence[tuple[str, ...]], driven: Driven) -> list[Work]:
    """The proven orders of each account."""
    columns = driven.orders
    is_proven = (columns["transport_work_tkm"] > 0).to_numpy(bool)
    place = np.where(is_proven, _places(accounts, columns), -1)
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(len(accounts) + 1))
    figures = [
        columns[name].to_numpy(np.float64)[order]
        for name in ("great_circle_km", "cargo_t", "transport_work_tkm")
    ]
    return [Work(*(column[start:end] for column in figures)) for start, end in pairwise(ends)]


def _places(accounts: Sequence[tuple[str, ...]], rows: pd.DataFrame) -> NDArray[np.intp]:
    """Place of each row's account, -1 if it has none."""
    known = {account: place for place, account in enumerate(accounts)}
    keys = zip(rows["driver_id"].tolist(), rows["vehicle_id"].tolist(), strict=True)
    return np.array([known.get(key, -1) for key in keys], dtype=np.intp)
