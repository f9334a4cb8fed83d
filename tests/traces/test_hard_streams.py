"""Streams that no truck sends: they cost no more per fix, and every fix is accounted for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest

from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import Trace, TraceReader, read_trace
from tests.builders import LAT_UDEG, LON_UDEG, TRACE_RULES, Truck


def stream(
    time_ms: np.ndarray, lon_udeg: np.ndarray | int, speed_kmh: np.ndarray | None = None
) -> Fixes:
    """Fixes on the parallel of 30 degrees north."""
    shape = np.zeros(len(time_ms), dtype=np.int64)
    plain = {"time_ms": time_ms, "lon_udeg": shape + lon_udeg, "lat_udeg": shape + LAT_UDEG}
    return Fixes.from_columns(plain if speed_kmh is None else {**plain, "speed_kmh": speed_kmh})


def at_one_place(count: int) -> Fixes:
    return stream(np.arange(count) * 30_000, LON_UDEG)


def at_one_moment(count: int) -> Fixes:
    return stream(np.zeros(count, dtype=np.int64), LON_UDEG + np.arange(count))


def thrown_to_and_fro(count: int) -> Fixes:
    return stream(np.arange(count) * 30_000, LON_UDEG + 20_000_000 * (np.arange(count) % 2))


def all_gaps(count: int) -> Fixes:
    # Every tenth silence lasts longer than the gap limit, each another time.
    step_ms = np.where(np.arange(count) % 10 == 0, 1_000_000 + np.arange(count), 30_000)
    return stream(np.cumsum(step_ms), LON_UDEG + 3000 * np.arange(count) % 60_000_000)


def creeping(count: int) -> Fixes:
    return stream(np.arange(count) * 1000, LON_UDEG + 20 * np.arange(count) % 60_000_000)


HARD = [at_one_place, at_one_moment, thrown_to_and_fro, all_gaps, creeping]


@pytest.mark.parametrize("hard", HARD)
def test_every_fix_of_a_hard_stream_is_kept_or_dropped(hard: Callable[[int], Fixes]) -> None:
    fixes = hard(3000)
    trace = read_trace(fixes, TRACE_RULES)
    assert len(fixes) == len(trace.kept) + sum(trace.dropped.values())


@pytest.mark.slow
@pytest.mark.parametrize("hard", HARD)
def test_the_cost_of_a_hard_stream_grows_linearly(hard: Callable[[int], Fixes]) -> None:
    def seconds(count: int) -> float:
        fixes, best = hard(count), float("inf")
        for _ in range(3):
            began = time.thread_time()
            read_trace(fixes, TRACE_RULES)
            best = min(best, time.thread_time() - began)
        return best

    seconds(1000)
    # Ten times the fixes: quadratic would be 100 times the time, a busy machine at most 3.
    assert seconds(600_000) < 35.0 * seconds(60_000)


def test_a_stop_on_the_date_line_is_one_stop() -> None:
    # Noise of 10 m to both sides of 180 degrees.
    count = 60
    lon = np.where(np.arange(count) % 2 == 0, 179_999_900, -179_999_900)
    trace = read_trace(stream(np.arange(count) * 30_000, lon), TRACE_RULES)
    assert len(trace.stops) == 1
    assert trace.driven_m[-1] == 0.0
    assert abs(abs(trace.lon_udeg[0]) - 180e6) < 100.0


def test_a_road_that_goes_straight_back_has_no_bend() -> None:
    # 20 km out and back in steps of 500 m: the turn of 180 degrees divides zero by zero.
    km = np.concatenate([np.arange(41), np.arange(39, -1, -1)]) * 0.5
    lon = LON_UDEG + np.round(km * 1000 / 0.0964862).astype(np.int64)
    trace = read_trace(stream(np.arange(len(km)) * 40_000, lon), TRACE_RULES)
    assert trace.driven_m[-1] / 1000 == pytest.approx(40.0, rel=1e-4)


def test_a_clock_that_runs_backwards_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="in order of time"):
        read_trace(stream(np.array([2000, 1000]), LON_UDEG), TRACE_RULES)
    reader = TraceReader(TRACE_RULES)
    reader.feed(stream(np.array([2000]), LON_UDEG))
    with pytest.raises(ValueError, match="in order of time"):
        reader.feed(stream(np.array([1000]), LON_UDEG), is_last=True)


def test_fixes_given_read_only_are_read_like_others() -> None:
    fixes = Truck().stand(0.5).drive_to(20.0).fixes()
    columns = {name: column.copy() for name, column in vars(fixes).items() if column is not None}
    for column in columns.values():
        column.flags.writeable = False
    sealed: Trace = read_trace(Fixes.from_columns(columns), TRACE_RULES)
    assert sealed.driven_m[-1] == read_trace(fixes, TRACE_RULES).driven_m[-1]


COMPILES_NOTHING = """
import numpy as np
from fleet_carbon.traces import warming
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.lookouts import Lookouts, LookoutRules, look_out
from fleet_carbon.traces.trace import TraceReader, read_trace
from tests.builders import TRACE_RULES, Truck
from tests.traces.test_trace import spoilt
warming.warm()
before = {id(kernel): len(kernel.signatures) for kernel, _ in warming.KERNELS}
truck = Truck(step_s=300.0).drive_to(3000.0).silent(0.5, 3030.0).drive_to(3100.0)
count = len(truck.rows) + 1
read_trace(truck.fixes(speed_kmh=60.0, accuracy_m=5.0, odometer_km=np.arange(count)), TRACE_RULES)
fixes = spoilt(3)
read_trace(fixes, TRACE_RULES)
reader = TraceReader(TRACE_RULES)
reader.feed(fixes.take(slice(0, 100)))
reader.feed(fixes.take(slice(100, None)), is_last=True)
trace = reader.finish()
one = np.zeros(1, np.int64)
look_out(trace, Lookouts(one, one, one, np.zeros(1), np.zeros(1)), LookoutRules(600, 60))
more = [k.__name__ for k, _ in warming.KERNELS if len(k.signatures) != before[id(k)]]
assert more == [], more
"""


def test_once_warm_nothing_is_compiled_any_more() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPILES_NOTHING], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
