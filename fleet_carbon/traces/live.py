"""What the end of a trace tells: where the vehicle is, what it does, and how it might go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces.cleaning import KEPT_FAR
from fleet_carbon.traces.kernels import LINK_DRIVE, LINK_STAND, step_lengths
from fleet_carbon.traces.trace import Trace

STANDING, DRIVING, NO_MOTION = "standing", "driving", "unknown"


class Motion(NamedTuple):
    """What a vehicle did when it was last seen.

    Attributes
    ----------
    kind : str
        ``standing``, ``driving``, or ``unknown`` where a single place is all there is.
    since_ms : int
        From when on; the first moment seen where it began before. [ms]
    """

    kind: str
    since_ms: int


class Onward(NamedTuple):
    """A place that a vehicle is supposed to drive to, and how long it is to stand there.

    Attributes
    ----------
    lon_udeg, lat_udeg : float
        Place. [udeg]
    arrived_ms, departed_ms : int
        Interval of standing. [ms]
    """

    lon_udeg: float
    lat_udeg: float
    arrived_ms: int
    departed_ms: int


def motion_of(trace: Trace) -> Motion:
    """Decide whether the vehicle stood or drove when it was last seen, and since when.

    It stands from the arrival at the stop that is still open at the end of the trace; a shorter
    standing is traffic. It drives from the last departure, or from where it came out of a gap.

    Parameters
    ----------
    trace : Trace
        With at least one point.
    """
    if len(trace.time_ms) == 1:
        return Motion(NO_MOTION, int(trace.time_ms[0]))
    if trace.link[-1] == LINK_STAND:
        return Motion(STANDING, int(trace.time_ms[-2]))
    broken = np.flatnonzero(trace.link != LINK_DRIVE)
    return Motion(DRIVING, int(trace.time_ms[broken[-1]]))


def last_place_udeg(trace: Trace) -> tuple[int, int]:
    """Longitude and latitude of the last fix that was kept, which ends the trace. [udeg]"""
    last = np.flatnonzero(trace.verdict <= KEPT_FAR)[-1]
    return int(trace.fixes.lon_udeg[last]), int(trace.fixes.lat_udeg[last])


def driven_on(trace: Trace, onward: list[Onward], *, circuity_ratio: float) -> Trace:
    """The trace as it would be if the vehicle drove on to some places and stood at each.

    Nothing of the trace itself changes: the points that are added come after its last one.

    Parameters
    ----------
    trace : Trace
        With at least one point.
    onward : list of Onward
        Where to, in order of time.
    circuity_ratio : float
        Road distance per great-circle distance taken. [-]
    """
    lon = np.array([trace.lon_udeg[-1], *(place.lon_udeg for place in onward)])
    lat = np.array([trace.lat_udeg[-1], *(place.lat_udeg for place in onward)])
    driven_m = trace.driven_m[-1] + np.cumsum(circuity_ratio * step_lengths(lon, lat)[1:])
    added = 2 * len(onward)
    moments_ms = [moment for place in onward for moment in (place.arrived_ms, place.departed_ms)]

    def behind(column: NDArray[Any], more: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([column, more.astype(column.dtype)])

    return replace(
        trace,
        time_ms=behind(trace.time_ms, np.array(moments_ms)),
        lon_udeg=behind(trace.lon_udeg, np.repeat(lon[1:], 2)),
        lat_udeg=behind(trace.lat_udeg, np.repeat(lat[1:], 2)),
        link=behind(trace.link, np.tile([LINK_DRIVE, LINK_STAND], len(onward))),
        driven_m=behind(trace.driven_m, np.repeat(driven_m, 2)),
        imputed_m=behind(trace.imputed_m, np.full(added, trace.imputed_m[-1])),
        circuity=behind(trace.circuity, np.full(added, np.nan)),
        gap_is_counted=behind(trace.gap_is_counted, np.zeros(added, dtype=np.bool_)),
    )
