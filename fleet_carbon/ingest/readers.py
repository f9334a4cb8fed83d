"""Opening a file of any accepted format as one table of named columns, read in chunks.

The format is decided by the content, not by the suffix: Parquet and workbooks by their magic
bytes, JSON lines by the first character, everything else is separated text.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import python_calamine as calamine

from fleet_carbon.errors import InputRefused, Rejection
from fleet_carbon.ingest.delimited import (
    Chunk,
    Column,
    DelimitedTable,
    TextForm,
    empty_to_null,
    find_text_form,
    is_gzip,
    text_blocks,
    unreadable,
)
from fleet_carbon.ingest.profiles import SourceProfile

_PARQUET_MAGIC = b"PAR1"
_WORKBOOK_MAGICS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_FORMATS_HINT = "Send CSV, Parquet, XLSX or JSON lines."
# A word that a dictionary holds takes two or three bytes a row; one that stands there more.
_BYTES_OF_A_REPEATED_WORD = 4
_CHUNKS_AHEAD = 2


class Table(Protocol):
    """A file whose column names are known and whose rows can be asked for.

    Attributes
    ----------
    names : list of str
        Column names as they stand in the file.
    decimal_comma : bool
        Whether a comma may stand for the decimal point.
    """

    names: list[str]
    decimal_comma: bool

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield all rows, with the cells of the wanted columns."""
        ...


def open_table(path: Path, profile: SourceProfile) -> Table:
    """The file as a table, whatever its format.

    Raises
    ------
    InputRefused
        If the file cannot be opened, is empty, or is of no known format.
    """
    if path.is_dir():
        raise InputRefused("file_unreadable", f"{path} is a folder.", "Name the files in it.")
    head = b""
    if not is_gzip(path):
        with path.open("rb") as stream:
            head = stream.read(4)
    if head == _PARQUET_MAGIC:
        return ParquetTable(path)
    if head in _WORKBOOK_MAGICS:
        return WorkbookTable(path, profile)
    form = find_text_form(path, profile.encoding)
    first = next(text_blocks(path, form), b"").lstrip()
    if first.startswith(b"{"):
        return JsonLinesTable(path, form)
    if first.startswith(b"["):
        raise InputRefused(
            "format_unknown",
            f"{path.name} holds one JSON list.",
            "Send JSON lines: one object per line, without brackets and commas between them.",
        )
    return DelimitedTable(path, profile, form)


def form_of(table: Table) -> str:
    """What a file is: parquet, workbook, json or text."""
    kinds = {ParquetTable: "parquet", WorkbookTable: "workbook", JsonLinesTable: "json"}
    return next((name for kind, name in kinds.items() if isinstance(table, kind)), "text")


def read_ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The chunks, read by another thread while earlier ones are worked on, two ahead at most."""
    with ThreadPoolExecutor(1, "reading") as thread:
        coming = deque(thread.submit(next, chunks, None) for _ in range(_CHUNKS_AHEAD))
        while (chunk := coming.popleft().result()) is not None:
            coming.append(thread.submit(next, chunks, None))
            yield chunk


class ParquetTable:
    """A Parquet file; nested columns are reached by dotted names."""

    decimal_comma = False

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            metadata = pa_parquet.read_metadata(path)
            self._file = pa_parquet.ParquetFile(
                path,
                metadata=metadata,
                read_dictionary=repeating(metadata),
                pre_buffer=False,  # which would hold the bytes of the whole file to its end
            )
        except (OSError, pa.ArrowException) as failure:
            raise unreadable(path, failure) from failure
        self.names: list[str] = flat(self._file.schema_arrow.empty_table()).column_names

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows, numbered from 1."""
        roots = {self.names[index].split(".")[0] for index in wanted}
        roots |= {self.names[index] for index in wanted}
        columns = [name for name in self._file.schema_arrow.names if name in roots]
        row = 1
        try:
            # Chunks are read ahead of their use, so that more threads would only take turns.
            for batch in self._file.iter_batches(chunk_rows, columns=columns, use_threads=False):
                table = flat(pa.Table.from_batches([batch]))
                cells = {i: whole(table.column(self.names[i])) for i in wanted}
                yield Chunk(cells, np.arange(row, row + batch.num_rows, dtype=np.int64))
                row += batch.num_rows
        except (OSError, pa.ArrowException) as failure:
            raise unreadable(self._path, failure) from failure


def repeating(metadata: Any) -> list[str]:
    """Columns of text in which the same words come again and again, as a sample tells."""
    if metadata.num_row_groups == 0:
        return []
    group = metadata.row_group(0)
    columns = [group.column(place) for place in range(metadata.num_columns)]
    return [
        column.path_in_schema
        for column in columns
        if column.physical_type == "BYTE_ARRAY"
        and column.has_dictionary_page
        and column.total_uncompressed_size <= _BYTES_OF_A_REPEATED_WORD * column.num_values
    ]


def flat(table: Any) -> Any:
    """The table with the fields of nested columns as columns of their own."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def whole(column: Any) -> Column:
    """One array; a dictionary only where it is shorter than the column."""
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_dictionary(array.type) and len(array.dictionary) > len(array):
        return array.dictionary_decode()
    return array


class WorkbookTable:
    """One sheet of a workbook (XLSX, XLSB, XLS, ODS); rows without any value are no rows."""

    decimal_comma = False

    def __init__(self, path: Path, profile: SourceProfile) -> None:
        try:
            workbook = calamine.CalamineWorkbook.from_path(str(path))
            cells = self._sheet(workbook, path, profile).to_python(skip_empty_area=False)
        except (OSError, ValueError, calamine.CalamineError) as failure:
            raise unreadable(path, failure) from failure
        rows = [(number, row) for number, row in enumerate(cells, start=1) if _has_value(row)]
        rows = [pair for pair in rows if pair[0] > profile.title_rows]
        if not rows:
            raise InputRefused("file_empty", f"{path.name} has no rows.", "Send the file again.")
        if profile.header:
            self.names, self._rows = list(profile.header), rows
        else:
            self.names = [" ".join((_cell_text(cell) or "").split()) for cell in rows[0][1]]
            self._rows = rows[1:]

    def _sheet(self, workbook: Any, path: Path, profile: SourceProfile) -> Any:
        names: list[str] = workbook.sheet_names
        chosen = profile.sheet if profile.sheet is not None else "".join(names[:1])
        if chosen not in names:
            raise InputRefused(
                "sheet_missing",
                f"{path.name} has no sheet {chosen!r}.",
                f"Name one of {', '.join(names)} as sheet in the source profile.",
            )
        return workbook.get_sheet_by_name(chosen)

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield all rows at once; a sheet holds a million at most."""
        del chunk_rows
        columns = {
            index: empty_to_null(
                pa.array(
                    [_cell_text(row[index]) if index < len(row) else None for _, row in self._rows],
                    pa.string(),
                )
            )
            for index in wanted
        }
        yield Chunk(columns, np.array([number for number, _ in self._rows], dtype=np.int64))


def _has_value(row: Sequence[Any]) -> bool:
    return any(cell is not None and cell != "" for cell in row)


def _cell_text(cell: Any) -> str | None:
    """The cell as a sender would type it; times without zone in ISO 8601, whole numbers bare."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime):
        # A workbook keeps days as a fraction, which misses the millisecond by a hair.
        return (cell + timedelta(microseconds=500)).isoformat(" ", "milliseconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


class JsonLinesTable:
    """One JSON object per line; nested members are reached by dotted names."""

    decimal_comma = False
    _LINES_FOR_NAMES = 10_000

    def __init__(self, path: Path, form: TextForm) -> None:
        self._path, self._form = path, form
        first = next(text_blocks(path, form), b"")
        members: dict[str, None] = {}
        for _, line in islice(_filled_lines(first, 1), self._LINES_FOR_NAMES):
            found = _load(line)
            if isinstance(found, dict):
                members.update(dict.fromkeys(_paths(found)))
        self.names = list(members)

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield the objects by lines; a line that is no object is refused."""
        line = 1
        for block in text_blocks(self._path, self._form):
            lines = _filled_lines(block, line)
            while piece := list(islice(lines, chunk_rows)):
                yield self._chunk(piece, wanted)
            line += block.count(b"\n")

    def _chunk(self, piece: list[tuple[int, bytes]], wanted: Sequence[int]) -> Chunk:
        objects = _load(b"[" + b",".join(text for _, text in piece) + b"]")
        if not isinstance(objects, list) or len(objects) != len(piece):
            objects = [_load(text) for _, text in piece]
        good = [isinstance(found, dict) for found in objects]
        broken = tuple(
            Rejection(self._path.name, number, "", "json_unreadable", _json_fault(found))
            for (number, _), found, is_object in zip(piece, objects, good, strict=True)
            if not is_object
        )
        rows = [found for found in objects if isinstance(found, dict)]
        numbers = [number for (number, _), is_object in zip(piece, good, strict=True) if is_object]
        columns = {index: json_column(rows, self.names[index]) for index in wanted}
        return Chunk(columns, np.array(numbers, dtype=np.int64), broken)


def _filled_lines(block: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    for number, line in zip(count(first), block.split(b"\n")):
        if line.strip():
            yield number, line


def _load(text: bytes) -> Any:
    """The value, or the error itself where the text is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as failure:
        return failure


def _json_fault(found: Any) -> str:
    if isinstance(found, ValueError | RecursionError):
        return f"the line is no JSON: {found}"
    return f"the line holds {type(found).__name__}; expected an object such as {{...}}"


def _paths(found: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, member in found.items():
        if isinstance(member, dict):
            yield from _paths(member, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def json_column(rows: list[dict[str, Any]], name: str) -> Column:
    """The members of that name, or of that dotted path: numbers as such, others as text."""
    cells: list[Any] = [row.get(name) for row in rows]
    if "." in name and not any(cell is not None for cell in cells):
        cells = [_reach(row, name.split(".")) for row in rows]
    try:
        column = pa.array(cells)
    except (pa.ArrowException, OverflowError, TypeError):
        column = None
    if column is not None:
        kind = column.type
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            return column
        if pa.types.is_string(kind):
            return empty_to_null(column)
    return empty_to_null(pa.array([_json_text(cell) for cell in cells], pa.string()))


def _reach(row: Any, steps: list[str]) -> Any:
    for step in steps:
        row = row.get(step) if isinstance(row, dict) else None
    return row


def _json_text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return json.dumps(cell, ensure_ascii=False)
