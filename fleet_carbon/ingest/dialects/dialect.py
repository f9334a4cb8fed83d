"""What a dialect is: a reader that gives the columns of a kind, and what it says of itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from fleet_carbon.errors import InputRefused, Rejection
from fleet_carbon.ingest.delimited import Chunk, Column, open_bytes, unreadable
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.readers import Table
from fleet_carbon.ingest.values import Flags, Ints

HEAD_BYTES = 65_536
"""How much of the beginning of a file is looked at to tell its dialect. [byte]"""
CONTENT_BYTES_MAX = 1 << 30
"""How much of a file is held whole, unpacked; a larger one that must be is refused. [byte]"""
BLOCK_BYTES = 1 << 23
"""How much is held at once of a file with a record on each line: what a cache of the processor
holds, and memory that is given back and taken again without being cleared. [byte]"""
_BOM = b"\xef\xbb\xbf"
_BLANK = _BOM + b" \t\r\n"
# Members are not looked into: that the line is one document is all that is asked.
_DOCUMENT = msgspec.json.Decoder(dict[str, msgspec.Raw])

Opener: TypeAlias = Callable[[Path, str, SourceProfile], Table]


@dataclass(frozen=True)
class Dialect:
    """One form in which some system writes rows.

    Attributes
    ----------
    name : str
        What a user calls it: ``--dialect NAME``, ``dialect=NAME``.
    title : str
        The system or the standard, for lists.
    text : str
        Which forms of it are read, a sentence or two for the documentation.
    kinds : tuple of str
        Kinds of rows that such a file may hold, of `intake.KINDS`.
    open_table : callable
        ``(path, kind, profile) -> Table`` whose names are those of the layout of the kind; further
        names are offered to the ``columns`` of a profile. Raises InputRefused if the file is none
        of the dialect.
    is_certain : callable
        Whether the beginning of a content can be of no other form: only then is it suggested.
    declares : mapping
        What a source profile would say of such files: ``units``, ``time_zone``, ``crs``. A profile
        of the user goes before it.
    vehicle : str
        What is taken for `vehicle_id`; empty if the form names none and the user does.
    """

    name: str
    title: str
    text: str
    kinds: tuple[str, ...]
    open_table: Opener
    is_certain: Callable[[bytes], bool]
    declares: Mapping[str, Any] = field(default_factory=dict)
    vehicle: str = ""


@dataclass(frozen=True)
class Piece:
    """Some rows as a dialect reads them.

    Attributes
    ----------
    columns : dict of str to pyarrow.Array
        Cells by name, all of one length, null where there is nothing; what is left out is empty.
    lines : ndarray of int
        Where each row stands: its line, or its number among the records of a file without lines.
    broken : tuple of Rejection
        What could not be read; it stands in no column.
    remarks : mapping of str to int
        Named counts of what was read in a way the sender should know.
    """

    columns: Mapping[str, Column]
    lines: Ints
    broken: tuple[Rejection, ...] = ()
    remarks: Mapping[str, int] = field(default_factory=dict)


class DialectTable:
    """The rows of a dialect as the table that is checked.

    Parameters
    ----------
    names : sequence of str
        Columns that the pieces may have.
    pieces : callable
        ``(chunk_rows) -> iterator of Piece``.
    """

    decimal_comma = False

    def __init__(self, names: Sequence[str], pieces: Callable[[int], Iterator[Piece]]) -> None:
        self.names = list(names)
        self._pieces = pieces

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield all rows, with the cells of the wanted columns."""
        for piece in self._pieces(chunk_rows):
            none = pa.nulls(len(piece.lines), pa.string())
            cells = {index: piece.columns.get(self.names[index], none) for index in wanted}
            yield Chunk(cells, piece.lines, piece.broken, piece.remarks)


def table_of(piece: Piece) -> DialectTable:
    """The table of rows that are all at hand; only the columns that they have."""
    return DialectTable(list(piece.columns), lambda _: iter((piece,)))


def table_in_pieces(pieces: Iterator[Piece]) -> DialectTable:
    """The table of rows that are read as they are asked for, once; the first are read now."""
    first = next(pieces)
    return DialectTable(list(first.columns), lambda _: chain((first,), pieces))


def without_invalid(piece: Piece, is_valid: Flags, *, file: str) -> Piece:
    """The rows whose device says that it had a fix; the others are refused, each by its line."""
    text = "the device says that it had no fix here; nothing is to be done"
    lines = piece.lines[~is_valid].tolist()
    refused = tuple(Rejection(file, line, "", "fix_not_valid", text) for line in lines)
    return _without(piece, ~is_valid, refused)


def without_shifted(piece: Piece, is_shifted: Flags, profile: SourceProfile, *, file: str) -> Piece:
    """The rows whose coordinates are as the device had them.

    Those that the plug-in of China's maps has encrypted are GCJ-02: they are refused unless the
    profile says that the file is.
    """
    if profile.crs == "gcj02":
        return piece
    text = "the coordinates are encrypted for maps of China; say crs gcj02 if they are GCJ-02"
    lines = piece.lines[is_shifted].tolist()
    refused = tuple(Rejection(file, line, "", "coordinates_encrypted", text) for line in lines)
    return _without(piece, is_shifted, refused)


def _without(piece: Piece, is_refused: Flags, refused: tuple[Rejection, ...]) -> Piece:
    if not refused:
        return piece
    kept = pa.array(~is_refused)
    return Piece(
        {name: cells.filter(kept) for name, cells in piece.columns.items()},
        piece.lines[~is_refused],
        piece.broken + refused,
        piece.remarks,
    )


def content_of(path: Path) -> bytes:
    """The whole file, unpacked if gzip packed it, without a byte-order mark.

    Raises
    ------
    InputRefused
        ``file_unreadable``; ``file_empty`` if there is nothing in it;
        ``file_too_large_for_dialect``.
    """
    try:
        with open_bytes(path) as stream:
            content = stream.read(CONTENT_BYTES_MAX + 1).removeprefix(_BOM)
    except (OSError, EOFError, zlib.error) as failure:
        raise unreadable(path, failure) from failure
    if len(content) > CONTENT_BYTES_MAX:
        raise _too_large(path)
    if not content.strip():
        raise _nothing_in(path)
    return content


def _nothing_in(path: Path) -> InputRefused:
    return InputRefused("file_empty", f"{path.name} is empty.", "Send the file again.")


def _too_large(path: Path) -> InputRefused:
    return InputRefused(
        "file_too_large_for_dialect",
        f"{path.name} must be held whole and is larger than {CONTENT_BYTES_MAX >> 20} MiB.",
        "Send it in parts, or with a record on each line where its dialect has such a form.",
        file=str(path),
    )


def blocks_of(path: Path) -> Iterator[tuple[bytes, int]]:
    """The content in blocks of whole lines, each with how many lines stand before it.

    A file whose first line is no JSON document by itself comes as one block: a list, or a document
    over several lines.

    Raises
    ------
    InputRefused
        As of `content_of`, while it is read.
    """
    if not _begins_with_document(path):
        yield content_of(path), 0
        return
    yield from lines_of(path)


def lines_of(path: Path) -> Iterator[tuple[bytes, int]]:
    """The content in blocks of whole lines, each with how many lines stand before it.

    Raises
    ------
    InputRefused
        As of `content_of`, while it is read.
    """
    lines_before, is_empty = 0, True
    try:
        with open_bytes(path) as stream:
            while block := stream.read(BLOCK_BYTES):
                block += stream.readline(CONTENT_BYTES_MAX)
                if len(block) > CONTENT_BYTES_MAX:
                    raise _too_large(path)
                is_empty &= block.isspace()
                yield (block if lines_before else block.removeprefix(_BOM)), lines_before
                lines_before += block.count(b"\n")
    except (OSError, EOFError, zlib.error) as failure:
        raise unreadable(path, failure) from failure
    if is_empty:
        raise _nothing_in(path)


def _begins_with_document(path: Path) -> bool:
    """Whether the first line that holds anything is a JSON document, however long: pages are."""
    if head_of(path).lstrip()[:1] != b"{":
        return False
    try:
        with open_bytes(path) as stream:
            while (line := stream.readline(CONTENT_BYTES_MAX)).isspace():
                pass
        _DOCUMENT.decode(line.strip(_BLANK))
    except (OSError, EOFError, zlib.error):
        return False  # whoever reads it all says what is wrong
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def head_of(path: Path) -> bytes:
    """The beginning of the content; empty if it cannot be read."""
    try:
        with open_bytes(path) as stream:
            return stream.read(HEAD_BYTES).removeprefix(_BOM)
    except (InputRefused, OSError, EOFError, zlib.error):
        return b""


def not_of(dialect: str, path: Path, expected: str) -> InputRefused:
    """The refusal of a file that is none of the dialect it is said to be of."""
    return InputRefused(
        "dialect_not_met",
        f"{path.name} is not what {dialect} writes: expected {expected}.",
        "Name the dialect that it is of, or none if it has columns of ours.",
        file=str(path),
        dialect=dialect,
    )


def counted_from_one(count: int) -> Ints:
    """The places of records in a file without lines."""
    return np.arange(1, count + 1, dtype=np.int64)
