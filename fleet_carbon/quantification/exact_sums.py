"""Sums of floating-point numbers without error, rounded once, group by group.

What is added is kept as numbers that do not overlap, the smallest first, so that nothing is lost
(J. R. Shewchuk, Adaptive precision floating-point arithmetic, 1997); at the end they are rounded
to the nearest number, half to even. It is what `math.fsum` does, to the last bit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Numbers that do not overlap have 53 bits each of the 2098 that a sum can have.
_PARTS_MAX = 64


@njit(cache=True, nogil=True)
def sum_groups(
    values: NDArray[np.float64], order: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The sum of every group.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        What is summed; a group with a value that is missing or infinite has such a sum.
    order : ndarray of int, shape (n,)
        Places of the values, group after group.
    ends : ndarray of int, shape (k,)
        Where each group ends in `order`.

    Raises
    ------
    OverflowError
        If a sum of finite values is beyond all numbers.
    """
    sums = np.zeros(len(ends))
    parts = np.empty(_PARTS_MAX)
    begin = 0
    for group in range(len(ends)):
        count = 0
        special = 0.0
        for place in range(begin, ends[group]):
            value = values[order[place]]
            if not np.isfinite(value):
                special += value
                continue
            count = _added(parts, count, value)
        begin = ends[group]
        sums[group] = _rounded(parts, count) if special == 0.0 else special
    return sums


@njit(cache=True, nogil=True)
def _added(parts: NDArray[np.float64], count: int, value: float) -> int:
    """Add a value to the parts; how many there are now."""
    kept = 0
    for place in range(count):
        part = parts[place]
        if abs(value) < abs(part):
            value, part = part, value
        high = value + part
        low = part - (high - value)
        if low != 0.0:
            parts[kept] = low
            kept += 1
        value = high
    if value != 0.0:
        if not np.isfinite(value):
            raise OverflowError("a sum is beyond all numbers")
        parts[kept] = value
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def _rounded(parts: NDArray[np.float64], count: int) -> float:
    """The number nearest to the sum of the parts, half to even."""
    if count == 0:
        return 0.0
    count -= 1
    high, low = parts[count], 0.0
    while count > 0:
        whole = high
        count -= 1
        part = parts[count]
        high = whole + part
        low = part - (high - whole)
        if low != 0.0:
            break
    # Halfway between two numbers, what is left decides.
    if count > 0 and (low < 0.0) == (parts[count - 1] < 0.0) and low != 0.0:
        twice = low * 2.0
        moved = high + twice
        if twice == moved - high:
            high = moved
    return float(high)
