"""The simulator itself: its truth is true, its seeds are kept, it knows nothing of the product."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from geopy.distance import geodesic
from numpy.random import default_rng

from simulation import faults
from simulation.building import Plan, build
from simulation.driving import Pace, Standing, cruise_speeds_ms, drive_road
from simulation.fleet import Fleet, write_table
from simulation.geodesy import step_lengths_m, wgs84_to_gcj02
from simulation.places import TOWNS
from simulation.roads import STYLES, Place, build_road
from simulation.scenarios import SCENARIOS
from simulation.tours import part_loads, shuttle_day

A = Place(115.89, 28.68)
B = Place(114.38, 27.80)
SMALL = Plan("small", trucks=2)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return build(SMALL, 4)[0]


def test_the_simulator_imports_nothing_of_the_product() -> None:
    folder = Path(__file__).resolve().parents[2] / "simulation"
    # What ships is trained on simulated drives: that script knows both sides and simulates nothing.
    for path in set(folder.glob("*.py")) - {folder / "pretraining.py"}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "fleet_carbon" for name in names), path.name


@pytest.mark.parametrize("style", STYLES)
def test_a_road_begins_and_ends_where_it_should(style: str) -> None:
    road = build_road(default_rng(1), A, B, style=style)
    assert (road.lon[0], road.lat[0]) == (A.lon, A.lat)
    assert (road.lon[-1], road.lat[-1]) == (B.lon, B.lat)
    direct_km = geodesic((A.lat, A.lon), (B.lat, B.lon)).km
    assert 1.0 < road.length_m / 1000.0 / direct_km < 1.6


@pytest.mark.parametrize("style", STYLES)
def test_the_length_of_a_road_is_that_of_the_geodesics_between_its_points(style: str) -> None:
    road = build_road(default_rng(2), A, Place(116.0, 28.75), style=style)
    points = list(zip(road.lat, road.lon, strict=True))
    by_geopy = sum(geodesic(a, b).m for a, b in pairwise(points))
    assert road.length_m == pytest.approx(by_geopy, rel=1e-6)


@pytest.mark.parametrize("style", STYLES)
def test_chords_of_half_a_kilometre_are_hardly_shorter_than_the_road(style: str) -> None:
    # A truck drives some 580 m between two fixes 30 s apart.
    shares = []
    for seed in range(8):
        road = build_road(default_rng(seed), A, B, style=style)
        marks = np.append(np.arange(0.0, road.length_m, 580.0), road.length_m)
        lon = np.interp(marks, road.along_m, road.lon)
        lat = np.interp(marks, road.along_m, road.lat)
        shares.append(step_lengths_m(lon, lat).sum() / road.length_m)
    # Streets of a town are driven more slowly, so their share is better in a trace.
    assert 0.9965 < float(np.mean(shares)) < 1.0


def test_a_drive_keeps_to_real_accelerations_and_stands_where_told() -> None:
    rng = default_rng(3)
    road = build_road(rng, A, B, style="waves")
    drive = drive_road(road, cruise_speeds_ms(rng, road, Pace()), [Standing(50_000, 1200, "break")])
    speed = np.diff(drive.along_m) / np.diff(drive.elapsed_s)
    assert speed.max() * 3.6 < 91.0
    assert np.diff(drive.elapsed_s).max() == pytest.approx(1200.0)
    assert (np.diff(drive.elapsed_s) > 0).all()
    middles = (drive.elapsed_s[1:] + drive.elapsed_s[:-1]) / 2
    assert np.abs(np.diff(speed) / np.diff(middles)).max() < 1.5


def test_the_same_seed_gives_the_same_fleet(fleet: Fleet, tmp_path: Path) -> None:
    again = build(SMALL, 4)[0]
    pd.testing.assert_frame_equal(fleet.positions, again.positions)
    pd.testing.assert_frame_equal(fleet.orders, again.orders)
    for suffix in ("parquet", "csv.gz"):
        first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
        write_table(fleet.positions, first)
        write_table(again.positions, second)
        assert first.read_bytes() == second.read_bytes()


def test_another_seed_gives_another_fleet(fleet: Fleet) -> None:
    other = build(SMALL, 5)[0]
    assert not fleet.positions["lon"].equals(other.positions["lon"])


def test_truth_adds_up(fleet: Fleet) -> None:
    truth = fleet.truth
    np.testing.assert_allclose(truth["loaded_km"] + truth["empty_km"], truth["distance_km"])
    drives = fleet.drive_truth.groupby("vehicle_id")["km"].sum()
    np.testing.assert_allclose(drives, truth["distance_km"], rtol=1e-9)
    orders = fleet.order_truth
    # One order aboard at a time here, so the work is the sum over the orders.
    work = (orders["cargo_t"] * orders["onboard_km"]).groupby(orders["vehicle_id"]).sum()
    np.testing.assert_allclose(work, truth["tkm"], rtol=1e-9)


def test_cargo_never_exceeds_the_rated_payload() -> None:
    fleet = build(Plan("heavy", tour=part_loads, trucks=2), 1)[0]
    rated = fleet.vehicles.set_index("vehicle_id")["rated_payload_t"]
    most = fleet.drive_truth.groupby("vehicle_id")["payload_t"].max()
    assert (most <= rated.loc[most.index] + 0.05).all()
    aboard = fleet.drive_truth["order_ids"].str.count(";") + 1
    assert aboard.max() >= 3


def test_fixes_lie_on_the_true_stops_within_noise(fleet: Fleet) -> None:
    stop = fleet.stop_truth.iloc[3]
    rows = fleet.positions[fleet.positions["vehicle_id"] == stop["vehicle_id"]]
    inside = rows[rows["time"].between(stop["arrived_at"], stop["departed_at"])]
    assert len(inside) > 10
    place = (stop["lat"], stop["lon"])
    off_m = [geodesic(place, pair).m for pair in zip(inside["lat"], inside["lon"], strict=True)]
    # 5 m per axis: the mean distance of a plane normal error is 5 * sqrt(pi/2) = 6.3 m.
    assert 3.0 < float(np.mean(off_m)) < 10.0


def test_a_shuttle_makes_six_to_ten_rounds_a_day_over_6_to_15_km() -> None:
    fleet = build(Plan("shuttles", tour=shuttle_day, trucks=1), 1)[0]
    loaded = fleet.drive_truth[fleet.drive_truth["payload_t"] > 0]
    assert loaded["km"].between(5.0, 17.0).all()
    days = loaded["departed_at"].dt.tz_convert("Asia/Shanghai").dt.date
    assert 5 <= days.value_counts().median() <= 11


def test_the_offset_of_gcj02_is_that_of_the_published_survey() -> None:
    # formats.md A10, measured over the mainland with other implementations: 32 to 694 m.
    lon = np.array([town[1] for town in TOWNS])
    lat = np.array([town[2] for town in TOWNS])
    there = wgs84_to_gcj02(lon, lat)
    off_m = [
        geodesic((a, b), (c, d)).m for a, b, c, d in zip(lat, lon, there[1], there[0], strict=True)
    ]
    assert min(off_m) > 32.0
    assert max(off_m) < 694.0


def test_faults_leave_the_share_of_rows_they_are_told_to(fleet: Fleet) -> None:
    rows, rng = fleet.positions, default_rng(9)
    assert len(faults.duplicate(rows, rng, 0.03)) == pytest.approx(1.03 * len(rows), abs=1)
    nulls = faults.null_island(rows, rng, 0.001)
    assert (nulls["lon"] == 0.0).sum() == round(0.001 * len(rows))
    moved = (faults.teleport(rows, rng, 0.5)["lon"] != rows["lon"]).sum()
    assert 0.0005 * len(rows) * 0.9 <= moved <= 0.0005 * len(rows) * 3
    early = faults.week_rollover(rows, rng, 3)["time"] < rows["time"].min()
    assert 3 <= early.sum() <= 12


def test_lost_padding_writes_25_000033_as_25_33() -> None:
    # The example of the real recording with this fault.
    rows = pd.DataFrame({"lon": [25.000033, 114.5], "lat": [28.000001, 28.123456]})
    spoiled = faults.lose_padding(rows)
    assert list(spoiled["lon"]) == [25.33, 114.5]
    assert list(spoiled["lat"]) == [28.1, 28.123456]


def test_every_scenario_that_the_limits_name_exists() -> None:
    named = "plain faulty gcj02 part_loads gaps short_hauls coarse_places five_minutes"
    assert set(named.split()) <= set(SCENARIOS)
