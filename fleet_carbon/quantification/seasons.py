"""How much emptier drivers run in one month of the year than in others, before they joined.

Around the spring festival everybody looks longer for a load. Months before joining that lie in
other parts of the year than the month accounted tell of it only with that difference put in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.periods import Month
from fleet_carbon.quantification.counterfactual import BaselineRules
from fleet_carbon.quantification.lanes import months_of_joining
from fleet_carbon.quantification.own_months import MONTHS_PER_YEAR, oldest_counted

_Column = NDArray[np.float64]
_OF_DRIVER = ["vehicle_class", "driver_id"]
# Each step takes the season out of the drivers and then the drivers out of the season; what is
# left to do falls by a constant factor, and beyond a hundred nothing changes that could be read.
_STEPS = 100
_NOTHING = np.zeros(MONTHS_PER_YEAR)


@dataclass(frozen=True)
class Season:
    """One month of the year beside a usual one.

    Attributes
    ----------
    index : float
        Empty kilometres per other kilometre, per those of a usual month.
    standard_share : float
        Relative standard uncertainty of it.
    """

    index: float
    standard_share: float


USUAL = Season(1.0, 0.0)


@dataclass(frozen=True)
class Seasons:
    """The months of the year, from January on.

    Attributes
    ----------
    index : ndarray of float, shape (12,)
        Empty kilometres per other kilometre of all drivers, per those of a usual month; 1 where
        too few were seen.
    trust_share, standard_share : ndarray of float, shape (12,)
        How far what was seen is believed, and the relative standard uncertainty of the index.
    empty_km, usual_km : ndarray of float, shape (12,)
        Driven empty, and what would have been if all months were alike. [km]
    by_driver : mapping of str to (ndarray, ndarray)
        The part of each driver in these two.
    """

    index: _Column
    trust_share: _Column
    standard_share: _Column
    empty_km: _Column
    usual_km: _Column
    by_driver: Mapping[str, tuple[_Column, _Column]]

    @classmethod
    def of_lanes(
        cls,
        lanes: pd.DataFrame,
        joined_month: Mapping[str, str],
        *,
        month: Month,
        rules: BaselineRules,
    ) -> Seasons:
        """From the months of all drivers before they joined.

        Parameters
        ----------
        lanes : DataFrame
            `frames.LANES` of earlier months.
        joined_month : mapping of str to str
            Month of joining by driver, YYYY-MM; others tell nothing.
        month : Month
            The month accounted; months too long before it do not count.
        rules : BaselineRules
            Section `baseline` of the edition. A month of the year that fewer drivers were seen in
            than a cohort needs is taken for a usual one.

        Notes
        -----
        Empty kilometres of driver j in month t are ``a_j q_c K_jt`` with his other kilometres K,
        his own ratio a and the index q of the month of the year c, fitted so that the sums over
        every driver and over every month of the year come out. A driver of one month tells
        nothing. With ``m = a q K`` and the relative deviations d of single months:
        ``s^2 = sum m d^2 / sum m`` by degrees of freedom, ``v = s^2 sum m^2 / (sum m)^2`` of an
        index, and ``t^2 = sum (q - 1)^2 / (n - 1) - mean v`` of the season. What is used is
        ``1 + b (q - 1)`` with ``b = t^2 / (t^2 + v)``, of variance ``b v``.

        References
        ----------
        P. McCullagh, J.A. Nelder, Generalized Linear Models, 2nd edition, 1989, section 6.2: with
        a logarithmic link the sums over every factor come out. H. Buehlmann, A. Gisler, A Course
        in Credibility Theory, 2005, chapter 4, for b.
        """
        joined = months_of_joining(lanes, joined_month)
        oldest = oldest_counted(month, rules)
        is_before = (lanes["month"] < joined) & (lanes["month"] < str(month))
        rows = lanes.loc[(is_before & (lanes["month"] >= oldest)).to_numpy(bool)]
        return _fitted(_Months.of_rows(rows), rules.cohort_driver_count_min)

    def usual(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with a month and `empty_km`, as they would have been in usual months."""
        if (self.index == 1.0).all():
            return rows
        index = self.index[_places(rows["month"])]
        return rows.assign(empty_km=rows["empty_km"].to_numpy(np.float64) / index)

    def index_of(self, month: str) -> float:
        """The index of a month, YYYY-MM, from all drivers."""
        return float(self.index[int(month[5:7]) - 1])

    def of_month(self, month: Month, driver_id: str) -> Season:
        """The month beside a usual one, from all drivers but this one."""
        place = month.number - 1
        empty_km, usual_km = self.by_driver.get(driver_id, (_NOTHING, _NOTHING))
        others_km = float(self.usual_km[place] - usual_km[place])
        trust_share, standard_share = self.trust_share[place], self.standard_share[place]
        if trust_share == 0 or others_km <= 0:
            return Season(1.0, float(standard_share))
        seen = float(self.empty_km[place] - empty_km[place]) / others_km
        return Season(float(1 + trust_share * (seen - 1)), float(standard_share))


@dataclass(frozen=True)
class _Months:
    """Months of drivers: whose, which month of the year, empty and other kilometres.

    Attributes
    ----------
    drivers : list of (str, str)
        Class and driver of each place in `driver`.
    driver, season : ndarray of int, shape (n_months,)
        Places of the driver and of the month of the year, 0 for January.
    empty_km, other_km : ndarray of float, shape (n_months,)
        Unknown kilometres are among the others, as in every baseline. [km]
    """

    drivers: list[tuple[str, str]]
    driver: NDArray[np.intp]
    season: NDArray[np.intp]
    empty_km: _Column
    other_km: _Column

    @classmethod
    def of_rows(cls, rows: pd.DataFrame) -> _Months:
        sums = rows.groupby([*_OF_DRIVER, "month"])[["empty_km", "loaded_km", "unknown_km"]].sum()
        other_km = (sums["loaded_km"] + sums["unknown_km"]).to_numpy(np.float64)
        sums, other_km = sums.loc[other_km > 0], other_km[other_km > 0]
        keys = [(str(class_id), str(driver)) for class_id, driver, _ in sums.index.tolist()]
        drivers = list(dict.fromkeys(keys))
        place = {key: at for at, key in enumerate(drivers)}
        return cls(
            drivers=drivers,
            driver=np.array([place[key] for key in keys], dtype=np.intp),
            season=_places(sums.index.get_level_values("month")),
            empty_km=sums["empty_km"].to_numpy(np.float64),
            other_km=other_km,
        )

    def of_drivers(self, figures: _Column) -> _Column:
        """Sums by driver."""
        return np.bincount(self.driver, figures, len(self.drivers)).astype(np.float64)

    def of_seasons(self, figures: _Column) -> _Column:
        """Sums by month of the year."""
        return np.bincount(self.season, figures, MONTHS_PER_YEAR).astype(np.float64)

    def index(self) -> _Column:
        """Indices with which the sums over drivers and over months of the year come out."""
        index = np.ones(MONTHS_PER_YEAR)
        empty_km = self.of_seasons(self.empty_km)
        is_seen = empty_km > 0
        for _ in range(_STEPS):
            usual_km = self.of_seasons(self.usual_km(index))
            np.divide(empty_km, usual_km, out=index, where=is_seen & (usual_km > 0))
            # Only how months differ is told; a usual one is their mean.
            index /= index[is_seen].mean() if is_seen.any() else 1.0
            index[~is_seen] = 1.0
        return index

    def usual_km(self, index: _Column) -> _Column:
        """What each driver would have driven empty in each month if all months were alike. [km]"""
        whole = self.of_drivers(index[self.season] * self.other_km)
        return self.other_km * (self.of_drivers(self.empty_km) / whole)[self.driver]


def _fitted(months: _Months, drivers_count_min: int) -> Seasons:
    index = months.index()
    usual_km = months.usual_km(index)
    expected_km = index[months.season] * usual_km
    seen = np.bincount(months.season, minlength=MONTHS_PER_YEAR) > 0
    is_many = _drivers_count(months) >= drivers_count_min
    variance = _variances(months, expected_km, freedom_cost=int(seen.sum()) - 1)
    counted = is_many & ~np.isnan(variance)
    of_season = 0.0
    if counted.sum() > 1:
        of_all = ((index[counted] - 1) ** 2).sum() / (counted.sum() - 1)
        of_season = max(0.0, float(of_all - variance[counted].mean()))
    trust_share = np.zeros(MONTHS_PER_YEAR)
    if of_season > 0:
        trust_share[counted] = of_season / (of_season + variance[counted])
    standard_share = np.sqrt(of_season * (1 - trust_share))
    sums = (months.of_seasons(months.empty_km), months.of_seasons(usual_km))
    return Seasons(
        1 + trust_share * (index - 1),
        trust_share,
        standard_share,
        *sums,
        _by_driver(months, usual_km),
    )


def _variances(months: _Months, expected_km: _Column, *, freedom_cost: int) -> _Column:
    """Of the index of every month of the year, relative; NaN where nothing can be said of it."""
    freedom = len(expected_km) - len(months.drivers) - freedom_cost
    whole = months.of_seasons(expected_km)
    if freedom <= 0 or not whole.sum() > 0:
        return np.full(MONTHS_PER_YEAR, np.nan)
    off = np.zeros(len(expected_km))
    np.divide(months.empty_km, expected_km, out=off, where=expected_km > 0)
    square = (expected_km * np.where(expected_km > 0, off - 1, 0.0) ** 2).sum() / whole.sum()
    scatter_square = square * len(expected_km) / freedom
    variance = np.full(MONTHS_PER_YEAR, np.nan)
    np.divide(
        scatter_square * months.of_seasons(expected_km**2), whole**2, out=variance, where=whole > 0
    )
    return variance


def _drivers_count(months: _Months) -> NDArray[np.int64]:
    """How many drivers were seen in each month of the year."""
    pairs = np.unique(np.stack([months.season, months.driver]), axis=1)
    return np.bincount(pairs[0], minlength=MONTHS_PER_YEAR)


def _by_driver(months: _Months, usual_km: _Column) -> dict[str, tuple[_Column, _Column]]:
    cells = months.driver * MONTHS_PER_YEAR + months.season
    each = (
        np.bincount(cells, figures, len(months.drivers) * MONTHS_PER_YEAR)
        for figures in (months.empty_km, usual_km)
    )
    parts = zip(months.drivers, *(one.reshape(-1, MONTHS_PER_YEAR) for one in each), strict=True)
    found: dict[str, tuple[_Column, _Column]] = {}
    for (_, driver_id), empty_km, usual in parts:
        before = found.get(driver_id, (_NOTHING, _NOTHING))
        found[driver_id] = (before[0] + empty_km, before[1] + usual)
    return found


def _places(months: Any) -> NDArray[np.intp]:
    """Place of each month YYYY-MM in the year, 0 for January."""
    return np.array([int(name[5:7]) - 1 for name in months], dtype=np.intp)
