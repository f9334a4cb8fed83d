"""Who may come in, and what each role may do."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
import zstandard
from sqlalchemy import select

from fleet_carbon.errors import Unavailable
from fleet_carbon.services.people.access import end_key
from fleet_carbon.storage.access import request_answers
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.builders import behind
from tests.web.conftest import Caller, Service

VEHICLE = [{"vehicle_id": "V1", "rated_payload_t": 30}]
PRICE = {
    "series": "CEA",
    "price": "95.5",
    "currency": "CNY",
    "unit": "t",
    "valid_from": "2026-01-01",
}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer fck_none", "Basic YTpi", "Bearer a b", "bearer  "]
)
def test_without_a_key_that_is_known_nobody_comes_in(service: Service, header: str) -> None:
    answer = service.client.get("/v1/months", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["code"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_each_role_does_what_it_may_and_nothing_else(service: Service) -> None:
    tried = {
        "read": lambda who: who.get("/v1/months"),
        "send": lambda who: who.post("/v1/vehicles", json=VEHICLE),
        "close": lambda who: who.post("/v1/months/2025-01/closings"),
        "price": lambda who: who.post("/v1/prices", json=PRICE),
        "keys": lambda who: who.get("/v1/keys"),
        "audit": lambda who: who.get("/v1/audit"),
    }
    allowed = {
        "admin": set(tried),
        "manager": {"read", "send", "close", "price"},
        "dispatcher": {"read", "send"},
        "auditor": {"read", "audit"},
        "driver": set(),
    }
    for role, deeds in allowed.items():
        who = service.caller(role, driver_id="D1" if role == "driver" else "")
        done = {name: ask(who).status_code for name, ask in tried.items()}
        assert {name for name, status in done.items() if status < 400} == deeds, (role, done)
        assert {done[name] for name in set(tried) - deeds} <= {403}


def test_a_key_that_was_ended_or_has_expired_opens_nothing(service: Service) -> None:
    caller = service.caller("admin")
    made = caller.post("/v1/keys", json={"name": "x", "role": "auditor", "valid_days": 1}).json
    assert made is not None
    (key,) = made["keys"]
    auditor = Caller(service.client, made["secret"])
    service.client.application.extensions["callers"].__init__()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, seconds=1), tick=False):
        assert auditor.get("/v1/months").status_code == 401
    assert auditor.get("/v1/months").status_code == 200
    assert caller("DELETE", f"/v1/keys/{key['key_id']}").status_code == 200
    service.client.application.extensions["callers"].__init__()
    assert auditor.get("/v1/months").status_code == 401
    assert caller("DELETE", f"/v1/keys/{key['key_id']}").status_code == 200  # again: no matter
    assert caller("DELETE", "/v1/keys/abcdef").status_code == 404


def test_an_ended_key_is_shut_out_within_seconds(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = service.caller("auditor")
    assert auditor.get("/v1/months").status_code == 200
    listed = service.caller("admin").get("/v1/keys").json
    assert listed is not None
    (key_id,) = [one["key_id"] for one in listed["keys"] if one["role"] == "auditor"]
    end_key(service.settings, key_id)
    later_s = time.monotonic() + 5.1
    monkeypatch.setattr("fleet_carbon.web.callers.time.monotonic", lambda: later_s)
    assert auditor.get("/v1/months").status_code == 401


def test_no_secret_is_on_record_or_told_twice(service: Service) -> None:
    admin = service.caller("admin")
    made = admin.post("/v1/keys", json={"name": "x", "role": "manager"}).json
    assert made is not None
    assert made["secret"].startswith("fck_")
    listed = admin.get("/v1/keys")
    assert made["secret"] not in listed.text
    assert "sha256" not in listed.text


def test_a_fleet_sees_nothing_of_another(service: Service) -> None:
    ours, theirs = service.caller("admin"), service.caller("admin", fleet="somebody-else")
    ours.post("/v1/prices", json=PRICE)
    job = ours.post("/v1/months/2025-01/closings").json
    assert job is not None
    key_ids = [one["key_id"] for one in (ours.get("/v1/keys").json or {})["keys"]]
    assert theirs.get("/v1/prices").json == {"prices": []}
    assert theirs.get(f"/v1/jobs/{job['job_id']}").status_code == 404
    assert theirs("DELETE", f"/v1/keys/{key_ids[0]}").status_code == 404
    seen = (theirs.get("/v1/audit").json or {})["events"]
    assert {one["path"] for one in seen} == {f"/v1/keys/{key_ids[0]}"}
    assert all(one["key_id"] not in key_ids for one in seen)


def test_what_is_done_stands_in_the_audit_log_with_its_request(service: Service) -> None:
    admin = service.caller("admin")
    admin.post("/v1/prices", json=PRICE, headers={"X-Request-Id": "r-1"})
    admin.post("/v1/prices", json={}, headers={"X-Request-Id": "r 2 is no name"})
    events = (admin.get("/v1/audit").json or {})["events"]
    assert [(one["path"], one["status"]) for one in events] == [
        ("/v1/prices", 422),
        ("/v1/prices", 201),
    ]
    assert events[1]["request_id"] == "r-1"
    assert len(events[0]["request_id"]) == 32
    older = admin.get("/v1/audit", query_string={"before": events[0]["sequence"]}).json
    assert older == {"events": events[1:]}


def test_nothing_is_read_without_a_trace_and_what_is_done_is_answered(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = service.caller("admin")

    def full(*given: object, **named: object) -> None:
        raise Unavailable("storage_busy", "Another command has been writing.", "Try again.")

    monkeypatch.setattr("fleet_carbon.services.people.auditing.record", full)
    read = admin.get("/v1/ledger/entries")
    assert (read.status_code, (read.json or {})["code"]) == (503, "storage_busy")
    assert read.headers["Retry-After"]
    assert admin.post("/v1/prices", json=PRICE).status_code == 201


def test_what_is_told_once_is_made_once_and_not_kept(service: Service) -> None:
    admin, by = service.caller("admin"), {"Idempotency-Key": "once"}
    ann: Any = admin.post("/v1/users", json={"login": "ann", "role": "auditor"}).json
    invitations = f"/v1/users/{ann['users'][0]['user_id']}/invitations"
    asked: dict[str, Any] = {
        "/v1/keys": {"json": {"name": "gateway", "role": "dispatcher"}},
        "/v1/webhooks": {"json": {"url": "https://hooks.example/x", "event_types": []}},
        invitations: {},
    }
    for number, (path, body) in enumerate(asked.items()):
        key = {"Idempotency-Key": f"once-{number}"}
        first, again = (admin.post(path, headers=key, **body) for _ in range(2))
        told: Any = first.json
        name = "path" if path == invitations else "secret"
        assert (first.status_code, again.status_code) == (201, 201), first.text
        assert (bool(told[name]), again.json) == (True, told | {name: ""})
        assert again.headers["Idempotency-Replayed"] == "true"
    password = {"password": "four horses pull"}
    path = invitations.replace("invitations", "password")
    for body in (password, password):
        assert admin("PUT", path, json=body, headers=by).status_code == 200
    with closing(open_storage(service.settings)) as storage, behind(storage) as connection:
        mine = request_answers.c.fleet_id == service.settings.fleet
        kept = str(connection.execute(select(request_answers).where(mine)).all())
    assert not any(word in kept for word in ("fck_", "whsec_", "fci_"))
    # No digest that a list of passwords could be tried against: the key of the request is in it.
    body_sha256 = hashlib.sha256(json.dumps(password).encode()).hexdigest()
    assert hashlib.sha256(f"PUT {path}? {body_sha256}".encode()).hexdigest() not in kept


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_described_body_may_come_packed(service: Service, pack: Callable[[bytes], bytes]) -> None:
    manager = service.caller("manager")
    name = "gzip" if pack is gzip.compress else "zstd"
    headers = {"Content-Encoding": name, "Content-Type": "application/json"}

    def send(path: str, body: bytes) -> int:
        return manager.post(path, data=body, headers=headers).status_code

    assert send("/v1/prices", pack(json.dumps(PRICE).encode())) == 201
    assert send("/v1/prices", b"no packed body") == 422
    bomb = pack(b" " * (1 << 20))  # a door takes 16 KiB
    assert send("/v1/session", bomb) == 413
