"""The 90 % intervals of sums of accounts, from those that each account carries.

Bounds of several accounts are added as if all of them erred alike: what is told is never
narrower than the sum deserves. The saving of CO2 has a narrower one in `quantification.sums`,
which knows what errs alike and what by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import INTERVALS
from fleet_carbon.quantification.grouping import Groups, grouped, together
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork

Bounds = dict[str, tuple[float, float]]
_PAIR = ["driver_id", "vehicle_id"]
_ADDED = ("distance_km", "diesel_l", "diesel_saved_l", "fuel_cost_saved")
_SHARES = ("mileage_utilisation_share", "load_rate_share")
FIGURES = (*_ADDED, *_SHARES)
"""The figures of `frames.INTERVALS` that bounds are made of."""
COLUMNS = (*_PAIR, "figure", "value", "low", "high")
"""And its columns."""
_Floats = NDArray[np.float64]


def read_intervals(
    work: UnitOfWork, run: ClosingRun, *, column: str = "figure", values: Collection[str] = FIGURES
) -> pd.DataFrame:
    """The intervals of a closing run whose text is one of many; none of a run of before there were.

    Parameters
    ----------
    work : UnitOfWork
        What is on record.
    run : ClosingRun
        The run.
    column : str
        Of `COLUMNS`.
    values : collection of str
        What it may hold.
    """
    if INTERVALS.name not in run.table_digests:
        return pd.DataFrame(columns=list(COLUMNS))
    return work.closings.rows_among(
        run, INTERVALS.name, column=column, values=values, columns=COLUMNS
    )


class Spreads:
    """The intervals of some accounts, from which those of their sums are made.

    Parameters
    ----------
    accounts : DataFrame
        Rows of `frames.ACCOUNTS`.
    intervals : DataFrame
        `COLUMNS` of `frames.INTERVALS`, of `FIGURES`, of these accounts and maybe others; with
        `month` beside them if the accounts are of several.
    """

    def __init__(self, accounts: pd.DataFrame, intervals: pd.DataFrame) -> None:
        self._accounts = accounts
        key = [*(("month",) if "month" in intervals else ()), *_PAIR]
        at, of = _codes(accounts, intervals, key)
        figures = intervals["figure"].to_numpy(object)
        numbers = [_floats(intervals[name]) for name in ("value", "low", "high")]
        self._of = {}
        for figure in FIGURES:
            rows = np.flatnonzero(figures == figure)
            place = np.full(1 + max(at.max(initial=-1), of.max(initial=-1)), -1, dtype=np.intp)
            place[of[rows]] = rows
            self._of[figure] = _Of(*_taken(numbers, place[at]))

    def by(self, *keys: pd.Series[Any]) -> dict[tuple[str, ...], Bounds]:
        """Low and high of the sums of the accounts, by group and column of the sums.

        Parameters
        ----------
        *keys : Series of text
            Which group each account belongs to; one of all, under no text, if there is none.

        Returns
        -------
        dict of tuple of str to dict
            A figure is left out where an account knows it and not its interval.
        """
        groups = grouped(*keys) if keys else together(len(self._accounts))
        names: list[tuple[str, ...]] = groups.keys if keys else [()]
        found: dict[tuple[str, ...], Bounds] = {name: {} for name in names}
        if self._accounts.empty:
            return found
        for column in _ADDED:
            value, of = _floats(self._accounts[column]), self._of[column]
            is_whole = of.is_whole(groups, ~np.isnan(value))
            _tell(found, names, column, of.sums(groups, value), is_whole=is_whole)
        _tell_shares(found, names, _Shares(self._accounts, self._of, groups))
        return found


def _codes(
    accounts: pd.DataFrame, intervals: pd.DataFrame, key: list[str]
) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """A number for every key, the same in both."""
    both = pd.concat([rows[key].astype(object).fillna("") for rows in (accounts, intervals)])
    numbers = both.groupby(key, sort=False).ngroup().to_numpy()
    return numbers[: len(accounts)], numbers[len(accounts) :]


def _taken(numbers: list[_Floats], at: NDArray[np.integer[Any]]) -> list[_Floats]:
    """The numbers at some places; NaN where there is none."""
    return [np.where(at < 0, np.nan, np.append(one, np.nan)[at]) for one in numbers]


class _Of:
    """The intervals of one figure, beside the accounts."""

    def __init__(self, value: _Floats, low: _Floats, high: _Floats) -> None:
        self.value, self.below, self.above = value, value - low, high - value

    def is_whole(self, groups: Groups, is_known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Groups with something known, all of which has an interval."""
        lacks = groups.counts(is_known & np.isnan(self.below))
        found: NDArray[np.bool_] = (groups.counts(is_known) > 0) & (lacks == 0)
        return found

    def sums(self, groups: Groups, value: _Floats) -> tuple[_Floats, _Floats]:
        """Bounds of the sum of each group."""
        of = [groups.sums_at_hand(np.nan_to_num(one)) for one in (value, self.below, self.above)]
        return of[0] - of[1], of[0] + of[2]

    def means(self, groups: Groups, weight: _Floats) -> tuple[_Floats, _Floats]:
        """Bounds of the weighted mean of each group."""
        whole = groups.sums_at_hand(weight)
        value, below, above = (
            groups.sums_at_hand(np.nan_to_num(weight * one))
            for one in (self.value, self.below, self.above)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return (value - below) / whole, (value + above) / whole


class _Shares:
    """The intervals of the empty share and of the load rate, which are means by weight."""

    def __init__(self, accounts: pd.DataFrame, of: dict[str, _Of], groups: Groups) -> None:
        self._loaded_km, self._distance_km, self._work_tkm, self._payload = (
            _floats(accounts[name])
            for name in (
                *("loaded_km", "distance_km", "transport_work_tkm"),
                "payload_utilisation_share",
            )
        )
        self._groups, self._sums = groups, groups.sums_at_hand
        self._mileage, self._rate = (of[name] for name in _SHARES)

    def empty(self) -> tuple[tuple[_Floats, _Floats], NDArray[np.bool_]]:
        """One less the mileage utilisation, by kilometres."""
        low, high = self._mileage.means(self._groups, self._distance_km)
        is_whole = self._mileage.is_whole(self._groups, self._distance_km > 0)
        return (1.0 - high, 1.0 - low), is_whole

    def load_rate(self) -> tuple[tuple[_Floats, _Floats], NDArray[np.bool_]]:
        """Off by as much of it as those who carried are by theirs; the others lower it as it is."""
        is_loaded = self._work_tkm > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.where(is_loaded, self._work_tkm / self._rate.value, 0.0)
            capacity_tkm = self._sums(np.where(is_loaded, self._work_tkm / self._payload, 0.0))
            mileage = self._sums(self._loaded_km) / self._sums(self._distance_km)
            rate = mileage * self._sums(self._work_tkm) / capacity_tkm
            mean = self._sums(np.nan_to_num(self._work_tkm)) / self._sums(np.nan_to_num(weight))
            means = self._rate.means(self._groups, np.nan_to_num(weight))
            low, high = (rate * end / mean for end in means)
        return (low, high), self._rate.is_whole(self._groups, is_loaded)


def _tell_shares(
    found: dict[tuple[str, ...], Bounds], names: list[tuple[str, ...]], shares: _Shares
) -> None:
    for column, (bounds, is_whole) in (
        ("empty_share", shares.empty()),
        ("load_rate_share", shares.load_rate()),
    ):
        low, high = bounds
        within = (np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0))
        _tell(found, names, column, within, is_whole=is_whole)


def _tell(
    found: dict[tuple[str, ...], Bounds],
    names: list[tuple[str, ...]],
    column: str,
    bounds: tuple[_Floats, _Floats],
    *,
    is_whole: NDArray[np.bool_],
) -> None:
    for name, low, high, told in zip(names, *bounds, is_whole, strict=True):
        if told:
            found[name][column] = (float(low), float(high))


def _floats(values: pd.Series[Any]) -> _Floats:
    return values.to_numpy(np.float64, na_value=np.nan)
