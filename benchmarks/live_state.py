"""The fleet as it is now: fixes taken in a second, time and memory of a state, and how true it is.

    python -m benchmarks.live_state

Fixes of 10,000 vehicles arrive in random order, in batches of as many. States are told of trucks
with a whole window of fixes and with orders. How true they are is measured at random moments of
a month, with the fixes that had arrived by then: against the legs that the whole month gives.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.generator import COLUMNS, FleetPlan, TruckMonth, fleet, register
from benchmarks.measuring import resident_mib
from fleet_carbon.frames import ASSIGNMENTS, DRIVERS
from fleet_carbon.legs.columns import STATES
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.orders import OrderBook
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.periods import Month, from_epoch_ms
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.positions.watching import LiveFleet, rules_on
from fleet_carbon.settings import Settings
from fleet_carbon.storage.batches import VehicleFixes
from fleet_carbon.storage.unit_of_work import open_storage
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import read_trace

PLAN = FleetPlan(trucks=20)
_DAY_MS = 86_400_000


def as_columns(truck: TruckMonth, rows: slice | np.ndarray) -> dict[str, np.ndarray]:
    """Fixes as storage gives them."""
    found = {name: truck.fixes[name][rows] for name in COLUMNS}
    return {
        "time_ms": found["time_ms"].astype(np.int64),
        "lon_udeg": found["lon_udeg"].astype(np.int32),
        "lat_udeg": found["lat_udeg"].astype(np.int32),
        "speed_kmh": found["speed_dkmh"] / 10.0,
    }


def home_of(trucks: list[TruckMonth], folder: Path) -> Settings:
    """A home that knows the trucks and their orders, and no position."""
    settings = Settings(home=folder / "home")
    for kind, rows in register(trucks).items():
        _ingest(settings, kind, rows, folder)
    return settings


def arrived(truck: TruckMonth, now_ms: int, days: int) -> VehicleFixes:
    """What had come in by a moment, of the last days."""
    times, came = truck.fixes["time_ms"], truck.fixes["arrival_ms"]
    rows = np.flatnonzero((came <= now_ms) & (times > now_ms - days * _DAY_MS))
    return VehicleFixes(truck.vehicle_id, as_columns(truck, rows), now_ms)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it took. [s]"""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def intake(trucks: list[TruckMonth], settings: Settings, vehicles: int, hours: float) -> None:
    """Rate and memory of fixes in random order."""
    per_vehicle = int(hours * 120)
    rows = {name: [] for name in ("vehicle", "time_ms", "lon_udeg", "lat_udeg", "speed_kmh")}
    now_ms = 0
    for number in range(vehicles):
        truck = trucks[number % len(trucks)]
        first = len(truck) // 2
        columns = as_columns(truck, slice(first, first + per_vehicle))
        now_ms = max(now_ms, int(columns["time_ms"][-1]))
        for name, column in columns.items():
            rows[name].append(column)
        rows["vehicle"].append(np.full(per_vehicle, number))
    stream = {name: np.concatenate(pieces) for name, pieces in rows.items()}
    order = np.random.default_rng(1).permutation(len(stream["vehicle"]))
    names = [f"W{number:05d}" for number in range(vehicles)]
    storage = open_storage(settings)
    watched = LiveFleet(storage, settings.models_dir)
    now = from_epoch_ms(now_ms)
    watched.catch_up(now)
    before_mib = resident_mib()
    took_s = 0.0
    for begin in range(0, len(order), vehicles):
        batch = by_vehicle(
            {k: c[order[begin : begin + vehicles]] for k, c in stream.items()}, names
        )
        took_s += timed(lambda batch=batch: watched.take(batch))
    held = watched.fixes_held_count()
    mib = resident_mib() - before_mib
    print(f"intake: {len(order):,} fixes of {vehicles:,} vehicles, batches of {vehicles:,}")
    print(f"  {len(order) / took_s:,.0f} fixes/s; {mib * 2**20 / held:.0f} bytes a fix held")
    storage.close()


def catching_up(trucks: list[TruckMonth], folder: Path, vehicles: int) -> None:
    """Time to learn what another process stored: a fix of every vehicle."""
    names = [f"W{number:05d}" for number in range(vehicles)]
    settings = Settings(home=folder / "many")
    register_of = pd.DataFrame({"vehicle_id": names, "rated_payload_t": 16.0})
    _ingest(settings, "vehicles", register_of, folder)
    columns = [as_columns(trucks[number % len(trucks)], slice(0, 31)) for number in range(vehicles)]
    whole = pd.concat([pd.DataFrame(one) for one in columns], ignore_index=True)
    whole.insert(0, "vehicle_id", np.repeat(names, 31))
    moment = np.tile(np.arange(31), vehicles)
    now = from_epoch_ms(int(whole["time_ms"].max()))
    rows = pd.DataFrame(
        {
            "vehicle_id": whole["vehicle_id"],
            "time": pd.to_datetime(whole["time_ms"], unit="ms", utc=True),
            "lon": whole["lon_udeg"] / 1e6,
            "lat": whole["lat_udeg"] / 1e6,
        }
    )
    storage = open_storage(settings)
    watched = LiveFleet(storage, settings.models_dir)
    _ingest(settings, "positions", rows[moment < 30], folder)
    first_s = timed(lambda: watched.catch_up(now))
    _ingest(settings, "positions", rows[moment == 30], folder)
    then_s = timed(lambda: watched.catch_up(now))
    idle_s = timed(lambda: watched.catch_up(now))
    print(f"catching up: {first_s:.2f} s with 30 fixes of {vehicles:,} vehicles, then")
    print(f"  {then_s:.2f} s with one more of each, {idle_s:.2f} s with nothing new")
    storage.close()


def _ingest(settings: Settings, kind: str, rows: pd.DataFrame, folder: Path) -> None:
    path = folder / f"{kind}.parquet"
    rows.to_parquet(path, index=False)
    ingesting.ingest_files(settings, kind, [path])


def by_vehicle(columns: dict[str, np.ndarray], names: list[str]) -> Iterator[VehicleFixes]:
    """The rows of a batch vehicle by vehicle; the time it takes counts."""
    order = np.lexsort((columns["time_ms"], columns["vehicle"]))
    vehicle = columns["vehicle"][order]
    columns = {name: column[order] for name, column in columns.items() if name != "vehicle"}
    starts = np.flatnonzero(np.diff(vehicle, prepend=-1))
    for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(vehicle)], strict=True):
        piece = {name: column[begin:end] for name, column in columns.items()}
        yield VehicleFixes(names[vehicle[begin]], piece, int(columns["time_ms"][end - 1]))


def states(trucks: list[TruckMonth], settings: Settings) -> None:
    """Time of a state with a whole window, and its memory."""
    storage = open_storage(settings)
    now_ms = PLAN.bounds_ms[0] + 15 * _DAY_MS + 20 * 3_600_000
    now = from_epoch_ms(now_ms)
    watched = LiveFleet(storage, settings.models_dir)
    watched.catch_up(now)
    watched.take(arrived(truck, now_ms, 10) for truck in trucks)
    watched.states(now)
    anew_s, kept_s = [], []
    for minute in range(1, 11):
        later = now + timedelta(minutes=minute)
        for truck in trucks:
            last_ms = now_ms + minute * 60_000
            rows = (truck.fixes["arrival_ms"] <= last_ms) & (
                truck.fixes["arrival_ms"] > last_ms - 60_000
            )
            watched.take([VehicleFixes(truck.vehicle_id, as_columns(truck, rows), last_ms)])
            anew_s.append(timed(lambda t=truck, at=later: watched.state(t.vehicle_id, at)))
            kept_s.append(timed(lambda t=truck, at=later: watched.state(t.vehicle_id, at)))
    held = watched.fixes_held_count() / len(trucks)
    print(f"states: {held:,.0f} fixes held a vehicle, {held * 32 / 1024:,.0f} KiB of columns")
    worst_ms = 1000 * np.quantile(anew_s, 0.99)
    print(f"  {1000 * np.median(anew_s):.2f} ms after a new fix (p99 {worst_ms:.2f})")
    print(f"  {1e6 * np.median(kept_s):.0f} us if nothing came")
    storage.close()


def truth(trucks: list[TruckMonth], settings: Settings, moments: int) -> None:
    """Agreement of the state at random moments with the legs of the whole month."""
    storage = open_storage(settings)
    chance = np.random.default_rng(7)
    begins_ms = PLAN.bounds_ms[0]
    found: Counter[tuple[str, str]] = Counter()
    driving: Counter[tuple[str, str]] = Counter()
    legs = {truck.vehicle_id: _legs_of(truck, settings, storage.zone) for truck in trucks}
    for day in range(6, 28):
        day_ms = begins_ms + day * _DAY_MS
        watched = LiveFleet(storage, settings.models_dir)
        watched.catch_up(from_epoch_ms(day_ms))
        for truck in trucks:
            for now_ms in sorted((day_ms + chance.integers(0, _DAY_MS, moments)).tolist()):
                now = from_epoch_ms(now_ms)
                watched.take([arrived(truck, now_ms, 6)])
                state = watched.state(truck.vehicle_id, now)
                assert state.seen_at is not None
                seen_ms = round(state.seen_at.timestamp() * 1000)
                started_ms, of_leg = legs[truck.vehicle_id]
                later = STATES[of_leg[np.searchsorted(started_ms, seen_ms - 1, side="right") - 1]]
                found[state.load.state, later] += 1
                if state.motion == "driving":
                    driving[state.load.state, later] += 1
    for title, counts in (("all moments", found), ("while driving", driving)):
        total = sum(counts.values())
        same = sum(count for (told, later), count in counts.items() if told == later)
        print(f"truth, {title}: {same / total:.3f} of {total:,} as the month has it later")
        for (told, later), count in sorted(counts.items()):
            if told != later:
                print(f"  told {told}, later {later}: {count / total:.3f}")
    storage.close()


def _legs_of(truck: TruckMonth, settings: Settings, zone: object) -> tuple[np.ndarray, np.ndarray]:
    rules = rules_on(settings.models_dir, date.fromisoformat(f"{PLAN.month}-15"))
    orders = register([truck])["orders"]
    nobody = [frame.shape(pd.DataFrame(columns=frame.names)) for frame in (ASSIGNMENTS, DRIVERS)]
    drivers = DriverBook.from_frames(*nobody)
    trace = read_trace(Fixes.from_columns(as_columns(truck, slice(None))), rules.traces)
    year, number = map(int, PLAN.month.split("-"))
    cut = cut_legs(
        trace,
        truck=TruckFacts(truck.vehicle_id, truck.rated_payload_t, truck.curb_mass_t),
        orders=OrderBook.from_frame(orders).of_vehicle(truck.vehicle_id),
        drivers=drivers.of_vehicle(truck.vehicle_id),
        month=Month(year, number, zone),
        rules=rules.legs,
    )
    return cut.legs.started_ms, cut.legs.state


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=10_000)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--moments", type=int, default=4)
    arguments = parser.parse_args()
    trucks = list(fleet(PLAN))
    with tempfile.TemporaryDirectory() as scratch:
        settings = home_of(trucks, Path(scratch))
        states(trucks, settings)
        truth(trucks, settings, arguments.moments)
        intake(trucks, settings, arguments.vehicles, arguments.hours)
        catching_up(trucks, Path(scratch), arguments.vehicles)


if __name__ == "__main__":
    main()
