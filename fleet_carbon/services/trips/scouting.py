"""Where trucks are, what they have to do and who drives them: what choices before a trip need.

A truck whose place is not known is named with the reason, and never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.dispatch.driving_hours import DrivingHours, Hours
from fleet_carbon.dispatch.insertion import Trucks
from fleet_carbon.dispatch.tours import Roads, Starts, Stops, straight_km
from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.frames import LEGS, ORDER_RESULTS
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.quantification.editions import Edition, fill_rules, planning_in_force
from fleet_carbon.quantification.expected import Detour, RoadRules, UsualDriving, detour_of
from fleet_carbon.services.months.records import Records, read_records
from fleet_carbon.services.positions import watching
from fleet_carbon.services.positions.sighting import VehicleState
from fleet_carbon.services.trips.wanting import ENDS, Wanted, moment_of
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork

NEVER_SEEN, SEEN_LONG_AGO = "position_unknown", "position_old"
DRIVING_RULES = ("cn", "eu")
_LOOKED_AHEAD_DAYS, _LOOKED_BACK_DAYS = 30, 10
_SECONDS_PER_H = 3600.0
_ANY_TIME_H = 1e9
_A_MOMENT_H = 1e-6
_IMPUTED_SHARE_MAX = 0.05


@dataclass(frozen=True)
class StopRules:
    """Section `stops` of the rules of planning."""

    service_h: float
    own_stops_count_min: int
    own_stops_share: float
    window_h: float
    seen_h_max: float
    usual_km_min: float


@dataclass(frozen=True)
class Scene:
    """The fleet at a moment.

    Attributes
    ----------
    now : datetime
        The moment, aware.
    is_past : bool
        Whether it was named, and is not the clock's.
    planning : Edition
        Rules of planning in force.
    stops : StopRules
        Service, windows.
    roads : Roads
        Speed, and the detour as it is taken.
    detour : Detour
        Where it comes from.
    hours : DrivingHours
        Breaks and rests.
    records : Records
        Register, and orders around the moment.
    legs : DataFrame
        `frames.LEGS` of the last month closed before.
    vehicle_ids : tuple of str
        Trucks with a place, ascending.
    trucks : Trucks
        These, with their starts and what they have to do.
    service_h : ndarray of float
        How long each stands to load or unload. [h]
    committed_ids : tuple of tuple of str
        Orders that they have to do, in the order of the columns of `trucks`.
    states : dict of str to VehicleState
        Of all trucks asked for.
    unplaced : dict of str to str
        Trucks without a place, and why.
    """

    now: datetime
    is_past: bool
    planning: Edition
    stops: StopRules
    roads: Roads
    detour: Detour
    hours: DrivingHours
    records: Records
    legs: pd.DataFrame
    vehicle_ids: tuple[str, ...]
    trucks: Trucks
    service_h: NDArray[np.float64]
    committed_ids: tuple[tuple[str, ...], ...]
    states: dict[str, VehicleState]
    unplaced: dict[str, str]

    def driver_of(self, vehicle_id: str, at: datetime) -> str:
        """Who is assigned to a truck at a moment, else whose usual truck it is, else nobody."""
        record = self._drivers.of_vehicle(vehicle_id)
        moment_ms = to_epoch_ms(at)
        inside = np.flatnonzero((record.from_ms <= moment_ms) & (moment_ms < record.until_ms))
        if len(inside):
            return str(record.driver_id[inside[-1]])
        return record.usual_driver_id or ""

    @cached_property
    def usual(self) -> UsualDriving:
        """How trucks are usually driven."""
        return UsualDriving.of_legs(self.legs, usual_km_min=self.stops.usual_km_min)

    @cached_property
    def _drivers(self) -> DriverBook:
        return DriverBook.from_frames(self.records.assignments, self.records.drivers)

    def hours_from_now(self, moment: datetime) -> float:
        """Hours until a moment, below 0 if it is past. [h]"""
        return (moment - self.now).total_seconds() / _SECONDS_PER_H

    def offered(self, stops: Stops, orders: NDArray[np.intp], trucks: NDArray[np.intp]) -> Stops:
        """The stops of some orders on some trucks, each served as long as the truck takes."""
        found = stops.at(orders)
        own_h = np.broadcast_to(self.service_h[trucks][:, None], found.service_h.shape)
        return replace(found, service_h=own_h)

    def stops_of(self, wanted: Wanted) -> Stops:
        """The two stops of each wanted order, a row per order."""
        count = len(wanted.orders)
        table = {name: np.zeros((count, 2)) for name in _STOP_COLUMNS}
        rows = wanted.orders.to_dict("records")
        for row, order in enumerate(rows):
            fill_order(table, (row, 0), order, now=self.now, rules=self.stops)
            windows = (wanted.pickup_from, wanted.pickup_until, wanted.delivery_until)
            told = [one[row] for one in windows]
            if told[0] is not None:
                table["earliest_h"][row, 0] = self.hours_from_now(told[0])
            for column, moment in enumerate(told[1:]):
                if moment is not None:
                    table["latest_h"][row, column] = self.hours_from_now(moment)
        return _stops(table)


_STOP_COLUMNS = (
    "lon", "lat", "planned_h", "earliest_h", "latest_h", "service_h", "loaded_t", "loaded_m3",
    "is_there",
)  # fmt: skip


def fill_order(
    table: dict[str, NDArray[np.float64]],
    cell: tuple[int, int],
    order: dict[Any, Any],
    *,
    now: datetime,
    rules: StopRules,
) -> None:
    """Put loading and unloading of an order into two columns of a table of stops."""
    cargo_t, cargo_m3 = (_number(order[name]) for name in ("cargo_t", "cargo_m3"))
    turn_h = -_ANY_TIME_H
    for place, (end, sign) in enumerate(zip(ENDS, (1.0, -1.0), strict=True)):
        at = cell[0], cell[1] + place
        planned_h = (pd.Timestamp(order[f"{end}_time"]) - now).total_seconds() / _SECONDS_PER_H
        # Plans are honest to the window: loads that overlap by no more follow one another. And
        # those of short hauls may cross, but nothing is unloaded before it is loaded.
        early_h = rules.window_h if end == "delivery" else 0.0
        turn_h = max(planned_h - early_h, turn_h + _A_MOMENT_H)
        table["lon"][at], table["lat"][at] = (
            _number(order[f"{end}_{axis}"]) for axis in ("lon", "lat")
        )
        table["planned_h"][at] = turn_h
        table["earliest_h"][at] = planned_h if end == "pickup" else -_ANY_TIME_H
        table["latest_h"][at] = planned_h + rules.window_h
        table["service_h"][at] = rules.service_h
        table["loaded_t"][at], table["loaded_m3"][at] = sign * cargo_t, sign * cargo_m3
        table["is_there"][at] = 1.0


def _number(value: Any) -> float:
    """0 for what is not told."""
    return 0.0 if value is None or pd.isna(value) else float(value)


def _stops(table: dict[str, NDArray[np.float64]]) -> Stops:
    return Stops(
        lon=table["lon"],
        lat=table["lat"],
        planned_h=table["planned_h"],
        earliest_h=table["earliest_h"],
        latest_h=table["latest_h"],
        service_h=table["service_h"],
        loaded_t=table["loaded_t"],
        loaded_m3=table["loaded_m3"],
        is_there=table["is_there"] > 0,
    )


def scout(
    settings: Settings,
    storage: Storage,
    work: UnitOfWork,
    *,
    vehicle_ids: Collection[str] = (),
    without: Collection[str] = (),
    at: str | None = None,
    driving_rules: str = "cn",
) -> Scene:
    """Find out where trucks are and what they have to do.

    Parameters
    ----------
    settings : Settings
        Where models are.
    storage : Storage
        The fleet.
    work : UnitOfWork
        What is on record.
    vehicle_ids : collection of str
        Only these trucks; all of them if empty.
    without : collection of str
        Orders that are left aside, because they are asked about.
    at : str, optional
        A moment that is past; now if absent.
    driving_rules : str
        One of `DRIVING_RULES`.

    Raises
    ------
    InputRefused
        ``driving_rules_unknown`` or ``moment_malformed``.
    NotFound
        ``vehicle_not_on_record``.
    """
    if driving_rules not in DRIVING_RULES:
        raise InputRefused(
            "driving_rules_unknown",
            f"There are no driving hours {driving_rules!r}.",
            f"Known: {', '.join(DRIVING_RULES)}.",
        )
    now = datetime.now(UTC) if at is None else moment_of(at, storage.zone).astimezone(UTC)
    planning = planning_in_force(settings.models_dir, now.astimezone(storage.zone).date())
    stops = fill_rules(planning, "stops", StopRules)
    road_rules = fill_rules(planning, "roads", RoadRules)
    window = (now - timedelta(days=_LOOKED_BACK_DAYS), now + timedelta(days=_LOOKED_AHEAD_DAYS))
    records = read_records(work, window)
    states = _states(settings, records, vehicle_ids, at)
    legs, results = _month_before(work, f"{now.astimezone(storage.zone):%Y-%m}")
    detour = _detour(legs, road_rules)
    placed, unplaced = _placed(states, stops)
    pending = _pending(records.orders, states, set(without), now=now, is_past=at is not None,
                       rules=stops)  # fmt: skip
    hours = fill_rules(planning, "driving_hours", DrivingHours, group=driving_rules)
    roads = Roads(detour.detour_ratio, road_rules.speed_kmh)
    service_h = _service_h(placed, results, stops)
    trucks = _trucks(placed, states, pending, records.vehicles, now=now, rules=stops, roads=roads,
                     hours=hours)  # fmt: skip
    own_h = np.broadcast_to(service_h[:, None], trucks.committed.lon.shape)
    trucks = replace(trucks, committed=replace(trucks.committed, service_h=own_h))
    return Scene(
        now=now,
        is_past=at is not None,
        planning=planning,
        stops=stops,
        roads=roads,
        detour=detour,
        hours=hours,
        records=records,
        legs=legs,
        vehicle_ids=tuple(placed),
        trucks=trucks,
        service_h=service_h,
        committed_ids=tuple(
            tuple(str(order["order_id"]) for order in pending.get(name, ())) for name in placed
        ),
        states=states,
        unplaced=unplaced,
    )


def _states(
    settings: Settings, records: Records, vehicle_ids: Collection[str], at: str | None
) -> dict[str, VehicleState]:
    registered = set(records.vehicles["vehicle_id"].tolist())
    unknown = sorted(set(vehicle_ids) - registered)
    if unknown:
        raise NotFound(
            "vehicle_not_on_record",
            f"There is no vehicle {unknown[0]!r} on record.",
            "Check the identifier, or ingest the vehicle with `ingest vehicles`.",
            vehicle_id=unknown[0],
        )
    report = watching.show_fleet(settings, vehicle_ids, at=at)
    return {one.vehicle_id: one for one in report.states if one.vehicle_id in registered}


def _placed(states: dict[str, VehicleState], rules: StopRules) -> tuple[list[str], dict[str, str]]:
    placed, unplaced = [], {}
    for name, state in sorted(states.items()):
        if state.lon is None or state.lat is None or state.age_s is None:
            unplaced[name] = NEVER_SEEN
        elif state.age_s > rules.seen_h_max * _SECONDS_PER_H:
            unplaced[name] = SEEN_LONG_AGO
        else:
            placed.append(name)
    return placed, unplaced


def _month_before(work: UnitOfWork, month: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Legs and orders of the last month closed before this one."""
    earlier = [one for one in work.closings.months() if one < month]
    run = work.closings.latest(max(earlier)) if earlier else None
    if run is None:
        return LEGS.empty(), ORDER_RESULTS.empty()
    return work.closings.table(run, "legs"), work.closings.table(run, "order_results")


def _service_h(
    names: Sequence[str], results: pd.DataFrame, rules: StopRules
) -> NDArray[np.float64]:
    """How long each truck stands to load or unload: its own where enough was seen. [h]"""
    stood_h = [
        (results[f"{end}_departed_at"] - results[f"{end}_arrived_at"]).dt.total_seconds()
        / _SECONDS_PER_H
        for end in ENDS
    ]
    vehicles = pd.concat([results["vehicle_id"]] * len(ENDS)).astype(object)
    of_truck = pd.concat(stood_h).astype("float64").groupby(vehicles.to_numpy(object))
    own_h = of_truck.quantile(rules.own_stops_share)[of_truck.count() >= rules.own_stops_count_min]
    found = own_h.reindex(list(names)).fillna(rules.service_h)
    return np.asarray(found.to_numpy(np.float64), dtype=np.float64)


def _detour(legs: pd.DataFrame, rules: RoadRules) -> Detour:
    is_seen = legs["imputed_km"] <= _IMPUTED_SHARE_MAX * legs["distance_km"]
    seen = legs.loc[is_seen.to_numpy(bool)]
    ends = [
        seen[name].to_numpy(np.float64) for name in ("from_lon", "from_lat", "to_lon", "to_lat")
    ]
    direct_km = straight_km(ends[0], ends[1], to_lon=ends[2], to_lat=ends[3])
    return detour_of(direct_km, seen["distance_km"].to_numpy(np.float64), rules)


def _pending(
    orders: pd.DataFrame,
    states: dict[str, VehicleState],
    without: set[str],
    *,
    now: datetime,
    is_past: bool,
    rules: StopRules,
) -> dict[str, list[dict[Any, Any]]]:
    """What each truck still has to do, by plan: what is aboard, and what is not over."""
    found: dict[str, list[dict[Any, Any]]] = {}
    over = pd.Timestamp(now) - pd.Timedelta(hours=rules.window_h)
    # Of a moment that is past, what was delivered since was still to be done.
    done = {"cancelled"} if is_past else {"cancelled", "delivered"}
    for order in orders.to_dict("records"):
        state = states.get(order["vehicle_id"])
        if state is None or order["order_id"] in without or order["status"] in done:
            continue
        is_aboard = order["order_id"] in state.load.order_ids
        if is_aboard or order["delivery_time"] > over:
            row = order | {"is_aboard": is_aboard}
            found.setdefault(state.vehicle_id, []).append(row)
    return found


def _trucks(
    names: Sequence[str],
    states: dict[str, VehicleState],
    pending: dict[str, list[dict[Any, Any]]],
    vehicles: pd.DataFrame,
    *,
    now: datetime,
    rules: StopRules,
    roads: Roads,
    hours: DrivingHours,
) -> Trucks:
    most = max((len(pending.get(name, ())) for name in names), default=0)
    table = {name: np.zeros((len(names), 2 * most)) for name in _STOP_COLUMNS}
    aboard = np.zeros((2, len(names)))
    for row, name in enumerate(names):
        for place, order in enumerate(pending.get(name, ())):
            fill_order(table, (row, 2 * place), order, now=now, rules=rules)
            if order["is_aboard"]:
                aboard[:, row] += (
                    table["loaded_t"][row, 2 * place],
                    (table["loaded_m3"][row, 2 * place]),
                )
                table["is_there"][row, 2 * place] = 0.0
    register = vehicles.set_index("vehicle_id").loc[list(names)]
    volume_m3 = register["volume_m3"].to_numpy(np.float64, na_value=np.nan)
    of = [states[name] for name in names]
    since = [_driven_h(state, roads, hours) for state in of]
    starts = Starts(
        lon=np.array([state.lon for state in of], dtype=np.float64),
        lat=np.array([state.lat for state in of], dtype=np.float64),
        free_h=np.zeros(len(names)),
        aboard_t=aboard[0],
        aboard_m3=aboard[1],
        hours=Hours(*(np.array(since, dtype=np.float64).reshape(-1, 2).T)),
    )
    rated_t = register["rated_payload_t"].to_numpy(np.float64)
    return Trucks(starts, _stops(table), rated_t, np.where(np.isnan(volume_m3), np.inf, volume_m3))


def _driven_h(state: VehicleState, roads: Roads, rules: DrivingHours) -> tuple[float, float]:
    """Driving since the last break and since the last rest, as far as today's trace tells."""
    day_h = min(state.today.distance_km / roads.speed_kmh, rules.day_h_max)
    if state.since_at is None:
        return min(day_h, rules.continuous_h_max), day_h
    since_h = (state.at - state.since_at).total_seconds() / _SECONDS_PER_H
    if state.motion == "standing":
        if since_h >= rules.rest_h:
            return 0.0, 0.0
        return 0.0 if since_h >= rules.break_h else min(day_h, rules.continuous_h_max), day_h
    return min(day_h, since_h, rules.continuous_h_max), day_h
