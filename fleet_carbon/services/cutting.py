"""From stored fixes to legs, one vehicle after the other: jobs that share nothing.

In: the records of a fleet and the months' window. Out: one `VehicleCut` per vehicle in the
order of their identifiers, the same from one process or several.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import POSITIONS
from fleet_carbon.legs.columns import VehicleLegs
from fleet_carbon.legs.drivers import DriverBook, DriverRecord
from fleet_carbon.legs.orders import OrderBook, Orders
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.periods import Month, to_epoch_ms
from fleet_carbon.storage.unit_of_work import UnitOfWork
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import TraceRules, read_trace

CLOCK_FUTURE = "clock_future"
_MS_PER_H = 3_600_000
_BATCH_FIXES_MAX = 2_000_000


@dataclass(frozen=True)
class Rules:
    """The thresholds of the edition that the jobs need."""

    traces: TraceRules
    legs: LegRules


@dataclass(frozen=True)
class Records:
    """The records of a fleet as they were when the close began.

    Attributes
    ----------
    vehicles, drivers, assignments, orders, baselines, energy : DataFrame
        Tables of the house, rows in force; `orders` are those of the window.
    """

    vehicles: pd.DataFrame
    drivers: pd.DataFrame
    assignments: pd.DataFrame
    orders: pd.DataFrame
    baselines: pd.DataFrame
    energy: pd.DataFrame

    @cached_property
    def truck_rows(self) -> dict[str, Any]:
        """The row of each truck, found once: a fleet may have thousands."""
        return {str(row.vehicle_id): row for row in self.vehicles.itertuples()}

    @cached_property
    def order_book(self) -> OrderBook:
        """The orders truck by truck."""
        return OrderBook.from_frame(self.orders)

    @cached_property
    def driver_book(self) -> DriverBook:
        """Who drove, truck by truck."""
        return DriverBook.from_frames(self.assignments, self.drivers)


@dataclass(frozen=True)
class VehicleJob:
    """Everything needed to cut the legs of one vehicle, and nothing else."""

    truck: TruckFacts
    fixes: Fixes
    fixes_ahead_of_clock_count: int
    orders: Orders
    drivers: DriverRecord
    month: Month
    rules: Rules


@dataclass(frozen=True)
class VehicleCut:
    """What came of one vehicle.

    Attributes
    ----------
    vehicle_id : str
        Truck.
    legs : VehicleLegs
        Its legs, what was aboard, and what became of its orders.
    fixes_count, fixes_in_month_count : int
        Fixes read in the window; those of them that lie in the month itself.
    dropped : dict of str to int
        Fixes dropped by reason.
    trace_version : str
        Digest of the fixes.
    """

    vehicle_id: str
    legs: VehicleLegs
    fixes_count: int
    fixes_in_month_count: int
    dropped: dict[str, int]
    trace_version: str


def read_records(work: UnitOfWork, window: tuple[datetime, datetime]) -> Records:
    """The records in force, orders limited to those planned inside the window."""
    orders = work.orders.in_force()
    reaches_in = (orders["delivery_time"] >= window[0]) & (orders["pickup_time"] < window[1])
    return Records(
        vehicles=work.register.read("vehicles"),
        drivers=work.register.read("drivers"),
        assignments=work.register.read("assignments"),
        orders=orders[reaches_in].reset_index(drop=True),
        baselines=work.register.read("baselines"),
        energy=work.register.read("energy"),
    )


def vehicle_jobs(
    work: UnitOfWork, records: Records, *, month: Month, rules: Rules
) -> Iterator[VehicleJob]:
    """One job per vehicle with positions in the window, then those that only have orders."""
    begins, ends = month.widened(round(rules.legs.window_margin_days))
    ahead_ms_max = round(rules.traces.clock_ahead_h_max * _MS_PER_H)
    seen: set[str] = set()
    for batch in work.traces.batches(
        to_epoch_ms(begins), to_epoch_ms(ends), fixes_max=_BATCH_FIXES_MAX
    ):
        for found in batch.read():
            seen.add(found.vehicle_id)
            is_possible = found.columns["time_ms"] <= found.received_ms + ahead_ms_max
            fixes = Fixes.from_columns(found.columns)
            possible = fixes if is_possible.all() else fixes.take(is_possible)
            yield _job(
                found.vehicle_id,
                possible,
                len(fixes) - len(possible),
                records=records,
                month=month,
                rules=rules,
            )
    without_positions = sorted(set(records.orders["vehicle_id"]) - seen)
    nothing = Fixes.from_frame(POSITIONS.empty())
    for vehicle_id in without_positions:
        yield _job(vehicle_id, nothing, 0, records=records, month=month, rules=rules)


def cut_vehicle(job: VehicleJob) -> VehicleCut:
    """Cut the legs of one vehicle: a pure function of its job."""
    trace = read_trace(job.fixes, job.rules.traces)
    cut = cut_legs(
        trace,
        truck=job.truck,
        orders=job.orders,
        drivers=job.drivers,
        month=job.month,
        rules=job.rules.legs,
    )
    dropped = dict(trace.dropped)
    if job.fixes_ahead_of_clock_count:
        dropped[CLOCK_FUTURE] = dropped.get(CLOCK_FUTURE, 0) + job.fixes_ahead_of_clock_count
    return VehicleCut(
        vehicle_id=job.truck.vehicle_id,
        legs=cut,
        fixes_count=len(job.fixes) + job.fixes_ahead_of_clock_count,
        fixes_in_month_count=_count_inside(job.fixes, job.month),
        dropped=dropped,
        trace_version=trace.version,
    )


def _count_inside(fixes: Fixes, month: Month) -> int:
    begins_ms, ends_ms = to_epoch_ms(month.starts_at), to_epoch_ms(month.ends_at)
    return int(((fixes.time_ms >= begins_ms) & (fixes.time_ms < ends_ms)).sum())


def _job(
    vehicle_id: str,
    fixes: Fixes,
    fixes_ahead_of_clock_count: int,
    *,
    records: Records,
    month: Month,
    rules: Rules,
) -> VehicleJob:
    vehicle = records.truck_rows.get(vehicle_id)
    if vehicle is None:
        raise InputRefused(
            "vehicle_unknown",
            f"Vehicle {vehicle_id!r} has positions or orders on record but is not registered.",
            "Ingest the vehicle with `ingest vehicles`, then close the month again.",
        )
    curb_mass_t = vehicle.curb_mass_t
    return VehicleJob(
        truck=TruckFacts(
            vehicle_id=vehicle_id,
            rated_payload_t=float(vehicle.rated_payload_t),
            curb_mass_t=None if pd.isna(curb_mass_t) else float(curb_mass_t),
        ),
        fixes=fixes,
        fixes_ahead_of_clock_count=fixes_ahead_of_clock_count,
        orders=records.order_book.of_vehicle(vehicle_id),
        drivers=records.driver_book.of_vehicle(vehicle_id),
        month=month,
        rules=rules,
    )
