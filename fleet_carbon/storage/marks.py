"""Marks of fixes: two sums that tell whether two sets of fixes are the same.

Each fix gives two 64-bit numbers, mixed from its moment, place, every optional value and the
moment it was received. Their sums modulo 2**64 do not depend on the order of the fixes or on how
they lie in segments, and marks of parts add up to the mark of the whole.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.storage.segments import KEYS, OPTIONAL, EpochMs, Int64s, Mark

UInt64s = npt.NDArray[np.uint64]
_COLUMNS = (*KEYS, *OPTIONAL)
_RECEIVED = "received_ms"
_SEEDS = ("a", "b")
# Rows worked on at a time: the arrays of one step then stay in the processor's cache.
_STEP_ROWS = 16_384
# The finaliser of SplitMix64: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
# generators", with the constants of Stafford's variant 13.
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_MIX_LAST_SHIFT = 31


def _multiplier(seed: str, name: str) -> np.uint64:
    """A fixed odd number for every column and seed."""
    digest = hashlib.sha256(f"fleet_carbon/mark/{seed}/{name}".encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "big") | 1)


_MULTIPLIERS = {
    (seed, name): _multiplier(seed, name)
    for seed in _SEEDS
    for name in (*KEYS, *OPTIONAL, _RECEIVED)
}


def sums_of(
    table: pa.Table, received_ms: Int64s | EpochMs, starts: Int64s
) -> tuple[list[Mark], list[Mark]]:
    """The two marks of every run of rows.

    Parameters
    ----------
    table : pa.Table
        Columns of a segment; one that is absent counts as missing in every row.
    received_ms : int64 array, shape (n_rows,), or int
        Moment each fix was received, or that of all. [ms]
    starts : int64 array, shape (n_runs,)
        First row of every run.
    """
    columns = {name: _unsigned(table, name) for name in table.column_names if name in _COLUMNS}
    if not isinstance(received_ms, int):
        columns[_RECEIVED] = received_ms.view(np.uint64)
        received_ms = 0
    marks = []
    for seed in _SEEDS:
        mixed = np.empty(table.num_rows, dtype=np.uint64)
        offset = (received_ms * int(_MULTIPLIERS[seed, _RECEIVED])) % 2**64
        for begin in range(0, table.num_rows, _STEP_ROWS):
            _mix_into(mixed[begin : begin + _STEP_ROWS], columns, seed, (begin, offset))
        marks.append(np.add.reduceat(mixed, starts).view(np.int64).tolist())
    return marks[0], marks[1]


def _unsigned(table: pa.Table, name: str) -> UInt64s:
    """A column as unsigned numbers; of optional ones 0 stands for what is missing."""
    column = table.column(name).combine_chunks()
    if name in KEYS:
        keys: npt.NDArray[Any] = column.to_numpy()
        return keys.astype(np.int64).view(np.uint64)
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    values: npt.NDArray[Any] = column.fill_null(0).to_numpy().astype(np.int64)
    shifted = (values << 1) + 1
    if missing is not None:
        shifted[missing] = 0
    return shifted.view(np.uint64)


def _mix_into(
    mixed: UInt64s, columns: dict[str, UInt64s], seed: str, begin_offset: tuple[int, int]
) -> None:
    """Fill `mixed` with the numbers of the rows that begin at `begin`."""
    begin, offset = begin_offset
    rows = slice(begin, begin + len(mixed))
    mixed[:] = np.uint64(offset)
    for name, values in columns.items():
        mixed += values[rows] * _MULTIPLIERS[seed, name]
    for shift, factor in _MIX:
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(_MIX_LAST_SHIFT)
