"""Where and when a truck stood: the places where an order can have been loaded or unloaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces import kernels
from fleet_carbon.traces.trace import Trace

STOP, HALT, IN_GAP = 0, 1, 2


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
        STOP, HALT or IN_GAP.
    driven_m : float64 array, shape (n,)
        Distance driven on arrival, from the start of the trace. [m]
    gap_point : int64 array, shape (n,)
        For IN_GAP the index of the trace point after the gap, else -1.
    """

    arrived_ms: NDArray[np.int64]
    departed_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]
    kind: NDArray[np.int8]
    driven_m: NDArray[np.float64]
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

    def with_gap_services(self, rows: list[tuple[int, int, float, float, float, int]]) -> Standing:
        """These and services in gaps: (arrived, departed, lon, lat, driven, gap point) each."""
        if not rows:
            return self
        arrived, departed, lon, lat, driven, gap = (np.array(c) for c in zip(*rows, strict=True))
        return Standing(
            arrived_ms=np.concatenate([self.arrived_ms, arrived.astype(np.int64)]),
            departed_ms=np.concatenate([self.departed_ms, departed.astype(np.int64)]),
            lon_udeg=np.concatenate([self.lon_udeg, lon.astype(np.float64)]),
            lat_udeg=np.concatenate([self.lat_udeg, lat.astype(np.float64)]),
            kind=np.concatenate([self.kind, np.full(len(rows), IN_GAP, np.int8)]),
            driven_m=np.concatenate([self.driven_m, driven.astype(np.float64)]),
            gap_point=np.concatenate([self.gap_point, gap.astype(np.int64)]),
        ).in_order()

    def in_order(self) -> Standing:
        """The same by time of arrival."""
        rows = np.lexsort((self.kind, self.departed_ms, self.arrived_ms))
        return Standing(
            arrived_ms=self.arrived_ms[rows],
            departed_ms=self.departed_ms[rows],
            lon_udeg=self.lon_udeg[rows],
            lat_udeg=self.lat_udeg[rows],
            kind=self.kind[rows],
            driven_m=self.driven_m[rows],
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
        gap_point=np.full(len(arrivals) + len(halts), -1, np.int64),
    ).in_order()
