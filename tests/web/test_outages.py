"""A database that goes away at any statement of any route is told as such, not as a fault.

The app itself lists the routes. In each the database is ended, for real, before the first
statement, before the second, and so on until the request gets through: with a key, with the
session of a browser, and for strangers at the doors.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from fleet_carbon.services.people.access import create_key
from fleet_carbon.services.people.users import create_user
from tests.web.conftest import Caller, Service
from tests.web.furnished import furnish
from tests.web.test_attacks_on_routes import filled

pytestmark = [pytest.mark.slow, pytest.mark.trial]

_STATEMENTS_MAX = 60
_UNTOUCHED = ("openapi", "swagger", "static", "assets")
PASSWORD = "correct horse battery staple"
_POSITION = {"vehicle_id": "only-ours", "time": "2025-03-02T08:00:00Z", "lon": 105, "lat": 30}
_ORDER = {
    "order_id": "only-ours",
    "vehicle_id": "only-ours",
    "cargo_t": 3,
    "pickup_lon": 105,
    "pickup_lat": 30,
    "delivery_lon": 106,
    "delivery_lat": 31,
    "pickup_time": "2025-03-01T08:00:00Z",
    "delivery_time": "2025-03-01T18:00:00Z",
}
# What fits, so that more than the check of the body is reached.
BODIES: dict[str, Any] = {
    "v1.send_vehicles": [{"vehicle_id": "V9", "rated_payload_t": 30}],
    "v1.send_drivers": [{"driver_id": "D9", "name": "Nine"}],
    "v1.send_assignments": [
        {"vehicle_id": "only-ours", "driver_id": "only-ours", "from": "2025-03-01T00:00:00Z"}
    ],
    "v1.send_orders": [_ORDER | {"version": 2}],
    "v1.put_order": {name: _ORDER[name] for name in _ORDER if name != "order_id"} | {"version": 3},
    "v1.send_positions": [_POSITION],
    "v1.make_estimate": {"orders": [_ORDER], "vehicle_ids": ["only-ours"]},
    "v1.make_plan": {"orders": [_ORDER], "vehicle_ids": ["only-ours"]},
    "v1.create_key": {"name": "x", "role": "driver", "driver_id": "D1"},
    "v1.create_user": {"login": "somebody", "role": "auditor", "password": PASSWORD},
    "v1.set_price": {"series": "allowance", "price": "80", "currency": "CNY", "unit": "t"},
    "v1.create_webhook": {"url": "https://example.com/hook"},
    "v1.change_webhook": {"description": "other"},
    "v1.set_retention": {"positions_days": 400},
    "v1.sign_in": {"fleet_id": "", "login": "boss", "password": PASSWORD},
}
FORMS: dict[str, dict[str, str]] = {
    "pages.sign_in": {"fleet": "", "name": "boss", "password": PASSWORD},
    "_token": {"grant_type": "client_credentials"},
}


@dataclass
class Cut:
    """Ends the server's side of a connection just before one of its statements or commits."""

    url: str
    before_number: int = 0
    counted: int = 0

    def look(self, connection: Connection, *_: Any) -> None:
        """Called before every statement and commit of every engine, that of the jobs too."""
        if connection.dialect.name != "postgresql":
            return
        self.counted += 1
        if self.counted == self.before_number:
            raw: Any = connection.connection.driver_connection
            with psycopg.connect(self.url, autocommit=True) as beside:
                beside.execute("SELECT pg_terminate_backend(%s, 5000)", [raw.info.backend_pid])

    @contextmanager
    def at(self, number: int) -> Iterator[None]:
        """Let it happen once in the block."""
        self.before_number, self.counted = number, 0
        try:
            yield
        finally:
            self.before_number = 0


@pytest.fixture
def ours(service: Service) -> Caller:
    return service.caller("admin")


@pytest.fixture
def ids(service: Service, ours: Caller, tmp_path: Path) -> dict[str, str]:
    """What is met here is used up, so it is not what others share."""
    furnished = furnish(service.settings, ours, tmp_path / "files")
    return {name: str(value) for name, value in furnished.items()}


@pytest.fixture
def cut(service: Service) -> Iterator[Cut]:
    if service.settings.database_url is None:
        pytest.skip("not of this database: SQLite has no server that could go away")
    made = Cut(service.settings.database_url)
    moments = ("before_cursor_execute", "commit")
    for name in moments:
        event.listen(Engine, name, made.look)
    try:
        yield made
    finally:
        for name in moments:
            event.remove(Engine, name, made.look)


def told_well(answer: TestResponse) -> bool:
    """Whether an answer that is none says so, and when to come again."""
    if answer.status_code < 500:
        return True
    is_told = answer.mimetype in ("application/problem+json", "text/html")
    # Hosts of PACT and iLEAP tell failures in the form of these.
    is_told |= answer.is_json and {"code", "message"} <= (answer.json or {}).keys()
    return answer.status_code == 503 and "Retry-After" in answer.headers and is_told


def rules_of(service: Service) -> list[tuple[Rule, str]]:
    """Every route that may look into the database, with each of its methods."""
    return [
        (rule, method)
        for rule in service.client.application.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.endpoint.partition(".")[0] not in _UNTOUCHED
    ]


def _sent(caller: Caller, rule: Rule, method: str, ids: dict[str, str]) -> TestResponse:
    named: dict[str, Any] = {}
    if rule.endpoint in FORMS:
        named["data"] = FORMS[rule.endpoint]
    elif rule.endpoint == "pages.take_file":
        named["data"] = {"kind": "orders", "file": (io.BytesIO(b"order_id\nx\n"), "orders.csv")}
    elif rule.rule.startswith("/v1/") and method in ("POST", "PUT", "PATCH"):
        named["json"] = BODIES.get(rule.endpoint, {})
    return caller(method, filled(rule, ids), **named)


def _refusals(
    service: Service, cut: Cut, send: Callable[[], TestResponse]
) -> tuple[int, list[str]]:
    """How often a request was told that the database is away, and what else it was told."""
    gone_count, wrong = 0, []
    for number in range(1, _STATEMENTS_MAX):
        service.client.application.extensions["callers"].forget()
        with cut.at(number):
            answer = send()
        if cut.counted < number:
            break  # it needs no more than those before
        gone_count += answer.status_code == 503
        if not told_well(answer):
            wrong.append(f"{answer.request.path} {number} {answer.status_code} {answer.text[:200]}")
    return gone_count, wrong


def test_every_statement_of_every_route_may_be_the_last(
    service: Service, ours: Caller, ids: dict[str, str], cut: Cut
) -> None:
    create_user(service.settings, "boss", "admin", password=PASSWORD)
    counted = [
        _refusals(service, cut, lambda: _sent(ours, rule, method, ids))  # noqa: B023
        for rule, method in rules_of(service)
    ]
    assert [one for _, wrong in counted for one in wrong] == []
    # Most routes look for the caller, for the fleet, and for what is asked.
    assert sum(count for count, _ in counted) > 4 * len(counted)


def test_whoever_comes_by_session_or_token_is_told_so(service: Service, cut: Cut) -> None:
    create_user(service.settings, "boss", "admin", password=PASSWORD)
    client = service.client
    assert client.post("/v1/session", json=BODIES["v1.sign_in"]).status_code == 201
    asked = {"session": lambda: client.get("/v1/session")}
    made = create_key(service.settings, "program", "dispatcher")
    form = {"client_id": made.rows[0].key_id, "client_secret": made.secret}
    form |= FORMS["_token"]
    token = (client.post("/oauth/token", data=form).json or {})["access_token"]
    program = Caller(client, token)
    asked["token"] = lambda: program.get("/v1/months")
    asked["token asked for"] = lambda: client.post("/oauth/token", data=form)
    for send in asked.values():
        gone_count, wrong = _refusals(service, cut, send)
        assert (wrong, gone_count > 3) == ([], True)


def test_the_numbers_are_told_while_the_database_is_away(service: Service, cut: Cut) -> None:
    with cut.at(1):
        told = service.client.get("/metrics")
    assert told.status_code == 200
    assert "fleet_carbon_database_reachable 0.0" in told.text
    assert "fleet_carbon_requests_total" in told.text
