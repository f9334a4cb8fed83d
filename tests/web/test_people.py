"""People sign in and out; what a session opens, and what it does not."""

from __future__ import annotations

import itertools
import re
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import select

from fleet_carbon.services.people import users
from fleet_carbon.storage.people import grants, sign_in_failures
from fleet_carbon.storage.people import users as user_table
from fleet_carbon.storage.unit_of_work import fleets_on_record, open_storage
from tests.storage.builders import behind
from tests.web.conftest import Caller, Service

PASSWORD = "four horses pull a load"
COOKIE = "__Host-fleet-carbon"
VEHICLE = [{"vehicle_id": "V1", "rated_payload_t": 30}]
_ADDRESSES = (f"10.1.{high}.{low}" for high, low in itertools.product(range(256), repeat=2))


class Browser:
    """Keeps cookies, and sends the token of its session with writes."""

    def __init__(self, service: Service) -> None:
        self.client = service.client.application.test_client()
        self.fleet_id = service.settings.fleet
        self.csrf = ""

    def __call__(self, method: str, path: str, **named: Any) -> Any:
        headers = ({"X-CSRF-Token": self.csrf} if self.csrf else {}) | named.pop("headers", {})
        where = "https://localhost"
        return self.client.open(path, method=method, headers=headers, base_url=where, **named)

    def sign_in(self, login: str, password: str = PASSWORD) -> Any:
        body = {"login": login, "password": password, "fleet_id": self.fleet_id}
        address = {"REMOTE_ADDR": next(_ADDRESSES)}
        told = self("POST", "/v1/session", json=body, environ_overrides=address)
        self.csrf = (told.json or {}).get("csrf_token", "")
        return told

    def cookie(self) -> str:
        kept = self.client.get_cookie(COOKIE)
        return "" if kept is None else str(kept.value)


def user(service: Service, login: str, role: str, **named: Any) -> str:
    made = users.create_user(service.settings, login, role, password=PASSWORD, **named)
    return made.rows[0].user_id


def signed_in(service: Service, role: str) -> Browser:
    user(service, "ann", role)
    browser = Browser(service)
    assert browser.sign_in("ann").status_code == 201
    return browser


def test_who_signs_in_may_do_what_the_role_may(service: Service) -> None:
    user_id = user(service, "Ann@example.org", "dispatcher")
    browser = Browser(service)
    told = browser.sign_in("ann@EXAMPLE.org")
    assert (told.status_code, told.json["holder_id"]) == (201, user_id)
    assert told.json["deeds"] == ["exchange", "persons", "read", "read_own", "send"]
    for part in (f"{COOKIE}=fcs_", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in told.headers["Set-Cookie"]
    assert "Domain" not in told.headers["Set-Cookie"]
    assert browser("GET", "/v1/months").status_code == 200
    assert browser("GET", "/v1/users").status_code == 403
    # Another one each time, and each of them serves.
    again = browser("GET", "/v1/session").json["csrf_token"]
    assert again != browser.csrf
    browser.csrf = again
    assert browser("POST", "/v1/vehicles", json=VEHICLE).status_code == 200


def test_a_page_of_somebody_else_can_write_nothing(service: Service) -> None:
    browser = signed_in(service, "admin")
    for token in ("", "0" * 64, browser.csrf[:-1]):
        headers = {"X-CSRF-Token": token}
        assert browser("POST", "/v1/vehicles", json=VEHICLE, headers=headers).status_code == 403
        assert browser("DELETE", "/v1/session", headers=headers).status_code == 403
    assert browser("POST", "/v1/vehicles", json=VEHICLE).status_code == 200


def test_who_signs_out_is_out_at_once_and_the_cookie_opens_nothing(service: Service) -> None:
    browser = signed_in(service, "admin")
    before = browser.cookie()
    assert browser("DELETE", "/v1/session").json == {"is_signed_out": True}
    assert browser.cookie() == ""
    browser.client.set_cookie(COOKIE, before, secure=True)
    assert browser("GET", "/v1/months").status_code == 401


def test_signing_in_again_ends_the_session_before(service: Service) -> None:
    browser = signed_in(service, "admin")
    before = browser.cookie()
    browser.sign_in("ann")
    assert browser.cookie() != before
    browser.client.set_cookie(COOKIE, before, secure=True)
    assert browser("GET", "/v1/months").status_code == 401


@pytest.mark.parametrize(("every_minutes", "lasts"), [(61, 0), (30, 23)])
def test_a_session_ends_when_it_is_not_used_and_in_any_case(
    service: Service, every_minutes: int, lasts: int
) -> None:
    browser, begun, seen = signed_in(service, "admin"), datetime.now(UTC), []
    for minutes in range(every_minutes, 13 * 60, every_minutes):
        service.client.application.extensions["callers"].forget()
        with time_machine.travel(begun + timedelta(minutes=minutes), tick=False):
            seen.append(browser("GET", "/v1/months").status_code)
    # Of 12 hours every half an hour but the last, which is the end itself.
    assert seen == [200] * lasts + [401] * (len(seen) - lasts)


@pytest.mark.parametrize("how", ["password", "end"])
def test_another_password_or_an_end_closes_every_session(service: Service, how: str) -> None:
    user_id = user(service, "ann", "manager")
    browsers = [Browser(service), Browser(service)]
    for browser in browsers:
        browser.sign_in("ann")
    admin = service.caller("admin")
    if how == "password":
        body = {"password": "another one of twelve"}
        assert admin("PUT", f"/v1/users/{user_id}/password", json=body).status_code == 200
    else:
        assert admin("DELETE", f"/v1/users/{user_id}").status_code == 200
    assert [one("GET", "/v1/months").status_code for one in browsers] == [401, 401]
    assert browsers[0].sign_in("ann").status_code == 401


def test_wrong_names_and_passwords_are_told_alike_and_take_as_long(
    service: Service, full_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "_HASHER", full_hasher)
    users._nobodys_hash.cache_clear()
    # RFC 9106, section 4: the second recommended choice, 64 MiB in three passes.
    assert full_hasher.memory_cost >= 65_536
    assert full_hasher.time_cost >= 3
    user(service, "ann", "admin")
    answers: dict[str, Any] = {}
    took_s: dict[str, list[float]] = {"ann": [], "nobody": []}
    for _ in range(4):
        for login, took in took_s.items():
            begin_s = time.process_time()  # of all threads: the hasher has some of its own
            told = Browser(service).sign_in(login, "wrong, wrong, wrong")
            took.append(time.process_time() - begin_s)
            answers[login] = {**told.json, "request_id": told.status_code}
    assert answers["ann"] == answers["nobody"]
    assert answers["ann"]["request_id"] == 401
    ratio = statistics.median(took_s["ann"]) / statistics.median(took_s["nobody"])
    assert 1 / 3 < ratio < 3


def test_after_many_failures_even_the_right_password_must_wait(service: Service) -> None:
    user(service, "ann", "admin")
    begun = datetime.now(UTC)
    with time_machine.travel(begun, tick=False):
        for _ in range(6):
            last = Browser(service).sign_in("ann", "wrong, wrong, wrong")
        assert (last.status_code, last.json["code"]) == (429, "sign_in_must_wait")
        assert int(last.headers["Retry-After"]) >= 1
        assert Browser(service).sign_in("ann").status_code == 429
    with time_machine.travel(begun + timedelta(minutes=16), tick=False):
        assert Browser(service).sign_in("ann").status_code == 201


def test_no_password_or_session_can_be_read_from_the_record(service: Service) -> None:
    browser = signed_in(service, "admin")
    storage = open_storage(service.settings)
    with behind(storage) as connection:
        rows = [
            str(tuple(row))
            for table in (user_table, grants, sign_in_failures)
            for row in connection.execute(
                select(table).where(table.c.fleet_id == service.settings.fleet)
            )
        ]
    storage.close()
    assert any("$argon2id$" in row for row in rows)
    assert not any(PASSWORD in row or browser.cookie()[-20:] in row for row in rows)
    assert "argon2" not in service.caller("admin").get("/v1/users").text


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("aaaaaaaaaaaaaaaa", "password_is_login"),
        ("ann.of.the.fleet", "password_is_login"),
        ("x" * 12 + "y" * 300, "request_malformed"),
    ],
)
def test_weak_passwords_are_refused(service: Service, password: str, code: str) -> None:
    body = {"login": "Ann.Of.The.Fleet", "role": "admin", "password": password}
    told = service.caller("admin").post("/v1/users", json=body)
    assert told.json is not None
    assert (told.status_code, told.json["code"]) == (422, code)


def test_a_name_is_taken_once_in_a_fleet(service: Service) -> None:
    admin = service.caller("admin")
    body = {"login": "ann", "role": "auditor", "password": PASSWORD}
    assert [admin.post("/v1/users", json=body).status_code for _ in range(2)] == [201, 422]
    told = admin.post("/v1/users", json=body | {"login": "bob", "role": "driver"}).json
    assert (told or {})["code"] == "user_driver_needed"


def test_sign_ins_and_failures_stand_in_the_audit_log(service: Service) -> None:
    user(service, "ann", "admin")
    Browser(service).sign_in("ann", "wrong, wrong, wrong")
    Browser(service).sign_in("ann")
    events = (service.caller("admin").get("/v1/audit").json or {})["events"]
    assert [(one["who"], one["status"]) for one in events[:2]] == [
        ("admin ann", 201),
        ("stranger nobody", 401),
    ]


def test_nobody_signs_in_to_a_fleet_that_is_not_there_or_makes_one(service: Service) -> None:
    body = {"login": "ann", "password": PASSWORD, "fleet_id": "no-such-fleet"}
    assert Browser(service)("POST", "/v1/session", json=body).status_code == 401
    forged = Caller(service.client, "fcs_bm8tc3VjaC1mbGVldA.abc")  # no-such-fleet
    assert forged.get("/v1/months").status_code == 401
    assert "no-such-fleet" not in fleets_on_record(service.settings)


# Routes that a driver may call; those with a driver in them refuse all others. The rest is 403.
OF_WHOEVER_IS_IN = {"v1.who_am_i", "v1.sign_out", "v1.sign_in", "v1.verify"}
OF_DRIVERS = {"v1.explain", "v1.statement"}
VALUES = {"month": "2026-01", "driver_id": "D2", "key_id": "ab", "user_id": "ab", "record_id": "D2"}


def test_a_driver_sees_nothing_but_the_drivers_own_on_every_route(service: Service) -> None:
    user(service, "dan", "driver", driver_id="D1")
    by_key, browser = service.caller("driver", driver_id="D1"), Browser(service)
    browser.sign_in("dan")
    tried = []
    for rule in service.client.application.url_map.iter_rules():
        if not rule.endpoint.startswith("v1.") or rule.endpoint in OF_WHOEVER_IS_IN:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: VALUES.get(found[1], "1"), str(rule))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for ask in (by_key, browser):
                body = {} if method == "GET" else {"json": {"text": "not mine"}}
                status = ask(method, path, **body).status_code
                assert status == 403, (method, path, status)
                tried.append(rule.endpoint)
    assert set(tried) >= OF_DRIVERS
    assert len(tried) > 40
    own = "/v1/months/2026-01/drivers/D1/statement"
    assert by_key.get(own).status_code == browser("GET", own).status_code == 404


def test_a_person_is_told_and_erased_by_administrators_only(service: Service) -> None:
    admin, manager = service.caller("admin"), service.caller("manager")
    row = [{"driver_id": "D1", "name": "Ann Driver", "phone": "123"}]
    assert admin.post("/v1/drivers", json=row).status_code == 200
    assert manager.get("/v1/persons/D1").status_code == 403
    assert admin.get("/v1/persons/D9").status_code == 404
    assert "Ann Driver" in admin.get("/v1/persons/D1").text

    def erase(more: str) -> tuple[int, str]:
        told = admin("DELETE", f"/v1/persons/D1?reason=asked{more}")
        content: Any = told.json
        return told.status_code, content.get("outcome") or content["code"]

    assert erase("") == (200, "dry_run")
    assert erase("&dry_run=false&confirm=D2") == (409, "erasure_not_confirmed")
    assert "Ann Driver" in admin.get("/v1/persons/D1").text
    assert erase("&dry_run=false&confirm=D1") == (200, "erased")
    assert "Ann Driver" not in admin.get("/v1/persons/D1").text
    events = (admin.get("/v1/audit").json or {})["events"]
    assert "/v1/persons/D1" in {one["path"] for one in events if one["method"] == "GET"}


def test_a_key_does_what_it_is_narrowed_to_and_no_more(service: Service) -> None:
    admin = service.caller("admin")
    body = {"name": "gateway", "role": "dispatcher", "scopes": ["send"]}
    made: Any = admin.post("/v1/keys", json=body).json
    gateway = Caller(service.client, made["secret"])
    assert gateway.post("/v1/vehicles", json=VEHICLE).status_code == 200
    assert gateway.get("/v1/months").status_code == 403
    listed: Any = admin.get("/v1/keys").json
    assert [one["scopes"] for one in listed["keys"] if one["name"] == "gateway"] == [["send"]]
    for scopes, code in ((["keys"], "scope_too_wide"), (["x"], "scope_unknown")):
        told = admin.post("/v1/keys", json=body | {"scopes": scopes})
        assert (told.status_code, (told.json or {})["code"]) == (422, code)
