"""Fleets on disk, made once and kept: `python -m benchmarks.stores --trucks 12 --cache FOLDER`.

Of one fleet there are the fixes as integers by truck and time (what the other tools read), the
Parquet file a gateway would write, all trucks in turn in the order in which the fixes came, and a
home of the product with everything on record. A measurement works on a copy of that home.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import generator
from benchmarks.generator import FleetPlan
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.positions.tracekeeping import compact_traces
from fleet_carbon.settings import Settings
from fleet_carbon.storage import unit_of_work as layout
from fleet_carbon.storage.unit_of_work import Storage, open_storage

# Trucks whose months make about 1, 10 and 100 million fixes.
SIZES = {"1M": 12, "10M": 118, "100M": 1_175}
REGISTER = ("vehicles", "drivers", "orders", "baselines")
# Columns that a file of orders has, of those in the frame.
_ORDER_COLUMNS = (
    *("order_id", "vehicle_id", "cargo_t", "pickup_lon", "pickup_lat", "delivery_lon"),
    *("delivery_lat", "pickup_time", "delivery_time", "driver_id", "weight_source", "status"),
)
_GROUPS_PER_RECEPTION = 10
_MS_PER_DAY = 86_400_000
_ARRIVAL_TYPE = np.dtype(
    [("arrival", "<i8"), ("vehicle", "<i4"), ("time", "<i8")]
    + [(name, "<i4") for name in ("lon", "lat")]
    + [("speed", "<i2")]
)


def default_cache() -> Path:
    """Where fleets are kept if nothing is said; the system may clear it."""
    return Path(tempfile.gettempdir()) / "fleet-carbon-benchmarks"


def add_cache_option(parser: argparse.ArgumentParser) -> None:
    """The option that all benchmarks on stores have."""
    parser.add_argument("--cache", type=Path, default=default_cache(), help="keeps the fleets")


@dataclass(frozen=True)
class FleetOnDisk:
    """One fleet in a folder of the cache; every part is made when it is first asked for."""

    plan: FleetPlan
    cache: Path

    @cached_property
    def folder(self) -> Path:
        plan = self.plan
        folder = self.cache / f"{plan.trucks}-trucks-{plan.month}-seed-{plan.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def facts(self) -> dict[str, Any]:
        """Counts of the fleet: fixes, trucks, orders, stops."""
        self._made("facts.json", self._write_by_truck)
        told: dict[str, Any] = json.loads((self.folder / "facts.json").read_text("utf-8"))
        return told

    @property
    def by_truck(self) -> Path:
        """Fixes by truck and time, Parquet of integers (`generator.SCHEMA`)."""
        return self._made("by_truck.parquet", self._write_by_truck)

    @property
    def by_arrival(self) -> Path:
        """Fixes as they came, Parquet with names, times and degrees as gateways send them."""
        return self._made("by_arrival.parquet", self._write_by_arrival)

    @property
    def home(self) -> Path:
        """Everything on record, traces compacted; to be copied, not to be closed in."""
        return self._made(f"home_{_storage_digest()}", self._make_home)

    @property
    def home_without_traces(self) -> Path:
        """The register and the orders on record; to be copied."""
        return self._made(f"register_{_storage_digest()}", self._make_register)

    def truth(self) -> pd.DataFrame:
        """One row per truck: distance_km, loaded_km, tkm, first_day_km."""
        self._made("truth.parquet", self._write_by_truck)
        return pd.read_parquet(self.folder / "truth.parquet").set_index("vehicle_id")

    def true_stops(self) -> pd.DataFrame:
        """All true stops, with vehicle_id."""
        self._made("stops.parquet", self._write_by_truck)
        return pd.read_parquet(self.folder / "stops.parquet")

    def true_gaps(self) -> pd.DataFrame:
        """All gaps, with vehicle_id."""
        self._made("gaps.parquet", self._write_by_truck)
        return pd.read_parquet(self.folder / "gaps.parquet")

    def _made(self, name: str, make: Any) -> Path:
        """Make what is not there yet; half of it is never there under its name."""
        wanted = self.folder / name
        if not wanted.exists():
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                make(Path(scratch))
                for part in sorted(Path(scratch).iterdir()):
                    if not (self.folder / part.name).exists():
                        part.rename(self.folder / part.name)
        return wanted

    def _write_by_truck(self, scratch: Path) -> None:
        trucks: list[generator.TruckMonth] = []
        seen = generator.write_sorted(scratch / "by_truck.parquet", self.plan, trucks.append)
        for kind, rows in generator.register(trucks).items():
            columns = _ORDER_COLUMNS if kind == "orders" else rows.columns
            rows.loc[:, list(columns)].to_csv(scratch / f"{kind}.csv", index=False)
        for name in ("stops", "gaps"):
            parts = [getattr(one, name).assign(vehicle_id=one.vehicle_id) for one in trucks]
            pd.concat(parts, ignore_index=True).to_parquet(scratch / f"{name}.parquet")
        names = ("vehicle_id", "distance_km", "loaded_km", "tkm", "first_day_km")
        truth = pd.DataFrame([[getattr(one, name) for name in names] for one in trucks])
        truth.set_axis(list(names), axis=1).to_parquet(scratch / "truth.parquet")
        facts = {
            "fixes_count": seen,
            "trucks_count": len(trucks),
            "orders_count": sum(len(one.orders) for one in trucks),
            "stops_count": sum(len(one.stops) for one in trucks),
        }
        (scratch / "facts.json").write_text(json.dumps(facts), encoding="utf-8")

    def _write_by_arrival(self, scratch: Path) -> None:
        slices = scratch / "slices"
        slices.mkdir()
        begins_ms = self.plan.bounds_ms[0]
        for number, truck in enumerate(generator.fleet(self.plan)):
            _append_by_day(slices, number, truck, begins_ms)
        names = pa.array([f"T{number:05d}" for number in range(self.plan.trucks)])
        with pq.ParquetWriter(
            scratch / "by_arrival.parquet", _ARRIVAL_SCHEMA, compression="zstd", compression_level=1
        ) as writer:
            for path in sorted(slices.iterdir()):
                rows = np.fromfile(path, dtype=_ARRIVAL_TYPE)
                rows = rows[np.argsort(rows["arrival"], kind="stable")]
                writer.write_table(_as_sent(rows, names), row_group_size=1 << 20)
        shutil.rmtree(slices)

    def _make_register(self, scratch: Path) -> None:
        self._made("facts.json", self._write_by_truck)
        settings = Settings(home=scratch / f"register_{_storage_digest()}", timezone=self.plan.zone)
        for kind in REGISTER:
            report = ingest_files(settings, kind, [self.folder / f"{kind}.csv"])
            if report.rows_rejected:
                raise RuntimeError(f"{kind}: {report.rows_rejected} rows were refused")

    def _make_home(self, scratch: Path) -> None:
        home = scratch / f"home_{_storage_digest()}"
        copy_home(self.home_without_traces, home)
        settings = Settings(home=home, timezone=self.plan.zone)
        with closing(open_storage(settings)) as storage:
            for pieces in _receptions(self.by_truck):
                _put_in(storage, scratch, pieces)
        compact_traces(settings)


@cache
def _storage_digest() -> str:
    """Of the code that lays homes out: another layout needs another home."""
    digest = hashlib.sha256()
    for path in sorted(Path(layout.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _receptions(path: Path) -> Iterator[list[pd.DataFrame]]:
    """The fixes of a file in frames of the house, grouped as they are put on record."""
    file = pq.ParquetFile(path)
    for first in range(0, file.num_row_groups, _GROUPS_PER_RECEPTION):
        last = min(first + _GROUPS_PER_RECEPTION, file.num_row_groups)
        yield [_as_frame(file.read_row_group(number)) for number in range(first, last)]


def _as_frame(table: pa.Table) -> pd.DataFrame:
    numbers, places = np.unique(table.column("vehicle").to_numpy(), return_inverse=True)
    names = pd.Index([f"T{number:05d}" for number in numbers.tolist()])
    columns = {n: table.column(n).to_numpy() for n in ("time_ms", "lon_udeg", "lat_udeg")}
    return pd.DataFrame(
        {
            "vehicle_id": pd.Categorical.from_codes(places, names),
            **columns,
            "speed_kmh": table.column("speed_dkmh").to_numpy() / 10.0,
        }
    )


def _put_in(storage: Storage, scratch: Path, pieces: list[pd.DataFrame]) -> None:
    """Put fixes on record as one received file: a note that says what they are."""
    told = " ".join(str(name) for piece in pieces for name in piece["vehicle_id"].cat.categories)
    note = scratch / "note.txt"
    note.write_text(f"fixes of the generator, trucks {told}\n", encoding="utf-8")
    with storage.begin() as work:
        received = work.files.keep(note, "positions", datetime.now(UTC))
        writer = work.traces.writer()
        for piece in pieces:
            writer.add(piece)
        saved = writer.finish(received)
        work.files.count(received, accepted=saved.accepted, duplicate=saved.duplicate, rejected=0)
    note.unlink()


_ARRIVAL_SCHEMA = pa.schema(
    [
        ("vehicle_id", pa.dictionary(pa.int32(), pa.string())),
        ("time", pa.timestamp("ms", tz="UTC")),
        ("lon", pa.float64()),
        ("lat", pa.float64()),
        ("speed_kmh", pa.float32()),
    ]
)


def _append_by_day(slices: Path, number: int, truck: generator.TruckMonth, begins_ms: int) -> None:
    """Put the fixes of a truck to those of all others that came on the same days."""
    fixes = truck.in_order_of_arrival()
    rows = np.empty(len(truck), dtype=_ARRIVAL_TYPE)
    rows["vehicle"] = number
    for field, name in (
        *(("arrival", "arrival_ms"), ("time", "time_ms"), ("lon", "lon_udeg")),
        *(("lat", "lat_udeg"), ("speed", "speed_dkmh")),
    ):
        rows[field] = fixes[name]
    days = (rows["arrival"] - begins_ms) // _MS_PER_DAY
    for day in np.unique(days).tolist():
        with (slices / f"{day:03d}").open("ab") as stream:
            stream.write(rows[days == day].tobytes())


def _as_sent(rows: np.ndarray[Any, Any], names: pa.Array) -> pa.Table:
    vehicles = pa.DictionaryArray.from_arrays(pa.array(rows["vehicle"].copy()), names)
    columns = [
        vehicles,
        pa.array(rows["time"].copy()).cast(_ARRIVAL_SCHEMA.field("time").type),
        pa.array(rows["lon"] / 1e6),
        pa.array(rows["lat"] / 1e6),
        pa.array((rows["speed"] / 10.0).astype(np.float32)),
    ]
    return pa.table(columns, schema=_ARRIVAL_SCHEMA)


def copy_home(home: Path, copy: Path) -> Path:
    """A home to work in: files that never change are linked, databases are copied."""
    for folder, _, names in os.walk(home):
        target = copy / Path(folder).relative_to(home)
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            source = Path(folder) / name
            if source.suffix == ".parquet":
                os.link(source, target / name)
            else:
                shutil.copy2(source, target / name)
    return copy


def main() -> None:
    """Make one fleet with everything that the benchmarks read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trucks", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("by_truck", "by_arrival", "home"))
    add_cache_option(parser)
    arguments = parser.parse_args()
    made = FleetOnDisk(FleetPlan(arguments.trucks, seed=arguments.seed), arguments.cache)
    for part in (arguments.only,) if arguments.only else ("by_truck", "by_arrival", "home"):
        getattr(made, part)
    print(json.dumps(made.facts))


if __name__ == "__main__":
    main()
