"""Cut a trace into legs: where, with what aboard, in which state, and who drove."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.legs import car_signs, kernels, profiles, verdicts
from fleet_carbon.legs.columns import (
    AS_STATED,
    CANCELLED,
    DELIVERY,
    NEVER_MS,
    NO_POSITIONS,
    LegColumns,
    LegOrderColumns,
    LegStates,
    Loads,
    OrderResultColumns,
    Proofs,
    Standing,
    Timeline,
    TruckLimits,
    VehicleLegs,
    without_rows,
)
from fleet_carbon.legs.drivers import DriverClock, DriverRecord
from fleet_carbon.legs.matching import Case, prove_orders
from fleet_carbon.legs.measures import LegMeasures, measure_legs
from fleet_carbon.legs.orders import OrderRows, Orders
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.standing import gaps_of, road_of, spread_in_gaps, with_hidden_services
from fleet_carbon.periods import Period, to_epoch_ms
from fleet_carbon.traces.fixes import sealed
from fleet_carbon.traces.trace import Trace


@dataclass(frozen=True)
class TruckFacts:
    """What legs need to know of a truck.

    Attributes
    ----------
    vehicle_id : str
        Identifier.
    rated_payload_t : float
        Largest payload allowed. [t]
    curb_mass_t : float or None
        Mass of the empty truck. [t]
    """

    vehicle_id: str
    rated_payload_t: float
    curb_mass_t: float | None = None


@dataclass(frozen=True)
class _Story:
    """Everything known of one truck when its legs are composed."""

    proofs: Proofs
    standing: Standing
    timeline: Timeline
    measures: LegMeasures
    loads: Loads
    weight_reason: NDArray[np.int8]
    is_of_car: NDArray[np.bool_]
    states: LegStates
    clock: DriverClock


def cut_legs(
    trace: Trace,
    *,
    truck: TruckFacts,
    orders: Orders,
    drivers: DriverRecord,
    month: Period,
    rules: LegRules,
) -> VehicleLegs:
    """Cut the trace of a truck into the legs of a month and prove its orders.

    Parameters
    ----------
    trace : Trace
        Covers the month and some days around it.
    truck : TruckFacts
        The truck.
    orders : Orders
        Those of this truck, planned in or near the month.
    drivers : DriverRecord
        Who drove.
    month : Period
        Legs are cut at its borders; an order belongs to the month of its unloading.
    rules : LegRules
        Thresholds of the edition.

    Returns
    -------
    VehicleLegs
        The legs of the month, what was aboard, and what became of its orders.
    """
    month_ms = (to_epoch_ms(month.starts_at), to_epoch_ms(month.ends_at))
    story = None
    if len(trace.time_ms):
        story = _tell(trace, truck, orders.active, drivers, month_ms=month_ms, rules=rules)
    legs, leg_orders = _legs_of_month(story, orders.active, month_ms)
    return VehicleLegs(
        vehicle_id=truck.vehicle_id,
        trace_version=trace.version[:16],
        legs=legs,
        leg_orders=leg_orders,
        order_results=_results_of_month(story, orders, month_ms),
    )


def _tell(
    trace: Trace,
    truck: TruckFacts,
    orders: OrderRows,
    drivers: DriverRecord,
    *,
    month_ms: tuple[int, int],
    rules: LegRules,
) -> _Story:
    """Prove the orders and describe every leg of the trace, those beyond the month too."""
    road, gaps, plans = road_of(trace), gaps_of(trace), orders.plans
    seen = kernels.find_standing(road, trace.link, trace.halts)
    standing = with_hidden_services(seen, road, gaps, plans=plans, rules=rules.likelihoods)
    capacity_t = float(rules.loading_capacity_factor * truck.rated_payload_t)
    proofs = prove_orders(Case(standing, road, plans, capacity_t, rules.likelihoods))
    is_used = np.zeros(len(standing.kind), dtype=np.bool_)
    for rows in (proofs.pickup, proofs.delivery):
        is_used[rows[rows >= 0]] = True
    services = np.flatnonzero(is_used & (standing.gap_point >= 0))
    if len(services):
        standing = spread_in_gaps(
            standing, services, road, gaps=gaps, gap_speed_kmh=rules.gap_speed_kmh
        )
        road = kernels.lead_over_services(road, gaps, standing, services)
    # Where no fix names a driver, there is no need to single out those that were kept.
    named = trace.fixes if trace.fixes.driver_id is None else trace.kept
    clock = DriverClock(drivers, named, orders.driver_id)
    timeline = _cut(trace, standing, is_used, month_ms=month_ms, driver_ms=clock.changes_ms())
    measures = measure_legs(trace, timeline, road, gaps=gaps, rules=rules)
    loads = verdicts.load_legs(
        proofs, timeline.leg_after, plans, measures.distance_km,
        float(rules.cap_great_circle_factor), float(rules.cap_allowance_km),
        rules.overweight_factors,
    )  # fmt: skip
    states = verdicts.judge_legs(timeline, proofs, plans, loads)
    loaded_from_t = float(rules.mass_loaded_share * truck.rated_payload_t)
    if trace.signals.gross_mass_t is not None:
        curb_mass_t = np.nan if truck.curb_mass_t is None else float(truck.curb_mass_t)
        verdicts.heed_mass(states, measures.gross_mass_t_median, curb_mass_t, loaded_from_t)
    is_of_car = _legs_of_car(trace, timeline, rules)
    weight_reason: NDArray[np.int8] = verdicts.hold_to_truck(
        loads,
        measures.gross_mass_t_median - _empty_mass_t(truck, states, measures),
        is_of_car,
        TruckLimits(
            rated_payload_t=float(truck.rated_payload_t),
            heavy_t=float(rules.overweight_weighed_factor * truck.rated_payload_t),
            heavy_share_max=float(rules.overweight_share_max),
            tolerance_t=float(rules.mass_tolerance_share * truck.rated_payload_t),
            loaded_from_t=loaded_from_t,
        ),
    )
    return _Story(
        proofs, standing, timeline, measures, loads, weight_reason, is_of_car, states, clock
    )


def _empty_mass_t(truck: TruckFacts, states: LegStates, measures: LegMeasures) -> float:
    """The smaller of registered and seen mass of the empty truck: the driver gets the doubt. [t]"""
    seen_t = float(verdicts.mass_when_empty_t(states, measures.gross_mass_t_median))
    curb_t = np.nan if truck.curb_mass_t is None else float(truck.curb_mass_t)
    return float(np.fmin(seen_t, curb_t))


def _legs_of_car(trace: Trace, timeline: Timeline, rules: LegRules) -> NDArray[np.bool_]:
    """Which legs no truck drives."""
    limits = car_signs.CarLimits(
        window_ms=rules.profile_window_s * 1000.0,
        speed_mps=rules.car_speed_kmh / 3.6,
        distance_share=float(rules.car_distance_share),
        step_ms=rules.car_step_s * 1000.0,
        gain_mps=float(rules.car_gain_mps),
        starts_count=float(rules.car_start_count),
        gain_kmh=float(rules.car_gain_kmh),
    )
    line = profiles.Line(trace.time_ms, trace.driven_m, trace.link, trace.halts)
    fixes, speed_kmh = trace.fixes, trace.fixes.speed_kmh
    told = slice(0, 0) if speed_kmh is None else slice(None)
    found: NDArray[np.bool_] = car_signs.find_car_legs(
        line,
        sealed(fixes.time_ms[told]),
        sealed(np.zeros(0) if speed_kmh is None else speed_kmh),
        sealed(trace.verdict[told]),
        timeline,
        limits,
    )
    return found


def _cut(
    trace: Trace,
    standing: Standing,
    is_used: NDArray[np.bool_],
    *,
    month_ms: tuple[int, int],
    driver_ms: NDArray[np.int64],
) -> Timeline:
    cuts_ms = np.unique(np.concatenate([np.array(month_ms, dtype=np.int64), driver_ms]))
    is_month = (cuts_ms == month_ms[0]) | (cuts_ms == month_ms[1])
    trace_ms = (int(trace.time_ms[0]), int(trace.time_ms[-1]))
    timeline: Timeline = kernels.cut_timeline(standing, is_used, trace_ms, cuts_ms, is_month)
    return timeline


def _legs_of_month(
    story: _Story | None, orders: OrderRows, month_ms: tuple[int, int]
) -> tuple[LegColumns, LegOrderColumns]:
    """The legs that start in the month, and what was aboard on them."""
    if story is None:
        return without_rows(LegColumns), without_rows(LegOrderColumns)
    timeline, loads, states = story.timeline, story.loads, story.states
    first, until = np.searchsorted(timeline.started_ms, month_ms).tolist()
    mine = slice(first, until)
    distance_km = story.measures.distance_km[mine]
    words = verdicts.words_on_legs(loads, len(timeline.started_ms))[mine]
    legs = LegColumns(
        started_ms=timeline.started_ms[mine],
        finished_ms=timeline.finished_ms[mine],
        driver_id=story.clock.drivers_at(timeline.started_ms[mine], words),
        state=states.state[mine],
        purpose=states.purpose[mine],
        reason=states.reason[mine],
        confidence_share=states.confidence_share[mine],
        payload_t=loads.payload_t[mine],
        transport_work_tkm=loads.payload_t[mine] * distance_km,
        activity_tkm=loads.leg_activity_tkm[mine],
        great_circle_tkm=loads.leg_great_circle_tkm[mine],
        overweight_tkm=loads.leg_overweight_tkm[mine],
        car_like_km=np.where(story.is_of_car[mine], distance_km, 0.0),
        **{name: column[mine] for name, column in story.measures._asdict().items()},
    )
    rows = slice(*np.searchsorted(loads.leg, [first, until]).tolist())
    return legs, LegOrderColumns(
        leg=loads.leg[rows] - first,
        order_id=orders.order_id[loads.order[rows]],
        cargo_t=orders.plans.cargo_t[loads.order[rows]],
        onboard_km=loads.onboard_km[rows],
        activity_tkm=loads.activity_tkm[rows],
    )


def _results_of_month(
    story: _Story | None, orders: Orders, month_ms: tuple[int, int]
) -> OrderResultColumns:
    """The orders unloaded in the month; what was not unloaded is of the month of its plan."""
    rows, count = orders.rows, orders.active_count
    belongs_ms, driver_id = rows.plans.planned_ms[:, DELIVERY].copy(), rows.driver_id.copy()
    reason, sure = np.full(len(rows), CANCELLED, np.int8), np.ones(len(rows))
    reason[:count], sure[:count] = NO_POSITIONS, 0.0
    weight_reason = np.full(len(rows), AS_STATED, np.int8)
    km_and_tkm = np.full((3, len(rows)), np.nan)
    moments_ms = np.full((4, len(rows)), NEVER_MS)
    if story is not None:
        proofs, standing, loads = story.proofs, story.standing, story.loads
        reason[:count], sure[:count] = proofs.reason, proofs.confidence_share
        weight_reason[:count] = story.weight_reason
        proven = np.flatnonzero(proofs.pickup >= 0)
        pickup, delivery = proofs.pickup[proven], proofs.delivery[proven]
        for at, row in enumerate((pickup, delivery)):
            moments_ms[2 * at, proven] = standing.arrived_ms[row]
            moments_ms[2 * at + 1, proven] = standing.departed_ms[row]
        belongs_ms[proven] = moments_ms[2, proven]
        driver_id[proven] = story.clock.drivers_at(moments_ms[1, proven], proven)
        km_and_tkm[0, :count], km_and_tkm[1, :count] = (
            loads.order_onboard_km,
            loads.order_activity_tkm,
        )
        km_and_tkm[2, proven] = verdicts.approaches_km(
            story.states.state, story.measures.distance_km, story.timeline.leg_after[pickup]
        )
    mine = np.flatnonzero((belongs_ms >= month_ms[0]) & (belongs_ms < month_ms[1]))
    mine = mine[np.argsort(rows.id_rank[mine])]
    moments_ms, km_and_tkm = moments_ms[:, mine], km_and_tkm[:, mine]
    return OrderResultColumns(
        order_id=rows.order_id[mine],
        driver_id=driver_id[mine],
        status=rows.status[mine],
        matched=moments_ms[0] != NEVER_MS,
        reason=reason[mine],
        weight_reason=weight_reason[mine],
        confidence_share=sure[mine],
        cargo_t=rows.plans.cargo_t[mine],
        great_circle_km=rows.plans.great_circle_km[mine],
        onboard_km=km_and_tkm[0],
        activity_tkm=km_and_tkm[1],
        approach_km=km_and_tkm[2],
        pickup_arrived_ms=moments_ms[0],
        pickup_departed_ms=moments_ms[1],
        delivery_arrived_ms=moments_ms[2],
        delivery_departed_ms=moments_ms[3],
    )
