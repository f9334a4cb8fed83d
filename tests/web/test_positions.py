"""Positions at speed: verdicts as of files, exact counts, and nothing lost or doubled."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from fleet_carbon.services.people.access import create_key
from fleet_carbon.services.positions import position_desk, position_reading
from fleet_carbon.settings import Settings
from fleet_carbon.storage.journals import JournalFiles
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.builders import keys_on_record
from tests.web.conftest import Caller, Service, served
from tests.web.serving import await_that, children_of, running

TRUCKS = [{"vehicle_id": name, "rated_payload_t": 30.0} for name in ("V1", "V2", "V 3")]
ROW = {"vehicle_id": "V1", "time": "2026-03-02T06:45:00Z", "lon": 110.0, "lat": 35.0}
_CELLS: dict[str, list[Any]] = {
    "vehicle_id": ["V1", "V2", " V 3 ", "V9", "", None, "V1", "V2"],
    "time": [
        *("2026-03-02T06:45:00Z", "2026-03-02 06:45:01", "2026/03/02 06:45", "20260302064500"),
        *(1772433900, 1772433900123, "1772433900", "2026-02-30 06:45", "2026-03-02", "soon", None),
        *("2026-03-02T14:45:00+08:00", "2026年3月2日 06:45"),
    ],
    "lon": [110.0, 110.123456, "110.5", 181.0, 35.0, None, "east", 0.0, 400, "-"],
    "lat": [35.0, 34.999999, "35.5", 91.0, None, "-", "35,5", 0, -35.25],
    "speed_kmh": [0, 61.25, -1, None, "fast", "70", 1e9],
    "heading_deg": [0, 359.9, 361, None],
    "driver_id": ["D1", None, "13800138000"],
    "altitude_m": [-9999, 12.5, None],
    "note": ["ignored", 7, None, True],
}


def _rows(seed: int, count: int, *, is_typed: bool = False) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    names = ["vehicle_id", "time", "lon", "lat"]
    names += [name for name in _CELLS if name not in names and chance.random() < 0.6]
    rows = [
        {name: chance.choice(_CELLS[name]) for name in names if chance.random() < 0.97}
        if seed % 2
        else {name: chance.choice(_CELLS[name][:3]) for name in names}
        for _ in range(count)
    ]
    if is_typed:  # a column of Arrow has one type
        rows = [
            {name: None if row.get(name) is None else str(row[name]) for name in names}
            for row in rows
        ]
    return rows


def _packed(media_type: str, rows: list[dict[str, Any]]) -> bytes:
    if media_type == "application/json":
        return json.dumps(rows, ensure_ascii=False).encode()
    if media_type == "application/x-ndjson":
        return "\n".join(json.dumps(row) for row in rows).encode()
    if media_type == "text/csv":
        names = ",".join(rows[0])
        cells = (",".join("" if v is None else str(v) for v in row.values()) for row in rows)
        return "\n".join([names, *cells]).encode()
    sink, table = io.BytesIO(), pa.Table.from_pylist(rows)
    if media_type == "application/vnd.apache.parquet":
        pa_parquet.write_table(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def _told(answer: Any) -> dict[str, Any]:
    told = dict(answer.json)
    for rejection in told.get("rejections", []):
        rejection["file"] = rejection["file"].rpartition(".")[2]
    return {
        name: told[name]
        for name in told
        if name not in ("digest_sha256", "detail", "request_id", "details")
    }


@pytest.fixture
def local(tmp_path: Path) -> Service:
    return served(Settings(home=tmp_path / "home", fleet="quick"))


def _stored(service: Service, fleet: str) -> list[tuple[str, int, int, int]]:
    storage = open_storage(service.settings.model_copy(update={"fleet": fleet}))
    try:
        return keys_on_record(storage)
    finally:
        storage.close()


MEDIA_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.stream",
)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_the_verdicts_are_those_of_the_way_of_files(
    local: Service, monkeypatch: pytest.MonkeyPatch, media_type: str
) -> None:
    monkeypatch.setattr(position_desk, "_SUSPICIONS_EVERY_S", 0.0)
    took: list[bool] = []
    take_in = position_desk.PositionDesk.take_in

    def watched(self: Any, *given: Any) -> Any:
        reply = take_in(self, *given)
        took.append(reply is not None)
        return reply

    monkeypatch.setattr(position_desk.PositionDesk, "take_in", watched)
    quick = local.caller("dispatcher", fleet="quick")
    by_file = local.caller("dispatcher", fleet="by-file")
    for caller in (quick, by_file):
        caller.post("/v1/vehicles", json=TRUCKS)
        caller.post("/v1/drivers", json=[{"driver_id": "D1"}])
    is_typed = media_type in MEDIA_TYPES[2:]
    for seed in range(14):
        body = _packed(media_type, _rows(seed, 12, is_typed=is_typed))
        path = "/v1/positions" + ("?crs=gcj02" if seed % 3 == 0 else "?time_zone=UTC" * (seed % 2))
        with monkeypatch.context() as patch:
            _have_no_reader(patch)
            expected = by_file.post(path, data=body, content_type=media_type)
        answer = quick.post(path, data=body, content_type=media_type)
        assert answer.status_code == expected.status_code, expected.json
        assert _told(answer) == _told(expected), seed
    assert any(took[1::2])  # or nothing was compared
    assert sum(took[1::2]) >= 10
    assert _stored(local, "quick") == _stored(local, "by-file") != []


def _have_no_reader(patch: pytest.MonkeyPatch) -> None:
    for readers in ("_TABLES", "_PLAIN"):
        patch.setattr(position_reading, readers, {})


_SOUND: dict[str, list[Any]] = {
    "vehicle_id": ["V1", "V2", "V 3"],
    "time": ["2026-03-02T06:45:00Z", "2026-03-02T14:45:01+08:00", "2026-03-02 06:45:02.123Z"],
    "lon": [110.0, 110.123456, 110.12345649999],
    "lat": [35.0, 34.999999, -35.25],
    "speed_kmh": [0, 61.25, None],
    "driver_id": ["D1"],
    "note": ["ignored", "沪A", ""],
}


@pytest.mark.parametrize("media_type", [*MEDIA_TYPES, "text/csv"])
def test_sound_bodies_are_told_what_files_are_told(
    local: Service, monkeypatch: pytest.MonkeyPatch, media_type: str
) -> None:
    quick = local.caller("dispatcher", fleet="quick")
    by_file = local.caller("dispatcher", fleet="by-file")
    for caller in (quick, by_file):
        caller.post("/v1/vehicles", json=TRUCKS)
        caller.post("/v1/drivers", json=[{"driver_id": "D1"}])
    for seed in range(6):
        chance = random.Random(seed)
        rows = [{name: chance.choice(_SOUND[name]) for name in _SOUND} for _ in range(9)]
        for row in rows if media_type in MEDIA_TYPES[2:4] else ():
            row["time"] = datetime.fromisoformat(row["time"])
        body = _packed(media_type, rows)
        with monkeypatch.context() as patch:
            _have_no_reader(patch)
            expected = by_file.post("/v1/positions", data=body, content_type=media_type)
        with monkeypatch.context() as patch:  # no rule is asked
            patch.setattr(position_reading.intake, "check_positions_table", None)
            patch.setattr(position_desk, "_SUSPICIONS_EVERY_S", 1e12)
            answer = quick.post("/v1/positions", data=body, content_type=media_type)
        assert answer.status_code == expected.status_code == 200
        assert _told(answer) == _told(expected), seed
    assert _stored(local, "quick") == _stored(local, "by-file") != []


def test_what_cannot_be_read_for_certain_goes_the_way_of_files(local: Service) -> None:
    caller = local.caller("dispatcher")
    caller.post("/v1/vehicles", json=TRUCKS)
    nested = {"vehicle_id": "V1", "time": ROW["time"], "coordinates": "110.0,35.0", "x": {"y": 1}}
    answers = [
        caller.post("/v1/positions", json=[nested]),
        caller.post(
            "/v1/positions",
            data=b"\n\n" + json.dumps(ROW | {"lon": 111}).encode() + b"\n\nno\n",
            content_type="application/x-ndjson",
        ),
        caller.post("/v1/positions", json=[ROW | {"time": "1969-12-31T23:59:59Z"}]),
    ]
    told = [(a.json["rows_accepted"], a.json["rows_rejected"]) for a in answers if a.json]
    assert told == [(1, 0), (1, 1), (1, 0)]
    assert answers[1].json["rejections"][0]["line"] == 5


def test_counts_are_exact_and_every_request_is_on_record(service: Service) -> None:
    caller = service.caller("dispatcher")
    caller.post("/v1/vehicles", json=TRUCKS)
    rows = [ROW, ROW, ROW | {"lon": 110.1}, ROW | {"lon": 500.0}, ROW | {"vehicle_id": "V9"}]
    first, again = (caller.post("/v1/positions", json=rows) for _ in range(2))
    names = ("rows_read", "rows_accepted", "rows_duplicate", "rows_rejected")
    assert [first.json[name] for name in names] == [5, 2, 1, 2]
    assert [again.json[name] for name in names] == [5, 0, 3, 2]
    assert [one["code"] for one in first.json["rejections"]] == [
        "longitude_out_of_range",
        "vehicle_unknown",
    ]
    storage = open_storage(service.settings)
    with storage.begin(read_only=True) as work:
        found = work.receptions.list(kind="positions")
        assert work.files.verify() == []
    storage.close()
    assert [(one.rows_accepted, one.rows_duplicate, one.rows_rejected) for one in found] == [
        (2, 1, 2),
        (0, 3, 2),
    ]
    assert found[0].options["body_sha256"] == first.json["digest_sha256"]
    events = service.caller("auditor").get("/v1/audit").json["events"]
    assert [one["path"] for one in events if one["method"] == "POST"].count("/v1/positions") == 2
    refused = caller.get(f"/v1/files/{first.json['reception']}/rejections").json["rejections"]
    assert [one["code"] for one in refused] == ["longitude_out_of_range", "vehicle_unknown"]
    listed = (service.settings.home / "rejections").rglob("*.csv")
    assert sum("vehicle_unknown" in path.read_text() for path in listed) == 2


def test_a_truck_registered_a_moment_ago_is_known(service: Service) -> None:
    caller = service.caller("dispatcher")
    assert caller.post("/v1/positions", json=[ROW]).json["rows_rejected"] == 1
    caller.post("/v1/vehicles", json=TRUCKS)
    assert caller.post("/v1/positions", json=[ROW]).json["rows_accepted"] == 1


def test_a_repeated_request_is_answered_as_it_was(service: Service) -> None:
    caller = service.caller("dispatcher")
    caller.post("/v1/vehicles", json=TRUCKS)
    key = {"Idempotency-Key": "p-1"}
    first = caller.post("/v1/positions", json=[ROW], headers=key)
    again = caller.post("/v1/positions", json=[ROW], headers=key)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    other = caller.post("/v1/positions", json=[ROW | {"lon": 1.0}], headers=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(_stored(service, service.settings.fleet)) == 1


def test_requests_at_once_are_put_on_record_together_and_each_fix_once(service: Service) -> None:
    caller = service.caller("dispatcher")
    caller.post("/v1/vehicles", json=TRUCKS)

    def send(number: int) -> int:
        client = service.client.application.test_client()
        rows = [ROW | {"lon": 110 + (number + step) % 20 / 100} for step in range(10)]
        answer = Caller(client, caller.secret).post("/v1/positions", json=rows)
        assert answer.status_code == 200, answer.json
        return int(answer.json["rows_accepted"])

    with ThreadPoolExecutor(8) as threads:
        accepted = list(threads.map(send, range(40)))
    assert sum(accepted) == len(_stored(service, service.settings.fleet)) == 20


def test_a_full_disk_is_told_and_the_next_request_goes_through(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = service.caller("dispatcher")
    caller.post("/v1/vehicles", json=TRUCKS)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(JournalFiles, "write", full)
        answer = caller.post("/v1/positions", json=[ROW])
    assert (answer.status_code, answer.json["code"]) == (507, "disk_full")
    assert caller.post("/v1/positions", json=[ROW]).json["rows_accepted"] == 1


def test_more_than_is_held_is_refused_for_a_moment(
    local: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = local.caller("dispatcher")
    caller.post("/v1/vehicles", json=TRUCKS)
    caller.post("/v1/positions", json=[ROW])
    monkeypatch.setattr(position_desk, "_REQUESTS_WAITING_MAX", 1)
    goes_on = threading.Event()
    commit = position_desk._FleetDesk._commit

    def slow(self: Any, together: Any) -> None:
        goes_on.wait(120)
        commit(self, together)

    monkeypatch.setattr(position_desk._FleetDesk, "_commit", slow)

    def send(_: int) -> Any:
        client = local.client.application.test_client()
        answer = Caller(client, caller.secret).post("/v1/positions", json=[ROW])
        if answer.status_code == 503:
            goes_on.set()
        return answer

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(send, range(6)))
    refused = [one for one in answers if one.status_code == 503]
    assert refused
    assert {one.json["code"] for one in refused} == {"intake_full"}
    assert all("Retry-After" in one.headers for one in refused)
    assert {one.status_code for one in answers} == {200, 503}


def test_the_live_state_tells_what_was_just_sent(service: Service) -> None:
    caller = service.caller("dispatcher")
    caller.post("/v1/vehicles", json=TRUCKS)
    begun = datetime.now(UTC) - timedelta(minutes=20)
    rows = [
        {
            "vehicle_id": "V1",
            "time": (begun + timedelta(minutes=step)).isoformat(),
            "lon": 110 + step / 100,
            "lat": 35.0,
        }
        for step in range(19)
    ]
    assert caller.post("/v1/positions", json=rows).json["rows_accepted"] == 19
    [state] = caller.get("/v1/vehicles/V1/live").json["vehicles"]
    assert (state["lon"], state["lat"]) == (110.18, 35.0)
    assert state["motion"] == "driving"
    # 0.18 degrees of longitude at 35 degrees north are 16.4 km.
    assert state["today"]["distance_km"] == pytest.approx(16.4, abs=0.3) or begun.hour >= 15
    first = caller.get("/v1/live?limit=2").json
    rest = caller.get(f"/v1/live?limit=2&cursor={first['next_cursor']}").json
    names = [one["vehicle_id"] for page in (first, rest) for one in page["vehicles"]]
    assert names == ["V 3", "V1", "V2"]
    assert rest["next_cursor"] == ""
    assert caller.get("/v1/vehicles/V7/live").status_code == 404
    assert caller.get("/v1/live?cursor=%C3%A9").status_code == 400
    assert service.caller("driver", driver_id="D1").get("/v1/live").status_code == 403


def test_what_was_acknowledged_survives_a_kill_and_is_there_once(
    tmp_path: Path, postgresql_url: str
) -> None:
    settings = Settings(
        home=tmp_path / "home", database_url=postgresql_url, fleet=f"killed-{os.getpid()}"
    )
    secret = create_key(settings, "gateway", "dispatcher").secret
    headers = {"Authorization": f"Bearer {secret}"}
    known: set[tuple[str, int]] = set()
    accepted = 0
    lock = threading.Lock()

    def send(address: str, part: int) -> None:
        nonlocal accepted
        with httpx.Client(base_url=address, headers=headers, timeout=300) as client:
            for number in range(1_000):
                # Halves of neighbours overlap, so that processes meet each other's fixes.
                times = [1_772_433_900_000 + (part % 2) * 20 + number * 40 + k for k in range(40)]
                rows = [ROW | {"time": at, "vehicle_id": f"V{part // 2 + 1}"} for at in times]
                try:
                    answer = client.post("/v1/positions", json=rows)
                except httpx.TransportError:
                    return
                if answer.status_code != 200:
                    return
                with lock:
                    accepted += answer.json()["rows_accepted"]
                    known.update((f"V{part // 2 + 1}", at) for at in times)

    with running(settings, "--processes", "2", "--threads", "4", "--no-worker") as server:
        httpx.post(f"{server.address}/v1/vehicles", json=TRUCKS, headers=headers, timeout=300)
        with ThreadPoolExecutor(4) as threads:
            sent = [threads.submit(send, server.address, part) for part in range(4)]
            # In the midst of it: each of the four has had some answers.
            await_that(lambda: len(known) > 2_000, within_s=120, what="rows are acknowledged")
            for process in [server.process.pid, *children_of(server.process.pid)]:
                os.kill(process, signal.SIGKILL)
            for one in sent:
                one.result()
    storage = open_storage(settings)
    try:
        stored = keys_on_record(storage)
    finally:
        storage.close()
    found = {(vehicle_id, time_ms) for vehicle_id, time_ms, *_ in stored}
    assert len(known) > 40
    assert len(found) == len(stored)  # each once
    assert known <= found
    assert accepted <= len(found)  # the rest was committed and not heard of
