"""A forwarded position as a row: units, what is missing, what is none of ours."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_carbon.ingest.traccar import row_of

POSITION: dict[str, Any] = {
    "fixTime": 1663248932000,
    "latitude": 57.71727,
    "longitude": 11.921161,
    "altitude": 32.0,
    "speed": 29.4,
    "course": 30.0,
    "accuracy": 0.0,
    "valid": True,
    "outdated": False,
}


def row(attributes: dict[str, Any], **other: Any) -> dict[str, Any] | None:
    return row_of(POSITION | other, vehicle_id="T7", attributes=attributes)


def test_knots_and_metres_are_turned_and_nothing_is_made_up() -> None:
    told = row({"odometer": 101944000, "fuelUsed": 224.472, "fuel": 310, "driverUniqueId": "D7"})
    assert told == {
        "vehicle_id": "T7",
        "time": "2022-09-15T13:35:32.000+00:00",
        "lon": 11.921161,
        "lat": 57.71727,
        "heading_deg": 30.0,
        "altitude_m": 32.0,
        "speed_kmh": pytest.approx(54.4488),  # 29.4 * 1.852
        "odometer_km": 101_944.0,
        "fuel_used_l": 224.472,
        "fuel_level_l": 310.0,
        "driver_id": "D7",
    }


def test_what_traccar_does_not_know_is_missing() -> None:
    attributes = {"totalDistance": 26721.89, "odometer": True, "fuelUsed": "224", "fuel": None}
    told = row(attributes, altitude=0.0, speed=None, course=None)
    assert told is not None
    assert told.keys() == {"vehicle_id", "time", "lon", "lat"}


@pytest.mark.parametrize("mark", [{"valid": False}, {"outdated": True}])
def test_no_new_place_is_no_row(mark: dict[str, bool]) -> None:
    assert row({}, **mark) is None
