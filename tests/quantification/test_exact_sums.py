"""Sums of groups against `math.fsum`: the same bits, whatever is summed and in whatever order."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.quantification.exact_sums import sum_groups
from fleet_carbon.quantification.grouping import grouped


def together(values: list[float]) -> float:
    count = len(values)
    return float(sum_groups(np.array(values), np.arange(count), np.array([count]))[0])


@pytest.mark.parametrize(
    "values",
    [
        [],
        [-0.0],
        [0.1] * 10,
        [1e100, 1.0, -1e100],
        [1.0, 1e-16, 1e-16, -1e-30],
        # Halfway between two numbers: what is left decides, else the even one.
        [2.0**53, 1.0],
        [2.0**53, 1.0, 2.0**-40],
        [2.0**53, 1.0, -(2.0**-40)],
        [2.0**53 + 2.0, 1.0],
        [-(2.0**53), -1.0, -(2.0**-1074)],
        [1e308, 1e308, -1e308],
        [5e-324, -1e-310, 3e-320],
    ],
)
def test_a_sum_is_what_fsum_says(values: list[float]) -> None:
    if values[:2] == [1e308, 1e308]:
        with pytest.raises(OverflowError):
            math.fsum(values)
        with pytest.raises(OverflowError):
            together(values)
        return
    found = together(values)
    assert found == math.fsum(values)
    assert math.copysign(1.0, found) == math.copysign(1.0, math.fsum(values))


def test_sums_of_many_groups_by_chance_are_what_fsum_says() -> None:
    rng = np.random.default_rng(11)
    for spread in (0, 5, 40, 280):
        values = rng.normal(size=4000) * 10.0 ** rng.uniform(-spread, spread, 4000)
        values[1::2] = -values[::2] * rng.choice([1.0, 1 + 2e-16, 0.5], 2000)
        names = pd.Series(rng.integers(0, 700, 4000)).astype("string")
        groups = grouped(names)
        expected = [math.fsum(values[(names == key).to_numpy(bool)]) for (key,) in groups.keys]
        np.testing.assert_array_equal(groups.sums(values), expected)


def test_a_missing_or_infinite_value_makes_only_its_own_group_so() -> None:
    groups = grouped(pd.Series(["b", "a", "c", "b"], dtype="string"))
    found = groups.sums(np.array([1.0, np.nan, np.inf, 2.0]))
    np.testing.assert_array_equal(found, [np.nan, 3.0, np.inf])
