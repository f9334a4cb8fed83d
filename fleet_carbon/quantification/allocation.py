"""Litres of legs to the orders that were aboard, approach included; and whole numbers to parts.

A leg's diesel goes to the orders aboard by their tonne-kilometres on it. The empty way to a
pick-up goes to the load it was driven for (NTM practice; methodology note, section 1.2), by mass
if several were loaded at once. Empty running without a following load stays with the truck.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_Figures = NDArray[np.float64]
_Places = NDArray[np.intp]
_Keys = NDArray[np.int64]
_Counts = NDArray[np.int64]


def allocate_diesel(legs: pd.DataFrame, leg_orders: pd.DataFrame) -> pd.Series[float]:
    """Diesel that fell to each order, its legs and its approach.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` with `diesel_l`, any order.
    leg_orders : DataFrame
        `frames.LEG_ORDERS`.

    Returns
    -------
    diesel_l : Series of float
        By order_id; NaN where the diesel of a leg is missing. Never more in sum than the legs
        burnt. [l]
    """
    leg_key, row_key, span = moment_keys(legs, leg_orders)
    order, order_ids = pd.factorize(leg_orders["order_id"], sort=True)
    place = pd.Index(leg_key).get_indexer(pd.Index(row_key))
    rows = np.lexsort((order, row_key))
    rows = rows[place[rows] >= 0]
    leg, order = place[rows], order[rows]
    cargo_t, onboard_km = (
        leg_orders[name].to_numpy(np.float64)[rows] for name in ("cargo_t", "onboard_km")
    )
    on_leg_l = legs["diesel_l"].to_numpy(np.float64)[leg] * parts_of_group(
        leg, cargo_t * onboard_km
    )
    # The approach goes to what was loaded now: orders on no leg of the truck before.
    on_truck = row_key[rows] // span * len(order_ids) + order
    is_loaded = ~pd.Series(on_truck).duplicated().to_numpy()
    loaded = leg[is_loaded]
    approach_l = _approach_l(legs, leg_key, span, leg)[loaded] * parts_of_group(
        loaded, cargo_t[is_loaded]
    )
    count = len(order_ids)
    booked = np.bincount(order, on_leg_l, count) + np.bincount(order[is_loaded], approach_l, count)
    is_aboard = np.bincount(order, minlength=count) > 0
    return pd.Series(np.where(is_aboard, booked, np.nan), index=order_ids)


def moment_keys(legs: pd.DataFrame, leg_orders: pd.DataFrame) -> tuple[_Keys, _Keys, int]:
    """Truck and moment of every row as one number, truck first; and how far trucks lie apart.

    Parameters
    ----------
    legs, leg_orders : DataFrame
        With `vehicle_id` and `started_at`.
    """
    both = [rows[["vehicle_id", "started_at"]] for rows in (legs, leg_orders)]
    stacked = pd.concat(both, ignore_index=True)
    vehicle, _ = pd.factorize(stacked["vehicle_id"])
    moment = stacked["started_at"].astype("int64").to_numpy()
    first = moment.min(initial=np.iinfo(np.int64).max)
    span = int(moment.max(initial=first) - first) + 1
    key = vehicle * span + (moment - first)
    return key[: len(legs)], key[len(legs) :], span


def _approach_l(
    legs: pd.DataFrame, leg_key: _Keys, span: int, leg_with_orders: _Places
) -> _Figures:
    """Per leg, what its truck burnt on empty legs since the last one with orders. [l]"""
    in_turn = np.argsort(leg_key, kind="stable")
    has_orders = np.zeros(len(legs), dtype=bool)
    has_orders[leg_with_orders] = True
    begins = np.ones(len(legs), dtype=bool)
    begins[1:] = (np.diff(leg_key[in_turn] // span) != 0) | has_orders[in_turn[:-1]]
    way = np.empty(len(legs), dtype=np.intp)
    way[in_turn] = np.cumsum(begins) - 1
    is_empty = ((legs["state"] == "empty") & (legs["purpose"] != "private")).to_numpy(bool)
    driven = in_turn[(is_empty & ~has_orders)[in_turn]]
    litres = legs["diesel_l"].to_numpy(np.float64)
    since = np.bincount(way[driven], litres[driven], minlength=len(legs))
    return np.asarray(since[way], dtype=np.float64)


def legs_for_orders(
    legs: pd.DataFrame, leg_orders: pd.DataFrame
) -> tuple[_Places, _Places, _Figures, NDArray[np.object_]]:
    """Which part of each leg was driven for which order: aboard, on the way to it, or after it.

    Several orders aboard share a leg by their tonne-kilometres on it; a leg without orders is
    driven for those of the next leg of its truck with some, else of the last before.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS`, any order.
    leg_orders : DataFrame
        `frames.LEG_ORDERS`.

    Returns
    -------
    leg, order : ndarray of int, shape (n_rows,)
        Places in `legs` and in `order_ids`; order -1 is none.
    share : ndarray of float, shape (n_rows,)
        The part of the leg; those of one leg add up to 1.
    order_ids : ndarray of str
        Sorted. The rows are in order of truck and time, whatever the order given.
    """
    leg_key, row_key, span = moment_keys(legs, leg_orders)
    order, order_ids = pd.factorize(leg_orders["order_id"], sort=True)
    in_turn = np.argsort(leg_key, kind="stable")
    turn = np.empty(len(legs), dtype=np.intp)
    turn[in_turn] = np.arange(len(legs))
    place = pd.Index(leg_key).get_indexer(pd.Index(row_key))
    rows = np.flatnonzero(place >= 0)
    rows = rows[np.lexsort((order[rows], turn[place[rows]]))]
    aboard = turn[place[rows]]
    cargo_t, onboard_km = (
        leg_orders[name].to_numpy(np.float64)[rows] for name in ("cargo_t", "onboard_km")
    )
    part = parts_of_group(aboard, cargo_t * onboard_km)
    count = np.bincount(aboard, minlength=len(legs))
    first = np.cumsum(count) - count
    target = _targets(leg_key[in_turn] // span, count > 0)
    # Each leg once for every order of the leg it leads to; once for nothing without such a leg.
    repeats = np.where(target >= 0, count[target], 1)
    of = np.repeat(np.arange(len(legs)), repeats)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    source = np.where(target[of] >= 0, first[target[of]] + nth, -1)
    codes, parts = np.append(order[rows], -1), np.append(part, 1.0)
    return in_turn[of], codes[source], parts[source], np.asarray(order_ids, dtype=object)


def _targets(truck: NDArray[np.int64], has_orders: NDArray[np.bool_]) -> _Places:
    """For legs in turn the next leg of the truck with orders, else the last before it, else -1."""
    count = len(truck)
    at = np.arange(count)
    ahead = np.minimum.accumulate(np.where(has_orders, at, count)[::-1])[::-1]
    behind = np.maximum.accumulate(np.where(has_orders, at, -1))
    is_ahead = (ahead < count) & (truck[np.minimum(ahead, count - 1)] == truck)
    is_behind = (behind >= 0) & (truck[behind] == truck)
    return np.where(is_ahead, ahead, np.where(is_behind, behind, -1)).astype(np.intp)


def parts_of_group(group: _Places, weight: _Figures) -> _Figures:
    """Each row's part of its group by weight; equal parts where all weights are zero."""
    whole, rows = np.bincount(group, weight)[group], np.bincount(group)[group]
    return np.where(whole > 0, weight, 1.0) / np.where(whole > 0, whole, rows)


def apportioned(whole: _Counts, group: _Places, weight: _Figures) -> _Counts:
    """Whole numbers split by weights so that the parts add up to them: the largest remainder.

    Parameters
    ----------
    whole : ndarray of int, shape (n_groups,)
        What is split in each group, not negative.
    group : ndarray of int, shape (n_rows,)
        The group of each row.
    weight : ndarray of float, shape (n_rows,)
        Not negative. Rows of a group without any weight get nothing, and nothing of it is split.

    Returns
    -------
    parts : ndarray of int, shape (n_rows,)
        None differs from its exact part by a whole one. Of equal remainders the first row gets
        more.

    Examples
    --------
    >>> apportioned(np.array([10]), np.zeros(3, np.intp), np.ones(3)).tolist()
    [4, 3, 3]
    """
    total = np.bincount(group, weight, len(whole))
    share = np.divide(weight, total[group], out=np.zeros(len(group)), where=total[group] > 0)
    exact = whole[group] * share
    parts = np.floor(exact).astype(np.int64)
    given = np.zeros(len(whole), dtype=np.int64)
    np.add.at(given, group, parts)
    left = np.where(total > 0, whole - given, 0)
    in_turn = np.lexsort((parts - exact, group))
    begins = np.searchsorted(group[in_turn], np.arange(len(whole)))
    turn = np.arange(len(group)) - begins[group[in_turn]]
    parts[in_turn] += turn < left[group[in_turn]]
    return parts
