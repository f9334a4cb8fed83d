"""What a fleet has is for another as if nobody had it: on every route, in every place of an id.

The document of the API says what can be asked with; a name of a parameter or field that is new
there stops the first test until it is said whether it carries an id. Whoever asks with an id of
another fleet is answered as who asks with one that nobody has.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.people.sessions import begin_session, csrf_token
from fleet_carbon.services.people.users import create_user
from fleet_carbon.services.support import cursors
from fleet_carbon.storage import tables, tenancy
from fleet_carbon.web.callers import cookie_name
from tests.services.tiny_fleet import MONTH
from tests.web.conftest import Caller, Furnished
from tests.web.furnished import PASSWORD, SECRET

Json = dict[str, Any]
PAGES = Path(__file__).resolve().parents[2] / "fleet_carbon" / "web" / "pages"
# What a request may leave out, and what it says that names nothing of anybody.
_LEFT_OUT = frozenset(
    "limit language crs time_zone changed_since known_at kind after before from_at until_at"
    " from_month until_month under_way state status matched verdict reason_code form energy"
    " vehicle_class edition grade holders market region region_share vintage floor is_saleable"
    " scope scopes valid_days event_types description is_paused both_valid_h driving_rules"
    " radius_km candidates_count_max wait_s_max orders_per_truck_count_max weight_source cargo_m3"
    " fees second pickup_place delivery_place pickup_from pickup_until delivery_until"
    " pickup_uncertainty_km delivery_uncertainty_km vehicle_by position speed course altitude"
    " accuracy valid outdated attributes dialect toc_id $filter companyId geography classification"
    " validOn validAfter validBefore shippers time distance".split()
)
_PLAIN: Json = {
    "month": MONTH,
    "at": "2025-03-10T00:30:00Z",
    "since": "2025-03-10T00:30:00Z",
    "first": 1,
    "amount_g": 100,
    "cargo_t": 10.0,
    "version": 1,
    "pickup_lon": 105.0,
    "pickup_lat": 30.0,
    "delivery_lon": 105.0,
    "delivery_lat": 30.5,
    "pickup_time": "2025-03-10T03:00:00Z",
    "delivery_time": "2025-03-10T06:00:00Z",
    "price": "1",
    "currency": "CNY",
    "unit": "t",
    "series": "theirs",
    "valid_from": "2025-01-01",
    "positions_days": 3000,
    "name": "theirs",
    "role": "driver",
    "password": PASSWORD,
    "reason": "a mistake",
    "purpose": "a purpose",
    "outcome": "noted",
    "text": "a text",
    "url": "https://theirs.example/hook",
    "dry_run": False,
    "type": "org.wbcsd.pact.ProductFootprint.PublishedEvent.3",
    "specversion": "1.0",
    "id": "event",
    "data": {"pfIds": ["theirs"]},
}
# A name that means another thing on this route.
_HERE = {"/v1/ledger/redemptions/{client_id}/delivery": {"client_id": "redeemed_id"}}
_ROWS: dict[str, Json] = {
    "vehicles": {"rated_payload_t": 3},
    "drivers": {"name": "theirs"},
    "assignments": {"valid_from": "2025-01-01T00:00:00Z"},
    "energy": {"time": "2025-03-10T00:00:00Z", "quantity": 10, "kind": "diesel"},
    "baselines": {"valid_from": "2025-01-01", "empty_share": 0.5},
    "orders": {"version": 1, "cargo_t": 1},
    "positions": {"time": "2025-03-10T00:00:00Z", "lon": 105, "lat": 30},
}
# What a page is asked with: ids, and the rest.
_PAGE_IDS = {
    "vehicle": "vehicle_id",
    "driver": "driver_id",
    "customer": "shipper_id",
    "depot": "depot",
    "order": "order_id",
    "order_id": "order_id",
    "job": "job_id",
    "serial": "serial",
    "key_id": "key_id",
    "leg": "started_at",
}
_PAGE_PLAIN = {"month": MONTH, "outcome": "noted", "text": "a text", "zoom": "9"}
_PAGE_FREE = frozenset(
    "sort q page class crs dialect vehicle kind statement digest fleet name password next lang file"
    " distance"
    " document bbox was was_driver key wanted first reason declared cursor preview profile".split()
)
_DOORS = ("/sign-", "/welcome")  # open to whoever has what opens them
_PASSES = re.compile(
    r'"(request_id|reception|sequence)": ?("[^"]*"|\d+)|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?'
    r"|\b(fck|fcs|whsec|ep|msg)_\w+|\b[0-9a-f]{12,}\b"
)


def nobodys(ids: Mapping[str, Any]) -> dict[str, Any]:
    """Ids of the same forms that nobody has."""
    # A serial names its fleet, and may be of grams that the fleet never had.
    return {name: _nobodys(held) for name, held in ids.items()} | {"serial": f"{ids['serial']}9"}


def _nobodys(held: Any) -> Any:
    if isinstance(held, list):
        return [_nobodys(one) for one in held]
    if isinstance(held, int):
        return held + 1000
    with suppress(InputRefused):  # a cursor: a run and a place in it
        run_id, place = cursors.opened(held, str, int)
        return cursors.made(_nobodys(run_id), place)
    if held == MONTH:
        return held
    turned = re.sub(r"\bours\b", "none", held)
    return re.sub(r"[0-9a-f]{10,}$", lambda found: found[0][::-1], turned)


@dataclass(frozen=True)
class Operation:
    """A route of the document with one of its methods."""

    method: str
    path: str
    told: Json

    def names(self, place: str) -> list[str]:
        """Of the parameters that stand in the path or the query."""
        return [one["name"] for one in self.told.get("parameters", []) if one.get("in") == place]

    def asked(self, ids: Mapping[str, Any], schemas: Json) -> dict[str, Any]:
        """A request that fits the document, with these ids wherever one can stand."""
        ids = {**ids, **{name: ids[other] for name, other in _HERE.get(self.path, {}).items()}}
        values = _PLAIN | ids
        path = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), self.path)
        query = {name: values[name] for name in self.names("query") if name in values}
        asked: dict[str, Any] = {"path": path, "query_string": query}
        content = self.told.get("requestBody", {}).get("content", {})
        if content:
            reference = content["application/json"].get("schema", {}).get("$ref")
            asked["json"] = self._rows(ids) if reference is None else {}
            if reference is not None:
                asked["json"] = _body(schemas[reference.rpartition("/")[2]], values, schemas)
        return asked

    def _rows(self, ids: Mapping[str, Any]) -> Any:
        if self.path == "/v1/verify":
            return {}
        kind = self.path.split("/")[2]
        names = ("order_id", "vehicle_id", "driver_id", "shipper_id")
        row = _ROWS[kind] | {name: ids[name] for name in names}
        return row if self.method == "PUT" else [row]


def _body(schema: Json, values: Mapping[str, Any], schemas: Json) -> Json:
    """Everything in it that has a value, and what is required."""
    made = {}
    for name, told in schema["properties"].items():
        inside, whole = told.get("items", {}).get("$ref"), told.get("$ref")
        if whole is not None:
            made[name] = _body(schemas[whole.rpartition("/")[2]], values, schemas)
        elif inside is not None:
            made[name] = [_body(schemas[inside.rpartition("/")[2]], values, schemas)]
        elif name in values:
            made[name] = values[name]
    assert set(schema.get("required", [])) <= made.keys(), (schema["title"], made)
    return made


def document_of(furnished: Furnished) -> Json:
    """What the API says of itself."""
    return furnished.service.client.get("/openapi/openapi.json").json or {}


def operations(document: Json) -> list[Operation]:
    """Every one but the door, which nobody has a key for; what makes something comes last."""
    found = [
        Operation(method.upper(), path, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if path != "/v1/session"
    ]
    assert len(found) > 100
    # The audit log comes early: it tells the addresses that were asked for, ids and all.
    return sorted(
        found,
        key=lambda one: (
            one.method != "GET",
            one.method != "DELETE",
            not one.path.startswith("/v1/"),
            one.path,
        ),
    )


def content_of(answer: TestResponse) -> str:
    """What it says, unpacked."""
    is_packed = answer.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(answer.data) if is_packed else answer.data).decode(errors="replace")


def is_told_nothing(answer: TestResponse, sent: list[str], ids: Mapping[str, Any]) -> str:
    """The content without what was sent, in which nothing of the other fleet is left."""
    text = content_of(answer)
    for one in sorted(sent, key=len, reverse=True):
        for form in (one, one.replace("/", "%2F")):
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "", text)
    where = (answer.request.method, answer.request.path, answer.status_code, text[:500])
    assert answer.status_code < 500, where
    assert SECRET not in text, where
    assert "of-ours" not in text, where
    for held in set(_texts(ids)) - {MONTH, *sent}:
        assert held not in text or len(held) < 8, (held, *where)
    return _PASSES.sub("", text)


def _texts(held: Any) -> Iterator[str]:
    if isinstance(held, Mapping):
        for one in held.values():
            yield from _texts(one)
    elif isinstance(held, list):
        for one in held:
            yield from _texts(one)
    else:
        yield str(held)


def on_record(furnished: Furnished) -> dict[str, Any]:
    """Every row and every file of the furnished fleet."""
    settings = furnished.service.settings
    url = settings.database_url or f"sqlite:///{settings.home}/fleet_carbon.sqlite"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    found: dict[str, Any] = {}
    with engine.connect() as connection:
        tenancy.enter(connection, settings.fleet)
        for table in tables.METADATA.sorted_tables:
            if "fleet_id" in table.c:
                rows = connection.execute(select(table).where(table.c.fleet_id == settings.fleet))
                found[table.name] = sorted(map(repr, rows))
    engine.dispose()
    assert sum(bool(rows) for rows in found.values()) > 20
    for path in settings.home.rglob("*"):
        if settings.fleet in path.parts:
            found[str(path)] = path.is_file() and path.read_bytes()
    return found


@pytest.fixture
def theirs(furnished: Furnished) -> Caller:
    return furnished.service.caller("admin", fleet="theirs")


def test_every_name_in_the_document_is_known_here(furnished: Furnished) -> None:
    document = document_of(furnished)
    named = set()
    for one in operations(document):
        named |= {*one.names("path"), *one.names("query")}
        asked = [one.told.get("requestBody", {}).get("content", {}).get("application/json", {})]
        while asked:
            schema = asked.pop()
            reference = schema.get("$ref") or schema.get("schema", {}).get("$ref")
            if reference:
                asked.append(document["components"]["schemas"][reference.rpartition("/")[2]])
            inner = {
                name: told if "$ref" in told else told.get("items", {})
                for name, told in schema.get("properties", {}).items()
            }
            named |= {name for name, items in inner.items() if "$ref" not in items}
            asked += inner.values()
    assert named <= _LEFT_OUT | _PLAIN.keys() | furnished.ids.keys(), (
        "say whether these carry an id"
    )


def test_the_fleet_itself_is_told_what_it_has(furnished: Furnished) -> None:
    document = document_of(furnished)
    for one in operations(document):
        if one.method == "GET":
            asked = one.asked(furnished.ids, document["components"]["schemas"])
            asked["query_string"].pop("cursor", None)
            answer = furnished.ours.get(**asked)
            assert answer.status_code == 200, (one.path, answer.text)
            if not one.path.endswith(("/session", "/live")):  # which tell of the very moment
                asked["headers"] = {"If-None-Match": answer.headers["ETag"]}
                assert furnished.ours.get(**asked).status_code == 304, one.path


def test_an_id_of_another_fleet_is_answered_as_one_that_nobody_has(
    furnished: Furnished, theirs: Caller
) -> None:
    document = document_of(furnished)
    schemas, ids = document["components"]["schemas"], furnished.ids
    before = on_record(furnished)
    refused = 0
    for one in operations(document):
        told = []
        for tried in (ids, nobodys(ids)):
            asked = one.asked(tried, schemas)
            answer = theirs(one.method, **asked)
            code = (answer.json or {}).get("code") if answer.is_json else None
            sent = [held for held in _texts(tried) if held in json.dumps(asked)]
            content = is_told_nothing(answer, sent, ids)
            assert code not in ("request_malformed", "media_type_unsupported"), answer.text
            refused += answer.status_code >= 400
            told.append((answer.status_code, code, content if one.method == "GET" else ""))
        assert told[0] == told[1], (one.method, one.path)
    assert refused > 60
    assert on_record(furnished) == before


def signed_in(furnished: Furnished, fleet: str) -> FlaskClient:
    """A browser of an administrator of a fleet."""
    settings = furnished.service.settings.model_copy(update={"fleet": fleet})
    made = create_user(settings, f"browser-{fleet}", "admin", password=PASSWORD)
    session = begin_session(settings, made.rows[-1].user_id)
    browser = furnished.service.client.application.test_client()
    browser.set_cookie(cookie_name(settings), session.secret)
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    browser.environ_base["HTTP_X_CSRF_TOKEN"] = csrf_token(session.secret)
    return browser


def pages_of(furnished: Furnished) -> list[tuple[Rule, str]]:
    """Every page with each of its methods, but the doors."""
    rules = furnished.service.client.application.url_map.iter_rules()
    return sorted(
        (
            (rule, method)
            for rule in rules
            for method in (rule.methods or set()) & {"GET", "POST"}
            if rule.endpoint.startswith("pages.") and not rule.rule.startswith(_DOORS)
        ),
        key=lambda one: (one[1], one[0].rule),
    )


def shown(
    browser: FlaskClient, rule: Rule, method: str, ids: Mapping[str, Any]
) -> tuple[TestResponse, list[str]]:
    """A page that is asked for with these ids wherever one can stand, and what was sent."""
    given = _PAGE_PLAIN | {name: ids[other] for name, other in _PAGE_IDS.items()}
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids[found[1]]), rule.rule)
    fields = {"query_string": given} if method == "GET" else {"data": {**ids, **given}}
    answer = browser.open(path, method=method, **fields)
    numbers = [int(ids[name]) % 1000 for name in rule.arguments if isinstance(ids[name], int)]
    sent = [held for held in (*given.values(), *ids.values()) if isinstance(held, str)]
    return answer, [*sent, *(str(one) for n in numbers for one in (n, n + 1000))]


def test_every_name_that_a_page_reads_is_known_here() -> None:
    read = re.compile(r'(?:request\.(?:args|form|files|values)|asked)(?:\.get\(|\[)"(\w+)"')
    named = {name for path in PAGES.glob("*.py") for name in read.findall(path.read_text("utf-8"))}
    assert len(named) > 15
    assert named <= _PAGE_PLAIN.keys() | _PAGE_IDS.keys() | _PAGE_FREE, "say if these carry an id"


def test_no_page_shows_what_another_fleet_has(furnished: Furnished) -> None:
    ours, theirs = (signed_in(furnished, fleet) for fleet in ("ours", "other"))
    found = 0
    for rule, method in pages_of(furnished):
        if method == "GET":
            answer, _ = shown(ours, rule, method, furnished.ids)
            assert answer.status_code in (200, 302, 303), (rule.rule, answer.status_code)
            found += SECRET in content_of(answer)
    assert found >= 3
    before = on_record(furnished)
    for rule, method in pages_of(furnished):
        told = []
        for tried in (furnished.ids, nobodys(furnished.ids)):
            answer, sent = shown(theirs, rule, method, tried)
            content = is_told_nothing(answer, sent, furnished.ids)
            told.append((answer.status_code, content if method == "GET" else ""))
        assert told[0] == told[1], (method, rule.rule)
    assert on_record(furnished) == before
