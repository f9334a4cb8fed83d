"""One driver's months on the road: hauls, loads, fuel second by second, what is seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from benchmarks.year.calendar import Calendar
from benchmarks.year.motion import Road, drive, lay_road
from benchmarks.year.people import REGIONS, Person, World
from simulation.burning import Weather, burnt_l, idled_l
from simulation.geodesy import FloatArray, metres_per_degree
from simulation.places import Map
from simulation.roads import Place

HOUR_S = 3_600
_PIECE_S_MAX = 40_000
_PARKED_EVERY_S = 600
_NOISE_OF_LEG = 0.05
_TOWNS_SERVED = 14
# How many yards are weighed for the next haul: more of them come closer to the wanted distance.
_YARDS_WEIGHED = 14
_HABIT_SPREAD_MONTHLY = 0.05
_LOAD_SPREAD = 0.16
_CROW_PER_ROAD = 1.0 / 1.09


@dataclass
class Truth:
    """What really happened, one list of rows each; pieces are drives between two stands."""

    pieces: list[dict[str, Any]] = field(default_factory=list)
    hauls: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Seen:
    """What the device saw: blocks of columns, one block per drive or stand."""

    blocks: list[tuple[FloatArray, ...]] = field(default_factory=list)


@dataclass
class Life:
    """The record of one driver and truck, written while it is lived.

    Attributes
    ----------
    now_s : int
        Moment reached, since 1970 UTC. [s]
    place : Place
        Where the truck stands.
    owed_km : float
        Empty kilometres still to be driven to keep the habit. [km]
    odometer_m, counter_l : float
        Driven and burnt since the start. [m], [l]
    """

    person: Person
    world: World
    rng: Generator
    chance: np.ndarray
    calendar: Calendar
    yards: list[Place]
    now_s: int
    place: Place
    owed_km: float = 0.0
    odometer_m: float = 0.0
    counter_l: float = 0.0
    since_break_s: int = 0
    truth: Truth = field(default_factory=Truth)
    seen: Seen = field(default_factory=Seen)
    buffers: tuple[FloatArray, FloatArray] = field(
        default_factory=lambda: (np.empty(_PIECE_S_MAX), np.empty(_PIECE_S_MAX))
    )

    @property
    def month(self) -> int:
        """Months since the first of all."""
        return self.calendar.month_of(self.now_s)

    def stand(self, duration_s: float, engine_h: float = 0.0) -> None:
        """Stand where the truck is, some of it with the engine on."""
        begun_s, self.now_s = self.now_s, self.now_s + int(duration_s)
        every_s = self.world.every_s
        sparse = np.arange(-(-begun_s // _PARKED_EVERY_S), self.now_s // _PARKED_EVERY_S + 1)
        near = np.arange(-(-begun_s // every_s), self.now_s // every_s + 1) * every_s
        near = near[(near < begun_s + 150) | (near > self.now_s - 150)]
        moments = np.union1d(sparse * _PARKED_EVERY_S, near)
        moments = moments[(moments >= begun_s) & (moments < self.now_s)].astype(np.float64)
        here = np.ones(moments.size)
        idle_l = idled_l(self.person.burner, engine_h)
        self.counter_l += idle_l
        if self.truth.pieces:
            self.truth.pieces[-1]["idle_l"] += idle_l
        self.seen.blocks.append(
            (moments, here * self.place.lon, here * self.place.lat, here * 0.0,
             here * self.odometer_m, here * self.counter_l, here * np.nan)
        )  # fmt: skip

    def night(self) -> None:
        """Sleep till the morning, over Sunday mostly."""
        hour = self.calendar.local_hour(self.now_s)
        until_h = float(self.rng.uniform(5.5, 7.5))
        sleeps_h = (until_h - hour) % 24.0
        is_sunday = self.calendar.weekday(self.now_s + sleeps_h * HOUR_S) == 6
        if is_sunday and self.rng.random() < 0.75:
            sleeps_h += 24.0
        self.stand(max(sleeps_h, 0.5) * HOUR_S)
        self.since_break_s = 0

    def haul(self, end: Place, payload_t: float, order_id: str) -> float:
        """Drive to a place with what is aboard, in pieces between breaks and nights. [km]"""
        road = lay_road(self.rng, self.place, end, self.person.kind.manner)
        weather = self._weather()
        begun_m = 0.0
        while begun_m < road.length_m - 1.0:
            if self.calendar.is_late(self.now_s):
                self.night()
            elif self.since_break_s > 3 * HOUR_S:
                self.stand(self.rng.uniform(1_300.0, 3_000.0))
                self.since_break_s = 0
            reach_m = (4.0 * HOUR_S - self.since_break_s) * self.rng.uniform(14.0, 18.0)
            until_m = begun_m + max(reach_m, 15_000.0)
            until_m = road.length_m if until_m > road.length_m - 20_000.0 else until_m
            self._piece(road, (begun_m, until_m), payload_t, order_id=order_id, weather=weather)
            begun_m = until_m
            lon, lat = road.places(np.array([until_m]))
            self.place = Place(float(lon[0]), float(lat[0]), end.name)
        self.place = end
        return road.length_m / 1000.0

    def _weather(self) -> Weather:
        """Mild: the wind as it comes, the temperature by the season."""
        phase = 2 * np.pi * (self.month % 12 - 0.5) / 12.0
        return Weather(
            ambient_degc=float(20.0 - 7.0 * np.cos(phase) + self.rng.normal(0.0, 3.0)),
            headwind_ms=float(self.rng.normal(0.0, 1.2)),
        )

    def _piece(
        self, road: Road, bounds_m: tuple[float, float], payload_t: float, *,
        order_id: str, weather: Weather,
    ) -> None:  # fmt: skip
        speed_ms, along_m = self.buffers
        count = drive(self.chance, road.wanted_ms, road.lights_m, *bounds_m, speed_ms, along_m)
        if count < 0:
            raise RuntimeError("a drive took longer than any piece may")
        speed, along = speed_ms[:count], along_m[:count]
        grade = road.grade[(along[1:] / 250.0).astype(np.int64)]
        truck = self.person.burner
        noise = float(np.exp(self.rng.normal(0.0, _NOISE_OF_LEG)))
        litres = noise * burnt_l(truck, speed, payload_t, grade=grade, weather=weather)
        begun_s, self.now_s = self.now_s, self.now_s + count - 1
        self.since_break_s += count - 1
        cumulated_l = np.concatenate(([0.0], np.cumsum(litres)))
        row = {
            "begun_s": begun_s, "ended_s": self.now_s, "km": (along[-1] - along[0]) / 1000.0,
            "payload_t": payload_t, "order_id": order_id, "litres": cumulated_l[-1],
            "idle_l": 0.0, "lon": float(road.places(along[-1:])[0][0]),
            "lat": float(road.places(along[-1:])[1][0]),
            **self._reference_l(speed, grade, weather),
        }  # fmt: skip
        self._see(road, along, speed, payload_t=payload_t, cumulated_l=cumulated_l, at_s=begun_s)
        self.truth.pieces += self.calendar.split(row, along, cumulated_l)
        self.odometer_m += along[-1] - along[0]
        self.counter_l += float(cumulated_l[-1])

    def _reference_l(
        self, speed_ms: FloatArray, grade: FloatArray, weather: Weather
    ) -> dict[str, float]:
        """Litres of this drive empty and full, without the leg's luck, on a part of the drives."""
        if self.rng.random() > 0.25:
            return {"empty_l": np.nan, "full_l": np.nan}
        truck = self.person.burner
        loads_t = {"empty_l": 0.0, "full_l": truck.rated_payload_t}
        return {
            name: float(burnt_l(truck, speed_ms, load_t, grade=grade, weather=weather).sum())
            for name, load_t in loads_t.items()
        }

    def _see(
        self, road: Road, along_m: FloatArray, speed_ms: FloatArray, *,
        payload_t: float, cumulated_l: FloatArray, at_s: int,
    ) -> None:  # fmt: skip
        every_s = self.world.every_s
        moments = np.arange(-(-at_s // every_s), (at_s + along_m.size - 1) // every_s + 1) * every_s
        at = (moments - at_s)[(moments >= at_s) & (moments < at_s + along_m.size - 1)]
        lon, lat = road.places(along_m[at])
        mass_t = np.full(at.size, self.person.burner.curb_mass_t + payload_t)
        self.seen.blocks.append(
            ((at + at_s).astype(np.float64), lon, lat, speed_ms[at] * 3.6,
             self.odometer_m + along_m[at] - along_m[0], self.counter_l + cumulated_l[at], mass_t)
        )  # fmt: skip

    def next_yard(self, wanted_km: float) -> Place:
        """Of some yards the one whose distance, as the crow flies, is closest to the wanted."""
        picks = self.rng.choice(len(self.yards), min(_YARDS_WEIGHED, len(self.yards)), False)
        weighed = [self.yards[at] for at in picks if self.yards[at] != self.place]
        off_km = np.abs(crow_km(self.place, weighed) - wanted_km)
        return weighed[int(np.argmin(off_km))]

    def cycle(self, luck: float) -> None:
        """An empty drive to the next load, and the drive with it."""
        habit = self.person.habit(self.month)
        ratio = habit.empty_ratio * luck
        ratio *= self.world.season_factor(self.month)
        ratio *= self.world.market_factor(self.month, self.person.region)
        if self.owed_km > 2.0:
            wanted_km = self.owed_km * self.rng.gamma(6.0) / 6.0 * _CROW_PER_ROAD
            self.owed_km -= self.haul(self.next_yard(wanted_km), 0.0, "")
        self._handle()
        kind = self.person.kind
        median_km = kind.haul_km_median
        wanted_km = float(median_km * np.exp(self.rng.normal(0.0, kind.haul_spread)))
        delivery, pickup = self.next_yard(max(wanted_km, 12.0)), self.place
        cargo_t = self._cargo_t(habit.payload_share)
        order_id = f"{self.person.vehicle_id}-{len(self.truth.hauls) + 1:05d}"
        row = {"order_id": order_id, "cargo_t": cargo_t, "pickup": pickup, "delivery": delivery,
               "loaded_s": self.now_s}  # fmt: skip
        if self.calendar.is_late(self.now_s):
            self.night()
            row["loaded_s"] = self.now_s
        self.owed_km += ratio * self.haul(delivery, cargo_t, order_id)
        self.truth.hauls.append(row | {"unloaded_s": self.now_s})
        self._handle()
        self.stand(self.rng.gamma(2.0, kind.wait_h / 2.0) * HOUR_S)
        if self.calendar.is_late(self.now_s):
            self.night()

    def _cargo_t(self, payload_share: float) -> float:
        """Around the mean, never above the licence nor next to nothing; the mean stays."""
        reach = min(payload_share - 0.06, 1.0 - payload_share)
        share = payload_share + float(np.clip(self.rng.normal(0.0, _LOAD_SPREAD), -reach, reach))
        return round(share * self.person.burner.rated_payload_t, 3)

    def _handle(self) -> None:
        """Load or unload; the engine runs a few minutes of it."""
        hours = float(np.clip(self.rng.lognormal(-0.1, 0.5), 0.4, 3.0))
        self.stand(hours * HOUR_S, engine_h=float(min(self.rng.exponential(0.05), 0.25)))
        if self.calendar.is_late(self.now_s):
            self.night()


def crow_km(start: Place, ends: list[Place]) -> FloatArray:
    """Distances as the crow flies, by the middle latitudes. [km]"""
    lon, lat = np.array([(end.lon, end.lat) for end in ends]).T
    east, north = metres_per_degree((start.lat + lat) / 2.0)
    return np.hypot((lon - start.lon) * east, (lat - start.lat) * north) / 1000.0


def live(world: World, number: int, calendar: Calendar) -> Life:
    """The whole life of one driver, from his first month with data to the end of the year."""
    person = world.person(number)
    rng = world.rng(4, number)
    yards = _yards(world, person.region)
    life = Life(
        person=person,
        world=world,
        rng=rng,
        chance=np.array([rng.integers(2**62)], dtype=np.uint64),
        calendar=calendar,
        yards=yards,
        now_s=calendar.starts_s(person.first_month) + 600,
        place=yards[int(rng.integers(len(yards)))],
    )
    life.night()
    luck, month = 1.0, -1
    while life.now_s < calendar.starts_s(world.months_total) - 3 * HOUR_S:
        if life.month != month:
            month, luck = life.month, float(np.exp(rng.normal(0.0, _HABIT_SPREAD_MONTHLY)))
        life.cycle(luck)
    return life


def _yards(world: World, region: int) -> list[Place]:
    """Yards of the towns next to the middle of a region, the same for all who serve it."""
    middle = Place(*REGIONS[region])
    towns = Map(world.rng(5)).yards
    near = np.argsort(crow_km(middle, [town[0] for town in towns]))[:_TOWNS_SERVED]
    return [yard for at in near for yard in towns[at]]
