"""Decide each fix of a stream: kept, or dropped for a reason."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.traces.kernels import metric, step_m, turned

UNDECIDED = 0
# Kept, the second one no drive away from the one before. What is above them is dropped.
KEPT = 1
KEPT_FAR = 2
DUPLICATE = 3
TIME_CONFLICT = 4
TELEPORT = 5
NULL_ISLAND = 6
OFF_GLOBE = 7
INACCURATE = 8
REASONS = {
    DUPLICATE: "duplicate",
    TIME_CONFLICT: "time_conflict",
    TELEPORT: "teleport",
    NULL_ISLAND: "null_island",
    OFF_GLOBE: "off_globe",
    INACCURATE: "inaccurate",
}
# Where a receiver without a place says it is: within 0.01 degree of latitude and longitude 0.
_NULL_ISLAND_UDEG = 10_000
# No udeg of latitude or longitude is longer on the ellipsoid (latitude at the pole: 0.11169 m).
_M_PER_UDEG_MAX = 0.1117


@njit(cache=True, nogil=True, error_model="numpy")
def judge_alone(
    t: NDArray[np.int64],
    lon: NDArray[np.int32],
    lat: NDArray[np.int32],
    accuracy: NDArray[np.float64],
    accuracy_m_max: float,
    verdict: NDArray[np.int8],
) -> tuple[int, bool]:
    """Find what a single fix already betrays: null island, off the globe, too inaccurate.

    Parameters
    ----------
    t, lon, lat : arrays, shape (n,)
        Time and place. [ms], [udeg]
    accuracy : float64 array, shape (n,) or (0,)
        Stated radius, NaN where missing; empty if never stated. [m]
    accuracy_m_max : float
        Largest radius of a fix that is kept. [m]
    verdict : int8 array, shape (n,)
        Out: UNDECIDED or the reason of the drop.

    Returns
    -------
    dropped : int
        Number of fixes dropped.
    in_order : bool
        Whether no fix is earlier than the one before it.
    """
    dropped, backwards = 0, 0
    for i in range(len(t)):
        null = abs(lon[i]) < _NULL_ISLAND_UDEG and abs(lat[i]) < _NULL_ISLAND_UDEG
        off = abs(lon[i]) > 180_000_000 or abs(lat[i]) > 90_000_000
        verdict[i] = NULL_ISLAND if null else (OFF_GLOBE if off else UNDECIDED)
        dropped += null or off
        backwards += i > 0 and t[i] < t[i - 1]
    for i in range(len(accuracy)):
        if accuracy[i] > accuracy_m_max and verdict[i] == UNDECIDED:
            verdict[i] = INACCURATE
            dropped += 1
    return dropped, backwards == 0


@njit(cache=True, nogil=True, error_model="numpy")
def tally(verdict: NDArray[np.int8]) -> NDArray[np.int64]:
    """Number of fixes of each verdict, shape (INACCURATE + 1,)."""
    counts = np.zeros(INACCURATE + 1, np.int64)
    for i in range(len(verdict)):
        # Nearly all are kept: counting them last spares a store for each.
        if verdict[i] != KEPT:
            counts[verdict[i]] += 1
    counts[KEPT] = len(verdict) - counts.sum()
    return counts


@njit(cache=True, nogil=True, error_model="numpy")
def _reaches(t_a, lon_a, lat_a, t_b, lon_b, lat_b, speed_m_per_ms, slack_m):  # type: ignore[no-untyped-def]
    return step_m(lon_a, lat_a, lon_b, lat_b) <= speed_m_per_ms * (t_b - t_a) + slack_m


@njit(cache=True, nogil=True, error_model="numpy")
def _is_spike(t, lon, lat, t_p, lon_p, lat_p, i, j, limits):  # type: ignore[no-untyped-def]
    """Whether fix i lies far out on a quick there-and-back between the fix before and fix j."""
    speed_m_per_ms_min, dt_ms_max, out_m_min = limits[3] / 1000.0, limits[4], limits[5]
    if t[j] - t[i] > dt_ms_max or t[i] - t_p > dt_ms_max:
        return False
    out = step_m(lon_p, lat_p, lon[i], lat[i])
    back = step_m(lon[i], lat[i], lon[j], lat[j])
    if out < out_m_min or back < out_m_min:
        return False
    across = step_m(lon_p, lat_p, lon[j], lat[j])
    quick = out > speed_m_per_ms_min * (t[i] - t_p) and back > speed_m_per_ms_min * (t[j] - t[i])
    return quick and across < limits[6] * min(out, back)


@njit(cache=True, nogil=True, error_model="numpy")
def _radius_m(accuracy, i, accuracy_m_max):  # type: ignore[no-untyped-def]
    if len(accuracy) == 0 or math.isnan(accuracy[i]):
        return accuracy_m_max
    return accuracy[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _best_of_moment(lon, lat, accuracy, first, last, limits, has_before, lon_b, lat_b):  # type: ignore[no-untyped-def]
    """Of the fixes of one moment the clearly more accurate, else the nearest to the one before."""
    best, better, widest = first, limits[7], limits[8]
    for k in range(first + 1, last):
        radius_m, best_radius_m = _radius_m(accuracy, k, widest), _radius_m(accuracy, best, widest)
        if radius_m < better * best_radius_m:
            best = k
        elif best_radius_m < better * radius_m:
            continue
        elif has_before and step_m(lon_b, lat_b, lon[k], lat[k]) < step_m(
            lon_b, lat_b, lon[best], lat[best]
        ):
            best = k
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _returns_at(t, lon, lat, t_a, lon_a, lat_a, first, until, speed, slack_m):  # type: ignore[no-untyped-def]
    """The first of the fixes from `first` before `until` that can be reached, -1 if none."""
    for k in range(first, min(until, len(t))):
        if _reaches(t_a, lon_a, lat_a, t[k], lon[k], lat[k], speed, slack_m):
            return k
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def _set_before(before, t, lon, lat, i):  # type: ignore[no-untyped-def]
    before[0], before[1], before[2], before[3] = 1, t[i], lon[i], lat[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _pass_plain(t, lon, lat, before, limits, verdict, i, held):  # type: ignore[no-untyped-def]
    """Keep fixes from i as long as each is alone in its moment and plainly a drive onward.

    Returns the first fix that is not so plain, and the one held before it.
    """
    n, speed, slack = len(t), limits[0] / 1000.0, limits[1]
    spike_m2_min = limits[5] * limits[5]
    # Nearer than that, nothing is to be asked: no metric and no root for a truck that stands.
    near_udeg = int(min(slack, limits[5]) / _M_PER_UDEG_MAX)
    # The step to the fix held: whether it is long enough for a spike, and where it leads. [m]
    held_far, held_east, held_north = False, 0.0, 0.0
    t_h, lon_h, lat_h = t[held], np.int64(lon[held]), np.int64(lat[held])
    if before[0] == 1 and verdict[held] == KEPT:
        north_m, east_m = metric(0.5 * (before[3] + lat_h))
        held_east, held_north = east_m * turned(lon_h - before[2]), north_m * (lat_h - before[3])
        held_far = held_east * held_east + held_north * held_north >= spike_m2_min
    prior = -1
    while i + 1 < n and t[i + 1] != t[i]:
        t_i, lon_i, lat_i = t[i], np.int64(lon[i]), np.int64(lat[i])
        d_lon, d_lat = lon_i - lon_h, lat_i - lat_h
        is_far, east, north = False, 0.0, 0.0
        if abs(d_lon) + abs(d_lat) > near_udeg:
            north_m, east_m = metric(0.5 * (lat_h + lat_i))
            east, north = east_m * turned(d_lon), north_m * d_lat
            m2 = east * east + north * north
            reach = speed * (t_i - t_h) + slack
            is_far = m2 >= spike_m2_min
            # A spike turns back; whoever drives on is none.
            turns_back = is_far and held_far and east * held_east + north * held_north < 0.0
            if m2 > reach * reach or turns_back:
                break
        verdict[i] = KEPT
        prior, held = held, i
        t_h, lon_h, lat_h = t_i, lon_i, lat_i
        held_far, held_east, held_north = is_far, east, north
        i += 1
    if prior >= 0:
        _set_before(before, t, lon, lat, prior)
    return i, held


@njit(cache=True, nogil=True, error_model="numpy")
def _decide_moment(t, lon, lat, accuracy, before, limits, is_last, verdict, i, end, held):  # type: ignore[no-untyped-def]
    """Decide the fixes i..end-1 of one moment, and the one held, by every rule there is.

    Returns the fix to go on with (i itself if more must be known) and the one held then, whose
    verdict stands unless its successor betrays it.
    """
    speed, slack, ahead_max = limits[0] / 1000.0, limits[1], int(limits[2])
    has_b, t_b, lon_b, lat_b = before[0] == 1, before[1], before[2], before[3]
    has_a, t_a, lon_a, lat_a = has_b, t_b, lon_b, lat_b
    if held >= 0:
        has_a, t_a, lon_a, lat_a = True, t[held], np.int64(lon[held]), np.int64(lat[held])
    best = _best_of_moment(lon, lat, accuracy, i, end, limits, has_a, lon_a, lat_a)
    best_verdict = KEPT
    if has_a and not _reaches(t_a, lon_a, lat_a, t[best], lon[best], lat[best], speed, slack):
        back = _returns_at(t, lon, lat, t_a, lon_a, lat_a, end, end + ahead_max, speed, slack)
        if back < 0 and len(t) < end + ahead_max:
            if not is_last:
                return i, held
            back = len(t)
        if back >= 0:
            verdict[i:back] = TELEPORT
            return back, held
        is_stranger = (
            held >= 0
            and has_b
            and _reaches(t_b, lon_b, lat_b, t[best], lon[best], lat[best], speed, slack)
        )
        if is_stranger:
            verdict[held] = TELEPORT
            held = -1
        else:
            best_verdict = KEPT_FAR
    for x in range(i, end):
        same = lon[x] == lon[best] and lat[x] == lat[best]
        verdict[x] = DUPLICATE if same else TIME_CONFLICT
    verdict[best] = best_verdict
    if held >= 0:
        may_be_spike = has_b and best_verdict == KEPT and verdict[held] == KEPT
        if may_be_spike and _is_spike(t, lon, lat, t_b, lon_b, lat_b, held, best, limits):
            verdict[held] = TELEPORT
        else:
            _set_before(before, t, lon, lat, held)
    return end, best


@njit(cache=True, nogil=True, error_model="numpy")
def clean(
    t: NDArray[np.int64],
    lon: NDArray[np.int32],
    lat: NDArray[np.int32],
    accuracy: NDArray[np.float64],
    before: NDArray[np.int64],
    limits: NDArray[np.float64],
    is_last: bool,
    verdict: NDArray[np.int8],
) -> int:
    """Decide each fix: kept, or dropped as duplicate, time conflict or teleport.

    A fix is a teleport if it cannot be reached from the fix kept before it while one of the next
    few can be (speed gate against both neighbours, not a running reference). If none of them can,
    the stream has really moved on: the fix is kept and marked as far, unless the fix before it
    is itself the stranger (reached over a gap, but not on the way from its own predecessor).

    It decides as many fixes as it can and says how many; the others are to be given again in front
    of the next piece, so that the result does not depend on how the stream is cut.

    Parameters
    ----------
    t, lon, lat : arrays, shape (n,)
        Time, not decreasing, and place. [ms], [udeg]
    accuracy : float64 array, shape (n,) or (0,)
        Stated radius, NaN where missing; empty if never stated. [m]
    before : int64 array, shape (4,)
        State: 1 if a fix was decided as kept, its time and place.
    limits : float64 array, shape (9,)
        Largest speed [m/s], slack [m], fixes looked ahead; of a spike its speed [m/s], step [ms],
        reach [m] and largest miss on return per reach; radius per radius that is clearly better,
        radius where none is stated [m].
    is_last : bool
        True if nothing follows: everything is decided.
    verdict : int8 array, shape (n,)
        Out: KEPT, KEPT_FAR or the reason of the drop, for the decided fixes.

    Returns
    -------
    decided : int
        Number of fixes decided.
    """
    n, i, held = len(t), 0, -1
    while i < n:
        if held >= 0:
            i, held = _pass_plain(t, lon, lat, before, limits, verdict, i, held)
        end = i + 1
        while end < n and t[end] == t[i]:
            end += 1
        if end == n and not is_last:
            break
        following, held = _decide_moment(
            t, lon, lat, accuracy, before, limits, is_last, verdict, i, end, held
        )
        if following == i:
            break
        i = following
    if is_last:
        if held >= 0:
            _set_before(before, t, lon, lat, held)
        return n
    return held if held >= 0 else i
