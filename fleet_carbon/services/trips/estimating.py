"""What an order would come to on each truck, before the trip: ranked, and kept on record.

The figures are those of the account that a closing would make of such a trip; what it came to in
the end is told under the same key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.dispatch.insertion import OBSTACLES, Added, add
from fleet_carbon.dispatch.tours import straight_km
from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.periods import parse_month
from fleet_carbon.quantification.accounts import AccountContext, Foresight, Price
from fleet_carbon.quantification.expected import (
    Expected,
    PlannedOrder,
    PlannedTrips,
    expect,
    told_apart,
)
from fleet_carbon.services.months.computing import account_context
from fleet_carbon.services.trips.realising import realised_of
from fleet_carbon.services.trips.scouting import Scene, scout
from fleet_carbon.services.trips.wanting import OrderWanted, Wanted, read_wanted
from fleet_carbon.settings import Settings
from fleet_carbon.statements import planning as lines_of
from fleet_carbon.storage.estimates import EstimateRow
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage

CREDITED_ONLY_IF = "Credited only if proven by order and trace."
ORDERS_MAX, CANDIDATES_MAX = 50, 200
_COVERAGE_INDEX = 1.645  # of the 90 % interval of kilometres, as of the edition


# Places in `OBSTACLES` of those for which there is no trip whose figures could be told.
_NOT_CARRIED = tuple(OBSTACLES.index(one) for one in ("too_heavy", "too_large", "no_room_left"))
_OF_TRIP = (
    "diesel_l", "co2_ttw_kg", "baseline_diesel_l", "diesel_saved_l", "co2_avoided_kg",
    "co2_avoided_low_kg", "co2_avoided_high_kg", "fuel_cost_saved", "carbon_value",
)  # fmt: skip


@dataclass(frozen=True)
class EstimateRequest:
    """What is asked.

    Attributes
    ----------
    orders : tuple of OrderWanted
        For each of them trucks are ranked.
    vehicle_ids : tuple of str
        Only these trucks; all of them if empty.
    radius_km : float or None
        Only trucks whose road to the loading is no longer. [km]
    candidates_count_max : int
        No more trucks than that, the nearest.
    at : str or None
        A moment that is past; now if None.
    driving_rules : str
        Breaks and rests: cn or eu.
    crs : str
        Of the coordinates of the orders.
    """

    orders: tuple[OrderWanted, ...]
    vehicle_ids: tuple[str, ...] = ()
    radius_km: float | None = None
    candidates_count_max: int = 10
    at: str | None = None
    driving_rules: str = "cn"
    crs: str = "wgs84"


@dataclass(frozen=True)
class EstimateReport:
    """The answer, as it is on record."""

    told: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return dict(self.told)

    def lines(self) -> list[str]:
        """A table for people."""
        return lines_of.estimate_lines(self.as_dict())


def estimate(settings: Settings, request: EstimateRequest) -> EstimateReport:
    """Rank trucks for orders, and keep what was expected on record.

    Parameters
    ----------
    settings : Settings
        The fleet, its models.
    request : EstimateRequest
        What is asked.

    Raises
    ------
    InputRefused
        ``too_many_orders``, or what `wanting.read_wanted` and `scouting.scout` refuse.
    NotFound
        ``vehicle_not_on_record``.
    """
    if not 1 <= len(request.orders) <= ORDERS_MAX:
        raise InputRefused(
            "too_many_orders",
            f"{len(request.orders)} orders were asked for.",
            f"Ask for 1 to {ORDERS_MAX}; `plan` takes more.",
        )
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            wanted = read_wanted(work, settings, request.orders, zone=storage.zone, crs=request.crs)
            scene = scout(
                settings,
                storage,
                work,
                vehicle_ids=request.vehicle_ids,
                without=[one.order_id for one in request.orders],
                at=request.at,
                driving_rules=request.driving_rules,
            )
            contexts = _Contexts(settings, storage, work, scene)
            orders = [_order(row, wanted, scene, request, contexts) for row in
                      range(len(wanted.orders))]  # fmt: skip
        estimated_at = datetime.now(UTC)
        told = _told(uuid4().hex, scene, storage, estimated_at) | {"orders": orders}
        _keep(storage, told, estimated_at)
    return EstimateReport(told)


def read_estimate(settings: Settings, estimate_id: str) -> EstimateReport:
    """An estimate as it is on record, and what its orders came to since.

    Raises
    ------
    NotFound
        ``estimate_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        rows = work.estimates.of_request(estimate_id)
        if not rows:
            raise NotFound(
                "estimate_not_found",
                f"There is no estimate {estimate_id!r}.",
                "Take the estimate_id of its answer.",
                estimate_id=estimate_id,
            )
        kept = [json.loads(row.content) for row in rows]
        orders = [
            one["order"]
            | {"realised": realised_of(work, storage.zone, row.order_id, estimated=one["order"])}
            for row, one in zip(rows, kept, strict=True)
        ]
    return EstimateReport({**kept[0]["estimate"], "orders": orders})


def _told(
    estimate_id: str, scene: Scene, storage: Storage, estimated_at: datetime
) -> dict[str, Any]:
    return {
        "estimate_id": estimate_id,
        "fleet_id": storage.fleet_id,
        "timezone": storage.zone.key,
        "at": scene.now.isoformat(),
        "estimated_at": estimated_at.isoformat(),
        "credited_only_if": CREDITED_ONLY_IF,
        "planning": scene.planning.label,
        "roads": roads_told(scene),
    }


def roads_told(scene: Scene) -> dict[str, Any]:
    """How kilometres were found, for the answer."""
    return {
        "detour_ratio": round(scene.detour.detour_ratio, 4),
        "detour_standard_share": round(scene.detour.standard_share, 4),
        "source": "own_legs" if scene.detour.legs_count else "rules",
        "legs_count": scene.detour.legs_count,
        "speed_kmh": scene.roads.speed_kmh,
    }


def _keep(storage: Storage, told: dict[str, Any], at: datetime) -> None:
    """Put it on record: each order with what all of them share."""
    shared = {name: value for name, value in told.items() if name != "orders"}
    rows = [
        EstimateRow(
            told["estimate_id"],
            order["order_id"],
            at,
            json.dumps({"estimate": shared, "order": order}, ensure_ascii=False, allow_nan=False),
        )
        for order in told["orders"]
    ]
    with storage.begin() as work:
        work.estimates.add(rows)


class _Contexts:
    """What accounts of the months of the orders rest on, each found once."""

    def __init__(
        self, settings: Settings, storage: Storage, work: UnitOfWork, scene: Scene
    ) -> None:
        self._settings, self._storage, self._work, self._scene = settings, storage, work, scene
        self._known: dict[str, AccountContext] = {}

    def of(self, order: pd.DataFrame, vehicle_ids: Sequence[str]) -> AccountContext:
        """For one order on some trucks."""
        pickup_at = order["pickup_time"].iloc[0].tz_convert(self._storage.zone)
        month = f"{pickup_at:%Y-%m}"
        if month not in self._known:
            self._known[month] = self._of_month(month)
        found = self._known[month]
        apart = replace(found, orders=told_apart(order, vehicle_ids))
        # What does not depend on the orders is not found again.
        for name in ("basis", "fuel", "energies"):
            apart.__dict__[name] = getattr(found, name)
        return apart

    def _of_month(self, month: str) -> AccountContext:
        context = account_context(
            self._work,
            self._settings,
            self._storage,
            month=parse_month(month, self._storage.zone),
            records=self._scene.records,
            history=self._work.closings.before(month, "accounts"),
        )
        return replace(context, foresight=Foresight(self._scene.detour.standard_share))


def _order(
    row: int, wanted: Wanted, scene: Scene, request: EstimateRequest, contexts: _Contexts
) -> dict[str, Any]:
    """One order with its trucks, the best first."""
    order = wanted.orders.iloc[[row]].reset_index(drop=True)
    stops = scene.stops_of(_only(wanted, row))
    count = len(scene.vehicle_ids)
    added = add(
        scene.trucks,
        scene.offered(stops, np.zeros(count, dtype=np.intp), np.arange(count)),
        scene.roads,
        rules=scene.hours,
    )
    chosen = _nearest(added, request)
    facts = order.to_dict("records")[0]
    unranked = [
        {"vehicle_id": name, "reason": reason, "seen_at": _iso(scene.states[name].seen_at)}
        for name, reason in scene.unplaced.items()
    ]
    told: dict[str, Any] = {"order_id": facts["order_id"], **_facts_told(facts), "candidates": []}
    if len(chosen):
        names = [scene.vehicle_ids[place] for place in chosen]
        context = contexts.of(order, names)
        drivers = [scene.driver_of(name, facts["pickup_time"]) for name in names]
        expected = _expected(added.rows(chosen), names, drivers, facts, scene, context)
        told["edition"] = context.edition.label
        figures = _figures_by_truck(expected, context)
        told["candidates"] = [
            _candidate(place, added, drivers[at], scene) | figures[at](_is_carried(added, place))
            for at, place in enumerate(chosen.tolist())
        ]
        _rank(told["candidates"])
    told["unranked"] = unranked
    told["beyond_reach_count"] = count - len(chosen)
    return told


def _only(wanted: Wanted, row: int) -> Wanted:
    return Wanted(
        wanted.orders.iloc[[row]].reset_index(drop=True),
        *([one[row]] for one in (wanted.pickup_from, wanted.pickup_until, wanted.delivery_until)),
    )


def _facts_told(facts: Mapping[Any, Any]) -> dict[str, Any]:
    names = ("cargo_t", "pickup_lon", "pickup_lat", "delivery_lon", "delivery_lat")
    return {
        **{name: float(facts[name]) for name in names},
        "pickup_time": _iso(facts["pickup_time"]),
        "delivery_time": _iso(facts["delivery_time"]),
        "places_uncertainty_km": max(
            float(facts["pickup_uncertainty_km"]), float(facts["delivery_uncertainty_km"])
        ),
    }


def _nearest(added: Added, request: EstimateRequest) -> NDArray[np.intp]:
    """The trucks within reach, those without obstacle first, then by what they add."""
    approach_km = added.approach_km[:, 0]
    order = np.lexsort((np.arange(len(approach_km)), added.beyond_km, added.obstacle >= 0))
    if request.radius_km is not None:
        order = order[approach_km[order] <= request.radius_km]
    if request.vehicle_ids:
        return np.asarray(order, dtype=np.intp)
    return np.asarray(order[: request.candidates_count_max], dtype=np.intp)


def _expected(
    added: Added,
    names: Sequence[str],
    drivers: Sequence[str],
    facts: Mapping[Any, Any],
    scene: Scene,
    context: AccountContext,
) -> Expected:
    trips = PlannedTrips(
        vehicle_id=tuple(names),
        driver_id=tuple(drivers),
        empty_km=added.empty_km,
        loaded_km=added.loaded_km,
        work_tkm=added.work_tkm,
        onboard_km=added.onboard_km[:, 0],
    )
    planned = PlannedOrder(
        order_id=str(facts["order_id"]),
        weight_source=str(facts["weight_source"]),
        cargo_t=float(facts["cargo_t"]),
        great_circle_km=_direct_km(facts),
        pickup_at=facts["pickup_time"],
    )
    return expect(trips, planned, scene.usual, context=context)


def _direct_km(facts: Mapping[Any, Any]) -> float:
    ends = [np.array([float(facts[f"{end}_{axis}"])]) for end in ("pickup", "delivery")
            for axis in ("lon", "lat")]  # fmt: skip
    return float(straight_km(ends[0], ends[1], to_lon=ends[2], to_lat=ends[3])[0])


def _candidate(place: int, added: Added, driver_id: str, scene: Scene) -> dict[str, Any]:
    """A truck: where it is, what it has to do, and what the order adds."""
    name = scene.vehicle_ids[place]
    state = scene.states[name]
    reach = _COVERAGE_INDEX * scene.detour.standard_share
    approach_km = float(added.approach_km[place, 0])
    shared = [order for order, is_shared in
              zip(scene.committed_ids[place], added.shared[place, 0].tolist(), strict=False)
              if is_shared]  # fmt: skip
    obstacle = int(added.obstacle[place])
    loads_at = scene.now + timedelta(hours=float(added.loads_h[place, 0]))
    return {
        "rank": None,
        "vehicle_id": name,
        "driver_id": driver_id or None,
        "obstacle": None if obstacle < 0 else OBSTACLES[obstacle],
        "position": {
            "lon": state.lon,
            "lat": state.lat,
            "seen_at": _iso(state.seen_at),
            "age_min": round((state.age_s or 0.0) / 60, 1),
            "motion": state.motion,
            "load": state.load.state,
        },
        "committed_orders": list(scene.committed_ids[place]),
        "approach_km": _km(approach_km),
        "approach_low_km": _km(approach_km * max(0.0, 1 - reach)),
        "approach_high_km": _km(approach_km * (1 + reach)),
        "is_approach_empty": bool(added.is_approach_empty[place, 0]),
        "empty_km": _km(float(added.empty_km[place])),
        "beyond_km": _km(float(added.beyond_km[place])),
        "trip_km": _km(float(added.onboard_km[place, 0])),
        "arrives_at": _iso(loads_at),
        "late_h": round(float(added.late_h[place, 0]), 2),
        **_room(place, added, scene),
        "combinable_orders": shared,
    }


def _is_carried(added: Added, place: int) -> bool:
    return int(added.obstacle[place]) not in _NOT_CARRIED


def _room(place: int, added: Added, scene: Scene) -> dict[str, Any]:
    """How full the truck is with the order, and what is left."""
    rated_t = float(scene.trucks.rated_t[place])
    volume_m3 = float(scene.trucks.volume_m3[place])
    aboard_t = float(added.aboard_t[place, 0])
    return {
        "load_rate_share": round(aboard_t / rated_t, 4) if rated_t > 0 else None,
        "left_t": round(rated_t - aboard_t, 3),
        "left_m3": None
        if math.isinf(volume_m3)
        else round(volume_m3 - float(added.aboard_m3[place, 0]), 3),
    }


def _figures_by_truck(
    expected: Expected, context: AccountContext
) -> list[Callable[[bool], dict[str, Any]]]:
    """For each truck what tells its figures, from the tables of all of them."""
    bounds: dict[tuple[str, str], dict[str, Any]] = {}
    names = ("driver_id", "vehicle_id", "figure", "low", "high")
    columns = (expected.intervals[name].tolist() for name in names)
    for driver_id, vehicle_id, figure, low, high in zip(*columns, strict=True):
        bounds.setdefault((driver_id, vehicle_id), {})[figure] = {"low": low, "high": high}
    return [
        partial(
            _figures,
            at,
            account,
            expected,
            context,
            bounds.get((account["driver_id"], account["vehicle_id"]), {}),
        )
        for at, account in enumerate(expected.accounts.to_dict("records"))
    ]


def _figures(
    at: int,
    account: Mapping[Any, Any],
    expected: Expected,
    context: AccountContext,
    bounds: Mapping[str, Any],
    is_carried: bool,
) -> dict[str, Any]:
    """Litres, kilograms and money of the trip as an account of its own; none without room."""
    if not is_carried:
        account = dict(account) | dict.fromkeys(_OF_TRIP, math.nan) | {"co2_credited_g": 0}
        bounds = {}
    litres = account["diesel_l"]
    return {
        "fuel_source": expected.fuel_source[at],
        "approach_diesel_l": _rounded(expected.approach_l[at] if is_carried else None),
        "trip_diesel_l": _rounded(expected.trip_l[at] if is_carried else None),
        **_with_bounds("diesel_l", litres, bounds),
        **_with_bounds("co2_ttw_kg", account["co2_ttw_kg"], bounds),
        "diesel_cost": _money(context.diesel_price, litres),
        "diesel_currency": context.diesel_price.currency if context.diesel_price else None,
        "counterfactual": account["baseline_source"],
        "baseline_diesel_l": _rounded(account["baseline_diesel_l"]),
        "diesel_saved_l": _rounded(account["diesel_saved_l"]),
        "co2_avoided_kg": _rounded(account["co2_avoided_kg"]),
        "co2_avoided_low_kg": _rounded(account["co2_avoided_low_kg"]),
        "co2_avoided_high_kg": _rounded(account["co2_avoided_high_kg"]),
        "co2_credited_g": int(account["co2_credited_g"]),
        "fuel_cost_saved": _rounded(account["fuel_cost_saved"], 2),
        "carbon_value": _rounded(account["carbon_value"], 4),
        "carbon_currency": context.carbon_price.currency if context.carbon_price else None,
        "notes": [note for note in str(account["notes"]).split(";") if note],
    }


def _with_bounds(name: str, value: float, bounds: Mapping[str, Any]) -> dict[str, Any]:
    found = bounds.get(name, {})
    quantity, unit = name.rsplit("_", 1)
    return {
        name: _rounded(value),
        f"{quantity}_low_{unit}": _rounded(found.get("low")),
        f"{quantity}_high_{unit}": _rounded(found.get("high")),
    }


def _money(price: Price | None, litres: float) -> float | None:
    if price is None or math.isnan(litres):
        return None
    return float(round(price.amount * Decimal(litres), 2))


def _rank(candidates: list[dict[str, Any]]) -> None:
    """Number those that can take the order; they stand first."""
    rank = 0
    for one in candidates:
        if one["obstacle"] is None:
            rank += 1
            one["rank"] = rank


def _rounded(value: Any, digits: int = 3) -> float | None:
    if value is None or pd.isna(value):
        return None
    return round(float(value), digits) + 0.0


def _km(value: float) -> float:
    return round(value, 3) + 0.0


def _iso(moment: Any) -> str | None:
    if moment is None or pd.isna(moment):
        return None
    return str(pd.Timestamp(moment).tz_convert("UTC").isoformat())
