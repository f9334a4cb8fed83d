"""Orders of rows that are found without a general sort: small keys, and moments nearly in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fleet_carbon.storage.segments import Int64s

Rows = npt.NDArray[np.int64]
_DIGIT_BITS = 16


def order_by_key(keys: npt.NDArray[Any]) -> Rows:
    """The stable order of whole numbers from 0, digit by digit from the lowest.

    numpy sorts digits of sixteen bits by counting them, which takes the same time for every row.

    Examples
    --------
    >>> order_by_key(np.array([70_000, 3, 70_000, 1])).tolist()
    [3, 1, 0, 2]
    """
    order = np.argsort(keys.astype(np.uint16), kind="stable")
    highest = int(keys.max()) if len(keys) else 0
    for shift in range(_DIGIT_BITS, highest.bit_length(), _DIGIT_BITS):
        digits = (keys >> shift).astype(np.uint16).take(order)
        order = order.take(np.argsort(digits, kind="stable"))
    return order


def order_by_moment(moments: Int64s) -> Rows | None:
    """The stable order of numbers that ascend but for a few latecomers; None if none is late.

    Only those that come after a greater one are sorted; then each is put to its place among the
    others. Any input gives the right order, and the fewer are late the less it costs.

    Examples
    --------
    >>> order_by_moment(np.array([1, 4, 6, 4, 7])).tolist()
    [0, 1, 3, 2, 4]
    """
    highest = np.maximum.accumulate(moments)
    is_late = moments < highest
    late = np.flatnonzero(is_late)
    if len(late) == 0:
        return None
    late = late[np.argsort(moments[late], kind="stable")]
    others = np.flatnonzero(~is_late)
    # Of equal moments the latecomer is the later row, for the others never descend.
    places = np.searchsorted(moments[others], moments[late], side="right")
    order = np.empty(len(moments), dtype=np.int64)
    order[places + np.arange(len(late))] = late
    is_filled = np.zeros(len(moments), dtype=np.bool_)
    is_filled[places + np.arange(len(late))] = True
    order[~is_filled] = others
    return order
