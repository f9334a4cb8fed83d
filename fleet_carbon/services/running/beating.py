"""A worker says every few seconds that it is there."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.support import logs
from fleet_carbon.services.support.side_threads import running_beside
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import workers_on_record
from fleet_carbon.storage.worker_beats import WorkerSeen

EVERY_S = 15.0
"""How often a worker says that it is there. [s]"""

_FORGOTTEN_AFTER = timedelta(days=1)


@contextmanager
def beating(settings: Settings) -> Iterator[None]:
    """Say so while the block runs, and at its end that the worker has gone.

    Parameters
    ----------
    settings : Settings
        `home` and `database_url`.
    """
    me, begun_at = uuid4().hex, datetime.now(UTC)

    def beat(is_over: threading.Event) -> None:
        while True:
            try:
                _say(settings, me, begun_at)
            except FleetCarbonError as refused:  # a database that is away comes back
                logs.tell("heartbeat missed", level="warning", code=refused.code)
            if is_over.wait(EVERY_S):
                return

    try:
        with running_beside("heartbeat", beat):
            yield
    finally:
        with suppress(FleetCarbonError), workers_on_record(settings, read_only=False) as workers:
            workers.remove(me)


def _say(settings: Settings, me: str, begun_at: datetime) -> None:
    now = datetime.now(UTC)
    seen = WorkerSeen(me, platform.node(), os.getpid(), begun_at, now)
    with workers_on_record(settings, read_only=False) as workers:
        workers.put(seen)
        workers.remove_before(now - _FORGOTTEN_AFTER)
