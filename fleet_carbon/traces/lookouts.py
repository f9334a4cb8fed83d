"""Where a truck was when somebody says it was at a place: the positions around given moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.traces.cleaning import KEPT_FAR
from fleet_carbon.traces.fixes import Fixes, sealed
from fleet_carbon.traces.kernels import step_m
from fleet_carbon.traces.trace import Trace

_MS_PER_S = 1000.0
_MS_PER_H = 3_600_000.0
_UDEG_PER_DEG = 1e6


@dataclass(frozen=True)
class LookoutRules:
    """Group `lookouts` of the section `receipts` of an edition.

    Attributes
    ----------
    window_s : float
        A truck is looked for that long before and after a moment. [s]
    unseen_speed_kmh : float
        How fast it may have driven to a place and back between two positions. [km/h]
    """

    window_s: float
    unseen_speed_kmh: float


@dataclass(frozen=True)
class Lookouts:
    """Places and times at which a truck is looked for.

    Attributes
    ----------
    at_ms : int64 array, shape (n,)
        The moment it is said to have been there. [ms]
    from_ms, until_ms : int64 array, shape (n,)
        It is looked for from the one to the other, both included. [ms]
    lon, lat : float64 array, shape (n,)
        The place, WGS-84; NaN where none is known. [deg]
    """

    at_ms: NDArray[np.int64]
    from_ms: NDArray[np.int64]
    until_ms: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.at_ms)

    def take(self, rows: slice | NDArray[np.intp]) -> Lookouts:
        """Some of them."""
        return Lookouts(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Seen:
    """What positions say of each lookout, arrays of shape (n,); NaN where they say nothing.

    Attributes
    ----------
    fix_distance_m : float64 array
        From the place to the nearest position in the time. [m]
    standing_distance_m : float64 array
        From the place to the nearest stop or halt that lasts into the time. [m]
    stood_ms : float64 array
        When the truck arrived there, not before the time. [ms]
    unseen_h : float64 array
        How long it can have been at the place between two positions, by the way there and back;
        the whole time where there are none. [h]
    odometer_km : float64 array
        The counter at the moment, between the readings before and after it. [km]
    silence_h : float64 array
        From the moment to the nearest position in time. [h]
    """

    fix_distance_m: NDArray[np.float64]
    standing_distance_m: NDArray[np.float64]
    stood_ms: NDArray[np.float64]
    unseen_h: NDArray[np.float64]
    odometer_km: NDArray[np.float64]
    silence_h: NDArray[np.float64]


def joined(parts: Sequence[Seen]) -> Seen:
    """What was seen of several lookouts, one after the other; at least one part."""
    names = [field.name for field in fields(Seen)]
    return Seen(**{name: np.concatenate([vars(one)[name] for one in parts]) for name in names})


def look_out(trace: Trace, lookouts: Lookouts, rules: LookoutRules) -> Seen:
    """Look for a truck at some places and times.

    Parameters
    ----------
    trace : Trace
        Its trace; may be without any position.
    lookouts : Lookouts
        Where and when.
    rules : LookoutRules
        Thresholds of the edition.

    Returns
    -------
    Seen
        One row per lookout, in their order.
    """
    fixes = trace.fixes
    found = look_for(
        sealed(fixes.time_ms),
        sealed(fixes.lon_udeg),
        sealed(fixes.lat_udeg),
        trace.verdict,
        _standings(trace),
        np.stack([lookouts.from_ms, lookouts.until_ms], axis=1),
        np.stack([lookouts.lon, lookouts.lat], axis=1) * _UDEG_PER_DEG,
        rules.unseen_speed_kmh * _MS_PER_S / _MS_PER_H,
    )
    return Seen(
        fix_distance_m=found[:, 0],
        standing_distance_m=found[:, 1],
        stood_ms=found[:, 2],
        unseen_h=found[:, 3] / _MS_PER_H,
        odometer_km=_odometer_km(fixes, lookouts.at_ms),
        silence_h=_silence_ms(fixes.time_ms, lookouts.at_ms) / _MS_PER_H,
    )


def _standings(trace: Trace) -> NDArray[np.float64]:
    """Stops and halts: arrival and departure [ms], longitude and latitude [udeg]. shape (n, 4)"""
    leaves = trace.stops
    if len(leaves) == 0:
        return np.ascontiguousarray(trace.halts)
    columns = (trace.time_ms[leaves - 1], trace.time_ms[leaves])
    places = (trace.lon_udeg[leaves], trace.lat_udeg[leaves])
    stops = np.stack([*columns, *places], axis=1).astype(np.float64)
    return np.concatenate([stops, trace.halts])


def _odometer_km(fixes: Fixes, at_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    if fixes.odometer_km is None:
        return np.full(len(at_ms), np.nan)
    # An odometer of 0 is how devices write that it was not read.
    is_read = fixes.odometer_km > 0
    if not is_read.any():
        return np.full(len(at_ms), np.nan)
    times_ms, readings_km = fixes.time_ms[is_read], fixes.odometer_km[is_read]
    between = np.interp(at_ms, times_ms, readings_km, left=np.nan, right=np.nan)
    return np.asarray(between, dtype=np.float64)


def _silence_ms(times_ms: NDArray[np.int64], at_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    if len(times_ms) == 0:
        return np.full(len(at_ms), np.nan)
    after = np.searchsorted(times_ms, at_ms)
    ends = (np.maximum(after - 1, 0), np.minimum(after, len(times_ms) - 1))
    before_ms, after_ms = (np.abs(times_ms[end] - at_ms) for end in ends)
    apart_ms: NDArray[np.float64] = np.minimum(before_ms, after_ms).astype(np.float64)
    return apart_ms


@njit(cache=True, nogil=True, error_model="numpy")
def look_for(  # type: ignore[no-untyped-def]
    time_ms, lon, lat, verdict, standings, when_ms, where_udeg, speed_m_per_ms
):
    """Nearest position and nearest standing, and the longest time that the truck was unseen.

    Returns, for each lookout, the distance of the nearest position kept, that of the nearest
    standing, the arrival there, and how long the truck can have been at the place between two
    positions, the way from the one and to the other taken off. [m], [m], [ms], [ms]
    """
    found = np.full((len(when_ms), 4), np.nan)
    for k in range(len(when_ms)):
        begin, end = when_ms[k]
        to_lon, to_lat = where_udeg[k]
        if np.isnan(to_lon) or np.isnan(to_lat):
            continue
        i = np.searchsorted(time_ms, begin)
        before = i - 1
        while before >= 0 and verdict[before] > KEPT_FAR:
            before -= 1
        free_from = float(begin)
        if before >= 0:
            away = step_m(float(lon[before]), float(lat[before]), to_lon, to_lat)
            free_from = max(free_from, time_ms[before] + away / speed_m_per_ms)
        unseen, nearest = 0.0, np.inf
        is_watched = False
        while i < len(time_ms) and not is_watched:
            if verdict[i] <= KEPT_FAR:
                away = step_m(float(lon[i]), float(lat[i]), to_lon, to_lat)
                unseen = max(unseen, min(end, time_ms[i] - away / speed_m_per_ms) - free_from)
                free_from = max(float(begin), time_ms[i] + away / speed_m_per_ms)
                is_watched = time_ms[i] > end
                if not is_watched:
                    nearest = min(nearest, away)
            i += 1
        if not is_watched:
            unseen = max(unseen, end - free_from)
        if nearest < np.inf:
            found[k, 0] = nearest
        for j in range(len(standings)):
            arrival, departure, stand_lon, stand_lat = standings[j]
            if arrival <= end and departure >= begin:
                away = step_m(stand_lon, stand_lat, to_lon, to_lat)
                if np.isnan(found[k, 1]) or away < found[k, 1]:
                    found[k, 1] = away
                    found[k, 2] = max(arrival, float(begin))
        found[k, 3] = unseen
    return found
