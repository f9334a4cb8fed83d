"""Litres of legs to the orders that were aboard, approach included.

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


def parts_of_group(group: _Places, weight: _Figures) -> _Figures:
    """Each row's part of its group by weight; equal parts where all weights are zero."""
    whole, rows = np.bincount(group, weight)[group], np.bincount(group)[group]
    return np.where(whole > 0, weight, 1.0) / np.where(whole > 0, whole, rows)
