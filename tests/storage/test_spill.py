"""Fixes that do not fit in memory wait on disk, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fleet_carbon.settings import Settings
from fleet_carbon.storage import positions, spill
from fleet_carbon.storage.segments import TraceLimits
from fleet_carbon.storage.spill import Spill, piece_starts
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.builders import JANUARY_MS, fixes, received

ROWS = [(f"V{n % 5}", JANUARY_MS + n, 1, 1) for n in range(60)]


def test_pieces_are_as_large_as_allowed_and_cut_between_cells() -> None:
    # Cells in order of code: (1, 0): 3 fixes, (1, 1): 3, (2, 0): 5, (3, 0): 1. Month 1 begins
    # 31 days after 1970: 2,678,400,000 ms, in slots of 65,536 ms 40,869.1.
    cells = {(7, 0): 3, (7, 1): 3, (3, 0): 5, (4, 0): 1}
    codes = np.array([9, 9, 9, 2, 3, 9, 9, 1])
    assert piece_starts(cells, codes, 6) == [(1, 0), (2, 0)]
    assert piece_starts(cells, codes, 5) == [(1, 0), (1, 40_869), (2, 0), (3, 0)]
    assert piece_starts(cells, codes, 100) == [(1, 0)]


def test_a_truck_with_too_many_fixes_in_a_month_is_cut_into_equal_times() -> None:
    # 9 fixes in pieces of 4: three, at thirds of 40,869 slots.
    codes = np.array([1, 2])
    assert piece_starts({(0, 0): 9, (1, 0): 1}, codes, 4) == [
        (1, 0),
        (1, 13_623),
        (1, 27_246),
        (2, 0),
    ]


def test_no_piece_is_larger_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    by_month = positions._by_month
    monkeypatch.setattr(
        positions, "_by_month", lambda piece: (sizes.append(piece.num_rows), by_month(piece))[1]
    )
    opened = open_storage(
        Settings(home=tmp_path / "home"), limits=TraceLimits(held_rows_max=24, row_group_rows=8)
    )
    with opened.begin() as work:
        writer = work.traces.writer(received(work, tmp_path, "a"))
        for at in range(0, 60, 10):
            writer.add(fixes(*ROWS[at : at + 10]))
        assert writer.finish().accepted == 60
    # 12 fixes a truck, so two trucks a piece.
    assert sizes == [24, 24, 12]
    assert list((tmp_path / "home" / "spill").iterdir()) == []
    opened.close()


def test_a_broken_off_intake_leaves_no_spill(tmp_path: Path) -> None:
    opened = open_storage(Settings(home=tmp_path / "home"), limits=TraceLimits(held_rows_max=8))

    def broken_off() -> None:
        with opened.begin() as work:
            writer = work.traces.writer(received(work, tmp_path, "a"))
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
    living.write([])
    assert not dead.exists()
    another = Spill(tmp_path)
    another.write([])
    assert len(list(tmp_path.iterdir())) == 2
    living.discard()
    another.discard()
    assert list(tmp_path.iterdir()) == []
