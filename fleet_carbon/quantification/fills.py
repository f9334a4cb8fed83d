"""Fills of a month in order, and how much the model gives between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import epoch_ms

FULL, NOT_TOLD, PARTIAL = 1, 0, -1
_MS_PER_H = 3_600_000

Column = NDArray[np.float64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fills:
    """Fills of all trucks in order of truck and moment; purchases of one stop are one fill.

    Arrays of shape (n_fills,): place of the truck, moment [ms], bought, flag (`FULL`, ...),
    whether the hour is known, and modelled since the month began.
    """

    truck: Places
    at_ms: Places
    bought: Column
    flag: Places
    is_timed: Flags
    modelled: Column

    def take(self, rows: Flags | Places) -> Fills:
        """These fills."""
        return Fills(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Intervals:
    """From one bounding fill to the next, arrays of shape (n_intervals,), in order."""

    truck: Places
    from_ms: Places
    until_ms: Places
    bought: Column
    modelled: Column

    def contain(self, truck: Places, at_ms: Places) -> Flags:
        """Which intervals some moment of their truck lies in, the last of them included."""
        is_hit = np.zeros(len(self.truck), dtype=np.bool_)
        for one, moment_ms in zip(truck.tolist(), at_ms.tolist(), strict=True):
            is_inside = (self.from_ms < moment_ms) & (moment_ms <= self.until_ms)
            is_hit |= is_inside & (self.truck == one)
        return is_hit

    def take(self, rows: Flags) -> Intervals:
        """These intervals."""
        return Intervals(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Curve:
    """Modelled quantity cumulated over the legs of each truck, in order of truck and departure.

    Arrays of shape (n_legs,): place of the truck, departure and arrival [ms], modelled on the
    leg, and before it.
    """

    truck: Places
    started_ms: Places
    finished_ms: Places
    modelled: Column
    before: Column
    totals: tuple[float, ...]

    @classmethod
    def of_legs(cls, legs: pd.DataFrame, modelled: Column, names: Sequence[str]) -> Curve:
        """Of the trucks of these names, by their place among them; each has a leg."""
        truck = _places(legs["vehicle_id"], names)
        started_ms, finished_ms = epoch_ms(legs["started_at"]), epoch_ms(legs["finished_at"])
        order = np.lexsort((finished_ms, started_ms, truck))
        order = order[truck[order] >= 0]
        truck, litres = truck[order], modelled[order]
        first = np.searchsorted(truck, np.arange(len(names) + 1)).tolist()
        parts = [litres[begin:end] for begin, end in pairwise(first)]
        before = [np.concatenate([[0.0], np.cumsum(part)[:-1]]) for part in parts]
        return cls(
            truck,
            started_ms[order],
            finished_ms[order],
            litres,
            np.concatenate(before),
            tuple(math.fsum(part.tolist()) for part in parts),
        )

    def at(self, truck: Places, moment_ms: Places) -> Column:
        """Modelled from the beginning to these moments: even over a leg, all of it at its end."""
        earliest = min(int(self.started_ms.min()), int(moment_ms.min(initial=2**62)))
        latest = max(int(self.started_ms.max()), int(moment_ms.max(initial=0)))
        span = latest - earliest + 1
        known = self.truck * span + (self.started_ms - earliest)
        leg = np.searchsorted(known, truck * span + (moment_ms - earliest), side="right") - 1
        is_underway = (leg >= 0) & (self.truck[leg] == truck)
        lasted_ms = np.maximum(self.finished_ms[leg] - self.started_ms[leg], 1)
        since_ms = moment_ms - self.started_ms[leg]
        share = np.where(self.finished_ms[leg] <= moment_ms, 1.0, since_ms / lasted_ms)
        litres: Column = np.where(is_underway, self.before[leg] + share * self.modelled[leg], 0.0)
        return litres


def fills_of(
    counted: pd.DataFrame, names: Sequence[str], curve: Curve, *, same_stop_h_max: float
) -> Fills:
    """The counted purchases in order, those no farther apart than a stop put together.

    Parameters
    ----------
    counted : DataFrame
        Counted rows of `frames.RECEIPTS`.
    names : sequence of str
        The trucks wanted.
    curve : Curve
        Of the same trucks.
    same_stop_h_max : float
        Purchases no farther apart are one fill. [h]
    """
    truck, at_ms = places_of(counted, names)
    bought = counted["counted_quantity"].to_numpy(np.float64)
    order = np.lexsort((bought, at_ms, truck))
    order = order[truck[order] >= 0]
    is_full, is_partial = (counted["is_full"] == said for said in (True, False))
    told = np.select([is_full.fillna(False), is_partial.fillna(False)], [FULL, PARTIAL], NOT_TOLD)
    flag = told[order]
    is_timed = counted["is_hour_known"].to_numpy(bool)[order]
    truck, at_ms, bought = truck[order], at_ms[order], bought[order]
    apart_ms = np.diff(at_ms, prepend=at_ms[:1])
    is_same_stop = (np.diff(truck, prepend=-1) == 0) & is_timed & np.roll(is_timed, 1)
    is_same_stop &= apart_ms <= same_stop_h_max * _MS_PER_H
    first = np.flatnonzero(~is_same_stop)
    last = np.append(first[1:], len(truck)) - 1
    # Full after any of them is full; partial only if none says more.
    flags = np.where(
        np.maximum.reduceat(flag, first) == FULL, FULL, np.minimum.reduceat(flag, first)
    )
    return Fills(
        truck=truck[first],
        at_ms=at_ms[last],
        bought=sums_of_slices(bought, first, last + 1),
        flag=flags,
        is_timed=is_timed[first],
        modelled=curve.at(truck[first], at_ms[last]),
    )


def intervals_of(fills: Fills, is_flagged: Flags) -> Intervals:
    """What lies between the fills that bound intervals.

    These are the fills flagged full where a truck is marked in `is_flagged`, of shape
    (n_trucks,), and else all that are not flagged partial. Others are bought on the way.
    """
    bounds = np.where(is_flagged[fills.truck], fills.flag == FULL, fills.flag >= NOT_TOLD)
    places = np.flatnonzero(bounds & fills.is_timed).astype(np.int64)
    ends = fills.take(places)
    is_next = ends.truck[1:] == ends.truck[:-1]
    bought = sums_of_slices(fills.bought, places[:-1] + 1, places[1:] + 1)
    found = Intervals(
        truck=ends.truck[1:],
        from_ms=ends.at_ms[:-1],
        until_ms=ends.at_ms[1:],
        bought=bought,
        modelled=np.diff(ends.modelled),
    )
    return found.take(is_next)


def places_of(receipts: pd.DataFrame, names: Sequence[str]) -> tuple[Places, Places]:
    """Place of each truck among the names, -1 if it is none of them, and when it was filled."""
    return _places(receipts["vehicle_id"], names), epoch_ms(receipts["fuelled_at"])


def _places(vehicle_ids: pd.Series[Any], names: Sequence[str]) -> Places:
    """Place of each identifier among the names, -1 if it is none of them."""
    return np.asarray(pd.Index(names).get_indexer(pd.Index(vehicle_ids)), dtype=np.int64)


def sums_of_slices(values: Column, first: Places, end: Places) -> Column:
    """Exact sums of slices, rounded once, so that nothing beside them matters."""
    listed = values.tolist()
    slices = zip(first.tolist(), end.tolist(), strict=True)
    return np.array([math.fsum(listed[begin:stop]) for begin, stop in slices], dtype=np.float64)
