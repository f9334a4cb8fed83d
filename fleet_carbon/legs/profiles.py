"""How fast each leg was driven: kilometres by speed, kinetic energy gained, time in motion.

What the truck did is told by its line and, where the device states it, by its speed. Between two
points the line tells the mean speed, without bias at any sampling; over a short step it drowns in
the noise of the places, so steps are joined until they last a while. A stated speed is sharp at
its moment and says nothing of what lies between two fixes. Where both ends of a piece and its mean
are known, what it hides is drawn in: the one speed in its middle with which its length comes out.

Compiled, for it loops over the points of a line and the fixes between them. No fastmath and no
parallel sums: the same bits on every run. Inside metres, milliseconds and metres a second are used.
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
from fleet_carbon.traces.kernels import LINK_DRIVE, LINK_STAND
from fleet_carbon.traces.lengths import first_from

BINS_COUNT = 10
_BIN_MPS = 10.0 / 3.6
# Slots of the speeds of a leg: the one last reached (NaN if unknown), the lowest and the highest
# since the last turn, and the kinetic energy gained up to that turn.
_SPEED, _LOWEST, _HIGHEST, _GAINED = range(4)
# Slots of what waits for its speed: length and time of the steps being joined, the length of the
# step out of a stop; of the piece joined before its length and mean speed (NaN if there is none),
# and the mean speed of the one before that.
_LENGTH, _TIME, _OUT_OF_STOP, _LENGTH_BEFORE, _MEAN_BEFORE, _MEAN_TWO_BEFORE = range(6)


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
    halts : float64 array, shape (n_halts, 4)
        Arrival and departure [ms], place; ascending and disjoint.
    """

    time_ms: NDArray[np.int64]
    driven_m: NDArray[np.float64]
    link: NDArray[np.int8]
    halts: NDArray[np.float64]


class Stated(NamedTuple):
    """The speed that the device states.

    Attributes
    ----------
    time_ms, speed_kmh, verdict : arrays, shape (n_fixes,)
        Times of the fixes [ms], the speed each states, NaN where missing [km/h], and what became
        of it.
    fix : int64 array, shape (n_points,)
        The fix at the end of each driven step; the fixes between follow that of the point before.
    road_m : float64 array, shape (n_points,)
        The speed integrated over each driven step, NaN where it is missing. [m]
    """

    time_ms: NDArray[np.int64]
    speed_kmh: NDArray[np.float64]
    verdict: NDArray[np.int8]
    fix: NDArray[np.int64]
    road_m: NDArray[np.float64]


class ProfileLimits(NamedTuple):
    """What tells driving from noise; `LegRules` says what each means.

    Attributes
    ----------
    window_ms : float
        Steps are joined until they last that long. [ms]
    speed_step_mps : float
        Smaller changes of speed are noise. [m/s]
    """

    window_ms: float
    speed_step_mps: float


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
def _stated_m(stated, before, at):  # type: ignore[no-untyped-def]
    """Length of a piece between two fixes by their stated speeds."""
    step_s = (stated.time_ms[at] - stated.time_ms[before]) / 1000.0
    return 0.5 * (stated.speed_kmh[before] + stated.speed_kmh[at]) / 3.6 * step_s


@njit(cache=True, nogil=True)
def _says_nothing(stated, at):  # type: ignore[no-untyped-def]
    return stated.verdict[at] > KEPT_FAR or math.isnan(stated.speed_kmh[at])


@njit(cache=True, nogil=True)
def find_stated(
    line: Line,
    time_ms: NDArray[np.int64],
    speed_kmh: NDArray[np.float64],
    verdict: NDArray[np.int8],
) -> Stated:
    """Find what the device states along the driven steps of a line.

    Parameters
    ----------
    line : Line
        Line of the truck.
    time_ms, speed_kmh, verdict : arrays, shape (n_fixes,)
        Times of its fixes [ms], the speed each states [km/h], and what became of it.
    """
    fix, road_m = np.zeros(len(line.time_ms), np.int64), np.full(len(line.time_ms), np.nan)
    stated = Stated(time_ms, speed_kmh, verdict, fix, road_m)
    at = 0
    for k in range(len(line.time_ms)):
        at = first_from(time_ms, line.time_ms[k], at, len(time_ms))
        fix[k] = at
        while verdict[fix[k]] > KEPT_FAR:
            fix[k] += 1
        if k == 0 or line.link[k] != LINK_DRIVE or _says_nothing(stated, fix[k - 1]):
            continue
        before, sum_m = fix[k - 1], 0.0
        for between in range(before + 1, fix[k] + 1):
            if not _says_nothing(stated, between):
                sum_m += _stated_m(stated, before, between)
                before = between
        if before == fix[k]:
            road_m[k] = sum_m
    return stated


@njit(cache=True, nogil=True)
def is_believed(line: Line, stated: Stated, ratio_max: float, silence_share_max: float) -> bool:
    """Whether the stated speed, integrated over the driven steps, is the road that was driven.

    Parameters
    ----------
    line : Line
        Line of the truck.
    stated : Stated
        What the device states along it.
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
        if math.isnan(stated.road_m[k]):
            silent_ms += step_ms
        else:
            told_ms += step_ms
            stated_m += stated.road_m[k]
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
    lowest = min(int(low / _BIN_MPS), BINS_COUNT - 1)
    highest = min(int(high / _BIN_MPS), BINS_COUNT - 1)
    if lowest == highest:
        bins[lowest, leg] += length_m
        return
    # Under constant acceleration the length grows with the square of the speed.
    per_m = length_m / (high * high - low * low)
    for k in range(lowest, highest + 1):
        begin = max(low, k * _BIN_MPS)
        end = high if k == highest else min(high, (k + 1) * _BIN_MPS)
        bins[k, leg] += per_m * (end * end - begin * begin)


@njit(cache=True, nogil=True)
def _draw_in(bins, leg, state, length_m, first, middle, last, step):  # type: ignore[no-untyped-def]
    """A piece as two even changes of speed that take half the time each."""
    whole = first + 2.0 * middle + last
    if whole > 0.0:
        _spread(bins, leg, length_m * (first + middle) / whole, first, middle)
        _spread(bins, leg, length_m * (middle + last) / whole, middle, last)
    _reach(state, first, step)
    _reach(state, middle, step)
    _reach(state, last, step)


@njit(cache=True, nogil=True)
def _drive_as_stated(bins, leg, state, line, stated, k, begin, end, limits):  # type: ignore[no-untyped-def]
    """A step, or the part of it between two moments, by the speeds stated along it."""
    length_m, road_m = line.driven_m[k] - line.driven_m[k - 1], stated.road_m[k]
    before, step = stated.fix[k - 1], limits.speed_step_mps
    if road_m <= 0.0:
        bins[0, leg] += length_m * (end - begin) / max(1, line.time_ms[k] - line.time_ms[k - 1])
        return
    if math.isnan(state[_SPEED]):
        _reach(state, stated.speed_kmh[before] / 3.6, step)
    for at in range(before + 1, stated.fix[k] + 1):
        if _says_nothing(stated, at):
            continue
        piece_ms = float(stated.time_ms[at] - stated.time_ms[before])
        inside_ms = float(min(stated.time_ms[at], end) - max(stated.time_ms[before], begin))
        if inside_ms > 0.0:
            first, last = stated.speed_kmh[before] / 3.6, stated.speed_kmh[at] / 3.6
            piece_m, share = length_m * _stated_m(stated, before, at) / road_m, inside_ms / piece_ms
            if piece_ms >= limits.window_ms:
                # With that speed in the middle the piece has its length.
                middle = max(0.0, 2000.0 * piece_m / piece_ms - 0.5 * (first + last))
                _draw_in(bins, leg, state, share * piece_m, first, middle, last, step)
            else:
                _spread(bins, leg, share * piece_m, first, last)
                _reach(state, last, step)
        before = at


@njit(cache=True, nogil=True)
def _join(bins, leg, state, wait, step):  # type: ignore[no-untyped-def]
    """The steps joined are a piece with a mean speed; the piece before it learns what follows."""
    mean = 1000.0 * wait[_LENGTH] / wait[_TIME]
    _spread(bins, leg, wait[_OUT_OF_STOP], 0.0, mean)
    before = _end_before(bins, leg, state, wait, mean, step)
    wait[_LENGTH_BEFORE], wait[_MEAN_BEFORE] = wait[_LENGTH], mean
    wait[_MEAN_TWO_BEFORE] = mean if math.isnan(before) else before
    wait[_LENGTH] = wait[_TIME] = wait[_OUT_OF_STOP] = 0.0


@njit(cache=True, nogil=True)
def _end_before(bins, leg, state, wait, following, step):  # type: ignore[no-untyped-def]
    """The piece that waits, by its mean speed and those around it; its mean, NaN if there is none.

    Where two pieces meet, the speed is the mean of both. A piece faster or slower than both its
    neighbours hides a peak or a dip: half as far beyond its mean as that is from the nearer one,
    which is exact if both are alike.
    """
    mean, before = wait[_MEAN_BEFORE], wait[_MEAN_TWO_BEFORE]
    if math.isnan(mean):
        return mean
    up, down = min(mean - before, mean - following), max(mean - before, mean - following)
    middle = max(0.0, mean + 0.5 * (max(0.0, up) + min(0.0, down)))
    first, last = 0.5 * (before + mean), 0.5 * (mean + following)
    _draw_in(bins, leg, state, wait[_LENGTH_BEFORE], first, middle, last, step)
    wait[_LENGTH_BEFORE], wait[_MEAN_BEFORE] = 0.0, math.nan
    return mean


@njit(cache=True, nogil=True)
def _drive_on(bins, leg, state, wait, length_m, time_ms, limits):  # type: ignore[no-untyped-def]
    """A step of which only length and time are known."""
    if time_ms >= limits.window_ms and wait[_TIME] > 0.0:
        _join(bins, leg, state, wait, limits.speed_step_mps)
    wait[_LENGTH] += length_m
    wait[_TIME] += time_ms
    if wait[_TIME] >= limits.window_ms:
        _join(bins, leg, state, wait, limits.speed_step_mps)


@njit(cache=True, nogil=True)
def _drive_out(bins, leg, state, wait, limits):  # type: ignore[no-untyped-def]
    """Nothing follows that is linked to the steps joined; the speed at their end."""
    if wait[_TIME] >= 0.5 * limits.window_ms:
        _join(bins, leg, state, wait, limits.speed_step_mps)
    # What is left is too short to tell a speed, and gains none.
    mean = wait[_MEAN_BEFORE]
    if math.isnan(mean):
        mean = 1000.0 * wait[_LENGTH] / wait[_TIME] if wait[_TIME] > 0.0 else 0.0
    _spread(bins, leg, wait[_LENGTH] + wait[_OUT_OF_STOP], mean, mean)
    wait[_LENGTH] = wait[_TIME] = wait[_OUT_OF_STOP] = 0.0
    _end_before(bins, leg, state, wait, mean, limits.speed_step_mps)
    return mean


@njit(cache=True, nogil=True)
def _drive_step(bins, leg, state, wait, line, k, length_m, time_ms, limits):  # type: ignore[no-untyped-def]
    """A step without stated speed; out of a stop and into one it leads from and to standing.

    The line has a stop begin and end at the edge of its radius, so that time says nothing there.
    """
    if line.link[k - 1] == LINK_STAND:
        wait[_OUT_OF_STOP] = length_m
    elif k + 1 < len(line.link) and line.link[k + 1] == LINK_STAND:
        _spread(bins, leg, length_m, _drive_out(bins, leg, state, wait, limits), 0.0)
    else:
        _drive_on(bins, leg, state, wait, length_m, time_ms, limits)


@njit(cache=True, nogil=True)
def _halts_within(halts, halt, begin, end):  # type: ignore[no-untyped-def]
    """How many halts begin in an interval, how long they last in it [ms], and the next halt."""
    begun, stood_ms = 0, 0.0
    while halt < len(halts) and halts[halt, 0] < end:
        begun += halts[halt, 0] >= begin
        stood_ms += max(0.0, min(halts[halt, 1], float(end)) - max(halts[halt, 0], float(begin)))
        if halts[halt, 1] > end:
            break
        halt += 1
    return begun, stood_ms, halt


@njit(cache=True, nogil=True)
def sum_profiles(line: Line, stated: Stated, timeline: Timeline, limits: ProfileLimits) -> Profiles:
    """Sum up how each leg was driven, in one pass over the points between its borders.

    Parameters
    ----------
    line : Line
        The line of the truck.
    stated : Stated
        What its device states along it; of no fix if that is not believed.
    timeline : Timeline
        Borders of the legs; a step over a border is shared by time.
    limits : ProfileLimits
        What tells driving from noise.

    Returns
    -------
    profiles : Profiles
        Of what was seen: gaps and jumps hold no speed.
    """
    legs_count, is_stated = len(timeline.started_ms), len(stated.time_ms) > 0
    bins, gained = np.zeros((BINS_COUNT, legs_count)), np.zeros(legs_count)
    moving_ms, stops = np.zeros(legs_count), np.zeros(legs_count, np.int64)
    state, wait, halt, stands = np.empty(4), np.zeros(6), 0, False
    wait[_MEAN_BEFORE] = math.nan
    for leg in range(legs_count):
        start, finish = timeline.started_ms[leg], timeline.finished_ms[leg]
        state[_SPEED] = state[_LOWEST] = state[_HIGHEST] = math.nan
        state[_GAINED] = 0.0
        if stands:
            _reach(state, 0.0, limits.speed_step_mps)
        stands = timeline.stood_until_ms[leg] > finish
        if finish <= start:
            continue
        stops[leg] = stands
        k = max(1, np.searchsorted(line.time_ms, start, side="right"))
        while k < len(line.time_ms) and line.time_ms[k - 1] < finish:
            if line.link[k] != LINK_DRIVE:
                _drive_out(bins, leg, state, wait, limits)
                _forget(state, limits.speed_step_mps)
                k += 1
                continue
            begin, end = max(line.time_ms[k - 1], start), min(line.time_ms[k], finish)
            begun, stood_ms, halt = _halts_within(line.halts, halt, begin, end)
            stops[leg] += begun
            moving_ms[leg] += end - begin - stood_ms
            if is_stated and not math.isnan(stated.road_m[k]):
                _drive_out(bins, leg, state, wait, limits)
                _drive_as_stated(bins, leg, state, line, stated, k, begin, end, limits)
            else:
                share = (end - begin) / max(1, line.time_ms[k] - line.time_ms[k - 1])
                length_m = share * (line.driven_m[k] - line.driven_m[k - 1])
                _drive_step(bins, leg, state, wait, line, k, length_m, float(end - begin), limits)
            k += 1
        _drive_out(bins, leg, state, wait, limits)
        _forget(state, limits.speed_step_mps)
        gained[leg] = state[_GAINED]
    return Profiles(bins / 1000.0, gained, moving_ms / MS_PER_H, stops)
