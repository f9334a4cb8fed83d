"""Bodies and files in a dialect: read as they are sent, kept, and told like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Caller, Service
from tests.web.test_sending import counts

GOLDEN = Path(__file__).parents[1] / "ingest" / "dialects" / "golden"
TRUCKS = ("860000000000007", "002002604323", "T01")
BODIES = {
    "traccar": ("traccar_forwarded.json", "application/json", ""),
    "jt808": ("jt808_published.hex", "text/plain", ""),
    "nmea": ("nmea_rmc.log", "application/octet-stream", "&vehicle_id=T01"),
    "gpx": ("gpx_track.gpx", "application/gpx+xml", "&vehicle_id=T01"),
}


@pytest.fixture
def dispatcher(service: Service) -> Caller:
    caller = service.caller("dispatcher")
    rows = [{"vehicle_id": name, "rated_payload_t": 30.0} for name in TRUCKS]
    assert caller.post("/v1/vehicles", json=rows).status_code == 200
    return caller


@pytest.mark.parametrize("dialect", BODIES)
def test_a_body_in_a_dialect_is_read_as_it_is_sent(dialect: str, dispatcher: Caller) -> None:
    name, media_type, more = BODIES[dialect]
    content = (GOLDEN / name).read_bytes()
    address = f"/v1/positions?dialect={dialect}{more}"
    answer = dispatcher.post(address, data=content, content_type=media_type)
    rows = 2 if dialect == "gpx" else 1
    assert counts(answer) == (200, rows, rows, 0, 0), answer.text
    again = dispatcher.post(address, data=content, content_type=media_type)
    assert counts(again) == (200, rows, 0, rows, 0)
    options: Any = dispatcher.get("/v1/files?kind=positions").json
    assert options["files"][0]["options"]["dialect"] == dialect


@pytest.mark.parametrize(
    ("query", "media_type", "status", "code"),
    [
        ("dialect=tracar", "application/json", 422, "dialect_unknown"),
        ("dialect=jt808", "application/json", 422, "dialect_not_met"),
        ("dialect=nmea", "text/plain", 422, "vehicle_not_named"),
        ("", "text/plain", 415, "media_type_unsupported"),
    ],
)
def test_what_is_of_no_dialect_is_refused(
    query: str, media_type: str, status: int, code: str, dispatcher: Caller
) -> None:
    body = b"no frame in here"  # and no JSON
    answer = dispatcher.post(f"/v1/positions?{query}", data=body, content_type=media_type)
    assert (answer.status_code, (answer.json or {})["code"]) == (status, code)


def test_a_body_without_any_record_is_refused_as_a_whole(dispatcher: Caller) -> None:
    answer = dispatcher.post("/v1/positions?dialect=jt808", json=["a", "b"])
    assert (answer.status_code, (answer.json or {})["code"]) == (422, "json_unreadable")


def test_the_document_lists_the_dialects(service: Service) -> None:
    document: Any = service.client.get("/openapi/openapi.json").json
    asked = document["paths"]["/v1/positions"]["post"]["parameters"]
    [told] = [one for one in asked if one.get("name") == "dialect"]
    assert "traccar" in str(told)
    assert "motive-miles" in str(told)
