"""A driver, his honest days, and what he may try instead: the same days, but for the trick.

August is before he joins, in September he is on the platform and runs less empty. Every drive of a
day has its own chance, so that a trick changes nothing but itself; a day begins at 6:00.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.random import Generator

from fleet_carbon.services.accounts.reading import read_table
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from simulation.driving import Pace
from simulation.fleet import Planning, month_bounds_s, order_rows, write_table
from simulation.observing import Device, observe
from simulation.places import near_by
from simulation.roads import Place, Road, build_road
from simulation.timeline import HOUR_S, Duty, OrderTruth, Timeline

BEFORE, MONTH = "2026-08", "2026-09"
DAYS_OFF_EVERY = 7
HOME = Place(114.30, 30.60, "home")
PICKUP = Place(114.75, 30.85, "pickup")
DELIVERY = Place(115.90, 31.60, "delivery")
# On the way back; in August he looks for a load there.
SEARCH = Place(115.05, 31.75, "search")
BACK_PICKUP = Place(115.80, 31.45, "back pickup")
BACK_DELIVERY = Place(114.40, 30.75, "back delivery")
PAYLOAD_T, CURB_T, CARGO_BEFORE_T, CARGO_T = 16.0, 10.4, 8.0, 11.0
_KINDS = ("vehicles", "drivers", "orders", "baselines", "positions")


@dataclass
class Day:
    """One day of a truck while it is driven; a trick may do more in it."""

    timeline: Timeline
    number: int
    month: str

    def go(self, end: Place, *via: Place, kmh: float | None = None) -> None:
        """Drive to a place, over others without a stop there; at another speed if one is given."""
        timeline = self.timeline
        timeline.duty = Duty(latest_hour=23.5, day_limit_s=16 * HOUR_S, break_after_s=8 * HOUR_S)
        places = [timeline.place, *via, end]
        road = joined(
            [
                build_road(self._chance(start, stop), start, stop, style="waves", curviness=0.9)
                for start, stop in pairwise(places)
            ]
        )
        timeline.rng = self._chance(timeline.place, end)
        wanted_ms = None if kmh is None else np.full(road.along_m.size, kmh / 3.6)
        timeline.drive(road, end, wanted_ms)

    def _chance(self, start: Place, end: Place) -> Generator:
        """The same road on the same day between the same places, whatever else is driven."""
        return np.random.default_rng([self.number, crc32(f"{start.name}>{end.name}".encode())])

    def stand(self, minutes: float) -> None:
        self.timeline.stand(60.0 * minutes, "waiting")

    def order(self, pickup: Place, delivery: Place, cargo_t: float) -> OrderTruth:
        timeline = self.timeline
        name = f"{timeline.vehicle_id}-{self.month}-{len(timeline.orders):03d}"
        return OrderTruth(name, timeline.vehicle_id, cargo_t, pickup, delivery)

    def load(self, order: OrderTruth) -> None:
        self.timeline.load(order, 2_700.0)

    def unload(self, order: OrderTruth) -> None:
        self.timeline.unload(order, 2_700.0)


Manner = Callable[[Day], None]


def joined(roads: list[Road]) -> Road:
    """Roads one after the other, as one."""
    ends_m = np.cumsum([0.0, *(road.length_m for road in roads)])
    return Road(
        lon=np.concatenate([road.lon[at > 0 :] for at, road in enumerate(roads)]),
        lat=np.concatenate([road.lat[at > 0 :] for at, road in enumerate(roads)]),
        along_m=np.concatenate(
            [ends_m[at] + road.along_m[at > 0 :] for at, road in enumerate(roads)]
        ),
        bend_per_m=np.concatenate([road.bend_per_m[at > 0 :] for at, road in enumerate(roads)]),
    )


def honest(day: Day) -> None:
    """A load out; before joining a search for another one, since then a load on the way back."""
    day.go(PICKUP)
    deliver(day, PICKUP, DELIVERY)
    if day.month == BEFORE:
        day.go(SEARCH)
        day.stand(30.0)
    else:
        day.go(BACK_PICKUP)
        deliver(day, BACK_PICKUP, BACK_DELIVERY)
    day.go(HOME)


def deliver(day: Day, pickup: Place, delivery: Place, *via: Place) -> None:
    """Load where the truck stands, drive, unload."""
    order = day.order(pickup, delivery, CARGO_BEFORE_T if day.month == BEFORE else CARGO_T)
    day.load(order)
    day.go(delivery, *via)
    day.unload(order)


@dataclass
class Truck:
    """A truck, who drives it, and how its days go.

    Attributes
    ----------
    manner : callable
        How a day of September goes; those of August are honest.
    device : Device
        How it is tracked.
    pace : Pace
        How fast it is driven.
    mass_of_t : callable or None
        Gross mass sent for a payload. [t]
    """

    vehicle_id: str = "V1"
    driver_id: str = "D1"
    manner: Manner = honest
    device: Device = field(default_factory=lambda: Device(every_s=30.0, parked_every_s=300.0))
    pace: Pace = field(default_factory=lambda: Pace(cruise_kmh=72.0, slow_every_km=80.0))
    has_mass: bool = False

    def live(self, month: str) -> Timeline:
        """A month of this truck."""
        starts_s, ends_s = month_bounds_s(month)
        timeline = Timeline(
            self.vehicle_id, np.random.default_rng(3), starts_s, HOME, pace=self.pace
        )
        days = round((ends_s - starts_s) / (24 * HOUR_S))
        for number in range(days):
            timeline.stand_until_hour(6.0, "night")
            if number % DAYS_OFF_EVERY == 0:
                timeline.stand(HOUR_S, "day off")
                continue
            manner = honest if month == BEFORE else self.manner
            # August has roads of its own, else each day would be known.
            manner(Day(timeline, number + (100 if month == BEFORE else 0), month))
        timeline.close(ends_s)
        return timeline


@dataclass
class Files:
    """The tables a fleet sends; a trick of paper changes them before they are written."""

    tables: dict[str, pd.DataFrame]
    timelines: dict[str, list[Timeline]]


def fleet(trucks: list[Truck]) -> Files:
    """Register, orders and fixes of some trucks over both months."""
    orders, fixes, timelines = [], [], {}
    for at, truck in enumerate(trucks):
        timelines[truck.vehicle_id] = [truck.live(month) for month in (BEFORE, MONTH)]
        for month, timeline in zip((BEFORE, MONTH), timelines[truck.vehicle_id], strict=True):
            bounds_s = month_bounds_s(month)
            rng = np.random.default_rng([5, at])
            seen = observe(timeline, rng, truck.device, from_s=bounds_s[0], until_s=bounds_s[1])
            fixes.append(_with_mass(seen, timeline) if truck.has_mass else seen)
            orders += order_rows(timeline, rng, Planning(off_h=0.2), truck.driver_id)
    names = {"vehicle_id": [one.vehicle_id for one in trucks]}
    drivers = {"driver_id": [one.driver_id for one in trucks], **names}
    return Files(
        {
            "vehicles": pd.DataFrame(names).assign(
                rated_payload_t=PAYLOAD_T,
                curb_mass_t=CURB_T,
                energy="diesel",
                empty_l_per_100km=21.0,
                full_l_per_100km=31.0,
            ),
            "drivers": pd.DataFrame(drivers).assign(joined_on=f"{MONTH}-01"),
            "orders": pd.DataFrame(orders),
            "baselines": pd.DataFrame(
                {
                    "vehicle_class": ["rigid_26t"],
                    "valid_from": ["2026-01-01"],
                    "empty_share": [0.7],
                    "payload_utilisation_share": [0.4],
                }
            ),
            "positions": pd.concat(fixes, ignore_index=True),
        },
        timelines,
    )


def _with_mass(fixes: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """The gross mass that the truck itself says, while it drives."""
    moments = fixes["time"].dt.as_unit("ms").astype("int64").to_numpy() / 1000.0
    mass_t = np.full(len(fixes), np.nan)
    for drive in timeline.drives:
        inside = (moments >= drive.departed_s) & (moments <= drive.arrived_s)
        mass_t[inside] = CURB_T + drive.payload_t
    jitter = np.random.default_rng(9).normal(0.0, 0.5, len(fixes))
    return fixes.assign(gross_mass_t=np.round(mass_t + jitter, 1))


@dataclass(frozen=True)
class Shown:
    """What the drivers are shown of September."""

    accounts: pd.DataFrame
    orders: pd.DataFrame
    legs: pd.DataFrame

    @property
    def credited_g(self) -> int:
        """Of all drivers and trucks. [g]"""
        return int(self.accounts["co2_credited_g"].sum())

    def notes(self, vehicle_id: str = "V1") -> set[str]:
        rows = self.accounts[self.accounts["vehicle_id"] == vehicle_id]
        return {note for text in rows["notes"].fillna("") for note in text.split(";") if note}

    def order(self, order_id: str) -> dict[str, Any]:
        row: dict[str, Any] = self.orders.set_index("order_id").loc[order_id].to_dict()
        return row


def through_the_chain(files: Files, folder: Path) -> Shown:
    """Ingest everything, close both months, read what is shown of the second."""
    settings = Settings(home=folder / "home")
    folder.mkdir(parents=True, exist_ok=True)
    for kind in _KINDS:
        path = folder / f"{kind}.{'parquet' if kind == 'positions' else 'csv'}"
        write_table(files.tables[kind], path)
        report = ingest_files(settings, kind, [path])
        assert report.rows_rejected == 0, report.as_dict()["rejections"]
    for month in (BEFORE, MONTH):
        close_month(settings, month)
    names = ("accounts", "orders", "legs")
    return Shown(**{name: read_table(settings, name, MONTH).rows for name in names})


def friends_order(
    pickup: Place, delivery: Place, *, day: int, hours: tuple[float, float]
) -> dict[str, Any]:
    """An order that somebody books for the truck on a day of September."""
    starts_s = month_bounds_s(MONTH)[0] + day * 24 * HOUR_S
    times = [pd.Timestamp(int(starts_s + hour * HOUR_S), unit="s", tz="UTC") for hour in hours]
    rng = np.random.default_rng(1)
    ends = {
        "pickup": near_by(rng, pickup, 0.0, 50.0),
        "delivery": near_by(rng, delivery, 0.0, 50.0),
    }
    return {
        "order_id": f"FRIEND-{day}-{int(hours[0])}",
        "vehicle_id": "V1",
        "driver_id": "D1",
        "cargo_t": 15.0,
        **{f"{end}_lon": round(place.lon, 6) for end, place in ends.items()},
        **{f"{end}_lat": round(place.lat, 6) for end, place in ends.items()},
        "pickup_time": times[0],
        "delivery_time": times[1],
        "weight_source": "declared",
        "status": "delivered",
    }


def changed(files: Files, **tables: pd.DataFrame) -> Files:
    """The same files with other tables."""
    return replace(files, tables=files.tables | tables)
