"""How fast each leg was driven: kilometres by speed, kinetic energy gained, time in motion.

What the truck did is told by its line and, where the device states it, by its speed. Between two
points the line tells the mean speed, free of bias at any sampling; over a short step it is
drowned in the noise of the places, so steps are joined until they last a while. A stated speed is
sharp at its moment and says nothing of what lies between two fixes. Together they are the speed at
both ends of a step and its mean, so what a step hides is drawn in: the one speed in its middle
with which the length comes out.

Compiled, for it loops over the points of a line. No fastmath and no parallel sums: the same bits
on every run. Inside metres, milliseconds and metres a second are used.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.legs.columns import Timeline
from fleet_carbon.legs.kernels import MS_PER_H
from fleet_carbon.traces.cleaning import KEPT_FAR
from fleet_carbon.traces.kernels import LINK_DRIVE

BINS_COUNT = 10
_BIN_MS = 10.0 / 3.6
# Slots of what is known while a leg is driven: the speed last reached (NaN if not known), lowest
# and highest speed since the last turn, kinetic energy gained up to that turn.
_SPEED, _LOWEST, _HIGHEST, _GAINED = range(4)


class Line(NamedTuple):
    """A line as far as its speed is asked for.

    Attributes
    ----------
    time_ms : int64 array, shape (n_points,)
        Time of each point, not decreasing. [ms]
    driven_m : float64 array, shape (n_points,)
        Distance driven up to it. [m]
    link : int8 array, shape (n_points,)
        How it is linked to the one before.
    speed_kmh : float64 array, shape (n_points,) or (0,)
        Speed stated there, NaN where missing; empty if none is believed. [km/h]
    halts : float64 array, shape (n_halts, 4)
        Arrival and departure [ms], place; ascending and disjoint.
    """

    time_ms: NDArray[np.int64]
    driven_m: NDArray[np.float64]
    link: NDArray[np.int8]
    speed_kmh: NDArray[np.float64]
    halts: NDArray[np.float64]


class ProfileLimits(NamedTuple):
    """What tells driving from noise; `LegRules` says what each means.

    Attributes
    ----------
    window_ms : float
        Steps are joined until they last that long. [ms]
    speed_step_ms : float
        Smaller changes of speed are noise. [m/s]
    """

    window_ms: float
    speed_step_ms: float


class Profiles(NamedTuple):
    """How each leg was driven.

    Attributes
    ----------
    bin_km : float64 array, shape (10, n_legs)
        Kilometres seen below 10 km/h, below 20, ..., above 90. [km]
    kinetic_gained_j_per_kg, moving_h : float64 array, shape (n_legs,)
        Kinetic energy gained in speeding up, and time seen in motion. [J/kg], [h]
    stops_count : int64 array, shape (n_legs,)
        How often the truck came to rest.
    """

    bin_km: NDArray[np.float64]
    kinetic_gained_j_per_kg: NDArray[np.float64]
    moving_h: NDArray[np.float64]
    stops_count: NDArray[np.int64]


@njit(cache=True, nogil=True)
def speeds_on_line(
    line_ms: NDArray[np.int64],
    time_ms: NDArray[np.int64],
    speed_kmh: NDArray[np.float64],
    verdict: NDArray[np.int8],
) -> NDArray[np.float64]:
    """Speed stated by the fix of each point of a line, NaN where it states none. [km/h]

    Parameters
    ----------
    line_ms : int64 array, shape (n_points,)
        Time of each point. [ms]
    time_ms, speed_kmh, verdict : arrays, shape (n_fixes,)
        Times of the fixes [ms], what they state [km/h], and what became of them.

    Returns
    -------
    speeds : float64 array, shape (n_points,)
    """
    speeds, fix = np.full(len(line_ms), np.nan), 0
    for point in range(len(line_ms)):
        while fix < len(time_ms) and time_ms[fix] < line_ms[point]:
            fix += 1
        at = fix
        while at < len(time_ms) and time_ms[at] == line_ms[point]:
            if verdict[at] <= KEPT_FAR:
                speeds[point] = speed_kmh[at]
                break
            at += 1
    return speeds


@njit(cache=True, nogil=True)
def is_believed(line: Line, ratio_max: float, silence_share_max: float) -> bool:
    """Whether the stated speed, integrated over the driven steps, is the road that was driven.

    Parameters
    ----------
    line : Line
        With the speeds stated at its points.
    ratio_max : float
        Largest ratio of the two lengths, either way.
    silence_share_max : float
        Largest share of the driving time in steps with a speed missing.
    """
    stated_m, road_m, told_ms, silent_ms = 0.0, 0.0, 0.0, 0.0
    for k in range(1, len(line.time_ms)):
        if line.link[k] != LINK_DRIVE:
            continue
        step_ms = float(line.time_ms[k] - line.time_ms[k - 1])
        both_kmh = line.speed_kmh[k - 1] + line.speed_kmh[k]
        if math.isnan(both_kmh):
            silent_ms += step_ms
        else:
            told_ms += step_ms
            stated_m += 0.5 * both_kmh / 3.6 * step_ms / 1000.0
            road_m += line.driven_m[k] - line.driven_m[k - 1]
    if road_m <= 0.0 or stated_m <= 0.0:
        return False
    if silent_ms > silence_share_max * (told_ms + silent_ms):
        return False
    return bool(1.0 / ratio_max <= stated_m / road_m <= ratio_max)


@njit(cache=True, nogil=True)
def _reach(state, speed, step):  # type: ignore[no-untyped-def]
    """Note the next speed reached; a rise counts once it exceeds the step that noise may make."""
    state[_SPEED] = speed
    if math.isnan(state[_LOWEST]):
        state[_LOWEST] = state[_HIGHEST] = speed
    elif speed > state[_HIGHEST]:
        state[_HIGHEST] = speed
    elif speed < state[_HIGHEST] - step:
        # It slows down for good: the rise before is over.
        _settle(state, step)
        state[_LOWEST] = state[_HIGHEST] = speed
    elif speed < state[_LOWEST]:
        state[_LOWEST] = state[_HIGHEST] = speed


@njit(cache=True, nogil=True)
def _settle(state, step):  # type: ignore[no-untyped-def]
    """Count the rise from the lowest to the highest speed since the last turn."""
    low, high = state[_LOWEST], state[_HIGHEST]
    if high - low >= step:
        state[_GAINED] += 0.5 * (high * high - low * low)


@njit(cache=True, nogil=True)
def _forget(state, step):  # type: ignore[no-untyped-def]
    """What follows is not linked to what was: the speed is not known any more."""
    _settle(state, step)
    state[_SPEED] = state[_LOWEST] = state[_HIGHEST] = math.nan


@njit(cache=True, nogil=True)
def _spread(bins, leg, length_m, first, last):  # type: ignore[no-untyped-def]
    """Share a length between the bins of speeds that are passed evenly from `first` to `last`."""
    low, high = min(first, last), max(first, last)
    lowest = min(int(low / _BIN_MS), BINS_COUNT - 1)
    highest = min(int(high / _BIN_MS), BINS_COUNT - 1)
    if lowest == highest:
        bins[lowest, leg] += length_m
        return
    # Under constant acceleration the length grows with the square of the speed.
    per_m = length_m / (high * high - low * low)
    for k in range(lowest, highest + 1):
        begin = max(low, k * _BIN_MS)
        end = high if k == highest else min(high, (k + 1) * _BIN_MS)
        bins[k, leg] += per_m * (end * end - begin * begin)


@njit(cache=True, nogil=True)
def _join(bins, leg, state, window, limits, last_kmh):  # type: ignore[no-untyped-def]
    """Close the steps joined so far: their length by speed, and the speeds reached in them."""
    length_m, moving_ms = window[0], window[1]
    window[0], window[1] = 0.0, 0.0
    if length_m <= 0.0 or moving_ms <= 0.0:
        bins[0, leg] += max(0.0, length_m)
        return
    mean, is_short = 1000.0 * length_m / moving_ms, moving_ms < 0.5 * limits.window_ms
    if math.isnan(last_kmh):
        _spread(bins, leg, length_m, mean, mean)
        if not is_short:
            _reach(state, mean, limits.speed_step_ms)
        return
    last = last_kmh / 3.6
    first = last if math.isnan(state[_SPEED]) else state[_SPEED]
    if is_short:
        _spread(bins, leg, length_m, first, last)
    else:
        # Two even changes of speed, over half the time each, that together have the length.
        middle = max(0.0, 2.0 * mean - 0.5 * (first + last))
        whole = first + 2.0 * middle + last
        _spread(bins, leg, length_m * (first + middle) / whole, first, middle)
        _spread(bins, leg, length_m * (middle + last) / whole, middle, last)
        if math.isnan(state[_SPEED]):
            _reach(state, first, limits.speed_step_ms)
        _reach(state, middle, limits.speed_step_ms)
    _reach(state, last, limits.speed_step_ms)


@njit(cache=True, nogil=True)
def sum_profiles(line: Line, timeline: Timeline, limits: ProfileLimits) -> Profiles:
    """Sum up how each leg was driven, in one pass over the points between its borders.

    Parameters
    ----------
    line : Line
        The line of the truck, with its speeds where they are believed.
    timeline : Timeline
        Borders of the legs; a step over a border is shared by time.
    limits : ProfileLimits
        What tells driving from noise.

    Returns
    -------
    profiles : Profiles
        Of what was seen: gaps and jumps hold no speed.
    """
    legs_count = len(timeline.started_ms)
    bins, gained = np.zeros((BINS_COUNT, legs_count)), np.zeros(legs_count)
    moving_h, stops = np.zeros(legs_count), np.zeros(legs_count, np.int64)
    is_stated = len(line.speed_kmh) > 0
    state, window = np.empty(4), np.zeros(2)
    halts, halt = line.halts, 0
    for leg in range(legs_count):
        start, finish = timeline.started_ms[leg], timeline.finished_ms[leg]
        if finish <= start:
            continue
        stops[leg] = timeline.stood_until_ms[leg] > finish
        state[_GAINED] = 0.0
        state[_SPEED] = state[_LOWEST] = state[_HIGHEST] = math.nan
        if leg > 0 and timeline.stood_until_ms[leg - 1] > timeline.finished_ms[leg - 1]:
            _reach(state, 0.0, limits.speed_step_ms)
        while halt < len(halts) and halts[halt, 1] <= start:
            halt += 1
        k = max(1, np.searchsorted(line.time_ms, start, side="right"))
        while k < len(line.time_ms) and line.time_ms[k - 1] < finish:
            if line.link[k] != LINK_DRIVE:
                _join(bins, leg, state, window, limits, math.nan)
                _forget(state, limits.speed_step_ms)
                k += 1
                continue
            begin, end = max(line.time_ms[k - 1], start), min(line.time_ms[k], finish)
            step_ms, stood_ms = float(line.time_ms[k] - line.time_ms[k - 1]), 0.0
            share = (end - begin) / step_ms if step_ms > 0.0 else 1.0
            while halt < len(halts) and halts[halt, 0] < end:
                if halts[halt, 0] >= begin or begin == start:
                    _join(bins, leg, state, window, limits, math.nan)
                    _reach(state, 0.0, limits.speed_step_ms)
                    stops[leg] += halts[halt, 0] >= start
                stood_ms += min(halts[halt, 1], float(end)) - max(halts[halt, 0], float(begin))
                if halts[halt, 1] > end:
                    break
                halt += 1
            moving_ms = max(0.0, end - begin - stood_ms)
            window[0] += share * (line.driven_m[k] - line.driven_m[k - 1])
            window[1] += moving_ms
            moving_h[leg] += moving_ms / MS_PER_H
            stated = line.speed_kmh[k] if is_stated and end == line.time_ms[k] else math.nan
            if window[1] >= limits.window_ms or not math.isnan(stated):
                _join(bins, leg, state, window, limits, stated)
            k += 1
        _join(bins, leg, state, window, limits, math.nan)
        _forget(state, limits.speed_step_ms)
        gained[leg] = state[_GAINED]
    return Profiles(bins / 1000.0, gained, moving_h, stops)
