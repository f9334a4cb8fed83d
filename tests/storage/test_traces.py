"""Fixes go in once and come back as they were, in order, in bounded memory."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from fleet_carbon import frames
from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.settings import Settings
from fleet_carbon.storage import parts
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
    received,
)

LON, LAT = 121_473_700, 31_230_400
EVER = datetime(9999, 1, 1, tzinfo=UTC)


def test_fixes_come_back_sorted_by_truck_moment_and_place(storage: Storage, tmp_path: Path) -> None:
    rows = [
        ("V2", JANUARY_MS + 5, LON, LAT),
        ("V10", JANUARY_MS + 9, LON, LAT),
        ("V10", JANUARY_MS + 1, LON + 1, LAT),
        ("V10", JANUARY_MS + 1, LON, LAT + 1),
        ("V10", JANUARY_MS + 1, LON, LAT),
    ]
    assert ingest(storage, tmp_path, "a", fixes(*rows)) == (5, 0)
    assert keys_on_record(storage) == sorted(rows)


def test_every_optional_value_comes_back_and_what_is_missing_stays_missing(
    storage: Storage, tmp_path: Path
) -> None:
    given_rows = fixes(
        ("V1", JANUARY_MS, LON, LAT),
        ("V1", JANUARY_MS + 1000, -LON, -LAT),
        speed_kmh=[54.3, None],
        heading_deg=[359.0, None],
        accuracy_m=[5000.0, None],
        odometer_km=[1_234_567.891, None],
        fuel_used_l=[98_765.432, None],
        gross_mass_t=[48.999, None],
        altitude_m=[-154.3, None],
        ambient_degc=[-38.5, None],
        fuel_level_l=[1200.5, None],
        driver_id=["张三", None],
    )
    ingest(storage, tmp_path, "a", given_rows)
    found = fixes_on_record(storage)["V1"]
    assert found.received_ms == 1_772_353_800_123  # NOW, by hand: 20513 days
    assert found.columns.pop("driver_id").tolist() == ["张三", ""]
    # Heading serves nothing that is computed, and is stored but not read.
    numbers = given_rows.drop(columns=["vehicle_id", "heading_deg", "driver_id"])
    pd.testing.assert_frame_equal(
        pd.DataFrame(found.columns)[list(numbers)], numbers, check_dtype=False
    )
    assert {name: str(held.dtype) for name, held in found.columns.items()} == {
        "time_ms": "int64",
        "lon_udeg": "int32",
        "lat_udeg": "int32",
        **dict.fromkeys(list(numbers)[3:], "float64"),
    }


def test_a_column_that_only_one_file_has_is_missing_in_the_fixes_of_the_other(
    storage: Storage, tmp_path: Path
) -> None:
    ingest(storage, tmp_path, "a", fixes(("V1", JANUARY_MS, LON, LAT), speed_kmh=[10.0]))
    ingest(storage, tmp_path, "b", fixes(("V1", JANUARY_MS + 1, LON, LAT), driver_id=["D"]))
    found = fixes_on_record(storage)["V1"].columns
    assert np.isnan(found["speed_kmh"]).tolist() == [False, True]
    assert found["driver_id"].tolist() == ["", "D"]


def test_the_same_fixes_again_add_nothing(storage: Storage, tmp_path: Path) -> None:
    rows = [(f"V{n % 3}", JANUARY_MS + n * 1000, LON + n, LAT) for n in range(30)]
    assert ingest(storage, tmp_path, "a", fixes(*rows)) == (30, 0)
    assert ingest(storage, tmp_path, "a", fixes(*rows)) == (0, 30)
    assert ingest(storage, tmp_path, "other bytes", fixes(*rows[::-1])) == (0, 30)
    with storage.begin(read_only=True) as work:
        assert work.traces.summary()["fixes"] == 30


def test_only_the_new_fixes_of_an_overlapping_file_are_taken(
    storage: Storage, tmp_path: Path
) -> None:
    rows = [("V1", JANUARY_MS + n, LON, LAT) for n in range(20)]
    ingest(storage, tmp_path, "a", fixes(*rows[:12]))
    assert ingest(storage, tmp_path, "b", fixes(*rows[8:])) == (8, 4)
    assert keys_on_record(storage) == rows


def test_the_same_moment_at_another_place_is_another_fix(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "a", fixes(*[("V1", JANUARY_MS, LON + n, LAT) for n in range(6)]))
    again = [("V1", JANUARY_MS, LON + n, LAT) for n in range(4, 8)]
    assert ingest(storage, tmp_path, "b", fixes(*again)) == (2, 2)


def test_of_equal_fixes_the_fullest_stays_and_else_the_first(
    storage: Storage, tmp_path: Path
) -> None:
    key, other = ("V1", JANUARY_MS, LON, LAT), ("V1", JANUARY_MS + 1, LON, LAT)
    speeds, headings = [None, 20.0, 30.0, 40.0, 50.0], [None, None, 90.0, None, None]
    rows = fixes(key, key, key, other, other, speed_kmh=speeds, heading_deg=headings)
    assert ingest(storage, tmp_path, "a", rows) == (2, 3)
    found = fixes_on_record(storage)["V1"].columns
    assert found["speed_kmh"].tolist() == [30.0, 40.0]


def test_a_period_takes_its_first_moment_and_not_its_last(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "a", fixes(*[("V1", JANUARY_MS + n, LON, LAT) for n in range(9)]))
    ingest(storage, tmp_path, "b", fixes(("V2", JANUARY_MS + 7, LON, LAT)))
    found = fixes_on_record(storage, (JANUARY_MS + 2, JANUARY_MS + 7))
    assert list(found) == ["V1"]
    assert (found["V1"].columns["time_ms"] - JANUARY_MS).tolist() == [2, 3, 4, 5, 6]


def test_fixes_of_two_months_lie_in_two_segments_cut_at_utc_midnight(
    storage: Storage, tmp_path: Path
) -> None:
    rows = [("V1", FEBRUARY_MS - 1, LON, LAT), ("V1", FEBRUARY_MS, LON, LAT)]
    ingest(storage, tmp_path, "a", fixes(*rows))
    folder = storage.home / "traces" / storage.fleet_id
    found = sorted(path.relative_to(folder).parent.as_posix() for path in folder.rglob("*.parquet"))
    assert found == ["2026-01/0000", "2026-02/0000"]
    assert keys_on_record(storage) == rows


def test_a_period_of_one_month_opens_no_segment_of_another(
    storage: Storage, tmp_path: Path
) -> None:
    ingest(
        storage,
        tmp_path,
        "a",
        fixes(("V1", JANUARY_MS, LON, LAT), ("V1", FEBRUARY_MS, LON, LAT)),
    )
    [january] = (storage.home / "traces").rglob("2026-01/*/*.parquet")
    january.unlink()
    assert len(fixes_on_record(storage, (FEBRUARY_MS, FEBRUARY_MS + 1))) == 1
    with pytest.raises(FleetCarbonError) as refused:
        fixes_on_record(storage, (JANUARY_MS, JANUARY_MS + 1))
    assert refused.value.code == "segment_missing"


def test_values_too_large_to_store_are_named_and_count_as_missing(
    storage: Storage, tmp_path: Path
) -> None:
    rows = fixes(
        ("V1", JANUARY_MS, LON, LAT),
        ("V1", JANUARY_MS + 1, LON, LAT),
        speed_kmh=[3276.8, 3276.7],  # int16 holds 32,767 tenths
        odometer_km=[float("inf"), 1.0],
    )
    with storage.begin() as work:
        kept, writer = received(work, tmp_path, "a"), work.traces.writer()
        writer.add(rows)
        saved = writer.finish(kept)
    assert saved.unstorable == {"odometer_km": 1, "speed_kmh": 1}
    found = fixes_on_record(storage)["V1"].columns
    assert np.isnan(found["speed_kmh"]).tolist() == [True, False]


def test_a_signal_that_is_not_sent_has_no_column_in_a_segment(
    storage: Storage, tmp_path: Path
) -> None:
    ingest(storage, tmp_path, "a", fixes(("V1", JANUARY_MS, LON, LAT), altitude_m=[12.3]))
    ingest(storage, tmp_path, "b", fixes(("V1", FEBRUARY_MS, LON, LAT)))
    keys = ["vehicle_code", "time_ms", "lon_udeg", "lat_udeg"]
    for month, names in (("2026-01", [*keys, "altitude_dm"]), ("2026-02", keys)):
        [segment] = (storage.home / "traces").rglob(f"{month}/*/*.parquet")
        assert pq.read_schema(segment).names == names


def test_a_file_without_fixes_is_on_record_and_stores_nothing(
    storage: Storage, tmp_path: Path
) -> None:
    assert ingest(storage, tmp_path, "empty", frames.POSITIONS.empty()) == (0, 0)
    with storage.begin(read_only=True) as work:
        assert work.traces.summary() == {
            "segments": 0,
            "fixes": 0,
            "first": None,
            "last": None,
            "bytes": 0,
        }


def test_what_was_saved_names_its_first_and_last_moment(storage: Storage, tmp_path: Path) -> None:
    with storage.begin() as work:
        kept, writer = received(work, tmp_path, "a"), work.traces.writer()
        writer.add(fixes(("V1", FEBRUARY_MS, LON, LAT)))
        writer.add(fixes(("V2", JANUARY_MS, LON, LAT)))
        saved = writer.finish(kept)
        summary = work.traces.summary()
    assert (saved.first_at, saved.last_at) == (
        from_epoch_ms(JANUARY_MS),
        from_epoch_ms(FEBRUARY_MS),
    )
    assert (summary["first"], summary["last"], summary["segments"]) == (
        saved.first_at,
        saved.last_at,
        2,
    )
    assert saved.vehicles == 2


def _random_rows(seed: int, count: int) -> list[tuple[str, int, int, int]]:
    chance = random.Random(seed)
    return [
        (
            f"V{chance.randrange(7)}",
            JANUARY_MS + chance.randrange(70) * 43_200_000,
            LON + chance.randrange(2),
            LAT,
        )
        for _ in range(count)
    ]


def test_memory_limits_and_pieces_do_not_show_in_the_bytes(
    settings: Settings, tmp_path: Path
) -> None:
    rows = _random_rows(1, 400)
    stored = []
    for number, (held_rows_max, piece_rows) in enumerate([(10_000, 400), (50, 33), (7, 5)]):
        limits = TraceLimits(held_rows_max=held_rows_max, row_group_rows=16)
        home = tmp_path / f"home-{number}"
        fleet = f"{settings.fleet}-{number}"
        opened = open_storage(
            settings.model_copy(update={"home": home, "fleet": fleet}), limits=limits
        )
        pieces = [fixes(*rows[at : at + piece_rows]) for at in range(0, 400, piece_rows)]
        assert ingest(opened, tmp_path, "a", *pieces) == (len(set(rows)), 400 - len(set(rows)))
        stored.append({path.name for path in home.rglob("*.parquet")})
        assert not list((home / "spill").glob("*")) if (home / "spill").exists() else True
        opened.close()
    assert stored[0] == stored[1] == stored[2]
    assert len(stored[0]) == 2  # 70 half days from 1 January: January and February


@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=strategies.lists(
        strategies.lists(
            strategies.tuples(
                strategies.sampled_from(["V1", "V2", "V10", "沪A"]),
                strategies.sampled_from([JANUARY_MS, FEBRUARY_MS - 1, FEBRUARY_MS]).flatmap(
                    lambda base: strategies.integers(base, base + 3)
                ),
                strategies.integers(-180_000_000, 180_000_000) | strategies.just(LON),
                strategies.integers(-90_000_000, 90_000_000) | strategies.just(LAT),
            ),
            max_size=25,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_read_is_the_set_of_what_was_given(
    files: list[list[tuple[str, int, int, int]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("property")
    tiny = TraceLimits(held_rows_max=8, merged_rows_max=6, row_group_rows=4)
    opened = open_storage(Settings(home=folder / "home", fleet="property"), limits=tiny)
    accepted = 0
    for number, rows in enumerate(files):
        pieces = [fixes(*rows[at : at + 5]) for at in range(0, len(rows), 5)]
        taken, duplicate = ingest(opened, folder, str(number), *pieces)
        accepted += taken
        assert taken + duplicate == len(rows)
    expected = sorted({row for rows in files for row in rows})
    assert keys_on_record(opened) == expected
    assert accepted == len(expected)
    opened.close()


def test_the_mark_of_a_truck_changes_with_its_fixes_and_not_with_those_of_others(
    storage: Storage, tmp_path: Path
) -> None:
    def mark() -> str | None:
        with storage.begin(read_only=True) as work:
            return work.traces.marks(JANUARY_MS, FEBRUARY_MS).get("V1")

    none = mark()
    ingest(storage, tmp_path, "a", fixes(("V1", JANUARY_MS, LON, LAT)))
    first = mark()
    ingest(storage, tmp_path, "b", fixes(("V2", JANUARY_MS, LON, LAT)))
    ingest(storage, tmp_path, "c", fixes(("V1", FEBRUARY_MS, LON, LAT)))
    assert mark() == first != none
    ingest(storage, tmp_path, "d", fixes(("V1", FEBRUARY_MS - 1, LON, LAT)))
    assert mark() != first


def _broken_off_ingest(storage: Storage, folder: Path, rows: pd.DataFrame) -> None:
    """Everything up to the last moment before the commit."""
    with storage.begin() as work:
        kept, writer = received(work, folder, "broken off"), work.traces.writer()
        writer.add(rows)
        assert writer.finish(kept).accepted == len(rows)
        raise KeyboardInterrupt


def test_an_ingest_that_fails_after_its_files_leaves_a_consistent_store(
    storage: Storage, tmp_path: Path
) -> None:
    ingest(storage, tmp_path, "before", fixes(("V1", JANUARY_MS, LON, LAT)))
    rows = fixes(("V1", JANUARY_MS + 1, LON, LAT), ("V9", JANUARY_MS, LON, LAT))
    with pytest.raises(KeyboardInterrupt):
        _broken_off_ingest(storage, tmp_path, rows)
    assert keys_on_record(storage) == [("V1", JANUARY_MS, LON, LAT)]
    with storage.begin(read_only=True) as work:
        assert len(work.traces.leftovers()) == 1
        assert work.traces.verify() == []
    # The same ingest again finds its bytes there already, and adopts them.
    assert ingest(storage, tmp_path, "broken off", rows) == (2, 0)
    with storage.begin(read_only=True) as work:
        assert work.traces.leftovers() == []
        assert work.traces.verify() == []
        assert work.files.verify() == []


def test_leftovers_are_removed_and_nothing_else(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "kept", fixes(("V1", JANUARY_MS, LON, LAT)))
    with pytest.raises(KeyboardInterrupt):
        _broken_off_ingest(storage, tmp_path, fixes(("V1", JANUARY_MS + 1, LON, LAT)))
    with storage.begin() as work:
        assert len(work.traces.cleaning.remove_leftovers(EVER)) == 1
    with storage.begin(read_only=True) as work:
        assert work.traces.leftovers() == []
        with pytest.raises(RuntimeError):
            work.traces.cleaning.remove_leftovers(EVER)
    assert len(keys_on_record(storage)) == 1


def test_a_changed_and_a_missing_segment_are_named(storage: Storage, tmp_path: Path) -> None:
    for content, month_ms in (("a", JANUARY_MS), ("b", FEBRUARY_MS)):
        ingest(storage, tmp_path, content, fixes(("V1", month_ms, LON, LAT)))
    [january] = (storage.home / "traces").rglob("2026-01/*/*.parquet")
    [february] = (storage.home / "traces").rglob("2026-02/*/*.parquet")
    january.write_bytes(january.read_bytes()[:-9] + b"x" + january.read_bytes()[-8:])
    february.unlink()
    with storage.begin(read_only=True) as work:
        changed, missing = work.traces.verify()
    assert "was changed" in changed
    assert january.stem in changed
    assert "is missing" in missing
    assert february.stem in missing


def test_a_segment_is_integers_with_only_the_columns_that_are_there(
    storage: Storage, tmp_path: Path
) -> None:
    rows = [("V1", JANUARY_MS + n, LON, LAT) for n in range(3)]
    rows += [("V2", JANUARY_MS + n, LON, LAT) for n in range(3)]
    ingest(storage, tmp_path, "a", fixes(*rows, speed_kmh=[1.0] * 6))
    [path] = (storage.home / "traces").rglob("*.parquet")
    segment = pq.ParquetFile(path)
    assert [(field.name, str(field.type)) for field in segment.schema_arrow] == [
        ("vehicle_code", "int32"),
        ("time_ms", "int64"),
        ("lon_udeg", "int32"),
        ("lat_udeg", "int32"),
        ("speed_dkmh", "int16"),
    ]
    metadata = segment.metadata
    # Row groups hold up to 4 here, and end at the trucks' border: 3 and 3, not 4 and 2.
    assert [metadata.row_group(n).num_rows for n in range(2)] == [3, 3]
    column = metadata.row_group(0).column(1)
    assert "DELTA_BINARY_PACKED" in column.encodings
    assert column.compression == "ZSTD"
    assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()


def test_another_fleet_sees_nothing_and_may_have_the_same_fixes(
    settings: Settings, storage: Storage, tmp_path: Path
) -> None:
    rows = fixes(("V1", JANUARY_MS, LON, LAT))
    ingest(storage, tmp_path, "a", rows)
    other = open_storage(settings.model_copy(update={"fleet": f"{settings.fleet}-other"}))
    assert keys_on_record(other) == []
    assert ingest(other, tmp_path, "a", rows) == (1, 0)
    with storage.begin(read_only=True) as mine, other.begin(read_only=True) as theirs:
        assert mine.traces.verify() == theirs.traces.verify() == []
    other.close()


def test_received_moments_are_those_of_each_file(storage: Storage, tmp_path: Path) -> None:
    later = NOW.replace(day=2)
    for content, at, shift_ms in (("a", NOW, 1), ("b", later, 0)):
        with storage.begin() as work:
            kept, writer = received(work, tmp_path, content, at=at), work.traces.writer()
            writer.add(fixes(("V1", JANUARY_MS + shift_ms, LON, LAT)))
            writer.finish(kept)
    found = fixes_on_record(storage)["V1"].received_ms
    assert isinstance(found, np.ndarray)
    assert [from_epoch_ms(int(at)) for at in found] == [later, NOW]


def test_a_fix_that_two_segments_hold_is_read_once_with_its_first_reception() -> None:
    # The writer lets none in; should one be there all the same, reading does not count it twice.
    def part(*times_ms: int) -> dict[str, Any]:
        return {
            "time_ms": np.array(times_ms),
            "lon_udeg": np.full(len(times_ms), LON),
            "lat_udeg": np.full(len(times_ms), LAT),
        }

    columns, receptions = parts.merged([(part(5, 7), 2), (part(1, 5), 1)])
    assert columns["time_ms"].tolist() == [1, 5, 7]
    assert isinstance(receptions, np.ndarray)
    assert receptions.tolist() == [1, 1, 2]


def test_integers_beyond_an_int32_second_are_kept(storage: Storage, tmp_path: Path) -> None:
    far = 4_102_444_800_000  # 2100-01-01
    ingest(storage, tmp_path, "a", fixes(("V1", far, LON, LAT), ("V1", -1, LON, LAT)))
    assert [row[1] for row in keys_on_record(storage)] == [-1, far]
    assert np.iinfo(np.int32).max < far
