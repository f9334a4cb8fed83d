"""Statements and disputes over HTTP: who may have which, and what comes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers.downloading import zip_statements
from fleet_carbon.services.support.progress import Silent
from tests.services.tiny_fleet import MONTH, TinyFleet
from tests.web.conftest import Service

PATH = f"/v1/months/{MONTH}/drivers/D1"


@pytest.fixture
def closed(service: Service, tmp_path: Path) -> Service:
    """A service with the tiny fleet and its month closed."""
    files = TinyFleet().write(tmp_path / "files")
    for kind in ("vehicles", "drivers", "assignments", "baselines", "orders", "positions"):
        if kind in files:
            ingest_files(service.settings, kind, [files[kind]])
    close_month(service.settings, MONTH)
    return service


def test_statements_and_disputes_are_had_by_whom_they_concern(closed: Service) -> None:
    own, other = closed.caller("driver", driver_id="D1"), closed.caller("driver", driver_id="D2")
    manager, auditor = closed.caller("manager"), closed.caller("auditor")
    pdf = own.get(f"{PATH}/paper?form=pdf&language=zh")
    assert (pdf.status_code, pdf.content_type) == (200, "application/pdf")
    assert pdf.data.startswith(b"%PDF")
    composed = auditor.get(f"{PATH}/paper").json
    assert composed is not None
    assert composed["driver_id"] == "D1"
    assert other.get(f"{PATH}/paper").status_code == 403

    raised = own.post(f"{PATH}/disputes", json={"text": "我没有绕路"})
    assert raised.status_code == 201, raised.text
    assert other.post(f"{PATH}/disputes", json={"text": "x"}).status_code == 403
    number = raised.json["disputes"][0]["number"]  # type: ignore[index]
    said = {"outcome": "accepted", "text": "已更正"}
    assert own.post(f"/v1/disputes/{number}/answers", json=said).status_code == 403
    answered = manager.post(f"/v1/disputes/{number}/answers", json=said)
    assert answered.status_code == 201, answered.text
    listed = auditor.get(f"/v1/months/{MONTH}/disputes").json
    assert [one["answer"] for one in listed["disputes"]] == ["已更正"]  # type: ignore[index]
    assert own.get(f"{PATH}/disputes").json == listed
    assert "已更正" in own.get(f"{PATH}/paper?form=html").text


def test_a_dispute_of_what_is_not_there_is_refused(closed: Service) -> None:
    manager = closed.caller("manager")
    asked = {"text": "x", "order_id": "none"}
    assert manager.post(f"{PATH}/disputes", json=asked).status_code == 404
    said = {"outcome": "noted", "text": "x"}
    assert manager.post("/v1/disputes/99/answers", json=said).status_code == 404
    assert manager.post(f"{PATH}/disputes", json={"text": " "}).status_code == 422


def test_all_statements_are_asked_for_and_fetched_by_whoever_reads_the_fleet(
    closed: Service,
) -> None:
    auditor, driver = closed.caller("auditor"), closed.caller("driver", driver_id="D1")
    path = f"/v1/months/{MONTH}/papers?form=json&language=zh"
    asked = auditor.post(path)
    assert asked.status_code == 202, asked.text
    job = asked.json or {}
    assert job["arguments"] == {"month": MONTH, "language": "zh", "form": "json"}
    assert asked.headers["Location"] == f"/v1/jobs/{job['job_id']}"
    assert (auditor.post(path).json or {})["job_id"] == job["job_id"]  # it is under way
    assert driver.post(path).status_code == 403
    assert auditor.post(f"/v1/months/{MONTH}/papers?form=exe").status_code == 422
    assert auditor.post("/v1/months/2024-01/papers").status_code == 404

    told = zip_statements(closed.settings, MONTH, language="zh", form="json", progress=Silent())
    there = f"/v1/downloads/{told['digest_sha256']}"
    found = auditor.get(there)
    assert (found.status_code, found.content_type) == (200, "application/zip")
    assert hashlib.sha256(found.data).hexdigest() == told["digest_sha256"]
    assert f"statements-{MONTH}-zh-json.zip" in found.headers["Content-Disposition"]
    tag = {"If-None-Match": found.headers["ETag"]}
    assert auditor.get(there, headers=tag).status_code == 304
    assert driver.get(there).status_code == 403
    assert closed.caller("admin", fleet="other").get(there).status_code == 404
    assert auditor.get("/v1/downloads/..").status_code == 422
