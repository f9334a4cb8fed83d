"""Numba kernels over plain arrays: clean a stream of fixes, draw its line of moves and stops.

Inside this file metres and milliseconds are used. Distances are those of a local metric on the
WGS-84 ellipsoid: one degree of latitude is M(lat), one of longitude N(lat) cos(lat), taken at the
middle latitude of the step (meridional and prime-vertical radii of curvature; Snyder, Map
Projections: A Working Manual, USGS PP 1395, 1987, eq. 4-18 to 4-20).

Each kernel decides as many fixes as it can and says how many; the caller keeps the rest and gives
them again in front of the next piece. So the result does not depend on how the stream is cut.
No fastmath and no parallel sums: the same bits on every run.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

# WGS-84 defining constants: NIMA TR8350.2, 3rd edition, 2000.
_AXIS_M = 6378137.0
_ECC2 = 0.0066943799901413165
_RAD_PER_UDEG = math.pi / 180.0 / 1e6

KEPT = 1
DUPLICATE = 2
TIME_CONFLICT = 3
TELEPORT = 4
REASONS = {DUPLICATE: "duplicate", TIME_CONFLICT: "time_conflict", TELEPORT: "teleport"}

LINK_START = 0
LINK_DRIVE = 1
LINK_STAND = 2
LINK_GAP = 3
LINK_JUMP = 4

# Slots of the state of `draw_line`.
_HAS_POINT, _POINT_LON, _POINT_LAT = 0, 1, 2
_OPEN, _FIRST_MS, _LAST_MS, _COUNT, _REF_LON, _REF_LAT, _SUM_LON, _SUM_LAT = 3, 4, 5, 6, 7, 8, 9, 10
_LINK_IN, _LAST_ODO, _ODO_BEFORE = 11, 12, 13
LINE_STATE_SIZE = 14
_IDLE, _MOVING, _STOPPED, _TAKEN_BACK = 0.0, 1.0, 2.0, -1.0


@njit(cache=True, nogil=True)
def step_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Length of the straight step between two places given in udeg. [m]"""
    lat_mid = 0.5 * (lat_a + lat_b) * _RAD_PER_UDEG
    sin_lat = math.sin(lat_mid)
    w2 = 1.0 - _ECC2 * sin_lat * sin_lat
    w = math.sqrt(w2)
    north = (lat_b - lat_a) * _RAD_PER_UDEG * _AXIS_M * (1.0 - _ECC2) / (w2 * w)
    turn = lon_b - lon_a
    if turn > 180e6:
        turn -= 360e6
    elif turn < -180e6:
        turn += 360e6
    east = turn * _RAD_PER_UDEG * _AXIS_M / w * math.cos(lat_mid)
    return math.sqrt(north * north + east * east)


@njit(cache=True, nogil=True)
def _reaches(t_a, lon_a, lat_a, t_b, lon_b, lat_b, speed_ms_max, slack_m):  # type: ignore[no-untyped-def]
    return step_m(lon_a, lat_a, lon_b, lat_b) <= speed_ms_max * (t_b - t_a) / 1000.0 + slack_m


@njit(cache=True, nogil=True)
def _is_spike(t, lon, lat, t_p, lon_p, lat_p, i, j, limits):  # type: ignore[no-untyped-def]
    """Whether fix i lies far out on a quick there-and-back between the fix before and fix j."""
    speed_ms_min, dt_ms_max, out_m_min, across_share_max = (
        limits[3],
        limits[4],
        limits[5],
        limits[6],
    )
    if t[j] - t[i] > dt_ms_max or t[i] - t_p > dt_ms_max:
        return False
    out = step_m(lon_p, lat_p, lon[i], lat[i])
    back = step_m(lon[i], lat[i], lon[j], lat[j])
    if out < out_m_min or back < out_m_min:
        return False
    across = step_m(lon_p, lat_p, lon[j], lat[j])
    quick = (
        out > speed_ms_min * (t[i] - t_p) / 1000.0 and back > speed_ms_min * (t[j] - t[i]) / 1000.0
    )
    return quick and across < across_share_max * min(out, back)


@njit(cache=True, nogil=True)
def _best_of_moment(lon, lat, accuracy, first, last, better, has_before, lon_b, lat_b):  # type: ignore[no-untyped-def]
    """Of the fixes of one moment the clearly more accurate, else the nearest to the one before."""
    best = first
    for k in range(first + 1, last):
        if accuracy[k] < better * accuracy[best]:
            best = k
        elif accuracy[best] < better * accuracy[k]:
            continue
        elif has_before and step_m(lon_b, lat_b, lon[k], lat[k]) < step_m(
            lon_b, lat_b, lon[best], lat[best]
        ):
            best = k
    return best


@njit(cache=True, nogil=True)
def _returns_at(t, lon, lat, t_a, lon_a, lat_a, first, until, speed_ms_max, slack_m):  # type: ignore[no-untyped-def]
    """The first of the fixes from `first` before `until` that can be reached, -1 if none."""
    for k in range(first, min(until, len(t))):
        if _reaches(t_a, lon_a, lat_a, t[k], lon[k], lat[k], speed_ms_max, slack_m):
            return k
    return -1


@njit(cache=True, nogil=True)
def clean(
    t: NDArray[np.int64],
    lon: NDArray[np.int64],
    lat: NDArray[np.int64],
    accuracy: NDArray[np.float64],
    before: NDArray[np.int64],
    limits: NDArray[np.float64],
    is_last: bool,
    verdict: NDArray[np.int8],
    jump: NDArray[np.bool_],
) -> int:
    """Decide each fix: kept, or dropped as duplicate, time conflict or teleport.

    A fix is a teleport if it cannot be reached from the fix kept before it while one of the next
    few can be (speed gate against both neighbours, not a running reference). If none of them can,
    the stream has really moved on: the fix is kept and marked as a jump, unless the fix before it
    is itself the stranger (reached over a gap, but not on the way from its own predecessor).

    Parameters
    ----------
    t, lon, lat : int64 arrays, shape (n,)
        Time, not decreasing, and place. [ms], [udeg]
    accuracy : float64 array, shape (n,)
        Stated radius; a constant where not stated. [m]
    before : int64 array, shape (4,)
        State: 1 if a fix was decided as kept, its time and place.
    limits : float64 array, shape (8,)
        Largest speed [m/s], slack [m], fixes looked ahead; of a spike its speed [m/s], step [ms],
        reach [m] and largest miss on return per reach; radius per radius that is clearly better.
    is_last : bool
        True if nothing follows: everything is decided.
    verdict : int8 array, shape (n,)
        Out: KEPT or the reason of the drop, for the decided fixes.
    jump : bool array, shape (n,)
        Out: True where a kept fix is no drive away from the one before.

    Returns
    -------
    decided : int
        Number of fixes decided; the others are to be given again.
    """
    n = len(t)
    speed, slack, ahead_max = limits[0], limits[1], int(limits[2])
    held = -1  # the fix kept last; decided only when its successor is known
    i = 0
    while i < n:
        end = i + 1
        while end < n and t[end] == t[i]:
            end += 1
        if end == n and not is_last:
            break
        if held >= 0:
            has_b, t_b, lon_b, lat_b = True, t[held], lon[held], lat[held]
        else:
            has_b, t_b, lon_b, lat_b = before[0] == 1, before[1], before[2], before[3]
        best = _best_of_moment(lon, lat, accuracy, i, end, limits[7], has_b, lon_b, lat_b)
        is_jump = False
        if has_b and not _reaches(t_b, lon_b, lat_b, t[best], lon[best], lat[best], speed, slack):
            back = _returns_at(t, lon, lat, t_b, lon_b, lat_b, end, end + ahead_max, speed, slack)
            if back < 0 and n < end + ahead_max:
                if not is_last:
                    break
                back = n
            if back >= 0:
                for x in range(i, back):
                    verdict[x] = TELEPORT
                i = back
                continue
            if (
                held >= 0
                and before[0] == 1
                and _reaches(
                    before[1], before[2], before[3], t[best], lon[best], lat[best], speed, slack
                )
            ):
                verdict[held] = TELEPORT
                jump[held] = False
                held = -1
            else:
                is_jump = True
        for x in range(i, end):
            if x != best:
                same = lon[x] == lon[best] and lat[x] == lat[best]
                verdict[x] = DUPLICATE if same else TIME_CONFLICT
        if held >= 0:
            if (
                before[0] == 1
                and not is_jump
                and not jump[held]
                and _is_spike(t, lon, lat, before[1], before[2], before[3], held, best, limits)
            ):
                verdict[held] = TELEPORT
            else:
                verdict[held] = KEPT
                before[0], before[1], before[2], before[3] = 1, t[held], lon[held], lat[held]
        jump[best] = is_jump
        held = best
        i = end
    if is_last:
        if held >= 0:
            verdict[held] = KEPT
            before[0], before[1], before[2], before[3] = 1, t[held], lon[held], lat[held]
        return n
    return held if held >= 0 else i


@njit(cache=True, nogil=True)
def _emit(out_t, out_lon, out_lat, out_link, m, t, lon, lat, link):  # type: ignore[no-untyped-def]
    out_t[m], out_lon[m], out_lat[m], out_link[m] = t, lon, lat, link
    return m + 1


@njit(cache=True, nogil=True)
def _emit_drive(  # type: ignore[no-untyped-def]
    t, lon, lat, first, last, must_end, state, step_m_min, out_t, out_lon, out_lat, out_link, m
):
    """Points of the fixes first..last-1 as driven: one whenever `step_m_min` is covered."""
    for k in range(first, last):
        link = LINK_DRIVE if k > first else int(state[_LINK_IN])
        far = link != LINK_DRIVE or state[_HAS_POINT] == 0.0
        if not far:
            far = step_m(state[_POINT_LON], state[_POINT_LAT], lon[k], lat[k]) >= step_m_min
        if far or (must_end and k == last - 1):
            m = _emit(out_t, out_lon, out_lat, out_link, m, t[k], lon[k], lat[k], link)
            state[_HAS_POINT], state[_POINT_LON], state[_POINT_LAT] = 1.0, lon[k], lat[k]
    return m


@njit(cache=True, nogil=True)
def _emit_stop(state, out_t, out_lon, out_lat, out_link, m):  # type: ignore[no-untyped-def]
    """Arrival and departure of the open stop, at its centroid."""
    lon = state[_REF_LON] + state[_SUM_LON] / state[_COUNT]
    lat = state[_REF_LAT] + state[_SUM_LAT] / state[_COUNT]
    m = _emit(
        out_t, out_lon, out_lat, out_link, m, state[_FIRST_MS], lon, lat, int(state[_LINK_IN])
    )
    m = _emit(out_t, out_lon, out_lat, out_link, m, state[_LAST_MS], lon, lat, LINK_STAND)
    state[_HAS_POINT], state[_POINT_LON], state[_POINT_LAT] = 1.0, lon, lat
    return m


@njit(cache=True, nogil=True)
def _open_cluster(state, t, lon, lat, odo, odo_before, link):  # type: ignore[no-untyped-def]
    state[_OPEN], state[_FIRST_MS], state[_LAST_MS], state[_COUNT] = _MOVING, t, t, 1.0
    state[_REF_LON], state[_REF_LAT], state[_SUM_LON], state[_SUM_LAT] = lon, lat, 0.0, 0.0
    state[_LINK_IN], state[_ODO_BEFORE] = link, odo_before
    state[_LAST_ODO] = odo_before if math.isnan(odo) else odo


@njit(cache=True, nogil=True)
def _joins(state, t, lon, lat, odo, jump, limits):  # type: ignore[no-untyped-def]
    """Whether a fix belongs to the open cluster: same place, and no drive hidden in between."""
    if jump:
        return False
    centre_lon = state[_REF_LON] + state[_SUM_LON] / state[_COUNT]
    centre_lat = state[_REF_LAT] + state[_SUM_LAT] / state[_COUNT]
    away_m = step_m(centre_lon, centre_lat, lon, lat)
    if t - state[_LAST_MS] < limits[2]:
        return away_m <= limits[0]
    drove_km = odo - state[_LAST_ODO]
    return away_m <= limits[4] and not drove_km > limits[5]


@njit(cache=True, nogil=True)
def draw_line(
    t: NDArray[np.int64],
    lon: NDArray[np.int64],
    lat: NDArray[np.int64],
    odometer: NDArray[np.float64],
    jump: NDArray[np.bool_],
    state: NDArray[np.float64],
    limits: NDArray[np.float64],
    is_last: bool,
    out_t: NDArray[np.int64],
    out_lon: NDArray[np.float64],
    out_lat: NDArray[np.float64],
    out_link: NDArray[np.int8],
) -> tuple[int, int]:
    """Draw the line of kept fixes: points while driving, two points for each stop.

    Fixes within the radius around their running centre form a cluster; one that lasts the dwell
    time is a stop and no distance is driven in it. A silence longer than the gap limit is standing
    if both its ends lie in one place (and the odometer agrees), else a gap.

    Parameters
    ----------
    t, lon, lat : int64 arrays, shape (n,)
        Kept fixes, time increasing. [ms], [udeg]
    odometer : float64 array, shape (n,)
        Lifetime counter or NaN. [km]
    jump : bool array, shape (n,)
        True where the fix is no drive away from the one before.
    state : float64 array, shape (LINE_STATE_SIZE,)
        Carried between pieces; zeros at the start.
    limits : float64 array, shape (6,)
        Stop radius [m], dwell [ms], gap [ms], smallest driven step [m], radius over a gap [m],
        odometer step over a gap that denies standing [km].
    is_last : bool
        True if nothing follows.
    out_t, out_lon, out_lat, out_link : arrays, shape (2 n + 4,)
        Out: the points and how each is linked to the one before (LINK_*).

    Returns
    -------
    decided, points : int
        Fixes consumed; points written.
    """
    n = len(t)
    m = 0
    first = 0  # index of the first fix of the open cluster, while it is not yet a stop
    is_stop = state[_OPEN] == _STOPPED
    k = 0
    while k < n:
        if state[_OPEN] == _IDLE or state[_OPEN] == _TAKEN_BACK:
            again = state[_OPEN] == _TAKEN_BACK
            link = int(state[_LINK_IN]) if again else LINK_START
            odo_before = state[_ODO_BEFORE] if again else math.nan
            _open_cluster(state, t[k], lon[k], lat[k], odometer[k], odo_before, link)
            first, is_stop = k, False
            k += 1
            continue
        if _joins(state, t[k], lon[k], lat[k], odometer[k], jump[k], limits):
            state[_COUNT] += 1.0
            state[_SUM_LON] += lon[k] - state[_REF_LON]
            state[_SUM_LAT] += lat[k] - state[_REF_LAT]
            state[_LAST_MS] = t[k]
            if not math.isnan(odometer[k]):
                state[_LAST_ODO] = odometer[k]
            if not is_stop and state[_LAST_MS] - state[_FIRST_MS] >= limits[1]:
                is_stop = True
                state[_OPEN] = _STOPPED
            k += 1
            continue
        link = LINK_DRIVE
        if jump[k]:
            link = LINK_JUMP
        elif t[k] - state[_LAST_MS] >= limits[2]:
            link = LINK_GAP
        if is_stop:
            m = _emit_stop(state, out_t, out_lon, out_lat, out_link, m)
        else:
            m = _emit_drive(
                t, lon, lat, first, k, link != LINK_DRIVE, state, limits[3],
                out_t, out_lon, out_lat, out_link, m,
            )  # fmt: skip
        _open_cluster(state, t[k], lon[k], lat[k], odometer[k], state[_LAST_ODO], link)
        first, is_stop = k, False
        k += 1
    if is_last and state[_OPEN] > _IDLE:
        if is_stop:
            m = _emit_stop(state, out_t, out_lon, out_lat, out_link, m)
        else:
            m = _emit_drive(
                t, lon, lat, first, n, True, state, limits[3], out_t, out_lon, out_lat, out_link, m
            )
        state[_OPEN] = _IDLE
        return n, m
    if is_stop or state[_OPEN] != _MOVING:
        return n, m
    # The cluster may still turn out either way: take its fixes back and begin it anew next time.
    state[_OPEN] = _TAKEN_BACK
    return first, m


@njit(cache=True, nogil=True)
def find_halts(
    t: NDArray[np.int64],
    lon: NDArray[np.int64],
    lat: NDArray[np.int64],
    radius_m: float,
    dwell_ms: float,
    gap_ms: float,
    out: NDArray[np.float64],
) -> int:
    """Short standing: runs of fixes that stay within a small radius for a short while.

    Parameters
    ----------
    t, lon, lat : int64 arrays, shape (n,)
        Kept fixes. [ms], [udeg]
    radius_m, dwell_ms, gap_ms : float
        Radius around the running centre, shortest halt, longest silence inside one.
    out : float64 array, shape (n, 4)
        Out: arrival [ms], departure [ms], longitude, latitude [udeg].

    Returns
    -------
    count : int
        Number of halts written.
    """
    n = len(t)
    count = 0
    k = 0
    while k < n:
        sum_lon, sum_lat, end = 0.0, 0.0, k + 1
        while end < n and t[end] - t[end - 1] < gap_ms:
            size = end - k
            if (
                step_m(lon[k] + sum_lon / size, lat[k] + sum_lat / size, lon[end], lat[end])
                > radius_m
            ):
                break
            sum_lon += lon[end] - lon[k]
            sum_lat += lat[end] - lat[k]
            end += 1
        if t[end - 1] - t[k] >= dwell_ms:
            size = end - k
            out[count, 0], out[count, 1] = t[k], t[end - 1]
            out[count, 2], out[count, 3] = lon[k] + sum_lon / size, lat[k] + sum_lat / size
            count += 1
        k = end
    return count


@njit(cache=True, nogil=True)
def step_lengths(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of each step to the point from the one before; 0 for the first. [m], shape (n,)"""
    out = np.zeros(len(lon))
    for k in range(1, len(lon)):
        out[k] = step_m(lon[k - 1], lat[k - 1], lon[k], lat[k])
    return out


@njit(cache=True, nogil=True)
def distances_to(
    lon: NDArray[np.float64], lat: NDArray[np.float64], to_lon: float, to_lat: float
) -> NDArray[np.float64]:
    """Distance of each place from one place, all in udeg. [m], shape (n,)"""
    out = np.empty(len(lon))
    for k in range(len(lon)):
        out[k] = step_m(lon[k], lat[k], to_lon, to_lat)
    return out
