"""Which memory columns come from: those of a large intake, and those that threads read."""

from __future__ import annotations

import contextlib
import ctypes
from functools import cache

import pyarrow as pa

# From malloc.h of the GNU C library.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 128 << 20
_MAPPED_BYTES = 32 << 20  # the library takes no more


def reuse_memory() -> None:
    """Let this process keep memory that it freed, up to a limit, for the columns that come next.

    The system clears every page before it gives it. Columns live for a moment and are as large as
    what the C library would give back at once, so that clearing took a sixth of an intake's time.
    Arrow then shares that memory. Where there is another C library, everything stays as it is.
    """
    if _keeps_what_is_freed():
        pa.set_memory_pool(pa.system_memory_pool())


@cache
def _keeps_what_is_freed() -> bool:
    """Tell the C library, once."""
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is None:
        return False
    return bool(tune(_MMAP_THRESHOLD, _MAPPED_BYTES) and tune(_TRIM_THRESHOLD, _KEPT_BYTES))


def give_back() -> None:
    """Return to the system what was freed: the C library keeps it between what is still in use.

    Worth the milliseconds it takes where much was freed that nothing will come in the place of.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def share_between_threads() -> None:
    """Let threads that read columns by turns take them from one store of memory.

    By default each keeps what it freed: a close of 100 million fixes held 800 MiB so, not 690.
    Where Arrow was built without that store (jemalloc), everything stays as it is.
    """
    with contextlib.suppress(NotImplementedError):
        pa.set_memory_pool(pa.jemalloc_memory_pool())
