"""What the fleet sends: register, orders, receipts and fixes, as honest as their sources are."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.random import Generator

from benchmarks.year.calendar import Calendar
from benchmarks.year.lives import Life, live
from benchmarks.year.people import Person, World
from benchmarks.year.receipts import receipts
from benchmarks.year.truth import month_truth, rates_of
from simulation.fleet import write_table
from simulation.geodesy import metres_per_degree
from simulation.places import near_by

FIRST_YEAR = 2024
_PEOPLE_PER_FILE = 10
_NOISE_M = 5.0
# Relative errors of a stated weight: of each order, and common to all orders of a driver.
_WEIGHTS = {
    "weighed": (0.4, 0.01, 0.003),
    "declared": (0.4, 0.06, 0.02),
    "nominal": (0.2, 0.12, 0.03),
}
_PLAN_H = 0.7
_CANCELLED_SHARE = 0.03
_SILENCES_PER_DAY = 0.08


@dataclass(frozen=True)
class Written:
    """A simulated fleet on disk, and its truth.

    Attributes
    ----------
    files : dict of str to list of Path
        By kind, as `ingest` takes them.
    people, months, pieces : DataFrame
        Truth per driver, per driver and month, per drive between two stands.
    calendar : Calendar
        Names of the months.
    """

    files: dict[str, list[Path]]
    people: pd.DataFrame
    months: pd.DataFrame
    pieces: pd.DataFrame
    calendar: Calendar


def write_year(world: World, folder: Path, workers: int = 2) -> Written:
    """Simulate the fleet and write its files."""
    folder.mkdir(parents=True, exist_ok=True)
    calendar = Calendar.of(FIRST_YEAR, world.months_total)
    groups = [
        range(at, min(at + _PEOPLE_PER_FILE, world.drivers))
        for at in range(0, world.drivers, _PEOPLE_PER_FILE)
    ]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_write_group, world, list(group), folder) for group in groups]
        parts = [job.result() for job in jobs]
    tables = {
        name: pd.concat([part[name] for part in parts], ignore_index=True)
        for name in ("vehicles", "drivers", "orders", "energy", "people", "months", "pieces")
    }
    lines = world.class_lines()
    tables["baselines"] = pd.DataFrame(
        {
            "vehicle_class": list(lines),
            "valid_from": f"{FIRST_YEAR}-01-01",
            "empty_share": [line.empty_share for line in lines.values()],
            "payload_utilisation_share": [line.payload_share for line in lines.values()],
        }
    )
    files = {}
    for name in ("vehicles", "drivers", "orders", "energy", "baselines"):
        files[name] = [folder / f"{name}.csv"]
        write_table(tables[name], files[name][0])
    files["positions"] = [part["path"] for part in parts]
    return Written(files, tables["people"], tables["months"], tables["pieces"], calendar)


def _write_group(world: World, numbers: list[int], folder: Path) -> dict[str, Any]:
    """Live some drivers' months and write their fixes."""
    calendar = Calendar.of(FIRST_YEAR, world.months_total)
    fixes, parts = [], []
    for number in numbers:
        life = live(world, number, calendar)
        rng = world.rng(6, number)
        fixes.append(_fixes(life, rng))
        parts.append(_tables(life, rng))
    path = folder / f"positions_{numbers[0]:04d}.parquet"
    _write_fixes(pd.concat(fixes, ignore_index=True), path)
    return {
        "path": path,
        **{name: pd.concat([part[name] for part in parts]) for name in parts[0]},
    }


def _tables(life: Life, rng: Generator) -> dict[str, pd.DataFrame]:
    person, pieces = life.person, pd.DataFrame(life.truth.pieces)
    pieces.insert(0, "vehicle_id", person.vehicle_id)
    rates = rates_of(pieces, person)
    has_receipts = person.rung == "receipts"
    return {
        "vehicles": pd.DataFrame([_vehicle(person, rng, rates)]),
        "drivers": pd.DataFrame([_driver(life)]),
        "orders": _orders(life, rng),
        "energy": receipts(person, life.truth.pieces, rng) if has_receipts else pd.DataFrame(),
        "people": pd.DataFrame([_known(person, rates)]),
        "months": month_truth(life.world, person, pieces, rates),
        "pieces": pieces[["vehicle_id", "begun_s", "ended_s", "month", "km", "payload_t",
                          "order_id", "litres", "idle_l"]],
    }  # fmt: skip


def _vehicle(person: Person, rng: Generator, rates: tuple[float, float]) -> dict[str, Any]:
    kind, truck = person.kind, person.burner
    row: dict[str, Any] = {
        "vehicle_id": person.vehicle_id,
        "rated_payload_t": truck.rated_payload_t,
        "vehicle_class": kind.vehicle_class,
        "body_length_m": kind.length_m,
        "energy": "diesel",
        "curb_mass_t": truck.curb_mass_t
        if person.rung == "counter" or rng.random() < 0.5
        else None,
    }
    if person.rung == "declared":
        empty, load = 100.0 * np.array(rates) * np.exp(rng.normal(0.0, 0.04, 2))
        row["empty_l_per_100km"] = round(float(empty), 1)
        row["full_l_per_100km"] = round(float(empty + load * truck.rated_payload_t), 1)
    return row


def _driver(life: Life) -> dict[str, Any]:
    person = life.person
    after_all = f"{FIRST_YEAR + -(-life.world.months_total // 12)}-02-01"
    joins = after_all if person.history == "later" else None
    return {
        "driver_id": person.driver_id,
        "name": f"样例{person.number}",
        "vehicle_id": person.vehicle_id,
        "joined_on": f"{life.calendar.name(person.joins_month)}-01" if person.has_joined else joins,
    }


def _known(person: Person, rates: tuple[float, float]) -> dict[str, Any]:
    return {
        "vehicle_id": person.vehicle_id,
        "driver_id": person.driver_id,
        "vehicle_class": person.kind.vehicle_class,
        "rated_payload_t": person.burner.rated_payload_t,
        "rung": person.rung,
        "history": person.history,
        "first_month": person.first_month,
        "joins_month": person.joins_month,
        "own_empty_share": person.own.empty_share,
        "own_payload_share": person.own.payload_share,
        "joined_empty_share": person.joined.empty_share,
        "joined_payload_share": person.joined.payload_share,
        "empty_l_per_km": rates[0],
        "load_l_per_tkm": rates[1],
    }


def _orders(life: Life, rng: Generator) -> pd.DataFrame:
    """One order per loaded haul, planned roughly, weighed as well as its shipper weighs."""
    person = life.person
    sources, shares = list(_WEIGHTS), [share for share, _, _ in _WEIGHTS.values()]
    source = str(rng.choice(sources, p=shares))
    _, each, common = _WEIGHTS[source]
    bias = float(np.exp(rng.normal(0.0, common)))
    rows = []
    for haul in life.truth.hauls:
        off_s = 3_600.0 * np.clip(rng.normal(0.0, _PLAN_H, 2), -1.7, 1.7)
        pickup_s = haul["loaded_s"] - 1_800.0 + off_s[0]
        delivery_s = max(haul["unloaded_s"] + 900.0 + off_s[1], pickup_s + 900.0)
        ends = {end: near_by(rng, haul[end], 0.0, 80.0) for end in ("pickup", "delivery")}
        row = {
            "order_id": haul["order_id"],
            "vehicle_id": person.vehicle_id,
            "driver_id": person.driver_id,
            "cargo_t": round(haul["cargo_t"] * bias * float(np.exp(rng.normal(0.0, each))), 2),
            **{f"{end}_lon": round(place.lon, 6) for end, place in ends.items()},
            **{f"{end}_lat": round(place.lat, 6) for end, place in ends.items()},
            "pickup_time": _minute(pickup_s),
            "delivery_time": _minute(delivery_s),
            "weight_source": source,
            "status": "delivered",
        }
        rows.append(row)
        if rng.random() < _CANCELLED_SHARE:
            rows.append(row | {"order_id": row["order_id"] + "-C", "status": "cancelled"})
    return pd.DataFrame(rows)


def _minute(moment_s: float) -> str:
    return pd.Timestamp(int(moment_s) // 60 * 60, unit="s", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


def _fixes(life: Life, rng: Generator) -> pd.DataFrame:
    """The fixes of one truck with the errors of its device, some silences cut out."""
    columns = [np.concatenate(parts) for parts in zip(*life.seen.blocks, strict=True)]
    moments, lon, lat, speed, odometer_m, counter_l, mass_t = columns
    kept = _heard(moments, rng)
    moments, lon, lat, speed, odometer_m, counter_l, mass_t = (one[kept] for one in columns)
    east, north = metres_per_degree(lat)
    error = rng.normal(0.0, _NOISE_M, (2, moments.size))
    person = life.person
    has_counter = person.rung == "counter"
    has_odometer = has_counter or rng.random() < 0.4
    scale_odometer, scale_counter = np.exp(rng.normal(0.0, (0.005, 0.01)))
    begins_km, begins_l = rng.uniform(20_000, 400_000), rng.uniform(5_000, 90_000)
    table = {
        "vehicle_id": person.vehicle_id,
        "time": pd.to_datetime((moments * 1000).astype(np.int64), unit="ms", utc=True),
        "lon": np.round(lon + error[0] / east, 6),
        "lat": np.round(lat + error[1] / north, 6),
        "speed_kmh": np.round(
            np.where(speed < 0.5, 0.0, speed + rng.normal(0.0, 0.4, speed.size)), 1
        ),
    }
    nothing = np.full(moments.size, np.nan)
    odometer = np.round(begins_km + odometer_m / 1000.0 * scale_odometer, 1)
    table["odometer_km"] = odometer if has_odometer else nothing
    counter = np.round(2.0 * (begins_l + counter_l * scale_counter)) / 2.0
    table["fuel_used_l"] = counter if has_counter else nothing
    mass = np.round(mass_t + rng.normal(0.0, 0.6, moments.size), 1)
    table["gross_mass_t"] = mass if has_counter else nothing
    return pd.DataFrame(table)


def _heard(moments: np.ndarray, rng: Generator) -> np.ndarray:
    """Which fixes come through: now and then nothing does for 10 to 60 minutes."""
    days = (moments[-1] - moments[0]) / 86_400.0
    begins = np.sort(rng.uniform(moments[0], moments[-1], rng.poisson(_SILENCES_PER_DAY * days)))
    lasts = rng.uniform(600.0, 3_600.0, begins.size)
    heard = np.ones(moments.size, dtype=bool)
    for since, until in zip(
        np.searchsorted(moments, begins), np.searchsorted(moments, begins + lasts), strict=True
    ):
        heard[since:until] = False
    return heard


def _write_fixes(table: pd.DataFrame, path: Path) -> None:
    table["vehicle_id"] = table["vehicle_id"].astype("category")
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd", compression_level=1)
