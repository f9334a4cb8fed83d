"""What is the case of the service: jobs, room on disk, the newest closes, beside what is counted.

It is looked up when it is asked for, at most every few seconds.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_carbon.errors import Unavailable
from fleet_carbon.services.running.jobs import JobBook
from fleet_carbon.services.support import metering
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import fleets_on_record, open_storage, workers_on_record

if TYPE_CHECKING:
    from prometheus_client.metrics_core import GaugeMetricFamily

_LOOKED_UP_FOR_S = 5.0


class Looked:
    """What is the case, looked up at most every few seconds by one thread of a process."""

    def __init__(self, settings: Settings, jobs: JobBook) -> None:
        self._settings = settings
        self._jobs = jobs
        self._lock = threading.Lock()
        self._until_s = 0.0
        self._found: list[GaugeMetricFamily] = []

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        from prometheus_client import CollectorRegistry, generate_latest

        looked_up = CollectorRegistry()
        looked_up.register(self)
        return metering.counted_text() + generate_latest(looked_up)

    def collect(self) -> list[GaugeMetricFamily]:
        """What was looked up last."""
        with self._lock:
            if time.monotonic() >= self._until_s:
                self._found = _found(self._settings, self._jobs)
                self._until_s = time.monotonic() + _LOOKED_UP_FOR_S
            return self._found


def _found(settings: Settings, jobs: JobBook) -> list[GaugeMetricFamily]:
    """What is the case, or that nobody knows: numbers are wanted most when something is away."""
    told = "Whether the records could be looked at: 1, or 0 while the database is away."
    try:
        found = list(_looked_up(settings, jobs))
    except Unavailable:
        return [_gauge("database_reachable", told, "", {"": 0.0})]
    return [*found, _gauge("database_reachable", told, "", {"": 1.0})]


def _looked_up(settings: Settings, jobs: JobBook) -> Iterator[GaugeMetricFamily]:
    now = datetime.now(UTC)
    waiting = jobs.under_way()
    states = {
        state: [one for one in waiting if one.state == state] for state in ("waiting", "running")
    }
    yield _gauge(
        "jobs", "Jobs under way.", "state", {name: len(some) for name, some in states.items()}
    )
    ages_s = [(now - one.asked_at).total_seconds() for one in states["waiting"]]
    yield _gauge(
        "job_waiting_seconds_max",
        "Age of the oldest job that waits.",
        "",
        {"": max(ages_s, default=0.0)},
    )
    with workers_on_record(settings, read_only=True) as workers:
        seen_s = {one.worker_id: (now - one.seen_at).total_seconds() for one in workers.all()}
    yield _gauge("worker_seen_seconds", "Time since a worker was seen.", "worker", seen_s)
    free = {name: float(shutil.disk_usage(path).free) for name, path in folders_of(settings)}
    yield _gauge("disk_free_bytes", "Room left.", "folder", free)
    yield from _of_fleets(settings)


def _of_fleets(settings: Settings) -> Iterator[GaugeMetricFamily]:
    closes: dict[str, float] = {}
    waiting: dict[str, int] = {}
    fixes: dict[str, int] = {}
    for fleet_id in fleets_on_record(settings):
        of_fleet = settings.model_copy(update={"fleet": fleet_id})
        with closing(open_storage(of_fleet)) as storage, storage.look() as work:
            fixes[fleet_id] = storage.waiting_fixes_count()
            newest_at = work.closings.newest_at()
            waiting[fleet_id] = work.webhooks.waiting_count()
        if newest_at is not None:
            closes[fleet_id] = newest_at.timestamp()
    yield _gauge("last_close_timestamp_seconds", "When a month was closed last.", "fleet", closes)
    yield _gauge("positions_waiting", "Fixes on record in journals.", "fleet", fixes)
    yield _gauge("webhooks_waiting", "Deliveries that wait.", "fleet", waiting)


def _gauge(name: str, told: str, label: str, values: dict[str, Any]) -> GaugeMetricFamily:
    from prometheus_client.metrics_core import GaugeMetricFamily

    gauge = GaugeMetricFamily(f"fleet_carbon_{name}", told, labels=[label] if label else [])
    for value, number in values.items():
        gauge.add_metric([value] if label else [], number)
    return gauge


def folders_of(settings: Settings) -> list[tuple[str, Path]]:
    """The folders on this machine that the service needs room in, by what they are for."""
    home = settings.home.expanduser().absolute()
    found = [("home", home), ("temporary", Path(tempfile.gettempdir()))]
    if settings.traces_url is None:
        found.append(("traces", home / "traces"))
    elif settings.traces_url.startswith("file://"):
        found.append(("traces", Path(settings.traces_url.removeprefix("file://"))))
    return [(name, path) for name, path in found if path.is_dir()]
