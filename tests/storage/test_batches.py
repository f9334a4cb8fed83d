"""Batches read their fixes without the database, each row group once, and name what is wrong."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.settings import Settings
from fleet_carbon.storage import segment_files
from fleet_carbon.storage.batches import TraceBatch, VehicleFixes
from fleet_carbon.storage.segment_files import SegmentFile
from fleet_carbon.storage.segments import TraceLimits
from fleet_carbon.storage.unit_of_work import Storage, open_storage
from tests.storage.builders import (
    ALL_TIME,
    JANUARY_MS,
    fixes,
    fixes_on_record,
    ingest,
    keys_on_record,
    merge_all,
)

ROOT = Path(__file__).resolve().parents[2]
HOUR_MS = 3_600_000


def batches(
    storage: Storage, period_ms: tuple[int, int] = ALL_TIME, *, fixes_max: int = 100
) -> list[TraceBatch]:
    with storage.begin(read_only=True) as work:
        return list(work.traces.batches(*period_ms, fixes_max=fixes_max))


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Storage]:
    """A store on SQLite with row groups of 4 fixes: what is read does not know the database."""
    opened = open_storage(Settings(home=tmp_path / "home"), limits=TraceLimits(row_group_rows=4))
    yield opened
    opened.close()


@pytest.fixture
def groups_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row groups that are decoded, in that order."""
    read: list[int] = []
    decode = SegmentFile.read

    def noted(file: SegmentFile, groups: list[int], columns: list[str]) -> object:
        read.extend(groups)
        return decode(file, groups, columns)

    monkeypatch.setattr(SegmentFile, "read", noted)
    return read


def test_neighbouring_trucks_share_a_batch_and_none_is_cut(
    storage: Storage, tmp_path: Path
) -> None:
    rows = [(f"V{truck}", JANUARY_MS + n, 1, 1)
            for truck, count in enumerate((3, 4, 20, 1, 2)) for n in range(count)]  # fmt: skip
    ingest(storage, tmp_path, "a", fixes(*rows))
    found = batches(storage, fixes_max=7)
    assert [batch.vehicle_ids for batch in found] == [("V0", "V1"), ("V2",), ("V3", "V4")]
    assert [batch.fixes_count_max for batch in found] == [7, 20, 3]
    assert sum(len(one.columns["time_ms"]) for batch in found for one in batch.read()) == 30


def test_trucks_of_different_buckets_share_no_batch(one: Storage, tmp_path: Path) -> None:
    ingest(one, tmp_path, "a", fixes(*[(f"V{n:03d}", JANUARY_MS, 1, 1) for n in range(300)]))
    assert [len(batch.vehicle_ids) for batch in batches(one, fixes_max=1000)] == [256, 44]


def test_a_batch_is_small_and_is_read_in_another_process(storage: Storage, tmp_path: Path) -> None:
    rows = [("V1", JANUARY_MS + n, n, 1) for n in range(5000)]
    ingest(storage, tmp_path, "a", fixes(*rows, driver_id=["张三"] * 5000))
    [batch] = batches(storage, fixes_max=10_000)
    packed = pickle.dumps(batch)
    assert len(packed) < 3000
    code = (
        "import pickle, sys; [one] = pickle.load(sys.stdin.buffer).read();"
        "print(one.vehicle_id, len(one.columns['time_ms']), one.columns['lon_udeg'].sum(),"
        "one.columns['driver_id'][-1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=packed, capture_output=True, cwd=ROOT, check=True,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}, timeout=300,
    )  # fmt: skip
    # 0 + 1 + ... + 4999 = 4999 * 5000 / 2
    assert done.stdout.decode().split() == ["V1", "5000", "12497500", "张三"]


def test_every_row_group_is_decoded_once(
    one: Storage, tmp_path: Path, groups_read: list[int]
) -> None:
    for number in range(2):
        rows = [(f"V{truck}", JANUARY_MS + 2 * n + number, 1, 1)
                for truck in range(5) for n in range(3 + 2 * truck)]  # fmt: skip
        ingest(one, tmp_path, str(number), fixes(*rows))
    merge_all(one)
    groups_read.clear()
    assert len(keys_on_record(one)) == 2 * (3 + 5 + 7 + 9 + 11)
    [batch] = batches(one)
    groups_read.clear()
    list(batch.read())
    assert groups_read == list(range(len(groups_read)))
    assert len(groups_read) > 10


def test_row_groups_outside_the_period_are_not_decoded(
    one: Storage, tmp_path: Path, groups_read: list[int]
) -> None:
    # 12 fixes an hour apart in row groups of 4: hours 0 to 3, 4 to 7, 8 to 11.
    rows = [("V1", JANUARY_MS + n * HOUR_MS, n, 1) for n in range(12)]
    ingest(one, tmp_path, "a", fixes(*rows))
    period = (JANUARY_MS + 5 * HOUR_MS, JANUARY_MS + 7 * HOUR_MS)
    [batch] = batches(one, period)
    [found] = batch.read()
    assert found.columns["lon_udeg"].tolist() == [5, 6]
    assert groups_read == [1]
    assert fixes_on_record(one, (JANUARY_MS - 9, JANUARY_MS)) == {}


def test_columns_are_there_only_if_the_data_has_them(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "a", fixes(("V1", JANUARY_MS, 1, 1)))
    found = fixes_on_record(storage)["V1"]
    assert list(found.columns) == ["time_ms", "lon_udeg", "lat_udeg"]


def test_arrays_belong_to_the_reader(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "a", fixes(("V1", JANUARY_MS, 1, 1), speed_kmh=[3.0]))
    found = fixes_on_record(storage)["V1"]
    assert all(held.flags.writeable and held.flags.c_contiguous for held in found.columns.values())


def test_merged_receptions_keep_their_moments(one: Storage, tmp_path: Path) -> None:
    from datetime import timedelta

    from tests.storage.builders import NOW, received

    for number in range(3):
        with one.begin() as work:
            at = NOW + timedelta(seconds=number)
            kept, writer = received(work, tmp_path, str(number), at=at), work.traces.writer()
            # The first 8 fixes are all of the first file: a row group of one reception.
            count = 8 if number == 0 else 3
            writer.add(fixes(*[("V1", JANUARY_MS + number + n * 3, 1, 1) for n in range(count)]))
            writer.finish(kept)
    before = fixes_on_record(one)["V1"]
    merge_all(one)
    after = fixes_on_record(one)["V1"]
    assert isinstance(before.received_ms, np.ndarray)
    assert isinstance(after.received_ms, np.ndarray)
    assert after.received_ms.tolist() == before.received_ms.tolist()
    assert len(set(after.received_ms.tolist())) == 3


def the_only_file(storage: Storage) -> Path:
    [path] = (storage.home / "traces").rglob("*.parquet")
    return path


@pytest.fixture(autouse=True)
def _no_footer_is_kept() -> None:
    segment_files._footer.cache_clear()


@pytest.fixture
def batch(one: Storage, tmp_path: Path) -> TraceBatch:
    rows = [("V1", JANUARY_MS + n * 1000, n * n, 1) for n in range(200)]
    ingest(one, tmp_path, "a", fixes(*rows))
    [found] = batches(one, fixes_max=1000)
    return found


def refusal(batch: TraceBatch) -> FleetCarbonError:
    with pytest.raises(FleetCarbonError) as refused:
        list(batch.read())
    assert refused.value.hint
    return refused.value


def test_a_missing_segment_is_named(one: Storage, batch: TraceBatch) -> None:
    path = the_only_file(one)
    path.unlink()
    refused = refusal(batch)
    assert refused.code == "segment_missing"
    assert path.name in refused.message


def test_a_segment_of_another_size_is_named(one: Storage, batch: TraceBatch) -> None:
    path = the_only_file(one)
    path.write_bytes(path.read_bytes()[:-20])
    assert refusal(batch).code == "segment_changed"


@pytest.mark.parametrize(
    ("place", "code"), [("page", "segment_unreadable"), ("footer", "segment_changed")]
)
def test_a_damaged_segment_is_named_and_never_read(
    one: Storage, batch: TraceBatch, place: str, code: str
) -> None:
    path = the_only_file(one)
    # Column 1 is the time, whose last bytes are values.
    page = pq.read_metadata(path).row_group(0).column(1)
    content = bytearray(path.read_bytes())
    at = page.data_page_offset + page.total_compressed_size - 3
    content[at if place == "page" else len(content) - 40] ^= 0x55
    path.write_bytes(content)
    assert refusal(batch).code == code


def test_no_byte_can_change_unnoticed_that_says_anything(one: Storage, batch: TraceBatch) -> None:
    path = the_only_file(one)
    good = path.read_bytes()
    [expected] = batch.read()
    chance = np.random.default_rng(5)
    refusals = set()
    for at in chance.integers(0, len(good), 150).tolist():
        damaged = bytearray(good)
        damaged[at] ^= 1 << int(chance.integers(8))
        path.write_bytes(damaged)
        segment_files._footer.cache_clear()  # as in a process that has not read it before
        try:
            # If it is read: a column that is not wanted, or a bit of a page that says nothing.
            assert [_equal(found, expected) for found in batch.read()] == [True]
        except FleetCarbonError as refused:
            refusals.add(refused.code)
    assert refusals == {"segment_unreadable", "segment_changed"}


def _equal(one: VehicleFixes, other: VehicleFixes) -> bool:
    return one.columns.keys() == other.columns.keys() and all(
        np.array_equal(held, other.columns[name]) for name, held in one.columns.items()
    )


_AS_NOBODY = """
import os, pickle, sys
batch = pickle.load(sys.stdin.buffer)
from fleet_carbon.errors import FleetCarbonError
import fleet_carbon.storage.batches
os.setgid(65534); os.setuid(65534)
try:
    list(batch.read())
except FleetCarbonError as refused:
    print(refused.code)
"""


def test_a_segment_that_may_not_be_read_is_named(one: Storage, batch: TraceBatch) -> None:
    import os

    if os.geteuid() != 0:
        the_only_file(one).chmod(0)
        assert refusal(batch).code == "traces_store_forbidden"
        return
    for folder in list(the_only_file(one).parents)[:7]:
        if folder != Path("/tmp") and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    the_only_file(one).chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY], input=pickle.dumps(batch), capture_output=True,
        cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.decode().strip() == "traces_store_forbidden", done.stderr.decode()
