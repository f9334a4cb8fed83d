"""The report of a month and a driver's years: sums that agree with the accounts they are of."""

from __future__ import annotations

import io
from collections.abc import Iterator
from math import isclose, sqrt
from typing import Any

import httpx
import pandas as pd
import pytest

from fleet_carbon.client import Client
from fleet_carbon.quantification.editions import edition_in_force, fill_rules
from fleet_carbon.quantification.uncertainty import UncertaintyRules
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from fleet_carbon.web.ledger_shapes import SaleAsked
from tests.services.tiny_fleet import MONTH, northward_order
from tests.web.conftest import Service, served
from tests.web.test_months import three_trucks


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Three trucks with the same month; one order names a shipper, one nobody carried."""
    folder = tmp_path_factory.mktemp("reports")
    settings = Settings(home=folder / "home", fleet="reports")
    fleet = three_trucks()
    fleet.orders[0] |= {"shipper_id": "=S1"}
    # Nobody ever stood where this one was to be loaded.
    nowhere = {"pickup_lon": 110.0, "delivery_lon": 110.0}
    fleet.orders.append(northward_order("Nowhere", 0, vehicle_id="V1", **nowhere))
    for kind, path in fleet.write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    service = served(settings)
    yield service
    service.client.application.extensions["jobs"].close()


def read(service: Service, path: str, role: str = "auditor", **named: Any) -> dict[str, Any]:
    """What is told at a path."""
    answer = service.caller(role, **named).get(f"/v1/{path}")
    assert answer.status_code == 200, answer.json
    return answer.json or {}


def test_the_fleet_is_the_sum_of_its_accounts(closed: Service) -> None:
    accounts = read(closed, f"months/{MONTH}/accounts")["rows"]
    report = read(closed, f"months/{MONTH}/report")
    for name in ("distance_km", "empty_km", "diesel_l", "co2_credited_g", "orders_count"):
        assert isclose(report["fleet"][name], sum(row[name] for row in accounts)), name
    for table in ("drivers", "vehicles"):
        credited_g = sum(row["co2_credited_g"] for row in report[table])
        assert (len(report[table]), credited_g) == (3, report["fleet"]["co2_credited_g"])
    # The three months are alike, so that the shares of the fleet are those of each truck.
    for name in ("mileage_utilisation_share", "payload_utilisation_share", "load_rate_share"):
        assert isclose(report["fleet"][name], accounts[0][name], rel_tol=0.02), name
    assert {"distance_km", "shipper_id", "origin"} <= report["definitions"].keys()


def test_the_interval_of_a_sum_is_not_the_sum_of_intervals(closed: Service) -> None:
    accounts = read(closed, f"months/{MONTH}/accounts")["rows"]
    fleet = read(closed, f"months/{MONTH}/report")["fleet"]
    edition = edition_in_force(closed.settings.models_dir, pd.Timestamp(f"{MONTH}-28").date())
    index = fill_rules(edition, "uncertainty", UncertaintyRules).coverage_index
    common = sum(row["co2_common_standard_kg"] for row in accounts)
    single = sqrt(sum(row["co2_single_standard_kg"] ** 2 for row in accounts))
    half = index * sqrt(common**2 + single**2)
    assert isclose(fleet["co2_avoided_high_kg"] - fleet["co2_avoided_kg"], half)
    # Of one account it is the interval that the account states.
    one = accounts[0]
    alone = sqrt(one["co2_common_standard_kg"] ** 2 + one["co2_single_standard_kg"] ** 2)
    assert isclose(one["co2_avoided_high_kg"] - one["co2_avoided_kg"], index * alone, rel_tol=1e-6)
    halves = sum(row["co2_avoided_high_kg"] - row["co2_avoided_kg"] for row in accounts)
    assert half < halves


def test_the_steps_lead_from_the_baseline_to_what_was_burnt(closed: Service) -> None:
    steps = {
        one["step"]: one["volume_l"] for one in read(closed, f"months/{MONTH}/report")["waterfall"]
    }
    saved_l = -sum(held for name, held in steps.items() if name.startswith("saved_by_"))
    assert isclose(steps["baseline_diesel_l"] - saved_l, steps["diesel_l"], rel_tol=1e-6)
    assert steps["not_compared_l"] is None


def test_what_is_missing_is_named_with_what_to_do(closed: Service) -> None:
    report = read(closed, f"months/{MONTH}/report")
    [unproven] = [one for one in report["issues"] if one["about"] == "order"]
    assert unproven["affected_count"] == 1
    assert "Check the coordinates" in unproven["remedy"]
    assert unproven["text"] == f"{unproven['what']} {unproven['remedy']}"
    assert "no_carbon_price" in {one["code"] for one in report["issues"]}
    assert isclose(report["quality"]["orders_matched_share"], 6 / 7)


def test_tables_of_a_report_come_as_files_without_formulas(closed: Service) -> None:
    rows = read(closed, f"months/{MONTH}/report/shippers")["rows"]
    assert {row["shipper_id"]: row["orders_count"] for row in rows} == {"=S1": 1, None: 6}
    asked = {"Accept": "text/csv"}
    auditor = closed.caller("auditor")
    sheet = auditor.get(f"/v1/months/{MONTH}/report/shippers", headers=asked).text
    assert "'=S1" in sheet
    asked = {"Accept": "application/vnd.apache.parquet"}
    book = auditor.get(f"/v1/months/{MONTH}/report/lanes", headers=asked).data
    lanes = pd.read_parquet(io.BytesIO(book))
    assert lanes["orders_count"].sum() == 6


@pytest.mark.parametrize(
    ("media_type", "begins"),
    [
        ("application/pdf", b"%PDF-"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("text/html", b"<!doctype html>"),
    ],
)
def test_a_report_comes_as_a_paper_if_accept_says_so(
    closed: Service, media_type: str, begins: bytes
) -> None:
    auditor, asked = closed.caller("auditor"), {"Accept": media_type}
    path = f"/v1/months/{MONTH}/report"
    answer = auditor.get(f"{path}?language=zh", headers=asked)
    assert (answer.status_code, answer.content_type) == (200, media_type)
    assert answer.data.startswith(begins)
    again = auditor.get(
        f"{path}?language=zh", headers=asked | {"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
    assert auditor.get(f"{path}?language=fr", headers=asked).status_code == 422
    driver = closed.caller("driver", driver_id="D1")
    assert driver.get(path, headers=asked).status_code == 403


def test_a_driver_reads_the_own_years(closed: Service) -> None:
    told = read(closed, "drivers/D1/accounts", "driver", driver_id="D1")
    [year] = told["years"]
    assert (year["year"], year["months"]) == (MONTH[:4], [MONTH])
    assert year["co2_credited_g"] == sum(row["co2_credited_g"] for row in told["accounts"])
    # Of a year with one account the interval is that of the account.
    [row] = told["accounts"]
    asked = {"Accept": "application/json"}
    page = closed.caller("auditor").get(f"/v1/months/{MONTH}/accounts", headers=asked).get_json()
    [account] = [one for one in page["rows"] if one["driver_id"] == "D1"]
    assert year["intervals"]["diesel_l"] == pytest.approx(account["intervals"]["diesel_l"])
    assert year["intervals"]["diesel_l"]["low"] < row["diesel_l"]
    driver = closed.caller("driver", driver_id="D1")
    assert driver.get("/v1/drivers/D2/accounts").status_code == 403
    assert driver.get("/v1/drivers/D1/accounts?from_month=2026-01").status_code == 404
    assert driver.get(f"/v1/months/{MONTH}/report").status_code == 403


def test_the_client_gives_the_same_by_its_models(closed: Service) -> None:
    transport = httpx.WSGITransport(app=closed.client.application)
    with Client("http://test", closed.key("manager"), transport=transport) as client:
        report = client.report(MONTH)
        assert report.fleet["accounts_count"] == len(report.drivers) == 3
        assert client.driver_accounts("D1").years[0].months == [MONTH]
        assert [one.driver_id for one in client.statements(MONTH)] == ["D1", "D2", "D3"]
        assert {leg.state for leg in client.rows("legs", MONTH, state="empty")} == {"empty"}
        assert client.table_file("accounts", MONTH, ".csv").startswith(b"month,")
        assert client.month(MONTH).state == "closed"
        assert client.run(MONTH, client.runs(MONTH)[0].run_id).changes == []
        sale = SaleAsked(lot_id="L", buyer="B", amount_g=1, price="9", currency="CNY", dry_run=True)
        assert client.act("lots", sale).outcome == "dry_run"
        assert client.lots() == []
        assert sum(entry.amount for entry in client.entries() if entry.book == "carbon") > 0
