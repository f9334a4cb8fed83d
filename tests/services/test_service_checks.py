"""What doctor says of the service when something is wrong with it."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet_carbon.services.people.access import create_key, end_key
from fleet_carbon.services.running import doctoring
from fleet_carbon.services.running.beating import beating
from fleet_carbon.services.running.jobs import JobBook, prepare_jobs
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage, workers_on_record
from fleet_carbon.storage.worker_beats import WorkerSeen
from tests.storage import whole_ledger


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home")
    open_storage(made).close()
    return made


def found(settings: Settings) -> dict[str, doctoring.Check]:
    return {one.check: one for one in doctoring.examine(settings).checks}


def test_a_new_installation_is_well(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEET_CARBON_NO_SKIP", raising=False)  # of the tests, not of the program
    checks = found(settings)
    for name in ("settings", "private keys", "schema", "clock", "workers", "jobs"):
        assert checks[name].status == doctoring.OK, checks[name]


def test_a_variable_that_nobody_reads_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_CARBON_DATABSE_URL", "postgresql://x")
    check = found(settings)["settings"]
    assert check.status == doctoring.WARN
    assert "FLEET_CARBON_DATABSE_URL" in check.finding


def test_a_key_that_others_may_read_is_a_fault(settings: Settings) -> None:
    key = settings.home / "keys" / "a.pem"
    key.parent.mkdir(exist_ok=True)
    key.write_text("secret")
    key.chmod(0o640)
    check = found(settings)["private keys"]
    assert (check.status, str(key) in check.finding) == (doctoring.FAIL, True)
    key.chmod(0o600)
    assert found(settings)["private keys"].status == doctoring.OK


def test_a_clock_behind_the_newest_record_is_a_fault(settings: Settings) -> None:
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        whole_ledger.close(work, settings.fleet)
        run = work.closings.runs(whole_ledger.MONTH)[-1]
        later = datetime.now(UTC) + timedelta(hours=1)
        rows = {name: work.closings.table(run, name) for name in run.table_digests}
        again = replace(run, run_id="r2", month="2026-02", closed_at=later, tables=rows)
        work.closings.save("2026-02", again)
    assert found(settings)["clock"].status == doctoring.FAIL


def test_a_disk_that_is_nearly_full_is_said(settings: Settings) -> None:
    short = settings.model_copy(update={"disk_free_bytes_min": 2**60})
    assert found(short)["disk"].status == doctoring.FAIL


def test_a_worker_that_beats_is_at_work_and_leaves_when_it_ends(settings: Settings) -> None:
    with beating(settings):
        for _ in range(200):
            if found(settings)["workers"].finding.startswith("1 at work"):
                break
        else:
            pytest.fail("the worker was not seen")
        assert str(os.getpid()) in found(settings)["workers"].finding
    assert found(settings)["workers"].finding == "none, and nothing to do for one"


def test_a_worker_that_ended_without_a_word_is_missed(settings: Settings) -> None:
    ago = datetime.now(UTC) - timedelta(minutes=10)
    with workers_on_record(settings, read_only=False) as workers:
        workers.put(WorkerSeen("w", "host", 1, ago, ago))
    check = found(settings)["workers"]
    assert (check.status, "last was seen" in check.finding) == (doctoring.WARN, True)


def test_jobs_that_nobody_does_are_named(settings: Settings) -> None:
    prepare_jobs(settings)
    book = JobBook(settings)
    book.ask(settings.fleet, "close_month", month="2026-01")
    book.close()
    assert found(settings)["workers"].status == doctoring.WARN
    assert found(settings)["jobs"].finding == "1 under way"


def test_whoever_lets_customers_in_is_asked_in_whose_name(settings: Settings) -> None:
    assert found(settings)["footprints"].status == doctoring.OK
    made = create_key(settings, "system of S01", "customer", shippers=["S01"])
    check = found(settings)["footprints"]
    assert (check.status, "'default'" in check.finding) == (doctoring.WARN, True)
    assert "FLEET_CARBON_COMPANIES" in check.remedy
    named = ("Example Freight Co", "urn:example:carrier:0001")
    told = found(settings.model_copy(update={"companies": {"default": named}}))["footprints"]
    assert told.status == doctoring.OK
    assert all(one in told.finding for one in named)
    end_key(settings, made.rows[0].key_id)
    assert found(settings)["footprints"].status == doctoring.OK
