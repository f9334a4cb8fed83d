"""When the tank was filled or drained: changes of its level while the truck stands.

Fuel sloshes while a truck drives, so that a single level says little; the median of some minutes
does. A standing is cut into such pieces, with one before it and one after it. A tank gains nothing
by itself: every rise is a fill. It loses what a standing engine burns; what it loses faster was
drained. A device that sleeps while the truck stands tells the same by what it says before and
after, only later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.traces.fixes import sealed
from fleet_carbon.traces.trace import Trace

_MS_PER_S = 1000.0
_MS_PER_H = 3_600_000.0


@dataclass(frozen=True)
class LevelRules:
    """Group `levels` of the section `receipts` of an edition.

    Attributes
    ----------
    window_s : float
        A level is the median of that long. [s]
    values_min : float
        Of at least so many values. [-]
    change_l_min : float
        Smaller changes are sloshing and slopes. [l]
    idle_l_per_h_max : float
        A standing engine burns no more than that; a faster fall is a drain. [l/h]
    edge_share : float
        Pieces at the ends of a change with less than this share of it do not belong to it. [-]
    """

    window_s: float
    values_min: float
    change_l_min: float
    idle_l_per_h_max: float
    edge_share: float


@dataclass(frozen=True)
class LevelChanges:
    """Fills and drains in order of time, arrays of shape (n,).

    Attributes
    ----------
    started_ms, finished_ms : int64 array
        The change lies between these moments of one standing. [ms]
    change_l : float64 array
        Above 0 a fill, below 0 a drain. [l]
    lon, lat : float64 array
        Where the truck stood, WGS-84. [deg]
    """

    started_ms: NDArray[np.int64]
    finished_ms: NDArray[np.int64]
    change_l: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.started_ms)


def find_level_changes(trace: Trace, rules: LevelRules) -> LevelChanges:
    """Find the fills and drains of a truck whose device states the level of its tank.

    What happens in a halt of less than the dwell time of a stop, or in a gap that was driven, is
    not found. A change is too small by what the truck burns in half a window on either side.

    Parameters
    ----------
    trace : Trace
        The trace with its signals.
    rules : LevelRules
        Thresholds of the edition.
    """
    signals, stops = trace.signals, trace.stops
    if signals.fuel_level_l is None or len(stops) == 0:
        nothing = np.zeros(0)
        return LevelChanges(np.zeros(0, np.int64), np.zeros(0, np.int64), nothing, nothing, nothing)
    sent = np.flatnonzero(~np.isnan(signals.fuel_level_l))
    stop, started_ms, finished_ms, change_l = level_changes(
        sealed(signals.time_ms[sent]),
        sealed(signals.fuel_level_l[sent]),
        sealed(trace.time_ms[stops - 1]),
        sealed(trace.time_ms[stops]),
        np.array(
            [
                rules.window_s * _MS_PER_S,
                rules.values_min,
                rules.change_l_min,
                rules.idle_l_per_h_max / _MS_PER_H,
                rules.edge_share,
            ]
        ),
    )
    point = stops[stop]
    lon, lat = trace.lon_udeg[point] / 1e6, trace.lat_udeg[point] / 1e6
    return LevelChanges(started_ms, finished_ms, change_l, lon, lat)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_piece(time_ms, level_l, first, until, values_min, pieces, count):  # type: ignore[no-untyped-def]
    """The median of some values as the next piece, if they are enough; how many there are then."""
    if until - first < values_min or until <= first:
        return count
    pieces[count, 0] = np.median(level_l[first:until])
    pieces[count, 1], pieces[count, 2] = time_ms[first], time_ms[until - 1]
    return count + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _moved(pieces, k, idle_l_per_ms):  # type: ignore[no-untyped-def]
    """By how much the level moved from one piece to the next, beyond what an engine burns."""
    moved_l = pieces[k + 1, 0] - pieces[k, 0]
    if moved_l >= 0.0:
        return moved_l
    middle_ms = 0.5 * (pieces[k + 1, 1] + pieces[k + 1, 2] - pieces[k, 1] - pieces[k, 2])
    return min(0.0, moved_l + idle_l_per_ms * middle_ms)


@njit(cache=True, nogil=True, error_model="numpy")
def level_changes(
    time_ms: NDArray[np.int64],
    level_l: NDArray[np.float64],
    arrived_ms: NDArray[np.int64],
    departed_ms: NDArray[np.int64],
    limits: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Find changes of a level within standings.

    Parameters
    ----------
    time_ms, level_l : arrays, shape (n_values,)
        Moments and levels sent, in order of time. [ms], [l]
    arrived_ms, departed_ms : int64 array, shape (n_stops,)
        Standings, ascending and disjoint. [ms]
    limits : float64 array, shape (5,)
        `LevelRules` in milliseconds.

    Returns
    -------
    stop, started_ms, finished_ms : int64 array, shape (n_changes,)
        Number of the standing, and between which moments the level changed. [ms]
    change_l : float64 array, shape (n_changes,)
        By how much. [l]
    """
    window_ms, values_min, change_min, idle = limits[0], limits[1], limits[2], limits[3]
    longest = 0
    for row in range(len(arrived_ms)):
        longest = max(longest, departed_ms[row] - arrived_ms[row])
    pieces = np.empty((int(longest / window_ms) + 4, 3))
    most = 16 + len(time_ms)
    stop, moments, change = np.empty(most, np.int64), np.empty((most, 2), np.int64), np.empty(most)
    found = 0
    for row in range(len(arrived_ms)):
        arrived, departed = float(arrived_ms[row]), float(departed_ms[row])
        begin = arrived - window_ms
        if row > 0:
            begin = max(begin, float(departed_ms[row - 1]))
        end = departed + window_ms
        if row + 1 < len(arrived_ms):
            end = min(end, float(arrived_ms[row + 1]))
        first, count = np.searchsorted(time_ms, begin, side="right"), 0
        border = arrived
        while True:
            until = np.searchsorted(time_ms, border, side="right")
            count = _add_piece(time_ms, level_l, first, until, values_min, pieces, count)
            first = until
            if border >= departed:
                break
            border = min(border + window_ms, departed)
        until = np.searchsorted(time_ms, end, side="left")
        count = _add_piece(time_ms, level_l, first, until, values_min, pieces, count)
        k = 0
        while k + 1 < count:
            moved = _moved(pieces, k, idle)
            last, total = k, moved
            while last + 2 < count and _moved(pieces, last + 1, idle) * moved > 0.0:
                last += 1
                total += _moved(pieces, last, idle)
            if abs(total) >= change_min:
                low, high = k, last
                while abs(_moved(pieces, low, idle)) < limits[4] * abs(total):
                    low += 1
                while abs(_moved(pieces, high, idle)) < limits[4] * abs(total):
                    high -= 1
                stop[found] = row
                change[found] = pieces[high + 1, 0] - pieces[low, 0]
                # Of a piece that has the old level, or the new one, so has at least one half.
                before_ms = 0.5 * (pieces[low, 1] + pieces[low, 2])
                after_ms = 0.5 * (pieces[high + 1, 1] + pieces[high + 1, 2])
                moments[found, 0] = math.floor(max(before_ms, arrived))
                moments[found, 1] = math.ceil(min(after_ms, departed))
                found += 1
            k = last + 1
    return stop[:found], moments[:found, 0].copy(), moments[:found, 1].copy(), change[:found]
