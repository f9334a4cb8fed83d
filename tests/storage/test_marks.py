"""Marks tell whether two sets of fixes are the same, however they lie."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from fleet_carbon.storage.marks import sums_of
from fleet_carbon.storage.segments import SCHEMA, VEHICLE

MASK = 2**64 - 1
COLUMNS = ("time_ms", "lon_udeg", "lat_udeg", "speed_dkmh", "odometer_m", "driver_code")
ROWS = [(1000, -5, 7, None, 3, 1), (2000, 180_000_000, -90_000_000, 32767, None, None)]


def table_of(rows: list[tuple[int | None, ...]], names: tuple[str, ...] = COLUMNS) -> pa.Table:
    fields = [SCHEMA.field(name) for name in names]
    arrays = [
        pa.array([row[at] for row in rows], field.type)
        for at, field in zip(range(len(COLUMNS)), fields, strict=False)
    ]
    return pa.table(arrays, schema=pa.schema(fields))


def marks(rows: list[tuple[int | None, ...]], received_ms: int = 9) -> tuple[int, int]:
    [a], [b] = sums_of(table_of(rows), received_ms, np.array([0]))
    return a, b


def _mixed(value: int) -> int:
    # SplitMix64's finaliser, in whole numbers of Python.
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def _by_hand(seed: str) -> int:
    def factor(name: str) -> int:
        digest = hashlib.sha256(f"fleet_carbon/mark/{seed}/{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big") | 1

    total = 0
    for row in ROWS:
        sum_of_row = 9 * factor("received_ms")
        for name, value in zip(COLUMNS, row, strict=True):
            if name in COLUMNS[:3]:
                sum_of_row += (value or 0) * factor(name)
            elif value is not None:
                sum_of_row += (2 * value + 1) * factor(name)
        total += _mixed(sum_of_row & MASK)
    total &= MASK
    return total - 2**64 if total >= 2**63 else total


def test_marks_are_the_sums_of_mixed_fixes() -> None:
    assert marks(ROWS) == (_by_hand("a"), _by_hand("b"))


def test_marks_do_not_know_the_order_and_add_up() -> None:
    assert marks(ROWS) == marks(ROWS[::-1])
    parts = [marks([row]) for row in ROWS]
    for at in (0, 1):
        assert (parts[0][at] + parts[1][at] - marks(ROWS)[at]) % 2**64 == 0


def test_every_run_has_marks_of_its_own_also_beyond_one_step() -> None:
    rows = [(n, n * 7, n % 5, n % 3 or None, n, 1) for n in range(40_000)]
    a, b = sums_of(table_of(rows), 9, np.array([0, 17, 30_000]))
    for at, (first, stop) in enumerate([(0, 17), (17, 30_000), (30_000, 40_000)]):
        assert (a[at], b[at]) == marks(rows[first:stop])


@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_a_change_of_any_value_changes_both_marks(column: int) -> None:
    changed = list(ROWS[0])
    changed[column] = (changed[column] or 0) + 1
    before, after = marks(ROWS), marks([tuple(changed), ROWS[1]])
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_values_that_change_places_change_the_marks() -> None:
    swapped = [(*ROWS[0][:3], *ROWS[1][3:]), (*ROWS[1][:3], *ROWS[0][3:])]
    assert marks(swapped)[0] != marks(ROWS)[0]


def test_what_is_missing_is_not_nothing_and_an_absent_column_is_missing() -> None:
    zero = [(1, 2, 3, 0, 0, 0)]
    none: list[tuple[int | None, ...]] = [(1, 2, 3, None, None, None)]
    assert marks(zero) != marks(none)
    [a], [b] = sums_of(table_of(none, COLUMNS[:3]), 9, np.array([0]))
    assert (a, b) == marks(none)


def test_the_moment_of_reception_counts_and_the_code_of_the_truck_does_not() -> None:
    assert marks(ROWS, 9) != marks(ROWS, 10)
    each = sums_of(table_of(ROWS), np.array([9, 9]), np.array([0]))
    assert (each[0][0], each[1][0]) == marks(ROWS, 9)
    with_truck = table_of(ROWS).append_column(VEHICLE, pa.array([4, 4], pa.int32()))
    assert sums_of(with_truck, 9, np.array([0])) == each
