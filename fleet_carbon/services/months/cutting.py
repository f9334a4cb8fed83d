"""From stored fixes to legs: neighbouring trucks together, in jobs that share nothing.

In: the records of a fleet and the window of a month. Out: a row per truck, the same bytes from
one thread, several processes or a cluster. Everything that goes into a truck's row has a key; a
row that was made under the same key before is not made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

import fleet_carbon.legs
import fleet_carbon.traces
from fleet_carbon import engine
from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import LEVEL_CHANGES, PURCHASES
from fleet_carbon.legs.columns import VehicleLegs
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.orders import OrderBook
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.legs.tables import gather
from fleet_carbon.periods import Month, to_epoch_ms
from fleet_carbon.services.months import comparing, purchases
from fleet_carbon.services.months.cut_tables import CutFacts, packed
from fleet_carbon.services.months.purchases import PurchaseBook, SeenPurchases
from fleet_carbon.services.months.records import Records
from fleet_carbon.services.support import warming
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.storage.batches import TraceBatch, VehicleFixes
from fleet_carbon.storage.cuts import KEY, VEHICLE, CutShelf
from fleet_carbon.storage.memory import share_between_threads
from fleet_carbon.storage.segments import VersionNumber
from fleet_carbon.storage.unit_of_work import UnitOfWork
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.levels import LevelChanges, LevelRules, find_level_changes
from fleet_carbon.traces.lookouts import LookoutRules
from fleet_carbon.traces.trace import TraceRules, read_trace

CLOCK_FUTURE = "clock_future"
_MS_PER_H = 3_600_000
# Enough trucks that what a job costs beside them is nothing, few enough that all processors have
# work to the end and a broken-off run has kept most of what it did.
FIXES_PER_JOB = 4_000_000
_TRUCKS_PER_JOB = 64
_PURCHASES = Path(purchases.__file__)


@dataclass(frozen=True)
class Rules:
    """The thresholds of the edition that the jobs need."""

    traces: TraceRules
    legs: LegRules
    lookouts: LookoutRules
    levels: LevelRules


@dataclass(frozen=True)
class CutJob:
    """Everything needed to cut the legs of neighbouring trucks, and nothing else.

    Attributes
    ----------
    batch : TraceBatch or None
        Where their fixes are; None if they have none.
    trucks : dict of str to TruckFacts
        The trucks, by identifier.
    orders, drivers, purchases : OrderBook, DriverBook, PurchaseBook
        What is on record of them.
    month : Month
        Month.
    rules : Rules
        Thresholds.
    """

    batch: TraceBatch | None
    trucks: dict[str, TruckFacts]
    orders: OrderBook
    drivers: DriverBook
    purchases: PurchaseBook
    month: Month
    rules: Rules


_Cut = tuple[CutFacts, VehicleLegs, SeenPurchases | None, LevelChanges]


def cut_job(job: CutJob) -> pa.Table:
    """Cut the legs of the trucks of a job: a pure function of it and of the segments it names.

    Returns
    -------
    rows : pa.Table
        A row per truck, in the order of `job.trucks`.
    """
    share_between_threads()
    found: list[_Cut] = []
    remaining = dict(job.trucks)
    for fixes in job.batch.read() if job.batch is not None else ():
        found.append(_cut_truck(job, remaining.pop(fixes.vehicle_id), fixes))
    # Of the others nothing was seen, but they have orders or purchases.
    found += [_cut_truck(job, truck, None) for truck in remaining.values()]
    facts, cuts, bought, levels = zip(*found, strict=True)
    pa.default_memory_pool().release_unused()  # else what was read stays with this thread
    tables = gather(cuts)
    return packed(
        facts,
        vars(tables)
        | {
            PURCHASES.name: job.purchases.table(bought),
            LEVEL_CHANGES.name: _level_table(facts, levels),
        },
    )


def _level_table(facts: Sequence[CutFacts], levels: Sequence[LevelChanges]) -> pa.Table:
    """Rows of `frames.LEVEL_CHANGES` of several trucks, in the order of the trucks."""
    if not any(map(len, levels)):
        return LEVEL_CHANGES.schema.empty_table()
    names = np.array([fact.vehicle_id for fact in facts], dtype=object)
    joined: dict[str, NDArray[Any]] = {
        field.name: np.concatenate([getattr(found, field.name) for found in levels])
        for field in fields(LevelChanges)
    }
    for end in ("started", "finished"):
        joined[f"{end}_at"] = joined[f"{end}_ms"].astype("datetime64[ms]")
    return LEVEL_CHANGES.table(joined | {VEHICLE: np.repeat(names, list(map(len, levels)))})


def _cut_truck(job: CutJob, truck: TruckFacts, found: VehicleFixes | None) -> _Cut:
    fixes, ahead_count = possible_fixes(found, job.rules.traces)
    trace = read_trace(fixes, job.rules.traces)
    cut = cut_legs(
        trace,
        truck=truck,
        orders=job.orders.of_vehicle(truck.vehicle_id),
        drivers=job.drivers.of_vehicle(truck.vehicle_id),
        month=job.month,
        rules=job.rules.legs,
    )
    dropped = dict(trace.dropped)
    if ahead_count:
        dropped[CLOCK_FUTURE] = ahead_count
    in_month = np.searchsorted(
        fixes.time_ms, [to_epoch_ms(job.month.starts_at), to_epoch_ms(job.month.ends_at)]
    )
    facts = CutFacts(
        vehicle_id=truck.vehicle_id,
        fixes_count=len(fixes) + ahead_count,
        fixes_in_month_count=int(in_month[1] - in_month[0]),
        dropped=dropped,
        trace_version=trace.version,
    )
    seen = job.purchases.seen(truck.vehicle_id, trace, job.rules.lookouts)
    return facts, cut, seen, find_level_changes(trace, job.rules.levels)


def possible_fixes(found: VehicleFixes | None, rules: TraceRules) -> tuple[Fixes, int]:
    """The fixes of a truck without those ahead of the clock that received them, and their count."""
    if found is None:
        return Fixes.from_columns(_NOTHING), 0
    latest_ms = found.received_ms + round(rules.clock_ahead_h_max * _MS_PER_H)
    fixes = Fixes.from_columns(found.columns)
    if len(fixes) == 0 or fixes.time_ms[-1] <= np.min(latest_ms):
        return fixes, 0
    is_possible = fixes.time_ms <= latest_ms
    return fixes.take(is_possible), int(np.count_nonzero(~is_possible))


_NOTHING: dict[str, NDArray[Any]] = {
    "time_ms": np.zeros(0, np.int64),
    "lon_udeg": np.zeros(0, np.int32),
    "lat_udeg": np.zeros(0, np.int32),
}


@dataclass(frozen=True)
class _Part:
    """Neighbouring trucks: where their fixes are, and the key of all that makes each one's row."""

    batch: TraceBatch | None
    keys: dict[str, str]

    def lacking(self, shelf: CutShelf) -> list[str]:
        """Those of the trucks whose row is not kept."""
        kept = shelf.known(self.keys)
        return [vehicle_id for vehicle_id in self.keys if vehicle_id not in kept]

    def fixes_of(self, vehicle_ids: Sequence[str]) -> int:
        """About how many fixes some of the trucks have, for whoever waits."""
        count = 0 if self.batch is None else self.batch.fixes_count_max
        return count * len(vehicle_ids) // len(self.keys)


@dataclass(frozen=True)
class CutPlan:
    """Everything that the legs of a month are cut from.

    Attributes
    ----------
    parts : list of _Part
        The trucks with positions, orders or purchases in the window.
    trucks : dict of str to TruckFacts
        Every truck on record.
    orders, drivers, purchases : OrderBook, DriverBook, PurchaseBook
        What is on record of them.
    month : Month
        Month.
    rules : Rules
        Thresholds.
    """

    parts: list[_Part]
    trucks: dict[str, TruckFacts]
    orders: OrderBook
    drivers: DriverBook
    purchases: PurchaseBook
    month: Month
    rules: Rules

    def only(self, vehicle_ids: Collection[str]) -> CutPlan:
        """The plan of some of the trucks; the keys of their rows are the same."""
        parts = (
            _Part(part.batch, {name: part.keys[name] for name in part.keys if name in vehicle_ids})
            for part in self.parts
        )
        return replace(self, parts=[part for part in parts if part.keys])

    def job(self, part: _Part, vehicle_ids: Sequence[str]) -> CutJob:
        """The job of some trucks of a part, with what concerns them and nothing else."""
        return CutJob(
            batch=None if part.batch is None else part.batch.only(vehicle_ids),
            trucks={vehicle_id: self.trucks[vehicle_id] for vehicle_id in vehicle_ids},
            orders=self.orders.of_vehicles(vehicle_ids),
            drivers=self.drivers.of_vehicles(vehicle_ids),
            purchases=self.purchases.of_vehicles(vehicle_ids),
            month=self.month,
            rules=self.rules,
        )


@dataclass(frozen=True)
class CutRows:
    """The rows of neighbouring trucks, and how many of them were made now."""

    rows: pa.Table
    made_count: int


def plan_cuts(
    work: UnitOfWork,
    records: Records,
    *,
    record_digests: Mapping[str, str],
    month: Month,
    rules: Rules,
    trace_version: VersionNumber | None = None,
) -> CutPlan:
    """Decide which trucks go together, and the key of what each one's legs are made from.

    Parameters
    ----------
    work : UnitOfWork
        For the traces.
    records : Records
        What is on record.
    record_digests : mapping of str to str
        Their digests, from `comparing.digest_records`.
    month : Month
        Month.
    rules : Rules
        Thresholds.
    trace_version : VersionNumber, optional
        Version of the trace store that is read; the one in force if not given.

    Raises
    ------
    InputRefused
        If a truck has positions, orders or purchases but is not registered.
    """
    window = month.widened(round(rules.legs.window_margin_days))
    window_ms = tuple(map(to_epoch_ms, window))
    orders = OrderBook.from_frame(records.orders)
    bought = PurchaseBook.of_month(records.energy, month=month, window=window, rules=rules.lookouts)
    trucks = trucks_of(records.vehicles)
    parts: list[tuple[TraceBatch | None, tuple[str, ...]]] = [
        (batch, batch.vehicle_ids)
        for batch in work.traces.batches(*window_ms, fixes_max=FIXES_PER_JOB, version=trace_version)
    ]
    seen = {vehicle_id for _, vehicle_ids in parts for vehicle_id in vehicle_ids}
    silent = sorted({*orders.vehicle_ids, *bought.vehicle_ids} - seen)
    parts += [
        (None, tuple(silent[at : at + _TRUCKS_PER_JOB]))
        for at in range(0, len(silent), _TRUCKS_PER_JOB)
    ]
    _refuse_unknown([*seen, *silent], trucks)
    keys = _keys(
        work.traces.marks(*window_ms, version=trace_version),
        comparing.vehicle_digests(record_digests),
        for_all=f"{month} {month.zone.key} {rules} {_code_digest()} {engine.installed_parts()}",
    )
    return CutPlan(
        parts=[_Part(batch, {name: keys(name) for name in names}) for batch, names in parts],
        trucks=trucks,
        orders=orders,
        drivers=DriverBook.from_frames(records.assignments, records.drivers),
        purchases=bought,
        month=month,
        rules=rules,
    )


def cut_rows(
    plan: CutPlan, shelf: CutShelf, *, way: engine.Way, progress: Progress
) -> Iterator[CutRows]:
    """The rows of all trucks, part by part; those that are on the shelf are not made again.

    Parameters
    ----------
    plan : CutPlan
        What is wanted.
    shelf : CutShelf
        Takes every part as soon as it is made, so that a run that is broken off is not lost.
    way : Way
        How the jobs are run.
    progress : Progress
        Told the fixes that are read.
    """
    wanted = [(part, part.lacking(shelf)) for part in plan.parts]
    if any(names for _, names in wanted):
        warming.warm_kernels(progress)
    progress.begin(
        f"legs of {plan.month}", sum(part.fixes_of(names) for part, names in wanted), "fixes"
    )
    jobs = (plan.job(part, names) for part, names in wanted if names)
    made = engine.run(cut_job, jobs, way=way)
    try:
        for part, names in wanted:
            yield _completed(plan, part, next(made) if names else None, shelf)
            progress.advance(part.fixes_of(names))
    finally:
        progress.end()


def _completed(plan: CutPlan, part: _Part, fresh: pa.Table | None, shelf: CutShelf) -> CutRows:
    """The rows of a part: those just made and those that are kept; all of them kept from now."""
    made = [] if fresh is None else [_with_keys(fresh, part.keys)]
    missing = part.keys.keys() - _names_in(made)
    kept = shelf.take({name: part.keys[name] for name in part.keys if name in missing})
    if kept is not None:
        made.append(kept)
    lost = [name for name in part.keys if name not in _names_in(made)]
    if lost:  # on the shelf a moment ago, but not what it was
        made.append(_with_keys(cut_job(plan.job(part, lost)), part.keys))
    rows = _in_order_of(part.keys, pa.concat_tables(made))
    if fresh is not None or lost:
        shelf.put(rows)
    return CutRows(rows, rows.num_rows - (0 if kept is None else kept.num_rows))


def _with_keys(rows: pa.Table, keys: Mapping[str, str]) -> pa.Table:
    named = [keys[vehicle_id] for vehicle_id in rows.column(VEHICLE).to_pylist()]
    return rows.add_column(1, KEY, pa.array(named, pa.string()))


def _names_in(tables: Iterable[pa.Table]) -> set[str]:
    return {vehicle_id for rows in tables for vehicle_id in rows.column(VEHICLE).to_pylist()}


def _in_order_of(names: Iterable[str], rows: pa.Table) -> pa.Table:
    row_of = {vehicle_id: row for row, vehicle_id in enumerate(rows.column(VEHICLE).to_pylist())}
    order = [row_of[vehicle_id] for vehicle_id in names]
    return rows if order == list(range(len(order))) else rows.take(order)


def trucks_of(vehicles: pd.DataFrame) -> dict[str, TruckFacts]:
    """What legs need to know of every truck of the register, by identifier."""
    columns = (vehicles[name].tolist() for name in ("vehicle_id", "rated_payload_t", "curb_mass_t"))
    return {
        vehicle_id: TruckFacts(
            vehicle_id, float(rated_t), None if pd.isna(curb_t) else float(curb_t)
        )
        for vehicle_id, rated_t, curb_t in zip(*columns, strict=True)
    }


def _refuse_unknown(vehicle_ids: Collection[str], trucks: Mapping[str, TruckFacts]) -> None:
    unknown = sorted(set(vehicle_ids) - trucks.keys())
    if unknown:
        raise InputRefused(
            "vehicle_unknown",
            f"Vehicle {unknown[0]!r} has positions, orders or purchases on record but is not"
            " registered.",
            "Ingest the vehicle with `ingest vehicles`, then close the month again.",
        )


def _keys(
    marks: Mapping[str, str], of_records: Mapping[str, str], *, for_all: str
) -> Callable[[str], str]:
    """The key of a truck's row: everything that can change it, and the code that makes it."""

    def key_of(vehicle_id: str) -> str:
        made_of = (for_all, vehicle_id, marks.get(vehicle_id), of_records.get(vehicle_id))
        return hashlib.sha256(repr(made_of).encode()).hexdigest()

    return key_of


@cache
def _code_digest() -> str:
    """Digest of the code that reads fixes: a changed threshold may stand in it, too."""
    digest = hashlib.sha256()
    rooms = (Path(room.__path__[0]) for room in (fleet_carbon.traces, fleet_carbon.legs))
    for path in (*(path for room in rooms for path in sorted(room.glob("*.py"))), _PURCHASES):
        digest.update(path.read_bytes())
    return digest.hexdigest()
