"""Every route, as the app itself lists them: no way in without a key, none for another role.

A route that is added is tried here by itself; one with an id of a new kind stops the first test
until it is said what a fleet has of that kind.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from fleet_carbon.services.people.access import end_key
from tests.web.conftest import Caller, Furnished, Service
from tests.web.furnished import SECRET

# Routes whose ids are the caller's own to choose.
_OWN = {"put_order", "close_month", "preview_month", "publish_statements"}
_DOORS = {"v1.sign_in"}  # which nobody has a key for yet
_NO_ID = {"month": "2025-03"}
HOSTILE = (
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2f",
    "..%5c..%5cboot.ini",
    "x%00.json",
    "'%20OR%20'1'='1",
    "x');DROP%20TABLE%20fleets;--",
    "%25s%25n",
    "%ff%fe",
    "%F0%9F%9A%9A" * 50,
    "-1",
    "9" * 40,
    "V" * 5000,
)


def rules_of(service: Service) -> list[tuple[Rule, str]]:
    """Every route for systems with each of its methods."""
    found = [
        (rule, method)
        for rule in service.client.application.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.rule.startswith(("/v1/", "/2/", "/3/")) and rule.endpoint not in _DOORS
    ]
    assert len(found) > 20
    return found


def filled(rule: Rule, ids: dict[str, str]) -> str:
    """The address of a route with these ids."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids.get(found[1], "1"), rule.rule)


def is_refused(answer: TestResponse, rule: Rule) -> bool:
    """Whether it says as its standard does that it does not know who asks: iLEAP by 403."""
    is_exchange = rule.endpoint.startswith("exchange.")
    is_ileap = rule.rule.startswith(("/v1/ileap/", "/2/ileap/"))
    kind = "application/json" if is_exchange else "application/problem+json"
    return answer.status_code == (403 if is_ileap else 401) and answer.content_type == kind


def asked(caller: Caller, rule: Rule, method: str, ids: dict[str, str]) -> TestResponse:
    """The answer, to a body that fits no route if the method has one."""
    body = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
    return caller(method, filled(rule, ids), **body)


def is_told_well(answer: TestResponse) -> None:
    """What every answer has, whatever it says: the headers, and no word of the inside."""
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["X-Request-Id"]
    assert answer.status_code < 500, (answer.request.path, answer.text[:500])
    assert "Traceback" not in answer.text
    assert "sqlalchemy" not in answer.text.lower()


@pytest.fixture
def service(furnished: Furnished) -> Service:
    return furnished.service


@pytest.fixture
def ours(furnished: Furnished) -> Caller:
    return furnished.ours


@pytest.fixture
def ids(furnished: Furnished) -> dict[str, str]:
    """Ids of everything that a fleet has."""
    return {name: str(held) for name, held in furnished.ids.items()}


def test_every_kind_of_id_is_known_here(service: Service, ids: dict[str, str]) -> None:
    named = {argument for rule, _ in rules_of(service) for argument in rule.arguments}
    assert named <= set(ids), "say in `furnish` what a fleet has of these kinds"


def forged(secret: str) -> list[str]:
    """What somebody might send as a key."""
    encoded = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    claims = base64.urlsafe_b64encode(b'{"role":"admin","fleet":"x"}').decode().rstrip("=")
    return [
        "",
        "Bearer",
        f"Bearer {secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        f"Bearer {secret[:-1]}",
        f"Bearer {secret}x",
        f"Bearer {secret.swapcase()}",
        f"Bearer {secret} {secret}",
        f"Bearer fck_{'A' * 43}",
        "Bearer ' OR '1'='1",
        f"Bearer {encoded}.{claims}.",
        f"Basic {base64.b64encode(f'admin:{secret}'.encode()).decode()}",
        f"Token {secret}",
        f"Digest {secret}",
        secret,
    ]


def test_a_forged_key_opens_no_route(service: Service, ids: dict[str, str]) -> None:
    client, secret = service.client, service.key("admin")
    tokens = forged(secret)
    for number, (rule, method) in enumerate(rules_of(service)):
        # All on some routes, one on each.
        for token in tokens if number % 20 == 0 else [tokens[number % len(tokens)]]:
            body = {"json": {"a": 1}} if method in ("POST", "PUT", "PATCH") else {}
            answer = client.open(
                filled(rule, ids),
                method=method,
                headers={"Authorization": token, "Cookie": f"key={secret}; session={secret}"},
                query_string={"key": secret, "access_token": secret},
                **body,
            )
            assert is_refused(answer, rule), (method, rule.rule, token, answer.text[:300])
            is_told_well(answer)


def test_an_ended_key_opens_no_route(service: Service, ours: Caller, ids: dict[str, str]) -> None:
    made = ours.post("/v1/keys", json={"name": "x", "role": "admin"}).json or {}
    former = Caller(service.client, made["secret"])
    [key] = made["keys"]
    end_key(service.settings, key["key_id"])
    service.client.application.extensions["callers"].__init__()
    for rule, method in rules_of(service):
        assert is_refused(asked(former, rule, method, ids), rule), (method, rule.rule)


def test_a_driver_opens_no_route_but_of_the_drivers_own(
    service: Service, ids: dict[str, str]
) -> None:
    driver = service.caller("driver", driver_id="somebody else")
    for rule, method in rules_of(service):
        answer = asked(driver, rule, method, ids)
        is_told_well(answer)
        assert SECRET not in answer.text, (method, rule.rule, answer.text[:300])
        # A signature may be checked by everybody who comes in, and who one is oneself.
        is_for_all = "driver" in rule.rule or rule.rule in ("/v1/verify", "/v1/session")
        assert answer.status_code in (403, 404, 422) or is_for_all, (method, rule.rule)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_id_is_not_found(service: Service, ours: Caller, text: str) -> None:
    for rule, method in rules_of(service):
        for argument in rule.arguments:
            answer = asked(ours, rule, method, _NO_ID | {argument: text})
            is_told_well(answer)
            may_name = rule.endpoint.removeprefix("v1.") in _OWN
            assert answer.status_code >= 300 or may_name, (method, rule.rule, answer.text[:300])


def _queries(service: Service) -> Iterator[tuple[str, str]]:
    document = service.client.get("/openapi/openapi.json").json or {}
    for path, operations in document["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if parameter.get("in") == "query":
                yield (
                    re.sub(r"{\w+}", "1", path).replace("/months/1", "/months/2025-03"),
                    parameter["name"],
                )


def test_a_hostile_query_finds_nothing(service: Service, ours: Caller) -> None:
    asked_count = 0
    for path, name in _queries(service):
        for text in (
            "' OR '1'='1",
            "x'); DROP TABLE fleets; --",
            "a\0b",
            "\ud7ff\u202e",
            "9" * 400,
        ):
            answer = ours.get(path, query_string={name: text})
            is_told_well(answer)
            asked_count += 1
    assert asked_count > 50
    assert ours.get("/v1/keys").status_code == 200


def test_a_text_with_nul_is_refused_before_the_database(ours: Caller) -> None:
    webhook = {"url": "https://x.example", "description": "a\0b"}
    price = {"series": "a\0", "price": "1", "currency": "CNY", "unit": "t"}
    for path, body in (("/v1/webhooks", webhook), ("/v1/prices", price)):
        answer = ours.post(path, json=body)
        is_told_well(answer)
        assert answer.status_code == 422


def test_every_answer_has_the_headers_of_safety(service: Service, ours: Caller) -> None:
    client = service.client
    answers = [
        client.get("/healthz"),
        client.get("/readyz"),
        client.get("/nowhere"),
        client.post("/healthz"),
        client.get("/v1/keys"),
        client.get("/openapi/openapi.json"),
        client.get("/openapi/swagger", follow_redirects=True),
        client.get("/openapi/static/../../../settings.py"),
        client.get("/static/../app.py"),
        client.open("/v1/keys", method="TRACE"),
        ours.get("/v1/months"),
        ours.post("/v1/prices", json=[]),
        ours.get("/v1/jobs/none"),
    ]
    for answer in answers:
        is_told_well(answer)


def test_nothing_runs_to_find_faults_with(service: Service) -> None:
    app = service.client.application
    assert not app.debug
    assert not app.testing
    assert not app.config.get("PROPAGATE_EXCEPTIONS")
    assert service.client.get("/console").status_code == 404


class _Unread(io.BytesIO):
    """A body that nobody may look into."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")

    readinto = readline = read1 = read  # type: ignore[assignment]


@pytest.mark.parametrize("secret", ["", "fck_forged"])
def test_the_body_of_a_stranger_is_not_even_read(service: Service, secret: str) -> None:
    client = service.client
    document = client.get("/openapi/openapi.json").json or {}
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    tried = 0
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"post", "put", "patch"}:
            if path == "/v1/session":  # where strangers sign in
                continue
            answer = client.open(
                re.sub(r"\{[^}]*\}", "1", path),
                method=method.upper(),
                headers=headers,
                content_type="application/json",
                input_stream=_Unread(b'{"name": 1}'),
            )
            assert answer.status_code == 401, (method, path, answer.text)
            tried += 1
    assert tried > 20
