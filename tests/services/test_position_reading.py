"""Requests that are read together are told what they would be told alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.ingest import bodies
from fleet_carbon.services import ingesting, receiving, references
from fleet_carbon.services.ingesting import Source
from fleet_carbon.services.position_reading import (
    PositionsRequest,
    Waiting,
    read_piles,
    read_singly,
)
from fleet_carbon.storage.unit_of_work import AuditEvent

AT = datetime(2026, 9, 1, tzinfo=UTC)
PROFILE = ingesting.profile_of(Source(), "Asia/Shanghai")
REGISTER = references.register_of(
    pd.DataFrame({"vehicle_id": ["V1", "V2"], "rated_payload_t": [20.0, 20.0]}),
    pd.DataFrame({"driver_id": []}),
    pd.DataFrame({"driver_id": [], "vehicle_id": [], "from": [], "until": []}),
    rules=references.IntakeRules(1.5, 48.0, 60.0, 5.0, 80.0),
)


def row(vehicle_id: str, minute: int, **more: Any) -> dict[str, Any]:
    """A fix."""
    time = f"2026-09-01T08:{minute:02d}:00Z"
    return {"vehicle_id": vehicle_id, "time": time, "lon": 116.5, "lat": 39.5, **more}


def waiting(*rows: dict[str, Any]) -> Waiting:
    """A request with these rows."""
    content = json.dumps(rows).encode()
    event = AuditEvent(0, "k", "dispatcher d", "POST", "/v1/positions", 200, "r", AT)
    request = PositionsRequest(content, receiving.JSON, "0" * 64, "positions-r", Source(), event)
    table = bodies.table_of_json(content)
    assert table is not None
    return Waiting(request, table, PROFILE, AT)


def fixes_of(arrival: Any) -> list[tuple[str, int]]:
    """Truck and minute of every fix of a request."""
    codes = arrival.fixes.column("vehicle_code").to_pylist()
    times = arrival.fixes.column("time_ms").to_pylist()
    first_ms = int(AT.timestamp() * 1000) + 8 * 3_600_000
    return [
        (arrival.vehicle_ids[code], (time - first_ms) // 60_000)
        for code, time in zip(codes, times, strict=True)
    ]


def test_sound_requests_are_one_pile_and_keep_their_own_rows() -> None:
    one, two = waiting(row("V1", 1), row("V2", 2)), waiting(row("V2", 3))
    [pile] = read_piles([one, two])
    arrivals = pile.stand_by(REGISTER)
    assert arrivals is not None
    assert [fixes_of(arrival) for arrival in arrivals] == [[("V1", 1), ("V2", 2)], [("V2", 3)]]


def test_a_refused_row_is_told_to_its_own_sender() -> None:
    sound, faulty = waiting(row("V1", 1)), waiting(row("V1", 2), row("V2", 3, lat=123.0))
    piles = read_piles([sound, faulty])
    assert [pile.members for pile in piles] == [[sound], [faulty]]
    for pile in piles:
        pile.stand_by(REGISTER)
    assert sound.refused == []
    assert [(one.line, one.column) for one in faulty.refused] == [(2, "lat")]


def test_a_truck_that_nobody_knows_takes_the_pile_apart() -> None:
    known, unknown = waiting(row("V1", 1)), waiting(row("V9", 2), row("V1", 3))
    [pile] = read_piles([known, unknown])
    assert pile.stand_by(REGISTER) is None
    singles = read_singly(pile.members)
    arrivals = [single.stand_by(REGISTER) for single in singles]
    assert [fixes_of(found[0]) for found in arrivals if found] == [[("V1", 1)], [("V1", 3)]]
    assert [len(one.refused) for one in (known, unknown)] == [0, 1]


def test_other_columns_are_another_pile_and_the_order_stays() -> None:
    plain, fast, again = (
        waiting(row("V1", 1)),
        waiting(row("V1", 2, speed_kmh=60)),
        waiting(row("V1", 3)),
    )
    piles = read_piles([plain, fast, again])
    assert [pile.members for pile in piles] == [[plain], [fast], [again]]


def test_what_no_column_can_be_read_from_is_for_the_way_of_files() -> None:
    sound, odd = waiting(row("V1", 1)), waiting({"truck": "V1"})
    assert [pile.members for pile in read_piles([sound, odd])] == [[sound]]
    assert (sound.is_for_files, odd.is_for_files) == (False, True)


@pytest.mark.parametrize("minutes", [(1, 2), (2, 1)])
def test_fixes_stay_with_their_request_whatever_their_order(minutes: tuple[int, int]) -> None:
    one, two = (waiting(row("V1", minute)) for minute in minutes)
    [pile] = read_piles([one, two])
    arrivals = pile.stand_by(REGISTER) or []
    assert [fixes_of(arrival) for arrival in arrivals] == [[("V1", m)] for m in minutes]
