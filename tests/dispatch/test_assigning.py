"""The choice against every choice there is, tried one after the other."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.dispatch.assigning import NOBODY, Offers, best_of, one_each

COSTS = st.integers(-50, 200)


def cheapest_by_trying(cost_m: np.ndarray, is_possible: np.ndarray) -> tuple[int, int]:
    """Most orders, and the fewest metres for so many: every way to give orders to trucks."""
    orders, trucks = cost_m.shape
    best = (0, 0)
    for given_to in product(range(-1, trucks), repeat=orders):
        used = [truck for truck in given_to if truck >= 0]
        pairs = [(o, t) for o, t in enumerate(given_to) if t >= 0]
        if len(set(used)) == len(used) and all(is_possible[pair] for pair in pairs):
            best = min(best, (-len(pairs), sum(int(cost_m[pair]) for pair in pairs)))
    return best


@st.composite
def squares(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cost = draw(st.lists(COSTS, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    able = draw(st.lists(st.booleans(), min_size=len(cost), max_size=len(cost)))
    return np.array(cost).reshape(shape), np.array(able).reshape(shape)


@given(squares())
def test_one_order_each_is_the_best_of_all_ways(case: tuple[np.ndarray, np.ndarray]) -> None:
    cost_m, is_possible = case
    truck = one_each(cost_m, is_possible)
    pairs = [(o, int(t)) for o, t in enumerate(truck) if t != NOBODY]
    assert all(is_possible[pair] for pair in pairs)
    assert len({t for _, t in pairs}) == len(pairs)
    found = (-len(pairs), sum(int(cost_m[pair]) for pair in pairs))
    assert found == cheapest_by_trying(cost_m, is_possible)


@given(squares())
def test_the_programme_of_whole_numbers_says_the_same(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    cost_m, is_possible = case
    order, truck = np.nonzero(is_possible)
    offers = Offers(truck, order[:, None], cost_m[order, truck].astype(np.int64))
    choice = best_of(
        offers, orders_count=cost_m.shape[0], trucks_count=cost_m.shape[1], wait_s_max=10
    )
    assert choice.is_best
    assert (-len(choice.taken), choice.cost_m) == cheapest_by_trying(cost_m, is_possible)


@st.composite
def chains(draw: st.DrawFn) -> Offers:
    """Offers of one or two of four orders for three trucks."""
    kinds = [(o, NOBODY) for o in range(4)] + list(combinations(range(4), 2))
    rows = draw(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(kinds), COSTS), max_size=9))
    return Offers(
        np.array([truck for truck, _, _ in rows], dtype=np.intp),
        np.array([kind for _, kind, _ in rows], dtype=np.intp).reshape(-1, 2),
        np.array([cost for _, _, cost in rows], dtype=np.int64),
    )


@given(chains())
def test_chains_are_the_best_of_all_ways(offers: Offers) -> None:
    best = (0, 0)
    for size in range(4):
        for taken in combinations(range(len(offers.truck)), size):
            served = [o for at in taken for o in offers.orders[at].tolist() if o >= 0]
            trucks = [int(offers.truck[at]) for at in taken]
            if len(set(served)) == len(served) and len(set(trucks)) == len(trucks):
                best = min(best, (-len(served), sum(int(offers.cost_m[at]) for at in taken)))
    choice = best_of(offers, orders_count=4, trucks_count=3, wait_s_max=10)
    served_count = int((offers.orders[choice.taken] >= 0).sum())
    assert (-served_count, choice.cost_m) == best


def test_more_orders_come_before_fewer_kilometres() -> None:
    # The near truck for the first order leaves the second without any: 1 and 1,000 are two orders.
    cost_m = np.array([[1, 1000], [1, 5]])
    is_possible = np.array([[True, True], [True, False]])
    assert one_each(cost_m, is_possible).tolist() == [1, 0]


def test_without_time_what_was_found_is_answered_with_its_gap() -> None:
    generator = np.random.default_rng(7)
    pairs = np.sort(generator.integers(0, 300, (6000, 2)), axis=1)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    offers = Offers(
        generator.integers(0, 100, len(pairs)),
        pairs,
        generator.integers(1_000, 500_000, len(pairs)),
    )
    choice = best_of(offers, orders_count=300, trucks_count=100, wait_s_max=0.01)
    orders = offers.orders[choice.taken].ravel()
    assert len(set(orders.tolist())) == len(orders)
    assert not choice.is_best or choice.gap_share == 0
    assert choice.gap_share == pytest.approx(choice.gap_share)
