"""The client that ships: typed answers, problems as errors, and patience with a busy service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import stamina

from fleet_carbon.client import Client, ServiceBusy, ServiceProblem
from fleet_carbon.settings import Settings
from fleet_carbon.web.ledger_shapes import DisposalAsked
from fleet_carbon.web.shapes import KeyAsked, PriceAsked
from tests.services.tiny_fleet import MONTH
from tests.web.conftest import Furnished, Service, served
from tests.web.test_register import order

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


def test_rows_are_looked_at_before_they_are_sent(client: Client, tmp_path: Path) -> None:
    told = client.preview("vehicles", ROWS)
    assert (told.kept, told.rows_read, told.rows_rejected) == (False, 2, 1)
    path = tmp_path / "vehicles.csv"
    path.write_text("vehicle_id,rated_payload_t\nV9,30\n", encoding="utf-8")
    told = client.preview("vehicles", path)
    assert [one.name for one in told.columns] == ["vehicle_id", "rated_payload_t"]


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


TRUCK = {"vehicle_id": "V1", "rated_payload_t": 30}


def test_a_copy_is_kept_up_to_date_by_cursor(client: Client) -> None:
    client.send("vehicles", [TRUCK])
    client.send("orders", [order(n, vehicle_id="V1") for n in range(1, 4)])
    rows, cursor = client.changes("orders")
    assert [row.order_id for row in rows] == ["O001", "O002", "O003"]
    assert client.changes("orders", cursor)[0] == []
    changed = client.put_order("O002", order(2, vehicle_id="V1", cargo_t=12.5))
    assert (changed.in_force.version, changed.in_force.cargo_t) == (2, 12.5)
    assert client.cancel_order("O003").in_force.status == "cancelled"
    rows, _ = client.changes("orders", cursor)
    assert [(row.order_id, row.version) for row in rows] == [("O002", 2), ("O003", 2)]
    assert [row.order_id for row in client.records("orders", status="cancelled")] == ["O003"]
    assert [one.version for one in client.record("orders", "O002").versions] == [1, 2]
    assert client.order_result("O001").state == "not_closed"


def test_a_conflict_is_told_at_once_and_not_tried_again(client: Client) -> None:
    client.send("vehicles", [TRUCK])
    client.put_order("C1", order(1, order_id="C1", vehicle_id="V1"))
    other = order(1, order_id="C1", vehicle_id="V1", cargo_t=3.0, version=1)
    with pytest.raises(ServiceProblem) as refused:
        client.put_order("C1", other)
    assert not isinstance(refused.value, ServiceBusy)
    assert refused.value.code == "order_version_conflict"


def test_what_arrived_is_listed_and_taken_back(client: Client) -> None:
    told = client.send("vehicles", [TRUCK | {"vehicle_id": "V8"}, {"vehicle_id": "V9"}])
    assert next(client.files(kind="vehicles")).reception == told.reception
    assert [one.line for one in client.rejections(told.reception)] == [2]
    assert client.withdraw(told.reception, "not ours").withdrawn[0].withdrawn
    assert "V8" not in {row.vehicle_id for row in client.records("vehicles")}


def test_months_and_ledger_are_read_by_their_models(client: Client) -> None:
    assert client.month("2025-01").state == "open"
    assert client.runs("2025-01") == []
    assert client.balances().holds
    assert list(client.entries()) == []
    assert client.lots() == []
    assert not client.verify({"format": "none"}).ok
    with pytest.raises(ServiceProblem) as refused:
        client.act(
            "retirements", DisposalAsked(client_id="R", source="sold/B", amount_g=1, purpose="x")
        )
    assert refused.value.code


def test_the_inventory_is_read_with_its_rows_and_a_customers_report(furnished: Furnished) -> None:
    transport = httpx.WSGITransport(app=furnished.service.client.application)
    with Client("http://test", furnished.service.key("admin"), transport=transport) as client:
        book = client.inventory(MONTH)
        shipments = list(client.inventory_rows("shipments", MONTH))
        assert sum(one.co2e_wtw_mg for one in shipments) == book.summary.attributed.co2e_wtw_mg
        [shipper_id] = {one.shipper_id for one in shipments if one.shipper_id}
        report = client.shipper_report(shipper_id, MONTH, ".csv")
        assert report.removeprefix(b"\xef\xbb\xbf").startswith(b"shipment_id")
