"""The columns that the room hands from step to step: plain arrays, the same in compiled code.

Codes stand for words until the tables are gathered: `STATES[code]` and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

# What a standing is.
STOP, HALT, UNLOADED_IN_GAP, LOADED_IN_GAP = 0, 1, 2, 3

# The ends of an order: columns of `OrderPlans`.
PICKUP, DELIVERY = 0, 1

STATES = ("loaded", "empty", "unknown")
LOADED, EMPTY, UNKNOWN = range(3)

PURPOSES = ("delivery", "search", "reposition", "unknown")
DELIVERING, SEARCHING, REPOSITIONING, UNKNOWN_PURPOSE = range(4)

LEG_REASONS = (
    "order_aboard", "between_orders", "outside_orders", "order_unproven", "no_orders",
    "mass_says_loaded", "mass_says_empty", "mass_contradicts_loaded", "mass_contradicts_empty",
)  # fmt: skip
(
    ORDER_ABOARD, BETWEEN_ORDERS, OUTSIDE_ORDERS, ORDER_UNPROVEN, NO_ORDERS,
    MASS_SAYS_LOADED, MASS_SAYS_EMPTY, MASS_CONTRADICTS_LOADED, MASS_CONTRADICTS_EMPTY,
) = range(9)  # fmt: skip

SOURCES = ("positions", "odometer", "speed")
BY_POSITIONS, BY_ODOMETER, BY_SPEED = range(3)

ORDER_REASONS = (
    "proven_by_stops", "proven_pickup_in_gap", "proven_delivery_in_gap",
    "proven_pickup_and_delivery_in_gap", "no_positions", "no_positions_in_window",
    "no_stop_near_pickup", "no_stop_near_delivery", "delivery_before_pickup", "no_drive_between",
    "no_stop_fits_time_and_place", "no_consistent_sequence", "never_closed", "cancelled",
)  # fmt: skip
(
    PROVEN_BY_STOPS, PROVEN_PICKUP_IN_GAP, PROVEN_DELIVERY_IN_GAP, PROVEN_BOTH_IN_GAP,
    NO_POSITIONS, NO_POSITIONS_IN_WINDOW, NO_STOP_NEAR_PICKUP, NO_STOP_NEAR_DELIVERY,
    DELIVERY_BEFORE_PICKUP, NO_DRIVE_BETWEEN, NO_STOP_FITS, NO_CONSISTENT_SEQUENCE,
    NEVER_CLOSED, CANCELLED,
) = range(14)  # fmt: skip


# Why less cargo counts than an order states.
WEIGHT_REASONS = (
    "", "weight_above_rated_payload", "weight_contradicted_by_mass", "driven_like_a_car",
)  # fmt: skip
AS_STATED, ABOVE_RATED, CONTRADICTED_BY_MASS, LIKE_A_CAR = range(4)


class OrderPlans(NamedTuple):
    """What orders ask for, in numbers.

    Attributes
    ----------
    cargo_t, great_circle_km : float64 array, shape (n,)
        Cargo; shortest distance between the two places on the ellipsoid. [t], [km]
    planned_ms : int64 array, shape (n, 2)
        Planned times of loading and unloading. [ms]
    lon_udeg, lat_udeg, uncertainty_km : float64 array, shape (n, 2)
        Places of loading and unloading, and the radius in which each lies. [udeg], [km]
    weight_source : int8 array, shape (n,)
        Index in `frames.WEIGHT_SOURCES`.
    """

    cargo_t: NDArray[np.float64]
    great_circle_km: NDArray[np.float64]
    planned_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]
    uncertainty_km: NDArray[np.float64]
    weight_source: NDArray[np.int8]

    def take(self, rows: slice | NDArray[np.int64]) -> OrderPlans:
        """The plans of these orders."""
        return OrderPlans(
            self.cargo_t[rows],
            self.great_circle_km[rows],
            self.planned_ms[rows],
            self.lon_udeg[rows],
            self.lat_udeg[rows],
            self.uncertainty_km[rows],
            self.weight_source[rows],
        )


class Standing(NamedTuple):
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


class Road(NamedTuple):
    """Distance and place as functions of time, linear between the points of a trace.

    Attributes
    ----------
    time_ms : int64 array, shape (n,)
        Points, not decreasing. [ms]
    lon_udeg, lat_udeg : float64 array, shape (n,)
        Place at the point. [udeg]
    driven_m, imputed_m : float64 array, shape (n,)
        Distance driven up to the point and the imputed part. [m]
    """

    time_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]
    driven_m: NDArray[np.float64]
    imputed_m: NDArray[np.float64]


class Gaps(NamedTuple):
    """The gaps of a trace that were driven.

    Attributes
    ----------
    point : int64 array, shape (n,)
        Index of the first trace point after each gap.
    circuity : float64 array, shape (n,)
        Road distance per great-circle distance used. [-]
    is_counted : bool array, shape (n,)
        Whether the odometer tells the length.
    """

    point: NDArray[np.int64]
    circuity: NDArray[np.float64]
    is_counted: NDArray[np.bool_]


class Likelihoods(NamedTuple):
    """The rules of an edition that compiled code needs; `LegRules` says what each means."""

    plan_error_h: float
    plan_error_h_max: float
    plan_error_h_min: float
    own_plans_min: float
    cost_rough_plan: float
    place_error_m: float
    place_error_m_max: float
    district_margin_share: float
    cost_unmatched: float
    cost_halt: float
    cost_short_stop: float
    cost_middling_stop: float
    short_stop_s: float
    middling_stop_s: float
    cost_in_gap: float
    gap_detour_km: float
    gap_speed_kmh: float
    gap_speed_kmh_max: float
    gap_service_s: float
    cost_per_detour: float
    cost_passed_by: float
    expected_circuity: float
    expected_detour_km: float
    visit_reward: float
    standings_max: float
    candidates_max: float
    cost_margin: float
    spurious_km_max: float
    never_closed_h: float
    never_closed_drive_share: float


class Visits(NamedTuple):
    """Which standings may be meant by the ends of orders, whatever the error of the plans.

    Attributes
    ----------
    first : int64 array, shape (2 n_orders + 1,)
        The visits of end e of order i are those from `first[2 i + e]` up to the next.
    row : int64 array, shape (n_visits,)
        Row of the standing.
    off_h : float64 array, shape (n_visits,)
        How far it lies from the planned time. [h]
    place_cost : float64 array, shape (n_visits,)
        Cost of its distance from the place.
    standing_cost : float64 array, shape (n_standing,)
        Cost of each standing for what it is.
    """

    first: NDArray[np.int64]
    row: NDArray[np.int64]
    off_h: NDArray[np.float64]
    place_cost: NDArray[np.float64]
    standing_cost: NDArray[np.float64]


class Pairs(NamedTuple):
    """The likeliest ways each order may have gone, cheapest first.

    Attributes
    ----------
    first : int64 array, shape (n_orders + 1,)
        The pairs of order i are those from `first[i]` up to `first[i + 1]`.
    pickup, delivery : int64 array, shape (n_pairs,)
        Standings of loading and unloading.
    cost : float64 array, shape (n_pairs,)
        A negative log likelihood up to a constant.
    reason : int8 array, shape (n_orders,)
        Why an order has no pair: index in ORDER_REASONS, -1 if it has.
    """

    first: NDArray[np.int64]
    pickup: NDArray[np.int64]
    delivery: NDArray[np.int64]
    cost: NDArray[np.float64]
    reason: NDArray[np.int8]


class Proofs(NamedTuple):
    """What became of each order; all arrays have shape (n_orders,).

    Attributes
    ----------
    pickup, delivery : int64 array
        Standings that prove it, -1 if not proven.
    reason : int8 array
        Index in ORDER_REASONS.
    confidence_share : float64 array
        How sure, 0 to 1.
    """

    pickup: NDArray[np.int64]
    delivery: NDArray[np.int64]
    reason: NDArray[np.int8]
    confidence_share: NDArray[np.float64]


class Timeline(NamedTuple):
    """Legs in order of time; each drives from a start to an arrival and then stands.

    Attributes
    ----------
    started_ms, finished_ms, stood_until_ms : int64 array, shape (n_legs,)
        Departure, arrival, end of the standing that follows. [ms]
    leg_after : int64 array, shape (n_standing,)
        For each standing used as a border: index of the first leg that departs after it; else -1.
    """

    started_ms: NDArray[np.int64]
    finished_ms: NDArray[np.int64]
    stood_until_ms: NDArray[np.int64]
    leg_after: NDArray[np.int64]


class Loads(NamedTuple):
    """Which order was aboard on which leg.

    Attributes
    ----------
    leg, order : int64 array, shape (n,)
        By leg, then by order.
    onboard_km, activity_tkm : float64 array, shape (n,)
        Kilometres driven with it, and its credited activity on the leg. [km], [tkm]
    payload_t, leg_activity_tkm, leg_great_circle_tkm : float64 array, shape (n_legs,)
        Sum of what is aboard; credited activity of all; the leg's part of cargo times great
        circle. [t], [tkm], [tkm]
    least_payload_t : float64 array, shape (n_legs,)
        What is aboard at least, if the weights are honest ones of their sources. [t]
    leg_overweight_tkm : float64 array, shape (n_legs,)
        Credited activity of legs whose cargo is said to weigh more than is believed. [tkm]
    order_onboard_km, order_activity_tkm : float64 array, shape (n_orders,)
        Sum over the legs, NaN where the order was never aboard. [km], [tkm]
    """

    leg: NDArray[np.int64]
    order: NDArray[np.int64]
    onboard_km: NDArray[np.float64]
    activity_tkm: NDArray[np.float64]
    payload_t: NDArray[np.float64]
    leg_activity_tkm: NDArray[np.float64]
    leg_great_circle_tkm: NDArray[np.float64]
    least_payload_t: NDArray[np.float64]
    leg_overweight_tkm: NDArray[np.float64]
    order_onboard_km: NDArray[np.float64]
    order_activity_tkm: NDArray[np.float64]


class TruckLimits(NamedTuple):
    """What one truck may carry, and up to where its papers are believed.

    Attributes
    ----------
    rated_payload_t : float
        Largest payload allowed, beyond which nothing counts, and no honest weights are. [t]
    heavy_t, heavy_share_max : float
        Cargo beyond that is an error of its weight, unless more than this share of the work is
        of such cargo. [t], [-]
    tolerance_t : float
        A cargo that exceeds by more what the gross mass shows is contradicted. [t]
    loaded_from_t : float
        What the truck weighs more when loaded, at least. [t]
    """

    rated_payload_t: float
    heavy_t: float
    heavy_share_max: float
    tolerance_t: float
    loaded_from_t: float


class LegStates(NamedTuple):
    """What each leg was driven for; all arrays have shape (n_legs,).

    Attributes
    ----------
    state, purpose, reason : int8 array
        Index in STATES, PURPOSES, LEG_REASONS.
    confidence_share : float64 array
        How sure the state is.
    """

    state: NDArray[np.int8]
    purpose: NDArray[np.int8]
    reason: NDArray[np.int8]
    confidence_share: NDArray[np.float64]


@dataclass(frozen=True)
class LegColumns:
    """The legs of one truck and month; all arrays have shape (n_legs,).

    The names are those of `frames.LEGS`; `_ms` are moments, int8 arrays are codes.
    """

    started_ms: NDArray[np.int64]
    finished_ms: NDArray[np.int64]
    driver_id: NDArray[np.object_]
    state: NDArray[np.int8]
    purpose: NDArray[np.int8]
    reason: NDArray[np.int8]
    source: NDArray[np.int8]
    confidence_share: NDArray[np.float64]
    payload_t: NDArray[np.float64]
    transport_work_tkm: NDArray[np.float64]
    activity_tkm: NDArray[np.float64]
    great_circle_tkm: NDArray[np.float64]
    overweight_tkm: NDArray[np.float64]
    car_like_km: NDArray[np.float64]
    distance_km: NDArray[np.float64]
    imputed_km: NDArray[np.float64]
    duration_h: NDArray[np.float64]
    stop_h: NDArray[np.float64]
    idle_h: NDArray[np.float64]
    gap_h: NDArray[np.float64]
    moving_h: NDArray[np.float64]
    stops_count: NDArray[np.int64]
    kinetic_gained_j_per_kg: NDArray[np.float64]
    driven_v00_km: NDArray[np.float64]
    driven_v10_km: NDArray[np.float64]
    driven_v20_km: NDArray[np.float64]
    driven_v30_km: NDArray[np.float64]
    driven_v40_km: NDArray[np.float64]
    driven_v50_km: NDArray[np.float64]
    driven_v60_km: NDArray[np.float64]
    driven_v70_km: NDArray[np.float64]
    driven_v80_km: NDArray[np.float64]
    driven_v90_km: NDArray[np.float64]
    climbed_m: NDArray[np.float64]
    ambient_degc_mean: NDArray[np.float64]
    fuel_counter_l: NDArray[np.float64]
    gross_mass_t_median: NDArray[np.float64]
    from_lon: NDArray[np.float64]
    from_lat: NDArray[np.float64]
    to_lon: NDArray[np.float64]
    to_lat: NDArray[np.float64]


@dataclass(frozen=True)
class LegOrderColumns:
    """Which order was aboard on which leg; all arrays have shape (n,), by leg, then by order.

    `leg` is the row in `LegColumns`; the other names are those of `frames.LEG_ORDERS`.
    """

    leg: NDArray[np.int64]
    order_id: NDArray[np.object_]
    cargo_t: NDArray[np.float64]
    onboard_km: NDArray[np.float64]
    activity_tkm: NDArray[np.float64]


@dataclass(frozen=True)
class OrderResultColumns:
    """What became of each order of the month, by identifier; all arrays have shape (n,).

    The names are those of `frames.ORDER_RESULTS`; `_ms` are moments, NEVER_MS where there is none.
    """

    order_id: NDArray[np.object_]
    driver_id: NDArray[np.object_]
    status: NDArray[np.object_]
    matched: NDArray[np.bool_]
    reason: NDArray[np.int8]
    weight_reason: NDArray[np.int8]
    confidence_share: NDArray[np.float64]
    cargo_t: NDArray[np.float64]
    great_circle_km: NDArray[np.float64]
    onboard_km: NDArray[np.float64]
    activity_tkm: NDArray[np.float64]
    approach_km: NDArray[np.float64]
    pickup_arrived_ms: NDArray[np.int64]
    pickup_departed_ms: NDArray[np.int64]
    delivery_arrived_ms: NDArray[np.int64]
    delivery_departed_ms: NDArray[np.int64]


@cache
def without_rows(columns: type[Any]) -> Any:
    """Columns of one of the kinds above with no row, each of its own dtype."""
    dtypes = {
        name: get_args(get_args(hint)[1])[0] for name, hint in get_type_hints(columns).items()
    }
    return columns(**{name: np.zeros(0, dtype) for name, dtype in dtypes.items()})


# The integer that numpy reads as "not a time".
NEVER_MS = int(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class VehicleLegs:
    """Legs, their orders, and what became of each order of one truck in one month.

    Attributes
    ----------
    vehicle_id : str
        Truck.
    trace_version : str
        Digest of the fixes the legs were made from.
    legs, leg_orders, order_results : LegColumns, LegOrderColumns, OrderResultColumns
        The rows of the month.
    """

    vehicle_id: str
    trace_version: str
    legs: LegColumns
    leg_orders: LegOrderColumns
    order_results: OrderResultColumns
