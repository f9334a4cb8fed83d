"""The 90 % intervals of sums of accounts, from those that each account carries.

Bounds of several accounts are added as if all of them erred alike: what is told is never
narrower than the sum deserves. The saving of CO2 has a narrower one in `quantification.sums`,
which knows what errs alike and what by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.grouping import Groups, grouped, together

Bounds = dict[str, tuple[float, float]]
_PAIR = ["driver_id", "vehicle_id"]
_ADDED = ("distance_km", "diesel_l", "diesel_saved_l", "fuel_cost_saved")
_SHARES = ("mileage_utilisation_share", "load_rate_share")
FIGURES = (*_ADDED, *_SHARES)
"""The figures of `frames.INTERVALS` that bounds are made of."""
COLUMNS = (*_PAIR, "figure", "value", "low", "high")
"""And its columns."""
_Floats = NDArray[np.float64]


def bounds_by(
    accounts: pd.DataFrame, intervals: pd.DataFrame, key: pd.Series[Any] | None = None
) -> dict[str, Bounds]:
    """Low and high of the sums of some accounts, by group and column of the sums.

    Parameters
    ----------
    accounts : DataFrame
        Rows of `frames.ACCOUNTS`, of one month.
    intervals : DataFrame
        `COLUMNS` of `frames.INTERVALS`, of `FIGURES`, of these accounts and maybe others.
    key : Series of text, optional
        Which group each account belongs to; one of all, under the empty text, by default.

    Returns
    -------
    dict of str to dict
        A figure is left out where an account knows it and not its interval.
    """
    groups = together(len(accounts)) if key is None else grouped(key)
    names = [""] if key is None else list(groups.texts(0))
    found: dict[str, Bounds] = {name: {} for name in names}
    if accounts.empty:
        return found
    at = pd.MultiIndex.from_frame(accounts[_PAIR].astype("str"))
    for column in _ADDED:
        value = _floats(accounts[column])
        of = _Of(intervals, column, at, groups)
        _tell(found, names, column, of.sums(value), is_whole=of.is_whole(~np.isnan(value)))
    _tell_shares(found, names, _Shares(accounts, intervals, at, groups))
    return found


class _Of:
    """The intervals of one figure, beside the accounts."""

    def __init__(
        self, intervals: pd.DataFrame, figure: str, at: pd.MultiIndex, groups: Groups
    ) -> None:
        rows = intervals[intervals["figure"] == figure]
        of = pd.MultiIndex.from_frame(rows[_PAIR].astype("str"))
        place = of.get_indexer(at)
        self._groups = groups
        self.value, low, high = (
            np.where(place < 0, np.nan, np.append(_floats(rows[name]), np.nan)[place])
            for name in ("value", "low", "high")
        )
        self.below, self.above = self.value - low, high - self.value

    def is_whole(self, is_known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Groups with something known, all of which has an interval."""
        lacks = self._groups.counts(is_known & np.isnan(self.below))
        found: NDArray[np.bool_] = (self._groups.counts(is_known) > 0) & (lacks == 0)
        return found

    def sums(self, value: _Floats) -> tuple[_Floats, _Floats]:
        """Bounds of the sum of each group."""
        of = [
            self._groups.sums_at_hand(np.nan_to_num(one)) for one in (value, self.below, self.above)
        ]
        return of[0] - of[1], of[0] + of[2]

    def means(self, weight: _Floats) -> tuple[_Floats, _Floats]:
        """Bounds of the weighted mean of each group."""
        whole = self._groups.sums_at_hand(weight)
        value, below, above = (
            self._groups.sums_at_hand(np.nan_to_num(weight * one))
            for one in (self.value, self.below, self.above)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return (value - below) / whole, (value + above) / whole


class _Shares:
    """The intervals of the empty share and of the load rate, which are means by weight."""

    def __init__(
        self,
        accounts: pd.DataFrame,
        intervals: pd.DataFrame,
        at: pd.MultiIndex,
        groups: Groups,
    ) -> None:
        self._loaded_km, self._distance_km, self._work_tkm, self._payload = (
            _floats(accounts[name])
            for name in (
                *("loaded_km", "distance_km", "transport_work_tkm"),
                "payload_utilisation_share",
            )
        )
        self._sums = groups.sums_at_hand
        self._mileage, self._rate = (_Of(intervals, name, at, groups) for name in _SHARES)

    def empty(self) -> tuple[tuple[_Floats, _Floats], NDArray[np.bool_]]:
        """One less the mileage utilisation, by kilometres."""
        low, high = self._mileage.means(self._distance_km)
        return (1.0 - high, 1.0 - low), self._mileage.is_whole(self._distance_km > 0)

    def load_rate(self) -> tuple[tuple[_Floats, _Floats], NDArray[np.bool_]]:
        """Off by as much of it as those who carried are by theirs; the others lower it as it is."""
        is_loaded = self._work_tkm > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.where(is_loaded, self._work_tkm / self._rate.value, 0.0)
            capacity_tkm = self._sums(np.where(is_loaded, self._work_tkm / self._payload, 0.0))
            mileage = self._sums(self._loaded_km) / self._sums(self._distance_km)
            rate = mileage * self._sums(self._work_tkm) / capacity_tkm
            mean = self._sums(np.nan_to_num(self._work_tkm)) / self._sums(np.nan_to_num(weight))
            low, high = (rate * end / mean for end in self._rate.means(np.nan_to_num(weight)))
        return (low, high), self._rate.is_whole(is_loaded)


def _tell_shares(found: dict[str, Bounds], names: list[str], shares: _Shares) -> None:
    for column, (bounds, is_whole) in (
        ("empty_share", shares.empty()),
        ("load_rate_share", shares.load_rate()),
    ):
        low, high = bounds
        within = (np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0))
        _tell(found, names, column, within, is_whole=is_whole)


def _tell(
    found: dict[str, Bounds],
    names: list[str],
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
