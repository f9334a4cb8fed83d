"""Stops, gaps and lengths of whole traces; and that the cutting of the stream does not matter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import Trace, TraceReader, read_trace
from tests.builders import TRACE_RULES, Truck, noisy


def stops_h(trace: Trace) -> list[float]:
    """Duration of each stop. [h]"""
    ends = trace.stops
    return [float(x) for x in (trace.time_ms[ends] - trace.time_ms[ends - 1]) / 3.6e6]


def driven_km(trace: Trace) -> float:
    return float(trace.driven_m[-1]) / 1000.0


def test_standing_with_noise_drives_nothing() -> None:
    # 8 h at 5 m noise: a naive sum of steps would drive 8.9 m x 960 = 8.5 km.
    trace = read_trace(noisy(Truck().stand(8.0).fixes(), 5.0, seed=1), TRACE_RULES)
    assert driven_km(trace) == 0.0
    assert stops_h(trace) == pytest.approx([8.0], abs=0.01)


def test_two_drives_and_a_stop_between_them() -> None:
    truck = Truck().stand(1.0).drive_to(50.0).stand(0.5).drive_to(20.0).stand(1.0)
    trace = read_trace(noisy(truck.fixes(), 5.0, seed=2), TRACE_RULES)
    assert stops_h(trace) == pytest.approx([1.0, 0.5, 1.0], abs=0.02)
    assert driven_km(trace) == pytest.approx(80.0, rel=0.002)


def test_a_traffic_light_is_no_stop() -> None:
    trace = Truck().drive_to(5.0).stand(0.04).drive_to(10.0).trace()  # 144 s
    assert stops_h(trace) == []
    assert len(trace.halts) == 1
    assert driven_km(trace) == pytest.approx(10.0, abs=0.05)


@pytest.mark.parametrize(("waits_s", "stops_count"), [(150, 0), (180, 0), (210, 1)])
def test_a_truck_that_rolls_up_waits_and_rolls_on_stops_if_it_stands_longer_than_3_minutes(
    waits_s: float, stops_count: int
) -> None:
    # At 6 km/h it rolls 50 m from fix to fix: one more on either side lies within 75 m of where it
    # waits, so that even the shortest wait is 210 s from the first fix in that radius to the last.
    truck = Truck().drive_to(5.0).drive_to(5.1, 6.0).stand(waits_s / 3600)
    trace = truck.drive_to(5.2, 6.0).drive_to(10.0).trace()
    assert len(trace.stops) == stops_count
    # What is no stop is driven, but for the pieces within 75 m of one.
    assert driven_km(trace) == pytest.approx(10.0, abs=0.01 if stops_count == 0 else 0.05)
    assert len(trace.halts) == 1 - stops_count


@pytest.mark.parametrize("to_m", [20, 40, 60])
def test_a_truck_that_shunts_in_a_yard_makes_one_stop(to_m: int) -> None:
    truck = Truck().drive_to(5.0).stand(1 / 6).drive_to(5.0 + to_m / 1000, 7.2).stand(1 / 6)
    trace = truck.drive_to(5.0, 7.2).stand(1 / 6).drive_to(10.0).trace()
    # Three times 10 min, and a minute of shunting at most.
    assert stops_h(trace) == pytest.approx([0.5], abs=0.03)


@pytest.mark.parametrize("sigma_m", [5.0, 10.0, 15.0])
@pytest.mark.parametrize("step_s", [30.0, 300.0])
def test_the_drift_of_a_parked_receiver_ends_no_stop(sigma_m: float, step_s: float) -> None:
    # Errors that fade in five minutes: a Gauss-Markov process, which is how receivers drift.
    fixes = Truck(step_s=step_s).stand(8.0).fixes()
    random, kept = np.random.default_rng(4), np.exp(-step_s / 300.0)
    off_m = random.normal(0.0, sigma_m, (len(fixes), 2))
    for k in range(1, len(fixes)):
        off_m[k] = kept * off_m[k - 1] + np.sqrt(1.0 - kept**2) * off_m[k]
    lon = fixes.lon_udeg + np.round(off_m[:, 0] / 0.0964862).astype(np.int32)
    lat = fixes.lat_udeg + np.round(off_m[:, 1] / 0.1108525).astype(np.int32)
    trace = read_trace(Fixes(fixes.time_ms, lon, lat), TRACE_RULES)
    assert stops_h(trace) == pytest.approx([8.0], abs=0.01)
    assert driven_km(trace) == 0.0


def test_two_fixes_five_minutes_apart_in_one_place_are_a_stop() -> None:
    trace = Truck(step_s=300.0).drive_to(50.0).stand(1 / 12).drive_to(100.0).trace()
    assert stops_h(trace) == pytest.approx([1 / 12])


def test_a_silence_in_one_place_is_standing() -> None:
    trace = Truck().drive_to(10.0).stand(0.1).silent(9.0).stand(0.1).drive_to(20.0).trace()
    assert stops_h(trace) == pytest.approx([9.2], abs=0.02)
    assert len(trace.gaps) == 0


def test_a_silence_in_one_place_is_a_drive_if_the_odometer_says_so() -> None:
    truck = Truck().stand(1.0).silent(2.0).stand(1.0)
    frame = truck.frame()
    odometer = np.where(frame["time_ms"] < frame["time_ms"].iloc[0] + 2 * 3.6e6, 1000.0, 1080.0)
    trace = truck.trace(odometer_km=odometer)
    assert len(trace.gaps) == 1
    assert driven_km(trace) == pytest.approx(80.0, abs=0.1)
    assert trace.imputed_m[-1] / 1000 == pytest.approx(80.0, abs=0.1)


def test_a_gap_takes_the_odometer_before_any_guess() -> None:
    truck = Truck().drive_to(40.0).silent(0.5, 70.0).drive_to(100.0)
    frame = truck.frame()
    km = (frame["lon_udeg"] - frame["lon_udeg"].iloc[0]) * 0.0964862 / 1000.0
    odometer = 5000.0 + km + np.where(km > 69.0, 6.0, 0.0)  # the road in the gap winds
    trace = truck.trace(odometer_km=odometer)
    assert trace.imputed_m[-1] / 1000 == pytest.approx(
        36.5, abs=0.1
    )  # 39.5 km to 70 km, and 6 km more
    assert driven_km(trace) == pytest.approx(106.0, abs=0.1)


def test_a_gap_without_odometer_takes_the_circuity_of_the_trucks_own_drives() -> None:
    # All its drives were straight, so the gap of 30 km is 30 km and not the edition's 1.3 x 30.
    trace = Truck().drive_to(100.0).silent(0.5, 130.0).drive_to(200.0).trace()
    assert trace.imputed_m[-1] / 1000 == pytest.approx(30.5, abs=0.6)
    assert driven_km(trace) == pytest.approx(200.0, abs=0.2)


def test_a_gap_of_a_truck_never_seen_driving_takes_the_editions_circuity() -> None:
    trace = Truck().stand(1.0).silent(1.0, 30.0).stand(1.0).trace()
    assert driven_km(trace) == pytest.approx(1.3 * 30.0, abs=0.3)


def circle(radius_km: float, step_s: float) -> Fixes:
    """One lap at 60 km/h on a circle."""
    length_km = 2 * np.pi * radius_km
    truck = Truck(step_s=step_s).drive_to(length_km)
    fixes = truck.fixes()
    angle = np.linspace(0, 2 * np.pi, len(fixes))
    return Fixes(
        fixes.time_ms,
        fixes.lon_udeg[0] + np.round(radius_km * 1e3 * np.sin(angle) / 0.0964862).astype(np.int32),
        30_000_000 + np.round(radius_km * 1e3 * (1 - np.cos(angle)) / 0.1108525).astype(np.int32),
        *(getattr(fixes, name) for name in list(vars(fixes))[3:]),
    )


def test_sparse_fixes_on_a_curve_do_not_cut_it_short() -> None:
    # 5 km radius, a fix each 2.5 km: chords alone lose (s/R)^2/24 = 1.04 % (Gauss' deficit).
    fixes = circle(5.0, 150.0)
    trace = read_trace(fixes, TRACE_RULES)
    assert driven_km(trace) == pytest.approx(2 * np.pi * 5.0, rel=0.004)


BUSY = (
    Truck()
    .stand(0.3)
    .drive_to(12.0)
    .stand(0.05)
    .drive_to(20.0)
    .stand(0.4)
    .silent(0.6, 35.0)
    .drive_to(30.0)
    .silent(1.0)
    .stand(0.2)
    .drive_to(36.0)
)


def spoilt(seed: int) -> Fixes:
    """The busy truck with noise, duplicates, conflicts and teleports."""
    fixes = noisy(BUSY.fixes(), 6.0, seed)
    random = np.random.default_rng(seed)
    rows = np.sort(np.concatenate([np.arange(len(fixes)), random.integers(0, len(fixes), 12)]))
    fixes = fixes.take(rows)
    lon = fixes.lon_udeg.copy()
    lon[random.integers(0, len(lon), 5)] += 3_000_000
    lon[random.integers(0, len(lon), 4)] = 0
    return Fixes(fixes.time_ms, lon, *(getattr(fixes, n) for n in list(vars(fixes))[2:]))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 5),
    cuts=st.lists(st.integers(0, 420), max_size=12),
)
def test_any_cutting_of_the_stream_gives_the_same_trace(seed: int, cuts: list[int]) -> None:
    fixes = spoilt(seed)
    whole = read_trace(fixes, TRACE_RULES)
    borders = [0, *sorted(min(c, len(fixes)) for c in cuts), len(fixes)]
    reader = TraceReader(TRACE_RULES)
    for first, last in pairwise(borders):
        reader.feed(fixes.take(slice(first, last)), is_last=False)
    reader.feed(fixes.take(slice(len(fixes), None)), is_last=True)
    pieces = reader.finish()
    for name in ("time_ms", "lon_udeg", "lat_udeg", "link", "driven_m", "imputed_m", "halts"):
        assert np.array_equal(getattr(whole, name), getattr(pieces, name)), name
    assert whole.dropped == pieces.dropped
    assert len(fixes) == len(whole.kept) + sum(whole.dropped.values())


def test_every_fix_is_kept_or_dropped_by_a_reason() -> None:
    fixes = spoilt(7)
    trace = read_trace(fixes, TRACE_RULES)
    assert set(trace.dropped) >= {"duplicate", "teleport"}
    assert len(fixes) == len(trace.kept) + sum(trace.dropped.values())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_trace_of_hardly_any_fixes_is_no_error(count: int) -> None:
    trace = read_trace(Truck().drive_to(5.0).fixes().take(slice(0, count)), TRACE_RULES)
    assert len(trace.time_ms) <= count


def weaving(step_s: float, *, speed_kmh: float | None) -> Fixes:
    """60 h of driving at 60 km/h on a road that winds: 4 % longer than the line of its fixes."""
    truck = Truck(step_s=step_s).drive_to(3600.0 / 1.04, 60.0 / 1.04)
    return truck.fixes() if speed_kmh is None else truck.fixes(speed_kmh=speed_kmh)


def test_sparse_fixes_are_scaled_to_the_stated_speed() -> None:
    # 60 km/h for 60 h is 3,600 km; the fixes five minutes apart show 3,461.5 km.
    assert driven_km(read_trace(weaving(300.0, speed_kmh=60.0), TRACE_RULES)) == pytest.approx(
        3600.0, rel=0.001
    )


def test_dense_fixes_are_believed_before_the_stated_speed() -> None:
    dense = read_trace(weaving(30.0, speed_kmh=60.0), TRACE_RULES)
    assert driven_km(dense) == pytest.approx(3461.5, rel=0.001)


@pytest.mark.parametrize("speed_kmh", [None, 50.0, 90.0])
def test_a_speed_that_bends_cannot_explain_scales_nothing(speed_kmh: float | None) -> None:
    trace = read_trace(weaving(300.0, speed_kmh=speed_kmh), TRACE_RULES)
    assert driven_km(trace) == pytest.approx(3461.5, rel=0.001)
