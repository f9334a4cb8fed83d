"""Where and when a truck stood: the places where an order can have been loaded or unloaded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces import kernels
from fleet_carbon.traces.trace import Trace

STOP, HALT, UNLOADED_IN_GAP, LOADED_IN_GAP = 0, 1, 2, 3


# Gap point, kind, arrived, departed [ms], longitude, latitude [udeg], driven on arrival, on
# departure [m].
GapService = tuple[int, int, int, int, float, float, float, float]


@dataclass(frozen=True)
class Standing:
    """Stops, halts between them, and services that may hide in gaps, in order of time.

    Attributes
    ----------
    arrived_ms, departed_ms : int64 array, shape (n,)
        Interval of standing. [ms]
    lon_udeg, lat_udeg : float64 array, shape (n,)
        Place. [udeg]
    kind : int8 array, shape (n,)
        STOP, HALT, UNLOADED_IN_GAP or LOADED_IN_GAP.
    driven_m, left_at_m : float64 array, shape (n,)
        Distance driven on arrival and on departure, from the start of the trace; they differ only
        in gaps, where the way over the place is longer than the way the trace knows. [m]
    gap_point : int64 array, shape (n,)
        For a service in a gap the index of the trace point after the gap, else -1.
    """

    arrived_ms: NDArray[np.int64]
    departed_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]
    kind: NDArray[np.int8]
    driven_m: NDArray[np.float64]
    left_at_m: NDArray[np.float64]
    gap_point: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.arrived_ms)

    @property
    def duration_s(self) -> NDArray[np.float64]:
        """How long each standing lasted. [s]"""
        return (self.departed_ms - self.arrived_ms) / 1000.0

    def distance_m(self, lon_deg: float, lat_deg: float) -> NDArray[np.float64]:
        """Distance of each standing from a place. [m], shape (n,)"""
        away_m: NDArray[np.float64] = kernels.distances_to(
            self.lon_udeg, self.lat_udeg, lon_deg * 1e6, lat_deg * 1e6
        )
        return away_m

    @property
    def is_hidden(self) -> NDArray[np.bool_]:
        """Whether each lies in a gap, unseen."""
        return self.gap_point >= 0

    def with_gap_services(self, rows: list[GapService], trace: Trace) -> Standing:
        """These and services in gaps of the trace."""
        if not rows:
            return self
        columns = zip(*rows, strict=True)
        gap, kind, arrived, departed, lon, lat, driven, left_at = (np.array(c) for c in columns)
        return Standing(
            arrived_ms=np.concatenate([self.arrived_ms, arrived.astype(np.int64)]),
            departed_ms=np.concatenate([self.departed_ms, departed.astype(np.int64)]),
            lon_udeg=np.concatenate([self.lon_udeg, lon.astype(np.float64)]),
            lat_udeg=np.concatenate([self.lat_udeg, lat.astype(np.float64)]),
            kind=np.concatenate([self.kind, kind.astype(np.int8)]),
            driven_m=np.concatenate([self.driven_m, driven.astype(np.float64)]),
            left_at_m=np.concatenate([self.left_at_m, left_at.astype(np.float64)]),
            gap_point=np.concatenate([self.gap_point, gap.astype(np.int64)]),
        ).in_order(trace)

    def in_order(self, trace: Trace) -> Standing:
        """The same by time; in one gap what is unloaded comes before what is loaded."""
        began_ms = np.where(self.is_hidden, trace.time_ms[self.gap_point - 1], self.arrived_ms)
        rows = np.lexsort((self.arrived_ms, self.kind, self.is_hidden, began_ms))
        return Standing(
            arrived_ms=self.arrived_ms[rows],
            departed_ms=self.departed_ms[rows],
            lon_udeg=self.lon_udeg[rows],
            lat_udeg=self.lat_udeg[rows],
            kind=self.kind[rows],
            driven_m=self.driven_m[rows],
            left_at_m=self.left_at_m[rows],
            gap_point=self.gap_point[rows],
        )


def find_standing(trace: Trace) -> Standing:
    """The stops of a trace and the halts between them, in order of time."""
    departures = trace.stops
    arrivals = departures - 1
    stop_from, stop_until = trace.time_ms[arrivals], trace.time_ms[departures]
    halts = trace.halts
    inside = np.searchsorted(stop_from, halts[:, 1], side="right") - 1
    if len(stop_from):
        halts = halts[(inside < 0) | (halts[:, 0] > stop_until[np.maximum(inside, 0)])]
    halt_driven = np.interp(0.5 * (halts[:, 0] + halts[:, 1]), trace.time_ms, trace.driven_m)
    kinds = [np.full(len(arrivals), STOP, np.int8), np.full(len(halts), HALT, np.int8)]
    return Standing(
        arrived_ms=np.concatenate([stop_from, halts[:, 0].astype(np.int64)]),
        departed_ms=np.concatenate([stop_until, halts[:, 1].astype(np.int64)]),
        lon_udeg=np.concatenate([trace.lon_udeg[arrivals], halts[:, 2]]),
        lat_udeg=np.concatenate([trace.lat_udeg[arrivals], halts[:, 3]]),
        kind=np.concatenate(kinds),
        driven_m=np.concatenate([trace.driven_m[arrivals], halt_driven]),
        left_at_m=np.concatenate([trace.driven_m[arrivals], halt_driven]),
        gap_point=np.full(len(arrivals) + len(halts), -1, np.int64),
    ).in_order(trace)


def spread_in_gaps(
    standing: Standing, used: NDArray[np.int64], trace: Trace, *, gap_speed_kmh: float
) -> Standing:
    """Give several services inside one gap times one after the other.

    Each was placed as if it were alone. Together they share the time that the drive over all
    their places leaves, in equal parts.

    Parameters
    ----------
    standing : Standing
        Where the truck stood.
    used : int64 array
        Rows that prove an order.
    trace : Trace
        The line.
    gap_speed_kmh : float
        Speed taken for driving in gaps. [km/h]
    """
    arrived_ms, departed_ms = standing.arrived_ms.copy(), standing.departed_ms.copy()
    hidden = used[standing.is_hidden[used]]
    for gap in np.unique(standing.gap_point[hidden]):
        rows = hidden[standing.gap_point[hidden] == gap]
        if len(rows) < 2:
            continue
        ends = [gap - 1, gap]
        lon = np.insert(trace.lon_udeg[ends], 1, standing.lon_udeg[rows])
        lat = np.insert(trace.lat_udeg[ends], 1, standing.lat_udeg[rows])
        way_m = trace.circuity[gap] * kernels.step_lengths(lon, lat)[1:]
        began, ended = trace.time_ms[ends]
        drive_ms = way_m / gap_speed_kmh * 3600.0
        drive_ms *= min(1.0, 0.8 * (ended - began) / max(1.0, drive_ms.sum()))
        service_ms = (ended - began - drive_ms.sum()) / len(rows)
        arrived = began + np.cumsum(drive_ms[:-1]) + service_ms * np.arange(len(rows))
        arrived_ms[rows] = arrived.astype(np.int64)
        departed_ms[rows] = (arrived + service_ms).astype(np.int64)
    return replace(standing, arrived_ms=arrived_ms, departed_ms=departed_ms)
