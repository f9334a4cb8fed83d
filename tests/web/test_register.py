"""What was sent is read back: by page, by filter, one by one, and by those who may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Caller, Service

TRUCKS = [{"vehicle_id": f"V{n}", "rated_payload_t": 30.0} for n in (1, 2)]
DRIVERS = [
    {"driver_id": "D1", "name": "张三", "phone": "13800000001", "vehicle_id": "V1"},
    {"driver_id": "D2", "name": "李四", "phone": "13800000002", "vehicle_id": "V2"},
]


def order(number: int, **other: Any) -> dict[str, Any]:
    """An order of the day of its number in October."""
    return {
        "order_id": f"O{number:03d}",
        "vehicle_id": f"V{1 + number % 2}",
        "cargo_t": 10.0,
        "pickup_lon": 105.0,
        "pickup_lat": 30.0,
        "delivery_lon": 105.0,
        "delivery_lat": 30.5,
        "pickup_time": f"2026-10-{1 + number % 28:02d}T08:00:00Z",
        "delivery_time": f"2026-10-{1 + number % 28:02d}T12:00:00Z",
    } | other


def send(caller: Caller, kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Send rows; what is told of them."""
    answer = caller.post(f"/v1/{kind}", json=rows)
    assert answer.status_code == 200, answer.json
    return answer.json or {}


def read(caller: Caller, path: str, **asked: Any) -> dict[str, Any]:
    """What is told at a path."""
    answer = caller.get(f"/v1/{path}", query_string=asked)
    assert answer.status_code == 200, answer.json
    return answer.json or {}


def ids(page: dict[str, Any]) -> list[str]:
    """The orders of a page."""
    return [row["order_id"] for row in page["rows"]]


@pytest.fixture
def dispatcher(service: Service) -> Caller:
    caller = service.caller("dispatcher")
    send(caller, "vehicles", TRUCKS)
    send(caller, "drivers", DRIVERS)
    return caller


def test_pages_show_what_was_in_force_when_the_first_was_read(dispatcher: Caller) -> None:
    send(dispatcher, "orders", [order(n) for n in range(10)])
    page = read(dispatcher, "orders", limit=4)
    found, changes = ids(page), page["changes_cursor"]
    # Between two pages one order changes that was not read yet, and another one comes.
    send(dispatcher, "orders", [order(9, version=2, cargo_t=12.0), order(10)])
    while page["next_cursor"]:
        page = read(dispatcher, "orders", limit=4, cursor=page["next_cursor"])
        found += ids(page)
    assert found == [f"O{n:03d}" for n in range(10)]
    assert page["rows"][-1]["cargo_t"] == 10.0
    later = read(dispatcher, "orders", cursor=changes)
    assert [(row["order_id"], row["version"]) for row in later["rows"]] == [
        ("O009", 2),
        ("O010", 1),
    ]
    assert ids(read(dispatcher, "orders", cursor=later["changes_cursor"])) == []


def test_orders_are_found_by_what_they_say(dispatcher: Caller) -> None:
    send(
        dispatcher,
        "orders",
        [
            order(1, driver_id="D1", shipper_id="S1"),
            order(2, status="cancelled"),
            order(3, driver_id="D1"),
        ],
    )
    for asked, expected in (
        ({"vehicle_id": "V2"}, ["O001", "O003"]),
        ({"driver_id": "D1", "shipper_id": "S1"}, ["O001"]),
        ({"status": "cancelled"}, ["O002"]),
        ({"from_at": "2026-10-03T12:00:00Z"}, ["O002", "O003"]),
        # 20:00 in Shanghai, the zone of the fleet, is noon: the second order just ends.
        ({"until_at": "2026-10-03T16:00", "from_at": "2026-10-03T20:00"}, []),
        ({"until_at": "2026-10-03T16:01", "from_at": "2026-10-03T20:00"}, ["O002"]),
        ({"until_at": "2026-10-02T08:00:00Z"}, []),
    ):
        assert ids(read(dispatcher, "orders", **asked)) == expected, asked


def test_what_changed_since_a_moment_is_read(dispatcher: Caller) -> None:
    for part in range(3):
        send(dispatcher, "orders", [order(10 * part + n) for n in range(3)])
    rows = read(dispatcher, "orders")["rows"]
    since = rows[3]["recorded_at"]
    assert ids(read(dispatcher, "orders", changed_since=since)) == ids({"rows": rows[3:]})
    assert ids(read(dispatcher, "orders", changed_since="2999-01-01")) == []
    assert ids(read(dispatcher, "orders", changed_since="1999-01-01")) == ids({"rows": rows})


def test_an_order_is_told_with_every_version(dispatcher: Caller) -> None:
    send(dispatcher, "orders", [order(1, version=2)])
    send(dispatcher, "orders", [order(1, version=1, cargo_t=9.0)])
    found = read(dispatcher, "orders/O001")
    assert found["in_force"]["version"] == 2
    assert [one["version"] for one in found["versions"]] == [2, 1]
    assert ids(read(dispatcher, "orders")) == ["O001"]
    assert read(dispatcher, "orders")["rows"][0]["version"] == 2


def test_every_kind_is_read_as_it_was_sent(dispatcher: Caller) -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "assignments": [{"driver_id": "D1", "vehicle_id": "V1", "from": "2026-10-01T00:00:00Z"}],
        "energy": [{"vehicle_id": "V1", "time": "2026-10-02T00:00:00Z", "quantity": 300}],
        "baselines": [
            {
                "driver_id": "D1",
                "valid_from": "2026-01-01",
                "empty_share": 0.4,
                "payload_utilisation_share": 0.5,
            }
        ],
    }
    for kind, sent in rows.items():
        send(dispatcher, kind, sent)
    told = {kind: read(dispatcher, kind)["rows"] for kind in ("vehicles", *rows)}
    assert [one["vehicle_id"] for one in told["vehicles"]] == ["V1", "V2"]
    assert told["assignments"][0]["assigned_from"] == "2026-10-01T00:00:00.000Z"
    assert told["energy"][0]["quantity"] == 300
    assert told["baselines"][0]["empty_share"] == 0.4
    assert read(dispatcher, "assignments", until_at="2026-09-30")["rows"] == []
    assert read(dispatcher, "energy", from_at="2026-10-03")["rows"] == []
    assert read(dispatcher, "vehicles/V2")["in_force"]["rated_payload_t"] == 30.0


def test_names_are_told_to_those_who_work_with_the_person(
    service: Service, dispatcher: Caller
) -> None:
    assert read(dispatcher, "drivers")["rows"][0]["name"] == "张三"
    auditor = service.caller("auditor")
    told = read(auditor, "drivers")["rows"][0]
    assert (told["driver_id"], told["name"], told["phone"]) == ("D1", None, None)
    assert read(auditor, "drivers/D1")["in_force"]["name"] is None
    driver = service.caller("driver", driver_id="D1")
    assert read(driver, "drivers/D1")["in_force"]["phone"] == "13800000001"
    for path in ("drivers/D2", "drivers", "orders", "vehicles/V1"):
        assert driver.get(f"/v1/{path}").status_code == 403, path


def test_what_has_not_changed_is_not_sent_again(dispatcher: Caller) -> None:
    first = dispatcher.get("/v1/vehicles")
    known = {"If-None-Match": first.headers["ETag"]}
    assert dispatcher.get("/v1/vehicles", headers=known).status_code == 304
    send(dispatcher, "vehicles", [{"vehicle_id": "V1", "rated_payload_t": 31}])
    assert dispatcher.get("/v1/vehicles", headers=known).status_code == 200


def test_a_cursor_goes_with_its_question(dispatcher: Caller) -> None:
    send(dispatcher, "orders", [order(n) for n in range(4)])
    cursor = read(dispatcher, "orders", limit=2)["next_cursor"]
    for path in ("orders?vehicle_id=V1&", "energy?", "orders?"):
        given = cursor if path != "orders?" else "nonsense"
        answer = dispatcher.get(f"/v1/{path}cursor={given}")
        assert (answer.status_code, (answer.json or {})["code"]) == (400, "cursor_malformed")


def test_another_fleet_sees_nothing_of_it(service: Service, dispatcher: Caller) -> None:
    send(dispatcher, "orders", [order(1)])
    stranger = service.caller("dispatcher", fleet=f"{service.settings.fleet}-other")
    assert read(stranger, "orders")["rows"] == []
    assert stranger.get("/v1/orders/O001").status_code == 404
