"""Jobs: listed by page, cancelled while they wait, and never told as cancelled and done anyway."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from fleet_carbon.client import Client, ServiceProblem
from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.running import job_kinds, jobs
from fleet_carbon.services.running.job_kinds import JobKind
from fleet_carbon.settings import Settings
from tests.web.conftest import Service, served

_WAIT_S = 200


def asked(service: Service, *months: str) -> list[str]:
    """Names of jobs that close these months."""
    manager = service.caller("manager")
    answers = [manager.post(f"/v1/months/{month}/closings").json or {} for month in months]
    return [answer["job_id"] for answer in answers]


def ended(service: Service, job_id: str) -> dict[str, Any]:
    """A job when it is over."""
    until_s = time.monotonic() + _WAIT_S
    while True:
        job: dict[str, Any] = service.caller("auditor").get(f"/v1/jobs/{job_id}").json or {}
        if job["state"] not in ("waiting", "running"):
            return job
        assert time.monotonic() < until_s, job
        time.sleep(0.1)


def test_jobs_are_listed_newest_first_and_the_same_however_they_are_cut(service: Service) -> None:
    months = [f"2025-{number:02d}" for number in range(1, 8)]
    names = asked(service, *months)
    transport = httpx.WSGITransport(app=service.client.application)
    with Client("http://test", service.key("auditor"), transport=transport) as client:
        assert [job.job_id for job in client.jobs()] == names[::-1]
        assert {job.arguments["month"] for job in client.jobs(is_under_way=True)} == set(months)
        assert list(client.jobs(kind="another")) == []
    auditor, found, cursor = service.caller("auditor"), [], ""
    for _ in range(4):
        page = auditor.get("/v1/jobs", query_string={"limit": 2, "cursor": cursor}).json or {}
        found += [job["job_id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (names[::-1], "")


def test_jobs_of_one_moment_are_told_once_each(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(service, *(f"2024-{number:02d}" for number in range(1, 8)))
    book: jobs.JobBook = service.client.application.extensions["jobs"]
    known = book.newest(service.settings.fleet)
    at = known[0].asked_at
    made = jobs.JobBook._job

    def of_one_moment(self: jobs.JobBook, found: Any) -> jobs.Job:
        return replace(made(self, found), asked_at=at)

    monkeypatch.setattr(jobs.JobBook, "_job", of_one_moment)
    found, cursor = [], ""
    for _ in range(3):
        page = book.page(service.settings.fleet, limit_count=3, cursor=cursor)
        found += [job.job_id for job in page.jobs]
        cursor = page.next_cursor
    assert found == [job.job_id for job in known]


def test_a_fleet_sees_its_own_jobs_only(service: Service) -> None:
    (job_id,) = asked(service, "2025-01")
    name = service.settings.fleet.upper()  # databases may compare without regard to capitals
    for fleet in (name, "web"):
        other = service.caller("admin", fleet=fleet)
        assert (other.get("/v1/jobs").json or {})["jobs"] == []
        assert other.get(f"/v1/jobs/{job_id}").status_code == 404
        assert other("DELETE", f"/v1/jobs/{job_id}").status_code == 404


@pytest.mark.parametrize("cursor", ["zzz", "WzEsMl0=", "W10=", "WyJhIixbXV0=", "WzFlMzAwLFtdXQ=="])
def test_a_cursor_that_is_none_is_refused(service: Service, cursor: str) -> None:
    answer = service.caller("auditor").get("/v1/jobs", query_string={"cursor": cursor})
    assert (answer.status_code, (answer.json or {})["code"]) == (400, "cursor_malformed")


def test_a_job_that_was_cancelled_is_not_done_and_can_be_asked_for_again(service: Service) -> None:
    first, second = asked(service, "2025-01", "2025-02")
    manager = service.caller("manager")
    assert service.caller("auditor")("DELETE", f"/v1/jobs/{first}").status_code == 403
    for _ in range(2):  # again changes nothing
        told = manager("DELETE", f"/v1/jobs/{first}").json or {}
        assert (told["state"], told["problem"]["code"]) == ("cancelled", "job_cancelled")
    with jobs.worker(service.settings):
        assert ended(service, second)["problem"]["code"] == "month_without_data"
    assert ended(service, first)["state"] == "cancelled"
    refused = manager("DELETE", f"/v1/jobs/{second}")
    assert (refused.status_code, (refused.json or {})["code"]) == (409, "job_not_waiting")
    assert asked(service, "2025-01") != [first]
    transport = httpx.WSGITransport(app=service.client.application)
    with (
        Client("http://test", service.key("auditor"), transport=transport) as client,
        pytest.raises(ServiceProblem) as cancelled,
    ):
        client.wait(client.job(first))
    assert cancelled.value.code == "job_cancelled"


def test_a_job_that_a_worker_takes_while_it_is_cancelled_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    taken, refused = threading.Event(), threading.Event()

    def do(settings: Settings, arguments: job_kinds.Arguments, progress: object) -> dict[str, Any]:
        taken.set()
        assert refused.wait(_WAIT_S)
        done.append(arguments["word"])
        return {"word": arguments["word"], "fleet": settings.fleet}

    kind = JobKind("say", do, lambda _, arguments: dict(arguments), ("word",))
    monkeypatch.setitem(job_kinds.KINDS, kind.name, kind)
    service = served(Settings(home=tmp_path / "home", fleet="said"))
    book: jobs.JobBook = service.client.application.extensions["jobs"]
    found = jobs.JobBook.find
    with jobs.worker(service.settings):
        job = book.ask("said", "say", word="a")
        assert taken.wait(_WAIT_S)

        def as_if_it_waited(self: jobs.JobBook, fleet_id: str, job_id: str) -> jobs.Job:
            return replace(found(self, fleet_id, job_id), state="waiting")

        with monkeypatch.context() as patched:
            patched.setattr(jobs.JobBook, "find", as_if_it_waited)
            with pytest.raises(FleetCarbonError, match="under way"):
                book.cancel("said", job.job_id)
        refused.set()
        told = ended(service, job.job_id)
    assert told["result"] == {"ok": True, "word": "a", "fleet": "said"}
    assert set(done) == {"a"}
    book.close()
