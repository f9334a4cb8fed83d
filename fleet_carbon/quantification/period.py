"""The months of a crediting period as one account: a month is credited what its bound has grown by.

What is uncertain of single months averages out over the months of a period, what is common to
them does not. A month that saved less than nothing is made good before anything more is credited.
What the luck of early months brought, later ones may take back, and grams are not taken back: as
long as months are to come, this is a source of error as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.periods import Month
from fleet_carbon.quantification.derivation import Derivation

# Columns of an account that its period adds up: common errors as they are, others in squares.
OF_MONTH = ("co2_common_standard_kg", "co2_single_standard_kg", "co2_luck_standard_kg")
_Column = NDArray[np.float64]
_Key = tuple[str, ...]


@dataclass(frozen=True)
class Sums:
    """What months of a period come to, a column each.

    Attributes
    ----------
    months_count : ndarray of float
        Months with a saving.
    net_kg : ndarray of float
        CO2 avoided less leakage. [kg]
    common_kg : ndarray of float
        Standard uncertainty of what errs in all months alike: it adds up. [kg]
    single_square, luck_square : ndarray of float
        Squares of what errs in each month by itself, and of a month's luck. [kg^2]
    credited_kg : ndarray of float
        Credited. [kg]
    """

    months_count: _Column
    net_kg: _Column
    common_kg: _Column
    single_square: _Column
    luck_square: _Column
    credited_kg: _Column


@dataclass(frozen=True)
class CreditingPeriod:
    """The period a month lies in: its months before, and how many are still to come.

    Attributes
    ----------
    earlier : mapping of (str, str) to tuple of float
        By driver and truck, the figures of `Sums` over the months before.
    to_come_count : int
        Months of the period after the month accounted.
    """

    earlier: Mapping[_Key, tuple[float, ...]]
    to_come_count: int

    @classmethod
    def of_month(cls, history: pd.DataFrame, month: Month, months_count: int) -> CreditingPeriod:
        """The period of so many months, counted from January, in which the month lies.

        Parameters
        ----------
        history : DataFrame
            Earlier rows of `frames.ACCOUNTS`; those before the period are left out.
        month : Month
            The month accounted.
        months_count : int
            Months of a period, a divisor of 12; 1 makes every month stand for itself.
        """
        place = (month.number - 1) % months_count
        first = f"{month.year:04d}-{month.number - place:02d}"
        is_in = (history["month"] >= first) & (history["month"] < str(month))
        has_saving = history[list(OF_MONTH)].notna().all(axis=1)
        rows = history.loc[(is_in & has_saving).to_numpy(bool)].sort_values("month", kind="stable")
        common, single, luck = (rows[name].to_numpy(np.float64) for name in OF_MONTH)
        net_kg = rows["co2_avoided_kg"].to_numpy(np.float64) - rows["co2_leakage_kg"].to_numpy(
            np.float64
        )
        credited_kg = rows["co2_credited_g"].to_numpy(np.float64) / 1000
        columns = (np.ones(len(rows)), net_kg, common, single**2, luck**2, credited_kg)
        keys = list(zip(rows["driver_id"].tolist(), rows["vehicle_id"].tolist(), strict=True))
        earlier: dict[_Key, tuple[float, ...]] = {}
        rows_of = zip(*(one.tolist() for one in columns), strict=True)
        for key, figures in zip(keys, rows_of, strict=True):
            before = earlier.get(key, (0.0,) * len(figures))
            earlier[key] = tuple(a + b for a, b in zip(before, figures, strict=True))
        return cls(earlier, months_count - 1 - place)

    def before(self, keys: Sequence[_Key]) -> Sums:
        """What the months before come to for each account."""
        nothing = (0.0,) * len(Sums.__dataclass_fields__)
        rows = np.array([self.earlier.get(key, nothing) for key in keys], dtype=np.float64)
        return Sums(*rows.reshape(len(keys), len(nothing)).T)


@dataclass(frozen=True)
class MonthBound:
    """The lower bound of a period, and what of it is of the month.

    Attributes
    ----------
    before, so_far : Sums
        The period without and with the month; credited is what was before it.
    open_kg : ndarray of float
        Standard deviation of what luck has brought and months to come may take back. [kg]
    period_low_kg : ndarray of float
        Lower bound of what the period has avoided so far. [kg]
    low_kg : ndarray of float
        Of it what the month adds to the credit; never more than the month avoided. [kg]
    """

    before: Sums
    so_far: Sums
    open_kg: _Column
    period_low_kg: _Column
    low_kg: _Column


def bound_of_month(
    period: CreditingPeriod,
    keys: Sequence[_Key],
    month: Mapping[str, _Column],
    *,
    coverage_index: float,
) -> MonthBound:
    """What a month adds to the lower bound of its period, after what was credited before.

    Parameters
    ----------
    period : CreditingPeriod
        With the months before.
    keys : sequence of (driver_id, vehicle_id)
        The accounts.
    month : mapping of str to column
        ``co2_avoided_kg``, ``co2_leakage_kg`` and the standard uncertainties `OF_MONTH`. [kg]
    coverage_index : float
        Quantile of the interval.

    Notes
    -----
    ``N -+ z sqrt(C^2 + sum s^2 + sum l^2 R / (m + R))`` with the sums N of what was avoided net of
    leakage and C of the common uncertainties, s and l of single months, m months so far and R to
    come: the luck of m of m + R months differs from their share of the luck of all by that
    variance (a bridge that is tied at the end of the period). In a first month with none to come
    it is the interval of that month.
    """
    before = period.before(keys)
    common, single, luck = (month[name] for name in OF_MONTH)
    net_kg = month["co2_avoided_kg"] - month["co2_leakage_kg"]
    so_far = Sums(
        months_count=before.months_count + 1,
        net_kg=before.net_kg + net_kg,
        common_kg=before.common_kg + common,
        single_square=before.single_square + single**2,
        luck_square=before.luck_square + luck**2,
        credited_kg=before.credited_kg,
    )
    to_come = period.to_come_count
    open_kg = np.sqrt(so_far.luck_square * to_come / (so_far.months_count + to_come))
    standard_kg = np.sqrt(so_far.common_kg**2 + so_far.single_square + open_kg**2)
    period_low_kg = so_far.net_kg - coverage_index * standard_kg
    # A bound that has grown surer may catch up what earlier months were denied, but no month is
    # credited more than it avoided.
    low_kg = np.minimum(period_low_kg - before.credited_kg, net_kg)
    return MonthBound(before, so_far, open_kg, period_low_kg, low_kg)


def write_period(
    derivation: Derivation,
    places: NDArray[np.intp],
    bound: MonthBound,
    *,
    to_come_count: int,
) -> None:
    """Write down the period so far: sums, uncertainties, bound, and what was credited before.

    Parameters
    ----------
    derivation : Derivation
        Where it is written.
    places : ndarray of int
        Places of the accounts with a saving.
    bound : MonthBound
        Of these accounts.
    to_come_count : int
        Months of the period still to come.
    """
    before, so_far, rule = bound.before, bound.so_far, "edition:credit.period_month_count"
    lines: list[tuple[str, _Column | float, str, str]] = [
        ("net_before_kg", before.net_kg, "kg", "table:accounts"),
        ("common_before_standard_kg", before.common_kg, "kg", "table:accounts"),
        ("single_before_standard_kg", np.sqrt(before.single_square), "kg", "table:accounts"),
        ("luck_before_standard_kg", np.sqrt(before.luck_square), "kg", "table:accounts"),
        ("period_months_count", so_far.months_count, "1", rule),
        ("period_to_come_count", float(to_come_count), "1", rule),
        ("period_net_kg", so_far.net_kg, "kg", "table:accounts"),
        ("period_common_standard_kg", so_far.common_kg, "kg", "table:accounts"),
        ("period_single_standard_kg", np.sqrt(so_far.single_square), "kg", "table:accounts"),
        ("period_open_standard_kg", bound.open_kg, "kg", "formula:F12"),
        ("period_low_kg", bound.period_low_kg, "kg", "formula:F12"),
        ("credited_before_kg", before.credited_kg, "kg", "table:accounts"),
    ]
    for name, value, unit, source in lines:
        derivation.add("period", name, value, unit=unit, source=source, at=places)
