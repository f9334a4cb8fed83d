"""Segments that are put together hold the same fixes, and earlier versions can be read again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fleet_carbon.errors import FleetCarbonError, NotFound
from fleet_carbon.settings import Settings
from fleet_carbon.storage.segments import TraceLimits
from fleet_carbon.storage.unit_of_work import Storage, open_storage
from tests.storage.builders import (
    FEBRUARY_MS,
    JANUARY_MS,
    NOW,
    fixes,
    fixes_on_record,
    ingest,
    keys_on_record,
    marks_on_record,
    merge_all,
    received,
)
from tests.storage.test_withdrawals import withdraw

TRUCKS = ("V1", "V2", "V3")


def take_in(storage: Storage, folder: Path, files: int, *, hours: int = 1) -> None:
    """Some files with fixes of the same trucks that lie between each other."""
    for number in range(files):
        rows = [
            (truck, JANUARY_MS + n * files + number, n, 1) for truck in TRUCKS for n in range(7)
        ]
        with storage.begin() as work:
            at = NOW + timedelta(hours=hours * number)
            kept = received(work, folder, f"file {number}", at=at)
            writer = work.traces.writer()
            speeds = [None if n % 3 else float(n) for n in range(len(rows))]
            drivers = [f"D{number}" if n % 2 else None for n in range(len(rows))]
            told = {"speed_kmh": speeds} if number % 2 else {"driver_id": drivers}
            writer.add(fixes(*rows, **told))
            writer.finish(kept)


def everything(storage: Storage, version: int | None = None) -> dict[str, dict[str, list[object]]]:
    """Every value of every fix, "" and None where missing."""
    found = {}
    for vehicle_id, one in fixes_on_record(storage, version=version).items():
        columns = {
            name: [None if value != value else value for value in held.tolist()]
            for name, held in one.columns.items()
        }
        count = len(columns["time_ms"])
        columns["received_ms"] = np.broadcast_to(one.received_ms, count).tolist()
        found[vehicle_id] = dict(sorted(columns.items()))
    return found


def versions(storage: Storage) -> int:
    with storage.begin(read_only=True) as work:
        return work.traces.version_number()


def paths(storage: Storage) -> list[Path]:
    return sorted((storage.home / "traces").rglob("*.parquet"))


def test_the_same_fixes_stand_in_one_segment_afterwards(storage: Storage, tmp_path: Path) -> None:
    take_in(storage, tmp_path, 3)
    before, marks = everything(storage), marks_on_record(storage)
    assert merge_all(storage) == 1
    assert everything(storage) == before
    assert marks_on_record(storage) == marks
    with storage.begin(read_only=True) as work:
        [segment] = work.traces.segments()
        assert work.traces.verify() == []
        assert work.traces.mergeable() == []
        assert work.traces.summary()["fixes"] == 63
    assert versions(storage) == 4  # three files and this
    written = pq.ParquetFile(storage.home / "traces" / storage.fleet_id / segment.name)
    assert written.schema_arrow.names == [
        "vehicle_code",
        "time_ms",
        "lon_udeg",
        "lat_udeg",
        "speed_dkmh",
        "driver_code",
        "reception",
    ]


def test_each_month_and_bucket_is_put_together_by_itself(storage: Storage, tmp_path: Path) -> None:
    for number in range(2):
        rows = [(f"V{n:03d}", JANUARY_MS + number, 1, 1) for n in range(300)]
        rows += [("V000", FEBRUARY_MS + number, 1, 1)]
        ingest(storage, tmp_path, str(number), fixes(*rows))
    before = keys_on_record(storage)
    with storage.begin(read_only=True) as work:
        assert [
            (one.month, one.bucket, one.segments, one.rows) for one in work.traces.mergeable()
        ] == [("2026-01", 0, 2, 512), ("2026-02", 0, 2, 2), ("2026-01", 1, 2, 88)]
        assert [one.month for one in work.traces.mergeable("2026-02")] == ["2026-02"]
    assert merge_all(storage) == 3
    assert keys_on_record(storage) == before
    names = {path.relative_to(storage.home / "traces" / storage.fleet_id).parts[:2]
             for path in paths(storage)}  # fmt: skip
    assert names == {("2026-01", "0000"), ("2026-01", "0001"), ("2026-02", "0000")}


def test_row_groups_end_at_the_border_of_a_truck(storage: Storage, tmp_path: Path) -> None:
    rows = [("V1", JANUARY_MS + n, 1, 1) for n in range(6)]
    rows += [("V2", JANUARY_MS + n, 1, 1) for n in range(3)]
    for number in range(2):
        ingest(storage, tmp_path, str(number), fixes(*rows[number::2]))
    merge_all(storage)
    with storage.begin(read_only=True) as work:
        [segment] = work.traces.segments()
    metadata = pq.ParquetFile(storage.home / "traces" / storage.fleet_id / segment.name).metadata
    # At most 4 here: V1 has 6, and what is left of it leaves no room for the 3 of V2.
    assert [metadata.row_group(n).num_rows for n in range(3)] == [4, 2, 3]


def test_every_version_is_read_as_it_was(storage: Storage, tmp_path: Path) -> None:
    seen: dict[int, object] = {0: {}}

    def note() -> None:
        seen[versions(storage)] = (everything(storage), marks_on_record(storage))

    for number in range(2):
        rows = [(truck, JANUARY_MS + 2 * n + number, n, 1) for truck in TRUCKS for n in range(5)]
        ingest(storage, tmp_path, f"file {number}", fixes(*rows))
        note()
    merge_all(storage)
    note()
    withdraw(storage, 1)
    note()
    ingest(storage, tmp_path, "more", fixes(("V1", JANUARY_MS + 50, 1, 1)))
    note()
    merge_all(storage)
    note()
    withdraw(storage, 2, 3)
    assert everything(storage) == {}
    assert sorted(seen) == list(range(7))
    for number, found in seen.items():
        if number:
            assert (everything(storage, number), marks_on_record(storage, version=number)) == found
    assert everything(storage, 0) == {}
    with pytest.raises(NotFound) as refused:
        everything(storage, 8)
    assert refused.value.code == "trace_version_unknown"


def test_a_withdrawal_takes_its_fixes_out_of_a_merged_segment(
    storage: Storage, tmp_path: Path
) -> None:
    take_in(storage, tmp_path, 3)
    merge_all(storage)
    before = versions(storage)
    withdraw(storage, 2)
    kept = keys_on_record(storage)
    assert len(kept) == 42
    assert {(key[1] - JANUARY_MS) % 3 for key in kept} == {0, 2}
    assert versions(storage) == before + 1
    moments = {moment for one in everything(storage).values() for moment in one["received_ms"]}
    assert len(moments) == 2
    withdraw(storage, 1)
    assert {(key[1] - JANUARY_MS) % 3 for key in keys_on_record(storage)} == {2}
    with storage.begin(read_only=True) as work:
        [segment] = work.traces.segments()
        assert work.traces.verify() == []
    # One reception is left, which need not be named for every fix.
    written = pq.ParquetFile(storage.home / "traces" / storage.fleet_id / segment.name)
    assert "reception" not in written.schema_arrow.names


def test_marks_after_a_withdrawal_are_those_of_fixes_that_never_came(
    settings: Settings, storage: Storage, tmp_path: Path
) -> None:
    rows = [[("V1", JANUARY_MS + 2 * n + number, n, 1) for n in range(5)] for number in range(2)]
    for number in range(2):
        ingest(storage, tmp_path, str(number), fixes(*rows[number]))
    merge_all(storage)
    withdraw(storage, 2)
    other = open_storage(settings.model_copy(update={"fleet": f"{settings.fleet}-other"}))
    ingest(other, tmp_path, "0", fixes(*rows[0]))
    assert marks_on_record(storage) == marks_on_record(other)
    other.close()


def test_a_withdrawal_of_what_brought_no_fixes_is_no_version(
    storage: Storage, tmp_path: Path
) -> None:
    ingest(storage, tmp_path, "a", fixes(("V1", JANUARY_MS, 1, 1)))
    assert ingest(storage, tmp_path, "b", fixes(("V1", JANUARY_MS, 1, 1))) == (0, 1)
    assert versions(storage) == 1
    withdraw(storage, 2)
    assert versions(storage) == 1


@pytest.fixture
def narrow(settings: Settings) -> Iterator[Storage]:
    """A store whose segments hold 20 fixes, and that orders 6 at a time."""
    limits = TraceLimits(merged_rows_max=6, row_group_rows=4, segment_rows_max=20)
    opened = open_storage(settings, limits=limits)
    yield opened
    opened.close()


def test_too_many_fixes_for_one_segment_become_several_and_stay_so(
    narrow: Storage, tmp_path: Path
) -> None:
    for number in range(2):
        rows = [(f"V{truck}", JANUARY_MS + n * 2 + number, 1, 1)
                for truck in range(5) for n in range(4)]  # fmt: skip
        ingest(narrow, tmp_path, str(number), fixes(*rows))
    before, marks = keys_on_record(narrow), marks_on_record(narrow)
    assert merge_all(narrow) == 1
    with narrow.begin(read_only=True) as work:
        assert [segment.rows for segment in work.traces.segments()] == [16, 16, 8]
    assert (keys_on_record(narrow), marks_on_record(narrow)) == (before, marks)
    # 16 and 8 together are more than 20, as are 16 and 16: nothing is gained.
    assert merge_all(narrow) == 0
    ingest(narrow, tmp_path, "late", fixes(("V0", JANUARY_MS + 100, 1, 1)))
    assert merge_all(narrow) == 1
    assert len(keys_on_record(narrow)) == 41


def test_one_truck_is_never_cut_and_is_put_in_order_piece_by_piece(
    narrow: Storage, tmp_path: Path
) -> None:
    chance = np.random.default_rng(3)
    moments = np.unique(chance.integers(0, FEBRUARY_MS - JANUARY_MS, 90)).tolist()
    for number in range(3):
        part = moments[number::3]
        rows = [("V1", JANUARY_MS + moment, number, 1) for moment in part]
        ingest(narrow, tmp_path, str(number), fixes(*rows))
    before = everything(narrow)
    assert merge_all(narrow) == 1
    assert everything(narrow) == before
    with narrow.begin(read_only=True) as work:
        assert [segment.rows for segment in work.traces.segments()] == [len(moments)]


def test_a_merge_that_was_overtaken_changes_nothing(storage: Storage, tmp_path: Path) -> None:
    take_in(storage, tmp_path, 2)
    with storage.begin(read_only=True) as work:
        merge = work.traces.merge("2026-01", 0)
    written = merge.written()
    withdraw(storage, 2)
    before = keys_on_record(storage)
    with storage.begin() as work:
        assert not work.traces.replace(merge, written, recorded_at=NOW)
    assert keys_on_record(storage) == before
    assert versions(storage) == 3


def test_fixes_that_come_while_segments_are_merged_stay_beside_them(
    storage: Storage, tmp_path: Path
) -> None:
    take_in(storage, tmp_path, 2)
    with storage.begin(read_only=True) as work:
        merge = work.traces.merge("2026-01", 0)
    written = merge.written()
    ingest(storage, tmp_path, "late", fixes(("V1", JANUARY_MS + 1000, 1, 1)))
    with storage.begin() as work:
        assert work.traces.replace(merge, written, recorded_at=NOW)
        assert len(work.traces.segments()) == 2
    assert len(keys_on_record(storage)) == 43


def test_merged_files_that_are_gone_are_not_put_in_force(storage: Storage, tmp_path: Path) -> None:
    take_in(storage, tmp_path, 2)
    with storage.begin(read_only=True) as work:
        merge = work.traces.merge("2026-01", 0)
    [segment] = merge.written()
    (storage.home / "traces" / storage.fleet_id / segment.file.name).unlink()
    with storage.begin() as work:
        assert not work.traces.replace(merge, [segment], recorded_at=NOW)
    assert versions(storage) == 2


def test_fixes_that_are_not_those_on_record_are_not_merged(
    storage: Storage, tmp_path: Path
) -> None:
    take_in(storage, tmp_path, 2)
    with storage.begin(read_only=True) as work:
        merge = work.traces.merge("2026-01", 0)
    code = next(iter(merge.marks))
    wrong = dataclasses.replace(merge, marks={**merge.marks, code: (0, 0)})
    with pytest.raises(FleetCarbonError) as refused:
        wrong.written()
    assert refused.value.code == "segment_changed"


def test_a_clock_that_goes_backwards_loses_nothing(storage: Storage, tmp_path: Path) -> None:
    take_in(storage, tmp_path, 3, hours=-48)
    before, marks = everything(storage), marks_on_record(storage)
    merge_all(storage, at=NOW - timedelta(days=400))
    assert (everything(storage), marks_on_record(storage)) == (before, marks)
    assert versions(storage) == 4
    assert everything(storage, 3) == before
    with storage.begin(read_only=True) as work:
        # By the clock they went out of force before they came: they are not that old.
        assert work.traces.cleaning.superseded(NOW - timedelta(days=500)) == []
