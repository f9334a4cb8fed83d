"""The inventory over HTTP: by page, whole, unchanged, and as the document of the service says."""

from __future__ import annotations

import io
from typing import Any

import jsonschema
import pandas as pd
import pytest

from tests.services.tiny_fleet import MONTH, YARD_KM
from tests.web.conftest import Furnished

BOOK = f"/v1/inventory/{MONTH}"
TABLES = ("tocs", "shipments", "unattributed", "shippers")


@pytest.fixture(scope="module")
def document(furnished: Furnished) -> dict[str, Any]:
    found = furnished.service.client.get("/openapi/openapi.json").json
    assert found is not None
    return found


def validate(document: dict[str, Any], path: str, told: Any) -> None:
    """Hold an answer against the schema that the service publishes of it."""
    answer = document["paths"][path]["get"]["responses"]["200"]
    reference = answer["content"]["application/json"]["schema"]["$ref"]
    jsonschema.validate(told, {"$ref": reference, "components": document["components"]})


def test_the_month_is_its_shipments_and_what_is_nobodys(
    furnished: Furnished, document: dict[str, Any]
) -> None:
    told = furnished.ours.get(BOOK).json
    validate(document, "/v1/inventory/{month}", told)
    summary, rows = told["summary"], furnished.ours.get(f"{BOOK}/shipments").json["rows"]
    rest = furnished.ours.get(f"{BOOK}/unattributed").json["rows"]
    for name in ("co2e_ttw_mg", "co2e_wtw_mg"):
        parts = [sum(row[name] for row in held) for held in (rows, rest)]
        assert parts == [summary["attributed"][name], summary["unattributed"][name]]
        assert sum(parts) == summary[name]
    [diesel] = summary["energy"]
    # Two drives north with 10 t of 20: 20 + 16 / 2 = 28 l/100 km, one back empty with 20.
    litres = YARD_KM * (28 + 20 + 28) / 100
    assert diesel["energy_millionths"] / 1e6 == pytest.approx(litres, rel=1e-4)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_what_the_document_says(
    furnished: Furnished, document: dict[str, Any], table: str
) -> None:
    told = furnished.ours.get(f"{BOOK}/{table}").json
    validate(document, f"/v1/inventory/{{month}}/{table}", told)
    assert told["rows_count"] == len(told["rows"])
    for accept, read in (("text/csv", pd.read_csv), ("application/vnd.apache.parquet", None)):
        whole = furnished.ours.get(f"{BOOK}/{table}", headers={"Accept": accept})
        assert whole.status_code == 200
        body = io.BytesIO(whole.data)
        rows = read(body) if read else pd.read_parquet(body)
        assert len(rows) == told["rows_count"]


def test_pages_hold_every_row_once_and_are_spared_where_nothing_changed(
    furnished: Furnished,
) -> None:
    first = furnished.ours.get(f"{BOOK}/shipments?limit=1")
    second = furnished.ours.get(f"{BOOK}/shipments?limit=1&cursor={first.json['next_cursor']}")
    names = [page.json["rows"][0]["shipment_id"] for page in (first, second)]
    assert (sorted(set(names)), second.json["next_cursor"]) == (names, "")
    held = {"If-None-Match": first.headers["ETag"]}
    again = furnished.ours.get(f"{BOOK}/shipments?limit=1", headers=held)
    assert (again.status_code, again.data) == (304, b"")
    asked = f"{BOOK}/shipments?shipper_id={furnished.ids['shipper_id']}"
    assert len(furnished.ours.get(asked).json["rows"]) == 2
    assert furnished.ours.get(f"{BOOK}/shipments?shipper_id=nobody").json["rows"] == []


def test_drivers_and_months_that_are_not_closed_are_refused(furnished: Furnished) -> None:
    driver = furnished.service.caller("driver", driver_id=furnished.ids["driver_id"])
    assert driver.get(f"{BOOK}/tocs").status_code == 403
    assert furnished.ours.get("/v1/inventory/2025-01").json["code"] == "month_not_closed"
    stale = furnished.ours.get(f"{BOOK}/tocs?cursor={furnished.ids['cursor']}x")
    assert stale.status_code in (400, 410)


def test_a_customers_report_comes_in_every_form(
    furnished: Furnished, document: dict[str, Any]
) -> None:
    path = f"{BOOK}/shippers/{furnished.ids['shipper_id']}"
    told = furnished.ours.get(path).json
    validate(document, "/v1/inventory/{month}/shippers/{shipper_id}", told)
    assert told["headline"][3]["value"] == 2
    for accept, begins in (
        ("text/csv", b"shipment_id,"),
        ("application/pdf", b"%PDF-"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
    ):
        file = furnished.ours.get(f"{path}?language=zh", headers={"Accept": accept})
        assert (file.status_code, file.data[: len(begins)]) == (200, begins)
        held = {"Accept": accept, "If-None-Match": file.headers["ETag"]}
        assert furnished.ours.get(f"{path}?language=zh", headers=held).status_code == 304
    assert furnished.ours.get(f"{BOOK}/shippers/nobody").json["code"] == "shipper_not_found"


def test_the_pages_tell_what_the_interface_tells(furnished: Furnished) -> None:
    summary = furnished.ours.get(BOOK).json["summary"]
    shown = furnished.ours.get(f"/inventory?month={MONTH}&lang=en")
    assert shown.status_code == 200
    assert f"{summary['co2e_wtw_mg'] / 1e6:,.1f}" in shown.text
    customers = furnished.ours.get(f"{BOOK}/shippers").json["rows"]
    [shipper_id] = {row["shipper_id"] for row in customers if row["shipper_id"]}
    asked = f"month={MONTH}&customer={shipper_id}"
    assert f"/inventory/customer?{asked}" in shown.text.replace("&amp;", "&")
    own = furnished.ours.get(f"/inventory/customer?{asked}&lang=zh")
    for row in furnished.ours.get(f"{BOOK}/shipments?shipper_id={shipper_id}").json["rows"]:
        assert row["shipment_id"] in own.text
    for suffix, begin in ((".csv", b"shipment_id"), (".xlsx", b"PK"), (".pdf", b"%PDF")):
        paper = furnished.ours.get(f"/inventory/customer{suffix}?{asked}")
        assert paper.data.removeprefix(b"\xef\xbb\xbf").startswith(begin), suffix
    for name in TABLES:
        assert furnished.ours.get(f"/inventory/{name}.csv?month={MONTH}").data.count(b"\n") >= 1
    assert furnished.ours.get("/inventory/customer").status_code == 303
