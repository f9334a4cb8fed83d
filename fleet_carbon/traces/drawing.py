"""Draw the line of the fixes kept: moves, stops and gaps, and the halts on the way."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.traces.cleaning import KEPT_FAR
from fleet_carbon.traces.kernels import (
    LINK_DRIVE,
    LINK_GAP,
    LINK_JUMP,
    LINK_STAND,
    LINK_START,
    metric,
    step_m,
    turned,
)
from fleet_carbon.traces.lengths import first_from

# Slots of the state of `draw_line`: the point drawn last, the odometer, and the open cluster.
_HAS_POINT, _POINT_LON, _POINT_LAT, _LAST_ODO, _ODO_BEFORE, _LINK_IN = range(6)
_PHASE, _FIRST_MS, _LAST_MS, _COUNT, _REF_LON, _REF_LAT, _SUM_LON, _SUM_LAT = range(6, 14)
STATE_SIZE = 14
# Phases: no cluster; an open one; one that is a stop; one whose fixes are to be given again.
_IDLE, _MOVING, _STOPPED, _TAKEN_BACK = 0, 1, 2, 3

# Nearer than that share of a radius, or further than that multiple, is decided by the metric at
# the first fix of the cluster; between them by the exact one at the middle latitude.
_INSIDE, _OUTSIDE = 0.99, 2.0
_NEVER_MS = np.int64(2**62)


@njit(cache=True, nogil=True, error_model="numpy")
def _store(state, phase, count, first_ms, last_ms, ref_lon, ref_lat, sum_lon, sum_lat):  # type: ignore[no-untyped-def]
    state[_PHASE], state[_COUNT] = phase, count
    state[_FIRST_MS], state[_LAST_MS] = first_ms, last_ms
    state[_REF_LON], state[_REF_LAT] = ref_lon, ref_lat
    state[_SUM_LON], state[_SUM_LAT] = sum_lon, sum_lat


@njit(cache=True, nogil=True, error_model="numpy")
def _restored(state):  # type: ignore[no-untyped-def]
    """The open cluster as it was stored: whole numbers, all of them below 2^53."""
    return (
        np.int64(state[_PHASE]),
        np.int64(state[_COUNT]),
        np.int64(state[_FIRST_MS]),
        np.int64(state[_LAST_MS]),
        np.int64(state[_REF_LON]),
        np.int64(state[_REF_LAT]),
        np.int64(state[_SUM_LON]),
        np.int64(state[_SUM_LAT]),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _emit(out_t, out_lon, out_lat, out_link, m, t, lon, lat, link):  # type: ignore[no-untyped-def]
    out_t[m], out_lon[m], out_lat[m], out_link[m] = t, lon, lat, link
    return m + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _is_far(lon_a, lat_a, lon_b, lat_b, m_min, north_m, east_m):  # type: ignore[no-untyped-def]
    """Whether a step is that long, by a metric from nearby if it is clear, else by the exact."""
    north, east = north_m * (lat_b - lat_a), east_m * turned(lon_b - lon_a)
    m2 = north * north + east * east
    if m2 > (_OUTSIDE * m_min) ** 2:
        return True
    if m2 < (_INSIDE * m_min) ** 2:
        return False
    return step_m(lon_a, lat_a, lon_b, lat_b) >= m_min


@njit(cache=True, nogil=True, error_model="numpy")
def _emit_drive(  # type: ignore[no-untyped-def]
    t, lon, lat, verdict, first, last, must_end, state, step_m_min, north_m, east_m,
    out_t, out_lon, out_lat, out_link, m,
):  # fmt: skip
    """Points of the fixes first..last as driven: one whenever `step_m_min` is covered."""
    link = int(state[_LINK_IN])
    for r in range(first, last + 1):
        if verdict[r] > KEPT_FAR:
            continue
        if (
            link != LINK_DRIVE
            or state[_HAS_POINT] == 0.0
            or (must_end and r == last)
            or _is_far(
                state[_POINT_LON], state[_POINT_LAT], lon[r], lat[r], step_m_min, north_m, east_m
            )
        ):
            m = _emit(out_t, out_lon, out_lat, out_link, m, t[r], lon[r], lat[r], link)
            state[_HAS_POINT], state[_POINT_LON], state[_POINT_LAT] = 1.0, lon[r], lat[r]
        link = LINK_DRIVE
    return m


@njit(cache=True, nogil=True, error_model="numpy")
def _emit_stop(  # type: ignore[no-untyped-def]
    lon, lat, first_ms, last_ms, state, out_t, out_lon, out_lat, out_link, m
):
    """Arrival and departure of a stop, at its centroid."""
    lon = turned(lon)
    m = _emit(out_t, out_lon, out_lat, out_link, m, first_ms, lon, lat, int(state[_LINK_IN]))
    m = _emit(out_t, out_lon, out_lat, out_link, m, last_ms, lon, lat, LINK_STAND)
    state[_HAS_POINT], state[_POINT_LON], state[_POINT_LAT] = 1.0, lon, lat
    return m


@njit(cache=True, nogil=True, error_model="numpy")
def _begin_cluster(state, phase, link):  # type: ignore[no-untyped-def]
    """Remember how a cluster is linked and what the odometer said before it."""
    if phase == _TAKEN_BACK:
        state[_LAST_ODO] = state[_ODO_BEFORE]
        return
    if phase == _IDLE:
        state[_LAST_ODO] = math.nan
    state[_LINK_IN], state[_ODO_BEFORE] = link, state[_LAST_ODO]


@njit(cache=True, nogil=True, error_model="numpy")
def _stands_since(stand, t_ms, d_lon, d_lat, is_silence, north_m, east_m, radius_m):  # type: ignore[no-untyped-def]
    """Since when the truck stands, with one more fix; a rolling one begins anew. [ms]

    `stand` holds that moment, the number of its fixes, and their sum against the first of the
    cluster. After a silence the fix is where the one before was, as the caller found.
    """
    count = stand[1]
    east, north = east_m * (count * d_lon - stand[2]), north_m * (count * d_lat - stand[3])
    if east * east + north * north > radius_m * radius_m * count * count and not is_silence:
        stand[0], stand[1], stand[2], stand[3] = t_ms, 0, 0, 0
    stand[1], stand[2], stand[3] = stand[1] + 1, stand[2] + d_lon, stand[3] + d_lat
    return stand[0]


@njit(cache=True, nogil=True, error_model="numpy")
def draw_line(
    t: NDArray[np.int64],
    lon: NDArray[np.int32],
    lat: NDArray[np.int32],
    odometer: NDArray[np.float64],
    verdict: NDArray[np.int8],
    state: NDArray[np.float64],
    limits: NDArray[np.float64],
    is_last: bool,
    out_t: NDArray[np.int64],
    out_lon: NDArray[np.float64],
    out_lat: NDArray[np.float64],
    out_link: NDArray[np.int8],
) -> tuple[int, int]:
    """Draw the line of kept fixes: points while driving, two points for each stop.

    Fixes within the radius around their running centre form a cluster. It is a stop, and no
    distance is driven in it, once the truck stands in it for longer than the dwell time: fixes one
    after the other that stay within the smaller radius around their own running centre. A truck
    that rolls up, waits and rolls on is in the cluster for longer than it stands. A silence longer
    than the gap limit is standing if both its ends lie in one place (and the odometer agrees),
    else a gap.

    It consumes as many fixes as it can; the others are to be given again in front of the next
    piece, so that the result does not depend on how the stream is cut.

    Parameters
    ----------
    t, lon, lat : arrays, shape (n,)
        Fixes, time not decreasing. [ms], [udeg]
    odometer : float64 array, shape (n,) or (0,)
        Lifetime counter, NaN where missing; empty if never sent. [km]
    verdict : int8 array, shape (n,)
        Verdict on each fix; those dropped are passed over.
    state : float64 array, shape (STATE_SIZE,)
        Carried between pieces; zeros at the start.
    limits : float64 array, shape (7,)
        Stop radius [m], dwell [ms], gap [ms], smallest driven step [m], radius over a gap [m],
        odometer step over a gap that denies standing [km], radius of standing [m].
    is_last : bool
        True if nothing follows.
    out_t, out_lon, out_lat, out_link : arrays, shape (n + 4,)
        Out: the points and how each is linked to the one before (LINK_*).

    Returns
    -------
    consumed, points : int
        Fixes consumed; points written.
    """
    m, consumed, radius, gap_ms, has_odometer = 0, len(t), limits[0], limits[2], len(odometer) > 0
    inside_m2, outside_m2 = (_INSIDE * radius) ** 2, (_OUTSIDE * radius) ** 2
    phase, count, first_ms, last_ms, ref_lon, ref_lat, sum_lon, sum_lat = _restored(state)
    north_m, east_m = metric(float(ref_lat))
    first, last, stand = 0, 0, np.zeros(4, np.int64)  # of the open cluster, until it is a stop
    for r in range(len(t)):
        if verdict[r] > KEPT_FAR:
            continue
        link = LINK_START
        if phase in (_MOVING, _STOPPED):
            # Against the running centre, times the number of fixes: no division.
            d_lon, d_lat = turned(np.int64(lon[r]) - ref_lon), np.int64(lat[r]) - ref_lat
            east, north = east_m * (count * d_lon - sum_lon), north_m * (count * d_lat - sum_lat)
            m2, many = east * east + north * north, float(count) * float(count)
            link = LINK_STAND
            if verdict[r] == KEPT_FAR:
                link = LINK_JUMP
            elif t[r] - last_ms >= gap_ms:
                drove = has_odometer and odometer[r] - state[_LAST_ODO] > limits[5]
                centre_lon, centre_lat = ref_lon + sum_lon / count, ref_lat + sum_lat / count
                if drove or step_m(centre_lon, centre_lat, lon[r], lat[r]) > limits[4]:
                    link = LINK_GAP
            elif m2 > inside_m2 * many:
                centre_lon, centre_lat = ref_lon + sum_lon / count, ref_lat + sum_lat / count
                is_out = m2 > outside_m2 * many
                if is_out or step_m(centre_lon, centre_lat, lon[r], lat[r]) > radius:
                    link = LINK_DRIVE
            if link == LINK_STAND:
                count, sum_lon, sum_lat = count + 1, sum_lon + d_lon, sum_lat + d_lat
                if phase == _MOVING and t[r] - limits[1] > _stands_since(
                    stand, t[r], d_lon, d_lat, t[r] - last_ms >= gap_ms, north_m, east_m, limits[6]
                ):
                    phase = _STOPPED
                last, last_ms = r, t[r]
                if has_odometer and not math.isnan(odometer[r]):
                    state[_LAST_ODO] = odometer[r]
                continue
            if phase == _STOPPED:
                m = _emit_stop(
                    ref_lon + sum_lon / count, ref_lat + sum_lat / count, first_ms, last_ms,
                    state, out_t, out_lon, out_lat, out_link, m,
                )  # fmt: skip
            else:
                m = _emit_drive(
                    t, lon, lat, verdict, first, last, link != LINK_DRIVE, state, limits[3],
                    north_m, east_m, out_t, out_lon, out_lat, out_link, m,
                )  # fmt: skip
        _begin_cluster(state, phase, link)
        if has_odometer and not math.isnan(odometer[r]):
            state[_LAST_ODO] = odometer[r]
        phase, first, last, first_ms, last_ms = _MOVING, r, r, t[r], t[r]
        ref_lon, ref_lat, count = np.int64(lon[r]), np.int64(lat[r]), 1
        sum_lon, sum_lat = np.int64(0), np.int64(0)
        stand[0], stand[1], stand[2], stand[3] = t[r], 1, 0, 0
        north_m, east_m = metric(float(ref_lat))
    if is_last and phase == _STOPPED:
        m = _emit_stop(
            ref_lon + sum_lon / count, ref_lat + sum_lat / count, first_ms, last_ms,
            state, out_t, out_lon, out_lat, out_link, m,
        )  # fmt: skip
    elif is_last and phase == _MOVING:
        m = _emit_drive(
            t, lon, lat, verdict, first, last, True, state, limits[3],
            north_m, east_m, out_t, out_lon, out_lat, out_link, m,
        )  # fmt: skip
    elif phase == _MOVING:
        # The cluster may still turn out either way: take its fixes back, begin it anew next time.
        phase, consumed = _TAKEN_BACK, first
    _store(state, phase, count, first_ms, last_ms, ref_lon, ref_lat, sum_lon, sum_lat)
    return consumed, m


@njit(cache=True, nogil=True, error_model="numpy")
def find_halts(
    t: NDArray[np.int64],
    lon: NDArray[np.int32],
    lat: NDArray[np.int32],
    verdict: NDArray[np.int8],
    stops: NDArray[np.int64],
    line_t: NDArray[np.int64],
    limits: NDArray[np.float64],
    out: NDArray[np.float64],
) -> int:
    """Short standing: runs of fixes between stops that stay within a small radius for a while.

    Parameters
    ----------
    t, lon, lat : arrays, shape (n,)
        Fixes. [ms], [udeg]
    verdict : int8 array, shape (n,)
        Verdict on each fix; those dropped are passed over.
    stops : int64 array, shape (n_stops,)
        Points of the line at which a stop ends; it begins at the point before.
    line_t : int64 array, shape (n_points,)
        Time of each point of the line. [ms]
    limits : float64 array, shape (3,)
        Radius around the running centre [m], shortest halt, longest silence inside one [ms].
    out : float64 array, shape (at least the number of halts, 4)
        Out: arrival [ms], departure [ms], longitude, latitude [udeg].

    Returns
    -------
    count : int
        Number of halts written.
    """
    n, found, r, stop = len(t), 0, 0, 0
    radius_m2, dwell_ms, gap_ms = limits[0] * limits[0], limits[1], limits[2]
    stop_ms = line_t[stops[0] - 1] if len(stops) > 0 else _NEVER_MS
    count, first_ms, last_ms = 0, np.int64(0), np.int64(0)
    ref_lon, ref_lat, sum_lon, sum_lat = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    north_m, east_m = 0.0, 0.0
    while r <= n:
        is_in_stop = r < n and t[r] >= stop_ms
        if r < n and not is_in_stop:
            if verdict[r] > KEPT_FAR:
                r += 1
                continue
            d_lon, d_lat = turned(np.int64(lon[r]) - ref_lon), np.int64(lat[r]) - ref_lat
            east, north = east_m * (count * d_lon - sum_lon), north_m * (count * d_lat - sum_lat)
            is_near = east * east + north * north <= radius_m2 * count * count
            if count > 0 and is_near and t[r] - last_ms < gap_ms:
                count, sum_lon, sum_lat, last_ms = count + 1, sum_lon + d_lon, sum_lat + d_lat, t[r]
                r += 1
                continue
        if count > 0 and last_ms - first_ms >= dwell_ms:
            out[found, 0], out[found, 1] = first_ms, last_ms
            out[found, 2] = turned(ref_lon + sum_lon / count)
            out[found, 3] = ref_lat + sum_lat / count
            found += 1
        count, sum_lon, sum_lat = 0, np.int64(0), np.int64(0)
        if r == n:
            break
        if is_in_stop:
            r = first_from(t, line_t[stops[stop]] + 1, r, n)
            stop += 1
            stop_ms = line_t[stops[stop] - 1] if stop < len(stops) else _NEVER_MS
            continue
        count, first_ms, last_ms, ref_lon, ref_lat = (
            1,
            t[r],
            t[r],
            np.int64(lon[r]),
            np.int64(lat[r]),
        )
        north_m, east_m = metric(float(ref_lat))
        r += 1
    return found
