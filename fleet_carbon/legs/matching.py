"""Prove orders against standings, jointly per truck: the best consistent story, not first come.

A story chooses at most one pair of standings per order. It is consistent if the orders aboard at
any time fit on the truck. Among consistent stories the one of least cost is taken, where an order
left unproven has its price and every stop that an order explains is worth something (else two
orders of one shuttle could share a trip and leave the next one without a purpose). This is a
weighted interval packing, solved exactly as a small integer programme (HiGHS through SciPy).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from fleet_carbon.legs import candidates
from fleet_carbon.legs.columns import Likelihoods, OrderPlans, Pairs, Proofs, Road, Standing


@dataclass(frozen=True)
class Case:
    """What is to be decided for one truck.

    Attributes
    ----------
    standing : Standing
        Where the truck stood or may have stood.
    road : Road
        Its trace.
    plans : OrderPlans
        Its orders that were not cancelled.
    capacity_t : float
        What may be aboard at once. [t]
    rules : Likelihoods
        Costs of the edition.
    """

    standing: Standing
    road: Road
    plans: OrderPlans
    capacity_t: float
    rules: Likelihoods


def prove_orders(case: Case) -> Proofs:
    """Decide which standings prove each order.

    Parameters
    ----------
    case : Case
        The truck, with the services that may hide in gaps.

    Returns
    -------
    proofs : Proofs
        In the order of `case.plans`.
    """
    standing, road, plans, rules = case.standing, case.road, case.plans, case.rules
    visits = candidates.find_visits(standing, road, plans, rules)
    pairs = candidates.weigh_pairs(standing, road, plans, visits, rules.plan_error_h, rules)
    chosen = _choose(pairs, case)
    own_h = candidates.own_plan_error_h(standing, plans, pairs, chosen, rules)
    if own_h < rules.plan_error_h and not _has_first_choice(pairs, chosen):
        pairs = candidates.weigh_pairs(standing, road, plans, visits, own_h, rules)
        chosen = _choose(pairs, case)
    proofs: Proofs = candidates.prove(standing, plans, pairs, chosen, int(road.time_ms[-1]), rules)
    return proofs


def _has_first_choice(pairs: Pairs, chosen: NDArray[np.int64]) -> bool:
    """Whether every order got its cheapest pair: then there was nothing to weigh."""
    first = pairs.first[:-1]
    return bool(((chosen == first) | (first == pairs.first[1:])).all())


def _choose(pairs: Pairs, case: Case) -> NDArray[np.int64]:
    """The consistent choice of least cost: row of the pair of each order, -1 for none."""
    order, first = candidates.group_orders(pairs)
    chosen: NDArray[np.int64]
    chosen, is_free = candidates.take_first_choices(
        pairs, order, first, case.plans.cargo_t, case.capacity_t
    )
    for group in np.flatnonzero(~is_free):
        members = order[first[group] : first[group + 1]]
        begins, ends = pairs.first[members], pairs.first[members + 1]
        rows = np.concatenate([np.arange(a, b) for a, b in zip(begins, ends, strict=True)])
        of_row = np.repeat(members, ends - begins)
        taken = _solve(pairs, rows, of_row, case)
        chosen[of_row[taken]] = rows[taken]
    return chosen


def _solve(
    pairs: Pairs, rows: NDArray[np.int64], order: NDArray[np.int64], case: Case
) -> NDArray[np.bool_]:
    """Integer programme over some pairs: which are taken. shape (n_rows,)"""
    count = len(rows)
    pickup, delivery = pairs.pickup[rows].tolist(), pairs.delivery[rows].tolist()
    explained: dict[tuple[int, int], list[tuple[int, float]]] = {}
    of_order: dict[int, list[tuple[int, float]]] = {}
    for at, one in enumerate(order.tolist()):
        of_order.setdefault(one, []).append((at, 1.0))
        explained.setdefault((0, pickup[at]), []).append((at, -1.0))
        explained.setdefault((1, delivery[at]), []).append((at, -1.0))
    system = _Rows(count + len(explained))
    for terms in of_order.values():
        system.add(terms, 1.0)
    for visit, terms in enumerate(explained.values()):
        system.add([*terms, (count + visit, 1.0)], 0.0)
    # An order heavier than the truck may still travel, alone.
    loads_t = np.minimum(case.plans.cargo_t[order], case.capacity_t).tolist()
    for terms in _loads_aboard(pickup, delivery, loads_t, case.capacity_t):
        system.add(terms, case.capacity_t)
    reward = np.full(len(explained), -case.rules.visit_reward)
    result = milp(
        np.concatenate([pairs.cost[rows] - case.rules.cost_unmatched, reward]),
        constraints=system.constraint(),
        integrality=np.concatenate([np.ones(count), np.zeros(len(explained))]),
        bounds=Bounds(0.0, 1.0),
    )
    if result.x is None:
        raise AssertionError(f"the empty story is always consistent, yet: {result.message}")
    return np.asarray(result.x[:count] > 0.5)


def _loads_aboard(
    pickup: list[int], delivery: list[int], loads_t: list[float], capacity_t: float
) -> list[list[tuple[int, float]]]:
    """Per stretch between two standings, the loads that might be aboard, if they might not fit."""
    slot_of = {row: slot for slot, row in enumerate(sorted({*pickup, *delivery}))}
    aboard: list[list[tuple[int, float]]] = [[] for _ in slot_of]
    for at, load_t in enumerate(loads_t):
        for slot in range(slot_of[pickup[at]], slot_of[delivery[at]]):
            aboard[slot].append((at, load_t))
    crowded = [terms for terms in aboard if sum(load_t for _, load_t in terms) > capacity_t]
    return [terms for at, terms in enumerate(crowded) if at == 0 or terms != crowded[at - 1]]


class _Rows:
    """Rows of a sparse system `A x <= b`, collected one by one."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._at: list[tuple[int, int]] = []
        self._value: list[float] = []
        self._upper: list[float] = []

    def add(self, terms: list[tuple[int, float]], upper: float) -> None:
        if not terms:
            return
        self._at.extend((len(self._upper), column) for column, _ in terms)
        self._value.extend(value for _, value in terms)
        self._upper.append(upper)

    def constraint(self) -> LinearConstraint:
        row, column = np.array(self._at).T
        matrix = coo_array((self._value, (row, column)), shape=(len(self._upper), self._columns))
        return LinearConstraint(matrix.tocsc(), -np.inf, np.array(self._upper))
