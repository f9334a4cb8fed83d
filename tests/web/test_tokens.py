"""Programs come in by client credentials; too many requests are refused."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from authlib.integrations.httpx_client import OAuth2Client
from httpx import WSGITransport

from fleet_carbon.services.people.access import create_key, end_key
from fleet_carbon.settings import Settings
from fleet_carbon.web import limiting
from tests.web.conftest import Caller, Service, served

GRANT = {"grant_type": "client_credentials"}


def client(service: Service, **named: Any) -> tuple[str, str]:
    made = create_key(service.settings, "program", "dispatcher", **named)
    return made.rows[0].key_id, made.secret


def form_of(key_id: str, secret: str) -> dict[str, str]:
    return GRANT | {"client_id": key_id, "client_secret": secret}


def asked(service: Service, form: dict[str, str], **named: Any) -> Any:
    return service.client.post("/oauth/token", data=form, **named)


def basic(key_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key_id}:{secret}".encode()).decode()}


@pytest.mark.parametrize("by", ["basic", "form"])
def test_a_key_gets_a_token_that_opens_what_the_key_does(service: Service, by: str) -> None:
    key = client(service)
    if by == "basic":
        told = asked(service, GRANT, headers=basic(*key))
    else:
        told = asked(service, form_of(*key))
    assert told.status_code == 200
    assert told.headers["Cache-Control"] == "no-store"
    assert {name: told.json[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "exchange persons read read_own send",
    }
    program = Caller(service.client, told.json["access_token"])
    assert program.get("/v1/months").status_code == 200
    assert program.get("/v1/keys").status_code == 403


def test_a_library_for_oauth_gets_along_with_it(service: Service) -> None:
    transport = WSGITransport(app=service.client.application)
    with OAuth2Client(*client(service), transport=transport, base_url="http://here") as program:
        known = "/.well-known/oauth-authorization-server"
        where = program.request("GET", known, withhold_token=True).json()
        program.fetch_token(where["token_endpoint"], grant_type="client_credentials")
        assert program.get("/v1/months").status_code == 200
    assert where["issuer"] == "http://here"
    assert "send" in where["scopes_supported"]


def test_a_token_is_narrowed_to_its_scope_and_never_wider_than_its_key(service: Service) -> None:
    form = form_of(*client(service, scopes=["send", "read"]))
    told = asked(service, form | {"scope": "send"}).json
    assert Caller(service.client, told["access_token"]).get("/v1/months").status_code == 403
    for scope in ("keys", "read_own", "nonsense"):
        refused = asked(service, form | {"scope": scope})
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_scope")


def test_errors_are_those_of_the_standard(service: Service) -> None:
    key = client(service)
    form = form_of(*key)
    for wrong, status, error in (
        ({}, 400, "invalid_request"),
        (form | {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (form | {"client_secret": "fck_wrong"}, 401, "invalid_client"),
        (form | {"client_id": "abc"}, 401, "invalid_client"),
        (GRANT, 401, "invalid_client"),
    ):
        told = asked(service, wrong)
        assert (told.status_code, told.json["error"]) == (status, error)
    both = asked(service, form, headers=basic(*key))
    assert (both.status_code, both.json["error"]) == (401, "invalid_client")
    assert both.headers["WWW-Authenticate"].startswith("Basic")
    assert service.client.post("/oauth/token", json=form).status_code == 400
    assert service.client.get("/oauth/token").status_code == 405


def test_a_token_ends_by_itself_and_with_its_key(service: Service) -> None:
    key_id, secret = client(service)
    form = form_of(key_id, secret)
    program = Caller(service.client, asked(service, form).json["access_token"])
    known = service.client.application.extensions["callers"]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=15, seconds=1), tick=False):
        assert program.get("/v1/months").status_code == 401
    assert program.get("/v1/months").status_code == 200
    end_key(service.settings, key_id)
    known.forget()
    assert program.get("/v1/months").status_code == 401
    assert asked(service, form).status_code == 401


@pytest.mark.parametrize("forged", ["fct_", "fct_x.y", "fct_AA==.abc", "fct_ZA.abc", "fcs_ZA.a"])
def test_forged_tokens_open_nothing(service: Service, forged: str) -> None:
    assert Caller(service.client, forged).get("/v1/months").status_code == 401


@pytest.fixture
def limited(tmp_path: Path) -> Service:
    limits = {
        "requests_per_s_max": 5,
        "rows_per_s_max": 100,
        "sign_in_failures_count_per_min_max": 3,
    }
    return served(Settings(home=tmp_path / "home", fleet="limited", **limits))


def test_too_many_requests_are_refused_and_told_when_to_come_again(limited: Service) -> None:
    one, other = limited.caller("auditor"), limited.caller("auditor")
    with time_machine.travel(datetime.now(UTC), tick=False):
        answers = [one.get("/v1/months") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers[:5]] == list("43210")
        assert answers[-1].headers["Retry-After"] == "1"
        assert (answers[-1].json or {})["code"] == "too_many_requests"
        assert other.get("/v1/months").status_code == 200
        assert limited.client.get("/healthz").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3), tick=False):
        assert one.get("/v1/months").status_code == 200


def test_rows_above_the_limit_hold_up_the_next_request(limited: Service) -> None:
    gateway = limited.caller("dispatcher")
    rows = [{"vehicle_id": f"V{n}", "rated_payload_t": 30} for n in range(150)]
    with time_machine.travel(datetime.now(UTC), tick=False):
        assert gateway.post("/v1/vehicles", json=rows).status_code == 200
        assert gateway.post("/v1/vehicles", json=rows[:1]).status_code == 429
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3), tick=False):
        assert gateway.post("/v1/vehicles", json=rows[:1]).status_code == 200


def test_an_address_that_guesses_is_held_up_and_who_has_a_key_is_not(limited: Service) -> None:
    good = limited.caller("auditor")
    body = {"login": "ann", "password": "a password of ann"}

    def guess(address: str) -> int:
        where = {"REMOTE_ADDR": address}
        return limited.client.post("/v1/session", json=body, environ_overrides=where).status_code

    assert [guess("10.1.1.1") for _ in range(4)] == [401, 401, 401, 429]
    told = asked(limited, form_of("ab", "x"), environ_overrides={"REMOTE_ADDR": "10.1.1.1"})
    assert told.status_code == 429
    assert guess("10.2.2.2") == 401
    here = {"REMOTE_ADDR": "10.1.1.1"}
    assert good.get("/v1/months", environ_overrides=here).status_code == 200


def test_behind_a_proxy_the_address_is_that_of_the_sender(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", sign_in_failures_count_per_min_max=1, proxy_hops=1)
    service, seen = served(settings), []
    for sender in ("1.1.1.1", "1.1.1.1", "2.2.2.2"):
        headers = {"X-Forwarded-For": f"9.9.9.9, {sender}"}
        seen.append(asked(service, form_of("ab", "x"), headers=headers).status_code)
    assert seen == [401, 429, 401]


def test_a_limit_costs_microseconds(limited: Service) -> None:
    with limited.client.application.test_request_context("/"):
        begin_s = time.thread_time()  # what others make the machine do is no cost of ours
        for number in range(500):
            limiting.refuse_strangers()
            limiting.refuse_too_many(f"k{number}")
        assert (time.thread_time() - begin_s) / 500 < 0.0005
