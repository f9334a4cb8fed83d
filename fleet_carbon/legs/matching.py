"""Prove orders against standings, jointly per truck: the best consistent story, not first come.

A story chooses at most one pair of standings per order. It is consistent if the orders aboard at
any time fit on the truck. Among consistent stories the one of least cost is taken, where an order
left unproven has its price and every stop that an order explains is worth something (else two
orders of one shuttle could share a trip and leave the next one without a purpose). This is a
weighted interval packing. It is solved exactly: by following all ways that matter where they are
few, else as an integer programme (HiGHS through SciPy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.legs import candidates
from fleet_carbon.legs.columns import Likelihoods, OrderPlans, Pairs, Proofs, Road, Standing
from fleet_carbon.legs.packing import Choices, pack

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

# Beyond that many ways at once an integer programme is quicker; either finds the same gain.
_WAYS_MAX = 1000


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
    order, begins = candidates.group_orders(pairs)
    chosen: NDArray[np.int64]
    chosen, is_free = candidates.take_first_choices(
        pairs, order, begins, case.plans.cargo_t, case.capacity_t
    )
    for group in np.flatnonzero(~is_free):
        members = order[begins[group] : begins[group + 1]]
        sizes = pairs.first[members + 1] - pairs.first[members]
        first = np.concatenate([[0], np.cumsum(sizes)])
        rows = np.repeat(pairs.first[members] - first[:-1], sizes) + np.arange(first[-1])
        choices = _choices(pairs, rows, first, np.repeat(members, sizes), case)
        taken = pack(choices, _WAYS_MAX)
        if len(taken) == 0:
            taken = _solve(choices)
        chosen[members] = np.where(taken >= 0, rows[taken], -1)
    return chosen


def _choices(
    pairs: Pairs,
    rows: NDArray[np.int64],
    first: NDArray[np.int64],
    order: NDArray[np.int64],
    case: Case,
) -> Choices:
    """Some pairs of some orders as a problem of its own; `order` is that of each row."""
    ends = np.concatenate([pairs.pickup[rows], pairs.delivery[rows]])
    slots = np.unique(ends, return_inverse=True)[1].astype(np.int64)
    return Choices(
        first=first,
        pickup=slots[: len(rows)],
        delivery=slots[len(rows) :],
        # An order heavier than the truck may still travel, alone.
        load_t=np.minimum(case.plans.cargo_t[order], case.capacity_t),
        gain=case.rules.cost_unmatched - pairs.cost[rows],
        capacity_t=case.capacity_t,
        reward=case.rules.visit_reward,
    )


def _solve(choices: Choices) -> NDArray[np.int64]:
    """The pair of each order by an integer programme, -1 for none. shape (n_orders,)"""
    # Not at the top: it is hardly ever needed, and takes a tenth of the memory of all imports.
    from scipy.optimize import Bounds, milp

    count, orders_count = len(choices.gain), len(choices.first) - 1
    order = np.repeat(np.arange(orders_count), np.diff(choices.first))
    pickup, delivery = choices.pickup.tolist(), choices.delivery.tolist()
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
    for terms in _loads_aboard(pickup, delivery, choices):
        system.add(terms, choices.capacity_t)
    result = milp(
        -np.concatenate([choices.gain, np.full(len(explained), choices.reward)]),
        constraints=system.constraint(),
        integrality=np.concatenate([np.ones(count), np.zeros(len(explained))]),
        bounds=Bounds(0.0, 1.0),
    )
    if result.x is None:
        raise AssertionError(f"the empty story is always consistent, yet: {result.message}")
    taken = np.full(orders_count, -1, dtype=np.int64)
    rows = np.flatnonzero(result.x[:count] > 0.5)
    taken[order[rows]] = rows
    return taken


def _loads_aboard(
    pickup: list[int], delivery: list[int], choices: Choices
) -> list[list[tuple[int, float]]]:
    """Per stretch between two standings, the loads that might be aboard, if they might not fit."""
    aboard: list[list[tuple[int, float]]] = [[] for _ in range(max(delivery) + 1)]
    for at, load_t in enumerate(choices.load_t.tolist()):
        for slot in range(pickup[at], delivery[at]):
            aboard[slot].append((at, load_t))
    crowded = [terms for terms in aboard if sum(load_t for _, load_t in terms) > choices.capacity_t]
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
        from scipy.optimize import LinearConstraint
        from scipy.sparse import coo_array

        row, column = np.array(self._at).T
        matrix = coo_array((self._value, (row, column)), shape=(len(self._upper), self._columns))
        return LinearConstraint(matrix.tocsc(), -np.inf, np.array(self._upper))
