"""The yardsticks of the benchmarks, on cases that are counted by hand."""

from __future__ import annotations

import xml.etree.ElementTree

import pandas as pd
import pytest

from benchmarks.agreement import StopScore, km_errors, score_stops
from benchmarks.billion import calculation
from benchmarks.chart import Line, log_log_chart

MINUTE_MS = 60_000


def stops(*rows: tuple[float, float, float]) -> pd.DataFrame:
    """Stops from minute to minute, so many metres north of one place."""
    return pd.DataFrame(
        [(int(a * MINUTE_MS), int(d * MINUTE_MS), 110.0, 30.0 + m / 111_000.0) for a, d, m in rows],
        columns=["arrive_ms", "depart_ms", "lon", "lat"],
    )


def test_a_stop_covered_by_half_or_less_is_missed() -> None:
    assert score_stops(stops((0, 60, 0)), stops((30, 90, 0))) == StopScore(1, 1, 0)
    assert score_stops(stops((0, 60, 0)), stops((29, 90, 0))) == StopScore(1, 1, 1)


def test_a_stop_in_another_place_is_missed() -> None:
    assert score_stops(stops((0, 60, 0)), stops((0, 60, 200))) == StopScore(1, 1, 0)
    assert score_stops(stops((0, 60, 0)), stops((0, 60, 100))) == StopScore(1, 1, 1)


def test_one_found_stop_over_two_true_ones_is_right_once() -> None:
    score = score_stops(stops((0, 60, 0), (70, 130, 0)), stops((0, 130, 0)))
    assert score == StopScore(2, 1, 1)
    # 2 x 1 / (2 + 1)
    assert score.f1 == pytest.approx(2 / 3)
    assert (score.precision, score.recall) == (1.0, 0.5)


def test_errors_in_km_are_of_the_sum_and_of_the_trucks() -> None:
    true, found = pd.Series({"a": 100.0, "b": 300.0}), pd.Series({"b": 306.0, "a": 98.0})
    errors = km_errors(true, found)
    # 404 / 400 is 1 % more; each truck is 2 % off.
    assert errors["km_error_percent"] == pytest.approx(1.0)
    assert errors["km_error_percent_p95"] == pytest.approx(2.0)


def test_a_rate_of_forty_million_does_the_day_in_ten_minutes() -> None:
    one, store, ten, year = calculation(40e6, 4.0)
    assert "600 s = 10.0 minutes" in one
    assert "96 GB" in store
    assert "160 MB/s" in store
    assert "1.0 minutes" in ten
    # 365 x 10 minutes = 60.8 hours.
    assert "60.8 hours" in year


def test_the_chart_is_well_formed_and_a_tenfold_is_as_far_everywhere() -> None:
    svg = log_log_chart("a < b", "fixes", "seconds", [Line("one", ((1e6, 1.0), (1e8, 100.0)))])
    root = xml.etree.ElementTree.fromstring(svg)
    points = root.find("{http://www.w3.org/2000/svg}polyline")
    assert points is not None
    (x1, y1), (x2, y2) = (map(float, pair.split(",")) for pair in points.attrib["points"].split())
    grid = [line.attrib for line in root.findall("{http://www.w3.org/2000/svg}line")]
    upright = sorted({float(line["x1"]) for line in grid if line["x1"] == line["x2"]})
    assert (x1, x2) == (upright[0], upright[-1])
    assert y2 < y1
