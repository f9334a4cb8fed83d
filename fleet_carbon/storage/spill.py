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
from fleet_carbon.storage.segments import SCHEMA, VEHICLE, Int64s, int64_column

_LOCK_NAME = "lock"
# Time is told in slots of 2**16 ms, about a minute: with the truck it then fits 64 bits.
_SLOT_BITS = 16


def piece_starts(
    cells: dict[tuple[int, int], int], codes: Int64s, rows_max: int
) -> list[tuple[int, int]]:
    """Cut the cells, ordered by truck and month, into pieces of about `rows_max` fixes at most.

    Parameters
    ----------
    cells : dict of (number, month) to int
        Fixes of every truck in every month since 1970-01.
    codes : int64 array, shape (n_vehicles,)
        Code of every truck by its number.
    rows_max : int
        Fixes of a piece. A cell that alone has more is cut into equal times.

    Returns
    -------
    starts : list of (code, slot)
        First truck and slot of time of every piece.
    """
    starts: list[tuple[int, int]] = []
    rows = 0
    in_order = sorted((int(codes[number]), month, n) for (number, month), n in cells.items())
    for code, month, count in in_order:
        if not starts or rows + count > rows_max:
            starts += [(code, slot) for slot in _slots(month, -(-count // rows_max))]
            rows = 0
        rows += count
    return starts


def _slots(month: int, count: int) -> list[int]:
    """First slots of so many equal pieces of a month."""
    begin, end = (
        int(one.astype("datetime64[ms]").astype(np.int64)) >> _SLOT_BITS
        for one in (np.datetime64(month, "M"), np.datetime64(month + 1, "M"))
    )
    return [begin + (end - begin) * piece // count for piece in range(count)]


class Spill:
    """Fixes on disk that do not fit in memory: first as they come, then by piece."""

    def __init__(self, folder: Path) -> None:
        self._parent = folder
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None
        self._arrived: list[str] = []
        self._seen: set[str] = set()
        self._writer: pa.RecordBatchFileWriter | None = None
        self._writer_schema = SCHEMA

    @property
    def is_used(self) -> bool:
        """Whether anything was written."""
        return bool(self._arrived)

    def _path(self, name: str) -> str:
        if self._folder is None:
            _sweep(make_folder(self._parent))
            self._folder = Path(tempfile.mkdtemp(dir=self._parent))
            self._lock = _locked(self._folder)
        return str(self._folder / name)

    def write(self, tables: list[pa.Table]) -> None:
        """Append fixes as they came."""
        for table in tables:
            self._seen.update(table.column_names)
        schema = self._schema()
        if self._writer is None or not self._writer_schema.equals(schema):
            # A column that was not met before: the earlier fixes stay as they are.
            self._close_writer()
            self._arrived.append(self._path(f"arrived-{len(self._arrived)}.arrow"))
            self._writer = _spill_writer(self._arrived[-1], schema)
            self._writer_schema = schema
        for table in tables:
            self._writer.write_table(_with_all(table, schema))

    def _schema(self) -> pa.Schema:
        return pa.schema([field for field in SCHEMA if field.name in self._seen])

    def regrouped(self, codes: Int64s, starts: list[tuple[int, int]]) -> Iterator[pa.Table]:
        """All fixes again, piece by piece.

        Parameters
        ----------
        codes : int64 array, shape (n_vehicles,)
            Code of every truck, by which the pieces are ordered.
        starts : list of (code, slot)
            First truck and slot of time of every piece, in order.
        """
        self._close_writer()
        schema = self._schema()
        paths = [self._path(f"piece-{number}.arrow") for number in range(len(starts))]
        writers = [_spill_writer(path, schema) for path in paths]
        keys = np.array([_slot_key(code, slot) for code, slot in starts], dtype=np.int64)
        for arrived in self._arrived:
            for batch in _batches_of(arrived):
                _distribute(_with_all(batch, schema), codes, keys, writers)
            Path(arrived).unlink()
        for writer in writers:
            writer.close()
        for path in paths:
            if batches := list(_batches_of(path)):  # or a time in which a truck sent nothing
                yield pa.concat_tables(batches).combine_chunks()
            Path(path).unlink()

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def discard(self) -> None:
        """Remove what is left on disk."""
        self._close_writer()
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


def _spill_writer(path: str, schema: pa.Schema) -> pa.RecordBatchFileWriter:
    return pa.ipc.new_file(path, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _batches_of(path: str) -> Iterator[pa.Table]:
    with pa.OSFile(path, "rb") as source:
        written = pa.ipc.open_file(source)
        for number in range(written.num_record_batches):
            yield pa.Table.from_batches([written.get_batch(number)])


def _with_all(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The fixes with every column of the schema, null where they have none."""
    columns = [
        table.column(field.name)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _slot_key(code: Any, slot: Any) -> Any:
    return (code << 32) + (slot + 2**31)


def _distribute(
    batch: pa.Table, codes: Int64s, keys: Int64s, writers: list[pa.RecordBatchFileWriter]
) -> None:
    code = codes[int64_column(batch, VEHICLE)]
    cells = _slot_key(code, int64_column(batch, "time_ms") >> _SLOT_BITS)
    pieces = np.searchsorted(keys, cells, side="right") - 1
    if np.any(pieces[1:] < pieces[:-1]):
        order = np.argsort(pieces, kind="stable")
        batch, pieces = batch.take(order), pieces[order]
    starts = np.searchsorted(pieces, np.arange(len(writers) + 1))
    for number, writer in enumerate(writers):
        rows = int(starts[number + 1] - starts[number])
        if rows:
            writer.write_table(batch.slice(int(starts[number]), rows))
