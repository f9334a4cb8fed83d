"""Jobs of one truck each: what is left out before a trace is read, and who usually drives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.frames import ASSIGNMENTS, BASELINES, DRIVERS, ENERGY, ORDERS, VEHICLES
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.tables import gather
from fleet_carbon.periods import parse_month, to_epoch_ms
from fleet_carbon.quantification.editions import edition_in_force, fill_rules
from fleet_carbon.services import cutting
from fleet_carbon.settings import Settings
from fleet_carbon.storage.batches import VehicleFixes
from fleet_carbon.traces.trace import TraceRules

MONTH = parse_month("2025-03", ZoneInfo("Asia/Shanghai"))
RECEIVED_AT = datetime(2025, 3, 10, 6, 0, tzinfo=UTC)


class Work:
    """A unit of work that holds the fixes of one truck and nothing else."""

    def __init__(self, moments: list[datetime]) -> None:
        self.traces = self
        self._moments = moments

    def batches(self, *_: int, fixes_max: int) -> list[Any]:
        assert fixes_max > 0
        return [self]

    def read(self) -> Iterator[VehicleFixes]:
        columns = {
            "time_ms": np.array([to_epoch_ms(moment) for moment in self._moments]),
            "lon_udeg": np.full(len(self._moments), 105_000_000, dtype=np.int32),
            "lat_udeg": np.full(len(self._moments), 30_000_000, dtype=np.int32),
        }
        yield VehicleFixes("V1", columns, to_epoch_ms(RECEIVED_AT))


@pytest.fixture(scope="module")
def rules() -> cutting.Rules:
    edition = edition_in_force(Settings().models_dir, MONTH.first_day)
    return cutting.Rules(
        fill_rules(edition, "traces", TraceRules), fill_rules(edition, "legs", LegRules)
    )


def records(drivers: list[dict[str, Any]], orders: pd.DataFrame | None = None) -> cutting.Records:
    vehicles = pd.DataFrame(
        [{"vehicle_id": name, "rated_payload_t": 20.0, "energy": "diesel"} for name in ("V1", "V2")]
    )
    return cutting.Records(
        vehicles=VEHICLES.shape(vehicles),
        drivers=DRIVERS.shape(pd.DataFrame(drivers, columns=DRIVERS.names)),
        assignments=ASSIGNMENTS.empty(),
        orders=ORDERS.empty() if orders is None else orders,
        baselines=BASELINES.empty(),
        energy=ENERGY.empty(),
    )


@pytest.mark.parametrize(
    ("ahead", "kept"), [(timedelta(hours=24), 1), (timedelta(hours=24, milliseconds=1), 0)]
)
def test_a_fix_more_than_a_day_ahead_of_its_arrival_is_dropped_and_counted(
    rules: cutting.Rules, ahead: timedelta, kept: int
) -> None:
    work: Any = Work([RECEIVED_AT - timedelta(minutes=1), RECEIVED_AT + ahead])
    (job,) = cutting.vehicle_jobs(work, records([]), month=MONTH, rules=rules)
    assert len(job.fixes) == 1 + kept
    cut = cutting.cut_vehicle(job)
    assert cut.fixes_count == 2
    assert cut.dropped.get(cutting.CLOCK_FUTURE, 0) == 1 - kept


def test_a_truck_with_orders_and_no_positions_has_a_job_of_its_own(rules: cutting.Rules) -> None:
    order = {
        "order_id": "O1", "vehicle_id": "V2", "cargo_t": 1.0, "version": 1,
        "pickup_lon": 105.0, "pickup_lat": 30.0, "delivery_lon": 105.0, "delivery_lat": 30.5,
        "pickup_time": RECEIVED_AT, "delivery_time": RECEIVED_AT, "status": "accepted",
        "weight_source": "declared", "pickup_uncertainty_km": 0.0, "delivery_uncertainty_km": 0.0,
    }  # fmt: skip
    work: Any = Work([RECEIVED_AT])
    held = records([], ORDERS.shape(pd.DataFrame([order])))
    jobs = list(cutting.vehicle_jobs(work, held, month=MONTH, rules=rules))
    assert [(job.truck.vehicle_id, len(job.fixes), len(job.orders)) for job in jobs] == [
        ("V1", 1, 0),
        ("V2", 0, 1),
    ]
    tables = gather([cutting.cut_vehicle(jobs[1]).legs])
    assert tables.order_results["reason_code"].tolist() == ["no_positions"]


def test_a_truck_that_two_drivers_call_theirs_has_no_usual_driver() -> None:
    one, other = ({"driver_id": name, "vehicle_id": "V1"} for name in ("D1", "D2"))
    assert usual_driver_of("V1", [one]) == "D1"
    assert usual_driver_of("V1", [one, other]) is None
    assert usual_driver_of("V2", [one]) is None


def usual_driver_of(vehicle_id: str, drivers: list[dict[str, Any]]) -> str | None:
    return records(drivers).driver_book.of_vehicle(vehicle_id).usual_driver_id
