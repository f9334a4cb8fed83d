"""What each order could have been: pairs of standings for loading and unloading, with a cost.

A cost is a negative log likelihood up to a constant. Place errors have a heavy tail (places are
exact, or a kilometre off, or only a district), planned times are normal within an hour or two and
exponential beyond.

Compiled, for it loops over orders and standings: metres and milliseconds inside, places in
millionths of a degree. No fastmath and no parallel sums: the same bits on every run.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.legs.columns import (
    DELIVERY,
    DELIVERY_BEFORE_PICKUP,
    HALT,
    LOADED_IN_GAP,
    NEVER_CLOSED,
    NO_CONSISTENT_SEQUENCE,
    NO_DRIVE_BETWEEN,
    NO_POSITIONS,
    NO_POSITIONS_IN_WINDOW,
    NO_STOP_FITS,
    NO_STOP_NEAR_DELIVERY,
    NO_STOP_NEAR_PICKUP,
    PICKUP,
    PROVEN_BY_STOPS,
    STOP,
    UNLOADED_IN_GAP,
    Likelihoods,
    OrderPlans,
    Pairs,
    Proofs,
    Road,
    Standing,
    Visits,
)
from fleet_carbon.legs.kernels import MS_PER_H, value_at
from fleet_carbon.traces.kernels import step_m

# No degree of latitude is shorter than at the equator: a (1 - e2), WGS-84.
_M_PER_UDEG_LAT_MIN = math.pi / 180.0 / 1e6 * 6378137.0 * (1.0 - 0.0066943799901413165)
_TOLERANCE_T = 1e-9


@njit(cache=True, nogil=True)
def _standing_costs(standing, road, rules):  # type: ignore[no-untyped-def]
    """Long stops are likelier services than short ones, halts, or what nobody saw in a gap."""
    cost = np.zeros(len(standing.kind))
    for row in range(len(cost)):
        duration_s = (standing.departed_ms[row] - standing.arrived_ms[row]) / 1000.0
        gap = standing.gap_point[row]
        if gap >= 0:
            lon, lat = standing.lon_udeg[row], standing.lat_udeg[row]
            lon_a, lat_a = road.lon_udeg[gap - 1], road.lat_udeg[gap - 1]
            lon_b, lat_b = road.lon_udeg[gap], road.lat_udeg[gap]
            via_m = step_m(lon_a, lat_a, lon, lat) + step_m(lon_b, lat_b, lon, lat)
            chord_m = step_m(lon_a, lat_a, lon_b, lat_b)
            detour = (via_m - chord_m) / 1000.0 / rules.gap_detour_km
            cost[row] = rules.cost_in_gap + math.log1p(detour * detour)
        elif standing.kind[row] == HALT:
            cost[row] = rules.cost_halt
        elif duration_s < rules.short_stop_s:
            cost[row] = rules.cost_short_stop
        elif duration_s < rules.middling_stop_s:
            cost[row] = rules.cost_middling_stop
    return cost


@njit(cache=True, nogil=True)
def _place_cost(lon, lat, to_lon, to_lat, uncertainty_m, rules):  # type: ignore[no-untyped-def]
    """Cost of the distance of a standing from the place of an order; infinite beyond reach."""
    is_exact = uncertainty_m <= rules.place_error_m
    margin_m = rules.district_margin_share * uncertainty_m
    reach_m = rules.place_error_m_max if is_exact else uncertainty_m + 2.0 * margin_m
    # Most are far off, which latitude tells alone.
    if abs(to_lat - lat) * _M_PER_UDEG_LAT_MIN > reach_m + 1.0:
        return math.inf
    away_m = step_m(lon, lat, to_lon, to_lat)
    if is_exact:
        if away_m > rules.place_error_m_max:
            return math.inf
        return math.log1p((away_m / rules.place_error_m) ** 2)
    outside = max(0.0, away_m - uncertainty_m) / margin_m
    if outside > 2.0:
        return math.inf
    # Anywhere in the district is alike; the constant is that of an exact place ten errors off.
    return math.log1p(100.0) * 0.5 + 0.5 * outside * outside


@njit(cache=True, nogil=True)
def off_plan_h(arrived_ms: int, departed_ms: int, plan_ms: int) -> float:
    """How far a standing lies from its planned time; 0 if the time falls into it. [h]"""
    return max(0, max(plan_ms - departed_ms, arrived_ms - plan_ms)) / MS_PER_H


@njit(cache=True, nogil=True)
def find_visits(standing: Standing, road: Road, plans: OrderPlans, rules: Likelihoods) -> Visits:
    """Which standings each end of each order may have meant, with what does not change.

    Parameters
    ----------
    standing : Standing
        Where the truck stood or may have stood.
    road : Road
        Its trace.
    plans : OrderPlans
        Its orders.
    rules : Likelihoods
        Costs of the edition.
    """
    count, total = len(plans.cargo_t), len(standing.kind)
    # A window over the standings: all before it have departed too early, all after it come late.
    latest, soonest = np.empty(total, np.int64), np.empty(total, np.int64)
    for row in range(total):
        departed, arrived = standing.departed_ms[row], standing.arrived_ms[total - 1 - row]
        latest[row] = departed if row == 0 else max(departed, latest[row - 1])
        at = total - 1 - row
        soonest[at] = arrived if row == 0 else min(arrived, soonest[at + 1])
    reach_ms = rules.plan_error_h_max * MS_PER_H
    first = np.zeros(2 * count + 1, np.int64)
    size = 16 * count + 16
    rows, off_h, cost = np.empty(size, np.int64), np.empty(size), np.empty(size)
    found = 0
    for order in range(count):
        for end in (PICKUP, DELIVERY):
            plan_ms = plans.planned_ms[order, end]
            uncertainty_m = 1000.0 * plans.uncertainty_km[order, end]
            not_meant = LOADED_IN_GAP if end == DELIVERY else UNLOADED_IN_GAP
            row = np.searchsorted(latest, plan_ms - reach_ms, side="left")
            while row < total and soonest[row] <= plan_ms + reach_ms:
                off = off_plan_h(standing.arrived_ms[row], standing.departed_ms[row], plan_ms)
                if off <= rules.plan_error_h_max and standing.kind[row] != not_meant:
                    place = _place_cost(
                        standing.lon_udeg[row], standing.lat_udeg[row],
                        plans.lon_udeg[order, end], plans.lat_udeg[order, end],
                        uncertainty_m, rules,
                    )  # fmt: skip
                    if place < math.inf:
                        if found == len(rows):
                            rows = np.concatenate((rows, np.empty(found, np.int64)))
                            off_h = np.concatenate((off_h, np.empty(found)))
                            cost = np.concatenate((cost, np.empty(found)))
                        rows[found], off_h[found], cost[found] = row, off, place
                        found += 1
                row += 1
            first[2 * order + end + 1] = found
    costs = _standing_costs(standing, road, rules)
    return Visits(first, rows[:found].copy(), off_h[:found].copy(), cost[:found].copy(), costs)


@njit(cache=True, nogil=True)
def _tailed(off):  # type: ignore[no-untyped-def]
    """Normal within two standard errors, exponential beyond."""
    return 0.5 * off * off if off <= 2.0 else 2.0 * off - 2.0


@njit(cache=True, nogil=True)
def _time_cost(off_h, plan_error_h, rules):  # type: ignore[no-untyped-def]
    cost = _tailed(off_h / rules.plan_error_h)
    if plan_error_h < rules.plan_error_h:
        # This truck's plans are mostly sharper, but any single one may be as rough as others'.
        cost = min(_tailed(off_h / plan_error_h), cost + rules.cost_rough_plan)
    return cost


@njit(cache=True, nogil=True)
def _keep_cheapest(costs, kept, count, most, cost, what):  # type: ignore[no-untyped-def]
    """Insert into an ascending list of at most so many; of equals the first comes first."""
    if count == most:
        if cost >= costs[count - 1]:
            return count
        count -= 1
    at = count
    while at > 0 and costs[at - 1] > cost:
        costs[at], kept[at] = costs[at - 1], kept[at - 1]
        at -= 1
    costs[at], kept[at] = cost, what
    return count + 1


@njit(cache=True, nogil=True)
def _likely_ends(visits, end_at, plan_error_h, rules, costs, rows):  # type: ignore[no-untyped-def]
    """The cheapest standings of one end of an order that alone do not cost too much."""
    count = 0
    for visit in range(visits.first[end_at], visits.first[end_at + 1]):
        row = visits.row[visit]
        cost = _time_cost(visits.off_h[visit], plan_error_h, rules)
        cost += visits.place_cost[visit]
        cost += visits.standing_cost[row]
        if cost < rules.cost_unmatched:
            count = _keep_cheapest(costs, rows, count, len(costs), cost, row)
    return count


@njit(cache=True, nogil=True)
def _own_stops_before(standing, plans, order, first, last, rules):  # type: ignore[no-untyped-def]
    """Stops at the order's own places: how many of those from `first` on lie before each row."""
    before = np.zeros(last - first + 1, np.int64)
    reach_m = 2.0 * rules.place_error_m
    for row in range(first, last):
        is_own = False
        duration_s = (standing.departed_ms[row] - standing.arrived_ms[row]) / 1000.0
        if standing.kind[row] == STOP and duration_s >= rules.short_stop_s:
            for end in (PICKUP, DELIVERY):
                if 1000.0 * plans.uncertainty_km[order, end] > rules.place_error_m:
                    continue
                lon, lat = plans.lon_udeg[order, end], plans.lat_udeg[order, end]
                if abs(lat - standing.lat_udeg[row]) * _M_PER_UDEG_LAT_MIN > reach_m + 1.0:
                    continue
                away_m = step_m(standing.lon_udeg[row], standing.lat_udeg[row], lon, lat)
                is_own = is_own or away_m <= reach_m
        before[row - first + 1] = before[row - first] + is_own
    return before


@njit(cache=True, nogil=True)
def _missing_end(road, standing, visits, plans, order):  # type: ignore[no-untyped-def]
    """Why an order cannot be proven at all, -1 if it may be."""
    if len(standing.kind) == 0:
        return NO_POSITIONS
    planned = plans.planned_ms[order]
    if planned[DELIVERY] < road.time_ms[0] or planned[PICKUP] > road.time_ms[-1]:
        return NO_POSITIONS_IN_WINDOW
    if visits.first[2 * order] == visits.first[2 * order + 1]:
        return NO_STOP_NEAR_PICKUP
    if visits.first[2 * order + 1] == visits.first[2 * order + 2]:
        return NO_STOP_NEAR_DELIVERY
    return -1


@njit(cache=True, nogil=True)
def weigh_pairs(
    standing: Standing,
    road: Road,
    plans: OrderPlans,
    visits: Visits,
    plan_error_h: float,
    rules: Likelihoods,
) -> Pairs:
    """The likeliest ways each order may have gone, and the reason where there is none.

    Parameters
    ----------
    standing, road, plans : Standing, Road, OrderPlans
        Where the truck stood, its trace, its orders.
    visits : Visits
        Which standings the ends of the orders may have meant.
    plan_error_h : float
        Usual error of this truck's planned times. [h]
    rules : Likelihoods
        Costs of the edition.

    Returns
    -------
    pairs : Pairs
        At most `rules.candidates_max` per order, none dearer than staying unproven.
    """
    count, most = len(plans.cargo_t), int(rules.candidates_max)
    first, reasons = np.zeros(count + 1, np.int64), np.full(count, -1, np.int8)
    pickup, delivery = np.empty(count * most, np.int64), np.empty(count * most, np.int64)
    cost = np.empty(count * most)
    width = int(rules.standings_max)
    p_costs, p_rows = np.empty(width), np.empty(width, np.int64)
    d_costs, d_rows = np.empty(width), np.empty(width, np.int64)
    kept_costs, kept = np.empty(most), np.empty(most, np.int64)
    found = 0
    for order in range(count):
        first[order + 1] = found
        reason = _missing_end(road, standing, visits, plans, order)
        if reason >= 0:
            reasons[order] = reason
            continue
        p_count = _likely_ends(visits, 2 * order, plan_error_h, rules, p_costs, p_rows)
        d_count = _likely_ends(visits, 2 * order + 1, plan_error_h, rules, d_costs, d_rows)
        number, reason = _weigh_grid(
            standing, road, plans, order, rules,
            p_costs[:p_count], p_rows, d_costs[:d_count], d_rows, kept_costs, kept,
        )  # fmt: skip
        reasons[order] = reason
        for at in range(number):
            if kept_costs[at] > kept_costs[0] + rules.cost_margin:
                break
            pickup[found] = p_rows[kept[at] // width]
            delivery[found], cost[found] = d_rows[kept[at] % width], kept_costs[at]
            found += 1
        first[order + 1] = found
    return Pairs(
        first, pickup[:found].copy(), delivery[:found].copy(), cost[:found].copy(), reasons
    )


@njit(cache=True, nogil=True)
def _weigh_grid(  # type: ignore[no-untyped-def]
    standing, road, plans, order, rules, p_costs, p_rows, d_costs, d_rows, kept_costs, kept
):
    """Cheapest pairs of the likely ends of one order; how many, and why none."""
    direct_km = plans.great_circle_km[order]
    usual_km = rules.expected_circuity * direct_km + rules.expected_detour_km
    slack_km = 2e-3 * rules.place_error_m_max + (
        plans.uncertainty_km[order, PICKUP] + plans.uncertainty_km[order, DELIVERY]
    )
    least_km = max(direct_km - slack_km, min(direct_km, rules.spurious_km_max))
    was_planned = True
    if direct_km < rules.spurious_km_max:
        # A round from a place to itself: it must at least lie in the time that was planned.
        least_km = max(least_km, rules.spurious_km_max)
        planned = plans.planned_ms[order]
        planned_m = value_at(planned[DELIVERY], road.time_ms, road.driven_m) - value_at(
            planned[PICKUP], road.time_ms, road.driven_m
        )
        was_planned = planned_m / 1000.0 >= rules.spurious_km_max
    begins, ends = len(standing.kind), 0
    for p in range(len(p_costs)):
        begins = min(begins, p_rows[p] + 1)
    for d in range(len(d_costs)):
        ends = max(ends, d_rows[d])
    before = _own_stops_before(standing, plans, order, begins, max(begins, ends), rules)
    count, are_two, is_ordered, is_driven = 0, False, False, False
    for p in range(len(p_costs)):
        for d in range(len(d_costs)):
            row_p, row_d = p_rows[p], d_rows[d]
            if row_p == row_d:
                continue
            are_two = True
            if standing.departed_ms[row_p] > standing.arrived_ms[row_d]:
                continue
            is_ordered = True
            driven_km = (standing.driven_m[row_d] - standing.left_at_m[row_p]) / 1000.0
            if not (was_planned and driven_km >= least_km):
                continue
            is_driven = True
            if row_d < row_p:
                # Both hide in one gap, where unloading is put first: no leg lies between them.
                continue
            cost = p_costs[p] + d_costs[d]
            cost += rules.cost_per_detour * math.log(max(1.0, driven_km / usual_km))
            passed = before[row_d - begins] - before[row_p + 1 - begins]
            cost += rules.cost_passed_by * passed
            if cost < rules.cost_unmatched:
                what = p * len(p_rows) + d
                count = _keep_cheapest(kept_costs, kept, count, len(kept), cost, what)
    if count:
        return count, -1
    if is_driven:
        return 0, NO_STOP_FITS
    return 0, DELIVERY_BEFORE_PICKUP if are_two and not is_ordered else NO_DRIVE_BETWEEN


@njit(cache=True, nogil=True)
def group_orders(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Orders in groups whose spans of standings do not touch: each is a problem of its own.

    Returns
    -------
    order : int64 array, shape (n_with_pairs,)
        Orders that have pairs, group by group, by span.
    first : int64 array, shape (n_groups + 1,)
        Where each group begins in it.
    """
    count = len(pairs.reason)
    begins, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    order = np.empty(count, np.int64)
    filled = 0
    for one in range(count):
        a, b = pairs.first[one], pairs.first[one + 1]
        if a == b:
            continue
        begins[one], ends[one] = pairs.pickup[a:b].min(), pairs.delivery[a:b].max()
        at = filled
        while at > 0 and (
            begins[order[at - 1]] > begins[one]
            or (begins[order[at - 1]] == begins[one] and ends[order[at - 1]] > ends[one])
        ):
            order[at] = order[at - 1]
            at -= 1
        order[at] = one
        filled += 1
    first = np.empty(filled + 1, np.int64)
    groups, reach = 0, -1
    for at in range(filled):
        if begins[order[at]] > reach:
            first[groups] = at
            groups += 1
        reach = max(reach, ends[order[at]])
    first[groups] = filled
    return order[:filled].copy(), first[: groups + 1].copy()


@njit(cache=True, nogil=True)
def take_first_choices(
    pairs: Pairs,
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    cargo_t: NDArray[np.float64],
    capacity_t: float,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give every order its cheapest pair where that is consistent in its group.

    Distinct standings, nothing overloaded: then the choice is optimal, for each order costs least
    and each standing is explained by one.

    Parameters
    ----------
    pairs : Pairs
        The candidates.
    order, first : int64 arrays
        The groups, as `group_orders` tells them.
    cargo_t : float64 array, shape (n_orders,)
        Cargo. [t]
    capacity_t : float
        What may be aboard at once. [t]

    Returns
    -------
    chosen : int64 array, shape (n_orders,)
        Row of the pair taken, -1 for none.
    is_free : bool array, shape (n_groups,)
        Whether a group is free of conflict; the orders of the others are not decided.
    """
    chosen = np.full(len(pairs.reason), -1, np.int64)
    is_free = np.ones(len(first) - 1, np.bool_)
    for group in range(len(is_free)):
        members = order[first[group] : first[group + 1]]
        begins, ends, heaviest = pairs.pickup[pairs.first[members[0]]], 0, 0.0
        for one in members:
            pair = pairs.first[one]
            begins, ends = min(begins, pairs.pickup[pair]), max(ends, pairs.delivery[pair])
            heaviest = max(heaviest, cargo_t[one])
        span = ends - begins + 1
        aboard_t = np.zeros(span)
        loads, unloads = np.zeros(span, np.bool_), np.zeros(span, np.bool_)
        for one in members:
            p, d = (
                pairs.pickup[pairs.first[one]] - begins,
                pairs.delivery[pairs.first[one]] - begins,
            )
            if loads[p] or unloads[d]:
                is_free[group] = False
            loads[p], unloads[d] = True, True
            aboard_t[p:d] += cargo_t[one]
        if aboard_t.max() > max(capacity_t, heaviest) + _TOLERANCE_T:
            is_free[group] = False
        if is_free[group]:
            for one in members:
                chosen[one] = pairs.first[one]
    return chosen, is_free


@njit(cache=True, nogil=True)
def own_plan_error_h(
    standing: Standing,
    plans: OrderPlans,
    pairs: Pairs,
    chosen: NDArray[np.int64],
    rules: Likelihoods,
) -> float:
    """Root mean square by which this truck's proven stops miss their planned times. [h]"""
    count, total = 0, 0.0
    for order in range(len(chosen)):
        if chosen[order] < 0:
            continue
        count += 1
        for end in (PICKUP, DELIVERY):
            row = pairs.pickup[chosen[order]] if end == PICKUP else pairs.delivery[chosen[order]]
            off_h = off_plan_h(
                standing.arrived_ms[row], standing.departed_ms[row], plans.planned_ms[order, end]
            )
            total += off_h * off_h
    if count < rules.own_plans_min:
        return rules.plan_error_h
    own_h = math.sqrt(total / (2 * count))
    return min(max(own_h, rules.plan_error_h_min), rules.plan_error_h)


@njit(cache=True, nogil=True)
def prove(
    standing: Standing,
    plans: OrderPlans,
    pairs: Pairs,
    chosen: NDArray[np.int64],
    trace_ends_ms: int,
    rules: Likelihoods,
) -> Proofs:
    """What the choice proves of each order.

    Parameters
    ----------
    standing, plans, pairs : Standing, OrderPlans, Pairs
        Where the truck stood, its orders, the candidates.
    chosen : int64 array, shape (n_orders,)
        Row of the pair taken, -1 for none.
    trace_ends_ms : int
        Last moment of the trace. [ms]
    rules : Likelihoods
        When an order was never closed.
    """
    count = len(chosen)
    pickup, delivery = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    reason, sure = np.empty(count, np.int8), np.zeros(count)
    for order in range(count):
        pair = chosen[order]
        if pair < 0:
            known = pairs.reason[order]
            reason[order] = known if known >= 0 else NO_CONSISTENT_SEQUENCE
            continue
        p, d = pairs.pickup[pair], pairs.delivery[pair]
        planned = plans.planned_ms[order]
        # The truck came to the place long before the planned time and was never seen to leave it.
        # A driver may well sleep at the gate until the morning; so the planned time must also be
        # out of all proportion to the drive.
        early_ms = planned[DELIVERY] - standing.arrived_ms[d]
        transit_ms = standing.arrived_ms[d] - standing.departed_ms[p]
        quick = transit_ms < rules.never_closed_drive_share * (planned[DELIVERY] - planned[PICKUP])
        last = standing.departed_ms[d] >= trace_ends_ms
        if last and quick and early_ms > rules.never_closed_h * MS_PER_H:
            # It took part in the choice, so that no other order is given its stops.
            reason[order] = NEVER_CLOSED
            continue
        pickup[order], delivery[order] = p, d
        hidden = (standing.gap_point[p] >= 0) + 2 * (standing.gap_point[d] >= 0)
        reason[order] = PROVEN_BY_STOPS + hidden
        sure[order] = min(max(1.0 - pairs.cost[pair] / (2.0 * rules.cost_unmatched), 0.5), 0.99)
    return Proofs(pickup, delivery, reason, sure)
