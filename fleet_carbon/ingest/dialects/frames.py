"""Frames in a content, binary or written in hexadecimal, and what is said of those refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest.dialects import framing
from fleet_carbon.ingest.dialects.framing import Bytes, Ints

# No text holds lower ones, in whatever encoding; every frame does.
_TEXT_BYTE_FIRST = 9


@dataclass(frozen=True, eq=False)
class Frames:
    """Where the frames of a content stand.

    Attributes
    ----------
    data : uint8 array
        The frames with their marks, one after the other.
    starts, stops : int64 arrays, shape (n_frames,)
        Between which places of it each stands, without the marks.
    lines : int64 array, shape (n_frames,)
        The line of each in a log, else its number.
    lines_without_count : int
        Lines of a log that hold something and no frame.
    """

    data: Bytes
    starts: Ints
    stops: Ints
    lines: Ints
    lines_without_count: int = 0

    def room(self, columns_count: int, row_bytes: int) -> Any:
        """Room for the numbers of as many rows as can stand in the data."""
        return np.empty((columns_count, len(self.data) // row_bytes + 1), dtype=np.int64)

    def remarks(self, verdicts: Ints) -> dict[str, int]:
        """Named counts of what is no row."""
        others = int((verdicts == framing.OTHER).sum())
        without = self.lines_without_count
        counts = {"messages_of_other_kinds": others, "lines_without_frame": without}
        return {name: count for name, count in counts.items() if count}

    def refused(self, verdicts: Ints, *, file: str) -> tuple[Rejection, ...]:
        """A rejection for each frame that could not be read."""
        is_refused = (verdicts != framing.SOUND) & (verdicts != framing.OTHER)
        return tuple(self._rejections(np.flatnonzero(is_refused), verdicts, file))

    def _rejections(self, places: Ints, verdicts: Ints, file: str) -> Iterator[Rejection]:
        for frame in places.tolist():
            where = f"frame {frame + 1} at byte {int(self.starts[frame])} of the frames"
            code, text = _fault(int(verdicts[frame]), where)
            yield Rejection(file, int(self.lines[frame]), "", code, text)


def _fault(verdict: int, where: str) -> tuple[str, str]:
    faults = (
        (framing.ESCAPE_WRONG, "frame_escape_wrong", f"{where} has an escape that is none"),
        (
            framing.CHECK_WRONG,
            "frame_check_wrong",
            f"{where} does not fit its check: cut off or damaged",
        ),
        (
            framing.LENGTH_WRONG,
            "frame_length_wrong",
            f"{where} has another length than it says, or than its kind has",
        ),
        (framing.ENCRYPTED, "frame_encrypted", f"{where} is encrypted: log it after decryption"),
        (
            framing.IN_PARTS,
            "frame_in_parts",
            f"{where} is a further part of a message: log it when it is put together",
        ),
    )
    return next((code, text) for known, code, text in faults if known == verdict)


def frames_of(content: bytes, marks: tuple[int, ...]) -> Frames:
    """The frames between marks, of a log in hexadecimal or of bytes as they were sent.

    Parameters
    ----------
    content : bytes
        Whole.
    marks : tuple of int
        The byte that begins a frame, and that which ends it where it is another.
    """
    text = np.frombuffer(content, dtype=np.uint8)
    if bool((text < _TEXT_BYTE_FIRST).any()):
        data = text.copy()  # as compiled code is made for
        starts, stops = _between(data, marks)
        return Frames(data, starts, stops, np.arange(1, len(starts) + 1, dtype=np.int64))
    data = np.empty(len(text) // 2 + 1, dtype=np.uint8)
    runs, run_lines = (np.empty(len(text) // 3 + 2, dtype=np.int64) for _ in range(2))
    size, count, without = framing.bytes_of_hex(text, marks[0], marks[-1], data, runs, run_lines)
    starts, stops = _between(data[:size], marks)
    lines = run_lines[:count][np.searchsorted(runs[:count], starts, side="right") - 1]
    return Frames(data[:size], starts, stops, lines, without)


def _between(data: Bytes, marks: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Where the bytes between marks begin and end; nothing between two marks is no frame."""
    is_mark = data == marks[0]
    for mark in marks[1:]:
        is_mark |= data == mark
    at = np.flatnonzero(is_mark)
    starts = np.concatenate([[0], at + 1]).astype(np.int64)
    stops = np.concatenate([at, [len(data)]]).astype(np.int64)
    is_filled = stops > starts
    return starts[is_filled], stops[is_filled]
