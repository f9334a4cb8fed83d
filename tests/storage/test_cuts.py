"""What was kept comes back for the same key, and never changed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from fleet_carbon.storage.cuts import CutShelf


def rows(**legs_by_vehicle: int) -> pa.Table:
    return pa.table(
        {
            "vehicle_id": list(legs_by_vehicle),
            "key": [f"{name}-{legs}" for name, legs in legs_by_vehicle.items()],
            "legs": [
                [{"km": float(number)} for number in range(n)] for n in legs_by_vehicle.values()
            ],
        }
    )


def keys(**legs_by_vehicle: int) -> dict[str, str]:
    return {name: f"{name}-{legs}" for name, legs in legs_by_vehicle.items()}


def test_rows_come_back_by_key_in_the_order_asked_for(tmp_path: Path) -> None:
    CutShelf(tmp_path).put(rows(A=2, B=0, C=1))
    taken = CutShelf(tmp_path).take(keys(C=1, A=2))
    assert taken is not None
    assert taken.equals(rows(C=1, A=2))


def test_a_row_whose_key_is_another_is_not_given(tmp_path: Path) -> None:
    CutShelf(tmp_path).put(rows(A=2, B=3))
    taken = CutShelf(tmp_path).take(keys(A=2, B=4))
    assert taken is not None
    assert taken.column("vehicle_id").to_pylist() == ["A"]
    assert CutShelf(tmp_path).take(keys(B=4)) is None


def test_rows_of_several_files_are_put_together(tmp_path: Path) -> None:
    shelf = CutShelf(tmp_path)
    shelf.put(rows(A=2, C=1))
    shelf.put(rows(B=3))
    taken = CutShelf(tmp_path).take(keys(A=2, B=3, C=1))
    assert taken is not None
    assert taken.equals(rows(A=2, B=3, C=1))


def test_a_changed_file_counts_as_missing(tmp_path: Path) -> None:
    CutShelf(tmp_path).put(rows(A=2))
    (path,) = tmp_path.iterdir()
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)
    assert CutShelf(tmp_path).take(keys(A=2)) is None


def test_a_torn_file_counts_as_missing(tmp_path: Path) -> None:
    CutShelf(tmp_path).put(rows(A=2))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:50])
    assert CutShelf(tmp_path).take(keys(A=2)) is None


def test_sweeping_leaves_what_was_put_or_wholly_taken(tmp_path: Path) -> None:
    first = CutShelf(tmp_path)
    first.put(rows(A=2))
    first.put(rows(B=3, C=1))
    second = CutShelf(tmp_path)
    second.take(keys(A=2))  # wholly
    second.take(keys(B=3))  # in part: what is left of that file is of no use
    second.put(rows(B=3, C=4))
    second.sweep()
    third = CutShelf(tmp_path)
    assert third.take(keys(A=2)) is not None
    assert third.take(keys(C=1)) is None
    assert third.take(keys(B=3, C=4)) is not None


def test_nothing_kept_is_no_error(tmp_path: Path) -> None:
    shelf = CutShelf(tmp_path / "missing")
    assert shelf.take(keys(A=1)) is None
    shelf.sweep()
