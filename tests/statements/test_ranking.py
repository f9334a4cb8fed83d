"""Who is beside whom: the median of the others."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_carbon.statements.ranking import median_of_others


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 50, 51])
def test_the_median_of_the_others_leaves_out_just_the_one(count: int) -> None:
    values = np.random.default_rng(count).integers(0, 9, count).astype(float)  # many are equal
    expected = [np.median(np.delete(values, place)) for place in range(count)]
    np.testing.assert_array_equal(median_of_others(values), expected)


def test_one_alone_has_no_others() -> None:
    assert np.isnan(median_of_others(np.array([4.0]))).all()
