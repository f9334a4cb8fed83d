"""Tables of many trucks at once are those of each truck, one after the other."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from fleet_carbon import frames
from fleet_carbon.legs.columns import VehicleLegs
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.orders import OrderBook
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.legs.tables import gather
from fleet_carbon.traces.trace import read_trace
from tests.builders import LEG_RULES, SEPTEMBER, TRACE_RULES, Truck, framed, order, shaped


def cut(vehicle_id: str, truck: Truck, orders: list[dict[str, object]]) -> VehicleLegs:
    rows = [row | {"vehicle_id": vehicle_id} for row in orders]
    drivers = DriverBook.from_frames(frames.ASSIGNMENTS.empty(), frames.DRIVERS.empty())
    return cut_legs(
        truck.trace() if truck.rows else read_trace(truck.fixes().take(slice(0, 0)), TRACE_RULES),
        truck=TruckFacts(vehicle_id, 30.0),
        orders=OrderBook.from_frame(shaped(frames.ORDERS, rows)).of_vehicle(vehicle_id),
        drivers=drivers.of_vehicle(vehicle_id),
        month=SEPTEMBER,
        rules=LEG_RULES,
    )


def three_trucks() -> list[VehicleLegs]:
    there = Truck().stand(1.0).drive_to(100.0).stand(0.5).drive_to(120.0).stand(1.0)
    two = [
        order("A", 0, 120, hours=(0.9, 4.0), cargo_t=8.0),
        order("B", 0, 100, hours=(0.5, 3.0), cargo_t=5.0),
    ]
    back = Truck().stand(1.0).drive_to(50.0).stand(1.0)
    never_seen = Truck()
    return [
        cut("V2", there, two),
        cut("V1", never_seen, [order("N", 0, 1, hours=(1, 2))]),
        cut("V3", back, [order("X", 0, 50, hours=(1, 2), status="cancelled")]),
    ]


def test_many_trucks_at_once_make_the_rows_of_each_in_the_order_given() -> None:
    trucks = three_trucks()
    together, alone = framed(gather(trucks)), [framed(gather([one])) for one in trucks]
    for name in ("legs", "leg_orders", "order_results"):
        parts = [getattr(one, name) for one in alone if len(getattr(one, name))]
        expected = pd.concat(parts, ignore_index=True)
        pd.testing.assert_frame_equal(getattr(together, name), expected)
    assert together.legs["vehicle_id"].drop_duplicates().tolist() == ["V2", "V3"]
    assert together.order_results["vehicle_id"].tolist() == ["V2", "V2", "V1", "V3"]


def test_tables_have_the_form_of_the_contract_even_without_a_row() -> None:
    empty, full = gather([]), gather(three_trucks())
    for name in ("legs", "leg_orders", "order_results"):
        assert len(getattr(empty, name)) == 0
        assert getattr(empty, name).schema == getattr(full, name).schema


def test_each_leg_names_the_bytes_it_came_from() -> None:
    truck = three_trucks()[0]
    legs = gather([replace(truck, trace_version="0123456789abcdef")]).legs
    assert set(legs["trace_version"].to_pylist()) == {"0123456789abcdef"}


def test_a_table_says_which_required_column_lacks_a_value() -> None:
    full = gather(three_trucks()).legs
    given = {name: full.column(name).combine_chunks() for name in full.column_names}
    assert frames.LEGS.table(given) == full
    given["state"] = pa.array([None] * full.num_rows, pa.large_string())
    with pytest.raises(ValueError, match=r"legs\.state"):
        frames.LEGS.table(given)
