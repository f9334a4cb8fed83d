"""Fixes on disk that do not fit in memory, and how they come back in pieces that do.

Fixes come in runs of as many as fit. A run is put in order of month and truck and written once;
each piece of work then takes its trucks from every run. No fix is written a second time.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from itertools import chain, groupby, islice, pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.storage.files import RowCount, make_folder
from fleet_carbon.storage.ordering import Rows, order_by_key
from fleet_carbon.storage.segments import (
    BUCKET_VEHICLES,
    VEHICLE,
    BucketNumber,
    Int64s,
    bucket_of,
    run_starts,
    utc_months,
)

_LOCK_NAME = "lock"
_RUNS_NAME = "runs"
_VALUE_BYTES_MAX = 8
_PARTS_MAX = 1_024  # the system takes no more at once
# Buckets and months whose pieces come in turns, so that their segments are written at a time.
SIDE_BY_SIDE = 2
_MONTHS_COMPARED = 1_200  # more than that is a broken clock, and the calendar is asked row by row


class Piece(NamedTuple):
    """Fixes of one UTC month and bucket that are worked on together; the last of these or not."""

    month: str
    bucket: BucketNumber
    is_last: bool
    fixes: pa.Table


class _Order(NamedTuple):
    """How the fixes of a run are put in order of month and truck, those of one truck as they came.

    Attributes
    ----------
    cells, starts : int64 arrays, shapes (n_cells,) and (n_cells + 1,)
        Month and truck of every stretch of fixes, packed, and its first row.
    rows : int64 array, shape (n_rows,), or None
        Where each fix stood before; None if all stand right.
    """

    cells: Int64s
    starts: Int64s
    rows: Rows | None


def _order_of(numbers: Int64s, time_ms: Int64s, ranks: Int64s) -> _Order:
    """The order of a run, from the number of every fix's truck and its moment."""
    first, last = utc_months(np.array([time_ms.min(), time_ms.max()])).tolist()
    keys = ranks.take(numbers)
    if last > first:
        keys += _months_after(first, last, time_ms) * len(ranks)
    rows = None
    if np.any(keys[1:] < keys[:-1]):
        rows = order_by_key(keys)
        keys = keys.take(rows)
    starts = run_starts(keys)
    months, ranks_there = np.divmod(keys[starts], len(ranks))
    cells = ((months + first) << 32) + np.argsort(ranks)[ranks_there]
    return _Order(cells, np.append(starts, len(keys)), rows)


def _months_after(first: int, last: int, time_ms: Int64s) -> Int64s:
    """How many months after the first each moment lies, all of them until the last."""
    if last - first > _MONTHS_COMPARED:
        return utc_months(time_ms) - first
    begins = np.arange(first + 1, last + 1).astype("datetime64[M]").astype("datetime64[ms]")
    return np.searchsorted(begins.astype(np.int64), time_ms, side="right")


def cut_into_pieces(cells: Int64s, counts: Int64s, codes: Int64s, *, rows_max: RowCount) -> Int64s:
    """Number of the piece of every cell, in order of bucket, month and code of truck.

    Parameters
    ----------
    cells : int64 array, shape (n_cells,)
        Month and number of a truck, packed, each once.
    counts : int64 array, shape (n_cells,)
        Fixes of each.
    codes : int64 array, shape (n_vehicles,)
        Code of every truck.
    rows_max : int
        Fixes of a piece at most; a cell that alone has more is a piece of its own.

    Returns
    -------
    pieces : int64 array, shape (n_cells,)
        From 0; a piece has one month and one bucket.
    """
    code = codes[cells & 0xFFFFFFFF]
    bucket, month = (code - 1) // BUCKET_VEHICLES, cells >> 32
    order = np.lexsort((code, month, bucket))
    bounds = np.append(_run_starts_of(bucket[order], month[order]), len(order)).tolist()
    reached = np.append(0, np.cumsum(counts[order]))
    numbers = np.empty(len(order), dtype=np.int64)
    piece = 0
    for start, stop in pairwise(bounds):
        while start < stop:
            fits = int(np.searchsorted(reached, reached[start] + rows_max, side="right")) - 1
            end = min(max(fits, start + 1), stop)
            numbers[order[start:end]] = piece
            start, piece = end, piece + 1
    return numbers


def _in_turns(places: Sequence[Hashable]) -> Iterator[tuple[int, bool]]:
    """Runs of equal places in turns, `SIDE_BY_SIDE` at a time; whether each is its run's last."""
    runs = iter([deque(run) for _, run in groupby(range(len(places)), places.__getitem__)])
    turns = deque(islice(runs, SIDE_BY_SIDE))
    while turns:
        run = turns.popleft()
        yield run.popleft(), len(run) == 0
        turns.extend([run] if run else islice(runs, 1))


def _run_starts_of(one: Int64s, other: Int64s) -> Int64s:
    """First row of every stretch in which both are equal."""
    return np.union1d(run_starts(one), run_starts(other))


class _Stored(NamedTuple):
    """A column of a run: an array in memory, or where it begins in the file. [byte]"""

    dtype: np.dtype[Any]
    held: npt.NDArray[Any] | None
    offset_bytes: int


class _Stretch(NamedTuple):
    """Neighbouring fixes of a run, and the row of a piece where they go."""

    begin: int
    end: int
    target: int


_Stretches: TypeAlias = list[list[_Stretch]]


@dataclass(frozen=True)
class _Run:
    """Where the fixes of one run lie.

    Attributes
    ----------
    cells, starts : int64 arrays, shapes (n_cells,) and (n_cells + 1,)
        As its order has them.
    values : dict of str to _Stored
        Its columns.
    is_missing : dict of str to _Stored
        Where a column has no value; absent if it has one everywhere.
    """

    cells: Int64s
    starts: Int64s
    values: dict[str, _Stored]
    is_missing: dict[str, _Stored]

    def stretches(self, chosen: Int64s, targets: Int64s) -> _Stretches:
        """What the chosen cells hold, in order; neighbours together, which are read at once."""
        begins, ends = self.starts[chosen].tolist(), self.starts[chosen + 1].tolist()
        found = list(map(_Stretch, begins, ends, targets.tolist()))
        borders = np.flatnonzero(np.diff(chosen) > 1) + 1
        bounds = sorted({*range(0, len(found), _PARTS_MAX), *borders.tolist(), len(found)})
        return [found[first:stop] for first, stop in pairwise(bounds)]


class Spill:
    """Runs of fixes: one may stay in memory, several are on disk.

    A run lies column by column as plain numbers: packing them takes longer than writing them,
    and the system reads every stretch at once to where it belongs.

    Parameters
    ----------
    folder : Path
        Where files may be; every spill has a folder of its own there.
    """

    def __init__(self, folder: Path) -> None:
        self._parent = folder
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None
        self._runs: list[_Run] = []
        self._file: FileIO | None = None
        self._space: list[npt.NDArray[np.uint8]] = []

    @property
    def is_used(self) -> bool:
        """Whether anything was written."""
        return self._file is not None

    def _opened(self) -> FileIO:
        if self._file is None:
            _sweep(make_folder(self._parent))
            self._folder = Path(tempfile.mkdtemp(dir=self._parent))
            self._lock = _locked(self._folder)
            self._file = FileIO(self._folder / _RUNS_NAME, "w+")
        return self._file

    def hold(self, tables: list[pa.Table], ranks: Int64s) -> None:
        """Take the last run and keep it in memory."""
        self._take(tables, ranks, lambda values: _Stored(values.dtype, values.copy(), 0))

    def write(self, tables: list[pa.Table], ranks: Int64s) -> None:
        """Take the next run and write it; it may have columns that earlier ones did not have."""
        file = self._opened()

        def stored(values: npt.NDArray[Any]) -> _Stored:
            offset_bytes = file.tell()
            left = values.data.cast("B")
            while left:  # of a nearly full disk less may be taken than was given
                left = left[file.write(left) :]
            return _Stored(values.dtype, None, offset_bytes)

        self._take(tables, ranks, stored)

    def _take(
        self, tables: list[pa.Table], ranks: Int64s, store: Callable[[npt.NDArray[Any]], _Stored]
    ) -> None:
        numbers, time_ms = (
            np.concatenate([table.column(name).to_numpy() for table in tables])
            for name in (VEHICLE, "time_ms")
        )
        cells, starts, order = _order_of(numbers, time_ms, ranks)
        run = _Run(cells, starts, {}, {})
        for name, dtype in _dtypes(tables).items():
            parts = [_values_of(table, name, dtype) for table in tables]
            run.values[name] = store(self._in_order(parts, order))
            if any(_has_gaps(table, name) for table in tables):
                parts = [_is_missing(table, name) for table in tables]
                run.is_missing[name] = store(self._in_order(parts, order))
        self._runs.append(run)

    def _in_order(self, parts: list[npt.NDArray[Any]], order: Rows | None) -> npt.NDArray[Any]:
        """The parts as one array in order, which is good until the next call."""
        rows, dtype = sum(map(len, parts)), parts[0].dtype
        if not self._space or len(self._space[0]) < rows * _VALUE_BYTES_MAX:
            # Kept from run to run: the system clears memory before it gives it.
            self._space = [np.empty(rows * _VALUE_BYTES_MAX, dtype=np.uint8) for _ in range(2)]
        joined, ordered = (one[: rows * dtype.itemsize].view(dtype) for one in self._space)
        np.concatenate(parts, out=joined)
        if order is None:
            return joined
        # Every row is there, so that nothing is clipped; saying so spares another copy.
        return joined.take(order, out=ordered, mode="clip")

    def pieces(self, codes: Int64s, rows_max: RowCount) -> Iterator[Piece]:
        """All fixes again in pieces, with codes for trucks, by bucket, month and code.

        In a piece the trucks come by code, and the fixes of one truck in the order in which they
        were taken. `SIDE_BY_SIDE` buckets and months give their pieces in turns.

        Parameters
        ----------
        codes : int64 array, shape (n_vehicles,)
            Code of every truck, by its number.
        rows_max : int
            Fixes of a piece at most, unless one truck has more in one month.
        """
        self._space = []
        if not self._runs:
            return
        cells, places = np.unique(
            np.concatenate([run.cells for run in self._runs]), return_inverse=True
        )
        rows = np.concatenate([np.diff(run.starts) for run in self._runs])
        counts = np.bincount(places, weights=rows).astype(np.int64)  # exact below 2**53
        numbers = cut_into_pieces(cells, counts, codes, rows_max=rows_max)
        code = codes[cells & 0xFFFFFFFF]
        in_order = np.lexsort((code, numbers))
        targets = _targets(np.argsort(in_order)[places], rows)
        ends = np.cumsum([len(run.cells) for run in self._runs])[:-1]
        groups = [_Groups(part) for part in np.split(numbers[places], ends)]
        of_runs = list(zip(self._runs, groups, np.split(targets, ends), strict=True))
        of_pieces = np.split(in_order, run_starts(numbers[in_order])[1:])
        begins = np.cumsum([0, *(counts[of_piece].sum() for of_piece in of_pieces)]).tolist()
        places_of = [
            (str(np.datetime64(int(cells[first]) >> 32, "M")), bucket_of(int(code[first])))
            for first in (of_piece[0] for of_piece in of_pieces)
        ]
        for number, is_last in _in_turns(places_of):
            of_piece = of_pieces[number]
            shares = []
            for run, group, target in of_runs:
                if len(chosen := group.of(number)):
                    shares.append((run, run.stretches(chosen, target[chosen] - begins[number])))
            vehicle_code = np.repeat(code[of_piece].astype(np.int32), counts[of_piece])
            yield Piece(*places_of[number], is_last, self._read(shares, vehicle_code))

    def _read(
        self, shares: list[tuple[_Run, _Stretches]], vehicle_code: npt.NDArray[np.int32]
    ) -> pa.Table:
        """The fixes of a piece from what each run has of it."""
        columns = {VEHICLE: pa.array(vehicle_code)}
        dtypes = {name: one.dtype for run, _ in shares for name, one in run.values.items()}
        for name, dtype in dtypes.items():
            is_whole = all(name in run.values and name not in run.is_missing for run, _ in shares)
            values = (np.empty if is_whole else np.zeros)(len(vehicle_code), dtype=dtype)
            missing = np.zeros(0 if is_whole else len(vehicle_code), dtype=np.bool_)
            for run, stretches in shares:
                if name in run.values:
                    self._fill(values, run.values[name], stretches)
                if name in run.is_missing:
                    self._fill(missing, run.is_missing[name], stretches)
                elif name not in run.values:
                    for begin, end, target in chain.from_iterable(stretches):
                        missing[target : target + end - begin] = True
            columns[name] = pa.array(values, mask=None if is_whole else missing)
        return pa.table(columns)

    def _fill(self, column: npt.NDArray[Any], stored: _Stored, stretches: _Stretches) -> None:
        """Put stretches of a stored column where they go."""
        if stored.held is not None:
            for begin, end, target in chain.from_iterable(stretches):
                column[target : target + end - begin] = stored.held[begin:end]
            return
        size, view = stored.dtype.itemsize, column.data.cast("B")
        for together in stretches:
            parts = [
                view[target * size : (target + end - begin) * size]
                for begin, end, target in together
            ]
            wanted = (together[-1].end - together[0].begin) * size
            offset_bytes = stored.offset_bytes + together[0].begin * size
            if os.preadv(self._opened().fileno(), parts, offset_bytes) != wanted:
                raise OSError(errno.EIO, "spilled fixes are cut short", str(self._folder))

    def discard(self) -> None:
        """Free what is in memory and remove what is on disk."""
        self._runs, self._space = [], []
        if self._file is not None:
            self._file.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
        self._file = self._folder = self._lock = None


class _Groups:
    """Places by the number that stands there."""

    def __init__(self, numbers: Int64s) -> None:
        self._order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[self._order]

    def of(self, number: int) -> Int64s:
        """The places of a number, in order."""
        first, end = np.searchsorted(self._numbers, [number, number + 1])
        return self._order[first:end]


def _dtypes(tables: list[pa.Table]) -> dict[str, np.dtype[Any]]:
    """Type of every column, but for the trucks, which the cells of a run tell."""
    types = {field.name: field.type for table in tables for field in table.schema}
    return {name: np.dtype(one.to_pandas_dtype()) for name, one in types.items() if name != VEHICLE}


def _values_of(table: pa.Table, name: str, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A column, shape (n_rows,); 0 where it has no value."""
    if name not in table.column_names:
        return np.zeros(table.num_rows, dtype=dtype)
    column = table.column(name)
    values: npt.NDArray[Any] = (column.fill_null(0) if column.null_count else column).to_numpy()
    return values


def _has_gaps(table: pa.Table, name: str) -> bool:
    return name not in table.column_names or table.column(name).null_count > 0


def _is_missing(table: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    """Where a column has no value, shape (n_rows,)."""
    if name not in table.column_names:
        return np.ones(table.num_rows, dtype=np.bool_)
    missing: npt.NDArray[np.bool_] = table.column(name).is_null().to_numpy()
    return missing


def _targets(rank: Int64s, rows: Int64s) -> Int64s:
    """Row at which every cell of every run begins when all are in order of rank.

    Of equal rank the earlier run comes first, for the sort is stable.
    """
    order = np.argsort(rank, kind="stable")
    targets = np.empty(len(rows), dtype=np.int64)
    targets[order] = np.cumsum(rows[order]) - rows[order]
    return targets


def _locked(folder: Path) -> IO[bytes]:
    """Show that the folder is in use, for as long as this process lives."""
    partial = folder / f"{_LOCK_NAME}.partial"
    stream = partial.open("wb")
    fcntl.flock(stream, fcntl.LOCK_EX)
    partial.rename(folder / _LOCK_NAME)  # only now, so that nobody finds it unlocked
    return stream


def _sweep(parent: Path) -> None:
    """Remove what processes left that did not live to do it themselves."""
    for lock in parent.glob(f"*/{_LOCK_NAME}"):
        try:
            with lock.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError):
            continue  # in use, or swept by somebody else
