"""How long was the road between two points: bends between sparse fixes, and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces import kernels
from fleet_carbon.traces.fixes import Fixes

# Windows looked at per gap; more of them cost time and hardly move their mean.
_WINDOWS_MAX = 500


@dataclass(frozen=True)
class GapRules:
    """How a gap gets its length.

    Attributes
    ----------
    circuity_default : float
        The edition's road km per great-circle km.
    samples_min : int
        Fewest windows from which the vehicle's own circuity is taken.
    span_ms_min : float
        Shortest window: below it is one step of a sparse trace. [ms]
    odometer_tolerance_share : float
        By how much an odometer may fall short of the straight way.
    speed_ms_max : float
        Fastest that a truck can drive. [m/s]
    """

    circuity_default: float
    samples_min: int
    span_ms_min: float
    odometer_tolerance_share: float
    speed_ms_max: float


@dataclass(frozen=True)
class Line:
    """Points of a line and how each is linked to the one before.

    Attributes
    ----------
    time_ms : float64 array, shape (n,)
        Time of each point, not decreasing. [ms]
    lon_udeg, lat_udeg : float64 array, shape (n,)
        Place. [udeg]
    link : int8 array, shape (n,)
        `kernels.LINK_*`.
    """

    time_ms: NDArray[np.float64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]
    link: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.time_ms)

    def chord_m(self, first: int | np.int64, last: int | np.int64) -> float:
        """Straight distance between two points. [m]"""
        lon, lat = self.lon_udeg, self.lat_udeg
        return float(kernels.step_m(lon[first], lat[first], lon[last], lat[last]))


def bent_lengths_m(
    line: Line, *, chord_m: NDArray[np.float64], step_m_min: float, turn_deg_max: float
) -> NDArray[np.float64]:
    """Length of each driven step along a cubic through its neighbours instead of its chord.

    Parameters
    ----------
    line : Line
        Points of the line.
    chord_m : float64 array, shape (n,)
        Straight length of each step. [m]
    step_m_min : float
        Shorter steps keep their chord: noise would bend them. [m]
    turn_deg_max : float
        Sharper turns are corners, not curves, and bend nothing. [deg]

    Returns
    -------
    length_m : float64 array, shape (n,)
        Estimated length of each step. [m]

    Notes
    -----
    With the tangent at a point taken halfway between the chords that meet there, a step with end
    slopes p and q against its chord is the Hermite cubic with
    length / chord = 1 + ((p^2 + q^2) / 15 - p q / 30), the second-order term of the arc length
    integral of 1 + y'^2 / 2 (derived here: the integrals of the squared and of the mixed
    derivative of the Hermite basis are 2/15 and -1/30). For a circle it becomes 1 + turn^2 / 24.
    """
    lon, lat, link = line.lon_udeg, line.lat_udeg, line.link
    bend = np.zeros(len(lon))
    if len(lon) < 3:
        return chord_m.copy()
    east = np.diff(lon) * np.cos(np.radians(0.5e-6 * (lat[1:] + lat[:-1])))
    bearing = np.arctan2(np.diff(lat), east)
    turn = np.zeros(len(lon))
    turn[1:-1] = (np.diff(bearing) + np.pi) % (2 * np.pi) - np.pi
    driven = (link == kernels.LINK_DRIVE) & (chord_m >= step_m_min)
    smooth = np.zeros(len(lon), dtype=bool)
    smooth[:-1] = driven[:-1] & driven[1:]
    smooth &= np.abs(turn) <= np.radians(turn_deg_max)
    turn = np.where(smooth, turn, 0.0)
    start, end = -0.5 * turn[:-1], 0.5 * turn[1:]
    bend[1:] = (start**2 + end**2) / 15.0 - start * end / 30.0
    return np.where(driven, chord_m * (1.0 + bend), chord_m)


def sparse_scale(
    step_m: NDArray[np.float64],
    kept: Fixes,
    *,
    sparse_step_s: float,
    gap_after_s: float,
    moved_m_min: float,
    samples_min: int,
    scale_factor_max: float,
) -> float:
    """Road per drawn line of a vehicle whose fixes are too sparse to show its bends.

    Between fixes minutes apart bends are lost that no turn at the fixes betrays. Where the device
    states its speed at each fix, the speed integrated over the whole trace is an unbiased measure
    of the road: the fixes fall at random moments of the drive, so the trapezoids err to both
    sides, by about a tenth each, which over some hundred steps leaves a few thousandths.

    Parameters
    ----------
    step_m : float64 array, shape (n_points,)
        Length of each driven step, 0 where nothing was driven. [m]
    kept : Fixes
        For times and stated speeds.
    sparse_step_s : float
        Median step from which a trace is sparse; else the scale is 1. [s]
    gap_after_s : float
        Longer steps are gaps. [s]
    moved_m_min : float
        Shorter steps are standing. [m]
    samples_min : int
        Fewest moving steps.
    scale_factor_max : float
        Largest scale that bends explain; beyond it the speed is not believed.

    Returns
    -------
    scale : float
        At least 1.
    """
    if len(kept) < 2 or kept.speed_kmh is None:
        return 1.0
    step_s = np.diff(kept.time_ms) / 1000.0
    inside = step_s < gap_after_s
    if not inside.any() or np.median(step_s[inside]) < sparse_step_s:
        return 1.0
    # What a parked device states as speed is noise that never turns negative, so it adds up.
    lon, lat = kept.lon_udeg.astype(np.float64), kept.lat_udeg.astype(np.float64)
    inside &= kernels.step_lengths(lon, lat)[1:] >= moved_m_min
    mean_ms = 0.5 * (kept.speed_kmh[1:] + kept.speed_kmh[:-1]) / 3.6
    if inside.sum() < samples_min or np.isnan(mean_ms[inside]).any():
        return 1.0
    ratio = float((mean_ms * step_s)[inside].sum() / step_m.sum())
    return ratio if 1.0 < ratio <= scale_factor_max else 1.0


def gap_lengths_m(
    line: Line, step_m: NDArray[np.float64], signals: Fixes, *, rules: GapRules
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Imputed length of each gap: the odometer's difference, else great circle times circuity.

    Parameters
    ----------
    line : Line
        The line.
    step_m : float64 array, shape (n,)
        Driven length of each step, 0 in gaps. [m]
    signals : Fixes
        For the odometer.
    rules : GapRules
        Thresholds of the edition.

    Returns
    -------
    gap_m : float64 array, shape (n,)
        Imputed length at each gap point, 0 elsewhere. [m]
    circuity : float64 array, shape (n,)
        Ratio used, NaN where there is no gap.
    is_counted : bool array, shape (n,)
        True where the odometer told the length.
    """
    gap_m = np.zeros(len(line))
    circuity = np.full(len(line), np.nan)
    is_counted = np.zeros(len(line), dtype=bool)
    gaps = np.flatnonzero(line.link == kernels.LINK_GAP)
    if len(gaps) == 0:
        return gap_m, circuity, is_counted
    odo_at, odo_km = sound_odometer(signals)
    along = np.cumsum(step_m)
    for g in gaps:
        chord_m = line.chord_m(g - 1, g)
        began, ended = line.time_ms[g - 1], line.time_ms[g]
        own = _own_circuity(line, along, ended - began, rules)
        circuity[g] = rules.circuity_default if own is None else own
        drove_m = 1000.0 * _counter_difference(odo_at, odo_km, began, ended)
        # An odometer cannot say less than the straight way (but for its own tolerance), nor
        # more than a truck can drive.
        least_m = (1.0 - rules.odometer_tolerance_share) * chord_m
        is_counted[g] = least_m <= drove_m <= rules.speed_ms_max * (ended - began) / 1000.0
        gap_m[g] = drove_m if is_counted[g] else circuity[g] * chord_m
    return gap_m, circuity, is_counted


def _own_circuity(
    line: Line, along_m: NDArray[np.float64], span_ms: float, rules: GapRules
) -> float | None:
    """Road per great circle of this vehicle over pieces of drive that last as long as the gap.

    A vehicle that never drives that long without a stop is measured over half the time, and so on.
    """
    breaks = np.cumsum(line.link != kernels.LINK_DRIVE)
    while span_ms >= rules.span_ms_min:
        last = np.searchsorted(line.time_ms, line.time_ms + span_ms, side="left")
        first = np.flatnonzero(last < len(line))
        last = last[first]
        whole = breaks[first] == breaks[last]
        first, last = first[whole], last[whole]
        if len(first) >= rules.samples_min:
            # Every window may start anew at each point; a few hundred are plenty.
            step = max(1, len(first) // _WINDOWS_MAX)
            first, last = first[::step], last[::step]
            chord_m = sum(line.chord_m(a, b) for a, b in zip(first, last, strict=True))
            road_m = float((along_m[last] - along_m[first]).sum())
            return max(1.0, road_m / chord_m) if chord_m > 0.0 else None
        span_ms /= 2.0
    return None


def sound_odometer(signals: Fixes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and values of the odometer; empty if it never moves, for then it was not sent."""
    if signals.odometer_km is None:
        return np.zeros(0), np.zeros(0)
    has = ~np.isnan(signals.odometer_km)
    values = signals.odometer_km[has]
    if len(values) < 2 or values.max() == values.min():
        return np.zeros(0), np.zeros(0)
    return signals.time_ms[has].astype(np.float64), values


def _counter_difference(
    at_ms: NDArray[np.float64], value: NDArray[np.float64], from_ms: float, until_ms: float
) -> float:
    """Difference of a counter between two moments at which it was sent; NaN if it was not."""
    if len(at_ms) == 0:
        return float("nan")
    a = int(np.searchsorted(at_ms, from_ms, side="right")) - 1
    b = int(np.searchsorted(at_ms, until_ms, side="left"))
    if a < 0 or b >= len(at_ms) or value[b] < value[a]:
        return float("nan")
    if from_ms - at_ms[a] > 60_000 or at_ms[b] - until_ms > 60_000:
        return float("nan")
    return float(value[b] - value[a])
