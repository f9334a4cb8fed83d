"""The client that ships: typed answers, problems as errors, and patience with a busy service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import stamina

from fleet_carbon.client import Client, ServiceBusy, ServiceProblem
from fleet_carbon.settings import Settings
from fleet_carbon.web.shapes import KeyAsked, PriceAsked
from tests.web.conftest import Service, served

ROWS = [{"vehicle_id": "V1", "rated_payload_t": 30}, {"vehicle_id": "V2", "rated_payload_t": -1}]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = served(Settings(home=tmp_path_factory.mktemp("client") / "home", fleet="client"))
    yield made
    made.client.application.extensions["jobs"].close()


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    transport = httpx.WSGITransport(app=service.client.application)
    with Client("http://test", service.key("admin"), transport=transport) as made:
        yield made


def answering(handle: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client("http://test", "fck_x", transport=httpx.MockTransport(handle))


def test_rows_and_files_are_sent_and_their_fate_is_told(client: Client, tmp_path: Path) -> None:
    told = client.send("vehicles", ROWS)
    assert (told.rows_read, told.rows_accepted, told.rows_rejected) == (2, 1, 1)
    assert told.rejections[0].column == "rated_payload_t"
    path = tmp_path / "vehicles.csv"
    path.write_text("vehicle_id,rated_payload_t\nV1,30\nV3,18\n", encoding="utf-8")
    told = client.send("vehicles", path)
    assert (told.rows_accepted, told.rows_duplicate) == (1, 1)


def test_a_problem_is_an_error_with_code_and_what_to_do(client: Client) -> None:
    with pytest.raises(ServiceProblem) as refused:
        list(client.rows("accounts", "2024-01"))
    assert refused.value.code == "month_not_closed"
    assert refused.value.hint
    assert refused.value.details["problem"]["status"] == 404


def test_prices_and_keys_go_by_their_models(client: Client) -> None:
    price = PriceAsked(
        series="CEA", price="95.50", currency="CNY", unit="t", valid_from="2026-01-01"
    )
    assert client.set_price(price)["price"] == "95.50"
    assert [one["series"] for one in client.prices().prices] == ["CEA"]
    made = client.create_key(KeyAsked(name="phone", role="driver", driver_id="D1"))
    assert made.secret.startswith("fck_")
    assert made.keys[0].driver_id == "D1"


def test_a_busy_service_is_asked_again_under_the_same_key() -> None:
    keys: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ConnectError("it restarts")
        if len(keys) == 2:
            headers = {"Retry-After": "5", "Content-Type": "application/problem+json"}
            return httpx.Response(503, headers=headers, json={"code": "storage_busy"})
        return httpx.Response(200, json={"price": "1"})

    price = PriceAsked(series="x", price="1", currency="CNY", unit="t", valid_from="2026-01-01")
    assert answering(handle).set_price(price) == {"price": "1"}
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_patience_has_an_end() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, headers={"Retry-After": "5"}, text="no")

    with pytest.raises(ServiceBusy) as busy:
        answering(handle).months()
    assert busy.value.code == "no_problem_told"


def test_a_key_is_not_made_twice_for_one_request() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ReadTimeout("the answer was lost")

    with pytest.raises(httpx.ReadTimeout):
        answering(handle).create_key(KeyAsked(name="x", role="admin"))
    assert asked == ["/v1/keys"]


def test_a_job_that_failed_says_why() -> None:
    problem = {"code": "month_still_open", "message": "2026-11 is not over.", "hint": "Wait."}
    states = iter(["waiting", "running", "failed"])

    def handle(request: httpx.Request) -> httpx.Response:
        state = next(states)
        told = {
            "job_id": "close-2026-11-x",
            "kind": "close_month",
            "state": state,
            "asked_at": "",
            "changed_at": "",
            "progress": {},
            "result": None,
            "problem": problem if state == "failed" else None,
        }
        return httpx.Response(200, json=told)

    client = answering(handle)
    with pytest.raises(ServiceProblem) as failed:
        client.wait(client.close_month("2026-11"))
    assert (failed.value.code, failed.value.message) == ("month_still_open", "2026-11 is not over.")
