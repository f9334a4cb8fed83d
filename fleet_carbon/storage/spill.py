"""Fixes on disk that do not fit in memory, and how they come back in pieces that do.

Fixes come in runs of as many as fit. A run is put in order of month and truck and written once;
each piece of work then takes its trucks from every run. No fix is written a second time.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa

from fleet_carbon.storage.files import RowCount, make_folder
from fleet_carbon.storage.ordering import order_by_key
from fleet_carbon.storage.segments import (
    BUCKET_VEHICLES,
    SCHEMA,
    VEHICLE,
    BucketNumber,
    Int64s,
    bucket_of,
    int64_column,
    run_starts,
    utc_months,
)

_LOCK_NAME = "lock"
# What is read at least when a piece takes its trucks from a run. [rows]
_BATCH_ROWS = 8_192
_WRITE_BYTES = 1 << 20
# Half the bytes are half the pages that the system must find, which pays for the packing.
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_READ_HERE = pa.ipc.IpcReadOptions(use_threads=False)
_MONTHS_COMPARED = 1_200  # more than that is a broken clock, and the calendar is asked row by row


class Piece(NamedTuple):
    """Fixes of one UTC month and bucket that are worked on together."""

    month: str
    bucket: BucketNumber
    fixes: pa.Table


def ordered_run(tables: list[pa.Table], ranks: Int64s) -> tuple[pa.Table, Int64s, Int64s]:
    """Put fixes in order of month and truck, those of one truck as they came.

    Parameters
    ----------
    tables : list of pa.Table
        Fixes with numbers of trucks, at least one.
    ranks : int64 array, shape (n_vehicles,)
        Rank of every truck, by its number: those that are pieces together stand together.

    Returns
    -------
    run : pa.Table
        The fixes in order.
    cells, starts : int64 arrays, shapes (n_cells,) and (n_cells + 1,)
        Month and truck of every stretch of fixes, packed, and its first row.
    """
    run = pa.concat_tables(tables, promote_options="default").combine_chunks()
    time_ms = int64_column(run, "time_ms")
    first, last = utc_months(np.array([time_ms.min(), time_ms.max()])).tolist()
    keys = ranks.take(run.column(VEHICLE).to_numpy())
    if last > first:
        keys += _months_after(first, last, time_ms) * len(ranks)
    if np.any(keys[1:] < keys[:-1]):
        order = order_by_key(keys)
        run, keys = run.take(pa.array(order)), keys.take(order)
    starts = run_starts(keys)
    months, ranks_there = np.divmod(keys[starts], len(ranks))
    cells = ((months + first) << 32) + np.argsort(ranks)[ranks_there]
    return run, cells, np.append(starts, len(keys))


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


def _run_starts_of(one: Int64s, other: Int64s) -> Int64s:
    """First row of every stretch in which both are equal."""
    return np.union1d(run_starts(one), run_starts(other))


@dataclass(frozen=True)
class _Run:
    """Where the fixes of one run lie: in memory, or in batches of a file.

    Attributes
    ----------
    cells, starts : int64 arrays, shapes (n_cells,) and (n_cells + 1,)
        As `ordered_run` gives them.
    held : pa.Table or None
        The fixes, if they are in memory.
    file, first_batch : int
        Otherwise the number of the file, and of the first batch in it.
    """

    cells: Int64s
    starts: Int64s
    held: pa.Table | None = None
    file: int = 0
    first_batch: int = 0

    def stretches(self, chosen: Int64s) -> Iterator[tuple[int, int]]:
        """First row and end of what the chosen cells hold, in order, neighbours as one."""
        chosen = np.sort(chosen)
        is_first = np.append(True, np.diff(chosen) > 1)[: len(chosen)]
        is_last = np.append(is_first[1:], True)[: len(chosen)]
        begins, ends = self.starts[chosen[is_first]], self.starts[chosen[is_last] + 1]
        yield from zip(begins.tolist(), ends.tolist(), strict=True)


class Spill:
    """Runs of fixes: one may stay in memory, several are on disk.

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
        self._paths: list[str] = []
        self._writer: pa.RecordBatchFileWriter | None = None
        self._sink: pa.NativeFile | None = None
        self._schema: pa.Schema | None = None
        self._batches = 0

    @property
    def is_used(self) -> bool:
        """Whether anything was written."""
        return bool(self._paths)

    def _path(self, name: str) -> str:
        if self._folder is None:
            _sweep(make_folder(self._parent))
            self._folder = Path(tempfile.mkdtemp(dir=self._parent))
            self._lock = _locked(self._folder)
        return str(self._folder / name)

    def hold(self, tables: list[pa.Table], ranks: Int64s) -> None:
        """Take the last run and keep it in memory."""
        run, cells, starts = ordered_run(tables, ranks)
        self._runs.append(_Run(cells, starts, held=run))

    def write(self, tables: list[pa.Table], ranks: Int64s) -> None:
        """Take the next run and write it; it may have columns that earlier ones did not have."""
        run, cells, starts = ordered_run(tables, ranks)
        if self._writer is None or self._schema != run.schema:
            self._close_writer()
            self._paths.append(self._path(f"runs-{len(self._paths)}.arrow"))
            self._sink = pa.output_stream(self._paths[-1], buffer_size=_WRITE_BYTES)
            self._writer = pa.ipc.new_file(self._sink, run.schema, options=_PACKED)
            self._schema, self._batches = run.schema, 0
        self._writer.write_table(run, max_chunksize=_BATCH_ROWS)
        file = len(self._paths) - 1
        self._runs.append(_Run(cells, starts, file=file, first_batch=self._batches))
        self._batches += -(-run.num_rows // _BATCH_ROWS)

    def pieces(self, codes: Int64s, rows_max: RowCount) -> Iterator[Piece]:
        """All fixes again in pieces, with codes for trucks, by bucket, month and code.

        In a piece the fixes of one truck come in the order in which they were taken.

        Parameters
        ----------
        codes : int64 array, shape (n_vehicles,)
            Code of every truck, by its number.
        rows_max : int
            Fixes of a piece at most, unless one truck has more in one month.
        """
        self._close_writer()
        if not self._runs:
            return
        cells, places = np.unique(
            np.concatenate([run.cells for run in self._runs]), return_inverse=True
        )
        rows = np.concatenate([np.diff(run.starts) for run in self._runs])
        counts = np.bincount(places, weights=rows).astype(np.int64)  # exact below 2**53
        numbers = cut_into_pieces(cells, counts, codes, rows_max=rows_max)
        ends = np.cumsum([len(run.cells) for run in self._runs])[:-1]
        chosen = [_Groups(part) for part in np.split(numbers[places], ends)]
        with ExitStack() as stack:
            sources = [stack.enter_context(pa.OSFile(path, "rb")) for path in self._paths]
            batches = _Batches([pa.ipc.open_file(one, options=_READ_HERE) for one in sources])
            for number, at in enumerate(np.unique(numbers, return_index=True)[1].tolist()):
                parts: list[pa.Table] = []
                for run, groups in zip(self._runs, chosen, strict=True):
                    parts += _rows_of(run, run.stretches(groups.of(number)), batches)
                month, vehicle = int(cells[at]) >> 32, int(cells[at]) & 0xFFFFFFFF
                fixes = pa.concat_tables(parts, promote_options="default").combine_chunks()
                del parts
                yield Piece(
                    str(np.datetime64(month, "M")),
                    bucket_of(int(codes[vehicle])),
                    _with_codes(fixes, codes),
                )

    def _close_writer(self) -> None:
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()
            self._writer = None

    def discard(self) -> None:
        """Free what is in memory and remove what is on disk."""
        self._runs = []
        self._close_writer()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


class _Groups:
    """Places by the number that stands there."""

    def __init__(self, numbers: Int64s) -> None:
        self._order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[self._order]

    def of(self, number: int) -> Int64s:
        """The places of a number, in order."""
        first, end = np.searchsorted(self._numbers, [number, number + 1])
        return self._order[first:end]


class _Batches:
    """Reads batches of runs. The last one of each run is kept: there the next piece begins."""

    def __init__(self, files: list[pa.RecordBatchFileReader]) -> None:
        self._files = files
        self._last: dict[tuple[int, int], tuple[int, pa.RecordBatch]] = {}

    def read(self, run: _Run, number: int) -> pa.RecordBatch:
        """A batch by its number in the run."""
        key = (run.file, run.first_batch)
        kept = self._last.get(key)
        if kept is None or kept[0] != number:
            kept = (number, self._files[run.file].get_batch(run.first_batch + number))
            self._last[key] = kept
        return kept[1]


def _rows_of(
    run: _Run, stretches: Iterator[tuple[int, int]], batches: _Batches
) -> Iterator[pa.Table]:
    """The fixes of some stretches of a run; of each batch no more is kept than what is asked."""
    if run.held is not None:
        yield from (run.held.slice(begin, end - begin) for begin, end in stretches)
        return
    for begin, end in stretches:
        for batch in range(begin // _BATCH_ROWS, (end - 1) // _BATCH_ROWS + 1):
            first = max(begin - batch * _BATCH_ROWS, 0)
            rows = min(end - batch * _BATCH_ROWS, _BATCH_ROWS) - first
            part = batches.read(run, batch).slice(first, rows)
            if rows < _BATCH_ROWS // 4:
                part = part.take(pa.array(np.arange(rows)))  # or the whole batch would stay
            yield pa.Table.from_batches([part])


def _with_codes(fixes: pa.Table, codes: Int64s) -> pa.Table:
    code = pa.array(codes.astype(np.int32)[fixes.column(VEHICLE).to_numpy()])
    return fixes.set_column(fixes.column_names.index(VEHICLE), SCHEMA.field(VEHICLE), code)


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
