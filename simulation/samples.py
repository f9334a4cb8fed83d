"""The small fleet of `data/samples`: four trucks, one month, with faults that happen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.random import Generator

from simulation import faults
from simulation.building import Plan, class_baselines, generator, simulate_truck, truth_tables
from simulation.fleet import Fleet, Planning, driver_truth, month_bounds_s, order_rows, write_table
from simulation.observing import Device, observe
from simulation.places import Map
from simulation.timeline import Timeline, as_moment
from simulation.tours import long_haul, part_loads, shuttle_day

SEED = 20260901
MONTH = "2026-09"
SINCE = pd.Timestamp("2026-07-01T00:00:00Z")

# Every name, plate and number is invented: 样 begins no plate, the names are the textbook ones.
VEHICLES: tuple[dict[str, object], ...] = (
    {
        "vehicle_id": "T01",
        "rated_payload_t": 32.0,
        "plate": "样A00001",
        "plate_color_code": "2",
        "body_length_m": 13.0,
        "volume_m3": 86.0,
        "energy": "diesel",
        "curb_mass_t": 15.8,
        "empty_l_per_100km": 23.5,
        "full_l_per_100km": 41.0,
        "depot": "成都北",
    },
    {
        "vehicle_id": "T02",
        "rated_payload_t": 16.0,
        "plate": "样A00002",
        "plate_color_code": "2",
        "body_length_m": 9.6,
        "volume_m3": 55.0,
        "energy": "diesel",
        "curb_mass_t": 9.4,
        "empty_l_per_100km": 20.5,
        "full_l_per_100km": 30.5,
        "depot": "成都北",
    },
    {
        "vehicle_id": "T03",
        "rated_payload_t": 10.0,
        "plate": "样A00003",
        "plate_color_code": "2",
        "body_length_m": 6.8,
        "energy": "diesel",
        "depot": "重庆",
    },
    {
        "vehicle_id": "T04",
        "rated_payload_t": 30.0,
        "plate": "样A00004",
        "plate_color_code": "2",
        "body_length_m": 13.0,
        "energy": "lng",
    },
)
DRIVERS: tuple[dict[str, object], ...] = (
    {"driver_id": "D01", "name": "张三", "phone": "00000000001", "vehicle_id": "T01"},
    {"driver_id": "D02", "name": "李四", "phone": "00000000002", "vehicle_id": None},
    {"driver_id": "D03", "name": "王五", "phone": "00000000003", "vehicle_id": "T02"},
    {"driver_id": "D04", "name": "赵六", "phone": "00000000004", "vehicle_id": "T03"},
    {"driver_id": "D05", "name": "孙七", "phone": "00000000005", "vehicle_id": "T04"},
)
# The yard of this order lies in this district; the files give no coordinates for it.
VAGUE_ORDER, VAGUE_PLACE = "T04-0028", "湖南省长沙市开福区"
TOURS = {"T01": long_haul, "T02": part_loads, "T03": shuttle_day, "T04": long_haul}


@dataclass(frozen=True)
class Thirst:
    """What a truck really burns: per 100 km when empty, per tonne more, in its own unit."""

    empty_per_100km: float
    per_100km_per_t: float
    unit: str
    product: str
    price: str


# Near the declared rates, but not equal: real trucks burn a little more or less.
THIRSTS = {
    "T01": Thirst(22.9, 0.545, "l", "0号柴油", "7.21"),
    "T02": Thirst(21.3, 0.640, "l", "0号柴油", "7.21"),
    "T03": Thirst(15.2, 0.620, "l", "0号柴油", "7.21"),
    "T04": Thirst(20.5, 0.470, "kg", "LNG", "4.85"),
}


def build_samples() -> Fleet:
    """The fleet of the samples; always the same."""
    town_map = Map(generator(SEED, "map"))
    plan = Plan(
        "samples",
        month=MONTH,
        device=Device(parked_every_s=300.0, with_heading=False, drift_m=2.0, noise_m=4.0),
        planning=Planning(off_h=0.5),
        back_load_share=0.4,
    )
    timelines, fixes, orders = [], [], []
    bounds_s = month_bounds_s(MONTH)
    for vehicle in VEHICLES:
        name = str(vehicle["vehicle_id"])
        rng = generator(SEED, name)
        timeline = simulate_truck(replace(plan, tour=TOURS[name]), rng, town_map, dict(vehicle))
        device = replace(plan.device, with_odometer=name == "T01")
        fixes.append(observe(timeline, rng, device, from_s=bounds_s[0], until_s=bounds_s[1]))
        orders += order_rows(timeline, rng, plan.planning, None)
        timelines.append(timeline)
    assignments = _assignments(timelines[0])
    told = truth_tables(timelines, MONTH)
    return Fleet(
        month=MONTH,
        vehicles=pd.DataFrame(VEHICLES),
        drivers=pd.DataFrame(DRIVERS).assign(joined_on="2026-08-01"),
        assignments=assignments,
        orders=_orders(pd.DataFrame(orders)),
        positions=_positions(pd.concat(fixes, ignore_index=True), timelines[1]),
        energy=_receipts(timelines),
        baselines=_baselines(),
        truth=told["truth"],
        order_truth=told["order_truth"],
        stop_truth=told["stop_truth"],
        drive_truth=told["drive_truth"],
        driver_truth=driver_truth(timelines, assignments.fillna({"until": _end()}), bounds_s),
    )


def _end() -> pd.Timestamp:
    return as_moment(month_bounds_s(MONTH)[1])


def _assignments(relayed: Timeline) -> pd.DataFrame:
    """One driver per truck, but a relay on the first: at a break under way, and back at a night."""
    breaks = [stop for stop in relayed.stops if stop.kind == "break"]
    nights = [stop for stop in relayed.stops if "night" in stop.kind]
    away = breaks[len(breaks) // 2]
    back = next(one for one in nights if one.arrived_s > away.departed_s + 6 * 86_400)
    out = as_moment(float(round((away.arrived_s + away.departed_s) / 2)))
    home = as_moment(float(round((back.arrived_s + back.departed_s) / 2)))
    rows = [("D01", "T01", SINCE, out), ("D02", "T01", out, home), ("D01", "T01", home, pd.NaT)]
    for driver, vehicle in (("D03", "T02"), ("D04", "T03"), ("D05", "T04")):
        rows.append((driver, vehicle, SINCE, pd.NaT))
    table = pd.DataFrame(rows, columns=["driver_id", "vehicle_id", "from", "until"])
    table["until"] = pd.to_datetime(table["until"], utc=True)
    return table


def _orders(orders: pd.DataFrame) -> pd.DataFrame:
    """Beside the real ones: one that never happened, one cancelled, one corrected, one vague."""
    orders = orders.drop(columns="driver_id").assign(version=1)
    rng = generator(SEED, "shippers")
    orders["shipper_id"] = [f"S{int(n):02d}" for n in rng.integers(1, 7, len(orders))]
    hours = (orders["delivery_time"] - orders["pickup_time"]).dt.total_seconds() / 3_600.0
    freight = 150.0 + hours.clip(lower=0.5) * rng.uniform(120.0, 260.0, len(orders))
    orders["price"] = [f"{amount:.2f}" for amount in freight]
    orders["currency"] = "CNY"
    long_hauls = orders.index[orders["vehicle_id"] == "T01"]
    cancelled = orders.loc[[long_hauls[5]]].assign(order_id="T01-9001", status="cancelled")
    never = orders.loc[[long_hauls[9]]].assign(order_id="T01-9002", status="accepted")
    # The same load from the other end, on the day before: the truck was elsewhere.
    never[["pickup_lon", "delivery_lon"]] = never[["delivery_lon", "pickup_lon"]].to_numpy()
    never[["pickup_lat", "delivery_lat"]] = never[["delivery_lat", "pickup_lat"]].to_numpy()
    never[["pickup_place", "delivery_place"]] = never[["delivery_place", "pickup_place"]].to_numpy()
    for column in ("pickup_time", "delivery_time"):
        never[column] = never[column] - pd.Timedelta(days=1)
    part = orders.index[orders["vehicle_id"] == "T02"][3]
    again = orders.loc[[part]].assign(version=2)
    orders.loc[part, "cargo_t"] = round(float(orders.loc[part, "cargo_t"]) * 0.9, 2)
    vague = orders["order_id"] == VAGUE_ORDER
    orders.loc[vague, ["pickup_lon", "pickup_lat"]] = np.nan
    orders.loc[vague, "pickup_place"] = VAGUE_PLACE
    return pd.concat([orders, cancelled, never, again], ignore_index=True)


def _positions(fixes: pd.DataFrame, gapped: Timeline) -> pd.DataFrame:
    """The fixes with a gap, doubled rows, null islands and a few teleports."""
    rng = generator(SEED, "faults")
    drive = max(gapped.drives[: len(gapped.drives) // 2], key=lambda one: one.until_m - one.from_m)
    begin, end = as_moment(drive.departed_s + 3_600.0), as_moment(drive.departed_s + 7_800.0)
    hidden = (fixes["vehicle_id"] == gapped.vehicle_id) & fixes["time"].between(begin, end)
    rows = fixes[~hidden].reset_index(drop=True)
    rows = faults.teleport(rows, rng, per_thousand=0.1)
    rows = faults.null_island(rows, rng, share=0.0001)
    rows = faults.duplicate(rows, rng, share=0.003)
    rows = rows.sort_values(["vehicle_id", "time"], kind="stable", ignore_index=True)
    rows["speed_kmh"] = rows["speed_kmh"].round()
    return rows


def _receipts(timelines: list[Timeline]) -> pd.DataFrame:
    """A fill about every 900 km at a stop of half an hour, of what was burnt since the last."""
    rows: list[dict[str, object]] = []
    for timeline in timelines:
        rng = generator(SEED, f"{timeline.vehicle_id}/fuel")
        burnt_from_m = 0.0
        for drive in timeline.drives:
            if drive.until_m - burnt_from_m < 900_000.0:
                continue
            burnt = _burnt(timeline, burnt_from_m, drive.until_m)
            rows.append(_receipt(timeline, rng, drive.arrived_s, burnt, len(rows) + 1))
            burnt_from_m = drive.until_m
            if timeline.vehicle_id == "T01" and len(rows) % 3 == 0:
                rows.append(_receipt(timeline, rng, drive.arrived_s, 0.0, len(rows) + 1))
    return pd.DataFrame(rows).sort_values(["time", "receipt_id"], ignore_index=True)


def _burnt(timeline: Timeline, from_m: float, until_m: float) -> float:
    thirst = THIRSTS[timeline.vehicle_id]
    burnt = 0.0
    for drive in timeline.drives:
        km = max(min(drive.until_m, until_m) - max(drive.from_m, from_m), 0.0) / 1000.0
        rate = thirst.empty_per_100km + thirst.per_100km_per_t * drive.payload_t
        burnt += km / 100.0 * rate
    return burnt


def _receipt(
    timeline: Timeline, rng: Generator, arrived_s: float, burnt: float, number: int
) -> dict[str, object]:
    """A receipt of fuel, or of AdBlue where nothing was burnt: that is no fuel."""
    thirst = THIRSTS[timeline.vehicle_id]
    path_s, _, path_lon, path_lat = timeline.path()
    is_fuel = burnt > 0.0
    return {
        "vehicle_id": timeline.vehicle_id,
        "time": as_moment(float(round(arrived_s + rng.uniform(120.0, 600.0)))),
        "quantity": round(burnt, 2) if is_fuel else round(float(rng.uniform(15.0, 30.0)), 2),
        "unit": thirst.unit if is_fuel else "l",
        "product": thirst.product if is_fuel else "车用尿素",
        "price": thirst.price if is_fuel else "2.60",
        "currency": "CNY",
        "receipt_id": f"R{number:04d}",
        "place_lon": round(float(np.interp(arrived_s, path_s, path_lon)), 5),
        "place_lat": round(float(np.interp(arrived_s, path_s, path_lat)), 5),
    }


def _baselines() -> pd.DataFrame:
    """Every class, and one driver who declared a counterfactual of his own."""
    own = {
        "driver_id": "D03",
        "valid_from": "2026-01-01",
        "empty_share": 0.35,
        "payload_utilisation_share": 0.5,
        "search_share": 0.8,
    }
    return pd.concat([pd.DataFrame([own]), class_baselines(MONTH)], ignore_index=True)


def write_samples(folder: Path) -> list[Path]:
    """Write the files and the truth beside them; the same bytes each time."""
    fleet = build_samples()
    written = list(fleet.write(folder).values())
    truths = {
        "truth.csv": fleet.truth,
        "truth_drivers.csv": fleet.driver_truth,
        "truth_orders.csv": fleet.order_truth,
    }
    for name, table in truths.items():
        numbers = table.select_dtypes("float").round(3)
        write_table(table.assign(**{str(name): numbers[name] for name in numbers}), folder / name)
        written.append(folder / name)
    return written
