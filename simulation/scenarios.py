"""The scenarios: each a function of a seed, and of how many trucks, that gives a fleet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.random import Generator

from simulation import faults
from simulation.building import Plan, build
from simulation.fleet import Fleet, Planning, driver_truth, month_bounds_s
from simulation.observing import Device
from simulation.places import near_by
from simulation.roads import Place
from simulation.timeline import Timeline, as_moment
from simulation.tours import part_loads as part_load_tour
from simulation.tours import shuttle_day

TRUCKS = 7


def plain(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Seven trucks, one month, a fix every 30 s, 5 m of noise, plans off by half an hour."""
    return build(Plan("plain", trucks=trucks), seed)[0]


def faulty(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Duplicates, shuffled rows, teleports, null island, wrong clocks, conflicting rows."""
    fleet = build(Plan("faulty", trucks=trucks), seed)[0]
    rng = np.random.default_rng([seed, 1])
    rows = faults.teleport(fleet.positions, rng, per_thousand=0.5)
    rows = faults.null_island(rows, rng, share=0.0005)
    rows = faults.week_rollover(rows, rng, runs=5)
    rows = faults.same_time(rows, rng, share=0.0005)
    rows = faults.future_dates(rows, rng, share=0.0003)
    rows = faults.duplicate(rows, rng, share=0.03)
    fleet.positions = faults.shuffle(rows, rng)
    return fleet


def gcj02(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Every coordinate in GCJ-02, of positions and of orders."""
    fleet = build(Plan("gcj02", trucks=trucks), seed)[0]
    fleet.positions = faults.to_gcj02(fleet.positions, ("",))
    fleet.orders = faults.to_gcj02(fleet.orders, ("pickup_", "delivery_"))
    fleet.crs = "gcj02"
    return fleet


def part_loads(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Two to four orders aboard at once, last in first out and the other ways."""
    return build(Plan("part_loads", trucks=trucks, tour=part_load_tour), seed)[0]


def gaps(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Six gaps of 20 to 90 minutes per truck, at any time, also over a stop or half of one."""
    fleet, timelines = build(Plan("gaps", trucks=trucks), seed)
    fleet.positions = _with_gaps(fleet, timelines, np.random.default_rng([seed, 77]))
    return fleet


def _with_gaps(fleet: Fleet, timelines: list[Timeline], rng: Generator) -> pd.DataFrame:
    hidden = np.zeros(len(fleet.positions), dtype=bool)
    moments = fleet.positions["time"].dt.as_unit("ms").astype("int64").to_numpy() / 1000.0
    owners = fleet.positions["vehicle_id"].to_numpy()
    for timeline in timelines:
        for begin, end in _gap_windows(rng, timeline, month_bounds_s(fleet.month)):
            hidden |= (owners == timeline.vehicle_id) & (moments > begin) & (moments < end)
    return fleet.positions[~hidden].reset_index(drop=True)


def _gap_windows(
    rng: Generator, timeline: Timeline, bounds_s: tuple[float, float]
) -> list[tuple[float, float]]:
    """Six windows that do not meet: half at any time, half where the truck drives or handles."""
    chosen: list[tuple[float, float]] = []
    while len(chosen) < 6:
        begin = rng.uniform(bounds_s[0] + 7_200.0, bounds_s[1] - 9_000.0)
        if len(chosen) % 2:
            drive = timeline.drives[int(rng.integers(len(timeline.drives)))]
            begin = rng.uniform(drive.departed_s - 2_400.0, drive.arrived_s)
        window = (begin, begin + rng.uniform(20.0, 90.0) * 60.0)
        if all(window[0] > b + 3_600.0 or window[1] < a - 3_600.0 for a, b in chosen):
            chosen.append(window)
    return chosen


def short_hauls(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Six to ten shuttle trips a day over 6 to 15 km, stops of about ten minutes."""
    roads = ("waves", "arcs", "motorway")
    plan = Plan("short_hauls", trucks=trucks, tour=shuttle_day, back_load_share=0.6, styles=roads)
    return build(plan, seed)[0]


def town_shuttles(seed: int, trucks: int = TRUCKS) -> Fleet:
    """The same through the right-angled streets of a town: chords of 30 s cut every corner."""
    plan = Plan(
        "town_shuttles", trucks=trucks, tour=shuttle_day, back_load_share=0.6, styles=("town_ends",)
    )
    return build(plan, seed)[0]


def coarse_places(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Places half a kilometre off, plans two hours off."""
    planning = Planning(off_h=2.0, place_off_m=(350.0, 600.0))
    return build(Plan("coarse_places", trucks=trucks, planning=planning), seed)[0]


def five_minutes(seed: int, trucks: int = TRUCKS) -> Fleet:
    """A fix every five minutes."""
    return build(
        Plan("five_minutes", trucks=trucks, device=replace(Device(), every_s=300.0)), seed
    )[0]


def drift(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Errors that wander by 6 m besides 4 m of white noise, clocks that jitter by a second."""
    device = Device(noise_m=4.0, drift_m=6.0, jitter_s=1.0)
    return build(Plan("drift", trucks=trucks, device=device), seed)[0]


def bare(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Nothing but truck, time, longitude and latitude."""
    return build(
        Plan("bare", trucks=trucks, device=Device(with_speed=False, with_heading=False)), seed
    )[0]


def sleepy(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Devices that send every 30 s on the road and every five minutes while parked."""
    return build(Plan("sleepy", trucks=trucks, device=Device(parked_every_s=300.0)), seed)[0]


def curvy(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Mountain roads: chords of 30 s are short by more than half a percent."""
    return build(Plan("curvy", trucks=trucks, curviness=(3.5, 4.5)), seed)[0]


def odometer(seed: int, trucks: int = TRUCKS) -> Fleet:
    """The counter of the truck comes along, and there are gaps it can bridge."""
    fleet, timelines = build(
        Plan("odometer", trucks=trucks, device=Device(with_odometer=True)), seed
    )
    fleet.positions = _with_gaps(fleet, timelines, np.random.default_rng([seed, 78]))
    return fleet


def broken_positions(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Decimal zero padding lost in every coordinate; speed and odometer are sound."""
    fleet = build(Plan("broken_positions", trucks=trucks, device=Device(with_odometer=True)), seed)[
        0
    ]
    fleet.positions = faults.lose_padding(fleet.positions)
    return fleet


def districts(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Places known only as a district: 3 to 15 km off, said to be uncertain by 20 km."""
    planning = Planning(off_h=1.0, place_off_m=(3_000.0, 15_000.0))
    fleet = build(Plan("districts", trucks=trucks, planning=planning), seed)[0]
    fleet.orders["pickup_uncertainty_km"] = 20.0
    fleet.orders["delivery_uncertainty_km"] = 20.0
    return fleet


def relay(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Two drivers take turns on every truck, mostly at breaks and nights, also on the road."""
    fleet, timelines = build(Plan("relay", trucks=trucks), seed)
    rng = np.random.default_rng([seed, 5])
    until = pd.Timestamp(month_bounds_s(fleet.month)[1] + 40 * 86_400, unit="s", tz="UTC")
    rows = []
    for number, timeline in enumerate(timelines):
        pair = (f"D{number + 1:03d}", f"D{number + 1:03d}B")
        since = fleet.assignments["from"].iloc[number]
        for turn, moment in enumerate([*_turns(rng, timeline), until]):
            rows.append((pair[turn % 2], timeline.vehicle_id, since, moment))
            since = moment
    fleet.assignments = pd.DataFrame(rows, columns=["driver_id", "vehicle_id", "from", "until"])
    second = fleet.drivers.assign(driver_id=fleet.drivers["driver_id"] + "B", name="样例乙")
    fleet.drivers = pd.concat([fleet.drivers, second], ignore_index=True)
    fleet.orders = fleet.orders.drop(columns="driver_id")
    fleet.driver_truth = driver_truth(timelines, fleet.assignments, month_bounds_s(fleet.month))
    return fleet


def _turns(rng: Generator, timeline: Timeline) -> list[pd.Timestamp]:
    """Moments at which the drivers of a truck change: two thirds standing, one third driving."""
    rests = [stop for stop in timeline.stops if "break" in stop.kind or "night" in stop.kind]
    moments = [rng.uniform(one.arrived_s, one.departed_s) for one in rests if rng.random() < 0.3]
    on_road = rng.choice(len(timeline.drives), len(moments) // 2, replace=False)
    for drive in (timeline.drives[int(i)] for i in on_road):
        moments.append(rng.uniform(drive.departed_s, drive.arrived_s))
    return [as_moment(float(round(moment))) for moment in sorted(moments)]


def never_happened(seed: int, trucks: int = TRUCKS) -> Fleet:
    """Beside the real orders: some that never happened, some cancelled, two trucks without any.

    `order_truth` holds the real ones; of the trucks without orders only the distance is known.
    """
    fleet, timelines = build(Plan("never_happened", trucks=trucks), seed)
    rng = np.random.default_rng([seed, 6])
    rows = [_invented_order(rng, timeline, number) for timeline in timelines for number in range(3)]
    orders = pd.concat([fleet.orders, pd.DataFrame(rows)], ignore_index=True)
    silent = list(fleet.vehicles["vehicle_id"].iloc[-2:])
    fleet.orders = orders[~orders["vehicle_id"].isin(silent)].reset_index(drop=True)
    fleet.order_truth = fleet.order_truth[~fleet.order_truth["vehicle_id"].isin(silent)]
    unknown = fleet.truth["vehicle_id"].isin(silent)
    fleet.truth.loc[unknown, ["loaded_km", "empty_km", "tkm"]] = np.nan
    fleet.truth.loc[unknown, "orders_count"] = 0
    return fleet


def _invented_order(rng: Generator, timeline: Timeline, number: int) -> dict[str, object]:
    """An order between places the truck never visits; every third is cancelled."""
    stop = timeline.stops[int(rng.integers(1, len(timeline.stops) - 1))]
    pickup = near_by(rng, Place(stop.lon, stop.lat), 25_000.0, 60_000.0)
    delivery = near_by(rng, pickup, 60_000.0, 250_000.0)
    return {
        "order_id": f"{timeline.vehicle_id}-X{number + 1:03d}",
        "vehicle_id": timeline.vehicle_id,
        "cargo_t": round(float(rng.uniform(1.0, 8.0)), 2),
        "pickup_lon": round(pickup.lon, 6),
        "pickup_lat": round(pickup.lat, 6),
        "delivery_lon": round(delivery.lon, 6),
        "delivery_lat": round(delivery.lat, 6),
        "pickup_time": as_moment(round(stop.arrived_s)),
        "delivery_time": as_moment(round(stop.arrived_s + rng.uniform(3.0, 9.0) * 3_600.0)),
        "status": "cancelled" if number == 0 else "accepted",
    }


def month_crossing(seed: int, trucks: int = TRUCKS) -> Fleet:
    """The record runs four days before and after the month: orders cross both its ends."""
    return build(Plan("month_crossing", trucks=trucks, extra_days=4.0), seed)[0]


Scenario = Callable[..., Fleet]
SCENARIOS: dict[str, Scenario] = {
    "plain": plain,
    "faulty": faulty,
    "gcj02": gcj02,
    "part_loads": part_loads,
    "gaps": gaps,
    "short_hauls": short_hauls,
    "coarse_places": coarse_places,
    "five_minutes": five_minutes,
    "drift": drift,
    "bare": bare,
    "town_shuttles": town_shuttles,
    "sleepy": sleepy,
    "curvy": curvy,
    "odometer": odometer,
    "broken_positions": broken_positions,
    "districts": districts,
    "relay": relay,
    "never_happened": never_happened,
    "month_crossing": month_crossing,
}
