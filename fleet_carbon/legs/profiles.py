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
_BIN_MPS, _BINS_PER_MPS = 10.0 / 3.6, 0.36
_MPS_PER_KMH = 1.0 / 3.6
# What is known of a leg while it is driven stands in the slots of one array. The first are its
# lengths by speed. Then the lowest and the highest speed since the last turn (infinite until one
# is known) and the kinetic energy gained up to that turn.
_LOWEST, _HIGHEST, _GAINED = range(BINS_COUNT, BINS_COUNT + 3)
# Then what waits for its speed: length and time of the steps being joined, the length of the step
# out of a stop; of the piece joined before its length and mean speed (NaN if there is none), and
# the mean speed of the one before that.
_LENGTH, _TIME, _OUT_OF_STOP, _LENGTH_BEFORE, _MEAN_BEFORE, _MEAN_TWO_BEFORE = range(
    BINS_COUNT + 3, BINS_COUNT + 9
)
_SLOTS = BINS_COUNT + 9


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
        The fix at each point; between those of two points lie the fixes of a step.
    speed_mps, road_m : float64 array, shape (n_points,)
        The speed stated at each point, and its integral over the step to it, NaN where that is
        not told. [m/s], [m]
    """

    time_ms: NDArray[np.int64]
    speed_kmh: NDArray[np.float64]
    verdict: NDArray[np.int8]
    fix: NDArray[np.int64]
    speed_mps: NDArray[np.float64]
    road_m: NDArray[np.float64]


class ProfileLimits(NamedTuple):
    """What tells driving from noise; `LegRules` says what each means.

    Attributes
    ----------
    window_ms : float
        Steps are joined until they last that long. [ms]
    speed_step_mps : float
        Smaller changes of speed are noise. [m/s]
    speed_mps_max : float
        No truck is faster. [m/s]
    """

    window_ms: float
    speed_step_mps: float
    speed_mps_max: float


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


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _stated_m(time_ms, speed_kmh, before, at):  # type: ignore[no-untyped-def]
    """Length of a piece between two fixes by their stated speeds."""
    step_ms = time_ms[at] - time_ms[before]
    return (0.0005 * _MPS_PER_KMH) * (speed_kmh[before] + speed_kmh[at]) * step_ms


@njit(cache=True, nogil=True, error_model="numpy")
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
    point_ms, link, at = line.time_ms, line.link, 0
    count, fixes_count = len(point_ms), len(time_ms)
    fix, speed_mps, road_m = np.empty(count, np.int64), np.empty(count), np.full(count, np.nan)
    for k in range(count):
        at = first_from(time_ms, point_ms[k], at, fixes_count)
        here = at
        while verdict[here] > KEPT_FAR:
            here += 1
        fix[k], speed_mps[k] = here, speed_kmh[here] * _MPS_PER_KMH
        if k == 0 or link[k] != LINK_DRIVE or math.isnan(speed_mps[k - 1]):
            continue
        before, sum_m = fix[k - 1], 0.0
        for between in range(before + 1, here + 1):
            if verdict[between] <= KEPT_FAR and not math.isnan(speed_kmh[between]):
                sum_m += _stated_m(time_ms, speed_kmh, before, between)
                before = between
        if before == here:
            road_m[k] = sum_m
    return Stated(time_ms, speed_kmh, verdict, fix, speed_mps, road_m)


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _reach(own, speed, limits):  # type: ignore[no-untyped-def]
    """Note the next speed reached; a rise counts once it exceeds the step that noise may make."""
    low, high = own[_LOWEST], own[_HIGHEST]
    if speed > high:
        own[_HIGHEST], own[_LOWEST] = min(speed, limits.speed_mps_max), min(low, speed)
    elif speed < low or speed < high - limits.speed_step_mps:
        # It slows down for good: the rise before is over.
        if high - low >= limits.speed_step_mps:
            own[_GAINED] += 0.5 * (high * high - low * low)
        own[_LOWEST] = own[_HIGHEST] = speed


@njit(cache=True, nogil=True, error_model="numpy")
def _forget(own, limits):  # type: ignore[no-untyped-def]
    """What follows is not linked to what was: the speed is not known any more."""
    _reach(own, -math.inf, limits)
    own[_LOWEST], own[_HIGHEST] = math.inf, -math.inf


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _spread(own, length_m, first, last):  # type: ignore[no-untyped-def]
    """Share a length between the bins of speeds that are passed evenly from `first` to `last`."""
    low, high = min(first, last), max(first, last)
    lowest = min(int(low * _BINS_PER_MPS), BINS_COUNT - 1)
    highest = min(int(high * _BINS_PER_MPS), BINS_COUNT - 1)
    # Under constant acceleration the length grows with the square of the speed.
    per_m, begin2 = length_m / (high * high - low * low), low * low
    for k in range(lowest, highest - 1):
        end2 = ((k + 1) * _BIN_MPS) ** 2
        own[k] += per_m * (end2 - begin2)
        begin2 = end2
    # One bin or two, nobody foresees: both are computed and one taken.
    is_one = lowest == highest
    before = max(lowest, highest - 1)
    end2 = ((before + 1) * _BIN_MPS) ** 2
    own[before] += 0.0 if is_one else per_m * (end2 - begin2)
    own[highest] += length_m if is_one else per_m * (high * high - end2)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _draw_in(own, length_m, first, middle, last, limits):  # type: ignore[no-untyped-def]
    """A piece as two even changes of speed that take half the time each."""
    whole = first + 2.0 * middle + last
    if whole > 0.0:
        per_mps = length_m / whole
        _spread(own, per_mps * (first + middle), first, middle)
        _spread(own, per_mps * (middle + last), middle, last)
    _reach(own, middle, limits)
    _reach(own, last, limits)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _drive_piece(own, length_m, time_ms, share, first, last, limits):  # type: ignore[no-untyped-def]
    """A piece, or a share of it, between two fixes that state their speed."""
    if time_ms >= limits.window_ms:
        # With that speed in the middle the piece has its length.
        middle = max(0.0, 2000.0 * length_m / time_ms - 0.5 * (first + last))
        _draw_in(own, share * length_m, first, middle, last, limits)
    else:
        _spread(own, share * length_m, first, last)
        _reach(own, last, limits)


@njit(cache=True, nogil=True, error_model="numpy")
def _drive_pieces(own, stated, k, per_road, begin, end, limits):  # type: ignore[no-untyped-def]
    """The pieces of a step between the fixes that lie on it, as far as they are in an interval."""
    time_ms, speed_kmh, before = stated.time_ms, stated.speed_kmh, stated.fix[k - 1]
    for at in range(before + 1, stated.fix[k] + 1):
        if stated.verdict[at] > KEPT_FAR or math.isnan(speed_kmh[at]):
            continue
        inside_ms = min(time_ms[at], end) - max(time_ms[before], begin)
        if inside_ms > 0:
            piece_ms = float(time_ms[at] - time_ms[before])
            length_m = per_road * _stated_m(time_ms, speed_kmh, before, at)
            first, last = speed_kmh[before] * _MPS_PER_KMH, speed_kmh[at] * _MPS_PER_KMH
            _drive_piece(own, length_m, piece_ms, inside_ms / piece_ms, first, last, limits)
        before = at


@njit(cache=True, nogil=True, error_model="numpy")
def _join(own, limits):  # type: ignore[no-untyped-def]
    """The steps joined are a piece with a mean speed; the piece before it learns what follows."""
    mean = 1000.0 * own[_LENGTH] / own[_TIME]
    _spread(own, own[_OUT_OF_STOP], 0.0, mean)
    before = _end_before(own, mean, limits)
    own[_LENGTH_BEFORE], own[_MEAN_BEFORE] = own[_LENGTH], mean
    own[_MEAN_TWO_BEFORE] = mean if math.isnan(before) else before
    own[_LENGTH] = own[_TIME] = own[_OUT_OF_STOP] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _end_before(own, following, limits):  # type: ignore[no-untyped-def]
    """The piece that waits, by its mean speed and those around it; its mean, NaN if there is none.

    Where two pieces meet, the speed is the mean of both. A piece faster or slower than both its
    neighbours hides a peak or a dip: half as far beyond its mean as that is from the nearer one,
    which is exact if both are alike.
    """
    mean, before = own[_MEAN_BEFORE], own[_MEAN_TWO_BEFORE]
    if math.isnan(mean):
        return mean
    up, down = min(mean - before, mean - following), max(mean - before, mean - following)
    middle = max(0.0, mean + 0.5 * (max(0.0, up) + min(0.0, down)))
    first, last = 0.5 * (before + mean), 0.5 * (mean + following)
    _reach(own, first, limits)
    _draw_in(own, own[_LENGTH_BEFORE], first, middle, last, limits)
    own[_LENGTH_BEFORE], own[_MEAN_BEFORE] = 0.0, math.nan
    return mean


@njit(cache=True, nogil=True, error_model="numpy")
def _drive_on(own, length_m, time_ms, limits):  # type: ignore[no-untyped-def]
    """A step of which only length and time are known."""
    if time_ms >= limits.window_ms and own[_TIME] > 0.0:
        _join(own, limits)
    own[_LENGTH] += length_m
    own[_TIME] += time_ms
    if own[_TIME] >= limits.window_ms:
        _join(own, limits)


@njit(cache=True, nogil=True, error_model="numpy")
def _drive_out(own, limits):  # type: ignore[no-untyped-def]
    """Nothing follows that is linked to the steps joined; the speed at their end."""
    if own[_TIME] >= 0.5 * limits.window_ms:
        _join(own, limits)
    # What is left is too short to tell a speed, and gains none.
    mean = own[_MEAN_BEFORE]
    if math.isnan(mean):
        mean = 1000.0 * own[_LENGTH] / own[_TIME] if own[_TIME] > 0.0 else 0.0
    _spread(own, own[_LENGTH] + own[_OUT_OF_STOP], mean, mean)
    own[_LENGTH] = own[_TIME] = own[_OUT_OF_STOP] = 0.0
    _end_before(own, mean, limits)
    return mean


@njit(cache=True, nogil=True, error_model="numpy")
def _drive_step(own, link, k, length_m, time_ms, limits):  # type: ignore[no-untyped-def]
    """A step without stated speed; out of a stop and into one it leads from and to standing.

    The line has a stop begin and end at the edge of its radius, so that time says nothing there.
    """
    if link[k - 1] == LINK_STAND:
        own[_OUT_OF_STOP] = length_m
    elif k + 1 < len(link) and link[k + 1] == LINK_STAND:
        _spread(own, length_m, _drive_out(own, limits), 0.0)
    else:
        _drive_on(own, length_m, time_ms, limits)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
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


@njit(cache=True, nogil=True, error_model="numpy")
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
    bin_km, gained = np.zeros((BINS_COUNT, legs_count)), np.zeros(legs_count)
    moving_ms, stops = np.zeros(legs_count), np.zeros(legs_count, np.int64)
    halt, stands, own = 0, False, np.empty(_SLOTS)
    # Arrays of a tuple are counted at each use, which costs more than what is done with them.
    time_ms, driven_m, link, halts = line.time_ms, line.driven_m, line.link, line.halts
    fix, speed_mps, road_m = stated.fix, stated.speed_mps, stated.road_m
    started_ms, finished_ms = timeline.started_ms, timeline.finished_ms
    stood_until_ms = timeline.stood_until_ms
    for leg in range(legs_count):
        start, finish = started_ms[leg], finished_ms[leg]
        own[:], joins = 0.0, False
        own[_LOWEST], own[_HIGHEST], own[_MEAN_BEFORE] = math.inf, -math.inf, math.nan
        if stands:
            _reach(own, 0.0, limits)
        stands = stood_until_ms[leg] > finish
        if finish <= start:
            continue
        stops[leg] = stands
        moved_ms = 0.0
        k = max(1, np.searchsorted(time_ms, start, side="right"))
        while k < len(time_ms) and time_ms[k - 1] < finish:
            if link[k] == LINK_DRIVE:
                begin, end = max(time_ms[k - 1], start), min(time_ms[k], finish)
                begun, stood_ms, halt = _halts_within(halts, halt, begin, end)
                stops[leg] += begun
                moved_ms += end - begin - stood_ms
                step_ms = time_ms[k] - time_ms[k - 1]
                share = 1.0 if end - begin == step_ms else (end - begin) / step_ms
                length_m = driven_m[k] - driven_m[k - 1]
                if is_stated and not math.isnan(road_m[k]):
                    if joins:
                        _drive_out(own, limits)
                        joins = False
                    if own[_HIGHEST] < 0.0:
                        _reach(own, speed_mps[k - 1], limits)
                    if fix[k] == fix[k - 1] + 1 or road_m[k] <= 0.0:
                        first, last = speed_mps[k - 1], speed_mps[k]
                        piece_ms = (end - begin) / share
                        _drive_piece(own, length_m, piece_ms, share, first, last, limits)
                    else:
                        per_road = length_m / road_m[k]
                        _drive_pieces(own, stated, k, per_road, begin, end, limits)
                else:
                    _drive_step(own, link, k, share * length_m, end - begin, limits)
                    joins = True
            else:
                _drive_out(own, limits)
                _forget(own, limits)
            k += 1
        _drive_out(own, limits)
        _forget(own, limits)
        moving_ms[leg] = moved_ms
        bin_km[:, leg], gained[leg] = own[:BINS_COUNT] / 1000.0, own[_GAINED]
    return Profiles(bin_km, gained, moving_ms / MS_PER_H, stops)
