"""Files that are far larger inside than they are: found before anything unpacks them in memory.

Who sends over a network is not trusted: a workbook of some kilobytes can unpack to gigabytes, or
place one cell so far away that the sheet around it fills the memory. What is counted is what would
be unpacked, not what the file says of itself, except for Parquet, whose pages are read in pieces.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.delimited import is_gzip, unreadable

_ZIP_MAGIC, _COMPOUND_MAGIC, _PARQUET_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
_BLOCK_BYTES = 1 << 20
_REFERENCE = re.compile(rb"""[ \t\r\n](?:r|ref)=["'](?:[A-Z]+\d+:)?([A-Z]{1,7})(\d{1,9})["']""")
_REFERENCE_BYTES_MAX = 64
# A sheet is held as a rectangle up to its last cell, whatever is written in it.
_CELL_BYTES = 8
_TEXT_BYTES = 4  # of a value in a column of texts, at least
# Of a message of Arrow IPC: kinds of its header, and fields of its tables by their number.
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2
_HEADER_TYPE, _HEADER, _BUFFERS, _COMPRESSION, _DATA = 1, 2, 2, 3, 1


def refuse_swollen(path: Path, unpacked_bytes_max: int) -> None:
    """Pass only a file that is no larger inside than allowed.

    Parameters
    ----------
    path : Path
        Workbook, Parquet or text.
    unpacked_bytes_max : int
        What it may come to. [byte]

    Raises
    ------
    InputRefused
        ``body_too_large``, ``body_unreadable`` or ``file_unreadable``.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if is_gzip(path):
        raise InputRefused(
            "body_unreadable",
            "The body is packed by gzip, and nothing says so.",
            "Send it with Content-Encoding: gzip.",
        )
    if head == _ZIP_MAGIC:
        _refuse_swollen_workbook(path, unpacked_bytes_max)
    elif head == _COMPOUND_MAGIC:
        raise InputRefused(
            "file_unreadable",
            "The body is a workbook in the old format of Excel.",
            "Save it as XLSX and send it again.",
        )
    elif head == _PARQUET_MAGIC:
        _refuse_swollen_parquet(path, unpacked_bytes_max)


def too_large(unpacked_bytes_max: int) -> InputRefused:
    """What is said of a body that is larger inside than allowed."""
    return InputRefused(
        "body_too_large",
        f"The body unpacks to more than {unpacked_bytes_max:,} bytes.",
        "Send it in parts.",
    )


def _refuse_swollen_workbook(path: Path, unpacked_bytes_max: int) -> None:
    left_bytes = unpacked_bytes_max
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                last_row = last_column = 1
                for block, carried in _blocks(archive, member, left_bytes):
                    left_bytes -= len(block)
                    if left_bytes < 0:
                        raise too_large(unpacked_bytes_max)
                    for letters, digits in _REFERENCE.findall(carried + block):
                        last_row = max(last_row, int(digits))
                        last_column = max(last_column, _column_of(letters))
                if last_row * last_column * _CELL_BYTES > unpacked_bytes_max:
                    raise too_large(unpacked_bytes_max)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as failure:
        raise unreadable(path, failure) from failure
    except (ValueError, NotImplementedError, struct.error) as failure:
        raise unreadable(path, failure) from failure


def _blocks(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, left_bytes: int
) -> Iterator[tuple[bytes, bytes]]:
    """What a member unpacks to, and before each block the end of the one before it."""
    member.file_size = left_bytes + 1  # what it says is not believed
    carried = b""
    with archive.open(member) as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block, carried
            carried = block[-_REFERENCE_BYTES_MAX:]


def _column_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _refuse_swollen_parquet(path: Path, unpacked_bytes_max: int) -> None:
    try:
        metadata = pa_parquet.read_metadata(path)
        types = metadata.schema.to_arrow_schema().types
        row_bytes = sum(map(_width_bytes, types))
    except (OSError, pa.ArrowException) as failure:
        raise unreadable(path, failure) from failure
    if metadata.num_rows * row_bytes > unpacked_bytes_max:
        raise too_large(unpacked_bytes_max)


def _width_bytes(of: pa.DataType) -> int:
    try:
        return -(-int(of.bit_width) // 8)
    except ValueError:
        return _TEXT_BYTES


def refuse_swollen_arrow(sent: pa.Buffer, unpacked_bytes_max: int) -> None:
    """Pass only a stream of Arrow IPC whose buffers come to no more than allowed, unpacked.

    Raises
    ------
    InputRefused
        ``body_too_large``.
    pa.ArrowInvalid
        If it is no stream.
    """
    left_bytes = unpacked_bytes_max
    for message in pa.ipc.MessageReader.open_stream(sent):
        if message.body is None or not message.body.size:
            continue
        try:
            left_bytes -= _unpacked_bytes(message.metadata.to_pybytes(), memoryview(message.body))
        except struct.error as broken:
            raise pa.ArrowInvalid("a message has no sound header") from broken
        if left_bytes < 0:
            raise too_large(unpacked_bytes_max)


def _unpacked_bytes(metadata: bytes, body: memoryview) -> int:
    """What the buffers of a message come to.

    A packed buffer begins with its size unpacked, -1 if it is not packed (Arrow columnar format,
    "Compression").
    """
    message = _Table(metadata, *struct.unpack_from("<I", metadata, 0))
    kind = message.field(_HEADER_TYPE)
    header = message.field(_HEADER)
    if kind is None or header is None:
        return len(body)
    batch = message.table(header)
    if metadata[kind] == _DICTIONARY_BATCH:
        data = batch.field(_DATA)
        if data is None:
            return len(body)
        batch = batch.table(data)
    elif metadata[kind] != _RECORD_BATCH:
        return len(body)
    buffers = batch.field(_BUFFERS)
    if buffers is None or batch.field(_COMPRESSION) is None:
        return len(body)
    return sum(_sizes(metadata, body, buffers + struct.unpack_from("<I", metadata, buffers)[0]))


def _sizes(metadata: bytes, body: memoryview, vector: int) -> Iterator[int]:
    (count,) = struct.unpack_from("<I", metadata, vector)
    for number in range(count):
        offset, size = struct.unpack_from("<qq", metadata, vector + 4 + 16 * number)
        if size < 8 or offset < 0:
            continue
        (unpacked,) = struct.unpack_from("<q", body, offset)
        yield size if unpacked < 0 else unpacked


class _Table:
    """A table of a FlatBuffer: where its fields lie, by their number."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at
        (back,) = struct.unpack_from("<i", content, at)
        self._fields = at - back
        self._fields_bytes = struct.unpack_from("<H", content, self._fields)[0]

    def field(self, number: int) -> int | None:
        """Where a field lies; None if it is not there."""
        place = 4 + 2 * number
        if place + 2 > self._fields_bytes:
            return None
        (offset,) = struct.unpack_from("<H", self._content, self._fields + place)
        return self._at + offset if offset else None

    def table(self, field: int) -> _Table:
        """The table that a field points to."""
        return _Table(self._content, field + struct.unpack_from("<I", self._content, field)[0])
