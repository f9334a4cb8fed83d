"""Orders and drivers of many trucks: each truck gets its own, and a book can be taken apart."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from fleet_carbon import frames
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.orders import OrderBook, Orders
from tests.builders import START, order, shaped

ORDERS = [
    order("B2", 0, 100, hours=(5, 6), vehicle_id="B"),
    order("A1", 0, 100, hours=(1, 3), vehicle_id="A", status="cancelled"),
    order("B1", 0, 100, hours=(5, 6), vehicle_id="B"),
    order("B3", 0, 100, hours=(1, 2), vehicle_id="B", status="cancelled", driver_id="D"),
    order("B0", 0, 100, hours=(7, 8), vehicle_id="B"),
    order("C1", 0, 100, hours=(1, 2), vehicle_id="C"),
]


def book() -> OrderBook:
    return OrderBook.from_frame(shaped(frames.ORDERS, ORDERS))


def test_a_truck_gets_its_orders_by_plan_with_the_cancelled_ones_behind() -> None:
    found = book().of_vehicle("B")
    assert found.rows.order_id.tolist() == ["B1", "B2", "B0", "B3"]
    assert found.active.order_id.tolist() == ["B1", "B2", "B0"]
    assert found.rows.driver_id.tolist() == [None, None, None, "D"]
    hours = (found.active.plans.planned_ms - START.timestamp() * 1000) / 3.6e6
    assert hours.tolist() == [[5, 6], [5, 6], [7, 8]]
    assert len(book().of_vehicle("A").active) == 0
    assert len(book().of_vehicle("nobody")) == 0


def texts(found: Orders) -> tuple[list[str], int]:
    return found.rows.order_id.tolist(), found.active_count


def test_a_part_of_the_book_says_the_same_of_its_trucks_and_nothing_of_others() -> None:
    part = pickle.loads(pickle.dumps(book().of_vehicles(["C", "B", "nobody"])))
    for vehicle_id in ("B", "C"):
        assert texts(part.of_vehicle(vehicle_id)) == texts(book().of_vehicle(vehicle_id))
    assert len(part.of_vehicle("A")) == 0
    assert len(book().of_vehicles([]).of_vehicle("A")) == 0


def test_a_book_without_orders_is_empty() -> None:
    assert len(OrderBook.from_frame(frames.ORDERS.empty()).of_vehicle("A")) == 0


def test_great_circles_are_those_of_the_ellipsoid() -> None:
    # On the equator a degree is a pi / 180 with a = 6,378.137 km (WGS-84): 111.3195 km. From the
    # equator to a degree north the meridian is 110.5744 km long (a (1 - e2) pi / 180 there).
    places = {"pickup_lon": 100.0, "pickup_lat": 0.0}
    rows = [
        order("E", 0, 0, hours=(1, 2)) | places | {"delivery_lon": 101.0, "delivery_lat": 0.0},
        order("N", 0, 0, hours=(3, 4)) | places | {"delivery_lon": 100.0, "delivery_lat": 1.0},
    ]
    found = OrderBook.from_frame(shaped(frames.ORDERS, rows)).of_vehicle("V1")
    assert found.active.plans.great_circle_km.tolist() == pytest.approx([111.3195, 110.5744], 1e-6)


def assignment(driver: str, vehicle: str, hours: tuple[float, float | None]) -> dict[str, object]:
    start = pd.Timestamp(START)
    until = None if hours[1] is None else start + pd.Timedelta(hours=hours[1])
    return {
        "driver_id": driver,
        "vehicle_id": vehicle,
        "assigned_from": start + pd.Timedelta(hours=hours[0]),
        "assigned_until": until,
    }


ASSIGNMENTS = [
    assignment("D3", "B", (1, 2)),
    assignment("D2", "A", (5, None)),
    assignment("D1", "A", (1, None)),
]
DRIVERS = [
    {"driver_id": "D1", "vehicle_id": "A"},
    {"driver_id": "D2", "vehicle_id": "C"},
    {"driver_id": "D3", "vehicle_id": "C"},
    {"driver_id": "D4"},
]


def test_an_open_assignment_lasts_until_the_next_of_its_truck() -> None:
    drivers = DriverBook.from_frames(
        shaped(frames.ASSIGNMENTS, ASSIGNMENTS), shaped(frames.DRIVERS, DRIVERS)
    )
    found = drivers.of_vehicle("A")
    assert found.driver_id.tolist() == ["D1", "D2"]
    hours = (np.array([found.from_ms, found.until_ms]) - START.timestamp() * 1000) / 3.6e6
    assert hours[:, 0].tolist() == [1, 5]
    assert hours[1, 1] > 1e6
    assert found.usual_driver_id == "D1"
    assert drivers.of_vehicle("C").usual_driver_id is None
    part = pickle.loads(pickle.dumps(drivers.of_vehicles(["B", "C"])))
    assert part.of_vehicle("B").driver_id.tolist() == ["D3"]
    assert len(part.of_vehicle("A").driver_id) == 0
    assert part.of_vehicle("A").usual_driver_id is None
    assert len(drivers.of_vehicles([]).of_vehicle("A").from_ms) == 0
