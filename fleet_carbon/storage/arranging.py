"""Fixes as they arrive put in the order of segments, compiled: mostly they are almost in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from fleet_carbon.storage.segments import Int32s, Int64s

# Trucks send in the order of time but for a few; with more steps than this a sort is faster.
_STEPS_PER_ROW_MAX = 4


@njit(cache=True, nogil=True)
def _arrange(
    codes: Int32s, time_ms: Int64s, latest_ms: Int64s, order: Int64s
) -> tuple[bool, bool, bool]:
    """Put rows in order of truck and moment, equal ones as they came.

    Parameters
    ----------
    codes : int32 array, shape (n_rows,)
        Trucks, from 0 to below the length of `latest_ms`.
    time_ms : int64 array, shape (n_rows,)
        Moments. [ms]
    latest_ms : int64 array, shape (n_trucks,)
        Latest moment of each truck that is on record. [ms]
    order : int64 array, shape (n_rows,)
        Gets the rows in their order.

    Returns
    -------
    is_done, has_ties, has_late : bool
        False first if the moments of a truck are so mixed that a sort is to be done; whether rows
        share truck and moment; whether any is not later than what is on record.
    """
    starts = np.zeros(len(latest_ms) + 1, dtype=np.int64)
    for row in range(len(codes)):
        starts[codes[row] + 1] += 1
    for code in range(len(latest_ms)):
        starts[code + 1] += starts[code]
    has_late, has_ties, steps = False, False, 0
    filled = starts[:-1].copy()
    for row in range(len(codes)):
        code = codes[row]
        has_late |= time_ms[row] <= latest_ms[code]
        at = filled[code]
        filled[code] += 1
        while at > starts[code] and time_ms[order[at - 1]] > time_ms[row]:
            order[at] = order[at - 1]
            at -= 1
            steps += 1
        order[at] = row
        has_ties |= at > starts[code] and time_ms[order[at - 1]] == time_ms[row]
        if steps > _STEPS_PER_ROW_MAX * len(codes):
            return False, False, False
    return True, has_ties, has_late


def in_order(codes: Int32s, time_ms: Int64s, latest_ms: Int64s) -> tuple[Int64s, bool, bool]:
    """Rows by truck and moment, equal ones as they came, and what must be looked at more closely.

    Parameters
    ----------
    codes : int32 array, shape (n_rows,)
        Trucks, from 0 to below the length of `latest_ms`.
    time_ms, latest_ms : int64 arrays, shape (n_rows,) and (n_trucks,)
        Moments, and the latest of each truck that is on record. [ms]

    Returns
    -------
    order : int64 array, shape (n_rows,)
    has_ties, has_late : bool
        False only if no rows share truck and moment; if all are later than what is on record.
    """
    order = np.empty(len(codes), dtype=np.int64)
    is_done, has_ties, has_late = _arrange(codes, time_ms, latest_ms, order)
    if is_done:
        return order, has_ties, has_late
    order = np.argsort(time_ms, kind="stable")
    return order[np.argsort(codes[order], kind="stable")], True, True


KERNELS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (
        _arrange,
        (
            types.Array(types.int32, 1, "C", readonly=True),
            types.Array(types.int64, 1, "C", readonly=True),
            *(types.int64[::1], types.int64[::1]),
        ),
    ),
)
"""Each kernel that is called from outside, with the only kinds of arguments it is called with."""


def warm() -> None:
    """Compile every kernel of this room, or load it from the cache of an earlier time."""
    for kernel, arguments in KERNELS:
        kernel.compile(arguments)
