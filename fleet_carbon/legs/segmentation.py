"""Cut a trace into legs: where, with what aboard, in which state, and who drove."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon import frames
from fleet_carbon.legs.candidates import Case, Orders, great_circles_km, widen_by_gaps
from fleet_carbon.legs.drivers import DriverClock, DriverRecord, epoch_ms
from fleet_carbon.legs.matching import Proof, prove_orders
from fleet_carbon.legs.measures import LegMeasures, measure_legs
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.standing import Standing, find_standing, spread_in_gaps
from fleet_carbon.legs.timeline import Timeline, with_services
from fleet_carbon.periods import Month, to_epoch_ms
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
class VehicleLegs:
    """Legs, their orders, and what became of each order of one truck in one month."""

    legs: pd.DataFrame
    leg_orders: pd.DataFrame
    order_results: pd.DataFrame


def cut_legs(
    trace: Trace,
    *,
    truck: TruckFacts,
    orders: pd.DataFrame,
    drivers: DriverRecord,
    month: Month,
    rules: LegRules,
) -> VehicleLegs:
    """Cut the trace of a truck into the legs of a month and prove its orders.

    Parameters
    ----------
    trace : Trace
        Covers the month and some days around it.
    truck : TruckFacts
        The truck.
    orders : pd.DataFrame
        Rows of `frames.ORDERS` of this truck, in force, planned in or near the month.
    drivers : DriverRecord
        Who drove.
    month : Month
        Legs are cut at its borders; an order belongs to the month of its unloading.
    rules : LegRules
        Thresholds of the edition.

    Returns
    -------
    VehicleLegs
        Frames LEGS (without fuel), LEG_ORDERS, ORDER_RESULTS of the month.
    """
    active = Orders.from_frame(orders[orders["status"] != "cancelled"])
    if len(trace.time_ms) == 0:
        nothing = [Proof(None, "no_positions", 0.0)] * len(active)
        legs, leg_orders = frames.LEGS.empty(), frames.LEG_ORDERS.empty()
        results = _order_results(active, nothing, None, leg_orders, legs)
        return _of_month(legs, leg_orders, results, orders, month)
    capacity_t = rules.loading_capacity_factor * truck.rated_payload_t
    case = widen_by_gaps(Case(find_standing(trace), trace, active, capacity_t, rules))
    proofs = prove_orders(case)
    standing = spread_in_gaps(
        case.standing, _used(proofs), trace, gap_speed_kmh=rules.gap_speed_kmh
    )
    clock = DriverClock(drivers, trace.kept)
    timeline = with_services(
        trace,
        standing,
        _used(proofs),
        month_cuts_ms=np.array([to_epoch_ms(month.starts_at), to_epoch_ms(month.ends_at)]),
        driver_cuts_ms=clock.changes_ms(),
    )
    measures = measure_legs(trace, timeline, rules)
    aboard = _aboard(timeline, proofs, len(active))
    story = _Story(trace, truck, active, proofs, standing, timeline, measures, aboard, clock)
    legs, leg_orders = _compose_legs(story, rules)
    results = _order_results(active, proofs, story, leg_orders, legs)
    return _of_month(legs, leg_orders, results, orders, month)


@dataclass(frozen=True)
class _Story:
    """Everything known of one truck when its legs are composed."""

    trace: Trace
    truck: TruckFacts
    orders: Orders
    proofs: list[Proof]
    standing: Standing
    timeline: Timeline
    measures: LegMeasures
    aboard: NDArray[np.bool_]
    clock: DriverClock


def _used(proofs: list[Proof]) -> NDArray[np.int64]:
    rows = {row for p in proofs if p.pair for row in (p.pair.pickup, p.pair.delivery)}
    return np.array(sorted(rows), dtype=np.int64)


def _aboard(timeline: Timeline, proofs: list[Proof], orders_count: int) -> NDArray[np.bool_]:
    """Which order is aboard on which leg. shape (n_legs, n_orders)"""
    aboard = np.zeros((len(timeline.started_ms), orders_count), dtype=bool)
    for order, proof in enumerate(proofs):
        if proof.pair is not None:
            first = timeline.leg_after[proof.pair.pickup]
            until = timeline.leg_after[proof.pair.delivery]
            aboard[first:until, order] = True
    return aboard


def _compose_legs(story: _Story, rules: LegRules) -> tuple[pd.DataFrame, pd.DataFrame]:
    timeline, measures, orders = story.timeline, story.measures, story.orders
    ids = orders.frame["order_id"].to_numpy(dtype=object)
    payload_t = story.aboard @ orders.cargo_t if len(orders) else np.zeros(len(timeline.started_ms))
    state, purpose, reason, confidence = _states(story, rules)
    leg_orders = _leg_orders(story, rules)
    drivers = _leg_drivers(story)
    activity = np.zeros(len(state))
    np.add.at(activity, leg_orders["leg"].to_numpy(int), leg_orders["activity_tkm"].to_numpy(float))
    started = _moments(timeline.started_ms)
    legs = pd.DataFrame(
        {
            "vehicle_id": story.truck.vehicle_id,
            "driver_id": [driver or None for driver in drivers],
            "started_at": started,
            "finished_at": _moments(timeline.finished_ms),
            "state": state,
            "purpose": purpose,
            "order_ids": [";".join(sorted(ids[row])) for row in story.aboard],
            "payload_t": payload_t,
            "transport_work_tkm": payload_t * measures.distance_km,
            "activity_tkm": activity,
            "reason_code": reason,
            "confidence_share": confidence,
            "trace_version": story.trace.version[:16],
            **measures.columns(),
        }
    )
    leg_orders["started_at"] = started[leg_orders["leg"].to_numpy(int)]
    leg_orders["vehicle_id"] = story.truck.vehicle_id
    return frames.LEGS.shape(legs), frames.LEG_ORDERS.shape(leg_orders)


def _moments(epoch_ms_values: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(epoch_ms_values.astype("datetime64[ms]")).tz_localize("UTC")


def _leg_orders(story: _Story, rules: LegRules) -> pd.DataFrame:
    """Every order on every leg it was aboard, with its credited activity there."""
    leg, order = np.nonzero(story.aboard)
    km = story.measures.distance_km[leg]
    onboard_km = np.zeros(len(story.orders))
    np.add.at(onboard_km, order, km)
    cap_km = rules.cap_great_circle_factor * story.orders.great_circle_km + rules.cap_allowance_km
    with np.errstate(invalid="ignore", divide="ignore"):
        credited_share = np.where(onboard_km > 0, np.minimum(1.0, cap_km / onboard_km), 0.0)
    cargo = story.orders.cargo_t[order]
    return pd.DataFrame(
        {
            "leg": leg,
            "order_id": story.orders.frame["order_id"].to_numpy(dtype=object)[order],
            "cargo_t": cargo,
            "onboard_km": km,
            "activity_tkm": cargo * km * credited_share[order],
        }
    )


def _states(
    story: _Story, rules: LegRules
) -> tuple[NDArray[np.object_], NDArray[np.object_], NDArray[np.object_], NDArray[np.float64]]:
    """State, purpose, reason and confidence of each leg."""
    timeline, orders = story.timeline, story.orders
    count = len(timeline.started_ms)
    loaded: NDArray[np.bool_] = np.asarray(story.aboard.any(axis=1), dtype=bool)
    doubtful = np.zeros(count, dtype=bool)
    for order, proof in enumerate(story.proofs):
        if proof.pair is None and proof.reason_code not in {"no_drive_between"}:
            doubtful |= (timeline.started_ms < orders.delivery_ms[order]) & (
                timeline.finished_ms > orders.pickup_ms[order]
            )
    state = np.where(loaded, "loaded", np.where(doubtful, "unknown", "empty")).astype(object)
    reason = np.where(
        loaded, "order_aboard", np.where(doubtful, "order_unproven", "between_orders")
    )
    reason = reason.astype(object)
    purpose = np.where(loaded, "delivery", np.where(doubtful, "unknown", "search")).astype(object)
    confidence = np.where(doubtful & ~loaded, 0.5, 0.9)
    for order, proof in enumerate(story.proofs):
        confidence[story.aboard[:, order]] = np.minimum(
            confidence[story.aboard[:, order]], proof.confidence_share
        )
    if len(orders) == 0:
        state[:], reason[:], purpose[:], confidence[:] = "unknown", "no_orders", "unknown", 0.5
    else:
        _mark_repositioning(loaded, state, purpose, reason)
    _heed_mass(story, rules, (state, purpose, reason, confidence))
    return state, purpose, reason, confidence


def _mark_repositioning(
    loaded: NDArray[np.bool_],
    state: NDArray[np.object_],
    purpose: NDArray[np.object_],
    reason: NDArray[np.object_],
) -> None:
    """Empty before the first load or after the last one is no search between two orders."""
    rows = np.flatnonzero(loaded)
    first, last = (rows[0], rows[-1]) if len(rows) else (len(loaded), -1)
    outside = (np.arange(len(loaded)) < first) | (np.arange(len(loaded)) > last)
    outside &= state == "empty"
    purpose[outside] = "reposition"
    reason[outside] = "outside_orders"


def _heed_mass(
    story: _Story,
    rules: LegRules,
    columns: tuple[
        NDArray[np.object_], NDArray[np.object_], NDArray[np.object_], NDArray[np.float64]
    ],
) -> None:
    """Let the gross mass confirm or contradict: an empty leg that weighs loaded becomes unknown."""
    state, purpose, reason, confidence = columns
    mass_t = story.measures.gross_mass_t_median
    known = ~np.isnan(mass_t)
    if not known.any():
        return
    empty_t = story.truck.curb_mass_t
    if empty_t is None:
        believed = mass_t[known & (state == "empty")]
        if len(believed) == 0:
            return
        empty_t = float(np.median(believed))
    weighs_loaded = mass_t > empty_t + rules.mass_loaded_share * story.truck.rated_payload_t
    for row in np.flatnonzero(known):
        agrees = weighs_loaded[row] == (state[row] == "loaded")
        if state[row] == "unknown":
            reason[row] = "mass_says_loaded" if weighs_loaded[row] else "mass_says_empty"
        elif agrees:
            confidence[row] = max(confidence[row], 0.99)
        elif state[row] == "loaded":
            reason[row], confidence[row] = "mass_contradicts_loaded", 0.5
        else:
            state[row], purpose[row], reason[row] = "unknown", "unknown", "mass_contradicts_empty"
            confidence[row] = 0.5


def _leg_drivers(story: _Story) -> list[str]:
    """Driver of each leg; an empty leg takes the word of the order it drives to."""
    stated = [str(d) if pd.notna(d) else "" for d in story.orders.frame["driver_id"]]
    upcoming = ""
    drivers = [""] * len(story.timeline.started_ms)
    for leg in range(len(drivers) - 1, -1, -1):
        aboard = np.flatnonzero(story.aboard[leg])
        if len(aboard):
            upcoming = stated[aboard[0]]
        drivers[leg] = story.clock.driver_at(int(story.timeline.started_ms[leg]), upcoming)
    return drivers


def _order_results(
    orders: Orders,
    proofs: list[Proof],
    story: _Story | None,
    leg_orders: pd.DataFrame,
    legs: pd.DataFrame,
) -> pd.DataFrame:
    """One row per order that was not cancelled, with the month it belongs to."""
    results = pd.DataFrame(
        {
            "order_id": orders.frame["order_id"],
            "vehicle_id": orders.frame["vehicle_id"],
            "driver_id": orders.frame["driver_id"],
            "status": orders.frame["status"],
            "matched": [proof.pair is not None for proof in proofs],
            "reason_code": [proof.reason_code for proof in proofs],
            "cargo_t": orders.cargo_t,
            "great_circle_km": orders.great_circle_km,
            "confidence_share": [proof.confidence_share for proof in proofs],
            "month_ms": orders.delivery_ms,
        }
    )
    if story is None:
        return results
    pairs = [proof.pair for proof in proofs if proof.pair is not None]
    proven = np.array([pair.order for pair in pairs], dtype=np.int64)
    pickup = np.array([pair.pickup for pair in pairs], dtype=np.int64)
    delivery = np.array([pair.delivery for pair in pairs], dtype=np.int64)
    standing = story.standing
    for name, moments in (
        ("pickup_arrived_at", standing.arrived_ms[pickup]),
        ("pickup_departed_at", standing.departed_ms[pickup]),
        ("delivery_arrived_at", standing.arrived_ms[delivery]),
        ("delivery_departed_at", standing.departed_ms[delivery]),
    ):
        results[name] = pd.Series(_moments(moments), index=proven)
    aboard = leg_orders.groupby("order_id")[["onboard_km", "activity_tkm"]].sum()
    for name in aboard.columns:
        results[name] = results["order_id"].map(aboard[name])
    results["approach_km"] = pd.Series(_approaches_km(story, legs, pickup), index=proven)
    stated = [str(d) if pd.notna(d) else "" for d in orders.frame["driver_id"]]
    drivers = results["driver_id"].astype(object)
    for order, departed in zip(proven, standing.departed_ms[pickup], strict=True):
        drivers.iloc[order] = story.clock.driver_at(int(departed), stated[order]) or None
    results["driver_id"] = drivers
    results.loc[proven, "month_ms"] = standing.arrived_ms[delivery]
    return results


def _approaches_km(
    story: _Story, legs: pd.DataFrame, pickup: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Empty kilometres between the last loaded leg and each loading. [km], shape (n_proven,)"""
    loaded = (legs["state"] == "loaded").to_numpy()
    empty_km = np.where(
        (legs["state"] == "empty").to_numpy(), legs["distance_km"].to_numpy(float), 0.0
    )
    along = np.concatenate([[0.0], np.cumsum(empty_km)])
    rows = np.arange(len(legs))
    emptied = np.concatenate([[0], np.maximum.accumulate(np.where(loaded, rows + 1, 0))])
    until = np.array([story.timeline.leg_after[int(row)] for row in pickup], dtype=np.int64)
    return np.asarray(along[until] - along[emptied[until]])


def _of_month(
    legs: pd.DataFrame,
    leg_orders: pd.DataFrame,
    results: pd.DataFrame,
    orders: pd.DataFrame,
    month: Month,
) -> VehicleLegs:
    """Keep what belongs to the month; cancelled orders join their planned month."""
    starts, ends = pd.Timestamp(month.starts_at), pd.Timestamp(month.ends_at)
    first_ms, until_ms = to_epoch_ms(month.starts_at), to_epoch_ms(month.ends_at)
    cancelled = orders[orders["status"] == "cancelled"]
    if len(cancelled):
        results = pd.concat([results, _cancelled_rows(cancelled)], ignore_index=True)
    mine = (results["month_ms"] >= first_ms) & (results["month_ms"] < until_ms)
    results = results[mine].sort_values("order_id", kind="stable")
    in_month = (legs["started_at"] >= starts) & (legs["started_at"] < ends)
    with_order = (leg_orders["started_at"] >= starts) & (leg_orders["started_at"] < ends)
    return VehicleLegs(
        legs=legs[in_month].reset_index(drop=True),
        leg_orders=leg_orders[with_order].reset_index(drop=True),
        order_results=frames.ORDER_RESULTS.shape(results),
    )


def _cancelled_rows(cancelled: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order_id": cancelled["order_id"],
            "vehicle_id": cancelled["vehicle_id"],
            "driver_id": cancelled["driver_id"],
            "status": cancelled["status"],
            "matched": False,
            "reason_code": "cancelled",
            "cargo_t": cancelled["cargo_t"],
            "great_circle_km": great_circles_km(cancelled),
            "confidence_share": 1.0,
            "month_ms": epoch_ms(cancelled["delivery_time"]),
        }
    )
