"""What a Traccar server forwards is on record as if it had been sent by hand."""

from __future__ import annotations

import copy
import errno
import json
from typing import Any

import pytest

from fleet_carbon.ingest.dialects import held
from fleet_carbon.services.intake import receiving
from fleet_carbon.services.intake.ingesting import Source, profile_of
from tests.web.conftest import Caller, Service

ADDRESS, TRUCK = "/v1/positions?dialect=traccar", "860000000000007"
# The layout of Traccar 5.3 with values as they come: an odometer in metres, 29.4 knots, a moment
# in ms; 1663248932 s is 2022-09-15 13:35:32 UTC.
FORWARDED: dict[str, Any] = {
    "position": {
        "id": 101,
        "attributes": {
            "odometer": 101944000,
            "fuelUsed": 224.472,
            "fuelConsumption": 1.17,
            "totalDistance": 26721.89,
            "hours": 3263000,
            "ignition": True,
        },
        "deviceId": 7,
        "protocol": "teltonika",
        "serverTime": 1663378277602,
        "deviceTime": 1663248932000,
        "fixTime": 1663248932000,
        "outdated": False,
        "valid": True,
        "latitude": 57.71727,
        "longitude": 11.921161,
        "altitude": 32.0,
        "speed": 29.4,
        "course": 30.0,
        "address": None,
        "accuracy": 0.0,
        "network": None,
    },
    "device": {"id": 7, "name": "Truck 7", "uniqueId": TRUCK, "status": "online"},
}


def changed(**position: Any) -> dict[str, Any]:
    told = copy.deepcopy(FORWARDED)
    told["position"].update(position)
    return told


def counts(answer: Any) -> tuple[int, int, int, int]:
    told = answer.json
    names = ("rows_accepted", "rows_duplicate", "rows_rejected")
    return (answer.status_code, *(told[name] for name in names))  # type: ignore[return-value]


@pytest.fixture
def gateway(service: Service) -> Caller:
    caller = service.caller("dispatcher")
    rows = [{"vehicle_id": name, "rated_payload_t": 30.0} for name in (TRUCK, "Truck 7")]
    assert caller.post("/v1/vehicles", json=rows).status_code == 200
    return caller


def test_what_traccar_forwards_is_taken_in_with_its_units_turned(gateway: Caller) -> None:
    assert counts(gateway.post(ADDRESS, json=FORWARDED)) == (200, 1, 0, 0)
    by_hand = {
        "vehicle_id": TRUCK,
        "time": "2022-09-15T21:35:32+08:00",
        "lon": 11.921161,
        "lat": 57.71727,
    }
    assert counts(gateway.post("/v1/positions", json=[by_hand])) == (200, 0, 1, 0)
    # Its forwarder sends again what was not answered in time; the newer layout has ISO moments.
    iso = changed(fixTime="2022-09-15T13:35:32.000+00:00", attributes=None)
    for again in (FORWARDED, iso):
        assert counts(gateway.post(ADDRESS, json=again)) == (200, 0, 1, 0)


TOLD = (
    *("kind", "rows_read", "rows_accepted", "rows_duplicate", "rows_rejected", "rejections"),
    *("suspicions", "columns_ignored", "columns_taken", "remarks"),
)
REFUSED: list[tuple[dict[str, Any], str]] = [
    (changed(valid=False), "fix_not_valid"),
    (changed(longitude=500.0), "longitude_out_of_range"),
    (changed(fixTime="yesterday"), "time_unreadable"),
    (FORWARDED | {"device": {"uniqueId": "860000000000008"}}, "vehicle_unknown"),
]


@pytest.fixture(params=["with_others", "by_file"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, gateway: Caller) -> str:
    """Small bodies are put on record with others that wait, larger ones by file."""
    del gateway  # its trucks are on record by then
    if request.param == "by_file":
        monkeypatch.setattr(held, "BODY_BYTES_MAX", 0)
    else:
        monkeypatch.setattr(receiving, "receive", None)  # nobody may take that way
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_both_ways_say_the_same(gateway: Caller) -> None:
    told: Any = gateway.post(ADDRESS, json=changed(outdated=True, speed=None)).json
    assert {name: told[name] for name in TOLD} == {
        "kind": "positions",
        "rows_read": 1,
        "rows_accepted": 1,
        "rows_duplicate": 0,
        "rows_rejected": 0,
        "rejections": [],
        "suspicions": [],
        "columns_ignored": ["device_id", "device_name"],
        "columns_taken": {},
        "remarks": {"fixes_outdated": 1},
    }
    [file] = [one for one in gateway.get("/v1/files").json["files"] if one["kind"] == "positions"]
    # A file has the digest of what was sent itself.
    assert file["options"] | {"body_sha256": told["digest_sha256"]} == {
        "body_sha256": told["digest_sha256"],
        "crs": "wgs84",
        "dialect": "traccar",
        "profile": None,
        "time_zone": "UTC",
    }


@pytest.mark.usefixtures("way")
def test_what_is_refused_is_no_reason_to_send_it_again(gateway: Caller) -> None:
    for sent, code in REFUSED:
        answer = gateway.post(ADDRESS, json=sent)
        told: Any = answer.json
        assert (answer.status_code, told.get("rows_rejected")) == (200, 1), (code, told)
        assert [one["code"] for one in told["rejections"]] == [code]


def test_where_no_file_can_be_written_the_way_of_files_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = profile_of(Source(dialect="traccar"), "Asia/Shanghai")
    content = json.dumps(FORWARDED).encode()
    found = held.held_messages(content, "traccar", profile, file="m.json")
    assert found is not None
    assert found.rows_count == 1

    def full(**_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fleet_carbon.ingest.dialects.held.tempfile.TemporaryDirectory", full)
    assert held.held_messages(content, "traccar", profile, file="m.json") is None
