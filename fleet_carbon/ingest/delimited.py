"""Separated text files: encoding, separator and line ends found out, true line numbers kept.

Regular blocks are parsed by Arrow; a block with quoted line ends, ragged rows or blank lines goes
through the tolerant reader, which is slower and says of every row on which line it stands.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused, Rejection
from fleet_carbon.ingest.profiles import SourceProfile

# A pyarrow array; the library ships no types.
Column: TypeAlias = Any

# What senders write where there is no value; compared with the trimmed cell.
NULL_TOKENS = (
    "", "-", "--", "—", "null", "NULL", "Null", "None", "nan", "NaN", "N/A", "n/a", "#N/A", "\\N",
)  # fmt: skip
SEPARATORS = (",", ";", "\t", "|")
BLOCK_BYTES = 16 * 1024 * 1024
_HEADER_BYTES = 1024 * 1024
# Chinese text in GB18030 read as UTF-8 breaks at four of five characters.
_BROKEN_SHARE = 0.2
# An open quote swallows what follows; a record of more lines than this is taken for one.
RECORD_LINES_MAX = 100

_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NULLS = pa.array(NULL_TOKENS)


@dataclass(frozen=True)
class Chunk:
    """A run of rows as read: cells by column index, still unchecked.

    Attributes
    ----------
    columns : dict of int to pyarrow.Array
        Cells of the wanted columns; text with null for empty cells, or the file's native type.
    lines : ndarray of int
        Line of each row; row number for Parquet, row of the sheet for workbooks.
    broken : tuple of Rejection
        Rows without readable cells; they stand in no array.
    remarks : mapping of str to int
        Named counts of what was read in a way the sender should know.
    """

    columns: dict[int, Column]
    lines: NDArray[np.int64]
    broken: tuple[Rejection, ...] = ()
    remarks: Mapping[str, int] = field(default_factory=dict)


def is_gzip(path: Path) -> bool:
    """Whether the content is compressed by gzip.

    Raises
    ------
    InputRefused
        If the file cannot be opened.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(2) == _GZIP_MAGIC
    except OSError as failure:
        raise unreadable(path, failure) from failure


def open_bytes(path: Path) -> IO[bytes]:
    """Open for reading, through gzip where the content says so; errors as `is_gzip`."""
    return cast(IO[bytes], gzip.open(path, "rb")) if is_gzip(path) else path.open("rb")


def unreadable(path: Path, failure: Exception) -> InputRefused:
    """The refusal of a file that the system or its format does not let us read."""
    return InputRefused(
        "file_unreadable",
        f"{path.name} cannot be read: {failure}",
        "Check that the file exists, is complete and may be read.",
        file=str(path),
    )


@dataclass(frozen=True)
class TextForm:
    """How the characters of a text file are stored."""

    encoding: str
    cr_only: bool


def find_text_form(path: Path, encoding: str | None) -> TextForm:
    """Decide encoding and line ends by reading the file once: UTF-8, UTF-16 by its mark, GB18030.

    Raises
    ------
    InputRefused
        If the file is empty, binary, or in none of these encodings (or not in the given one).
    """
    head = _head(path)
    if not head:
        raise InputRefused("file_empty", f"{path.name} is empty.", "Send the file again.")
    if encoding is None and head[:2] in _UTF16_BOMS:
        encoding = "utf-16"
    elif b"\0" in head and not (encoding or "").lower().replace("-", "").startswith("utf16"):
        raise InputRefused(
            "format_unknown",
            f"{path.name} is neither text nor Parquet nor a workbook.",
            "Send CSV, Parquet, XLSX or JSON lines.",
        )
    tried = [encoding] if encoding else ["utf-8", "gb18030"]
    for name in tried:
        has_lf = _decodes(path, name)
        if has_lf is not None:
            return TextForm(name, cr_only=not has_lf)
        if name == "utf-8" and (head.startswith(codecs.BOM_UTF8) or _is_damaged_utf8(path)):
            tried = ["utf-8"]
            break
    raise InputRefused(
        "encoding_unknown",
        f"{path.name} is not text in {' or '.join(map(str, tried))}.",
        "Name the encoding in a source profile, for example encoding: big5, or send UTF-8.",
    )


def _head(path: Path) -> bytes:
    with open_bytes(path) as stream:
        try:
            return stream.read(65_536)
        except (OSError, EOFError, zlib.error) as failure:
            raise unreadable(path, failure) from failure


def _decodes(path: Path, encoding: str) -> bool | None:
    """Whether a line feed occurs; None if the file is not in that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    has_lf = False
    try:
        for data in _raw_blocks(path):
            text = decoder.decode(data)
            has_lf = has_lf or "\n" in text
        decoder.decode(b"", final=True)
    except UnicodeError:
        return None
    return has_lf


def _is_damaged_utf8(path: Path) -> bool:
    """Whether nearly all that is not ASCII is UTF-8: a broken byte, not another encoding.

    GB18030 would accept most of it and read other characters.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = foreign = 0
    for data in _raw_blocks(path):
        text = decoder.decode(data)
        broken += text.count("\ufffd")
        foreign += len(text) - len(text.encode("ascii", "ignore"))
    return foreign > 0 and broken < _BROKEN_SHARE * foreign


def _raw_blocks(path: Path) -> Iterator[bytes]:
    with open_bytes(path) as stream:
        try:
            while data := stream.read(BLOCK_BYTES):
                yield data
        except (OSError, EOFError, zlib.error) as failure:
            raise unreadable(path, failure) from failure


def text_blocks(path: Path, form: TextForm) -> Iterator[bytes]:
    """Yield the file as UTF-8 without mark, in blocks that end where a record ends."""
    rest = b""
    for data in _utf8(path, form):
        rest += data.replace(b"\r", b"\n") if form.cr_only else data
        cut = _last_record_end(rest)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _utf8(path: Path, form: TextForm) -> Iterator[bytes]:
    plain = codecs.lookup(form.encoding).name == "utf-8"
    decoder = codecs.getincrementaldecoder(form.encoding)()
    first = True
    for data in _raw_blocks(path):
        block = data if plain else decoder.decode(data).encode("utf-8", "surrogatepass")
        yield block.removeprefix(codecs.BOM_UTF8) if first else block
        first = False


def _quotes_before(block: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the line ends, and how many quotes stand before each."""
    characters = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    return ends, np.searchsorted(np.flatnonzero(characters == ord('"')), ends)


def _last_record_end(block: bytes) -> int:
    if b'"' not in block:
        return block.rfind(b"\n") + 1
    ends, quotes = _quotes_before(block)
    closed = ends[quotes % 2 == 0]
    if len(closed):
        return int(closed[-1]) + 1
    # A stray quote: rather cut inside a record than hold the whole file.
    return block.rfind(b"\n") + 1 if len(block) > 4 * BLOCK_BYTES else 0


class DelimitedTable:
    """A separated text file whose header has been read.

    Attributes
    ----------
    names : list of str
        Column names as they stand in the file, trimmed; may repeat.
    decimal_comma : bool
        Whether numbers may be written with a comma: wherever the comma does not separate.
    form : TextForm
        How its characters are stored.
    separator : str
        What stands between cells.
    header_line : int
        Where the names end; 0 if the file has none.
    """

    def __init__(self, path: Path, profile: SourceProfile, form: TextForm) -> None:
        self._path, self.form = path, form
        first = next(text_blocks(path, form), b"")
        lines = _split_lines(first[:_HEADER_BYTES])
        skipped = profile.title_rows
        declared = re.fullmatch(r"sep=(.)\n?", lines[0]) if lines and not skipped else None
        if declared:
            skipped = 1
        while not profile.header and skipped < len(lines) and not lines[skipped].strip():
            skipped += 1
        if skipped >= len(lines):
            raise InputRefused("file_empty", f"{path.name} has no rows.", "Send the file again.")
        self.separator = profile.separator or (
            declared[1] if declared else _find_separator(lines[skipped])
        )
        self.decimal_comma = self.separator != ","
        self.header_line = 0
        if profile.header:
            self.names, self._header_lines = list(profile.header), skipped
        else:
            reader = csv.reader(islice(lines, skipped, None), delimiter=self.separator)
            self.names = [" ".join(name.split()) for name in next(reader)]
            self._header_lines = self.header_line = skipped + reader.line_num

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows below the header, at most `chunk_rows` at a time."""
        line, to_skip = 1, self._header_lines
        for block in text_blocks(self._path, self.form):
            body = block
            while to_skip and body:
                body = body[body.find(b"\n") + 1 :] if b"\n" in body else b""
                to_skip, line = to_skip - 1, line + 1
            if body:
                yield from _cut(self._parse(body, line, wanted), chunk_rows)
            line += body.count(b"\n") + _lone_returns(body)

    def _parse(self, block: bytes, line: int, wanted: Sequence[int]) -> Chunk:
        regular = _is_regular(block)
        table = self._parse_fast(block, wanted) if regular else None
        if table is None:
            return self._parse_tolerant(block, line, wanted)
        columns = {
            index: table.column(place).combine_chunks() for place, index in enumerate(wanted)
        }
        return Chunk(columns, line + _filled_lines(block))

    def _parse_fast(self, block: bytes, wanted: Sequence[int]) -> pa.Table | None:
        """The block by Arrow; None if its rows are not its filled lines."""
        names = [str(index) for index in range(len(self.names))]
        chosen = [str(index) for index in wanted]
        source: Any = pa.BufferReader(block)
        try:
            table = pa_csv.read_csv(
                source,
                read_options=pa_csv.ReadOptions(column_names=names),
                parse_options=pa_csv.ParseOptions(delimiter=self.separator),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=chosen,
                    null_values=list(NULL_TOKENS),
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid:
            return None
        count = len(_filled_lines(block))
        return None if table.num_rows != count or _has_empty_row(table) else table

    def _parse_tolerant(self, block: bytes, line: int, wanted: Sequence[int]) -> Chunk:
        lines = _split_lines(block)
        rows: list[list[str]] = []
        starts: list[int] = []
        broken: list[Rejection] = []
        for start, record in _records(lines, self.separator):
            if isinstance(record, str):
                broken.append(
                    Rejection(self._path.name, line + start, "", "quote_not_closed", record)
                )
            elif any(cell.strip() for cell in record[len(self.names) :]):
                text = f"{len(record)} fields where the header has {len(self.names)}: quote a text"
                text += f" that holds {self.separator!r}"
                broken.append(Rejection(self._path.name, line + start, "", "too_many_fields", text))
            elif self._is_cut_off(record, start, block, lines):
                text = f"the file ends after {len(record)} of {len(self.names)} fields of this row"
                broken.append(Rejection(self._path.name, line + start, "", "row_cut_off", text))
            elif any(cell.strip() for cell in record):
                rows.append(record)
                starts.append(line + start)
        columns = {index: _text_column(rows, index) for index in wanted}
        return Chunk(columns, np.array(starts, dtype=np.int64), tuple(broken))

    def _is_cut_off(self, record: list[str], start: int, block: bytes, lines: list[str]) -> bool:
        """Whether this is the last line of the file, short and without a line end."""
        last = start == len(lines) - 1 and not block.endswith((b"\n", b"\r"))
        return last and len(record) < len(self.names)


def _find_separator(header: str) -> str:
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=lambda mark: (unquoted.count(mark), -SEPARATORS.index(mark)))


def _lone_returns(block: bytes) -> int:
    return block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0


def _is_regular(block: bytes) -> bool:
    """Whether every line end ends a record: none stands inside quotes, none is a lone CR."""
    if _lone_returns(block):
        return False
    return b'"' not in block or not (_quotes_before(block)[1] % 2).any()


def _filled_lines(block: bytes) -> NDArray[np.int64]:
    """Which lines of the block hold anything, counted from 0."""
    if not (block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block):
        return np.arange(block.count(b"\n") + (not block.endswith(b"\n")), dtype=np.int64)
    characters = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    empty = (ends == starts) | ((ends == starts + 1) & (characters[starts] == ord("\r")))
    return np.flatnonzero(~empty).astype(np.int64)


def _has_empty_row(table: pa.Table) -> bool:
    if table.num_columns == 0 or any(column.null_count == 0 for column in table.columns):
        return False
    empty = pc.is_null(table.column(0))
    for column in table.columns[1:]:
        empty = pc.and_(empty, pc.is_null(column))
    return bool(pc.any(empty).as_py())


def _split_lines(block: bytes) -> list[str]:
    """The physical lines with their ends made equal; not str.splitlines, which knows more ends."""
    text = block.decode("utf-8", "surrogatepass").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    ended = [line + "\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def _records(lines: list[str], separator: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield index of the first line and cells of each record, or a text saying what is wrong."""
    position = 0
    while position < len(lines):
        reader = csv.reader(islice(lines, position, None), delimiter=separator)
        base, consumed = position, 0
        position = len(lines)
        try:
            for record in reader:
                start, consumed = base + consumed, reader.line_num
                if _swallows(lines[start : base + consumed], base + consumed == len(lines)):
                    yield start, "a quote opens here and is not closed"
                    position = start + 1
                    break
                if record:
                    yield start, record
        except csv.Error as failure:
            yield base + consumed, f"the line cannot be split into cells: {failure}"
            position = base + consumed + 1


def _swallows(lines: list[str], at_end: bool) -> bool:
    if len(lines) > RECORD_LINES_MAX:
        return True
    return at_end and sum(line.count('"') for line in lines) % 2 == 1


def _text_column(rows: list[list[str]], index: int) -> Column:
    cells = [row[index] if index < len(row) else None for row in rows]
    return empty_to_null(pa.array(cells, pa.string()))


def empty_to_null(cells: Column) -> Column:
    """The text with null where a sender's word for an empty cell stands; otherwise untouched."""
    bare = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.is_in(bare, _NULLS), None, cells)


def _cut(chunk: Chunk, chunk_rows: int) -> Iterator[Chunk]:
    """The chunk in pieces of at most `chunk_rows`; refused rows go with the first."""
    broken = chunk.broken
    for start in range(0, max(1, len(chunk.lines)), chunk_rows):
        columns = {index: cells.slice(start, chunk_rows) for index, cells in chunk.columns.items()}
        yield Chunk(columns, chunk.lines[start : start + chunk_rows], broken)
        broken = ()
