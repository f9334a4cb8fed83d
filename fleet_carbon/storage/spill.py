"""Fixes on disk that do not fit in memory, and how they come back in pieces that do."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from fleet_carbon.storage.files import make_folder
from fleet_carbon.storage.segments import SCHEMA, VEHICLE, Int64s, int64_column, utc_months

_LOCK_NAME = "lock"


def piece_starts(
    cells: dict[tuple[int, int], int], ranks: Int64s, rows_max: int
) -> list[tuple[int, int]]:
    """Cut the cells, ordered by truck and month, into pieces of at most `rows_max` fixes.

    Returns
    -------
    starts : list of (rank, month)
        First cell of every piece. A cell that alone exceeds the limit is a piece of its own.
    """
    starts: list[tuple[int, int]] = []
    rows = 0
    in_order = sorted((int(ranks[number]), month, n) for (number, month), n in cells.items())
    for rank, month, count in in_order:
        if not starts or rows + count > rows_max:
            starts.append((rank, month))
            rows = 0
        rows += count
    return starts


class Spill:
    """Fixes on disk that do not fit in memory: first as they come, then by piece."""

    def __init__(self, folder: Path) -> None:
        self._parent = folder
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None
        self._writer: pa.RecordBatchFileWriter | None = None

    @property
    def is_used(self) -> bool:
        """Whether anything was written."""
        return self._writer is not None

    def _path(self, name: str) -> str:
        if self._folder is None:
            _sweep(make_folder(self._parent))
            self._folder = Path(tempfile.mkdtemp(dir=self._parent))
            self._lock = _locked(self._folder)
        return str(self._folder / name)

    def write(self, tables: list[pa.Table]) -> None:
        """Append fixes as they came."""
        if self._writer is None:
            self._writer = _spill_writer(self._path("arrived.arrow"))
        for table in tables:
            self._writer.write_table(_full(table))

    def regrouped(self, ranks: Int64s, starts: list[tuple[int, int]]) -> Iterator[pa.Table]:
        """All fixes again, piece by piece."""
        assert self._writer is not None
        self._writer.close()
        paths = [self._path(f"piece-{number}.arrow") for number in range(len(starts))]
        writers = [_spill_writer(path) for path in paths]
        keys = np.array([_cell_key(rank, month) for rank, month in starts], dtype=np.int64)
        with pa.OSFile(self._path("arrived.arrow"), "rb") as source:
            arrived = pa.ipc.open_file(source)
            for number in range(arrived.num_record_batches):
                batch = pa.Table.from_batches([arrived.get_batch(number)])
                _distribute(batch, ranks, keys, writers)
        for writer in writers:
            writer.close()
        Path(self._path("arrived.arrow")).unlink()
        for path in paths:
            with pa.OSFile(path, "rb") as source:
                piece = pa.ipc.open_file(source).read_all()
            Path(path).unlink()
            yield piece

    def discard(self) -> None:
        """Remove what is left on disk."""
        if self._writer is not None:
            self._writer.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


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


def _spill_writer(path: str) -> pa.RecordBatchFileWriter:
    return pa.ipc.new_file(path, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _full(table: pa.Table) -> pa.Table:
    columns = [
        table.column(field.name)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in SCHEMA
    ]
    return pa.table(columns, schema=SCHEMA)


def _cell_key(rank: Any, month: Any) -> Any:
    return (rank << 32) + (month + 2**31)


def _distribute(
    batch: pa.Table, ranks: Int64s, keys: Int64s, writers: list[pa.RecordBatchFileWriter]
) -> None:
    rank = ranks[int64_column(batch, VEHICLE)]
    cells = _cell_key(rank, utc_months(int64_column(batch, "time_ms")))
    pieces = np.searchsorted(keys, cells, side="right") - 1
    order = np.argsort(pieces, kind="stable")
    in_order = batch.take(order)
    starts = np.searchsorted(pieces[order], np.arange(len(writers) + 1))
    for number, writer in enumerate(writers):
        rows = int(starts[number + 1] - starts[number])
        if rows:
            writer.write_table(in_order.slice(int(starts[number]), rows))
