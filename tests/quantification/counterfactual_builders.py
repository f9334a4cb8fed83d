"""Earlier lanes and accounts in code, for counterfactuals that can be checked by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fleet_carbon.frames import DRIVERS, LANES, ORDERS
from fleet_carbon.periods import Month
from fleet_carbon.quantification.baseline import BaselineRecords
from fleet_carbon.quantification.counterfactual import Baseline, BaselineRules
from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.fuel import TruckFuel, fuel_of_truck
from fleet_carbon.quantification.lanes import Driven
from tests.quantification.account_builders import EDITION, MONTH, START, TRUCK, history, vehicles

RULES = fill_rules(EDITION, "baseline", BaselineRules)
TRUCKS: dict[str, TruckFuel] = {"T1": fuel_of_truck(TRUCK, EDITION)}
ORDER_COLUMNS = (
    "driver_id", "vehicle_id", "order_id", "great_circle_km", "cargo_t", "loaded_km", "empty_km",
    "unknown_km", "transport_work_tkm",
)  # fmt: skip


def lane(driver_id: str = "D1", **given: Any) -> dict[str, Any]:
    """A month on one lane: 6,000 km loaded at half of 30 t, 4,000 km empty: r = 2/3, u = 0.5."""
    fields = {
        "month": "2025-11", "driver_id": driver_id, "vehicle_id": "T1",
        "vehicle_class": "tractor_trailer", "origin": "N30E113", "destination": "N30E114",
        "distance_band": "short", "orders_count": 20, "loaded_km": 6_000.0, "empty_km": 4_000.0,
        "unknown_km": 0.0, "transport_work_tkm": 90_000.0, "capacity_tkm": 180_000.0,
    }  # fmt: skip
    return {**fields, **given}


def lanes(*rows: dict[str, Any]) -> pd.DataFrame:
    return LANES.shape(pd.DataFrame(list(rows))) if rows else LANES.empty()


def placed(order_id: str, **given: float) -> dict[str, Any]:
    """An order from a cell to its eastern neighbour, those of `lane`."""
    fields = {
        "order_id": order_id, "vehicle_id": "T1", "cargo_t": 20.0, "pickup_lon": 113.5,
        "pickup_lat": 30.5, "delivery_lon": 114.5, "delivery_lat": 30.5, "pickup_time": START,
        "delivery_time": START, "weight_source": "declared", "status": "accepted",
        "pickup_uncertainty_km": 0.0, "delivery_uncertainty_km": 0.0, "version": 1,
    }  # fmt: skip
    return {**fields, **given}


def order_places(*rows: dict[str, Any]) -> pd.DataFrame:
    return ORDERS.shape(pd.DataFrame(list(rows)))


def joined(**on: str | None) -> pd.DataFrame:
    """Drivers with the days on which they joined."""
    rows = [{"driver_id": driver_id, "joined_on": day} for driver_id, day in on.items()]
    return DRIVERS.shape(pd.DataFrame(rows, columns=["driver_id", "joined_on"]))


def driven(*rows: dict[str, Any], orders: tuple[dict[str, Any], ...] = ()) -> Driven:
    """What was driven in the month accounted: lanes, and orders of 10 t by default."""
    fields = {
        "driver_id": "D1", "vehicle_id": "T1", "great_circle_km": 100.0, "cargo_t": 10.0,
        "loaded_km": 100.0, "empty_km": 0.0, "unknown_km": 0.0, "transport_work_tkm": 1_000.0,
    }  # fmt: skip
    of_orders = [{**fields, "order_id": f"O{at}", **row} for at, row in enumerate(orders)]
    table = pd.DataFrame(of_orders, columns=list(ORDER_COLUMNS))
    return Driven(table, lanes(*({"month": str(MONTH), **row} for row in rows)))


def records(
    lines: pd.DataFrame,
    *,
    drivers: pd.DataFrame,
    month: Month = MONTH,
    earlier: pd.DataFrame | None = None,
    before: pd.DataFrame | None = None,
    trucks: dict[str, TruckFuel] | None = None,
    register: pd.DataFrame | None = None,
) -> BaselineRecords:
    return BaselineRecords(
        month=month,
        vehicles=vehicles() if register is None else register,
        drivers=drivers,
        baselines=lines,
        history=history() if earlier is None else earlier,
        lanes=lanes() if before is None else before,
        fuels=TRUCKS if trucks is None else trucks,
        edition=EDITION,
    )


def by_source(baselines: tuple[Baseline, ...]) -> dict[str, Baseline]:
    return {baseline.source: baseline for baseline in baselines}
