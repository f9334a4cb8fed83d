"""A month over HTTP: sent, closed as a job, read by page, explained to its driver only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.ledger import checker
from fleet_carbon.services.accounts.month_states import read_month
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.running.jobs import worker
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH, TinyFleet, beside, northward_order, shuttle
from tests.web.conftest import Service, served

_WAIT_S = 400


def three_trucks() -> TinyFleet:
    """Three trucks with a driver each, side by side, all with the same month."""
    fleet = TinyFleet()
    numbers = (1, 2, 3)
    truck, driver, baseline = fleet.vehicles[0], fleet.drivers[0], fleet.baselines[0]
    fleet.vehicles = [truck | {"vehicle_id": f"V{n}"} for n in numbers]
    fleet.drivers = [driver | {"driver_id": f"D{n}", "vehicle_id": f"V{n}"} for n in numbers]
    fleet.baselines = [baseline | {"driver_id": f"D{n}"} for n in numbers]
    fleet.orders = [
        northward_order(
            f"O{n}{drive}", drive, vehicle_id=f"V{n}", pickup_lon=beside(n), delivery_lon=beside(n)
        )
        for n in numbers
        for drive in (0, 2)
    ]
    fleet.positions = [
        fix for n in numbers for fix in shuttle(3, vehicle_id=f"V{n}", lon=beside(n))
    ]
    return fleet


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose month was sent and closed over HTTP."""
    folder = tmp_path_factory.mktemp("months")
    service = served(Settings(home=folder / "home", fleet="months"))
    manager = service.caller("manager")
    for kind, path in three_trucks().write(folder / "files").items():
        answer = manager.post(f"/v1/{kind}", data=path.read_bytes(), content_type="text/csv")
        assert answer.json is not None
        assert answer.json["rows_rejected"] == 0, answer.json
    asked = manager.post(f"/v1/months/{MONTH}/closings")
    assert asked.status_code == 202
    with worker(service.settings):
        until_s = time.monotonic() + _WAIT_S
        while (job := manager.get(asked.headers["Location"]).json or {})["state"] != "done":
            assert job["state"] in ("waiting", "running"), job
            assert time.monotonic() < until_s, job
            time.sleep(0.2)
    assert job["result"]["orders_matched"] == 6
    yield service
    service.client.application.extensions["jobs"].close()


def test_what_was_closed_over_http_is_what_the_command_line_closes(
    closed: Service, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", fleet="months")
    for kind, path in three_trucks().write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    by_hand = close_month(settings, MONTH)
    months = (closed.caller("auditor").get("/v1/months").json or {})["months"]
    assert [one["run_id"] for one in months] == [by_hand.run.run_id]


def test_a_table_is_the_same_however_it_is_cut_into_pages(closed: Service) -> None:
    auditor = closed.caller("auditor")
    for name in ("accounts", "legs", "orders"):
        path = f"/v1/months/{MONTH}/{name}"
        whole = auditor.get(path, query_string={"limit": 1000}).json
        assert whole is not None
        assert whole["next_cursor"] == ""
        assert len(whole["rows"]) == whole["rows_count"] > 2
        found: list[Any] = []
        cursor = ""
        while True:
            page = auditor.get(path, query_string={"limit": 2, "cursor": cursor}).json
            assert page is not None
            assert 1 <= len(page["rows"]) <= 2
            found += page["rows"]
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert found == whole["rows"]


def test_rows_of_one_truck_can_be_asked_for(closed: Service) -> None:
    page = closed.caller("auditor").get(
        f"/v1/months/{MONTH}/orders", query_string={"vehicle_id": "V2"}
    )
    assert page.json is not None
    assert [row["order_id"] for row in page.json["rows"]] == ["O20", "O22"]


def test_rows_are_chosen_by_what_they_say(closed: Service) -> None:
    auditor = closed.caller("auditor")
    for name, asked, column in (
        ("legs", {"state": "empty"}, "state"),
        ("orders", {"matched": "true"}, "matched"),
    ):
        path = f"/v1/months/{MONTH}/{name}"
        whole = (auditor.get(path).json or {})["rows"]
        [wanted] = asked.values()
        told = (auditor.get(path, query_string=asked).json or {})["rows"]
        assert told == [row for row in whole if str(row[column]).lower() == wanted]
        assert told
    none = auditor.get(f"/v1/months/{MONTH}/orders", query_string={"matched": "false"}).json or {}
    assert none["rows"] == []


@pytest.mark.parametrize(
    ("media_type", "begin"),
    [
        ("text/csv", b"month,"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("application/vnd.apache.parquet", b"PAR1"),
    ],
)
def test_a_table_comes_as_the_file_that_is_asked_for(
    closed: Service, media_type: str, begin: bytes
) -> None:
    path = f"/v1/months/{MONTH}/accounts"
    answer = closed.caller("auditor").get(path, headers={"Accept": media_type})
    assert answer.content_type.startswith(media_type)
    assert answer.data.startswith(begin)
    known = {"Accept": media_type, "If-None-Match": answer.headers["ETag"]}
    assert closed.caller("auditor").get(path, headers=known).status_code == 304


def test_a_month_is_closed_until_something_comes_that_belongs_to_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", fleet="states")
    service = served(settings)
    manager = service.caller("manager")

    def state() -> tuple[str, list[str]]:
        told = manager.get(f"/v1/months/{MONTH}").json or {}
        return told["state"], told["changed_since"]

    assert state() == ("open", [])
    fleet = three_trucks()
    for kind, path in fleet.write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    assert state() == ("closed", [])
    # A truck of no account, and an order of another month, change nothing here.
    manager.post("/v1/vehicles", json={"vehicle_id": "V9", "rated_payload_t": 20})
    far = {"pickup_time": "2025-08-01T00:00:00Z", "delivery_time": "2025-08-01T09:00:00Z"}
    manager.post("/v1/orders", json=fleet.orders[0] | {"order_id": "Far"} | far)
    assert state() == ("closed", [])
    sent = manager.post("/v1/orders", json=fleet.orders[0] | {"version": 2, "cargo_t": 12})
    assert state() == ("stale", ["orders"])
    close_month(settings, MONTH)
    assert state() == ("closed", [])
    runs = (manager.get(f"/v1/months/{MONTH}/runs").json or {})["runs"]
    newest = manager.get(f"/v1/months/{MONTH}/runs/{runs[0]['run_id']}").json or {}
    assert len(runs) == 2
    assert {one["vehicle_id"] for one in newest["changes"]} == {"V1"}
    assert newest["changes"][0]["reasons"] == ["orders"]
    assert manager.get(f"/v1/months/{MONTH}/runs/none").status_code == 404
    reception = (sent.json or {})["reception"]
    manager("DELETE", f"/v1/files/{reception}", query_string={"reason": "wrong"})
    assert state() == ("stale", ["orders"])
    service.client.application.extensions["jobs"].close()


def test_a_month_stays_closed_whatever_depot_or_name_is_told_anew(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", fleet="states")
    fleet = three_trucks()
    for kind, path in fleet.write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    truck, driver = fleet.vehicles[0], fleet.drivers[0]
    service = served(settings)
    manager = service.caller("manager")

    def told(kind: str, **row: Any) -> list[str]:
        assert manager.post(f"/v1/{kind}", json=row).status_code < 400
        return list(read_month(settings, MONTH).changed)

    assert told("vehicles", **truck | {"depot": "North"}) == []
    assert told("drivers", **driver | {"name": "Li Si", "phone": "1"}) == []
    # What figures rest on makes it stale, and telling it again as it was closes it again.
    assert told("vehicles", **truck | {"rated_payload_t": 31}) == ["vehicles"]
    assert told("vehicles", **truck | {"depot": "South"}) == []
    assert told("drivers", **driver | {"joined_on": "2024-01-01"}) == ["drivers"]
    service.client.application.extensions["jobs"].close()


def test_the_result_of_an_order_says_what_was_credited_for_it(closed: Service) -> None:
    auditor = closed.caller("auditor")
    told = [auditor.get(f"/v1/orders/{name}/result").json or {} for name in ("O10", "O12")]
    assert [(one["state"], one["month"], one["is_newest"]) for one in told] == [
        ("proven", MONTH, True),
        ("proven", MONTH, True),
    ]
    rows = (auditor.get(f"/v1/months/{MONTH}/accounts").json or {})["rows"]
    [account] = [row for row in rows if row["vehicle_id"] == "V1"]
    parts = [one["credited_g"] for one in told]
    assert sum(parts) == account["co2_credited_g"] > 0
    # Both carried the same cargo on the same road; the second alone was driven to empty.
    assert parts[0] > parts[1] > 0
    paper = auditor.get(f"/v1/months/{MONTH}/drivers/D1/paper?form=json").json or {}
    stated = {line["order_id"]: line["credited_g"] for line in paper["orders"]["lines"]}
    realised = auditor.get("/v1/orders/O12/realised").json or {}
    assert [stated["O10"], stated["O12"]] == parts
    assert realised["realised"]["co2_credited_g"] == parts[1]
    assert told[0]["result"]["realised_diesel_l"] > 0
    assert auditor.get("/v1/orders/none/result").status_code == 404


def test_an_order_of_a_month_that_is_open_has_no_result_yet(service: Service) -> None:
    dispatcher = service.caller("dispatcher")
    fleet = three_trucks()
    dispatcher.post("/v1/vehicles", json=fleet.vehicles)
    dispatcher.post("/v1/orders", json=fleet.orders[:1])
    told = dispatcher.get(f"/v1/orders/{fleet.orders[0]['order_id']}/result").json or {}
    assert (told["state"], told["result"]) == ("not_closed", None)


def test_a_cursor_of_another_state_or_maker_is_refused(closed: Service) -> None:
    auditor = closed.caller("auditor")
    for cursor, status in (("zzz", 400), ("WzEsMl0=", 400), ("WyJhYmMiLDJd", 410)):
        answer = auditor.get(f"/v1/months/{MONTH}/legs", query_string={"cursor": cursor})
        assert answer.status_code == status, answer.json


def test_what_has_not_changed_is_not_sent_again(closed: Service) -> None:
    auditor = closed.caller("auditor")
    path = f"/v1/months/{MONTH}/accounts"
    first = auditor.get(path)
    again = auditor.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = auditor.get(
        path, headers={"If-None-Match": first.headers["ETag"]}, query_string={"limit": 1}
    )
    assert other.status_code == 200


def test_a_driver_sees_what_is_his_and_nothing_else(closed: Service) -> None:
    driver = closed.caller("driver", driver_id="D1")
    own = f"/v1/months/{MONTH}/drivers/D1"
    assert driver.get(f"{own}/explanation").status_code == 200
    assert driver.get(f"{own}/statement").status_code == 200
    for path in (
        f"/v1/months/{MONTH}/drivers/D2/explanation",
        f"/v1/months/{MONTH}/drivers/D2/statement",
        f"/v1/months/{MONTH}/accounts",
        "/v1/ledger/entries",
        "/v1/months",
    ):
        assert driver.get(path).status_code == 403, path


def test_an_explanation_comes_in_both_languages(closed: Service) -> None:
    auditor = closed.caller("auditor")
    path = f"/v1/months/{MONTH}/drivers/D1/explanation"
    english, chinese = (
        auditor.get(path, query_string={"language": language}).json for language in ("en", "zh")
    )
    assert english is not None
    assert chinese is not None
    assert "张三" in english["driver_name"]
    assert english["driver_name"] == chinese["driver_name"]
    assert english != chinese


def test_a_statement_can_be_verified_without_the_service(closed: Service) -> None:
    statement = closed.caller("auditor").get(f"/v1/months/{MONTH}/drivers/D1/statement")
    assert statement.json is not None
    assert checker.check_statement(statement.json).problems == []


def test_the_ledger_is_read_over_http(closed: Service) -> None:
    auditor = closed.caller("auditor")
    accounts = auditor.get(f"/v1/months/{MONTH}/accounts").json
    balances = auditor.get("/v1/ledger/balances").json
    entries = auditor.get("/v1/ledger/entries", query_string={"driver_id": "D1"}).json
    assert accounts is not None
    assert balances is not None
    assert entries is not None
    credited_g = sum(row["co2_credited_g"] for row in accounts["rows"])
    assert credited_g > 0
    issued = [row for row in balances["balances"] if row["account"] == "issued"]
    assert -sum(row["amount"] for row in issued) == credited_g
    assert all("driver/D1/" in e["debit_account"] for e in entries["entries"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/months/2025-13/accounts", 422, "request_malformed"),
        ("/v1/months/2024-01/accounts", 404, "month_not_closed"),
        (f"/v1/months/{MONTH}/drivers/nobody/explanation", 404, "account_not_found"),
        (f"/v1/months/{MONTH}/accounts?limit=0", 422, "request_malformed"),
        (f"/v1/months/{MONTH}/accounts?no=1", 422, "request_malformed"),
        ("/v1/jobs/none", 404, "job_not_found"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
def test_what_is_not_there_is_told_in_one_shape(
    closed: Service, path: str, status: int, code: str
) -> None:
    answer = closed.caller("auditor").get(path)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_close_that_is_refused_is_a_job_that_failed(service: Service) -> None:
    manager = service.caller("manager")
    job = manager.post("/v1/months/2025-01/closings").json
    again = manager.post("/v1/months/2025-01/closings").json
    assert job is not None
    assert again is not None
    assert again["job_id"] == job["job_id"]  # one such job is under way
    with worker(service.settings):
        until_s = time.monotonic() + _WAIT_S
        while (told := manager.get(f"/v1/jobs/{job['job_id']}").json or {})["state"] != "failed":
            assert told["state"] in ("waiting", "running"), told
            assert time.monotonic() < until_s
            time.sleep(0.2)
    assert told["problem"]["code"] == "month_without_data"
    anew = manager.post("/v1/months/2025-01/closings").json
    assert anew is not None
    assert anew["job_id"] != job["job_id"]


def test_a_month_is_asked_for_by_its_name_only(service: Service) -> None:
    answer = service.caller("manager").post("/v1/months/March/closings")
    assert answer.status_code == 422


def test_statements_that_can_be_had_are_listed_with_their_address(closed: Service) -> None:
    auditor = closed.caller("auditor")
    told = (auditor.get(f"/v1/months/{MONTH}/statements").json or {})["statements"]
    assert [one["driver_id"] for one in told] == ["D1", "D2", "D3"]
    statement = auditor.get(told[0]["location"]).json or {}
    stated_g = sum(row["co2_credited_g"] for row in statement["accounts"])
    assert stated_g == told[0]["co2_credited_g"]


def test_a_preview_is_a_job_that_puts_nothing_on_record(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", fleet="preview")
    for kind, path in three_trucks().write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    service = served(settings)
    manager = service.caller("manager")
    asked = manager.post(f"/v1/months/{MONTH}/previews")
    assert asked.status_code == 202
    with worker(settings):
        until_s = time.monotonic() + _WAIT_S
        while (job := manager.get(asked.headers["Location"]).json or {})["state"] != "done":
            assert job["state"] in ("waiting", "running"), job
            assert time.monotonic() < until_s, job
            time.sleep(0.2)
    assert job["result"]["dry_run"]
    assert job["result"]["co2_credited_g"] > 0
    assert (manager.get(f"/v1/months/{MONTH}").json or {})["state"] == "open"
    service.client.application.extensions["jobs"].close()
