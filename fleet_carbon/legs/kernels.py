"""Compiled code of the room: where a truck stood, where legs are cut, what they measured.

Inside this file metres and milliseconds are used, places in millionths of a degree. Everything
loops over standings, legs or fixes of one truck. No fastmath and no parallel sums: the same bits
on every run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.legs.columns import (
    BY_ODOMETER,
    BY_POSITIONS,
    BY_SPEED,
    DELIVERY,
    HALT,
    LOADED_IN_GAP,
    PICKUP,
    STOP,
    UNLOADED_IN_GAP,
    Gaps,
    Likelihoods,
    OrderPlans,
    Road,
    Standing,
    Timeline,
)
from fleet_carbon.traces.kernels import LINK_STAND, step_m

MS_PER_H = 3_600_000.0
_NEVER_MS = 2**63 - 1


@njit(cache=True, nogil=True)
def value_at(moment: float, knots: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Value of a function that is linear between knots and constant outside of them."""
    last = len(knots) - 1
    at = int(np.searchsorted(knots, moment, side="right")) - 1
    value: float = values[min(max(at, 0), last)]
    if 0 <= at < last:
        value = _between(moment, at, knots, values)
    return value


@njit(cache=True, nogil=True)
def _between(moment, at, knots, values):  # type: ignore[no-untyped-def]
    """Value at a moment between the knot `at` and the next one."""
    slope = (values[at + 1] - values[at]) / (knots[at + 1] - knots[at])
    return slope * (moment - knots[at]) + values[at]


@njit(cache=True, nogil=True)
def find_standing(road: Road, link: NDArray[np.int8], halts: NDArray[np.float64]) -> Standing:
    """The stops of a trace and the halts that lie in none of them, in order of time.

    Parameters
    ----------
    road : Road
        Points of the trace.
    link : int8 array, shape (n_points,)
        How each point is linked to the one before.
    halts : float64 array, shape (n_halts, 4)
        Arrival [ms], departure [ms], longitude, latitude [udeg], ascending.
    """
    stops = np.flatnonzero(link == LINK_STAND)
    most = len(stops) + len(halts)
    arrived, departed = np.empty(most, np.int64), np.empty(most, np.int64)
    lon, lat, driven = np.empty(most), np.empty(most), np.empty(most)
    kind = np.empty(most, np.int8)
    halt, count = 0, 0
    for number in range(len(stops) + 1):
        is_end = number == len(stops)
        # Points from the last departure to the next: there a halt before this stop lies.
        low = 0 if number == 0 else stops[number - 1]
        high = len(link) if is_end else stops[number] + 1
        begins = np.int64(0) if is_end else road.time_ms[stops[number] - 1]
        while halt < len(halts) and (is_end or halts[halt, 0] < begins):
            if number == 0 or halts[halt, 0] > road.time_ms[stops[number - 1]]:
                arrived[count], departed[count] = int(halts[halt, 0]), int(halts[halt, 1])
                lon[count], lat[count], kind[count] = halts[halt, 2], halts[halt, 3], HALT
                middle = 0.5 * (halts[halt, 0] + halts[halt, 1])
                driven[count] = value_at(middle, road.time_ms[low:high], road.driven_m[low:high])
                count += 1
            halt += 1
        if not is_end:
            point = stops[number]
            arrived[count], departed[count] = road.time_ms[point - 1], road.time_ms[point]
            lon[count], lat[count] = road.lon_udeg[point - 1], road.lat_udeg[point - 1]
            driven[count], kind[count] = road.driven_m[point - 1], STOP
            count += 1
    return Standing(
        arrived[:count],
        departed[:count],
        lon[:count],
        lat[:count],
        kind[:count],
        driven[:count],
        driven[:count].copy(),
        np.full(count, -1, np.int64),
    )


@njit(cache=True, nogil=True)
def hidden_services(
    road: Road, gaps: Gaps, plans: OrderPlans, rules: Likelihoods
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The services that may hide in gaps: places of orders that a truck could reach inside one.

    Parameters
    ----------
    road, gaps : Road, Gaps
        The trace.
    plans : OrderPlans
        The orders of the truck.
    rules : Likelihoods
        Speeds in gaps, and how far a plan may be off.

    Returns
    -------
    moments : int64 array, shape (n, 4)
        Gap point, kind, arrival, departure. [ms]
    places : float64 array, shape (n, 4)
        Longitude, latitude [udeg], distance driven on arrival, on departure [m].
    """
    most = 2 * len(gaps.point) * len(plans.cargo_t)
    moments, places = np.empty((most, 4), np.int64), np.empty((most, 4))
    reach_ms = rules.plan_error_h_max * MS_PER_H
    count = 0
    for number in range(len(gaps.point)):
        gap, circuity = gaps.point[number], gaps.circuity[number]
        began, ended = road.time_ms[gap - 1], road.time_ms[gap]
        for order in range(len(plans.cargo_t)):
            for end in (PICKUP, DELIVERY):
                plan_ms = plans.planned_ms[order, end]
                if not began - reach_ms <= plan_ms <= ended + reach_ms:
                    continue
                lon, lat = plans.lon_udeg[order, end], plans.lat_udeg[order, end]
                to_m = step_m(road.lon_udeg[gap - 1], road.lat_udeg[gap - 1], lon, lat)
                on_m = step_m(lon, lat, road.lon_udeg[gap], road.lat_udeg[gap])
                way_m = (to_m + on_m) * circuity
                fastest_ms = way_m / rules.gap_speed_kmh_max * 3600.0
                if fastest_ms + rules.gap_service_s * 1000.0 > ended - began:
                    continue
                share = to_m / (to_m + on_m) if to_m + on_m > 0 else 0.5
                drive_ms = min(way_m / rules.gap_speed_kmh * 3600.0, ended - began - 1000.0)
                arrived = int(began + share * drive_ms)
                departed = max(arrived, int(ended - (1.0 - share) * drive_ms))
                kind = UNLOADED_IN_GAP if end == DELIVERY else LOADED_IN_GAP
                moments[count, 0], moments[count, 1] = gap, kind
                moments[count, 2], moments[count, 3] = arrived, departed
                places[count, 0], places[count, 1] = lon, lat
                places[count, 2] = road.driven_m[gap - 1] + circuity * to_m
                places[count, 3] = road.driven_m[gap] - circuity * on_m
                count += 1
    return moments[:count], places[:count]


@njit(cache=True, nogil=True)
def _cut_leg(leg, cuts, is_month, start, finish, until, out, write):  # type: ignore[no-untyped-def]
    """Write one leg from row `leg` on, cut at every moment at which it goes on; the next row."""
    at = np.searchsorted(cuts, start, side="left")
    while at < len(cuts) and cuts[at] < max(finish, until):
        cut = cuts[at]
        drives = start < cut < finish
        stands = is_month[at] and finish <= cut < until and not (start == cut and finish == cut)
        if drives or stands:
            if write:
                out[leg, 0], out[leg, 1], out[leg, 2] = start, cut if drives else finish, cut
            leg += 1
            start, finish = cut, finish if drives else cut
        at += 1
    if write:
        out[leg, 0], out[leg, 1], out[leg, 2] = start, finish, until
    return leg + 1


@njit(cache=True, nogil=True)
def _cut_all(standing, rows, began, ended, cuts, is_month, out, write):  # type: ignore[no-untyped-def]
    """Legs from each departure to the next arrival, with the standing after it; how many."""
    leg, start = 0, began
    for row in rows:
        leg = _cut_leg(
            leg, cuts, is_month, start, standing.arrived_ms[row], standing.departed_ms[row],
            out, write,
        )  # fmt: skip
        start = standing.departed_ms[row]
    if start < ended or len(rows) == 0:
        leg = _cut_leg(leg, cuts, is_month, start, ended, ended, out, write)
    return leg


@njit(cache=True, nogil=True)
def cut_timeline(
    standing: Standing,
    is_used: NDArray[np.bool_],
    trace_ms: tuple[int, int],
    cuts_ms: NDArray[np.int64],
    is_month: NDArray[np.bool_],
) -> Timeline:
    """Borders of legs: every stop, and halts or services in gaps where an order was served.

    Parameters
    ----------
    standing : Standing
        Where the truck stood or may have stood.
    is_used : bool array, shape (n_standing,)
        Whether a standing proves an order.
    trace_ms : pair of int
        First and last moment of the trace. [ms]
    cuts_ms : int64 array, shape (n_cuts,)
        Moments at which a drive is cut, ascending. [ms]
    is_month : bool array, shape (n_cuts,)
        Whether standing is cut there too: the borders of the month.
    """
    rows = np.flatnonzero((standing.kind == STOP) | is_used)
    none = np.empty((0, 3), np.int64)
    began, ended = trace_ms
    count = _cut_all(standing, rows, began, ended, cuts_ms, is_month, none, False)
    legs = np.empty((count, 3), np.int64)
    _cut_all(standing, rows, began, ended, cuts_ms, is_month, legs, True)
    started = legs[:, 0].copy()
    leg_after = np.full(len(is_used), -1, np.int64)
    for row in rows:
        leg_after[row] = np.searchsorted(started, standing.departed_ms[row], side="left")
    return Timeline(started, legs[:, 1].copy(), legs[:, 2].copy(), leg_after)


@njit(cache=True, nogil=True)
def lead_over_services(
    road: Road, gaps: Gaps, standing: Standing, services: NDArray[np.int64]
) -> Road:
    """The road with gaps leading over the places served in them.

    Parameters
    ----------
    road, gaps : Road, Gaps
        The trace.
    standing : Standing
        Where the truck stood or may have stood.
    services : int64 array
        Rows of `standing` that lie in gaps and prove an order, in order of time.
    """
    size = len(road.time_ms) + 2 * len(services)
    time_ms, lon, lat = np.empty(size, np.int64), np.empty(size), np.empty(size)
    driven, imputed = np.empty(size), np.empty(size)
    longer_m, service, number, at = 0.0, 0, 0, 0
    for point in range(len(road.time_ms)):
        if service < len(services) and standing.gap_point[services[service]] == point:
            until = service
            while until < len(services) and standing.gap_point[services[until]] == point:
                until += 1
            while gaps.point[number] != point:
                number += 1
            inside = services[service:until]
            way_m = np.empty(len(inside) + 1)
            lon_a, lat_a, length_m = road.lon_udeg[point - 1], road.lat_udeg[point - 1], 0.0
            for k in range(len(inside) + 1):
                is_end = k == len(inside)
                lon_b = road.lon_udeg[point] if is_end else standing.lon_udeg[inside[k]]
                lat_b = road.lat_udeg[point] if is_end else standing.lat_udeg[inside[k]]
                length_m += step_m(lon_a, lat_a, lon_b, lat_b)
                way_m[k], lon_a, lat_a = length_m, lon_b, lat_b
            known_m = road.driven_m[point] - road.driven_m[point - 1]
            told_m = known_m if gaps.is_counted[number] else gaps.circuity[number] * length_m
            for k in range(len(inside)):
                row = inside[k]
                here_m = told_m * (way_m[k] / length_m if length_m > 0 else 0.0) + longer_m
                for moment in (standing.arrived_ms[row], standing.departed_ms[row]):
                    time_ms[at] = moment
                    lon[at], lat[at] = standing.lon_udeg[row], standing.lat_udeg[row]
                    driven[at] = road.driven_m[point - 1] + here_m
                    imputed[at] = road.imputed_m[point - 1] + here_m
                    at += 1
            longer_m += told_m - known_m
            service = until
        time_ms[at], lon[at], lat[at] = (
            road.time_ms[point],
            road.lon_udeg[point],
            road.lat_udeg[point],
        )
        driven[at] = road.driven_m[point] + longer_m
        imputed[at] = road.imputed_m[point] + longer_m
        at += 1
    return Road(time_ms, lon, lat, driven, imputed)


@njit(cache=True, nogil=True)
def places_at(road: Road, moments_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Driven and imputed metres, longitude and latitude at some moments. shape (4, n)"""
    out, last = np.empty((4, len(moments_ms))), len(road.time_ms) - 1
    columns = (road.driven_m, road.imputed_m, road.lon_udeg, road.lat_udeg)
    for k in range(len(moments_ms)):
        at = np.searchsorted(road.time_ms, moments_ms[k], side="right") - 1
        is_outside = at < 0 or at >= last
        at = min(max(at, 0), last)
        for row in range(4):
            values = columns[row]
            if is_outside:
                out[row, k] = values[at]
            else:
                out[row, k] = _between(moments_ms[k], at, road.time_ms, values)
    return out


@njit(cache=True, nogil=True)
def overlaps_ms(
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    start: NDArray[np.int64],
    finish: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Time that ascending, disjoint intervals share with each leg. [ms], shape (n_legs,)"""
    out = np.zeros(len(start))
    for leg in range(len(start)):
        at = np.searchsorted(last, start[leg], side="right")
        while at < len(first) and first[at] < finish[leg]:
            out[leg] += min(last[at], finish[leg]) - max(first[at], start[leg])
            at += 1
    return out


@njit(cache=True, nogil=True)
def _sent(time_ms, values):  # type: ignore[no-untyped-def]
    """Times and values of a signal where it was sent."""
    times, sent, count = np.empty(len(values), np.int64), np.empty(len(values)), 0
    for k in range(len(values)):
        if not math.isnan(values[k]):
            times[count], sent[count] = time_ms[k], values[k]
            count += 1
    return times[:count], sent[:count]


@njit(cache=True, nogil=True)
def speed_integrals_km(
    time_ms: NDArray[np.int64],
    speed_kmh: NDArray[np.float64],
    start: NDArray[np.int64],
    until: NDArray[np.int64],
    step_ms_max: float,
    silence_share_max: float,
) -> NDArray[np.float64]:
    """Stated speed integrated over each leg; NaN where it was not sent densely.

    Parameters
    ----------
    time_ms : int64 array, shape (n_fixes,)
        Times of the fixes. [ms]
    speed_kmh : float64 array, shape (n_fixes,)
        Speed stated, NaN where not sent. [km/h]
    start, until : int64 array, shape (n_legs,)
        Borders. [ms]
    step_ms_max : float
        Longer steps are silence. [ms]
    silence_share_max : float
        Largest share of silence in a leg.
    """
    out = np.full(len(start), np.nan)
    moments = np.concatenate((start, until))
    along_km, silent_ms = np.zeros(len(moments)), np.zeros(len(moments))
    by_time, due = np.argsort(moments), 0
    next_ms = moments[by_time[0]] if len(moments) else _NEVER_MS
    count, fastest, before, before_ms = 0, -math.inf, 0.0, np.int64(0)
    # Twice the sum of speed times milliseconds; the sum of silence.
    along, silence_ms = 0.0, 0.0
    for k in range(len(speed_kmh)):
        speed, now_ms = speed_kmh[k], time_ms[k]
        if math.isnan(speed):
            continue
        step_ms = float(now_ms - before_ms) if count else 0.0
        is_dense = step_ms < step_ms_max
        piece = (speed + before) * step_ms if is_dense else 0.0
        piece_ms = 0.0 if is_dense else step_ms
        while next_ms < now_ms:
            share = (next_ms - before_ms) / step_ms if count else 0.0
            along_km[by_time[due]] = 0.5 * (along + share * piece) / MS_PER_H
            silent_ms[by_time[due]] = silence_ms + share * piece_ms
            due += 1
            next_ms = moments[by_time[due]] if due < len(moments) else _NEVER_MS
        along, silence_ms, fastest = along + piece, silence_ms + piece_ms, max(fastest, speed)
        before, before_ms = speed, now_ms
        count += 1
    if count < 2 or fastest == 0.0:
        return out
    along_km[by_time[due:]], silent_ms[by_time[due:]] = 0.5 * along / MS_PER_H, silence_ms
    for leg in range(len(start)):
        end = len(start) + leg
        silent_ms_max = silence_share_max * max(1, until[leg] - start[leg])
        if silent_ms[end] - silent_ms[leg] <= silent_ms_max:
            out[leg] = along_km[end] - along_km[leg]
    return out


@njit(cache=True, nogil=True)
def medians_while_driving(
    time_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    finish: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Median of a signal over each drive, NaN where it was not sent. shape (n_legs,)"""
    medians = np.full(len(start), np.nan)
    times, sent = _sent(time_ms, values)
    for leg in range(len(start)):
        first = np.searchsorted(times, start[leg], side="right")
        until = np.searchsorted(times, finish[leg], side="left")
        if until > first:
            medians[leg] = np.median(sent[first:until])
    return medians


class FallBack(NamedTuple):
    """When positions are not believed.

    Attributes
    ----------
    ratio_max, km_min : float
        Two distances disagree if they differ by more than both of these. [-], [km]
    broken_share : float
        Share of legs at odds with a sound counter from which no leg is believed.
    """

    ratio_max: float
    km_min: float
    broken_share: float


@njit(cache=True, nogil=True)
def fall_back(
    distance_km: NDArray[np.float64],
    imputed_km: NDArray[np.float64],
    odometer_km: NDArray[np.float64],
    speed_km: NDArray[np.float64],
    is_spoilt: bool,
    limits: FallBack,
) -> NDArray[np.int8]:
    """Where positions are broken but odometer or speed is sound, take their distance.

    Parameters
    ----------
    distance_km, imputed_km : float64 array, shape (n_legs,)
        By the positions; changed in place. [km]
    odometer_km, speed_km : float64 array, shape (n_legs,)
        By the counter and by the stated speed, NaN where they do not tell. [km]
    is_spoilt : bool
        Whether many fixes were dropped as teleports.
    limits : FallBack
        When positions are not believed.

    Returns
    -------
    source : int8 array, shape (n_legs,)
        What the distance of each leg is taken from.
    """
    count = len(distance_km)
    source = np.full(count, BY_POSITIONS, np.int8)
    for by in (BY_ODOMETER, BY_SPEED):
        other_km = odometer_km if by == BY_ODOMETER else speed_km
        witness_km = speed_km if by == BY_ODOMETER else odometer_km
        if not _is_sound(other_km, witness_km, distance_km, is_spoilt, limits):
            continue
        long_count, at_odds_count = 0, 0
        for leg in range(count):
            if distance_km[leg] > limits.km_min:
                long_count += 1
                at_odds_count += _disagree(distance_km[leg], other_km[leg], limits)
        # Positions wrong that often are wrong by less elsewhere: none of them is believed.
        is_broken = at_odds_count > 0 and at_odds_count / long_count > limits.broken_share
        for leg in range(count):
            if source[leg] != BY_POSITIONS or math.isnan(other_km[leg]):
                continue
            if is_spoilt or is_broken or _disagree(distance_km[leg], other_km[leg], limits):
                source[leg], distance_km[leg], imputed_km[leg] = by, other_km[leg], 0.0
    return source


@njit(cache=True, nogil=True)
def _disagree(a_km, b_km, limits):  # type: ignore[no-untyped-def]
    """Whether two distances differ by more than the ratio and the least distance."""
    is_far = abs(a_km - b_km) > limits.km_min
    return is_far and max(a_km, b_km) > limits.ratio_max * min(a_km, b_km)


@njit(cache=True, nogil=True)
def _is_sound(other_km, witness_km, distance_km, is_spoilt, limits):  # type: ignore[no-untyped-def]
    """A counter is sound if a second one bears it out, or over all legs the positions do."""
    here_km, witnessed_km, both_km, known_km = 0.0, 0.0, 0.0, 0.0
    for leg in range(len(other_km)):
        if not math.isnan(other_km[leg]):
            here_km += other_km[leg]
            known_km += distance_km[leg]
            if not math.isnan(witness_km[leg]):
                both_km += other_km[leg]
                witnessed_km += witness_km[leg]
    if witnessed_km > 0:
        ratio = both_km / witnessed_km
    elif known_km <= 0:
        return False
    elif is_spoilt:
        return True
    else:
        ratio = here_km / known_km
    return 1.0 / limits.ratio_max <= ratio <= limits.ratio_max
