"""How long was the road: bends between fixes, and what the vehicle's own drives say of gaps."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.traces.cleaning import KEPT_FAR
from fleet_carbon.traces.kernels import LINK_DRIVE, metric, step_m, turned

# Windows looked at per gap; more of them cost time and hardly move their mean.
_WINDOWS_MAX = 500
_PER_15 = 1.0 / 15.0


@njit(cache=True, nogil=True, error_model="numpy")
def _atan(x):  # type: ignore[no-untyped-def]
    """Arc tangent; where x is small by its series, which is exact to 1e-10 there."""
    if abs(x) > 0.15:
        return math.atan(x)
    y = x * x
    return x * (1.0 - y * (1.0 / 3.0 - y * (1.0 / 5.0 - y * (1.0 / 7.0 - y * (1.0 / 9.0)))))


@njit(cache=True, nogil=True, error_model="numpy")
def bent_line(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    link: NDArray[np.int8],
    step_m_min: float,
    turn_rad_max: float,
    out: NDArray[np.float64],
) -> None:
    """Distance driven along the line; each step is a cubic through its neighbours, not a chord.

    Parameters
    ----------
    lon, lat : float64 array, shape (n,)
        Points of the line. [udeg]
    link : int8 array, shape (n,)
        How each is linked to the one before.
    step_m_min : float
        Shorter steps keep their chord: noise would bend them. [m]
    turn_rad_max : float
        Sharper turns are corners, not curves, and bend nothing. [rad]
    out : float64 array, shape (n,)
        Out: distance driven up to each point; steps that are no drive have no length. [m]

    Notes
    -----
    With the tangent at a point taken halfway between the chords that meet there, a step with end
    slopes p and q against its chord is the Hermite cubic with
    length / chord = 1 + ((p^2 + q^2) / 15 - p q / 30), the second-order term of the arc length
    integral of 1 + y'^2 / 2 (derived here: the integrals of the squared and of the mixed
    derivative of the Hermite basis are 2/15 and -1/30). For a circle it becomes 1 + turn^2 / 24.
    The slopes are half the turns, to the left at one end and to the right at the other; half a
    turn is atan(cross / (|a| |b| + dot)) of the chords a and b that meet.
    """
    tangent_max = math.tan(0.5 * turn_rad_max)
    # Of the step before: its vector, its length, whether it may bend, half the turn at its start.
    east_a, north_a, chord_a, may_bend_a, half_a = 0.0, 0.0, 0.0, False, 0.0
    along = 0.0
    for k in range(len(lon)):
        east, north, chord, may_bend, half = 0.0, 0.0, 0.0, False, 0.0
        if link[k] == LINK_DRIVE and k > 0:
            north_m, east_m = metric(0.5 * (lat[k - 1] + lat[k]))
            east, north = east_m * turned(lon[k] - lon[k - 1]), north_m * (lat[k] - lat[k - 1])
            chord = math.sqrt(east * east + north * north)
            may_bend = chord >= step_m_min
            if may_bend and may_bend_a:
                cross, dot = east_a * north - north_a * east, east_a * east + north_a * north
                tangent = cross / (chord_a * chord + dot)
                if abs(tangent) <= tangent_max:
                    half = _atan(tangent)
        if k > 0:
            bend = (half_a * half_a + half * half + 0.5 * half_a * half) * _PER_15
            along += chord_a * (1.0 + bend)
            out[k - 1] = along
        east_a, north_a, chord_a, may_bend_a, half_a = east, north, chord, may_bend, half
    if len(lon) > 0:
        out[-1] = along + chord_a * (1.0 + half_a * half_a * _PER_15)


@njit(cache=True, nogil=True, error_model="numpy")
def is_sparse(
    t: NDArray[np.int64], verdict: NDArray[np.int8], sparse_ms: float, gap_ms: float
) -> bool:
    """Whether the median step between fixes kept, gaps left out, is at least that long.

    Parameters
    ----------
    t : int64 array, shape (n,)
        Times. [ms]
    verdict : int8 array, shape (n,)
        Verdict on each fix.
    sparse_ms, gap_ms : float
        Median step of a sparse trace; longer steps are gaps. [ms]
    """
    short, long = 0, 0
    longest_short, shortest_long = 0, np.int64(2**62)
    last_ms = t[0] - np.int64(gap_ms) if len(t) > 0 else np.int64(0)
    for r in range(len(t)):
        if verdict[r] > KEPT_FAR:
            continue
        step, last_ms = t[r] - last_ms, t[r]
        if step >= gap_ms:
            continue
        if step < sparse_ms:
            short += 1
            longest_short = max(longest_short, step)
        else:
            long += 1
            shortest_long = min(shortest_long, step)
    if short == long and short > 0:
        return bool(0.5 * (longest_short + shortest_long) >= sparse_ms)
    return long > short


@njit(cache=True, nogil=True, error_model="numpy")
def stated_road(
    t: NDArray[np.int64],
    lon: NDArray[np.int32],
    lat: NDArray[np.int32],
    speed: NDArray[np.float64],
    verdict: NDArray[np.int8],
    gap_ms: float,
    moved_m_min: float,
) -> tuple[int, float]:
    """Number of moving steps, and the stated speed integrated over them.

    Parameters
    ----------
    t, lon, lat : arrays, shape (n,)
        Fixes. [ms], [udeg]
    speed : float64 array, shape (n,)
        Stated speed, NaN where missing. [km/h]
    verdict : int8 array, shape (n,)
        Verdict on each fix.
    gap_ms, moved_m_min : float
        Longer steps are gaps [ms], shorter ones are standing [m].

    Returns
    -------
    steps : int
        Number of moving steps.
    road_m : float
        Road by speed; NaN if one of their speeds is missing. [m]
    """
    steps, road_m = 0, 0.0
    a = -1
    for b in range(len(t)):
        if verdict[b] > KEPT_FAR:
            continue
        if (
            a >= 0
            and t[b] - t[a] < gap_ms
            and step_m(lon[a], lat[a], lon[b], lat[b]) >= moved_m_min
        ):
            steps += 1
            road_m += 0.5 * (speed[a] + speed[b]) / 3.6 * (t[b] - t[a]) / 1000.0
        a = b
    return steps, road_m


@njit(cache=True, nogil=True, error_model="numpy")
def step_lengths_at(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    points: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Straight length of the step to each of these points. [m]"""
    for k in range(len(points)):
        p = points[k]
        out[k] = step_m(lon[p - 1], lat[p - 1], lon[p], lat[p])


@njit(cache=True, nogil=True, error_model="numpy")
def first_from(t, moment, low, high):  # type: ignore[no-untyped-def]
    """First index from `low` up to `high` whose time is not before the moment.

    The search widens from `low`, so that a near one is found soon.
    """
    reach = 1
    while low + reach < high and t[low + reach] < moment:
        low += reach
        reach *= 2
    high = min(low + reach, high)
    while low < high:
        middle = (low + high) // 2
        if t[middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def circuities(
    t: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    along: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    spans: NDArray[np.int64],
    span_ms_min: float,
    samples_min: int,
    out: NDArray[np.float64],
) -> None:
    """Road per great circle over windows of drive that last as long as each span.

    A vehicle that never drives that long without a stop is measured over half the time, and so on.

    Parameters
    ----------
    t, lon, lat, along : arrays, shape (n,)
        Points of the line, and the distance driven up to each. [ms], [udeg], [m]
    first, last : int64 array, shape (n_drives,)
        Points at which each drive begins and ends, in order of time.
    spans : int64 array, shape (n_spans,)
        How long the windows last. [ms]
    span_ms_min : float
        Shortest window. [ms]
    samples_min : int
        Fewest windows.
    out : float64 array, shape (n_spans,)
        Out: road per great circle, at least 1; NaN where too few windows were found.
    """
    windows = np.zeros(len(first), dtype=np.int64)
    for s in range(len(spans)):
        span = float(spans[s])
        out[s] = np.nan
        while span >= span_ms_min:
            count = 0
            for d in range(len(first)):
                # Windows may begin anew at each point from which the drive lasts long enough.
                begin_until = t[last[d]] - span
                windows[d] = 0
                if t[first[d]] <= begin_until:
                    windows[d] = 1 + _last_until(t, begin_until, first[d], last[d]) - first[d]
                count += windows[d]
            if count < samples_min:
                span *= 0.5
                continue
            # A few hundred of them are plenty.
            stride = max(1, count // _WINDOWS_MAX)
            chord_m, road_m, skipped = 0.0, 0.0, 0
            for d in range(len(first)):
                end = first[d]
                for begin in range(first[d] + skipped, first[d] + windows[d], stride):
                    end = first_from(t, t[begin] + span, max(begin, end), last[d])
                    chord_m += step_m(lon[begin], lat[begin], lon[end], lat[end])
                    road_m += along[end] - along[begin]
                skipped = (skipped - windows[d]) % stride
            if chord_m > 0.0:
                out[s] = max(1.0, road_m / chord_m)
            break


@njit(cache=True, nogil=True, error_model="numpy")
def _last_until(t, moment, low, high):  # type: ignore[no-untyped-def]
    """Last index from `low` to `high` whose time is not after the moment."""
    while low < high:
        middle = (low + high + 1) // 2
        if t[middle] > moment:
            high = middle - 1
        else:
            low = middle
    return low
