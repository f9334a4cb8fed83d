"""Fixes that do not fit in memory wait on disk, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fleet_carbon.settings import Settings
from fleet_carbon.storage import positions, spill
from fleet_carbon.storage.segments import TraceLimits
from fleet_carbon.storage.spill import Spill, cut_into_pieces
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.builders import JANUARY_MS, fixes, received

ROWS = [(f"V{n % 5}", JANUARY_MS + n, 1, 1) for n in range(60)]
FIX = pa.table({"vehicle_code": pa.array([0], pa.int32()), "time_ms": [JANUARY_MS]})


def test_pieces_are_as_large_as_allowed_and_have_one_month_and_one_bucket() -> None:
    # Month and number of a truck; the code of truck n is 255 + n, so that 0 and 1 share the
    # first bucket of 256 codes, and 2 and 3 the second.
    cells = np.array([(5 << 32) + 0, (5 << 32) + 1, (5 << 32) + 2, (5 << 32) + 3, (6 << 32) + 0])
    counts, codes = np.array([3, 2, 9, 1, 4]), np.array([255, 256, 257, 258])
    assert cut_into_pieces(cells, counts, codes, rows_max=5).tolist() == [0, 0, 2, 3, 1]
    assert cut_into_pieces(cells, counts, codes, rows_max=4).tolist() == [0, 1, 3, 4, 2]
    assert cut_into_pieces(cells, counts, codes, rows_max=100).tolist() == [0, 0, 2, 2, 1]


def test_no_piece_is_larger_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    month_fixes = positions.MonthFixes
    monkeypatch.setattr(
        positions, "MonthFixes", lambda fixes: (sizes.append(len(fixes)), month_fixes(fixes))[1]
    )
    opened = open_storage(
        Settings(home=tmp_path / "home"), limits=TraceLimits(held_rows_max=24, row_group_rows=8)
    )
    with opened.begin() as work:
        kept, writer = received(work, tmp_path, "a"), work.traces.writer()
        for at in range(0, 60, 10):
            writer.add(fixes(*ROWS[at : at + 10]))
        assert writer.finish(kept).accepted == 60
    # 12 fixes a truck, so two trucks a piece.
    assert sizes == [24, 24, 12]
    assert list((tmp_path / "home" / "spill").iterdir()) == []
    opened.close()


def test_a_broken_off_intake_leaves_no_spill(tmp_path: Path) -> None:
    opened = open_storage(Settings(home=tmp_path / "home"), limits=TraceLimits(held_rows_max=8))

    def broken_off() -> None:
        with opened.begin() as work:
            writer = work.traces.writer()
            writer.add(fixes(*ROWS))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert list((tmp_path / "home" / "spill").iterdir()) == []
    opened.close()


def test_what_a_dead_process_left_is_swept_and_what_a_living_one_uses_is_not(
    tmp_path: Path,
) -> None:
    dead = tmp_path / "dead"
    dead.mkdir()
    (dead / spill._LOCK_NAME).touch()
    living = Spill(tmp_path)
    living.write([FIX], np.zeros(1, np.int64))
    assert not dead.exists()
    another = Spill(tmp_path)
    another.write([FIX], np.zeros(1, np.int64))
    assert len(list(tmp_path.iterdir())) == 2
    living.discard()
    another.discard()
    assert list(tmp_path.iterdir()) == []


def _run(*rows: tuple[int, int], speed: int | None = None) -> pa.Table:
    """Fixes of trucks by number, a moment after the start of January each."""
    columns = {
        "vehicle_code": pa.array([number for number, _ in rows], pa.int32()),
        "time_ms": pa.array([JANUARY_MS + after for _, after in rows], pa.int64()),
    }
    if speed is not None:
        columns["speed_dkmh"] = pa.array([speed] * len(rows), pa.int16())
    return pa.table(columns)


def test_a_piece_takes_its_trucks_from_every_run_in_the_order_in_which_they_came(
    tmp_path: Path,
) -> None:
    spilled = Spill(tmp_path)
    ranks, codes = np.array([1, 0]), np.array([8, 7])
    spilled.write([_run((0, 5), (1, 3)), _run((0, 4), (1, 9))], ranks)
    spilled.write([_run((1, 1), (0, 6), speed=70)], ranks)
    first, second = (piece.fixes for piece in spilled.pieces(codes, rows_max=3))
    spilled.discard()
    assert first.column("vehicle_code").to_pylist() == [7, 7, 7]
    assert [ms - JANUARY_MS for ms in first.column("time_ms").to_pylist()] == [3, 9, 1]
    assert [ms - JANUARY_MS for ms in second.column("time_ms").to_pylist()] == [5, 4, 6]
    assert second.column("speed_dkmh").to_pylist() == [None, None, 70]


def test_a_broken_clock_makes_no_list_of_all_months(tmp_path: Path) -> None:
    spilled = Spill(tmp_path)
    far_ms = 3_000_000_000_000_000  # in the year 97035
    spilled.hold([_run((0, 0), (0, far_ms))], np.zeros(1, dtype=np.int64))
    months = [piece.month for piece in spilled.pieces(np.array([1]), rows_max=9)]
    assert months == ["2026-01", str(np.datetime64(JANUARY_MS + far_ms, "ms").astype("M8[M]"))]


def test_what_is_missing_is_missing_again_however_many_stretches_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "_PARTS_MAX", 2)
    run = _run((2, 1), (0, 2), (1, 3), (0, 4), (2, 5))
    run = run.append_column("odometer_m", pa.array([10, None, 30, 40, None], pa.int64()))
    spilled = Spill(tmp_path)
    ranks, codes = np.arange(3), np.array([3, 2, 1])
    spilled.write([run], ranks)
    spilled.hold([run], ranks)
    [piece] = spilled.pieces(codes, rows_max=10)
    spilled.discard()
    # By code truck 2 comes first, then 1, then 0; each with the written run before the held one.
    assert piece.fixes.column("vehicle_code").to_pylist() == [1] * 4 + [2] * 2 + [3] * 4
    given = [10, None, 10, None, 30, 30, None, 40, None, 40]
    assert piece.fixes.column("odometer_m").to_pylist() == given
    after = [ms - JANUARY_MS for ms in piece.fixes.column("time_ms").to_pylist()]
    assert after == [1, 5, 1, 5, 3, 3, 2, 4, 2, 4]


def test_buckets_and_months_give_their_pieces_in_turns(tmp_path: Path) -> None:
    spilled = Spill(tmp_path)
    # Three trucks of the first bucket and two of the second, a fix each, and two in a piece.
    ranks, codes = np.arange(5), np.array([1, 2, 3, 300, 301])
    spilled.write([_run((0, 0), (1, 1), (2, 2), (3, 3), (4, 4))], ranks)
    found = [
        (piece.bucket, piece.fixes.column("vehicle_code").to_pylist(), piece.is_last)
        for piece in spilled.pieces(codes, rows_max=2)
    ]
    spilled.discard()
    assert found == [(0, [1, 2], False), (1, [300, 301], True), (0, [3], True)]


def test_two_runs_take_turns_and_the_next_begins_where_one_ends() -> None:
    assert list(spill._in_turns("aaabccd")) == [
        *((0, False), (3, True), (1, False), (4, False), (2, True), (5, True), (6, True)),
    ]
    assert list(spill._in_turns("")) == []
