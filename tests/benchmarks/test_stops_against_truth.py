"""Stops and kilometres of a fleet whose truth is known."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from benchmarks.agreement import StopScore, score_stops
from benchmarks.generator import COLUMNS, FleetPlan, TruckMonth, fleet
from benchmarks.peers.with_our_traces import fixes_of, rules_on, stops_of, with_speed
from fleet_carbon.traces.trace import Trace, read_trace

Read = list[tuple[TruckMonth, Trace]]


@pytest.fixture(scope="module")
def read() -> Read:
    rules = rules_on(date(2026, 9, 30))
    return [
        (
            truck,
            read_trace(fixes_of(with_speed({name: truck.fixes[name] for name in COLUMNS})), rules),
        )
        for truck in fleet(FleetPlan(12))
    ]


def test_stops_are_found_with_an_f1_of_at_least_099(read: Read) -> None:
    score = StopScore()
    for truck, trace in read:
        score += score_stops(truck.stops, pd.DataFrame(stops_of(trace)))
    assert score.f1 >= 0.99, score


def test_a_gap_in_which_the_truck_drove_is_never_part_of_a_stop(read: Read) -> None:
    driven_count = 0
    for truck, trace in read:
        found = pd.DataFrame(stops_of(trace))
        for gap in truck.gaps[truck.gaps["distance_km"] > 1.0].itertuples():
            driven_count += 1
            over = found[
                (found["arrive_ms"] <= gap.before_ms) & (found["depart_ms"] >= gap.after_ms)
            ]
            assert over.empty, (truck.vehicle_id, gap)
    # About 25 gaps a truck, of which the truck drives in a quarter.
    assert driven_count > 12


def test_kilometres_are_within_one_percent_of_the_truth(read: Read) -> None:
    km = pd.DataFrame(
        [(truck.distance_km, float(trace.driven_m[-1]) / 1000.0) for truck, trace in read],
        columns=["true", "found"],
    )
    assert km["found"].sum() == pytest.approx(km["true"].sum(), rel=0.01)
    assert (km["found"] / km["true"] - 1.0).abs().max() < 0.02
