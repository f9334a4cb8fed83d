"""A fleet whose traces lie in an object store has the same accounts as one on this disk."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.accounts import reading
from fleet_carbon.services.intake import ingesting, withdrawing
from fleet_carbon.services.intake.withdrawing import WithdrawalRequest
from fleet_carbon.services.months import closing as months
from fleet_carbon.services.positions import exporting
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import Storage, open_storage
from tests.services.tiny_fleet import MONTH, YARD_KM, TinyFleet, shuttle, write_csv
from tests.storage.object_store import BreakingLine, ObjectStore, shared_store, store_credentials

__all__ = ["shared_store", "store_credentials"]

NOW = datetime(2025, 4, 2, tzinfo=UTC)
ALL_TIME = (-(2**62), 2**62)
FIXES = shuttle(3)
HALF = len(FIXES) // 2


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, shared_store: ObjectStore) -> Path:
    """Two homes of the same fleet: the traces of one lie in it, of the other in the store."""
    folder = tmp_path_factory.mktemp("ingested")
    files = TinyFleet(positions=[]).write(folder / "files")
    halves = [
        write_csv(folder / "files" / "first.csv", FIXES[:HALF]),
        write_csv(folder / "files" / "second.csv", FIXES[HALF - 5 :]),
    ]
    for name, url in (("folder", None), ("store", shared_store.url())):
        settings = Settings(home=folder / name, traces_url=url)
        for kind, path in files.items():
            ingesting.ingest_files(settings, kind, [path])
        for half in halves:
            ingesting.ingest_files(settings, "positions", [half])
    return folder


@pytest.fixture
def fleets(ingested: Path, tmp_path: Path, shared_store: ObjectStore) -> dict[str, Settings]:
    """Copies of the two; what lies in the store is never changed, so all may read it."""
    for name in ("folder", "store"):
        shutil.copytree(ingested / name, tmp_path / name)
    return {
        "folder": Settings(home=tmp_path / "folder"),
        "store": Settings(home=tmp_path / "store", traces_url=shared_store.url()),
    }


def compact(storage: Storage) -> None:
    with storage.begin(read_only=True) as work:
        merges = [work.traces.merge(one.month, one.bucket) for one in work.traces.mergeable()]
    assert len(merges) == 1
    for merge in merges:
        segments = merge.written()
        with storage.begin() as work:
            assert work.traces.replace(merge, segments, recorded_at=NOW)


def tables_of(settings: Settings) -> dict[str, pd.DataFrame]:
    """All tables of the month, closed now."""
    months.close_month(settings, MONTH)
    names = reading.FRAME_BY_COMMAND
    return {name: reading.read_table(settings, name, MONTH).rows for name in names}


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, rows in one.items():
        pd.testing.assert_frame_equal(rows, other[name])


@pytest.mark.slow
def test_a_month_closes_with_the_same_figures(fleets: dict[str, Settings]) -> None:
    folder, store = (tables_of(settings) for settings in fleets.values())
    assert float(folder["accounts"]["distance_km"].sum()) > 0
    assert_same(folder, store)
    assert list((fleets["store"].home / "traces").rglob("*.*")) == []


@pytest.mark.slow
def test_compaction_and_withdrawal_work_as_on_a_disk(fleets: dict[str, Settings]) -> None:
    found = []
    for settings in fleets.values():
        with closing(open_storage(settings)) as storage:
            compact(storage)
            with storage.begin(read_only=True) as work:
                assert work.traces.verify() == []
                assert work.traces.summary()["fixes"] == len(FIXES)
        listed = withdrawing.list_files(settings, "positions").as_dict()["files"]
        [second] = [one["file_id"] for one in listed if one["name"] == "second.csv"]
        withdrawing.withdraw_file(settings, WithdrawalRequest(second, reason="wrong file"))
        with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
            assert work.traces.verify() == []
            assert work.traces.summary()["fixes"] == HALF
        found.append(tables_of(settings))
    folder, store = found
    assert 0 < float(folder["accounts"]["distance_km"].sum()) < 2 * YARD_KM
    assert_same(folder, store)


@pytest.mark.slow
def test_a_store_that_is_gone_leaves_no_half_state(
    fleets: dict[str, Settings], shared_store: ObjectStore, tmp_path: Path
) -> None:
    more = write_csv(tmp_path / "more.csv", shuttle(1, starts_at=NOW))
    line = BreakingLine(shared_store.port, breaks_at_upload=1)
    settings = Settings(home=fleets["store"].home, traces_url=shared_store.url(port=line.port))
    with closing(line), closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            before = work.traces.summary(), work.traces.version_number()
        for broken in (
            lambda: ingesting.ingest_files(settings, "positions", [more]),
            lambda: months.close_month(settings, MONTH),
            lambda: exporting.export_traces(settings, tmp_path / "lake"),
        ):
            with pytest.raises(FleetCarbonError) as refused:
                broken()
            assert refused.value.code == "traces_store_unreachable"
        with storage.begin(read_only=True) as work:
            assert (work.traces.summary(), work.traces.version_number()) == before
            assert work.closings.months() == []
    assert [path for path in tmp_path.rglob("*.partial") if path.is_file()] == []
    assert not (tmp_path / "lake" / "_delta_log").exists()


@pytest.mark.slow
def test_an_ingest_that_broke_in_the_middle_goes_on_where_the_store_left_off(
    shared_store: ObjectStore, tmp_path: Path
) -> None:
    # Three months are three segments; the line breaks with the second of them.
    starts = [datetime(2025, month, 10, tzinfo=UTC) for month in (1, 2, 3)]
    fixes = [fix for starts_at in starts for fix in shuttle(1, starts_at=starts_at)]
    fleet = TinyFleet(positions=fixes).write(tmp_path / "files")
    line = BreakingLine(shared_store.port, breaks_at_upload=2)
    url = shared_store.url("broken", port=line.port)
    settings = Settings(home=tmp_path / "home", traces_url=url)
    ingesting.ingest_files(settings, "vehicles", [fleet["vehicles"]])
    with closing(line), closing(open_storage(settings)) as storage:
        with pytest.raises(FleetCarbonError) as refused:
            ingesting.ingest_files(settings, "positions", [fleet["positions"]])
        assert refused.value.code == "traces_store_unreachable"
        line.mend()
        with storage.begin(read_only=True) as work:
            assert work.traces.summary()["fixes"] == 0
            assert len(work.traces.leftovers()) == 1  # the first segment, named by nothing
        again = ingesting.ingest_files(settings, "positions", [fleet["positions"]])
        assert (again.as_dict()["rows_accepted"], again.as_dict()["rows_duplicate"]) == (
            len(fixes),
            0,
        )
        with storage.begin(read_only=True) as work:
            assert work.traces.summary()["fixes"] == len(fixes)
            assert (work.traces.leftovers(), work.traces.verify()) == ([], [])


@pytest.mark.slow
def test_an_export_holds_the_fixes_of_the_store(
    fleets: dict[str, Settings], tmp_path: Path
) -> None:
    sums = {(row["lat"], row["time"]) for row in FIXES}
    for name, settings in fleets.items():
        export = exporting.export_traces(settings, tmp_path / f"lake-{name}")
        assert export.as_dict()["fixes"] == len(FIXES)
        table = DeltaTable(tmp_path / f"lake-{name}")
        rows = table.to_pyarrow_table().to_pylist()
        assert {(row["lat"], f"{row['time']:%Y-%m-%dT%H:%M:%SZ}") for row in rows} == sums
        [commit] = table.history()
        assert commit["trace_version"] == str(export.trace_version) == "2"


@pytest.mark.slow
def test_an_export_can_show_an_earlier_version(fleets: dict[str, Settings], tmp_path: Path) -> None:
    settings, folder = fleets["folder"], tmp_path / "lake"
    assert exporting.export_traces(settings, folder, version=1).as_dict()["fixes"] == HALF
    newest = exporting.export_traces(settings, folder, month="2025-03")
    assert (newest.table_version, newest.as_dict()["fixes"]) == (1, len(FIXES))
    with closing(open_storage(settings)) as storage:
        compact(storage)
    again = exporting.export_traces(settings, folder)
    assert (again.trace_version, again.table_version) == (3, 1)  # other files, the same fixes
    assert DeltaTable(folder).to_pyarrow_table().num_rows == len(FIXES)
    with pytest.raises(FleetCarbonError) as refused:
        exporting.export_traces(settings, folder, version=99)
    assert refused.value.code == "trace_version_unknown"
