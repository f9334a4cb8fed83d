"""What is under way in some process now, by name: known again as free when that process is gone."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = "under_way.lock"
_OFFSETS_BITS = 62


class _Held:
    """What this process holds of one file.

    The system takes locks on ranges of a file back when their process ends, however it ends. It
    does so too when the process closes the file, which therefore stays open.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._offsets: set[int] = set()
        self._file = path.open("ab")

    def take(self, offset: int) -> bool:
        with self._lock:
            if offset in self._offsets:
                return False
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
            except BlockingIOError:
                return False
            self._offsets.add(offset)
            return True

    def give_back(self, offset: int) -> None:
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, offset)
            self._offsets.discard(offset)


_opening = threading.Lock()
_held_by: dict[tuple[int, Path], _Held] = {}


def _held(home: Path) -> _Held:
    """Of this process: one that was forked holds nothing of what its parent held."""
    key = os.getpid(), home
    with _opening:
        if key not in _held_by:
            _held_by[key] = _Held(home / LOCK_NAME)
        return _held_by[key]


@contextmanager
def alone(home: Path, name: str) -> Iterator[bool]:
    """Whether nobody else does what has this name; then nobody else begins it in the block.

    Parameters
    ----------
    home : Path
        Folder that all processes share.
    name : str
        Any; of two names that are unequal one holds the other back once in 2**62 times.
    """
    digest = hashlib.sha256(name.encode()).digest()
    offset = int.from_bytes(digest[:8], "big") >> (64 - _OFFSETS_BITS)
    held = _held(home)
    if not held.take(offset):
        yield False
        return
    try:
        yield True
    finally:
        held.give_back(offset)
