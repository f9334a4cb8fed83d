"""Simulate a whole fleet by a plan: trucks, roads, orders, fixes and the truth of the month."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.random import Generator

from simulation.driving import Pace
from simulation.fleet import (
    Fleet,
    Planning,
    drive_truths,
    month_bounds_s,
    month_truth,
    order_rows,
    order_truths,
    stop_truths,
)
from simulation.observing import Device, observe
from simulation.places import Map
from simulation.roads import STYLES
from simulation.timeline import HOUR_S, Duty, Timeline
from simulation.tours import Tour, Work, long_haul

MONTH = "2026-09"
# Class by the edition's borders, rated payload [t], body [m], litres per 100 km empty and full.
CLASSES = (
    ("tractor_trailer", 32.0, 13.0, 23.0, 41.0),
    ("rigid_26t", 16.0, 9.6, 20.5, 31.0),
    ("rigid_18t", 10.0, 6.8, 15.5, 21.5),
    ("rigid_7_5t", 4.5, 4.2, 11.0, 14.5),
)


@dataclass(frozen=True)
class Plan:
    """Everything a scenario can vary."""

    name: str
    tour: Tour = long_haul
    trucks: int = 7
    month: str = MONTH
    device: Device = field(default_factory=Device)
    planning: Planning = field(default_factory=Planning)
    curviness: tuple[float, float] = (0.8, 1.1)
    styles: tuple[str, ...] = STYLES
    back_load_share: float = 0.0
    extra_days: float = 0.0


def generator(seed: int, part: str) -> Generator:
    """Independent streams, so that a change in one part leaves the others as they are."""
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def simulate_truck(
    plan: Plan, rng: Generator, town_map: Map, vehicle: dict[str, object]
) -> Timeline:
    """One truck from the first moment of the record to its last, tour after tour."""
    starts_s, ends_s = month_bounds_s(plan.month)
    starts_s, ends_s = starts_s - plan.extra_days * 86_400, ends_s + plan.extra_days * 86_400
    timeline = Timeline(
        str(vehicle["vehicle_id"]),
        rng,
        starts_s,
        town_map.any_yard(rng),
        pace=Pace(cruise_kmh=float(rng.uniform(64, 76)), halt_every_km=float(rng.uniform(15, 60))),
        duty=Duty(latest_hour=float(rng.uniform(20.5, 23.0))),
    )
    work = Work(
        timeline,
        town_map,
        float(str(vehicle["rated_payload_t"])),
        style=plan.styles[int(rng.integers(len(plan.styles)))],
        curviness=float(rng.uniform(*plan.curviness)),
        free_weekends=bool(rng.random() < 0.5),
        back_load_share=plan.back_load_share * float(rng.random() < 0.5),
    )
    timeline.stand((5.0 + rng.uniform(0.0, 3.0)) * HOUR_S, "night")
    while True:
        mark = timeline.mark()
        plan.tour(work)
        if timeline.now_s > ends_s - 2 * HOUR_S:
            timeline.back_to(mark)
            break
    timeline.close(ends_s)
    return timeline


def _vehicles(rng: Generator, count: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(count):
        _, payload, length, empty_rate, full_rate = CLASSES[int(rng.integers(3))]
        rows.append(
            {
                "vehicle_id": f"V{number + 1:03d}",
                "rated_payload_t": payload,
                "plate": f"样A{number + 1:05d}",
                "plate_color_code": "2",
                "body_length_m": length,
                "energy": "diesel",
                "empty_l_per_100km": empty_rate,
                "full_l_per_100km": full_rate,
            }
        )
    return rows


def _drivers(vehicles: list[dict[str, object]], month: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    starts_s, _ = month_bounds_s(month)
    since = pd.Timestamp(starts_s - 40 * 86_400, unit="s", tz="UTC")
    drivers, assignments = [], []
    for number, vehicle in enumerate(vehicles):
        driver_id = f"D{number + 1:03d}"
        drivers.append(
            {
                "driver_id": driver_id,
                "name": f"样例{number + 1}",
                "vehicle_id": vehicle["vehicle_id"],
            }
        )
        assignments.append(
            {
                "driver_id": driver_id,
                "vehicle_id": vehicle["vehicle_id"],
                "from": since,
                "until": pd.NaT,
            }
        )
    assigned = pd.DataFrame(assignments)
    assigned["until"] = pd.to_datetime(assigned["until"], utc=True)
    return pd.DataFrame(drivers), assigned


def class_baselines(month: str) -> pd.DataFrame:
    """Declared counterfactuals of the vehicle classes, in force from the year's first day."""
    year = int(month[:4])
    return pd.DataFrame(
        [
            {
                "vehicle_class": name,
                "valid_from": f"{year}-01-01",
                "empty_share": 0.4,
                "payload_utilisation_share": 0.6,
            }
            for name, *_ in CLASSES
        ]
    )


def build(plan: Plan, seed: int) -> tuple[Fleet, list[Timeline]]:
    """Simulate a fleet by a plan; the timelines come along for whoever adds faults."""
    town_map = Map(generator(seed, "map"))
    vehicles = _vehicles(generator(seed, f"{plan.name}/vehicles"), plan.trucks)
    drivers, assignments = _drivers(vehicles, plan.month)
    timelines, fixes, orders = [], [], []
    starts_s, ends_s = month_bounds_s(plan.month)
    margin_s = plan.extra_days * 86_400
    for number, vehicle in enumerate(vehicles):
        rng = generator(seed, f"{plan.name}/{number}")
        timeline = simulate_truck(plan, rng, town_map, vehicle)
        fixes.append(
            observe(
                timeline, rng, plan.device, from_s=starts_s - margin_s, until_s=ends_s + margin_s
            )
        )
        orders += order_rows(timeline, rng, plan.planning, str(drivers["driver_id"].iloc[number]))
        timelines.append(timeline)
    told = truth_tables(timelines, plan.month)
    fleet = Fleet(
        month=plan.month,
        vehicles=pd.DataFrame(vehicles),
        drivers=drivers,
        assignments=assignments,
        orders=pd.DataFrame(orders),
        positions=pd.concat(fixes, ignore_index=True),
        energy=pd.DataFrame(columns=["vehicle_id", "time", "quantity", "unit"]),
        baselines=class_baselines(plan.month),
        truth=told["truth"],
        order_truth=told["order_truth"],
        stop_truth=told["stop_truth"],
        drive_truth=told["drive_truth"],
    )
    return fleet, timelines


def truth_tables(timelines: list[Timeline], month: str) -> dict[str, pd.DataFrame]:
    """The tables of a fleet that say what really happened."""
    bounds_s = month_bounds_s(month)
    return {
        "truth": pd.DataFrame([month_truth(one, bounds_s) for one in timelines]),
        "order_truth": pd.DataFrame([row for one in timelines for row in order_truths(one)]),
        "stop_truth": pd.DataFrame([row for one in timelines for row in stop_truths(one)]),
        "drive_truth": pd.DataFrame([row for one in timelines for row in drive_truths(one)]),
    }
