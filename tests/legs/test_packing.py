"""The choice among competing orders, held against trying everything out."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from fleet_carbon.legs.matching import _solve
from fleet_carbon.legs.packing import Choices, pack

WAYS_MAX = 1000


def choices(
    pairs: list[list[tuple[int, int, float]]], loads_t: list[float], capacity_t: float = 20.0
) -> Choices:
    """Per order its pairs of slot, slot and gain; each standing explained gains 1 more."""
    sizes = [len(of_order) for of_order in pairs]
    pickup, delivery, gain = zip(*(pair for of_order in pairs for pair in of_order), strict=True)
    return Choices(
        first=np.concatenate([[0], np.cumsum(sizes)]),
        pickup=np.array(pickup),
        delivery=np.array(delivery),
        load_t=np.repeat(loads_t, sizes),
        gain=np.array(gain, dtype=float),
        capacity_t=capacity_t,
        reward=1.0,
    )


def gain_of(problem: Choices, taken: tuple[int, ...] | list[int]) -> float:
    """What a choice gains; minus infinity if it does not fit on the truck."""
    rows = [pair for pair in taken if pair >= 0]
    aboard_t = np.zeros(problem.delivery.max() + 1)
    for row in rows:
        aboard_t[problem.pickup[row] : problem.delivery[row]] += problem.load_t[row]
    if (aboard_t > problem.capacity_t + 1e-9).any():
        return -np.inf
    explained = len({problem.pickup[row] for row in rows}) + len(
        {problem.delivery[row] for row in rows}
    )
    return float(sum(problem.gain[row] for row in rows) + problem.reward * explained)


def best_gain(problem: Choices) -> float:
    """The largest gain of all choices there are."""
    first = problem.first
    options = [[-1, *range(a, b)] for a, b in pairwise(first)]
    return max(gain_of(problem, taken) for taken in product(*options))


def any_problem(seed: int) -> Choices:
    """Four to six orders with up to four pairs each among ten standings, loads of 4 to 16 t."""
    random = np.random.default_rng(seed)
    pairs = []
    for _ in range(random.integers(4, 7)):
        ends = [sorted(random.choice(10, 2, replace=False)) for _ in range(random.integers(1, 5))]
        pairs.append([(int(a), int(b), float(random.uniform(0.5, 14.0))) for a, b in ends])
    return choices(pairs, [float(random.integers(4, 17)) for _ in pairs])


@pytest.mark.parametrize("seed", range(60))
def test_no_choice_gains_more_than_the_one_taken(seed: int) -> None:
    problem = any_problem(seed)
    assert gain_of(problem, pack(problem, WAYS_MAX).tolist()) == pytest.approx(best_gain(problem))


@pytest.mark.parametrize("seed", range(10))
def test_the_integer_programme_gains_the_same(seed: int) -> None:
    problem = any_problem(seed)
    assert gain_of(problem, _solve(problem).tolist()) == pytest.approx(best_gain(problem))


def test_what_does_not_fit_together_is_taken_one_after_the_other() -> None:
    # Both like slots 0 to 1 best, but 12 t and 12 t are more than 20 t: one takes the next trip.
    problem = choices([[(0, 1, 9.0), (2, 3, 6.0)], [(0, 1, 9.0), (2, 3, 5.0)]], [12.0, 12.0])
    assert pack(problem, WAYS_MAX).tolist() == [1, 2]


def test_of_two_orders_alike_the_first_is_proven() -> None:
    problem = choices([[(0, 1, 9.0)], [(0, 1, 9.0)]], [12.0, 12.0])
    assert pack(problem, WAYS_MAX).tolist() == [0, -1]


def test_too_many_ways_are_left_to_another_method() -> None:
    assert len(pack(any_problem(1), 1)) == 0
