"""What each order could have been: pairs of standings for loading and unloading, with a cost.

A cost is a negative log likelihood up to a constant. Place errors have a heavy tail (places are
exact, or a kilometre off, or only a district), planned times are normal within an hour or two and
exponential beyond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from geopy.distance import geodesic
from numpy.typing import NDArray

from fleet_carbon.legs.drivers import epoch_ms
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.standing import (
    HALT,
    LOADED_IN_GAP,
    STOP,
    UNLOADED_IN_GAP,
    GapService,
    Standing,
)
from fleet_carbon.traces import kernels
from fleet_carbon.traces.trace import Trace

MS_PER_H = 3_600_000.0


@dataclass(frozen=True)
class Orders:
    """Orders of one truck as arrays, sorted by planned loading.

    Attributes
    ----------
    frame : pd.DataFrame
        The rows of `frames.ORDERS`.
    cargo_t, great_circle_km : float64 array, shape (n,)
        Cargo; shortest distance between the two places on the ellipsoid. [t], [km]
    pickup_ms, delivery_ms : int64 array, shape (n,)
        Planned times. [ms]
    """

    frame: pd.DataFrame
    cargo_t: NDArray[np.float64]
    great_circle_km: NDArray[np.float64]
    pickup_ms: NDArray[np.int64]
    delivery_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frame)

    @classmethod
    def from_frame(cls, orders: pd.DataFrame) -> Orders:
        """Arrays of the orders frame; cancelled ones must have been taken out."""
        frame = orders.sort_values(["pickup_time", "delivery_time", "order_id"], kind="stable")
        frame = frame.reset_index(drop=True)
        return cls(
            frame=frame,
            cargo_t=frame["cargo_t"].to_numpy(float),
            great_circle_km=great_circles_km(frame),
            pickup_ms=epoch_ms(frame["pickup_time"]),
            delivery_ms=epoch_ms(frame["delivery_time"]),
        )


def great_circles_km(orders: pd.DataFrame) -> NDArray[np.float64]:
    """Shortest distance between loading and unloading on the WGS-84 ellipsoid. [km], shape (n,)

    Karney's geodesic as in geopy (Karney, Algorithms for geodesics, J. Geodesy 87, 2013, 43-55).
    """
    columns = ["pickup_lat", "pickup_lon", "delivery_lat", "delivery_lon"]
    return np.array(
        [geodesic((a, b), (c, d)).km for a, b, c, d in orders[columns].itertuples(index=False)],
        dtype=float,
    )


@dataclass(frozen=True)
class Pair:
    """One way an order may have gone: standing of loading, of unloading, and its cost."""

    order: int
    pickup: int
    delivery: int
    cost: float


@dataclass(frozen=True)
class Case:
    """What is to be decided for one truck.

    Attributes
    ----------
    standing : Standing
        Where the truck stood.
    trace : Trace
        Its line.
    orders : Orders
        Its orders that were not cancelled.
    capacity_t : float
        What may be aboard at once. [t]
    rules : LegRules
        Costs of the edition.
    """

    standing: Standing
    trace: Trace
    orders: Orders
    capacity_t: float
    rules: LegRules


def widen_by_gaps(case: Case) -> Case:
    """Add the services that may hide in gaps: places of orders a truck could reach inside one."""
    trace, orders, rules = case.trace, case.orders, case.rules
    rows: set[GapService] = set()
    for gap in trace.gaps:
        began, ended = int(trace.time_ms[gap - 1]), int(trace.time_ms[gap])
        for order in range(len(orders)):
            row = orders.frame.iloc[order]
            for end, plan_ms in (("delivery", orders.delivery_ms), ("pickup", orders.pickup_ms)):
                reach_ms = rules.plan_error_h_max * MS_PER_H
                if not began - reach_ms <= plan_ms[order] <= ended + reach_ms:
                    continue
                lon, lat = row[f"{end}_lon"] * 1e6, row[f"{end}_lat"] * 1e6
                hidden = _hidden_service(trace, int(gap), lon, lat, rules)
                if hidden is not None:
                    kind = UNLOADED_IN_GAP if end == "delivery" else LOADED_IN_GAP
                    rows.add((int(gap), kind, *hidden))
    return replace(case, standing=case.standing.with_gap_services(sorted(rows), trace))


def _hidden_service(
    trace: Trace, gap: int, lon: float, lat: float, rules: LegRules
) -> tuple[int, int, float, float, float, float] | None:
    """Arrival, departure, place, distance on arrival; None if the gap leaves no time for it."""
    to_m = kernels.step_m(trace.lon_udeg[gap - 1], trace.lat_udeg[gap - 1], lon, lat)
    on_m = kernels.step_m(lon, lat, trace.lon_udeg[gap], trace.lat_udeg[gap])
    began, ended = trace.time_ms[gap - 1], trace.time_ms[gap]
    circuity = trace.circuity[gap]
    fastest_ms = (to_m + on_m) * circuity / rules.gap_speed_kmh_max * 3600.0
    if fastest_ms + rules.gap_service_s * 1000.0 > ended - began:
        return None
    share = to_m / (to_m + on_m) if to_m + on_m > 0 else 0.5
    drive_ms = min((to_m + on_m) * circuity / rules.gap_speed_kmh * 3600.0, ended - began - 1000.0)
    arrived = int(began + share * drive_ms)
    departed = int(ended - (1.0 - share) * drive_ms)
    driven = float(trace.driven_m[gap - 1] + circuity * to_m)
    left_at = float(trace.driven_m[gap] - circuity * on_m)
    return arrived, max(arrived, departed), float(lon), float(lat), driven, left_at


def service_costs(case: Case, order: int, plan_error_h: float, *, end: str) -> NDArray[np.float64]:
    """Cost of each standing as the loading ("pickup") or unloading ("delivery") of an order.

    Returns
    -------
    cost : float64 array, shape (n_standing,)
        Infinite where the standing cannot be meant.
    """
    standing, orders, rules = case.standing, case.orders, case.rules
    row = orders.frame.iloc[order]
    plan_ms = (orders.pickup_ms if end == "pickup" else orders.delivery_ms)[order]
    cost = _time_cost(standing, int(plan_ms), plan_error_h, rules)
    cost[standing.kind == (LOADED_IN_GAP if end == "delivery" else UNLOADED_IN_GAP)] = np.inf
    near = np.flatnonzero(np.isfinite(cost))
    away_m = kernels.distances_to(
        standing.lon_udeg[near],
        standing.lat_udeg[near],
        row[f"{end}_lon"] * 1e6,
        row[f"{end}_lat"] * 1e6,
    )
    cost[near] += _place_cost(away_m, 1000.0 * float(row[f"{end}_uncertainty_km"]), rules)
    cost[near] += _standing_cost(case, near)
    return cost


def off_plan_h(
    arrived_ms: NDArray[np.int64], departed_ms: NDArray[np.int64], plan_ms: int | NDArray[np.int64]
) -> NDArray[np.float64]:
    """How far each standing lies from its planned time; 0 if the time falls into it. [h]"""
    early_ms, late_ms = plan_ms - departed_ms, arrived_ms - plan_ms
    return np.asarray(np.maximum(0, np.maximum(early_ms, late_ms)) / MS_PER_H)


def _time_cost(
    standing: Standing, plan_ms: int, plan_error_h: float, rules: LegRules
) -> NDArray[np.float64]:
    off_h = off_plan_h(standing.arrived_ms, standing.departed_ms, plan_ms)
    cost = _tailed(off_h / rules.plan_error_h)
    if plan_error_h < rules.plan_error_h:
        # This truck's plans are mostly sharper, but any single one may be as rough as others'.
        cost = np.minimum(_tailed(off_h / plan_error_h), cost + rules.cost_rough_plan)
    cost[off_h > rules.plan_error_h_max] = np.inf
    return cost


def _tailed(off: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal within two standard errors, exponential beyond."""
    return np.where(off <= 2.0, 0.5 * off**2, 2.0 * off - 2.0)


def _place_cost(
    away_m: NDArray[np.float64], uncertainty_m: float, rules: LegRules
) -> NDArray[np.float64]:
    if uncertainty_m <= rules.place_error_m:
        cost = np.log1p((away_m / rules.place_error_m) ** 2)
        return np.where(away_m <= rules.place_error_m_max, cost, np.inf)
    margin_m = rules.district_margin_share * uncertainty_m
    outside = np.maximum(0.0, away_m - uncertainty_m) / margin_m
    # Anywhere in the district is alike; the constant is that of an exact place ten errors off.
    return np.where(outside <= 2.0, np.log1p(100.0) * 0.5 + 0.5 * outside**2, np.inf)


def _standing_cost(case: Case, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Long stops are likelier services than short ones, halts, or what nobody saw in a gap."""
    standing, trace, rules = case.standing, case.trace, case.rules
    duration_s = standing.duration_s[rows]
    cost = np.where(duration_s < rules.middling_stop_s, rules.cost_middling_stop, 0.0)
    cost = np.where(duration_s < rules.short_stop_s, rules.cost_short_stop, cost)
    cost = np.where(standing.kind[rows] == HALT, rules.cost_halt, cost)
    for at in np.flatnonzero(standing.is_hidden[rows]):
        row = rows[at]
        gap = standing.gap_point[row]
        ends_lon, ends_lat = trace.lon_udeg[[gap - 1, gap]], trace.lat_udeg[[gap - 1, gap]]
        via_m = kernels.distances_to(
            ends_lon, ends_lat, standing.lon_udeg[row], standing.lat_udeg[row]
        )
        chord_m = kernels.step_m(ends_lon[0], ends_lat[0], ends_lon[1], ends_lat[1])
        detour = (via_m.sum() - chord_m) / 1000.0 / rules.gap_detour_km
        cost[at] = rules.cost_in_gap + np.log1p(detour**2)
    return cost


def order_pairs(case: Case, order: int, plan_error_h: float) -> tuple[list[Pair], str]:
    """The likeliest ways an order may have gone, and the reason if there is none.

    Parameters
    ----------
    case : Case
        The truck.
    order : int
        Row of the order.
    plan_error_h : float
        Usual error of this truck's planned times. [h]

    Returns
    -------
    pairs : list of Pair
        At most `rules.candidates_max`, cheapest first, none dearer than staying unproven.
    reason : str
        Why the list is empty, "" otherwise.
    """
    standing, orders, rules = case.standing, case.orders, case.rules
    pickup_cost, delivery_cost = (
        service_costs(case, order, plan_error_h, end=end) for end in ("pickup", "delivery")
    )
    reason = _missing_end(case, order, pickup_cost, delivery_cost)
    if reason:
        return [], reason
    pickups = _cheapest(pickup_cost, rules)
    deliveries = _cheapest(delivery_cost, rules)
    p, d = (grid.ravel() for grid in np.meshgrid(pickups, deliveries, indexing="ij"))
    cost = pickup_cost[p] + delivery_cost[d]
    driven_km = (standing.driven_m[d] - standing.left_at_m[p]) / 1000.0
    direct_km = orders.great_circle_km[order]
    usual_km = rules.expected_circuity * direct_km + rules.expected_detour_km
    cost += rules.cost_per_detour * np.log(np.maximum(1.0, driven_km / usual_km))
    cost += rules.cost_passed_by * _times_passed_by(case, order, p, d)
    possible = (p != d) & (standing.departed_ms[p] <= standing.arrived_ms[d])
    if not possible.any():
        return [], "delivery_before_pickup" if (p != d).any() else "no_drive_between"
    slack_km = 2e-3 * rules.place_error_m_max + float(
        orders.frame["pickup_uncertainty_km"].iloc[order]
        + orders.frame["delivery_uncertainty_km"].iloc[order]
    )
    possible &= driven_km >= np.maximum(direct_km - slack_km, min(direct_km, rules.spurious_km_max))
    if direct_km < rules.spurious_km_max:
        # A round from a place to itself: it must at least lie in the time that was planned.
        possible &= _planned_drive_km(case, order) >= rules.spurious_km_max
        possible &= driven_km >= rules.spurious_km_max
    if not possible.any():
        return [], "no_drive_between"
    possible &= cost < rules.cost_unmatched
    if not possible.any():
        return [], "no_stop_fits_time_and_place"
    rows = np.flatnonzero(possible & (cost <= cost[possible].min() + rules.cost_margin))
    rows = rows[np.argsort(cost[rows], kind="stable")][: int(rules.candidates_max)]
    return [Pair(order, int(p[r]), int(d[r]), float(cost[r])) for r in rows], ""


def _times_passed_by(
    case: Case, order: int, pickup: NDArray[np.int64], delivery: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Stops at the order's own places on the way: who stands at the ramp unloads there.

    Parameters
    ----------
    case : Case
        The truck.
    order : int
        Row of the order.
    pickup, delivery : int64 array, shape (n_pairs,)
        Standings of loading and unloading.

    Returns
    -------
    count : float64 array, shape (n_pairs,)
        Stops strictly between them, long enough for a service, at a place of the order.
    """
    row, standing, rules = case.orders.frame.iloc[order], case.standing, case.rules
    serves = (standing.kind == STOP) & (standing.duration_s >= rules.short_stop_s)
    own = np.zeros(len(standing), dtype=bool)
    for end in ("pickup", "delivery"):
        if 1000.0 * float(row[f"{end}_uncertainty_km"]) <= rules.place_error_m:
            away_m = standing.distance_m(float(row[f"{end}_lon"]), float(row[f"{end}_lat"]))
            own |= serves & (away_m <= 2.0 * rules.place_error_m)
    before = np.concatenate([[0], np.cumsum(own)])
    return np.asarray(np.maximum(0, before[delivery] - before[pickup + 1]), dtype=float)


def _planned_drive_km(case: Case, order: int) -> float:
    """Kilometres driven between the planned times of an order. [km]"""
    planned = [case.orders.pickup_ms[order], case.orders.delivery_ms[order]]
    first_m, last_m = np.interp(planned, case.trace.time_ms, case.trace.driven_m)
    return float(last_m - first_m) / 1000.0


def _cheapest(cost: NDArray[np.float64], rules: LegRules) -> NDArray[np.int64]:
    """Standings worth weighing: the cheapest that alone do not cost too much."""
    rows = np.flatnonzero(cost < rules.cost_unmatched)
    return rows[np.argsort(cost[rows], kind="stable")][: int(rules.standings_max)]


def _missing_end(
    case: Case,
    order: int,
    pickup_cost: NDArray[np.float64],
    delivery_cost: NDArray[np.float64],
) -> str:
    """Why an order cannot be proven at all, "" if it may be."""
    trace, orders = case.trace, case.orders
    if len(trace.time_ms) == 0 or len(case.standing) == 0:
        return "no_positions"
    if orders.delivery_ms[order] < trace.time_ms[0] or orders.pickup_ms[order] > trace.time_ms[-1]:
        return "no_positions_in_window"
    if not np.isfinite(pickup_cost).any():
        return "no_stop_near_pickup"
    if not np.isfinite(delivery_cost).any():
        return "no_stop_near_delivery"
    return ""
