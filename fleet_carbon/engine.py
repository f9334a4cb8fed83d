"""Runs jobs that share nothing: in threads, in processes, or on a Dask cluster.

In: a function of one job and the jobs, in order. Out: one result per job, in the order of the
jobs, the same bytes from every way of running. Jobs are drawn as they are needed, so that a long
row of them never lies in memory at once.
"""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fleet_carbon.errors import FleetCarbonError, InputRefused

Job = TypeVar("Job")
Result = TypeVar("Result")

THREADS, PROCESSES = "threads", "processes"
_CLUSTER_SCHEMES = ("tcp", "tls", "ws", "wss")
# Jobs that wait per worker: enough that none runs dry, few enough to hold in memory.
_JOBS_WAITING_PER_WORKER = 2
_CONNECT_S_MAX = 20
# How long a thread may keep the interpreter while another one waits for it.
_TURN_S = 0.0005
# What decides the bytes of a result; a worker with others would give other figures.
_PARTS = ("fleet-carbon", "numba", "numpy", "pandas", "pyarrow", "scipy")


@dataclass(frozen=True)
class Way:
    """How jobs are run.

    Attributes
    ----------
    scheduler : str
        ``threads``, ``processes``, or the address of a Dask scheduler.
    workers : int
        How many jobs run at a time; a cluster has as many as its workers have threads.
    """

    scheduler: str = THREADS
    workers: int = 1

    @property
    def is_cluster(self) -> bool:
        """Whether the jobs leave this machine's control."""
        return self.scheduler not in (THREADS, PROCESSES)


def way_of(scheduler: str | None, workers: int | None) -> Way:
    """Decide how jobs are run; by default in threads, one per processor.

    Parameters
    ----------
    scheduler : str, optional
        ``threads``, ``processes``, or an address such as ``tcp://10.0.0.1:8786``.
    workers : int, optional
        Jobs at a time; on a cluster its workers rule.

    Raises
    ------
    InputRefused
        If the scheduler is none of these, or there would be no worker.

    Examples
    --------
    >>> way_of("processes", 3)
    Way(scheduler='processes', workers=3)
    """
    wanted = scheduler or THREADS
    if wanted not in (THREADS, PROCESSES) and urlsplit(wanted).scheme not in _CLUSTER_SCHEMES:
        raise InputRefused(
            "scheduler_unknown",
            f"{wanted!r} is no way to run the work.",
            "Give threads, processes, or the address of a Dask scheduler: tcp://host:8786.",
        )
    if workers is not None and workers < 1:
        raise InputRefused(
            "workers_none", f"{workers} workers can do no work.", "Give 1 or more, or none at all."
        )
    return Way(wanted, workers or processors_count())


def processors_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(function: Callable[[Job], Result], jobs: Iterable[Job], *, way: Way) -> Iterator[Result]:
    """The results of all jobs in the order of the jobs.

    Parameters
    ----------
    function : callable
        Pure function of one job, module-level; on a cluster a worker may run a job twice.
    jobs : iterable
        Drawn one by one, a few ahead of the work.
    way : Way
        How they are run.

    Raises
    ------
    Exception
        Whatever a job raised, at its place in the order; the jobs after it are given up.
    FleetCarbonError
        If a worker process died, or the cluster cannot be reached.

    Examples
    --------
    >>> list(run(abs, [-2, 3], way=Way()))
    [2, 3]
    """
    waiting = iter(jobs)
    first = list(islice(waiting, 2))
    everything = chain(first, waiting)
    if not way.is_cluster and (way.workers == 1 or len(first) < 2):
        yield from map(function, everything)
        return
    with _executor(way) as (executor, workers):
        try:
            yield from _in_order(executor, function, everything, workers * _JOBS_WAITING_PER_WORKER)
        except BrokenProcessPool as lost:
            raise FleetCarbonError(
                "worker_lost",
                "A worker process was ended from outside, perhaps for want of memory.",
                "Run the command again: it goes on where it stopped. Fewer --workers need less.",
            ) from lost


def _in_order(
    executor: Executor, function: Callable[[Job], Result], jobs: Iterator[Job], waiting: int
) -> Iterator[Result]:
    under_way: deque[Future[Result]] = deque()
    try:
        under_way.extend(executor.submit(function, job) for job in islice(jobs, waiting))
        while under_way:
            result = under_way.popleft().result()
            for job in islice(jobs, 1):
                under_way.append(executor.submit(function, job))
            yield result
    finally:
        for future in under_way:
            future.cancel()


@contextmanager
def _executor(way: Way) -> Iterator[tuple[Executor, int]]:
    if way.is_cluster:
        with _cluster(way.scheduler) as client:
            workers = sum(client.nthreads().values())
            yield client.get_executor(pure=False, retries=2), workers
        return
    executor: Executor
    if way.scheduler == PROCESSES:
        # Fresh processes on every machine: a forked one would inherit locks and connections.
        executor = ProcessPoolExecutor(
            way.workers, multiprocessing.get_context("spawn"), initializer=_leave_stopping_to_parent
        )
    else:
        executor = ThreadPoolExecutor(way.workers, thread_name_prefix="jobs")
    with _short_turns(), executor:
        yield executor, way.workers


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads hand on the interpreter soon.

    Compiled code of the jobs comes back to it every fraction of a millisecond; by default it would
    wait five while the results are worked on.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


def _leave_stopping_to_parent() -> None:
    """Ctrl-C reaches every process of a terminal; one of them is enough to say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as missing:
        raise InputRefused(
            "cluster_not_installed",
            "Running on a cluster needs Dask, which is not installed.",
            "Install the extra: pip install 'fleet-carbon[cluster]'.",
        ) from missing
    try:
        client = Client(address, timeout=_CONNECT_S_MAX, set_as_default=False)
    except (OSError, ValueError) as unreachable:
        raise InputRefused(
            "scheduler_unreachable",
            f"No Dask scheduler answers at {address}: {unreachable}",
            "Start one with `dask scheduler` and workers with `dask worker ADDRESS`.",
        ) from unreachable
    with client:
        _refuse_other_programs(client, address)
        yield client


def _refuse_other_programs(client: Any, address: str) -> None:
    """The same bytes come from the same program only."""
    ours = installed_parts()
    found: dict[str, dict[str, str]] = client.run(installed_parts)
    if not found:
        raise InputRefused(
            "cluster_without_workers",
            f"The scheduler at {address} has no workers.",
            "Start some with `dask worker ADDRESS`, where this program is installed.",
        )
    for worker, theirs in sorted(found.items()):
        for name in _PARTS:
            if theirs.get(name) == ours[name]:
                continue
            raise InputRefused(
                "worker_differs",
                f"The worker {worker} has {name} {theirs.get(name)}, this program {ours[name]}.",
                "Install the same versions on every worker: figures must not depend on the place.",
            )


def installed_parts() -> dict[str, Any]:
    """Versions of everything that decides the bytes of a result, None where not installed."""
    parts: dict[str, Any] = {}
    for name in _PARTS:
        try:
            parts[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            parts[name] = None
    return parts
