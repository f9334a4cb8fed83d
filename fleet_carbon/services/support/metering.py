"""What happens in requests, counted, in the text format of Prometheus.

It is counted by the process that answers, in a file that all processes of a server share.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fleet_carbon.services.support.process_folders import shared_folder
from fleet_carbon.settings import Settings
from fleet_carbon.storage.connections import connections_used

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_DURATIONS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@contextmanager
def shared_between_processes() -> Iterator[None]:
    """Let the processes that are started in the block count together."""
    with shared_folder("metrics") as folder:
        os.environ[_SHARED] = str(folder)  # read by the library when it is loaded, in each process
        yield


@dataclass(frozen=True)
class _Meters:
    registry: CollectorRegistry
    requests: Any
    durations: Any
    rows: Any
    connections: Any


@lru_cache(maxsize=1)
def _meters() -> _Meters:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

    registry = CollectorRegistry()
    return _Meters(
        registry,
        Counter(
            "fleet_carbon_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        ),
        Histogram(
            "fleet_carbon_request_duration_seconds",
            "Time from the first look at a request to its answer.",
            ("route",),
            buckets=_DURATIONS_S,
            registry=registry,
        ),
        Counter("fleet_carbon_rows", "Rows received.", ("kind", "outcome"), registry=registry),
        Gauge(
            "fleet_carbon_database_connections",
            "Connections to the database in use.",
            registry=registry,
            multiprocess_mode="livesum",
        ),
    )


def count_request(
    settings: Settings, method: str, route: str, *, status: int, duration_s: float
) -> None:
    """Count a request that was answered.

    Parameters
    ----------
    settings : Settings
        Whose connections to the database are counted, too.
    method, route : str
        The route as a template, for there are few of these.
    status : int
        Of HTTP.
    duration_s : float
        [s]
    """
    meters = _meters()
    meters.requests.labels(method, route, str(status)).inc()
    meters.durations.labels(route).observe(duration_s)
    meters.connections.set(connections_used(settings))


def count_rows(kind: str, rows: dict[str, int]) -> None:
    """Count rows that came.

    Parameters
    ----------
    kind : str
        positions, orders, ...
    rows : dict of str to int
        By outcome: accepted, duplicate, rejected.
    """
    for outcome, count in rows.items():
        if count:
            _meters().rows.labels(kind, outcome).inc(count)


def forget_process(process_id: int) -> None:
    """A process has ended: what it used is in use no more."""
    if _SHARED in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(process_id)  # type: ignore[no-untyped-call]  # untyped there


def counted_text() -> bytes:
    """Everything counted by all processes, as Prometheus reads it."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    if _SHARED in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # untyped there
    else:
        counted = _meters().registry
    return generate_latest(counted)
