"""Orders by version: partial success, conflicts, one at a time, and what was refused by page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Caller, Service
from tests.web.test_register import TRUCKS, order, read, send


@pytest.fixture
def manager(service: Service) -> Caller:
    caller = service.caller("manager")
    send(caller, "vehicles", TRUCKS)
    return caller


def fate(told: dict[str, Any]) -> tuple[int, int, int]:
    """Rows accepted, duplicate, rejected."""
    return told["rows_accepted"], told["rows_duplicate"], told["rows_rejected"]


def test_each_row_has_its_own_fate_by_its_version(manager: Caller) -> None:
    send(manager, "orders", [order(1, version=2), order(2), order(3)])
    told = send(
        manager,
        "orders",
        [
            order(1, version=1),  # late: kept, and not in force
            order(2),  # the same
            order(3, cargo_t=11.0),  # other content under the version on record
            order(4),
            order(5, vehicle_id="V9"),
        ],
    )
    assert fate(told) == (2, 1, 2)
    assert told["remarks"]["orders_late"] == 1
    problems = [(one["line"], one["column"], one["code"]) for one in told["rejections"]]
    assert problems == [
        (3, "version", "order_version_conflict"),
        (5, "vehicle_id", "vehicle_unknown"),
    ]
    rows = {row["order_id"]: row for row in read(manager, "orders")["rows"]}
    assert rows["O001"]["version"] == 2
    assert rows["O003"]["cargo_t"] == 10.0
    assert sorted(rows) == ["O001", "O002", "O003", "O004"]


def test_two_contents_under_one_version_in_one_body_conflict(manager: Caller) -> None:
    told = send(manager, "orders", [order(1), order(1, cargo_t=11.0)])
    assert fate(told) == (1, 0, 1)
    assert send(manager, "orders", [order(1, cargo_t=11.0, version=2)])["rows_accepted"] == 1


def test_every_refused_row_can_be_read(manager: Caller) -> None:
    told = send(manager, "orders", [order(n, cargo_t=-1.0) for n in range(50)])
    assert len(told["rejections"]) < 50
    path = f"files/{told['reception']}/rejections"
    page = read(manager, path, limit=30)
    lines = [one["line"] for one in page["rejections"]]
    page = read(manager, path, limit=30, cursor=page["next_cursor"])
    lines += [one["line"] for one in page["rejections"]]
    assert (lines, page["next_cursor"]) == (list(range(1, 51)), "")
    sheet = manager.get(f"/v1/{path}", headers={"Accept": "text/csv"})
    assert sheet.content_type.startswith("text/csv")
    assert len(sheet.text.splitlines()) == 51
    book = manager.get(f"/v1/{path}", headers={"Accept": "application/vnd.apache.parquet"})
    assert book.data.startswith(b"PAR1")


def test_a_cell_that_a_spreadsheet_would_compute_is_guarded(manager: Caller) -> None:
    told = send(manager, "orders", [order(1, vehicle_id="=2+3")])
    path = f"/v1/files/{told['reception']}/rejections"
    sheet = manager.get(path, headers={"Accept": "text/csv"}).text
    assert not any(cell.startswith(("=", '"=')) for cell in sheet.replace("\n", ",").split(","))


def test_one_order_is_put_in_its_next_version(manager: Caller) -> None:
    body = order(1)
    del body["order_id"]
    path = "/v1/orders/O001"
    first = manager("PUT", path, json=body).json or {}
    assert first["in_force"]["version"] == 1
    second = manager("PUT", path, json=body | {"cargo_t": 12.0}).json or {}
    assert (second["in_force"]["version"], second["in_force"]["cargo_t"]) == (2, 12.0)
    assert [one["version"] for one in second["versions"]] == [1, 2]
    conflict = manager("PUT", path, json=body | {"cargo_t": 13.0, "version": 2})
    assert (conflict.status_code, (conflict.json or {})["code"]) == (409, "order_version_conflict")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"cargo_t": -1}, "order_refused"),
        ({"vehicle_id": "V9"}, "order_refused"),
        ({"order_id": "O002"}, "order_id_differs"),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_its_field(
    manager: Caller, body: dict[str, Any], code: str
) -> None:
    answer = manager("PUT", "/v1/orders/O001", json=order(1) | body)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, code)
    if code == "order_refused":
        assert answer.json["details"]["field"] == next(iter(body))
    assert manager.get("/v1/orders/O001").status_code == 404
    assert manager("PUT", "/v1/orders/O001", json=[order(1)]).status_code == 422


def test_a_cancelled_order_is_cancelled_once(manager: Caller) -> None:
    send(manager, "orders", [order(1, version=4, shipper_id="S1", price="100.5", currency="CNY")])
    path = "/v1/orders/O001/cancellation"
    first = manager.post(path).json or {}
    assert (first["in_force"]["status"], first["in_force"]["version"]) == ("cancelled", 5)
    assert first["in_force"]["price"] == "100.5"
    again = manager.post(path).json or {}
    assert again == first
    assert manager.post("/v1/orders/none/cancellation").status_code == 404


def test_what_arrived_is_listed_and_taken_back(manager: Caller, service: Service) -> None:
    for number in range(3):
        send(manager, "orders", [order(number)])
    page = read(manager, "files", kind="orders", limit=2)
    assert len(page["files"]) == 2
    last = read(manager, "files", kind="orders", limit=2, cursor=page["next_cursor"])
    numbers = [one["reception"] for one in page["files"] + last["files"]]
    assert numbers == sorted(numbers, reverse=True)
    assert last["next_cursor"] == ""
    path = f"/v1/files/{numbers[0]}"
    assert service.caller("dispatcher")("DELETE", f"{path}?reason=x").status_code == 403
    taken = manager("DELETE", path, query_string={"reason": "sent twice"})
    assert (taken.json or {})["withdrawn"][0]["reception"] == numbers[0]
    assert [row["order_id"] for row in read(manager, "orders")["rows"]] == ["O000", "O001"]
    found = read(manager, "orders/O002")
    assert (found["in_force"], found["versions"][0]["is_withdrawn"]) == (None, True)
    again = manager("DELETE", path, query_string={"reason": "sent twice"})
    assert (again.json or {})["code"] == "file_withdrawn_already"
    assert manager("DELETE", "/v1/files/9999?reason=x").status_code == 404
    assert (read(manager, f"files/{numbers[0]}"))["withdrawn_reason"] == "sent twice"
