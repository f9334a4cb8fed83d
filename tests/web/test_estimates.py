"""Before a trip over HTTP: asked, kept, told again; by the client as by hand."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fleet_carbon.client import Client, ServiceProblem
from fleet_carbon.web.estimate_shapes import EstimateAsked, OrderAsked, PlanAsked
from tests.services.test_estimating import AT, northward, recorded, three_trucks
from tests.web.conftest import Service, served


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return served(recorded(three_trucks(), tmp_path_factory.mktemp("before")))


def order(order_id: str = "X", **given: Any) -> OrderAsked:
    told = vars(northward(order_id, **given))
    return OrderAsked(**{name: value for name, value in told.items() if value is not None})


def client_of(service: Service, role: str) -> Client:
    app: Any = service.client.application
    return Client("http://local", service.key(role), transport=httpx.WSGITransport(app=app))


def test_an_estimate_is_made_once_for_its_key_and_told_again(fleet: Service) -> None:
    dispatcher = fleet.caller("dispatcher")
    body = EstimateAsked(orders=[order()], at=AT).model_dump()
    first = dispatcher.post("/v1/estimates", json=body, headers={"Idempotency-Key": "one"})
    again = dispatcher.post("/v1/estimates", json=body, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json is not None
    kept = dispatcher.get(first.headers["Location"]).json or {}
    assert kept["orders"][0]["candidates"] == first.json["orders"][0]["candidates"]
    assert kept["orders"][0]["realised"]["state"] == "month_not_closed"


def test_the_client_asks_and_is_answered_in_the_same_shapes(fleet: Service) -> None:
    with client_of(fleet, "dispatcher") as client:
        told = client.estimate(EstimateAsked(orders=[order("C")], at=AT))
        (asked,) = told.orders
        assert [one.vehicle_id for one in asked.candidates] == ["V1", "V2"]
        assert told.credited_only_if == "Credited only if proven by order and trace."
        assert [one.reason for one in asked.unranked] == ["position_unknown"]
        assert client.read_estimate(told.estimate_id).orders[0].candidates == asked.candidates
        assert client.realised("C").estimate_id == told.estimate_id
        plan = client.plan(PlanAsked(orders=[order("A"), order("B")], at=AT))
        assert {one.vehicle_id for one in plan.assignments} == {"V1", "V2"}
        assert plan.optimality["is_best"]
        with pytest.raises(ServiceProblem, match="no order"):
            client.realised("never heard of")


def test_only_who_may_send_asks_and_another_fleet_sees_nothing(fleet: Service) -> None:
    body = EstimateAsked(orders=[order("F")], at=AT).model_dump()
    assert fleet.caller("auditor").post("/v1/estimates", json=body).status_code == 403
    assert fleet.caller("driver", driver_id="D1").get("/v1/orders/F/realised").status_code == 403
    made = fleet.caller("dispatcher").post("/v1/estimates", json=body).json or {}
    stranger = fleet.caller("admin", fleet="elsewhere")
    assert stranger.get(f"/v1/estimates/{made['estimate_id']}").status_code == 404
    assert stranger.get("/v1/orders/F/realised").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"orders": []}, 422, "request_malformed"),
        ({"orders": [{"order_id": "nowhere"}]}, 422, "order_incomplete"),
        ({"orders": [{"order_id": "X", "cargo_t": -1}]}, 422, "request_malformed"),
        ({"orders": [{"order_id": "X"}], "at": "yesterday"}, 422, "order_incomplete"),
        ({"orders": [{"order_id": "X"}], "driving_rules": "us"}, 422, "request_malformed"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    fleet: Service, body: dict[str, Any], status: int, code: str
) -> None:
    for path in ("/v1/estimates", "/v1/assignments/plan"):
        answer = fleet.caller("dispatcher").post(path, json=body)
        assert (answer.status_code, (answer.json or {})["code"]) == (status, code)


def test_a_moment_that_is_none_is_refused(fleet: Service) -> None:
    for at in ("yesterday", "0001-01-01", "9999-12-31T23:59"):
        body = EstimateAsked(orders=[order("M")]).model_dump() | {"at": at}
        answer = fleet.caller("dispatcher").post("/v1/estimates", json=body)
        assert (answer.json or {})["code"] == "moment_malformed"
