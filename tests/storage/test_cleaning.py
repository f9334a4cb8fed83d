"""What nothing needs is removed, and never what a closed month names."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet_carbon import frames
from fleet_carbon.errors import NotFound
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage
from tests.storage.builders import (
    JANUARY_MS,
    NOW,
    fixes,
    ingest,
    keys_on_record,
    merge_all,
)
from tests.storage.test_withdrawals import withdraw

EVER = datetime(9999, 1, 1, tzinfo=UTC)


def take_in(storage: Storage, folder: Path) -> None:
    for number in range(2):
        ingest(storage, folder, str(number), fixes(("V1", JANUARY_MS + number, 1, 1)))


def close_at(storage: Storage, version: int | None) -> None:
    """Put a closing run on record that read a version of the traces."""
    run = ClosingRun(
        run_id=f"run at {version}",
        month="2026-01",
        edition_label="x",
        edition_digest="x",
        inputs={},
        closed_at=NOW,
        summary={},
        tables={"accounts": frames.ACCOUNTS.empty()},
        traces_at=version,
    )
    with storage.begin() as work:
        saved = work.closings.save("2026-01", run)
    with storage.begin(read_only=True) as work:
        assert saved.traces_at == version
        assert version in [known.traces_at for known in work.closings.runs("2026-01")]


def clean(storage: Storage, before: datetime = EVER) -> int:
    """Forget and remove; how many files are gone."""
    with storage.begin() as work:
        cleaning = work.traces.cleaning
        cleaning.forget(cleaning.superseded(before), NOW)
    with storage.begin() as work:
        return len(work.traces.cleaning.remove_leftovers(before))


def files(storage: Storage) -> int:
    return len(list((storage.home / "traces").rglob("*.parquet")))


def test_superseded_segments_are_removed_and_their_versions_say_so(
    storage: Storage, tmp_path: Path
) -> None:
    take_in(storage, tmp_path)
    merge_all(storage)
    before = keys_on_record(storage)
    assert files(storage) == 3
    assert clean(storage) == 2
    assert files(storage) == 1
    assert keys_on_record(storage) == before == keys_on_record(storage, version=3)
    for version in (1, 2):
        with pytest.raises(NotFound) as refused:
            keys_on_record(storage, version=version)
        assert refused.value.code == "trace_version_removed"
    with storage.begin(read_only=True) as work:
        assert work.traces.verify() == []


def test_what_a_closed_month_names_stays(storage: Storage, tmp_path: Path) -> None:
    take_in(storage, tmp_path)
    close_at(storage, 1)
    close_at(storage, None)
    merge_all(storage)
    withdraw(storage, 2)
    # In force at version 1 is the first file; the second and the merged one are not needed.
    assert clean(storage) == 2
    assert len(keys_on_record(storage, version=1)) == 1
    with pytest.raises(NotFound):
        keys_on_record(storage, version=2)
    assert len(keys_on_record(storage)) == 1


def test_segments_that_were_in_force_until_lately_stay(storage: Storage, tmp_path: Path) -> None:
    take_in(storage, tmp_path)
    merge_all(storage, at=NOW)
    with storage.begin(read_only=True) as work:
        cleaning = work.traces.cleaning
        assert cleaning.superseded(NOW) == []
        assert len(cleaning.superseded(NOW + timedelta(milliseconds=1))) == 2


def test_young_files_stay_for_they_may_belong_to_a_running_command(
    storage: Storage, tmp_path: Path
) -> None:
    take_in(storage, tmp_path)
    with storage.begin(read_only=True) as work:
        merge = work.traces.merge("2026-01", 0)
    written = merge.written()
    now = datetime.now(UTC)
    partial = storage.home / "traces" / storage.fleet_id / "begun.partial"
    partial.touch()
    assert clean(storage, now - timedelta(days=1)) == 0
    with storage.begin() as work:
        assert work.traces.replace(merge, written, recorded_at=NOW)
    os.utime(partial, (1, 1))
    assert clean(storage, datetime(2000, 1, 1, tzinfo=UTC)) == 1
    assert not partial.exists()
    assert len(keys_on_record(storage)) == 2


def test_a_file_that_came_again_is_not_removed_with_its_former_life(
    storage: Storage, tmp_path: Path
) -> None:
    rows = fixes(("V1", JANUARY_MS, 1, 1))
    ingest(storage, tmp_path, "a", rows)
    withdraw(storage, 1)
    ingest(storage, tmp_path, "a", rows)
    assert files(storage) == 1
    assert clean(storage) == 0
    assert len(keys_on_record(storage)) == 1
    with pytest.raises(NotFound):
        keys_on_record(storage, version=1)


def test_a_reader_may_not_remove(storage: Storage, tmp_path: Path) -> None:
    take_in(storage, tmp_path)
    with storage.begin(read_only=True) as work, pytest.raises(RuntimeError):
        work.traces.cleaning.remove_leftovers(EVER)
