"""Which legs were driven as no truck is: a telephone in a car sends positions, too.

Compiled, for it loops over the points of a line and the fixes between them. No fastmath and no
parallel sums: the same bits on every run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.legs.columns import Timeline
from fleet_carbon.legs.profiles import Line
from fleet_carbon.traces.cleaning import KEPT_FAR
from fleet_carbon.traces.kernels import LINK_DRIVE


class CarLimits(NamedTuple):
    """What no truck does; `LegRules` says what each means.

    Attributes
    ----------
    window_ms, speed_mps, distance_share : float
        Steps are joined until they last that long; a mean speed above is a car's; on that share
        of a leg's distance it makes the leg a car's. [ms], [m/s], [-]
    step_ms, gain_mps, starts_count : float
        Between fixes at most that far apart, a gain of stated speed by that much per second is a
        car's start; that many make the leg a car's. [ms], [m/s per s], [1]
    gain_kmh : float
        Smaller gains are noise. [km/h]
    """

    window_ms: float
    speed_mps: float
    distance_share: float
    step_ms: float
    gain_mps: float
    starts_count: float
    gain_kmh: float


@njit(cache=True, nogil=True)
def find_car_legs(
    line: Line,
    time_ms: NDArray[np.int64],
    speed_kmh: NDArray[np.float64],
    verdict: NDArray[np.int8],
    timeline: Timeline,
    limits: CarLimits,
) -> NDArray[np.bool_]:
    """Decide for each leg whether it was driven faster, or faster away, than any truck.

    Parameters
    ----------
    line : Line
        Line of the truck.
    time_ms, speed_kmh, verdict : arrays, shape (n_fixes,)
        Times of the fixes [ms], the speed each states [km/h], what became of it; no rows where
        speeds are not stated.
    timeline : Timeline
        The legs.
    limits : CarLimits
        What no truck does.

    Returns
    -------
    is_of_car : bool array, shape (n_legs,)
        True for the legs of a car.
    """
    count = len(timeline.started_ms)
    is_of_car = np.zeros(count, np.bool_)
    first = np.searchsorted(line.time_ms, timeline.started_ms)
    last = np.searchsorted(line.time_ms, timeline.finished_ms, side="right")
    begins = np.searchsorted(time_ms, timeline.started_ms)
    ends = np.searchsorted(time_ms, timeline.finished_ms, side="right")
    for leg in range(count):
        driven_m, fast_m = _driven_and_fast_m(line, first[leg], last[leg], limits)
        starts = _hard_starts(time_ms, speed_kmh, verdict, begins[leg], ends[leg], limits)
        is_fast = fast_m > 0.0 and fast_m >= limits.distance_share * driven_m
        is_of_car[leg] = is_fast or starts >= limits.starts_count
    return is_of_car


@njit(cache=True, nogil=True)
def _driven_and_fast_m(line, first, last, limits):  # type: ignore[no-untyped-def]
    """Length of the driven steps between two points, and of those above the speed."""
    link, along_m, time_ms = line.link, line.driven_m, line.time_ms
    driven_m, fast_m, begin = 0.0, 0.0, first
    for at in range(first + 1, last):
        if link[at] != LINK_DRIVE:
            begin = at
            continue
        driven_m += along_m[at] - along_m[at - 1]
        lasted_ms = time_ms[at] - time_ms[begin]
        if lasted_ms >= limits.window_ms:
            joined_m = along_m[at] - along_m[begin]
            if joined_m * 1000.0 > limits.speed_mps * lasted_ms:
                fast_m += joined_m
            begin = at
    return driven_m, fast_m


@njit(cache=True, nogil=True)
def _hard_starts(time_ms, speed_kmh, verdict, begin, end, limits):  # type: ignore[no-untyped-def]
    """How often the stated speed rose as that of no truck does."""
    starts, before = 0, -1
    for at in range(begin, end):
        if verdict[at] > KEPT_FAR or math.isnan(speed_kmh[at]):
            continue
        if before >= 0 and time_ms[at] - time_ms[before] <= limits.step_ms:
            gain_kmh = speed_kmh[at] - speed_kmh[before]
            lasted_s = (time_ms[at] - time_ms[before]) / 1000.0
            if gain_kmh >= limits.gain_kmh and gain_kmh / 3.6 >= limits.gain_mps * lasted_s:
                starts += 1
        before = at
    return starts
