"""`fleet-carbon`, each process of which dies at every n-th time it makes sure of a file.

`python -m tests.web.dying_server N WORDS`: a kill just before the disk has it, or just after.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable

from fleet_carbon import cli


def dying(sync: Callable[[int], None], every: int) -> Callable[[int], None]:
    """Sync a file, unless this is the time to die."""
    # Shared by the processes that are forked; without a lock, which one could die with.
    counted = multiprocessing.RawValue(ctypes.c_long, 0)

    def synced(file: int) -> None:
        counted.value += 1
        turn, rest = divmod(counted.value, every)
        if rest == 0 and turn % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(file)
        if rest == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return synced


if __name__ == "__main__":
    every = int(sys.argv.pop(1))
    os.fsync = dying(os.fsync, every)
    os.fdatasync = dying(os.fdatasync, every)
    cli.main()
