"""What was bought between full fills, beside what the model gives for the kilometres between.

A receipt says when fuel was bought, not when it was burnt: only between two moments of the same
level is what was bought what was burnt. No receipt is ever given to a trip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.quantification.fills import (
    FULL,
    Column,
    Curve,
    Fills,
    Flags,
    Intervals,
    Places,
    fills_of,
    intervals_of,
    places_of,
    sums_of_slices,
)
from fleet_carbon.quantification.receipt_codes import COUNTED, DRAINED, UNBOUGHT

RECEIPT_MISSING, FUEL_ELSEWHERE = "receipt_missing", "fuel_elsewhere"
TOO_FEW, COVER_TOO_LITTLE = "receipts_too_few", "receipts_cover_too_little"
UNEVEN, IMPLAUSIBLE = "receipts_uneven", "receipts_implausible"
# Median of the absolute value of a standard normal variable, inverted: a spread from a median.
_SPREAD_PER_MEDIAN = 1.4826


@dataclass(frozen=True)
class BalanceRules:
    """Group `balance` of the section `receipts` of an edition."""

    same_stop_h_max: float
    full_fills_count_min: int
    fills_count_min: int
    full_level_share: float
    level_share_min: float
    covered_share_min: float
    standard_share_max: float
    pump_share: float
    uneven_share: float
    uneven_fill_share: float
    uneven_spread_factor: float
    scale_index_min: float
    scale_index_max: float


@dataclass(frozen=True)
class UnevenSpan:
    """A span between two fills that took much more or less than the others.

    Attributes
    ----------
    from_ms, until_ms : int
        The fills that bound it. [ms since 1970]
    code : str
        ``receipt_missing`` if less was bought than the kilometres take, ``fuel_elsewhere`` if
        more: a drain, another truck, a can.
    counted_quantity, expected_quantity : float
        Bought in it, and what the other intervals let expect, in the truck's unit.
    """

    from_ms: int
    until_ms: int
    code: str
    counted_quantity: float
    expected_quantity: float

    @property
    def text(self) -> str:
        """The span in words."""
        first, last = (
            from_epoch_ms(at).strftime("%Y-%m-%d %H:%MZ") for at in (self.from_ms, self.until_ms)
        )
        what = f"{self.counted_quantity:.0f} bought, about {self.expected_quantity:.0f} expected"
        return f"{first} to {last}: {what}"


@dataclass(frozen=True)
class ReceiptBalance:
    """What the counted receipts of a truck say of its month.

    Attributes
    ----------
    scale_index : float
        Bought per modelled between the first and the last full fill; NaN without such fills.
    counted_quantity, modelled_quantity : float
        The two, in the truck's unit (l, kg or kWh), uneven spans left out.
    standard_share : float
        Relative standard uncertainty of `scale_index`; NaN if unknown.
    ends_share : float
        The part of it that the levels after the bounding fills are: of the month alone.
    covered_share : float
        Part of the month's modelled quantity that lies in the balanced spans.
    fills_count : int
        Fills that bound intervals.
    reasons : tuple of str
        Why the month cannot be balanced; empty if it can.
    uneven : tuple of UnevenSpan
        Spans left out.
    """

    scale_index: float
    counted_quantity: float
    modelled_quantity: float
    standard_share: float
    ends_share: float
    covered_share: float
    fills_count: int
    reasons: tuple[str, ...]
    uneven: tuple[UnevenSpan, ...]

    @property
    def holds(self) -> bool:
        """Whether the month's quantity may be taken from the receipts."""
        return not self.reasons

    @property
    def notes(self) -> tuple[str, ...]:
        """Named reasons for the account: why it does not hold, and what was left out."""
        return (*self.reasons, *sorted({span.code for span in self.uneven}))


def balance(
    receipts: pd.DataFrame,
    legs: pd.DataFrame,
    modelled_quantity: Column,
    *,
    rules: BalanceRules,
) -> dict[str, ReceiptBalance]:
    """Decide for every truck with counted receipts how much it burns per modelled quantity.

    What was bought after the first full fill, up to and including the last, was burnt between
    them, but for the difference of the two levels. That difference is known by the flag of the
    fills; where they have none, by how far the fills scatter about the line bought = index x
    modelled, both cumulated. Spans that took much more or less than the truck's others, and those
    in which the tank's level tells of a fill without receipt or of a drain, are named and left
    out.

    Parameters
    ----------
    receipts : DataFrame
        `frames.RECEIPTS` of the month, of any trucks, in any order.
    legs : DataFrame
        `frames.LEGS` of the month, all legs of every truck.
    modelled_quantity : ndarray of float, shape (n_legs,)
        What the uncalibrated model gives for each leg and the standing after it, in the unit of
        what its truck burns (`counted_unit`): l, kg or kWh.
    rules : BalanceRules
        Thresholds, `fill_rules(edition, "receipts", BalanceRules, group="balance")`.

    Returns
    -------
    balances : dict of str to ReceiptBalance
        By vehicle_id, sorted, of the trucks with counted receipts and legs; none of a truck with
        a leg without modelled quantity. Those of a truck do not depend on the others given.
    """
    counted = receipts[(receipts["verdict"] == COUNTED).to_numpy(bool)]
    unmodelled = set(legs["vehicle_id"][np.isnan(modelled_quantity)])
    driven = set(legs["vehicle_id"]) - unmodelled
    names = sorted(driven & set(counted["vehicle_id"]))
    if not names:
        return {}
    curve = Curve.of_legs(legs, modelled_quantity, names)
    fills = fills_of(counted, names, curve, same_stop_h_max=rules.same_stop_h_max)
    is_seen = receipts["verdict"].isin((UNBOUGHT, DRAINED)).to_numpy(bool)
    seen = places_of(receipts[is_seen], names)
    found = _found(fills, seen, np.array(curve.totals), rules)
    return {name: _judged(found, place, rules) for place, name in enumerate(names)}


@dataclass(frozen=True)
class _Found:
    """What the fills of all trucks say; arrays of shape (n_trucks,)."""

    is_flagged: Flags
    intervals_count: Places
    kept_count: Places
    runs_count: Places
    bought: Column
    modelled: Column
    scale_index: Column
    standard_share: Column
    ends_share: Column
    covered_share: Column
    spans: list[list[UnevenSpan]]


def _found(fills: Fills, seen: tuple[Places, Places], month: Column, rules: BalanceRules) -> _Found:
    """The sums of all trucks, without the intervals that are uneven or known to be wrong."""
    count = len(month)
    full_count = np.bincount(fills.truck[fills.flag == FULL], minlength=count)
    is_flagged = full_count >= rules.full_fills_count_min
    intervals = intervals_of(fills, is_flagged)
    reach = np.zeros(count)
    np.maximum.at(reach, fills.truck, fills.bought)
    expected, is_uneven = _uneven(intervals, reach, rules)
    is_uneven = is_uneven | intervals.contain(*seen)
    kept = intervals.take(~is_uneven)
    bought, modelled = (_sums_by(kept.truck, part, count) for part in (kept.bought, kept.modelled))
    scale_index = _quotient(bought, modelled)
    runs = _runs(kept, scale_index, modelled)
    kept_count = np.bincount(kept.truck, minlength=count)
    scatter = np.sqrt(_quotient(runs.residual_squares, runs.weights))
    level = np.where(
        is_flagged,
        np.fmax(rules.full_level_share * reach, scatter),
        np.maximum(rules.level_share_min * reach, scatter * _small_sample_factor(kept_count - 1)),
    )
    ends_share = _quotient(np.sqrt(2.0 * runs.runs_count) * level, bought)
    return _Found(
        is_flagged=is_flagged,
        intervals_count=np.bincount(intervals.truck, minlength=count),
        kept_count=kept_count,
        runs_count=runs.runs_count,
        bought=bought,
        modelled=modelled,
        scale_index=scale_index,
        standard_share=np.hypot(ends_share, rules.pump_share),
        ends_share=ends_share,
        covered_share=_quotient(modelled, month),
        spans=_spans(intervals, expected, is_uneven, count),
    )


def _judged(found: _Found, place: int, rules: BalanceRules) -> ReceiptBalance:
    """The balance of one truck, with the reasons why it does not hold."""
    kept_count = int(found.kept_count[place])
    known = ReceiptBalance(
        scale_index=float(found.scale_index[place]),
        counted_quantity=float(found.bought[place]),
        modelled_quantity=float(found.modelled[place]),
        standard_share=float(found.standard_share[place]),
        ends_share=float(found.ends_share[place]),
        covered_share=float(np.nan_to_num(found.covered_share[place])),
        fills_count=kept_count + int(found.runs_count[place]),
        reasons=(),
        uneven=tuple(found.spans[place]),
    )
    fills_min = rules.full_fills_count_min if found.is_flagged[place] else rules.fills_count_min
    # So many fills bound one interval less.
    is_enough = kept_count >= fills_min - 1
    if found.intervals_count[place] < fills_min - 1:
        reason = TOO_FEW
    elif not is_enough or known.covered_share < rules.covered_share_min:
        reason = UNEVEN if known.uneven else COVER_TOO_LITTLE
    elif not rules.scale_index_min <= known.scale_index <= rules.scale_index_max:
        reason = IMPLAUSIBLE
    elif not known.standard_share <= rules.standard_share_max:
        reason = UNEVEN
    else:
        return known
    return replace(known, reasons=(reason,))


def _uneven(intervals: Intervals, reach: Column, rules: BalanceRules) -> tuple[Column, Flags]:
    """What each interval lets expect by the middle one of its truck, and which are far from it."""
    has_driving = intervals.modelled > 0
    of_trucks = _medians(intervals.truck[has_driving], _ratio(intervals, has_driving), len(reach))
    expected = np.nan_to_num(of_trucks[intervals.truck]) * intervals.modelled
    apart = np.abs(intervals.bought - expected)
    spread = _SPREAD_PER_MEDIAN * _medians(intervals.truck, apart, len(reach))[intervals.truck]
    limit = np.maximum(
        np.maximum(rules.uneven_share * expected, rules.uneven_fill_share * reach[intervals.truck]),
        rules.uneven_spread_factor * spread,
    )
    return expected, apart > limit


def _ratio(intervals: Intervals, rows: Flags) -> Column:
    ratio: Column = intervals.bought[rows] / intervals.modelled[rows]
    return ratio


@dataclass(frozen=True)
class _Runs:
    """Neighbouring intervals of each truck: how many runs, and how far their fills scatter."""

    runs_count: Places
    residual_squares: Column
    weights: Column


def _runs(kept: Intervals, scale_index: Column, modelled: Column) -> _Runs:
    """Scatter of the fills about bought = index x modelled, cumulated within each run.

    Let the level after fill k lack e_k of full, independent with variance s2, and x be the part
    of all modelled that lies between the run's first fill and k. The residual of fill k is then
    (1 - x) e_first - e_k + x e_last, less x times the ends of every other run, so that its
    variance is s2 times the weight below; the quotient of both sums estimates s2 without bias.
    """
    count = len(scale_index)
    is_first = np.append(
        True, (np.diff(kept.truck) != 0) | (kept.from_ms[1:] != kept.until_ms[:-1])
    )
    first = np.flatnonzero(is_first[: len(kept.truck)])
    last = np.append(first[1:], len(kept.truck)) - 1 if len(first) else first
    runs_count = np.bincount(kept.truck[first], minlength=count)
    truck = kept.truck
    bought, through = (_cumulated(part, first, last + 1) for part in (kept.bought, kept.modelled))
    residual = bought - scale_index[truck] * through
    x = _quotient(through, modelled[truck])
    of_others = 2.0 * (runs_count[truck] - 1) * x**2
    weight = (1 - x) ** 2 + 1 + x**2 + of_others
    weight[last] = (2 * (1 - x) ** 2 + of_others)[last]
    return _Runs(
        runs_count,
        residual_squares=_sums_by(truck, residual**2, count),
        weights=_sums_by(truck, weight, count),
    )


def _small_sample_factor(freedom_count: Places) -> Column:
    """By how much a spread of so few is widened: NaN below three degrees of freedom.

    Standard deviation of Student's t, sqrt(n / (n - 2)) (JCGM 101:2008, 6.4.9.4).
    """
    is_enough = freedom_count > 2
    return np.sqrt(
        _quotient(freedom_count.astype(np.float64), np.where(is_enough, freedom_count - 2.0, 0.0))
    )


def _spans(
    intervals: Intervals, expected: Column, is_uneven: Flags, count: int
) -> list[list[UnevenSpan]]:
    found: list[list[UnevenSpan]] = [[] for _ in range(count)]
    for row in np.flatnonzero(is_uneven).tolist():
        lacks = intervals.bought[row] < expected[row]
        found[int(intervals.truck[row])].append(
            UnevenSpan(
                from_ms=int(intervals.from_ms[row]),
                until_ms=int(intervals.until_ms[row]),
                code=RECEIPT_MISSING if lacks else FUEL_ELSEWHERE,
                counted_quantity=float(intervals.bought[row]),
                expected_quantity=float(expected[row]),
            )
        )
    return found


def _sums_by(truck: Places, values: Column, count: int) -> Column:
    """Exact sum of each truck, whose rows stand together."""
    first = np.searchsorted(truck, np.arange(count + 1))
    return sums_of_slices(values, first[:-1], first[1:])


def _cumulated(values: Column, first: Places, end: Places) -> Column:
    """Running sums that begin anew with every slice; the slices cover all values."""
    slices = zip(first.tolist(), end.tolist(), strict=True)
    parts = [np.cumsum(values[begin:stop]) for begin, stop in slices]
    return np.concatenate(parts) if parts else values[:0]


def _medians(truck: Places, values: Column, count: int) -> Column:
    """Median of each truck, NaN of one without values."""
    order = np.lexsort((values, truck))
    ordered = np.append(values[order], np.nan)
    first = np.searchsorted(truck[order], np.arange(count + 1))
    sizes = np.diff(first)
    low, high = (first[:-1] + (sizes - 1) // 2, first[:-1] + sizes // 2)
    middle: Column = (ordered[low] + ordered[high]) / 2
    return np.where(sizes > 0, middle, np.nan)


def _quotient(part: Column, whole: Column) -> Column:
    """NaN where there is no whole."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
