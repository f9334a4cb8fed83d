"""The choice of who drives what: as many orders as possible, then as few kilometres as possible.

Kilometres are whole metres, so that sums are exact and the same input gives the same choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp
from scipy.sparse import csr_array, vstack

Places = NDArray[np.intp]
Metres = NDArray[np.int64]

NOBODY = -1
_TIME_LIMIT = 1  # of `milp`: it stopped for the time


@dataclass(frozen=True)
class Offers:
    """What could be done: a truck takes some orders at once or one after the other.

    Attributes
    ----------
    truck : ndarray of int, shape (n,)
        Who.
    orders : ndarray of int, shape (n, k)
        What, -1 where it is fewer than k.
    cost_m : ndarray of int, shape (n,)
        Kilometres beyond the orders' own ways, below 0 where ways are shared. [m]
    """

    truck: Places
    orders: Places
    cost_m: Metres


@dataclass(frozen=True)
class Choice:
    """The offers that are taken.

    Attributes
    ----------
    taken : ndarray of int
        Places of the offers, ascending.
    cost_m : int
        Their kilometres. [m]
    bound_m : float
        No choice of as many orders has fewer. [m]
    is_best : bool
        Whether it is proven that none is better.
    """

    taken: Places
    cost_m: int
    bound_m: float
    is_best: bool

    @property
    def gap_share(self) -> float:
        """How much better another choice could be at most, per kilometres of this one."""
        if self.is_best or self.cost_m == 0:
            return 0.0
        return max(0.0, (self.cost_m - self.bound_m) / abs(self.cost_m))


def one_each(cost_m: Metres, is_possible: NDArray[np.bool_]) -> Places:
    """The truck of each order where every truck takes one order at most; -1 where none is left.

    Every pair is looked at and none is left out, so that the choice is the best there is.

    Parameters
    ----------
    cost_m : ndarray of int, shape (n_orders, n_trucks)
        Kilometres beyond the order's own way. [m]
    is_possible : ndarray of bool, shape (n_orders, n_trucks)
        Whether the truck can take the order.

    Notes
    -----
    Each order may go to nobody at a price above all kilometres there could be, so that the number
    of orders comes first. The matrix of an assignment is totally unimodular: the optimum of its
    linear programme is one of whole numbers (Birkhoff 1946), and the shortest augmenting paths of
    `scipy.optimize.linear_sum_assignment` (Crouse 2016) find it. Prices are whole numbers below
    2^53, so doubles hold every sum exactly.

    Examples
    --------
    >>> one_each(np.array([[1, 2], [1, 9]]), np.ones((2, 2), dtype=bool)).tolist()
    [1, 0]
    """
    orders_count, trucks_count = cost_m.shape
    if orders_count == 0 or not is_possible.any():
        return np.full(orders_count, NOBODY, dtype=np.intp)
    most_m = int(np.abs(cost_m[is_possible]).max())
    # More than any two choices can differ by.
    unserved = 2 * most_m * (orders_count + 1) + 1
    never = unserved * (orders_count + 1)
    prices = np.full((orders_count, trucks_count + orders_count), unserved, dtype=np.float64)
    prices[:, :trucks_count] = np.where(is_possible, cost_m, never)
    _, truck = linear_sum_assignment(prices)
    return np.where(truck < trucks_count, truck, NOBODY).astype(np.intp)


def best_of(offers: Offers, *, orders_count: int, trucks_count: int, wait_s_max: float) -> Choice:
    """The best choice among offers, each truck and each order in one of them at most.

    Parameters
    ----------
    offers : Offers
        All that is allowed.
    orders_count, trucks_count : int
        How many there are.
    wait_s_max : float
        For how long is looked; what was found by then is answered, and how much better another
        could be. [s]

    Notes
    -----
    Set packing, first for the number of orders, then for the kilometres with that number held:
    two mixed integer programmes for HiGHS (Huangfu and Hall 2018) through `scipy.optimize.milp`.
    """
    count = len(offers.truck)
    if count == 0:
        return Choice(np.zeros(0, dtype=np.intp), 0, 0.0, True)
    size = (offers.orders >= 0).sum(axis=1)
    rules = _each_once(offers, orders_count, trucks_count)
    first, is_sure = _solved(-size.astype(np.float64), [rules], wait_s_max / 2)
    served_count = int(size[first].sum())
    held = LinearConstraint(csr_array(size[None, :].astype(np.float64)), served_count, np.inf)
    cost_m = offers.cost_m.astype(np.float64)
    best, is_best, bound_m = _cheapest(cost_m, [rules, held], wait_s_max / 2, otherwise=first)
    return Choice(best, int(offers.cost_m[best].sum()), bound_m, is_best and is_sure)


def _each_once(offers: Offers, orders_count: int, trucks_count: int) -> LinearConstraint:
    column, place = np.nonzero(offers.orders >= 0)
    rows = offers.orders[column, place]
    of_orders = csr_array(
        (np.ones(len(rows)), (rows, column)), shape=(orders_count, len(offers.truck))
    )
    of_trucks = csr_array(
        (np.ones(len(offers.truck)), (offers.truck, np.arange(len(offers.truck)))),
        shape=(trucks_count, len(offers.truck)),
    )
    return LinearConstraint(vstack([of_orders, of_trucks]), -np.inf, 1.0)


def _solved(
    prices: NDArray[np.float64], rules: list[LinearConstraint], wait_s_max: float
) -> tuple[Places, bool]:
    found = _asked(prices, rules, wait_s_max)
    if found.x is None:  # nothing was found in time: nothing is always allowed
        return np.zeros(0, dtype=np.intp), False
    return np.flatnonzero(found.x > 0.5), found.status != _TIME_LIMIT


def _cheapest(
    prices: NDArray[np.float64],
    rules: list[LinearConstraint],
    wait_s_max: float,
    *,
    otherwise: Places,
) -> tuple[Places, bool, float]:
    found = _asked(prices, rules, wait_s_max)
    bound = getattr(found, "mip_dual_bound", None)
    bound_m = float(bound) if bound is not None else -np.inf
    if found.x is None:
        return otherwise, False, bound_m
    return np.flatnonzero(found.x > 0.5), found.status != _TIME_LIMIT, bound_m


def _asked(prices: NDArray[np.float64], rules: list[LinearConstraint], wait_s_max: float) -> Any:
    return milp(
        prices,
        constraints=rules,
        integrality=np.ones(len(prices), dtype=np.int64),
        bounds=Bounds(0.0, 1.0),
        options={"time_limit": wait_s_max, "mip_rel_gap": 0.0},
    )
