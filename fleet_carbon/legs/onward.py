"""What a truck may be doing for its orders while their unloading is still ahead.

The account proves an order by its loading and its unloading. Before the unloading it is weighed
in the same way against a trace that goes on as planned: if it would then be proven by a loading
that was seen, it is believed aboard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.legs import candidates, kernels
from fleet_carbon.legs.columns import DELIVERY, PICKUP, OrderPlans
from fleet_carbon.legs.matching import Case, prove_orders
from fleet_carbon.legs.orders import Orders
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.segmentation import TruckFacts
from fleet_carbon.legs.standing import gaps_of, road_of, with_hidden_services
from fleet_carbon.traces.kernels import step_lengths
from fleet_carbon.traces.live import Onward, driven_on
from fleet_carbon.traces.trace import Trace

_MS_PER_H, _MS_PER_S = 3_600_000, 1000


def suppose(
    trace: Trace, *, truck: TruckFacts, orders: Orders, rules: LegRules, circuity_ratio: float
) -> tuple[Trace, frozenset[str]]:
    """Decide which orders are still open, and draw the trace on as if they were carried out.

    An end of an order is ahead if the truck was not yet at its place around the planned time, and
    either nothing proves the order or that time is not over. So what only seems proven by a stop
    hours before its time competes with what is planned. A stop ahead is supposed
    `plan_error_h` after its planned time: one that was seen is preferred unless it is further off
    than plans usually are.

    Parameters
    ----------
    trace : Trace
        With at least one point.
    truck, orders : TruckFacts, Orders
        What is on record of the truck.
    rules : LegRules
        Thresholds of the edition.
    circuity_ratio : float
        Road distance per great-circle distance taken. [-]

    Returns
    -------
    onward : Trace
        The trace itself if no order is open.
    open_ids : frozenset of str
        The orders whose unloading is ahead.
    """
    seen_ms, active = int(trace.time_ms[-1]), orders.active
    far_ms = round(rules.plan_error_h_max * _MS_PER_H)
    near = np.flatnonzero(
        (active.plans.planned_ms[:, PICKUP] - far_ms <= seen_ms)
        & (active.plans.planned_ms[:, DELIVERY] + far_ms >= seen_ms)
    )
    if len(near) == 0:
        return trace, frozenset()
    is_proven, off_h = _seen_so_far(trace, truck, active.plans, rules)
    is_proven, off_h, plans = is_proven[near, None], off_h[near], active.plans.take(near)
    due_ms = plans.planned_ms + round(rules.plan_error_h * _MS_PER_H)
    is_over = due_ms <= seen_ms
    is_ahead = (off_h > rules.plan_error_h) & ~is_over
    is_ahead[:, PICKUP] |= np.isinf(off_h[:, PICKUP])
    is_ahead[:, DELIVERY] |= ~is_proven[:, 0]
    is_ahead[:, PICKUP] &= is_ahead[:, DELIVERY]
    if not is_ahead.any():
        return trace, frozenset()
    stops = _stops_ahead(trace, plans, due_ms, is_ahead, (rules, circuity_ratio))
    names = active.order_id[near[is_ahead[:, DELIVERY]]]
    return driven_on(trace, stops, circuity_ratio=circuity_ratio), frozenset(names.tolist())


def _seen_so_far(
    trace: Trace, truck: TruckFacts, plans: OrderPlans, rules: LegRules
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which orders the trace seems to prove, and how far off plan the truck was at each end.

    Returns
    -------
    is_proven : bool array, shape (n_orders,)
    off_h : float64 array, shape (n_orders, 2)
        Least difference to the planned time, infinite if it was not there. [h]
    """
    road, likelihoods = road_of(trace), rules.likelihoods
    seen = kernels.find_standing(road, trace.link, trace.halts)
    standing = with_hidden_services(seen, road, gaps_of(trace), plans=plans, rules=likelihoods)
    capacity_t = float(rules.loading_capacity_factor * truck.rated_payload_t)
    proofs = prove_orders(Case(standing, road, plans, capacity_t, likelihoods))
    visits = candidates.find_visits(standing, road, plans, likelihoods)
    off_h = np.full(2 * len(plans.cargo_t), np.inf)
    end = np.repeat(np.arange(len(off_h)), np.diff(visits.first))
    np.minimum.at(off_h, end, visits.off_h)
    return proofs.pickup >= 0, off_h.reshape(-1, 2)


def _stops_ahead(
    trace: Trace,
    plans: OrderPlans,
    due_ms: NDArray[np.int64],
    is_ahead: NDArray[np.bool_],
    pace: tuple[LegRules, float],
) -> list[Onward]:
    """The ends that are ahead one after the other, none before its time or the drive to it."""
    rules, circuity_ratio = pace
    stand_ms = round(rules.middling_stop_s * _MS_PER_S)
    order, end = np.nonzero(is_ahead)
    by_time = np.lexsort((end, order, due_ms[order, end]))
    lon, lat, free_ms = float(trace.lon_udeg[-1]), float(trace.lat_udeg[-1]), int(trace.time_ms[-1])
    stops: list[Onward] = []
    for at in zip(order[by_time].tolist(), end[by_time].tolist(), strict=True):
        to_lon, to_lat = float(plans.lon_udeg[at]), float(plans.lat_udeg[at])
        way_m = float(step_lengths(np.array([lon, to_lon]), np.array([lat, to_lat]))[1])
        drive_ms = round(circuity_ratio * way_m / rules.gap_speed_kmh * 3600.0)
        arrived_ms = max(int(due_ms[at]), free_ms + drive_ms)
        lon, lat, free_ms = to_lon, to_lat, arrived_ms + stand_ms
        stops.append(Onward(lon, lat, arrived_ms, free_ms))
    return stops
