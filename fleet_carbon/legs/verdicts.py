"""What was aboard each leg, what that makes of it, and who is believed to have driven it.

Compiled, for it loops over legs and orders. No fastmath and no parallel sums: the same bits on
every run.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fleet_carbon.legs.columns import (
    ABOVE_RATED,
    AS_STATED,
    BETWEEN_ORDERS,
    CONTRADICTED_BY_MASS,
    DELIVERING,
    DELIVERY,
    EMPTY,
    LIKE_A_CAR,
    LOADED,
    MASS_CONTRADICTS_EMPTY,
    MASS_CONTRADICTS_LOADED,
    MASS_SAYS_EMPTY,
    MASS_SAYS_LOADED,
    NO_DRIVE_BETWEEN,
    NO_ORDERS,
    ORDER_ABOARD,
    ORDER_UNPROVEN,
    OUTSIDE_ORDERS,
    PICKUP,
    REPOSITIONING,
    SEARCHING,
    UNKNOWN,
    UNKNOWN_PURPOSE,
    LegStates,
    Loads,
    OrderPlans,
    Proofs,
    Timeline,
    TruckLimits,
)


@njit(cache=True, nogil=True)
def load_legs(
    proofs: Proofs,
    leg_after: NDArray[np.int64],
    plans: OrderPlans,
    distance_km: NDArray[np.float64],
    cap_great_circle_factor: float,
    cap_allowance_km: float,
    overweight_factors: NDArray[np.float64],
) -> Loads:
    """Every order on every leg it was aboard, with its credited activity there.

    Parameters
    ----------
    proofs, plans : Proofs, OrderPlans
        The orders and what proves them.
    leg_after : int64 array, shape (n_standing,)
        First leg after each standing that is a border.
    distance_km : float64 array, shape (n_legs,)
        Length of the legs. [km]
    cap_great_circle_factor, cap_allowance_km : float
        Credited distance of an order is at most factor x great circle + allowance. [-], [km]
    overweight_factors : float64 array, shape (n_sources,)
        By where a weight comes from: how many times too heavy an honest one may be. [-]
    """
    orders_count, legs_count = len(plans.cargo_t), len(distance_km)
    begins = np.zeros(legs_count + 1, np.int64)
    order_km = np.full(orders_count, np.nan)
    order_tkm = np.full(orders_count, np.nan)
    credited_share = np.zeros(orders_count)
    for order in range(orders_count):
        if proofs.pickup[order] < 0:
            continue
        a, b = leg_after[proofs.pickup[order]], leg_after[proofs.delivery[order]]
        if a >= b:
            continue
        begins[a + 1 : b + 1] += 1
        km = 0.0
        for leg in range(a, b):
            km += distance_km[leg]
        cap_km = cap_great_circle_factor * plans.great_circle_km[order] + cap_allowance_km
        credited_share[order] = min(1.0, cap_km / km) if km > 0 else 0.0
        order_km[order], order_tkm[order] = km, 0.0
    begins = np.cumsum(begins)
    filled = begins[:-1].copy()
    total = begins[-1]
    legs, orders = np.empty(total, np.int64), np.empty(total, np.int64)
    onboard_km, activity_tkm = np.empty(total), np.empty(total)
    payload_t, leg_tkm = np.zeros(legs_count), np.zeros(legs_count)
    direct_tkm, overweight_tkm = np.zeros(legs_count), np.zeros(legs_count)
    least_t = np.zeros(legs_count)
    for order in range(orders_count):
        if math.isnan(order_km[order]):
            continue
        cargo_t = plans.cargo_t[order]
        order_least_t = cargo_t / overweight_factors[plans.weight_source[order]]
        for leg in range(leg_after[proofs.pickup[order]], leg_after[proofs.delivery[order]]):
            at = filled[leg]
            filled[leg] += 1
            legs[at], orders[at], onboard_km[at] = leg, order, distance_km[leg]
            activity_tkm[at] = cargo_t * distance_km[leg] * credited_share[order]
            payload_t[leg] += cargo_t
            least_t[leg] += order_least_t
            leg_tkm[leg] += activity_tkm[at]
            order_tkm[order] += activity_tkm[at]
            if order_km[order] > 0.0:
                share = distance_km[leg] / order_km[order]
                direct_tkm[leg] += cargo_t * plans.great_circle_km[order] * share
    return Loads(
        legs, orders, onboard_km, activity_tkm, payload_t, leg_tkm, direct_tkm, least_t,
        overweight_tkm, order_km, order_tkm,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def judge_legs(timeline: Timeline, proofs: Proofs, plans: OrderPlans, loads: Loads) -> LegStates:
    """State, purpose, reason and confidence of each leg, by the orders alone.

    Parameters
    ----------
    timeline : Timeline
        The legs.
    proofs, plans : Proofs, OrderPlans
        The orders and what proves them.
    loads : Loads
        Which order was aboard on which leg.
    """
    count = len(timeline.started_ms)
    state, purpose = np.empty(count, np.int8), np.empty(count, np.int8)
    reason, sure = np.empty(count, np.int8), np.full(count, 0.9)
    if len(plans.cargo_t) == 0:
        state[:], purpose[:], reason[:], sure[:] = UNKNOWN, UNKNOWN_PURPOSE, NO_ORDERS, 0.5
        return LegStates(state, purpose, reason, sure)
    state[:], purpose[:], reason[:] = EMPTY, SEARCHING, BETWEEN_ORDERS
    for order in range(len(plans.cargo_t)):
        if proofs.pickup[order] >= 0 or proofs.reason[order] == NO_DRIVE_BETWEEN:
            continue
        begins, ends = plans.planned_ms[order, PICKUP], plans.planned_ms[order, DELIVERY]
        for leg in range(count):
            if timeline.started_ms[leg] < ends and timeline.finished_ms[leg] > begins:
                state[leg], purpose[leg], reason[leg] = UNKNOWN, UNKNOWN_PURPOSE, ORDER_UNPROVEN
                sure[leg] = 0.5
    first, last = count, -1
    for at in range(len(loads.leg)):
        leg = loads.leg[at]
        if state[leg] != LOADED:
            state[leg], purpose[leg], reason[leg] = LOADED, DELIVERING, ORDER_ABOARD
            sure[leg] = 0.9
        sure[leg] = min(sure[leg], proofs.confidence_share[loads.order[at]])
        first, last = min(first, leg), max(last, leg)
    for leg in range(count):
        # Empty before the first load or after the last one is no search between two orders.
        if state[leg] == EMPTY and (leg < first or leg > last):
            purpose[leg], reason[leg] = REPOSITIONING, OUTSIDE_ORDERS
    return LegStates(state, purpose, reason, sure)


@njit(cache=True, nogil=True)
def heed_mass(
    states: LegStates, mass_t: NDArray[np.float64], curb_mass_t: float, loaded_from_t: float
) -> None:
    """Let the gross mass confirm or contradict: an empty leg that weighs loaded becomes unknown.

    Parameters
    ----------
    states : LegStates
        What the orders say; changed in place.
    mass_t : float64 array, shape (n_legs,)
        Median of the gross mass while driving, NaN where not sent. [t]
    curb_mass_t : float
        Mass of the empty truck; NaN if not known, then that of its empty legs. [t]
    loaded_from_t : float
        What a truck weighs more when loaded, at least. [t]
    """
    known = np.flatnonzero(~np.isnan(mass_t))
    empty_t = curb_mass_t
    if math.isnan(empty_t):
        empty_t = mass_when_empty_t(states, mass_t)
        if math.isnan(empty_t):
            return
    for leg in known:
        weighs_loaded = mass_t[leg] > empty_t + loaded_from_t
        if states.state[leg] == UNKNOWN:
            states.reason[leg] = MASS_SAYS_LOADED if weighs_loaded else MASS_SAYS_EMPTY
        elif weighs_loaded == (states.state[leg] == LOADED):
            states.confidence_share[leg] = max(states.confidence_share[leg], 0.99)
        else:
            states.confidence_share[leg] = 0.5
            if weighs_loaded:
                states.state[leg], states.purpose[leg] = UNKNOWN, UNKNOWN_PURPOSE
                states.reason[leg] = MASS_CONTRADICTS_EMPTY
            else:
                states.reason[leg] = MASS_CONTRADICTS_LOADED


@njit(cache=True, nogil=True)
def mass_when_empty_t(states: LegStates, mass_t: NDArray[np.float64]) -> float:
    """Gross mass of the legs that are believed empty, NaN if there is none. [t]"""
    believed = mass_t[(states.state == EMPTY) & ~np.isnan(mass_t)]
    return np.median(believed) if len(believed) else math.nan


@njit(cache=True, nogil=True)
def hold_to_truck(
    loads: Loads,
    shown_t: NDArray[np.float64],
    is_of_car: NDArray[np.bool_],
    limits: TruckLimits,
) -> NDArray[np.int8]:
    """Let no more count as cargo than the truck may carry and its mass shows, on every leg.

    Parameters
    ----------
    loads : Loads
        What is aboard by the orders; lowered in place, on all orders of a leg alike.
    shown_t : float64 array, shape (n_legs,)
        Gross mass less that of the empty truck, NaN where not known: no more than that counts. [t]
    is_of_car : bool array, shape (n_legs,)
        Legs that no truck drives: nothing counts there.
    limits : TruckLimits
        What the truck may carry, and what is believed.

    Returns
    -------
    reason : int8 array, shape (n_orders,)
        Index in WEIGHT_REASONS: the gravest of the legs of each order.
    """
    reason = np.full(len(loads.order_onboard_km), AS_STATED, np.int8)
    legs_count, rated_payload_t = len(loads.payload_t), limits.rated_payload_t
    is_habit = _is_often_heavier(loads, shown_t, limits)
    share, of_leg = np.ones(legs_count), np.full(legs_count, AS_STATED, np.int8)
    for leg in range(legs_count):
        stated_t = loads.payload_t[leg]
        counted_t = stated_t
        if stated_t > rated_payload_t:
            counted_t, of_leg[leg] = rated_payload_t, ABOVE_RATED
        if stated_t > 0.0 and counted_t > shown_t[leg]:
            counted_t = max(0.0, shown_t[leg])
            if min(stated_t, rated_payload_t) > shown_t[leg] + limits.tolerance_t:
                of_leg[leg] = CONTRADICTED_BY_MASS
                # What is shown beside nothing aboard is the error of the signal.
                counted_t = 0.0 if counted_t < limits.loaded_from_t else counted_t
        if stated_t > 0.0 and is_of_car[leg]:
            counted_t, of_leg[leg] = 0.0, LIKE_A_CAR
        if counted_t < stated_t:
            share[leg] = counted_t / stated_t
            loads.payload_t[leg] = counted_t
            loads.leg_activity_tkm[leg] *= share[leg]
            loads.leg_great_circle_tkm[leg] *= share[leg]
        is_beyond = loads.least_payload_t[leg] > rated_payload_t
        is_doubted = is_beyond or (is_habit and stated_t > limits.heavy_t)
        if is_doubted and of_leg[leg] == ABOVE_RATED and math.isnan(shown_t[leg]):
            loads.leg_overweight_tkm[leg] = loads.leg_activity_tkm[leg]
    for at in range(len(loads.leg)):
        leg, order = loads.leg[at], loads.order[at]
        if share[leg] < 1.0:
            less_tkm = (1.0 - share[leg]) * loads.activity_tkm[at]
            loads.activity_tkm[at] -= less_tkm
            loads.order_activity_tkm[order] -= less_tkm
            reason[order] = max(reason[order], of_leg[leg])
    return reason


@njit(cache=True, nogil=True)
def _is_often_heavier(loads, shown_t, limits):  # type: ignore[no-untyped-def]
    """Whether most of the work is of cargo said to be too heavy: errors go either way."""
    heavy_tkm, all_tkm = 0.0, 0.0
    for leg in range(len(shown_t)):
        if loads.payload_t[leg] <= 0.0:
            continue
        # What is beyond the licence is not carried, and counts for neither.
        share = min(1.0, limits.rated_payload_t / loads.payload_t[leg])
        all_tkm += share * loads.leg_activity_tkm[leg]
        if loads.payload_t[leg] > limits.heavy_t and math.isnan(shown_t[leg]):
            heavy_tkm += share * loads.leg_activity_tkm[leg]
    return heavy_tkm > limits.heavy_share_max * all_tkm


@njit(cache=True, nogil=True)
def approaches_km(
    state: NDArray[np.int8], distance_km: NDArray[np.float64], until: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Empty kilometres between the last loaded leg and each loading. [km], shape (n_loadings,)

    Parameters
    ----------
    state : int8 array, shape (n_legs,)
        Index in STATES.
    distance_km : float64 array, shape (n_legs,)
        Length. [km]
    until : int64 array, shape (n_loadings,)
        First leg after each loading.
    """
    since_load_km = np.zeros(len(state) + 1)
    for leg in range(len(state)):
        if state[leg] != LOADED:
            more_km = distance_km[leg] if state[leg] == EMPTY else 0.0
            since_load_km[leg + 1] = since_load_km[leg] + more_km
    return since_load_km[until]


@njit(cache=True, nogil=True)
def words_on_legs(loads: Loads, legs_count: int) -> NDArray[np.int64]:
    """The order whose driver each leg is believed: the first aboard, or the next to be aboard.

    Returns
    -------
    order : int64 array, shape (n_legs,)
        Row of the order, -1 if none follows.
    """
    order = np.full(legs_count, -1, np.int64)
    for at in range(len(loads.leg) - 1, -1, -1):
        order[loads.leg[at]] = loads.order[at]
    upcoming = -1
    for leg in range(legs_count - 1, -1, -1):
        if order[leg] >= 0:
            upcoming = order[leg]
        order[leg] = upcoming
    return order


@njit(cache=True, nogil=True)
def who_drove(
    moments_ms: NDArray[np.int64],
    order: NDArray[np.int64],
    has_word: NDArray[np.bool_],
    from_ms: NDArray[np.int64],
    until_ms: NDArray[np.int64],
    stated_ms: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Whose word tells the driver at each moment: assignment, order, device or nobody's.

    Parameters
    ----------
    moments_ms, order : int64 array, shape (n,)
        Moments and the order believed at each, -1 for none. [ms]
    has_word : bool array, shape (n_orders,)
        Whether an order names a driver.
    from_ms, until_ms : int64 array, shape (n_assignments,)
        Assignments; of several at once the last one counts. [ms]
    stated_ms : int64 array, shape (n_stated,)
        Moments from which the device stated a driver. [ms]

    Returns
    -------
    word : int64 array, shape (n,)
        Index in the assignments, orders, statements of the device and the usual driver, one after
        the other.
    """
    word = np.empty(len(moments_ms), np.int64)
    assigned_count, orders_count = len(from_ms), len(has_word)
    for k in range(len(moments_ms)):
        at = assigned_count - 1
        while at >= 0 and not from_ms[at] <= moments_ms[k] < until_ms[at]:
            at -= 1
        if at >= 0:
            word[k] = at
        elif order[k] >= 0 and has_word[order[k]]:
            word[k] = assigned_count + order[k]
        elif len(stated_ms):
            stated = np.searchsorted(stated_ms, moments_ms[k], side="right") - 1
            word[k] = assigned_count + orders_count + max(stated, 0)
        else:
            word[k] = assigned_count + orders_count
    return word
