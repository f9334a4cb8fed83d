"""Requests of positions: read by columns where nothing is in doubt, by the rules where it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from fleet_carbon.frames import VEHICLES
from fleet_carbon.ingest.words import WordBook
from fleet_carbon.services.intake import ingesting, receiving, references
from fleet_carbon.services.intake.ingesting import Source
from fleet_carbon.services.positions.position_reading import (
    Known,
    PositionsRequest,
    Waiting,
)
from fleet_carbon.storage.unit_of_work import AuditEvent, Taken

AT = datetime(2026, 9, 1, tzinfo=UTC)
PROFILE = ingesting.profile_of(Source(), "Asia/Shanghai")
BOOK = WordBook()


def register_of(*vehicle_ids: str) -> references.Register:
    """A register of these trucks."""
    return references.register_of(
        VEHICLES.shape(
            pd.DataFrame(
                {
                    "vehicle_id": vehicle_ids,
                    "rated_payload_t": [20.0] * len(vehicle_ids),
                    "energy": ["diesel"] * len(vehicle_ids),
                }
            )
        ),
        pd.DataFrame({"driver_id": []}),
        pd.DataFrame({"driver_id": [], "vehicle_id": [], "from": [], "until": []}),
        rules=references.IntakeRules(1.5, 0.2, 48.0, 60.0, 5.0, 80.0),
    )


REGISTER, EMPTY = register_of("V1", "V2"), register_of()


def row(vehicle_id: str, minute: int, **more: Any) -> dict[str, Any]:
    """A fix."""
    time = f"2026-09-01T08:{minute:02d}:00Z"
    return {"vehicle_id": vehicle_id, "time": time, "lon": 116.5, "lat": 39.5, **more}


def waiting(*rows: dict[str, Any]) -> Waiting:
    """A request with these rows."""
    content = json.dumps(rows).encode()
    event = AuditEvent(0, "k", "dispatcher d", "POST", "/v1/positions", 200, "r", AT)
    request = PositionsRequest(content, receiving.JSON, "0" * 64, "positions-r", Source(), event)
    found = Waiting(request, PROFILE, AT)
    found.read(BOOK)
    return found


def fixes_of(arrival: Any) -> list[tuple[str, int]]:
    """Truck and minute of every fix of a request."""
    codes = arrival.fixes.column("vehicle_code").to_pylist()
    times = arrival.fixes.column("time_ms").to_pylist()
    first_ms = int(AT.timestamp() * 1000) + 8 * 3_600_000
    return [
        (arrival.vehicle_ids[code], (time - first_ms) // 60_000)
        for code, time in zip(codes, times, strict=True)
    ]


def test_a_sound_body_is_taken_by_columns_with_its_rows_in_order() -> None:
    one = waiting(row("V1", 1), row("V2", 2), row("V1", 3))
    arrival = Known(REGISTER).arrival(one)
    assert fixes_of(arrival) == [("V1", 1), ("V2", 2), ("V1", 3)]
    assert one.batch is None


def test_a_refused_row_is_told_and_the_others_stand() -> None:
    one = waiting(row("V1", 2), row("V2", 3, lat=123.0))
    assert fixes_of(Known(REGISTER).arrival(one)) == [("V1", 2)]
    assert [(found.line, found.column) for found in one.refused] == [(2, "lat")]


def test_a_truck_that_nobody_knows_is_refused_by_the_rules() -> None:
    one = waiting(row("V9", 2), row("V1", 3))
    assert one.encoded is not None
    assert fixes_of(Known(REGISTER).arrival(one)) == [("V1", 3)]
    assert [(found.line, found.code) for found in one.refused] == [(1, "vehicle_unknown")]


def test_a_driver_who_is_not_on_record_is_remarked_and_the_fix_stands() -> None:
    one = waiting(row("V1", 2, driver_id="D9"))
    assert fixes_of(Known(REGISTER).arrival(one)) == [("V1", 2)]
    assert [found.code for found in one.named] == ["position_drivers_not_registered"]


def test_what_a_book_learned_of_one_register_is_not_believed_of_another() -> None:
    one, two = waiting(row("V1", 1)), waiting(row("V1", 2))
    assert Known(REGISTER).arrival(one) is not None
    assert fixes_of(Known(EMPTY).arrival(two)) == []
    assert [found.code for found in two.refused] == ["vehicle_unknown"]


def test_what_no_column_can_be_read_from_is_for_the_way_of_files() -> None:
    one = waiting({"truck": "V1"})
    assert Known(REGISTER).arrival(one) is None
    assert one.is_for_files


def test_columns_that_serve_nothing_are_named_in_the_answer() -> None:
    one = waiting(row("V1", 1, colour="red"))
    assert Known(REGISTER).arrival(one) is not None
    assert one.told(Taken(1, "f", 1))["columns_ignored"] == ["colour"]
