"""Work in one process or in several: the same results in the order of the jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fleet_carbon import engine


def doubled(number: int) -> int:
    return 2 * number


def refuse_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    assert list(engine.run(doubled, range(20), workers=workers)) == [2 * n for n in range(20)]


def test_jobs_are_drawn_as_they_are_needed_and_not_all_at_once() -> None:
    drawn: list[int] = []

    def jobs() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    results = engine.run(doubled, jobs(), workers=2)
    next(results)
    assert len(drawn) < 20
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_fails_ends_the_row_with_its_own_error(workers: int) -> None:
    results = engine.run(refuse_three, range(10), workers=workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_few_vehicles_are_worked_in_this_process() -> None:
    assert engine.workers_for(engine.VEHICLES_WORTH_A_PROCESS - 1) == 1
    assert engine.workers_for(0) == 1
