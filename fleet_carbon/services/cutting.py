"""From stored fixes to legs, one vehicle after the other: jobs that share nothing.

In: the records of a fleet and the months' window. Out: one `VehicleCut` per vehicle in the
order of their identifiers, the same from one process or several.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import POSITIONS
from fleet_carbon.legs.drivers import DriverRecord
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.periods import Month, to_epoch_ms
from fleet_carbon.storage.unit_of_work import UnitOfWork
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import TraceRules, read_trace

CLOCK_FUTURE = "clock_future"
_MS_PER_H = 3_600_000


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
    def _by_vehicle(self) -> dict[str, dict[str, pd.DataFrame]]:
        """Rows of each truck, found once: a fleet may have thousands."""
        return {
            name: {str(key): rows for key, rows in getattr(self, name).groupby("vehicle_id")}
            for name in ("vehicles", "drivers", "assignments", "orders")
        }

    def of_vehicle(self, name: str, vehicle_id: str) -> pd.DataFrame:
        """Rows of one truck among the vehicles, drivers, assignments or orders."""
        rows = self._by_vehicle[name].get(vehicle_id)
        return getattr(self, name).iloc[:0] if rows is None else rows.reset_index(drop=True)

    def usual_driver_of(self, vehicle_id: str) -> str | None:
        """The driver whose usual truck this is; none if two claim it, for nobody can tell."""
        claims = self.of_vehicle("drivers", vehicle_id)["driver_id"]
        return str(claims.iloc[0]) if len(claims) == 1 else None


@dataclass(frozen=True)
class VehicleJob:
    """Everything needed to cut the legs of one vehicle, and nothing else."""

    truck: TruckFacts
    fixes: Fixes
    fixes_ahead_of_clock_count: int
    orders: pd.DataFrame
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
    legs, leg_orders, order_results : DataFrame
        Tables of the house, without diesel.
    fixes_count, fixes_in_month_count : int
        Fixes read in the window; those of them that lie in the month itself.
    dropped : dict of str to int
        Fixes dropped by reason.
    trace_version : str
        Digest of the fixes.
    """

    vehicle_id: str
    legs: pd.DataFrame
    leg_orders: pd.DataFrame
    order_results: pd.DataFrame
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
    for vehicle_id, positions in work.traces.read_by_vehicle(
        to_epoch_ms(begins), to_epoch_ms(ends)
    ):
        seen.add(vehicle_id)
        latest_ms = positions["received_ms"] + ahead_ms_max
        is_possible = (positions["time_ms"] <= latest_ms).to_numpy(dtype=bool)
        yield _job(vehicle_id, positions, is_possible, records=records, month=month, rules=rules)
    without_positions = sorted(set(records.orders["vehicle_id"]) - seen)
    nothing, none = POSITIONS.empty(), np.zeros(0, dtype=bool)
    for vehicle_id in without_positions:
        yield _job(vehicle_id, nothing, none, records=records, month=month, rules=rules)


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
        legs=cut.legs,
        leg_orders=cut.leg_orders,
        order_results=cut.order_results,
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
    positions: pd.DataFrame,
    is_possible: NDArray[np.bool_],
    *,
    records: Records,
    month: Month,
    rules: Rules,
) -> VehicleJob:
    possible = positions.loc[is_possible]
    registered = records.of_vehicle("vehicles", vehicle_id)
    if registered.empty:
        raise InputRefused(
            "vehicle_unknown",
            f"Vehicle {vehicle_id!r} has positions or orders on record but is not registered.",
            "Ingest the vehicle with `ingest vehicles`, then close the month again.",
        )
    vehicle = registered.iloc[0]
    curb_mass_t = vehicle["curb_mass_t"]
    return VehicleJob(
        truck=TruckFacts(
            vehicle_id=vehicle_id,
            rated_payload_t=float(vehicle["rated_payload_t"]),
            curb_mass_t=None if pd.isna(curb_mass_t) else float(curb_mass_t),
        ),
        fixes=Fixes.from_frame(possible),
        fixes_ahead_of_clock_count=len(positions) - len(possible),
        orders=records.of_vehicle("orders", vehicle_id),
        drivers=DriverRecord(
            assignments=records.of_vehicle("assignments", vehicle_id),
            usual_driver_id=records.usual_driver_of(vehicle_id),
        ),
        month=month,
        rules=rules,
    )
