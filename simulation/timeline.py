"""What one truck really did: where it was at every moment, what it carried, where it stood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.random import Generator

from simulation.driving import (
    Pace,
    Standing,
    cruise_speeds_ms,
    drive_road,
    moving_times_s,
    traffic_halts,
)
from simulation.geodesy import FloatArray
from simulation.roads import Place, Road

HOUR_S = 3_600.0
LOCAL_OFFSET_S = 8 * HOUR_S  # China keeps UTC+8 all year (tz database, Asia/Shanghai since 1992).


@dataclass
class OrderTruth:
    """One order as it really went."""

    order_id: str
    vehicle_id: str
    cargo_t: float
    pickup: Place
    delivery: Place
    pickup_arrived_s: float = np.nan
    pickup_departed_s: float = np.nan
    loading_s: tuple[float, float] = (np.nan, np.nan)
    delivery_arrived_s: float = np.nan
    delivery_departed_s: float = np.nan
    unloading_s: tuple[float, float] = (np.nan, np.nan)
    onboard_from_m: float = np.nan
    onboard_until_m: float = np.nan


@dataclass(frozen=True)
class DriveTruth:
    """One drive between two stands: moments [s], odometer [m], cargo aboard [t], who drove."""

    departed_s: float
    arrived_s: float
    from_m: float
    until_m: float
    payload_t: float
    order_ids: tuple[str, ...]


@dataclass
class StopTruth:
    """One stand at one place."""

    arrived_s: float
    departed_s: float
    lon: float
    lat: float
    kind: str


@dataclass
class Duty:
    """Hours of the driver: since the last break, since the last night. [s]"""

    since_break_s: float = 0.0
    today_s: float = 0.0
    break_after_s: float = 3.5 * HOUR_S
    day_limit_s: float = 9.5 * HOUR_S
    latest_hour: float = 22.0


@dataclass(frozen=True)
class Mark:
    """The state of a timeline between two tours."""

    now_s: float
    place: Place
    driven_m: float
    sizes: tuple[int, int, int, int]
    duty: Duty
    last_stop: StopTruth


@dataclass
class Timeline:
    """The record of one truck, written while it is simulated.

    Attributes
    ----------
    now_s : float
        Moment reached, since 1970-01-01 UTC. [s]
    place : Place
        Where the truck stands.
    driven_m : float
        Length driven since the start. [m]
    """

    vehicle_id: str
    rng: Generator
    now_s: float
    place: Place
    pace: Pace = field(default_factory=Pace)
    duty: Duty = field(default_factory=Duty)
    driven_m: float = 0.0
    aboard: list[OrderTruth] = field(default_factory=list)
    drives: list[DriveTruth] = field(default_factory=list)
    stops: list[StopTruth] = field(default_factory=list)
    orders: list[OrderTruth] = field(default_factory=list)
    knots: list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with one knot at the starting place."""
        self._knot([self.now_s], [0.0], [self.place.lon], [self.place.lat])
        self.stops.append(
            StopTruth(self.now_s, self.now_s, self.place.lon, self.place.lat, "start")
        )

    def _knot(
        self,
        moments: list[float] | FloatArray,
        along: list[float] | FloatArray,
        lon: list[float] | FloatArray,
        lat: list[float] | FloatArray,
    ) -> None:
        arrays = [np.asarray(part, dtype=np.float64) for part in (moments, along, lon, lat)]
        self.knots.append((arrays[0], arrays[1], arrays[2], arrays[3]))

    @property
    def local_hour(self) -> float:
        """Hour of the local day, 0 to 24. [h]"""
        return ((self.now_s + LOCAL_OFFSET_S) % (24 * HOUR_S)) / HOUR_S

    @property
    def weekday(self) -> int:
        """Day of the local week, Monday being 0."""
        return int((self.now_s + LOCAL_OFFSET_S) // (24 * HOUR_S) + 3) % 7

    def stand(self, duration_s: float, kind: str) -> tuple[float, float]:
        """Stand where the truck is; stands at one place without a drive between are one stop."""
        begun = self.now_s
        self.now_s += duration_s
        last = self.stops[-1]
        last.departed_s = self.now_s
        last.kind = kind if last.kind == "start" else f"{last.kind}+{kind}"
        self._knot([self.now_s], [self.driven_m], [self.place.lon], [self.place.lat])
        return begun, self.now_s

    def stand_until_hour(self, hour: float, kind: str) -> None:
        """Stand until the clock next shows the local hour."""
        self.stand(((hour - self.local_hour) % 24.0) * HOUR_S, kind)

    def night(self) -> None:
        """A rest of 9 to 11 hours, after which the driver's hours begin anew."""
        self.stand(self.rng.uniform(9.0, 11.0) * HOUR_S, "night")
        self.duty.since_break_s = self.duty.today_s = 0.0

    def _rests(self, moving_s: FloatArray, along_m: FloatArray) -> list[Standing]:
        """Breaks and nights that fall on this road, by the driver's hours and the clock."""
        rests: list[Standing] = []
        used, clock_h = 0.0, self.local_hour
        while True:
            to_break = self.duty.break_after_s - self.duty.since_break_s
            to_late = max(self.duty.latest_hour - clock_h, 0.05) * HOUR_S
            to_night = min(self.duty.day_limit_s - self.duty.today_s, to_late)
            step = max(min(to_break, to_night), 60.0)
            if used + step > moving_s[-1] - 900.0:
                rest_of_road = moving_s[-1] - used
                self.duty.since_break_s += rest_of_road
                self.duty.today_s += rest_of_road
                return rests
            used += step
            where = float(np.interp(used, moving_s, along_m))
            night = to_night <= to_break
            hours = self.rng.uniform(9.0, 11.0) if night else self.rng.uniform(20.0, 60.0) / 60.0
            rests.append(Standing(where, hours * HOUR_S, "night" if night else "break"))
            self.duty.since_break_s = 0.0
            self.duty.today_s = 0.0 if night else self.duty.today_s + step
            clock_h = (clock_h + step / HOUR_S + hours) % 24.0

    def drive(self, road: Road, end: Place, wanted_ms: FloatArray | None = None) -> None:
        """Drive a road to its end with what is aboard, resting where the hours ask for it.

        Wanted speeds at its points may be given; else they are those of the truck's pace.
        """
        wanted = cruise_speeds_ms(self.rng, road, self.pace) if wanted_ms is None else wanted_ms
        standings = traffic_halts(self.rng, road, self.pace)
        standings += self._rests(moving_times_s(road, wanted), road.along_m)
        driven = drive_road(road, wanted, standings)
        departed, from_m = self.now_s, self.driven_m
        self._knot(departed + driven.elapsed_s, from_m + driven.along_m, driven.lon, driven.lat)
        for arrived, left, kind, lon, lat in driven.standings:
            if kind != "halt":
                self.stops.append(StopTruth(departed + arrived, departed + left, lon, lat, kind))
        self.now_s = departed + driven.duration_s
        self.driven_m = from_m + road.length_m
        self.place = end
        self.drives.append(
            DriveTruth(
                departed,
                self.now_s,
                from_m,
                self.driven_m,
                sum(order.cargo_t for order in self.aboard),
                tuple(order.order_id for order in self.aboard),
            )
        )
        self.stops.append(StopTruth(self.now_s, self.now_s, end.lon, end.lat, ""))
        self.stops[-1].kind = "start"

    def load(self, order: OrderTruth, duration_s: float) -> None:
        """Take an order aboard; its arrival is the arrival at this stop."""
        order.loading_s = self.stand(duration_s, "loading")
        order.pickup_arrived_s = self.stops[-1].arrived_s
        order.onboard_from_m = self.driven_m
        self.aboard.append(order)
        self.orders.append(order)

    def unload(self, order: OrderTruth, duration_s: float) -> None:
        """Put an order down."""
        order.unloading_s = self.stand(duration_s, "unloading")
        order.delivery_arrived_s = self.stops[-1].arrived_s
        order.onboard_until_m = self.driven_m
        self.aboard.remove(order)

    def close(self, until_s: float) -> None:
        """Stand until the record ends and note the departures of every order."""
        if until_s > self.now_s:
            self.stand(until_s - self.now_s, "parked")
        ends = {stop.arrived_s: stop.departed_s for stop in self.stops}
        for order in self.orders:
            order.pickup_departed_s = ends[order.pickup_arrived_s]
            if not np.isnan(order.delivery_arrived_s):
                order.delivery_departed_s = ends[order.delivery_arrived_s]

    def mark(self) -> Mark:
        """A mark to return to with `back_to`, taken between two tours with nothing aboard."""
        sizes = (len(self.drives), len(self.stops), len(self.orders), len(self.knots))
        return Mark(
            self.now_s,
            self.place,
            self.driven_m,
            sizes,
            replace(self.duty),
            replace(self.stops[-1]),
        )

    def back_to(self, mark: Mark) -> None:
        """Undo everything since a mark: a tour that would not end within the month."""
        self.now_s, self.place, self.driven_m = mark.now_s, mark.place, mark.driven_m
        self.aboard.clear()
        drives, stops, orders, knots = mark.sizes
        del self.drives[drives:], self.orders[orders:], self.knots[knots:]
        self.stops[stops - 1 :] = [mark.last_stop]
        self.duty = mark.duty

    def path(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Moments [s], length driven [m], longitude and latitude [deg] of the whole record."""
        if len(self.knots) > 1:
            moments, along, lon, lat = (
                np.concatenate([knot[part] for knot in self.knots]) for part in range(4)
            )
            self.knots = [(moments, along, lon, lat)]
        return self.knots[0]


def as_moment(epoch_s: float) -> pd.Timestamp:
    """Aware UTC timestamp to the millisecond of seconds since 1970."""
    return pd.Timestamp(round(epoch_s * 1000), unit="ms", tz="UTC")
