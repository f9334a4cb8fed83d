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

from fleet_carbon.legs.candidates import MS_PER_H, Case, Pair, off_plan_h, order_pairs
from fleet_carbon.legs.standing import Standing


@dataclass(frozen=True)
class Proof:
    """What became of one order.

    Attributes
    ----------
    pair : Pair or None
        The standings that prove it, None if not proven.
    reason_code : str
        Why, in snake_case.
    confidence_share : float
        How sure, 0 to 1.
    """

    pair: Pair | None
    reason_code: str
    confidence_share: float


def prove_orders(case: Case) -> list[Proof]:
    """Decide which standings prove each order.

    Parameters
    ----------
    case : Case
        The truck, with the services that may hide in gaps.

    Returns
    -------
    proofs : list of Proof, length n_orders
        In the order of `case.orders`.
    """
    rules = case.rules
    options, reasons = _options(case, rules.plan_error_h)
    chosen = _choose(options, case)
    plan_error_h = _own_plan_error_h(case, chosen)
    if plan_error_h < rules.plan_error_h and not _has_first_choice(options, chosen):
        options, reasons = _options(case, plan_error_h)
        chosen = _choose(options, case)
    proofs = []
    for order, pair in enumerate(chosen):
        if pair is None:
            proofs.append(Proof(None, reasons[order] or "no_consistent_sequence", 0.0))
        elif _never_closed(pair, case):
            # It took part in the choice, so that no other order is given its stops.
            proofs.append(Proof(None, "never_closed", 0.0))
        else:
            sure = float(np.clip(1.0 - pair.cost / (2.0 * rules.cost_unmatched), 0.5, 0.99))
            proofs.append(Proof(pair, _how_proven(pair, case.standing), sure))
    return proofs


def _options(case: Case, plan_error_h: float) -> tuple[list[list[Pair]], list[str]]:
    """The likeliest pairs of each order, and the reason where there is none."""
    options: list[list[Pair]] = []
    reasons: list[str] = []
    for order in range(len(case.orders)):
        pairs, reason = order_pairs(case, order, plan_error_h)
        options.append(pairs)
        reasons.append(reason)
    return options, reasons


def _has_first_choice(options: list[list[Pair]], chosen: list[Pair | None]) -> bool:
    """Whether every order got its cheapest pair: then there was nothing to weigh."""
    return all(pair is pairs[0] for pairs, pair in zip(options, chosen, strict=True) if pairs)


def _own_plan_error_h(case: Case, chosen: list[Pair | None]) -> float:
    """Root mean square by which this truck's proven stops miss their planned times. [h]"""
    proven = [pair for pair in chosen if pair is not None]
    if len(proven) < case.rules.own_plans_min:
        return case.rules.plan_error_h
    order = [pair.order for pair in proven]
    rows = np.array([(pair.pickup, pair.delivery) for pair in proven])
    plan_ms = np.column_stack([case.orders.pickup_ms[order], case.orders.delivery_ms[order]])
    standing = case.standing
    off_h = off_plan_h(standing.arrived_ms[rows], standing.departed_ms[rows], plan_ms).ravel()
    own_h = float(np.sqrt(np.mean(np.square(off_h))))
    return min(max(own_h, case.rules.plan_error_h_min), case.rules.plan_error_h)


def _never_closed(pair: Pair, case: Case) -> bool:
    """The truck came to the place long before the planned time and was never seen to leave it.

    A driver may well sleep at the gate until the morning; so the planned time must also be out of
    all proportion to the drive.
    """
    standing, trace, orders, rules = case.standing, case.trace, case.orders, case.rules
    last = standing.departed_ms[pair.delivery] >= trace.time_ms[-1]
    early_ms = orders.delivery_ms[pair.order] - standing.arrived_ms[pair.delivery]
    transit_ms = standing.arrived_ms[pair.delivery] - standing.departed_ms[pair.pickup]
    planned_ms = orders.delivery_ms[pair.order] - orders.pickup_ms[pair.order]
    quick = transit_ms < rules.never_closed_drive_share * planned_ms
    return bool(last and quick and early_ms > rules.never_closed_h * MS_PER_H)


def _how_proven(pair: Pair, standing: Standing) -> str:
    hidden = [
        end
        for end, row in (("pickup", pair.pickup), ("delivery", pair.delivery))
        if standing.is_hidden[row]
    ]
    return "proven_" + "_and_".join(hidden) + "_in_gap" if hidden else "proven_by_stops"


def _choose(options: list[list[Pair]], case: Case) -> list[Pair | None]:
    """The consistent choice of least cost, one entry per order."""
    chosen: list[Pair | None] = [None] * len(options)
    for group in _independent(options):
        for pair in _choose_in_group(group, case):
            chosen[pair.order] = pair
    return chosen


def _choose_in_group(pairs: list[Pair], case: Case) -> list[Pair]:
    cheapest: dict[int, Pair] = {}
    for pair in pairs:
        cheapest.setdefault(pair.order, pair)
    first_choice = list(cheapest.values())
    if _is_free_of_conflict(first_choice, case):
        return first_choice
    taken = _solve(pairs, case)
    return [pair for pair, is_taken in zip(pairs, taken, strict=True) if is_taken]


def _independent(options: list[list[Pair]]) -> list[list[Pair]]:
    """Pairs in groups whose spans do not touch: each group is a problem of its own."""
    spans = sorted(
        (min(pair.pickup for pair in pairs), max(pair.delivery for pair in pairs), order)
        for order, pairs in enumerate(options)
        if pairs
    )
    groups: list[list[Pair]] = []
    reach = -1
    for first, last, order in spans:
        if first > reach:
            groups.append([])
        groups[-1].extend(options[order])
        reach = max(reach, last)
    return groups


def _is_free_of_conflict(choice: list[Pair], case: Case) -> bool:
    """Whether every order can have its cheapest pair: distinct standings, nothing overloaded.

    Then the choice is optimal: each order costs least and each standing is explained by one.
    """
    cargo_t = case.orders.cargo_t
    pickups, deliveries = {p.pickup for p in choice}, {p.delivery for p in choice}
    if len(pickups) < len(choice) or len(deliveries) < len(choice):
        return False
    first = min(pickups)
    aboard = np.zeros(max(deliveries) - first + 1)
    for pair in choice:
        aboard[pair.pickup - first : pair.delivery - first] += cargo_t[pair.order]
    heaviest = max(float(cargo_t[pair.order]) for pair in choice)
    return bool(aboard.max() <= max(case.capacity_t, heaviest) + 1e-9)


def _solve(pairs: list[Pair], case: Case) -> NDArray[np.bool_]:
    """Integer programme over the pairs: which are taken. shape (n_pairs,)"""
    count = len(pairs)
    explained: dict[tuple[str, int], list[tuple[int, float]]] = {}
    of_order: dict[int, list[tuple[int, float]]] = {}
    for at, pair in enumerate(pairs):
        of_order.setdefault(pair.order, []).append((at, 1.0))
        explained.setdefault(("pickup", pair.pickup), []).append((at, -1.0))
        explained.setdefault(("delivery", pair.delivery), []).append((at, -1.0))
    rows = _Rows(count + len(explained))
    for terms in of_order.values():
        rows.add(terms, 1.0)
    for visit, terms in enumerate(explained.values()):
        rows.add([*terms, (count + visit, 1.0)], 0.0)
    for terms in _loads_aboard(pairs, case):
        rows.add(terms, case.capacity_t)
    cost = [pair.cost - case.rules.cost_unmatched for pair in pairs]
    result = milp(
        np.array(cost + [-case.rules.visit_reward] * len(explained)),
        constraints=rows.constraint(),
        integrality=np.concatenate([np.ones(count), np.zeros(len(explained))]),
        bounds=Bounds(0.0, 1.0),
    )
    if result.x is None:
        raise AssertionError(f"the empty story is always consistent, yet: {result.message}")
    return np.asarray(result.x[:count] > 0.5)


def _loads_aboard(pairs: list[Pair], case: Case) -> list[list[tuple[int, float]]]:
    """Per stretch between two standings, the loads that might be aboard, if they might not fit."""
    standings = sorted({row for pair in pairs for row in (pair.pickup, pair.delivery)})
    slot_of = {row: slot for slot, row in enumerate(standings)}
    aboard: list[list[tuple[int, float]]] = [[] for _ in standings]
    for at, pair in enumerate(pairs):
        # An order heavier than the truck may still travel, alone.
        load = min(float(case.orders.cargo_t[pair.order]), case.capacity_t)
        for slot in range(slot_of[pair.pickup], slot_of[pair.delivery]):
            aboard[slot].append((at, load))
    crowded = [terms for terms in aboard if sum(load for _, load in terms) > case.capacity_t]
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
