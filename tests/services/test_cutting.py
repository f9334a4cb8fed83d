"""Jobs of neighbouring trucks: what is left out before a trace is read, and who usually drives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fleet_carbon.engine import Way
from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ASSIGNMENTS, BASELINES, DRIVERS, ENERGY, ORDERS, VEHICLES
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.periods import parse_month, to_epoch_ms
from fleet_carbon.quantification.editions import edition_in_force, fill_rules
from fleet_carbon.services.months import cutting
from fleet_carbon.services.months.cut_tables import CutTables, unpacked
from fleet_carbon.services.months.records import Records
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.batches import VehicleFixes
from fleet_carbon.storage.cuts import CutShelf
from fleet_carbon.traces.levels import LevelRules
from fleet_carbon.traces.lookouts import LookoutRules
from fleet_carbon.traces.trace import TraceRules

MONTH = parse_month("2025-03", ZoneInfo("Asia/Shanghai"))
RECEIVED_AT = datetime(2025, 3, 10, 6, 0, tzinfo=UTC)


class Work:
    """A unit of work that holds the fixes of one truck and nothing else."""

    vehicle_ids = ("V1",)
    fixes_count_max = 2

    def __init__(self, moments: list[datetime]) -> None:
        self.traces = self
        self._moments = moments

    def batches(self, *_: int, fixes_max: int, **_at: object) -> list[Any]:
        assert fixes_max > 0
        return [self]

    def only(self, vehicle_ids: list[str]) -> Work:
        assert vehicle_ids == ["V1"]
        return self

    def marks(self, *_: int, **_at: object) -> dict[str, str]:
        return {"V1": "mark"}

    def read(self) -> Iterator[VehicleFixes]:
        columns = {
            "time_ms": np.array([to_epoch_ms(moment) for moment in self._moments]),
            "lon_udeg": np.full(len(self._moments), 105_000_000, dtype=np.int32),
            "lat_udeg": np.full(len(self._moments), 30_000_000, dtype=np.int32),
        }
        yield VehicleFixes("V1", columns, to_epoch_ms(RECEIVED_AT))


def cut(work: Any, held: Records, rules: cutting.Rules, shelf: Path) -> CutTables:
    plan = cutting.plan_cuts(work, held, record_digests={}, month=MONTH, rules=rules)
    parts = cutting.cut_rows(plan, CutShelf(shelf), way=Way(), progress=Silent())
    return unpacked(pa.concat_tables([part.rows for part in parts]))


@pytest.fixture(scope="module")
def rules() -> cutting.Rules:
    edition = edition_in_force(Settings().models_dir, MONTH.first_day)
    return cutting.Rules(
        fill_rules(edition, "traces", TraceRules),
        fill_rules(edition, "legs", LegRules),
        fill_rules(edition, "receipts", LookoutRules, group="lookouts"),
        fill_rules(edition, "receipts", LevelRules, group="levels"),
    )


def records(drivers: list[dict[str, Any]], orders: pd.DataFrame | None = None) -> Records:
    vehicles = pd.DataFrame(
        [{"vehicle_id": name, "rated_payload_t": 20.0, "energy": "diesel"} for name in ("V1", "V2")]
    )
    return Records(
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
    rules: cutting.Rules, ahead: timedelta, kept: int, tmp_path: Path
) -> None:
    work = Work([RECEIVED_AT - timedelta(minutes=1), RECEIVED_AT + ahead])
    (facts,) = cut(work, records([]), rules, tmp_path).facts
    assert facts.fixes_count == 2
    assert facts.dropped.get(cutting.CLOCK_FUTURE, 0) == 1 - kept


def test_a_truck_with_orders_and_no_positions_is_told_of_all_the_same(
    rules: cutting.Rules, tmp_path: Path
) -> None:
    order = {
        "order_id": "O1", "vehicle_id": "V2", "cargo_t": 1.0, "version": 1,
        "pickup_lon": 105.0, "pickup_lat": 30.0, "delivery_lon": 105.0, "delivery_lat": 30.5,
        "pickup_time": RECEIVED_AT, "delivery_time": RECEIVED_AT, "status": "accepted",
        "weight_source": "declared", "pickup_uncertainty_km": 0.0, "delivery_uncertainty_km": 0.0,
    }  # fmt: skip
    held = records([], ORDERS.shape(pd.DataFrame([order])))
    found = cut(Work([RECEIVED_AT]), held, rules, tmp_path)
    assert [(one.vehicle_id, one.fixes_count) for one in found.facts] == [("V1", 1), ("V2", 0)]
    assert found.order_results["reason_code"].tolist() == ["no_positions"]


def test_a_fill_that_the_level_of_the_tank_tells_comes_with_the_legs(
    rules: cutting.Rules, tmp_path: Path
) -> None:
    class Tank(Work):
        def read(self) -> Iterator[VehicleFixes]:
            (fixes,) = super().read()
            step = np.arange(len(self._moments))
            # An hour of driving a kilometre a minute, an hour at a station, an hour of driving.
            way = np.interp(step, [0, 60, 120, 180], [0, 600_000, 600_000, 1_200_000])
            fixes.columns["lon_udeg"] += way.astype("i4")
            fixes.columns["fuel_level_l"] = np.where(step < 90, 150.0, 550.0)
            yield fixes

    begins_at = RECEIVED_AT - timedelta(hours=3)
    work = Tank([begins_at + timedelta(minutes=minute) for minute in range(181)])
    [fill] = cut(work, records([]), rules, tmp_path).level_changes.to_dict("records")
    assert (fill["vehicle_id"], fill["change_l"]) == ("V1", 400.0)
    assert fill["started_at"] <= begins_at + timedelta(minutes=90) <= fill["finished_at"]
    assert fill["lon"] == pytest.approx(105.6, abs=0.001)


def test_a_truck_that_is_not_registered_is_refused_by_name(
    rules: cutting.Rules, tmp_path: Path
) -> None:
    held = replace(records([]), vehicles=VEHICLES.empty())
    with pytest.raises(InputRefused) as refused:
        cut(Work([RECEIVED_AT]), held, rules, tmp_path)
    assert refused.value.code == "vehicle_unknown"
    assert "'V1'" in refused.value.message


def test_a_truck_that_two_drivers_call_theirs_has_no_usual_driver() -> None:
    one, other = ({"driver_id": name, "vehicle_id": "V1"} for name in ("D1", "D2"))
    assert usual_driver_of("V1", [one]) == "D1"
    assert usual_driver_of("V1", [one, other]) is None
    assert usual_driver_of("V2", [one]) is None


def usual_driver_of(vehicle_id: str, drivers: list[dict[str, Any]]) -> str | None:
    held = records(drivers)
    book = DriverBook.from_frames(held.assignments, held.drivers)
    return book.of_vehicle(vehicle_id).usual_driver_id
