"""The borders of legs: standings that matter, month and driver changes, services inside gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.legs.standing import STOP, Standing
from fleet_carbon.traces import kernels
from fleet_carbon.traces.trace import Trace


@dataclass(frozen=True)
class Road:
    """Distance and place as functions of time, linear between knots.

    Attributes
    ----------
    time_ms : float64 array, shape (n,)
        Knots, not decreasing. [ms]
    driven_m, imputed_m : float64 array, shape (n,)
        Distance driven up to the knot and the imputed part. [m]
    lon_udeg, lat_udeg : float64 array, shape (n,)
        Place at the knot. [udeg]
    """

    time_ms: NDArray[np.float64]
    driven_m: NDArray[np.float64]
    imputed_m: NDArray[np.float64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]

    def at(self, moments_ms: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
        """Driven, imputed, longitude, latitude at these moments."""
        columns = (self.driven_m, self.imputed_m, self.lon_udeg, self.lat_udeg)
        return tuple(np.interp(moments_ms, self.time_ms, column) for column in columns)


@dataclass(frozen=True)
class Timeline:
    """Legs in order of time; each drives from a start to an arrival and then stands.

    Attributes
    ----------
    started_ms, finished_ms, stood_until_ms : int64 array, shape (n_legs,)
        Departure, arrival, end of the standing that follows. [ms]
    leg_after : dict of int to int
        For each standing used as a border: index of the first leg that departs after it.
    road : Road
        Distance as a function of time, with services in gaps worked in.
    """

    started_ms: NDArray[np.int64]
    finished_ms: NDArray[np.int64]
    stood_until_ms: NDArray[np.int64]
    leg_after: dict[int, int]
    road: Road


def with_services(
    trace: Trace,
    standing: Standing,
    used: NDArray[np.int64],
    *,
    month_cuts_ms: NDArray[np.int64],
    driver_cuts_ms: NDArray[np.int64],
) -> Timeline:
    """Borders of legs: every stop, and halts or gap services where an order was served.

    Parameters
    ----------
    trace : Trace
        The line.
    standing : Standing
        Where the truck stood or may have stood.
    used : int64 array
        Rows of `standing` that prove an order.
    month_cuts_ms : int64 array
        Moments at which everything is cut, drive or standing. [ms]
    driver_cuts_ms : int64 array
        Moments at which a drive is cut. [ms]
    """
    is_border = standing.kind == STOP
    is_border[used] = True
    rows = np.flatnonzero(is_border)
    legs = _legs_between(standing.arrived_ms[rows], standing.departed_ms[rows], trace)
    for cut in np.unique(np.concatenate([month_cuts_ms, driver_cuts_ms])):
        legs = _cut(legs, int(cut), cuts_standing=bool(np.isin(cut, month_cuts_ms)))
    started, finished, stood_until = (
        np.array(column, dtype=np.int64) for column in zip(*legs, strict=True)
    )
    after = np.searchsorted(started, standing.departed_ms[rows], side="left")
    return Timeline(
        started_ms=started,
        finished_ms=finished,
        stood_until_ms=stood_until,
        leg_after={int(row): int(leg) for row, leg in zip(rows, after, strict=True)},
        road=_road(trace, standing, rows[standing.is_hidden[rows]]),
    )


_Leg = tuple[int, int, int]


def _legs_between(
    arrived: NDArray[np.int64], departed: NDArray[np.int64], trace: Trace
) -> list[_Leg]:
    """Legs from each departure to the next arrival, with the standing after it."""
    began, ended = int(trace.time_ms[0]), int(trace.time_ms[-1])
    starts = [began, *(int(moment) for moment in departed)]
    legs = [
        (start, int(arrive), int(depart))
        for start, arrive, depart in zip(starts, arrived, departed, strict=False)
    ]
    if starts[-1] < ended or not legs:
        legs.append((starts[-1], ended, ended))
    return legs


def _cut(legs: list[_Leg], cut: int, *, cuts_standing: bool) -> list[_Leg]:
    """The legs with the one that goes on at this moment cut in two."""
    pieces: list[_Leg] = []
    for start, finish, until in legs:
        if start < cut < finish:
            pieces += [(start, cut, cut), (cut, finish, until)]
        elif cuts_standing and finish <= cut < until and (start, finish) != (cut, cut):
            pieces += [(start, finish, cut), (cut, cut, until)]
        else:
            pieces.append((start, finish, until))
    return pieces


def _road(trace: Trace, standing: Standing, services: NDArray[np.int64]) -> Road:
    """Distance over time; a gap with services leads over their places."""
    knots = [
        trace.time_ms.astype(float),
        trace.driven_m,
        trace.imputed_m,
        trace.lon_udeg,
        trace.lat_udeg,
    ]
    for gap in sorted({int(g) for g in standing.gap_point[services]}, reverse=True):
        inside = services[standing.gap_point[services] == gap]
        knots = _worked_in(knots, trace, standing, inside, gap)
    return Road(*knots)


def _worked_in(
    knots: list[NDArray[np.float64]],
    trace: Trace,
    standing: Standing,
    inside: NDArray[np.int64],
    gap: int,
) -> list[NDArray[np.float64]]:
    lon = np.concatenate(
        [[trace.lon_udeg[gap - 1]], standing.lon_udeg[inside], [trace.lon_udeg[gap]]]
    )
    lat = np.concatenate(
        [[trace.lat_udeg[gap - 1]], standing.lat_udeg[inside], [trace.lat_udeg[gap]]]
    )
    way_m = np.cumsum(kernels.step_lengths(lon, lat))
    length_m = trace.driven_m[gap] - trace.driven_m[gap - 1]
    if not trace.gap_is_counted[gap]:
        length_m = trace.circuity[gap] * way_m[-1]
    share = way_m[1:-1] / way_m[-1] if way_m[-1] > 0 else np.zeros(len(inside))
    longer_m = length_m - (trace.driven_m[gap] - trace.driven_m[gap - 1])
    times = np.column_stack([standing.arrived_ms[inside], standing.departed_ms[inside]]).ravel()
    new = [
        times.astype(float),
        np.repeat(knots[1][gap - 1] + share * length_m, 2),
        np.repeat(knots[2][gap - 1] + share * length_m, 2),
        np.repeat(lon[1:-1], 2),
        np.repeat(lat[1:-1], 2),
    ]
    shift = [0.0, longer_m, longer_m, 0.0, 0.0]
    return [
        np.concatenate([column[:gap], extra, column[gap:] + more])
        for column, extra, more in zip(knots, new, shift, strict=True)
    ]
