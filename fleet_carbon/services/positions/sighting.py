"""What a truck does now: a function of its fixes, of what is on record of it, and of the moment.

The fixes are read and the orders proven by the rules and the code of the account. An order whose
unloading is still ahead cannot be proven yet; it is believed aboard if it would be proven should
the truck drive on and unload it as planned.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from fleet_carbon.legs.columns import (
    EMPTY,
    LEG_REASONS,
    LOADED,
    ORDER_ABOARD,
    STATES,
    UNKNOWN,
    VehicleLegs,
)
from fleet_carbon.legs.drivers import DriverRecord
from fleet_carbon.legs.onward import suppose
from fleet_carbon.legs.orders import Orders
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.periods import Span, from_epoch_ms, to_epoch_ms
from fleet_carbon.services.months.cutting import CLOCK_FUTURE, possible_fixes
from fleet_carbon.storage.batches import VehicleFixes
from fleet_carbon.traces.live import NO_MOTION, last_place_udeg, motion_of
from fleet_carbon.traces.trace import Trace, TraceRules, read_trace

UNREGISTERED, NEVER_SEEN, ONE_PLACE = "vehicle_unregistered", "no_positions", "one_place_only"
UNDERWAY = "order_underway"
_MS_PER_MIN, _UDEG_PER_DEG = 60_000, 1e6
_A_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True)
class LiveRules:
    """Rules of the edition for what is told before a month is over.

    Attributes
    ----------
    window_days : float
        Days before the current one that are read with it. [d]
    underway_confidence_share_max : float
        Largest confidence where the unloading of an order is still ahead.
    """

    window_days: float
    underway_confidence_share_max: float


@dataclass(frozen=True)
class SightingRules:
    """The rules that a state rests on: those of the account, and the few of their own."""

    traces: TraceRules
    legs: LegRules
    live: LiveRules


@dataclass(frozen=True)
class OnRecord:
    """What is on record of one truck.

    Attributes
    ----------
    truck : TruckFacts or None
        None if it is not registered.
    orders, drivers : Orders, DriverRecord
        Its orders around now, and who drove.
    """

    truck: TruckFacts | None
    orders: Orders
    drivers: DriverRecord


@dataclass(frozen=True)
class Gap:
    """A silence in which the truck was driven, or the one that lasts; then it has no end."""

    from_at: datetime
    until_at: datetime | None
    duration_min: float


@dataclass(frozen=True)
class Load:
    """Whether the truck is loaded.

    Attributes
    ----------
    state : str
        ``loaded``, ``empty`` or ``unknown``.
    order_ids : tuple of str
        The orders believed aboard.
    reason_code : str
        Why: a reason of legs, or one of the live state.
    confidence_share : float
        How sure.
    """

    state: str
    order_ids: tuple[str, ...]
    reason_code: str
    confidence_share: float


@dataclass(frozen=True)
class Today:
    """What was driven since the last midnight of the fleet's zone.

    Attributes
    ----------
    distance_km, loaded_km, empty_km, unknown_km : float
        Driven, and how. [km]
    fixes_count : int
        Fixes of the day that a clock can have sent.
    """

    distance_km: float
    loaded_km: float
    empty_km: float
    unknown_km: float
    fixes_count: int


NOTHING_DRIVEN = Today(0.0, 0.0, 0.0, 0.0, 0)


@dataclass(frozen=True)
class VehicleState:
    """Where a truck is and what it does; all of it is provisional until its month is closed.

    Attributes
    ----------
    vehicle_id : str
        Truck.
    at : datetime
        The moment that is told of.
    seen_at : datetime or None
        Moment of the last fix that was kept, None if there is none in the window.
    age_s : float or None
        How old it is. [s]
    lon, lat : float or None
        Its place, WGS-84. [deg]
    motion : str
        ``standing``, ``driving`` or ``unknown``: what the truck did when it was last seen.
    since_at : datetime or None
        From when on.
    load : Load
        Loaded or empty.
    today : Today
        What was driven today.
    gaps : tuple of Gap
        Silences of today.
    dropped : dict of str to int
        Fixes of the window that were dropped, by reason.
    is_provisional : bool
        Always true: the account is made when the month is closed.
    """

    vehicle_id: str
    at: datetime
    seen_at: datetime | None
    age_s: float | None
    lon: float | None
    lat: float | None
    motion: str
    since_at: datetime | None
    load: Load
    today: Today
    gaps: tuple[Gap, ...]
    dropped: dict[str, int]
    is_provisional: bool = True

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: moments in ISO 8601, UTC."""
        told: dict[str, Any] = _plain(asdict(self))
        return told


def sight(
    found: VehicleFixes, on_record: OnRecord, *, day: Span, now: datetime, rules: SightingRules
) -> VehicleState:
    """Tell what a truck does.

    Parameters
    ----------
    found : VehicleFixes
        Its fixes of the window up to the moment, in order, each once.
    on_record : OnRecord
        What is on record of it.
    day : Span
        The day of the fleet's zone in which the moment lies.
    now : datetime
        The moment; nothing later is known. Aware.
    rules : SightingRules
        Rules of the edition in force on the day.
    """
    fixes, ahead_count = possible_fixes(found, rules.traces)
    trace = read_trace(fixes, rules.traces)
    dropped = trace.dropped | ({CLOCK_FUTURE: ahead_count} if ahead_count else {})
    if len(trace.time_ms) == 0:
        return replace(unseen(found.vehicle_id, now), dropped=dropped)
    seen_ms, motion, place = int(trace.time_ms[-1]), motion_of(trace), last_place_udeg(trace)
    day_ms = to_epoch_ms(day.starts_at)
    load, today = _load_and_km(trace, on_record, day, rules)
    state = VehicleState(
        vehicle_id=found.vehicle_id,
        at=now,
        seen_at=from_epoch_ms(seen_ms),
        age_s=None,
        lon=place[0] / _UDEG_PER_DEG,
        lat=place[1] / _UDEG_PER_DEG,
        motion=motion.kind,
        since_at=from_epoch_ms(motion.since_ms),
        load=load,
        today=replace(today, fixes_count=int(np.count_nonzero(fixes.time_ms >= day_ms))),
        gaps=_gaps_since(trace, day_ms),
        dropped=dropped,
    )
    return aged(state, now, rules)


def unseen(vehicle_id: str, now: datetime) -> VehicleState:
    """The state of a truck of which no fix of the window was kept."""
    load = Load(STATES[UNKNOWN], (), NEVER_SEEN, 0.0)
    nothing = (None, None, None, None)
    return VehicleState(vehicle_id, now, *nothing, NO_MOTION, None, load, NOTHING_DRIVEN, (), {})


def aged(state: VehicleState, now: datetime, rules: SightingRules) -> VehicleState:
    """The state a little later, when nothing new has come: older, and perhaps silent."""
    if state.seen_at is None:
        return replace(state, at=now)
    age_s = (now - state.seen_at).total_seconds()
    gaps = tuple(gap for gap in state.gaps if gap.until_at is not None)
    if age_s >= rules.traces.gap_after_s:
        gaps += (Gap(state.seen_at, None, age_s / 60.0),)
    return replace(state, at=now, age_s=age_s, gaps=gaps)


def _gaps_since(trace: Trace, from_ms: int) -> tuple[Gap, ...]:
    ends = trace.gaps[trace.time_ms[trace.gaps] >= from_ms]
    spans = zip(trace.time_ms[ends - 1].tolist(), trace.time_ms[ends].tolist(), strict=True)
    return tuple(
        Gap(from_epoch_ms(begin), from_epoch_ms(end), (end - begin) / _MS_PER_MIN)
        for begin, end in spans
    )


def _load_and_km(
    trace: Trace, on_record: OnRecord, day: Span, rules: SightingRules
) -> tuple[Load, Today]:
    """Whether it is loaded, and what was driven in the day, by the legs of the account."""
    begins_at, seen_at = from_epoch_ms(int(trace.time_ms[0])), from_epoch_ms(int(trace.time_ms[-1]))
    if begins_at == seen_at:
        return Load(STATES[UNKNOWN], (), ONE_PLACE, 0.0), NOTHING_DRIVEN
    orders, drivers = on_record.orders, on_record.drivers
    # Kilometres need no truck on record; whether it is loaded does.
    truck = on_record.truck or TruckFacts("", 0.0)
    onward, open_ids = suppose(
        trace,
        truck=truck,
        orders=orders,
        rules=rules.legs,
        circuity_ratio=rules.traces.circuity_default,
    )
    # The cut at the moment last seen parts what was driven from what is only supposed.
    period = Span(max(begins_at, min(day.starts_at, seen_at - _A_MOMENT)), seen_at)
    cut = cut_legs(
        onward, truck=truck, orders=orders, drivers=drivers, month=period, rules=rules.legs
    )
    today = _km_of(cut) if seen_at > day.starts_at else NOTHING_DRIVEN
    if on_record.truck is None:
        km = Today(today.distance_km, 0.0, 0.0, today.distance_km, 0)
        return Load(STATES[UNKNOWN], (), UNREGISTERED, 0.0), km
    return _load_of(cut, open_ids, rules.live), today


def _load_of(cut: VehicleLegs, open_ids: frozenset[str], rules: LiveRules) -> Load:
    """What the leg says that the truck is on."""
    legs = cut.legs
    if len(legs.state) == 0:
        return Load(STATES[UNKNOWN], (), ONE_PLACE, 0.0)
    last = len(legs.state) - 1
    aboard = tuple(sorted(cut.leg_orders.order_id[cut.leg_orders.leg == last].tolist()))
    sure, reason = float(legs.confidence_share[last]), LEG_REASONS[legs.reason[last]]
    if open_ids.intersection(aboard):
        sure = min(sure, rules.underway_confidence_share_max)
        reason = UNDERWAY if reason == LEG_REASONS[ORDER_ABOARD] else reason
    return Load(STATES[legs.state[last]], aboard, reason, sure)


def _km_of(cut: VehicleLegs) -> Today:
    km, state = cut.legs.distance_km, cut.legs.state
    loaded, empty, unknown = (float(km[state == one].sum()) for one in (LOADED, EMPTY, UNKNOWN))
    return Today(float(km.sum()), loaded, empty, unknown, 0)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value
