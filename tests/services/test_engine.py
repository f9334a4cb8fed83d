"""Work in threads, in processes and on a cluster: the same results in the order of the jobs."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator

import pytest

from fleet_carbon import engine
from fleet_carbon.engine import PROCESSES, THREADS, Way
from fleet_carbon.errors import FleetCarbonError, InputRefused

ALONE = Way()
WAYS = [ALONE, Way(THREADS, 2), Way(PROCESSES, 2)]


def doubled(number: int) -> int:
    return 2 * number


def refuse_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_results_come_in_the_order_of_the_jobs(way: Way) -> None:
    assert list(engine.run(doubled, range(20), way=way)) == [2 * n for n in range(20)]


def test_jobs_are_drawn_as_they_are_needed_and_not_all_at_once() -> None:
    drawn: list[int] = []

    def jobs() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    results = engine.run(doubled, jobs(), way=Way(THREADS, 2))
    next(results)
    assert len(drawn) < 20
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_job_that_fails_ends_the_row_with_its_own_error(way: Way) -> None:
    results = engine.run(refuse_three, range(10), way=way)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def turn_s(_: int) -> float:
    return sys.getswitchinterval()


def test_threads_take_short_turns_and_others_get_theirs_back() -> None:
    before_s = sys.getswitchinterval()
    assert max(engine.run(turn_s, range(4), way=Way(THREADS, 2))) < before_s
    assert sys.getswitchinterval() == before_s


def end_this_process(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_worker_process_that_is_killed_is_named() -> None:
    with pytest.raises(FleetCarbonError) as refused:
        list(engine.run(end_this_process, range(4), way=Way(PROCESSES, 2)))
    assert refused.value.code == "worker_lost"


def process_of(_: int) -> int:
    return os.getpid()


def test_a_single_job_is_done_here() -> None:
    assert list(engine.run(process_of, [1], way=Way(PROCESSES, 2))) == [os.getpid()]


def test_the_default_is_a_thread_per_processor() -> None:
    assert engine.way_of(None, None) == Way(THREADS, engine.processors_count())


@pytest.mark.parametrize(
    ("scheduler", "workers", "code"),
    [
        ("magic", None, "scheduler_unknown"),
        ("http://cluster", None, "scheduler_unknown"),
        ("threads", 0, "workers_none"),
    ],
)
def test_a_way_that_is_none_is_refused(scheduler: str, workers: int | None, code: str) -> None:
    with pytest.raises(InputRefused) as refused:
        engine.way_of(scheduler, workers)
    assert refused.value.code == code


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_CONNECT_S_MAX", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputRefused) as refused:
            list(engine.run(doubled, range(2), way=engine.way_of(address, None)))
    assert refused.value.code == "scheduler_unreachable"
