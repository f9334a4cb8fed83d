"""Positions for a set time, over HTTP: the rule, a run that only counts, one that reduces."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import httpx
import pytest

from fleet_carbon.client import Client, ServiceProblem
from fleet_carbon.services.running import jobs
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage import whole_ledger
from tests.storage.builders import JANUARY_MS, fixes, ingest
from tests.storage.test_retention import close_february, moments
from tests.web.conftest import Service


def test_a_rule_is_set_counted_by_and_followed(service: Service, tmp_path: Path) -> None:
    settings = service.settings
    transport = httpx.WSGITransport(app=service.client.application)
    with Client("http://test", service.key("admin"), transport=transport) as client:
        assert client.retention().positions_days is None
        with pytest.raises(ServiceProblem) as refused:
            client.run_retention()
        assert refused.value.code == "retention_not_set"
        with closing(open_storage(settings)) as storage:
            with storage.begin() as work:
                whole_ledger.close(work, settings.fleet)
            rows = [("V1", JANUARY_MS + at, 105_000_000, 30_000_000) for at in (1, 2, 3)]
            ingest(storage, tmp_path, f"{settings.fleet} 0", fixes(*rows))
        close_february(settings)
        assert client.set_retention(30).positions_days == 30
        with jobs.worker(settings):
            counted = client.wait(client.run_retention(is_dry_run=True), wait_s_max=300).result
            assert counted is not None
            assert (counted["dry_run"], counted["months"], counted["fixes"]) == (
                True,
                ["2026-01"],
                3,
            )
            assert len(moments(settings)) == 3
            assert client.retention().reductions == []
            done = client.wait(client.run_retention(), wait_s_max=300).result
        assert done is not None
        assert (done["months"], done["fixes"]) == (["2026-01"], 3)
        assert moments(settings) == []
        assert [one.month for one in client.retention().reductions] == ["2026-01"]
        assert client.set_retention(None).positions_days is None
        assert [one.positions_days for one in client.retention().rules] == [30, None]


def test_who_decides_is_an_administrator(service: Service) -> None:
    rule = {"positions_days": 30}
    for role in ("manager", "dispatcher", "auditor"):
        caller = service.caller(role)
        assert caller.get("/v1/retention").status_code == 200
        assert caller("PUT", "/v1/retention", json=rule).status_code == 403
        assert caller.post("/v1/retention/runs", json={}).status_code == 403
    assert service.caller("driver", driver_id="D").get("/v1/retention").status_code == 403
    admin = service.caller("admin")
    for wrong in ({}, {"positions_days": 0}, {"positions_days": "30"}, {"positions_days": 10**9}):
        assert admin("PUT", "/v1/retention", json=wrong).status_code == 422
    other = service.caller("admin", fleet=f"{service.settings.fleet}-other")
    assert other("PUT", "/v1/retention", json=rule).status_code == 200
    assert (admin.get("/v1/retention").json or {})["rules"] == []
