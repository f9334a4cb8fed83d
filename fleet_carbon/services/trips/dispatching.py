"""Which truck drives which of many orders: the plan with the most orders and the fewest kilometres.

Every truck is tried with every order; those that cannot take one are left out for a reason that
is known. With one order for each truck the plan is the best there is. With several the choices
are listed while there are no more than `SETS_MAX`, and chosen from by whole numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.dispatch.assigning import NOBODY, Choice, Offers, best_of, one_each
from fleet_carbon.dispatch.insertion import OBSTACLES, Added, add
from fleet_carbon.dispatch.tours import Stops
from fleet_carbon.errors import InputRefused
from fleet_carbon.services.trips.estimating import CREDITED_ONLY_IF, roads_told
from fleet_carbon.services.trips.scouting import Scene, scout
from fleet_carbon.services.trips.wanting import OrderWanted, read_wanted
from fleet_carbon.settings import Settings
from fleet_carbon.statements import planning as lines_of
from fleet_carbon.storage.unit_of_work import open_storage

ORDERS_MAX, ORDERS_PER_TRUCK_MAX, SETS_MAX = 1000, 3, 200_000
NO_TRUCK, ALL_TAKEN = "no_truck_with_a_position", "trucks_taken"
_ROWS_AT_ONCE = 40_000
_M_PER_KM = 1000

Places = NDArray[np.intp]
_Sets = list[tuple[tuple[int, ...], int]]


@dataclass(frozen=True)
class PlanRequest:
    """What is to be planned.

    Attributes
    ----------
    orders : tuple of OrderWanted
        Orders that need a truck.
    vehicle_ids : tuple of str
        Trucks that may be used; all if empty.
    orders_per_truck_count_max : int
        How many of these orders a truck may be given, one after the other or as part loads.
    wait_s_max : float
        For how long the best plan is looked for where a truck may be given several. [s]
    at : str or None
        A moment that is past; now if None.
    driving_rules, crs : str
        As of an estimate.
    """

    orders: tuple[OrderWanted, ...]
    vehicle_ids: tuple[str, ...] = ()
    orders_per_truck_count_max: int = 1
    wait_s_max: float = 10.0
    at: str | None = None
    driving_rules: str = "cn"
    crs: str = "wgs84"


@dataclass(frozen=True)
class PlanReport:
    """The plan."""

    told: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return dict(self.told)

    def lines(self) -> list[str]:
        """A table for people."""
        return lines_of.plan_lines(self.as_dict())


def plan(settings: Settings, request: PlanRequest) -> PlanReport:
    """Find the trucks for many orders; nothing is put on record.

    Parameters
    ----------
    settings : Settings
        The fleet, its models.
    request : PlanRequest
        What is to be planned.

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
            f"Plan 1 to {ORDERS_MAX} at a time.",
        )
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        asked = tuple(sorted(request.orders, key=lambda one: one.order_id))
        wanted = read_wanted(work, settings, asked, zone=storage.zone, crs=request.crs)
        scene = scout(
            settings,
            storage,
            work,
            vehicle_ids=request.vehicle_ids,
            without=[one.order_id for one in asked],
            at=request.at,
            driving_rules=request.driving_rules,
        )
        zone_key = storage.zone.key
    order_ids = [one.order_id for one in asked]
    return PlanReport(
        {"timezone": zone_key, **plan_of(scene, scene.stops_of(wanted), order_ids, request=request)}
    )


def plan_of(
    scene: Scene, stops: Stops, order_ids: list[str], *, request: PlanRequest
) -> dict[str, Any]:
    """The plan for a fleet at a moment: the same for the same.

    Parameters
    ----------
    scene : Scene
        The fleet.
    stops : Stops
        Loading and unloading, a row per order.
    order_ids : list of str
        Their names.
    request : PlanRequest
        What is allowed.
    """
    singles = _singles(scene, stops)
    truck = one_each(singles.cost_m, singles.obstacle < 0)
    sets: _Sets = [((order,), int(place)) for order, place in enumerate(truck) if place != NOBODY]
    way, choice = "assignment", None
    if request.orders_per_truck_count_max > 1:
        offers = _offers(scene, stops, singles, request.orders_per_truck_count_max)
        if offers is None:
            way = "assignment_sets_too_many"
        else:
            choice = best_of(
                offers,
                orders_count=len(order_ids),
                trucks_count=len(scene.vehicle_ids),
                wait_s_max=request.wait_s_max,
            )
            sets, way, choice = _better(sets, singles, offers, choice)
    assignments = [
        row
        for orders, place in sorted(sets)
        for row in _rows(scene, stops, order_ids, orders, place)
    ]
    assignments.sort(key=lambda row: row["order_id"])
    served = {row["order_id"] for row in assignments}
    return {
        "at": scene.now.isoformat(),
        "planning": scene.planning.label,
        "roads": roads_told(scene),
        "driving_rules": request.driving_rules,
        "credited_only_if": CREDITED_ONLY_IF,
        "assignments": assignments,
        "unassigned": [
            {"order_id": name, "reason": _why(singles.obstacle[row])}
            for row, name in enumerate(order_ids)
            if name not in served
        ],
        "unplaced": [
            {"vehicle_id": name, "reason": reason} for name, reason in scene.unplaced.items()
        ],
        "totals": _totals(assignments, len(order_ids)),
        "optimality": _optimality(way, choice, request),
    }


@dataclass(frozen=True)
class _Singles:
    """Every order on every truck by itself: shapes (n_orders, n_trucks)."""

    cost_m: NDArray[np.int64]
    obstacle: Places


def _singles(scene: Scene, stops: Stops) -> _Singles:
    """Try every pair, some orders at a time."""
    trucks_count, orders_count = len(scene.vehicle_ids), len(stops.lon)
    step = max(1, _ROWS_AT_ONCE // max(1, trucks_count))
    cost_m = np.zeros((orders_count, trucks_count), dtype=np.int64)
    obstacle = np.zeros((orders_count, trucks_count), dtype=np.intp)
    for first in range(0, orders_count if trucks_count else 0, step):
        some = np.arange(first, min(first + step, orders_count))
        truck = np.tile(np.arange(trucks_count), len(some))
        added = add(
            scene.trucks.at(truck),
            scene.offered(stops, np.repeat(some, trucks_count), truck),
            scene.roads,
            rules=scene.hours,
        )
        cost_m[some] = _metres(added).reshape(len(some), trucks_count)
        obstacle[some] = added.obstacle.reshape(len(some), trucks_count)
    return _Singles(cost_m, obstacle)


def _metres(added: Added) -> NDArray[np.int64]:
    return np.rint(added.beyond_km * _M_PER_KM).astype(np.int64)


def _offers(scene: Scene, stops: Stops, singles: _Singles, count_max: int) -> Offers | None:
    """Every set of orders that a truck can take; None if there are too many to list.

    Sets are made of orders that the truck could take alone.
    """
    order, truck = np.nonzero(singles.obstacle < 0)
    of_truck = [order[truck == place] for place in range(len(scene.vehicle_ids))]
    sets_count = sum(_sets_count(len(orders), count_max) for orders in of_truck)
    if sets_count > SETS_MAX:
        return None
    parts = [_offer(truck, order[:, None], singles.cost_m[order, truck], count_max)]
    for size in range(2, count_max + 1):
        for some in _in_lots(of_truck, size):
            trucks, orders = some
            added = add(
                scene.trucks.at(trucks),
                _together(scene, stops, orders, trucks),
                scene.roads,
                rules=scene.hours,
            )
            fits = added.obstacle < 0
            parts.append(_offer(trucks[fits], orders[fits], _metres(added)[fits], count_max))
    return Offers(
        np.concatenate([part.truck for part in parts]),
        np.concatenate([part.orders for part in parts]),
        np.concatenate([part.cost_m for part in parts]),
    )


def _sets_count(orders_count: int, count_max: int) -> int:
    counts, product = 0, 1
    for size in range(1, count_max + 1):
        product = product * (orders_count - size + 1) // size
        counts += max(0, product)
    return counts


def _in_lots(of_truck: list[Places], size: int) -> Iterator[tuple[Places, Places]]:
    """Sets of so many orders with their trucks, as many at a time as are worth a table."""
    trucks: list[int] = []
    sets: list[tuple[int, ...]] = []
    for place, orders in enumerate(of_truck):
        for chosen in combinations(orders.tolist(), size):
            trucks.append(place)
            sets.append(chosen)
            if len(sets) >= _ROWS_AT_ONCE:
                yield np.array(trucks, dtype=np.intp), np.array(sets, dtype=np.intp)
                trucks, sets = [], []
    if sets:
        yield np.array(trucks, dtype=np.intp), np.array(sets, dtype=np.intp)


def _together(scene: Scene, stops: Stops, orders: Places, trucks: Places) -> Stops:
    """The stops of several orders in one tour, a row per set."""
    found = scene.offered(stops, orders[:, 0], trucks)
    for column in range(1, orders.shape[1]):
        found = found.beside(scene.offered(stops, orders[:, column], trucks))
    return found


def _offer(truck: Places, orders: Places, cost_m: NDArray[np.int64], count_max: int) -> Offers:
    padded = np.full((len(orders), count_max), NOBODY, dtype=np.intp)
    padded[:, : orders.shape[1]] = orders
    return Offers(truck, padded, cost_m)


def _better(
    sets: _Sets, singles: _Singles, offers: Offers, choice: Choice
) -> tuple[_Sets, str, Choice | None]:
    """The choice of sets, unless time ran out before it was as good as one order each."""
    taken = [
        (tuple(order for order in offers.orders[at].tolist() if order != NOBODY),
         int(offers.truck[at]))
        for at in choice.taken.tolist()
    ]  # fmt: skip
    served, served_alone = sum(len(orders) for orders, _ in taken), len(sets)
    alone_m = sum(int(singles.cost_m[orders[0], place]) for orders, place in sets)
    if (served, -choice.cost_m) >= (served_alone, -alone_m):
        return taken, "sets", choice
    return sets, "assignment_time_out", None


def _rows(
    scene: Scene, stops: Stops, order_ids: list[str], orders: tuple[int, ...], place: int
) -> list[dict[str, Any]]:
    """What a truck is given, order by order."""
    truck = np.array([place], dtype=np.intp)
    added = add(
        scene.trucks.at(truck),
        _together(scene, stops, np.array([orders], dtype=np.intp), truck),
        scene.roads,
        rules=scene.hours,
    )
    vehicle_id, rated_t = scene.vehicle_ids[place], float(scene.trucks.rated_t[place])
    told = []
    for column, order in enumerate(orders):
        loads_at = scene.now + timedelta(hours=float(added.loads_h[0, column]))
        unloads_at = scene.now + timedelta(hours=float(added.unloads_h[0, column]))
        aboard_t = float(added.aboard_t[0, column])
        told.append(
            {
                "order_id": order_ids[order],
                "vehicle_id": vehicle_id,
                "driver_id": scene.driver_of(vehicle_id, loads_at) or None,
                "approach_km": round(float(added.approach_km[0, column]), 3),
                "is_approach_empty": bool(added.is_approach_empty[0, column]),
                # Of a set its kilometres stand with its first order, so that they add up.
                "empty_km": 0.0 if column else round(float(added.empty_km[0]), 3) + 0.0,
                "beyond_km": 0.0 if column else round(float(added.beyond_km[0]), 3) + 0.0,
                "trip_km": round(float(added.onboard_km[0, column]), 3),
                "arrives_at": loads_at.isoformat(),
                "unloads_at": unloads_at.isoformat(),
                "load_rate_share": round(aboard_t / rated_t, 4) if rated_t > 0 else None,
                "left_t": round(rated_t - aboard_t, 3),
                "together_with": sorted(order_ids[other] for other in orders if other != order),
            }
        )
    return told


def _why(obstacles: Places) -> str:
    """Why an order has no truck: what most trucks lack, or that those who could are taken."""
    if len(obstacles) == 0:
        return NO_TRUCK
    if (obstacles < 0).any():
        return ALL_TAKEN
    counts = Counter(obstacles.tolist())
    return OBSTACLES[max(counts, key=lambda code: (counts[code], code))]


def _totals(assignments: list[dict[str, Any]], orders_count: int) -> dict[str, Any]:
    return {
        "orders_count": orders_count,
        "assigned_count": len(assignments),
        "vehicles_count": len({row["vehicle_id"] for row in assignments}),
        "beyond_km": round(sum(row["beyond_km"] for row in assignments), 3),
        "empty_km": round(sum(row["empty_km"] for row in assignments), 3),
        "approach_km": round(sum(row["approach_km"] for row in assignments), 3),
    }


def _optimality(way: str, choice: Choice | None, request: PlanRequest) -> dict[str, Any]:
    """How good the plan is, and how that is known."""
    texts = {
        "assignment": "One order for each truck: no other plan serves more orders, and none as"
        " many with fewer kilometres.",
        "assignment_sets_too_many": f"There are more than {SETS_MAX:,} ways to give trucks several"
        " orders; this is the best plan with one order for each truck. Name fewer trucks or"
        " orders for several.",
        "assignment_time_out": f"Nothing better was found in {request.wait_s_max:g} s than the best"
        " plan with one order for each truck.",
        "sets": "Of all sets of orders that trucks can take: no other plan serves more orders, and"
        " none as many with fewer kilometres.",
    }
    is_best = way == "assignment" or (way == "sets" and choice is not None and choice.is_best)
    gap_share = 0.0 if is_best else None
    if way == "sets" and choice is not None and not choice.is_best:
        gap_share = round(choice.gap_share, 6)
        texts["sets"] = (
            f"The best plan found in {request.wait_s_max:g} s; with as many orders another may have"
            f" up to {choice.gap_share:.1%} fewer kilometres."
        )
    return {"way": way, "is_best": is_best, "gap_share": gap_share, "text": texts[way]}
