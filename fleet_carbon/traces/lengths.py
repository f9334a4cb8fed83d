"""How long was the road between two points: bends between sparse fixes, and gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces import kernels
from fleet_carbon.traces.fixes import Fixes


def bent_lengths_m(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    link: NDArray[np.int8],
    chord_m: NDArray[np.float64],
    step_m_min: float,
    turn_deg_max: float,
) -> NDArray[np.float64]:
    """Length of each driven step along a cubic through its neighbours instead of its chord.

    Parameters
    ----------
    lon, lat : float64 arrays, shape (n,)
        Points of the line. [udeg]
    link : int8 array, shape (n,)
        How each point is linked to the one before.
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
    # A long chord next to a short one turns less than halfway: weigh by the other's length.
    start, end = -0.5 * turn[:-1], 0.5 * turn[1:]
    bend[1:] = (start**2 + end**2) / 15.0 - start * end / 30.0
    return np.where(driven, chord_m * (1.0 + bend), chord_m)


def gap_lengths_m(
    time_ms: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    link: NDArray[np.int8],
    step_m: NDArray[np.float64],
    kept: Fixes,
    *,
    circuity_default: float,
    samples_min: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Imputed length of each gap: the odometer's difference, else great circle times circuity.

    Parameters
    ----------
    time_ms, lon, lat, link : arrays, shape (n,)
        The line.
    step_m : float64 array, shape (n,)
        Driven length of each step, 0 in gaps. [m]
    kept : Fixes
        For the odometer.
    circuity_default : float
        The edition's road km per great-circle km.
    samples_min : int
        Fewest windows from which the vehicle's own circuity is taken.

    Returns
    -------
    gap_m : float64 array, shape (n,)
        Imputed length at each gap point, 0 elsewhere. [m]
    circuity : float64 array, shape (n,)
        Ratio used, NaN where there is no gap.
    is_counted : bool array, shape (n,)
        True where the odometer told the length.
    """
    gap_m = np.zeros(len(lon))
    circuity = np.full(len(lon), np.nan)
    is_counted = np.zeros(len(lon), dtype=bool)
    gaps = np.flatnonzero(link == kernels.LINK_GAP)
    if len(gaps) == 0:
        return gap_m, circuity, is_counted
    odo_at, odo_km = sound_odometer(kept)
    along = np.cumsum(step_m)
    for g in gaps:
        chord = kernels.step_m(lon[g - 1], lat[g - 1], lon[g], lat[g])
        own = _own_circuity(
            time_ms, lon, lat, link, along, time_ms[g] - time_ms[g - 1], samples_min
        )
        ratio = circuity_default if own is None else own
        drove_m = _counter_difference(odo_at, odo_km, time_ms[g - 1], time_ms[g]) * 1000.0
        # An odometer cannot say less than the straight way (2 % for its own tolerance).
        if (
            not np.isnan(drove_m)
            and 0.98 * chord <= drove_m <= 45.0 * (time_ms[g] - time_ms[g - 1]) / 1e3
        ):
            gap_m[g] = drove_m
            circuity[g] = ratio
            is_counted[g] = True
        else:
            gap_m[g] = ratio * chord
            circuity[g] = ratio
    return gap_m, circuity, is_counted


def _own_circuity(
    time_ms: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    link: NDArray[np.int8],
    along_m: NDArray[np.float64],
    span_ms: float,
    samples_min: int,
) -> float | None:
    """Road per great circle of this vehicle over pieces of drive that last as long as the gap."""
    breaks = np.cumsum(
        (link == kernels.LINK_GAP) | (link == kernels.LINK_JUMP) | (link == kernels.LINK_STAND)
    )
    last = np.searchsorted(time_ms, time_ms + span_ms, side="left")
    first = np.flatnonzero(last < len(time_ms))
    last = last[first]
    whole = breaks[first] == breaks[last]
    first, last = first[whole], last[whole]
    if len(first) < samples_min:
        return None
    # Every window may start anew at each point; a few hundred are plenty.
    step = max(1, len(first) // 500)
    first, last = first[::step], last[::step]
    chord = np.array(
        [kernels.step_m(lon[a], lat[a], lon[b], lat[b]) for a, b in zip(first, last, strict=True)]
    )
    road = along_m[last] - along_m[first]
    if chord.sum() <= 0.0:
        return None
    return float(max(1.0, road.sum() / chord.sum()))


def sound_odometer(kept: Fixes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and values of the odometer where it was sent; empty if it never moves (0 = not sent)."""
    has = ~np.isnan(kept.odometer_km)
    values = kept.odometer_km[has]
    if len(values) < 2 or values.max() == values.min():
        return np.zeros(0), np.zeros(0)
    return kept.time_ms[has].astype(np.float64), values


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
