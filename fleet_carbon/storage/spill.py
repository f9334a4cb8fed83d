"""Fixes on disk that do not fit in memory, and how they come back in pieces that do.

Fixes come in runs of as many as fit. A run is put in order of month and truck and written once;
each piece of work then takes its trucks from every run. No fix is written a second time.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.storage.files import make_folder
from fleet_carbon.storage.ordering import order_by_key
from fleet_carbon.storage.segments import (
    BUCKET_VEHICLES,
    SCHEMA,
    VEHICLE,
    BucketNumber,
    Int64s,
    int64_column,
    run_starts,
    utc_months,
)

_LOCK_NAME = "lock"
# What is read at least when a piece takes its trucks from a run. [rows]
_BATCH_ROWS = 8_192


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
    numbers = run.column(VEHICLE).to_numpy()
    time_ms = int64_column(run, "time_ms")
    first, last = utc_months(np.array([time_ms.min(), time_ms.max()])).tolist()
    month_starts = np.arange(first + 1, last + 1).astype("datetime64[M]").astype("datetime64[ms]")
    months = np.searchsorted(month_starts.astype(np.int64), time_ms, side="right")
    keys = months * len(ranks) + ranks[numbers]
    if np.any(keys[1:] < keys[:-1]):
        order = order_by_key(keys)
        run, keys, numbers, months = run.take(order), keys[order], numbers[order], months[order]
    starts = run_starts(keys)
    cells = ((months[starts] + first) << 32) + numbers[starts]
    return run, cells, np.append(starts, len(keys))


def cut_into_pieces(cells: Int64s, counts: Int64s, codes: Int64s, rows_max: int) -> Int64s:
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
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
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

    def stretches(self, chosen: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """First row and end of what the chosen cells are, in order, neighbours as one."""
        chosen = np.sort(chosen)
        first = np.append(True, np.diff(chosen) > 1)
        last = np.append(first[1:], True)
        begins, ends = self.starts[chosen[first]], self.starts[chosen[last] + 1]
        yield from zip(begins.tolist(), ends.tolist(), strict=True)


@dataclass
class Spill:
    """Runs of fixes: one stays in memory, several are on disk.

    Parameters
    ----------
    folder : Path
        Where files may be; a process has a folder of its own there.
    """

    folder: Path
    _runs: list[_Run] = field(default_factory=list)
    _paths: list[str] = field(default_factory=list)
    _own: Path | None = None
    _lock: IO[bytes] | None = None
    _writer: pa.RecordBatchFileWriter | None = None
    _schema: pa.Schema | None = None
    _batches: int = 0

    def _path(self, name: str) -> str:
        if self._own is None:
            _sweep(make_folder(self.folder))
            self._own = Path(tempfile.mkdtemp(dir=self.folder))
            self._lock = _locked(self._own)
        return str(self._own / name)

    def hold(self, tables: list[pa.Table], ranks: Int64s) -> None:
        """Take the only run, which fits in memory."""
        run, cells, starts = ordered_run(tables, ranks)
        self._runs.append(_Run(cells, starts, held=run))

    def write(self, tables: list[pa.Table], ranks: Int64s) -> None:
        """Take the next run and write it; columns may be there that earlier runs did not have."""
        run, cells, starts = ordered_run(tables, ranks)
        if self._writer is None or self._schema != run.schema:
            self._close_writer()
            self._paths.append(self._path(f"runs-{len(self._paths)}.arrow"))
            self._writer = pa.ipc.new_file(self._paths[-1], run.schema)
            self._schema, self._batches = run.schema, 0
        self._writer.write_table(run, max_chunksize=_BATCH_ROWS)
        place = {"file": len(self._paths) - 1, "first_batch": self._batches}
        self._runs.append(_Run(cells, starts, **place))
        self._batches += -(-run.num_rows // _BATCH_ROWS)

    def pieces(self, codes: Int64s, rows_max: int) -> Iterator[Piece]:
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
        readers = [pa.ipc.open_file(pa.OSFile(path, "rb")) for path in self._paths]
        cells, places = np.unique(
            np.concatenate([run.cells for run in self._runs]), return_inverse=True
        )
        rows = np.concatenate([np.diff(run.starts) for run in self._runs])
        counts = np.bincount(places, weights=rows).astype(np.int64)  # exact below 2**53
        numbers = cut_into_pieces(cells, counts, codes, rows_max)
        first_cell = np.unique(numbers, return_index=True)[1]
        ends = np.cumsum([len(run.cells) for run in self._runs])[:-1]
        of_runs = [_grouped(part) for part in np.split(numbers[places], ends)]
        for number, cell in enumerate(cells[first_cell].tolist()):
            parts = [
                part
                for run, (order, bounds) in zip(self._runs, of_runs, strict=True)
                for stretch in run.stretches(_group(order, bounds, number))
                for part in _rows_of(run, stretch, readers)
            ]
            fixes = _with_codes(pa.concat_tables(parts, promote_options="default"), codes)
            bucket = (int(codes[cell & 0xFFFFFFFF]) - 1) // BUCKET_VEHICLES
            yield Piece(str(np.datetime64(cell >> 32, "M")), bucket, fixes)

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def discard(self) -> None:
        """Free what is in memory and remove what is on disk."""
        self._runs = []
        self._close_writer()
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


def _grouped(numbers: Int64s) -> tuple[Int64s, Int64s]:
    """Places in order of their number, and where each number begins among them."""
    order = np.argsort(numbers, kind="stable")
    return order, np.searchsorted(numbers[order], np.arange(int(numbers.max()) + 2))


def _group(order: Int64s, bounds: Int64s, number: int) -> Int64s:
    return order[bounds[number] : bounds[number + 1]] if number + 1 < len(bounds) else order[:0]


def _rows_of(
    run: _Run, stretch: tuple[int, int], readers: list[pa.RecordBatchFileReader]
) -> Iterator[pa.Table]:
    """The fixes of a stretch of a run."""
    begin, end = stretch
    if run.held is not None:
        yield run.held.slice(begin, end - begin)
        return
    for batch in range(begin // _BATCH_ROWS, (end - 1) // _BATCH_ROWS + 1):
        read = readers[run.file].get_batch(run.first_batch + batch)
        first = max(begin - batch * _BATCH_ROWS, 0)
        yield pa.Table.from_batches([read.slice(first, end - batch * _BATCH_ROWS - first)])


def _with_codes(fixes: pa.Table, codes: Int64s) -> pa.Table:
    fixes = fixes.combine_chunks()
    code = codes.astype(np.int32)[fixes.column(VEHICLE).to_numpy()]
    return fixes.set_column(fixes.column_names.index(VEHICLE), SCHEMA.field(VEHICLE), pa.array(code))


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
