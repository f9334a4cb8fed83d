"""Positions are kept for a set time and then reduced; what was closed with them stands."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.ledger.proving import check_ledger
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.months.retaining import run_retention, set_retention, show_retention
from fleet_carbon.services.positions.tracekeeping import verify_traces
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage import whole_ledger
from tests.storage.builders import FEBRUARY_MS, JANUARY_MS, fixes, fixes_on_record, ingest


@pytest.fixture
def closed(settings: Settings, tmp_path: Path) -> Settings:
    """January is closed, with fixes in three files, the last of which reaches into February."""
    with closing(open_storage(settings)) as storage:
        with storage.begin() as work:
            whole_ledger.close(work, settings.fleet)
        for number, moments in enumerate(((1, 2), (3,), (4, FEBRUARY_MS - JANUARY_MS + 5))):
            rows = [("V1", JANUARY_MS + at, 105_000_000, 30_000_000) for at in moments]
            ingest(storage, tmp_path, f"{settings.fleet} {number}", fixes(*rows))
    return settings


def close_february(settings: Settings) -> None:
    """As if it had been closed: what January's neighbour needs to be."""
    from dataclasses import replace

    with closing(open_storage(settings)) as storage, storage.begin() as work:
        run = work.closings.runs(whole_ledger.MONTH)[-1]
        rows = {name: work.closings.table(run, name) for name in run.table_digests}
        # Its table says January; only that there is a run counts here.
        again = replace(run, run_id="february", month="2026-02", tables=rows)
        work.closings.save("2026-02", again)


def moments(settings: Settings) -> list[int]:
    with closing(open_storage(settings)) as storage:
        found = fixes_on_record(storage)
    return found["V1"].columns["time_ms"].tolist() if found else []


def stored(settings: Settings) -> tuple[int, int]:
    """Segment files and received files on disk; all of them are of positions."""
    folders = (settings.home / "traces" / settings.fleet, settings.home / "files")
    found = [[one for one in folder.rglob("*") if one.is_file()] for folder in folders]
    return len(found[0]), len(found[1])


def test_nothing_goes_before_the_neighbours_are_closed(closed: Settings) -> None:
    before = stored(closed)
    with pytest.raises(NotFound):
        run_retention(closed)
    set_retention(closed, 30)
    told = run_retention(closed).as_dict()
    assert (told["months"], told["months_waiting"]) == ([], ["2026-01", "2026-02"])
    assert stored(closed) == before
    assert len(moments(closed)) == 5


def test_what_is_younger_than_the_rule_stays(closed: Settings) -> None:
    close_february(closed)
    set_retention(closed, 36_500)
    told = run_retention(closed).as_dict()
    assert (told["months"], told["months_waiting"]) == ([], [])
    set_retention(closed, None)
    assert run_retention(closed).as_dict()["months"] == []
    assert show_retention(closed).as_dict()["positions_days"] is None


def test_a_dry_run_counts_and_removes_nothing(closed: Settings) -> None:
    close_february(closed)
    set_retention(closed, 30)
    before = stored(closed)
    told = run_retention(closed, is_dry_run=True).as_dict()
    assert (told["months"], told["fixes"], told["dry_run"]) == (["2026-01", "2026-02"], 5, True)
    assert told["segments"] == before[0]
    assert stored(closed) == before


def test_fixes_and_files_go_and_digests_stay(closed: Settings) -> None:
    close_february(closed)
    set_retention(closed, 30)
    with closing(open_storage(closed)) as storage, storage.begin(read_only=True) as work:
        before = {one.segment_id for one in work.traces.segments()}
        version = work.traces.version_number()
    told = run_retention(closed).as_dict()
    assert (told["fixes"], told["files_removed"]) == (5, 3)
    assert stored(closed) == (0, 0)
    assert moments(closed) == []
    with closing(open_storage(closed)) as storage, storage.begin(read_only=True) as work:
        catalog = {one.segment_id for one in work.traces._catalog.segments()}
        assert before <= catalog
        with pytest.raises(NotFound) as refused:
            work.traces.marks(JANUARY_MS, FEBRUARY_MS, version=version)
    assert refused.value.code == "traces_reduced"
    assert "by the rule of" in refused.value.message
    assert verify_traces(closed).is_well
    assert check_ledger(closed).is_well
    reductions = show_retention(closed).as_dict()["reductions"]
    assert [(one["month"], one["fixes"]) for one in reductions] == [("2026-01", 4), ("2026-02", 1)]
    again = run_retention(closed).as_dict()
    assert (again["months"], again["segments_removed"], again["files_removed"]) == ([], 0, 0)


def test_a_month_without_its_fixes_is_not_closed_again(closed: Settings) -> None:
    close_february(closed)
    set_retention(closed, 30)
    run_retention(closed)
    for month in ("2026-01", "2026-02", "2026-03"):  # the last reads some days of February
        with pytest.raises(NotFound) as refused:
            close_month(closed, month)
        assert refused.value.code == "traces_reduced"


def test_a_file_that_reaches_into_a_month_that_is_kept_stays(
    settings: Settings, closed: Settings, tmp_path: Path
) -> None:
    # March is on record and not closed: February waits for it, January does not.
    with closing(open_storage(closed)) as storage:
        march_ms = FEBRUARY_MS + 28 * 86_400_000 + 7
        ingest(storage, tmp_path, "march", fixes(("V1", march_ms, 105_000_000, 30_000_000)))
    close_february(closed)
    set_retention(closed, 30)
    told = run_retention(closed).as_dict()
    assert told["months"] == ["2026-01"]
    assert told["months_waiting"] == ["2026-02", "2026-03"]
    assert told["files_removed"] == 2
    assert moments(closed) == [FEBRUARY_MS + 5, march_ms]
    assert verify_traces(closed).is_well


def test_what_was_broken_off_after_it_was_put_on_record_is_done_the_next_time(
    closed: Settings,
) -> None:
    from datetime import UTC, datetime

    close_february(closed)
    set_retention(closed, 30)
    with closing(open_storage(closed)) as storage, storage.begin() as work:
        rule = work.traces.retention.rules()[-1]
        work.traces.reduce({"2026-01"}, rule, recorded_at=datetime.now(UTC))
    assert verify_traces(closed).is_well
    assert stored(closed)[0] > 1
    told = run_retention(closed).as_dict()
    assert told["months"] == ["2026-02"]
    assert stored(closed) == (0, 0)


def test_a_period_of_no_days_is_refused(settings: Settings) -> None:
    with pytest.raises(InputRefused) as refused:
        set_retention(settings, 0)
    assert refused.value.code == "retention_too_short"
