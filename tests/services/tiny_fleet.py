"""A fleet small enough to check by hand: one truck shuttles along a meridian in March 2025.

Two yards on the meridian 105 E, half a degree of latitude apart: YARD_KM by the WGS-84 ellipsoid
(Karney 2013, as in geographiclib). The truck stands 40 minutes at each yard and drives at 60 km/h,
with a fix every 30 seconds.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from geographiclib.geodesic import Geodesic

MONTH = "2025-03"
LON = 105.0
SOUTH_LAT, NORTH_LAT = 30.0, 30.5
YARD_KM = Geodesic.WGS84.Inverse(SOUTH_LAT, LON, NORTH_LAT, LON)["s12"] / 1000
SPEED_KMH = 60.0
STOP = timedelta(minutes=40)
STEP = timedelta(seconds=30)
STARTS_AT = datetime(2025, 3, 10, 0, 0, tzinfo=UTC)
DRIVE = timedelta(hours=YARD_KM / SPEED_KMH)

Rows = list[dict[str, object]]


def beside(number: int) -> float:
    """Longitude of a truck of a fleet, 290 m from the next: no two of them drive the same trace."""
    return round(LON + 0.003 * number, 6)


def shuttle(
    drives: int, *, vehicle_id: str = "V1", starts_at: datetime = STARTS_AT, lon: float = LON
) -> Rows:
    """Fixes of a truck that drives to and fro so many times, beginning in the south."""
    rows: Rows = []
    moment, lat = starts_at, SOUTH_LAT

    def stand(until: datetime) -> None:
        nonlocal moment
        while moment < until:
            rows.append(_fix(vehicle_id, moment, lat, lon))
            moment += STEP

    stand(moment + STOP)
    for number in range(drives):
        goal = NORTH_LAT if number % 2 == 0 else SOUTH_LAT
        began, origin = moment, lat
        while moment < began + DRIVE:
            share = (moment - began) / DRIVE
            rows.append(_fix(vehicle_id, moment, origin + share * (goal - origin), lon))
            moment += STEP
        lat = goal
        stand(moment + STOP)
    return rows


def _fix(vehicle_id: str, moment: datetime, lat: float, lon: float) -> dict[str, object]:
    return {
        "vehicle_id": vehicle_id,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lon": lon,
        "lat": round(lat, 6),
    }


def drive_begins_at(number: int, starts_at: datetime = STARTS_AT) -> datetime:
    """When the drive of that number, from 0, leaves its yard."""
    whole_steps = -(-DRIVE // STEP)  # a drive ends on the first step after its duration
    return starts_at + STOP + number * (whole_steps * STEP + STOP)


def northward_order(order_id: str, drive: int, **other: object) -> dict[str, object]:
    """An order from south to north on that drive, planned to the minute."""
    leaves_at = drive_begins_at(drive)
    return {
        "order_id": order_id,
        "vehicle_id": "V1",
        "cargo_t": 10,
        "pickup_lon": LON,
        "pickup_lat": SOUTH_LAT,
        "delivery_lon": LON,
        "delivery_lat": NORTH_LAT,
        "pickup_time": (leaves_at - timedelta(minutes=20)).isoformat(),
        "delivery_time": (leaves_at + DRIVE + timedelta(minutes=20)).isoformat(),
        **other,
    }


@dataclass
class TinyFleet:
    """The files of the fleet; change the rows before `write`."""

    vehicles: Rows = field(
        default_factory=lambda: [
            {
                "vehicle_id": "V1",
                "rated_payload_t": 20,
                "empty_l_per_100km": 20,
                "full_l_per_100km": 36,
            }
        ]
    )
    drivers: Rows = field(
        default_factory=lambda: [{"driver_id": "D1", "name": "张三", "vehicle_id": "V1"}]
    )
    baselines: Rows = field(
        default_factory=lambda: [
            {
                "driver_id": "D1",
                "valid_from": "2025-01-01",
                "empty_share": 0.5,
                "payload_utilisation_share": 0.4,
            }
        ]
    )
    # Drives 0 and 2 go north with cargo, drive 1 comes back empty.
    orders: Rows = field(
        default_factory=lambda: [northward_order("O1", 0), northward_order("O2", 2)]
    )
    positions: Rows = field(default_factory=lambda: shuttle(3))

    def write(self, folder: Path) -> dict[str, Path]:
        """One CSV file per kind that has rows."""
        folder.mkdir(parents=True, exist_ok=True)
        return {
            kind: write_csv(folder / f"{kind}.csv", rows)
            for kind, rows in vars(self).items()
            if rows
        }


def write_csv(path: Path, rows: Rows) -> Path:
    """The rows as UTF-8 CSV with the columns of all rows."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path
