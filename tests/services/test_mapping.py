"""The way of a truck on the map: what is thinned away, what never is, where lines end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from shapely import LineString, Point

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.closing import close_month
from fleet_carbon.services.ingesting import ingest_files
from fleet_carbon.services.mapping import (
    _thinned,
    month_on_map,
    province_outlines,
    vehicle_track,
)
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import LON, MONTH, NORTH_LAT, SOUTH_LAT, TinyFleet, shuttle

# Equator, tiles of 512 pixels: 40,075,016.686 m / 512 / 2^10 = 76.4 m a pixel at zoom 10.
PIXEL_AT_10_M = 76.437
M_PER_DEG = 111_319.49


def closed_home(tmp_path: Path, fleet: TinyFleet) -> Settings:
    """The tiny fleet with its month closed."""
    settings = Settings(home=tmp_path / "home")
    for kind, path in fleet.write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    return settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return closed_home(tmp_path_factory.mktemp("map"), TinyFleet())


def lines(settings: Settings, kind: str) -> list[dict[str, object]]:
    """The features of a kind."""
    found = vehicle_track(settings, "V1", MONTH).features
    return [one for one in found if one["properties"]["kind"] == kind]


def test_thinning_keeps_the_ends_and_every_corner_of_a_pixel() -> None:
    lon = np.linspace(0.0, 1.0, 101)
    lat = np.zeros(101)
    lat[50] = 1.01 * PIXEL_AT_10_M / M_PER_DEG
    assert _thinned(lon, lat, 10.0).tolist()[0] == 0
    assert _thinned(lon, lat, 10.0).tolist()[-1] == 100
    assert 50 in _thinned(lon, lat, 10.0).tolist()
    lat[50] = 0.99 * PIXEL_AT_10_M / M_PER_DEG
    assert _thinned(lon, lat, 10.0).tolist() == [0, 100]
    assert 50 in _thinned(lon, lat, 11.0).tolist()  # half as many metres a pixel


def test_no_fix_is_farther_than_a_pixel_from_the_line_shown() -> None:
    generator = np.random.default_rng(7)
    lon = np.cumsum(generator.normal(0, 1e-4, 2000))
    lat = np.cumsum(generator.normal(0, 1e-4, 2000))
    rows = _thinned(lon, lat, 10.0)
    assert len(rows) < 1000
    shown = LineString(np.column_stack((lon[rows], lat[rows])))
    far_deg = max(shown.distance(Point(x, y)) for x, y in zip(lon, lat, strict=True))
    assert far_deg * M_PER_DEG <= PIXEL_AT_10_M * 1.001


def test_a_straight_drive_is_two_corners_with_their_moments(settings: Settings) -> None:
    drives = [one for one in lines(settings, "leg") if one["properties"]["distance_km"] > 1]  # type: ignore[index]
    # Drives 0 and 2 go north with cargo, drive 1 comes back empty: tiny_fleet.
    states = [one["properties"]["state"] for one in drives]  # type: ignore[index]
    assert states == ["loaded", "empty", "loaded"]
    for one in drives:
        properties, corners = one["properties"], one["geometry"]["coordinates"]  # type: ignore[index]
        assert len(corners) == len(properties["times_s"]) <= 4
        assert properties["times_s"] == sorted(properties["times_s"])
        assert {corner[0] for corner in corners} == {LON}
        # The ends of the drive, to 500 m: a fix every 30 s at 60 km/h.
        lats = sorted(corner[1] for corner in corners)
        assert lats[0] == pytest.approx(SOUTH_LAT, abs=0.005)
        assert lats[-1] == pytest.approx(NORTH_LAT, abs=0.005)


def test_stops_are_where_the_legs_end(settings: Settings) -> None:
    ends = [(leg["to_lon"], leg["to_lat"]) for leg in month_on_map(settings, MONTH, "V1").legs]
    shown = [one["geometry"]["coordinates"] for one in lines(settings, "stop")]  # type: ignore[index]
    assert shown == [pytest.approx(end, abs=1e-5) for end in ends]


def test_a_gap_splits_the_line_and_is_told_as_one(tmp_path: Path) -> None:
    rows = shuttle(3)
    # Half an hour of the first drive, which takes 55 minutes, is missing.
    began = next(i for i, row in enumerate(rows) if row["lat"] > SOUTH_LAT)  # type: ignore[operator]
    del rows[began + 20 : began + 80]
    settings = closed_home(tmp_path, TinyFleet(positions=rows))
    gaps = lines(settings, "gap")
    assert len(gaps) == 1
    times_s = gaps[0]["properties"]["times_s"]  # type: ignore[index]
    assert times_s[1] - times_s[0] == 61 * 30
    for one in lines(settings, "leg"):
        inside = [at for at in one["properties"]["times_s"] if times_s[0] < at < times_s[1]]  # type: ignore[index]
        assert inside == []
        held = one["properties"]["times_s"]  # type: ignore[index]
        assert not held[0] <= times_s[0] < times_s[1] <= held[-1]


def test_what_is_not_there_is_refused(settings: Settings) -> None:
    with pytest.raises(NotFound, match="V9"):
        vehicle_track(settings, "V9", MONTH)
    with pytest.raises(NotFound):
        vehicle_track(settings, "V1", "2025-04")
    with pytest.raises(InputRefused):
        vehicle_track(settings, "V1", MONTH, zoom_level=21)


def test_the_outlines_are_those_of_34_provinces_and_light() -> None:
    outlines = json.loads(province_outlines())
    places = {feature["properties"]["place"] for feature in outlines["features"]}
    assert places == set(range(34))
    assert len(province_outlines()) < 700_000
