"""What other drivers did before they joined, on the lanes that a driver drove this month.

A platform changes how its drivers drive, so only months from before joining tell what would
happen without it. A driver's own months never count in his own cohort. The figures of a lane
are drawn to those of its distance band, these to those of the class, by n / (n + k) with n other
drivers (credibility); the driver's own work of the month weights the lanes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.periods import Month
from fleet_carbon.quantification.counterfactual import (
    Baseline,
    BaselineRules,
    believed_scatter,
    standardised,
)
from fleet_carbon.quantification.lanes import LANE, first_days, months_of_joining
from fleet_carbon.quantification.month_scatter import MonthScatters
from fleet_carbon.quantification.own_months import TOO_OLD, oldest_counted

NO_COHORT, TOO_SMALL = "no_cohort", "cohort_too_small"
# From the widest to the narrowest: class; distance band in it; lane in that.
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("vehicle_class",),
    ("vehicle_class", "distance_band"),
    ("vehicle_class", "distance_band", "origin", "destination"),
)
_TEXTS = ("driver_id", "vehicle_class", *LANE)
_Column = NDArray[np.float64]


@dataclass(frozen=True)
class Cohort:
    """Drivers before they joined, by class, distance band and lane.

    Attributes
    ----------
    rows : DataFrame
        Rows of `frames.LANES` that count.
    is_too_old : bool
        Whether there were rows that do not count any more because of their age.
    scatters : MonthScatters
        How the months of each of them differ.
    rules : BaselineRules
        Section `baseline` of the edition.
    """

    rows: pd.DataFrame
    is_too_old: bool
    scatters: MonthScatters
    rules: BaselineRules
    _levels: tuple[_Level, ...]
    _words: Mapping[str, pd.Index[Any]]
    _from_on: Mapping[str, str]

    @classmethod
    def of_history(
        cls,
        lanes: pd.DataFrame,
        joined_month: Mapping[str, str],
        *,
        month: Month,
        rules: BaselineRules,
    ) -> Cohort:
        """The months of all drivers before they joined.

        Parameters
        ----------
        lanes : DataFrame
            `frames.LANES` of earlier months.
        joined_month : mapping of str to str
            Month of joining by driver, YYYY-MM; others tell nothing.
        month : Month
            The month accounted; months too long before it do not count.
        rules : BaselineRules
            Section `baseline` of the edition. Drivers with fewer kilometres with trucks of a class
            than an own history needs do not count in it.
        """
        joined = months_of_joining(lanes, joined_month)
        is_before = (lanes["month"] < joined) & (lanes["month"] < str(month))
        is_work = (lanes["transport_work_tkm"] > 0) & (lanes["capacity_tkm"] > 0)
        before = lanes.loc[(is_before & is_work).to_numpy(bool)]
        oldest = oldest_counted(month, rules)
        recent = before.loc[(before["month"] >= oldest).to_numpy(bool)]
        of_driver = [recent["driver_id"], recent["vehicle_class"]]
        km = recent[["loaded_km", "empty_km", "unknown_km"]].sum(axis=1)
        driven_km = km.groupby(of_driver, sort=False).transform("sum").to_numpy(np.float64)
        rows = recent.loc[driven_km >= rules.own_history_km_min].reset_index(drop=True)
        words = {name: pd.Index(pd.unique(rows[name]).astype(object)) for name in _TEXTS}
        codes = _codes(rows, words)
        levels = tuple(_Level.of_rows(rows, codes, words, names=names) for names in _LEVELS)
        from_on = first_days(rows)
        is_too_old, scatters = len(recent) < len(before), MonthScatters.of_rows(rows, rules)
        return cls(rows, is_too_old, scatters, rules, levels, words, from_on)

    def baselines(
        self, lanes: pd.DataFrame, drivers: Sequence[str], account: NDArray[np.intp]
    ) -> list[tuple[Baseline | None, str]]:
        """The counterfactual of each account from the others on its lanes.

        Parameters
        ----------
        lanes : DataFrame
            `frames.LANES` of the month accounted.
        drivers : sequence of str
            Driver of each account.
        account : ndarray of int, shape (n_lanes,)
            Place of each lane's account.

        Returns
        -------
        found : list of (Baseline or None, str)
            Per account; without a baseline the text says why.

        Notes
        -----
        Standard uncertainty: the scatter of the drivers of the class about their mean, drawn to
        the edition's, times ``sqrt(1 + 1 / n)``: one driver differs from the others as they do
        from one another, and their mean is itself not certain. A driver differs on all his lanes
        alike, so the lanes' uncertainties add up.
        """
        count = len(drivers)
        is_work = ((lanes["distance_band"] != "") & (lanes["transport_work_tkm"] > 0)).to_numpy(
            bool
        )
        lanes, account = lanes.loc[is_work], account[is_work]
        codes = _codes(lanes, self._words)
        others = [level.without(codes, self._words) for level in self._levels]
        drivers_count = np.zeros(count)
        np.maximum.at(drivers_count, account, others[0].drivers_count)
        figures = self._figures(others)
        empty, payload, part = standardised(
            account,
            count,
            work_tkm=lanes["transport_work_tkm"].to_numpy(np.float64),
            empty_km_ratio=figures["empty_km_ratio"],
            # Where nobody else drove there is no payload, and nothing comes of it.
            payload_share=np.where(figures["payload_share"] > 0, figures["payload_share"], np.nan),
        )
        ratio = figures["empty_km_ratio"] * part
        spread = {
            "empty": _mean(account, count, figures["empty_standard_share"], ratio) * (1 - empty),
            "payload": _mean(account, count, figures["payload_standard_share"], part),
        }
        classes = np.full(count, "", dtype=object)
        classes[account] = lanes["vehicle_class"].to_numpy(object)
        rows = zip(
            classes.tolist(),
            drivers_count.tolist(),
            empty.tolist(),
            payload.tolist(),
            *(share.tolist() for share in spread.values()),
            strict=True,
        )
        return [self._one(*row) for row in rows]

    def _one(
        self, class_id: str, drivers: float, empty: float, payload: float, *standards: float
    ) -> tuple[Baseline | None, str]:
        if drivers == 0:
            return None, TOO_OLD if self.is_too_old else NO_COHORT
        if drivers < self.rules.cohort_driver_count_min or not payload > 0:
            return None, TOO_SMALL
        least = self.rules.standard_share_min
        empty_standard, payload_standard = (max(share, least) for share in standards)
        return Baseline(
            source="cohort",
            empty_share=empty,
            payload_utilisation_share=payload,
            efficiency_index=None,
            from_on=self._from_on[class_id],
            empty_standard_share=empty_standard,
            payload_standard_share=payload_standard,
            sample_count=int(drivers),
            of_orders_share=1.0,
        ), ""

    def _figures(self, others: Sequence[_Others]) -> dict[str, _Column]:
        """Per lane its shares, drawn to the wider levels, and how sure they are."""
        whole, *narrower = others
        found: dict[str, _Column] = {}
        for name in ("empty_km_ratio", "payload_share"):
            figure, weights = whole.quotient(name), [np.ones(len(whole.drivers_count))]
            for level in narrower:
                trust = level.drivers_count / (
                    level.drivers_count + self.rules.cohort_shrinkage_count
                )
                figure = np.where(
                    trust > 0, trust * level.quotient(name) + (1 - trust) * figure, figure
                )
                weights = [*(weight * (1 - trust) for weight in weights), trust]
            rest = sum(
                weight**2 / np.maximum(level.drivers_count, 1)
                for weight, level in zip(weights, others, strict=True)
            )
            scatter = believed_scatter(
                whole.scatter_square(name),
                np.maximum(whole.drivers_count - 1, 0),
                prior_share=self.rules.driver_scatter_share,
                prior_count=self.rules.scatter_weight_count,
            )
            found[name] = figure
            found[_STANDARD[name]] = scatter * np.sqrt(1 + rest)
        return found


_STANDARD = {"empty_km_ratio": "empty_standard_share", "payload_share": "payload_standard_share"}
# Numerator, denominator, and the sum over drivers of numerator^2 / denominator.
_QUOTIENTS = {"empty_km_ratio": (0, 1, 2), "payload_share": (3, 4, 5)}
_COUNT = 6
_SUMMED = ("empty_km", "loaded_km", "unknown_km", "transport_work_tkm", "capacity_tkm")


@dataclass(frozen=True)
class _Others:
    """Sums over other drivers for each of some rows: a column for each figure."""

    sums: _Column

    @property
    def drivers_count(self) -> _Column:
        return self.sums[:, _COUNT]

    def quotient(self, name: str) -> _Column:
        """Of the sums; 0 where there is nobody."""
        above, below, _ = _QUOTIENTS[name]
        return _over(self.sums[:, above], self.sums[:, below])

    def scatter_square(self, name: str) -> _Column:
        """Relative variance of the drivers about their mean, weighted by the denominators."""
        above, below, square = (self.sums[:, column] for column in _QUOTIENTS[name])
        count = self.drivers_count
        relative = _over(square * below, above * above) - 1
        return np.maximum(0.0, relative) * _over(count, count - 1)


@dataclass(frozen=True)
class _Level:
    """Sums by group, and by driver and group, each found by its code."""

    names: tuple[str, ...]
    groups: pd.Index[Any]
    of_group: _Column
    pairs: pd.Index[Any]
    of_pair: _Column

    @classmethod
    def of_rows(
        cls,
        rows: pd.DataFrame,
        codes: Mapping[str, NDArray[np.int64]],
        words: Mapping[str, pd.Index[Any]],
        *,
        names: tuple[str, ...],
    ) -> _Level:
        group = _code(codes, words, names)
        pair, pairs = pd.factorize(_code(codes, words, ("driver_id", *names)))
        place, groups = pd.factorize(group)
        empty, loaded, unknown, work, capacity = (
            _sums(pair, rows[name].to_numpy(np.float64), len(pairs)) for name in _SUMMED
        )
        # What is not proven empty counts as driven with a load: no driver looks emptier for it.
        driven = loaded + unknown
        of_pair = np.column_stack(
            [
                empty, driven, _over(empty * empty, driven),
                work, capacity, _over(work * work, capacity), np.ones(len(pairs)),
            ]
        )  # fmt: skip
        group_of_pair = np.zeros(len(pairs), dtype=np.intp)
        group_of_pair[pair] = place
        of_group = np.column_stack(
            [_sums(group_of_pair, column, len(groups)) for column in of_pair.T]
        )
        return cls(names, pd.Index(groups), of_group, pd.Index(pairs), of_pair)

    def without(
        self, codes: Mapping[str, NDArray[np.int64]], words: Mapping[str, pd.Index[Any]]
    ) -> _Others:
        """For each row the sums of its group, less those of its own driver."""
        group = self.groups.get_indexer(pd.Index(_code(codes, words, self.names)))
        own = self.pairs.get_indexer(pd.Index(_code(codes, words, ("driver_id", *self.names))))
        nothing = np.zeros((1, self.of_pair.shape[1]))
        whole = np.vstack([self.of_group, nothing])[group]
        rest = whole - np.vstack([self.of_pair, nothing])[own]
        # Where nobody is left, differences of sums may leave a trace of what was taken away.
        return _Others(np.where(rest[:, [_COUNT]] > 0, np.maximum(rest, 0.0), 0.0))


def _codes(rows: pd.DataFrame, words: Mapping[str, pd.Index[Any]]) -> dict[str, NDArray[np.int64]]:
    """Place of every text among the words of the cohort, 0 for one it does not have."""
    return {
        name: known.get_indexer(pd.Index(rows[name].astype(object))).astype(np.int64) + 1
        for name, known in words.items()
    }


def _code(
    codes: Mapping[str, NDArray[np.int64]],
    words: Mapping[str, pd.Index[Any]],
    names: Sequence[str],
) -> NDArray[np.int64]:
    """One number for several texts; -1 if one of them is unknown."""
    combined = np.zeros(len(codes[names[0]]), dtype=np.int64)
    is_known = np.ones(len(combined), dtype=bool)
    for name in names:
        combined = combined * (len(words[name]) + 1) + codes[name]
        is_known &= codes[name] > 0
    return np.where(is_known, combined, -1)


def _mean(account: NDArray[np.intp], count: int, value: _Column, weight: _Column) -> _Column:
    """Weighted means by account; 0 where nothing has a weight."""
    above, below = (_sums(account, each, count) for each in (weight * value, weight))
    return _over(above, below)


def _sums(group: NDArray[np.intp], values: _Column, count: int) -> _Column:
    return np.asarray(np.bincount(group, values, count), dtype=np.float64)


def _over(above: _Column, below: _Column) -> _Column:
    quotient = np.zeros(np.shape(below))
    np.divide(above, below, out=quotient, where=np.asarray(below) > 0)
    return quotient
