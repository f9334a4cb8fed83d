"""Bodies of requests that are held in memory, as tables, where it is certain how they read.

Whatever could be read in more than one way, or is broken, is not decided here: it goes the way of
files, which says of every line what is wrong with it. What is read here is checked by the same
rules, so both ways give the same verdicts.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from fleet_carbon.ingest.delimited import Chunk
from fleet_carbon.ingest.readers import flat, json_column, repeating, whole

_JSON_SPACE = b" \t\r\n"
_Rows = list[dict[str, Any]]
_LIST = msgspec.json.Decoder(_Rows)
_LINES = msgspec.json.Decoder(dict[str, Any])
_PLAIN = (int, float, str, bool, type(None))


class RowsTable:
    """Objects without objects in them; the columns are their members, as they were met.

    Attributes
    ----------
    rows_count : int
    """

    decimal_comma = False

    def __init__(self, rows: _Rows, names: Sequence[str]) -> None:
        self._rows = rows
        self.names = list(names)
        self.rows_count = len(rows)

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield all rows at once, numbered from 1."""
        del chunk_rows
        columns = {index: json_column(self._rows, self.names[index]) for index in wanted}
        yield Chunk(columns, np.arange(1, len(self._rows) + 1, dtype=np.int64))


class ColumnsTable:
    """Columns of Arrow; nested ones are reached by dotted names.

    Attributes
    ----------
    held : pa.Table
    rows_count : int
    """

    decimal_comma = False

    def __init__(self, table: Any) -> None:
        self.held = flat(table)
        self.names: list[str] = self.held.column_names
        self.rows_count: int = self.held.num_rows

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield all rows at once, numbered from 1."""
        del chunk_rows
        columns = {index: whole(self.held.column(index)) for index in wanted}
        yield Chunk(columns, np.arange(1, self.held.num_rows + 1, dtype=np.int64))


HeldTable: TypeAlias = RowsTable | ColumnsTable


def table_of_json(content: bytes) -> HeldTable | None:
    """A list of objects, or one object; None if it is for the way of files to say what it is."""
    try:
        if content.lstrip(_JSON_SPACE)[:1] == b"[":
            return _table_of(_LIST.decode(content))
        return _table_of([_LINES.decode(content)])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def table_of_lines(content: bytes) -> HeldTable | None:
    """An object on each line; None if it is for the way of files to say what it is."""
    # A line without anything counts as a line there.
    if b"\n\n" in content or content[:1] in (b"\n", b"\r", b" ") or b"\r" in content:
        return None
    try:
        return _table_of(_LINES.decode_lines(content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _table_of(rows: _Rows) -> HeldTable | None:
    if not rows:
        return None
    names = dict.fromkeys(rows[0])
    if any(row.keys() != names.keys() for row in rows):
        names = dict.fromkeys(chain.from_iterable(rows))
    values = chain.from_iterable(row.values() for row in rows)
    if set(map(type, values)).difference(_PLAIN) or any("." in name for name in names):
        return None
    return RowsTable(rows, list(names))


def table_of_parquet(content: bytes) -> HeldTable | None:
    """A Parquet file; None if it is for the way of files to say what is wrong with it."""
    try:
        metadata = pa_parquet.read_metadata(io.BytesIO(content))
        file = pa_parquet.ParquetFile(
            pa.BufferReader(content), metadata=metadata, read_dictionary=repeating(metadata)
        )
        table = file.read(use_threads=False)
        table.validate(full=True)
        return ColumnsTable(table)
    except (OSError, pa.ArrowException):
        return None


def table_of_arrow(content: bytes) -> HeldTable | None:
    """A stream of Arrow IPC; None if it is for the way of files to say what is wrong with it."""
    try:
        with pa.ipc.open_stream(pa.py_buffer(content)) as stream:
            table = stream.read_all()
        # A stream may name places that its buffers do not have.
        table.validate(full=True)
        return ColumnsTable(table)
    except (OSError, pa.ArrowException):
        return None
