"""JSON as systems send and log it: one document, a list, or a document on each line.

All records are decoded at once, straight into typed ones. Only where one of them is not of its
type is each looked at by itself, and the broken ones are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from fleet_carbon.errors import InputRefused, Rejection
from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.values import Ints

_SPACE = b" \t\r\n"
_T = TypeVar("_T")
Scalar = str | int | float | bool | None
"""What a cell may be whatever the documentation says: the checks judge it, not the decoder."""


@dataclass(frozen=True)
class Records(Generic[_T]):
    """Records of a file.

    Attributes
    ----------
    held : list
        Those that are of the type.
    lines : ndarray of int
        The line of each, or its number in a list.
    broken : tuple of Rejection
        The others.
    """

    held: list[_T]
    lines: Ints
    broken: tuple[Rejection, ...] = ()

    def moved_by(self, lines_count: int) -> Records[_T]:
        """The same that many lines further down."""
        broken = tuple(replace(one, line=one.line + lines_count) for one in self.broken)
        return Records(self.held, self.lines + lines_count, broken)


class RecordReader(Generic[_T]):
    """Decodes records of one type.

    Parameters
    ----------
    record : type
        A `msgspec.Struct`.
    """

    def __init__(self, record: type[_T]) -> None:
        self._one: Any = msgspec.json.Decoder(record)
        self._list: Any = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def read(self, content: bytes, *, file: str) -> Records[_T]:
        """The records of a content, in its order.

        Parameters
        ----------
        content : bytes
            A list of records, one record, or a record on each line.
        file : str
            What rejections call it.

        Raises
        ------
        InputRefused
            ``json_unreadable`` if it is a list that is no JSON, or holds no record at all.
        """
        found = self._read(content, file)
        if found.broken and not found.held:
            raise InputRefused(
                "json_unreadable",
                f"No record can be read: {found.broken[0].text}.",
                "Send objects: one document, a list, or a document on each line.",
            )
        return found

    def read_blocks(
        self, blocks: Iterable[tuple[bytes, int]], *, file: str
    ) -> Iterator[Records[_T]]:
        """The records of a content that comes in blocks of lines (`dialect.blocks_of`).

        Raises
        ------
        InputRefused
            As of `read`, by the first block.
        """
        for content, lines_before in blocks:
            found = self._read(content, file) if lines_before else self.read(content, file=file)
            yield found.moved_by(lines_before) if lines_before else found

    def _read(self, content: bytes, file: str) -> Records[_T]:
        if content[:1] == b"{" and b"\n\n" not in content:
            try:
                held = self._one.decode_lines(content)
                return Records(held, _numbers(len(held)))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        text = content.strip(_SPACE)
        try:
            if text[:1] == b"[":
                held = self._list.decode(text)
                return Records(held, _numbers(len(held)))
            return Records([self._one.decode(text)], _numbers(1))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            is_lines = text[:1] != b"[" and b"\n" in text
            parts = enumerate(content.split(b"\n"), start=1) if is_lines else _parts(text)
            return self._one_by_one(parts, file)

    def of_parts(self, parts: Sequence[msgspec.Raw], *, file: str) -> Records[_T]:
        """Records that stood inside others, numbered in their order."""
        try:
            held = self._list.decode(b"[" + b",".join(map(bytes, parts)) + b"]")
            return Records(held, _numbers(len(held)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._one_by_one(enumerate(map(bytes, parts), start=1), file)

    def _one_by_one(self, parts: Iterable[tuple[int, bytes]], file: str) -> Records[_T]:
        held: list[_T] = []
        lines: list[int] = []
        broken: list[Rejection] = []
        for line, part in parts:
            if not part.strip(_SPACE):
                continue
            try:
                held.append(self._one.decode(part))
                lines.append(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
                text = f"the record cannot be read: {failure}"
                broken.append(Rejection(file, line, "", "json_unreadable", text))
        return Records(held, np.array(lines, dtype=np.int64), tuple(broken))


def _parts(text: bytes) -> Iterable[tuple[int, bytes]]:
    """The records of a list, each still as it was sent."""
    if text[:1] != b"[":
        return [(1, text)]
    try:
        parts = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
        raise InputRefused(
            "json_unreadable",
            f"The content is no JSON: {failure}",
            "Send it whole: one document, a list, or a document on each line.",
        ) from failure
    return [(number, bytes(part)) for number, part in enumerate(parts, start=1)]


def _numbers(count: int) -> Ints:
    return np.arange(1, count + 1, dtype=np.int64)


def column_of(records: Sequence[Any], name: str) -> Column:
    """A member of every record as a column; numbers as such, mixed cells as text.

    Examples
    --------
    >>> from types import SimpleNamespace as Record
    >>> column_of([Record(at=1), Record(at="x")], "at").to_pylist()
    ['1', 'x']
    """
    return cells_of(list(map(attrgetter(name), records)))


def cells_of(cells: list[Any]) -> Column:
    """Cells as a column, likewise."""
    try:
        column = pa.array(cells)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([_text(cell) for cell in cells], pa.string())
    return column.cast(pa.string()) if pa.types.is_boolean(column.type) else column


def _text(cell: Any) -> str | None:
    return cell if cell is None or isinstance(cell, str) else str(cell)


def text_column(records: Sequence[Any], name: str) -> Column:
    """A member of every record as text, as identifiers are; 7 and "7" are the same."""
    cells = list(map(attrgetter(name), records))
    try:
        column = pa.array(cells)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        column = None
    if column is not None and not pa.types.is_floating(column.type):
        return column.cast(pa.string())
    return pa.array([_text(cell) for cell in cells], pa.string())
