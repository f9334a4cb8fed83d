"""The API as it is documented: what it says of itself is what it does, whatever is sent."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from fleet_carbon.settings import Settings
from tests.web.conftest import Service, served

# What fits the schema may still be refused by what is on record, or by rules between fields.
_DOCUMENT = "/openapi/openapi.json"
_WRONG = schemathesis.GenerationMode.NEGATIVE
_BUSINESS = {"positive_data_acceptance"}


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Any:
    service = served(
        Settings(
            home=tmp_path_factory.mktemp("contract") / "home",
            fleet="contract",
            sign_in_failures_count_per_min_max=1_000_000,
        )
    )
    return service, service.key("admin")


@pytest.fixture(scope="module")
def operations(admin: tuple[Service, str]) -> Any:
    """Every operation that is documented, with what may be sent to it, right and wrong."""
    service, _ = admin
    document = schemathesis.openapi.from_wsgi(_DOCUMENT, service.client.application)
    found = [one.ok() for one in document.get_all_operations()]
    return [(one.label, one.as_strategy() | one.as_strategy(_WRONG)) for one in found]


def test_the_document_is_of_the_version_it_promises(admin: tuple[Service, str]) -> None:
    service, _ = admin
    document = service.client.get(_DOCUMENT).json
    assert document is not None
    assert document["openapi"] == "3.1.0"
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all(one.get("summary") for one in operations)
    assert all({"401", "422"} <= set(one["responses"]) for one in operations)
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)


def test_the_page_of_the_document_asks_nobody_else(admin: tuple[Service, str]) -> None:
    service, _ = admin
    page = service.client.get("/openapi/swagger", follow_redirects=True)
    assert page.status_code == 200
    assert "https://" not in page.text.replace("https://spec.openapis.org", "")


def test_the_document_tells_which_writes_are_done_once(admin: tuple[Service, str]) -> None:
    service, _ = admin
    document: Any = service.client.get(_DOCUMENT).json
    views = service.client.application.view_functions
    wrong = []
    for rule in service.client.application.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}:
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is None:  # of the pages
                continue
            source = inspect.getsource(inspect.unwrap(views[rule.endpoint]))
            is_once = re.search(r"\b(repeatable|changed|job_asked)\(", source) is not None
            is_told = {"$ref": "#/components/parameters/IdempotencyKey"} in (
                operation.get("parameters", [])
            )
            if is_told != is_once or (is_once and "409" not in operation["responses"]):
                wrong.append((method, path))
    assert wrong == []


def test_what_is_told_with_a_mark_is_documented_as_unchanged_by_it(
    admin: tuple[Service, str],
) -> None:
    service, secret = admin
    headers = {"Authorization": f"Bearer {secret}"}
    document: Any = service.client.get(_DOCUMENT).json
    seen = 0
    for path, operations in document["paths"].items():
        if "get" not in operations or "{" in path:
            continue
        told = service.client.get(path, headers=headers)
        if "ETag" not in told.headers:
            continue
        mark = {"If-None-Match": told.headers["ETag"]}
        again = service.client.get(path, headers=headers | mark)
        assert again.status_code in (200, 304), path
        assert "304" in operations["get"]["responses"], path
        assert "ETag" in operations["get"]["responses"]["200"]["headers"], path
        seen += again.status_code == 304
    assert seen > 20


@pytest.mark.parametrize(
    "query",
    ["limit=5&limit=x", "limit=5&limit=5", "limit=+5", "limit=1_0", "limit=5.0", "before=%205"],
)
def test_a_parameter_is_what_the_schema_says_and_comes_once(
    admin: tuple[Service, str], query: str
) -> None:
    service, secret = admin
    headers = {"Authorization": f"Bearer {secret}"}
    assert service.client.get("/v1/audit?limit=5&before=5", headers=headers).status_code == 200
    told: Any = service.client.get(f"/v1/audit?{query}", headers=headers)
    assert (told.status_code, told.json["code"]) == (422, "request_malformed")


# What only an administrator may do is looked into by an administrator; to the others a little is
# enough to see that what they are refused, and what their role makes of an answer, is documented.
@pytest.mark.parametrize(
    ("role", "examples_count"),
    [
        ("admin", 5),
        pytest.param("admin", 50, marks=pytest.mark.trial),
        *(
            pytest.param(role, 2, marks=pytest.mark.slow)
            for role in ("manager", "dispatcher", "auditor", "driver")
        ),
    ],
)
def test_whatever_is_sent_is_answered_as_documented(
    admin: tuple[Service, str], operations: Any, role: str, examples_count: int
) -> None:
    service, _ = admin
    secret = service.key(role, driver_id="D1" if role == "driver" else "")
    load_all_checks()
    checks = [check for check in CHECKS.get_all() if check.__name__ not in _BUSINESS]
    tried = []
    for label, cases in operations:

        @settings(
            max_examples=examples_count, suppress_health_check=list(HealthCheck), deadline=None
        )
        @given(case=cases)
        def answered(case: schemathesis.Case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=checks)

        answered()
        tried.append(label)
    assert len(tried) > 20
    assert len(checks) > 10
