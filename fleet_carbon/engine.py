"""Runs the work of one vehicle after the other: in this process or in several.

In: a function of one job and the jobs, in order. Out: one result per job, in the order of the
jobs, the same from every way of running. The jobs are drawn as they are needed, so that a
long row of them never lies in memory at once.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

# Starting a process and its imports costs about as much as this many vehicles of a month.
VEHICLES_WORTH_A_PROCESS = 40
# Jobs that wait per process: enough that none runs dry, few enough to hold in memory.
_JOBS_WAITING_PER_WORKER = 3


def workers_for(vehicles: int) -> int:
    """How many processes pay off for that many vehicles, at least 1, at most the processors.

    Examples
    --------
    >>> workers_for(8)
    1
    """
    return max(1, min(os.cpu_count() or 1, vehicles // VEHICLES_WORTH_A_PROCESS))


def run(
    function: Callable[[Job], Result], jobs: Iterable[Job], *, workers: int
) -> Iterator[Result]:
    """The results of all jobs in the order of the jobs.

    Parameters
    ----------
    function : callable
        Pure function of one job; with several workers a module-level one.
    jobs : iterable
        Drawn one by one, a few ahead of the work.
    workers : int
        1 runs in this process; more run as many processes.

    Raises
    ------
    Exception
        Whatever a job raised, at its place in the order; the jobs after it are given up.

    Examples
    --------
    >>> list(run(abs, [-2, 3], workers=1))
    [2, 3]
    """
    if workers <= 1:
        yield from map(function, jobs)
        return
    # Fresh processes on every machine: a forked one would inherit locks and connections.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        try:
            yield from _in_order(pool, function, iter(jobs), workers * _JOBS_WAITING_PER_WORKER)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor,
    function: Callable[[Job], Result],
    jobs: Iterator[Job],
    waiting: int,
) -> Iterator[Result]:
    under_way: deque[Future[Result]] = deque(
        pool.submit(function, job) for job in islice(jobs, waiting)
    )
    while under_way:
        result = under_way.popleft().result()
        for job in islice(jobs, 1):
            under_way.append(pool.submit(function, job))
        yield result
