"""Where and when a truck stood: the places where an order can have been loaded or unloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.legs import kernels
from fleet_carbon.legs.columns import Gaps, Likelihoods, OrderPlans, Road, Standing
from fleet_carbon.traces.kernels import step_lengths
from fleet_carbon.traces.trace import Trace


def road_of(trace: Trace) -> Road:
    """The trace as distance and place over time."""
    return Road(trace.time_ms, trace.lon_udeg, trace.lat_udeg, trace.driven_m, trace.imputed_m)


def gaps_of(trace: Trace) -> Gaps:
    """The gaps of a trace that were driven."""
    point = trace.gaps
    return Gaps(point, trace.circuity[point], trace.gap_is_counted[point])


def with_hidden_services(
    standing: Standing, road: Road, gaps: Gaps, *, plans: OrderPlans, rules: Likelihoods
) -> Standing:
    """These, and the services that may hide in gaps: places of orders a truck could reach inside.

    Parameters
    ----------
    standing : Standing
        What was seen.
    road, gaps : Road, Gaps
        The trace.
    plans : OrderPlans
        The orders of the truck.
    rules : Likelihoods
        Speeds in gaps, and how far a plan may be off.
    """
    if len(gaps.point) == 0 or len(plans.cargo_t) == 0:
        return standing
    moments, places = kernels.hidden_services(road, gaps, plans, rules)
    if len(moments) == 0:
        return standing
    # Two orders with one place and time are one service: sorted, the same stand side by side.
    rows = np.lexsort((*places.T[::-1], *moments.T[::-1]))
    moments, places = moments[rows], places[rows]
    same = (moments[1:] == moments[:-1]).all(axis=1) & (places[1:] == places[:-1]).all(axis=1)
    is_first = np.concatenate([[True], ~same])
    gap, kind, arrived_ms, departed_ms = moments[is_first].T
    lon, lat, driven_m, left_at_m = places[is_first].T
    hidden = Standing(
        arrived_ms, departed_ms, lon, lat, kind.astype(np.int8), driven_m, left_at_m, gap
    )
    return _in_order([standing, hidden], road)


def _in_order(parts: Sequence[Standing], road: Road) -> Standing:
    """All of them by time; in one gap what is unloaded comes before what is loaded."""
    columns: list[NDArray[Any]] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    together = Standing(*columns)
    is_hidden = together.gap_point >= 0
    began_ms = np.where(is_hidden, road.time_ms[together.gap_point - 1], together.arrived_ms)
    rows = np.lexsort((together.arrived_ms, together.kind, is_hidden, began_ms))
    return Standing(*[column[rows] for column in columns])


def spread_in_gaps(
    standing: Standing,
    services: NDArray[np.int64],
    road: Road,
    *,
    gaps: Gaps,
    gap_speed_kmh: float,
) -> Standing:
    """Give several services inside one gap times one after the other.

    Each was placed as if it were alone. Together they share the time that the drive over all
    their places leaves, in equal parts.

    Parameters
    ----------
    standing : Standing
        Where the truck stood.
    services : int64 array
        Rows that lie in gaps and prove an order, ascending.
    road, gaps : Road, Gaps
        The trace.
    gap_speed_kmh : float
        Speed taken for driving in gaps. [km/h]
    """
    arrived_ms, departed_ms = standing.arrived_ms.copy(), standing.departed_ms.copy()
    circuity = dict(zip(gaps.point.tolist(), gaps.circuity.tolist(), strict=True))
    for gap in np.unique(standing.gap_point[services]):
        rows = services[standing.gap_point[services] == gap]
        if len(rows) < 2:
            continue
        ends = [gap - 1, gap]
        lon = np.insert(road.lon_udeg[ends], 1, standing.lon_udeg[rows])
        lat = np.insert(road.lat_udeg[ends], 1, standing.lat_udeg[rows])
        way_m = circuity[int(gap)] * step_lengths(lon, lat)[1:]
        began, ended = road.time_ms[ends]
        drive_ms = way_m / gap_speed_kmh * 3600.0
        drive_ms *= min(1.0, 0.8 * (ended - began) / max(1.0, drive_ms.sum()))
        service_ms = (ended - began - drive_ms.sum()) / len(rows)
        arrived = began + np.cumsum(drive_ms[:-1]) + service_ms * np.arange(len(rows))
        arrived_ms[rows] = arrived.astype(np.int64)
        departed_ms[rows] = (arrived + service_ms).astype(np.int64)
    return standing._replace(arrived_ms=arrived_ms, departed_ms=departed_ms)
