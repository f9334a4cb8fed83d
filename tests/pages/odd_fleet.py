"""A fleet of what pages and papers must bear: long names, no names, nothing, less than nothing.

On the road of the tiny fleet, in December 2024 (with half of it) and in March 2025:

- D1 张三 drives V1 as there; one order more is found nowhere, one is cancelled;
- D2 has a name of fifteen characters and two trucks, V2 and V3;
- D3 wastes: by his baseline he hardly ever ran empty, so that his saving is negative;
- D4 is on record and never drives; D5 drives V5 without an order and without a name;
- D6, a name with signs of HTML, drove V6 in December alone; who drives V7 is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from fleet_carbon.services.intake.pricing import PriceRequest
from tests.services.tiny_fleet import (
    STARTS_AT,
    Rows,
    TinyFleet,
    beside,
    northward_order,
    shuttle,
)

DECEMBER = "2024-12"
LONG_NAME = "古丽娜尔·阿卜杜热合曼·买买提"
NAMES = {
    "D1": "张三",
    "D2": LONG_NAME,
    "D3": "欧阳修远",
    "D4": "李四",
    "D5": "",
    "D6": "O'Brien <王> & Söhne",
}
PLATES = {
    1: "京A12345",
    2: "粤BD12345",
    3: "新A88888挂",
    4: "沪C99999",
    5: "",
    6: "川A67890",
    7: "藏A00001",
}
SHIPPER = "远东国际物流供应链管理（上海）股份有限公司"
PRICES = (
    PriceRequest("CEA", "91.5", "CNY", "t", "2024-01-01"),
    PriceRequest("diesel", "7.35", "CNY", "l", "2024-01-01"),
)
_USUAL_TRUCKS = {"D1": "V1", "D2": "V2", "D3": "V4", "D5": "V5", "D6": "V6"}
_WITHOUT_ORDERS = (5, 7)


class _Drives(NamedTuple):
    n: int
    count: int
    starts_at: datetime


_DRIVES = (
    *(_Drives(n, 1, datetime(2024, 12, 10, tzinfo=UTC)) for n in (1, 6)),
    *(_Drives(n, 3, STARTS_AT) for n in (1, 2, 4, 5, 7)),
    _Drives(3, 3, STARTS_AT + timedelta(days=5)),
)


@dataclass
class OddFleet(TinyFleet):
    """With who drives a second truck."""

    assignments: Rows = field(default_factory=list)


def odd_fleet() -> OddFleet:
    """Its files."""
    fleet = OddFleet()
    truck, baseline = fleet.vehicles[0], fleet.baselines[0] | {"valid_from": "2024-01-01"}
    fleet.vehicles = [
        truck | {"vehicle_id": f"V{n}", "plate": plate} for n, plate in PLATES.items()
    ]
    fleet.drivers = [
        {"driver_id": driver_id, "name": name, "vehicle_id": _USUAL_TRUCKS.get(driver_id, "")}
        for driver_id, name in NAMES.items()
    ]
    fleet.baselines = [baseline | {"driver_id": driver_id} for driver_id in ("D1", "D2", "D6")]
    fleet.baselines.append(
        baseline | {"driver_id": "D3", "empty_share": 0.01, "payload_utilisation_share": 0.95}
    )
    fleet.orders = [
        *(order for drives in _DRIVES for order in _orders(drives)),
        northward_order("M-NOWHERE", 0, delivery_lat=31.9),
        northward_order("M-CANCELLED", 2, status="cancelled"),
    ]
    fleet.positions = [
        fix
        for one in _DRIVES
        for fix in shuttle(
            one.count, vehicle_id=f"V{one.n}", lon=beside(one.n), starts_at=one.starts_at
        )
    ]
    fleet.assignments = [{"driver_id": "D2", "vehicle_id": "V3", "from": "2025-01-01T00:00:00Z"}]
    return fleet


def _orders(drives: _Drives) -> Rows:
    """An order for each drive to the north."""
    moved = drives.starts_at - STARTS_AT
    orders = [
        northward_order(
            f"{drives.starts_at:%y%m}-{drives.n}-{drive}",
            drive,
            vehicle_id=f"V{drives.n}",
            pickup_lon=beside(drives.n),
            delivery_lon=beside(drives.n),
            shipper_id=SHIPPER if drives.n == 1 else f"客户{drives.n}",
        )
        for drive in range(0, drives.count, 2)
        if drives.n not in _WITHOUT_ORDERS
    ]
    for order in orders:
        for name in ("pickup_time", "delivery_time"):
            order[name] = (datetime.fromisoformat(str(order[name])) + moved).isoformat()
    return orders
