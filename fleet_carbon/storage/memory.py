"""Which memory the columns of a large intake come from."""

from __future__ import annotations

import ctypes
from functools import cache

import pyarrow as pa

# From malloc.h of the GNU C library.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 128 << 20
_MAPPED_BYTES = 32 << 20  # the library takes no more


@cache
def reuse_memory() -> None:
    """Let this process keep memory that it freed, up to a limit, for the columns that come next.

    The system clears every page before it gives it. Columns live for a moment and are as large as
    what the C library would give back at once, so that clearing took a sixth of an intake's time.
    Arrow then shares that memory. Where there is another C library, everything stays as it is.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is None:
        return
    if tune(_MMAP_THRESHOLD, _MAPPED_BYTES) and tune(_TRIM_THRESHOLD, _KEPT_BYTES):
        pa.set_memory_pool(pa.system_memory_pool())
