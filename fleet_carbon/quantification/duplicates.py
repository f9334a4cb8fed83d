"""Purchases told twice: by a fuel card and by a driver's app, or by two files of one kind."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import epoch_ms

_MS_PER_H = 3_600_000
_DAY_H = 24
# What a record may tell beside quantity and moment; the fuller one of two is kept.
_TELLING = ("receipt_id", "place_lon", "odometer_km", "price", "product", "is_full")

Places = NDArray[np.int64]
Column = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class _Records:
    """Purchases in order of truck and moment, arrays of shape (n,)."""

    truck: Places
    at_ms: Places
    day: NDArray[np.object_]
    is_hour_known: Flags
    quantity: Column
    number: NDArray[np.object_]
    shape: NDArray[np.object_]
    fullness: Places

    def take(self, rows: Places) -> _Records:
        return _Records(**{name: column[rows] for name, column in vars(self).items()})


def told_before(
    purchases: pd.DataFrame, quantity: Column, *, apart_h_max: float, same_share: float
) -> Places:
    """Find for each purchase the row that tells it better, -1 where there is none.

    Two records of one truck are one purchase if the quantity is the same, rounded or not, and
    they lie within the hours, or carry the same number within a day, or one of them tells only
    the day. Two different numbers of one form come from one source, which does not tell a
    purchase twice: they are two purchases.

    Parameters
    ----------
    purchases : DataFrame
        Columns of `frames.PURCHASES` and `local_day`, the day of the moment in the fleet's zone.
    quantity : ndarray of float, shape (n,)
        As read, in one unit for each truck.
    apart_h_max : float
        [h]
    same_share : float
        Quantities that differ by at most this share are the same.

    Returns
    -------
    better : ndarray of int, shape (n,)
        Place of the record that is kept: the fuller one, of equal ones the earlier.
    """
    records = _records(purchases, quantity)
    order = np.lexsort((-records.fullness, records.at_ms, records.truck))
    ordered = records.take(order)
    better = np.full(len(order), -1, dtype=np.int64)
    for lag in range(1, len(order)):
        first = np.arange(len(order) - lag)
        one, other = ordered.take(first), ordered.take(first + lag)
        is_near = (one.truck == other.truck) & (other.at_ms - one.at_ms <= _DAY_H * _MS_PER_H)
        if not is_near.any():
            break
        is_same = is_near & _same(one, other, apart_h_max=apart_h_max, same_share=same_share)
        keeps_first = one.fullness >= other.fullness
        for loser, winner, rows in (
            (first + lag, first, is_same & keeps_first),
            (first, first + lag, is_same & ~keeps_first),
        ):
            fresh = rows & (better[loser] < 0)
            better[loser[fresh]] = winner[fresh]
    found = np.full(len(order), -1, dtype=np.int64)
    found[order] = np.where(better >= 0, order[better], -1)
    return found


def _same(one: _Records, other: _Records, *, apart_h_max: float, same_share: float) -> Flags:
    largest = np.maximum(one.quantity, other.quantity)
    is_same_quantity = np.abs(one.quantity - other.quantity) <= same_share * largest
    has_both_numbers = (one.number != "") & (other.number != "")
    is_same_number = has_both_numbers & (one.number == other.number)
    is_one_source = has_both_numbers & ~is_same_number & (one.shape == other.shape)
    is_close = other.at_ms - one.at_ms <= apart_h_max * _MS_PER_H
    tells_a_day = (one.is_hour_known != other.is_hour_known) & (one.day == other.day)
    return np.asarray(is_same_quantity & ~is_one_source & (is_same_number | is_close | tells_a_day))


def _records(purchases: pd.DataFrame, quantity: Column) -> _Records:
    number = purchases["receipt_id"].fillna("").to_numpy(dtype=object)
    forms = {one: re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", one)) for one in set(number)}
    told = np.stack([purchases[name].notna().to_numpy(bool) for name in _TELLING])
    is_exact = quantity != np.round(quantity)
    is_hour_known = purchases["is_hour_known"].to_numpy(bool)
    return _Records(
        truck=pd.factorize(purchases["vehicle_id"])[0].astype(np.int64),
        at_ms=epoch_ms(purchases["bought_at"]),
        day=purchases["local_day"].to_numpy(dtype=object),
        is_hour_known=is_hour_known,
        quantity=quantity,
        number=number,
        shape=np.array([forms[one] for one in number], dtype=object),
        fullness=told.sum(axis=0).astype(np.int64) + is_exact + is_hour_known,
    )
