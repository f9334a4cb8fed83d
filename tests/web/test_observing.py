"""Numbers, readiness and lines of the log: what they tell, and to whom."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from fleet_carbon.services.support import logs
from fleet_carbon.settings import Settings
from fleet_carbon.storage import tables
from fleet_carbon.storage.unit_of_work import open_storage
from tests.web.conftest import Service, served

TRUCK = [{"vehicle_id": "T1", "rated_payload_t": 30, "plate": "A1", "energy": "diesel"}]
HERE, ELSEWHERE = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "203.0.113.9"}


def number(text: str, name: str, **labels: str) -> float:
    """The value of one line of the numbers; 0 if it is not there."""
    for line in text.splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name:
            told = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            if labels.items() <= told.items():
                return float(found[3])
    return 0.0


def numbers(service: Service) -> str:
    return service.client.get("/metrics", environ_base=HERE).text


def test_requests_and_rows_are_counted_by_route_and_outcome(service: Service) -> None:
    manager = service.caller("manager")
    sent = {"method": "POST", "route": "/v1/vehicles", "status": "200"}
    before = number(numbers(service), "fleet_carbon_requests_total", **sent)
    accepted = {"kind": "vehicles", "outcome": "accepted"}
    rows_before = number(numbers(service), "fleet_carbon_rows_total", **accepted)
    answer = manager.post("/v1/vehicles", json=TRUCK)
    assert answer.status_code == 200
    told = numbers(service)
    assert number(told, "fleet_carbon_requests_total", **sent) == before + 1
    count = answer.get_json()["rows_accepted"]
    assert number(told, "fleet_carbon_rows_total", **accepted) == rows_before + count
    assert number(told, "fleet_carbon_disk_free_bytes", folder="home") > 0
    assert f'fleet_carbon_positions_waiting{{fleet="{service.settings.fleet}"}} 0' in told
    assert f'fleet_carbon_webhooks_waiting{{fleet="{service.settings.fleet}"}} 0' in told


def test_waiting_jobs_are_counted(service: Service) -> None:
    # Of all fleets together; others may have left some.
    before_count = number(numbers(service), "fleet_carbon_jobs", state="waiting")
    open_storage(service.settings).close()
    service.client.application.extensions["jobs"].ask(
        service.settings.fleet, "close_month", month="2026-01"
    )
    service.client.application.extensions["looked"]._until_s = 0.0
    assert number(numbers(service), "fleet_carbon_jobs", state="waiting") == before_count + 1


def test_numbers_are_for_this_machine_alone(service: Service) -> None:
    ask = service.client.get
    assert ask("/metrics", environ_base=HERE).status_code == 200
    assert ask("/metrics", environ_base=ELSEWHERE).status_code == 403
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert ask("/metrics", environ_base=HERE, headers=forwarded).status_code == 403


def test_a_token_opens_the_numbers_from_elsewhere(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", metrics_token=SecretStr("let-me-see"))
    service = served(settings)
    ask = service.client.get
    for header, status in ((None, 403), ("Bearer other", 403), ("Bearer let-me-see", 200)):
        headers = {"Authorization": header} if header else {}
        assert ask("/metrics", environ_base=ELSEWHERE, headers=headers).status_code == status
    assert ask("/metrics", environ_base=HERE).status_code == 403
    service.client.application.extensions["jobs"].close()


def test_who_asks_is_told_by_as_many_proxies_as_are_trusted(tmp_path: Path) -> None:
    service = served(Settings(home=tmp_path / "home", proxy_hops=1))
    told = {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}  # the first was made up by who asks
    assert service.client.get("/metrics", environ_base=HERE, headers=told).status_code == 403
    service.client.application.extensions["jobs"].close()


def test_it_is_ready_until_the_schema_is_another(service: Service) -> None:
    assert service.client.get("/readyz").get_json() == {"ok": True}
    service.client.application.extensions["readiness"]._until_s = 0.0
    other = tables.schema_version.update().values(version=7)
    storage = open_storage(service.settings)
    with storage._engine.begin() as connection:
        connection.execute(other)
    answer = service.client.get("/readyz")
    with storage._engine.begin() as connection:
        connection.execute(other.values(version=tables.SCHEMA_VERSION))
    storage.close()
    assert (answer.status_code, answer.get_json()["code"]) == (503, "schema_needs_migration")


def test_it_is_not_ready_when_the_disk_is_nearly_full(tmp_path: Path) -> None:
    service = served(Settings(home=tmp_path / "home", disk_free_bytes_min=2**60))
    answer = service.client.get("/readyz")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "disk_nearly_full")
    assert service.client.get("/healthz").status_code == 200
    service.client.application.extensions["jobs"].close()


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_request_is_one_line_without_secrets(
    service: Service, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    caller = service.caller("manager")
    capsys.readouterr()
    try:
        logs.configure(service.settings.model_copy(update={"log_format": form}), part="server")
        caller.post("/v1/vehicles?time_zone=UTC", json=TRUCK, headers={"X-Request-Id": "r-1"})
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = [line for line in capsys.readouterr().err.splitlines() if "r-1" in line]
    assert len(lines) == 1
    assert caller.secret not in lines[0]
    assert "A1" not in lines[0]  # the plate that was sent
    if form == "json":
        line = json.loads(lines[0])
        assert (line["event"], line["route"], line["status"]) == ("request", "/v1/vehicles", 200)
        assert (line["fleet"], line["part"]) == (service.settings.fleet, "server")
        assert set(line["rows"]) == {"accepted", "duplicate", "rejected"}
        assert line["duration_ms"] > 0
    else:
        assert "route='/v1/vehicles'" in lines[0]
