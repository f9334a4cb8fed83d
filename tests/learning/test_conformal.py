"""Conformal intervals: the rank by hand, the promise kept, and another library's figures."""

from __future__ import annotations

import numpy as np
import pytest
from mapie.regression import ConformalizedQuantileRegressor
from sklearn.ensemble import HistGradientBoostingRegressor

from fleet_carbon.errors import InputRefused
from fleet_carbon.learning.conformal import conformal_margin, coverage_share


def test_the_margin_is_the_miss_of_the_right_rank() -> None:
    # 19 rows, bounds 0 and 0, so misses are 1 to 19; 0.9 x 20 = 18, the 18th smallest is 18.
    seen = np.arange(1.0, 20.0)
    assert conformal_margin(np.zeros(19), np.zeros(19), seen, coverage_share=0.9) == 18.0


def test_bounds_that_were_too_wide_are_narrowed() -> None:
    low, high = np.full(99, -10.0), np.full(99, 10.0)
    assert conformal_margin(low, high, np.zeros(99), coverage_share=0.9) == -10.0


def test_too_few_rows_promise_nothing() -> None:
    with pytest.raises(InputRefused) as refused:
        conformal_margin(np.zeros(8), np.zeros(8), np.zeros(8), coverage_share=0.9)
    assert refused.value.code == "too_few_rows_to_calibrate"


def test_quantiles_widened_by_hand_are_those_of_mapie() -> None:
    rng = np.random.default_rng(8)
    table = rng.uniform(0.0, 1.0, (8000, 2))
    seen = table[:, 0] + (0.1 + 0.4 * table[:, 1]) * rng.normal(size=8000)
    train, later, test = slice(0, 500), slice(500, 2000), slice(2000, 8000)
    trees = [
        HistGradientBoostingRegressor(loss="quantile", quantile=one, max_iter=30, random_state=0)
        for one in (0.05, 0.95, 0.5)
    ]
    for one in trees:
        one.fit(table[train], seen[train])
    oracle = ConformalizedQuantileRegressor(trees, confidence_level=0.9, prefit=True)
    oracle.conformalize(table[later], seen[later])
    theirs = oracle.predict_interval(table[test], symmetric_correction=True)[1][:, :, 0]
    margin = conformal_margin(
        trees[0].predict(table[later]),
        trees[1].predict(table[later]),
        seen[later],
        coverage_share=0.9,
    )
    ours = np.stack(
        [trees[0].predict(table[test]) - margin, trees[1].predict(table[test]) + margin], axis=1
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    plain = coverage_share(trees[0].predict(table[test]), trees[1].predict(table[test]), seen[test])
    assert plain < 0.88 <= coverage_share(ours[:, 0], ours[:, 1], seen[test]) <= 0.92
