"""JSON as systems send and log it: one document, a list, or a document on each line.

Records are decoded many at once, straight into typed ones, and not all of a list are held. Only
where one of them is not of its type is each looked at by itself, and the broken ones are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
_SLICE_BYTES = 1 << 22
"""So much of a list is held as objects at once, which take several times that, and many times what
they take as columns. [byte]"""
_ANYTHING = msgspec.json.Decoder(msgspec.Raw)
_T = TypeVar("_T")
_Page = TypeVar("_Page")
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
        if not lines_count:
            return self
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

    def read_blocks(
        self, blocks: Iterable[tuple[bytes, int]], *, file: str
    ) -> Iterator[Records[_T]]:
        """The records of a content, in its order, some at a time.

        Parameters
        ----------
        blocks : iterable of (bytes, int)
            A list of records, one record, or a record on each line, in blocks of lines with how
            many stand before each (`dialect.blocks_of`).
        file : str
            What rejections call it.

        Raises
        ------
        InputRefused
            ``json_unreadable`` if it is a list that is no JSON, or the first block holds no record.
        """
        for content, lines_before in blocks:
            is_none, unreadable = lines_before == 0, []
            for found in self._slices(content, file):
                is_none &= not found.held
                unreadable.append(found.moved_by(lines_before))
                if not is_none:
                    yield from unreadable
                    unreadable = []
            if is_none and any(one.broken for one in unreadable):
                raise _nothing_readable(unreadable[0].broken[0].text)
            yield from unreadable

    def _slices(self, content: bytes, file: str) -> Iterator[Records[_T]]:
        """The records of a content, a list of them some at a time."""
        text = content.strip(_SPACE)
        if text[:1] == b"[":
            yield from self._of_slices(_raws(text), file)
        else:
            yield self._read(content, file)

    def _of_slices(self, parts: Sequence[msgspec.Raw], file: str) -> Iterator[Records[_T]]:
        each_bytes = sum(map(len, parts)) // max(len(parts), 1)
        count = max(_SLICE_BYTES // max(each_bytes, 1), 1)
        for first in range(0, max(len(parts), 1), count):
            found = self.of_parts(parts[first : first + count], file=file)
            yield found.moved_by(first)

    def each(
        self, blocks: Iterable[tuple[bytes, int]], *, file: str
    ) -> Iterator[tuple[bytes, Iterator[tuple[int, _T]], list[Rejection]]]:
        """The same, each record decoded as it is taken, with its line.

        For records of objects inside objects: the collector of garbage looks again and again at all
        that are held at once, which takes longer than decoding them.

        Yields
        ------
        content : bytes
            The block.
        records : iterator
            To be taken before the next block.
        broken : list of Rejection
            What is no record: whole once the records are taken.

        Raises
        ------
        InputRefused
            As of `read_blocks`, by the end of the first block.
        """
        for content, lines_before in blocks:
            broken: list[Rejection] = []
            yield content, self._each(content, lines_before, file, broken=broken), broken

    def _each(
        self, content: bytes, lines_before: int, file: str, *, broken: list[Rejection]
    ) -> Iterator[tuple[int, _T]]:
        text = content.strip(_SPACE)
        is_lines = lines_before or (text[:1] != b"[" and not self._is_one(text))
        parts = enumerate(content.split(b"\n"), start=1) if is_lines else _parts(text)
        is_none = lines_before == 0
        for line, part in parts:
            if not part.strip(_SPACE):
                continue
            try:
                found = self._one.decode(part)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
                broken.append(_unreadable(file, line + lines_before, failure))
            else:
                is_none = False
                yield line + lines_before, found
        if is_none and broken:
            raise _nothing_readable(broken[0].text)

    def _is_one(self, text: bytes) -> bool:
        """Whether a content is one document, and not one on each line."""
        if b"\n" not in text:
            return True
        try:
            _ANYTHING.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

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
            held = self._list.decode(b"[" + b",".join(parts) + b"]")
            return Records(held, _numbers(len(held)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._one_by_one(enumerate(map(bytes, parts), start=1), file)

    def in_pages(
        self,
        pages: Iterable[Records[_Page]],
        parts_of: Callable[[_Page], Iterable[msgspec.Raw]],
        *,
        file: str,
    ) -> Iterator[tuple[list[_Page], Records[_T]]]:
        """Records that stand in pages, some at a time, numbered through all of them.

        Parameters
        ----------
        pages : iterable of Records
            Blocks of pages.
        parts_of : callable
            The records of a page, as they were sent.
        file : str
            What rejections call it.

        Yields
        ------
        pages : list
            Those that begin with these records; empty where they began before.
        records : Records
            What they hold; pages that cannot be read are among the broken.
        """
        before = 0
        for block in pages:
            parts = [part for page in block.held for part in parts_of(page)]
            held, broken = block.held, block.broken
            for found in self._of_slices(parts, file):
                moved = found.moved_by(before)
                yield held, replace(moved, broken=broken + moved.broken)
                held, broken = [], ()
            before += len(parts)

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
                broken.append(_unreadable(file, line, failure))
        return Records(held, np.array(lines, dtype=np.int64), tuple(broken))


def _unreadable(file: str, line: int, failure: Exception) -> Rejection:
    return Rejection(file, line, "", "json_unreadable", f"the record cannot be read: {failure}")


def _nothing_readable(why: str) -> InputRefused:
    return InputRefused(
        "json_unreadable",
        f"No record can be read: {why}.",
        "Send objects: one document, a list, or a document on each line.",
    )


def _parts(text: bytes) -> Iterable[tuple[int, bytes]]:
    """The records of a list, each still as it was sent."""
    if text[:1] != b"[":
        return [(1, text)]
    return [(number, bytes(part)) for number, part in enumerate(_raws(text), start=1)]


def _raws(text: bytes) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
        raise InputRefused(
            "json_unreadable",
            f"The content is no JSON: {failure}",
            "Send it whole: one document, a list, or a document on each line.",
        ) from failure


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
