"""What dispatchers let trucks do: long hauls, part loads, shuttles. Each writes a timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from simulation.places import Map, near_by
from simulation.roads import Place, Road, build_road
from simulation.timeline import HOUR_S, OrderTruth, Timeline


@dataclass
class Work:
    """What a truck is used for.

    Attributes
    ----------
    timeline : Timeline
        Record that is written.
    rated_payload_t : float
        Largest payload. [t]
    style, curviness : str, float
        Roads the truck drives.
    free_weekends : bool
        Parked from Saturday evening to Monday morning.
    """

    timeline: Timeline
    town_map: Map
    rated_payload_t: float
    style: str = "waves"
    curviness: float = 1.0
    free_weekends: bool = False
    least_load_share: float = 0.45
    back_load_share: float = 0.0
    home: Place | None = None
    pairs: list[tuple[Place, Place]] = field(default_factory=list)
    waiting: list[OrderTruth] = field(default_factory=list)
    roads: dict[tuple[Place, Place], Road] = field(default_factory=dict)

    def order(self, pickup: Place, delivery: Place, share: float | None = None) -> OrderTruth:
        """A new order of this truck; its number carries the truck so that it is unique."""
        timeline = self.timeline
        part = timeline.rng.uniform(self.least_load_share, 1.0) if share is None else share
        number = f"{timeline.vehicle_id}-{len(timeline.orders) + len(self.waiting) + 1:04d}"
        return OrderTruth(
            number, timeline.vehicle_id, round(part * self.rated_payload_t, 2), pickup, delivery
        )

    def go(self, end: Place) -> None:
        """Drive to a place on a road of its own."""
        timeline = self.timeline
        if (timeline.place.lon, timeline.place.lat) == (end.lon, end.lat):
            return
        road = build_road(
            timeline.rng, timeline.place, end, style=self.style, curviness=self.curviness
        )
        timeline.drive(road, end)

    def go_again(self, end: Place) -> None:
        """Drive to a place on the same road as last time, or back on the way that was come."""
        timeline = self.timeline
        start = timeline.place
        if (start, end) not in self.roads:
            road = build_road(timeline.rng, start, end, style=self.style, curviness=self.curviness)
            self.roads[start, end], self.roads[end, start] = road, road.reversed()
        timeline.drive(self.roads[start, end], end)

    def gate(self) -> None:
        """Sleep if it is late, and keep the weekend where the truck has one."""
        timeline = self.timeline
        if self.free_weekends and (
            timeline.weekday == 6 or (timeline.weekday == 5 and timeline.local_hour > 16)
        ):
            days = 1 if timeline.weekday == 5 else 0
            timeline.stand(days * 24 * HOUR_S, "weekend")
            timeline.stand_until_hour(24.0 + timeline.rng.uniform(5.5, 8.0), "weekend")
            timeline.duty.since_break_s = timeline.duty.today_s = 0.0
        elif timeline.local_hour > 18.5 or timeline.local_hour < 5.0:
            timeline.night()
            if timeline.local_hour < 5.0:
                timeline.stand_until_hour(timeline.rng.uniform(5.0, 6.5), "night")


Tour = Callable[[Work], None]


def _handling_s(work: Work) -> float:
    """Loading or unloading: 20 minutes to 3 hours, mostly about one. [s]"""
    return float(np.clip(work.timeline.rng.lognormal(0.0, 0.5), 0.34, 3.0)) * HOUR_S


def _arrive_at_yard(work: Work, yard: Place) -> None:
    """Drive to a yard; now and then wait outside its gate first, or sleep before the gate opens."""
    rng = work.timeline.rng
    if rng.random() < 0.08:
        work.go(near_by(rng, yard, 1_200.0, 3_000.0))
        work.timeline.stand(rng.uniform(0.2, 0.7) * HOUR_S, "waiting")
    work.go(yard)


def _between_tours(work: Work) -> None:
    """Fuel, an errand, a night, a weekend."""
    timeline, rng = work.timeline, work.timeline.rng
    if rng.random() < 0.25:
        work.go(near_by(rng, timeline.place, 1_500.0, 12_000.0))
        timeline.stand(rng.uniform(10.0, 25.0) * 60.0, "fuel")
    elif rng.random() < 0.35:
        timeline.stand(rng.uniform(0.5, 5.0) * HOUR_S, "waiting")
    work.gate()


def long_haul(work: Work) -> None:
    """An empty drive to a load 15 to 150 km away, then 60 to 480 km with it."""
    timeline, rng = work.timeline, work.timeline.rng
    if rng.random() > 0.08:
        pickup = work.town_map.yard_between(rng, timeline.place, 15.0, 150.0)
        _arrive_at_yard(work, pickup)
    pickup = timeline.place
    work.gate()
    delivery = work.town_map.yard_between(rng, pickup, 60.0, 480.0)
    order = work.order(pickup, delivery)
    timeline.load(order, _handling_s(work))
    _arrive_at_yard(work, delivery)
    work.gate()
    timeline.unload(order, _handling_s(work))
    _between_tours(work)


def _part_load_orders(work: Work, manner: str) -> list[OrderTruth]:
    """Two to four orders gathered in one region for another; on the way, if interleaved."""
    timeline, rng = work.timeline, work.timeline.rng
    count = int(rng.integers(2, 5))
    shares = rng.dirichlet(np.full(count, 3.0)) * rng.uniform(0.7, 1.0)
    pickup = work.town_map.yard_between(rng, timeline.place, 15.0, 120.0)
    delivery = work.town_map.yard_between(rng, pickup, 120.0, 450.0)
    for number, share in enumerate(shares):
        work.waiting.append(work.order(pickup, delivery, max(float(share), 0.02)))
        if manner == "interleaved" and number == 1:
            pickup = work.waiting[0].delivery
        if rng.random() > 0.3 or manner == "interleaved":
            pickup = work.town_map.yard_between(rng, pickup, 5.0, 60.0)
        delivery = work.town_map.yard_between(rng, delivery, 5.0, 80.0)
    orders, work.waiting = work.waiting, []
    return orders


def _visits(orders: list[OrderTruth], manner: str) -> list[tuple[str, OrderTruth]]:
    """The sequence of a tour: last in first out, first in first out, or loading on the way."""
    loads = [("load", order) for order in orders]
    if manner == "lifo":
        return loads + [("unload", order) for order in reversed(orders)]
    if manner == "fifo" or len(orders) < 3:
        return loads + [("unload", order) for order in orders]
    rest = [("unload", order) for order in orders[1:]]
    return [*loads[:2], ("unload", orders[0]), *loads[2:], *rest]


def part_loads(work: Work) -> None:
    """Two to four orders aboard at once, gathered in one region and dropped in another."""
    timeline, rng = work.timeline, work.timeline.rng
    manner = str(rng.choice(("lifo", "fifo", "interleaved")))
    for action, order in _visits(_part_load_orders(work, manner), manner):
        work.go(order.pickup if action == "load" else order.delivery)
        work.gate()
        if action == "load":
            timeline.load(order, rng.uniform(20.0, 70.0) * 60.0)
        else:
            timeline.unload(order, rng.uniform(20.0, 70.0) * 60.0)
    _between_tours(work)


def shuttle_day(work: Work) -> None:
    """Six to ten trips a day between the same few yards; home to sleep; some Sundays off."""
    timeline, rng = work.timeline, work.timeline.rng
    home, yards = shuttle_yards(work)
    if timeline.weekday == 6 and rng.random() < 0.7:
        timeline.stand_until_hour(rng.uniform(5.8, 7.0) + 24.0, "weekend")
    pickup, delivery = yards[int(rng.integers(len(yards)))]
    trips = int(rng.integers(6, 11))
    for trip in range(trips):
        if timeline.place != pickup:
            work.go_again(pickup)
        _shuttle_trip(work, pickup, delivery)
        if rng.random() < work.back_load_share and trip < trips - 1:
            _shuttle_trip(work, delivery, pickup)
        if timeline.local_hour > 11.5 and timeline.duty.since_break_s >= 0.0 and trip == trips // 2:
            timeline.stand(rng.uniform(30.0, 60.0) * 60.0, "lunch")
        if timeline.local_hour > 18.0:
            break
        if rng.random() < 0.15:
            pickup, delivery = yards[int(rng.integers(len(yards)))]
    work.go_again(home)
    timeline.stand_until_hour(rng.uniform(5.8, 7.0), "night")
    timeline.duty.since_break_s = timeline.duty.today_s = 0.0


def _shuttle_trip(work: Work, pickup: Place, delivery: Place) -> None:
    """One order: about ten minutes of loading, the drive, about ten minutes of unloading."""
    rng = work.timeline.rng
    order = work.order(pickup, delivery)
    work.timeline.load(order, rng.uniform(8.0, 13.0) * 60.0)
    work.go_again(delivery)
    work.timeline.unload(order, rng.uniform(8.0, 13.0) * 60.0)


def shuttle_yards(work: Work) -> tuple[Place, list[tuple[Place, Place]]]:
    """The home of a shuttle truck and the pairs of yards it serves, 6 to 15 km apart."""
    timeline, rng = work.timeline, work.timeline.rng
    if not work.pairs:
        work.home = timeline.place
        hub = replace(near_by(rng, work.home, 2_000.0, 5_000.0), name="料场")
        for number in range(int(rng.integers(2, 4))):
            site = near_by(rng, hub, 5_700.0, 14_000.0)
            work.pairs.append((hub, replace(site, name=f"工地{number + 1}")))
    return work.home or timeline.place, work.pairs
