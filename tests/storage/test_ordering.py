"""Orders that are found without a general sort are those that a general sort finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.storage.ordering import order_by_key, order_by_moment


@given(st.lists(st.integers(0, 3) | st.integers(0, 2**40), max_size=40))
def test_keys_of_any_size_are_ordered_and_equal_ones_stay_as_they_came(keys: list[int]) -> None:
    given_keys = np.array(keys, dtype=np.int64)
    expected = sorted(range(len(keys)), key=keys.__getitem__)  # stable by definition
    assert order_by_key(given_keys).tolist() == expected


@given(st.lists(st.integers(-5, 5) | st.integers(-(2**60), 2**60), min_size=1, max_size=40))
def test_moments_in_any_order_are_put_in_order(moments: list[int]) -> None:
    expected = sorted(range(len(moments)), key=moments.__getitem__)
    found = order_by_moment(np.array(moments, dtype=np.int64))
    assert (list(range(len(moments))) if found is None else found.tolist()) == expected


def test_moments_in_order_need_no_order() -> None:
    assert order_by_moment(np.array([1, 1, 2, 5])) is None
