"""Positions that came by the request become segments, beside the work of the service."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.support.side_threads import running_beside
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import fleets_on_record, open_storage

_LOOKED_EVERY_S = 5.0
# So many are folded at once; fewer wait until they are this old at most.
_ROWS_MIN = 2_000_000
_WAITING_S_MAX = 60.0
_NICENESS = 10


def fold(settings: Settings, *, rows_min: int = 1) -> int:
    """Make segments of the positions of a fleet that wait in journals.

    Parameters
    ----------
    settings : Settings
        The fleet.
    rows_min : int
        Leave them if fewer wait.

    Returns
    -------
    rows_count : int
        Fixes that were folded.
    """
    with closing(open_storage(settings)) as storage:
        return storage.fold(rows_min=rows_min)


@contextmanager
def kept_folded(settings: Settings) -> Iterator[None]:
    """Fold the journals of all fleets while the block runs.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    """
    with running_beside("folding", partial(_run, settings)):
        yield


def _give_way() -> None:
    """Let this thread have what the processors have left: who sends positions waits for them."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _run(settings: Settings, is_over: threading.Event) -> None:
    _give_way()
    folded_s = time.monotonic()
    while not is_over.wait(_LOOKED_EVERY_S):
        is_time = time.monotonic() - folded_s >= _WAITING_S_MAX
        try:
            for fleet_id in fleets_on_record(settings):
                of_fleet = settings.model_copy(update={"fleet": fleet_id})
                fold(of_fleet, rows_min=1 if is_time else _ROWS_MIN)
        except FleetCarbonError:
            continue  # a database that is away, a disk that is full: what waits is on record
        if is_time:
            folded_s = time.monotonic()
