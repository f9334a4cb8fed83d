"""Marks of fixes: two sums that tell whether two sets of fixes are the same.

Each fix gives two 64-bit numbers, mixed from its moment, place, every optional value and the
moment it was received. Their sums modulo 2**64 do not depend on the order of the fixes or on how
they lie in segments, and marks of parts add up to the mark of the whole.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

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
    columns = [_Column.of(table, name) for name in table.column_names if name in _COLUMNS]
    if not isinstance(received_ms, int):
        columns.append(_Column(_RECEIVED, received_ms, False))
        received_ms = 0
    mixed = {seed: np.empty(table.num_rows, dtype=np.uint64) for seed in _SEEDS}
    for begin in range(0, table.num_rows, _STEP_ROWS):
        rows = slice(begin, begin + _STEP_ROWS)
        _mix_into({seed: mixed[seed][rows] for seed in _SEEDS}, columns, rows, received_ms)
    one, other = (np.add.reduceat(mixed[seed], starts).view(np.int64).tolist() for seed in _SEEDS)
    return one, other


class _Column(NamedTuple):
    """Numbers of a column; what is mixed of a value is twice it and 1 where it could be missing.

    Attributes
    ----------
    name : str
        Its name, which tells the multipliers.
    values : integer array, shape (n_rows,)
        The numbers, or what is mixed of them.
    is_to_be_doubled : bool
        Whether twice the number and 1 is still to be made of it: together with the product.
    """

    name: str
    values: npt.NDArray[Any]
    is_to_be_doubled: bool

    @classmethod
    def of(cls, table: pa.Table, name: str) -> _Column:
        """A column of a segment; of optional ones 0 stands for what is missing."""
        column = table.column(name).combine_chunks()
        if column.null_count == 0:
            return cls(name, column.to_numpy(), name not in KEYS)
        values = (column.fill_null(0).to_numpy().astype(np.int64) << 1) + 1
        values[column.is_null().to_numpy(zero_copy_only=False)] = 0
        return cls(name, values, False)

    def factor_and_offset(self, seed: str) -> tuple[np.uint64, int]:
        """What its values are multiplied by, and what is added: f (2 v + 1) = (2 f) v + f."""
        factor = _MULTIPLIERS[seed, self.name]
        if not self.is_to_be_doubled:
            return factor, 0
        return np.uint64(int(factor) * 2 % 2**64), int(factor)


def _mix_into(
    mixed: dict[str, UInt64s], columns: list[_Column], rows: slice, received_ms: EpochMs
) -> None:
    """Fill `mixed` of every seed with the numbers of some rows."""
    factors = {seed: [column.factor_and_offset(seed) for column in columns] for seed in _SEEDS}
    for seed, numbers in mixed.items():
        offset = received_ms * int(_MULTIPLIERS[seed, _RECEIVED])
        numbers[:] = np.uint64((offset + sum(added for _, added in factors[seed])) % 2**64)
    step = np.empty(len(mixed[_SEEDS[0]]), dtype=np.uint64)
    for place, column in enumerate(columns):
        values = column.values[rows].astype(np.int64, copy=False).view(np.uint64)
        for seed, numbers in mixed.items():
            numbers += np.multiply(values, factors[seed][place][0], out=step)
    for numbers in mixed.values():
        for shift, factor in _MIX:
            numbers ^= np.right_shift(numbers, np.uint64(shift), out=step)
            numbers *= np.uint64(factor)
        numbers ^= np.right_shift(numbers, np.uint64(_MIX_LAST_SHIFT), out=step)
