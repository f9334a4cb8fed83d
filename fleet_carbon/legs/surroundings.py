"""What a leg led through: metres climbed, and how warm the air was.

Compiled, for it loops over fixes. No fastmath and no parallel sums: the same bits on every run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class ClimbLimits(NamedTuple):
    """What tells a climb from the noise of altitudes; `LegRules` says what each means.

    Attributes
    ----------
    window_ms : float
        Altitudes are averaged over that long; longer steps are silence. [ms]
    climb_m_min : float
        Smaller rises are noise. [m]
    silence_share_max : float
        Largest share of silence in a drive. [-]
    """

    window_ms: float
    climb_m_min: float
    silence_share_max: float


@njit(cache=True, nogil=True, error_model="numpy")
def _rise(turn, altitude_m, climb_m_min):  # type: ignore[no-untyped-def]
    """Note the next altitude; a rise since the last turn counts once the way leads down again.

    `turn` holds the lowest and the highest altitude since then and what was climbed before.
    """
    low, high = turn[0], turn[1]
    if altitude_m > high:
        turn[0], turn[1] = min(low, altitude_m), altitude_m
    elif altitude_m < low or altitude_m < high - climb_m_min:
        if high - low >= climb_m_min:
            turn[2] += high - low
        turn[0] = turn[1] = altitude_m


@njit(cache=True, nogil=True, error_model="numpy")
def climbs_m(
    time_ms: NDArray[np.int64],
    altitude_m: NDArray[np.float64],
    start: NDArray[np.int64],
    finish: NDArray[np.int64],
    limits: ClimbLimits,
) -> NDArray[np.float64]:
    """Sum of the ascents of each drive; NaN where altitudes are not sent densely.

    Parameters
    ----------
    time_ms : int64 array, shape (n_fixes,)
        Times of the fixes. [ms]
    altitude_m : float64 array, shape (n_fixes,)
        Height above the sea, NaN where not sent. [m]
    start, finish : int64 array, shape (n_legs,)
        Borders of the drives. [ms]
    limits : ClimbLimits
        What tells a climb from noise.
    """
    out, turn = np.full(len(start), np.nan), np.empty(3)
    for leg in range(len(start)):
        turn[0], turn[1], turn[2] = math.inf, -math.inf, 0.0
        sum_m, count, begun_ms, last_ms, silent_ms = 0.0, 0, start[leg], start[leg], 0.0
        k = np.searchsorted(time_ms, start[leg], side="left")
        while k < len(time_ms) and time_ms[k] <= finish[leg]:
            if not math.isnan(altitude_m[k]):
                if time_ms[k] - last_ms > limits.window_ms:
                    silent_ms += time_ms[k] - last_ms
                begun_ms = time_ms[k] if count == 0 else begun_ms
                sum_m, count, last_ms = sum_m + altitude_m[k], count + 1, time_ms[k]
                if last_ms - begun_ms >= limits.window_ms:
                    _rise(turn, sum_m / count, limits.climb_m_min)
                    sum_m, count = 0.0, 0
            k += 1
        if finish[leg] - last_ms > limits.window_ms:
            silent_ms += finish[leg] - last_ms
        if last_ms - begun_ms >= 0.5 * limits.window_ms and count > 0:
            _rise(turn, sum_m / count, limits.climb_m_min)
        drive_ms = finish[leg] - start[leg]
        if turn[1] > -math.inf and silent_ms <= limits.silence_share_max * drive_ms:
            _rise(turn, -math.inf, limits.climb_m_min)
            out[leg] = turn[2]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def means_while_driving(
    time_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    finish: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Mean of a signal over each drive, NaN where it was not sent. shape (n_legs,)"""
    means = np.full(len(start), np.nan)
    for leg in range(len(start)):
        first = np.searchsorted(time_ms, start[leg], side="left")
        until = np.searchsorted(time_ms, finish[leg], side="right")
        total, count = 0.0, 0
        for k in range(first, until if finish[leg] > start[leg] else first):
            if not math.isnan(values[k]):
                total, count = total + values[k], count + 1
        if count > 0:
            means[leg] = total / count
    return means
